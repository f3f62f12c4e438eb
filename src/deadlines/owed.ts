import { orderId, voucherId } from '../core/ids.js'
import type { Day } from '../core/time.js'
import type { Call, Owed } from '../engine/command.js'
import type { Book } from '../ledger/plan.js'
import type { Sql } from '../platform/database.js'
import type { Voucher } from '../vouchers/facts.js'
import { lapseOrderCommand, lapseVoucherCommand } from './commands.js'

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

/** What a program's pool is still owed on this day: overdue orders first, their money passes through the vouchers. */
export async function owedToPool(sql: Sql, book: Book, program: string, day: Day): Promise<Owed> {
  return owed(
    await sql<Overdue[]>`
    (select book, "order" as number, 'order' as what from orders
     where deadline < ${day} and book = ${book} and program = ${program} order by "order" limit ${AT_ONCE})
    union all
    (select book, voucher, 'voucher' from vouchers
     where use_by < ${day} and lapsed_on is null and book = ${book} and program = ${program}
     order by voucher limit ${AT_ONCE})
    limit ${AT_ONCE}`,
  )
}

/** What a voucher is still owed on this day by overdue orders. */
export async function owedToVoucher(sql: Sql, voucher: Voucher, day: Day): Promise<Owed> {
  return owed(
    await sql<Overdue[]>`
    select book, "order" as number, 'order' as what from orders
    where book = ${voucher.book} and voucher = ${voucher.voucher} and deadline < ${day}
    order by "order" limit ${AT_ONCE}`,
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
