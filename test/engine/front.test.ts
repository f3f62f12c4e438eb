/** Several processes of the service on one database: one runs the engine, the others pass commands on to it. */
import { connect as connectSocket } from 'node:net'
import t from 'tap'
import { Refused, refuse } from '../../src/core/refusals.js'
import { ManualClock, type Timer } from '../../src/core/time.js'
import type { Engine } from '../../src/engine/engine.js'
import { Front, type Link, LinkLost, NotInCharge } from '../../src/engine/front.js'
import { type Holder, Lease, type LeaseStore } from '../../src/engine/lease.js'
import type { AskedRow } from '../../src/engine/runner.js'
import type { Outcome } from '../../src/engine/ticket.js'
import { builtInIssuer } from '../../src/platform/auth.js'
import { connect } from '../../src/platform/database.js'
import { createService } from '../../src/service.js'
import { proveLedger } from '../support/replay.js'
import { ask, bureau, rules } from '../support/scene.js'
import { china, testDatabase } from '../support/service.js'
import { Stage } from '../support/stage.js'

const HERE = { host: '127.0.0.1', port: 0 }

// --- on a real database, over real connections

t.test('two processes on one database', async (t) => {
  const database = await testDatabase()
  const clock = new ManualClock(china('2026-03-02'))
  const auth = builtInIssuer('test', 'test')
  const start = async () => {
    const service = await createService({ ...database, clock, auth })
    const base = await service.open(HERE)
    return { service, base }
  }
  const sql = connect(database.databaseUrl, 1)
  const first = await start()
  const second = await start()
  const health = async (base: string) => (await fetch(`${base}/health`)).json()
  const stage = new Stage(second.service.engine as Engine)
  const place = await stage.place({}, {}, 100_000_00n)

  await t.test('only the first runs the engine', async (t) => {
    t.match(await health(first.base), { status: 'ok', engine: 'here' })
    t.match(await health(second.base), { status: 'ok', engine: 'elsewhere' })
    const metrics = async (base: string) => (await fetch(`${base}/metrics`)).text()
    t.match(await metrics(first.base), /clearing_commands_total\{kind="appropriate",outcome="accepted"\} 1/)
    t.notMatch(await metrics(second.base), /clearing_commands_total\{/)
  })

  await t.test('what is asked of the second is answered as the first would', async (t) => {
    const issue = { ...ask.issue(place.jurisdiction, place.program, place.enterprise, 1_00n), key: 'one' }
    const receipt = await second.service.engine.run(issue)
    t.same(await first.service.engine.run(issue), receipt, 'the same key, the same receipt')
    const other = { ...ask.issue(place.jurisdiction, place.program, place.enterprise, 2_00n), key: 'one' }
    t.match(await second.service.engine.run(other), { refused: 'idempotency_key_reused' })
    const foreign = ask.issue('310000', place.program, place.enterprise, 1_00n)
    t.match(await second.service.engine.run(foreign), { refused: 'not_your_jurisdiction' })
    const order = await stage.order(place, 'approved')
    t.match(await second.service.engine.run(ask.approve(order)), { refused: 'state_conflict' })
  })

  await t.test('several in a row are all or nothing there, too', async (t) => {
    const { jurisdiction, program } = place
    const add = ask.appropriate(jurisdiction, program, 1_00n)
    const nothing = ask.appropriate(jurisdiction, 'P-none', 1_00n)
    const heads = () => sql`select seq from books where book = ${Number(jurisdiction)}`
    const before = await heads()
    const refused = await second.service.engine.runTogether([add, nothing], bureau(jurisdiction), 'row')
    t.match(refused, { refused: 'program_not_found' })
    t.same(await heads(), before)
    t.match(await second.service.engine.runTogether([add, add], bureau(jurisdiction), 'pair'), [{}, {}])
    const known = { ...add, key: 'known', refusal: refuse('state_conflict') }
    t.match(await second.service.engine.run(known), { refused: 'state_conflict' }, 'a refusal known before')
    t.match(await first.service.engine.run(add), { book: Number(jurisdiction) })
  })

  await t.test('a moment fixed through the second holds for what the first was asked before', async (t) => {
    const { jurisdiction, program } = place
    const asked = Array.from({ length: 50 }, () => first.service.engine.run(ask.appropriate(jurisdiction, program, 1n)))
    await second.service.engine.drained()
    const [{ seq } = { seq: 0n }] = await sql<{ seq: bigint }[]>`
      select seq from books where book = ${Number(jurisdiction)}`
    const numbers = (await Promise.all(asked)).map((outcome) => (outcome as { seq: number }).seq)
    t.ok(Number(seq) >= Math.max(...numbers))
  })

  await t.test('who does not know the number of the process in charge is not answered', async (t) => {
    const { port } = new URL(first.base)
    const say = (secret: string, more = '') =>
      new Promise<string>((resolve, reject) => {
        const socket = connectSocket(Number(port), '127.0.0.1', () => {
          socket.write(
            `GET /engine HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: clearing-engine\r\nauthorization: Bearer ${secret}\r\n\r\n${more}`,
          )
        })
        let heard = ''
        socket.on('data', (chunk) => {
          heard += chunk
        })
        socket.on('close', () => resolve(heard))
        socket.on('error', reject)
      })
    t.match(await say('11111111-1111-4111-8111-111111111111'), /^HTTP\/1\.1 401 /)
    t.match(await say(''), /^HTTP\/1\.1 401 /)
    const [{ holder } = { holder: '' }] = await sql<{ holder: string }[]>`select holder from lease`
    t.match(await say(holder, 'not JSON\n'), /^HTTP\/1\.1 101 /, 'one who knows it and talks nonsense is hung up on')
    t.match(await health(first.base), { status: 'ok' })
  })

  await t.test('when the first stops, the second takes over, and nobody notices', async (t) => {
    const { jurisdiction, program } = place
    const asked = Array.from({ length: 400 }, (_, n) => ({
      ...ask.appropriate(jurisdiction, program, 1n),
      key: `over ${n}`,
    }))
    const outcomes: Promise<Outcome>[] = []
    let stopping: Promise<void> | undefined
    for (const [n, one] of asked.entries()) {
      outcomes.push(second.service.engine.run(one))
      if (n === 200) stopping = first.service.close()
      if (n % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const seqs = (await Promise.all(outcomes)).map((outcome) => (outcome as { seq: number }).seq)
    t.equal(new Set(seqs).size, 400, 'each has a number of its own')
    await stopping
    t.match(await health(second.base), { status: 'ok', engine: 'here' })
    const again = await Promise.all(asked.map((one) => second.service.engine.run(one)))
    t.same(
      again.map((outcome) => (outcome as { seq: number }).seq),
      seqs,
      'each was done once',
    )
  })

  await proveLedger(sql)
  await second.service.close()
  t.match(await sql`select until < now() as free from lease`, [{ free: true }], 'who stops leaves the lease')
  await sql.end()
  await database.drop()
})

// --- alone, in a time of its own

/** Time that passes only when it is told to. */
class ManualTimer implements Timer {
  #now = 0
  #sleeping: { until: number; wake: () => void }[] = []
  now = () => this.#now
  turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  sleep = (milliseconds: number) =>
    new Promise<void>((wake) => this.#sleeping.push({ until: this.#now + milliseconds, wake }))

  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds
    for (;;) {
      await this.turn()
      const next = this.#sleeping.sort((a, b) => a.until - b.until)[0]
      if (!next || next.until > end) break
      this.#sleeping.shift()
      this.#now = next.until
      next.wake()
    }
    this.#now = end
    await this.turn()
  }
}

/** The lease as a database keeps it, in a time of the test's. */
class MemoryLease implements LeaseStore {
  holder: Holder = { id: '', address: '' }
  until = 0
  isAway = false
  constructor(readonly timer: Timer) {}

  async hold(me: Holder, milliseconds: number): Promise<Holder> {
    if (this.isAway) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
    if (this.holder.id === me.id || this.until <= this.timer.now()) {
      this.holder = { ...me }
      this.until = this.timer.now() + milliseconds
    }
    return this.holder
  }
}

const one: AskedRow = {
  calls: [ask.publish(rules({ program: 'P' }))],
  actor: bureau('320509'),
}
const receipt = [{ book: 320509, seq: 1 }] as unknown as Outcome[]

interface Lab {
  readonly timer: ManualTimer
  readonly store: MemoryLease
  readonly lease: Lease
  readonly front: Front
  /** What links do with what they are asked, by the holder they lead to. */
  readonly links: Map<string, (asked: AskedRow) => Promise<Outcome[]>>
  /** What was asked: of whom, and whether as something that may have been asked before. */
  readonly heard: [string, boolean][]
  /** Links that are open. */
  readonly open: Map<string, { isLost: boolean; waitsSince: number | undefined }>
}

function lab(): Lab {
  const timer = new ManualTimer()
  const store = new MemoryLease(timer)
  const lease = new Lease({ id: 'me', address: 'here' }, store, timer)
  const links: Lab['links'] = new Map()
  const heard: Lab['heard'] = []
  const open: Lab['open'] = new Map()
  const engine = {
    runAll: async (asked: AskedRow) => {
      heard.push(['me', asked.isAgain === true])
      return receipt
    },
    hasRoom: () => true,
    drained: async () => {},
    close: async () => {},
  }
  const connectTo = async (holder: Holder): Promise<Link> => {
    if (!links.has(holder.id)) throw new Error('nobody there')
    const link = {
      holder,
      isLost: false,
      waitsSince: undefined as number | undefined,
      runAll: async (asked: AskedRow) => {
        heard.push([holder.id, asked.isAgain === true])
        try {
          return await links.get(holder.id)!(asked)
        } catch (error) {
          link.isLost ||= error instanceof LinkLost
          throw error
        }
      },
      drained: async () => {},
      close() {
        link.isLost = true
      },
    }
    open.set(holder.id, link)
    return link
  }
  const front = new Front({ engine: engine as unknown as Engine, lease, timer, open: connectTo })
  return { timer, store, lease, front, links, heard, open }
}

/** Another process has the lease, for so long. */
async function heldBy({ store, lease, timer }: Lab, id: string, milliseconds = 3000): Promise<void> {
  store.holder = { id, address: `at ${id}` }
  store.until = timer.now() + milliseconds
  void lease.start()
  await timer.pass(600)
}

t.test('a lease that is free is taken, kept, and left', async (t) => {
  const { lease, store, timer } = lab()
  t.equal(lease.inCharge, undefined)
  await lease.start()
  t.same(lease.inCharge, { who: 'here' })
  await timer.pass(60_000)
  t.ok(store.until > timer.now(), 'it is renewed before it ends')
  await lease.stop()
  t.ok(store.until <= timer.now())
  t.equal(lease.inCharge, undefined)
})

t.test('who dies is followed within five seconds', async (t) => {
  const it = lab()
  await heldBy(it, 'other')
  t.match(it.lease.inCharge, { who: 'elsewhere', holder: { id: 'other' } })
  await it.timer.pass(4_400)
  t.same(it.lease.inCharge, { who: 'here' })
})

t.test('who cannot reach the database does not believe for longer than the lease that it is in charge', async (t) => {
  const { lease, store, timer } = lab()
  await lease.start()
  store.isAway = true
  await timer.pass(1_900)
  t.same(lease.inCharge, { who: 'here' })
  await timer.pass(1_200)
  t.equal(lease.inCharge, undefined)
  t.match(lease.fault, { code: 'ECONNREFUSED' })
  store.isAway = false
  await timer.pass(600)
  t.same(lease.inCharge, { who: 'here' })
  t.equal(lease.fault, undefined)
})

t.test('a command on a lost link is asked again of the next in charge, as one that may have been done', async (t) => {
  const it = lab()
  it.links.set('other', async () => {
    throw new LinkLost()
  })
  await heldBy(it, 'other')
  const outcome = it.front.runAll({ ...one, key: 'k' })
  await it.timer.pass(100)
  it.links.delete('other')
  await it.timer.pass(4_400)
  t.same(await outcome, receipt)
  t.same(it.heard[0], ['other', false])
  t.same(it.heard.at(-1), ['me', true])
})

t.test('without a key it is not asked again: nobody could know that it was the same', async (t) => {
  const it = lab()
  it.links.set('other', async () => {
    throw new LinkLost()
  })
  await heldBy(it, 'other')
  await t.rejects(it.front.runAll(one), new Refused('unavailable'))
  t.same(it.heard, [['other', false]])
})

t.test('who is not in charge has done nothing, so that even without a key another one is asked', async (t) => {
  const it = lab()
  it.links.set('other', async () => {
    throw new NotInCharge()
  })
  await heldBy(it, 'other')
  const outcome = it.front.runAll(one)
  await it.timer.pass(4_400)
  t.same(await outcome, receipt)
  t.same(it.heard.at(-1), ['me', false])
})

t.test('a refusal or a fault of the one in charge is the answer', async (t) => {
  const it = lab()
  it.links.set('other', async () => {
    throw new Refused('clock_behind')
  })
  await heldBy(it, 'other')
  await t.rejects(it.front.runAll({ ...one, key: 'k' }), new Refused('clock_behind'))
  t.equal(it.heard.length, 1)
})

t.test('a link to one who is not in charge any more, or never answers, is given up', async (t) => {
  const it = lab()
  it.links.set('other', async () => receipt)
  it.links.set('next', async () => receipt)
  await heldBy(it, 'other')
  await it.front.runAll({ ...one, key: 'k' })
  const first = it.open.get('other')!
  t.notOk(first.isLost)
  await heldBy(it, 'next', 100_000)
  t.ok(first.isLost, 'paused, it would never say so itself')
  await it.front.runAll({ ...one, key: 'k' })
  const second = it.open.get('next')!
  second.waitsSince = it.timer.now()
  await it.timer.pass(29_000)
  t.notOk(second.isLost)
  await it.timer.pass(2_000)
  t.ok(second.isLost)
})

t.test('while nobody is in charge commands wait, and not for ever', async (t) => {
  const it = lab()
  it.store.isAway = true
  void it.lease.start()
  const late = it.front.runAll({ ...one, key: 'late' })
  const refused = t.rejects(late, new Refused('unavailable'))
  await it.timer.pass(11_000)
  await refused
  const early = it.front.runAll({ ...one, key: 'early' })
  await it.timer.pass(2_000)
  it.store.isAway = false
  await it.timer.pass(1_000)
  t.same(await early, receipt)
})

t.test('no organisation takes all the room on the way, and who closes takes nothing any more', async (t) => {
  const it = lab()
  it.links.set('other', () => new Promise(() => {}))
  await heldBy(it, 'other', 1e9)
  for (let n = 0; n < 12_000; n++) void it.front.runAll({ ...one, key: `${n}` }).catch(() => {})
  t.notOk(it.front.hasRoom(one.actor.organisation))
  t.ok(it.front.hasRoom('another'))
  t.same(await it.front.runAll({ ...one, key: 'more' }), [refuse('overloaded')])
  void it.front.close()
  t.notOk(it.front.hasRoom('another'))
  t.same(await it.front.runAll({ ...one, actor: bureau('310000') }), [refuse('overloaded')])
})

t.test('what nobody waits for any more is not passed on', async (t) => {
  const it = lab()
  it.links.set('other', async () => receipt)
  await heldBy(it, 'other')
  t.same(await it.front.runAll({ ...one, key: 'k', isWanted: () => false }), [refuse('overloaded')])
  t.same(it.heard, [])
})
