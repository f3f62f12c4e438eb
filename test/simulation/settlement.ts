/** What src/settlement/queries.ts reads, read from the simulated ledger. */
import { provinceOf } from '../../src/core/division.js'
import { orderId } from '../../src/core/ids.js'
import type { GrossItem } from '../../src/core/positions.js'
import { transferTypes } from '../../src/ledger/chart.js'
import type { Period } from '../../src/settlement/facts.js'
import { at, type Ledger } from './ledger.js'

const { redeem, claw_back_payable, claw_back_recoverable } = transferTypes
const CAPTURED = 2

/** A closed period's items: dated up to its last day, numbered up to its reach, taken by no earlier close. */
function itemsOf(ledger: Ledger, period: Period) {
  const earlier = [...ledger.nouns.periods.values()].filter(({ closing }) => closing < period.closing)
  const takes = ({ reaches, through }: Period, book: number, seq: number, day: string) =>
    seq <= (reaches[book] ?? 0) && day <= through
  return [...ledger.commands.values()].flatMap(({ book, seq, entry, kind, day }) => {
    if ((kind !== 'approve_claim' && kind !== 'claw_back') || !takes(period, book, seq, day)) return []
    if (earlier.some((other) => takes(other, book, seq, day))) return []
    return ledger.transfers.get(at(book, entry!))!.flatMap(({ type, phase, debit, credit, amount }) => {
      const isApproval = type === redeem.no && phase === CAPTURED
      if (!isApproval && type !== claw_back_payable.no && type !== claw_back_recoverable.no) return []
      const { owner: payee, province } = ledger.accounts.get(at(book, isApproval ? credit : debit))!
      return [{ book, seq, payee, province: province!, amount: isApproval ? amount : -amount }]
    })
  })
}

/** The gross positions of a closed period. */
export function grossOf(ledger: Ledger, period: Period): GrossItem[] {
  const sums = new Map<string, GrossItem>()
  for (const { book, province, amount } of itemsOf(ledger, period)) {
    const [from, to] = [provinceOf(String(book)), String(province)]
    sums.set(`${from} ${to}`, { from, to, amount: (sums.get(`${from} ${to}`)?.amount ?? 0n) + amount })
  }
  return [...sums.values()].sort((a, b) => (a.from + a.to < b.from + b.to ? -1 : 1))
}

/** What each book pays for a closed period, and the orders that become paid. */
export function paymentsOf(ledger: Ledger, period: Period) {
  const items = itemsOf(ledger, period)
  const books = [...new Set(items.map(({ book }) => book))].sort((a, b) => a - b)
  return books.map((book) => {
    const ours = items.filter((item) => item.book === book)
    const payees = [...new Set(ours.map(({ payee }) => payee))].sort().map((payee) => {
      const theirs = ours.filter((item) => item.payee === payee)
      return { payee, province: theirs[0]!.province, amount: theirs.reduce((sum, { amount }) => sum + amount, 0n) }
    })
    const taken = new Set(ours.map(({ seq }) => seq))
    const orders = [...ledger.nouns.orders.values()]
      .filter((order) => order.book === book && order.approvedSeq !== null && taken.has(order.approvedSeq))
      .sort((a, b) => a.order - b.order)
      .map((order) => orderId(book, order.order))
    return { book, payees, orders }
  })
}
