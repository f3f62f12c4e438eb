import type { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { yuan } from '../core/money.js'
import type { Refusal } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { Context, Plan } from '../ledger/plan.js'

/** One command to be decided. */
export interface Call {
  readonly type: CommandType
  readonly command: unknown
  /** Known before it is decided: whatever its things have become meanwhile, it is refused with this. */
  readonly refusal?: Refusal
}

/** An order or a voucher whose deadline has passed. */
export interface Overdue {
  readonly book: Book
  readonly number: number
  readonly what: 'order' | 'voucher'
}

/** Finds what is overdue as the database shows it: orders first, then vouchers, by number, so many at most. */
export interface OverdueSource {
  overdueOfPool(book: Book, program: string, day: Day, most: number): Promise<Overdue[]>
  /** Orders only. */
  overdueOfVoucher(book: Book, voucher: number, day: Day, most: number): Promise<Overdue[]>
}

/** Where overdue things are found: the database, and what it cannot show yet. */
export interface OwedSources {
  readonly overdue: OverdueSource
  recent<T extends Fact>(kind: FactKind<T>): T[]
}

/** A set of commands that lapse what is overdue, and whether more may be owed than fits into one batch. */
export interface Owed {
  readonly calls: readonly Call[]
  readonly more: boolean
}

/**
 * One kind of command: its wire form, the facts it rests on, who may ask, and the rule that decides.
 * Methods (not properties) so that the engine can hold all kinds in one table.
 */
export interface CommandType<C = unknown, F extends { readonly book: Book } = { readonly book: Book }> {
  readonly kind: string
  /** From the logged wire form (money as yuan strings) to the command (money as fen); replay reads the log with it. */
  readonly schema: z.ZodType<C>
  /** What the outcome says; derived documents describe the receipt with it. */
  readonly event: z.ZodType
  /** Gathers the facts; throws Refused when what the command names does not exist. */
  facts(find: Find, command: C, day: Day): F
  /** Whether this actor may ask it of these things; undefined when nothing forbids it. */
  access?(facts: F, actor: Actor, command: C): Refusal | undefined
  /** What is overdue among the facts and must lapse first. */
  overdue?(facts: F, day: Day): readonly Call[]
  decide(facts: F, command: C, context: Context): Plan | Refusal
  /** After a refusal for lack of money: what is still owed to the place it would have come from. */
  owed?(sources: OwedSources, facts: F, refusal: Refusal, day: Day): Promise<Owed | undefined>
}

/** Keeps a definition's own types inside and lets it go as one of many outside. */
export function command<C, F extends { readonly book: Book }>(type: CommandType<C, F>): CommandType<C, F> {
  return type
}

/** The wire form of a command: JSON in the order of its fields, money as yuan strings (every bigint is fen). */
export function wire(command: unknown): string {
  return JSON.stringify(command, (_, value) => (typeof value === 'bigint' ? yuan(value) : value))
}

/** The engine itself, when time passes: no person, no power beyond what is due. */
export const SYSTEM: Actor = { subject: 'system', organisation: 'system', roles: [] }
