import { refuse } from '../core/refusals.js'
import { ofJurisdiction, ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import {
  providerRegistered,
  recognise,
  recognised,
  recognitionSuspended,
  registerProvider,
  suspendRecognition,
} from './contract.js'
import { providerOf, providers } from './facts.js'

/** Registers a provider once for the whole region. Refuses provider_exists. */
export const registerProviderCommand = command({
  kind: 'register_provider',
  schema: registerProvider,
  event: providerRegistered,
  facts: (find, { uscc }) => ({ book: REGION, existing: find(providers, uscc) }),
  access: (_, actor, { uscc }) => ofOrganisation(actor, uscc),
  decide({ existing }, provider) {
    if (existing) return refuse('provider_exists', { provider: provider.uscc })
    return {
      book: REGION,
      rows: [row(providers, { ...provider, book: REGION, recognitions: [] })],
      event: { uscc: provider.uscc },
    }
  },
})

/** Adds a recognition; there may be several and each counts by itself. */
export const recogniseCommand = byTwo({
  kind: 'recognise',
  schema: recognise,
  event: recognised,
  facts: (find, command) => ({ book: REGION, provider: providerOf(find, command.provider) }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ provider }, { jurisdiction, categories, from, to }, { seq }) {
    const recognition = { recognition: seq, jurisdiction: Number(jurisdiction), categories, from, to, ended: null }
    return {
      book: REGION,
      rows: [row(providers, { ...provider, recognitions: [...provider.recognitions, recognition] })],
      event: { provider: provider.uscc, jurisdiction, recognition: seq },
    }
  },
})

/** Ends what this jurisdiction has recognised so far, at once; orders already filed go on. */
export const suspendRecognitionCommand = byTwo({
  kind: 'suspend_recognition',
  schema: suspendRecognition,
  event: recognitionSuspended,
  facts: (find, command) => ({ book: REGION, provider: providerOf(find, command.provider) }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ provider }, { jurisdiction }, { seq }) {
    let ended = 0
    const recognitions = provider.recognitions.map((recognition) => {
      if (recognition.ended !== null || recognition.jurisdiction !== Number(jurisdiction)) return recognition
      ended++
      return { ...recognition, ended: seq }
    })
    return {
      book: REGION,
      rows: [row(providers, { ...provider, recognitions })],
      event: { provider: provider.uscc, jurisdiction, ended },
    }
  },
})
