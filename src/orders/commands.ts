import { agreements, pairKey } from '../agreements/facts.js'
import { meaningsOf } from '../catalogue/facts.js'
import { provinceOf } from '../core/division.js'
import { type Fen, share, yuan } from '../core/money.js'
import { Refused, refuse } from '../core/refusals.js'
import { addDays, type Day } from '../core/time.js'
import { overdueOrder } from '../deadlines/commands.js'
import { owedToVoucher } from '../deadlines/owed.js'
import { ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { divisionOn, enterpriseOf } from '../enterprises/facts.js'
import { integrity } from '../integrity/facts.js'
import { isListed } from '../integrity/rules.js'
import { accountsOf, available } from '../ledger/accounts.js'
import type { Book } from '../ledger/book.js'
import { hold, release } from '../ledger/entry.js'
import type { Find } from '../ledger/fact.js'
import { row } from '../ledger/plan.js'
import { programOf } from '../programs/facts.js'
import { termsOf } from '../programs/rules.js'
import { isRecognised, type Provider, providerOf } from '../providers/facts.js'
import { agreedOn, isWithdrawn, pairFor } from '../providers/rules.js'
import { relations, relationsOf } from '../relations/facts.js'
import { tieBetween } from '../relations/rules.js'
import { homeReviews } from '../reviews/facts.js'
import { endsOn, passOn, type Voucher, voucherAccount, voucherOf, vouchers } from '../vouchers/facts.js'
import {
  acceptOrder,
  cancelOrder,
  confirm,
  declineOrder,
  deliver,
  fileOrder,
  orderFiled,
  orderMoved,
  orderReleased,
  orderSupplemented,
  supplementOrder,
} from './contract.js'
import { contractKey, idOf, noted, type Order, orderOf, orders, payableOf } from './facts.js'
import {
  acceptanceEvent,
  acceptanceOf,
  acceptDeadline,
  byItself,
  ending,
  type Held,
  heldAnew,
  heldBy,
  next,
} from './rules.js'

/** Files a contract: the amount is held on the voucher until it is captured, given back or lapsed (备案). */
export const fileOrderCommand = command({
  kind: 'file_order',
  schema: fileOrder,
  event: orderFiled,
  facts(find, { voucher: id, provider: code, category, contractNo, localCategory, replaces }, day) {
    const voucher = voucherOf(find, id)
    // Before anything else: nearly every contract is new, so this is what has to be looked up.
    const holder = find.holder(contractKey(code, contractNo))
    const { book, enterprise: firm } = voucher
    find.ahead(
      ...accountsOf(book, voucherAccount(voucher)),
      [integrity, firm],
      [integrity, code],
      [relations, firm],
      [relations, code],
    )
    const program = programOf(find, voucher.program, voucher.version)
    const provider = providerOf(find, code)
    const enterprise = enterpriseOf(find, firm)
    const payee = program.payee === 'provider' ? provider : enterprise
    find.ahead(
      ...accountsOf(book, { kind: 'payable', owner: `${program.payee}:${payee.uscc}` }),
      ...(holder ? [[orders, holder.holder] as const] : []),
    )
    return {
      book,
      voucher,
      program,
      provider,
      enterprise,
      payee,
      ...agreedBy(find, provider, category, book, day),
      listed: listedOf(find, [firm, code], book, day),
      tie: tieBetween(relationsOf(find, enterprise.uscc), relationsOf(find, code)),
      duplicate: holder ? orderOf(find, holder.holder) : undefined,
      available: available(find, book, voucherAccount(voucher)),
      meanings: localCategory
        ? meaningsOf(find, localCategory, [provider.division, String(program.jurisdiction)], day)
        : [],
      acceptance: acceptanceOf(find, program, day),
      replaced: replaces == null ? null : replacedBy(find, replaces, voucher),
    }
  },
  access: ({ voucher }, actor) => ofOrganisation(actor, voucher.enterprise),
  overdue: ({ duplicate, replaced }, day) => [...overdueOrder(duplicate, day), ...overdueOrder(replaced?.order, day)],
  decide(facts, command, { day, seq }) {
    const { book, voucher, program, provider, enterprise, payee } = facts
    const { category, contractNo, contractAmount, voucherAmount, localCategory } = command
    if (day > endsOn(voucher)) return refuse('voucher_expired', { useBy: endsOn(voucher) })
    if (facts.listed) return refuse('integrity_listed', { party: facts.listed })
    if (!program.categories.includes(category)) return refuse('category_not_covered', { category })
    const recognition = recognitionOf(provider, facts, category, program.jurisdiction, day)
    if (!recognition) {
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
    const { replaced, acceptance } = facts
    // What comes back to a voucher that has lapsed goes on to the pool.
    const free = facts.available + (voucher.lapsedOn === null ? (replaced?.open ?? 0n) : 0n)
    if (voucherAmount > free) return refuse('insufficient_balance', { available: yuan(free) })
    if (voucher.suspendedOn !== null) return refuse('voucher_suspended', { suspendedOn: voucher.suspendedOn })
    if (localCategory && !facts.meanings.includes(category)) {
      return refuse('category_not_mapped', { localCategory, category })
    }
    const ended = replaced && next(replaced.order.state, 'replace_order')
    if (replaced && !ended) return refuse('state_conflict', { state: replaced.order.state })

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
      deadline: acceptDeadline(acceptance?.day, claimBy),
      payee: program.payee,
      payeeProvince: Number(provinceOf(payee.division)),
      score: null,
      invoiceNo: null,
      invoiceAmount: null,
      verifiedBy: null,
      approved: null,
      approvedSeq: null,
      clawedBack: 0n,
      agreement: recognition.agreement,
      redInvoices: null,
      localCategory: localCategory ?? null,
      version: voucher.version,
      noticeDays: program.noticeDays,
      noticeEnds: null,
      evidence: null,
      dossier: null,
    }
    const filed = noted(order, {
      acceptBy: acceptance?.day,
      isProvisional: acceptance?.isProvisional,
      appealDays: program.appealDays ?? undefined,
      replaces: command.replaces ?? undefined,
    })
    const gone = replaced && ended ? ending(replaced, ended, day, { replacedBy: idOf(order) }) : null
    return {
      book,
      entry: [
        ...(gone?.entry ?? []),
        ...hold(seq, [
          { type: 'redeem', debit: voucherAccount(voucher), credit: payableOf(order), amount: voucherAmount },
        ]),
      ],
      rows: [
        ...(gone?.rows ?? []),
        row(orders, filed),
        // A voucher that was used is not recalled any more.
        ...(voucher.recallOn === null ? [] : [row(vouchers, { ...voucher, recallOn: null })]),
      ],
      ...(gone?.frees ? { frees: gone.frees } : {}),
      claims: [{ key: contractKey(provider.uscc, contractNo), holder: idOf(order) }],
      event: {
        order: idOf(order),
        state: 'filed',
        held: yuan(voucherAmount),
        claimBy,
        ...acceptanceEvent(acceptance),
        ...(replaced ? { replaced: idOf(replaced.order), released: yuan(replaced.open) } : {}),
      },
    }
  },
  async owed(sources, { voucher }, { refused }, day) {
    return refused === 'insufficient_balance' ? owedToVoucher(sources, voucher, day) : undefined
  },
})

/** What may recognise a provider that is not recognised directly; most are, or at home: then no agreement is looked at. */
function agreedBy(find: Find, provider: Provider, category: string, jurisdiction: Book, day: Day) {
  const { accepting, home } = pairFor(provider, jurisdiction)
  if (accepting === home || isRecognised(provider, category, jurisdiction, day)) return { pair: null, review: null }
  const key = pairKey(accepting, home)
  find.ahead([agreements, key], [homeReviews, provider.uscc])
  return { pair: find(agreements, key), review: find(homeReviews, provider.uscc) }
}

/** How a provider is recognised on this day, directly or by an agreement; undefined when it is not. */
function recognitionOf(
  provider: Provider,
  agreed: ReturnType<typeof agreedBy>,
  category: string,
  jurisdiction: Book,
  day: Day,
): { readonly agreement: number | null } | undefined {
  if (isRecognised(provider, category, jurisdiction, day) && !isWithdrawn(provider)) return { agreement: null }
  return agreedOn(provider, agreed, category, jurisdiction, day)
}

/** The first of these that may be party to no new order on this day. */
const listedOf = (find: Find, parties: readonly string[], jurisdiction: Book, day: Day) =>
  parties.find((uscc) => isListed(find, uscc, 'no_new_orders', jurisdiction, day))

/** The order that a new one on the same voucher replaces; throws Refused('order_not_found'). */
function replacedBy(find: Find, id: string, { book, voucher }: Voucher): Held {
  const { order } = byItself(find, id)
  if (order.book !== book || order.voucher !== voucher) throw new Refused('order_not_found', { order: id })
  return heldBy(find, id)
}

/** The provider takes an order on (接单): only now may it deliver, where the program wants that. */
export const acceptOrderCommand = command({
  kind: 'accept_order',
  schema: acceptOrder,
  event: orderMoved,
  facts: (find, { order }) => byItself(find, order),
  overdue: ({ order }, day) => overdueOrder(order, day),
  access: ({ order }, actor) => ofOrganisation(actor, order.provider),
  decide({ book, order }) {
    const state = next(order.state, 'accept_order')
    if (!state) return refuse('state_conflict', { state: order.state })
    return {
      book,
      rows: [row(orders, { ...order, state, deadline: order.claimBy })],
      event: { order: idOf(order), state },
    }
  },
})

/** The provider does not take it on (拒单): the hold goes back, the contract number is free again. */
export const declineOrderCommand = command({
  kind: 'decline_order',
  schema: declineOrder,
  event: orderReleased,
  facts: (find, { order }) => heldBy(find, order),
  overdue: ({ order }, day) => overdueOrder(order, day),
  access: ({ order }, actor) => ofOrganisation(actor, order.provider),
  decide(facts, _, { day }) {
    const { order, open } = facts
    const state = next(order.state, 'decline_order')
    if (!state) return refuse('state_conflict', { state: order.state })
    return { ...ending(facts, state, day), event: { order: idOf(order), state, released: yuan(open) } }
  },
})

/**
 * A supplementary contract (补充协议): other amounts, within the rules the order was filed under. What is held is held
 * anew; until delivery the provider accepts the order again. More than is held is new money, so that it takes what a new
 * order would: a voucher that runs, parties that are not listed, a provider that is recognised.
 */
export const supplementOrderCommand = command({
  kind: 'supplement_order',
  schema: supplementOrder,
  event: orderSupplemented,
  facts(find, { order: id }, day) {
    const held = heldBy(find, id)
    const { order, book, voucher } = held
    find.ahead(...accountsOf(book, payableOf(order)))
    find.ahead([integrity, order.enterprise], [integrity, order.provider])
    const program = programOf(find, order.program, order.version)
    const provider = providerOf(find, order.provider)
    return {
      ...held,
      program,
      enterprise: enterpriseOf(find, order.enterprise),
      provider,
      ...agreedBy(find, provider, order.category, book, day),
      listed: listedOf(find, [order.enterprise, order.provider], book, day),
      available: available(find, book, voucherAccount(voucher)),
      acceptance: acceptanceOf(find, program, day),
    }
  },
  overdue: ({ order }, day) => overdueOrder(order, day),
  access: ({ order }, actor) => ofOrganisation(actor, order.enterprise),
  decide(facts, { contractAmount, voucherAmount }, { day }) {
    const { book, order, voucher, hold: held, open, program, enterprise, provider } = facts
    const state = next(order.state, 'supplement_order')
    if (!state) return refuse('state_conflict', { state: order.state })
    if (voucherAmount > open && day > endsOn(voucher)) return refuse('voucher_expired', { useBy: endsOn(voucher) })
    const { ratio, orderCap } = termsOf(
      program,
      order.category,
      divisionOn(enterprise, order.filedOn),
      provider.division,
    )
    const most = share(ratio, contractAmount)
    if (voucherAmount > most) return refuse('ratio_exceeded', { ratio, atMost: yuan(most) })
    if (orderCap !== null && voucherAmount > orderCap) {
      return refuse('order_cap_exceeded', { orderCap: yuan(orderCap) })
    }
    const free = facts.available + open
    if (voucherAmount > free) return refuse('insufficient_balance', { available: yuan(free) })
    if (voucherAmount > open) {
      const { suspendedOn } = voucher
      if (facts.listed) return refuse('integrity_listed', { party: facts.listed })
      if (!recognitionOf(provider, facts, order.category, book, day)) {
        const { category } = order
        return refuse('provider_not_recognised', { provider: provider.uscc, jurisdiction: book, category })
      }
      if (suspendedOn !== null) return refuse('voucher_suspended', { suspendedOn })
    }
    const acceptance = state === 'filed' ? facts.acceptance : null
    const amended = { ...order, state, contractAmount, voucherAmount }
    const moved = voucherAmount !== open
    return {
      book,
      ...(moved
        ? {
            entry: [
              ...release(held),
              ...heldAnew(facts, voucherAmount),
              ...passOn(voucher, less(open, voucherAmount), day),
            ],
          }
        : {}),
      rows: [
        row(orders, {
          ...noted(amended, { acceptBy: acceptance?.day, isProvisional: acceptance?.isProvisional }),
          deadline: acceptDeadline(acceptance?.day, order.claimBy),
        }),
      ],
      event: {
        order: idOf(order),
        state,
        contractAmount: yuan(contractAmount),
        voucherAmount: yuan(voucherAmount),
        ...acceptanceEvent(acceptance),
      },
    }
  },
  async owed(sources, { voucher }, { refused }, day) {
    return refused === 'insufficient_balance' ? owedToVoucher(sources, voucher, day) : undefined
  },
})

/** By how much what is held becomes less, in fen. */
const less = (before: Fen, after: Fen): Fen => (after < before ? before - after : 0n)

/** The provider says the service is delivered, and with what results (交付). */
export const deliverCommand = command({
  kind: 'deliver',
  schema: deliver,
  event: orderMoved,
  facts: (find, { order }) => byItself(find, order),
  overdue: ({ order }, day) => overdueOrder(order, day),
  access: ({ order }, actor) => ofOrganisation(actor, order.provider),
  decide({ book, order }, { summary, results }) {
    const state = next(order.state, 'deliver')
    if (!state) return refuse('state_conflict', { state: order.state })
    if (order.state === 'filed' && order.dossier?.acceptBy !== undefined) {
      return refuse('acceptance_missing', { acceptBy: order.dossier.acceptBy })
    }
    const said = { summary: summary ?? undefined, results: results ?? undefined }
    return { book, rows: [row(orders, noted({ ...order, state }, said))], event: { order: idOf(order), state } }
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
  decide({ book, order }, { score, comment }) {
    const state = next(order.state, 'confirm')
    if (!state) return refuse('state_conflict', { state: order.state })
    return {
      book,
      rows: [row(orders, noted({ ...order, state, score }, { comment: comment ?? undefined }))],
      event: { order: idOf(order), state },
    }
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
