import type { Day } from '../core/time.js'
import type { Calendar } from './facts.js'

/** Whether a period may be closed through this day: where nothing is planned, any may. */
export function isPlanned(calendar: Calendar | null, period: string, through: Day): boolean {
  return !calendar || calendar.periods.some((one) => one.period === period && one.through === through)
}
