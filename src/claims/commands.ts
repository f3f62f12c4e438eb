import { type Fen, yuan } from '../core/money.js'
import { refuse } from '../core/refusals.js'
import { addDays } from '../core/time.js'
import { addWorkdays } from '../core/workdays.js'
import { overdueOrder } from '../deadlines/commands.js'
import { isSamePerson, ofJurisdiction, ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { isListed } from '../integrity/rules.js'
import { misfit } from '../invoices/rules.js'
import { accountsOf, available } from '../ledger/accounts.js'
import { capture, post } from '../ledger/entry.js'
import { row } from '../ledger/plan.js'
import {
  idOf,
  invoiceKey,
  invoiceKeys,
  noted,
  orderOf,
  orders,
  payableOf,
  payeeOf,
  recoverableOf,
} from '../orders/facts.js'
import { byItself, ending, heldBy, isStopped, next, openObjections } from '../orders/rules.js'
import { poolOf, programOf } from '../programs/facts.js'
import { passOn } from '../vouchers/facts.js'
import { noticesAt } from '../workdays/facts.js'
import {
  approveClaim,
  claimApproved,
  claimMoved,
  claimReleased,
  clawBack,
  clawedBack,
  rejectClaim,
  returnClaim,
  submitClaim,
  verifyClaim,
} from './contract.js'

/** A returned claim waits at least this many calendar days for its completion. */
const RETURN_DAYS = 30

/** The payee claims with an invoice; a resubmission replaces the invoice and frees the old one. */
export const submitClaimCommand = command({
  kind: 'submit_claim',
  schema: submitClaim,
  event: claimMoved,
  facts(find, { order: id, invoiceNo }, day) {
    const order = orderOf(find, id)
    const program = programOf(find, order.program, order.version)
    const holder = find.holder(invoiceKey(invoiceNo))
    const other = holder && holder.holder !== id ? orderOf(find, holder.holder) : undefined
    return { book: order.book, order, program, holder, other, isStopped: isStopped(find, order, day) }
  },
  access: ({ order }, actor) => ofOrganisation(actor, payeeOf(order)),
  overdue: ({ order, other }, day) => [...overdueOrder(order, day), ...overdueOrder(other, day)],
  decide({ book, order, program, holder, other, isStopped }, said, { day }) {
    const { invoiceNo, invoiceAmount, evidence: given, invoice, answers } = said
    const state = next(order.state, 'submit_claim')
    if (!state) return refuse('state_conflict', { state: order.state })
    if (other) return refuse('invoice_duplicate', { invoiceNo })
    const selfPaid = order.contractAmount - order.voucherAmount
    const atLeast = program.invoice === 'whole' ? order.contractAmount : selfPaid
    if (invoiceAmount < atLeast) return refuse('invoice_amount_short', { atLeast: yuan(atLeast) })
    const evidence = given ?? order.evidence
    const missing = program.evidence.filter((kind) => !evidence?.some((one) => one.kind === kind))
    if (missing.length > 0) return refuse('evidence_missing', { missing: missing.join(', ') })
    if (isStopped) return refuse('recognition_ended', { provider: order.provider })
    if (order.redInvoices?.includes(invoiceNo) || invoice?.isRed) return refuse('invoice_red_flushed', { invoiceNo })
    const wrong = invoice && misfit(invoice, { ...order, invoiceNo, invoiceAmount, day })
    if (wrong) return refuse('invoice_mismatch', { field: wrong })
    const wanted = order.dossier?.wanted?.map((one) => ({
      ...one,
      answer: answers?.find(({ item }) => item === one.item)?.answer ?? one.answer,
    }))
    const open = wanted?.filter(({ answer }) => answer === null) ?? []
    if (open.length > 0) return refuse('items_unanswered', { items: open.map(({ item }) => item).join(', ') })
    return {
      book,
      rows: [row(orders, noted({ ...order, state, invoiceNo, invoiceAmount, evidence, deadline: null }, { wanted }))],
      frees: invoiceKeys(order).filter((key) => key !== invoiceKey(invoiceNo)),
      claims: holder ? [] : [{ key: invoiceKey(invoiceNo), holder: idOf(order) }],
      event: { order: idOf(order), state },
    }
  },
})

/**
 * Sends the claim back, with what exactly is missing; hold and invoice stay, and a deadline runs again. A red-flushed
 * invoice is used up for all.
 */
export const returnClaimCommand = command({
  kind: 'return_claim',
  schema: returnClaim,
  event: claimMoved,
  facts: (find, { order }) => byItself(find, order),
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  overdue: ({ order }, day) => overdueOrder(order, day),
  decide({ book, order }, { redFlushed, items }, { day }) {
    const state = next(order.state, 'return_claim')
    if (!state) return refuse('state_conflict', { state: order.state })
    const red =
      redFlushed && order.invoiceNo !== null ? { redInvoices: [...(order.redInvoices ?? []), order.invoiceNo] } : {}
    const waits = addDays(day, RETURN_DAYS)
    const deadline = waits > order.claimBy ? waits : order.claimBy
    // What an earlier return asked for is not asked any more.
    const wanted = items?.map((one) => ({ ...one, answer: null })) ?? (order.dossier?.wanted ? [] : undefined)
    return {
      book,
      rows: [row(orders, noted({ ...order, state, deadline, noticeEnds: null, ...red }, { wanted }))],
      event: { order: idOf(order), state },
    }
  },
})

/** The officer's review: its public notice starts; who verified it last cannot approve it. */
export const verifyClaimCommand = command({
  kind: 'verify_claim',
  schema: verifyClaim,
  event: claimMoved,
  facts: (find, { order }) => byItself(find, order),
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  overdue: ({ order }, day) => overdueOrder(order, day),
  decide({ book, order }, _, { actor, day }) {
    const state = next(order.state, 'verify_claim')
    if (!state) return refuse('state_conflict', { state: order.state })
    const { invoiceNo } = order
    // A sustained appeal brings a claim back with the invoice that it had.
    if (invoiceNo !== null && order.redInvoices?.includes(invoiceNo))
      return refuse('invoice_red_flushed', { invoiceNo })
    const noticeEnds = order.noticeDays === null ? null : addDays(day, order.noticeDays)
    return {
      book,
      rows: [row(orders, { ...order, state, verifiedBy: actor.subject, noticeEnds })],
      event: { order: idOf(order), state },
    }
  },
})

/** Approves a verified claim: the hold is captured, the payee becomes payable, the rest goes back to the voucher. */
export const approveClaimCommand = command({
  kind: 'approve_claim',
  schema: approveClaim,
  event: claimApproved,
  facts(find, { order: id }, day) {
    const order = orderOf(find, id)
    find.ahead(...accountsOf(order.book, payableOf(order)))
    return {
      ...heldBy(find, id),
      isPayeeListed: isListed(find, payeeOf(order), 'payment_stopped', order.book, day),
      isStopped: isStopped(find, order, day),
    }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  overdue: ({ order }, day) => overdueOrder(order, day),
  decide({ book, order, voucher, hold, open, isPayeeListed, isStopped }, command, { day, actor, seq }) {
    const state = next(order.state, 'approve_claim')
    if (!state) return refuse('state_conflict', { state: order.state })
    if (order.verifiedBy !== null && isSamePerson(actor, order.verifiedBy))
      return refuse('separation_of_duties', { verifiedBy: order.verifiedBy })
    if (isPayeeListed) return refuse('integrity_listed', { party: payeeOf(order) })
    const amount = command.amount ?? open
    if (amount > open) return refuse('amount_exceeds_hold', { held: yuan(open) })
    if (order.noticeEnds !== null && day <= order.noticeEnds) {
      return refuse('notice_running', { noticeEnds: order.noticeEnds })
    }
    if (isStopped) return refuse('recognition_ended', { provider: order.provider })
    const objections = openObjections(order)
    if (objections.length > 0) return refuse('objection_open', { open: objections.length })
    const rest = open - amount
    return {
      book,
      entry: [...capture(hold, amount), ...passOn(voucher, rest, day)],
      rows: [row(orders, { ...order, state, approved: amount, approvedSeq: seq })],
      event: { order: idOf(order), state, approved: yuan(amount), released: yuan(rest), payee: payeeOf(order) },
    }
  },
})

/**
 * Refuses the claim: the hold goes back at once, contract and invoice numbers are free again. Where the program allows an
 * appeal, its deadline starts.
 */
export const rejectClaimCommand = command({
  kind: 'reject_claim',
  schema: rejectClaim,
  event: claimReleased,
  facts(find, { order: id }, day) {
    const held = heldBy(find, id)
    const { appealDays } = held.order.dossier ?? {}
    const appeal = appealDays === undefined ? null : addWorkdays(day, appealDays, noticesAt(find, day))
    return { ...held, appeal }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  overdue: ({ order }, day) => overdueOrder(order, day),
  decide(facts, _, { day, actor }) {
    const { order, open, appeal } = facts
    const state = next(order.state, 'reject_claim')
    if (!state) return refuse('state_conflict', { state: order.state })
    const appealable = appeal && {
      appealBy: appeal.day,
      isProvisional: appeal.isProvisional,
      rejectedBy: actor.subject,
      appeal: null,
    }
    return {
      ...ending(facts, state, day, appealable ?? {}),
      event: {
        order: idOf(order),
        state,
        released: yuan(open),
        ...(appeal ? { appealBy: appeal.day, isProvisional: appeal.isProvisional } : {}),
      },
    }
  },
})

/** Takes back what was approved: first from what is still payable, then as a recoverable; it returns to the pool. */
export const clawBackCommand = byTwo({
  kind: 'claw_back',
  schema: clawBack,
  event: clawedBack,
  facts(find, { order: id }) {
    const order = orderOf(find, id)
    const { book } = order
    find.ahead(...accountsOf(book, payableOf(order), recoverableOf(order), poolOf(order.program)))
    return { book, order, payable: available(find, book, payableOf(order)) }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, order, payable }, { amount, redInvoiceNo }) {
    const state = next(order.state, 'claw_back')
    if (!state) return refuse('state_conflict', { state: order.state })
    // What a red invoice makes come back was worked out beside the decision that recorded it.
    const flushes = order.dossier?.redFlushes
    const red = flushes?.find((flush) => flush.redInvoiceNo === redInvoiceNo)
    if (redInvoiceNo !== undefined && (red?.clawBack !== yuan(amount) || red.isClawedBack)) {
      return refuse('state_conflict', { redInvoiceNo })
    }
    const redFlushes = red && flushes?.map((flush) => (flush === red ? { ...red, isClawedBack: true as const } : flush))
    const most = (order.approved ?? 0n) - order.clawedBack
    if (amount > most) return refuse('amount_exceeds_approved', { atMost: yuan(most) })
    const fromPayable: Fen = amount < payable ? amount : payable
    const pool = poolOf(order.program)
    return {
      book,
      entry: [
        ...(fromPayable > 0n ? [post('claw_back_payable', payableOf(order), pool, fromPayable)] : []),
        ...(amount > fromPayable
          ? [post('claw_back_recoverable', recoverableOf(order), pool, amount - fromPayable)]
          : []),
      ],
      rows: [row(orders, noted({ ...order, state, clawedBack: order.clawedBack + amount }, { redFlushes }))],
      event: { order: idOf(order), state, amount: yuan(amount), clawedBack: yuan(order.clawedBack + amount) },
    }
  },
})
