import { createPrivateKey, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { keyRing } from '../../src/bank-accounts/seal.js'
import type { Actor } from '../../src/core/actor.js'
import { ManualClock, parseChinaTime } from '../../src/core/time.js'
import { Engine } from '../../src/engine/engine.js'
import { type Auth, builtInIssuer } from '../../src/platform/auth.js'
import { connect, connectEngine, migrate, type Sql } from '../../src/platform/database.js'
import { type FileStore, openFiles } from '../../src/platform/files.js'
import { prepareRoles } from '../../src/platform/roles.js'
import { SealKey } from '../../src/seal/key.js'
import { createService, type Service, type ServiceOptions } from '../../src/service.js'
import { openStorage } from '../../src/storage.js'
import { Sender, type WebhookSettings } from '../../src/webhooks/sender.js'
import { networkOf } from '../../src/webhooks/target.js'
import { testCluster } from './cluster.js'

/** A migrated database of a test's own, with the owner's and the service's role; `drop` removes it. */
export interface TestDatabase {
  readonly databaseUrl: string
  readonly migrateUrl: string
  /** Superuser's connection string to the same database, for looking behind the curtain. */
  readonly adminUrl: string
  drop(): Promise<void>
}

const passwordOf = (url: string) => decodeURIComponent(new URL(url).password)

/** Copies a migrated template, which whoever comes first makes. */
export async function testDatabase(): Promise<TestDatabase> {
  const { url } = await testCluster()
  const roles = await prepareRoles({ url, password: passwordOf(url) })
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await migrate(roles.migrateUrl, 'clearing_service')
    const name = `test_${randomBytes(6).toString('hex')}`
    // A template with a connection cannot be copied; another test file may just be migrating it.
    for (let attempt = 1; ; attempt++) {
      try {
        await admin.unsafe(`create database ${name} template clearing strategy file_copy owner clearing_owner`)
        break
      } catch (error) {
        if ((error as { code?: string }).code !== '55006' || attempt > 100) throw error
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
    const at = (base: string) => {
      const target = new URL(base)
      target.pathname = `/${name}`
      return target.href
    }
    return {
      databaseUrl: at(roles.databaseUrl),
      migrateUrl: at(roles.migrateUrl),
      adminUrl: at(url),
      async drop() {
        const again = postgres(url, { max: 1, onnotice: () => {} })
        await again.unsafe(`drop database if exists ${name} with (force)`)
        await again.end()
      },
    }
  } finally {
    await admin.end()
  }
}

/** An instant from Beijing time, `2026-03-05` meaning nine in the morning. */
export function china(text: string): number {
  const at = parseChinaTime(text.length === 10 ? `${text}T09:00:00+08:00` : text)
  if (at === undefined) throw new Error(`not a Beijing time: ${text}`)
  return at
}

/** A ring that only tests know. */
export const testRing = keyRing(`t1:${Buffer.alloc(32, 7).toString('base64')}`)!

/** Webhooks that may be sent to this machine, and nowhere else. */
export function testWebhooks(): WebhookSettings {
  const own = ['127.0.0.0/8', '::1'].map((text) => networkOf(text)!)
  return { key: 'a key that only tests know, of some length', sender: new Sender(own) }
}

/** Signs the same in every run. */
export function testSeal(seed = 7, origin = 'log.example'): SealKey {
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), Buffer.alloc(32, seed)])
  return new SealKey(origin, createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' }))
}

export interface TestService {
  readonly service: Service
  readonly clock: ManualClock
  readonly database: TestDatabase
  readonly files: FileStore
  /** Below which its files are. */
  readonly folder: string
  /** Where it listens, on loopback. */
  readonly base: string
  /** A bearer token for any actor. */
  token(actor: Actor): string
  close(): Promise<void>
}

/** The whole service on a database of its own, listening, at nine o'clock Beijing time of the given day. */
export async function testService(
  day = '2026-03-02',
  auth: Partial<Auth> = {},
  options: Partial<ServiceOptions> = {},
): Promise<TestService> {
  const database = await testDatabase()
  const clock = new ManualClock(china(day))
  const folder = await mkdtemp(join(tmpdir(), 'documents-'))
  const files = openFiles(folder)
  const service = await createService({
    ...database,
    clock,
    files,
    webhooks: testWebhooks(),
    seal: testSeal(),
    accounts: { ring: testRing, coolingDays: 3 },
    auth: { ...builtInIssuer('test', 'test'), ...auth },
    ...options,
  })
  const base = await service.open({ host: '127.0.0.1', port: 0 })
  const tokens = new Map<string, string>()
  return {
    service,
    clock,
    database,
    files,
    folder,
    base,
    token({ subject, organisation, roles, jurisdiction }) {
      const claims = { organisation, roles, ...(jurisdiction ? { jurisdiction } : {}) }
      const name = JSON.stringify([subject, claims])
      // Signing reads the key from its text again, which takes longer than most of what the tests ask for.
      const token = tokens.get(name) ?? service.app.jwt.sign(claims as object, { sub: subject })
      tokens.set(name, token)
      return token
    },
    async close() {
      await service.close()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** An engine of its own on a database, beside any other; for what several engines do to each other. */
export async function testEngine(
  database: TestDatabase,
  clock: ManualClock,
): Promise<{ engine: Engine; sql: Sql; close(): Promise<void> }> {
  const storage = openStorage(() => connectEngine(database.databaseUrl))
  const sql = connect(database.databaseUrl, 2)
  const engine = new Engine({ storage, clock })
  return {
    engine,
    sql,
    async close() {
      await engine.close()
      await Promise.all([storage.close(), sql.end()])
    },
  }
}
