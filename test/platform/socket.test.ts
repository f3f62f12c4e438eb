/** Connections that are lost at the worst moment: every question gets its own answer, or fails; none hangs. */
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net'
import t from 'tap'
import { connect, connectEngine } from '../../src/platform/database.js'
import { testDatabase } from '../support/service.js'

const database = await testDatabase()
t.teardown(() => database.drop())

/** A way to the database that can be cut. */
async function wire(): Promise<{ url: string; server: Server; cut(): void }> {
  const { port } = new URL(database.databaseUrl)
  const open = new Set<Socket>()
  const server = createServer((near) => {
    const far = connectSocket(Number(port), '127.0.0.1')
    near.pipe(far).pipe(near)
    near.on('error', () => {}).on('close', () => far.destroy())
    far.on('error', () => {}).on('close', () => near.destroy())
    open.add(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(database.databaseUrl)
  url.port = String((server.address() as { port: number }).port)
  const cut = () => {
    for (const near of open) near.resetAndDestroy()
    open.clear()
  }
  return { url: url.href, server, cut }
}

const codeOf = (error: { code?: string }) => `failed: ${error.code}`
const turn = () => new Promise((resolve) => setImmediate(resolve))

t.test('what is asked right after a connection is lost goes over the next one', async (t) => {
  const { url, server, cut } = await wire()
  const after: Record<string, () => Promise<unknown>> = {
    'a microtask': async () => {},
    'the next tick': () => new Promise<void>((resolve) => process.nextTick(resolve)),
    'a turn of the event loop': turn,
  }
  for (const [title, pause] of Object.entries(after)) {
    const sql = connectEngine(url)
    await sql`select 1`
    const first = sql`select pg_sleep(60)`.then(() => 'answered', codeOf)
    setImmediate(cut)
    t.equal(await first, 'failed: CONNECTION_CLOSED', title)
    await pause()
    t.same(await sql`select 2 as two`, [{ two: 2 }], title)
    await sql.end({ timeout: 0 })
  }
  server.close()
})

t.test('while connections are cut again and again, no question gets the answer of another', async (t) => {
  const { url, server, cut } = await wire()
  const sql = connect(url, 2)
  let isOver = false
  const counts = { answered: 0, failed: 0 }
  const ask = async (from: number) => {
    for (let n = from; !isOver; n += 10) {
      const rows = await sql<{ n: number }[]>`select ${n}::int as n`.catch(codeOf)
      if (typeof rows === 'string') {
        counts.failed++
        t.match(rows, /failed: (CONNECTION_|ECONN)/)
        await turn()
      } else {
        counts.answered++
        if (rows[0]?.n !== n) t.fail(`asked for ${n}, answered ${JSON.stringify(rows)}`)
      }
    }
  }
  const asking = Promise.all(Array.from({ length: 10 }, (_, from) => ask(from)))
  for (let cuts = 0; cuts < 100 || counts.answered === 0 || counts.failed === 0; cuts++) {
    // Where connecting takes longer than seven milliseconds, ever longer pauses let some through in the end.
    await new Promise((resolve) => setTimeout(resolve, (cuts % 7) + Math.max(0, cuts - 100)))
    cut()
  }
  isOver = true
  await asking
  t.ok(counts.answered > 0 && counts.failed > 0, JSON.stringify(counts))
  await sql.end({ timeout: 1 })
  server.close()
})

t.test('of several hosts the one that is there is found; of one that is not there we hear', async (t) => {
  const { port } = new URL(database.databaseUrl)
  const alone = connect(database.databaseUrl.replace(`:${port}/`, ':1/'), 1)
  t.equal(await alone`select 1`.then(() => 'answered', codeOf), 'failed: ECONNREFUSED')
  await alone.end({ timeout: 0 })
  const both = connect(database.databaseUrl.replace(`:${port}/`, `:1,127.0.0.1:${port}/`), 1)
  t.same(await both`select 1 as one`, [{ one: 1 }])
  await both.end({ timeout: 0 })
})

t.test('a server that does not encrypt is used only where that is allowed', async (t) => {
  const how = async (mode: string) => {
    const sql = connect(`${database.databaseUrl}?sslmode=${mode}`, 1)
    const said = await sql`select 1`.then(
      () => 'answered',
      (error: Error) => error.message,
    )
    await sql.end({ timeout: 0 })
    return said
  }
  t.equal(await how('disable'), 'answered')
  t.equal(await how('prefer'), 'answered')
  t.match(await how('require'), /does not encrypt/)
  t.match(await how('verify-full'), /does not encrypt/)
})
