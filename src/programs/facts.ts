import type { Fen } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { AccountName } from '../ledger/plan.js'

/** A program's rules 券种规则, as decisions use them; money is fen, days are calendar days. */
export interface Program extends Fact {
  readonly program: string
  /** The jurisdiction's book: where its pool and vouchers are kept. */
  readonly jurisdiction: Book
  readonly ratio: string
  readonly annualCap: Fen
  readonly orderCap: Fen | null
  readonly payee: 'provider' | 'enterprise'
  readonly invoice: 'whole' | 'self_paid'
  readonly crossRegion: boolean
  readonly applyFrom: string
  readonly applyTo: string
  readonly useWithinDays: number
  readonly claimWithinDays: number
  readonly categories: readonly string[]
  readonly enterpriseTypes: readonly string[]
  /** Whether only verified types count; off unless the program says so. */
  readonly verifiedTypes: boolean
}

export const programs: FactKind<Program> = {
  name: 'programs',
  key: (program) => program.program,
  bookOf: () => REGION,
  load: (sql, keys) => sql<Program[]>`
    select 0 as book, program, jurisdiction, ratio, annual_cap as "annualCap", order_cap as "orderCap", payee, invoice,
           cross_region as "crossRegion", apply_from as "applyFrom", apply_to as "applyTo",
           use_within_days as "useWithinDays", claim_within_days as "claimWithinDays", categories,
           enterprise_types as "enterpriseTypes",
           verified_types as "verifiedTypes"
    from programs where program = any (${keys as string[]})`,
}

/** The program of this code; throws Refused('program_not_found'). */
export function programOf(find: Find, code: string): Program {
  const program = find(programs, code)
  if (!program) throw new Refused('program_not_found', { program: code })
  return program
}

export const poolOf = (program: string): AccountName => ({ kind: 'pool', owner: program })
export const APPROPRIATION: AccountName = { kind: 'appropriation', owner: '' }
