import { ofJurisdiction } from '../engine/access.js'
import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { categoryMapped, mapCategory } from './contract.js'
import { catalogue, localKey } from './facts.js'

/** Maps a province's own category to a common one (服务目录对照). Earlier mappings stay; on a day the last that covers it holds. */
export const mapCategoryCommand = byTwo({
  kind: 'map_category',
  schema: mapCategory,
  event: categoryMapped,
  facts: (find, { jurisdiction, localCode }) => ({
    book: REGION,
    local: find(catalogue, localKey(jurisdiction, localCode)),
  }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ local }, { jurisdiction, localCode, name, category, from, to }, { seq }) {
    const mapping = { mapping: seq, name, category, from, to: to ?? null }
    const mappings = [...(local?.mappings ?? []), mapping]
    return {
      book: REGION,
      rows: [row(catalogue, { book: REGION, jurisdiction: Number(jurisdiction), code: localCode, mappings })],
      event: { jurisdiction, localCode, mapping: seq },
    }
  },
})
