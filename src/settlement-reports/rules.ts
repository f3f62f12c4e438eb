import { addDays, type Day, daysSinceEpoch } from '../core/time.js'
import { isWorkday, type Notices } from '../core/workdays.js'

/** A closed period, as reports look at it. */
export interface Closed {
  readonly period: string
  /** The number of the region's command that closed it. */
  readonly closing: number
  readonly through: Day
  /** Of periods: only those of one group go on from each other. */
  readonly group: string
}

/** Rows of the roll-ups that a close takes: those of `passed`, dated after the one day up to the other. */
export interface Window {
  readonly passed: number
  readonly after: Day
  readonly through: Day
}

/** Earlier than any day of the service. */
const BEGINNING = '1900-01-01'

/**
 * What a close takes: of what no close has passed over (0), and of what each of the closes in `lates` did, all that is
 * dated up to its last day and that no close of its group in between took.
 */
export function windowsOf(of: Closed, all: readonly Closed[], lates: readonly number[]): Window[] {
  return [0, ...lates].flatMap((passed) => {
    if (passed >= of.closing) return []
    const after = all
      .filter(({ group, closing }) => group === of.group && closing > passed && closing < of.closing)
      .reduce((last, { through }) => (through > last ? through : last), BEGINNING)
    return after < of.through ? [{ passed, after, through: of.through }] : []
  })
}

/** The closes of a year, up to one of them. */
export const closesOf = (all: readonly Closed[], year: number, upTo?: Closed): readonly Closed[] =>
  all.filter(({ through, closing }) => through.startsWith(`${year}-`) && closing <= (upTo?.closing ?? closing))

/** The same day of the year before; of 29 February the 28th. */
export function yearBefore(day: Day): Day {
  const before = `${Number(day.slice(0, 4)) - 1}${day.slice(4)}`
  return before.endsWith('-02-29') ? before.replace(/29$/, '28') : before
}

/** By how much a figure is more than before, in per cent with two decimals, half up; null when there was nothing. */
export function change(now: bigint, before: bigint): string | null {
  if (before <= 0n) return null
  const size = ((now < before ? before - now : now - before) * 20_000n + before) / (2n * before)
  const text = `${size / 100n}.${String(size % 100n).padStart(2, '0')}`
  return now < before && size > 0n ? `-${text}` : text
}

/** Orders that were claimed on one day and paid on another. */
export interface Wait {
  readonly claimedOn: Day
  readonly paidOn: Day
  readonly orders: number
}

/** Orders by how many days they waited, fewest first; the day of the claim is not counted. */
export function waited(waits: readonly Wait[], daysOf: (wait: Wait) => number) {
  const found = new Map<number, number>()
  for (const wait of waits) found.set(daysOf(wait), (found.get(daysOf(wait)) ?? 0) + wait.orders)
  return [...found].sort(([a], [b]) => a - b).map(([days, orders]) => ({ days, orders }))
}

export const calendarDays = ({ claimedOn, paidOn }: Wait) => daysSinceEpoch(paidOn) - daysSinceEpoch(claimedOn)

/** How many workdays a wait was, by the notices of holidays that were known. */
export function workdaysOf(waits: readonly Wait[], notices: Notices): (wait: Wait) => number {
  const days = waits.flatMap(({ claimedOn, paidOn }) => [claimedOn, paidOn]).sort()
  const upTo = new Map<Day, number>()
  let sum = 0
  for (let at = days[0]; at !== undefined && at <= days.at(-1)!; at = addDays(at, 1)) {
    if (isWorkday(at, notices)) sum++
    upTo.set(at, sum)
  }
  return ({ claimedOn, paidOn }) => upTo.get(paidOn)! - upTo.get(claimedOn)!
}

/** The least value that at least this share (per cent) of all are not above; null when there are none. Values ascending. */
export function quantile(values: readonly { readonly days: number; readonly orders: number }[], percent: number) {
  const all = values.reduce((sum, { orders }) => sum + orders, 0)
  let seen = 0
  for (const { days, orders } of values) {
    seen += orders
    if (seen > 0 && seen * 100 >= all * percent) return days
  }
  return null
}

/** Buckets of the ageing of payables, in calendar days since approval; the last has no end. */
export const buckets = [0, 31, 61, 91, 181] as const
