/** What finance officers and banks see of a closed period: releases by two persons, set-off, stops, files. */
import readExcelFile from 'read-excel-file/node'
import t, { type Test } from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { type AskedRow, Runner } from '../../src/engine/runner.js'
import type { Outcome } from '../../src/engine/ticket.js'
import { type Instruction, painOf } from '../../src/payments/pain.js'
import { readCsv } from '../../src/platform/csv.js'
import { statementCsv } from '../../src/rehearsal/offices.js'
import { takeStatementCommand } from '../../src/statements/commands.js'
import { sheetStatement } from '../../src/statements/file.js'
import { markPayees } from '../../src/statements/paid.js'
import { statementIdOf } from '../../src/statements/upload.js'
import { askOf } from '../support/ask.js'
import { makeBatch } from '../support/payments.js'
import { ask as asking, bureau, firm } from '../support/scene.js'
import { china, testEngine, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'
import { departures } from './definition.js'

const WJ = '320509'
const of = (role: 'officer' | 'approver' | 'finance', jurisdiction = WJ): Actor => ({
  ...bureau(jurisdiction, role),
  roles: [role],
})
const finance = of('finance')

interface Scene {
  readonly ask: ReturnType<typeof askOf>
  readonly stage: Stage
  readonly service: Awaited<ReturnType<typeof testService>>
  readonly orders: readonly string[]
  readonly provider: string
  readonly batch: string
}

/** A period in which one provider was approved 100.00 twice, closed. */
async function closed(t: Test): Promise<Scene> {
  const service = await testService('2026-03-02')
  t.teardown(() => service.close())
  const stage = new Stage(service.service.engine)
  const place = await stage.place({ jurisdiction: WJ })
  const voucher = await stage.voucher(place)
  const orders = [await stage.order(place, 'approved', { voucher }), await stage.order(place, 'approved', { voucher })]
  service.clock.set(china('2026-04-02'))
  const ask = askOf(service)
  const answer = await ask(of('finance', '000000'), 'POST', '/v1/periods', { period: '2026-Q1', through: '2026-03-31' })
  t.match(answer, { status: 200 })
  const { items } = (await ask(finance, 'GET', '/v1/payment-batches?period=2026-Q1')).body
  t.match(items, [{ book: WJ, lines: 1, amount: '200.00', open: 1, released: '0.00' }])
  return { ask, stage, service, orders, provider: place.provider, batch: items[0].batch }
}

t.test('what is payable less what is recoverable is released, by two persons who counted the same', async (t) => {
  const { ask, stage, orders, batch } = await closed(t)
  const path = `/v1/payment-batches/${batch}`
  t.match((await ask(finance, 'GET', path)).body.control, { count: 1, total: '200.00' })
  const wrong = await ask(finance, 'POST', `${path}/releases`, { count: 1, total: '199.00' })
  t.match(wrong.body, { code: 'control_total_mismatch', details: { count: 1, total: '200.00' } })
  await stage.must(asking.clawBack(orders[0]!, 30_00n))
  const stale = await ask(finance, 'POST', `${path}/releases`, { count: 1, total: '200.00' })
  t.match(stale.body, { code: 'control_total_mismatch' }, 'a claw-back after closing lessens the line')
  t.match((await ask(finance, 'GET', path)).body.items, [{ amount: '200.00', due: '170.00' }])
  const released = await ask(finance, 'POST', `${path}/releases`, { count: 1, total: '170.00' })
  t.match(released.body.result, { count: 1, total: '170.00', setOff: '30.00' })
  t.match((await ask(finance, 'GET', path)).body.items, [{ state: 'released', released: '170.00', setOff: '30.00' }])
  const again = await ask(finance, 'POST', `${path}/releases`, { lines: [1], count: 1, total: '170.00' })
  t.match(again.body, { code: 'line_not_open' })

  t.match((await ask(finance, 'POST', `${path}/stops`, { line: 1, reason: '账号待核' })).body.result, {
    amount: '170.00',
  })
  t.match((await ask(finance, 'GET', path)).body.items, [{ state: 'open', released: '0.00', due: '170.00' }])
  t.match((await ask(finance, 'POST', `${path}/stops`, { line: 1, reason: '账号待核' })).body, {
    code: 'state_conflict',
  })
})

t.test('a claw-back that stopped a line is not taken off the next period, too', async (t) => {
  const { ask, stage, service, orders, batch } = await closed(t)
  await stage.must(asking.clawBack(orders[0]!, 100_00n))
  await stage.must(asking.clawBack(orders[1]!, 80_00n))
  const release = async (one: string, total: string) => {
    const answer = await ask(finance, 'POST', `/v1/payment-batches/${one}/releases`, { count: 1, total })
    t.match(answer.body.result, { total })
  }
  const { payee } = (await ask(finance, 'GET', `/v1/payment-batches/${batch}`)).body.items[0]
  await release(batch, '20.00')
  const place = await stage.place({ jurisdiction: WJ }, { provider: payee })
  await stage.order(place, 'approved')
  service.clock.set(china('2026-07-02'))
  await ask(of('finance', '000000'), 'POST', '/v1/periods', { period: '2026-Q2', through: '2026-06-30' })
  const { items } = (await ask(finance, 'GET', '/v1/payment-batches?period=2026-Q2')).body
  const [line] = (await ask(finance, 'GET', `/v1/payment-batches/${items[0].batch}`)).body.items
  t.match(line, { amount: '100.00', clawedBack: '180.00', due: '100.00' }, '300 approved, 180 taken back, 20 paid')
  await release(items[0].batch, '100.00')
  const refunds = async () => (await ask(of('finance', '000000'), 'GET', '/v1/periods/2026-Q2/refunds')).body.items
  t.same(await refunds(), [], 'nor is it asked for again')
})

t.test('a release as a file is the same bytes whenever it is asked for', async (t) => {
  const { ask, service, provider, batch } = await closed(t)
  const path = `/v1/payment-batches/${batch}`
  const own = {
    holder: `provider ${provider}`,
    bank: '工商银行上海分行',
    bankCode: '102290000013',
    number: '6222020012345678',
  }
  const payer = {
    holder: '=1+1 <财政&局>',
    bank: '农业银行吴江支行',
    bankCode: '103305000012',
    number: '0012345678901234567',
  }
  await ask(firm(provider), 'POST', `/v1/bank-accounts/${provider}`, own)
  const proposed = async (owner: string, actor: Actor) =>
    String((await ask(actor, 'GET', `/v1/bank-accounts/${owner}`)).body.version)
  const confirm = async (owner: string, actor: Actor) => {
    const version = await proposed(owner, actor)
    t.match(await ask(actor, 'POST', `/v1/bank-accounts/${owner}/confirmations`, { version }), { status: 200 })
  }
  await confirm(provider, firm(provider, 'Zhao'))
  await ask(finance, 'POST', `/v1/bank-accounts/${WJ}`, { ...payer, explanation: '财政专户' })
  await confirm(WJ, of('officer'))
  const answer = await ask(finance, 'POST', `${path}/releases`, { count: 1, total: '200.00' })
  const { release } = answer.body.result
  const file = async (format: string, actor = finance) => {
    const response = await fetch(`${service.base}${path}/releases/${release}/file?format=${format}`, {
      headers: { authorization: `Bearer ${service.token(actor)}` },
    })
    return Buffer.from(await response.arrayBuffer())
  }
  const expected = [
    ['批次号', `P${WJ}-${release}`],
    ['付款人户名', payer.holder],
    ['付款人账号', payer.number],
    ['付款人开户行', payer.bank],
    ['付款人联行号', payer.bankCode],
    ['总笔数', 1],
    ['总金额（元）', 200],
    ['序号', '收款人户名', '收款人账号', '收款人开户行', '收款人联行号', '金额（元）', '币种', '附言', '用途'],
    [1, own.holder, own.number, own.bank, own.bankCode, 200, 'CNY', `${batch}-1`, '科技创新券兑付 2026-Q1'],
  ]
  const full = (row: readonly unknown[]) => Array.from({ length: 9 }, (_, n) => row[n] ?? null)
  const [xlsx, csv, pain] = [await file('xlsx'), await file('csv'), await file('pain.001')]
  const [sheet] = (await readExcelFile(xlsx)) as unknown as { data: unknown[][] }[]
  t.same(sheet!.data.map(full), expected.map(full), 'xlsx, cell by cell, as another library reads it')
  const cells = readCsv(csv).rows.map(({ cells }) => cells.map(({ text }) => text.replace(/^'/, '')))
  t.same(
    cells,
    expected.map((row) => row.map((cell) => (cell === 200 ? '200.00' : String(cell)))),
  )
  t.ok(csv.includes("'=1+1"), 'no formula')
  const xml = pain.toString()
  t.same(departures(xml), [], 'pain.001.001.09')
  t.match(xml, `<EndToEndId>${batch}-1</EndToEndId></PmtId><Amt><InstdAmt Ccy="CNY">200.00</InstdAmt></Amt>`)
  t.match(xml, '<Nm>=1+1 &lt;财政&amp;局&gt;</Nm>')
  service.clock.set(china('2026-05-06'))
  for (const [format, first] of Object.entries({ csv, xlsx, 'pain.001': pain })) {
    t.ok(first.equals(await file(format)), `${format}: the same bytes a month later`)
  }
  t.match(JSON.parse((await file('csv', of('finance', '320500'))).toString()), { code: 'not_your_jurisdiction' })
  t.match(JSON.parse((await file('csv', of('officer'))).toString()), { code: 'role_not_permitted' })
  const { items } = (await ask(firm(provider), 'GET', '/v1/payments')).body
  t.match(items, [{ reference: `${batch}-1`, period: '2026-Q1', released: '200.00', state: 'released' }])
})

t.test('own payments go on behind the last line of a page, also within one batch', async (t) => {
  const { ask, stage, provider } = await closed(t)
  const lines = ['provider', 'enterprise'].map((role) => ({
    payee: `${role}:${provider}`,
    province: 310000,
    amount: 5_00n,
  }))
  await stage.must(makeBatch({ book: Number(WJ), period: 'both', source: 'payable', lines }))
  const get = async (query: string) => (await ask(firm(provider), 'GET', `/v1/payments?${query}`)).body
  const { items: all } = await get('limit=10')
  t.equal(all.length, 3)
  const found = []
  for (let next: string | null = ''; next !== null; ) {
    const answer = await get(`limit=1${next === '' ? '' : `&cursor=${next}`}`)
    found.push(...answer.items)
    next = answer.next
  }
  t.same(found, all)
})

t.test('what is behind a number as a file: title, unit, masked accounts, references, what it adds up to', async (t) => {
  const { ask, stage, service, orders, provider, batch } = await closed(t)
  const number = '6222020012345678'
  const own = { holder: `provider ${provider}`, bank: '工商银行上海分行', bankCode: '102290000013', number }
  await ask(firm(provider), 'POST', `/v1/bank-accounts/${provider}`, own)
  const { version } = (await ask(firm(provider), 'GET', `/v1/bank-accounts/${provider}`)).body
  await ask(firm(provider, 'Zhao'), 'POST', `/v1/bank-accounts/${provider}/confirmations`, { version: String(version) })
  await ask(finance, 'POST', `/v1/payment-batches/${batch}/releases`, { count: 1, total: '200.00' })
  const get = async (path: string) => {
    const authorization = `Bearer ${service.token(finance)}`
    return Buffer.from(
      await (await fetch(`${service.base}/v1/periods/${path}`, { headers: { authorization } })).arrayBuffer(),
    )
  }
  const unit = '截至 through 2026-03-31，清算组 group region，单位：元 unit: yuan'
  const payee = [provider, own.holder, '310000', '**** 5678', `${batch}-1`, 'released']
  const gross = [
    ['清算周期 2026-Q1 总额明细 gross'],
    [unit],
    [
      '发券账套 book',
      '账套名称 bookName',
      '收款单位 payee',
      '户名 name',
      '收款方省份 province',
      '收款账号（脱敏） account',
      '银行附言 reference',
      '拨付状态 payment',
      '核准 approved',
      '追回 clawedBack',
      '应付净额 amount',
      '经清算 netted',
    ],
    [WJ, '吴江区', ...payee, 200, 0, 200, '否 no'],
    ['合计 total', ...Array(7), 200, 0, 200],
  ]
  const items = [
    [`清算周期 2026-Q1 账套 book ${WJ} 核准与追回 items`],
    [unit],
    [
      '序号 seq',
      '日期 day',
      '订单 order',
      '收款单位 payee',
      '户名 name',
      '收款方省份 province',
      '收款账号（脱敏） account',
      '银行附言 reference',
      '拨付状态 payment',
      '金额 amount',
      '清算协议 agreement',
      '迟到 late',
    ],
    ...orders.map((order) => [/^\d+$/, '2026-03-02', order, ...payee, 100, null, '否 no']),
    ['合计 total', ...Array(8), 200],
  ]
  const full = (row: readonly unknown[]) => Array.from({ length: 12 }, (_, n) => row[n] ?? null)
  for (const [path, expected] of [
    ['2026-Q1/gross/export?book=320509', gross],
    [`2026-Q1/items/${WJ}/export?`, items],
  ] as const) {
    const [sheet] = (await readExcelFile(await get(`${path}&format=xlsx`))) as unknown as { data: unknown[][] }[]
    t.equal(sheet!.data.length, expected.length)
    t.match(sheet!.data.map(full), expected.map(full), 'xlsx, cell by cell, as another library reads it')
    const csv = readCsv(await get(`${path}&format=csv`)).rows.map(({ cells }) =>
      cells.map(({ text }) => text.replace(/^'/, '')),
    )
    t.equal(csv.length, expected.length)
    t.equal(csv.at(-1)!.at(expected === gross ? 10 : 9), '200.00')
    t.same(csv[2], expected[2])
    t.notMatch(csv.flat().join(), number)
  }
  // The same on the pages: what is released, what the bank has not confirmed, and the gross one click behind a net.
  const shown = async (path: string) => {
    const response = await fetch(service.base + path)
    t.match(response.headers.get('content-security-policy'), /^default-src 'none'/)
    return response.text()
  }
  const front = await shown('/')
  t.match(front, '<a href="/periods/2026-Q1/gross?of=320000">0.00</a>')
  t.match(front, '<li>已放行，银行尚未付讫 Released, and the bank has not said that it was paid: 1</li>')
  t.match(front, `<td class="n">200.00</td><td class="n">0.00</td><td class="n">200.00</td><td class="n">0</td></tr>`)
  t.match(front, `<td>已放行，银行尚未付讫</td><td>${batch}-1</td><td class="n"></td><td class="n">200.00</td>`)
  const cell = /<a href="(\/periods\/2026-Q1\/gross\?from=320000&amp;to=310000)">200\.00<\/a>/.exec(front)
  const lines = await shown(cell![1]!.replace('&amp;', '&'))
  t.match(lines, `<td>${batch}-1</td><td>released</td><td>**** 5678</td><td class="n">200.00</td>`)
  t.notMatch(await shown('/periods/2026-Q1/gross?of=320000'), batch, 'what is paid directly is in no net')
  t.equal((await fetch(`${service.base}/periods/2026-Q9/gross`)).status, 404)

  // A claw-back after the close is of the next period, and has no line.
  await stage.must(asking.clawBack(orders[0]!, 30_00n))
  service.clock.set(china('2026-07-02'))
  await ask(of('finance', '000000'), 'POST', '/v1/periods', { period: '2026-Q2', through: '2026-06-30' })
  const next = (await get(`2026-Q2/items/${WJ}/export`)).toString().split('\r\n').slice(3)
  t.match(next[0], new RegExp(`^\\d+,2026-04-02,${orders[0]},${provider},${own.holder},310000,,,,-30.00,,否 no$`))
  t.same(next.slice(1), ['合计 total,,,,,,,,,-30.00,,', ''])
  t.match(String(await get('2026-Q9/gross/export')), 'period_not_found')
  t.match(String(await get('2026-Q1/items/310000/export')), 'book_not_found')
})

/** Does something before it runs the first command. */
class Interrupted extends Runner {
  #before: (() => Promise<void>) | undefined
  constructor(
    readonly engine: Runner,
    before: () => Promise<void>,
  ) {
    super()
    this.#before = before
  }

  override async runAll(asked: AskedRow): Promise<Outcome[]> {
    const before = this.#before
    this.#before = undefined
    await before?.()
    return this.engine.runAll(asked)
  }

  override hasRoom = () => this.engine.hasRoom()
  override drained = () => this.engine.drained()
}

t.test('money that comes back while its orders are being marked paid leaves none of them paid', async (t) => {
  const { ask, service, batch } = await closed(t)
  await ask(finance, 'POST', `/v1/payment-batches/${batch}/releases`, { count: 1, total: '200.00' })
  const { engine, sql, close } = await testEngine(service.database, service.clock)
  t.teardown(close)
  const book = Number(WJ)
  const taken = async (number: string, side: 'debit' | 'credit') => {
    const line = { side, amount: '200.00', reference: `${batch}-1` }
    const csv = statementCsv({ number, day: '2026-04-02', lines: [line] })
    const { head, lines } = sheetStatement(readCsv(Buffer.from(csv)))
    const statement = statementIdOf(book, head)
    const command = { book, statement, head, at: 0, lines }
    await new Stage(engine).must({ type: takeStatementCommand as never, command, actor: finance, key: number })
    return statement
  }
  const states = async () =>
    (await sql<{ state: string }[]>`select distinct state from orders`).map(({ state }) => state)
  const paid = await taken('S-1', 'debit')
  const meanwhile = async () => {
    await markPayees(engine, sql, book, await taken('S-2', 'credit'))
    t.same(await states(), ['approved'], 'they were not marked paid yet')
  }
  await markPayees(new Interrupted(engine, meanwhile), sql, book, paid)
  t.same(await states(), ['approved'])
})

t.test('lines without an account are named all at once', async (t) => {
  const { ask, batch } = await closed(t)
  const path = `/v1/payment-batches/${batch}/releases`
  const { release } = (await ask(finance, 'POST', path, { count: 1, total: '200.00' })).body.result
  const { body } = await ask(finance, 'GET', `${path}/${release}/file?format=csv`)
  t.match(body, { code: 'account_missing', details: { lines: '1', payer: WJ } })
})

t.test('texts of any length and of any characters keep to the definition', (t) => {
  const account = { owner: WJ, account: 1, bankCode: '102290000013' }
  const to = { ...account, holder: '甲'.repeat(200), bank: '乙'.repeat(300), number: 'A'.repeat(32) }
  const odd = { ...to, holder: '\u0001<&>\u{1f600}"' }
  const transfers = [to, odd].map((one, n) => ({
    reference: `B320509-999999999999999-${n + 1}`,
    amount: n === 0 ? 1n : 1_000_000_000_000_000n,
    to: one,
    purpose: '用'.repeat(300),
  }))
  const instruction: Instruction = { message: 'P320509-999999999999999', at: china('2026-04-02'), from: odd, transfers }
  const xml = painOf(instruction)
  t.same(departures(xml), [])
  const changes: [RegExp | string, string][] = [
    ['<PmtMtd>TRF', '<PmtMtd>XXX'],
    [/<InstdAmt Ccy="CNY">0.01/, '<InstdAmt>0.01'],
    [/<InstdAmt Ccy="CNY">0.01/, '<InstdAmt Ccy="CNY">-0.01'],
    [/(<Cdtr>.*?<\/Cdtr>)(<CdtrAcct>.*?<\/CdtrAcct>)/, '$2$1'],
    ['001.001.09', '001.001.03'],
    ['<RmtInf>', '<Further>x</Further><RmtInf>'],
  ]
  for (const [from, to] of changes) t.not(departures(xml.replace(from, to)).length, 0, `${from} → ${to}`)
  t.end()
})
