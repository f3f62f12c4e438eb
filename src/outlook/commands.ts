import { calendarKey, calendars } from '../calendars/facts.js'
import { isPlanned } from '../calendars/rules.js'
import { clearingId, everyAgreement } from '../clearing/facts.js'
import { type Fen, yuan } from '../core/money.js'
import { clear, netPositions } from '../core/positions.js'
import { refuse } from '../core/refusals.js'
import { yearOf } from '../core/time.js'
import { ofJurisdiction } from '../engine/access.js'
import { command } from '../engine/command.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { signedMoney } from '../platform/wire.js'
import { periods } from '../settlement/facts.js'
import { isThrough, pairsOf } from '../settlement/rules.js'
import { previewed, previewPeriod } from './contract.js'
import { previews } from './facts.js'
import { differences, exposure, grossLine } from './rules.js'

/** Keeps what a close would come to now, with what has changed since the last preview (关账预览). */
export const previewPeriodCommand = command({
  kind: 'preview_period',
  schema: previewPeriod,
  event: previewed,
  facts: (find, { period, through, group }) => ({
    book: REGION,
    closed: find(periods, period),
    calendar: find(calendars, calendarKey(group, yearOf(through))),
    last: find(previews, period),
    agreements: everyAgreement(find),
  }),
  access: (_, actor) => ofJurisdiction(actor, REGION),
  decide({ closed, calendar, last, agreements }, { period, through, group, reaches, gross }, { seq, day }) {
    if (closed) return refuse('period_closed', { period })
    if (!isPlanned(calendar, period, through)) return refuse('period_not_planned', { period, through })
    const pairs = pairsOf(gross, agreements)
    const nets = netPositions(gross.filter((item) => isThrough(item, pairs)))
    const capOf = (number: number): Fen | null => agreements.find((one) => one.agreement === number)?.cap ?? null
    const before = last?.gross.map((line) => ({ ...line, amount: signedMoney.parse(line.amount) })) ?? []
    const lines = gross.map(grossLine)
    return {
      book: REGION,
      rows: [row(previews, { book: REGION, period, preview: seq, madeOn: day, through, group, gross: lines })],
      event: {
        period,
        through,
        group,
        reaches,
        gross: lines,
        pairs: pairs.map(({ agreement, net, netted, why, ...pair }) => {
          const cap = capOf(agreement)
          return {
            agreement: clearingId(pair, agreement),
            net: yuan(net),
            netted,
            why,
            cap: cap === null ? null : yuan(cap),
            ...exposure(net, cap),
          }
        }),
        net: Object.fromEntries([...nets].map(([province, amount]) => [province, yuan(amount)])),
        instructions: clear(nets).map((one) => ({ ...one, amount: yuan(one.amount) })),
        before: last ? { preview: last.preview, madeOn: last.madeOn } : null,
        differences: last ? differences(before, gross).map(grossLine) : [],
      },
    }
  },
})
