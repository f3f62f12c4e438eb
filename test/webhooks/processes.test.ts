/** What several processes, stops and starts do to deliveries; and who hears what, over all of a region's business. */
import fc from 'fast-check'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { isUnder, jurisdictions } from '../../src/core/division.js'
import { ManualClock } from '../../src/core/time.js'
import { builtInIssuer } from '../../src/platform/auth.js'
import { createService } from '../../src/service.js'
import { createWebhookCommand } from '../../src/webhooks/commands.js'
import { isFor, type Logged, mayHear } from '../../src/webhooks/rules.js'
import { askOf } from '../support/ask.js'
import { ask as asking, bureau, firm, uscc } from '../support/scene.js'
import { testDatabase, testService, testWebhooks } from '../support/service.js'
import { type Place, Stage } from '../support/stage.js'
import { numbers, receive } from './receiver.js'

const JURISDICTION = '320509'
const always = { applyFrom: '2020-01-01', applyTo: '2030-12-31' }

/** Processes of the service on one database. */
async function processes(t: Test) {
  const database = await testDatabase()
  const clock = new ManualClock(Date.now())
  const auth = builtInIssuer('test', 'test')
  const running: { close(): Promise<void> }[] = []
  t.teardown(async () => {
    for (const one of running) await one.close()
    await database.drop()
  })
  return {
    clock,
    async start() {
      const service = await createService({ ...database, clock, auth, webhooks: testWebhooks() })
      await service.open({ host: '127.0.0.1', port: 0 })
      running.push(service)
      return service
    },
  }
}

const subscription = (owner: string, url: string) => ({
  type: createWebhookCommand,
  command: { owner, url },
  actor: owner.length === 6 ? bureau(owner) : firm(owner),
})

t.test('the next process goes on where one stopped, in order; only what was under way is sent again', async (t) => {
  const { start } = await processes(t)
  const first = await start()
  const second = await start()
  const receiver = await receive(t)
  const stage = new Stage(first.engine)
  const place = await stage.place(always, {}, 1_000_000_00n)
  await stage.must(subscription(JURISDICTION, receiver.url))
  await stage.order(place, 'approved')
  await receiver.until((heard) => heard.length === 7)
  // The eighth is heard and never answered: whether it was heard is not known when the process stops.
  receiver.answer = () => () => {}
  await new Stage(second.engine).order(place, 'approved')
  await receiver.until((heard) => heard.length === 8)
  receiver.answer = () => 200
  await first.close()
  await receiver.until((heard) => heard.length === 15)
  await new Stage(second.engine).voucher(place)
  await receiver.until((heard) => heard.length === 16)
  const heard = numbers(receiver.heard, JURISDICTION)
  t.equal(heard[7], heard[8], 'sent again')
  const once = [...new Set(heard)]
  t.equal(once.length, 15)
  t.same(
    once,
    once.map((_, n) => once[0]! + n),
    'every number in its order, none left out',
  )

  await t.test('and a process that starts after all have stopped', async () => {
    await second.close()
    const third = await start()
    await new Stage(third.engine).voucher(place)
    await receiver.until((heard) => heard.length === 17)
    t.equal(numbers(receiver.heard, JURISDICTION).at(-1), once.at(-1)! + 1)
  })
})

t.test('through random failures every event is delivered in its order', async (t) => {
  const { start, clock } = await processes(t)
  const service = await start()
  const stage = new Stage(service.engine)
  const place = await stage.place(always, {}, 1_000_000_00n)
  const receiver = await receive(t)
  // Every tenth event fails when it is first tried, some of them again, while time flies.
  receiver.answer = ({ data }, before) => (data.seq % 10 > 0 || before > data.seq % 3 ? 200 : 503)
  const flying = setInterval(() => clock.set(clock.now() + 10_000), 50)
  t.teardown(() => clearInterval(flying))
  await stage.must(subscription(JURISDICTION, receiver.url))
  await Promise.all(Array.from({ length: 20 }, () => stage.order(place, 'confirmed')))
  const heard = () => [...new Set(numbers(receiver.heard, JURISDICTION))]
  await receiver.until(() => heard().length >= 80)
  t.same(
    heard(),
    heard().map((_, n) => heard()[0]! + n),
  )
  const all = numbers(receiver.heard, JURISDICTION)
  t.ok(all.length > 80)
  t.same(
    all,
    [...all].sort((a, b) => a - b),
    'what came after a failure came after its success',
  )
})

t.test('everybody hears of exactly what they may read', async (t) => {
  const test = await testService()
  t.teardown(() => test.close())
  test.clock.set(Date.now())
  const stage = new Stage(test.service.engine)
  const places: Place[] = []
  for (const jurisdiction of ['320509', '320508', '310000', '330106']) {
    places.push(await stage.place({ ...always, jurisdiction }, {}, 1_000_000_00n))
  }
  // One provider serves in two provinces, one code is a firm here and a provider there.
  const [a, b, c] = places as [Place, Place, Place, Place]
  const shared = { ...c, provider: a.provider }
  const both = { ...b, provider: c.provider }
  await stage.must(asking.recognise(c.jurisdiction, a.provider))
  await stage.must(asking.recognise(b.jurisdiction, c.provider))
  const owners = [
    '000000',
    '320000',
    '320500',
    '320509',
    '310000',
    '340000',
    ...places.flatMap((p) => [p.enterprise, p.provider]),
  ]
  const listening = await Promise.all(
    owners.map(async (owner) => {
      const receiver = await receive(t)
      await stage.must(subscription(owner, receiver.url))
      return { owner, receiver }
    }),
  )
  const orders = await Promise.all([...places, shared, both].map((place) => stage.order(place, 'verified')))
  const ask = askOf(test)
  for (const { owner, receiver } of listening) {
    const actor = owner.length === 6 ? bureau(owner) : firm(owner)
    const readable: string[] = []
    for (const order of orders)
      if ((await ask(actor, 'GET', `/v1/orders/${order}`)).status === 200) readable.push(order)
    const verified = () => receiver.heard.filter(({ type }) => type === 'verify_claim').map(({ data }) => data.order)
    await receiver.until(() => verified().length >= readable.length)
    t.same([...verified()].sort(), [...readable].sort(), `${owner}: ${readable.length} orders`)
    for (const { data } of receiver.heard) {
      if (data.order) t.equal((await ask(actor, 'GET', `/v1/orders/${data.order}`)).status, 200)
      else if (data.voucher) t.equal((await ask(actor, 'GET', `/v1/vouchers/${data.voucher}`)).status, 200)
      else t.equal(owner.length, 6, 'whatever else there is, only bureaus hear of it')
    }
  }
})

t.test('no event is for whom it is not, whatever it says (property)', async () => {
  const code = fc.constantFrom(...jurisdictions.map(({ code }) => code))
  const party = fc.integer({ min: 1, max: 4 }).map(uscc)
  const logged = fc.record({
    book: fc.oneof(code.map(Number), fc.constant(0)),
    seq: fc.integer({ min: 1, max: 99 }),
    kind: fc.constantFrom(
      ...['issue', 'file_order', 'propose', 'appropriate', 'pay', 'appoint', 'list_integrity', 'confirm_account'],
    ),
    moment: fc.constant(0),
    event: fc.record({ owner: fc.oneof(code, party) }),
    things: fc.array(fc.record({ enterprise: party, provider: fc.option(party) }), { maxLength: 3 }),
  })
  const owner = fc.oneof(code, party, fc.constant('000000'))
  const kinds = fc.option(fc.subarray(['issue', 'file_order', 'appropriate', 'confirm_account']))
  fc.assert(
    fc.property(owner, kinds, logged, (owner, kinds, logged: Logged) => {
      const { book, kind, event, things } = logged
      const ofBureau = owner === '000000' || (owner.length === 6 && book !== 0 && isUnder(String(book), owner))
      const ofParty = things.some(({ enterprise, provider }) => enterprise === owner || provider === owner)
      const ofThings = owner.length === 6 ? ofBureau : book !== 0 && ofParty && /^(issue|file_order|pay)$/.test(kind)
      const may = ofThings || (book === 0 && kind === 'confirm_account' && event.owner === owner)
      return isFor({ owner, kinds }, logged) === (may && (kinds === null || kinds.includes(kind)))
    }),
    { numRuns: 3000 },
  )
})

t.test('a new webhook starts at the head of every book that it may hear of', async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {}, connection: { search_path: 'clearing' } })
  await admin`update books set seq = 7 where book % 2 = 0`
  const heads = new Map(
    (await admin`select book, seq::int from books`).map(({ book, seq }) => [book as number, seq as number]),
  )
  const owners = ['000000', uscc(1), ...jurisdictions.map(({ code }) => code)]
  const given = owners.map((owner, n) => ({
    owner,
    webhooks: [
      {
        number: n + 1,
        version: n + 1,
        url: 'https://a.example/',
        kinds: null,
        state: 'active',
        reason: null,
        secret: 1,
        former: null,
        formerUntil: null,
        replays: [],
        madeBy: 'Chen',
      },
    ],
  }))
  await admin`select put_webhooks(${JSON.stringify(given)}::text::jsonb)`
  const lanes = await admin`select webhook::int, book, lane::int, position::int from webhook_lanes`
  await admin.end()
  for (const [n, owner] of owners.entries()) {
    const found = lanes.filter(({ webhook }) => webhook === n + 1)
    const wanted = [...heads].filter(([book, seq]) => seq > 0 && mayHear(owner, book))
    t.same(found.map(({ book }) => book).sort(), wanted.map(([book]) => book).sort(), owner)
    t.ok(found.every(({ book, lane, position }) => lane === 0 && position === heads.get(book)))
  }
})
