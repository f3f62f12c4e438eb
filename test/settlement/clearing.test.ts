import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { verifyLedger } from '../../src/audit/verify.js'
import { planPeriodsCommand } from '../../src/calendars/commands.js'
import { allCalendars } from '../../src/calendars/queries.js'
import { provinceOf, provinces } from '../../src/core/division.js'
import { parseYuan, yuan } from '../../src/core/money.js'
import { netPositions } from '../../src/core/positions.js'
import { isRefusal, refuse } from '../../src/core/refusals.js'
import { dayOf, ManualClock } from '../../src/core/time.js'
import { type AskedRow, Runner } from '../../src/engine/runner.js'
import type { Outcome } from '../../src/engine/ticket.js'
import { previewPeriodCommand } from '../../src/outlook/commands.js'
import { exposures, openGross } from '../../src/outlook/queries.js'
import type { Sql } from '../../src/platform/database.js'
import { closePeriodCommand } from '../../src/settlement/commands.js'
import { itemNumbers, itemsOf } from '../../src/settlement/details.js'
import { piecesOf, settlementOf } from '../../src/settlement/queries.js'
import { settleAll } from '../../src/settlement/settle.js'
import { runEngine } from '../support/engines.js'
import { type Lab, withLab } from '../support/lab.js'
import { bureau } from '../support/scene.js'
import { china, type TestDatabase } from '../support/service.js'
import { close, type Item, owedBy, owedIn, Sums, Trade } from '../support/settlements.js'

async function verified(t: Test, sql: Sql): Promise<void> {
  for await (const { name, ok, finding } of verifyLedger(sql)) t.ok(ok, `${name} ${finding ?? ''}`)
}

const [SH, JS, ZJ, AH] = provinces
const WJ = '320509'
const GROUP = 'delta'

/** Orders in four provinces over two days, with agreements of every kind between them. */
async function traded(lab: Lab) {
  const running = lab.engine()
  const trade = new Trade(running.engine, () => dayOf(lab.clock.now()))
  const place = {
    county: await trade.place(1, WJ, '310104'),
    back: await trade.place(2, '310104', WJ),
    own: await trade.place(3, WJ, WJ),
    province: await trade.place(4, JS, '330106'),
    below: await trade.place(5, WJ, '330106'),
    direct: await trade.place(6, '330106', '310104'),
    city: await trade.place(7, '330106', WJ),
  }
  await trade.agree(JS, SH)
  await trade.agree(JS, ZJ, { covers: 'province', group: GROUP, to: '2026-03-03' })
  await trade.agree(ZJ, JS, { covers: 'tree', group: 'region', from: '2026-03-04' })
  await trade.agree(SH, ZJ, { mode: 'direct' })
  for (const day of ['2026-03-02', '2026-03-03', '2026-03-04']) {
    lab.clock.set(china(day))
    for (const [n, one] of Object.values(place).entries()) {
      const order = await trade.approve(one, BigInt(n + 1) * 11_11n + BigInt(day.at(-1)!))
      if (n % 3 === 0) await trade.clawBack(one, order, 3_33n)
    }
  }
  return { running, trade, place }
}

/** By which group and mode an item of `traded` is cleared: said once more, by hand. */
function cleared({ book, province, day }: Item): { group: string; netted: boolean } {
  const pair = [provinceOf(book), province].sort().join(' ')
  if (pair === `${SH} ${JS}`) return { group: 'region', netted: day >= '2026-03-03' }
  if (pair !== `${JS} ${ZJ}`) return { group: 'region', netted: false }
  if (day >= '2026-03-04') return { group: 'region', netted: true }
  return day === '2026-03-03' && book.endsWith('0000')
    ? { group: GROUP, netted: true }
    : { group: 'region', netted: false }
}

const isNettedThere = (item: Item) => cleared(item).netted

withLab(t, 'direct and netted, two groups, an agreement that changes inside a period', async (t, lab) => {
  const { running, trade } = await traded(lab)
  const { sql } = running
  lab.clock.set(china('2026-03-05'))
  const ofRegion = trade.items.filter((item) => cleared(item).group === 'region')
  const ofGroup = trade.items.filter((item) => cleared(item).group === GROUP)

  await close(running, 'Q1', '2026-03-04')
  const region = await owedIn(sql, 'Q1')
  const wanted = owedBy(ofRegion, isNettedThere)
  t.same(region.lines, wanted.lines, 'a line for each payee, where it is paid')
  t.same(region.clearing, wanted.clearing)
  t.same(region.left, {}, 'the lines between jurisdictions bring every clearing account to zero')

  await close(running, 'D1', '2026-03-04', GROUP)
  t.same((await owedIn(sql, 'D1')).lines, owedBy(ofGroup, isNettedThere).lines)
  t.same((await owedIn(sql, 'D1')).left, {})
  t.same((await owedIn(sql, 'D1')).payees, owedBy(trade.items, isNettedThere).payees, 'nothing is lost or owed twice')

  for (const [period, group, items] of [
    ['Q1', 'region', ofRegion],
    ['D1', GROUP, ofGroup],
  ] as const) {
    const seen = await settlementOf(sql, period)
    const gross = netPositions(
      items.filter(isNettedThere).map(({ book, province, amount }) => ({
        from: provinceOf(book),
        to: province,
        amount,
      })),
    )
    t.equal(seen?.state, 'settled')
    t.equal(seen?.group, group)
    t.same(seen?.net, Object.fromEntries([...gross].map(([province, amount]) => [province, yuan(amount)])))
    t.equal(seen?.proof.sumOfNets, '0.00')
    t.same([...new Set(Object.values(seen!.proof.leftAfterInstructions))], ['0.00'])
  }
  await verified(t, sql)
})

/** What happens to all steps but one: a fault before it is done or after, or there is too much work. */
type Kill = 'before' | 'after' | 'overloaded'

/** Stops at every step: one step of the settlement is taken each time. */
class Killed extends Runner {
  readonly #engine: Runner
  readonly #kill: Kill
  steps = 0
  #left = 0

  constructor(engine: Runner, kill: Kill) {
    super()
    this.#engine = engine
    this.#kill = kill
  }

  revive(): void {
    this.#left = 1
  }

  override async runAll(asked: AskedRow): Promise<Outcome[]> {
    if (this.#left === 0) {
      if (this.#kill === 'overloaded') return [refuse('overloaded')]
      throw new Error('killed')
    }
    this.#left--
    this.steps++
    const outcomes = await this.#engine.runAll(asked)
    // Recorded, and nobody hears of it.
    if (this.#kill === 'after') throw new Error('killed')
    return outcomes
  }

  override hasRoom = () => this.#engine.hasRoom()
  override drained = () => this.#engine.drained()
}

/** A copy of a database nobody is connected to. */
async function copyOf(database: TestDatabase): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  const at = (url: string, path: string) => Object.assign(new URL(url), { pathname: `/${path}` }).href
  const admin = postgres(at(database.adminUrl, 'postgres'), { max: 1, onnotice: () => {} })
  const template = new URL(database.adminUrl).pathname.slice(1)
  await admin.unsafe(`create database ${name} template ${template} strategy file_copy owner clearing_owner`)
  return {
    databaseUrl: at(database.databaseUrl, name),
    migrateUrl: at(database.migrateUrl, name),
    adminUrl: at(database.adminUrl, name),
    async drop() {
      await admin.unsafe(`drop database if exists ${name} with (force)`)
      await admin.end()
    },
  }
}

/** All that a settlement writes. */
async function written(sql: Sql) {
  const [all] = await sql`
    select (select json_agg(c order by c.book, c.seq) from
              (select book, seq, entry, day, kind, body::jsonb, event::jsonb, changes::jsonb from commands) c) as commands,
           (select json_agg(x order by x.book, x.entry, x.line) from transfers x) as transfers,
           (select json_agg(a order by a.book, a.account) from accounts a) as accounts,
           (select json_agg(p order by p.period) from periods p) as periods,
           (select json_agg(p order by p.period, p.agreement) from period_pairs p) as pairs,
           (select json_agg(s order by s.book, s.seq) from settlement_parts s) as parts,
           (select json_agg(l order by l.book, l.batch, l.line) from payment_lines l) as lines`
  return all as Record<string, object[]>
}

withLab(t, 'a preview is what the close then gives, says what has changed, and warns of caps', async (t, lab) => {
  const running = lab.engine()
  const { engine, sql } = running
  const trade = new Trade(engine, () => dayOf(lab.clock.now()))
  const place = await trade.place(41, WJ, '310104')
  await trade.agree(JS, SH, { cap: 100_00n })
  const preview = async () => {
    const asked = { period: 'Q1', through: '2026-03-03', group: 'region' }
    const command = { ...asked, ...(await openGross(sql, asked.group, asked.through)) }
    return (await trade.stage.must({ type: previewPeriodCommand as never, command, actor: bureau('000000') })).event
  }
  const exposed = async () => (await exposures(sql, dayOf(lab.clock.now())))[0]
  t.match(await preview(), { gross: [], pairs: [], before: null, differences: [] })
  lab.clock.set(china('2026-03-03'))
  const order = await trade.approve(place, 79_99n)
  const line = { from: JS, to: SH, amount: '79.99', items: 1 }
  t.match(await preview(), { pairs: [{ level: 'within', share: 79 }], differences: [line] })
  t.match(await exposed(), { net: '-79.99', items: 1, level: 'within' })
  await trade.approve(place, 1n)
  t.match(await exposed(), { net: '-80.00', items: 2, cap: '100.00', share: 80, level: 'warning' })
  await trade.approve(place, 20_01n)
  t.match(await exposed(), { net: '-100.01', share: 100, level: 'exceeded' })
  t.match(await preview(), {
    pairs: [{ netted: false, why: 'above_cap', level: 'exceeded' }],
    differences: [{ amount: '20.02', items: 2 }],
  })
  await trade.clawBack(place, order, 2n)
  const last = (await preview()) as Record<string, unknown>
  t.match(last, { net: { [SH]: '99.99', [JS]: '-99.99' }, differences: [{ amount: '-0.02', items: 1 }] })
  t.same((await preview()).differences, [], 'nothing has changed')
  lab.clock.set(china('2026-03-04'))
  await trade.approve(place, 5_00n)
  t.same((await preview()).differences, [], 'what is dated after its last day is of the next')
  await close(running, 'Q1', '2026-03-03')
  const closed = await settlementOf(sql, 'Q1')
  t.same([closed?.net, closed?.instructions], [last.net, last.instructions], 'as it was previewed')
  t.match(closed, { late: { items: 0, amount: '0.00' } })
  t.match(await exposed(), { net: '-5.00', items: 1, level: 'within' }, 'only what is not closed')
  const again = await engine.run({
    type: previewPeriodCommand as never,
    command: { period: 'Q1', through: '2026-03-03', group: 'region', reaches: {}, gross: [] },
    actor: bureau('000000'),
  })
  t.match(again, { refused: 'period_closed' })
  await verified(t, sql)
})

withLab(t, 'a calendar: only what is planned is closed, and what is closed stays planned', async (t, lab) => {
  const running = lab.engine()
  const { engine, sql } = running
  const actor = bureau('000000')
  const plan = (periods: object[], group = 'region') =>
    engine.run({ type: planPeriodsCommand as never, command: { group, year: 2026, periods }, actor })
  const shut = (period: string, through: string, group = 'region') =>
    engine.run({ type: closePeriodCommand as never, command: { period, through, group }, actor })
  const [q1, q2] = [
    { period: 'Q1', through: '2026-03-31' },
    { period: 'Q2', through: '2026-06-30' },
  ]
  lab.clock.set(china('2026-07-01'))
  t.notOk(isRefusal(await plan([q1, q2])))
  t.match(await shut('Q1', '2026-03-30'), { refused: 'period_not_planned' })
  t.match(await shut('X1', '2026-03-31'), { refused: 'period_not_planned' })
  t.notOk(isRefusal(await shut('X1', '2026-03-31', 'delta')), 'nothing is planned for this group')
  t.notOk(isRefusal(await shut('Q1', '2026-03-31')))
  t.match(await plan([q2]), { refused: 'planned_period_closed' })
  t.match(await plan([{ ...q1, through: '2026-03-30' }]), { refused: 'planned_period_closed' })
  t.match(await plan([q1], 'other'), { refused: 'planned_period_closed' }, 'a name is of one group')
  t.notOk(isRefusal(await plan([q1, { period: 'H1', through: '2026-07-31' }])))
  t.match(await allCalendars(sql), [
    {
      group: 'region',
      year: 2026,
      periods: [
        { ...q1, closed: true },
        { period: 'H1', closed: false },
      ],
    },
  ])
  await settleAll(engine, sql)
  await verified(t, sql)
})

withLab(
  t,
  'stopped at every step, before and after it or for too much work, and continued: as if nothing had happened',
  async (t, lab) => {
    const { running } = await traded(lab)
    lab.clock.set(china('2026-03-05'))
    const { engine } = running
    const command = { period: 'Q1', through: '2026-03-04', group: 'region' }
    const outcome = await engine.run({ type: closePeriodCommand, command, actor: bureau('000000') })
    t.notOk(isRefusal(outcome))
    await running.close()

    const results = new Map<string, Record<string, object[]>>()
    for (const kill of ['never', 'before', 'after', 'overloaded'] as const) {
      const database = await copyOf(lab.database)
      const twin = runEngine(database, new ManualClock(lab.clock.now()))
      if (kill === 'never') {
        await settleAll(twin.engine, twin.sql)
      } else {
        const killed = new Killed(twin.engine, kill)
        let rounds = 0
        for (let isDone = false; !isDone; rounds++) {
          killed.revive()
          isDone = await settleAll(killed, twin.sql).then(
            () => true,
            () => false,
          )
          await twin.engine.drained()
          if (rounds > 100) throw new Error('does not come to an end')
        }
        t.ok(killed.steps > 8, `${killed.steps} steps, one each time`)
        t.ok(rounds >= killed.steps - 1)
      }
      await verified(t, twin.sql)
      results.set(kill, await written(twin.sql))
      await twin.close()
      await database.drop()
    }
    t.ok(results.get('never')!.lines!.length > 5)
    for (const kill of ['before', 'after', 'overloaded']) {
      t.strictSame(results.get(kill), results.get('never'), `stopped: ${kill}`)
    }
  },
)

withLab(
  t,
  'claw-backs across periods, with negative sums, in both modes; and every fen of what is odd',
  async (t, lab) => {
    const running = lab.engine()
    const { sql } = running
    const trade = new Trade(running.engine, () => dayOf(lab.clock.now()))
    const netted = await trade.place(11, WJ, '310104')
    const direct = await trade.place(12, WJ, '330106')
    const back = await trade.place(13, '310104', WJ)
    await trade.agree(JS, SH)
    lab.clock.set(china('2026-03-03'))
    const orders: [typeof netted, string][] = []
    for (const place of [netted, direct, back]) orders.push([place, await trade.approve(place, 100_01n)])
    lab.clock.set(china('2026-03-04'))
    await close(running, 'Q1', '2026-03-03')
    const first = [...trade.items]

    for (const [place, order] of orders) await trade.clawBack(place, order, 33_34n)
    await trade.approve(back, 2n)
    lab.clock.set(china('2026-03-05'))
    await close(running, 'Q2', '2026-03-04')
    const isNettedPair = ({ book, province }: Item) => [provinceOf(book), province].sort().join(' ') === `${SH} ${JS}`
    const second = trade.items.slice(first.length)
    for (const [period, items] of [
      ['Q1', first],
      ['Q2', second],
    ] as const) {
      const found = await owedIn(sql, period)
      const wanted = owedBy(items, isNettedPair)
      t.same(found.lines, wanted.lines, `${period}: only what is owed has a line`)
      t.same(found.clearing, wanted.clearing, period)
      t.same(found.left, {}, period)
      t.same(found.payees, owedBy(trade.items, isNettedPair).payees, 'what comes back is set off against what is owed')
    }
    // 33.34 twice, and two fen that are owed anew.
    t.match((await settlementOf(sql, 'Q2'))?.pairs, [{ net: '0.02', netted: true, why: 'agreed' }])
    await verified(t, sql)
  },
)

withLab(t, 'a threshold and a cap make a pair direct, to the fen', async (t, lab) => {
  const running = lab.engine()
  const { sql } = running
  const trade = new Trade(running.engine, () => dayOf(lab.clock.now()))
  const small = await trade.place(21, WJ, '310104')
  const large = await trade.place(22, WJ, '330106')
  await trade.agree(JS, SH, { threshold: 100_00n })
  await trade.agree(JS, ZJ, { cap: 100_00n })
  const days = ['2026-03-03', '2026-03-04'] as const
  const amounts = { '2026-03-03': [99_99n, 100_01n], '2026-03-04': [100_00n, 100_00n] } as const
  for (const day of days) {
    lab.clock.set(china(day))
    await trade.approve(small, amounts[day][0])
    await trade.approve(large, amounts[day][1])
  }
  lab.clock.set(china('2026-03-05'))
  await close(running, 'M1', '2026-03-03')
  await close(running, 'M2', '2026-03-04')
  t.match((await settlementOf(sql, 'M1'))?.pairs, [
    { net: '-99.99', netted: false, why: 'below_threshold' },
    { net: '100.01', netted: false, why: 'above_cap' },
  ])
  t.match((await settlementOf(sql, 'M2'))?.pairs, [
    { netted: true, why: 'agreed' },
    { netted: true, why: 'agreed' },
  ])
  t.same((await owedIn(sql, 'M1')).clearing, {}, 'all of it is direct')
  t.same((await owedIn(sql, 'M1')).lines, owedBy(trade.items.slice(0, 2), () => false).lines)
  t.same((await owedIn(sql, 'M2')).lines, owedBy(trade.items.slice(2), () => true).lines)
  await verified(t, sql)
})

withLab(
  t,
  'closed while claims are approved: each is in one period, and a late one in the next, and says so',
  async (t, lab) => {
    const running = lab.engine()
    // Its clock is behind: what it books is dated within the period that the other closes.
    const behind = runEngine(lab.database, new ManualClock(china('2026-03-03T23:59:00+08:00')))
    const trade = new Trade(behind.engine, () => '2026-03-03')
    const place = await trade.place(31, WJ, '310104')
    const other = await trade.place(32, '330106', '310104')
    await trade.approve(place, 1_01n)
    lab.clock.set(china('2026-03-04T00:01:00+08:00'))
    let isClosed = false
    const filing = async (one: typeof place) => {
      for (let n = 0; n < 60 && !(isClosed && n > 5); n++) await trade.approve(one, 1_00n + BigInt(n))
    }
    const both = [filing(place), filing(other)]
    await close(running, 'Q1', '2026-03-03')
    isClosed = true
    await Promise.all(both)
    await trade.approve(place, 7_77n)
    await trade.approve(other, 8_88n)
    await close(running, 'Q2', '2026-03-03')

    t.match((await settlementOf(running.sql, 'Q1'))?.late, { items: 0 })
    const late = (await settlementOf(running.sql, 'Q2'))?.late
    t.ok(late!.items >= 2, `${late?.items} late items`)
    const found: bigint[] = []
    for (const period of ['Q1', 'Q2']) {
      for (const book of [320509, 330106]) {
        const items = await itemsOf(running.sql, period, book, await itemNumbers(running.sql, period, book))
        for (const { amount, late } of items) {
          found.push(parseYuan(amount))
          t.equal(late, period === 'Q2', 'late is what an earlier period would have taken')
        }
      }
    }
    t.same(found.sort(), trade.items.map(({ amount }) => amount).sort(), 'nothing is lost or doubled')
    const { payees } = await owedIn(running.sql, 'Q1')
    t.same(payees, owedBy(trade.items, () => false).payees)
    await verified(t, running.sql)
    await behind.close()
  },
)

const books = [SH, 310104, JS, 320500, Number(WJ), ZJ, 330106, AH].map(Number)
const sum = fc.record({
  book: fc.constantFrom(...books),
  payee: fc.constantFrom('provider:A', 'provider:B', 'provider:C'),
  province: fc.constantFrom(...provinces.map(Number)),
  // What is local is by no agreement; the others by one of two or none.
  agreement: fc.constantFrom(null, 1, 2),
  approved: fc.oneof(fc.constant(0n), fc.bigInt(1n, 10n), fc.bigInt(1n, 10n ** 13n)),
  clawedBack: fc.oneof(fc.constant(0n), fc.bigInt(1n, 10n), fc.bigInt(1n, 10n ** 13n)),
})
const sums = fc.array(sum, { maxLength: 40 }).map((list) =>
  list.map((one) => {
    const isLocal = provinceOf(String(one.book)) === String(one.province)
    return { ...one, payee: `${one.payee}${one.province}`, agreement: isLocal ? null : one.agreement }
  }),
)

async function allPieces(...asked: Parameters<typeof piecesOf>) {
  const parts = await piecesOf(...asked)
  return parts.flatMap((pieces) => [...pieces])
}

t.test('of random sums: what is handed over is taken over, and the lines between bring all to zero', async (t) => {
  await fc.assert(
    fc.asyncProperty(sums, fc.subarray([1, 2]), async (list, agreed) => {
      const netted = new Set(agreed)
      const pieces = await allPieces(list, netted)
      const clearing = new Sums()
      const between = new Sums()
      const paid = new Sums()
      for (const { book, part, payees } of pieces) {
        for (const { payee, approved, clawedBack, netted: isNetted } of payees) {
          const amount = approved - clawedBack
          if (part === 'between') between.add(String(book), amount).add(payee.slice(-6), -amount)
          else if (part === 'payee') clearing.add(String(book), -amount)
          else if (isNetted) clearing.add(String(book), amount)
          if (part === 'payee' || (part === 'issuer' && !isNetted)) paid.add(payee, amount)
        }
      }
      const owed = new Sums()
      for (const { payee, approved, clawedBack } of list) owed.add(payee, approved - clawedBack)
      const same = (a: Sums, b: Sums) => isDeepStrictEqual(a.all, b.all)
      return same(clearing, between) && same(paid, owed)
    }),
  )
  t.pass()
})

t.test('of random sums: at most three instructions between provinces, none of them cyclic', async (t) => {
  await fc.assert(
    fc.asyncProperty(sums, async (list) => {
      const instructions = (await allPieces(list, new Set([1, 2])))
        .filter(({ book, part }) => part === 'between' && provinces.map(Number).includes(book))
        .flatMap(({ book, payees }) => payees.map(({ payee }) => [String(book), payee.slice(-6)] as const))
        .filter(([, to]) => provinces.includes(to as never))
      const pays = new Set(instructions.map(([from]) => from))
      return instructions.length <= 3 && instructions.every(([, to]) => !pays.has(to))
    }),
  )
  await fc.assert(
    fc.asyncProperty(sums, async (list) => {
      // The same sums in another order come to the same pieces.
      const shuffled = [...list].reverse()
      return isDeepStrictEqual(await allPieces(shuffled, new Set([1])), await allPieces(list, new Set([1])))
    }),
  )
  t.pass()
})
