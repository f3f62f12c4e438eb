import { Refused } from '../core/refusals.js'
import { systemTimer, type Timer } from '../core/time.js'
import type { Sql } from '../platform/database.js'
import type { SimulateProgram, Simulation } from './contract.js'
import { Play } from './play.js'
import { type Logged, ordersIn, regionOf, stepsOf } from './queries.js'

/** More orders than this do not fit into the memory that `npm start` allows. */
const MOST_ORDERS = 40_000
/** So long, in milliseconds, does a simulation work before it lets others have their turn. */
const TURN = 10

/**
 * Plays the log of these days under the draft; touches neither the ledger nor the engine. Throws
 * Refused('simulation_too_large').
 */
export async function simulate(sql: Sql, asked: SimulateProgram, timer: Timer = systemTimer): Promise<Simulation> {
  const { from, to } = asked
  const book = Number(asked.jurisdiction)
  const orders = await ordersIn(sql, book, from, to)
  if (orders > MOST_ORDERS) throw new Refused('simulation_too_large', { orders, atMost: MOST_ORDERS })
  const play = new Play(asked)
  await play.open()
  let since = timer.now()
  const rest = async () => {
    await timer.turn()
    since = timer.now()
  }
  const region = regionOf(sql, book, from, to)
  let said: readonly Logged[] = []
  let at = 0
  /** Each step is asked when the region stood where it stood then. */
  const hear = async (until: number) => {
    for (;;) {
      for (; at < said.length && said[at]!.seq <= until; at++) {
        await play.hear(said[at]!)
        if (timer.now() - since >= TURN) await rest()
      }
      if (at < said.length) return
      const next = await region.next()
      if (next.done) return
      said = next.value
      at = 0
    }
  }
  for await (const page of stepsOf(sql, book, from, to)) {
    for (const step of page) {
      await hear(step.region)
      await play.step(step)
      if (timer.now() - since >= TURN) await rest()
    }
  }
  return await play.report()
}
