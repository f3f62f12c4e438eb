/** Replays a ledger's log through the rules, and compares what comes out with what the database says. */
import { isDeepStrictEqual } from 'node:util'
import { applications } from '../../src/applications/facts.js'
import { commandTypes } from '../../src/commands.js'
import type { Day } from '../../src/core/time.js'
import { accounts, type Hold, holds } from '../../src/ledger/accounts.js'
import type { Fact, FactKind } from '../../src/ledger/fact.js'
import { orders } from '../../src/orders/facts.js'
import type { Sql } from '../../src/platform/database.js'
import { periods } from '../../src/settlement/facts.js'
import { grants, vouchers } from '../../src/vouchers/facts.js'
import { keysInUse, whatIsOff } from './books.js'
import { Memory } from './memory.js'

/** A command of a log. */
export interface Row {
  book: number
  seq: number
  entry: number | null
  kind: string
  day: Day
  moment: number
  subject: string
  organisation: string
  body: unknown
  event: unknown
  rests: Record<string, number>
}

/** Replays the whole log of a database; throws when it contradicts itself or a rule. */
export async function replayLog(sql: Sql): Promise<Memory> {
  return replayRows(
    await sql<Row[]>`
      select book, seq::int, entry::int, kind, day, (extract(epoch from booked_at) * 1000)::float8 as moment, subject,
             organisation, body, event, rests from commands join actors using (actor) order by book, seq`,
  )
}

/**
 * Replays a log, each book in the order of its numbers, in an order that every command's `rests` allows: each command
 * while the books it rests on stand exactly where they stood. Throws when there is no such order, or a rule says
 * otherwise.
 */
export async function replayRows(rows: readonly Row[]): Promise<Memory> {
  const memory = new Memory()
  const queues = new Map<number, Row[]>()
  // How many commands still want a book to stand at a number.
  const readers = new Map<number, number>()
  for (const row of rows) {
    const queue = queues.get(row.book)
    if (queue) queue.push(row)
    else queues.set(row.book, [row])
    for (const [book, seq] of versions(row)) readers.set(at(book, seq), (readers.get(at(book, seq)) ?? 0) + 1)
  }
  const heads = new Map<number, number>()
  const headOf = (book: number) => heads.get(book) ?? 0
  for (let left = rows.length; left > 0; ) {
    const before = left
    for (const [book, queue] of queues) {
      for (let head = headOf(book); head < queue.length; heads.set(book, ++head)) {
        const row = queue[head]!
        if (row.seq !== head + 1) throw new Error(`book ${book} has no command ${head + 1}`)
        const rests = versions(row)
        if (readers.get(at(book, head)) || !rests.every(([other, seq]) => headOf(other) === seq)) break
        await replayRow(memory, row)
        for (const [other, seq] of rests) readers.set(at(other, seq), readers.get(at(other, seq))! - 1)
        left--
      }
    }
    if (left === before) throw new Error('the log contradicts itself: no command can come next')
  }
  return memory
}

/** A version of a book as one number. */
const at = (book: number, seq: number) => book * 2 ** 33 + seq
const versions = ({ rests }: Row) => Object.keys(rests).map((book) => [Number(book), rests[book]!] as const)

async function replayRow(memory: Memory, row: Row): Promise<void> {
  const type = commandTypes.get(row.kind)
  if (!type) throw new Error(`no command ${row.kind}`)
  const actor = { subject: row.subject, organisation: row.organisation, roles: [] }
  const command = type.schema.parse(row.body)
  const { booking, event } = await memory.replay({ type, command }, actor, row.moment, row.day)
  const { book, seq, entry, moment } = booking
  const isSameBooking = book === row.book && seq === row.seq && entry === row.entry && moment === row.moment
  if (!isSameBooking || !isSame(event, row.event)) {
    throw new Error(`${row.kind} ${row.book}-${row.seq} was answered otherwise`)
  }
}

/**
 * Everything that must be true of a database that any number of engines have written to: numbers without gaps,
 * balances and holds re-added from the entries, the log replayed through the rules to the same rows. Throws what is off.
 */
export async function proveLedger(sql: Sql): Promise<Memory> {
  const [gap] = await sql<{ book: number }[]>`
    select b.book from books b
    left join (select book, count(*) as n, count(entry) as e, max(seq) as seq, max(entry) as entry
               from commands group by book) c on c.book = b.book
    where b.seq <> coalesce(c.n, 0) or b.seq <> coalesce(c.seq, 0)
       or b.entries <> coalesce(c.e, 0) or b.entries <> coalesce(c.entry, 0) limit 1`
  if (gap) throw new Error(`book ${gap.book} has a gap`)
  const [backwards] = await sql<{ book: number }[]>`
    select book from (select book, booked_at < lag(booked_at) over (partition by book order by seq) as wrong
                      from commands) c where wrong limit 1`
  if (backwards) throw new Error(`time runs backwards in book ${backwards.book}`)
  const [unbalanced] = await sql<{ book: number; account: number }[]>`
    with sums as materialized (
      select b.book, s.* from books b cross join lateral balances_as_of(b.book, b.entries) s where b.seq > 0)
    select a.book, a.account from accounts a left join sums s on s.book = a.book and s.account = a.account
    where a.posted <> coalesce(s.posted, 0) or a.held <> coalesce(s.held, 0) limit 1`
  if (unbalanced)
    throw new Error(`account ${unbalanced.account} of book ${unbalanced.book} is not what its entries say`)

  const memory = await replayLog(sql)
  const off = whatIsOff(memory)
  if (off) throw new Error(off)
  await proveRows(sql, memory)
  return memory
}

/** Where the rows of the tables that money rests on are read. */
export interface Tables {
  facts(kind: FactKind<Fact>, keys: readonly string[]): Promise<readonly Fact[]>
  /** How many rows there are of a kind; of holds, how many legs. */
  count(kind: FactKind<Fact>): Promise<number>
  keysInUse(): Promise<readonly { readonly key: string; readonly book: number; readonly holder: string }[]>
}

const tablesOf = (sql: Sql): Tables => ({
  facts: (kind, keys) => kind.load(sql, keys),
  async count(kind) {
    const [{ count = 0 } = {}] = await sql<{ count: number }[]>`select count(*)::int as count from ${sql(kind.name)}`
    return count
  },
  keysInUse: () => sql<{ key: string; book: number; holder: string }[]>`
    select key, book, holder from keys where holder is not null`,
})

/** Reads every row of the tables that money rests on, and compares it with what the memory has. */
export const proveRows = (sql: Sql, memory: Memory) => proveTables(tablesOf(sql), memory)

export async function proveTables(tables: Tables, memory: Memory): Promise<void> {
  const same = async <T extends Fact>(kind: FactKind<T>, expected: readonly T[]) => {
    const found = expected.length === 0 ? [] : ((await tables.facts(kind, expected.map(kind.key))) as readonly T[])
    const byKey = new Map(found.map((value) => [kind.key(value), value]))
    for (const value of expected) {
      const other = byKey.get(kind.key(value))
      if (!isSame(other, value)) {
        throw new Error(`${kind.name} ${kind.key(value)}: ${text(other)}, expected ${text(value)}`)
      }
    }
    const count = await tables.count(kind)
    const most = kind === (holds as unknown) ? (expected as unknown as Hold[]).flatMap(({ legs }) => legs) : expected
    if (count !== most.length) throw new Error(`${count} rows of ${kind.name}, expected ${most.length}`)
  }
  await same(accounts, memory.accounts())
  await same(holds, memory.holds())
  await same(vouchers, memory.rows(vouchers))
  await same(applications, memory.rows(applications))
  await same(grants, memory.rows(grants))
  await same(orders, memory.rows(orders))
  await same(
    periods,
    memory.rows(periods).map((period) => ({ ...period, reaches: {}, pairs: [] })),
  )
  const keys = await tables.keysInUse()
  const found = new Map(keys.map(({ key, holder }) => [key, holder]))
  if (!isDeepStrictEqual(found, keysInUse(memory.rows(orders), memory.rows(applications))))
    throw new Error('the keys in use are others')
  if (keys.some(({ book, holder }) => !holder.slice(1).startsWith(`${book}-`))) throw new Error('a key in another book')
}

/** Whether two values are the same but for what is only in memory, the order of fields, and fields that are undefined. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  const [one, other] = [a as Record<string, unknown>, b as Record<string, unknown>]
  for (const name in one) if (!only.has(name) && !isSame(one[name], other[name])) return false
  for (const name in other) if (other[name] !== undefined && !only.has(name) && one[name] === undefined) return false
  return true
}
const only = new Set(['phase', 'isNew'])

const text = (value: unknown) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))
