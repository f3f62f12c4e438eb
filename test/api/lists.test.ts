/** Lists: complete pages while rows come and move, the next page's address, and held amounts of one's own book only. */
import postgres from 'postgres'
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { orderStates, stageOf } from '../../src/orders/contract.js'
import { askOf } from '../support/ask.js'
import { rules, uscc } from '../support/scene.js'
import { testService } from '../support/service.js'

const service = await testService()
const admin = postgres(service.database.adminUrl, { max: 1, onnotice: () => {} })
t.teardown(async () => {
  await admin.end()
  await service.close()
})
const ask = askOf(service)

const firm: Actor = { subject: 'Wang', organisation: uscc(1), roles: ['enterprise'] }
const lab: Actor = { subject: 'Zhou', organisation: uscc(50), roles: ['provider'] }
const bureau = (jurisdiction: string): Actor => ({
  subject: 'Chen',
  organisation: `bureau ${jurisdiction}`,
  jurisdiction,
  roles: ['officer', 'approver', 'finance'],
})
const books = ['310000', '320509'] as const
const vouchers: Record<string, string> = {}

const done = async (actor: Actor, path: string, body: object) => {
  const answer = await ask(actor, 'POST', path, body)
  if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}
let contracts = 0
const file = (book: string, voucherAmount = '1.00') =>
  done(firm, '/v1/orders', {
    voucher: vouchers[book],
    provider: lab.organisation,
    category: 'testing',
    contractNo: `HT-${++contracts}`,
    contractAmount: '10.00',
    voucherAmount,
    signedOn: '2026-03-01',
    relatedParty: false,
  }).then(({ order }) => order as string)

t.before(async () => {
  await done(firm, '/v1/enterprises', {
    uscc: firm.organisation,
    name: '企业',
    division: '310115',
    types: ['tech_sme'],
  })
  await done(lab, '/v1/providers', {
    uscc: lab.organisation,
    name: '机构',
    division: '310115',
    categories: ['testing'],
  })
  for (const book of books) {
    const { program, annualCap: _, ...others } = rules({ program: `P-${book}`, jurisdiction: book })
    const said = { program, annualCap: '1000000.00', ...(book === '320509' ? { reach: '310115' } : {}), ...others }
    await done(bureau(book), '/v1/programs', said)
    await done(bureau(book), '/v1/appropriations', { program: `P-${book}`, amount: '1000000.00' })
    const recognition = { provider: lab.organisation, jurisdiction: book, categories: ['testing'] }
    await done(bureau(book), '/v1/recognitions', { ...recognition, from: '2026-01-01', to: '2026-12-31' })
    const issue = { enterprise: firm.organisation, program: `P-${book}`, amount: '100000.00' }
    vouchers[book] = (await done(bureau(book), '/v1/vouchers', issue)).voucher
  }
})

const get = async (actor: Actor, path: string) => {
  const response = await fetch(service.base + path, { headers: { authorization: `Bearer ${service.token(actor)}` } })
  return { link: response.headers.get('link'), body: (await response.json()) as Page }
}
interface Page {
  readonly items: readonly { order: string; state: string; held: string }[]
  readonly next: string | null
}

t.test('what an order holds is of its own book', async (t) => {
  const [shanghai, wujiang] = [await file('310000', '1.00'), await file('320509', '2.00')]
  t.equal(shanghai.slice(7), wujiang.slice(7), 'two books, one number')
  const held = async (order: string) => (await ask(firm, 'GET', `/v1/orders/${order}`)).body.held
  t.same([await held(shanghai), await held(wujiang)], ['1.00', '2.00'])
})

t.test('pages are complete and without a double while orders come and move', async (t) => {
  const views: [Actor, string][] = [
    [firm, ''],
    [lab, ''],
    [bureau('000000'), ''],
    [bureau('310000'), ''],
    [firm, '&state=filed'],
    [bureau('000000'), '&state=filed'],
    [lab, '&state=filed&program=P-310000'],
  ]
  const there: string[] = []
  for (let n = 0; n < 10; n++) there.push(await file(books[n % 2]!))
  for (const [actor, filter] of views) {
    const title = `${actor.organisation} ${filter}`
    const sees = (order: string) =>
      (actor.jurisdiction !== '310000' && !filter.includes('P-310000')) || order.startsWith('O310000')
    const moved: string[] = []
    const seen: string[] = []
    for (let path: string | undefined = `/v1/orders?limit=2${filter}`; path; ) {
      const { link, body } = await get(actor, path)
      seen.push(...body.items.map(({ order }) => order))
      // One that was there moves on, and new ones come in front of the reader and behind.
      const last = there.find((order) => !moved.includes(order))!
      if (moved.length < 3) {
        moved.push(last)
        await done(firm, `/v1/orders/${last}/cancellation`, {})
      }
      if (seen.length < 30) for (const book of books) await file(book)
      path = body.next === null ? undefined : /^<(.+)>; rel="next"$/.exec(link ?? '')?.[1]
      t.equal(body.next === null, link === null, 'a Link as long as there is a next page')
    }
    t.equal(new Set(seen).size, seen.length, `${title}: nothing twice`)
    const missing = there.filter((order) => sees(order) && !moved.includes(order) && !seen.includes(order))
    t.same(missing, [], `${title}: nothing missing`)
    for (const order of moved) there.splice(there.indexOf(order), 1)
    for (let n = 0; n < 4; n++) there.push(await file(books[n % 2]!))
  }
})

t.test('the address of the next page keeps what was asked', async (t) => {
  const { link } = await get(firm, '/v1/orders?program=P-310000&limit=1')
  t.match(link, /^<\/v1\/orders\?program=P-310000&limit=1&cursor=[\w-]+>; rel="next"$/)
  t.equal((await get(firm, '/v1/orders?limit=100&state=lapsed')).link, null)
})

t.test('the stage of a state is the same for the database and for those who ask', async (t) => {
  const [row] = await admin`
    select pg_get_expr(adbin, adrelid) as expression from pg_attrdef
    join pg_attribute on attrelid = adrelid and attnum = adnum
    where adrelid = 'clearing.orders'::regclass and attname = 'stage'`
  const stages = await admin.unsafe(`select state, ${row!.expression} as stage from unnest($1::text[]) state`, [
    [...orderStates],
  ])
  t.same(Object.fromEntries(stages.map(({ state, stage }) => [state, stage])), stageOf)
})
