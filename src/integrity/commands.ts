import type { Actor } from '../core/actor.js'
import { type Refusal, refuse } from '../core/refusals.js'
import { isSamePerson, ofJurisdiction, ofOrganisation, overDivision } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import {
  acknowledgeIntegrity,
  appealDecided,
  appealIntegrity,
  correctIntegrity,
  decideAppeal,
  integrityAppealed,
  integrityCorrected,
  integrityListed,
  listIntegrity,
} from './contract.js'
import { type Appeal, appealOf, type Entry, integrity, listingOf } from './facts.js'
import { corrected, termsOf, withEntry } from './rules.js'

/** Adds an entry to the list that all four provinces see; a party need not be registered to be listed. */
export const listIntegrityCommand = byTwo({
  kind: 'list_integrity',
  schema: listIntegrity,
  event: integrityListed,
  facts: (find, { uscc }) => ({ book: REGION, listed: find(integrity, uscc) }),
  access: (_, actor, { jurisdiction }) => (jurisdiction == null ? undefined : ofJurisdiction(actor, jurisdiction)),
  decide({ listed }, { uscc, reason, jurisdiction, source, decision, ...asked }, { seq, actor, proposedBy }) {
    const entry: Entry = {
      listing: seq,
      ...termsOf(asked),
      reason,
      by: actor.organisation,
      person: actor.subject,
      ...(proposedBy === undefined ? {} : { proposedBy }),
      jurisdiction: jurisdiction == null ? null : Number(jurisdiction),
      source: source ?? null,
      decision: decision ?? null,
      version: seq,
      removed: null,
      corrections: [],
      appeals: [],
      acknowledged: [],
    }
    return {
      book: REGION,
      rows: [row(integrity, { book: REGION, uscc, entries: [...(listed?.entries ?? []), entry] })],
      event: { uscc, listing: seq },
    }
  },
})

/** Whose entry it is, or a jurisdiction above; where that was not said, only the bureau that made it. */
function ofOwner(actor: Actor, { jurisdiction, by }: Entry): Refusal | undefined {
  if (jurisdiction !== null) return overDivision(actor, String(jurisdiction))
  return actor.organisation === by ? undefined : refuse('not_your_jurisdiction')
}

/** Corrects an entry's terms or removes it; it counts from now on. Refuses version_conflict, state_conflict. */
export const correctIntegrityCommand = byTwo({
  kind: 'correct_integrity',
  schema: correctIntegrity,
  event: integrityCorrected,
  facts: (find, { uscc, listing }) => ({ book: REGION, ...listingOf(find, uscc, listing) }),
  access: ({ entry }, actor) => ofOwner(actor, entry),
  decide({ listed, entry }, { uscc, listing, version, ...correction }, context) {
    if (version !== entry.version) return refuse('version_conflict', { version: entry.version })
    if (entry.removed !== null) return refuse('state_conflict', { removed: entry.removed })
    return {
      book: REGION,
      rows: [row(integrity, withEntry(listed, corrected(entry, correction, context)))],
      event: { uscc, listing, version: context.seq },
    }
  },
})

/** The party appeals; one appeal is open at a time, and meanwhile the entry counts. Refuses state_conflict. */
export const appealIntegrityCommand = command({
  kind: 'appeal_integrity',
  schema: appealIntegrity,
  event: integrityAppealed,
  facts: (find, { uscc, listing }) => ({ book: REGION, ...listingOf(find, uscc, listing) }),
  access: (_, actor, { uscc }) => ofOrganisation(actor, uscc),
  decide({ listed, entry }, { uscc, listing, reason, evidence }, { seq, day }) {
    const open = entry.appeals.find(({ decision }) => decision === null)
    if (entry.removed !== null || open) {
      return refuse('state_conflict', { removed: entry.removed, openAppeal: open?.appeal ?? null })
    }
    const appeal: Appeal = { appeal: seq, on: day, reason, evidence: evidence ?? [], decision: null }
    return {
      book: REGION,
      rows: [row(integrity, withEntry(listed, { ...entry, appeals: [...entry.appeals, appeal] }))],
      event: { uscc, listing, appeal: seq },
    }
  },
})

/** Decides an appeal, never by who listed the party or asked for it. Refuses separation_of_duties, state_conflict. */
export const decideAppealCommand = byTwo({
  kind: 'decide_appeal',
  schema: decideAppeal,
  event: appealDecided,
  facts(find, { uscc, listing, appeal }) {
    const { listed, entry } = listingOf(find, uscc, listing)
    return { book: REGION, listed, entry, appeal: appealOf(entry, appeal) }
  },
  access: ({ entry }, actor) => ofOwner(actor, entry),
  decide({ listed, entry, appeal: open }, { uscc, listing, appeal, verdict, terms, reason }, context) {
    const { actor, day: on } = context
    if (open.decision !== null || entry.removed !== null) return refuse('state_conflict', { removed: entry.removed })
    const listedBy = [entry.person, entry.proposedBy].find((who) => who !== undefined && isSamePerson(actor, who))
    if (listedBy !== undefined) return refuse('separation_of_duties', { listedBy })
    const decision = { on, by: actor.organisation, verdict, reason }
    const appeals = entry.appeals.map((one) => (one === open ? { ...one, decision } : one))
    const decided = { ...entry, appeals }
    const after = verdict === 'upheld' ? decided : corrected(decided, { verdict, terms, reason }, context)
    return {
      book: REGION,
      rows: [row(integrity, withEntry(listed, after))],
      event: { uscc, listing, appeal, verdict, version: after.version },
    }
  },
})

/** A bureau or the party itself has read the entry as it stands; once a version. Refuses state_conflict. */
export const acknowledgeIntegrityCommand = command({
  kind: 'acknowledge_integrity',
  schema: acknowledgeIntegrity,
  event: integrityCorrected,
  facts: (find, { uscc, listing }) => ({ book: REGION, ...listingOf(find, uscc, listing) }),
  access: (_, actor, { uscc }) => (actor.jurisdiction === undefined ? ofOrganisation(actor, uscc) : undefined),
  decide({ listed, entry }, { uscc, listing }, { actor: { organisation }, day: on }) {
    const { version, acknowledged } = entry
    if (acknowledged.some((one) => one.organisation === organisation && one.version === version)) {
      return refuse('state_conflict', { version })
    }
    const told = [...acknowledged, { organisation, on, version }]
    return {
      book: REGION,
      rows: [row(integrity, withEntry(listed, { ...entry, acknowledged: told }))],
      event: { uscc, listing, version },
    }
  },
})
