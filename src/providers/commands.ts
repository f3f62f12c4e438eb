import { isUnder } from '../core/division.js'
import { refuse } from '../core/refusals.js'
import { ofJurisdiction, ofOrganisation, ofPlatform } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { enterprises } from '../enterprises/facts.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { recognitionApplicationKey, recognitionApplications } from '../recognition-applications/facts.js'
import {
  liftSuspension,
  providerRegistered,
  providerUpdated,
  providerWithdrawn,
  recognise,
  recognised,
  recognitionSuspended,
  registerProvider,
  suspendRecognition,
  suspensionLifted,
  updateProvider,
  withdrawProvider,
} from './contract.js'
import { type Provider, profiles, providerOf, providers, type Suspension } from './facts.js'

/**
 * Registers a provider once for the whole region, where its identity platform may speak for it. Refuses
 * not_your_platform, provider_exists.
 */
export const registerProviderCommand = command({
  kind: 'register_provider',
  schema: registerProvider,
  event: providerRegistered,
  facts: (find, { uscc }) => ({
    book: REGION,
    existing: find(providers, uscc),
    seat: find(enterprises, uscc)?.division,
  }),
  access: ({ seat }, actor, { uscc, division }) =>
    ofOrganisation(actor, uscc) ?? ofPlatform(actor, division) ?? ofPlatform(actor, seat ?? division),
  decide({ existing }, provider) {
    if (existing) return refuse('provider_exists', { provider: provider.uscc })
    return {
      book: REGION,
      rows: [row(providers, { ...provider, book: REGION, recognitions: [], suspensions: [] })],
      event: { uscc: provider.uscc },
    }
  },
})

/** Writes the profile anew, whole (机构信息更新); a review at home stays. Refuses version_conflict. */
export const updateProviderCommand = command({
  kind: 'update_provider',
  schema: updateProvider,
  event: providerUpdated,
  facts(find, { provider }) {
    find.ahead([providers, provider], [profiles, provider])
    return { book: REGION, provider: providerOf(find, provider), profile: find(profiles, provider) }
  },
  access: (_, actor, { provider }) => ofOrganisation(actor, provider),
  decide({ profile }, { provider: uscc, version, ...written }, { seq }) {
    if ((version ?? 0) !== (profile?.version ?? 0)) {
      return refuse('version_conflict', { version: profile?.version ?? 0 })
    }
    return {
      book: REGION,
      rows: [row(profiles, { book: REGION, uscc, ...written, version: seq })],
      event: { provider: uscc, version: seq },
    }
  },
})

/** Adds a recognition; there may be several and each counts by itself. It grants what the provider has applied for. */
export const recogniseCommand = byTwo({
  kind: 'recognise',
  schema: recognise,
  event: recognised,
  facts(find, { provider, jurisdiction }) {
    const key = recognitionApplicationKey(provider, jurisdiction)
    find.ahead([providers, provider], [recognitionApplications, key])
    return { book: REGION, provider: providerOf(find, provider), application: find(recognitionApplications, key) }
  },
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ provider, application }, { jurisdiction, categories, from, to }, { seq }) {
    const recognition = { recognition: seq, jurisdiction: Number(jurisdiction), categories, from, to, ended: null }
    return {
      book: REGION,
      rows: [
        row(providers, { ...provider, recognitions: [...provider.recognitions, recognition] }),
        ...(application?.state === 'open'
          ? [row(recognitionApplications, { ...application, state: 'granted' as const })]
          : []),
      ],
      event: { provider: provider.uscc, jurisdiction, recognition: seq },
    }
  },
})

/** The provider's suspensions with one more. */
const suspended = ({ suspensions }: Provider, jurisdiction: string, suspension: number, everywhere = false) => [
  ...suspensions,
  { suspension, jurisdiction: Number(jurisdiction), everywhere, lifted: null },
]

/** Ends what this jurisdiction has recognised so far, at once, also by agreement; orders already filed go on. */
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
      rows: [row(providers, { ...provider, recognitions, suspensions: suspended(provider, jurisdiction, seq) })],
      event: { provider: provider.uscc, jurisdiction, ended },
    }
  },
})

/** The home bureau withdraws a provider: from now on nobody may use it (撤回). Refuses outside_jurisdiction. */
export const withdrawProviderCommand = byTwo({
  kind: 'withdraw_provider',
  schema: withdrawProvider,
  event: providerWithdrawn,
  facts: (find, command) => ({ book: REGION, provider: providerOf(find, command.provider) }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ provider }, { jurisdiction }, { seq }) {
    if (!isUnder(provider.division, jurisdiction)) {
      return refuse('outside_jurisdiction', { division: provider.division })
    }
    return {
      book: REGION,
      rows: [row(providers, { ...provider, suspensions: suspended(provider, jurisdiction, seq, true) })],
      event: { provider: provider.uscc, jurisdiction, suspension: seq },
    }
  },
})

/** Lifts what this jurisdiction has suspended or withdrawn; recognitions that were ended stay so (恢复). */
export const liftSuspensionCommand = byTwo({
  kind: 'lift_suspension',
  schema: liftSuspension,
  event: suspensionLifted,
  facts: (find, command) => ({ book: REGION, provider: providerOf(find, command.provider) }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ provider }, { jurisdiction }, { seq }) {
    const isOwn = (one: Suspension) => one.lifted === null && one.jurisdiction === Number(jurisdiction)
    const suspensions = provider.suspensions.map((one) => (isOwn(one) ? { ...one, lifted: seq } : one))
    return {
      book: REGION,
      rows: [row(providers, { ...provider, suspensions })],
      event: { provider: provider.uscc, jurisdiction, lifted: provider.suspensions.filter(isOwn).length },
    }
  },
})
