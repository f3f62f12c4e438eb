import { bookText, orderId } from '../core/ids.js'
import { chinaTime, type Instant } from '../core/time.js'
import { booksUnder } from '../engine/access.js'
import { type Book, REGION } from '../ledger/book.js'
import { isBureau } from './facts.js'

/** A command of the log, and the firms it is about. */
export interface Logged {
  readonly book: Book
  readonly seq: number
  readonly kind: string
  readonly moment: Instant
  readonly event: Readonly<Record<string, unknown>>
  /** The orders and vouchers it is about, with the enterprise and the provider that may read them. */
  readonly things: readonly Thing[]
}

export interface Thing {
  readonly order?: number
  readonly voucher?: number
  readonly enterprise: string
  readonly provider: string | null
}

/** What a firm and a provider hear of: what became of their own applications, vouchers and orders. A bureau hears of everything. */
export const firmKinds: readonly string[] = [
  'apply_voucher',
  'complete_application',
  'withdraw_application',
  'review_application',
  'issue',
  'file_order',
  'accept_order',
  'decline_order',
  'supplement_order',
  'deliver',
  'confirm',
  'cancel_order',
  'submit_claim',
  'return_claim',
  'verify_claim',
  'approve_claim',
  'reject_claim',
  'file_objection',
  'resolve_objection',
  'appeal_claim',
  'decide_claim_appeal',
  'claw_back',
  'red_flush_invoice',
  'lapse_order',
  'lapse_voucher',
  'extend_voucher',
  'cancel_voucher',
  'recall_voucher',
  'suspend_voucher',
  'resume_voucher',
  'pay',
  'mark_paid',
]

/** What every owner hears of in the region's book: what is done to its own bank account, whoever does it. */
export const accountKinds: readonly string[] = ['propose_account', 'confirm_account', 'revoke_account']

/** Who is sent what, and the events of their choice alone. */
export interface Listener {
  readonly owner: string
  readonly kinds: readonly string[] | null
}

/** Whether anything in this book may be for this owner: what it could read there itself. */
export function mayHear(owner: string, book: Book): boolean {
  if (book === REGION || !isBureau(owner)) return true
  const { low, high } = booksUnder(owner)
  return low <= book && book <= high
}

const isParty = (owner: string, { enterprise, provider }: Thing) => owner === enterprise || owner === provider

/** Whether an event is for this listener: exactly what it may read, of the kinds it has chosen. */
export function isFor({ owner, kinds }: Listener, { book, kind, event, things }: Logged): boolean {
  if (!mayHear(owner, book) || (kinds !== null && !kinds.includes(kind))) return false
  if (book === REGION && owner !== bookText(REGION)) return accountKinds.includes(kind) && event.owner === owner
  return isBureau(owner) || (firmKinds.includes(kind) && things.some((thing) => isParty(owner, thing)))
}

/** What of an event leaves the service: names of things and their state, nobody's person and no text. */
const told = [
  'order',
  'replaced',
  'voucher',
  'program',
  'period',
  'proposal',
  'agreement',
  'batch',
  'application',
  'command',
  'state',
] as const

/** The same event has the same number wherever and whenever it is sent. */
export const eventId = ({ book, seq }: Pick<Logged, 'book' | 'seq'>) => `${bookText(book)}-${seq}`

/** What is sent of an event to this owner, as JSON. Of a payment a firm hears which of its own orders it paid. */
export function payloadOf(owner: string, logged: Logged): string {
  const { book, seq, kind, moment, event, things } = logged
  const own = things.filter((thing) => isParty(owner, thing))
  const orders = own.flatMap(({ order }) => (order === undefined ? [] : orderId(book, order)))
  return JSON.stringify({
    type: kind,
    timestamp: chinaTime(moment),
    data: {
      book: bookText(book),
      seq,
      ...Object.fromEntries(told.flatMap((name) => (typeof event[name] === 'string' ? [[name, event[name]]] : []))),
      ...(accountKinds.includes(kind) ? { owner: event.owner, account: event.account, from: event.from } : {}),
      ...(['pay', 'mark_paid'].includes(kind) && !isBureau(owner) ? { orders } : {}),
    },
  })
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Milliseconds before an event is tried again, after each failed try; after the last try it is a dead letter. */
export const PAUSES = [
  5 * SECOND,
  30 * SECOND,
  2 * MINUTE,
  10 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  6 * HOUR,
  12 * HOUR,
] as const
export const TRIES = PAUSES.length + 1

/** A webhook that has failed in a book for so long, with no success in it, is disabled; in milliseconds. */
export const FAILING_MOST = 5 * DAY

/** A receiver may ask to wait so long at most. */
const WAIT_MOST = DAY

/**
 * How long to wait after so many failed tries, in milliseconds: what the schedule says and up to a fifth more, by a
 * number from 0 to 1, or longer when the receiver has asked for it.
 */
export function pauseAfter(attempts: number, chance: number, retryAfter: number | null): number {
  const pause = PAUSES[Math.min(attempts, PAUSES.length) - 1]!
  return Math.max(Math.round(pause * (1 + chance / 5)), Math.min(retryAfter ?? 0, WAIT_MOST))
}

/** A `Retry-After`, in seconds or as a date, as milliseconds from now; null when it is neither. */
export function retryAfterOf(header: string | undefined, now: Instant): number | null {
  if (header === undefined) return null
  if (/^\d{1,9}$/.test(header)) return Number(header) * SECOND
  const at = Date.parse(header)
  return Number.isNaN(at) ? null : Math.max(0, at - now)
}

/** A test event: nothing has happened. */
export function pingOf(webhook: string, now: Instant): { readonly id: string; readonly body: string } {
  const body = JSON.stringify({ type: 'ping', timestamp: chinaTime(now), data: { webhook } })
  return { id: `ping-${webhook}-${now}`, body }
}
