/** Pays what is approved without a bank: for what comes after payment. */
import { randomUUID } from 'node:crypto'
import { isRefusal } from '../../src/core/refusals.js'
import type { Runner } from '../../src/engine/runner.js'
import type { Sql } from '../../src/platform/database.js'
import { confirmPayments } from '../../src/settlement/settle.js'
import { ask, bureau } from './scene.js'
import { Stage } from './stage.js'

/** Closes a period that is over, and confirms it whole. */
export async function payAll({ engine, sql }: { engine: Runner; sql: Sql }, period: string, through: string) {
  await new Stage(engine).must(ask.close(period, through))
  const asked = { command: { period }, actor: bureau('000000'), key: randomUUID() }
  const outcome = await confirmPayments(engine, sql, asked)
  if (isRefusal(outcome)) throw new Error(`${outcome.refused} ${JSON.stringify(outcome.details)}`)
}
