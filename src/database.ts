import { join } from 'node:path'
import type { DatabaseConfig } from './config.js'
import { type EmbeddedPostgres, startEmbeddedPostgres } from './platform/embedded-postgres.js'
import { prepareRoles } from './platform/roles.js'

/** A database that answers: the service's role, the owner's, and how to leave it. */
export interface Database {
  readonly databaseUrl: string
  readonly migrateUrl: string
  stop(): Promise<void>
}

interface Log {
  warn(fields: object, message: string): void
}

/** Where the service's own PostgreSQL keeps its data. */
export const embeddedRoot = ({ dataRoot }: DatabaseConfig) => join(dataRoot, 'postgres')

/** The configured database, or a PostgreSQL of our own with an owner's and a service's role. */
export async function openDatabase(config: DatabaseConfig, log?: Log): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    const { databaseUrl, migrateDatabaseUrl: migrateUrl = databaseUrl } = config
    return { databaseUrl, migrateUrl, stop: async () => {} }
  }
  const server = await startEmbeddedPostgres({ root: embeddedRoot(config), purpose: 'service' })
  const { port } = server
  const start = () => startEmbeddedPostgres({ root: embeddedRoot(config), purpose: 'service', port })
  const stop = keepRunning(server, start, log)
  return { ...(await prepareRoles(server)), stop }
}

/** How often it is looked whether our PostgreSQL lives, in milliseconds. */
const LOOK = 500

/** Starts a PostgreSQL of our own again when it has died. The returned function ends its use. */
function keepRunning(
  first: EmbeddedPostgres,
  start: () => Promise<EmbeddedPostgres>,
  log: Log | undefined,
): () => Promise<void> {
  const uses = [first]
  let starting: Promise<void> | undefined
  const again = async () => {
    log?.warn({}, 'PostgreSQL has ended and is started again 数据库已退出，正在重新启动')
    uses.push(await start())
  }
  const timer = setInterval(() => {
    if (uses.at(-1)!.isRunning()) return
    starting ??= again()
      .catch((error: unknown) => log?.warn({ err: error }, 'PostgreSQL does not start 数据库无法启动'))
      .finally(() => {
        starting = undefined
      })
  }, LOOK).unref()
  return async () => {
    clearInterval(timer)
    await starting
    for (const use of uses) await use.stop()
  }
}
