import { agreements, pairKey } from '../agreements/facts.js'
import { voucherId } from '../core/ids.js'
import type { Fen } from '../core/money.js'
import type { Day } from '../core/time.js'
import { addWorkdays, type Counted } from '../core/workdays.js'
import { accountsOf, type Hold, holdKey, holds, openOf } from '../ledger/accounts.js'
import type { Book } from '../ledger/book.js'
import { holdMore, release } from '../ledger/entry.js'
import type { Find } from '../ledger/fact.js'
import { type Plan, row, type Transfer } from '../ledger/plan.js'
import { type Program, poolOf } from '../programs/facts.js'
import { providerOf } from '../providers/facts.js'
import { agreedOn, pairFor } from '../providers/rules.js'
import { homeReviews } from '../reviews/facts.js'
import { passOn, type Voucher, voucherAccount, voucherOf, vouchers } from '../vouchers/facts.js'
import { noticesAt } from '../workdays/facts.js'
import type { OrderState, turns } from './contract.js'
import {
  type Dossier,
  invoiceKeys,
  keysOf,
  noted,
  type Objection,
  type Order,
  orderOf,
  orders,
  payableOf,
} from './facts.js'

/**
 * States × commands 状态表: what each state allows and where it leads. Whatever is not here is refused with
 * `state_conflict` before any other check. The documents and the tests are derived from this table.
 */
export const transitions = {
  filed: {
    accept_order: 'accepted',
    decline_order: 'declined',
    supplement_order: 'filed',
    replace_order: 'cancelled',
    deliver: 'delivered',
    cancel_order: 'cancelled',
    lapse_order: 'lapsed',
  },
  accepted: {
    supplement_order: 'filed',
    replace_order: 'cancelled',
    deliver: 'delivered',
    cancel_order: 'cancelled',
    lapse_order: 'lapsed',
  },
  delivered: {
    supplement_order: 'delivered',
    confirm: 'confirmed',
    cancel_order: 'cancelled',
    lapse_order: 'lapsed',
  },
  confirmed: { submit_claim: 'submitted', cancel_order: 'cancelled', lapse_order: 'lapsed' },
  submitted: { return_claim: 'returned', verify_claim: 'verified', reject_claim: 'rejected' },
  returned: {
    submit_claim: 'submitted',
    cancel_order: 'cancelled',
    reject_claim: 'rejected',
    lapse_order: 'lapsed',
  },
  verified: {
    file_objection: 'verified',
    sustain_objection: 'submitted',
    dismiss_objection: 'verified',
    return_claim: 'returned',
    approve_claim: 'approved',
    reject_claim: 'rejected',
  },
  approved: { claw_back: 'approved', confirm_payments: 'paid' },
  paid: { claw_back: 'paid', payment_bounced: 'approved' },
  cancelled: {},
  declined: {},
  lapsed: {},
  rejected: { appeal_claim: 'rejected', sustain_appeal: 'submitted', dismiss_appeal: 'rejected' },
} as const satisfies Record<OrderState, Readonly<Record<string, OrderState>>>

/** A command on an order, or one of the ways it may go. */
export type OrderCommand =
  | 'accept_order'
  | 'decline_order'
  | 'supplement_order'
  | 'replace_order'
  | 'file_objection'
  | 'sustain_objection'
  | 'dismiss_objection'
  | 'appeal_claim'
  | 'sustain_appeal'
  | 'dismiss_appeal'
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
  | 'payment_bounced'
  | 'lapse_order'

/** Where a command leads from a state; undefined when the state does not allow it. */
export function next(state: OrderState, command: OrderCommand): OrderState | undefined {
  return (transitions[state] as Partial<Record<OrderCommand, OrderState>>)[command]
}

/** True from the day after its deadline. */
export function isOverdue(order: Order, day: Day): boolean {
  return order.deadline !== null && day > order.deadline
}

/** The last day to accept as a deadline: never later than the claim's own. */
export const acceptDeadline = (acceptBy: Day | undefined, claimBy: Day): Day =>
  acceptBy !== undefined && acceptBy < claimBy ? acceptBy : claimBy

/** When the provider has to have accepted an order of this program that is filed on this day; null when it need not. */
export function acceptanceOf(find: Find, program: Program, day: Day): Counted | null {
  return program.acceptanceDays === null ? null : addWorkdays(day, program.acceptanceDays, noticesAt(find, day))
}

/** What an event says of it: nothing when the provider need not accept. */
export const acceptanceEvent = (acceptance: Counted | null) =>
  acceptance ? { acceptBy: acceptance.day, ...(acceptance.isProvisional ? { isProvisional: true } : {}) } : {}

export const openObjections = ({ dossier }: Pick<Order, 'dossier'>): readonly Objection[] =>
  dossier?.objections?.filter(({ decision }) => decision === null) ?? []

/** What an order waits for: whose turn it is, with which command, and until when. */
export interface Waiting {
  readonly turn: (typeof turns)[number]
  readonly step: OrderCommand | 'resolve_objection' | 'decide_claim_appeal'
  readonly by: Day | null
  readonly countedIn: 'days' | 'workdays' | null
  readonly isProvisional: boolean
}

type Course = Pick<Order, 'state' | 'deadline' | 'payee' | 'dossier'>

/** What this order waits for on this day; null when it has ended. */
export function waitingFor(order: Course, day: Day): Waiting | null {
  const { state, deadline, payee, dossier } = order
  const isProvisional = dossier?.isProvisional ?? false
  const plain = (turn: Waiting['turn'], step: Waiting['step'], by: Day | null): Waiting => ({
    turn,
    step,
    by,
    countedIn: by === null ? null : 'days',
    isProvisional: false,
  })
  switch (state) {
    case 'filed': {
      const { acceptBy } = dossier ?? {}
      if (acceptBy === undefined) return plain('provider', 'deliver', deadline)
      const countedIn = deadline === acceptBy ? 'workdays' : 'days'
      return { turn: 'provider', step: 'accept_order', by: deadline, countedIn, isProvisional }
    }
    case 'accepted':
      return plain('provider', 'deliver', deadline)
    case 'delivered':
      return plain('enterprise', 'confirm', deadline)
    case 'confirmed':
    case 'returned':
      return plain(payee, 'submit_claim', deadline)
    case 'submitted':
      return plain('bureau', 'verify_claim', null)
    case 'verified':
      if (openObjections(order).length > 0) return plain('bureau', 'resolve_objection', null)
      return plain('bureau', 'approve_claim', null)
    case 'approved':
      return plain('clearing', 'confirm_payments', null)
    case 'rejected': {
      const { appeal, appealBy } = dossier ?? {}
      if (appeal) return appeal.decision ? null : plain('bureau', 'decide_claim_appeal', null)
      if (appealBy === undefined || day > appealBy) return null
      return { turn: payee, step: 'appeal_claim', by: appealBy, countedIn: 'workdays', isProvisional }
    }
    default:
      return null
  }
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

/** Holds an order's amount anew, in fen: what was held before counts no more and has to be given back. */
export function heldAnew({ order, voucher, hold }: Held, amount: Fen): Transfer[] {
  return holdMore(hold, { type: 'redeem', debit: voucherAccount(voucher), credit: payableOf(order), amount })
}

/** What ending an order without payment changes: the hold goes back, contract and invoice numbers are free again. */
export function ending(
  held: Held,
  state: OrderState,
  day: Day,
  said: Dossier = {},
): Pick<Plan, 'book' | 'entry' | 'rows' | 'frees'> {
  const { book, order } = held
  return {
    book,
    entry: held.giveBack(day),
    rows: [row(orders, noted({ ...order, state, deadline: null }, said))],
    frees: [...keysOf(order), ...invoiceKeys(order)],
  }
}
