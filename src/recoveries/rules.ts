import { type Fen, parseYuan, share } from '../core/money.js'
import { divisionOn, type Enterprise } from '../enterprises/facts.js'
import { post } from '../ledger/entry.js'
import type { AccountName, Transfer } from '../ledger/plan.js'
import type { Order } from '../orders/facts.js'
import type { Program } from '../programs/facts.js'
import { termsOf } from '../programs/rules.js'
import { TREASURY } from '../settlement/facts.js'

/** A payee's two accounts in a book. */
export interface PayeeAccounts {
  readonly payable: AccountName
  readonly recoverable: AccountName
}

export const accountsOfPayee = (owner: string, province?: number): PayeeAccounts => {
  const of = { owner, ...(province === undefined ? {} : { province }) }
  return { payable: { kind: 'payable', ...of }, recoverable: { kind: 'recoverable', ...of } }
}

/** What was given up of a payee's debt: by payee, so that it can be told of each. */
export const writtenOffOf = (owner: string, province?: number): AccountName => ({
  kind: 'written_off',
  owner,
  ...(province === undefined ? {} : { province }),
})

/**
 * A refund of a payee has come in 退款到账: it settles what is recoverable, and what is beyond that is owed back to it.
 * Amounts in fen.
 */
export function refund({ payable, recoverable }: PayeeAccounts, owing: Fen, amount: Fen): Transfer[] {
  const settled = amount < owing ? amount : owing
  return [
    ...(settled > 0n ? [post('recover', TREASURY, recoverable, settled)] : []),
    ...(amount > settled ? [post('overrecover', TREASURY, payable, amount - settled)] : []),
  ]
}

const DECIMALS = 10
const ONE = 10n ** 10n

/** A ratio as so many parts of 10^10. */
function partsOf(ratio: string): bigint {
  const [whole = '0', decimals = ''] = ratio.split('.')
  return BigInt(whole + decimals.padEnd(DECIMALS, '0'))
}

/** What an approved order was filed and approved under; money in fen. */
export interface Supported {
  readonly invoice: 'whole' | 'self_paid'
  readonly ratio: string
  readonly orderCap: Fen | null
}

/**
 * How much of an approval an invoice of so much still supports, cut down to fen: `whole`, the ratio of it; `self_paid`, the
 * most that is no more than the ratio of itself and the invoice together. Never above the cap per order. All in fen.
 */
export function supportedBy({ invoice, ratio, orderCap }: Supported, left: Fen, approved: Fen): Fen {
  if (left <= 0n) return 0n
  const parts = partsOf(ratio)
  // At ratio 1 the firm pays nothing itself, so whatever is left of its invoice limits nothing.
  const isFree = invoice === 'self_paid' && parts === ONE
  const most = isFree ? approved : invoice === 'whole' ? share(ratio, left) : (left * parts) / (ONE - parts)
  return [most, approved, orderCap ?? approved].reduce((least, one) => (one < least ? one : least))
}

/** What must come back of an approval, in fen, when the invoice supports only so much. */
export function unsupported(approved: Fen, clawedBack: Fen, supports: Fen): Fen {
  const kept = approved - clawedBack
  return kept > supports ? kept - supports : 0n
}

/** The terms of an order, as it was filed under them. */
export const termsFor = (
  order: Pick<Order, 'category' | 'filedOn'>,
  program: Program,
  enterprise: Pick<Enterprise, 'division' | 'moves'>,
  provider: { readonly division: string },
): Supported => ({
  ...termsOf(program, order.category, divisionOn(enterprise, order.filedOn), provider.division),
  invoice: program.invoice,
})

/**
 * What becomes of an approved order when a red invoice lowers its invoice by so much: what is left of the invoice, the
 * subsidy that still supports, and what must come back. In fen. Undefined when there is no approval or no invoice.
 */
export function lower(
  {
    invoiceAmount,
    approved,
    clawedBack,
    dossier,
  }: Pick<Order, 'invoiceAmount' | 'approved' | 'clawedBack' | 'dossier'>,
  terms: Supported,
  amount: Fen,
): { readonly left: Fen; readonly supports: Fen; readonly back: Fen } | undefined {
  if (invoiceAmount === null || approved === null) return undefined
  const left = (dossier?.redFlushes ?? []).reduce((sum, flush) => sum - parseYuan(flush.amount), invoiceAmount - amount)
  const supports = supportedBy(terms, left, approved)
  return { left, supports, back: unsupported(approved, clawedBack, supports) }
}
