import { applicationOf, applications, openKey } from '../applications/facts.js'
import { nextOf } from '../applications/rules.js'
import { voucherId } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { refuse } from '../core/refusals.js'
import { addDays, type Day, yearOf } from '../core/time.js'
import { overdueVoucher } from '../deadlines/commands.js'
import { owedToPool, owedToVoucher } from '../deadlines/owed.js'
import { isSamePerson, ofJurisdiction, ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { accountsOf, available } from '../ledger/accounts.js'
import { post } from '../ledger/entry.js'
import type { Find } from '../ledger/fact.js'
import { type Plan, row } from '../ledger/plan.js'
import { poolOf, programOf } from '../programs/facts.js'
import { recallOnOf, useByOf } from '../programs/rules.js'
import {
  cancelVoucher,
  extendVoucher,
  issue,
  issued,
  recallVoucher,
  resumeVoucher,
  suspendVoucher,
  voucherEnded,
  voucherExtended,
  voucherMoved,
} from './contract.js'
import { type Grant, grantKey, grants, type Voucher, voucherAccount, voucherOf, vouchers } from './facts.js'
import { grantableOf, next, refusalToGrant, stateOf } from './rules.js'

/**
 * Issues a voucher: the pool pays it (发放). Checks in the order of the rules; amount in fen. With an application it is
 * the grant: of the very amount that was reviewed, by somebody else than its reviewer.
 */
export const issueCommand = command({
  kind: 'issue',
  schema: issue,
  event: issued,
  facts(find, { enterprise, program, application }, day) {
    const grantable = grantableOf(find, { enterprise, program }, day)
    return application == null ? grantable : { ...grantable, application: applicationOf(find, application) }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide(facts, { amount }, { day, seq, actor }) {
    const refusal = refusalToGrant(facts, amount, day)
    if (refusal) return refusal
    const { book, program, enterprise, granted, application } = facts
    const { program: code, annualCap } = program
    const useBy = useByOf(program, day)
    const voucher: Voucher = {
      book,
      voucher: seq,
      program: code,
      enterprise: enterprise.uscc,
      amount,
      issuedOn: day,
      useBy,
      lapsedOn: null,
      version: program.version,
      recallOn: recallOnOf(program, day),
      extendedOn: null,
      suspendedOn: null,
      ended: null,
    }
    const grant = { book, program: code, enterprise: enterprise.uscc, year: yearOf(day), ceiling: annualCap }
    const plan: Plan = {
      book,
      entry: [post('issue', poolOf(code), { ...voucherAccount(voucher), isNew: true }, amount)],
      rows: [row(vouchers, voucher), row(grants, { ...grant, granted: granted + amount })],
      event: { voucher: voucherId(book, seq), amount: yuan(amount), useBy },
    }
    if (!application) return plan

    const state = nextOf(application.state, 'grant')
    if (!state) return refuse('state_conflict', { state: application.state })
    if (application.reviewedBy !== null && isSamePerson(actor, application.reviewedBy)) {
      return refuse('separation_of_duties', { reviewedBy: application.reviewedBy })
    }
    const { program: of, enterprise: by } = application
    if (of !== code || by !== enterprise.uscc || application.amount !== amount) {
      return refuse('application_differs', { program: of, enterprise: by, amount: yuan(application.amount) })
    }
    return {
      ...plan,
      rows: [...plan.rows!, row(applications, { ...application, state, version: seq, voucher: seq })],
      frees: [openKey(application)],
    }
  },
  async owed(sources, { book, program }, { refused }, day) {
    return refused === 'pool_insufficient' ? owedToPool(sources, book, program.program, day) : undefined
  },
})

/** A voucher alone; throws Refused('voucher_not_found'). */
function voucherBy(find: Find, id: string) {
  const voucher = voucherOf(find, id)
  return { book: voucher.book, voucher }
}

/** Extends a voucher once, by the days that its program allows (延期). Refuses extension_not_allowed, already_extended. */
export const extendVoucherCommand = byTwo({
  kind: 'extend_voucher',
  schema: extendVoucher,
  event: voucherExtended,
  facts(find, { voucher: id }) {
    const { book, voucher } = voucherBy(find, id)
    return { book, voucher, program: programOf(find, voucher.program, voucher.version) }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  overdue: ({ voucher }, day) => overdueVoucher(voucher, day),
  decide({ book, voucher, program }, { voucher: id }, { day }) {
    const state = stateOf(voucher)
    if (!next(state, 'extend_voucher')) return refuse('state_conflict', { state })
    if (program.extendDays === null) return refuse('extension_not_allowed')
    if (voucher.extendedOn !== null) return refuse('already_extended', { extendedOn: voucher.extendedOn })
    const useBy = addDays(voucher.useBy, program.extendDays)
    return {
      book,
      rows: [row(vouchers, { ...voucher, useBy, extendedOn: day })],
      event: { voucher: id, useBy },
    }
  },
})

/** A voucher that may end unused: with what is left on it and what was granted in the year of its issue. */
interface Unused {
  readonly book: number
  readonly voucher: Voucher
  readonly rest: bigint
  readonly grant: Grant
}

function unusedOf(find: Find, id: string): Unused {
  const { book, voucher } = voucherBy(find, id)
  const { program, enterprise } = voucher
  const key = grantKey({ book, program, enterprise, year: yearOf(voucher.issuedOn) })
  find.ahead([grants, key], ...accountsOf(book, voucherAccount(voucher), poolOf(program)))
  return { book, voucher, rest: available(find, book, voucherAccount(voucher)), grant: find(grants, key)! }
}

/** What ending an unused voucher changes: its money goes back to the pool, and its amount counts as never granted. */
function endingUnused({ book, voucher, grant }: Unused, ended: 'cancelled' | 'recalled', day: Day): Plan {
  const { amount } = voucher
  return {
    book,
    entry: [post('lapse', voucherAccount(voucher), poolOf(voucher.program), amount)],
    rows: [
      row(vouchers, { ...voucher, ended, lapsedOn: day }),
      row(grants, { ...grant, granted: grant.granted - amount }),
    ],
    event: { voucher: vouchers.key(voucher), state: ended, amount: yuan(amount) },
  }
}

/** The enterprise gives up a voucher of which nothing is held or spent (注销). Refuses voucher_in_use. */
export const cancelVoucherCommand = command({
  kind: 'cancel_voucher',
  schema: cancelVoucher,
  event: voucherEnded,
  facts: (find, { voucher }) => unusedOf(find, voucher),
  access: ({ voucher }, actor) => ofOrganisation(actor, voucher.enterprise),
  overdue: ({ voucher }, day) => overdueVoucher(voucher, day),
  decide(facts, _, { day }) {
    const { voucher, rest } = facts
    const state = stateOf(voucher)
    if (!next(state, 'cancel_voucher')) return refuse('state_conflict', { state })
    if (rest < voucher.amount) return refuse('voucher_in_use', { available: yuan(rest) })
    return endingUnused(facts, 'cancelled', day)
  },
  async owed(sources, { voucher }, { refused }, day) {
    return refused === 'voucher_in_use' ? owedToVoucher(sources, voucher, day) : undefined
  },
})

/** The bureau takes back a voucher of which nothing is held or spent (收回). Refuses voucher_in_use. */
export const recallVoucherCommand = byTwo({
  kind: 'recall_voucher',
  schema: recallVoucher,
  event: voucherEnded,
  facts: (find, { voucher }) => unusedOf(find, voucher),
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  overdue: ({ voucher }, day) => overdueVoucher(voucher, day),
  decide(facts, _, { day }) {
    const { voucher, rest } = facts
    const state = stateOf(voucher)
    if (!next(state, 'recall_voucher')) return refuse('state_conflict', { state })
    if (rest < voucher.amount) return refuse('voucher_in_use', { available: yuan(rest) })
    return endingUnused(facts, 'recalled', day)
  },
  async owed(sources, { voucher }, { refused }, day) {
    return refused === 'voucher_in_use' ? owedToVoucher(sources, voucher, day) : undefined
  },
})

/** No new orders on a voucher from now on; those that run go on (暂停). */
export const suspendVoucherCommand = byTwo({
  kind: 'suspend_voucher',
  schema: suspendVoucher,
  event: voucherMoved,
  facts: (find, { voucher }) => voucherBy(find, voucher),
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  overdue: ({ voucher }, day) => overdueVoucher(voucher, day),
  decide({ book, voucher }, { voucher: id }, { day }) {
    const before = stateOf(voucher)
    const state = next(before, 'suspend_voucher')
    if (!state) return refuse('state_conflict', { state: before })
    return { book, rows: [row(vouchers, { ...voucher, suspendedOn: day })], event: { voucher: id, state } }
  },
})

/** Orders can be filed again (恢复); the time that has passed is not given back. */
export const resumeVoucherCommand = byTwo({
  kind: 'resume_voucher',
  schema: resumeVoucher,
  event: voucherMoved,
  facts: (find, { voucher }) => voucherBy(find, voucher),
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  overdue: ({ voucher }, day) => overdueVoucher(voucher, day),
  decide({ book, voucher }, { voucher: id }) {
    const before = stateOf(voucher)
    const state = next(before, 'resume_voucher')
    if (!state) return refuse('state_conflict', { state: before })
    return { book, rows: [row(vouchers, { ...voucher, suspendedOn: null })], event: { voucher: id, state } }
  },
})
