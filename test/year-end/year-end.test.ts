import fc from 'fast-check'
import t, { type Test } from 'tap'
import { provinceReports } from '../../src/audit/queries.js'
import { verifyLedger } from '../../src/audit/verify.js'
import { parseYuan } from '../../src/core/money.js'
import { isRefusal } from '../../src/core/refusals.js'
import type { CommandType } from '../../src/engine/command.js'
import { proposeCommand } from '../../src/engine/proposal.js'
import type { Runner } from '../../src/engine/runner.js'
import { programRules } from '../../src/programs/contract.js'
import type { Program } from '../../src/programs/facts.js'
import { versionOf } from '../../src/programs/rules.js'
import {
  carryOverCommand,
  reconcileBudgetCommand,
  returnBudgetCommand,
  setSubsidyCommand,
  subsidiseCommand,
} from '../../src/year-end/commands.js'
import { basesOf, poolYear, subsidiesIn } from '../../src/year-end/queries.js'
import { codeIn, inForceOver, overlapping, rulesIn, sharesOf, yearsLater } from '../../src/year-end/rules.js'
import { askOf, call } from '../support/ask.js'
import { type Lab, withLab } from '../support/lab.js'
import { ask, bureau, rules } from '../support/scene.js'
import { china, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

const WJ = '320509'
type Running = ReturnType<Lab['engine']>

const by = (type: CommandType<never>, command: object, jurisdiction = WJ) => ({
  type: type as unknown as CommandType,
  command,
  actor: bureau(jurisdiction),
})
const giveBack = (program: string, amount?: bigint) =>
  by(returnBudgetCommand as never, { program, ...(amount ? { amount } : {}), document: '吴财〔2026〕31号' })
const carry = (from: string, to: string, amount?: bigint) =>
  by(carryOverCommand as never, { from, to, ...(amount ? { amount } : {}), document: '吴财〔2026〕32号' })

async function told(engine: Runner, asked: Parameters<Stage['must']>[0]) {
  const outcome = await engine.run(asked)
  return isRefusal(outcome) ? [outcome.refused, outcome.details] : outcome.event
}

async function verified(t: Test, { sql }: Running): Promise<void> {
  for await (const { name, ok, finding } of verifyLedger(sql)) t.ok(ok, `${name} ${finding ?? ''}`)
}

/** What every report of pools has to come to. */
function addsUp(t: Test, { items, total }: Awaited<ReturnType<typeof poolYear>>): void {
  for (const one of [...items, total]) {
    const of = (name: keyof typeof total) => parseYuan(one[name])
    const came = of('opening') + of('appropriated') + of('lapsed') + of('clawedBack') + of('carriedIn')
    const went = of('issued') + of('returned') + of('carriedOut') + of('subsidised')
    t.equal(came - went, of('left'), `${'program' in one ? one.program : 'all'} adds up`)
  }
}

t.test('days, codes and rules of another year', async (t) => {
  t.equal(yearsLater('2026-03-31', 1), '2027-03-31')
  t.equal(yearsLater('2028-02-29', 1), '2029-02-28')
  t.equal(yearsLater('2028-02-29', 4), '2032-02-29')
  const program = versionOf(
    {
      ...rules({ program: 'WJ-2026' }),
      title: '2026 年创新券',
      document: '吴科〔2026〕1号',
      useBy: '2027-02-28',
    } as never,
    { program: 'WJ-2026', jurisdiction: 320509, version: 1, effectiveFrom: null },
  )
  t.equal(codeIn(program, 2027), 'WJ-2027')
  t.equal(codeIn({ program: 'WJ', applyFrom: '2026-01-01' }, 2027), 'WJ-2027')
  const next = rulesIn(program, 2027)
  t.match(next, {
    applyFrom: '2027-01-01',
    applyTo: '2027-12-31',
    useBy: '2028-02-28',
    title: '2027 年创新券',
    document: null,
    ratio: '0.5',
  })
  const {
    book: _,
    program: __,
    jurisdiction: ___,
    version: ____,
    effectiveFrom: _____,
    ...again
  } = versionOf(next, {
    ...program,
    program: 'x',
  }) as Program
  t.match(again, { annualCap: program.annualCap, categories: program.categories })
})

t.test('subsidies: which version, which days, what share', async (t) => {
  const version = (number: number, from: string, to: string) => ({ version: number, from, to }) as never
  const rule = { versions: [version(1, '2026-01-01', '2026-12-31'), version(2, '2026-07-01', '2026-12-31')] }
  const cases: [string, string, number | undefined][] = [
    ['2026-01-01', '2026-06-30', 1],
    ['2026-07-01', '2026-12-31', 2],
    ['2026-06-30', '2026-07-01', undefined],
    ['2025-12-31', '2026-01-01', undefined],
    ['2026-12-31', '2027-01-01', undefined],
  ]
  for (const [from, to, wanted] of cases) t.equal(inForceOver(rule, from, to)?.version, wanted, `${from} ${to}`)
  const runs = { runs: [{ from: '2026-03-01', to: '2026-03-31' } as never] }
  t.ok(overlapping(runs, '2026-03-31', '2026-04-30'))
  t.notOk(overlapping(runs, '2026-04-01', '2026-04-30'))
  const base = fc.bigInt({ min: -(10n ** 12n), max: 10n ** 12n })
  fc.assert(
    fc.property(fc.array(base), (amounts) => {
      const shares = sharesOf(
        '0.333333',
        amounts.map((amount) => ({ jurisdiction: WJ, amount })),
      )
      return shares.every(({ base: of, amount }) =>
        of <= 0n ? amount === 0n : amount * 1_000_000n <= of * 333_333n && (amount + 1n) * 1_000_000n > of * 333_333n,
      )
    }),
  )
})

withLab(t, 'what is overdue lapses into the pool before more of it is proposed', async (t, lab) => {
  const running = lab.engine()
  const stage = new Stage(running.engine)
  const proposed = ({ type, command, actor }: ReturnType<typeof giveBack>) => ({
    type: proposeCommand as never,
    command: { kind: type.kind, command, jurisdiction: WJ },
    actor,
  })
  for (const program of ['WJ-A', 'WJ-B']) await stage.voucher(await stage.place({ program }), 400_00n)
  await stage.place({ program: 'WJ-NEXT', applyFrom: '2026-02-01', applyTo: '2027-12-31' }, {}, 0n)
  lab.clock.set(china('2026-12-01'))
  for (const asked of [
    (amount: bigint) => giveBack('WJ-A', amount),
    (amount: bigint) => carry('WJ-B', 'WJ-NEXT', amount),
  ]) {
    const { kind } = asked(1n).type
    t.match(await told(running.engine, proposed(asked(1_000_00n))), { command: kind }, 'before any sweep')
    t.same(await told(running.engine, proposed(asked(1_000_01n))), ['pool_insufficient', { pool: '1000.00' }])
  }
  await verified(t, running)
})

withLab(t, 'unused budget goes back to Finance or on to the next year, and the identity holds', async (t, lab) => {
  const running = lab.engine()
  const { engine, sql } = running
  const stage = new Stage(engine)
  const place = await stage.place({ program: 'WJ-2026' })
  const again = await stage.place(
    { program: 'WJ-2027', applyFrom: '2026-02-01', applyTo: '2027-12-31' },
    { enterprise: place.enterprise, provider: place.provider },
    0n,
  )
  const voucher = await stage.voucher(place, 400_00n)
  const order = await stage.order(place, 'approved', { voucher })
  await stage.must(ask.clawBack(order, 10_00n))

  t.same(await told(engine, giveBack('WJ-2026', 610_01n)), ['pool_insufficient', { pool: '610.00' }])
  t.match(await told(engine, giveBack('nowhere', 1n)), ['program_not_found'])
  t.match(await told(engine, { ...giveBack('WJ-2026', 1n), actor: bureau('320000') }), ['not_your_jurisdiction'])
  t.match(await told(engine, carry('WJ-2027', 'WJ-2026', 1n)), ['carry_over_not_allowed'], 'not into the past')
  const far = await stage.place(
    { program: 'PD', jurisdiction: '310115', applyTo: '2028-12-31' },
    { provider: place.provider },
    0n,
  )
  t.match(await told(engine, carry('WJ-2026', far.program, 1n)), ['carry_over_not_allowed', { jurisdiction: '310115' }])

  t.match(await told(engine, giveBack('WJ-2026', 110_00n)), { amount: '110.00', pool: '500.00' })
  t.match(await told(engine, carry('WJ-2026', 'WJ-2027', 200_00n)), { pool: '300.00' })

  // Past its last day of use the voucher’s rest is the pool’s, whoever looks first.
  lab.clock.set(china('2026-12-01'))
  t.match(await told(engine, giveBack('WJ-2026', 600_00n)), { pool: '0.00' }, 'what is overdue lapses into it first')
  t.same(await told(engine, giveBack('WJ-2026')), ['pool_insufficient', { pool: '0.00' }], 'nothing of nothing')
  t.match(await told(engine, giveBack('WJ-2027', 50_00n)), { pool: '150.00' })

  const figure = (asOf: string) =>
    by(reconcileBudgetCommand as never, { program: 'WJ-2026', amount: 900_00n, asOf, document: '国库对账单 3' })
  t.match(await told(engine, figure('2026-12-02')), ['day_in_future'])
  t.match(await told(engine, figure('2026-03-31')), { treasury: '900.00' })

  const report = await poolYear(sql, { low: 320509, high: 320509 }, 2026, '2026-12-01')
  t.match(report, {
    through: '2026-12-01',
    items: [
      {
        program: 'WJ-2026',
        opening: '0.00',
        appropriated: '1000.00',
        issued: '400.00',
        lapsed: '300.00',
        clawedBack: '10.00',
        returned: '710.00',
        carriedOut: '200.00',
        left: '0.00',
        treasury: { amount: '900.00', ledger: '890.00', difference: '10.00' },
      },
      { program: again.program, carriedIn: '200.00', returned: '50.00', left: '150.00', treasury: null },
    ],
    total: { left: '150.00' },
  })
  addsUp(t, report)
  lab.clock.set(china('2027-02-01'))
  await stage.must(giveBack('WJ-2027', 30_00n))
  const next = await poolYear(sql, { low: 0, high: 999_999 }, 2027, '2027-02-01')
  t.match(next.total, { opening: '150.00', returned: '30.00', left: '120.00', issued: '0.00' })
  addsUp(t, next)
  t.same(
    await poolYear(sql, { low: 320509, high: 320509 }, 2026, '2027-02-01').then(({ items }) => items[0]),
    {
      ...report.items[0],
    },
    'the year before stays as it was',
  )

  const province = (await provinceReports(sql))['320000']!
  const of = (name: 'appropriated' | 'pool' | 'available' | 'held' | 'approved' | 'clawedBack') =>
    parseYuan(province[name])
  t.equal(of('appropriated'), of('pool') + of('available') + of('held') + of('approved') - of('clawedBack'))
  await verified(t, running)
})

withLab(t, 'a province pays its share of what its counties issued, once for the same days', async (t, lab) => {
  const running = lab.engine()
  const { engine, sql } = running
  const stage = new Stage(engine)
  const place = await stage.place({ program: 'WJ' })
  await stage.place({ program: 'JS', jurisdiction: '320000' }, place, 100_00n)
  await stage.voucher(place, 100_01n)
  const rule = (over: object = {}) =>
    by(
      setSubsidyCommand as never,
      {
        program: 'JS',
        jurisdictions: [WJ, '320506'],
        basis: 'issued',
        share: '0.3',
        from: '2026-03-02',
        to: '2026-12-31',
        document: '苏财〔2026〕5号',
        ...over,
      },
      '320000',
    )
  t.match(await told(engine, rule({ jurisdictions: ['330106'] })), ['outside_jurisdiction', { jurisdiction: '330106' }])
  t.match(await told(engine, rule({ jurisdictions: ['320000'] })), ['outside_jurisdiction'])
  t.match(await told(engine, rule({ from: '2026-03-01' })), ['effective_in_past'])
  t.match(await told(engine, rule()), { version: 1 })

  const asked = async (from: string, to: string) => {
    const bases = await basesOf(sql, { jurisdictions: [WJ, '320506'], basis: 'issued' }, from, to)
    return by(subsidiseCommand as never, { program: 'JS', from, to, bases }, '320000')
  }
  t.match(await told(engine, await asked('2026-03-02', '2026-03-02')), ['period_not_over'])
  lab.clock.set(china('2026-04-01'))
  t.match(await told(engine, await asked('2026-03-01', '2026-03-31')), ['subsidy_not_in_force'])
  const wanted = {
    version: 1,
    total: '30.00',
    items: [
      { jurisdiction: WJ, base: '100.01', amount: '30.00' },
      { jurisdiction: '320506', base: '0.00', amount: '0.00' },
    ],
  }
  t.match(await told(engine, await asked('2026-03-02', '2026-03-31')), wanted)
  t.match(await told(engine, await asked('2026-03-02', '2026-03-31')), wanted, 'asked again')
  t.match(await told(engine, await asked('2026-03-31', '2026-03-31')), ['subsidy_overlaps'])
  t.match(await told(engine, by(subsidiseCommand as never, { program: 'JS', from: '2026-03-02', to: '2026-03-31' })), [
    'not_your_jurisdiction',
  ])
  const [owed] = await sql`
    select posted::text from accounts where book = 320000 and owner = ${`jurisdiction:${WJ}`}`
  t.match(owed, { posted: '3000' }, 'booked once')
  const lines = await sql`
    select l.payee, l.amount::text, l.state, b.source from payment_lines l join payment_batches b using (book, batch)`
  t.same(
    [...lines],
    [{ payee: `jurisdiction:${WJ}`, amount: '3000', state: 'open', source: 'payable' }],
    'to be released',
  )

  await stage.must(ask.issue(WJ, 'WJ', place.enterprise, 899_00n))
  lab.clock.set(china('2026-05-01'))
  t.match(await told(engine, await asked('2026-04-01', '2026-04-30')), ['pool_insufficient', { pool: '70.00' }])
  await stage.must(ask.appropriate('320000', 'JS', 1_000_00n))
  t.match(await told(engine, await asked('2026-04-01', '2026-04-30')), { total: '269.70' })
  t.match(await subsidiesIn(sql, { low: 320000, high: 329999 }), [
    { program: 'JS', jurisdiction: '320000', runs: [{ total: '30.00' }, { total: '269.70' }] },
  ])
  const report = await poolYear(sql, { low: 320000, high: 320000 }, 2026, '2026-05-01')
  t.match(report.items, [{ program: 'JS', subsidised: '299.70', left: '800.30' }])
  addsUp(t, report)
  const province = (await provinceReports(sql))['320000']!
  const of = (name: keyof typeof province) => parseYuan(province[name] ?? '0.00')
  t.equal(
    of('appropriated'),
    of('pool') + of('available') + of('held') + of('approved') - of('clawedBack') + of('subsidised'),
  )
  t.equal(of('paid') + of('payable'), of('approved') - of('clawedBack') + of('subsidised'))
  await verified(t, running)
})

t.test('over HTTP: two persons, drafts of the next year, the report', async (t) => {
  const service = await testService()
  t.teardown(() => service.close())
  const ask = askOf(service)
  const officer = { ...bureau(WJ), roles: ['officer', 'approver', 'finance'] } as never
  const program = { ...rulesOf('WJ-2026'), jurisdiction: WJ, program: 'WJ-2026' }
  t.equal((await ask(officer, 'POST', '/v1/programs', program)).status, 200)
  await ask(officer, 'POST', '/v1/appropriations', { program: 'WJ-2026', amount: '100.00' })
  const body = { jurisdiction: WJ, programs: ['WJ-2026'], year: 2027 }
  const opened = await call(service, officer, 'POST', '/v1/years', body)
  t.match(opened, { status: 201, body: { result: { drafts: [{ from: 'WJ-2026', program: 'WJ-2027' }] } } })
  const drafts = await call(service, officer, 'GET', '/v1/program-drafts')
  t.match(drafts.body.items, [{ program: 'WJ-2027', rules: { applyFrom: '2027-01-01' } }])
  t.ok(programRules.safeParse(drafts.body.items[0].rules).success, 'can be published as it is')
  t.match(
    await ask(officer, 'POST', '/v1/programs', { program: 'WJ-2027', jurisdiction: WJ, ...drafts.body.items[0].rules }),
    {
      status: 200,
    },
  )
  t.match(await call(service, officer, 'POST', '/v1/years', body), { status: 409, body: { code: 'program_exists' } })

  const proposed = await call(service, officer, 'POST', '/v1/budget-returns', { program: 'WJ-2026', document: '文 1' })
  t.equal(proposed.status, 202)
  const carried = await ask(officer, 'POST', '/v1/carry-overs', {
    from: 'WJ-2026',
    to: 'WJ-2027',
    amount: '60.00',
    document: '文 2',
  })
  t.match(carried, { status: 200, body: { result: { pool: '40.00' } } })
  const path = `/v1/proposals/${proposed.body.result.proposal}/approval`
  t.match(await call(service, officer, 'POST', path, {}), { body: { code: 'separation_of_duties' } })
  const second = { ...(officer as ReturnType<typeof bureau>), subject: 'Zhao' }
  t.match(await call(service, second, 'POST', path, {}), { body: { result: { amount: '40.00', pool: '0.00' } } })
  const report = await call(service, officer, 'GET', '/v1/year-end?year=2026')
  t.match(report.body.total, { appropriated: '100.00', returned: '40.00', left: '60.00' })
  t.match(await call(service, officer, 'GET', '/v1/year-end?year=2026&jurisdiction=330000'), {
    status: 403,
    body: { code: 'not_your_jurisdiction' },
  })
  t.match(await call(service, officer, 'POST', '/v1/carry-overs', { from: 'A', to: 'A', document: 'x' }), {
    status: 400,
    body: { errors: [{ pointer: '/body/to', code: 'repeated' }] },
  })
})

function rulesOf(program: string): object {
  const { program: _, jurisdiction: __, ...rest } = rules({ program })
  return { ...rest, annualCap: '300.00' }
}
