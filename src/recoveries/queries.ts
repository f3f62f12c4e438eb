import type { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { bookText, orderId } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import { type Day, daysSinceEpoch } from '../core/time.js'
import { booksUnder, readableBooks } from '../engine/access.js'
import type { Book } from '../ledger/book.js'
import { accountKinds, transferType, transferTypes } from '../ledger/chart.js'
import type { Sql } from '../platform/database.js'
import type { recoverableMoves, recoverableView } from './contract.js'

/** Shown of one payee at most. */
const MOST_SHOWN = 100

type View = z.infer<typeof recoverableView>
type Move = (typeof recoverableMoves)[number]

export interface RecoverableFilter {
  readonly book?: string | undefined
  readonly all?: 'true' | undefined
}

/** Where the last page ended. */
export interface Place {
  readonly book: number
  readonly number: number
}

interface Found {
  readonly book: Book
  readonly account: number
  readonly owner: string
  readonly posted: Fen
  readonly payable: Fen
}

/** What this actor may see: a bureau of its books, a payee of its own accounts. */
function scope(sql: Sql, actor: Actor, { book, all }: RecoverableFilter) {
  const range = readableBooks(actor)
  const whose = range
    ? sql`a.book between ${range.low} and ${range.high}`
    : sql`a.owner = any (${['provider', 'enterprise'].map((role) => `${role}:${actor.organisation}`)})`
  const under = book === undefined ? sql`` : whereIn(sql, book)
  // The number stands there word by word: it is the condition of the index.
  return sql`a.kind = 6 and ${whose} ${under} ${all ? sql`` : sql`and a.posted > 0`}`
}

function whereIn(sql: Sql, book: string) {
  const { low, high } = booksUnder(book)
  return sql`and a.book between ${low} and ${high}`
}

/** How many there are, or one more than `most`. */
export async function countRecoverables(sql: Sql, actor: Actor, filter: RecoverableFilter, most: number) {
  const [row] = await sql<{ size: bigint }[]>`
    select count(*) as size from (select from accounts a where ${scope(sql, actor, filter)} limit ${most + 1}) as listed`
  return Number(row!.size)
}

/** What payees must give back, after a place, in the order of books and accounts; with the place of each. */
export async function recoverables(
  sql: Sql,
  actor: Actor,
  filter: RecoverableFilter,
  { day, after, most }: { readonly day: Day; readonly after: Place | undefined; readonly most: number },
): Promise<{ readonly place: Place; readonly view: View }[]> {
  const found = await sql<Found[]>`
    select a.book, a.account, a.owner, a.posted, coalesce(p.posted, 0) as payable
    from accounts a
    left join accounts p on p.book = a.book and p.kind = ${accountKinds.payable.no} and p.owner = a.owner
    where ${scope(sql, actor, filter)}
      ${after ? sql`and (a.book, a.account) > (${after.book}, ${after.number})` : sql``}
    order by a.book, a.account limit ${most}`
  const [moves, orders] = await Promise.all([movesOf(sql, found), ordersOf(sql, found)])
  return found.map((one) => {
    const name = `${one.book} ${one.account}`
    return {
      place: { book: one.book, number: one.account },
      view: viewOf(one, moves.get(name) ?? [], orders.get(name) ?? [], day),
    }
  })
}

interface Moved {
  readonly book: Book
  readonly account: number
  readonly entry: number
  readonly day: Day
  readonly type: number
  readonly isMore: boolean
  readonly amount: Fen
  readonly document: string | null
}

/** Every entry that has moved these accounts, in order. */
async function movesOf(sql: Sql, found: readonly Found[]): Promise<Map<string, Moved[]>> {
  const rows = await sql<(Omit<Moved, 'entry'> & { entry: bigint })[]>`
    select k.book, k.account, t.entry, c.day, t.type, t.debit = k.account as "isMore", t.amount,
           c.body ->> 'document' as document
    from unnest(${found.map(({ book }) => book)}::int[], ${found.map(({ account }) => account)}::int[])
      as k (book, account)
    cross join lateral (
      select book, entry, seq, type, line, debit, amount from transfers
      where book = k.book and debit = k.account and type in (6, 8, 14, 18)
      union all
      select book, entry, seq, type, line, debit, amount from transfers
      where book = k.book and credit = k.account and type in (9, 15, 25, 26)
    ) t
    join commands c on c.book = t.book and c.seq = t.seq
    order by k.book, k.account, t.entry, t.line`
  return grouped(rows.map((row) => ({ ...row, entry: Number(row.entry) })))
}

interface ClawedBack {
  readonly book: Book
  readonly account: number
  readonly order: number
  readonly amount: Fen
}

/** The orders that were clawed back from these payees. */
async function ordersOf(sql: Sql, found: readonly Found[]): Promise<Map<string, ClawedBack[]>> {
  const of = (role: 'provider' | 'enterprise') => {
    const party = sql(role)
    const own = found.filter(({ owner }) => owner.startsWith(`${role}:`))
    return sql`
      select k.book, k.account, o."order", o.clawed_back as amount
      from unnest(${own.map(({ book }) => book)}::int[], ${own.map(({ account }) => account)}::int[],
                  ${own.map(({ owner }) => owner.slice(role.length + 1))}::text[]) as k (book, account, code)
      cross join lateral (
        select "order", clawed_back from orders
        where ${party} = k.code and book = k.book and payee = ${role} and clawed_back > 0
        order by "order" desc limit ${MOST_SHOWN}) o`
  }
  const rows = await sql<(Omit<ClawedBack, 'order'> & { order: bigint })[]>`
    ${of('provider')} union all ${of('enterprise')} order by 1, 2, 3`
  return grouped(rows.map((row) => ({ ...row, order: Number(row.order) })))
}

function grouped<T extends { readonly book: Book; readonly account: number }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const row of rows) {
    const name = `${row.book} ${row.account}`
    const group = groups.get(name)
    if (group) group.push(row)
    else groups.set(name, [row])
  }
  return groups
}

function viewOf(
  { book, owner, posted, payable }: Found,
  moves: readonly Moved[],
  orders: readonly ClawedBack[],
  day: Day,
): View {
  const sum = (which: (move: Moved) => boolean) =>
    moves.reduce((total, move) => (which(move) ? total + move.amount : total), 0n)
  const ofType = (...types: Move[]) => {
    const numbers = types.map((type) => transferTypes[type].no as number)
    return yuan(sum(({ type }) => numbers.includes(type)))
  }
  const since = posted > 0n ? firstOpen(moves) : null
  return {
    book: bookText(book),
    payee: owner,
    recoverable: yuan(posted),
    payable: yuan(payable),
    clawedBack: yuan(sum(({ isMore }) => isMore)),
    recovered: ofType('recover'),
    setOff: ofType('set_off', 'take_over_recoverable'),
    writtenOff: ofType('write_off'),
    since,
    days: since === null ? null : daysSinceEpoch(day) - daysSinceEpoch(since),
    orders: orders.map(({ order, amount }) => ({ order: orderId(book, order), clawedBack: yuan(amount) })),
    moves: moves.slice(-MOST_SHOWN).map(({ entry, day: on, type, amount, document }) => ({
      entry,
      day: on,
      move: transferType(type) as Move,
      amount: yuan(amount),
      document,
    })),
  }
}

/** The day of the oldest debt that is still open, when what comes back settles the oldest first. */
function firstOpen(moves: readonly Moved[]): Day | null {
  let settled = moves.reduce((total, move) => (move.isMore ? total : total + move.amount), 0n)
  for (const { isMore, amount, day } of moves) {
    if (!isMore) continue
    if (settled < amount) return day
    settled -= amount
  }
  return null
}
