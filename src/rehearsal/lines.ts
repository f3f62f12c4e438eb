import { fieldFaults } from '../core/faults.js'
import { addDays, type Instant, parseChinaTime } from '../core/time.js'
import { faultsOf } from '../platform/problems.js'
import { type Step, type StepName, steps } from './contract.js'

/** A line that cannot be played: its number, the field, and what was expected of it. */
export class LineError extends Error {
  constructor(line: number, field: string, expected: string) {
    super(`line ${line}: ${field}: ${expected}`)
  }
}

/** A time of +08:00 as text that sorts as time does, down to the last digit it was given. */
const sortable = (at: string) => `${at.slice(0, 19)}.${at.slice(20, -6).padEnd(9, '0')}`

/**
 * Reads one line; `last` is the `time` of the line before, '' before the first. Throws LineError.
 */
export function readLine(text: string, line: number, last: string): { step: Step; at: Instant; time: string } {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    throw new LineError(line, '(line)', 'expected one JSON object 应为一个 JSON 对象')
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new LineError(line, '(line)', 'expected one JSON object 应为一个 JSON 对象')
  }
  const name = (given as { do?: unknown }).do
  if (typeof name !== 'string' || !Object.hasOwn(steps, name)) {
    throw new LineError(line, 'do', `expected one of 应为其一: ${Object.keys(steps).join(' ')}`)
  }
  const parsed = steps[name as StepName].safeParse(given)
  if (!parsed.success) {
    const { faults } = faultsOf('', parsed.error, given)
    const { pointer, code } = faults[0]!
    const { en, zh } = fieldFaults[code]
    throw new LineError(line, pointer.replace(/^\/+/, ''), `${en} ${zh}`)
  }
  const step = given as Step
  const at = parseChinaTime(step.at)
  if (at === undefined) {
    throw new LineError(line, 'at', `${fieldFaults.instant_format.en} ${fieldFaults.instant_format.zh}`)
  }
  const time = sortable(step.at)
  if (time < last) throw new LineError(line, 'at', 'expected a time not before the line before 时间不得早于上一行')
  return { step, at, time }
}

const dayFields = ['applyFrom', 'applyTo', 'from', 'to', 'signedOn', 'through'] as const

/** The same line some days later, so that a demonstration ends today. */
export function shiftLine(text: string, days: number): string {
  const line = JSON.parse(text) as Record<string, unknown>
  for (const field of dayFields) {
    if (typeof line[field] === 'string') line[field] = addDays(line[field], days)
  }
  const at = line.at as string
  line.at = addDays(at.slice(0, 10), days) + at.slice(10)
  return JSON.stringify(line)
}
