import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import { migrate, userOf } from '../../src/platform/database.js'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/embedded-postgres.js'
import { prepareRoles } from '../../src/platform/roles.js'

/** What the disk has room for: a new cluster with its log of changes, and a megabyte for each second of the run. */
const sizeOf = (seconds: number) => (600 + seconds) * 2 ** 20

/** Checkpoints in the middle of everything, and a log of changes that fits on a small disk. */
const SETTINGS = { max_wal_size: '128MB', min_wal_size: '32MB', checkpoint_timeout: '30s' }

/**
 * The hammer's own PostgreSQL: killed and started again at the same address, on a small disk of its own where this
 * process may mount one. Everything is in one temporary folder.
 */
export class Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), 'hammer-'))
  readonly #root = join(this.folder, 'postgres')
  readonly #size: number
  /** Whether the disk is one of its own, so that it can really be full. */
  readonly hasDisk: boolean
  #server: EmbeddedPostgres | undefined
  #starting: Promise<unknown> | undefined
  #isStopped = false
  port = 0
  databaseUrl = ''
  migrateUrl = ''

  constructor(seconds: number) {
    chmodSync(this.folder, 0o711) // the server's account must pass through
    mkdirSync(this.logs)
    mkdirSync(this.#root)
    this.#size = sizeOf(seconds)
    this.hasDisk = mounted(this.#root, this.#size)
  }

  get ports(): readonly number[] {
    return [this.port]
  }

  get logs(): string {
    return join(this.folder, 'logs')
  }

  get version(): string {
    return this.#server?.version ?? ''
  }

  /** Starts it and makes the migrated database. */
  async open(): Promise<void> {
    this.port = await freePort()
    await this.#start()
    const roles = await prepareRoles(this.#server!)
    this.databaseUrl = roles.databaseUrl
    this.migrateUrl = roles.migrateUrl
    await migrate(roles.migrateUrl, userOf(roles.databaseUrl))
  }

  async #start(): Promise<void> {
    if (this.#isStopped) throw new Error('the hammer has stopped')
    const options = { root: this.#root, purpose: 'service', port: this.port, settings: SETTINGS } as const
    const starting = startEmbeddedPostgres(options)
    this.#starting = starting.catch(() => {})
    this.#server = await starting
  }

  /** kill -9 of the postmaster. */
  kill(): void {
    killed(this.#server!.pid)
  }

  /** kill -9 of one of the engines' backends: PostgreSQL then ends all the others, too, and recovers. */
  async killBackend(): Promise<void> {
    const admin = this.#connect()
    const ours = await backendOf(admin)
    const [engine] = await admin<{ pid: number }[]>`
      select pid from pg_stat_activity where application_name = 'clearing-engine' order by random() limit 1`
    if (!engine || !killed(engine.pid)) killed(ours!)
    // It is over with the old ones when ours is gone.
    while ((await backendOf(admin)) === ours) await sleep(5)
    await admin.end({ timeout: 0 })
  }

  /** Takes away all room on its disk. */
  fill(): void {
    for (;;) {
      const { blocks, bfree, bsize } = statfsSync(this.#root)
      // It fails when something was written in between.
      if (resized(this.#root, (blocks - bfree) * bsize)) return
    }
  }

  /** Gives the room back. */
  free(): void {
    resized(this.#root, this.#size)
  }

  /** Resolves when it answers SQL again, asked directly; starts it when it does not live. */
  async back(): Promise<void> {
    for (;;) {
      const admin = this.#connect()
      const answers = (await backendOf(admin)) !== undefined
      await admin.end({ timeout: 0 })
      if (answers) return
      if (!isAlive(this.#server!.pid)) await this.#start()
      await sleep(10)
    }
  }

  #connect(): postgres.Sql {
    return postgres(this.#server!.url, { max: 1, connect_timeout: 2, backoff: () => 0.02, onnotice: () => {} })
  }

  /** Stops it and leaves nothing but, if they are wanted, the logs. */
  async stop(keepsLogs: boolean): Promise<void> {
    this.#isStopped = true
    await this.#starting
    if (this.hasDisk) this.free()
    await this.#server?.stop()
    const log = join(this.#root, 'postgres.log')
    if (keepsLogs && existsSync(log)) copyFileSync(log, join(this.logs, 'postgres.log'))
    if (this.hasDisk) execFileSync('umount', ['-l', this.#root]) // also while somebody still looks
    rmSync(keepsLogs ? this.#root : this.folder, { recursive: true, force: true })
  }
}

/** The process that answers on this connection; undefined when none does. */
async function backendOf(admin: postgres.Sql): Promise<number | undefined> {
  const rows = await admin<{ pid: number }[]>`select pg_backend_pid() as pid`.catch(() => [])
  return rows[0]?.pid
}

/** False when it was not there any more. */
function killed(pid: number, signal: NodeJS.Signals | 0 = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}

const isAlive = (pid: number) => killed(pid, 0)

/** Mounts a small disk in memory; false where that is not allowed. */
const mounted = (folder: string, bytes: number) =>
  isDone('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'hammer', folder)

/** Gives it another size; false when there is more on it. */
const resized = (folder: string, bytes: number) => isDone('mount', '-o', `remount,size=${bytes}`, folder)

function isDone(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A port that no outgoing connection is ever given, so that it is still free when it is needed again. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
    })
    if (isFree) return port
  }
}
