import { systemTimer, type Timer } from '../core/time.js'
import type { Sql } from '../platform/database.js'
import type { SimulateProgram, Simulation } from './contract.js'
import { Play } from './play.js'
import { regionOf, stepsOf } from './queries.js'

/** So long, in milliseconds, does a simulation work before it lets others have their turn. */
const TURN = 10

/** Plays the log of these days under the draft; touches neither the ledger nor the engine. */
export async function simulate(sql: Sql, asked: SimulateProgram, timer: Timer = systemTimer): Promise<Simulation> {
  const { from, to } = asked
  const book = Number(asked.jurisdiction)
  const play = new Play(asked)
  await play.open()
  let since = timer.now()
  const rest = async () => {
    if (timer.now() - since < TURN) return
    await timer.turn()
    since = timer.now()
  }
  const region = regionOf(sql, book, from, to)
  let said = await region.next()
  for await (const step of stepsOf(sql, book, from, to)) {
    // Each step is asked when the region stood where it stood then.
    while (!said.done && said.value.seq <= step.region) {
      await play.hear(said.value)
      said = await region.next()
      await rest()
    }
    await play.step(step)
    await rest()
  }
  return await play.report()
}
