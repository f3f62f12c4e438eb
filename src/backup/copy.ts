import type { Sql } from '../platform/database.js'

const quoted = (name: string) => `"${name}"`

/** A table with its columns, as `copy` names it. */
export const tableText = ({ name, columns }: { readonly name: string; readonly columns: readonly string[] }) =>
  `clearing.${quoted(name)} (${columns.map(quoted).join(', ')})`

/** What PostgreSQL copies out of a table or a query, as blocks of its text format. */
export async function* copyOut(sql: Sql, what: string): AsyncGenerator<Buffer> {
  const rows = await sql.unsafe(`copy ${what} to stdout`).readable()
  yield* rows
  // For a slow reader the driver stops listening, and does not start again by itself when that was the last block.
  rows._read(0)
}

/** Fills a table with blocks of PostgreSQL's text format. The connection must be in a transaction that truncated it. */
export async function copyIn(sql: Sql, table: string, blocks: AsyncIterable<Buffer>): Promise<void> {
  // `freeze` is refused outside of that transaction: on a connection that silently came anew nothing is written.
  const into = await sql.unsafe(`copy ${table} from stdin (freeze)`).writable()
  const refused = new Promise<never>((_, reject) => into.on('error', reject))
  refused.catch(() => {})
  try {
    for await (const block of blocks) {
      const written = new Promise<void>((resolve) => into.write(block, () => resolve()))
      await Promise.race([written, refused])
    }
  } catch (error) {
    into.destroy(error as Error)
    throw error
  }
  into.end()
  // When the last rows are refused the driver never says so, but then this fails: their transaction is broken.
  await Promise.race([sql`select`, refused]).catch((error: { code?: string }) => {
    throw error.code === '25P02' ? new Error(`PostgreSQL refused rows of ${table}: its log says why`) : error
  })
}
