import type { Actor } from '../core/actor.js'
import { bookText } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { isRefusal, Refused, refuse } from '../core/refusals.js'
import { type Call, SYSTEM } from '../engine/command.js'
import type { Runner } from '../engine/runner.js'
import type { Outcome } from '../engine/ticket.js'
import type { Book } from '../ledger/book.js'
import type { Sql } from '../platform/database.js'
import {
  closePeriodCommand,
  confirmPaymentsCommand,
  finishSettlementCommand,
  markPaidCommand,
  netPeriodCommand,
  payCommand,
  settlePeriodCommand,
} from './commands.js'
import { partKey } from './facts.js'
import {
  grossOf,
  grossOfSums,
  nettedOf,
  openPayments,
  type PayeeSum,
  payeeSums,
  paymentsOf,
  piecesOf,
  unpaidOrders,
} from './queries.js'

/** Orders of one command at most. */
const MOST_ORDERS = 1000

/** A period; with the proposal that a second person approves. */
interface Of {
  readonly period: string
  readonly proposal?: string
  readonly proposedBy?: string
}

/** Closes a period and settles it; asked again after a crash it goes on where it stopped. */
export async function closePeriod(
  engine: Runner,
  sql: Sql,
  asked: { command: Of & { through: string; group?: string }; actor: Actor; key: string },
): Promise<Outcome> {
  const outcome = await engine.run({ type: closePeriodCommand, ...asked })
  if (!isRefusal(outcome)) await settlePeriod(engine, sql, asked.command.period)
  return outcome
}

interface Row {
  readonly group: string | null
  readonly netted: boolean
  readonly settled: boolean
  readonly paid: boolean
}

async function rowOf(sql: Sql, period: string): Promise<Row | undefined> {
  const [row] = await sql<
    Row[]
  >`select group_name as "group", netted, settled, paid from periods where period = ${period}`
  return row
}

/**
 * Nets a closed period and books its settlement, piece by piece, from where it stopped. The items of a closed period
 * never change, so they are added up off the hot path, and whoever does it comes to the same pieces.
 */
export async function settlePeriod(engine: Runner, sql: Sql, period: string): Promise<void> {
  const closed = await rowOf(sql, period)
  if (!closed || (closed.netted && (closed.group === null || closed.settled))) return
  if (closed.group === null) {
    await done(
      engine.run({ type: netPeriodCommand, command: { period, gross: await grossOf(sql, period) }, actor: SYSTEM }),
    )
    return
  }
  const sums = await payeeSums(sql, period)
  if (!closed.netted) {
    const gross = await grossOfSums(sums)
    await done(engine.run({ type: netPeriodCommand, command: { period, gross }, actor: SYSTEM }))
  }
  await bookPieces(engine, sql, period, sums)
  await done(engine.run({ type: finishSettlementCommand, command: { period }, actor: SYSTEM }))
}

/**
 * What somebody else has done meanwhile is refused as a conflict, which is just as well. Whatever else is refused, such as
 * for too much work, is not done, and nothing may rest on it. Throws Refused.
 */
async function done(asked: Promise<Outcome>): Promise<void> {
  const outcome = await asked
  if (isRefusal(outcome) && outcome.refused !== 'state_conflict') throw new Refused(outcome.refused, outcome.details)
}

/** One piece after the other, so that whoever comes meanwhile never waits for more than one of them. */
async function bookPieces(engine: Runner, sql: Sql, period: string, sums: readonly PayeeSum[]): Promise<void> {
  const booked = await sql<{ book: number; part: 'issuer' | 'payee' | 'between'; piece: number }[]>`
    select book, part, piece from settlement_parts where period = ${period}`
  const isBooked = new Set(booked.map((one) => partKey({ ...one, period })))
  for (const pieces of await piecesOf(sums, await nettedOf(sql, period))) {
    for (const piece of pieces) {
      if (isBooked.has(partKey({ ...piece, period }))) continue
      await done(engine.run({ type: settlePeriodCommand, command: { period, ...piece }, actor: SYSTEM }))
    }
  }
}

/** Goes on with every settlement that a crash has interrupted. */
export async function settleAll(engine: Runner, sql: Sql): Promise<void> {
  const open = await sql<{ period: string }[]>`
    select period from periods where not netted or (group_name is not null and not settled) order by closing`
  for (const { period } of open) await settlePeriod(engine, sql, period)
}

/** Before anybody asks to confirm a period: it is settled. Throws Refused('payments_open') while it is not all paid. */
export async function readyToConfirm(engine: Runner, sql: Sql, period: string): Promise<void> {
  await settlePeriod(engine, sql, period)
  const closed = await rowOf(sql, period)
  if (closed === undefined || closed.group === null || closed.paid) return
  const { open, released, amount, books } = await openPayments(sql, period)
  if (open + released + books.length === 0) return
  const clearing = books.map(bookText).join(', ')
  throw new Refused('payments_open', { open, released, amount: yuan(amount), clearing })
}

/** Confirms that a period is paid: what the bank has confirmed payee by payee, or all payments in one piece. */
export async function confirmPayments(
  engine: Runner,
  sql: Sql,
  asked: { command: Of; actor: Actor; key: string },
): Promise<Outcome> {
  const { period } = asked.command
  try {
    await readyToConfirm(engine, sql, period)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return engine.run({ type: confirmPaymentsCommand, ...asked, refusal: error.refusal })
  }
  const closed = await rowOf(sql, period)
  // Only of a period that was closed and netted before its payments were read may these be all of its payments.
  if (!closed?.netted)
    return engine.run({ type: confirmPaymentsCommand, ...asked, refusal: refuse('state_conflict', { period }) })
  if (closed.group !== null) {
    if (!closed.paid) {
      for (const [book, orders] of await unpaidOrders(sql, period)) {
        await markOrders(engine, { period, book, paid: true }, orders)
      }
    }
    return engine.run({ type: confirmPaymentsCommand, ...asked })
  }
  const payments = await paymentsOf(sql, period)
  const calls: Call[] = [
    { type: confirmPaymentsCommand, command: asked.command },
    ...payments.map((payment) => ({ type: payCommand, command: { period, ...payment } })),
  ]
  const outcome = await engine.runTogether(calls, asked.actor, asked.key)
  return isRefusal(outcome) ? outcome : outcome[0]!
}

/** Marks orders paid, or approved again; those that somebody else has marked meanwhile are left alone. Throws Refused. */
export async function markOrders(
  engine: Runner,
  which: { readonly period: string; readonly book: Book; readonly paid: boolean },
  orders: readonly string[],
): Promise<void> {
  for (let from = 0; from < orders.length; from += MOST_ORDERS) {
    const command = { ...which, orders: orders.slice(from, from + MOST_ORDERS) }
    await done(engine.run({ type: markPaidCommand, command, actor: SYSTEM }))
  }
}
