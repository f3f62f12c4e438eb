import { Buffer } from 'node:buffer'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.js'
import { verifyLedger } from '../../src/audit/verify.js'
import type { Actor } from '../../src/core/actor.js'
import { Refused, refusals } from '../../src/core/refusals.js'
import { usccCheckCharacter } from '../../src/core/uscc.js'
import type { Engine } from '../../src/engine/engine.js'
import type { Asked } from '../../src/engine/runner.js'
import { EngineFault } from '../../src/engine/ticket.js'
import { builtInIssuer } from '../../src/platform/auth.js'
import { connect } from '../../src/platform/database.js'
import type { Role } from '../../src/platform/permissions.js'
import { rulesBody } from '../support/scene.js'
import { testService } from '../support/service.js'

/** Bulk issue over HTTP: ten thousand rows in one request, each with an outcome of its own. */

const { base, clock, close, database, service, token } = await testService()
const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {}, connection: { search_path: 'clearing' } })
t.teardown(async () => {
  await admin.end()
  await close()
})

const wj = '320509'
const suzhou = '320500'
const bureau = (role: Role, jurisdiction: string): Actor => ({
  subject: `${role} of ${jurisdiction}`,
  organisation: `bureau ${jurisdiction}`,
  roles: [role],
  jurisdiction,
})
const officer = bureau('officer', wj)
const firmOf = (division: string, n: number) => {
  const first17 = `91${division}MA${String(n).padStart(7, '0')}`
  return first17 + usccCheckCharacter(first17)
}
const firms = Array.from({ length: 300 }, (_, n) => firmOf(wj, n))
const outside = firmOf('310115', 1)
const unknown = firmOf(wj, 999)

interface Row {
  readonly enterprise: string
  readonly program: string
  readonly amount: string
}
interface Answer {
  readonly status: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
  readonly body: any
  readonly headers: Headers
}

let keys = 0
async function post(actor: Actor, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(base + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token(actor)}`,
      'content-type': 'application/json',
      'idempotency-key': `key-${++keys}`,
      ...headers,
    },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  return { status: response.status, text, body: JSON.parse(text), headers: response.headers }
}
const bulk = (items: readonly unknown[], key = `bulk-${++keys}`, more: { actor?: Actor; language?: string } = {}) =>
  post(
    more.actor ?? officer,
    '/v1/vouchers/bulk',
    { items },
    {
      'idempotency-key': key,
      ...(more.language ? { 'accept-language': more.language } : {}),
    },
  )

/** Registered by one, or proposed by one and approved by another. */
async function made(actor: Actor, path: string, body: unknown) {
  const { status, text, body: receipt } = await post(actor, path, body)
  if (status === 202) {
    const second: Actor = { ...actor, subject: 'Second', roles: ['approver'] }
    const approved = await post(second, `/v1/proposals/${receipt.result.proposal}/approval`, {})
    if (approved.status !== 200) throw new Error(`${path}: ${approved.status} ${approved.text}`)
  } else if (status !== 201) throw new Error(`${path}: ${status} ${text}`)
}
async function publish(program: string, pool: string, more: { annualCap?: bigint; jurisdiction?: string } = {}) {
  const { annualCap = 300_000_00n, jurisdiction = wj } = more
  const body = rulesBody({ program, jurisdiction, annualCap, useWithinDays: 90 })
  await made(bureau('approver', jurisdiction), '/v1/programs', body)
  await made(bureau('finance', jurisdiction), `/v1/appropriations`, { program, amount: pool })
}

/** What stands in the books, to the last number. */
const heads = async () => [...(await admin`select book, seq, entries from books where seq > 0 order by book`)]
const issuedUnder = async (program: string) => {
  const [row] = await admin<{ count: number; fen: string }[]>`
    select count(*)::int as count, coalesce(sum(amount), 0)::text as fen from vouchers where program = ${program}`
  return row!
}
async function unchanged(t: Test, run: () => Promise<void>): Promise<void> {
  const before = await heads()
  await run()
  t.same(await heads(), before, 'nothing changed')
}
/** The rows that were not done, as `row code`. */
const refusedRows = ({ body }: Answer): string[] =>
  body.items
    .filter(({ outcome }: { outcome: string }) => outcome === 'refused')
    .map(({ row, code }: { row: number; code: string }) => `${row} ${code}`)
const pointed = ({ body }: Answer): string[] =>
  body.errors.map(({ pointer, code }: { pointer: string; code: string }) => `${pointer} ${code}`)

await Promise.all(
  [...firms, outside].map((uscc) =>
    made({ subject: 'Wang', organisation: uscc, roles: ['enterprise'] }, '/v1/enterprises', {
      uscc,
      name: `合成 ${uscc}`,
      division: uscc.slice(2, 8),
      types: ['tech_sme'],
    }),
  ),
)
await publish('WJ-2026', '1000000.00')

const rows: Row[] = firms.map((enterprise, n) => ({
  enterprise: n === 7 ? outside : n === 150 ? unknown : enterprise,
  program: n === 298 ? 'NONE' : 'WJ-2026',
  amount: '100.00',
}))
const refusedOnes = ['7 outside_jurisdiction', '150 enterprise_not_found', '298 program_not_found']
let first: Answer

t.test('three hundred rows, three of them refused: their neighbours are issued', async (t) => {
  first = await bulk(rows, 'three-hundred')
  t.equal(first.status, 200)
  t.match(first.headers.get('content-type'), /^application\/json/)
  t.equal(first.headers.get('content-language'), 'zh')
  t.equal(first.headers.get('vary'), 'Accept-Language')
  t.match(first.body, { done: 297, refused: 3 })
  t.same(Object.keys(first.body), ['items', 'done', 'refused'])
  t.same(
    first.body.items.map(({ row }: { row: number }) => row),
    rows.map((_, n) => n),
    'every row, in their order',
  )
  t.same(refusedRows(first), refusedOnes)
  t.same(first.body.items[7], {
    row: 7,
    outcome: 'refused',
    code: 'outside_jurisdiction',
    title: refusals.outside_jurisdiction.zh,
    details: { division: '310115' },
  })
  const { seq, entry, result } = first.body.items[0]
  t.same(first.body.items[0], {
    row: 0,
    outcome: 'done',
    command: 'issue',
    book: wj,
    seq,
    entry,
    day: '2026-03-02',
    bookedAt: first.body.items[0].bookedAt,
    result: { voucher: `V${wj}-${seq}`, amount: '100.00', useBy: '2026-05-31' },
  })
  t.match([seq, entry, result.voucher], [Number, Number, String])
  const vouchers = first.body.items.flatMap((row: { result?: { voucher: string } }) => row.result?.voucher ?? [])
  t.equal(new Set(vouchers).size, 297, 'a voucher each')
  t.same(await issuedUnder('WJ-2026'), { count: 297, fen: '2970000' })
  const voucher = await fetch(`${base}/v1/vouchers/${vouchers[200]}`, {
    headers: { authorization: `Bearer ${token(officer)}` },
  })
  t.match(await voucher.json(), { available: '100.00', program: 'WJ-2026' })
})

t.test('the same again is answered the same, row by row, and issues nothing more', async (t) => {
  await unchanged(t, async () => {
    clock.set(clock.now() + 60_000)
    const again = await bulk(rows, 'three-hundred')
    t.same([again.status, again.text], [200, first.text], 'byte for byte')
    const english = await bulk(rows, 'three-hundred', { language: 'en' })
    t.equal(english.headers.get('content-language'), 'en')
    t.same(
      english.body.items.map(({ title: _, ...row }: { title?: string }) => row),
      first.body.items.map(({ title: _, ...row }: { title?: string }) => row),
    )
    t.equal(english.body.items[150].title, refusals.enterprise_not_found.en)
    const twice = await Promise.all([bulk(rows, 'three-hundred'), bulk(rows, 'three-hundred')])
    t.same(
      twice.map(({ text }) => text),
      [first.text, first.text],
      'also two at once',
    )
    const changed = await bulk(
      rows.map((row, n) => (n === 20 ? { ...row, amount: '100.01' } : row)),
      'three-hundred',
    )
    t.same(
      refusedRows(changed),
      [refusedOnes[0], '20 idempotency_key_reused', ...refusedOnes.slice(1)],
      'a row that is another one now is refused, and only that',
    )
    const colleague = await bulk(rows.slice(0, 2), 'three-hundred', { actor: { ...officer, subject: 'Li' } })
    t.same(refusedRows(colleague), ['0 idempotency_key_reused', '1 idempotency_key_reused'])
  })
})

t.test('two at once under a new key: each row is issued once', async (t) => {
  const { count } = await issuedUnder('WJ-2026')
  const items = rows.slice(20, 120)
  const [one, other] = await Promise.all([bulk(items, 'at-once'), bulk(items, 'at-once')])
  t.equal(one.text, other.text)
  t.equal(one.body.done, 100)
  t.equal((await issuedUnder('WJ-2026')).count, count + 100)
})

t.test("a row's key is no caller's key", async (t) => {
  const [row] = rows
  const single = await post(officer, '/v1/vouchers', row, { 'idempotency-key': 'three-hundred' })
  t.equal(single.status, 201)
  t.not(single.body.result.voucher, first.body.items[0].result.voucher)
  const spaced = await post(officer, '/v1/vouchers', row, { 'idempotency-key': 'three-hundred 0' })
  t.match(spaced, { status: 400, body: { code: 'idempotency_key_missing' } })
  const long = 'k'.repeat(128)
  const longest = await bulk([row, row], long)
  t.equal(longest.body.done, 2)
  t.equal((await bulk([row, row], long)).text, longest.text)
})

t.test('the annual cap holds over the rows of one request', async (t) => {
  await publish('CAP', '10000000.00')
  const [one, other] = firms as [string, string]
  const items = [
    [one, '120000.00'],
    [other, '300000.00'],
    [one, '120000.00'],
    [one, '60000.01'],
    [one, '60000.00'],
    [other, '0.01'],
    [one, '0.01'],
  ].map(([enterprise, amount]) => ({ enterprise, program: 'CAP', amount }))
  const answer = await bulk(items)
  t.same(refusedRows(answer), ['3 annual_cap_exceeded', '5 annual_cap_exceeded', '6 annual_cap_exceeded'])
  t.same(
    [3, 5, 6].map((row) => answer.body.items[row].details),
    [
      { annualCap: '300000.00', granted: '240000.00' },
      { annualCap: '300000.00', granted: '300000.00' },
      { annualCap: '300000.00', granted: '300000.00' },
    ],
  )
  t.same(await issuedUnder('CAP'), { count: 4, fen: '60000000' })
})

t.test('a pool that is exhausted half way', async (t) => {
  await publish('POOL', '1005.00')
  const items = firms.slice(0, 200).map((enterprise) => ({ enterprise, program: 'POOL', amount: '10.00' }))
  const answer = await bulk([...items, { enterprise: firms[0], program: 'POOL', amount: '5.00' }], 'half-way')
  t.match(answer.body, { done: 101, refused: 100 })
  t.same(
    refusedRows(answer),
    Array.from({ length: 100 }, (_, n) => `${n + 100} pool_insufficient`),
  )
  t.same(answer.body.items[100].details, { pool: '5.00' })
  t.equal(answer.body.items[200].outcome, 'done', 'what still fits is issued')
  await made(bureau('finance', wj), '/v1/appropriations', { program: 'POOL', amount: '1000.00' })
  const again = await bulk(items, 'half-way')
  t.same(again.body.items, answer.body.items.slice(0, 200), 'more money later does not change what was answered')
  t.equal((await bulk(items.slice(100))).body.done, 100, 'under a new key it is asked anew')
  t.same(await issuedUnder('POOL'), { count: 201, fen: '200500' })
})

t.test('another jurisdiction’s officer', async (t) => {
  await publish('SZ-2026', '1000.00', { jurisdiction: suzhou })
  await unchanged(t, async () => {
    const answer = await bulk(rows.slice(0, 3), undefined, { actor: bureau('officer', '310000') })
    t.equal(answer.status, 200)
    t.same(
      refusedRows(answer),
      [0, 1, 2].map((row) => `${row} not_your_jurisdiction`),
    )
    for (const actor of [bureau('approver', wj), { ...officer, roles: ['enterprise' as const] }]) {
      t.match(await bulk(rows, undefined, { actor }), { status: 403, body: { code: 'role_not_permitted' } })
    }
  })
  const [row] = rows
  const mixed = await bulk([row, { ...row, program: 'SZ-2026' }, row])
  t.same(refusedRows(mixed), ['1 not_your_jurisdiction'], 'whose rows are whose is asked row by row')
})

t.test('malformed anywhere: refused as a whole, before anything runs', async (t) => {
  const [row] = rows as [Row]
  const good = { status: 400, body: { code: 'validation_failed' } }
  await unchanged(t, async () => {
    const answer = await bulk([
      row,
      { ...row, amount: '1.0' },
      { ...row, extra: 1 },
      { ...row, enterprise: `${row.enterprise.slice(0, 17)}!` },
      { program: row.program },
      'text',
    ])
    t.match(answer, good)
    t.match(answer.headers.get('content-type'), /^application\/problem\+json/)
    t.same(pointed(answer), [
      '/body/items/1/amount amount_format',
      '/body/items/2/extra unknown_field',
      '/body/items/3/enterprise uscc_invalid',
      '/body/items/4/enterprise required',
      '/body/items/4/amount required',
      '/body/items/5 wrong_type',
    ])
    const last = await bulk([...Array<Row>(9_999).fill(row), { ...row, amount: '0.00' }])
    t.same([last.status, pointed(last)], [400, ['/body/items/9999/amount amount_format']])
    const faulty = await bulk(Array(10_000).fill({ enterprise: 'x', program: '', amount: 1, more: 1 }))
    t.match(faulty, good)
    t.equal(faulty.body.errors.length, 100, 'an answer stays small')
    const many = await bulk(Array(10_001).fill(row))
    t.match(many, good)
    t.same(pointed(many), ['/body/items out_of_range'])
    const most = await bulk(Array(1_000_000).fill(1))
    t.same([most.status, pointed(most)], [400, ['/body/items out_of_range']])
    t.same(pointed(await bulk([])), ['/body/items out_of_range'])
    t.same(pointed(await post(officer, '/v1/vouchers/bulk', row)).sort(), [
      '/body/amount unknown_field',
      '/body/enterprise unknown_field',
      '/body/items required',
      '/body/program unknown_field',
    ])
    t.same(pointed(await post(officer, '/v1/vouchers/bulk', { items: { 0: row } })), ['/body/items wrong_type'])
    t.same(pointed(await post(officer, '/v1/vouchers/bulk', { items: [row], together: true })), [
      '/body/together unknown_field',
    ])
  })
})

t.test('without an Idempotency-Key, or with one that is none', async (t) => {
  await unchanged(t, async () => {
    for (const headers of [{}, { 'idempotency-key': '' }, { 'idempotency-key': 'a b' }]) {
      const response = await fetch(`${base}/v1/vouchers/bulk`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token(officer)}`, 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ items: rows }),
      })
      t.match([response.status, await response.json()], [400, { code: 'idempotency_key_missing' }])
    }
  })
})

t.test('ten thousand rows of the longest values fit, and each is issued once', async (t) => {
  const program = '券'.repeat(64)
  await publish(program, '9999999999999.99', { annualCap: 9_999_999_999_999_99n })
  const items = Array.from({ length: 10_000 }, (_, n) => ({
    enterprise: firms[n % firms.length],
    program,
    amount: '100000000.00',
  }))
  const bytes = Buffer.byteLength(JSON.stringify({ items }, null, 2))
  t.ok(bytes > 2_097_152, `${bytes} bytes when it is laid out for people`)
  const response = await fetch(`${base}/v1/vouchers/bulk`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token(officer)}`,
      'content-type': 'application/json',
      'idempotency-key': 'ten-thousand',
    },
    body: JSON.stringify({ items }, null, 2),
  })
  const text = await response.text()
  const answer = JSON.parse(text)
  t.match(answer, { done: 10_000, refused: 0 })
  t.same(await issuedUnder(program), { count: 10_000, fen: String(10_000n * 10_000_000_000n) })
  await unchanged(t, async () => {
    t.equal((await bulk(items, 'ten-thousand')).text, text, 'the same again, byte for byte')
  })
})

t.test('a row that fails takes no other with it, and is done when it is asked again', async (t) => {
  // The real engine on the real database, but three of its answers get lost on the way, one before it is run.
  const faults: Record<string, (run: () => Promise<unknown>) => Promise<never>> = {
    'lost 1': () => Promise.reject(new Refused('unavailable')),
    'lost 2': (run) => run().then(() => Promise.reject(new Refused('unavailable'))),
    'lost 4': () => Promise.reject(new EngineFault(new Error('select secret from insides'))),
  }
  const lossy = {
    hasRoom: () => true,
    run: (asked: Asked) => {
      const run = () => service.engine.run(asked)
      return faults[asked.key!]?.(run) ?? run()
    },
  } as unknown as Engine
  const auth = builtInIssuer('test', 'test')
  const app = await buildApp({ engine: lossy, clock } as never, { isOpen: true } as never, { auth })
  t.teardown(() => app.close())
  const there = await app.listen({ host: '127.0.0.1', port: 0 })
  const { subject, ...claims } = officer
  const items = rows.slice(0, 6)
  const { count } = await issuedUnder('WJ-2026')
  const response = await fetch(`${there}/v1/vouchers/bulk`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${app.jwt.sign(claims as object, { sub: subject })}`,
      'content-type': 'application/json',
      'idempotency-key': 'lost',
    },
    body: JSON.stringify({ items }),
  })
  const text = await response.text()
  const lost = { status: response.status, text, body: JSON.parse(text), headers: response.headers }
  t.equal(lost.status, 200)
  t.match(lost.body, { done: 3, refused: 3 })
  t.same(refusedRows(lost), ['1 unavailable', '2 unavailable', '4 internal_fault'])
  t.match(lost.body.items[4].details.traceId, /^[0-9a-f]{32}$/)
  t.notMatch(text, /insides|secret/)

  const again = await bulk(items, 'lost')
  t.match(again.body, { done: 6, refused: 0 })
  for (const row of [0, 3, 5]) t.same(again.body.items[row], lost.body.items[row])
  t.equal((await issuedUnder('WJ-2026')).count, count + 6, 'each of them once')
})

t.test(
  'an engine that fills up meanwhile refuses every row; one that is full, the request before it is read',
  async (t) => {
    const overloaded = {
      hasRoom: (_?: string) => true,
      run: async () => ({ refused: 'overloaded' }),
    } as unknown as Engine
    const auth = builtInIssuer('test', 'test')
    const app = await buildApp({ engine: overloaded, clock } as never, { isOpen: true } as never, { auth })
    t.teardown(() => app.close())
    const { subject, ...claims } = officer
    const send = () =>
      app.inject({
        method: 'POST',
        url: '/v1/vouchers/bulk',
        headers: {
          authorization: `Bearer ${app.jwt.sign(claims as object, { sub: subject })}`,
          'idempotency-key': 'late',
          'accept-language': 'en',
        },
        payload: { items: rows.slice(0, 2) },
      })
    const response = await send()
    const refused = { outcome: 'refused', code: 'overloaded', title: refusals.overloaded.en }
    t.same(response.json(), {
      items: [
        { row: 0, ...refused },
        { row: 1, ...refused },
      ],
      done: 0,
      refused: 2,
    })
    for (const hasRoom of [() => false, (organisation?: string) => organisation === undefined]) {
      Object.assign(overloaded, { hasRoom })
      const full = await send()
      t.equal(full.statusCode, 503)
      t.equal(full.headers['retry-after'], '1')
      t.equal(full.json().code, 'overloaded')
    }
  },
)

t.test('the ledger adds up, and replays', async (t) => {
  const sql = connect(database.databaseUrl, 1)
  t.teardown(() => sql.end({ timeout: 5 }))
  for await (const checked of verifyLedger(sql)) t.ok(checked.ok, checked.name)
})
