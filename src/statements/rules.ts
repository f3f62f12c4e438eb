import { isJurisdiction } from '../core/division.js'
import { bookText } from '../core/ids.js'
import type { Fen } from '../core/money.js'
import type { Book } from '../ledger/book.js'
import { post } from '../ledger/entry.js'
import type { AccountName, Transfer } from '../ledger/plan.js'
import { batchKey, clearingOf, type PaymentBatch, type PaymentLine, parseLineReference } from '../payments/facts.js'
import { bounce, canBounce, canPay, pay } from '../payments/rules.js'
import { refund } from '../recoveries/rules.js'
import { TREASURY } from '../settlement/facts.js'
import type { Exception, Line } from './contract.js'
import type { Match } from './facts.js'

/** A payment line by the parts of its reference. */
export interface Ref {
  readonly book: Book
  readonly batch: number
  readonly line: number
}

/** What a bank line's own words name: payment lines, and payees who give money back. Each once. */
export interface References {
  readonly payments: readonly Ref[]
  readonly refunds: readonly { readonly book: Book; readonly uscc: string }[]
}

const PAYMENT = /(?<![0-9A-Z])B\d{6}-[1-9]\d{0,14}-[1-9]\d{0,3}(?![0-9A-Z])/g
const REFUND = /(?<![0-9A-Z])R(\d{6})-([0-9A-HJ-NPQRTUWXY]{18})(?![0-9A-Z])/g

/** Reads references wherever they stand in a bank's text, full width or half width, in small letters or capitals. */
export function referencesIn(text: string | null): References {
  const said = (text ?? '').normalize('NFKC').toUpperCase()
  const payments = new Set(said.match(PAYMENT))
  const refunds = new Map(
    [...said.matchAll(REFUND)].map(([all, book, uscc]) => [all, { book: Number(book), uscc: uscc! }]),
  )
  return { payments: [...payments].map((one) => parseLineReference(one)!), refunds: [...refunds.values()] }
}

/** Whether a reference can lead anywhere: its book is one. */
export const isOfBook = ({ book }: { readonly book: Book }) => isJurisdiction(bookText(book))

const refKey = ({ book, batch, line }: Ref) => `${book}/${batch}/${line}`

/** Somebody who was paid from a book: the accounts, and what must be given back. */
export interface Payee {
  readonly owner: string
  readonly payable: AccountName
  readonly recoverable: AccountName
  readonly owing: Fen
}

/** What matching rests on; what it comes to is read from it afterwards. */
export interface Grounds {
  readonly book: Book
  /** By `batchKey`, of this and other books. */
  readonly batches: ReadonlyMap<string, PaymentBatch>
  /** What has come in of other books' instructions, by book/batch/line. */
  readonly received: ReadonlyMap<string, Fen>
  /** By code: who may give money back. */
  readonly payees: ReadonlyMap<string, readonly Payee[]>
}

/** An amount of a bank line for one payment line. */
export interface Part extends Ref {
  readonly amount: Fen
}

/**
 * Takes bank lines one after another for what they confirm. Without a reference nothing is ever taken by itself: the same
 * amount to the same name is met too often to be proof.
 */
export class Matching {
  readonly book: Book
  readonly entry: Transfer[] = []
  /** What has changed. */
  readonly batches = new Map<string, PaymentBatch>()
  readonly received = new Map<string, Part>()
  readonly #grounds: Grounds
  readonly #owing = new Map<string, Fen>()

  constructor(grounds: Grounds) {
    this.book = grounds.book
    this.#grounds = grounds
  }

  /** What a line is taken for by its references; or why it is not. */
  take({ side, amount, reference }: Pick<Line, 'side' | 'amount' | 'reference'>): readonly Match[] | Exception {
    const { payments, refunds } = referencesIn(reference)
    if (payments.length + refunds.length === 0) return 'no_reference'
    if (refunds.length > 0) {
      const [{ book, uscc } = { book: -1, uscc: '' }] = refunds
      if (payments.length + refunds.length > 1 || side === 'debit') return 'unclear_reference'
      return book === this.book ? this.refund(uscc, amount) : 'foreign_reference'
    }
    const parts = this.#split(side, amount, payments)
    return typeof parts === 'string' ? parts : this.takeFor(side, parts)
  }

  /** Takes a bank line for these payment lines; or says why it cannot be, having done nothing. */
  takeFor(side: Line['side'], parts: readonly Part[]): readonly Match[] | Exception {
    if (new Set(parts.map(refKey)).size < parts.length) return 'unclear_reference'
    for (const part of parts) {
      const wrong = this.#wrong(side, part)
      if (wrong) return wrong
    }
    return parts.map((part) => this.#move(side, part))
  }

  /** Takes money that a code gives back 退款: for what it must give back in any role, then the rest is owed to it again. */
  refund(uscc: string, amount: Fen): readonly Match[] | Exception {
    const payees = this.#grounds.payees.get(uscc) ?? []
    if (payees.length === 0) return 'unknown_payee'
    const owing = payees.filter((one) => this.#owingOf(one) > 0n)
    const takers = owing.length > 0 ? owing : payees.slice(0, 1)
    const matches: Match[] = []
    let left = amount
    for (const [n, payee] of takers.entries()) {
      const debt = this.#owingOf(payee)
      const part = n === takers.length - 1 || left < debt ? left : debt
      if (part === 0n) break
      this.entry.push(...refund(payee, debt, part))
      this.#owing.set(payee.owner, part < debt ? debt - part : 0n)
      matches.push({ kind: 'refund', payer: this.book, batch: null, line: null, payee: payee.owner, amount: part })
      left -= part
    }
    return matches
  }

  #owingOf({ owner, owing }: Payee): Fen {
    return this.#owing.get(owner) ?? owing
  }

  /** The amount of each of several payment lines: only when all that is open of them adds up to the bank line. */
  #split(side: Line['side'], amount: Fen, payments: readonly Ref[]): readonly Part[] | Exception {
    if (payments.length === 1) return [{ ...payments[0]!, amount }]
    const parts = payments.map((ref) => ({ ...ref, amount: this.#open(side, ref) }))
    const unknown = parts.find((part) => !this.#lineOf(part))
    if (unknown) return 'unknown_reference'
    return parts.reduce((sum, part) => sum + part.amount, 0n) === amount ? parts : 'amount_differs'
  }

  /** What a bank line may still be for a payment line: to be paid, to come back, or to come in. */
  #open(side: Line['side'], ref: Ref): Fen {
    const line = this.#lineOf(ref)
    if (!line) return 0n
    if (side === 'debit') return line.released - line.paid
    return ref.book === this.book ? line.paid : line.amount - this.#receivedOf(ref)
  }

  #wrong(side: Line['side'], part: Part): Exception | undefined {
    const batch = this.#batchOf(part)
    const line = this.#lineOf(part)
    if (!batch || !line) return 'unknown_reference'
    if (part.book !== this.book) return this.#wrongInstruction(side, batch, line, part)
    return side === 'debit' ? wrongPayment(line, part.amount) : wrongBounce(line, part.amount)
  }

  #wrongInstruction(side: Line['side'], batch: PaymentBatch, line: PaymentLine, part: Part): Exception | undefined {
    const isOurs = batch.source === 'clearing' && line.payee === `jurisdiction:${bookText(this.book)}`
    if (side === 'debit' || !isOurs) return 'foreign_reference'
    const open = line.amount - this.#receivedOf(part)
    if (open === 0n) return 'already_settled'
    return part.amount > open ? 'amount_differs' : undefined
  }

  #move(side: Line['side'], part: Part): Match {
    const { book: payer, batch: number, line, amount } = part
    const batch = this.#batchOf(part)!
    const match = { payer, batch: number, line, payee: null, amount }
    if (payer !== this.book) {
      this.entry.push(post('receive', TREASURY, clearingOf(batch.period), amount))
      this.received.set(refKey(part), { ...part, amount: this.#receivedOf(part) + amount })
      return { kind: 'receive', ...match }
    }
    const moved = side === 'debit' ? pay(batch, [{ line, amount }]) : bounce(batch, line)
    this.entry.push(...moved.entry)
    this.batches.set(batchKey(payer, number), moved.batch)
    return { kind: side === 'debit' ? 'pay' : 'bounce', ...match }
  }

  #receivedOf(ref: Ref): Fen {
    return this.received.get(refKey(ref))?.amount ?? this.#grounds.received.get(refKey(ref)) ?? 0n
  }

  #batchOf({ book, batch }: Ref): PaymentBatch | undefined {
    const key = batchKey(book, batch)
    return this.batches.get(key) ?? this.#grounds.batches.get(key)
  }

  #lineOf(ref: Ref): PaymentLine | undefined {
    return this.#batchOf(ref)?.lines[ref.line - 1]
  }
}

function wrongPayment(line: PaymentLine, amount: Fen): Exception | undefined {
  if (line.state === 'open') return 'not_released'
  if (line.state !== 'released') return 'already_settled'
  return canPay(line, amount) ? undefined : 'amount_differs'
}

function wrongBounce(line: PaymentLine, amount: Fen): Exception | undefined {
  if (line.paid === 0n) return 'not_paid'
  return canBounce(line, amount) ? undefined : 'amount_differs'
}
