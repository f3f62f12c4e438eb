import { agreements, pairKey } from '../agreements/facts.js'
import { voucherId } from '../core/ids.js'
import type { Fen } from '../core/money.js'
import type { Day } from '../core/time.js'
import { accountsOf, type Hold, holdKey, holds, openOf } from '../ledger/accounts.js'
import type { Book } from '../ledger/book.js'
import { release } from '../ledger/entry.js'
import type { Find } from '../ledger/fact.js'
import { type Plan, row, type Transfer } from '../ledger/plan.js'
import { poolOf } from '../programs/facts.js'
import { providerOf } from '../providers/facts.js'
import { agreedOn, pairFor } from '../providers/rules.js'
import { homeReviews } from '../reviews/facts.js'
import { passOn, type Voucher, voucherOf, vouchers } from '../vouchers/facts.js'
import type { OrderState } from './contract.js'
import { invoiceKeys, keysOf, type Order, orderOf, orders } from './facts.js'

/**
 * States × commands 状态表: what each state allows and where it leads. Whatever is not here is refused with
 * `state_conflict` before any other check. The documents and the tests are derived from this table.
 */
export const transitions = {
  filed: { deliver: 'delivered', cancel_order: 'cancelled', lapse_order: 'lapsed' },
  delivered: { confirm: 'confirmed', cancel_order: 'cancelled', lapse_order: 'lapsed' },
  confirmed: { submit_claim: 'submitted', cancel_order: 'cancelled', lapse_order: 'lapsed' },
  submitted: { return_claim: 'returned', verify_claim: 'verified', reject_claim: 'rejected' },
  returned: {
    submit_claim: 'submitted',
    cancel_order: 'cancelled',
    reject_claim: 'rejected',
    lapse_order: 'lapsed',
  },
  verified: { return_claim: 'returned', approve_claim: 'approved', reject_claim: 'rejected' },
  approved: { claw_back: 'approved', confirm_payments: 'paid' },
  paid: { claw_back: 'paid' },
  cancelled: {},
  lapsed: {},
  rejected: {},
} as const satisfies Record<OrderState, Readonly<Record<string, OrderState>>>

export type OrderCommand =
  | 'deliver'
  | 'confirm'
  | 'cancel_order'
  | 'submit_claim'
  | 'return_claim'
  | 'verify_claim'
  | 'approve_claim'
  | 'reject_claim'
  | 'claw_back'
  | 'confirm_payments'
  | 'lapse_order'

/** Where a command leads from a state; undefined when the state does not allow it. */
export function next(state: OrderState, command: OrderCommand): OrderState | undefined {
  return (transitions[state] as Partial<Record<OrderCommand, OrderState>>)[command]
}

/** True from the day after its deadline. */
export function isOverdue(order: Order, day: Day): boolean {
  return order.deadline !== null && day > order.deadline
}

/** Whether its provider was recognised by an agreement that stops running orders, and is not so any more on this day. */
export function isStopped(find: Find, order: Order, day: Day): boolean {
  if (order.agreement === null) return false
  const provider = providerOf(find, order.provider)
  const { accepting, home } = pairFor(provider, order.book)
  const key = pairKey(accepting, home)
  find.ahead([agreements, key], [homeReviews, order.provider])
  const pair = find(agreements, key)
  const filedUnder = pair?.agreements.find(({ agreement }) => agreement === order.agreement)
  if (filedUnder?.running !== 'stop') return false
  const review = find(homeReviews, order.provider)
  return agreedOn(provider, { pair, review }, order.category, order.book, day) === undefined
}

/** An order alone; throws Refused('order_not_found'). */
export function byItself(find: Find, id: string): { readonly book: Book; readonly order: Order } {
  const order = orderOf(find, id)
  return { book: order.book, order }
}

/** An order with its hold and its voucher, for the commands that give the hold back. */
export interface Held {
  readonly book: Book
  readonly order: Order
  readonly voucher: Voucher
  readonly hold: Hold
  /** What is still held, in fen. */
  readonly open: Fen
  /** Releases the whole hold; past the voucher's use-by day the money goes straight on to the pool. */
  giveBack(day: Day): Transfer[]
}

/** Gathers an order with its hold, voucher and accounts; throws Refused('order_not_found'). */
export function heldBy(find: Find, id: string): Held {
  const order = orderOf(find, id)
  const { book } = order
  const owner = voucherId(book, order.voucher)
  find.ahead(
    [holds, holdKey(book, order.order)],
    [vouchers, owner],
    ...accountsOf(book, { kind: 'voucher', owner }, poolOf(order.program)),
  )
  const hold = find(holds, holdKey(book, order.order))
  if (!hold) throw new Error(`order ${id} has no hold`)
  const voucher = voucherOf(find, owner)
  const open = openOf(hold)
  return {
    book,
    order,
    voucher,
    hold,
    open,
    giveBack: (day) => [...release(hold), ...passOn(voucher, open, day)],
  }
}

/** What ending an order without payment changes: the hold goes back, contract and invoice numbers are free again. */
export function ending(held: Held, state: OrderState, day: Day): Pick<Plan, 'book' | 'entry' | 'rows' | 'frees'> {
  const { book, order } = held
  return {
    book,
    entry: held.giveBack(day),
    rows: [row(orders, { ...order, state, deadline: null })],
    frees: [...keysOf(order), ...invoiceKeys(order)],
  }
}
