/** Bank statements over HTTP: uploaded as a table or as camt.053, matched, and what is left over looked into. */
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { type Refused, refuse } from '../../src/core/refusals.js'
import { Runner } from '../../src/engine/runner.js'
import type { Outcome } from '../../src/engine/ticket.js'
import { lineReference } from '../../src/payments/facts.js'
import { readCsv } from '../../src/platform/csv.js'
import { sheetTypes } from '../../src/platform/sheets.js'
import { sheetStatement } from '../../src/statements/file.js'
import { takeUp } from '../../src/statements/upload.js'
import { askOf, call } from '../support/ask.js'
import { makeBatch } from '../support/payments.js'
import { ask as asks, bureau, firm, uscc } from '../support/scene.js'
import { testEngine, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

const service = await testService('2026-03-02')
const beside = await testEngine(service.database, service.clock)
const stage = new Stage(beside.engine)
const { sql } = beside
t.teardown(async () => {
  await beside.close()
  await service.close()
})

const [BOOK, WJ] = [320509, '320509']
const of = (role: string, jurisdiction = WJ): Actor => ({ ...bureau(jurisdiction, role), roles: [role] })
const finance = of('finance')
const ask = askOf(service)
const get = async (path: string, actor: Actor = finance) => (await call(service, actor, 'GET', path)).body

async function upload(body: string, type: string = sheetTypes.csv, actor: Actor = finance, key: string = randomUUID()) {
  const response = await fetch(`${service.base}/v1/books/${WJ}/statements`, {
    method: 'POST',
    headers: { authorization: `Bearer ${service.token(actor)}`, 'content-type': type, 'idempotency-key': key },
    body,
  })
  const answer = (await response.json()) as {
    statement: string
    code: string
    details: object
    errors: { pointer: string; code: string }[]
  }
  return { status: response.status, location: response.headers.get('location'), answer }
}

/** Uploads what must be taken, and waits until it is. */
async function taken(body: string, type?: string) {
  const { status, location, answer } = await upload(body, type)
  if (status !== 202) throw new Error(JSON.stringify(answer))
  for (;;) {
    const view = await get(location!)
    if (view.state === 'finished') return view
  }
}

let serials = 0
type Row = readonly [side: '借' | '贷', amount: string, reference: string, name?: string, serial?: string]
/** A statement in the service's own form. */
function csv(rows: readonly Row[], over: { account?: string; number?: string; closing?: string } = {}) {
  const fen = rows.reduce((sum, [side, amount]) => {
    const size = BigInt(amount.replace('.', ''))
    return side === '贷' ? sum + size : sum - size
  }, 1_000_000_00n)
  const text = String(fen)
  const closing = over.closing ?? `${text.slice(0, -2)}.${text.slice(-2)}`
  return [
    `账号,${over.account ?? '32001234567890121234'}`,
    `对账单编号,${over.number ?? `S-${++serials}`}`,
    '期初余额,"1,000,000.00"',
    `期末余额,${closing}`,
    '交易日期,借贷方向,金额,对方户名,对方账号,摘要/附言,流水号',
    ...rows.map(([side, amount, reference, name = '某单位', serial = `N-${++serials}`]) =>
      ['20260302', side, amount, name, '6222020200112233445', reference, serial].join(','),
    ),
  ].join('\r\n')
}

const payees = [1, 2, 3, 4].map((n) => `provider:${uscc(n)}`)
const batchOf = async (amounts: readonly bigint[], period = 'Q1') => {
  const lines = amounts.map((amount, n) => ({ payee: payees[n]!, province: 310000, amount }))
  const { event } = await stage.must(makeBatch({ book: BOOK, period, source: 'payable', lines }))
  return (line: number) => lineReference(BOOK, event.batch as number, line)
}
for (const n of [1, 2, 3, 4]) await stage.must(asks.provider(uscc(n), '310104'))

t.test('a table is taken: matched, in part, back, and left over', async (t) => {
  const ref = await batchOf([100_00n, 200_00n, 300_00n])
  const file = csv([
    ['借', '100.00', ref(1)],
    ['借', '50.00', `拨付 ${ref(2)}`],
    ['借', '12.34', '手续费', '某银行'],
    ['借', '300.00', '账户6222020200112233445', `provider ${uscc(3)}`],
  ])
  const view = await taken(file)
  t.match(view, { lines: 4, taken: 4, exceptions: 2, repeated: 0, account: '**** 1234', opening: '1000000.00' })
  const { items } = await get(`/v1/statements/${view.statement}/lines`)
  t.match(
    items.map(({ matches }: { matches: { reference: string; amount: string }[] }) => matches[0]?.amount ?? null),
    ['100.00', '50.00', null, null],
  )
  t.equal(items[3].reference, '账户**** 3445', 'no account number is kept')
  t.notOk(JSON.stringify(await sql`select body, event from commands`).includes('6222020200112233445'), 'nor logged')

  t.same((await upload(file)).answer.statement, view.statement, 'again: the same statement')
  t.same((await get(`/v1/statements/${view.statement}`)).taken, 4)
  const changed = await upload(csv([['借', '1.00', ref(1)]], { number: view.number }))
  t.match(changed, { status: 409, answer: { code: 'statement_differs' } })

  const listed = await get(`/v1/bank-exceptions?statement=${view.statement}`)
  t.match(
    listed.items.map(({ reason, amount, age }: { reason: string; amount: string; age: number }) => [
      reason,
      amount,
      age,
    ]),
    [
      ['no_reference', '12.34', 0],
      ['no_reference', '300.00', 0],
    ],
  )
  const paidBack = await taken(csv([['贷', '100.00', `退汇 ${ref(1)}`]]))
  t.equal(paidBack.exceptions, 0)
})

t.test('lines of one payment batch are taken together, and what was paid before what came back', (t) => {
  const said = (text: string) => {
    const { lines } = sheetStatement(readCsv(Buffer.from(text)))
    return lines.map(({ side, reference }) => `${side} ${reference}`)
  }
  const mixed = csv([
    ['贷', '1.00', 'B320509-30000-1'],
    ['借', '1.00', 'B320509-30000-1'],
    ['借', '1.00', 'B320509-1-1'],
    ['借', '1.00', '手续费'],
    ['借', '1.00', 'B320509-30000-2'],
    ['借', '1.00', 'B320509-1-2 B320509-30000-3'],
  ])
  t.same(said(mixed), [
    'debit 手续费',
    'debit B320509-1-1',
    'debit B320509-1-2 B320509-30000-3',
    'debit B320509-30000-1',
    'debit B320509-30000-2',
    'credit B320509-30000-1',
  ])
  t.end()
})

/** An engine that answers when it is told to, that it cannot. */
class Waiting extends Runner {
  open: () => void = () => {}
  readonly #opened = new Promise<void>((resolve) => {
    this.open = resolve
  })

  override async runAll(): Promise<Outcome[]> {
    await this.#opened
    return [refuse('unavailable')]
  }

  override hasRoom = () => true
  override drained = async () => {}
}

t.test('so many statements are taken at once, and whoever comes then is asked to come again', async (t) => {
  const engine = new Waiting()
  const log = pino({ level: 'silent' })
  const asked = Array.from({ length: 6 }, async (_, n) => {
    const file = sheetStatement(readCsv(Buffer.from(csv([['借', '1.00', `B320509-1-${n + 1}`]]))))
    return takeUp({ engine, sql }, BOOK, file, { actor: finance, key: randomUUID(), log }).catch(
      (error: Refused) => error.refusal.refused,
    )
  })
  t.equal(await Promise.race(asked), 'overloaded', 'before any of the others is answered')
  engine.open()
  const answers = await Promise.all(asked)
  t.ok(answers.filter((answer) => answer === 'unavailable').length <= 4, String(answers))
})

t.test('all that is wrong with a file is said at once, and nothing of it is taken', async (t) => {
  const before = await sql`select count(*) from bank_lines`
  const bad = [
    '账号,12',
    '期末余额,x',
    '交易日期,借贷方向,金额,附言,流水号',
    '2026-02-30,借,1.00,a,A',
    '2026-03-01,左,1.001,a,B',
    '2026-03-01,贷,-5.00,a,A',
    '2026-03-01,贷,5.00,a,',
  ].join('\n')
  const { status, answer } = await upload(bad)
  t.equal(status, 400)
  t.same(
    answer.errors.map(({ pointer, code }) => `${pointer} ${code}`),
    [
      '/body/account text_format',
      '/body/opening required',
      '/body/closing amount_format',
      '/body/4/day day_format',
      '/body/5/side not_one_of',
      '/body/5/amount amount_format',
      '/body/6/amount amount_format',
      '/body/6/serial repeated',
      '/body/7/serial text_format',
    ],
  )
  t.match((await upload('账号,1234567890\n')).answer, { code: 'validation_failed' })
  t.match(
    (await upload('no table')).answer.errors.map(({ code }) => code),
    ['required', 'required'],
  )
  const unbalanced = await upload(csv([['借', '1.00', 'x']], { closing: '999999.01' }))
  t.match(unbalanced, { status: 409, answer: { code: 'statement_unbalanced', details: { expected: '999999.00' } } })
  t.match(await upload('{}', 'application/json'), { status: 415 })
  t.match(await upload(csv([['借', '1.00', 'x']]), sheetTypes.csv, of('officer')), { status: 403 })
  const foreign = await upload(csv([['借', '1.00', 'x']]), sheetTypes.csv, of('finance', '310000'))
  t.match(foreign.answer, { code: 'not_your_jurisdiction' })
  t.same(await sql`select count(*) from bank_lines`, before)
})

t.test('an exception is assigned, and resolved by two persons', async (t) => {
  const ref = await batchOf([70_00n, 30_00n, 5_00n])
  const view = await taken(
    csv([
      ['借', '100.00', '两笔合并'],
      ['借', '5.00', '未写编号', `provider ${uscc(3)}`],
      ['借', '8.88', '账户管理费'],
      ['贷', '3.00', '利息'],
    ]),
  )
  const ids = (await get(`/v1/bank-exceptions?statement=${view.statement}`)).items.map(
    ({ exception }: { exception: string }) => exception,
  ) as [string, string, string, string]
  const [both, lone, fee, interest] = ids
  t.match(await get(`/v1/bank-exceptions/${lone}`), {
    suggestions: [{ reference: ref(3), payee: payees[2], amount: '5.00', isSameName: true }],
  })
  t.match(await ask(finance, 'POST', `/v1/bank-exceptions/${both}/owner`, { owner: 'Qian' }), { status: 200 })
  t.match((await get('/v1/bank-exceptions?owner=Qian')).items, [{ exception: both, owner: 'Qian' }])
  const resolve = (id: string, body: object, actor = finance) =>
    ask(actor, 'POST', `/v1/bank-exceptions/${id}/resolution`, { reason: '核对后', ...body })
  const pay = (reference: string, amount: string) => ({ reference, amount })
  t.match(await resolve(both, {}), { status: 409, body: { code: 'resolution_unclear' } })
  t.match(await resolve(both, { payments: [pay(ref(1), '70.00')] }), {
    body: { code: 'match_not_possible', details: { reason: 'amount_differs' } },
  })
  t.match(await resolve(both, { payments: [pay(ref(1), '50.00'), pay(ref(1), '50.00')] }), {
    body: { code: 'match_not_possible', details: { reason: 'unclear_reference' } },
  })
  t.match(await resolve(both, { payments: [pay(ref(1), '70.00'), pay(ref(2), '30.00')] }), { status: 200 })
  t.match(await resolve(both, { document: '苏财〔2026〕1号' }), { body: { code: 'state_conflict' } }, 'once')
  t.match(await resolve(lone, { payments: [pay(ref(3), '5.00')] }, of('finance', '320000')), {
    body: { code: 'not_your_jurisdiction' },
  })
  t.match(await resolve(lone, { payments: [pay(ref(3), '5.00')] }), { status: 200 })
  t.match(await resolve(fee, { refund: uscc(1) }), { body: { code: 'match_not_possible' } }, 'paid is not given back')
  t.match(await resolve(fee, { document: '银行收费通知' }), { status: 200 })
  t.match(await resolve(interest, { refund: uscc(1) }), { status: 200 })
  const lines = (await get(`/v1/statements/${view.statement}/lines`)).items
  t.same(
    lines.map(({ matches }: { matches: { kind: string }[] }) => matches.map(({ kind }) => kind)),
    [['pay', 'pay'], ['pay'], [], ['refund']],
  )
  t.same((await get(`/v1/statements/${view.statement}`)).exceptions, 0)
  t.match(await get(`/v1/bank-exceptions/${fee}`), {
    state: 'resolved',
    as: 'ignored',
    document: '银行收费通知',
    proposedBy: 'finance',
    resolvedBy: 'finance 2',
    suggestions: [],
  })
})

t.test('who may see and do it', async (t) => {
  const { items } = await get('/v1/statements')
  const { statement } = items[0]
  t.match(await get(`/v1/statements/${statement}`, of('auditor', '320000')), { statement }, 'the province looks down')
  for (const path of [`/v1/statements/${statement}`, `/v1/statements/${statement}/lines`]) {
    t.match(await get(path, of('finance', '310000')), { code: 'statement_not_found' })
  }
  t.same((await get('/v1/statements', of('finance', '310000'))).items, [])
  t.same((await get('/v1/bank-exceptions', of('finance', '310000'))).items, [])
  t.match(await get('/v1/reconciliation?book=320509&period=Q1', of('finance', '310000')), {
    code: 'not_your_jurisdiction',
  })
  t.match(await get('/v1/statements', firm(uscc(1))), { code: 'role_not_permitted' })
})
