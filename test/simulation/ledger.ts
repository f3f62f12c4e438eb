import type { Pair } from '../../src/agreements/facts.js'
import type { Application } from '../../src/applications/facts.js'
import type { BankAccounts } from '../../src/bank-accounts/facts.js'
import type { Calendar } from '../../src/calendars/facts.js'
import type { LocalCategory } from '../../src/catalogue/facts.js'
import type { ClearingPair } from '../../src/clearing/facts.js'
import type { Refusal } from '../../src/core/refusals.js'
import type { Day, Instant } from '../../src/core/time.js'
import type { Proposal } from '../../src/engine/proposal.js'
import type { Person } from '../../src/engine/storage.js'
import type { Enterprise } from '../../src/enterprises/facts.js'
import type { Integrity } from '../../src/integrity/facts.js'
import type { Account, Leg } from '../../src/ledger/accounts.js'
import type { Book } from '../../src/ledger/book.js'
import type { Fact } from '../../src/ledger/fact.js'
import type { Event } from '../../src/ledger/plan.js'
import type { Head, Holder } from '../../src/ledger/world.js'
import type { Order } from '../../src/orders/facts.js'
import type { Preview } from '../../src/outlook/facts.js'
import type { PaymentBatch } from '../../src/payments/facts.js'
import type { Person as Registered } from '../../src/people/facts.js'
import type { Draft, ProgramVersions } from '../../src/programs/facts.js'
import type { KeptProfile, Provider } from '../../src/providers/facts.js'
import type { RecognitionApplication } from '../../src/recognition-applications/facts.js'
import type { Relations } from '../../src/relations/facts.js'
import type { HomeReview } from '../../src/reviews/facts.js'
import type { Period, SettlementPart } from '../../src/settlement/facts.js'
import type { BankException, BankLine, Receipts, Statement } from '../../src/statements/facts.js'
import type { Grant, Voucher } from '../../src/vouchers/facts.js'
import type { Webhooks } from '../../src/webhooks/facts.js'
import type { PublishedNotice } from '../../src/workdays/facts.js'
import type { Subsidy, TreasuryFigure } from '../../src/year-end/facts.js'

/** What PostgreSQL refuses, with its SQLSTATE. */
export class SqlError extends Error {
  constructor(
    readonly code: string,
    readonly constraint_name?: string,
  ) {
    super(`${code} ${constraint_name ?? ''}`)
  }
}

/** A check of a table: refuses the row when it does not hold. */
export function check(holds: boolean): void {
  if (!holds) throw new SqlError('23514')
}

export function unique(isFree: boolean, constraint: string): void {
  if (!isFree) throw new SqlError('23505', constraint)
}

/** A row that another one refers to must be there. */
export function refer(isThere: boolean): void {
  if (!isThere) throw new SqlError('23503')
}

/** A command as the log has it. */
export interface LoggedCommand {
  readonly book: Book
  readonly seq: number
  readonly entry: number | null
  readonly kind: string
  readonly day: Day
  readonly moment: Instant
  readonly actor: number
  readonly key: string | null
  readonly fingerprint: string | null
  readonly body: unknown
  readonly event: Event
  readonly rests: Readonly<Record<string, number>>
  /** As JSON text. */
  readonly changes: string | null
  /** The call of `record` that wrote it. */
  readonly call: number
}

export interface LoggedTransfer {
  readonly book: Book
  readonly entry: number
  readonly line: number
  readonly seq: number
  readonly type: number
  readonly phase: number
  readonly debit: number
  readonly credit: number
  readonly hold: number | null
  readonly leg: number | null
  readonly amount: bigint
}

/** A leg with the numbers of its accounts. */
export interface KeptLeg extends Pick<Leg, 'leg' | 'amount' | 'open'> {
  readonly type: number
  readonly debit: number
  readonly credit: number
}

export interface KeptRefusal {
  readonly fingerprint: string
  readonly moment: Instant
  readonly refusal: Refusal
}

/** The nouns' tables, by the names under which `record` is given their rows, in its order. */
export interface Nouns {
  readonly proposals: Map<string, Proposal>
  readonly agreements: Map<string, Pair>
  readonly clearing_agreements: Map<string, ClearingPair>
  readonly people: Map<string, Registered>
  readonly workdays: Map<string, PublishedNotice>
  readonly programs: Map<string, ProgramVersions>
  readonly program_drafts: Map<string, Draft>
  readonly enterprises: Map<string, Enterprise>
  readonly providers: Map<string, Provider>
  readonly provider_profiles: Map<string, KeptProfile>
  readonly home_reviews: Map<string, HomeReview>
  readonly recognition_applications: Map<string, RecognitionApplication>
  readonly catalogue: Map<string, LocalCategory>
  readonly relations: Map<string, Relations>
  readonly integrity: Map<string, Integrity>
  readonly vouchers: Map<string, Voucher>
  readonly applications: Map<string, Application>
  readonly grants: Map<string, Grant>
  readonly orders: Map<string, Order>
  readonly periods: Map<string, Period>
  readonly settlement_parts: Map<string, SettlementPart>
  readonly payment_batches: Map<string, PaymentBatch>
  readonly bank_statements: Map<string, Statement>
  readonly bank_lines: Map<string, BankLine>
  readonly bank_exceptions: Map<string, BankException>
  readonly instruction_receipts: Map<string, Receipts>
  readonly subsidies: Map<string, Subsidy>
  readonly treasury_figures: Map<string, TreasuryFigure>
  readonly bank_accounts: Map<string, BankAccounts>
  readonly period_calendars: Map<string, Calendar>
  readonly period_previews: Map<string, Preview>
  readonly webhooks: Map<string, Webhooks>
}

/** A row or an account of a book, and a leg of a hold, by number. */
export const at = (book: Book, number: number) => book * 2 ** 32 + number

/** The tables of a ledger, each a map of rows that never change but are replaced. */
export class Ledger {
  readonly books: Map<Book, Head>
  readonly actors = new Map<string, number>()
  /** By `at(book, seq)`, in the order in which they were written. */
  readonly commands = new Map<number, LoggedCommand>()
  readonly commandOfKey = new Map<string, LoggedCommand>()
  readonly refusals = new Map<string, KeptRefusal>()
  /** By `at(book, entry)`. */
  readonly transfers = new Map<number, readonly LoggedTransfer[]>()
  /** By `at(book, account)`. */
  readonly accounts = new Map<number, Account>()
  /** By `accountKey`. */
  readonly accountOfName = new Map<string, number>()
  /** By `at(book, hold)`. */
  readonly holds = new Map<number, readonly KeptLeg[]>()
  readonly keys = new Map<string, Holder>()
  readonly nouns: Nouns & Record<string, Map<string, Fact>> = {
    proposals: new Map(),
    agreements: new Map(),
    clearing_agreements: new Map(),
    people: new Map(),
    workdays: new Map(),
    programs: new Map(),
    program_drafts: new Map(),
    enterprises: new Map(),
    providers: new Map(),
    provider_profiles: new Map(),
    home_reviews: new Map(),
    recognition_applications: new Map(),
    catalogue: new Map(),
    relations: new Map(),
    integrity: new Map(),
    vouchers: new Map(),
    applications: new Map(),
    grants: new Map(),
    orders: new Map(),
    periods: new Map(),
    settlement_parts: new Map(),
    payment_batches: new Map(),
    bank_statements: new Map(),
    bank_lines: new Map(),
    bank_exceptions: new Map(),
    instruction_receipts: new Map(),
    subsidies: new Map(),
    treasury_figures: new Map(),
    bank_accounts: new Map(),
    period_calendars: new Map(),
    period_previews: new Map(),
    webhooks: new Map(),
  }
  /** Calls of `record` that wrote something. */
  calls = 0
  /** Map, key and value before, of one change after the other. */
  #undo: unknown[] = []

  constructor(books: readonly Book[]) {
    this.books = new Map(books.map((book) => [book, { seq: 0, entries: 0, accounts: 0, moment: 0, batch: 0 }]))
  }

  set<K, V>(map: Map<K, V>, key: K, value: V): void {
    this.#undo.push(map, key, map.get(key))
    map.set(key, value)
  }

  /** Does all of it or nothing. */
  atomically<T>(action: () => T): T {
    this.#undo = []
    try {
      return action()
    } catch (error) {
      for (let last = this.#undo.length - 3; last >= 0; last -= 3) {
        const [map, key, before] = this.#undo.slice(last, last + 3) as [Map<unknown, unknown>, unknown, unknown]
        if (before === undefined) map.delete(key)
        else map.set(key, before)
      }
      this.#undo = []
      throw error
    }
  }

  /** The number of somebody who asks; given now if there is none yet. */
  actor({ organisation, subject, origin }: Person): number {
    const name = `${organisation}\n${subject}\n${origin}`
    const known = this.actors.get(name)
    if (known !== undefined) return known
    this.actors.set(name, this.actors.size + 1)
    return this.actors.size
  }
}
