import { join } from 'node:path'
import type { DatabaseConfig } from './config.js'
import { startEmbeddedPostgres } from './platform/embedded-postgres.js'
import { prepareRoles } from './platform/roles.js'

/** A database that answers: the service's role, the owner's, and how to leave it. */
export interface Database {
  readonly databaseUrl: string
  readonly migrateUrl: string
  stop(): Promise<void>
}

/** Where the service's own PostgreSQL keeps its data. */
export const embeddedRoot = ({ dataRoot }: DatabaseConfig) => join(dataRoot, 'postgres')

/** The configured database, or a PostgreSQL of our own with an owner's and a service's role. */
export async function openDatabase(config: DatabaseConfig): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    const { databaseUrl, migrateDatabaseUrl: migrateUrl = databaseUrl } = config
    return { databaseUrl, migrateUrl, stop: async () => {} }
  }
  const server = await startEmbeddedPostgres({ root: embeddedRoot(config), purpose: 'service' })
  return { ...(await prepareRoles(server)), stop: () => server.stop() }
}
