import type { Application } from '../applications/facts.js'
import { isWithin } from '../core/division.js'
import { type Fen, yuan } from '../core/money.js'
import { type Refusal, refuse } from '../core/refusals.js'
import { type Day, yearOf } from '../core/time.js'
import { type Enterprise, enterpriseOf } from '../enterprises/facts.js'
import { isEligible } from '../enterprises/rules.js'
import { isListed } from '../integrity/rules.js'
import { accountsOf, available } from '../ledger/accounts.js'
import type { Book } from '../ledger/book.js'
import type { Find } from '../ledger/fact.js'
import { type Program, poolOf, programOn } from '../programs/facts.js'
import type { VoucherState } from './contract.js'
import { grantKey, grants, type Voucher } from './facts.js'

/**
 * States × commands 状态表 of a voucher: what each state allows and where it leads. Orders that run on a suspended
 * voucher go on; only new ones are refused.
 */
export const transitions = {
  running: {
    extend_voucher: 'running',
    suspend_voucher: 'suspended',
    cancel_voucher: 'cancelled',
    recall_voucher: 'recalled',
  },
  suspended: { resume_voucher: 'running', cancel_voucher: 'cancelled', recall_voucher: 'recalled' },
  lapsed: {},
  cancelled: {},
  recalled: {},
} as const satisfies Record<VoucherState, Readonly<Record<string, VoucherState>>>

export type VoucherCommand =
  | 'extend_voucher'
  | 'suspend_voucher'
  | 'resume_voucher'
  | 'cancel_voucher'
  | 'recall_voucher'

/** Where a command leads from a state; undefined when the state does not allow it. */
export function next(state: VoucherState, command: VoucherCommand): VoucherState | undefined {
  return (transitions[state] as Partial<Record<VoucherCommand, VoucherState>>)[command]
}

/** The state of a voucher; one past its last day is `lapsed` once that is booked. */
export function stateOf({ ended, lapsedOn, suspendedOn }: Pick<Voucher, 'ended' | 'lapsedOn' | 'suspendedOn'>) {
  const state = ended ?? (lapsedOn !== null ? 'lapsed' : suspendedOn !== null ? 'suspended' : 'running')
  return state satisfies VoucherState
}

/** What granting a voucher to an enterprise under a program rests on; money in fen. */
export interface Grantable {
  readonly book: Book
  readonly program: Program
  readonly enterprise: Enterprise
  readonly isListed: boolean
  /** To this enterprise under this program in the day's calendar year. */
  readonly granted: Fen
  readonly pool: Fen
  /** The application that is granted, when there is one. */
  readonly application?: Application
}

/** Gathers it; throws Refused('program_not_found'), Refused('enterprise_not_found'). */
export function grantableOf(
  find: Find,
  { enterprise, program }: { readonly enterprise: string; readonly program: string },
  day: Day,
): Grantable {
  const rules = programOn(find, program, day)
  const book = rules.jurisdiction
  const key = grantKey({ book, program, enterprise, year: yearOf(day) })
  find.ahead([grants, key], ...accountsOf(book, poolOf(program)))
  return {
    book,
    program: rules,
    enterprise: enterpriseOf(find, enterprise),
    isListed: isListed(find, enterprise, 'no_new_vouchers', book, day),
    granted: find(grants, key)?.granted ?? 0n,
    pool: available(find, book, poolOf(program)),
  }
}

/** Why this amount cannot be granted on this day, in the order of the rules; undefined when it can. Amount in fen. */
export function refusalToGrant(
  { program, enterprise, isListed, granted, pool }: Grantable,
  amount: Fen,
  day: Day,
): Refusal | undefined {
  const { annualCap, firstGrantLimit } = program
  if (day < program.applyFrom || day > program.applyTo) {
    return refuse('program_not_open', { applyFrom: program.applyFrom, applyTo: program.applyTo })
  }
  if (isListed) return refuse('integrity_listed', { party: enterprise.uscc })
  if (!isWithin(enterprise.division, program.reach ?? String(program.jurisdiction))) {
    return refuse('outside_jurisdiction', { division: enterprise.division })
  }
  if (!isEligible(enterprise, program, day)) return refuse('enterprise_not_eligible')
  if (granted + amount > annualCap) {
    return refuse('annual_cap_exceeded', { annualCap: yuan(annualCap), granted: yuan(granted) })
  }
  if (amount > pool) return refuse('pool_insufficient', { pool: yuan(pool) })
  if (firstGrantLimit !== null && granted === 0n && amount > firstGrantLimit) {
    return refuse('first_grant_limit_exceeded', { firstGrantLimit: yuan(firstGrantLimit) })
  }
  return undefined
}
