import { yuan } from '../core/money.js'
import { refuse } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { type Call, command } from '../engine/command.js'
import { accountsOf, available } from '../ledger/accounts.js'
import { post } from '../ledger/entry.js'
import { row } from '../ledger/plan.js'
import { idOf, type Order } from '../orders/facts.js'
import { ending, heldBy, isOverdue, next } from '../orders/rules.js'
import { poolOf } from '../programs/facts.js'
import { endsOn, type Voucher, voucherAccount, voucherOf, vouchers } from '../vouchers/facts.js'
import { lapseOrder, lapseVoucher, orderLapsed, voucherLapsed } from './contract.js'

/** True when the voucher is past its use-by day, or unused past its recall day, and has not lapsed yet. */
export const isVoucherOverdue = (voucher: Voucher, day: Day) => day > endsOn(voucher) && voucher.lapsedOn === null

/** Gives what is available on an overdue voucher back to its program's pool (失效收回). */
export const lapseVoucherCommand = command({
  kind: 'lapse_voucher',
  schema: lapseVoucher,
  event: voucherLapsed,
  facts(find, { voucher: id }) {
    const voucher = voucherOf(find, id)
    find.ahead(...accountsOf(voucher.book, voucherAccount(voucher), poolOf(voucher.program)))
    return { book: voucher.book, voucher, rest: available(find, voucher.book, voucherAccount(voucher)) }
  },
  decide({ book, voucher, rest }, { voucher: id }, { day }) {
    if (!isVoucherOverdue(voucher, day)) return refuse('state_conflict', { useBy: endsOn(voucher) })
    return {
      book,
      ...(rest > 0n ? { entry: [post('lapse', voucherAccount(voucher), poolOf(voucher.program), rest)] } : {}),
      rows: [row(vouchers, { ...voucher, lapsedOn: day })],
      event: { voucher: id, amount: yuan(rest) },
    }
  },
})

/** Ends an order that is past its deadline: the hold goes back, contract and invoice numbers are free again (失效). */
export const lapseOrderCommand = command({
  kind: 'lapse_order',
  schema: lapseOrder,
  event: orderLapsed,
  facts: (find, { order }) => heldBy(find, order),
  decide(facts, _, { day }) {
    const { order } = facts
    const state = next(order.state, 'lapse_order')
    if (!state || !isOverdue(order, day)) return refuse('state_conflict', { state: order.state })
    return { ...ending(facts, state, day), event: { order: idOf(order), released: yuan(facts.open) } }
  },
})

/** What must lapse before a command may look at this voucher. */
export function overdueVoucher(voucher: Voucher, day: Day): Call[] {
  if (!isVoucherOverdue(voucher, day)) return []
  return [{ type: lapseVoucherCommand, command: { voucher: vouchers.key(voucher) } }]
}

/** What must lapse before a command may look at this order. */
export function overdueOrder(order: Order | null | undefined, day: Day): Call[] {
  return order && isOverdue(order, day) ? [{ type: lapseOrderCommand, command: { order: idOf(order) } }] : []
}
