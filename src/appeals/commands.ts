import { yuan } from '../core/money.js'
import { refuse } from '../core/refusals.js'
import { overdueOrder } from '../deadlines/commands.js'
import { owedToVoucher } from '../deadlines/owed.js'
import { isSamePerson, ofJurisdiction, ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { accountsOf, available } from '../ledger/accounts.js'
import { row } from '../ledger/plan.js'
import { contractKey, idOf, invoiceKeys, keysOf, noted, orderOf, orders, payableOf, payeeOf } from '../orders/facts.js'
import { byItself, heldAnew, heldBy, next } from '../orders/rules.js'
import { endsOn, voucherAccount } from '../vouchers/facts.js'
import { appealClaim, claimAppealDecided, claimAppealed, decideClaimAppeal } from './contract.js'

/** The payee appeals within the workdays that the program gives, once for each rejection. */
export const appealClaimCommand = command({
  kind: 'appeal_claim',
  schema: appealClaim,
  event: claimAppealed,
  facts: (find, { order }) => byItself(find, order),
  access: ({ order }, actor) => ofOrganisation(actor, payeeOf(order)),
  decide({ book, order }, { reason }, { seq, day }) {
    const state = next(order.state, 'appeal_claim')
    if (!state || order.dossier?.appeal) return refuse('state_conflict', { state: order.state })
    const { appealBy } = order.dossier ?? {}
    if (appealBy === undefined || day > appealBy) return refuse('appeal_closed', { appealBy: appealBy ?? null })
    const appeal = { appeal: seq, on: day, reason, decision: null }
    return {
      book,
      rows: [row(orders, noted({ ...order, state }, { appeal }))],
      event: { order: idOf(order), appeal: seq },
    }
  },
})

/**
 * Decides an appeal, never by who verified or rejected the claim. A rejection has given everything back, so what is
 * sustained must find it again: the amount on a voucher that can still be used, and both numbers in nobody else's use.
 */
export const decideClaimAppealCommand = command({
  kind: 'decide_claim_appeal',
  schema: decideClaimAppeal,
  event: claimAppealDecided,
  facts(find, { order: id }) {
    const held = heldBy(find, id)
    const { book, order, voucher } = held
    find.ahead(...accountsOf(book, payableOf(order)))
    const contract = find.holder(contractKey(order.provider, order.contractNo))
    // A red-flushed one is its own still.
    const [key] = invoiceKeys(order)
    const invoice = key === undefined ? null : find.holder(key)
    return {
      ...held,
      sameContract: contract && orderOf(find, contract.holder),
      sameInvoice: invoice && orderOf(find, invoice.holder),
      available: available(find, book, voucherAccount(voucher)),
    }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  overdue: ({ sameContract, sameInvoice }, day) => [
    ...overdueOrder(sameContract, day),
    ...(sameInvoice === sameContract ? [] : overdueOrder(sameInvoice, day)),
  ],
  decide(facts, { verdict, reason }, { day, actor }) {
    const { book, order, voucher } = facts
    const isSustained = verdict === 'sustained'
    const state = next(order.state, isSustained ? 'sustain_appeal' : 'dismiss_appeal')
    const open = order.dossier?.appeal
    if (!state || !open || open.decision !== null) return refuse('state_conflict', { state: order.state })
    for (const person of [order.verifiedBy, order.dossier?.rejectedBy]) {
      if (person != null && isSamePerson(actor, person)) return refuse('separation_of_duties', { decidedBy: person })
    }
    const appeal = { ...open, decision: { on: day, person: actor.subject, verdict, reason } }
    const decided = row(orders, noted({ ...order, state }, { appeal }))
    const event = { order: idOf(order), verdict, state, held: yuan(isSustained ? order.voucherAmount : 0n) }
    if (!isSustained) return { book, rows: [decided], event }
    if (day > endsOn(voucher) || voucher.lapsedOn !== null) return refuse('voucher_expired', { useBy: endsOn(voucher) })
    if (facts.sameContract) return refuse('contract_duplicate', { contractNo: order.contractNo })
    if (facts.sameInvoice) return refuse('invoice_duplicate', { invoiceNo: order.invoiceNo })
    if (order.voucherAmount > facts.available) {
      return refuse('insufficient_balance', { available: yuan(facts.available) })
    }
    return {
      book,
      entry: heldAnew(facts, order.voucherAmount),
      rows: [decided],
      claims: [...keysOf(order), ...invoiceKeys(order)].map((key) => ({ key, holder: idOf(order) })),
      event,
    }
  },
  async owed(sources, { voucher }, { refused }, day) {
    return refused === 'insufficient_balance' ? owedToVoucher(sources, voucher, day) : undefined
  },
})
