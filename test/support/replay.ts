/** Replays a ledger's log through the rules, and compares what comes out with what the database says. */
import { isDeepStrictEqual } from 'node:util'
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

interface Row {
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

/**
 * Replays the whole log in an order that every command's `rests` allows: each book by its numbers, each command while
 * the books it rests on stand exactly where they stood. Throws when there is no such order, or a rule says otherwise.
 */
export async function replayLog(sql: Sql): Promise<Memory> {
  const rows = await sql<Row[]>`
    select book, seq::int, entry::int, kind, day, (extract(epoch from booked_at) * 1000)::float8 as moment, subject,
           organisation, body, event, rests from commands join actors using (actor) order by book, seq`
  const memory = new Memory()
  const queues = new Map<number, Row[]>()
  // How many commands still want a book to stand at a number.
  const readers = new Map<string, number>()
  for (const row of rows) {
    if (!queues.has(row.book)) queues.set(row.book, [])
    queues.get(row.book)!.push(row)
    for (const [book, seq] of Object.entries(row.rests)) {
      const at = `${book}@${seq}`
      readers.set(at, (readers.get(at) ?? 0) + 1)
    }
  }
  const heads = new Map([...queues.keys()].map((book) => [book, 0]))
  const headOf = (book: number | string) => heads.get(Number(book)) ?? 0
  for (let left = rows.length; left > 0; left--) {
    let next: Row | undefined
    for (const [book, queue] of queues) {
      const row = queue[0]
      if (!row) continue
      if (row.seq !== headOf(book) + 1) throw new Error(`book ${book} has no command ${headOf(book) + 1}`)
      const others = Object.entries(row.rests)
      const isReady = others.every(([other, seq]) => headOf(other) === seq)
      if (isReady && !readers.get(`${book}@${headOf(book)}`)) next = row
      if (next) break
    }
    if (!next) throw new Error('the log contradicts itself: no command can come next')
    queues.get(next.book)!.shift()
    heads.set(next.book, next.seq)
    for (const [book, seq] of Object.entries(next.rests)) {
      const at = `${book}@${seq}`
      readers.set(at, readers.get(at)! - 1)
    }
    await replayRow(memory, next)
  }
  return memory
}

async function replayRow(memory: Memory, row: Row): Promise<void> {
  const type = commandTypes.get(row.kind)
  if (!type) throw new Error(`no command ${row.kind}`)
  const actor = { subject: row.subject, organisation: row.organisation, roles: [] }
  const command = type.schema.parse(row.body)
  const { booking, event } = await memory.replay({ type, command }, actor, row.moment, row.day)
  const { book, seq, entry, moment } = booking
  const same = { book: row.book, seq: row.seq, entry: row.entry, moment: row.moment, event: row.event }
  if (!isDeepStrictEqual({ book, seq, entry, moment, event: JSON.parse(JSON.stringify(event)) }, same)) {
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

/** Reads every row of the tables that money rests on, and compares it with what the memory has. */
export async function proveRows(sql: Sql, memory: Memory): Promise<void> {
  const same = async <T extends Fact>(kind: FactKind<T>, expected: readonly T[]) => {
    const found = expected.length === 0 ? [] : await kind.load(sql, expected.map(kind.key))
    const byKey = new Map(found.map((value) => [kind.key(value), value]))
    for (const value of expected) {
      const other = byKey.get(kind.key(value))
      if (!isDeepStrictEqual(plain(other), plain(value))) {
        throw new Error(`${kind.name} ${kind.key(value)}: ${text(plain(other))}, expected ${text(plain(value))}`)
      }
    }
    const [{ count = 0 } = {}] = await sql<{ count: number }[]>`
      select count(*)::int as count from ${sql(kind === (holds as unknown) ? 'holds' : kind.name)}`
    const most = kind === (holds as unknown) ? (expected as unknown as Hold[]).flatMap(({ legs }) => legs) : expected
    if (count !== most.length) throw new Error(`${count} rows of ${kind.name}, expected ${most.length}`)
  }
  await same(accounts, memory.accounts())
  await same(holds, memory.holds())
  await same(vouchers, memory.rows(vouchers))
  await same(grants, memory.rows(grants))
  await same(orders, memory.rows(orders))
  await same(
    periods,
    memory.rows(periods).map((period) => ({ ...period, reaches: {} })),
  )
  const keys = await sql<{ key: string; book: number; holder: string }[]>`
    select key, book, holder from keys where holder is not null`
  const found = new Map(keys.map(({ key, holder }) => [key, holder]))
  if (!isDeepStrictEqual(found, keysInUse(memory.rows(orders)))) throw new Error('the keys in use are others')
  if (keys.some(({ book, holder }) => !holder.startsWith(`O${book}-`))) throw new Error('a key in another book')
}

/** Without what is only in memory: fields that are undefined, the order of fields. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).filter(([name, v]) => v !== undefined && !['phase', 'hold'].includes(name))
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, v]) => [name, plain(v)]))
}

const text = (value: unknown) => JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? `${v}n` : v))
