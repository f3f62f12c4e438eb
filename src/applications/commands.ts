import { applicationId } from '../core/ids.js'
import { refuse } from '../core/refusals.js'
import { owedToPool } from '../deadlines/owed.js'
import { ofJurisdiction, ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { row } from '../ledger/plan.js'
import { grantableOf, refusalToGrant } from '../vouchers/rules.js'
import {
  applicationMoved,
  applyVoucher,
  completeApplication,
  reviewApplication,
  withdrawApplication,
} from './contract.js'
import { type Application, applicationOf, applications, openKey } from './facts.js'
import { nextOf } from './rules.js'

const moved = (application: Application) => ({
  rows: [row(applications, application)],
  event: { application: applications.key(application), state: application.state, version: application.version },
})

/**
 * An enterprise asks for a voucher (申请): refused at once with whatever issuing it would be refused with today. Amount
 * in fen. Refuses application_open.
 */
export const applyVoucherCommand = command({
  kind: 'apply_voucher',
  schema: applyVoucher,
  event: applicationMoved,
  facts(find, { enterprise, program }, day) {
    const holder = find.holder(openKey({ enterprise, program }))
    return { ...grantableOf(find, { enterprise, program }, day), open: holder?.holder }
  },
  access: (_, actor, { enterprise }) => ofOrganisation(actor, enterprise),
  decide(facts, { enterprise, program, amount, note, documents }, { day, seq }) {
    const refusal = refusalToGrant(facts, amount, day)
    if (refusal) return refusal
    if (facts.open) return refuse('application_open', { application: facts.open })
    const { book } = facts
    const application: Application = {
      book,
      application: seq,
      version: seq,
      state: 'submitted',
      program,
      enterprise,
      amount,
      appliedOn: day,
      note: note ?? null,
      documents: documents ?? [],
      reviewedBy: null,
      missing: [],
      reason: null,
      voucher: null,
    }
    return {
      book,
      ...moved(application),
      claims: [{ key: openKey(application), holder: applicationId(book, seq) }],
    }
  },
  async owed(sources, { book, program }, { refused }, day) {
    return refused === 'pool_insufficient' ? owedToPool(sources, book, program.program, day) : undefined
  },
})

/** The enterprise completes what was returned (补正); the rules are asked again. Refuses version_conflict. */
export const completeApplicationCommand = command({
  kind: 'complete_application',
  schema: completeApplication,
  event: applicationMoved,
  facts(find, { application: id }, day) {
    const application = applicationOf(find, id)
    return { ...grantableOf(find, application, day), application }
  },
  access: ({ application }, actor) => ofOrganisation(actor, application.enterprise),
  decide(facts, { version, amount, note, documents }, { day, seq }) {
    const { book, application } = facts
    if (version !== application.version) return refuse('version_conflict', { version: application.version })
    const state = nextOf(application.state, 'complete')
    if (!state) return refuse('state_conflict', { state: application.state })
    const refusal = refusalToGrant(facts, amount, day)
    if (refusal) return refusal
    return {
      book,
      ...moved({
        ...application,
        state,
        version: seq,
        amount,
        appliedOn: day,
        note: note ?? null,
        documents: documents ?? [],
        missing: [],
        reason: null,
      }),
    }
  },
  async owed(sources, { book, program }, { refused }, day) {
    return refused === 'pool_insufficient' ? owedToPool(sources, book, program.program, day) : undefined
  },
})

/** The enterprise gives its application up (撤回). */
export const withdrawApplicationCommand = command({
  kind: 'withdraw_application',
  schema: withdrawApplication,
  event: applicationMoved,
  facts(find, { application: id }) {
    const application = applicationOf(find, id)
    return { book: application.book, application }
  },
  access: ({ application }, actor) => ofOrganisation(actor, application.enterprise),
  decide({ book, application }, _, { seq }) {
    const state = nextOf(application.state, 'withdraw')
    if (!state) return refuse('state_conflict', { state: application.state })
    return { book, ...moved({ ...application, state, version: seq, missing: [] }), frees: [openKey(application)] }
  },
})

/**
 * The reviewer's verdict (审核): passed on to be granted by somebody else, returned with the items that are missing, or
 * refused with a reason. Refuses version_conflict.
 */
export const reviewApplicationCommand = command({
  kind: 'review_application',
  schema: reviewApplication,
  event: applicationMoved,
  facts(find, { application: id }) {
    const application = applicationOf(find, id)
    return { book: application.book, application }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, application }, { version, verdict, missing, reason }, { actor, seq }) {
    if (version !== application.version) return refuse('version_conflict', { version: application.version })
    const state = nextOf(application.state, verdict)
    if (!state) return refuse('state_conflict', { state: application.state })
    const reviewed: Application = {
      ...application,
      state,
      version: seq,
      reviewedBy: verdict === 'passed' ? actor.subject : null,
      missing: missing ?? [],
      reason: reason ?? null,
    }
    return { book, ...moved(reviewed), ...(state === 'refused' ? { frees: [openKey(application)] } : {}) }
  },
})
