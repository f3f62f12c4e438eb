import type { Test } from 'tap'
import { ManualClock } from '../../src/core/time.js'
import { type RunningEngine, runEngine } from './engines.js'
import { proveLedger } from './replay.js'
import { china, type TestDatabase, testDatabase } from './service.js'

/** The moment at which every lab's clock starts. */
export const START = china('2026-03-02')

export interface Lab {
  readonly database: TestDatabase
  readonly clock: ManualClock
  /** An engine beside the others on the same database. */
  engine(options?: Parameters<typeof runEngine>[2]): RunningEngine
}

/** A database of the test's own, whose books are proved at the end. */
export function withLab(parent: Test, title: string, test: (t: Test, lab: Lab) => Promise<unknown>, isProved = true) {
  return parent.test(title, async (t) => {
    const database = await testDatabase()
    const clock = new ManualClock(START)
    const running: RunningEngine[] = []
    const engine: Lab['engine'] = (options) => {
      running.push(runEngine(database, clock, options))
      return running.at(-1)!
    }
    try {
      await test(t, { database, clock, engine })
      if (isProved) await proveLedger(engine().sql)
    } finally {
      for (const one of running) await one.close()
      await database.drop()
    }
  })
}
