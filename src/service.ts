import { randomUUID } from 'node:crypto'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { buildApp } from './app.js'
import type { AccountSettings } from './bank-accounts/numbers.js'
import { commandTypes } from './commands.js'
import { type Clock, systemTimer } from './core/time.js'
import { type CommandType, SYSTEM } from './engine/command.js'
import { Engine } from './engine/engine.js'
import { Front } from './engine/front.js'
import { Lease } from './engine/lease.js'
import { openLink, serveLinks } from './engine/link.js'
import { isOutage } from './engine/outage.js'
import type { Runner } from './engine/runner.js'
import type { Health } from './health/contract.js'
import { Tally } from './health/tally.js'
import { openDirectory } from './people/directory.js'
import type { Auth } from './platform/auth.js'
import { connect, connectEngine, migrate, openReader, userOf } from './platform/database.js'
import { type FileStore, noFiles } from './platform/files.js'
import type { Limits } from './platform/limits.js'
import { recordedSpan } from './platform/traces.js'
import type { SealKey } from './seal/key.js'
import { Sealer } from './seal/sealer.js'
import type { Witness } from './seal/witness.js'
import { openDeliveryStore, openLeaseStore, openSealStore, openStorage } from './storage.js'
import { disableWebhookCommand } from './webhooks/commands.js'
import { Deliverer } from './webhooks/deliverer.js'
import type { WebhookSettings } from './webhooks/sender.js'

export interface ServiceOptions {
  /** The service's own database role. */
  readonly databaseUrl: string
  /** The owner's role, for migrations; closed when they are done. */
  readonly migrateUrl: string
  readonly clock: Clock
  readonly auth: Auth
  readonly logger?: FastifyBaseLogger
  /** Addresses and networks of proxies in front of the service. */
  readonly trustProxy?: readonly string[]
  /** Where uploaded files are kept; without it none are taken. */
  readonly files?: FileStore
  /** How many requests a minute are answered; without them nobody is counted. */
  readonly limits?: Limits
  /** Whether requests and batches are made known to OpenTelemetry. */
  readonly tracing?: boolean
  /** Commands that may wait, 20,000 if left out. */
  readonly queue?: number
  /** Without them webhooks are off. */
  readonly webhooks?: WebhookSettings
  /** Without it the logs are not sealed. */
  readonly seal?: SealKey
  /** What was signed, kept beside the database. */
  readonly witness?: Witness
  /** Without them no account numbers are taken. */
  readonly accounts?: AccountSettings
}

export interface Service {
  readonly app: FastifyInstance
  /** Runs commands, here or in the process that holds the lease. */
  readonly engine: Runner
  /** Whether this process holds the lease. */
  readonly isInCharge: boolean
  /**
   * Listens, waits for the database, brings it to its schema, and for a process to take charge of the engine. Returns
   * the address. `peerUrl` is where other processes reach this one, when that is another address.
   */
  open(where: { host: string; port: number; peerUrl?: string | undefined }): Promise<string>
  /** Finishes what was accepted, refuses the rest, closes every connection. */
  close(): Promise<void>
}

/** A pause before the database is tried again, in milliseconds. */
const PAUSE = 500

/** Composes the service. It listens and touches the database once it is opened. */
export async function createService(options: ServiceOptions): Promise<Service> {
  const { databaseUrl, migrateUrl, clock, logger, files = noFiles } = options
  const timer = systemTimer
  const log = logger ? { log: logger } : {}
  const storage = openStorage(() => connectEngine(databaseUrl))
  const leases = openLeaseStore(() => connect(databaseUrl, 1))
  const sql = connect(databaseUrl, 4)
  const reader = openReader(databaseUrl, 4)

  const me = { id: randomUUID(), address: '' }
  const lease = new Lease(me, leases, timer)
  const isInCharge = () => lease.inCharge?.who === 'here'
  const recorded = options.tracing ? recordedSpan : undefined
  const sealed = { commands: 0, seconds: 0, contradicted: 0 }
  const tally: Tally = new Tally(
    {
      waiting: () => engine.waiting,
      inCharge: isInCharge,
      webhookLag: () => deliverer?.lag ?? 0,
      unsealed: () => sealer?.unsealed ?? sealed,
    },
    recorded,
  )
  const engine: Engine = new Engine({
    storage,
    clock,
    watch: tally,
    ...(options.queue ? { queue: options.queue } : {}),
    ...log,
  })
  const front = new Front({ engine, lease, timer, open: (holder) => openLink(holder, timer) })

  const deliveries = openDeliveryStore(() => connect(databaseUrl, 1))
  const deliverer = options.webhooks && deliverTo(options.webhooks)
  function deliverTo({ key, sender }: WebhookSettings): Deliverer {
    const made = new Deliverer({
      store: deliveries,
      sender,
      clock,
      timer,
      key,
      isInCharge,
      async disable(webhook, reason) {
        await front.run({
          type: disableWebhookCommand as unknown as CommandType,
          command: { webhook, reason },
          actor: SYSTEM,
        })
      },
      watch: tally,
      ...log,
    })
    tally.onRecorded = () => made.wake()
    return made
  }

  const seals = openSealStore(() => connect(databaseUrl, 1))
  const sealer = options.seal && sealWith(options.seal)
  function sealWith(key: SealKey): Sealer {
    const witness = options.witness ? { witness: options.witness } : {}
    return new Sealer({ store: seals, key, clock, timer, isInCharge, ...witness, ...log })
  }

  let state: 'starting' | 'open' | 'stopping' = 'starting'
  /** What the database said when it was last asked in vain, before the service was open. */
  let fault: unknown
  const vitals = {
    tally,
    get isOpen() {
      return state !== 'starting'
    },
    async health(): Promise<Health> {
      const answers = await sql`select`.then(
        () => true,
        () => false,
      )
      const database = databaseIs(answers, fault ?? lease.fault)
      const inCharge = lease.inCharge?.who ?? 'nobody'
      const isWell = database === 'ok' && inCharge !== 'nobody'
      return { status: state !== 'open' ? state : isWell ? 'ok' : 'unavailable', database, engine: inCharge }
    },
  }
  const app = await buildApp({ engine: front, sql, reader: reader.db, clock, databaseUrl, files }, vitals, {
    auth: options.auth,
    directory: openDirectory(sql, clock),
    ...(logger ? { logger } : {}),
    ...(options.trustProxy ? { trustProxy: options.trustProxy } : {}),
    ...(options.webhooks ? { webhooks: options.webhooks } : {}),
    ...(options.seal ? { seal: options.seal } : {}),
    ...(options.accounts ? { accounts: options.accounts } : {}),
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.tracing ? { tracing: true } : {}),
  })
  const hangUp = serveLinks(app.server, {
    id: me.id,
    engine,
    isInCharge: () => isInCharge() && state !== 'stopping',
    types: commandTypes,
    ...log,
  })

  async function prepare(): Promise<void> {
    for (let tries = 0; state === 'starting'; tries++) {
      try {
        await migrate(migrateUrl, userOf(databaseUrl))
        fault = undefined
        return
      } catch (error) {
        if (!isOutage(error)) throw error
        fault = error
        if (tries % 20 === 0) logger?.warn({ err: error }, 'waiting for the database 等待数据库')
        await timer.sleep(PAUSE)
      }
    }
  }

  return {
    app,
    engine: front,
    get isInCharge() {
      return isInCharge()
    },
    async open({ host, port, peerUrl }) {
      const address = await app.listen({ host, port })
      me.address = peerUrl ?? address
      await prepare()
      await lease.start()
      if (state === 'starting') state = 'open'
      if (state === 'open') deliverer?.start()
      if (state === 'open') sealer?.start()
      return address
    },
    async close() {
      state = 'stopping'
      await deliverer?.stop()
      await front.close()
      await sealer?.stop()
      await lease.stop()
      hangUp()
      await app.close()
      await Promise.all([
        storage.close(),
        leases.close(),
        deliveries.close(),
        seals.close(),
        sql.end({ timeout: 5 }),
        reader.close(),
      ])
    },
  }
}

function databaseIs(answers: boolean, fault: unknown): Health['database'] {
  const { code } = (fault ?? {}) as { code?: string }
  if (code === '53100') return 'full'
  if (code === '25006') return 'read_only'
  return answers && fault === undefined ? 'ok' : 'away'
}
