import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { buildApp } from './app.js'
import type { Clock } from './core/time.js'
import { Engine } from './engine/engine.js'
import type { Auth } from './platform/auth.js'
import { connect, connectEngine, migrate, openReader, userOf } from './platform/database.js'
import { openStorage } from './storage.js'

export interface ServiceOptions {
  /** The service's own database role. */
  readonly databaseUrl: string
  /** The owner's role, for migrations; closed when they are done. */
  readonly migrateUrl: string
  readonly clock: Clock
  readonly auth: Auth
  readonly logger?: FastifyBaseLogger
  /** Commands that may wait, 20,000 if left out. */
  readonly queue?: number
}

export interface Service {
  readonly app: FastifyInstance
  readonly engine: Engine
  /** Finishes what was accepted, refuses the rest, closes every connection. */
  close(): Promise<void>
}

/** Brings the database to its schema and composes the service on it; it does not listen yet. */
export async function createService(options: ServiceOptions): Promise<Service> {
  await migrate(options.migrateUrl, userOf(options.databaseUrl))
  const storage = openStorage(() => connectEngine(options.databaseUrl))
  const sql = connect(options.databaseUrl, 4)
  const reader = openReader(options.databaseUrl, 4)
  const engine = new Engine({
    storage,
    clock: options.clock,
    ...(options.queue ? { queue: options.queue } : {}),
    ...(options.logger ? { log: options.logger } : {}),
  })
  const app = await buildApp(
    { engine, sql, reader: reader.db, clock: options.clock },
    { auth: options.auth, ...(options.logger ? { logger: options.logger } : {}) },
  )
  return {
    app,
    engine,
    async close() {
      await engine.close()
      await app.close()
      await Promise.all([storage.close(), sql.end({ timeout: 5 }), reader.close()])
    },
  }
}
