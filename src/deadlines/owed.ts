import { orderId, voucherId } from '../core/ids.js'
import type { Day } from '../core/time.js'
import type { Call, Overdue, OverdueSource, Owed, OwedSources } from '../engine/command.js'
import type { Book } from '../ledger/book.js'
import { type Order, orders } from '../orders/facts.js'
import { isOverdue } from '../orders/rules.js'
import type { Sql } from '../platform/database.js'
import { type Voucher, vouchers } from '../vouchers/facts.js'
import { isVoucherOverdue, lapseOrderCommand, lapseVoucherCommand } from './commands.js'

/** How many lapses are found at once; what is more waits for the next turn. */
const AT_ONCE = 1000

const nameOf = ({ what, book, number }: Overdue) => (what === 'order' ? orderId : voucherId)(book, number)

function callFor(row: Overdue): Call {
  return row.what === 'order'
    ? { type: lapseOrderCommand, command: { order: nameOf(row) } }
    : { type: lapseVoucherCommand, command: { voucher: nameOf(row) } }
}

/**
 * Corrects what the database shows by what it cannot show yet: adds what has become overdue, leaves out what has just
 * lapsed. In the order of the database: orders, then vouchers, by number.
 */
function corrected(rows: readonly Overdue[], recent: readonly (Overdue & { readonly isOverdue: boolean })[]): Owed {
  const found = new Map(rows.map((row) => [nameOf(row), row]))
  for (const { isOverdue, ...row } of recent) {
    if (isOverdue) found.set(nameOf(row), row)
    else found.delete(nameOf(row))
  }
  const calls = [...found.values()]
    .sort((a, b) => (a.what === b.what ? a.number - b.number : a.what === 'order' ? -1 : 1))
    .slice(0, AT_ONCE)
    .map(callFor)
  return { calls, more: rows.length >= AT_ONCE || calls.length >= AT_ONCE }
}

const asOrder = (order: Order, day: Day) =>
  ({ book: order.book, number: order.order, what: 'order', isOverdue: isOverdue(order, day) }) as const
const asVoucher = (voucher: Voucher, day: Day) =>
  ({
    book: voucher.book,
    number: voucher.voucher,
    what: 'voucher',
    isOverdue: isVoucherOverdue(voucher, day),
  }) as const

/** What a program's pool is still owed on this day: overdue orders first, their money passes through the vouchers. */
export async function owedToPool(
  { overdue, recent }: OwedSources,
  book: Book,
  program: string,
  day: Day,
): Promise<Owed> {
  const isOurs = (fact: Order | Voucher) => fact.book === book && fact.program === program
  return corrected(await overdue.overdueOfPool(book, program, day, AT_ONCE), [
    ...recent(orders).flatMap((order) => (isOurs(order) ? [asOrder(order, day)] : [])),
    ...recent(vouchers).flatMap((voucher) => (isOurs(voucher) ? [asVoucher(voucher, day)] : [])),
  ])
}

/** What a voucher is still owed on this day by overdue orders. */
export async function owedToVoucher({ overdue, recent }: OwedSources, voucher: Voucher, day: Day): Promise<Owed> {
  const { book, voucher: number } = voucher
  const ours = recent(orders).filter((order) => order.book === book && order.voucher === number)
  return corrected(
    await overdue.overdueOfVoucher(book, number, day, AT_ONCE),
    ours.map((order) => asOrder(order, day)),
  )
}

/** The next overdue orders and vouchers of all books, oldest deadline first. */
export async function owedAnywhere(sql: Sql, day: Day): Promise<Owed> {
  const rows = await sql<Found[]>`
    (select book, "order" as number, 'order' as what from orders
     where deadline < ${day} order by deadline, book limit ${AT_ONCE})
    union all
    (select book, voucher, 'voucher' from vouchers
     where least(use_by, recall_on) < ${day} and lapsed_on is null order by least(use_by, recall_on), book limit ${AT_ONCE})
    limit ${AT_ONCE}`
  return corrected(rows.map(overdueOf), [])
}

type Found = Omit<Overdue, 'number'> & { readonly number: bigint }
const overdueOf = ({ number, ...row }: Found): Overdue => ({ ...row, number: Number(number) })

/** Finds what is overdue in the database. */
export function overdueSource(sql: Sql): OverdueSource {
  return {
    async overdueOfPool(book, program, day, most) {
      const rows = await sql<Found[]>`
        (select book, "order" as number, 'order' as what from orders
         where deadline < ${day} and book = ${book} and program = ${program} order by "order" limit ${most})
        union all
        (select book, voucher, 'voucher' from vouchers
         where least(use_by, recall_on) < ${day} and lapsed_on is null and book = ${book} and program = ${program}
         order by voucher limit ${most})
        limit ${most}`
      return rows.map(overdueOf)
    },
    async overdueOfVoucher(book, voucher, day, most) {
      const rows = await sql<Found[]>`
        select book, "order" as number, 'order' as what from orders
        where book = ${book} and voucher = ${voucher} and deadline < ${day}
        order by "order" limit ${most}`
      return rows.map(overdueOf)
    },
  }
}
