import { refuse } from '../core/refusals.js'
import { ofOrganisation, ofPlatform, overDivision } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { providers } from '../providers/facts.js'
import {
  declareQualification,
  enterpriseRegistered,
  enterpriseUpdated,
  qualificationDeclared,
  qualificationVerified,
  registerEnterprise,
  updateEnterprise,
  verifyQualification,
} from './contract.js'
import { enterpriseOf, enterprises, type Move, type Qualification, qualificationOf } from './facts.js'
import { nextStates } from './rules.js'

/**
 * Registers an enterprise once for the whole region, where its identity platform may speak for it. Refuses
 * not_your_platform, enterprise_exists.
 */
export const registerEnterpriseCommand = command({
  kind: 'register_enterprise',
  schema: registerEnterprise,
  event: enterpriseRegistered,
  facts: (find, { uscc }) => ({
    book: REGION,
    existing: find(enterprises, uscc),
    seat: find(providers, uscc)?.division,
  }),
  access: ({ seat }, actor, { uscc, division }) =>
    ofOrganisation(actor, uscc) ?? ofPlatform(actor, division) ?? ofPlatform(actor, seat ?? division),
  decide({ existing }, enterprise, { seq }) {
    if (existing) return refuse('enterprise_exists', { enterprise: enterprise.uscc })
    const registered = { ...enterprise, book: REGION, contact: null, version: seq, moves: [], qualifications: [] }
    return { book: REGION, rows: [row(enterprises, registered)], event: { uscc: enterprise.uscc } }
  },
})

/**
 * Changes an enterprise's profile; a move counts for what is issued and filed from then on. Refuses version_conflict.
 */
export const updateEnterpriseCommand = command({
  kind: 'update_enterprise',
  schema: updateEnterprise,
  event: enterpriseUpdated,
  facts: (find, { uscc }) => ({ book: REGION, enterprise: enterpriseOf(find, uscc) }),
  access: (_, actor, { uscc }) => ofOrganisation(actor, uscc),
  decide({ enterprise }, profile, { seq, day }) {
    const { uscc, version, contact, division, moves } = enterprise
    if (profile.version !== version) return refuse('version_conflict', { version })
    const to = profile.division ?? division
    const move: Move = { move: seq, on: day, from: division, to, reason: profile.reason ?? '' }
    const updated = {
      ...enterprise,
      name: profile.name ?? enterprise.name,
      contact: profile.contact === undefined ? contact : profile.contact,
      division: to,
      moves: to === division ? moves : [...moves, move],
      version: seq,
    }
    return { book: REGION, rows: [row(enterprises, updated)], event: { uscc, version: seq } }
  },
})

/** An enterprise declares a qualification; it counts as verified only once its bureau has said so. */
export const declareQualificationCommand = command({
  kind: 'declare_qualification',
  schema: declareQualification,
  event: qualificationDeclared,
  facts: (find, { uscc }) => ({ book: REGION, enterprise: enterpriseOf(find, uscc) }),
  access: (_, actor, { uscc }) => ofOrganisation(actor, uscc),
  decide({ enterprise }, { uscc, evidence, ...declared }, { seq, day }) {
    const qualification: Qualification = {
      ...declared,
      qualification: seq,
      declaredOn: day,
      evidence: evidence ?? [],
      state: 'declared',
      verification: null,
    }
    const qualifications = [...enterprise.qualifications, qualification]
    return {
      book: REGION,
      rows: [row(enterprises, { ...enterprise, qualifications, version: seq })],
      event: { uscc, qualification: seq },
    }
  },
})

/** The bureau over the enterprise's division, or one above it, verifies what was declared. Refuses state_conflict. */
export const verifyQualificationCommand = byTwo({
  kind: 'verify_qualification',
  schema: verifyQualification,
  event: qualificationVerified,
  facts(find, { uscc, qualification }) {
    const enterprise = enterpriseOf(find, uscc)
    return { book: REGION, enterprise, qualification: qualificationOf(enterprise, qualification) }
  },
  access: ({ enterprise }, actor) => overDivision(actor, enterprise.division),
  decide({ enterprise, qualification }, { uscc, verdict, evidence, reason }, { seq, day, actor }) {
    const { state, qualification: number } = qualification
    if (!nextStates[state].includes(verdict)) return refuse('state_conflict', { state })
    const verification = { on: day, by: actor.organisation, evidence, reason: reason ?? null }
    const qualifications = enterprise.qualifications.map((one) =>
      one === qualification ? { ...one, state: verdict, verification } : one,
    )
    return {
      book: REGION,
      rows: [row(enterprises, { ...enterprise, qualifications, version: seq })],
      event: { uscc, qualification: number, state: verdict },
    }
  },
})
