import { randomBytes } from 'node:crypto'
import { Writable } from 'node:stream'
import pino from 'pino'
import postgres from 'postgres'
import t from 'tap'
import {
  accountInForce,
  type BankAccount,
  type BankAccounts,
  inForceOn,
  pendingOn,
} from '../../src/bank-accounts/facts.js'
import { ofVersions, resealAll } from '../../src/bank-accounts/numbers.js'
import { keyRing } from '../../src/bank-accounts/seal.js'
import type { Actor } from '../../src/core/actor.js'
import type { Find } from '../../src/ledger/fact.js'
import { call } from '../support/ask.js'
import { uscc } from '../support/scene.js'
import { china, testRing, testService } from '../support/service.js'

const E = uscc(1)
const P = uscc(51)
const NUMBER = '6222029876543210001'
const OTHER = 'GB0ABCDE7654321X'
const of = (organisation: string, role: string, subject = 'wang', jurisdiction?: string): Actor => ({
  subject,
  organisation,
  roles: [role],
  ...(jurisdiction ? { jurisdiction } : {}),
})
const owner = of(E, 'enterprise')
const colleague = of(E, 'enterprise', 'li')
const bureau = (role: string, code: string) => of(`bureau ${code}`, role, `${role} ${code}`, code)
const account = { holder: '苏州一号', number: NUMBER, bank: '工商银行吴江支行', bankCode: '102305400012' }
const at = `/v1/bank-accounts/${E}`

let logged = ''
const logger = pino(
  { level: 'trace' },
  new Writable({
    write(chunk, _, done) {
      logged += chunk
      done()
    },
  }),
)
const service = await testService('2026-03-02', {}, { logger: logger as never })
const ask = (actor: Actor, method: string, path: string, said?: object) => call(service, actor, method, path, said)
const admin = postgres(service.database.adminUrl, { max: 1, connection: { search_path: 'clearing' } })
t.teardown(async () => {
  await admin.end()
  await service.close()
})
await ask(owner, 'POST', '/v1/enterprises', {
  uscc: E,
  name: '苏州一号',
  division: '320509',
  types: ['micro'],
})
const { version: registered } = (await ask(owner, 'GET', `/v1/enterprises/${E}`)).body
await ask(owner, 'POST', `/v1/enterprises/${E}/profile`, { version: registered, contact: '陈会计 0512-1' })
await ask(of(P, 'provider'), 'POST', '/v1/providers', {
  uscc: P,
  name: '杭州实验室',
  division: '330106',
  categories: ['testing'],
})
const versionNow = async (actor = owner, path = at) => (await ask(actor, 'GET', path)).body.version as number
/** Finds this and nothing else. */
const finding = (row: BankAccounts | null): Find =>
  Object.assign(() => row as never, { ahead() {}, holder: () => null, heads: () => new Map() })

t.test('what is wrong with an account is named by its field, all at once', async (t) => {
  const { status, body } = await ask(owner, 'POST', at, { ...account, number: '12-34', bankCode: '10230540001' })
  t.equal(status, 400)
  const faults = body.errors.map(({ pointer, code }: { pointer: string; code: string }) => [pointer, code])
  t.same(faults.sort(), [
    ['/body/bankCode', 'bank_code_format'],
    ['/body/number', 'account_number_format'],
  ])
  t.match((await ask(owner, 'POST', at, { ...account, bankCode: '002305400012' })).body, {
    errors: [{ pointer: '/body/bankCode', code: 'bank_code_unknown' }],
  })
  t.notMatch(JSON.stringify(body), '12-34')
})

t.test('two persons, and whose it is', async (t) => {
  t.match(await ask(of(P, 'provider'), 'POST', at, account), { body: { code: 'not_your_organisation' } })
  t.match(await ask(owner, 'POST', `/v1/bank-accounts/${uscc(7)}`, account), { body: { code: 'party_not_found' } })
  t.match(await ask(owner, 'POST', at, { ...account, holder: '别人' }), {
    status: 409,
    body: { code: 'holder_differs', details: { registeredName: '苏州一号' } },
  })
  const proposed = await ask(owner, 'POST', at, account)
  t.match(proposed, { status: 201, body: { result: { owner: E, state: 'proposed' } } })
  const { version } = proposed.body.result
  t.match(await ask(owner, 'POST', at, { ...account, version }), { status: 409, body: { code: 'state_conflict' } })
  t.match(await ask(owner, 'GET', at), {
    body: { inForce: null, pending: { state: 'proposed', number: '**** 0001', notified: '陈会计 0512-1' } },
  })
  const confirm = (actor: Actor, said: object = { version }) => ask(actor, 'POST', `${at}/confirmations`, said)
  t.match(await confirm(owner), { body: { code: 'separation_of_duties' } })
  t.match(await confirm(of(P, 'provider')), { body: { code: 'not_your_organisation' } })
  t.match(await confirm(bureau('officer', '330000')), { body: { code: 'not_your_jurisdiction' } })
  t.match(await confirm(bureau('finance', '320509')), { status: 403 })
  t.match(await confirm(colleague, { version: version - 1 }), { status: 412 })
  t.match(await confirm(colleague, {}), { body: { code: 'version_missing' } })
  t.match(await confirm(colleague), { status: 200, body: { result: { state: 'confirmed', from: '2026-03-02' } } })
  t.match(await confirm(colleague, { version: await versionNow() }), { body: { code: 'state_conflict' } })
  t.match(await ask(owner, 'GET', at), { body: { inForce: { state: 'in_force', account: version }, pending: null } })
})

t.test('the same request again is the same request', async (t) => {
  const send = () =>
    fetch(`${service.base}${at}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${service.token(owner)}`,
        'idempotency-key': 'again',
        'if-match': `"${version}"`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ ...account, number: OTHER }),
    })
  const version = await versionNow()
  const [first, second] = [await send(), await send()]
  t.equal(first.status, 201)
  t.same(await second.json(), await first.json())
})

t.test('a change waits for its cooling off, is seen by the bureaus, and can be revoked meanwhile', async (t) => {
  const confirmed = await ask(bureau('officer', '320000'), 'POST', `${at}/confirmations`, {
    version: await versionNow(),
  })
  t.match(
    confirmed.body.result,
    { state: 'confirmed', from: '2026-03-05' },
    'three workdays, by the bureau of the province',
  )
  const seen = {
    inForce: { number: '**** 0001' },
    pending: { number: '**** 321X', state: 'cooling', from: '2026-03-05' },
    objectBy: '2026-03-04',
  }
  t.match((await ask(bureau('finance', '310000'), 'GET', at)).body, seen, 'whoever pays sees which one is used')
  const told = async (actor: Actor) => {
    const [{ body: one }, { body: all }] = [await ask(actor, 'GET', at), await ask(actor, 'GET', `${at}/versions`)]
    return [
      one.inForce.notified,
      one.pending.notified,
      ...all.items.map((item: { notified: unknown }) => item.notified),
    ]
  }
  for (const actor of [owner, ...['320509', '320500', '320000', '000000'].map((code) => bureau('finance', code))]) {
    t.same(await told(actor), Array(4).fill('陈会计 0512-1'), actor.jurisdiction ?? 'the owner')
  }
  for (const code of ['310000', '320506']) t.same(await told(bureau('finance', code)), Array(4).fill(null), code)
  const changes = (code: string) => ask(bureau('finance', code), 'GET', '/v1/bank-account-changes')
  for (const code of ['320509', '320500', '320000', '000000']) {
    t.match((await changes(code)).body.items, [{ owner: E, number: '**** 321X', state: 'cooling' }], code)
  }
  t.same((await changes('330000')).body.items, [])
  t.match(await ask(of(P, 'provider'), 'GET', at), { status: 404 })
  t.match(await ask(of(P, 'provider'), 'GET', `${at}/versions`), { status: 404 })

  const revoke = async (actor: Actor) => ask(actor, 'POST', `${at}/revocations`, { version: await versionNow() })
  t.match(await revoke(of(P, 'provider')), { body: { code: 'not_your_organisation' } })
  t.match(await revoke(colleague), { status: 200, body: { result: { state: 'revoked' } } })
  t.match(await revoke(colleague), { body: { code: 'state_conflict' } }, 'what is in force stays')
  t.match((await ask(owner, 'GET', at)).body, {
    inForce: { number: '**** 0001' },
    pending: null,
    objectBy: null,
  })

  await ask(owner, 'POST', at, { ...account, number: OTHER, version: await versionNow() })
  await ask(colleague, 'POST', `${at}/confirmations`, { version: await versionNow() })
  service.clock.set(china('2026-03-04'))
  t.match((await ask(owner, 'GET', at)).body, seen)
  service.clock.set(china('2026-03-05'))
  t.match((await ask(owner, 'GET', at)).body, { inForce: { number: '**** 321X' }, pending: null })
  t.match((await ask(owner, 'GET', `${at}/versions`)).body.items, [
    { state: 'replaced' },
    { state: 'revoked' },
    { state: 'in_force' },
  ])
  t.match(await revoke(owner), { body: { code: 'state_conflict' } }, 'too late')
})

t.test('the account in force is a fact: by payee and day', async (t) => {
  const accounts = [
    ...(await admin<BankAccount[]>`
      select account::int, state, valid_from::text as from from bank_accounts where owner = ${E} order by account`),
  ]
  const find = finding({ book: 0, owner: E, accounts })
  t.equal(accountInForce(finding(null), `provider:${P}`, '2026-03-04'), null)
  const [first, , last] = accounts
  t.equal(accountInForce(find, `enterprise:${E}`, '2026-03-01'), null, 'before there was one')
  t.equal(accountInForce(find, `enterprise:${E}`, '2026-03-04')?.account, first!.account)
  t.equal(accountInForce(find, `enterprise:${E}`, '2026-03-05')?.account, last!.account)
  t.equal(inForceOn([], '2026-03-05'), undefined)
  t.equal(pendingOn(accounts, '2026-03-04')?.account, last!.account)
})

t.test('a bureau has an account too: of its own people only', async (t) => {
  const path = '/v1/bank-accounts/320509'
  const own = { ...account, holder: '吴江区科技局', number: '1102020109000012345' }
  t.match(await ask(bureau('finance', '320500'), 'POST', path, own), { body: { code: 'not_your_jurisdiction' } })
  t.match(await ask(owner, 'POST', path, own), { status: 403 })
  t.match(await ask(bureau('finance', '320509'), 'POST', path, own), { status: 201 })
  const version = await versionNow(bureau('finance', '320509'), path)
  const confirm = (actor: Actor) => ask(actor, 'POST', `${path}/confirmations`, { version })
  t.match(await confirm(bureau('officer', '320000')), { body: { code: 'not_your_jurisdiction' } })
  t.match(await confirm(bureau('officer', '320509')), { status: 200 })
})

t.test('one number of two owners is a warning', async (t) => {
  const shared = (code: string) => ask(bureau('officer', code), 'GET', '/v1/shared-bank-accounts')
  t.same((await shared('000000')).body.items, [], 'its owner’s own other versions are none')
  const said = { ...account, holder: '代收', explanation: '委托代收', number: OTHER }
  t.match(await ask(of(P, 'provider'), 'POST', `/v1/bank-accounts/${P}`, said), { status: 201 })
  t.match((await ask(bureau('officer', '330106'), 'GET', `/v1/bank-accounts/${P}`)).body.pending, {
    registeredName: '杭州实验室',
    explanation: '委托代收',
  })
  for (const code of ['320509', '330106', '000000']) {
    const [one] = (await shared(code)).body.items
    t.equal(one?.number, '**** 321X', code)
    t.same([...new Set(one.owners.map((each: { owner: string }) => each.owner))].sort(), [E, P].sort())
  }
  t.same((await shared('340000')).body.items, [])
})

t.test('the number is nowhere in the clear: no table, no line of the log', async (t) => {
  const tables = await admin<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'clearing'::regnamespace and relkind in ('r', 'p')`
  const found: string[] = []
  let rows = 0
  for (const { name } of tables) {
    for (const { text } of await admin`select x::text as text from ${admin(name)} x`) {
      rows++
      if (text.includes(NUMBER) || text.includes(OTHER)) found.push(name)
    }
  }
  t.same(found, [])
  t.ok(rows > 20 && tables.length > 20)
  t.notMatch(logged, NUMBER)
  t.notMatch(logged, OTHER)
})

t.test('numbers are opened for payment files; after a rotation with the newest key alone', async (t) => {
  const numbers = await admin<
    { account: number }[]
  >`select account::int from bank_accounts where owner = ${E} order by account`
  const wanted = numbers.map(({ account }) => account)
  const opened = await ofVersions(admin as never, testRing, wanted)
  t.same([...opened.values()].map(({ number }) => number).sort(), [NUMBER, OTHER, OTHER].sort())
  const fresh = keyRing(`t2:${randomBytes(32).toString('base64')}`)!
  await t.rejects(ofVersions(admin as never, fresh, wanted), { message: 'account_unreadable' })
  const both = [...fresh, ...testRing] as never
  t.match(await resealAll(service.service.engine, admin as never, both), { resealed: 5, unreadable: [] })
  t.match(await resealAll(service.service.engine, admin as never, both), { resealed: 0 }, 'once')
  const again = await ofVersions(admin as never, fresh, wanted)
  t.same(
    [...again.values()].map(({ number }) => number),
    [...opened.values()].map(({ number }) => number),
  )
  t.match(await ask(owner, 'GET', at), { body: { code: 'account_unreadable' } }, 'a service without that key says so')
  t.match(await resealAll(service.service.engine, admin as never, testRing), { resealed: 0, unreadable: { length: 5 } })
})

t.test('a sealed number that is moved to another row is found', async (t) => {
  const [first, , last] = await admin<{ account: number }[]>`
    select account::int from bank_accounts where owner = ${E} order by account`
  await admin`update bank_accounts set sealed = (select sealed from bank_accounts where account = ${first!.account})
              where account = ${last!.account}`
  const ring = testRing
  await t.rejects(ofVersions(admin as never, ring, [last!.account]), { message: 'account_unreadable' })
})

t.test('without a key no accounts are taken', async (t) => {
  const off = await testService('2026-03-02', {}, { accounts: undefined as never })
  t.teardown(() => off.close())
  t.match(await call(off, owner, 'POST', at, account), { status: 501, body: { code: 'accounts_off' } })
})
