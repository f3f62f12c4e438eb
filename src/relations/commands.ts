import { refuse } from '../core/refusals.js'
import { ofJurisdiction, ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { declareRelations, recordRelations, relationsWritten } from './contract.js'
import { partyOf, relations } from './facts.js'

/** A party declares its legal person and shareholders. Refuses version_conflict. */
export const declareRelationsCommand = command({
  kind: 'declare_relations',
  schema: declareRelations,
  event: relationsWritten,
  facts: (find, { uscc }) => ({ book: REGION, known: partyOf(find, uscc) }),
  access: (_, actor, { uscc }) => ofOrganisation(actor, uscc),
  decide({ known }, { uscc, version, legalPerson, shareholders }, { seq, day }) {
    if ((version ?? 0) !== known.version) return refuse('version_conflict', { version: known.version })
    const declared = { legalPerson: legalPerson ?? null, shareholders, on: day }
    return {
      book: REGION,
      rows: [row(relations, { ...known, declared, version: seq })],
      event: { uscc, version: seq },
    }
  },
})

/** A bureau, of whichever place, records what it found; it counts like the party's own word. Refuses version_conflict. */
export const recordRelationsCommand = byTwo({
  kind: 'record_relations',
  schema: recordRelations,
  event: relationsWritten,
  facts: (find, { uscc }) => ({ book: REGION, known: partyOf(find, uscc) }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ known }, { uscc, version, jurisdiction, source, legalPerson, shareholders }, { seq, day }) {
    if ((version ?? 0) !== known.version) return refuse('version_conflict', { version: known.version })
    const by = Number(jurisdiction)
    const found = { legalPerson: legalPerson ?? null, shareholders, on: day, jurisdiction: by, source }
    const others = known.recorded.filter((record) => record.jurisdiction !== by)
    return {
      book: REGION,
      rows: [row(relations, { ...known, recorded: [...others, found], version: seq })],
      event: { uscc, version: seq },
    }
  },
})
