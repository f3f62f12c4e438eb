/** Events on their way to receivers: real HTTP, a real database, and a clock that the test sets. */

import postgres from 'postgres'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import t, { type Test } from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { Client } from '../../src/rehearsal/client.js'
import { Offices } from '../../src/rehearsal/offices.js'
import { firmKinds, PAUSES, TRIES } from '../../src/webhooks/rules.js'
import { askOf } from '../support/ask.js'
import { bureau, firm } from '../support/scene.js'
import { type TestService, testService } from '../support/service.js'
import { type Place, Stage } from '../support/stage.js'
import { numbers, type Receiver, receive } from './receiver.js'

const JURISDICTION = '320509'
const officer = bureau(JURISDICTION)
const DAY = 86_400_000

interface Scene extends TestService {
  readonly stage: Stage
  readonly place: Place
  readonly ask: ReturnType<typeof askOf>
}

/** A service whose clock stands at the present, as a receiver's does, and a program with money. */
async function withService(t: Test): Promise<Scene> {
  const test = await testService()
  t.teardown(() => test.close())
  test.clock.set(Date.now())
  const stage = new Stage(test.service.engine)
  // Programs of the scene are open in 2026 only.
  const year = new Date().getFullYear()
  const place = await stage.place({ applyFrom: `${year}-01-01`, applyTo: `${year}-12-31` }, {}, 1_000_000_00n)
  return { ...test, stage, place, ask: askOf(test) }
}

async function subscribe(test: Scene, actor: Actor, { url }: Receiver, kinds?: readonly string[]) {
  const owner = actor.jurisdiction ?? actor.organisation
  const { status, body } = await test.ask(actor, 'POST', '/v1/webhooks', { owner, url, ...(kinds ? { kinds } : {}) })
  if (status !== 201) throw new Error(JSON.stringify(body))
  return {
    webhook: body.result.webhook as string,
    secret: body.secret as string,
    version: body.result.version as number,
  }
}

/** Asks until the answer is like this; the test's own time limit ends it otherwise. */
async function becomes(test: Scene, actor: Actor, path: string, fits: (body: never) => boolean) {
  for (;;) {
    const { body } = await test.ask(actor, 'GET', path)
    if (fits(body as never)) return body
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

t.test('a bureau hears of its books, a firm and a provider of their own orders; signed, in ids alone', async (t) => {
  const test = await withService(t)
  const { stage, place } = test
  const [ofBureau, ofFirm, ofProvider, ofOther] = [
    await receive(t),
    await receive(t),
    await receive(t),
    await receive(t),
  ]
  const { secret } = await subscribe(test, officer, ofBureau)
  await subscribe(test, firm(place.enterprise), ofFirm)
  await subscribe(test, firm(place.provider), ofProvider)
  await subscribe(test, bureau('310000'), ofOther)
  const order = await stage.order(place, 'approved')
  const kinds = ['issue', 'file_order', 'deliver', 'confirm', 'submit_claim', 'verify_claim', 'approve_claim']
  await Promise.all([
    ofBureau.until((heard) => heard.length === kinds.length),
    ofFirm.until((heard) => heard.length === kinds.length),
    ofProvider.until((heard) => heard.length === kinds.length - 1),
  ])
  t.same(
    ofBureau.heard.map(({ type }) => type),
    kinds,
  )
  t.same(
    ofFirm.heard.map(({ type }) => type),
    kinds,
  )
  t.same(
    ofProvider.heard.map(({ type }) => type),
    kinds.slice(1),
    'a voucher is not the provider’s',
  )
  t.same(ofOther.heard, [], 'another province hears nothing of it')
  const last = ofBureau.heard.at(-1)!
  t.match(JSON.parse(last.text), {
    type: 'approve_claim',
    timestamp: /\+08:00$/,
    data: { book: JURISDICTION, seq: Number, order, state: 'approved' },
  })
  t.equal(last.headers['webhook-id'], `${JURISDICTION}-${last.data.seq}`)
  t.equal(ofFirm.heard.at(-1)!.headers['webhook-id'], last.headers['webhook-id'], 'the same event, the same number')
  const verify = (secret: string, { headers, text }: typeof last) =>
    new StandardWebhook(secret).verify(text, headers as Record<string, string>)
  for (const one of ofBureau.heard)
    t.same(verify(secret, one), JSON.parse(one.text), 'verified by the reference library')
  t.throws(() => verify(secret, { ...last, text: last.text.replace('approved', 'rejected') }), 'a changed one is not')
  t.throws(() => verify(secret, ofFirm.heard[0]!), 'another’s secret does not fit')
  const metrics = await (await fetch(`${test.base}/metrics`)).text()
  t.match(metrics, /clearing_webhook_deliveries_total\{outcome="delivered"\} (1[789]|20)/)
  t.match(metrics, /clearing_webhook_lag_seconds \d/)
  for (const { text } of [...ofBureau.heard, ...ofFirm.heard]) {
    for (const person of ['Chen', 'Li', 'Wang', place.enterprise, 'enterprise ']) t.notMatch(text, person)
  }

  // Whoever was listening before a bank account is changed hears of it, with when it takes force; nobody else does.
  const at = `/v1/bank-accounts/${place.provider}`
  const version = async () => String((await test.ask(firm(place.provider), 'GET', at)).body.version ?? '')
  const account = {
    holder: '甲',
    explanation: '更名',
    bank: '工商银行',
    bankCode: '102290000013',
    number: '6222020012345678',
  }
  await test.ask(firm(place.provider, 'Zhao'), 'POST', at, account)
  await test.ask(firm(place.provider, 'Qian'), 'POST', `${at}/confirmations`, { version: await version() })
  await ofProvider.until((heard) => heard.some(({ type }) => type === 'confirm_account'))
  const { body } = await test.ask(firm(place.provider), 'GET', at)
  const changes = ofProvider.heard.filter(({ data }) => data.book === '000000')
  t.same(
    changes
      .map(({ text }) => JSON.parse(text))
      .map(({ type, data: { owner, account, from } }) => ({ type, owner, account, from })),
    [
      { type: 'propose_account', owner: place.provider, account: body.inForce.account, from: undefined },
      { type: 'confirm_account', owner: place.provider, account: body.inForce.account, from: body.inForce.from },
    ],
  )
  for (const { text } of changes) for (const said of ['Zhao', 'Qian', '甲', '5678']) t.notMatch(text, said)
  t.same(
    [ofFirm, ofBureau, ofOther].flatMap(({ heard }) => heard.filter(({ data }) => data.book === '000000')),
    [],
  )
})

t.test('a firm hears of its own application, and nobody of another’s', async (t) => {
  const test = await withService(t)
  const { stage, place } = test
  const [ofFirm, ofOther] = [await receive(t), await receive(t)]
  const other = await stage.place({ program: 'P-apart', applyFrom: '2020-01-01', applyTo: '2030-12-31' })
  await subscribe(test, firm(place.enterprise), ofFirm)
  await subscribe(test, firm(other.enterprise), ofOther)
  const apply = (enterprise: string, program: string) =>
    test.ask(firm(enterprise), 'POST', '/v1/applications', { enterprise, program, amount: '100.00' })
  const { body } = await apply(place.enterprise, place.program)
  const { application } = body.result as { application: string }
  await apply(other.enterprise, other.program)
  await Promise.all([ofFirm, ofOther].map((one) => one.until((heard) => heard.length === 1)))
  t.match(ofFirm.heard[0]!.data, { application, state: 'submitted' })
  t.not(ofOther.heard[0]!.data.application, application)
})

t.test('of a payment a firm hears which of its own orders were paid', async (t) => {
  const test = await withService(t)
  const { stage, place, clock } = test
  const [ofFirm, ofOther, ofBureau] = [await receive(t), await receive(t), await receive(t)]
  const other = await stage.place({ program: 'P-other', applyFrom: '2020-01-01', applyTo: '2030-12-31' })
  await subscribe(test, firm(place.enterprise), ofFirm, ['mark_paid'])
  await subscribe(test, firm(other.enterprise), ofOther, ['mark_paid'])
  await subscribe(test, officer, ofBureau, ['mark_paid'])
  const orders = [await stage.order(place, 'approved'), await stage.order(place, 'approved')]
  await stage.order(other, 'approved')
  const through = new Date(clock.now() + DAY / 3).toISOString().slice(0, 10)
  clock.set(clock.now() + DAY)
  const finance = bureau('000000', 'finance')
  const { ask } = test
  t.match(await ask(finance, 'POST', '/v1/periods', { period: 'Q', through }), { status: 200 })
  const offices = new Offices(new Client(test.base), test.token)
  await offices.release('Q')
  await offices.pay('Q', 'bank', through)
  await Promise.all([ofFirm, ofOther, ofBureau].map((one) => one.until((heard) => heard.length === 1)))
  t.same([...(ofFirm.heard[0]!.data.orders as string[])].sort(), [...orders].sort())
  t.equal((ofOther.heard[0]!.data.orders as string[]).length, 1)
  t.match(ofBureau.heard[0]!.data, { period: 'Q', orders: undefined })
})

t.test('an event is not overtaken: what fails is tried again, then what came after it follows', async (t) => {
  const test = await withService(t)
  const { stage, place, clock } = test
  const receiver = await receive(t)
  const { webhook } = await subscribe(test, firm(place.enterprise), receiver)
  receiver.answer = (_, before) => (before < 2 ? 500 : 200)
  const voucher = await stage.voucher(place)
  await stage.order(place, 'delivered', { voucher })
  const path = `/v1/webhooks/${webhook}`
  for (const attempts of [1, 2]) {
    const one = await becomes(
      test,
      firm(place.enterprise),
      path,
      ({ behind: [lane] }: { behind: { attempts: number }[] }) => lane?.attempts === attempts,
    )
    t.match(one, { state: 'active', behind: [{ book: JURISDICTION, error: 'HTTP 500', due: String }] })
    t.equal(receiver.heard.length, attempts, 'nothing else is sent meanwhile, and nothing before its time')
    clock.set(clock.now() + PAUSES[attempts - 1]! * 1.2)
  }
  await receiver.until((heard) => heard.length === 3)
  receiver.answer = () => 200
  await receiver.until((heard) => heard.length === 5 || heard.at(-1)!.type === 'deliver')
  const types = receiver.heard.map(({ type }) => type)
  t.same(types.slice(0, 3), ['issue', 'issue', 'issue'])
  t.same([...new Set(types)], ['issue', 'file_order', 'deliver'])
})

t.test('after the last try an event is a dead letter, later ones go on, and a replay brings it back', async (t) => {
  const test = await withService(t)
  const { stage, place, clock } = test
  const actor = firm(place.enterprise)
  const receiver = await receive(t)
  const { webhook } = await subscribe(test, actor, receiver)
  receiver.answer = ({ type }) => (type === 'issue' ? 503 : 200)
  await stage.order(place, 'filed')
  for (let tries = 1; tries < TRIES; tries++) {
    await becomes(
      test,
      actor,
      `/v1/webhooks/${webhook}`,
      ({ behind: [lane] }: { behind: { attempts: number }[] }) => lane?.attempts === tries,
    )
    clock.set(clock.now() + PAUSES[tries - 1]! * 1.2)
  }
  await receiver.until((heard) => heard.at(-1)?.type === 'file_order')
  t.equal(receiver.heard.length, TRIES + 1)
  const letters = `/v1/webhooks/${webhook}/dead-letters`
  const { items } = await becomes(test, actor, letters, ({ items }: { items: object[] }) => items.length > 0)
  const [letter] = items
  t.match(letter, { book: JURISDICTION, type: 'issue', error: 'HTTP 503', givenUpAt: String })
  receiver.answer = () => 200
  const replay = { book: letter.book, from: letter.seq }
  t.match(await test.ask(actor, 'POST', `/v1/webhooks/${webhook}/replays`, replay), { status: 200 })
  await receiver.until((heard) => heard.length === TRIES + 2)
  t.equal(receiver.heard.at(-1)!.headers['webhook-id'], receiver.heard[0]!.headers['webhook-id'])
  await becomes(test, actor, letters, ({ items }: { items: object[] }) => items.length === 0)
})

t.test('a range is replayed in its order, of what is its owner’s alone', async (t) => {
  const test = await withService(t)
  const { stage, place } = test
  const other = await stage.place({ program: 'P-other', applyFrom: '2020-01-01', applyTo: '2030-12-31' })
  await stage.order(place, 'confirmed')
  await stage.order(other, 'filed')
  const order = await stage.order(place, 'filed')
  const receiver = await receive(t)
  const { webhook } = await subscribe(test, firm(place.enterprise), receiver)
  t.same(receiver.heard, [], 'what was before is not sent')
  const { ask } = test
  const replay = { book: JURISDICTION, from: 1, to: 1_000_000 }
  t.match(await ask(firm(place.enterprise), 'POST', `/v1/webhooks/${webhook}/replays`, replay), { status: 200 })
  await receiver.until((heard) => heard.at(-1)?.data.order === order)
  const heard = numbers(receiver.heard, JURISDICTION)
  t.same(
    heard,
    [...heard].sort((a, b) => a - b),
  )
  t.equal(heard.length, 6)
  t.match(
    await ask(firm(place.enterprise), 'POST', `/v1/webhooks/${webhook}/replays`, { book: JURISDICTION, from: 5_000 }),
    { status: 200 },
  )
  await becomes(
    test,
    firm(place.enterprise),
    `/v1/webhooks/${webhook}`,
    ({ behind }: { behind: object[] }) => behind.length === 0,
  )
  t.equal(receiver.heard.length, 6, 'numbers that are still to come are not replayed')
})

t.test('what is asked of a webhook, and what comes of it', async (t) => {
  const test = await withService(t)
  const { stage, place, clock } = test
  const actor = firm(place.enterprise)
  const receiver = await receive(t)
  const { ask } = test
  const { webhook, secret, version } = await subscribe(test, actor, receiver)
  const path = `/v1/webhooks/${webhook}`

  await t.test('a ping is sent at once, and what came of it is told', async (t) => {
    t.match(await ask(actor, 'POST', `${path}/ping`, {}), {
      status: 200,
      body: { delivered: true, status: 204, error: null },
    })
    t.match(receiver.heard.at(-1), { type: 'ping' })
    receiver.answer = () => (response) => response.writeHead(302, { location: receiver.url }).end()
    t.match((await ask(actor, 'POST', `${path}/ping`, {})).body, { delivered: false, status: 302, error: 'HTTP 302' })
    t.equal(receiver.heard.length, 2, 'no redirect is followed')
    receiver.answer = () => 204
  })

  await t.test('while it is paused nothing is sent; resumed, nothing is missing', async (t) => {
    receiver.heard.length = 0
    t.match((await ask(actor, 'POST', `${path}/pause`, {})).body, { result: { state: 'paused' } })
    t.match(await ask(actor, 'POST', `${path}/pause`, {}), { status: 409, body: { code: 'state_conflict' } })
    const voucher = await stage.voucher(place)
    // Another webhook of the same firm hears it, so the paused one would have.
    const beside = await receive(t)
    await subscribe(test, actor, beside)
    await stage.order(place, 'filed', { voucher })
    await beside.until((heard) => heard.length === 1)
    t.same(receiver.heard, [])
    t.match((await ask(actor, 'POST', `${path}/resumption`, {})).body, { result: { state: 'active' } })
    await receiver.until((heard) => heard.length === 2)
    t.same(
      receiver.heard.map(({ type }) => type),
      ['issue', 'file_order'],
    )
  })

  await t.test('a new secret signs at once, the former one beside it until the end of the next day', async (t) => {
    receiver.heard.length = 0
    t.match(await ask(actor, 'POST', `${path}/secret`, {}), { status: 428 })
    t.match(await ask(actor, 'POST', `${path}/secret`, { version }), { status: 412 }, 'changed meanwhile')
    const now = (await ask(actor, 'GET', path)).body.version
    const rotated = await ask(actor, 'POST', `${path}/secret`, { version: now })
    t.equal(rotated.status, 200)
    t.not(rotated.body.secret, secret)
    const fits = (secret: string) => {
      const { text, headers } = receiver.heard.at(-1)!
      try {
        return new StandardWebhook(secret).verify(text, headers as Record<string, string>) !== undefined
      } catch {
        return false
      }
    }
    await stage.voucher(place)
    await receiver.until((heard) => heard.length === 1)
    t.same([fits(rotated.body.secret), fits(secret)], [true, true])
    t.equal(String(receiver.heard.at(-1)!.headers['webhook-signature']).split(' ').length, 2)
    clock.set(clock.now() + 2 * DAY)
    await stage.voucher(place)
    await receiver.until((heard) => heard.length === 2)
    t.equal(String(receiver.heard.at(-1)!.headers['webhook-signature']).split(' ').length, 1)
  })

  await t.test('the secret is told with its receipt and stands nowhere', async (t) => {
    const body = { owner: place.enterprise, url: receiver.url }
    const send = () =>
      fetch(`${test.base}/v1/webhooks`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${test.token(actor)}`,
          'idempotency-key': 'once',
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
      }).then((response) => response.json() as Promise<{ secret: string }>)
    const told = await send()
    t.match(told.secret, /^whsec_[A-Za-z0-9+/]{43}=$/)
    t.same(await send(), told, 'the same key, the same answer')
    const admin = postgres(test.database.adminUrl, {
      max: 1,
      onnotice: () => {},
      connection: { search_path: 'clearing' },
    })
    for (const { name } of await admin<{ name: string }[]>`
      select relname as name from pg_class where relnamespace = 'clearing'::regnamespace and relkind = 'r'`) {
      const [found] = await admin.unsafe(
        `select count(*)::int as count from "${name}" x where position('${told.secret.slice(6, 30)}' in x::text) > 0 or position('whsec' in x::text) > 0`,
      )
      t.equal(found!.count, 0, name)
    }
    await admin.end()
    t.notMatch(JSON.stringify((await ask(actor, 'GET', '/v1/webhooks')).body), 'whsec')
  })

  await t.test(
    'a receiver that is gone is not asked again; ended, nothing is left of it but who ended it',
    async (t) => {
      receiver.answer = () => 410
      await stage.voucher(place)
      await becomes(test, actor, path, ({ state }: { state: string }) => state === 'disabled')
      t.match((await ask(actor, 'GET', path)).body, { reason: 'gone' })
      receiver.answer = () => 200
      t.match((await ask(actor, 'POST', `${path}/resumption`, {})).body, { result: { state: 'active' } })
      t.match((await ask(actor, 'POST', `${path}/end`, { reason: '停用' })).body, { result: { state: 'ended' } })
      t.match(await ask(actor, 'POST', `${path}/resumption`, {}), { status: 409 })
      const acts = await ask(
        { ...bureau('000000'), roles: ['auditor'] },
        'GET',
        '/v1/books/000000/acts?kind=end_webhook',
      )
      t.match(acts.body.items, [{ subject: actor.subject, body: { webhook, reason: '停用' } }])
    },
  )

  await t.test('one owner has ten at most', async (t) => {
    let last = await ask(actor, 'POST', '/v1/webhooks', { owner: place.enterprise, url: receiver.url })
    for (let n = 0; last.status === 201 && n < 20; n++)
      last = await ask(actor, 'POST', '/v1/webhooks', { owner: place.enterprise, url: receiver.url })
    t.match(last, { status: 409, body: { code: 'webhook_limit', details: { most: 10 } } })
  })
})

t.test('a receiver asks for time with Retry-After; after days of failures alone it is disabled', async (t) => {
  const test = await withService(t)
  const { stage, place, clock } = test
  const actor = firm(place.enterprise)
  const receiver = await receive(t)
  const { webhook } = await subscribe(test, actor, receiver)
  const path = `/v1/webhooks/${webhook}`
  receiver.answer = () => (response) => response.writeHead(429, { 'retry-after': '3600' }).end()
  await stage.voucher(place)
  const { behind } = await becomes(test, actor, path, ({ behind }: { behind: object[] }) => behind.length > 0)
  t.ok(Date.parse(behind[0].due) - clock.now() >= 3_600_000)
  clock.set(clock.now() + 6 * DAY)
  await becomes(test, actor, path, ({ state }: { state: string }) => state === 'disabled')
  t.match((await test.ask(actor, 'GET', path)).body, { reason: 'failing' })
  receiver.answer = () => 200
  t.equal(receiver.heard.length, 2)
  await test.ask(actor, 'POST', `${path}/resumption`, {})
  await receiver.until((heard) => heard.length === 3)
  t.equal(receiver.heard[2]!.type, 'issue', 'resumed, it goes on where it was')
})

t.test('a slow receiver holds up nobody else', async (t) => {
  const test = await withService(t)
  const { stage, place } = test
  const [slow, quick] = [await receive(t), await receive(t)]
  let release = () => {}
  const held = new Promise<number>((resolve) => {
    release = () => resolve(200)
  })
  slow.answer = () => held
  await subscribe(test, officer, slow)
  await subscribe(test, officer, quick)
  await stage.order(place, 'approved')
  await quick.until((heard) => heard.length === 7)
  t.equal(slow.heard.length, 1)
  release()
  await slow.until((heard) => heard.length === 7)
  t.same(numbers(slow.heard, JURISDICTION), numbers(quick.heard, JURISDICTION))
})

t.test('what firms may hear of is a command of the log', async (t) => {
  const { commandTypes } = await import('../../src/commands.js')
  for (const kind of firmKinds) t.ok(commandTypes.has(kind), kind)
})
