import { calendarKey, calendars } from '../calendars/facts.js'
import { isPlanned } from '../calendars/rules.js'
import { everyAgreement } from '../clearing/facts.js'
import { provinces } from '../core/division.js'
import { type Fen, yuan } from '../core/money.js'
import { clear, netPositions } from '../core/positions.js'
import { refuse } from '../core/refusals.js'
import { yearOf } from '../core/time.js'
import { ofJurisdiction } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { accountsOf, available } from '../ledger/accounts.js'
import { REGION } from '../ledger/book.js'
import { post } from '../ledger/entry.js'
import { type AccountName, row, type Transfer } from '../ledger/plan.js'
import { idOf, orderOf, orders } from '../orders/facts.js'
import { next } from '../orders/rules.js'
import { clearingOf, type PaymentLine, paymentBatches } from '../payments/facts.js'
import {
  closePeriod,
  confirmPayments,
  finishSettlement,
  markPaid,
  netPeriod,
  ordersMarked,
  paid,
  pay,
  paymentsConfirmed,
  periodClosed,
  periodNetted,
  periodSettled,
  settlePeriod,
} from './contract.js'
import { partKey, parts, periods, positionOf, TREASURY } from './facts.js'
import { hand, isThrough, type PayeeAccounts, pairsOf, takeOver } from './rules.js'

/** Closes a period by number in every book: what is booked later belongs to a later one (关账). */
export const closePeriodCommand = byTwo({
  kind: 'close_period',
  schema: closePeriod,
  event: periodClosed,
  facts: (find, { period, through, group }) => ({
    book: REGION,
    existing: find(periods, period),
    calendar: group === undefined ? null : find(calendars, calendarKey(group, yearOf(through))),
    heads: find.heads(),
  }),
  access: (_, actor) => ofJurisdiction(actor, REGION),
  decide({ existing, calendar, heads }, { period, through, group }, { day, seq }) {
    if (existing) return refuse('period_closed', { period })
    if (!isPlanned(calendar, period, through)) return refuse('period_not_planned', { period, through })
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
          group: group ?? null,
          netted: false,
          settled: false,
          paid: false,
          reaches,
          pairs: [],
        }),
      ],
      event: { period, through, ...(group === undefined ? {} : { group }), reaches },
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
    const closed = find(periods, period)
    return { book: REGION, closed, agreements: closed?.group == null ? [] : everyAgreement(find) }
  },
  decide({ closed, agreements }, { period, gross: all }) {
    if (!closed || closed.netted) return refuse('state_conflict', { period })
    const pairs = pairsOf(all, agreements)
    const gross = closed.group === null ? all : all.filter((item) => isThrough(item, pairs))
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
      rows: [row(periods, { ...closed, netted: true, pairs })],
      event: { period, net },
    }
  },
})

const named = (payee: string, province: number | null) =>
  province === null ? { owner: payee } : { owner: payee, province }

/**
 * Books one piece of a settlement (清算入账): in the issuer's book netted debts go to the clearing house and the others
 * become lines to be paid; in the book of the payees' province the clearing house's debts do; between jurisdictions
 * lines bring the clearing accounts to zero. Refuses state_conflict what is booked already.
 */
export const settlePeriodCommand = command({
  kind: 'settle_period',
  schema: settlePeriod,
  event: periodSettled,
  facts(find, { period, book, part, piece, payees }) {
    const clearing = clearingOf(period)
    const movedOf = payees.map(({ payee, province, netted }) => ({
      payable: { kind: 'payable', ...named(payee, province) } as const,
      recoverable: { kind: 'recoverable', ...named(payee, province) } as const,
      moves: netted && part !== 'between',
    }))
    const moving = movedOf.filter(({ moves }) => moves)
    find.ahead(
      [periods, period],
      [parts, partKey({ book, part, piece, period })],
      ...accountsOf(book, ...(moving.length > 0 ? [clearing] : [])),
      ...accountsOf(book, ...moving.flatMap(({ payable, recoverable }) => [payable, recoverable])),
    )
    return {
      book,
      closed: find(periods, period),
      existing: find(parts, partKey({ book, part, piece, period })),
      accounts: movedOf.map(
        ({ payable, recoverable, moves }): PayeeAccounts => ({
          payable,
          recoverable,
          clearing,
          owed: moves ? available(find, book, payable) : 0n,
          owing: moves ? available(find, book, recoverable) : 0n,
        }),
      ),
    }
  },
  decide({ book, closed, existing, accounts }, { period, part, piece, payees }, { seq }) {
    if (!closed?.netted || closed.group === null || closed.settled || existing) {
      return refuse('state_conflict', { period })
    }
    const move = part === 'issuer' ? hand : takeOver
    const entry =
      part === 'between'
        ? []
        : payees.flatMap(({ approved, clawedBack, netted }, n) =>
            netted ? move(accounts[n]!, approved - clawedBack) : [],
          )
    const due = payees.filter(({ approved, netted }) => approved > 0n && (part !== 'issuer' || !netted))
    const lines = due.map(
      ({ payee, province, approved, clawedBack }, n): PaymentLine => ({
        line: n + 1,
        payee,
        province,
        amount: approved,
        clawedBack,
        setOff: 0n,
        state: 'open',
        released: 0n,
        paid: 0n,
        release: null,
        account: null,
        bounces: 0,
      }),
    )
    const source = part === 'between' ? ('clearing' as const) : ('payable' as const)
    const amount = yuan(due.reduce((sum, one) => sum + one.approved - one.clawedBack, 0n))
    return {
      book,
      entry,
      rows: [
        row(parts, { book, period, part, piece, seq }),
        ...(lines.length > 0 ? [row(paymentBatches, { book, batch: seq, period, source, lines })] : []),
      ],
      event: { period, part, piece, lines: lines.length, amount },
    }
  },
})

/** Says that every piece of a settlement is booked. Refuses state_conflict. */
export const finishSettlementCommand = command({
  kind: 'finish_settlement',
  schema: finishSettlement,
  event: finishSettlement,
  facts: (find, { period }) => ({ book: REGION, closed: find(periods, period) }),
  decide({ closed }, { period }) {
    if (!closed?.netted || closed.group === null || closed.settled) return refuse('state_conflict', { period })
    return { book: REGION, rows: [row(periods, { ...closed, settled: true })], event: { period } }
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
    const isReady = closed?.netted && (closed.group === null || closed.settled)
    if (!isReady || closed.paid) return refuse('state_conflict', { period })
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

/** Marks orders paid once the bank has paid their payee for a period, and approved again when that came back 退汇. */
export const markPaidCommand = command({
  kind: 'mark_paid',
  schema: markPaid,
  event: ordersMarked,
  facts(find, { book, orders: ids }) {
    find.ahead(...ids.map((id) => [orders, id] as const))
    return { book, orders: ids.map((id) => orderOf(find, id)) }
  },
  decide({ book, orders: named }, { period, paid }) {
    // Whoever asks has looked at them before: what has changed meanwhile is left alone.
    const changed = named.flatMap((order) => {
      const state = next(order.state, paid ? 'confirm_payments' : 'payment_bounced')
      return state ? [{ ...order, state }] : []
    })
    if (changed.length === 0) return refuse('state_conflict', { period })
    return {
      book,
      rows: changed.map((order) => row(orders, order)),
      event: { period, orders: changed.map(idOf), state: paid ? 'paid' : 'approved' },
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
