import type { Actor } from '../core/actor.js'
import { isRefusal, refuse } from '../core/refusals.js'
import { type Call, SYSTEM } from '../engine/command.js'
import type { Runner } from '../engine/runner.js'
import type { Outcome } from '../engine/ticket.js'
import type { Sql } from '../platform/database.js'
import { closePeriodCommand, confirmPaymentsCommand, netPeriodCommand, payCommand } from './commands.js'
import { grossOf, paymentsOf } from './queries.js'

/** A period; with the proposal that a second person approves. */
interface Of {
  readonly period: string
  readonly proposal?: string
  readonly proposedBy?: string
}

/** Closes a period, then gives every province its position; asked again after a crash it goes on where it stopped. */
export async function closePeriod(
  engine: Runner,
  sql: Sql,
  asked: { command: Of & { through: string }; actor: Actor; key: string },
): Promise<Outcome> {
  const outcome = await engine.run({ type: closePeriodCommand, ...asked })
  if (!isRefusal(outcome)) await netPeriod(engine, sql, asked.command.period)
  return outcome
}

/** The items of a closed period never change, so they are added up off the hot path. */
export async function netPeriod(engine: Runner, sql: Sql, period: string): Promise<void> {
  const [open] = await sql`select from periods where period = ${period} and not netted`
  if (!open) return
  const gross = await grossOf(sql, period)
  await engine.run({ type: netPeriodCommand, command: { period, gross }, actor: SYSTEM })
}

/** Confirms that a period is paid: the region's positions and every book's payments in one, all or nothing. */
export async function confirmPayments(
  engine: Runner,
  sql: Sql,
  asked: { command: Of; actor: Actor; key: string },
): Promise<Outcome> {
  const { period } = asked.command
  await netPeriod(engine, sql, period)
  // Only of a period that was closed and netted before its payments were read may these be all of its payments.
  const [netted] = await sql`select from periods where period = ${period} and netted`
  if (!netted)
    return engine.run({ type: confirmPaymentsCommand, ...asked, refusal: refuse('state_conflict', { period }) })
  const payments = await paymentsOf(sql, period)
  const calls: Call[] = [
    { type: confirmPaymentsCommand, command: asked.command },
    ...payments.map((payment) => ({ type: payCommand, command: { period, ...payment } })),
  ]
  const outcome = await engine.runTogether(calls, asked.actor, asked.key)
  return isRefusal(outcome) ? outcome : outcome[0]!
}
