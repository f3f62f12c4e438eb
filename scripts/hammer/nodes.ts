import { execFile, execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { migrate, userOf } from '../../src/platform/database.js'
import { prepareRoles } from '../../src/platform/roles.js'
import { freePort } from './cluster.js'

/** Where Debian keeps each version. */
const DEBIAN = '/usr/lib/postgresql'

/** The programs of the newest PostgreSQL from 15 on that Debian has installed here; undefined when there is none. */
export function installedPostgres(): string | undefined {
  if (!fs.existsSync(DEBIAN)) return undefined
  const versions = fs.readdirSync(DEBIAN).map(Number)
  const newest = Math.max(0, ...versions.filter((version) => version >= 15))
  const bin = join(DEBIAN, String(newest), 'bin')
  return newest > 0 && fs.existsSync(join(bin, 'pg_basebackup')) ? bin : undefined
}

interface Node {
  readonly name: string
  readonly port: number
  readonly data: string
}

/**
 * Two PostgreSQL servers on loopback, one following the other: what the primary acknowledges, the standby has on disk.
 * A primary that is killed is followed by its standby, and comes back as the new one's standby.
 */
export class Nodes {
  readonly folder = fs.mkdtempSync(join(tmpdir(), 'nodes-'))
  readonly logs = join(this.folder, 'logs')
  readonly #password = randomBytes(24).toString('base64url')
  readonly #account = account()
  readonly #run = promisify(execFile)
  #primary!: Node
  #standby!: Node
  #made = 0
  version = ''
  databaseUrl = ''
  migrateUrl = ''

  constructor(readonly bin: string) {
    fs.mkdirSync(this.logs)
    const { uid, gid } = this.#account
    if (uid !== undefined && gid !== undefined)
      for (const path of [this.folder, this.logs]) fs.chownSync(path, uid, gid)
  }

  /** The ports of both, whichever is the primary. */
  get ports(): readonly number[] {
    return [this.#primary.port, this.#standby.port].sort()
  }

  async open(): Promise<void> {
    this.#primary = { name: 'one', port: await freePort(), data: join(this.folder, 'one') }
    const two = { name: 'two', port: await freePort() }
    const password = join(this.folder, 'password')
    fs.writeFileSync(password, this.#password, { mode: 0o600 })
    const { uid, gid } = this.#account
    if (uid !== undefined && gid !== undefined) fs.chownSync(password, uid, gid)
    const identity = ['-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${password}`]
    await this.#ask('initdb', ['-D', this.#primary.data, ...identity, '--encoding=UTF8', '--locale=C', '-k'])
    await this.#start(this.#primary)
    await this.#follow(two)
    const url = `postgres://postgres:${this.#password}@127.0.0.1:${this.#primary.port}/postgres`
    this.version = (await this.#sql(this.#primary, (sql) => sql`select current_setting('server_version') as v`))[0]!.v
    const roles = await prepareRoles({ url, password: this.#password })
    await migrate(roles.migrateUrl, userOf(roles.databaseUrl))
    const both = (one: string) => one.replace(/@[^/]*/, `@${this.ports.map((port) => `127.0.0.1:${port}`).join()}`)
    this.databaseUrl = both(roles.databaseUrl)
    this.migrateUrl = both(roles.migrateUrl)
  }

  /** kill -9 of the primary, with all its connections. */
  kill(): void {
    process.kill(Number(fs.readFileSync(join(this.#primary.data, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL')
  }

  /** The standby becomes the primary. */
  async promote(): Promise<void> {
    await this.#control(this.#standby, 'promote', '-w')
    const dead = this.#primary
    this.#primary = this.#standby
    this.#standby = dead
  }

  /** The dead one comes back as the standby of the other, from a fresh copy, and is waited for again. */
  async heal(): Promise<void> {
    await this.#follow(this.#standby)
  }

  /** A standby of the primary, made anew; from then on nothing is acknowledged that it does not have. */
  async #follow({ name, port }: Pick<Node, 'name' | 'port'>): Promise<void> {
    const primary = this.#primary
    const slot = `slot_${++this.#made}`
    this.#standby = { name, port, data: join(this.folder, `${name}-${this.#made}`) }
    const from = `host=127.0.0.1 port=${primary.port} user=postgres password=${this.#password} application_name=standby`
    await this.#ask('pg_basebackup', ['-d', from, '-D', this.#standby.data, '-R', '-C', '-S', slot, '-c', 'fast'])
    await this.#start(this.#standby)
    await this.#sql(primary, async (sql) => {
      await sql.unsafe(`alter system set synchronous_standby_names = 'standby'`)
      await sql`select pg_reload_conf()`
      while ((await sql`select from pg_stat_replication where sync_state = 'sync'`).length === 0) await sleep(50)
      return []
    })
  }

  async #start(node: Node): Promise<void> {
    // What a copied configuration says of the other's standby is not this one's business.
    fs.rmSync(join(node.data, 'postmaster.pid'), { force: true })
    const auto = join(node.data, 'postgresql.auto.conf')
    const own = fs.readFileSync(auto, 'utf8').replace(/^synchronous_standby_names.*$/m, '')
    fs.writeFileSync(auto, own)
    const settings = [
      `port=${node.port}`,
      'listen_addresses=127.0.0.1',
      'unix_socket_directories=',
      'max_connections=200',
      'timezone=UTC',
      'wal_keep_size=1GB',
    ]
    const options = settings.map((setting) => `-c ${setting}`).join(' ')
    await this.#control(node, 'start', '-w', '-t', '60', '-o', options, '-l', join(this.logs, `${node.name}.log`))
  }

  async #sql<T>(node: Node, ask: (sql: postgres.Sql) => Promise<T>): Promise<T> {
    const sql = postgres(`postgres://postgres:${this.#password}@127.0.0.1:${node.port}/postgres`, { max: 1 })
    try {
      return await ask(sql)
    } finally {
      await sql.end({ timeout: 1 })
    }
  }

  #control(node: Node, ...words: string[]): Promise<string> {
    return this.#ask('pg_ctl', ['-D', node.data, '-s', ...words])
  }

  async #ask(program: string, words: string[]): Promise<string> {
    // A server that is started keeps what it was given; it must not be our pipes.
    const { stdout } = await this.#run(join(this.bin, program), words, {
      ...this.#account,
      cwd: '/',
      env: { PATH: process.env.PATH, LC_ALL: 'C', HOME: '/' },
    })
    return stdout
  }

  /** Stops both and leaves nothing but, if they are wanted, the logs. */
  async stop(keepsLogs: boolean): Promise<void> {
    for (const node of [this.#primary, this.#standby]) {
      if (node && fs.existsSync(join(node.data, 'postmaster.pid'))) {
        await this.#control(node, 'stop', '-m', 'immediate').catch(() => {})
      }
    }
    for (const name of fs.readdirSync(this.folder)) {
      if (!(keepsLogs && name === 'logs')) fs.rmSync(join(this.folder, name), { recursive: true, force: true })
    }
    if (!keepsLogs) fs.rmdirSync(this.folder)
  }
}

/** PostgreSQL does not run as root: then as `postgres`, else as `nobody`. */
function account(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  for (const name of ['postgres', 'nobody']) {
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }))
      return { uid: id('-u'), gid: id('-g') }
    } catch {
      // The next one, then.
    }
  }
  throw new Error('PostgreSQL does not run as root, and there is no account named postgres or nobody')
}
