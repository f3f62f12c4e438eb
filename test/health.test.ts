/** How the service says how it is: without a database, with one that takes nothing, with a command that is a fault, when it stops. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import t from 'tap'
import type { Actor } from '../src/core/actor.js'
import { ManualClock } from '../src/core/time.js'
import { builtInIssuer } from '../src/platform/auth.js'
import { connect } from '../src/platform/database.js'
import { createService, type Service } from '../src/service.js'
import { proveLedger } from './support/replay.js'
import { ask, bureau } from './support/scene.js'
import { china, testDatabase } from './support/service.js'
import { Stage } from './support/stage.js'

const HERE = { host: '127.0.0.1', port: 0 }
const auth = builtInIssuer('test', 'test')
const database = await testDatabase()
const clock = new ManualClock(china('2026-03-02'))
const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {}, connection: { search_path: 'clearing' } })
t.teardown(async () => {
  await admin.end()
  await database.drop()
})

const healthOf = async (base: string) => {
  const response = await fetch(`${base}/health`)
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** Asks until the health is this; the test's own time limit ends it otherwise. */
async function becomes(base: string, wanted: object): Promise<void> {
  const text = JSON.stringify(wanted)
  const fits = (body: Record<string, unknown>) =>
    JSON.stringify(Object.fromEntries(Object.keys(wanted).map((name) => [name, body[name]]))) === text
  while (!fits((await healthOf(base)).body)) await new Promise((resolve) => setTimeout(resolve, 50))
}

function tokenOf({ app }: Service, { subject, ...claims }: Actor): string {
  return app.jwt.sign(claims as object, { sub: subject })
}

/** One command over HTTP. */
function post(base: string, token: string, path: string, body: object, key: string): Promise<Response> {
  return fetch(base + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
    body: JSON.stringify(body),
  })
}

/** The database behind an address of its own, where nobody is until it is opened. */
class Gate {
  readonly #open = new Set<Socket>()
  #server: Server | undefined
  #port = 0

  constructor(readonly url: string) {}

  /** Its address; the port is taken now and free until `open`. */
  async address(): Promise<string> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as { port: number }).port
    server.close()
    const url = new URL(this.url)
    url.port = String(this.#port)
    return url.href
  }

  async open(): Promise<void> {
    const { port } = new URL(this.url)
    this.#server = createServer((socket) => {
      const to = connectSocket(Number(port), '127.0.0.1')
      for (const one of [socket, to]) {
        this.#open.add(one)
        one.on('error', () => {}).on('close', () => [socket, to].map((both) => both.destroy()))
      }
      socket.pipe(to).pipe(socket)
    }).listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  close(): void {
    this.#server?.close()
    for (const socket of this.#open) socket.destroy()
  }
}

t.test('started without its database the service says so, waits, and opens when that is there', async (t) => {
  const gate = new Gate(database.databaseUrl)
  const databaseUrl = await gate.address()
  const service = await createService({ ...database, databaseUrl, migrateUrl: databaseUrl, clock, auth })
  const opening = service.open(HERE)
  while (!service.app.server.listening) await new Promise((resolve) => setImmediate(resolve))
  const base = `http://127.0.0.1:${(service.app.server.address() as { port: number }).port}`
  await becomes(base, { status: 'starting', database: 'away', engine: 'nobody' })
  t.equal((await healthOf(base)).status, 503)
  const early = await fetch(`${base}/v1/programs`)
  t.equal(early.status, 503)
  t.match(await early.json(), { code: 'unavailable' })
  t.equal((await fetch(`${base}/metrics`)).status, 200)
  t.equal((await fetch(`${base}/health/live`)).status, 200, 'alive')
  t.equal((await fetch(`${base}/health/ready`)).status, 503, 'but not ready')

  await gate.open()
  await opening
  t.match(await healthOf(base), { status: 200, body: { status: 'ok', database: 'ok', engine: 'here', faults: 0 } })
  t.equal((await fetch(`${base}/health/ready`)).status, 200)

  await t.test('and when it goes away later', async (t) => {
    gate.close()
    await becomes(base, { status: 'unavailable', database: 'away' })
    t.equal((await healthOf(base)).status, 503)
    const token = tokenOf(service, { ...bureau('000000'), roles: ['finance'] })
    const paid = await post(base, token, '/v1/periods/Q1/payments', {}, 'pay')
    t.equal(paid.status, 503)
    t.match(await paid.json(), { code: 'unavailable' }, 'a command that reads before it is decided is no fault')
    await gate.open()
    await becomes(base, { status: 'ok', database: 'ok', engine: 'here' })
  })
  await service.close()
  gate.close()
})

t.test('stopped while it still waits for its database, it stops', async () => {
  const gate = new Gate(database.databaseUrl)
  const databaseUrl = await gate.address()
  const service = await createService({ ...database, databaseUrl, migrateUrl: databaseUrl, clock, auth })
  const opening = service.open(HERE)
  await new Promise((resolve) => setTimeout(resolve, 100))
  await service.close()
  await opening
})

t.test('a database that takes nothing', async (t) => {
  const service = await createService({ ...database, clock, auth })
  const base = await service.open(HERE)
  const place = await new Stage(service.engine).place()
  const name = new URL(database.databaseUrl).pathname.slice(1)
  const token = tokenOf(service, { ...bureau(place.jurisdiction), roles: ['finance'] })
  const appropriate = (key: string) =>
    post(base, token, '/v1/appropriations', { program: place.program, amount: '1.00' }, key)
  t.equal((await appropriate('before')).status, 202)

  await t.test('because it is read-only, as a standby is', async (t) => {
    await admin.unsafe(`alter database ${name} set default_transaction_read_only = on`)
    await admin`select pg_terminate_backend(pid) from pg_stat_activity
                where datname = ${name} and pid <> pg_backend_pid()`
    await becomes(base, { status: 'unavailable', database: 'read_only' })
    const waiting = appropriate('read-only')
    await admin.unsafe('set default_transaction_read_only = off')
    await admin.unsafe(`alter database ${name} reset default_transaction_read_only`)
    await admin`select pg_terminate_backend(pid) from pg_stat_activity
                where datname = ${name} and pid <> pg_backend_pid()`
    await becomes(base, { status: 'ok', database: 'ok' })
    t.equal((await waiting).status, 202, 'a command that came meanwhile has waited for it')
  })

  await t.test('because its disk is full', async (t) => {
    const [{ definition } = { definition: '' }] = await admin<{ definition: string }[]>`
      select pg_get_functiondef('hold_lease'::regproc) as definition`
    const full = `begin raise exception 'no space left on device' using errcode = '53100'; end`
    await admin.unsafe(definition.replace(/begin[\s\S]*end/, full))
    await becomes(base, { status: 'unavailable', database: 'full' })
    await admin.unsafe(definition)
    await becomes(base, { status: 'ok', database: 'ok' })
    t.equal((await appropriate('after')).status, 202)
  })
  await service.close()
})

t.test(
  'a command that is a fault: one 500 with a number to look up, counted, and everything else goes on',
  async (t) => {
    const logged: string[] = []
    const note = (fields: unknown) => logged.push(JSON.stringify(fields))
    const logger = {
      info() {},
      debug() {},
      trace() {},
      silent() {},
      warn: note,
      error: note,
      fatal: note,
      level: 'info',
    }
    const options = { ...database, clock, auth, logger: Object.assign(logger, { child: () => logger }) as never }
    const before = await createService(options)
    await before.open(HERE)
    const stage = new Stage(before.engine)
    const [good, bad] = [await stage.place(), await stage.place()]
    const voucher = await stage.voucher(bad)
    await before.close()
    // A row that the code did not expect: seven times as much subsidy as contract.
    await admin`update programs set ratio = '7' where program = ${bad.program}`
    const service = await createService(options)
    const base = await service.open(HERE)
    const order = {
      voucher,
      provider: bad.provider,
      category: 'testing',
      contractNo: 'poison',
      contractAmount: '1000.00',
      voucherAmount: '100.00',
      signedOn: '2026-01-05',
      relatedParty: false,
    }
    const firm = tokenOf(service, { subject: 'Wang', organisation: bad.enterprise, roles: ['enterprise'] })
    const neighbour = ask.issue(good.jurisdiction, good.program, good.enterprise, 1_00n)
    const [answer, ...others] = await Promise.all([
      post(base, firm, '/v1/orders', order, 'poison'),
      ...Array.from({ length: 20 }, () => service.engine.run(neighbour)),
    ])
    t.equal(answer.status, 500)
    const problem = (await answer.json()) as { code: string; traceId: string }
    t.match(problem, { code: 'internal_fault', traceId: /^[0-9a-f]{32}$/ })
    t.ok(others.every((outcome) => 'seq' in outcome))
    const health = await healthOf(base)
    t.match(health, { status: 200, body: { status: 'ok', faults: 1, lastFault: /^[0-9a-f-]{36}$/ } })
    t.ok(
      logged.some((line) => line.includes(String(health.body.lastFault))),
      'it is in the log',
    )
    t.match(
      await (await fetch(`${base}/metrics`)).text(),
      /clearing_commands_total\{kind="file_order",outcome="fault"\} 1/,
    )
    await service.close()
    await admin`update programs set ratio = '0.5' where program = ${bad.program}`
  },
)

t.test('SIGTERM: what was accepted is finished, the rest refused, and the process ends', async (t) => {
  const issuer = await createService({ ...database, clock, auth })
  const opened = await issuer.open(HERE)
  t.ok(opened)
  const place = await new Stage(issuer.engine).place()
  const token = tokenOf(issuer, { ...bureau(place.jurisdiction), roles: ['finance'] })
  await issuer.close()

  const child = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('../src/main.ts', import.meta.url))],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: database.databaseUrl,
        MIGRATE_DATABASE_URL: database.migrateUrl,
        TOKEN_PUBLIC_KEY: auth.publicKey,
        TOKEN_ISSUER: 'test',
        TOKEN_AUDIENCE: 'test',
        PORT: '0',
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const exited = once(child, 'exit')
  let said = ''
  const base = await new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk) => {
      said += chunk
      const found = /service +(http:\S+)/.exec(said)
      if (found) resolve(found[1]!)
    })
  })
  let sent = 0
  let isAsked = false
  const statuses = new Map<string, number>()
  const client = async () => {
    for (;;) {
      const key = `stop-${sent++}`
      const status = await post(
        base,
        token,
        '/v1/appropriations',
        { program: place.program, amount: '0.01' },
        key,
      ).then(
        ({ status }) => status,
        () => undefined,
      )
      if (status === undefined) return // nobody listens any more
      statuses.set(key, status)
      if (sent > 200 && !isAsked) {
        isAsked = true
        child.kill('SIGTERM')
      }
    }
  }
  await Promise.all(Array.from({ length: 16 }, client))
  const [code] = await exited
  t.equal(code, 0, 'of itself, not because its time was over')
  t.strictSame(new Set([...statuses.values()].filter((status) => status !== 202 && status !== 503)), new Set())
  const sql = connect(database.databaseUrl, 1)
  const [{ count } = { count: 0n }] = await sql<{ count: bigint }[]>`
    select count(*) from commands join actors using (actor)
    where kind = 'propose' and body -> 'command' ->> 'amount' = '0.01' and book = ${Number(place.jurisdiction)}`
  const granted = [...statuses.values()].filter((status) => status === 202).length
  t.ok(granted > 100)
  t.equal(Number(count), granted, 'everything that was answered, and nothing else')
  await proveLedger(sql)
  await sql.end()
})
