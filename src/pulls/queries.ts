import type { Actor } from '../core/actor.js'
import { bookText } from '../core/ids.js'
import type { Fen } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { addDays, type Clock, chinaTime, dayOf, type Instant, parseChinaTime } from '../core/time.js'
import type { Runner } from '../engine/runner.js'
import type { Book } from '../ledger/book.js'
import { type AccountKind, accountKind, accountKinds, transferTypes } from '../ledger/chart.js'
import type { Sql } from '../platform/database.js'
import { cut, readCursor, writeCursor } from '../platform/pages.js'
import { Faults } from '../platform/problems.js'
import type { RangeAsked } from './contract.js'
import { type Sides, sidesOf, type Turnover } from './rules.js'

/** Entries of a book, both inclusive; `first` is one more than `last` when there are none. */
export interface Range {
  readonly book: Book
  readonly first: number
  readonly last: number
}

interface Services {
  readonly engine: Runner
  readonly sql: Sql
  readonly clock: Clock
}

/**
 * What was asked for as entry numbers, for good: nothing can be booked in the range any more, except in a day that is
 * not over, which reaches to the head. Throws Refused: book_not_found, entry_not_found, moment_in_future; Faults.
 */
export async function rangeOf(services: Services, book: Book, asked: RangeAsked): Promise<Range> {
  const { sql } = services
  const head = async () => {
    const [row] = await sql<{ seq: bigint; entries: bigint }[]>`select seq, entries from books where book = ${book}`
    if (!row) throw new Refused('book_not_found', { book: bookText(book) })
    return { seq: Number(row.seq), entries: Number(row.entries) }
  }
  const { fromMoment, toMoment, fromDay, toDay, fromSeq, toSeq, fromEntry, toEntry } = asked
  await head()
  // The end first: what is asked from then on is later than what the beginning may wait for.
  const end = await instantOf(services.clock, toMoment, toDay && addDays(toDay, 1), 'toMoment')
  const start = await instantOf(services.clock, fromMoment, fromDay, 'fromMoment')
  const last = end === undefined ? undefined : await seqBefore(services, book, end)
  const before = start === undefined ? undefined : await seqBefore(services, book, start)
  const { seq, entries } = await head()
  if ((toEntry ?? 0) > entries) throw new Refused('entry_not_found', { head: entries })
  if ((toSeq ?? 0) > seq) throw new Refused('entry_not_found', { head: seq })
  const reached = async (number: number | undefined) =>
    number === undefined ? undefined : entryUpTo(sql, book, number)
  const first = fromEntry ?? ((await reached(before ?? (fromSeq && fromSeq - 1))) ?? 0) + 1
  const range = { book, first, last: toEntry ?? (await reached(last ?? toSeq)) ?? entries }
  return { ...range, first: Math.min(range.first, range.last + 1) }
}

/**
 * The moment at which what is asked for begins or has just ended. A moment to come is refused; the end of a day that is
 * not over is no moment yet.
 */
async function instantOf(
  clock: Clock,
  moment: string | undefined,
  day: string | undefined,
  field: 'fromMoment' | 'toMoment',
) {
  if (day !== undefined) {
    const begins = parseChinaTime(`${day}T00:00:00+08:00`)!
    if (begins <= clock.now()) return begins
    if (field === 'toMoment' && addDays(day, -1) === dayOf(clock.now())) return undefined
    const said = field === 'toMoment' ? { toDay: addDays(day, -1) } : { fromDay: day }
    throw new Refused('moment_in_future', said)
  }
  if (moment === undefined) return undefined
  const at = parseChinaTime(moment)
  if (at === undefined) throw new Faults([{ pointer: `/query/${field}`, code: 'instant_format' }])
  if (at > clock.now()) throw new Refused('moment_in_future', { [field]: moment })
  // Up to a moment means with it.
  return field === 'toMoment' ? at + 1 : at
}

/** The last command of a book that was booked before a moment, for good. */
async function seqBefore({ engine, sql }: Services, book: Book, at: Instant): Promise<number> {
  await engine.drained()
  const [fixed] = await sql<{ seq: bigint }[]>`select fix_moment(${book}, ${at - 1}) as seq`
  return Number(fixed!.seq)
}

/** The last entry that commands up to a number made. */
async function entryUpTo(sql: Sql, book: Book, seq: number): Promise<number> {
  const [row] = await sql<{ entry: number }[]>`
    select coalesce((
      select entry from commands where book = ${book} and seq <= ${seq} and entry is not null
      order by seq desc limit 1), 0) as entry`
  return row!.entry
}

/** Every kind of account after an entry: what was posted to its sides since the beginning, and what is held. */
export async function sidesAsOf(sql: Sql, book: Book, entry: number): Promise<ReadonlyMap<AccountKind, Sides>> {
  const rows = await sql<Turnover[]>`select type, phase, amount from turnover_as_of(${book}, ${entry})`
  return sidesOf(rows)
}

/** Makes the marks that a quick trial balance rests on, `every` so many entries; asked beside itself it does no harm. */
export async function markTurnover(sql: Sql, every = 50_000): Promise<void> {
  for (;;) {
    const [{ made = 0 } = {}] = await sql<{ made: number }[]>`select mark_turnover(${every}) as made`
    if (made === 0) return
  }
}

/** One account of a book by its kind and owner; undefined when there is none. */
export async function accountNo(sql: Sql, book: Book, kind: AccountKind, owner: string): Promise<number | undefined> {
  const [row] = await sql<{ account: number }[]>`
    select account from accounts where book = ${book} and kind = ${accountKinds[kind].no} and owner = ${owner}`
  return row?.account
}

/** What an account had on its sides after an entry. */
export async function accountAsOf(sql: Sql, book: Book, account: number, entry: number): Promise<Sides> {
  const [row] = await sql<{ debit: Fen; credit: Fen }[]>`
    select coalesce(sum(amount) filter (where debit = ${account}), 0)::bigint as debit,
           coalesce(sum(amount) filter (where credit = ${account}), 0)::bigint as credit
    from transfers where book = ${book} and entry <= ${entry} and phase in (0, 2)
      and (debit = ${account} or credit = ${account})`
  return { ...row!, held: 0n }
}

/** Accounts that are read and written at once. */
const PAGE_ACCOUNTS = 500

/**
 * Every account of a book that entries up to the last one moved: before the range, in it, and after it. Page by page;
 * added up once, and what waits for a slow reader is text outside the heap and no connection.
 */
export async function* accountsOver(sql: Sql, { book, first, last }: Range) {
  const pages = await sql<{ page: Buffer }[]>`
    select n.place / ${PAGE_ACCOUNTS} as number,
           convert_to(json_agg(json_build_array(n.kind, n.owner, n.debit::text, n.credit::text, n.debits::text,
                                                n.credits::text, n.held::text) order by n.place)::text, 'UTF8') as page
    from (
      select a.kind, a.owner, coalesce(o.debit, 0) as debit, coalesce(o.credit, 0) as credit,
             coalesce(p.debit, 0) as debits, coalesce(p.credit, 0) as credits,
             coalesce(o.held, 0) + coalesce(p.held, 0) as held,
             row_number() over (order by a.kind, a.owner collate "C") - 1 as place
      from accounts a
      left join account_turnover(${book}, 0, ${first - 1}) o on o.account = a.account
      left join account_turnover(${book}, ${first - 1}, ${last}) p on p.account = a.account
      where a.book = ${book} and (o.account is not null or p.account is not null)
    ) n
    group by 1 order by 1`
  for (const { page } of pages) {
    const accounts = JSON.parse(page.toString()) as [number, string, ...string[]][]
    yield accounts.map(([kind, owner, ...amounts]) => {
      const [debit, credit, debits, credits, held] = amounts.map(BigInt) as [Fen, Fen, Fen, Fen, Fen]
      return {
        kind: accountKind(kind),
        owner,
        opening: { debit, credit },
        period: { debit: debits, credit: credits },
        held,
      }
    })
  }
}

/** What was posted in a range by the day it is dated, or its month, and by type and phase; in order. */
export function turnoverBy(sql: Sql, { book, first, last }: Range, by: 'month' | 'day') {
  return sql<(Turnover & { period: string })[]>`
    select to_char(c.day, ${by === 'month' ? 'YYYY-MM' : 'YYYY-MM-DD'}) as period, t.type, t.phase,
           sum(t.amount)::bigint as amount
    from transfers t join commands c on c.book = t.book and c.seq = t.seq
    where t.book = ${book} and t.entry between ${first} and ${last} group by 1, 2, 3 order by 1`
}

/** Types of transfers that move accounts of this kind. */
export const typesOf = (kind: AccountKind): number[] =>
  Object.values(transferTypes).flatMap(({ no, debit, credit }) => (debit === kind || credit === kind ? [no] : []))

/** How many accounts entries up to the last one of a range moved, or one more than `most`. */
export async function accountsIn(sql: Sql, { book, last }: Range, most: number): Promise<number> {
  // Hardly a book has so many accounts at all; only then its transfers are gone through.
  const [row] = await sql<{ size: number }[]>`
    select case when accounts <= ${most} then accounts else (
      select count(*) from (select from account_turnover(${book}, 0, ${last}) limit ${most + 1}) moved) end::int as size
    from books where book = ${book}`
  return row!.size
}

/** Who asked, as a pull remembers them. */
interface Opened {
  readonly actor: Actor
  readonly at: Instant
  readonly book: Book
  /** The operation. */
  readonly what: string
  readonly asked: object
  readonly range?: Pick<Range, 'first' | 'last'>
  readonly refused?: string
}

/** Puts a pull on record; returns its number. */
export async function openPull(sql: Sql, { actor, at, book, what, asked, range, refused }: Opened): Promise<number> {
  const { organisation, subject, origin = '', jurisdiction } = actor
  const [row] = await sql<{ pull: bigint }[]>`
    select open_pull(${at}, ${organisation}, ${subject}, ${origin}, ${jurisdiction ? Number(jurisdiction) : null}::int,
                     ${book}, ${what}, ${JSON.stringify(asked)}, ${range?.first ?? null}::int,
                     ${range?.last ?? null}::int, ${refused ?? null}) as pull`
  return Number(row!.pull)
}

/** Says how much of a pull was read. */
export async function closePull(sql: Sql, pull: number, rows: number, isWhole: boolean): Promise<void> {
  await sql`select close_pull(${pull}, ${rows}, ${isWhole})`
}

/** Pulls of the books in a range of codes, and of the people of the jurisdictions in it; the latest first. */
export async function pullsOf(
  sql: Sql,
  { low, high }: { readonly low: number; readonly high: number },
  { limit, cursor, book }: { limit: number; cursor?: string | undefined; book?: string | undefined },
) {
  const before = readCursor(cursor)?.number
  const rows = await sql<
    {
      pull: bigint
      at: bigint
      subject: string
      organisation: string
      origin: string
      jurisdiction: number | null
      book: Book
      operation: string
      asked: Record<string, unknown>
      first: number | null
      last: number | null
      refused: string | null
      rows: bigint | null
      whole: boolean | null
    }[]
  >`
    select p.pull, (extract(epoch from p.asked_at) * 1000)::bigint as at, a.subject, a.organisation, a.origin,
           p.jurisdiction, p.book, p.operation, p.asked, p.first, p.last, p.refused, p.rows, p.whole
    from pulls p join actors a on a.actor = p.actor
    where (p.book between ${low} and ${high} or p.jurisdiction between ${low} and ${high})
      ${book === undefined ? sql`` : sql`and p.book = ${Number(book)}`}
      ${before === undefined ? sql`` : sql`and p.pull < ${before}`}
    order by p.pull desc limit ${limit + 1}`
  return cut(
    rows.map(({ pull, at, jurisdiction, book: of, rows: read, ...rest }) => ({
      ...rest,
      pull: Number(pull),
      at: chinaTime(Number(at)),
      jurisdiction: jurisdiction === null ? null : bookText(jurisdiction),
      book: bookText(of),
      rows: read === null ? null : Number(read),
    })),
    limit,
    ({ pull }) => writeCursor(0, pull),
  )
}
