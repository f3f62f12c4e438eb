import { refuse } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { periods as closes } from '../settlement/facts.js'
import { periodsPlanned, planPeriods } from './contract.js'
import { calendarKey, calendars } from './facts.js'

/** Plans the periods of a group and a year anew (排定清算日历). Refuses planned_period_closed: what is closed stays planned. */
export const planPeriodsCommand = byTwo({
  kind: 'plan_periods',
  schema: planPeriods,
  event: periodsPlanned,
  facts(find, { group, year, periods }) {
    const before = find(calendars, calendarKey(group, year))
    const names = [...new Set([...(before?.periods ?? []), ...periods].map(({ period }) => period))]
    find.ahead(...names.map((name) => [closes, name] as const))
    return { book: REGION, closed: names.flatMap((name) => find(closes, name) ?? []) }
  },
  access: (_, actor) => ofJurisdiction(actor, REGION),
  decide({ closed }, { group, year, periods }, { seq }) {
    for (const { period, through, group: of } of closed) {
      if (of !== group || Number(through.slice(0, 4)) !== year) {
        if (periods.some((one) => one.period === period)) return refuse('planned_period_closed', { period, through })
        continue
      }
      const isKept = periods.some((one) => one.period === period && one.through === through)
      if (!isKept) return refuse('planned_period_closed', { period, through })
    }
    return {
      book: REGION,
      rows: [row(calendars, { book: REGION, group, year, version: seq, periods })],
      event: { group, year, periods: periods.length },
    }
  },
})
