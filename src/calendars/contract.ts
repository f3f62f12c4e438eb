import { z } from 'zod'
import { code, day } from '../platform/wire.js'

const YEAR = z.int({ error: 'wrong_type' }).min(2000, { error: 'out_of_range' }).max(2999, { error: 'out_of_range' })

/** A planned period: its name and the last day that it takes. */
const planned = z.strictObject({
  period: code,
  through: day.meta({ description: 'The last day that it takes 截止日' }),
})

interface Said {
  readonly year: number
  readonly periods: readonly { readonly period: string; readonly through: string }[]
}

/** Days of the year, each after the one before it; every name once. */
function inTurn({ year, periods }: Said, context: z.RefinementCtx): void {
  const names = new Set<string>()
  for (const [n, { period, through }] of periods.entries()) {
    const issue = (message: string, field: string) =>
      context.addIssue({ code: 'custom', message, path: ['periods', n, field] })
    if (names.has(period)) issue('repeated', 'period')
    names.add(period)
    if (Number(through.slice(0, 4)) !== year) issue('out_of_range', 'through')
    else if (n > 0 && through <= periods[n - 1]!.through) issue('days_out_of_order', 'through')
  }
}

/** Plans the periods of a group for a year (清算日历): from then on only these are closed, at their last days. */
export const planPeriods = z
  .strictObject({
    group: code.meta({ description: 'Clearing group 清算组', examples: ['region'] }),
    year: YEAR,
    periods: z.array(planned).min(1, { error: 'out_of_range' }).max(60, { error: 'out_of_range' }),
  })
  .superRefine(inTurn)

export const periodsPlanned = z.object({ group: z.string(), year: z.number(), periods: z.number() })

export const calendarView = z
  .object({
    group: z.string(),
    year: z.number(),
    version: z.number(),
    periods: z.array(
      z.object({ period: z.string(), through: z.string(), closed: z.boolean().meta({ description: '是否已关账' }) }),
    ),
  })
  .meta({ id: 'ClearingCalendar' })
