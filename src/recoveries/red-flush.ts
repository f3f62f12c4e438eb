import type { Actor } from '../core/actor.js'
import { type Fen, parseYuan } from '../core/money.js'
import { isRefusal } from '../core/refusals.js'
import type { Call, CommandType } from '../engine/command.js'
import type { Runner } from '../engine/runner.js'
import type { Outcome } from '../engine/ticket.js'
import { enterprises } from '../enterprises/facts.js'
import { orders } from '../orders/facts.js'
import type { Sql } from '../platform/database.js'
import { programs } from '../programs/facts.js'
import { providers } from '../providers/facts.js'
import { redFlushInvoiceCommand } from './commands.js'
import { lower, termsFor } from './rules.js'

interface RedFlushing {
  readonly order: string
  readonly redInvoiceNo: string
  readonly amount: Fen
}

/**
 * Records a red invoice and claws back, in one, what the lowered invoice no longer supports. `clawBack` is the command
 * that takes back what was approved.
 */
export async function redFlush(
  services: { readonly engine: Runner; readonly sql: Sql; readonly clawBack: CommandType },
  asked: { command: RedFlushing; actor: Actor; key: string },
): Promise<Outcome> {
  const { engine, sql, clawBack } = services
  const { command, actor, key } = asked
  const follow = (amount: Fen): Call[] =>
    amount === 0n
      ? []
      : [
          {
            type: clawBack,
            command: {
              order: command.order,
              amount,
              reason: `红字发票 red invoice ${command.redInvoiceNo}`,
              redInvoiceNo: command.redInvoiceNo,
            },
          },
        ]
  const back = await backOf(sql, command)
  const outcomes = await engine.runTogether([{ type: redFlushInvoiceCommand, command }, ...follow(back)], actor, key)
  if (isRefusal(outcomes)) return outcomes
  const [done] = outcomes
  // It was worked out before the order was looked at again; whatever happened between is put right here.
  const owed = parseYuan(done!.event.clawedBack as string)
  if (back === 0n && owed > 0n) await engine.runTogether(follow(owed), actor)
  return done!
}

/** What will have to come back of the order, in fen; nothing when it cannot be done at all. */
async function backOf(sql: Sql, { order: id, amount }: RedFlushing): Promise<Fen> {
  const [order] = await orders.load(sql, [id])
  if (!order) return 0n
  const [[program], [enterprise], [provider]] = await Promise.all([
    programs.load(sql, [order.program]),
    enterprises.load(sql, [order.enterprise]),
    providers.load(sql, [order.provider]),
  ])
  if (!program || !enterprise || !provider) return 0n
  const terms = termsFor(order, program.versions[order.version - 1]!, enterprise, provider)
  return lower(order, terms, amount)?.back ?? 0n
}
