import { isRefusal } from '../core/refusals.js'
import { type Clock, type Day, dayOf } from '../core/time.js'
import { SYSTEM } from '../engine/command.js'
import type { Runner } from '../engine/runner.js'
import type { Sql } from '../platform/database.js'
import { lapseOrderCommand } from './commands.js'
import { owedAnywhere } from './owed.js'

/** Asked at once: whoever asks for something in between waits for no more than these. */
const WAVE = 32

/** Lapses everything that is overdue on the clock's day, in bounded batches through the engine (失效清理). */
export async function sweep(
  engine: Runner,
  sql: Sql,
  clock: Clock,
): Promise<{ day: Day; orders: number; vouchers: number }> {
  const day = dayOf(clock.now())
  const done = { day, orders: 0, vouchers: 0 }
  for (;;) {
    const { calls } = await owedAnywhere(sql, day)
    if (calls.length === 0) return done
    let lapsed = 0
    for (let from = 0; from < calls.length; from += WAVE) {
      const wave = calls.slice(from, from + WAVE)
      const outcomes = await Promise.all(wave.map((call) => engine.run({ ...call, actor: SYSTEM })))
      outcomes.forEach((outcome, index) => {
        if (isRefusal(outcome)) return
        lapsed++
        if (wave[index]!.type === lapseOrderCommand) done.orders++
        else done.vouchers++
      })
    }
    // Everything found was refused: somebody else is lapsing the same things, and will finish them.
    if (lapsed === 0) return done
  }
}
