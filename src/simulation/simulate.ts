import { Refused } from '../core/refusals.js'
import type { Sql } from '../platform/database.js'
import type { SimulateProgram, Simulation } from './contract.js'
import { Play } from './play.js'
import { type Logged, ordersIn, regionOf, stepsOf } from './queries.js'

/** More orders than this do not fit into the memory that a simulation has. */
const MOST_ORDERS = 200_000

/**
 * Plays the log of these days under the draft; touches neither the ledger nor the engine. Throws
 * Refused('simulation_too_large').
 */
export async function simulate(sql: Sql, asked: SimulateProgram): Promise<Simulation> {
  const { from, to } = asked
  const book = Number(asked.jurisdiction)
  const orders = await ordersIn(sql, book, from, to)
  if (orders > MOST_ORDERS) throw new Refused('simulation_too_large', { orders, atMost: MOST_ORDERS })
  const play = new Play(asked)
  play.open()
  const region = regionOf(sql, book, from, to)
  let said: readonly Logged[] = []
  let at = 0
  /** Each step is asked when the region stood where it stood then. */
  const hear = async (until: number) => {
    for (;;) {
      for (; at < said.length && said[at]!.seq <= until; at++) play.hear(said[at]!)
      if (at < said.length) return
      const next = await region.next()
      if (next.done) return
      said = next.value
      at = 0
    }
  }
  for await (const page of stepsOf(sql, book, from, to)) {
    for (const step of page) {
      // Nothing is awaited that is at hand.
      if (at >= said.length || said[at]!.seq <= step.region) await hear(step.region)
      play.step(step)
    }
  }
  return play.report()
}
