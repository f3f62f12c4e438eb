import { bookText } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import { refuse } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { byTwo } from '../engine/proposal.js'
import { enterpriseOf } from '../enterprises/facts.js'
import { accountKey, accounts, accountsOf } from '../ledger/accounts.js'
import type { Book } from '../ledger/book.js'
import { post } from '../ledger/entry.js'
import type { Find } from '../ledger/fact.js'
import { type Plan, row, type Transfer } from '../ledger/plan.js'
import { idOf, invoiceKey, noted, orderOf, orders } from '../orders/facts.js'
import { next } from '../orders/rules.js'
import { programOf } from '../programs/facts.js'
import { providerOf } from '../providers/facts.js'
import { TREASURY } from '../settlement/facts.js'
import { invoiceRedFlushed, receiveRefund, redFlushInvoice, refundReceived, writeOff, writtenOff } from './contract.js'
import { accountsOfPayee, lower, type PayeeAccounts, refund, termsFor, writtenOffOf } from './rules.js'

/** What a payee must give back to a book. */
interface Owing {
  readonly book: Book
  readonly payee: string
  readonly province: number | undefined
  readonly accounts: PayeeAccounts
  readonly owing: Fen
}

function owingOf(find: Find, { book: code, payee }: { readonly book: string; readonly payee: string }): Owing {
  const book = Number(code)
  const named = accountsOfPayee(payee)
  find.ahead(...accountsOf(book, TREASURY, writtenOffOf(payee), named.payable, named.recoverable))
  const account = find(accounts, accountKey(book, named.recoverable))
  const province = account?.province
  return { book, payee, province, accounts: accountsOfPayee(payee, province), owing: account?.posted ?? 0n }
}

/** An entry that lessens what a payee must give back. */
const lessening = ({ book, payee, owing }: Owing, amount: Fen, entry: readonly Transfer[]): Plan => ({
  book,
  entry,
  event: { book: bookText(book), payee, amount: yuan(amount), recoverable: yuan(owing - amount) },
})

/** Gives up what a payee must give back (核销). Refuses amount_exceeds_recoverable. */
export const writeOffCommand = byTwo({
  kind: 'write_off',
  schema: writeOff,
  event: writtenOff,
  facts: owingOf,
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide(facts, { amount }) {
    const { payee, province, owing } = facts
    if (amount > owing) return refuse('amount_exceeds_recoverable', { atMost: yuan(owing) })
    const { recoverable } = facts.accounts
    return lessening(facts, amount, [post('write_off', writtenOffOf(payee, province), recoverable, amount)])
  },
})

/**
 * A refund came in that no statement shows (收回退款). What is beyond the debt is refused: only the bank's own word may make
 * a debt of ours. Refuses amount_exceeds_recoverable, day_in_future.
 */
export const receiveRefundCommand = byTwo({
  kind: 'receive_refund',
  schema: receiveRefund,
  event: refundReceived,
  facts: owingOf,
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide(facts, { amount, receivedOn }, { day }) {
    if (receivedOn > day) return refuse('day_in_future', { receivedOn })
    if (amount > facts.owing) return refuse('amount_exceeds_recoverable', { atMost: yuan(facts.owing) })
    return lessening(facts, amount, refund(facts.accounts, facts.owing, amount))
  },
})

/**
 * Records a red invoice 红字发票 of an approved order. What the lowered invoice no longer supports is clawed back by the
 * command that follows it. Refuses state_conflict, invoice_duplicate, amount_exceeds_invoice.
 */
export const redFlushInvoiceCommand = byTwo({
  kind: 'red_flush_invoice',
  schema: redFlushInvoice,
  event: invoiceRedFlushed,
  facts(find, { order: id, redInvoiceNo }) {
    const order = orderOf(find, id)
    const program = programOf(find, order.program, order.version)
    const terms = termsFor(order, program, enterpriseOf(find, order.enterprise), providerOf(find, order.provider))
    return { book: order.book, order, terms, isUsed: find.holder(invoiceKey(redInvoiceNo)) !== null }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, order, terms, isUsed }, { redInvoiceNo, amount }, { day }) {
    const { invoiceNo, dossier, redInvoices } = order
    const lowered = next(order.state, 'claw_back') && lower(order, terms, amount)
    if (!lowered || invoiceNo === null) return refuse('state_conflict', { state: order.state })
    if (isUsed || redInvoiceNo === invoiceNo) return refuse('invoice_duplicate', { invoiceNo: redInvoiceNo })
    const { left, supports, back } = lowered
    if (left < 0n) return refuse('amount_exceeds_invoice', { atMost: yuan(left + amount) })
    const flush = { redInvoiceNo, on: day, amount: yuan(amount), clawBack: back > 0n ? yuan(back) : null }
    // An invoice of which nothing is left is used up for all.
    const isWhole = left === 0n && !redInvoices?.includes(invoiceNo)
    const red = isWhole ? { redInvoices: [...(redInvoices ?? []), invoiceNo] } : {}
    return {
      book,
      rows: [row(orders, noted({ ...order, ...red }, { redFlushes: [...(dossier?.redFlushes ?? []), flush] }))],
      claims: [{ key: invoiceKey(redInvoiceNo), holder: idOf(order) }],
      event: {
        order: idOf(order),
        redInvoiceNo,
        invoice: yuan(left),
        supports: yuan(supports),
        clawedBack: yuan(back),
      },
    }
  },
})
