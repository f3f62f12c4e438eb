/** Settlement reports over HTTP: tied to the ledger, the same bytes for ever, as files that can be read again. */
import readExcelFile from 'read-excel-file/node'
import t from 'tap'
import { verifyLedger } from '../../src/audit/verify.js'
import { capital } from '../../src/core/capital.js'
import { parseYuan, yuan } from '../../src/core/money.js'
import { connect } from '../../src/platform/database.js'
import { closePeriod, confirmPayments } from '../../src/settlement/settle.js'
import type { SettlementReport } from '../../src/settlement-reports/contract.js'
import { rowsOf as sheetRowsOf } from '../../src/settlement-reports/paper.js'
import { rollUp } from '../../src/settlement-reports/roll-up.js'
import { publishWorkdaysCommand } from '../../src/workdays/commands.js'
import { ask, bureau, firm } from '../support/scene.js'
import { china, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

const world = await testService('2026-03-02')
const sql = connect(world.database.databaseUrl, 2)
const admin = connect(world.database.adminUrl, 1)
t.teardown(async () => {
  await Promise.all([sql.end(), admin.end()])
  await world.close()
})
const stage = new Stage(world.service.engine)
const on = (day: string) => world.clock.set(china(day))
const auditor = (jurisdiction: string) => ({ ...bureau(jurisdiction), roles: ['auditor' as const] })

async function get(query: string, actor = auditor('000000') as ReturnType<typeof firm>, path = '') {
  const response = await fetch(`${world.base}/v1/reports/settlement${path}?${query}`, {
    headers: { authorization: `Bearer ${world.token(actor)}` },
  })
  return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()) }
}
async function report(query: string, actor?: ReturnType<typeof firm>): Promise<SettlementReport> {
  const { status, bytes } = await get(query, actor)
  if (status !== 200) throw new Error(`${status} ${bytes}`)
  return JSON.parse(String(bytes)) as SettlementReport
}
const close = async (period: string, through: string) => {
  const outcome = await closePeriod(world.service.engine, sql, {
    command: { period, through },
    actor: bureau('000000'),
    key: `close ${period}`,
  })
  if ('refused' in outcome) throw new Error(outcome.refused)
}
const confirm = async (period: string) => {
  const outcome = await confirmPayments(world.service.engine, sql, {
    command: { period },
    actor: bureau('000000'),
    key: `pay ${period}`,
  })
  if ('refused' in outcome) throw new Error(outcome.refused)
}

/** Publishes a notice for 2026: these days off and no weekend worked. */
const publish = (off: readonly string[], version?: number) =>
  stage.must({
    type: publishWorkdaysCommand as never,
    command: { year: 2026, document: '国办发明电〔2025〕7号', off, work: [], ...(version ? { version } : {}) },
    actor: bureau('000000'),
  })
const published = await publish(['2026-03-03', '2026-04-06'])

// A year and a quarter of business: three books in two provinces, providers in Shanghai.
const wujiang = await stage.place({ jurisdiction: '320509' }, {}, 50_000_00n)
const jiangsu = await stage.place({ jurisdiction: '320000' }, { enterprise: wujiang.enterprise }, 50_000_00n)
const shanghai = await stage.place({ jurisdiction: '310000' }, {}, 50_000_00n)
const first = await stage.order(wujiang, 'approved')
await stage.order(jiangsu, 'approved', { voucherAmount: 200_00n })
const supplemented = await stage.order(wujiang, 'filed')
await stage.must(ask.supplement(supplemented, wujiang.enterprise, 2_000_00n, 150_00n))
await stage.must(ask.deliver(supplemented, wujiang.provider))
const cancelled = await stage.order(shanghai, 'filed')
await stage.must(ask.cancel(cancelled, shanghai.enterprise))
on('2026-04-01')
// Dated after the last day of the quarter, and numbered before its close: it belongs to the next one.
const second = await stage.order(shanghai, 'submitted')
await stage.must(ask.giveBack(second))
await stage.must(ask.submit(second, shanghai.provider, 77))
await stage.must(ask.verify(second))
await stage.must(ask.approve(second, 90_00n))
on('2026-04-02')
await close('2026-Q1', '2026-03-31')
const early = await get('period=2026-Q1')
on('2026-04-12')
await confirm('2026-Q1')
await stage.must(ask.clawBack(first, 30_00n))
await stage.must(ask.clawBack(second, 10_00n))
on('2026-05-20')
await stage.order(wujiang, 'confirmed')
on('2026-07-02')
await close('2026-Q2', '2026-06-30')

t.test('a period has what it took, and nothing that came after its last day', async (t) => {
  const q1 = await report('period=2026-Q1')
  t.match(q1.total, {
    issued: '2000.00',
    vouchers: 4,
    firmsIssued: 2,
    firms: 2,
    orders: 4,
    // 100 + 200 + 150 of orders; the cancelled one gave its 100 back.
    used: '450.00',
    approved: '300.00',
    claims: 2,
    clawedBack: '0.00',
    redeemed: '300.00',
    paid: '0.00',
  })
  t.same(q1.capital.redeemed, capital(300_00n))
  t.same(
    q1.matrix.map(({ from, to, direction, amount }) => [from, to, direction, amount]),
    [['320000', '310000', 'outbound', '300.00']],
  )
  t.same(
    q1.funnel.map(({ stage, count, amount }) => [stage, count, amount]),
    [
      ['issued', 4, '2000.00'],
      ['filed', 4, '650.00'],
      ['delivered', 3, '450.00'],
      ['confirmed', 2, '300.00'],
      ['claimed', 2, '300.00'],
      ['approved', 2, '300.00'],
      ['paid', 0, '0.00'],
    ],
    'a delivery counts with the supplemented amount',
  )
  t.match(q1.ageing[0], { fromDays: 0, toDays: 30, orders: 2, amount: '300.00' })
  t.equal(q1.change, null, 'nothing was closed a year before')

  const q2 = await report('period=2026-Q2')
  t.match(q2.total, { approved: '90.00', clawedBack: '40.00', redeemed: '50.00', paid: '300.00', ordersPaid: 2 })
  t.same(
    q2.payment,
    { orders: 2, p50: 41, p90: 41, workdaysP50: 27, workdaysP90: 27 },
    'claimed on Monday 2 March, paid on Sunday 12 April: six weeks of five days less 3 March and 6 April, and the first day is not counted',
  )
  t.match(q2.funnel[4], { stage: 'claimed', count: 1 }, 'a claim that was completed is not claimed twice')
  t.match(q2.ageing[2], { fromDays: 61, orders: 1, amount: '80.00' }, 'approved on 1 April, 10 clawed back, unpaid')

  const year = await report('year=2026')
  t.same(year.periods, ['2026-Q1', '2026-Q2'])
  t.match(year.total, { approved: '390.00', redeemed: '350.00', firms: 2, orders: 6 }, 'a firm counts once')
  t.same((await report('year=2026&upTo=2026-Q1')).total, q1.total)
  t.equal(year.from, null)
  t.equal(q2.from, '2026-04-01')
})

t.test('the same bytes, before and after further business, and when it is all added up again', async (t) => {
  t.same((await get('period=2026-Q1')).bytes, early.bytes, 'paid, clawed back and closed again since')
  const before = await get('year=2026')
  const files = await Promise.all(
    ['csv', 'xlsx'].map((format) => get(`year=2026&format=${format}`, undefined, '/file')),
  )
  await stage.order(wujiang, 'approved')
  await publish(['2026-04-07', '2026-04-08', '2026-04-09'], (published.event as { version: number }).version)
  await rollUp(sql)
  t.same((await get('year=2026')).bytes, before.bytes)
  for (const [n, format] of ['csv', 'xlsx'].entries()) {
    t.same((await get(`year=2026&format=${format}`, undefined, '/file')).bytes, files[n]!.bytes, format)
  }
  const tables = await admin<{ name: string }[]>`
    select relname::text as name from pg_class where relnamespace = 'clearing'::regnamespace and relkind = 'r'
      and relname like 'report\\_%' order by 1`
  const content = async () => {
    const all: Record<string, string> = {}
    for (const { name } of tables) {
      const [row] = await admin.unsafe(
        `select coalesce(string_agg(r::text, E'\\n' order by r::text), '') as text from clearing.${name} r`,
      )
      all[name] = row!.text as string
    }
    return all
  }
  const kept = await content()
  await admin.unsafe(`truncate ${tables.map(({ name }) => `clearing.${name}`).join()}`)
  // In small steps, so that the steps of an order fall into different ones.
  while (((await sql`select roll_up(3) as added`)[0]!.added as number) > 0);
  await sql`select roll_up_items()`
  t.same(await content(), kept, 'in steps of three commands')
  t.same((await get('year=2026')).bytes, before.bytes)
  const upTo = await get('year=2026&upTo=2026-Q1')
  await close('2025-S1', '2025-03-31')
  t.same((await get('period=2026-Q1')).bytes, early.bytes, 'the year before is closed later')
  t.same((await get('year=2026&upTo=2026-Q1')).bytes, upTo.bytes, 'nor does part of a year change')
})

t.test('totals are those of the trial balance', async (t) => {
  on('2026-10-02')
  await close('2026-Q3', '2026-09-30')
  const year = await report('year=2026')
  const sum = (list: readonly string[]) => yuan(list.reduce((total, text) => total + parseYuan(text), 0n))
  for (const { jurisdiction, figures } of year.jurisdictions) {
    const { entry, seq } = year.heads.find(({ book }) => book === jurisdiction)!
    t.ok(seq >= entry)
    const [ledger] = await sql<
      { voucher: bigint; held: bigint; redeemed: bigint; appropriated: bigint; pool: bigint }[]
    >`
      select sum(b.posted) filter (where a.kind = 4)::bigint as voucher, sum(b.held) filter (where a.kind = 4)::bigint as held,
             (coalesce(sum(b.posted) filter (where a.kind in (2, 5)), 0)
               - coalesce(sum(b.posted) filter (where a.kind = 6), 0))::bigint as redeemed,
             sum(b.posted) filter (where a.kind = 1)::bigint as appropriated,
             sum(b.posted) filter (where a.kind = 3)::bigint as pool
      from balances_as_of(${Number(jurisdiction)}, ${entry}) b
      join accounts a on a.book = ${Number(jurisdiction)} and a.account = b.account`
    const { voucher, held, redeemed, appropriated, pool } = ledger!
    t.equal(figures.redeemed, yuan(redeemed), `${jurisdiction}: redeemed is payable and paid less recoverable`)
    t.equal(parseYuan(figures.used), held + parseYuan(figures.approved), 'used is held and captured')
    t.equal(parseYuan(figures.issued) - parseYuan(figures.lapsed) - parseYuan(figures.approved), voucher, 'issued')
    t.equal(appropriated - pool, voucher + redeemed, 'and the books themselves are even')
  }
  for (const key of ['issued', 'used', 'approved', 'redeemed', 'lapsed', 'paid'] as const) {
    t.equal(sum(year.jurisdictions.map(({ figures }) => figures[key])), year.total[key], `jurisdictions: ${key}`)
    t.equal(sum(year.provinces.map(({ figures }) => figures[key])), year.total[key], `provinces: ${key}`)
  }
  t.equal(sum(year.matrix.map(({ amount }) => amount)), year.total.redeemed, 'matrix')
  for (const list of [year.categories, year.programs, year.providers]) {
    for (const key of ['used', 'redeemed', 'approved'] as const)
      t.equal(sum(list.map((one) => one[key])), year.total[key])
  }
})

t.test('a bureau has its tree, the region all, firms nothing', async (t) => {
  const own = await report('period=2026-Q1', auditor('320509'))
  t.equal(own.jurisdiction, '320509', 'its own without being asked')
  t.equal(own.total.redeemed, '100.00')
  t.same(
    own.jurisdictions.map(({ jurisdiction }) => jurisdiction),
    ['320509'],
  )
  const province = await report('period=2026-Q1', auditor('320000'))
  t.same(
    province.jurisdictions.map(({ jurisdiction }) => jurisdiction),
    ['320000', '320509'],
  )
  t.equal(province.total.firms, 1, 'the one firm of both books')
  const inbound = await report('period=2026-Q1', auditor('310000'))
  t.match(inbound.matrix, [{ from: '320000', to: '310000', direction: 'inbound', amount: '300.00' }])
  t.equal(inbound.total.redeemed, '0.00')
  for (const [actor, jurisdiction, status] of [
    [auditor('320509'), '320000', 403],
    [auditor('320000'), '000000', 403],
    [auditor('310000'), '320509', 403],
    [firm(wujiang.enterprise), '320509', 403],
  ] as const) {
    t.equal((await get(`period=2026-Q1&jurisdiction=${jurisdiction}`, actor)).status, status)
  }
  t.match(JSON.parse(String((await get('period=2026-Q1&year=2026')).bytes)), { errors: [{ code: 'period_or_year' }] })
  t.match(JSON.parse(String((await get('')).bytes)), { errors: [{ pointer: '/query/period', code: 'required' }] })
  t.equal((await get('period=nope')).status, 404)
  t.equal((await get('year=2020')).status, 404)
})

t.test('the file of it: every cell as the report says, read by another library; the page has them, too', async (t) => {
  const head = 'document=%E8%8B%8F%E7%A7%91%E3%80%942026%E3%80%951%E5%8F%B7&preparedBy=A%26B'
  const said = { document: '苏科〔2026〕1号', preparedBy: 'A&B' }
  const made = await report('year=2026')
  const { bytes } = await get(`year=2026&${head}`, undefined, '/file')
  const [sheet] = await readExcelFile(bytes)
  const wanted = sheetRowsOf(made, said).map((row) =>
    row.map((cell) => (typeof cell === 'object' ? Number(cell.yuan) : cell === '' ? null : cell)),
  )
  const padded = (rows: readonly (readonly unknown[])[]) => {
    const width = Math.max(...rows.map((row) => row.length))
    return rows.map((row) => Array.from({ length: width }, (_, n) => row[n] ?? null))
  }
  t.same(padded(sheet!.data as unknown[][]), padded(wanted))
  t.match(wanted, [[/清算报表/], ['文号', said.document], ['编制单位', said.preparedBy]])
  const page = await get(`year=2026&${head}`, undefined, '/page')
  t.match(String(page.bytes), made.capital.redeemed)
  t.match(String(page.bytes), 'A&amp;B')
})

t.test('the check of the ledger re-adds what reports are made of', async (t) => {
  await rollUp(sql)
  const found = async () => {
    for await (const checked of verifyLedger(sql)) if (!checked.ok) return checked
    return undefined
  }
  t.equal(await found(), undefined)
  for (const [change, back, name] of [
    ['report_days set held = held + 1 where filed > 0', 'report_days set held = held - 1 where filed > 0', /held 冻结/],
    ['report_items set amount = amount + 1', 'report_items set amount = amount - 1', /items 明细/],
  ] as const) {
    await admin.unsafe(`update clearing.${change}`)
    t.match(await found(), { name: 'reports', finding: name })
    await admin.unsafe(`update clearing.${back}`)
  }
})
