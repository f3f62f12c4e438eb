import { orderId, voucherId } from '../core/ids.js'
import type { Day } from '../core/time.js'
import type { Call, Owed, OwedSources } from '../engine/command.js'
import type { Book } from '../ledger/plan.js'
import { type Order, orders } from '../orders/facts.js'
import { isOverdue } from '../orders/rules.js'
import type { Sql } from '../platform/database.js'
import { type Voucher, vouchers } from '../vouchers/facts.js'
import { isVoucherOverdue, lapseOrderCommand, lapseVoucherCommand } from './commands.js'

/** How many lapses are found at once; what is more waits for the next turn. */
const AT_ONCE = 1000

interface Overdue {
  readonly book: Book
  readonly number: bigint
  readonly what: 'order' | 'voucher'
}

function owed(rows: readonly Overdue[]): Owed {
  const calls = rows.map(
    ({ book, number, what }): Call =>
      what === 'order'
        ? { type: lapseOrderCommand, command: { order: orderId(book, Number(number)) } }
        : { type: lapseVoucherCommand, command: { voucher: voucherId(book, Number(number)) } },
  )
  return { calls, more: calls.length >= AT_ONCE }
}

/** Adds what the database cannot show yet, in the order it would show it: orders, then vouchers, by number. */
function withRecent(rows: readonly Overdue[], orders: readonly Order[], vouchers: readonly Voucher[]): Owed {
  const found = new Map<string, Overdue>()
  const add = (row: Overdue) => found.set(`${row.what} ${row.number}`, row)
  for (const row of rows) add(row)
  for (const { book, order } of orders) add({ book, number: BigInt(order), what: 'order' })
  for (const { book, voucher } of vouchers) add({ book, number: BigInt(voucher), what: 'voucher' })
  const inOrder = [...found.values()].sort((a, b) =>
    a.what === b.what ? Number(a.number - b.number) : a.what === 'order' ? -1 : 1,
  )
  return owed(inOrder.slice(0, AT_ONCE))
}

/** What a program's pool is still owed on this day: overdue orders first, their money passes through the vouchers. */
export async function owedToPool({ sql, recent }: OwedSources, book: Book, program: string, day: Day): Promise<Owed> {
  const rows = await sql<Overdue[]>`
    (select book, "order" as number, 'order' as what from orders
     where deadline < ${day} and book = ${book} and program = ${program} order by "order" limit ${AT_ONCE})
    union all
    (select book, voucher, 'voucher' from vouchers
     where use_by < ${day} and lapsed_on is null and book = ${book} and program = ${program}
     order by voucher limit ${AT_ONCE})
    limit ${AT_ONCE}`
  return withRecent(
    rows,
    recent(orders).filter((order) => order.book === book && order.program === program && isOverdue(order, day)),
    recent(vouchers).filter((v) => v.book === book && v.program === program && isVoucherOverdue(v, day)),
  )
}

/** What a voucher is still owed on this day by overdue orders. */
export async function owedToVoucher({ sql, recent }: OwedSources, voucher: Voucher, day: Day): Promise<Owed> {
  const { book, voucher: number } = voucher
  const rows = await sql<Overdue[]>`
    select book, "order" as number, 'order' as what from orders
    where book = ${book} and voucher = ${number} and deadline < ${day}
    order by "order" limit ${AT_ONCE}`
  return withRecent(
    rows,
    recent(orders).filter((order) => order.book === book && order.voucher === number && isOverdue(order, day)),
    [],
  )
}

/** The next overdue orders and vouchers of all books, oldest deadline first. */
export async function owedAnywhere(sql: Sql, day: Day): Promise<Owed> {
  return owed(
    await sql<Overdue[]>`
    (select book, "order" as number, 'order' as what from orders
     where deadline < ${day} order by deadline, book limit ${AT_ONCE})
    union all
    (select book, voucher, 'voucher' from vouchers
     where use_by < ${day} and lapsed_on is null order by use_by, book limit ${AT_ONCE})
    limit ${AT_ONCE}`,
  )
}
