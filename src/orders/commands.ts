import { agreements, pairKey } from '../agreements/facts.js'
import { meaningsOf } from '../catalogue/facts.js'
import { provinceOf } from '../core/division.js'
import { share, yuan } from '../core/money.js'
import { refuse } from '../core/refusals.js'
import { addDays } from '../core/time.js'
import { overdueOrder } from '../deadlines/commands.js'
import { owedToVoucher } from '../deadlines/owed.js'
import { ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { enterpriseOf } from '../enterprises/facts.js'
import { integrity, isListed } from '../integrity/facts.js'
import { accountsOf, available } from '../ledger/accounts.js'
import { hold } from '../ledger/entry.js'
import { row } from '../ledger/plan.js'
import { programOf } from '../programs/facts.js'
import { termsOf } from '../programs/rules.js'
import { isRecognised, providerOf } from '../providers/facts.js'
import { agreedOn, isWithdrawn, pairFor } from '../providers/rules.js'
import { relations, relationsOf } from '../relations/facts.js'
import { tieBetween } from '../relations/rules.js'
import { homeReviews } from '../reviews/facts.js'
import { endsOn, voucherAccount, voucherOf, vouchers } from '../vouchers/facts.js'
import { cancelOrder, confirm, deliver, fileOrder, orderFiled, orderMoved, orderReleased } from './contract.js'
import { contractKey, idOf, type Order, orderOf, orders, payableOf } from './facts.js'
import { byItself, ending, heldBy, next } from './rules.js'

/** Files a contract: the amount is held on the voucher until it is captured, given back or lapsed (备案). */
export const fileOrderCommand = command({
  kind: 'file_order',
  schema: fileOrder,
  event: orderFiled,
  facts(find, { voucher: id, provider: code, category, contractNo, localCategory }, day) {
    const voucher = voucherOf(find, id)
    // Before anything else: nearly every contract is new, so this is what has to be looked up.
    const holder = find.holder(contractKey(code, contractNo))
    const { book, enterprise: firm } = voucher
    find.ahead(
      ...accountsOf(book, voucherAccount(voucher)),
      ...[firm, code].flatMap((uscc) => [[integrity, uscc] as const, [relations, uscc] as const]),
    )
    const program = programOf(find, voucher.program, voucher.version)
    const provider = providerOf(find, code)
    const enterprise = enterpriseOf(find, firm)
    const payee = program.payee === 'provider' ? provider : enterprise
    find.ahead(
      ...accountsOf(book, { kind: 'payable', owner: `${program.payee}:${payee.uscc}` }),
      ...(holder ? [[orders, holder.holder] as const] : []),
    )
    const isDirect = isRecognised(provider, category, program.jurisdiction, day)
    const { accepting, home } = pairFor(provider, program.jurisdiction)
    // Most are recognised directly, or at home: then no agreement is looked at.
    const isByAgreement = !isDirect && accepting !== home
    if (isByAgreement) find.ahead([agreements, pairKey(accepting, home)], [homeReviews, code])
    const pair = isByAgreement ? find(agreements, pairKey(accepting, home)) : null
    const review = isByAgreement ? find(homeReviews, code) : null
    return {
      book,
      voucher,
      program,
      provider,
      enterprise,
      payee,
      pair,
      review,
      listed: [enterprise.uscc, code].find((uscc) => isListed(find, uscc, 'no_new_orders', book, day)),
      tie: tieBetween(relationsOf(find, enterprise.uscc), relationsOf(find, code)),
      duplicate: holder ? orderOf(find, holder.holder) : undefined,
      available: available(find, book, voucherAccount(voucher)),
      meanings: localCategory
        ? meaningsOf(find, localCategory, [provider.division, String(program.jurisdiction)], day)
        : [],
    }
  },
  access: ({ voucher }, actor) => ofOrganisation(actor, voucher.enterprise),
  overdue: ({ duplicate }, day) => overdueOrder(duplicate, day),
  decide(facts, command, { day, seq }) {
    const { book, voucher, program, provider, enterprise, payee } = facts
    const { category, contractNo, contractAmount, voucherAmount, localCategory } = command
    if (day > endsOn(voucher)) return refuse('voucher_expired', { useBy: endsOn(voucher) })
    if (facts.listed) return refuse('integrity_listed', { party: facts.listed })
    if (!program.categories.includes(category)) return refuse('category_not_covered', { category })
    const isDirect = isRecognised(provider, category, program.jurisdiction, day) && !isWithdrawn(provider)
    const agreement = isDirect ? undefined : agreedOn(provider, facts, category, program.jurisdiction, day)
    if (!isDirect && !agreement) {
      return refuse('provider_not_recognised', {
        provider: provider.uscc,
        jurisdiction: program.jurisdiction,
        category,
      })
    }
    if (!program.crossRegion && provinceOf(provider.division) !== provinceOf(String(program.jurisdiction))) {
      return refuse('cross_region_not_allowed', { provider: provider.uscc })
    }
    if (command.relatedParty) return refuse('related_party')
    if (facts.tie) return refuse('related_party', { tie: facts.tie })
    if (facts.duplicate) return refuse('contract_duplicate', { contractNo })
    const { ratio, orderCap } = termsOf(program, category, enterprise.division, provider.division)
    const most = share(ratio, contractAmount)
    if (voucherAmount > most) return refuse('ratio_exceeded', { ratio, atMost: yuan(most) })
    if (orderCap !== null && voucherAmount > orderCap) {
      return refuse('order_cap_exceeded', { orderCap: yuan(orderCap) })
    }
    if (voucherAmount > facts.available) return refuse('insufficient_balance', { available: yuan(facts.available) })
    if (voucher.suspendedOn !== null) return refuse('voucher_suspended', { suspendedOn: voucher.suspendedOn })
    if (localCategory && !facts.meanings.includes(category)) {
      return refuse('category_not_mapped', { localCategory, category })
    }

    const claimBy = addDays(day, program.claimWithinDays)
    const order: Order = {
      book,
      order: seq,
      state: 'filed',
      voucher: voucher.voucher,
      program: program.program,
      enterprise: voucher.enterprise,
      provider: provider.uscc,
      category,
      contractNo,
      contractAmount,
      voucherAmount,
      signedOn: command.signedOn,
      filedOn: day,
      claimBy,
      deadline: claimBy,
      payee: program.payee,
      payeeProvince: Number(provinceOf(payee.division)),
      score: null,
      invoiceNo: null,
      invoiceAmount: null,
      verifiedBy: null,
      approved: null,
      approvedSeq: null,
      clawedBack: 0n,
      agreement: agreement?.agreement ?? null,
      redInvoices: null,
      localCategory: localCategory ?? null,
      version: voucher.version,
      noticeDays: program.noticeDays,
      noticeEnds: null,
      evidence: null,
    }
    return {
      book,
      entry: hold(seq, [
        { type: 'redeem', debit: voucherAccount(voucher), credit: payableOf(order), amount: voucherAmount },
      ]),
      // A voucher that was used is not recalled any more.
      rows: [row(orders, order), ...(voucher.recallOn === null ? [] : [row(vouchers, { ...voucher, recallOn: null })])],
      claims: [{ key: contractKey(provider.uscc, contractNo), holder: idOf(order) }],
      event: { order: idOf(order), state: 'filed', held: yuan(voucherAmount), claimBy },
    }
  },
  async owed(sources, { voucher }, { refused }, day) {
    return refused === 'insufficient_balance' ? owedToVoucher(sources, voucher, day) : undefined
  },
})

/** The provider says the service is delivered (交付). */
export const deliverCommand = command({
  kind: 'deliver',
  schema: deliver,
  event: orderMoved,
  facts: (find, { order }) => byItself(find, order),
  overdue: ({ order }, day) => overdueOrder(order, day),
  access: ({ order }, actor) => ofOrganisation(actor, order.provider),
  decide({ book, order }) {
    const state = next(order.state, 'deliver')
    if (!state) return refuse('state_conflict', { state: order.state })
    return { book, rows: [row(orders, { ...order, state })], event: { order: idOf(order), state } }
  },
})

/** The enterprise confirms the delivery and rates it (确认、评价). */
export const confirmCommand = command({
  kind: 'confirm',
  schema: confirm,
  event: orderMoved,
  facts: (find, { order }) => byItself(find, order),
  overdue: ({ order }, day) => overdueOrder(order, day),
  access: ({ order }, actor) => ofOrganisation(actor, order.enterprise),
  decide({ book, order }, { score }) {
    const state = next(order.state, 'confirm')
    if (!state) return refuse('state_conflict', { state: order.state })
    return { book, rows: [row(orders, { ...order, state, score })], event: { order: idOf(order), state } }
  },
})

/** The enterprise cancels: the hold goes back to the voucher, contract and invoice numbers are free again (撤销). */
export const cancelOrderCommand = command({
  kind: 'cancel_order',
  schema: cancelOrder,
  event: orderReleased,
  facts: (find, { order }) => heldBy(find, order),
  access: ({ order }, actor) => ofOrganisation(actor, order.enterprise),
  overdue: ({ order }, day) => overdueOrder(order, day),
  decide(facts, _, { day }) {
    const { order, open } = facts
    const state = next(order.state, 'cancel_order')
    if (!state) return refuse('state_conflict', { state: order.state })
    return { ...ending(facts, state, day), event: { order: idOf(order), state, released: yuan(open) } }
  },
})
