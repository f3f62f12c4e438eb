import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { integrityListed, listIntegrity } from './contract.js'
import { integrity } from './facts.js'

/** Adds an entry to the list that all four provinces see; a party need not be registered to be listed. */
export const listIntegrityCommand = byTwo({
  kind: 'list_integrity',
  schema: listIntegrity,
  event: integrityListed,
  facts: (find, { uscc }) => ({ book: REGION, listed: find(integrity, uscc) }),
  decide({ listed }, { uscc, from, to, reason }, { seq, actor }) {
    const entry = { listing: seq, from, to: to ?? null, reason, by: actor.organisation }
    return {
      book: REGION,
      rows: [row(integrity, { book: REGION, uscc, entries: [...(listed?.entries ?? []), entry] })],
      event: { uscc, listing: seq },
    }
  },
})
