import { createHmac } from 'node:crypto'
import postgres from 'postgres'

const DATABASE = 'clearing'

/**
 * On a PostgreSQL of our own: a database with an owner's role, for migrations, and the service's role, which may call
 * the functions that write the ledger and cannot touch its tables. Their passwords derive from the server's own.
 */
export async function prepareRoles(server: {
  readonly url: string
  readonly password: string
}): Promise<{ databaseUrl: string; migrateUrl: string }> {
  const passwordOf = (role: string) => createHmac('sha256', server.password).update(role).digest('base64url')
  const admin = postgres(server.url, { max: 1, onnotice: () => {} })
  try {
    for (const role of ['clearing_owner', 'clearing_service']) {
      const [found] = await admin`select from pg_roles where rolname = ${role}`
      // A role that is there already may be in use by another service on the same server; its password is the same.
      if (!found) await admin.unsafe(`create role ${role} login password '${passwordOf(role)}'`).catch(ignoreTaken)
    }
    const [found] = await admin`select from pg_database where datname = ${DATABASE}`
    if (!found) await admin.unsafe(`create database ${DATABASE} owner clearing_owner`).catch(ignoreTaken)
  } finally {
    await admin.end({ timeout: 5 })
  }
  const urlOf = (role: string) => {
    const url = new URL(server.url)
    url.username = role
    url.password = passwordOf(role)
    url.pathname = `/${DATABASE}`
    return url.href
  }
  return { databaseUrl: urlOf('clearing_service'), migrateUrl: urlOf('clearing_owner') }
}

/** Two services started at once may both find nothing and both create it. */
function ignoreTaken(error: { code?: string }): void {
  if (!['42710', '42P04', '23505'].includes(error.code ?? '')) throw error
}
