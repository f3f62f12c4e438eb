import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { systemClock } from '../../src/core/time.js'
import { Engine, type EngineOptions } from '../../src/engine/engine.js'
import { connectEngine, migrate, userOf } from '../../src/platform/database.js'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/embedded-postgres.js'
import { prepareRoles } from '../../src/platform/roles.js'
import { openStorage } from '../../src/storage.js'

/** A database of one section: the service's role, the owner's, the superuser's. */
export interface Database {
  readonly name: string
  readonly databaseUrl: string
  readonly migrateUrl: string
  readonly adminUrl: string
}

type Roles = Omit<Database, 'name'>

/** The bench's own PostgreSQL, fsync on, in a temporary folder; nothing of it outlives the bench. */
export class Cluster {
  readonly #root = mkdtempSync(join(tmpdir(), 'bench-'))
  readonly #starting: Promise<EmbeddedPostgres>
  readonly #children = new Set<number>()
  #roles: Roles | undefined
  #stopping: Promise<void> | undefined
  version = ''

  constructor() {
    this.#starting = startEmbeddedPostgres({ root: this.#root, purpose: 'service' })
  }

  /** Waits for the server and makes the migrated database that the others are copies of. */
  async ready(): Promise<void> {
    const server = await this.#starting
    this.version = server.version
    const roles = await prepareRoles(server)
    await migrate(roles.migrateUrl, userOf(roles.databaseUrl))
    this.#roles = { ...roles, adminUrl: server.url }
  }

  /** A migrated database with nothing in it. */
  fresh(name: string): Promise<Database> {
    return this.copy({ name: new URL(this.#roles!.databaseUrl).pathname.slice(1) }, name)
  }

  /** A copy of a database that nobody is connected to. */
  async copy(source: Pick<Database, 'name'>, name: string): Promise<Database> {
    const { adminUrl, databaseUrl, migrateUrl } = this.#roles!
    await withAdmin(adminUrl, async (admin) => {
      for (let attempt = 1; ; attempt++) {
        try {
          return await admin.unsafe(
            `create database ${name} template ${source.name} strategy file_copy owner ${userOf(migrateUrl)}`,
          )
        } catch (error) {
          // A connection that was just closed may still be on its way out.
          if ((error as { code?: string }).code !== '55006' || attempt > 50) throw error
          await new Promise((resolve) => setTimeout(resolve, 100))
        }
      }
    })
    const at = (base: string) => {
      const url = new URL(base)
      url.pathname = `/${name}`
      return url.href
    }
    return { name, databaseUrl: at(databaseUrl), migrateUrl: at(migrateUrl), adminUrl: at(adminUrl) }
  }

  async drop({ name }: Database): Promise<void> {
    await withAdmin(this.#roles!.adminUrl, (admin) => admin.unsafe(`drop database ${name} with (force)`))
  }

  /** A child process that must not outlive the bench. */
  adopt(pid: number): void {
    this.#children.add(pid)
  }

  release(pid: number): void {
    this.#children.delete(pid)
  }

  /** Ends the children, stops the server and removes its folder. */
  stop(): Promise<void> {
    this.#stopping ??= this.#leave()
    return this.#stopping
  }

  async #leave(): Promise<void> {
    for (const pid of this.#children) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended by itself.
      }
    }
    const server = await this.#starting.catch(() => undefined)
    await server?.stop()
    rmSync(this.#root, { recursive: true, force: true })
  }
}

/** Looks behind the curtain, as the superuser. */
export async function withAdmin<T>(adminUrl: string, use: (admin: postgres.Sql) => Promise<T>): Promise<T> {
  const admin = postgres(adminUrl, { max: 1, onnotice: () => {} })
  try {
    return await use(admin)
  } finally {
    await admin.end({ timeout: 5 })
  }
}

/** After a set-up: statistics are there and nothing is left to be written, so that each section starts from rest. */
export async function settle({ adminUrl }: Database): Promise<void> {
  await withAdmin(adminUrl, async (admin) => {
    // Not the empty ones: a table that was vacuumed while it was empty is taken for empty until it is analysed again.
    const filled = await admin<{ name: string }[]>`
      select oid::regclass::text as name from pg_class
      where relkind = 'r' and relnamespace::regnamespace::text in ('clearing', 'usual') and pg_relation_size(oid) > 0`
    for (const { name } of filled) await admin.unsafe(`vacuum (analyze) ${name}`)
    await admin.unsafe('checkpoint')
  })
}

/** Bytes on disk of tables with their indexes: of the named ones that exist, or of the whole ledger. */
export async function bytesOf({ adminUrl }: Database, tables?: readonly string[]): Promise<number> {
  return withAdmin(adminUrl, async (admin) => {
    await admin.unsafe('checkpoint')
    const named = tables ? admin`and relname = any (${[...tables]})` : admin``
    const [row] = await admin<{ bytes: string }[]>`
      select coalesce(sum(pg_total_relation_size(oid)), 0)::text as bytes
      from pg_class where relnamespace = 'clearing'::regnamespace and relkind = 'r' ${named}`
    return Number(row!.bytes)
  })
}

/** Journal entries booked so far. */
export async function entriesIn({ adminUrl }: Database): Promise<number> {
  return withAdmin(adminUrl, async (admin) => {
    const [row] = await admin<{ entries: string }[]>`select sum(entries)::text as entries from clearing.books`
    return Number(row!.entries)
  })
}

/** What an accepted command with its key and entry is written to. */
export const ENTRY_TABLES = ['commands', 'transfers'] as const

/** Runs an engine on its two connections, as the service does. */
export async function withEngine<T>(
  { databaseUrl }: Database,
  options: Partial<Pick<EngineOptions, 'batch' | 'clock'>>,
  use: (engine: Engine) => Promise<T>,
): Promise<T> {
  const storage = openStorage(() => connectEngine(databaseUrl))
  const engine = new Engine({ storage, clock: systemClock, ...options })
  try {
    return await use(engine)
  } finally {
    await engine.close()
    await storage.close()
  }
}
