/** Engines of a test's own on one database, and the means to get between what they read and what they record. */
import type { ManualClock } from '../../src/core/time.js'
import { Engine, type EngineOptions } from '../../src/engine/engine.js'
import { connect, connectEngine, type Sql } from '../../src/platform/database.js'
import { openStorage } from '../../src/storage.js'
import type { TestDatabase } from './service.js'

export interface RunningEngine {
  readonly engine: Engine
  /** Connections of the service's role, beside the engine's own. */
  readonly sql: Sql
  /** What was logged as an error. */
  readonly errors: string[]
  /** Runs this once, after the next batch was decided and before it, and what is sent behind it, is recorded. */
  beforeRecord(action: () => Promise<unknown>): void
  /** The next batch is recorded, but the connection is lost before the reply comes. */
  loseReply(): void
  close(): Promise<void>
}

export function runEngine(
  database: TestDatabase,
  clock: ManualClock,
  options: Partial<EngineOptions> = {},
): RunningEngine {
  const sql = connect(database.databaseUrl, 2)
  const errors: string[] = []
  let hook: (() => Promise<unknown>) | undefined
  let isReplyLost = false
  let turn: Promise<unknown> = Promise.resolve()
  const watched = () =>
    new Proxy(connectEngine(database.databaseUrl), {
      get(target, name) {
        if (name !== 'unsafe') return Reflect.get(target, name)
        return async (text: string, ...rest: []) => {
          if (!text.includes('clearing.record(')) return target.unsafe(text, ...rest)
          const action = hook
          hook = undefined
          // What is sent behind it stays behind it.
          turn = turn.then(() => action?.())
          await turn
          const reply = await target.unsafe(text, ...rest)
          if (!isReplyLost) return reply
          isReplyLost = false
          throw Object.assign(new Error('the reply was lost'), { code: 'CONNECTION_CLOSED' })
        }
      },
    })
  const log = { error: (_: object, message: string) => errors.push(message), warn: () => {} }
  const storage = openStorage(watched, () => connectEngine(database.databaseUrl))
  const engine = new Engine({ storage, clock, log, ...options })
  return {
    engine,
    sql,
    errors,
    beforeRecord(action) {
      hook = action
    },
    loseReply() {
      isReplyLost = true
    },
    async close() {
      await engine.close()
      await Promise.all([storage.close(), sql.end({ timeout: 5 })])
    },
  }
}

/** The superuser's own connection, for what nobody should be able to do. */
export const connectAdmin = (database: TestDatabase) => connect(database.adminUrl, 1)
