import postgres from 'postgres'
import type { Sql } from './database.js'

/** One moment of the database, read over a connection of its own. */
export interface Snapshot {
  readonly sql: Sql
  /** Throws when the connection was lost on the way: what was read since would be of another moment. */
  check(): Promise<void>
  close(): Promise<void>
}

/** A connection of its own to where `client` is connected to, which the driver does not renew after a while. */
export const lasting = (client: Sql): Sql =>
  postgres({ ...(client.options as object), max: 1, max_lifetime: null }) as unknown as Sql

/**
 * Opens a read-only transaction in which everything is of one moment, with these settings, where `client` is connected
 * to. It is made of plain statements: nothing is written, so the driver's weakness with dropped connections cannot
 * hurt, and a transaction that was lost is noticed by `check`. (On a reserved connection that drops, the driver ends
 * the process.)
 */
export async function openSnapshot(client: Sql, settings: Readonly<Record<string, string>> = {}): Promise<Snapshot> {
  const sql = lasting(client)
  const close = () => sql.end({ timeout: 5 })
  try {
    await sql.unsafe('begin transaction isolation level repeatable read, read only')
    for (const [name, value] of Object.entries(settings)) await sql.unsafe(`set local ${name} = '${value}'`)
    const began = await beginning(sql)
    return {
      sql,
      async check() {
        if ((await beginning(sql)) !== began) throw new Error('the connection to the database was lost: run it again')
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Where and when the transaction that is open began: another one means another moment. */
async function beginning(sql: Sql): Promise<string> {
  const [row] = await sql<{ began: string }[]>`select pg_backend_pid() || ' ' || now() as began`
  return row!.began
}
