import type { Actor } from '../core/actor.js'
import type { Fen } from '../core/money.js'
import type { Day, Instant } from '../core/time.js'
import type { Book } from './book.js'
import type { AccountKind, Phase, TransferType } from './chart.js'
import type { Fact, FactKind } from './fact.js'

/** An account by what it stands for; its number in the book is the ledger's own business. */
export interface AccountName {
  readonly kind: AccountKind
  /** Program, voucher, payee or province; '' for the one-of-a-kind accounts of a book. */
  readonly owner: string
  /** Of a payee: the province its money goes to, as a GB/T 2260 code. */
  readonly province?: number
  /** Said of an account that this very plan opens: it is not looked for. */
  readonly isNew?: true
}

/** One line of an entry: debit account, credit account, amount in fen; with its hold when it belongs to one. */
export interface Transfer {
  readonly type: TransferType
  readonly phase: Phase
  readonly debit: AccountName
  readonly credit: AccountName
  readonly amount: Fen
  readonly hold?: { readonly hold: number; readonly leg: number }
}

/** Something that changes: its kind and its whole new value. */
export interface Row {
  readonly kind: FactKind<Fact>
  readonly value: Fact
}

/** Types the value of a row to its kind. */
export function row<T extends Fact>(kind: FactKind<T>, value: T): Row {
  return { kind, value }
}

/** What an event says, as it is answered and logged: ids, days, states, and money as yuan strings. */
export type Event = Readonly<Record<string, unknown>>

/** What an accepted command changes, whole: nothing else is written for it. */
export interface Plan {
  /** The book that takes the command's number. */
  readonly book: Book
  readonly entry?: readonly Transfer[]
  readonly rows?: readonly Row[]
  /** Region-wide unique keys claimed and given back. */
  readonly claims?: readonly { readonly key: string; readonly holder: string }[]
  readonly frees?: readonly string[]
  readonly event: Event
}

/** What decide may know besides the facts: nothing is read from a clock or drawn by chance. */
export interface Context {
  /** The instant the command was accepted. */
  readonly at: Instant
  /** Its Asia/Shanghai date: the day every rule uses. */
  readonly day: Day
  readonly actor: Actor
  /** Who asked for it, when the actor does it as the second person. */
  readonly proposedBy?: string
  /** The number the command will take in its book if it is accepted; ids are made of it. */
  readonly seq: number
}
