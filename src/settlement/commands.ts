import { provinces } from '../core/division.js'
import { type Fen, yuan } from '../core/money.js'
import { clear, netPositions } from '../core/positions.js'
import { refuse } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { accountsOf, available } from '../ledger/accounts.js'
import { REGION } from '../ledger/book.js'
import { post } from '../ledger/entry.js'
import { type AccountName, row, type Transfer } from '../ledger/plan.js'
import { orderOf, orders } from '../orders/facts.js'
import { next } from '../orders/rules.js'
import {
  closePeriod,
  confirmPayments,
  netPeriod,
  paid,
  pay,
  paymentsConfirmed,
  periodClosed,
  periodNetted,
} from './contract.js'
import { periods, positionOf, TREASURY } from './facts.js'

/** Closes a period by number in every book: what is booked later belongs to a later one (关账). */
export const closePeriodCommand = byTwo({
  kind: 'close_period',
  schema: closePeriod,
  event: periodClosed,
  facts: (find, { period }) => ({ book: REGION, existing: find(periods, period), heads: find.heads() }),
  access: (_, actor) => ofJurisdiction(actor, REGION),
  decide({ existing, heads }, { period, through }, { day, seq }) {
    if (existing) return refuse('period_closed', { period })
    if (through >= day) return refuse('period_not_over', { through })
    const reaches = Object.fromEntries([...heads].filter(([book]) => book !== REGION))
    return {
      book: REGION,
      rows: [
        row(periods, {
          book: REGION,
          period,
          closing: seq,
          through,
          closedOn: day,
          netted: false,
          paid: false,
          reaches,
        }),
      ],
      event: { period, through, reaches },
    }
  },
})

/** Books what each province owes the others for a closed period: one entry, so the nets add up to zero (轧差). */
export const netPeriodCommand = command({
  kind: 'net_period',
  schema: netPeriod,
  event: periodNetted,
  facts(find, { period }) {
    find.ahead([periods, period], ...accountsOf(REGION, ...provinces.map((p) => positionOf(period, p))))
    return { book: REGION, closed: find(periods, period) }
  },
  decide({ closed }, { period, gross }) {
    if (!closed || closed.netted) return refuse('state_conflict', { period })
    const entry = gross
      .filter(({ from, to, amount }) => from !== to && amount !== 0n)
      .map(({ from, to, amount }) =>
        amount > 0n
          ? post('owe', positionOf(period, from), positionOf(period, to), amount)
          : post('owe', positionOf(period, to), positionOf(period, from), -amount),
      )
    const net = Object.fromEntries([...netPositions(gross)].map(([province, amount]) => [province, yuan(amount)]))
    return {
      book: REGION,
      entry,
      rows: [row(periods, { ...closed, netted: true })],
      event: { period, net },
    }
  },
})

/** All of a closed period is paid: the instructions discharge every province's position (确认拨付). */
export const confirmPaymentsCommand = byTwo({
  kind: 'confirm_payments',
  schema: confirmPayments,
  event: paymentsConfirmed,
  facts(find, { period }) {
    find.ahead([periods, period], ...accountsOf(REGION, ...provinces.map((p) => positionOf(period, p))))
    const nets = new Map(provinces.map((p) => [p, available(find, REGION, positionOf(period, p))]))
    return { book: REGION, closed: find(periods, period), nets }
  },
  access: (_, actor) => ofJurisdiction(actor, REGION),
  decide({ closed, nets }, { period }) {
    if (!closed?.netted || closed.paid) return refuse('state_conflict', { period })
    const instructions = clear(nets)
    return {
      book: REGION,
      entry: instructions.map(({ from, to, amount }) =>
        post('instruct', positionOf(period, to), positionOf(period, from), amount),
      ),
      rows: [row(periods, { ...closed, paid: true })],
      event: { period, instructions: instructions.map((i) => ({ ...i, amount: yuan(i.amount) })) },
    }
  },
})

/** Pays one book's payees for a period and marks its orders paid (拨付). Amounts in fen, negative to come back. */
export const payCommand = command({
  kind: 'pay',
  schema: pay,
  event: paid,
  facts(find, { book, payees, orders: ids }) {
    const accounts = payees.map(({ payee: owner, province, amount }) => ({
      payable: { kind: 'payable', owner, province } as const,
      recoverable: { kind: 'recoverable', owner, province } as const,
      amount,
    }))
    find.ahead(
      ...accountsOf(book, TREASURY, ...accounts.flatMap(({ payable, recoverable }) => [payable, recoverable])),
      ...ids.map((id) => [orders, id] as const),
    )
    return {
      book,
      payees: accounts.map((account) => ({
        ...account,
        owed: available(find, book, account.payable),
        owing: available(find, book, account.recoverable),
      })),
      orders: ids.map((id) => orderOf(find, id)),
    }
  },
  decide({ book, payees, orders: paidOrders }, { period }) {
    const rows = paidOrders.map((order) => {
      const state = next(order.state, 'confirm_payments')
      if (!state) throw new Error(`order ${order.order} of book ${book} is ${order.state}, so it cannot be paid`)
      return row(orders, { ...order, state })
    })
    const total = payees.reduce((sum, { amount }) => sum + amount, 0n)
    return {
      book,
      entry: payees.flatMap(settle),
      rows,
      event: { period, paid: yuan(total), payees: payees.length, orders: rows.length },
    }
  },
})

/** Settles a payee's net amount: what is payable first, then what is recoverable, the other way round when it comes back. */
function settle(payee: {
  payable: AccountName
  recoverable: AccountName
  amount: Fen
  owed: Fen
  owing: Fen
}): Transfer[] {
  const { payable, recoverable, amount, owed, owing } = payee
  const size = amount < 0n ? -amount : amount
  const first = amount < 0n ? smaller(size, owing) : smaller(size, owed)
  const lines: Transfer[] = []
  if (first > 0n) {
    lines.push(amount > 0n ? post('pay', payable, TREASURY, first) : post('recover', TREASURY, recoverable, first))
  }
  if (size > first) {
    const rest = size - first
    lines.push(
      amount > 0n ? post('advance', recoverable, TREASURY, rest) : post('overrecover', TREASURY, payable, rest),
    )
  }
  return lines
}

const smaller = (a: Fen, b: Fen) => (a < b ? a : b)
