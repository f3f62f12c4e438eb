import { refuse } from '../core/refusals.js'
import { ofJurisdiction, ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { providerOf, providers } from '../providers/facts.js'
import { applyRecognition, recognitionApplied, refuseRecognition } from './contract.js'
import {
  type RecognitionApplication,
  recognitionApplicationKey,
  recognitionApplicationOf,
  recognitionApplications,
} from './facts.js'

/**
 * Applies to a jurisdiction for recognition (互认申请), one application at a time; recognising the provider grants it.
 * Refuses state_conflict.
 */
export const applyRecognitionCommand = command({
  kind: 'apply_recognition',
  schema: applyRecognition,
  event: recognitionApplied,
  facts(find, { provider, jurisdiction }) {
    const key = recognitionApplicationKey(provider, jurisdiction)
    find.ahead([providers, provider], [recognitionApplications, key])
    return { book: REGION, provider: providerOf(find, provider), earlier: find(recognitionApplications, key) }
  },
  access: (_, actor, { provider }) => ofOrganisation(actor, provider),
  decide({ earlier }, { jurisdiction, ...asked }, { seq }) {
    if (earlier?.state === 'open') return refuse('state_conflict', { application: earlier.application })
    const application: RecognitionApplication = {
      ...asked,
      book: REGION,
      jurisdiction: Number(jurisdiction),
      application: seq,
      state: 'open',
      reason: null,
    }
    return {
      book: REGION,
      rows: [row(recognitionApplications, application)],
      event: { provider: asked.provider, jurisdiction, application: seq },
    }
  },
})

/** Refuses an open application (不予互认). */
export const refuseRecognitionCommand = byTwo({
  kind: 'refuse_recognition',
  schema: refuseRecognition,
  event: recognitionApplied,
  facts: (find, { provider, jurisdiction }) => ({
    book: REGION,
    application: recognitionApplicationOf(find, provider, jurisdiction),
  }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ application }, { provider, jurisdiction, reason }) {
    return {
      book: REGION,
      rows: [row(recognitionApplications, { ...application, state: 'refused' as const, reason })],
      event: { provider, jurisdiction, application: application.application },
    }
  },
})
