/** Lists as files: what stands in them, how a spreadsheet takes it, and that memory does not grow with them. */
import { strFromU8, unzipSync } from 'fflate'
import postgres from 'postgres'
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { pagesOf } from '../../src/engine/export.js'
import { writeSheet } from '../../src/platform/sheets.js'
import { bureau, firm } from '../support/scene.js'
import { testService } from '../support/service.js'
import { sheetOfPages } from '../support/sheets.js'
import { Stage } from '../support/stage.js'

const columns = { name: '名称', number: '号码', amount: '金额', none: '空' }
const rows = [
  { name: '=HYPERLINK("http://x")', number: '26312000000000000017', amount: '1280.00', none: null },
  { name: '＝cmd|x', number: '913101155E10', amount: '-15000.00', none: null },
  { name: '+1', number: '12330106MKNKNXRQAM', amount: '9999999999999.99', none: null },
  { name: '甲，"乙", <丙> & 丁', number: '1234', amount: '0.01', none: null },
  { name: '-2', number: '@a', amount: '99999999999999.99', none: null },
]
async function* pages(all: readonly object[] = rows) {
  yield all as never
}

t.test('CSV: a formula is text, a long number stays whole, the heading says both languages', async (t) => {
  const lines = (await sheetOfPages('csv', pagesOf(columns, pages()))).toString().split('\r\n')
  t.same(lines, [
    '\ufeff名称 name,号码 number,金额 amount,空 none',
    `"'=HYPERLINK(""http://x"")","\t26312000000000000017",1280.00,`,
    `'＝cmd|x,"\t913101155E10",-15000.00,`,
    `'+1,12330106MKNKNXRQAM,9999999999999.99,`,
    `"甲，""乙"", <丙> & 丁",1234,0.01,`,
    `'-2,'@a,99999999999999.99,`,
    '',
  ])
})

t.test('xlsx: amounts are numbers, everything else is text and none of it a formula', async (t) => {
  const files = unzipSync(await sheetOfPages('xlsx', pagesOf(columns, pages())))
  const sheet = strFromU8(files['xl/worksheets/sheet1.xml']!)
  t.notMatch(sheet, /<f>/)
  t.equal(sheet.match(/<row /g)?.length, rows.length + 1)
  t.match(sheet, '<c r="B2" s="2" t="inlineStr"><is><t xml:space="preserve">26312000000000000017</t></is></c>')
  t.match(sheet, '<c r="C4" s="1"><v>9999999999999.99</v></c>')
  t.match(sheet, '>99999999999999.99</t>', 'an amount of more than fifteen digits is not rounded')
  t.match(sheet, '甲，"乙", &lt;丙&gt; &amp; 丁')
  t.same(Object.keys(files).sort(), [
    '[Content_Types].xml',
    '_rels/.rels',
    'xl/_rels/workbook.xml.rels',
    'xl/styles.xml',
    'xl/workbook.xml',
    'xl/worksheets/sheet1.xml',
  ])
})

t.test('a long file is written while it is read', async (t) => {
  for (const format of ['csv', 'xlsx'] as const) {
    let read = 0
    const many = async function* () {
      for (; read < 200; read++)
        yield Array.from({ length: 500 }, (_, n) => ({ name: `${read} ${n}`, number: Math.sin(n) }))
    }
    const file = writeSheet(format, pagesOf(columns, many()))
    for (let parts = 0; parts < 4; parts++) await file.next()
    t.ok(read < 100, `${format}: ${read} of 200 pages were read for its first parts`)
    await file.return(undefined)
  }
})

t.test('what somebody sees as a list is what they get as a file', async (t) => {
  const service = await testService()
  const admin = postgres(service.database.adminUrl, {
    max: 1,
    onnotice: () => {},
    connection: { search_path: 'clearing' },
  })
  t.teardown(async () => {
    await admin.end()
    await service.close()
  })
  const stage = new Stage(service.service.engine)
  const made = async (state: 'filed' | 'approved') => {
    const place = await stage.place()
    return { ...place, order: await stage.order(place, state) }
  }
  const [mine, other] = [await made('filed'), await made('approved')]
  const get = (actor: Actor, path: string) =>
    fetch(service.base + path, { headers: { authorization: `Bearer ${service.token(actor)}` } })
  const file = async (actor: Actor, path: string) => (await get(actor, path)).text()
  const enterprise: Actor = { ...firm(mine.enterprise), roles: ['enterprise'] }

  const answer = await get(enterprise, '/v1/orders/export')
  t.equal(answer.headers.get('content-type'), 'text/csv; charset=utf-8')
  t.equal(answer.headers.get('content-disposition'), 'attachment; filename="orders.csv"')
  const lines = (await answer.text()).split('\r\n')
  t.equal(lines.length, 3, 'a heading, one order, an end')
  t.match(lines[0], /^.?订单编号 order,状态 state,/)
  t.match(lines[1], new RegExp(`^${mine.order},filed,`))
  t.notMatch(lines[1], other.enterprise)

  const region = bureau('000000')
  const both = await file(region, '/v1/orders/export?format=csv')
  for (const { order } of [mine, other]) t.ok(both.includes(order))
  const approved = await file(region, '/v1/orders/export?state=approved')
  t.ok(approved.includes(other.order) && !approved.includes(mine.order), 'filtered as the list is')
  t.match(await file(region, '/v1/vouchers/export'), /创新券编号 voucher.*\r\nV\d+/)
  const entries = await file(region, `/v1/books/${other.order.slice(1, 7)}/entries/export`)
  t.match(entries, /\r\n1,2026-03-0\d,[^\r]*,appropriate,post,appropriation,pool:/)
  const xlsx = await get(region, '/v1/orders/export?format=xlsx')
  t.match(xlsx.headers.get('content-type'), /spreadsheetml/)
  t.ok(strFromU8(unzipSync(new Uint8Array(await xlsx.arrayBuffer()))['xl/worksheets/sheet1.xml']!).includes(mine.order))

  t.equal((await get(region, '/v1/orders/export?format=pdf')).status, 400)
  t.equal((await get(bureau('330106'), `/v1/books/310000/entries/export`)).status, 403)
  t.equal((await get({ ...enterprise, roles: ['operator'] }, '/v1/orders/export')).status, 403)

  // Whoever hangs up, or is refused, leaves the place to the next one.
  for (let n = 0; n < 12; n++) {
    const calledOff = new AbortController()
    const asked = fetch(`${service.base}/v1/orders/export?format=xlsx`, {
      headers: { authorization: `Bearer ${service.token(region)}` },
      signal: calledOff.signal,
    })
    if (n % 2 === 0) await asked
    calledOff.abort()
    await asked.catch(() => {})
    t.equal((await get(region, '/v1/books/320001/entries/export')).status, 404)
  }
  t.equal((await get(region, '/v1/orders/export')).status, 200)

  // Every order comes once, whatever the size of its page.
  await admin`
    insert into vouchers (book, voucher, program, enterprise, amount, issued_on, use_by)
    select 330000, n, 'many', ${mine.enterprise}, 1, '2026-01-01', '2026-12-31' from generate_series(1, 1201) n`
  await admin`
    insert into orders (book, "order", state, voucher, program, enterprise, provider, category, contract_no,
      contract_amount, voucher_amount, signed_on, filed_on, claim_by, deadline, payee, payee_province, clawed_back)
    select 330000, n, 'filed', n, 'many', ${mine.enterprise}, ${mine.provider}, 'testing', n::text, 1, 1, '2026-01-01',
      '2026-01-01', '2026-12-31', '2026-12-31', 'provider', 330000, 0 from generate_series(1, 1201) n`
  const many = (await file(enterprise, '/v1/orders/export'))
    .split('\r\n')
    .slice(1, -1)
    .map((line) => line.split(',')[0])
  t.equal(many.length, 1202)
  t.equal(new Set(many).size, 1202)
})
