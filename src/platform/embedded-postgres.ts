/**
 * A real PostgreSQL server for a machine that has none: binaries from an npm package, no container, also as root.
 *
 * Everything lies under one directory, `root`: the mark that it is ours, `cluster/` (data and password), the log,
 * a copy of the binaries where it is needed, and two folders in which processes sign in: `starting/` and `users/`.
 */
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { totalmem } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { look, othersIn, signIn, signOut } from './sign-in.js'

export interface EmbeddedPostgresOptions {
  /** Directory for everything; created when missing, refused when it holds something that is not ours. */
  root: string
  /** `service` keeps what it acknowledged through any crash; `test` trades that for speed. */
  purpose: 'service' | 'test'
  /** TCP port on 127.0.0.1; a free one when left out. A server that is adopted keeps the port it has. */
  port?: number
  /** Server settings on top of the purpose's own; they do not reach a server that is adopted. */
  settings?: Record<string, string>
}

export interface EmbeddedPostgres {
  /** Connection address of the superuser, database `postgres`. */
  url: string
  port: number
  password: string
  /** Server version, such as `17.10`. */
  version: string
  /** Whether the server ran already, started by another process or by an earlier life of this one. */
  adopted: boolean
  /** Process id of the server. */
  pid: number
  /** Whether that process still lives. */
  isRunning(): boolean
  /** Ends this use of the server; the last living user's call shuts it down and resolves when it is gone. */
  stop(): Promise<void>
}

const words = {
  platform_unsupported: [
    'There is no embedded PostgreSQL for this platform: set DATABASE_URL to a PostgreSQL 15 or newer.',
    '本平台没有可用的内置 PostgreSQL：请用 DATABASE_URL 指定 15 或更高版本的 PostgreSQL。',
  ],
  no_unprivileged_account: [
    'PostgreSQL does not run as root and no usable account was found: add an account named postgres, or set DATABASE_URL.',
    'PostgreSQL 不能以 root 运行，且没有可用的普通账户：请添加名为 postgres 的账户，或设置 DATABASE_URL。',
  ],
  foreign_directory: [
    'The data directory holds something that is not ours, and nothing was touched: choose an empty directory.',
    '数据目录中有不属于本服务的内容，未作任何改动：请另选一个空目录。',
  ],
  other_major_version: [
    'The data was written by another major version of PostgreSQL: with the version of the service that wrote it run `npm run backup`, with this one, and DATA_DIR set to an empty directory, `npm run restore -- --from` that backup.',
    '数据由另一个 PostgreSQL 大版本写入：请用原版本的服务执行 npm run backup，再用本版本并将 DATA_DIR 设为空目录，执行 npm run restore -- --from 该备份。',
  ],
  not_writable: [
    'The data directory cannot be reached or written: grant access to it, or choose another directory.',
    '数据目录无法访问或写入：请授予权限，或另选一个目录。',
  ],
  disk_full: ['The disk is full: free some space and start again.', '磁盘空间已满：请清理空间后重新启动。'],
  port_taken: [
    'The port is taken by another program: stop that program, or choose another port.',
    '端口已被其他程序占用：请停止该程序，或另选一个端口。',
  ],
  start_under_way: [
    'Another process has been starting or stopping this server for too long: end that process and start again.',
    '另一个进程启动或停止该数据库的时间过长：请结束该进程后重新启动。',
  ],
  not_ready: [
    'PostgreSQL did not become ready: read its last words below, mend the cause and start again.',
    'PostgreSQL 未能就绪：请查看下面的日志，排除原因后重新启动。',
  ],
} as const

/** What went wrong, by a stable `code`, and what to do about it, in English and Chinese; the particulars follow. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError'

  constructor(
    readonly code: keyof typeof words,
    particulars: string,
  ) {
    super(`${words[code].join(' ')}\n${particulars}`)
  }
}

/** Settings of every server. */
const commonSettings = {
  listen_addresses: '127.0.0.1', // only this machine's own processes may connect
  unix_socket_directories: '', // a socket's path could be too long, and TCP with a password is enough
  timezone: 'UTC', // times are stored as moments; the business day is computed by the service
  log_timezone: 'UTC',
}

/** An eighth of the machine's memory, between 128 MB and 2 GB; it is taken as it is used. */
const sharedMegabytes = Math.round(Math.min(2048, Math.max(128, totalmem() / 8 / 2 ** 20)))

const purposeSettings = {
  service: {
    fsync: 'on', // what was acknowledged survives a power cut
    synchronous_commit: 'on', // an answer is given only after the commit is on disk
    full_page_writes: 'on', // a page torn by a power cut can be restored
    shared_buffers: `${sharedMegabytes}MB`, // keys come in no order: their index must fit, or each of them reads a page
    max_wal_size: '4GB', // a settlement run does not force checkpoints in its middle
    checkpoint_timeout: '15min', // fewer full-page images, paid for by a somewhat longer crash recovery
    random_page_cost: '1.1', // an SSD reads anywhere at nearly the same price, so indexes are preferred
    jit: 'off', // our statements are short: compiling them costs more than it saves
    log_min_messages: 'log', // refusals raised as errors reach their caller and must not fill the disk or leak data
  },
  test: {
    fsync: 'off', // a test's data need not outlive the machine
    full_page_writes: 'off',
    synchronous_commit: 'off',
    autovacuum: 'off', // its timing would make tests differ from run to run
    max_wal_size: '2GB', // no checkpoint in the middle of a run
    shared_buffers: '64MB', // test data is small
    max_connections: '200', // every test file brings its own pool
  },
}

/** Longest wait for another process's start, a crash recovery or orphaned backends, in milliseconds. */
const PATIENCE_MS = 300_000
const POLL_MS = 20
/** Signals that stop a server and how long each is given, in milliseconds: fast, then immediate, then by force. */
const STOP_SIGNALS = [
  ['SIGINT', 60_000],
  ['SIGQUIT', 10_000],
  ['SIGKILL', 10_000],
] as const

/**
 * Starts the PostgreSQL server under `root`, or adopts it when it runs already, and signs this process in as a user.
 *
 * Processes that start at the same time wait for each other and share one server. The server outlives a process that
 * ends without `stop()`: it is adopted next time. `stop()` shuts it down only when no other living process (and no
 * other handle of this one) uses it, so nobody loses it to somebody else. Users must see each other's process ids.
 *
 * @throws {EmbeddedPostgresError} when the machine, the directory or the port does not allow it
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  try {
    const place = claimRoot(options.root)
    return await alone(place, async () => signedIn(place, await launchOrAdopt(place, options)))
  } catch (error) {
    throw explained(error)
  }
}

type Server = Omit<EmbeddedPostgres, 'url' | 'stop' | 'isRunning'>

function signedIn(place: Place, server: Server): EmbeddedPostgres {
  if (!server.adopted) signOut(place.users) // whatever this process used before is gone: it would count for ever
  const mine = signIn(place.users)
  let stopping: Promise<void> | undefined
  const leave = () =>
    alone(place, async () => {
      fs.rmSync(mine, { force: true })
      if (!othersIn(place.users, mine)) await shutDown(place)
    })
  return {
    ...server,
    url: `postgres://postgres:${server.password}@127.0.0.1:${server.port}/postgres`,
    isRunning: () => isPostmaster(server.pid, place.data),
    stop: () => {
      stopping ??= leave()
      return stopping
    },
  }
}

// ── The directory ────────────────────────────────────────────────────────────────────────────────────────────────

type Place = ReturnType<typeof claimRoot>

/** Makes `root` ours when it is new or empty; refuses it when it holds something without our mark. */
function claimRoot(wanted: string) {
  fs.mkdirSync(wanted, { recursive: true, mode: isRoot() ? 0o711 : 0o700 })
  const root = fs.realpathSync(wanted)
  const at = (...names: string[]) => path.join(root, ...names)
  const mark = 'EMBEDDED_POSTGRES'
  const found = fs.readdirSync(root).filter((name) => name !== 'lost+found')
  if (found.length === 0) {
    if (isRoot()) fs.chmodSync(root, 0o711) // the server's account must pass through
    fs.writeFileSync(at(mark), 'This directory is managed by the clearing service. 本目录由清算服务管理。\n')
  } else if (!found.includes(mark)) {
    throw new EmbeddedPostgresError('foreign_directory', `${root}: ${found.slice(0, 5).join(', ')}`)
  }
  for (const folder of ['starting', 'users']) fs.mkdirSync(at(folder), { recursive: true })
  return {
    root,
    at,
    cluster: at('cluster'),
    data: at('cluster', 'data'),
    password: at('cluster', 'password'),
    postmasterPid: at('cluster', 'data', 'postmaster.pid'),
    log: at('postgres.log'),
    starting: at('starting'),
    users: at('users'),
  }
}

/** Runs `work` while no other process does; a process that died inside does not keep the others out. */
async function alone<T>({ starting }: Place, work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    // Of two that sign in at the same time each sees the other or only the later one does: never do both go on.
    const mine = signIn(starting)
    try {
      if (!othersIn(starting, mine)) return await work()
    } finally {
      fs.rmSync(mine, { force: true })
    }
    if (Date.now() > deadline) throw new EmbeddedPostgresError('start_under_way', fs.readdirSync(starting).join(', '))
    await sleep(POLL_MS * (1 + Math.random())) // uneven steps, so that two do not turn each other away for ever
  }
}

// ── The running server ───────────────────────────────────────────────────────────────────────────────────────────

/** Only the postmaster carries the data directory in its command line, so a re-used id is never taken for it. */
const isPostmaster = (pid: number, data: string): boolean => look(pid)?.command.includes(data) === true

function readPostmasterPid({ postmasterPid }: Place): { pid: number; port: number; ready: boolean } {
  const lines = readIfThere(postmasterPid).split('\n')
  return { pid: Number(lines[0]), port: Number(lines[3]), ready: lines[7]?.trim() === 'ready' }
}

/** The text of a file that its owner may remove at any moment; empty when it is gone. */
function readIfThere(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

/** The live server of this cluster once it answers SQL; waits while it starts, recovers or shuts down. */
async function adopt(place: Place): Promise<Server | undefined> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const { pid, port, ready } = readPostmasterPid(place)
    if (!isPostmaster(pid, place.data)) return undefined
    const password = fs.readFileSync(place.password, 'utf8')
    const version = ready ? await askVersion(port, password) : undefined
    if (version !== undefined) return { pid, port, password, version, adopted: true }
    if (Date.now() > deadline) throw new EmbeddedPostgresError('not_ready', `pid ${pid}\n${lastLines(place.log)}`)
    await sleep(POLL_MS)
  }
}

/** The version of the server on `port`, or nothing when it does not answer SQL (yet, or any more). */
async function askVersion(port: number, password: string): Promise<string | undefined> {
  const login = { host: '127.0.0.1', port, user: 'postgres', password, database: 'postgres', ssl: false }
  const sql = postgres({ ...login, max: 1, connect_timeout: 5 })
  try {
    const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
    return row?.version
  } catch (error) {
    if ((error as { code?: string }).code === '28P01') throw error // a changed password does not mend itself by waiting
    return undefined
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function shutDown(place: Place): Promise<void> {
  const { pid } = readPostmasterPid(place)
  const runs = () => isPostmaster(pid, place.data)
  for (const [signal, patience] of STOP_SIGNALS) {
    const deadline = Date.now() + patience
    if (runs()) process.kill(pid, signal)
    while (runs() && Date.now() < deadline) await sleep(POLL_MS)
  }
  if (runs()) throw new Error(`PostgreSQL (pid ${pid}) cannot be stopped 无法停止 PostgreSQL`)
}

// ── A new server ─────────────────────────────────────────────────────────────────────────────────────────────────

/** Numeric user and group the server runs as; empty when this process is an ordinary user already. */
type Account = { uid?: number; gid?: number }
type Binaries = { bin: string; version: string }

async function launchOrAdopt(place: Place, options: EmbeddedPostgresOptions): Promise<Server> {
  const account = serverAccount(place)
  discardHalfMade(place)
  const binaries = await usableBinaries(place, account)
  if (!fs.existsSync(place.cluster)) await createCluster(place, account, binaries)
  const written = fs.readFileSync(path.join(place.data, 'PG_VERSION'), 'utf8').trim()
  if (written !== binaries.version.split('.')[0]) {
    throw new EmbeddedPostgresError('other_major_version', `${place.root}: ${written}, ${binaries.version}`)
  }
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const server = (await launch(place, account, binaries, options)) ?? (await adopt(place))
    if (server) return server
    if (Date.now() > deadline) throw new EmbeddedPostgresError('not_ready', lastLines(place.log))
    await sleep(POLL_MS * 10)
  }
}

const isRoot = (): boolean => process.getuid?.() === 0

/** As root: the owner of the cluster, else `postgres`, else `nobody`, for PostgreSQL refuses root. */
function serverAccount({ cluster }: Place): Account {
  if (!isRoot()) return {}
  if (fs.existsSync(cluster)) {
    const { uid, gid } = fs.statSync(cluster)
    return { uid, gid }
  }
  const accounts = fs.readFileSync('/etc/passwd', 'utf8').split('\n')
  const find = (name: string) => accounts.find((line) => line.startsWith(`${name}:`))?.split(':')
  const found = find('postgres') ?? find('nobody')
  if (!found) throw new EmbeddedPostgresError('no_unprivileged_account', '/etc/passwd: postgres, nobody')
  return { uid: Number(found[2]), gid: Number(found[3]) }
}

/** The binaries where they are installed, or a copy beside the data when the account cannot run them there. */
async function usableBinaries(place: Place, account: Account): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`
  const installed = await import(`@embedded-postgres/${platform}`).then(
    (module: { postgres: string }) => path.dirname(path.dirname(module.postgres)),
    () => undefined,
  )
  if (installed === undefined) throw new EmbeddedPostgresError('platform_unsupported', platform)
  const inPlace = await tryBinaries(installed, account)
  if (!(inPlace instanceof Error)) return inPlace
  const copy = copyBinaries(installed, place)
  const copied = await tryBinaries(copy, account)
  if (!(copied instanceof Error)) return copied
  if (/ E(PERM|INVAL)$/.test(copied.message)) throw new EmbeddedPostgresError('no_unprivileged_account', copied.message)
  const forOurselves = await tryBinaries(copy, {})
  throw new EmbeddedPostgresError(forOurselves instanceof Error ? 'platform_unsupported' : 'not_writable', `${copied}`)
}

/** The binaries under `native` when the account can run them, else the reason why not. */
async function tryBinaries(native: string, account: Account): Promise<Binaries | Error> {
  try {
    linkLibraries(native)
    const bin = path.join(native, 'bin')
    await run(path.join(bin, 'initdb'), ['--version'], account)
    const said = await run(path.join(bin, 'postgres'), ['--version'], account)
    return { bin, version: said.match(/\d+\.\d+/)?.[0] ?? said }
  } catch (error) {
    return error as Error
  }
}

/** Makes the links between library names that npm packages cannot hold, for install scripts may be switched off. */
function linkLibraries(native: string): void {
  const links = JSON.parse(fs.readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links as { source: string; target: string }[]) {
    const link = path.join(native, '..', target)
    if (!fs.existsSync(link)) fs.symlinkSync(path.basename(source), link)
  }
}

function copyBinaries(installed: string, { at }: Place): string {
  const { version } = JSON.parse(fs.readFileSync(path.join(installed, '..', 'package.json'), 'utf8'))
  const copy = at(`binaries-${version}`)
  if (fs.existsSync(copy)) return path.join(copy, 'native')
  const draft = fs.mkdtempSync(at('draft-'))
  fs.cpSync(installed, path.join(draft, 'native'), { recursive: true, verbatimSymlinks: true })
  for (const entry of fs.readdirSync(draft, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) fs.chmodSync(path.join(entry.parentPath, entry.name), 0o755)
  }
  fs.chmodSync(draft, 0o755)
  fs.renameSync(draft, copy)
  return path.join(copy, 'native')
}

function discardHalfMade({ root, at }: Place): void {
  for (const name of fs.readdirSync(root).filter((name) => name.startsWith('draft-'))) {
    fs.rmSync(at(name), { recursive: true, force: true, maxRetries: 10 }) // an orphaned initdb may still be writing
  }
}

/** Makes the cluster and its password under another name, so that a half-made one is never taken for it. */
async function createCluster(place: Place, account: Account, { bin }: Binaries): Promise<void> {
  const draft = fs.mkdtempSync(place.at('draft-'))
  const password = path.join(draft, 'password')
  fs.writeFileSync(password, randomBytes(24).toString('base64url'), { mode: 0o600, flush: true })
  if (account.uid !== undefined && account.gid !== undefined) {
    for (const name of [draft, password]) fs.chownSync(name, account.uid, account.gid)
  }
  const identity = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${password}`, '--data-checksums']
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  await run(path.join(bin, 'initdb'), ['-D', path.join(draft, 'data'), ...identity, ...locale], account)
  fs.renameSync(draft, place.cluster)
  const directory = fs.openSync(place.root, 'r')
  fs.fsyncSync(directory) // the new name must be on disk before anything in it is acknowledged
  fs.closeSync(directory)
}

/** A new server once it is ready, or nothing when the cluster or a freely chosen port is still in use. */
async function launch(
  place: Place,
  account: Account,
  { bin, version }: Binaries,
  options: EmbeddedPostgresOptions,
): Promise<Server | undefined> {
  const port = options.port ?? (await freePort())
  const settings = { ...commonSettings, ...purposeSettings[options.purpose], ...options.settings, port: String(port) }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  if (isPostmaster(readPostmasterPid(place).pid, place.data)) return undefined // one to adopt
  // PostgreSQL itself still refuses to start beside orphaned backends: it finds their shared memory by the directory.
  fs.rmSync(place.postmasterPid, { force: true })
  const log = fs.openSync(place.log, 'a', 0o600)
  const logged = fs.fstatSync(log).size
  const child = spawn(path.join(bin, 'postgres'), ['-D', place.data, ...flags], {
    ...surroundings(account),
    detached: true, // Ctrl-C is for the service, which then stops the server in order
    stdio: ['ignore', log, log],
  })
  fs.closeSync(log)
  child.unref()
  let ended = false
  child.once('exit', () => (ended = true)).once('error', () => (ended = true))
  const deadline = Date.now() + PATIENCE_MS
  while (!ended && Date.now() < deadline) {
    const found = readPostmasterPid(place)
    if (found.pid === child.pid && found.ready) {
      return { pid: found.pid, port, password: fs.readFileSync(place.password, 'utf8'), version, adopted: false }
    }
    await sleep(POLL_MS / 2)
  }
  const said = fs.readFileSync(place.log).subarray(logged).toString()
  const inUse = /pre-existing shared memory block|lock file "postmaster.pid" already exists/.test(said)
  if (inUse || (options.port === undefined && reasonIn(said) === 'port_taken')) return undefined
  throw new EmbeddedPostgresError(reasonIn(said), `127.0.0.1:${port}\n${lastLines(place.log)}`)
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' ? (address?.port ?? 0) : 0))
    })
  })
}

/** No variable of ours (PGPORT, LANG …) may change what the server does. */
const surroundings = (account: Account) => ({
  ...account,
  cwd: '/',
  env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC', HOME: '/' },
})

const run = async (file: string, args: string[], account: Account): Promise<string> =>
  (await promisify(execFile)(file, args, surroundings(account))).stdout

// ── Failures ─────────────────────────────────────────────────────────────────────────────────────────────────────

const lastLines = (log: string): string => readIfThere(log).trimEnd().split('\n').slice(-15).join('\n')

/** How the system, initdb and the server word what stops them. */
const reasons: [EmbeddedPostgresError['code'], RegExp][] = [
  ['disk_full', /no space left on device|disk quota exceeded/i],
  ['port_taken', /address already in use/i],
  ['not_writable', /permission denied|operation not permitted|read-only file system/i],
  ['foreign_directory', /^(EEXIST|ENOTDIR):/], // the wanted directory, or one above it, is a file
  ['no_unprivileged_account', /could not look up effective user ID/],
]

const reasonIn = (said: string): EmbeddedPostgresError['code'] =>
  reasons.find(([, wording]) => wording.test(said))?.[0] ?? 'not_ready'

/** The same failure in clear words where we have some; anything else as it is. */
function explained(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof EmbeddedPostgresError) return error
  const reason = reasonIn(error.message)
  const fromProgram = 'stderr' in error // initdb failed: its message holds what it printed
  return reason === 'not_ready' && !fromProgram ? error : new EmbeddedPostgresError(reason, error.message)
}
