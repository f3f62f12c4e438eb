import type { Sql } from '../platform/database.js'

/** What is neither backed up nor restored, and why; every other table of the schema is. */
export const excluded: Readonly<Record<string, string>> = {
  migrations: 'a restore makes the tables by them, and so writes it itself',
  lease: 'says which process runs the engine now: state of running processes, not of the ledger',
}

/** Filled by the migrations themselves: an empty ledger has rows in these, too. */
export const seeded = ['books', 'account_kinds', 'legal_transfers']

export interface Table {
  readonly name: string
  /** Without those that are computed from others. */
  readonly columns: readonly string[]
}

/** The tables of the ledger as the database has them, those that others refer to first. */
export async function ledgerTables(sql: Sql): Promise<Table[]> {
  const tables = await sql<(Table & { refers: string[] })[]>`
    select c.relname as name,
           (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
           array(select r.relname::text from pg_constraint k join pg_class r on r.oid = k.confrelid
                 where k.conrelid = c.oid and k.contype = 'f' and k.confrelid <> c.oid) as refers
    from pg_class c
    where c.relnamespace = 'clearing'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and c.relname::text <> all (${Object.keys(excluded)})
    order by c.relname`
  const ordered: Table[] = []
  const left = new Map(tables.map((table) => [table.name, table]))
  while (left.size > 0) {
    const next = [...left.values()].find(({ refers }) => !refers.some((other) => left.has(other)))
    if (!next) throw new Error(`tables that refer to each other in a circle: ${[...left.keys()].join(', ')}`)
    ordered.push({ name: next.name, columns: next.columns })
    left.delete(next.name)
  }
  return ordered
}
