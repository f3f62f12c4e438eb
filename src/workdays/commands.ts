import { refuse } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { publishWorkdays, workdaysPublished } from './contract.js'
import { workdays } from './facts.js'

/**
 * Publishes or corrects a year's notice: what is counted in workdays from now on uses it, and deadlines that run already
 * stay as they were told (公布节假日安排). Refuses version_conflict.
 */
export const publishWorkdaysCommand = byTwo({
  kind: 'publish_workdays',
  schema: publishWorkdays,
  event: workdaysPublished,
  facts: (find, { year }) => ({ book: REGION, known: find(workdays, String(year)) }),
  access: (_, actor) => ofJurisdiction(actor, REGION),
  decide({ known }, { year, version, ...notice }, { seq }) {
    const seen = known?.version ?? null
    if ((version ?? null) !== seen) return refuse('version_conflict', { version: seen })
    return {
      book: REGION,
      rows: [row(workdays, { book: REGION, year, ...notice, version: seq })],
      event: { year, version: seq },
    }
  },
})
