/** Vouchers by file, over HTTP: taken up at once, judged row by row, and given back with a verdict on each row. */
import { strFromU8, strToU8, unzipSync, zipSync } from 'fflate'
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { builtInIssuer } from '../../src/platform/auth.js'
import { connect } from '../../src/platform/database.js'
import { readSheet, type SheetFormat, sheetTypes } from '../../src/platform/sheets.js'
import { createService } from '../../src/service.js'
import { askOf } from '../support/ask.js'
import { proveLedger } from '../support/replay.js'
import { bureau, rulesBody, uscc } from '../support/scene.js'
import { type TestService, testService } from '../support/service.js'
import { sheetOf } from '../support/sheets.js'

const auth = builtInIssuer('test', 'test')
const service = await testService('2026-03-02', auth)
const ask = askOf(service)
t.teardown(() => service.close())

const WJ = '320509'
const of = (role: string, jurisdiction = WJ): Actor => ({ ...bureau(jurisdiction, role), roles: [role] })
const officer = of('officer')
await ask(of('approver'), 'POST', '/v1/programs', rulesBody({ program: 'WJ', annualCap: 10_000_000_00n }))
await ask(of('finance'), 'POST', '/v1/appropriations', { program: 'WJ', amount: '100000000.00' })
const firms = Array.from({ length: 40 }, (_, n) => uscc(n + 1))
for (const firm of firms) {
  const actor = { subject: 'Wang', organisation: firm, roles: ['enterprise'] }
  await ask(actor, 'POST', '/v1/enterprises', { uscc: firm, name: `企业 ${firm}`, division: WJ, types: ['tech_sme'] })
}

const call = (
  path: string,
  {
    actor = officer,
    at = service,
    ...init
  }: RequestInit & { actor?: Actor; at?: Pick<TestService, 'base' | 'token'> } = {},
) => fetch(`${at.base}${path}`, { ...init, headers: { authorization: `Bearer ${at.token(actor)}`, ...init.headers } })
const upload = (bytes: Buffer, key: string, type: string = sheetTypes.csv, at?: Pick<TestService, 'base' | 'token'>) =>
  call('/v1/voucher-files', {
    method: 'POST',
    headers: { 'content-type': type, 'idempotency-key': key },
    body: new Uint8Array(bytes),
    ...(at ? { at } : {}),
  })
const answered = { ...sheetTypes, csv: 'text/csv; charset=utf-8' }
type View = { file: string; state: string; rows: number; done: number; refused: number; refusals: object[] }

/** Follows a file to its end; `seen` are the views on the way. */
async function followed(file: string, at?: Pick<TestService, 'base' | 'token'>) {
  const seen: View[] = []
  for (;;) {
    const view = (await (await call(`/v1/voucher-files/${file}`, at ? { at } : {})).json()) as View
    seen.push(view)
    if (view.state === 'finished') return { view, seen }
  }
}
async function judged(
  bytes: Buffer,
  key: string,
  format: SheetFormat = 'csv',
  at?: Pick<TestService, 'base' | 'token'>,
) {
  const taken = await upload(bytes, key, sheetTypes[format], at)
  t.equal(taken.status, 202)
  const { file } = (await taken.json()) as View
  t.equal(taken.headers.get('location'), `/v1/voucher-files/${file}`)
  const { view, seen } = await followed(file, at)
  const answer = await call(`/v1/voucher-files/${file}/verdicts`, at ? { at } : {})
  t.equal(answer.headers.get('content-type'), answered[format])
  const verdicts = Buffer.from(await answer.arrayBuffer())
  return {
    view,
    seen,
    verdicts,
    rows: readSheet(format, verdicts).rows.map(({ cells }) => cells.map(({ text }) => text)),
  }
}
const issued = async () => {
  const sql = connect(service.database.databaseUrl, 1)
  const [row] = await sql<{ count: number }[]>`select count(*)::int as count from vouchers`
  await sql.end()
  return row!.count
}

t.test('the template is a file that can be filled in and sent, in either format', async (t) => {
  for (const format of ['xlsx', 'csv'] as const) {
    const answer = await call(`/v1/voucher-files/template?format=${format}`)
    t.equal(answer.headers.get('content-type'), answered[format])
    t.match(answer.headers.get('content-disposition'), `voucher-template.${format}`)
    const [header] = readSheet(format, Buffer.from(await answer.arrayBuffer())).rows
    const titles = header!.cells.map(({ text }) => text)
    t.same(titles, ['企业统一社会信用代码 enterprise', '券种代码 program', '金额（元） amount', '申请编号 application'])
    const { view } = await judged(
      await sheetOf(format, [titles, [firms[0]!, 'WJ', '1280.00']]),
      `template-${format}`,
      format,
    )
    t.match(view, { rows: 1, done: 1, refused: 0, refusals: [] })
  }
})

t.test('every row gets its verdict beside what it was: the voucher’s number, or what is wrong and where', async (t) => {
  const text = [
    '2026年第一批创新券,,,,',
    '备注,amount,企业统一社会信用代码,program,',
    `甲,1280,${firms[0]},WJ,`,
    `"乙, ""二""",1280.5,${firms[1]},WJ,`,
    ',,,,',
    `=cmd,"1,280.00",${firms[2]},WJ,`,
    `丁,10,${firms[2]!.slice(0, 17)}!,WJ,`,
    `戊,10,9.13205E+17,WJ,`,
    `己,10,${uscc(999)},WJ,`,
    `庚,10,${firms[3]},,`,
    '',
  ].join('\r\n')
  const before = await issued()
  const { view, rows } = await judged(Buffer.from(text), 'verdicts')
  t.match(view, { rows: 7, done: 2, refused: 5 })
  t.equal(await issued(), before + 2)
  const [header, ...verdicts] = rows
  t.same(header!.slice(-4), ['结果 outcome', '代码 code', '说明 message', '券号 voucher'])
  t.same(
    verdicts.map((row) => row.slice(-3, -2)[0]),
    ['', '', 'amount_format', 'uscc_invalid', 'number_rounded', 'enterprise_not_found', 'required'],
  )
  t.same(verdicts[1]!.slice(0, 4), ['乙, "二"', '1280.5', firms[1], 'WJ'], 'as it was given')
  t.equal(verdicts[2]![0], "'=cmd", 'but for what would be a formula')
  for (const row of verdicts.slice(0, 2)) t.match(row.at(-1), /^V320509-\d+-[0-9A-Z]$/)
  t.match(verdicts[2]!.at(-2), /^B6 金额.*An amount/, 'the cell and the rule, in both languages')
  t.match(verdicts[4]!.at(-2), /^C8 超过 15 位.*more than 15 digits/)
  t.match(verdicts[6]!.at(-2), /^D10 缺少该字段/)
})

t.test(
  'the same file under the same key issues nothing more, also by a process that knows nothing of it',
  async (t) => {
    const bytes = await sheetOf('xlsx', [
      ['enterprise', 'program', 'amount'],
      ...firms.map((firm, n) => [firm, n === 5 ? 'NONE' : 'WJ', '10.00']),
    ])
    const first = await judged(bytes, 'again', 'xlsx')
    t.match(first.view, { rows: 40, done: 39, refused: 1, refusals: [{ code: 'program_not_found', rows: 1 }] })
    const count = await issued()
    const second = await judged(bytes, 'again', 'xlsx')
    t.same(second.rows, first.rows)
    t.equal(second.view.file, first.view.file)
    const other = await upload(
      await sheetOf('xlsx', [
        ['enterprise', 'program', 'amount'],
        [firms[0]!, 'WJ', '1.00'],
      ]),
      'again',
      sheetTypes.xlsx,
    )
    t.equal(((await other.json()) as { code: string }).code, 'idempotency_key_reused')

    const another = await createService({ ...service.database, clock: service.clock, auth })
    t.teardown(() => another.close())
    const at = { base: await another.open({ host: '127.0.0.1', port: 0 }), token: service.token }
    t.equal((await call(`/v1/voucher-files/${first.view.file}`, { at })).status, 404)
    const third = await judged(bytes, 'again', 'xlsx', at)
    t.same([third.view, third.rows], [first.view, first.rows], 'until it is sent again')
    t.equal(await issued(), count)
  },
)

t.test('a file that cannot be used as a whole is refused before anything is issued', async (t) => {
  const before = await issued()
  const header = 'enterprise,program,amount\n'
  const row = `${firms[0]},WJ,1.00\n`
  let whole = 0
  const refused = async (bytes: Buffer, errors: string[], type: string = sheetTypes.csv) => {
    const answer = await upload(bytes, `whole-${++whole}`, type)
    const body = (await answer.json()) as { errors: { pointer: string; code: string }[] }
    t.equal(answer.status, 400)
    t.same(
      body.errors.map(({ pointer, code }) => `${pointer} ${code}`),
      errors,
    )
  }
  await refused(Buffer.from('enterprise,program\na,b\n'), ['/body/amount required'])
  await refused(Buffer.from(`a,b,c\n${row}`), [
    '/body/enterprise required',
    '/body/program required',
    '/body/amount required',
  ])
  await refused(Buffer.from(header), ['/body out_of_range'])
  await refused(Buffer.from(header + row.repeat(10_001)), ['/body out_of_range'])
  await refused(Buffer.from(header + row), ['/body file_format'], sheetTypes.xlsx)
  await refused(await sheetOf('xlsx', [['enterprise']]), ['/body file_format'])
  await refused(Buffer.alloc(0), ['/body/enterprise required', '/body/program required', '/body/amount required'])
  await refused(Buffer.alloc(0), ['/body file_format'], sheetTypes.xlsx)
  const book = unzipSync(
    await sheetOf('xlsx', [['2026'], ['enterprise', 'program', 'amount'], [firms[0]!, 'WJ', '1.00']]),
  )
  const name = 'xl/worksheets/sheet1.xml'
  const merging = (ranges: string[]) => {
    const merged = `<mergeCells>${ranges.map((ref) => `<mergeCell ref="${ref}"/>`).join('')}</mergeCells></worksheet>`
    const sheet = strFromU8(book[name]!).replace('</worksheet>', merged)
    return Buffer.from(zipSync({ ...book, [name]: strToU8(sheet) }))
  }
  await refused(merging(['A1:C1', 'B3:C3']), ['/body/B3:C3 merged_cells'], sheetTypes.xlsx)
  t.equal((await upload(Buffer.from(header + row), 'json', 'application/json')).status, 415)
  t.equal((await upload(Buffer.alloc(5_000_000, 'x'), 'large')).status, 413)
  t.equal(await issued(), before)
  const titled = await judged(merging(['A1:C1']), 'titled', 'xlsx')
  t.match(titled.view, { done: 1 }, 'a title over the columns may be merged')
})

t.test('another bureau neither issues for this one nor sees its files', async (t) => {
  const bytes = Buffer.from(`enterprise,program,amount\n${firms[0]},WJ,1.00\n`)
  const mine = (await (await upload(bytes, 'mine')).json()) as View
  const actor = of('officer', '320508')
  for (const path of ['', '/verdicts']) {
    t.equal((await call(`/v1/voucher-files/${mine.file}${path}`, { actor })).status, 404)
  }
  const taken = await call('/v1/voucher-files', {
    actor,
    method: 'POST',
    headers: { 'content-type': sheetTypes.csv, 'idempotency-key': 'mine' },
    body: new Uint8Array(bytes),
  })
  const { file } = (await taken.json()) as View
  t.not(file, mine.file)
  for (;;) {
    const view = (await (await call(`/v1/voucher-files/${file}`, { actor })).json()) as View
    if (view.state === 'running') continue
    t.match(view, { done: 0, refusals: [{ code: 'not_your_jurisdiction', rows: 1 }] })
    break
  }
})

t.test('an application that was reviewed is granted by its row, by somebody else than its reviewer', async (t) => {
  const firm = { subject: 'Wang', organisation: firms[9]!, roles: ['enterprise'] }
  const said = { enterprise: firm.organisation, program: 'WJ', amount: '77.00' }
  const { application, version } = (await ask(firm, 'POST', '/v1/applications', said)).body.result
  const reviewer = { ...officer, subject: 'reviewer' }
  await ask(reviewer, 'POST', `/v1/applications/${application}/review`, { version, verdict: 'passed' })
  const bytes = Buffer.from(`enterprise,program,amount,application\n${firm.organisation},WJ,77,${application}\n`)
  t.match((await judged(bytes, 'granted')).view, { done: 1 })
  t.equal((await ask(firm, 'GET', `/v1/applications/${application}`)).body.state, 'granted')
})

t.test('ten thousand rows: progress shows while they are judged, and every row has its verdict', async (t) => {
  const rows = Array.from({ length: 10_000 }, (_, n) => [firms[n % 40]!, n % 100 === 99 ? 'NONE' : 'WJ', '1.00'])
  const bytes = await sheetOf('xlsx', [['enterprise', 'program', 'amount'], ...rows])
  const before = await issued()
  const { view, seen, rows: verdicts } = await judged(bytes, 'ten-thousand', 'xlsx')
  t.match(view, { rows: 10_000, done: 9_900, refused: 100, refusals: [{ code: 'program_not_found', rows: 100 }] })
  t.equal(await issued(), before + 9_900)
  const counts = seen.map(({ done, refused }) => done + refused)
  t.same(
    counts,
    counts.toSorted((a, b) => a - b),
    'it never goes back',
  )
  t.ok(
    counts.some((count) => count > 0 && count < 10_000),
    `${new Set(counts).size} steps were seen`,
  )
  t.equal(verdicts.length, 10_001)
  t.equal(new Set(verdicts.map((row) => row.at(-1))).size, 9_900 + 2, 'a voucher each, the header, and none')
})

t.test('the books add up and the log replays', async () => {
  const sql = connect(service.database.databaseUrl, 1)
  await proveLedger(sql)
  await sql.end()
})
