/** What an attacker would try: sequences in which money, an answer, an order or memory could be lost. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { z } from 'zod'
import { replay } from '../../src/audit/replay.js'
import { isRefusal, Refused } from '../../src/core/refusals.js'
import { type CommandType, command } from '../../src/engine/command.js'
import type { Receipt } from '../../src/engine/idempotency.js'
import type { Asked } from '../../src/engine/runner.js'
import type { Outcome } from '../../src/engine/ticket.js'
import { connectEngine } from '../../src/platform/database.js'
import { confirmPaymentsCommand, payCommand } from '../../src/settlement/commands.js'
import { paymentsOf } from '../../src/settlement/queries.js'
import { closePeriod } from '../../src/settlement/settle.js'
import { openStorage } from '../../src/storage.js'
import { withLab } from '../support/lab.js'
import { ask, bureau } from '../support/scene.js'
import { Stage } from '../support/stage.js'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** How it was answered, whichever way. */
const codeOf = (answer: Promise<Outcome>) =>
  answer.then(
    (outcome) => (isRefusal(outcome) ? outcome.refused : 'accepted'),
    (fault: unknown) => (fault instanceof Refused ? fault.refusal.refused : String(fault)),
  )

withLab(
  t,
  'two periods confirmed in one batch, one of whose books moves: each is paid whole or not at all',
  async (t, lab) => {
    const [a, b] = [lab.engine(), lab.engine()]
    const [stage, other] = [new Stage(a.engine), new Stage(b.engine)]
    const actor = bureau('000000')
    const places = [await stage.place(), await stage.place({ jurisdiction: '330000' })]
    const groups = []
    for (const [n, place] of places.entries()) {
      await stage.order(place, 'approved')
      const through = `2026-03-0${2 + n}`
      lab.clock.set(lab.clock.now() + DAY)
      await closePeriod(a.engine, a.sql, {
        command: { period: `P${n}`, through },
        actor,
        key: `close ${n}`,
      })
      const payments = await paymentsOf(a.sql, `P${n}`)
      groups.push([
        {
          type: confirmPaymentsCommand as CommandType,
          command: { period: `P${n}` },
        },
        ...payments.map((payment) => ({
          type: payCommand as CommandType,
          command: { period: `P${n}`, ...payment },
        })),
      ])
    }
    t.same(
      groups.map((calls) => calls.length),
      [2, 2],
      'each pays in one book, and not in the same one',
    )
    a.beforeRecord(() => other.must(ask.appropriate('330000', places[1]!.program, 1n)))
    await Promise.all(groups.map((calls, n) => a.engine.runTogether(calls, actor, `pay ${n}`)))
    const unpaid = await a.sql`select owner, posted from accounts where kind = 5 and posted > 0`
    t.same([...unpaid], [], 'what is confirmed is paid')
  },
)

withLab(
  t,
  'who replays keys that another engine has recorded does not keep others from being recorded',
  async (t, lab) => {
    const [a, b] = [lab.engine(), lab.engine()]
    const place = await new Stage(a.engine).place()
    const MANY = 450
    const old = (n: number): Asked => ({
      ...ask.deliver('O320509-999999', place.provider),
      key: `old ${n}`,
    })
    await Promise.all(Array.from({ length: MANY }, (_, n) => b.engine.run(old(n))))
    const replays: Promise<unknown>[] = []
    let isGoing = true
    // One more of them whenever a batch is being recorded.
    const send = async () => {
      if (!isGoing || replays.length >= MANY) return
      replays.push(a.engine.run(old(replays.length)))
      a.beforeRecord(send)
    }
    await send()
    const appropriate = {
      ...ask.appropriate(place.jurisdiction, place.program, 1n),
      key: 'honest',
    }
    t.equal(await codeOf(a.engine.run(appropriate)), 'accepted')
    isGoing = false
    await Promise.all(replays)
  },
)

withLab(t, 'what is asked in a row by one caller is booked in that row, also through an outage', async (t, lab) => {
  const lost = () =>
    Object.assign(new Error('the connection was lost'), {
      code: 'CONNECTION_CLOSED',
    })
  let isCut = false
  let cut = () => {}
  const readIsLost = new Promise<void>((resolve) => {
    cut = resolve
  })
  // Once: the first batch is under way, the second cannot be read, and the first is lost as well.
  const once = new Set<string>()
  const isFirst = (what: string) => isCut && !once.has(what) && once.add(what)
  const sql = () =>
    new Proxy(connectEngine(lab.database.databaseUrl), {
      get(target, name) {
        if (name !== 'unsafe') return Reflect.get(target, name)
        return async (text: string, ...rest: []) => {
          if (isFirst('record')) {
            await readIsLost
            throw lost()
          }
          return target.unsafe(text, ...rest)
        }
      },
    })
  const failing = () =>
    new Proxy(connectEngine(lab.database.databaseUrl), {
      apply(target, self, args) {
        if (!String(args[0]).includes('actor_numbers') || !isFirst('read')) {
          return Reflect.apply(target as never, self, args)
        }
        cut()
        return Promise.reject(lost())
      },
    })
  const storage = openStorage(sql, failing)
  const a = lab.engine({ storage, batch: 1 })
  const place = await new Stage(a.engine).place()
  const appropriate = (subject: string): Asked => ({
    ...ask.appropriate(place.jurisdiction, place.program, 1n),
    actor: bureau(place.jurisdiction, subject),
    key: subject,
  })
  isCut = true
  const [first, second] = (await Promise.all(
    ['Chen', 'Zhao'].map((who) => a.engine.run(appropriate(who))),
  )) as Receipt[]
  t.equal(second!.seq, first!.seq + 1)
  await a.engine.close()
  await storage.close()
})

withLab(
  t,
  'a key that another engine has recorded is answered from there, also when its command would fail now',
  async (t, lab) => {
    const [a, b] = [lab.engine(), lab.engine()]
    const place = await new Stage(b.engine).place()
    const asked = {
      ...ask.appropriate(place.jurisdiction, place.program, 1n),
      key: 'once',
    }
    t.equal(await codeOf(b.engine.run(asked)), 'accepted')
    // A's clock, or that of the machine A runs on, is wrong.
    lab.clock.set(lab.clock.now() - 2 * HOUR)
    t.equal(await codeOf(b.engine.run(asked)), 'accepted')
    t.equal(await codeOf(a.engine.run(asked)), 'accepted')
  },
)

withLab(
  t,
  'a clock that is behind is said to be behind, also on a key that an unknown book gave back',
  async (t, lab) => {
    const [a, b] = [lab.engine(), lab.engine()]
    const stage = new Stage(a.engine)
    const place = await stage.place()
    const abroad = await stage.place({ jurisdiction: '330000' }, { provider: place.provider })
    await stage.must(ask.cancel(await stage.order(abroad, 'filed', { contractNo: 'C' }), abroad.enterprise))
    const voucher = await stage.voucher(place)
    lab.clock.set(lab.clock.now() - 2 * HOUR)
    const file = ask.file(voucher, place.enterprise, place.provider, {
      contractNo: 'C',
    })
    t.equal(await codeOf(b.engine.run(file)), 'clock_behind')
    t.same(b.errors, [], 'nobody was poison')
  },
)

withLab(
  t,
  'a close and the first command of a book at the same instant leave a log that can be replayed',
  async (t, lab) => {
    const [a, b] = [lab.engine(), lab.engine()]
    const stage = new Stage(a.engine)
    await stage.place()
    const fresh = await stage.place({ jurisdiction: '340000' }, {}, 0n)
    a.beforeRecord(() => new Stage(b.engine).must(ask.appropriate('340000', fresh.program, 5n)))
    t.equal(await codeOf(a.engine.run(ask.close('P', '2026-03-01'))), 'accepted')
    const replayed = await replay(a.sql)
    t.equal(typeof replayed === 'string' ? replayed : 'replayed', 'replayed')
  },
)

/** A command whose plan the database refuses: its kind is none. */
const broken = command({
  kind: 'broken',
  schema: z.any(),
  event: z.any(),
  facts: () => ({ book: 320509 }),
  decide: ({ book }) => ({ book, event: {} }),
}) as CommandType

withLab(t, 'nothing is kept of who was answered from the store in a batch that then failed', async (t, lab) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const a = lab.engine()
  const place = await new Stage(a.engine).place()
  const asked = (): Asked => ({
    ...ask.appropriate(place.jurisdiction, place.program, 1n),
    key: 'again',
  })
  await a.engine.run(asked())
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  const watch = async (isPoisoned: boolean) => {
    await turn()
    const bad = isPoisoned && codeOf(a.engine.run({ type: broken, command: {}, actor: bureau('320509') }))
    const one = asked()
    const answered = codeOf(a.engine.run(one))
    t.equal(await answered, 'accepted')
    await bad
    return new WeakRef(one.command as object)
  }
  const kept = [await watch(false), await watch(true)]
  await a.engine.run(ask.appropriate(place.jurisdiction, place.program, 1n))
  for (let n = 0; n < 3; n++) {
    await turn()
    collect()
  }
  t.same(
    kept.map((one) => one.deref()),
    [undefined, undefined],
  )
})
