import type { ApplicationState } from './contract.js'

/** States × commands 状态表 of an application. Whatever is not here is refused with `state_conflict`. */
export const transitions = {
  submitted: { passed: 'reviewed', returned: 'returned', refused: 'refused', withdraw: 'withdrawn' },
  returned: { complete: 'submitted', refused: 'refused', withdraw: 'withdrawn' },
  reviewed: { returned: 'returned', refused: 'refused', withdraw: 'withdrawn', grant: 'granted' },
  granted: {},
  refused: {},
  withdrawn: {},
} as const satisfies Record<ApplicationState, Readonly<Record<string, ApplicationState>>>

/** What is still to be decided: an enterprise has one such application under a program. */
export const openStates = ['submitted', 'returned', 'reviewed'] as const satisfies ApplicationState[]

/** A reviewer's verdict, or what else moves an application. */
export type Step = 'passed' | 'returned' | 'refused' | 'complete' | 'withdraw' | 'grant'

/** Where a step leads from a state; undefined when the state does not allow it. */
export function nextOf(state: ApplicationState, step: Step): ApplicationState | undefined {
  return (transitions[state] as Partial<Record<Step, ApplicationState>>)[step]
}
