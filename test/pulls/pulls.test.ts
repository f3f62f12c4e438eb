/** Ledger pulls over HTTP: every range and form against a slow model, files read again by other programs, all on record. */
import { XMLParser } from 'fast-xml-parser'
import readExcelFile from 'read-excel-file/node'
import t, { type Test } from 'tap'
import { verifyLedger } from '../../src/audit/verify.js'
import { parseYuan } from '../../src/core/money.js'
import { isRefusal } from '../../src/core/refusals.js'
import { chinaTime, dayOf } from '../../src/core/time.js'
import { updateEnterpriseCommand } from '../../src/enterprises/commands.js'
import { type AccountKind, accountKind, accountKinds } from '../../src/ledger/chart.js'
import { writeCsv } from '../../src/platform/csv.js'
import { connect } from '../../src/platform/database.js'
import { supersedeProgramCommand } from '../../src/programs/commands.js'
import { balancePages, voucherPages } from '../../src/pulls/books.js'
import type { SampleView, TrialBalanceView } from '../../src/pulls/contract.js'
import { chartOf } from '../../src/pulls/government-chart.js'
import { linesIn, textPages } from '../../src/pulls/lines.js'
import { accountsIn, markTurnover } from '../../src/pulls/queries.js'
import { closePeriod } from '../../src/settlement/settle.js'
import { ask, bureau, firm, rules } from '../support/scene.js'
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
const auditor = (jurisdiction: string) => ({ ...bureau(jurisdiction, 'Sun'), roles: ['auditor' as const] })
const BOOK = '320509'

async function get(path: string, who = auditor('320000')) {
  const response = await fetch(`${world.base}/v1${path}`, { headers: { authorization: `Bearer ${world.token(who)}` } })
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}
async function json<T>(path: string, who?: ReturnType<typeof auditor>): Promise<T> {
  const { status, bytes } = await get(path, who)
  if (status !== 200) throw new Error(`${path}: ${status} ${bytes}`)
  return JSON.parse(String(bytes)) as T
}

// --- a quarter of business, a moment apart

let at = china('2026-03-02')
const later = (milliseconds = 3_600_000) => {
  at += milliseconds
  world.clock.set(at)
}
const county = await stage.place({ jurisdiction: BOOK, orderCap: 1_000_00n, program: 'WJ;"A"&B' }, {}, 500_000_00n)
const other = await stage.place({ jurisdiction: '310000' }, {}, 10_000_00n)
const others = await stage.place({ jurisdiction: BOOK }, {}, 500_000_00n)
await stage.order(other, 'approved')
const voucher = await stage.voucher(county, 50_000_00n)
const approved: string[] = []
/** Files an order as the firm says and brings it to approval. */
async function claim(contract: object, invoice: string) {
  later()
  const order = await stage.order(county, 'confirmed', { voucher, contractAmount: 9_999_99n, ...contract })
  later()
  await stage.must(ask.submit(order, county.provider, invoice, 20_000_00n))
  await stage.must(ask.verify(order))
  await stage.must(ask.approve(order))
  approved.push(order)
  return order
}
let contracts = 0
const own = (more: object = {}) => ({ contractNo: `T-${++contracts}`, voucherAmount: 123_45n, ...more })
// Planted: three contracts just below the cap within a fortnight, two in a row of invoices, a round amount.
const split: string[] = []
for (const n of [1, 2, 3]) {
  split.push(await claim(own({ voucherAmount: 980_00n + BigInt(n) }), `3${n}00`))
  later(5 * 86_400_000)
}
later(60 * 86_400_000)
const lonely = await claim(own({ voucherAmount: 999_00n }), '9900')
const neighbours = [await claim(own(), '5001'), await claim(own({ category: 'design' }), '5002')]
const round = await claim(own({ contractAmount: 20_000_00n, category: 'rnd' }), '7777')
for (let n = 0; n < 6; n++) await claim(own({ voucherAmount: 10_00n + BigInt(n) }), `8${n}000`)
const cancelled = await stage.order(county, 'filed', { voucher, ...own() })
await stage.must(ask.cancel(cancelled, county.enterprise))
await stage.must(ask.clawBack(neighbours[0]!, 20_00n))
await stage.order(others, 'verified')
later()

// --- the slow model: entry by entry, from the rows alone

const rows = await sql<
  {
    entry: number
    line: number
    seq: number
    day: string
    at: number
    phase: number
    debit: number
    credit: number
    amount: bigint
  }[]
>`
  select t.entry, t.line, t.seq::int as seq, c.day, (extract(epoch from c.booked_at) * 1000)::float8 as at, t.phase,
         t.debit, t.credit, t.amount
  from transfers t join commands c on c.book = t.book and c.seq = t.seq where t.book = ${Number(BOOK)} order by 1, 2`
const accounts = new Map(
  (
    await sql<{ account: number; kind: number; owner: string }[]>`
      select account, kind, owner from accounts where book = ${Number(BOOK)}`
  ).map(({ account, kind, owner }) => [account, { kind: accountKind(kind), owner }]),
)
const head = rows.at(-1)!.entry
type Sides = { debit: bigint; credit: bigint; held: bigint }
function model(test: (row: (typeof rows)[number]) => boolean): Map<AccountKind, Sides> {
  const sums = new Map<AccountKind, Sides>()
  const of = (account: number) => {
    const { kind } = accounts.get(account)!
    if (!sums.has(kind)) sums.set(kind, { debit: 0n, credit: 0n, held: 0n })
    return sums.get(kind)!
  }
  for (const row of rows.filter(test)) {
    if (row.phase === 0 || row.phase === 2) {
      of(row.debit).debit += row.amount
      of(row.credit).credit += row.amount
    }
    if (row.phase === 1) of(row.debit).held += row.amount
    if (row.phase > 1) of(row.debit).held -= row.amount
  }
  return sums
}
const fen = (text: string) => (text.startsWith('-') ? -parseYuan(text.slice(1)) : parseYuan(text))
const net = ({ debit, credit }: { debit: string; credit: string }) => fen(debit) - fen(credit)

function same(t: Test, balance: TrialBalanceView, what: string) {
  const before = model(({ entry }) => entry < balance.first)
  const within = model(({ entry }) => entry >= balance.first && entry <= balance.last)
  const after = model(({ entry }) => entry <= balance.last)
  for (const { kind, opening, period, closing, held } of balance.items) {
    const none = { debit: 0n, credit: 0n, held: 0n }
    const [b, w, a] = [before.get(kind) ?? none, within.get(kind) ?? none, after.get(kind) ?? none]
    t.same(
      [net(opening), fen(period.debit), fen(period.credit)],
      [b.debit - b.credit, w.debit, w.credit],
      `${what} ${kind}`,
    )
    t.same([net(closing), fen(held)], [a.debit - a.credit, a.held], `${what} ${kind}`)
  }
  for (const [name, { debit, credit }] of Object.entries(balance.total))
    t.equal(debit, credit, `${what}: ${name} is even`)
  t.equal(balance.items.length, Object.keys(accountKinds).length)
}

/** Numbers that are the same in every run. */
let state = 42
const random = (most: number) => {
  state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
  return 1 + (state % most)
}
const balanceOf = (query: string) => json<TrialBalanceView>(`/books/${BOOK}/trial-balance?${query}`)

t.test(
  'a trial balance at random entries, commands, moments and days is the model’s, without marks and with',
  async (t) => {
    t.ok(head > 30)
    const queries = () => {
      const [a, b] = [random(head), random(head)].sort((x, y) => x - y)
      const row = rows[random(rows.length) - 1]!
      return [
        { query: `toEntry=${b}&fromEntry=${a}`, last: b },
        { query: `toSeq=${row.seq}`, last: Math.max(...rows.filter(({ seq }) => seq <= row.seq).map((r) => r.entry)) },
        {
          query: `toMoment=${encodeURIComponent(chinaTime(row.at))}`,
          last: Math.max(...rows.filter(({ at }) => at <= row.at).map((r) => r.entry)),
        },
        {
          query: `fromDay=${rows[0]!.day}&toDay=${row.day}`,
          last: Math.max(...rows.filter(({ day }) => day <= row.day).map((r) => r.entry)),
        },
      ]
    }
    for (const every of [undefined, 3, 7]) {
      if (every !== undefined) await markTurnover(sql, every)
      for (const { query, last } of [...queries(), ...queries()]) {
        const balance = await balanceOf(query)
        t.equal(balance.last, last, query)
        same(t, balance, `${every} ${query}`)
      }
    }
    const [{ marks = 0 } = {}] = await sql<
      { marks: number }[]
    >`select count(distinct (book, entry))::int as marks from turnover_marks`
    t.ok(marks > 7, `${marks} marks were used`)
    same(t, await balanceOf(''), 'the head')
    same(t, await balanceOf('toEntry=1'), 'the first entry')
  },
)

t.test('marks are found out when they are not their transfers', async (t) => {
  const found = async () => {
    for await (const checked of verifyLedger(sql)) if (!checked.ok) return checked
    return undefined
  }
  t.equal(await found(), undefined)
  const one =
    '(book, entry, type, phase) in (select book, entry, type, phase from turnover_marks order by 1, 2, 3, 4 offset 3 limit 1)'
  for (const [change, back] of [
    [
      `update turnover_marks set amount = amount + 1 where ${one}`,
      `update turnover_marks set amount = amount - 1 where ${one}`,
    ],
    [
      `create table gone as select * from turnover_marks where ${one}; delete from turnover_marks where ${one}`,
      'insert into turnover_marks select * from gone; drop table gone',
    ],
  ] as const) {
    await admin.unsafe(change)
    t.match(await found(), { name: 'marks', finding: /book 账套 \d+, entry 凭证 \d+: the mark of \w+ 余额标记 is/ })
    await admin.unsafe(back)
  }
  t.equal(await found(), undefined)
})

interface PulledLine {
  entry: number
  line: number
  seq: number
  phase: string
  debit: string
  debitCode: string
  amount: string
}
const pulled = async (query: string) => {
  const { status, bytes, headers } = await get(`/books/${BOOK}/pulls/ledger?${query}`)
  if (status !== 200) throw new Error(`${query}: ${status} ${bytes}`)
  return { text: String(bytes), headers }
}
const lines = (text: string) =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as PulledLine)

t.test('lines of any range, whole and in order; of one kind, of one account', async (t) => {
  const { text, headers } = await pulled('')
  const all = lines(text)
  t.same(
    all.map(({ entry, line, seq, amount }) => [entry, line, seq, parseYuan(amount)]),
    rows.map(({ entry, line, seq, amount }) => [entry, line, seq, amount]),
  )
  t.match(headers.get('content-disposition'), `ledger-${BOOK}-1-${head}.jsonl`)
  t.same(
    all.map(({ debit }) => debit),
    rows.map(({ debit }) => {
      const { kind, owner } = accounts.get(debit)!
      return owner === '' ? kind : `${kind}:${owner}`
    }),
  )
  const codes = new Map(chartOf(Number(BOOK)).subjects.map(({ kind, code }) => [kind, code]))
  for (const { debit, debitCode } of all) t.equal(debitCode, codes.get(debit.split(':')[0] as AccountKind))
  t.same(
    lines((await pulled('fromEntry=5&toEntry=9')).text),
    all.filter(({ entry }) => entry >= 5 && entry <= 9),
  )
  const ofKind = lines((await pulled('kind=payable')).text)
  t.same(
    ofKind,
    all.filter((line) => JSON.stringify(line).includes('"payable:')),
  )
  const owner = `provider:${county.provider}`
  const ofOne = ofKind.filter((line) => JSON.stringify(line).includes(`"payable:${owner}"`))
  t.ok(ofOne.length > 0 && ofOne.length < ofKind.length)
  t.same(lines((await pulled(`kind=payable&owner=${owner}`)).text), ofOne)
  t.equal((await get(`/books/${BOOK}/pulls/ledger?kind=payable&owner=nobody`)).status, 404)
  const csv = (await pulled('format=csv')).text.replace('\ufeff', '').trim().split('\r\n')
  t.equal(csv.length, rows.length + 1)
  t.match(csv[0], /^凭证号 entry,行号 line/)
  t.match(csv[1], /,"pool:WJ;""A""&B",230701,,,/, 'quoted, as the name is odd')
})

/** A file of a book, as other programs see it. */
async function sheet(form: string, query = '', book = BOOK, who = auditor('320000')): Promise<unknown[][]> {
  const { status, bytes } = await get(`/books/${book}/pulls/books/${form}?format=xlsx&${query}`, who)
  if (status !== 200) throw new Error(`${form}: ${status} ${bytes}`)
  return (await readExcelFile(bytes))[0]!.data as unknown[][]
}
const cents = (value: unknown) => BigInt(Math.round(Number(value ?? 0) * 100))

t.test('the books of the field agree with each other and with the model', async (t) => {
  const vouchers = (await sheet('vouchers')).slice(1)
  const posted = rows.filter(({ phase }) => phase === 0 || phase === 2)
  t.equal(vouchers.length, posted.length * 2 + rows.length - posted.length)
  const sum = (list: unknown[][], column: number) => list.reduce((total, row) => total + cents(row[column]), 0n)
  const turnover = posted.reduce((total, { amount }) => total + amount, 0n)
  t.same([sum(vouchers, 6), sum(vouchers, 7)], [turnover, turnover], 'debits and credits')
  t.same(new Set(vouchers.map(([entry]) => entry)).size, head, 'no voucher number is missing')

  const kinds = (await sheet('balances')).slice(1)
  const byAccount = (await sheet('balances', 'detail=account')).slice(1)
  for (const column of [3, 4, 5, 6, 7, 8])
    t.equal(sum(byAccount.slice(0, -1), column), cents(byAccount.at(-1)![column]), `合计 ${column}`)
  t.equal(sum(kinds.slice(0, -1), 7), cents(kinds.at(-1)![7]))
  for (const [code, , , , , , , debit, credit] of kinds.slice(0, -1)) {
    const details = byAccount.filter((row) => row[0] === code)
    t.equal(sum(details, 7) - sum(details, 8), cents(debit) - cents(credit), `${code} in detail`)
  }

  const general = (await sheet('general', 'by=day')).slice(1)
  for (const [code, , , , , , , debit, credit] of kinds.slice(0, -1)) {
    const last = general.filter((row) => row[0] === code).at(-1)!
    const balance = cents(last[7]) * (last[6] === '借' ? 1n : -1n)
    t.equal(balance, cents(debit) - cents(credit), `${code} 总账`)
  }

  const ledger = (await sheet('subsidiary', `kind=pool&owner=${encodeURIComponent('WJ;"A"&B')}&fromEntry=3`)).slice(1)
  let balance = cents(ledger[0]![10])
  for (const row of ledger.slice(1, -1)) {
    balance += cents(row[8]) - cents(row[7])
    t.equal(cents(row[10]), balance, `${row[3]} 明细账`)
  }
  const pool = [...accounts].find(([, { kind, owner }]) => kind === 'pool' && owner === county.program)![0]
  const final = posted.reduce((n, r) => n + (r.credit === pool ? r.amount : r.debit === pool ? -r.amount : 0n), 0n)
  t.equal(balance, final)
  t.equal(ledger.at(-1)![4], '本期合计')
  t.match(JSON.parse(String((await get(`/books/${BOOK}/pulls/books/subsidiary`)).bytes)), {
    errors: [{ pointer: '/query/kind', code: 'required' }],
  })
  const csv = String((await get(`/books/${BOOK}/pulls/books/balances`)).bytes)
  t.match(csv, /^\ufeff科目编码,科目名称/)
  t.equal(csv.trim().split('\r\n').length, kinds.length + 1)
})

t.test('a reader who pauses keeps no connection', async (t) => {
  const single = connect(world.database.databaseUrl, 1)
  t.teardown(() => single.end())
  const range = { book: Number(BOOK), first: 1, last: head }
  const readers = [
    balancePages(single, range, 'account'),
    voucherPages(single, range, {}),
    textPages(single, range, {}, 'jsonl', chartOf(range.book)),
  ]
  // The first of them has its heading first. If one kept the connection, the next would wait until the test is ended.
  for (const reader of [readers[0]!, ...readers]) t.ok((await reader.next()).value)
  t.equal((await single`select 1 as one`)[0]!.one, 1)
  for (const reader of readers) await reader.return(undefined)
})

t.test('a sheet has room for what is asked for, however long the range is', async (t) => {
  const range = { book: Number(BOOK), first: 1, last: head }
  const ofPool = rows.filter(({ debit, credit }) => [debit, credit].some((no) => accounts.get(no)!.kind === 'pool'))
  const few = ofPool.length
  t.ok(few < rows.length)
  t.equal(await linesIn(sql, range, { kind: 'pool' }, few), few, 'as many as there is room for')
  t.equal(await linesIn(sql, range, {}, few), few + 1, 'too many')
  t.equal(await accountsIn(sql, range, 1000), accounts.size)
  const moved = new Set(rows.filter(({ entry }) => entry <= 5).flatMap(({ debit, credit }) => [debit, credit]))
  t.ok(moved.size > 2 && moved.size < accounts.size)
  t.equal(await accountsIn(sql, { ...range, last: 5 }, moved.size), moved.size, 'not those of later entries')
  t.equal(await accountsIn(sql, { ...range, last: 5 }, 2), 3, 'too many')
})

t.test('XML is read by another program and says the same', async (t) => {
  const { bytes } = await get(`/books/${BOOK}/pulls/xml?fromEntry=3`)
  const parser = new XMLParser({ parseTagValue: false, isArray: (name) => name === '记账凭证' })
  const data = parser.parse(String(bytes)).会计核算数据 as Record<string, Record<string, string>[]>
  const posted = rows.filter(({ entry, phase }) => entry >= 3 && (phase === 0 || phase === 2))
  t.equal(data.记账凭证!.length, posted.length * 2)
  const sum = (name: string) => data.记账凭证!.reduce((total, row) => total + parseYuan(row[name]!), 0n)
  const turnover = posted.reduce((total, { amount }) => total + amount, 0n)
  t.same([sum('借方本币金额'), sum('贷方本币金额')], [turnover, turnover])
  t.ok(data.记账凭证!.some((row) => row.辅助项编号 === 'WJ;"A"&B'))
  const { items } = await balanceOf('fromEntry=3')
  t.same(
    data.科目余额及发生额!.map((row) => [row.科目编号, row.借方本币发生额, row.贷方本币发生额]),
    items.map(({ code, period }) => [code, period.debit, period.credit]),
  )
  t.equal(data.会计科目!.length, items.length)
})

t.test('a sample is drawn twice the same, and each method finds what was planted', async (t) => {
  const draw = (query: string) => json<SampleView>(`/books/${BOOK}/sample?${query}`)
  const first = await draw('method=random&size=5&seed=abc')
  t.equal(first.population.claims, approved.length)
  t.equal(first.items.length, 5)
  const late = await claim(own(), '4711')
  const again = await draw(`method=random&size=5&seed=abc&upTo=${first.upTo}`)
  t.same({ ...again, pull: 0 }, { ...first, pull: 0 }, 'after further claims')
  t.not(
    String((await draw('method=random&size=5&seed=abd')).items.map((i) => i.order)),
    String(first.items.map((i) => i.order)),
  )
  t.ok((await draw('method=random&size=1000')).items.some(({ order }) => order === late))

  const upTo = `upTo=${first.upTo}`
  const orders = (sample: SampleView) => sample.items.map(({ order }) => order)
  t.same(orders(await draw(`method=split&${upTo}`)).sort(), [...split].sort(), 'within thirty days')
  t.notOk(orders(await draw(`method=split&within=4&${upTo}`)).length, 'not within four')
  t.same(orders(await draw(`method=split&within=90&${upTo}`)).sort(), [...split, lonely].sort())
  t.same(orders(await draw(`method=neighbours&${upTo}`)), neighbours)
  t.same(orders(await draw(`method=round&multiple=10000.00&${upTo}`)), [round])
  t.same(orders(await draw(`method=largest&size=2&${upTo}`)), [lonely, split[2]])
  const strata = await draw(`method=stratified&size=4&${upTo}`)
  t.same([...new Set(strata.items.map(({ group }) => group))].sort(), ['design', 'rnd', 'testing'])
  t.equal(strata.items.length, 4)
  t.same((await draw(`method=stratified&strata=amount&size=3&${upTo}`)).items.length, 3)
})

t.test('split contracts are looked for under the cap that each order was filed under', async (t) => {
  const published = rules({
    program: 'CAPS',
    jurisdiction: BOOK,
    ratios: [{ category: 'rnd', locality: 'other_province', ratio: '0.9', orderCap: 500_00n }],
  })
  const { program, ...next } = published
  const place = { ...county, program }
  await stage.must(ask.publish(published))
  await stage.must(ask.appropriate(BOOK, program, 100_000_00n))
  const old = await stage.voucher(place, 5_000_00n)
  const ratios = [{ category: 'rnd', locality: null, ratio: '0.9', orderCap: 900_00n }]
  const command = { ...next, program, version: 1, ratios, effectiveFrom: dayOf(at + 86_400_000) }
  await stage.must({ type: supersedeProgramCommand, command, actor: bureau(BOOK) } as never)
  later(2 * 86_400_000)
  const young = await stage.voucher(place, 5_000_00n)
  const order = (voucher: string, voucherAmount: bigint, category = 'rnd') =>
    stage.order(place, 'approved', { voucher, voucherAmount, category })
  const near = [await order(old, 480_00n), await order(old, 490_00n), await order(young, 880_00n)]
  await order(young, 480_00n)
  await order(young, 470_00n, 'design')
  later(86_400_000)
  const [{ version }] = (await sql`select version from enterprises where uscc = ${place.enterprise}`) as unknown as [
    { version: number },
  ]
  const moved = { uscc: place.enterprise, version: Number(version), division: '310104', reason: 'to another province' }
  await stage.must({ type: updateEnterpriseCommand, command: moved, actor: firm(place.enterprise) } as never)
  const { items } = await json<SampleView>(`/books/${BOOK}/sample?method=split&within=2`)
  t.same(
    items
      .filter((one) => one.program === program)
      .map((one) => one.order)
      .sort(),
    near.sort(),
  )
})

t.test(
  'nothing in a pulled CSV is run or rounded by who opens it: its cells are those of every other file',
  async (t) => {
    const hostile = [
      '=1+1',
      '＝1',
      '+1',
      '-1',
      '@x',
      'x;=1',
      'a,"b"',
      '91310000123456789',
      '12E34',
      '12e5x',
      '<x>',
      '王',
    ]
    const first = (await json<TrialBalanceView>(`/books/${BOOK}/trial-balance`)).last + 1
    for (const [n, subject] of hostile.entries()) {
      const actor = { ...bureau(BOOK, subject), organisation: hostile.at(-n)! }
      await stage.must({ ...ask.appropriate(BOOK, county.program, 1_00n), actor })
    }
    const { text } = await pulled(`format=csv&fromEntry=${first}`)
    for (const [n, line] of text.split('\r\n').slice(1, -1).entries()) {
      let cells = ''
      for await (const part of writeCsv([[[hostile[n]!, hostile.at(-n)!]]])) cells += part
      t.ok(line.includes(`,appropriate,${cells.slice(1, -2)},appropriate,`), `${line} has ${cells}`)
    }
    t.equal(text.split('\r\n').length, hostile.length + 2)
  },
)

t.test('another province’s book is refused, and that is on record; so is every pull', async (t) => {
  interface Pulls {
    items: {
      pull: number
      subject: string
      book: string
      operation: string
      refused: string | null
      rows: number | null
      last: number | null
      whole: boolean | null
      jurisdiction: string
      asked: object
    }[]
    next: string | null
  }
  const stranger = auditor('330000')
  for (const path of ['pulls/ledger', 'pulls/books/balances', 'pulls/xml', 'trial-balance', 'sample?method=random']) {
    const { status, bytes } = await get(`/books/${BOOK}/${path}`, stranger)
    t.equal(status, 403, path)
    t.match(JSON.parse(String(bytes)), { code: 'not_your_jurisdiction' })
  }
  const mine = await json<Pulls>('/pulls?limit=5')
  t.same(
    mine.items.map(({ operation, refused, jurisdiction, book, rows, last }) => [
      operation,
      refused,
      jurisdiction,
      book,
      rows,
      last,
    ]),
    ['drawSample', 'getTrialBalance', 'pullXml', 'pullBook', 'pullLedger'].map((operation) => [
      operation,
      'not_your_jurisdiction',
      '330000',
      BOOK,
      null,
      null,
    ]),
    'the book’s own auditors see who tried',
  )
  t.equal((await json<Pulls>('/pulls', stranger)).items.length, 5, 'and so do those of who tried')
  t.same((await json<Pulls>('/pulls', auditor('310000'))).items, [])
  const { headers } = await pulled('toEntry=7')
  const [last] = (await json<Pulls>(`/pulls?limit=1&book=${BOOK}`)).items
  t.match(last, {
    pull: Number(headers.get('clearing-pull')),
    operation: 'pullLedger',
    subject: 'Sun',
    last: 7,
    whole: true,
  })
  t.equal(last!.rows, rows.filter(({ entry }) => entry <= 7).length)
  t.equal((await get(`/books/${BOOK}/entries/export`, stranger)).status, 403)
  t.equal((await get(`/books/${BOOK}/entries/export`)).status, 200)
  const [exported, stopped] = (await json<Pulls>(`/pulls?limit=2&book=${BOOK}`)).items
  t.match(stopped, { operation: 'exportEntries', jurisdiction: '330000', refused: 'not_your_jurisdiction' })
  const [{ size }] =
    (await sql`select count(*)::int as size from transfers where book = ${Number(BOOK)}`) as unknown as [
      { size: number },
    ]
  t.match(exported, { operation: 'exportEntries', refused: null, rows: size, whole: true }, 'a book as a file as well')
  const sample = await json<SampleView>(`/books/${BOOK}/sample?method=round&multiple=10000.00`)
  const [drawn] = (await json<Pulls>(`/pulls?limit=1&book=${BOOK}`)).items
  t.match(drawn!.asked, { multiple: '10000.00', upTo: sample.upTo, seed: '0' }, 'what draws the same sample again')
  const next = (await json<Pulls>('/pulls?limit=2')).next!
  t.ok((await json<Pulls>(`/pulls?limit=2&cursor=${next}`)).items.every(({ pull }) => pull < exported!.pull))
  await t.rejects(sql`update pulls set refused = null`, { code: '42501' }, 'nobody of the service can take one back')
})

interface Refusal {
  readonly code: string
  readonly details?: object
  readonly errors?: readonly { readonly pointer: string; readonly code: string }[]
}

t.test('what cannot be answered is refused by name', async (t) => {
  const refused = async (query: string) => {
    const { status, bytes } = await get(`/books/${BOOK}/trial-balance?${query}`)
    const { code, details, errors } = JSON.parse(String(bytes)) as Refusal
    const named = code === 'moment_in_future' ? `${code}: ${Object.entries(details!).join()}` : code
    return [status, errors ? `${errors[0]!.pointer} ${errors[0]!.code}` : named]
  }
  t.same(await refused('toEntry=999999'), [404, 'entry_not_found'])
  t.same(await refused('toSeq=999999'), [404, 'entry_not_found'])
  t.same(await refused('toDay=2999-01-01'), [400, 'moment_in_future: toDay,2999-01-01'])
  t.same(await refused('fromDay=2999-01-02'), [400, 'moment_in_future: fromDay,2999-01-02'])
  const moment = '2999-01-01T00:00:00+08:00'
  t.same(await refused(`toMoment=${encodeURIComponent(moment)}`), [400, `moment_in_future: toMoment,${moment}`])
  t.same(await refused('toMoment=yesterday'), [400, '/query/toMoment instant_format'])
  t.same(await refused('toMoment=2026-03-02T00:00:00%2B08:00&toEntry=1'), [400, '/query/toMoment one_range'])
  t.same(await refused('fromEntry=3&toEntry=2'), [400, '/query/toEntry out_of_range'])
  t.same(await refused('fromEntry=0'), [400, '/query/fromEntry out_of_range'])
  t.equal((await get('/books/000001/trial-balance', auditor('000000'))).status, 404)
  const { items } = await balanceOf('toDay=2026-01-01')
  t.ok(
    items.every(({ closing }) => closing.debit === '0.00' && closing.credit === '0.00'),
    'before the first entry',
  )
})

t.test('account by account the sides add up, also where accounts of one kind stand on both', async (t) => {
  const through = dayOf(at)
  later(86_400_000)
  const asked = { command: { period: '2026-Q2', through }, actor: bureau('000000'), key: 'close' }
  t.notOk(isRefusal(await closePeriod(world.service.engine, sql, asked)))
  const accounts = (await sheet('balances', 'detail=account', '000000', auditor('000000'))).slice(1)
  const [total, lines] = [accounts.at(-1)!, accounts.slice(0, -1)]
  const positions = lines.filter(([, name]) => name === lines[0]![1])
  t.ok(positions.some((row) => row[7]) && positions.some((row) => row[8]), 'one province owes, another is owed')
  for (const column of [3, 4, 5, 6, 7, 8]) {
    t.equal(
      cents(total[column]),
      lines.reduce((sum, row) => sum + cents(row[column]), 0n),
      `合计 ${column}`,
    )
  }
  t.ok(cents(total[7]) > 0n)
})
