import type { Day } from '../core/time.js'
import type { QualificationState } from './contract.js'
import type { Enterprise } from './facts.js'

/** States × verdicts 资格状态表: what a bureau may say of a qualification; one found false later can still be refused. */
export const nextStates: Readonly<Record<QualificationState, readonly QualificationState[]>> = {
  declared: ['verified', 'refused', 'returned'],
  verified: ['refused'],
  refused: [],
  returned: [],
}

interface Wanted {
  readonly enterpriseTypes: readonly string[]
  readonly verifiedTypes: boolean
}

/**
 * Whether the enterprise is of a type the program supports on this day: one it has registered, or, where the program
 * asks for verified types, one by a verified qualification that runs on the day.
 */
export function isEligible({ types, qualifications }: Enterprise, program: Wanted, day: Day): boolean {
  const { enterpriseTypes, verifiedTypes } = program
  if (!verifiedTypes) return types.some((type) => enterpriseTypes.includes(type))
  return qualifications.some(
    ({ type, state, from, to }) => state === 'verified' && from <= day && day <= to && enterpriseTypes.includes(type),
  )
}
