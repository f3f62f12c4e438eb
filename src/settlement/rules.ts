import type { AgreementOfPair } from '../clearing/facts.js'
import type { Fen } from '../core/money.js'
import type { GrossItem } from '../core/positions.js'
import { post } from '../ledger/entry.js'
import type { AccountName, Transfer } from '../ledger/plan.js'
import type { PeriodPair } from './facts.js'

/** A payee's two accounts in a book, with what is on them, and the clearing account of the period. Fen. */
export interface PayeeAccounts {
  readonly payable: AccountName
  readonly recoverable: AccountName
  readonly clearing: AccountName
  readonly owed: Fen
  readonly owing: Fen
}

const smaller = (a: Fen, b: Fen) => (a < b ? a : b)

function lines(...all: readonly (readonly [Parameters<typeof post>[0], AccountName, AccountName, Fen])[]): Transfer[] {
  return all.flatMap(([type, debit, credit, amount]) => (amount > 0n ? [post(type, debit, credit, amount)] : []))
}

/** The clearing house takes over what a payee is owed: beyond what is payable since later claw-backs, the payee owes it. */
function toClearing({ payable, recoverable, clearing, owed }: PayeeAccounts, amount: Fen): Transfer[] {
  const first = smaller(amount, owed)
  return lines(['novate', payable, clearing, first], ['novate_recoverable', recoverable, clearing, amount - first])
}

/**
 * What a payee's net amount of a period comes to in the issuer's book when it is netted: its debt is the clearing
 * house's now, and of a negative amount what the payee must give back.
 */
export function hand(payee: PayeeAccounts, amount: Fen): Transfer[] {
  if (amount >= 0n) return toClearing(payee, amount)
  const { payable, recoverable, clearing, owing } = payee
  const first = smaller(-amount, owing)
  return lines(
    ['take_over_recoverable', clearing, recoverable, first],
    ['take_over', clearing, payable, -amount - first],
  )
}

/** The same in the book of the payee's province: it owes the payee for the clearing house's account, or the payee it. */
export function takeOver(payee: PayeeAccounts, amount: Fen): Transfer[] {
  return amount >= 0n ? lines(['take_over', payee.clearing, payee.payable, amount]) : toClearing(payee, -amount)
}

/** Whether a period's net of a pair is netted, by its agreement's threshold and cap, in fen. */
export function isNetted(
  net: Fen,
  terms: { readonly threshold: Fen | null; readonly cap: Fen | null },
): Pick<PeriodPair, 'netted' | 'why'> {
  const size = net < 0n ? -net : net
  if (terms.threshold !== null && size < terms.threshold) return { netted: false, why: 'below_threshold' }
  if (terms.cap !== null && size > terms.cap) return { netted: false, why: 'above_cap' }
  return { netted: true, why: 'agreed' }
}

interface Item extends GrossItem {
  readonly agreement?: number | null | undefined
}

/** What each agreement to net comes to in a period. */
export function pairsOf(gross: readonly Item[], agreements: readonly AgreementOfPair[]): PeriodPair[] {
  return agreements.flatMap(({ one, other, agreement, mode, threshold, cap }) => {
    const items = gross.filter((item) => item.agreement === agreement)
    if (mode !== 'netted' || items.length === 0) return []
    const net = items.reduce((sum, { from, amount }) => (Number(from) === one ? sum + amount : sum - amount), 0n)
    return [{ one, other, agreement, net, ...isNetted(net, { threshold, cap }) }]
  })
}

/** Whether an item goes through the clearing house. */
export const isThrough = ({ agreement }: Item, pairs: readonly PeriodPair[]) =>
  pairs.some((pair) => pair.agreement === agreement && pair.netted)
