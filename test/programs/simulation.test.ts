import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { ManualClock } from '../../src/core/time.js'
import { sweep } from '../../src/deadlines/sweep.js'
import { builtInIssuer } from '../../src/platform/auth.js'
import { connect } from '../../src/platform/database.js'
import { supersedeProgramCommand } from '../../src/programs/commands.js'
import { Player } from '../../src/rehearsal/player.js'
import { createService } from '../../src/service.js'
import { simulateProgram } from '../../src/simulation/contract.js'
import { simulate } from '../../src/simulation/simulate.js'
import { extendVoucherCommand, recallVoucherCommand } from '../../src/vouchers/commands.js'
import { withLab } from '../support/lab.js'
import { ask, bureau, rules } from '../support/scene.js'
import { china, testDatabase, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

t.test('the half-year under the rules that were in force is the half-year that was', async (t) => {
  const database = await testDatabase()
  const clock = new ManualClock(0)
  const service = await createService({ ...database, clock, auth: builtInIssuer('test', 'test') })
  const sql = connect(database.databaseUrl, 2)
  t.teardown(async () => {
    await sql.end()
    await service.close()
    await database.drop()
  })
  const player = new Player({ base: await service.open({ host: '127.0.0.1', port: 0 }), clock })
  const file = new URL('../../db/seeds/half-year.ndjson', import.meta.url)
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) await player.play(line)
  await player.finish()
  player.close()

  const published = await sql<
    { body: { program: string; jurisdiction: string; proposal?: string; proposedBy?: string } }[]
  >`
    select body from commands where kind = 'publish_program' order by seq`
  t.ok(published.length > 3)
  for (const { body } of published) {
    const { program, jurisdiction, proposal: _, proposedBy: __, ...of } = body
    const [{ budget = '' } = {}] = await sql<{ budget: string }[]>`
      select sum((body ->> 'amount')::numeric)::text as budget from commands
      where kind = 'appropriate' and body ->> 'program' = ${program}`
    const asked = { jurisdiction, program, from: '2026-01-01', to: '2026-12-31', budget, rules: of }
    const { was, would, refused, months, exhaustedOn } = await simulate(sql, simulateProgram.parse(asked))
    t.same(would, was, program)
    t.same([refused, exhaustedOn], [[], null], program)
    for (const month of months) t.same([month.issued, month.approved], [month.wasIssued, month.wasApproved])
    const [real] = await sql<{ vouchers: number; orders: number; approvals: number }[]>`
      select (select count(*)::int from vouchers where program = ${program}) as vouchers,
             (select count(*)::int from orders where program = ${program}) as orders,
             (select count(*)::int from orders where program = ${program} and approved is not null) as approvals`
    t.same(real, { vouchers: was.vouchers.count, orders: was.orders.count, approvals: was.approvals.count })
  }
})

withLab(t, 'a small year, as computed by hand', async (t, { clock, engine }) => {
  const running = engine()
  const stage = new Stage(running.engine)
  const place = await stage.place({ jurisdiction: '320509' })
  // 500.00 issued on 2 March; orders of 100.00 of 1000.00, approved on 5 March, and on 10 March.
  const voucher = await stage.voucher(place)
  clock.set(china('2026-03-05'))
  await stage.order(place, 'approved', { voucher })
  clock.set(china('2026-03-10'))
  await stage.order(place, 'approved', { voucher })
  await stage.order(place, 'filed', { voucher })
  const before = [...(await running.sql`select book, seq from books where seq > 0 order by book`)]
  const { program: _, jurisdiction: __, ...of } = rules({ program: 'x' })
  const under = (over: object, budget = 1_000_00n) =>
    simulate(running.sql, {
      jurisdiction: '320509',
      program: null,
      from: '2026-01-01',
      to: '2026-03-31',
      budget,
      rules: { ...of, ...over },
    })
  const same = { count: 3, amount: '300.00' }
  t.match(await under({}), { would: { orders: same }, was: { orders: same }, refused: [], pool: '500.00' })

  t.match(await under({ ratio: '0.05' }), {
    would: { vouchers: { count: 1 }, orders: { count: 0 }, approvals: { count: 0 } },
    refused: [{ step: 'file_order', code: 'ratio_exceeded', count: 3, amount: '300.00' }],
    enterprises: { hit: 1, items: [{ enterprise: place.enterprise, count: 3, amount: '300.00' }] },
  })
  t.match(await under({}, 499_99n), {
    would: { vouchers: { count: 0 } },
    refused: [
      { step: 'file_order', code: 'voucher_not_found', count: 3 },
      { step: 'issue', code: 'pool_insufficient', count: 1, amount: '500.00' },
    ],
    exhaustedOn: '2026-03-02',
  })
  // Notice to 25 March for the first claim, to 30 March for the second: both still in March; of 30 days, after it.
  t.match(await under({ noticeDays: 20 }), { would: { approvals: { count: 2, amount: '200.00' } }, refused: [] })
  t.match(await under({ noticeDays: 25 }), { would: { approvals: { count: 1, amount: '100.00' } }, refused: [] })
  // Recalled on the day after 4 March, before the first order.
  t.match(await under({ recallUnusedAfterDays: 2 }), {
    refused: [{ step: 'file_order', code: 'voucher_expired', count: 3 }],
    lapsed: { vouchers: 1 },
    pool: '1000.00',
  })
  t.match(await under({ recallUnusedAfterDays: 3 }), { refused: [], lapsed: { vouchers: 0 } })
  t.match(await under({ reach: '310000' }), {
    refused: [
      { step: 'file_order', code: 'voucher_not_found' },
      { step: 'issue', code: 'outside_jurisdiction' },
    ],
  })
  t.match(await under({ applyFrom: '2027-01-01', applyTo: '2027-12-31' }), { refused: [] }, "next year's, moved")
  t.same(
    [...(await running.sql`select book, seq from books where seq > 0 order by book`)],
    before,
    'nothing was written',
  )
})

withLab(t, 'superseded while its voucher lives', async (t, { clock, engine }) => {
  const running = engine()
  const stage = new Stage(running.engine)
  const place = await stage.place({ annualCap: 700_00n })
  const old = await stage.voucher(place, 300_00n)
  const { jurisdiction: _, ...published } = rules({ program: place.program })
  await stage.must({
    type: supersedeProgramCommand,
    command: { ...published, version: 1, effectiveFrom: '2026-03-10', ratio: '0.05', annualCap: 500_00n },
    actor: bureau('320509'),
  })
  const before = await stage.voucher(place, 100_00n)
  clock.set(china('2026-03-10'))
  const issue = (amount: bigint) => running.engine.run(ask.issue('320509', place.program, place.enterprise, amount))
  t.match(await issue(100_01n), { refused: 'annual_cap_exceeded' }, 'the cap in force counts what was granted before')
  const fresh = (await stage.must(ask.issue('320509', place.program, place.enterprise, 100_00n))).event
    .voucher as string
  const file = (voucher: string, no: string) =>
    running.engine.run(ask.file(voucher, place.enterprise, place.provider, { contractNo: no }))
  t.match(await file(old, 'A'), { event: { state: 'filed' } }, 'the old ratio for it')
  t.match(await file(before, 'B'), { event: { state: 'filed' } }, 'issued after, but before the day')
  t.match(await file(fresh, 'C'), { refused: 'ratio_exceeded' })
  t.same(
    [...(await running.sql`select granted::int, ceiling::int from grants`)],
    [{ granted: 500_00, ceiling: 500_00 }],
  )
})

withLab(t, 'what became of vouchers is played, too', async (t, { clock, engine }) => {
  const running = engine()
  const stage = new Stage(running.engine)
  const place = await stage.place({ jurisdiction: '320509', extendDays: 30, useWithinDays: 10 })
  const extended = await stage.voucher(place, 100_00n)
  const ended = await stage.voucher(place, 200_00n)
  const said = (voucher: string) => ({ command: { voucher, reason: '说明' }, actor: bureau('320509') })
  await stage.must({ type: extendVoucherCommand as never, ...said(extended) })
  await stage.must({ type: recallVoucherCommand as never, ...said(ended) })
  clock.set(china('2026-03-20'))
  await stage.order(place, 'filed', { voucher: extended, contractAmount: 1_000_00n, voucherAmount: 100_00n })
  const { program: _, jurisdiction: __, ...of } = rules({ program: 'x', extendDays: 30, useWithinDays: 10 })
  const under = (over: object) =>
    simulate(running.sql, {
      jurisdiction: '320509',
      program: null,
      from: '2026-03-01',
      to: '2026-03-31',
      budget: 1_000_00n,
      rules: { ...of, ...over },
    })
  t.match(await under({}), { would: { orders: { count: 1 } }, refused: [], lapsed: { vouchers: 0 }, pool: '900.00' })
  t.match(await under({ extendDays: null }), {
    would: { orders: { count: 0 } },
    refused: [
      { step: 'extend_voucher', code: 'extension_not_allowed', count: 1 },
      { step: 'file_order', code: 'voucher_expired', count: 1 },
    ],
    lapsed: { vouchers: 1 },
    pool: '1000.00',
  })
})

for (const isSwept of [true, false]) {
  withLab(t, `recall of the unused, ${isSwept ? 'with' : 'without'} the sweep`, async (t, { clock, engine }) => {
    const running = engine()
    const stage = new Stage(running.engine)
    const place = await stage.place({ recallUnusedAfterDays: 5 }, {}, 1_000_00n)
    const unused = await stage.voucher(place, 600_00n)
    const used = await stage.voucher(place, 300_00n)
    const order = await stage.order(place, 'filed', { voucher: used })
    clock.set(china('2026-03-07'))
    await stage.must(ask.cancel(order, place.enterprise))
    t.match(await running.engine.run(ask.issue('320509', place.program, place.enterprise, 700_00n)), {
      refused: 'pool_insufficient',
    })
    clock.set(china('2026-03-08'))
    if (isSwept) {
      t.match(await sweep(running.engine, running.sql, clock), { orders: 0, vouchers: 1 })
    }
    t.match(await running.engine.run(ask.file(unused, place.enterprise, place.provider, { contractNo: 'late' })), {
      refused: 'voucher_expired',
    })
    await stage.must(ask.issue('320509', place.program, place.enterprise, 700_00n))
    await stage.must(ask.file(used, place.enterprise, place.provider, { contractNo: 'again' }))
  })
}

t.test('over HTTP: drafts of one bureau, versions for all, a simulation for its own', async (t) => {
  const { base, token, close } = await testService()
  t.teardown(close)
  let key = 0
  type Answer = { status: number; etag: string | null; body: Record<string, unknown> & { items: object[] } }
  const ask = async (method: string, path: string, actor = bureau('320509'), said?: object): Promise<Answer> => {
    const { version, ...body } = (said ?? {}) as { version?: number }
    const response = await fetch(`${base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token(actor)}`,
        ...(said ? { 'content-type': 'application/json', 'idempotency-key': `k${++key}` } : {}),
        ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
      },
      ...(said ? { body: JSON.stringify(body) } : {}),
    })
    const { status, headers } = response
    const answer = { status, etag: headers.get('etag'), body: (await response.json()) as Answer['body'] }
    if (answer.status !== 202) return answer
    // What takes two persons is approved by a colleague.
    const { proposal } = answer.body.result as { proposal: string }
    return ask('POST', `/v1/proposals/${proposal}/approval`, { ...actor, subject: 'Li' }, {})
  }
  const { program: _, jurisdiction, annualCap: __, ...rest } = rules({ program: 'x' })
  const of = { ...rest, annualCap: '1000.00', evidence: ['invoice'], ratios: [{ ratio: '0.3', orderCap: '9.00' }] }
  const draft = (body: object) => ask('POST', '/v1/program-drafts/WJ', bureau('320509'), { jurisdiction, ...body })
  const written = await draft({ rules: of })
  t.equal(written.status, 201)
  t.match(await draft({ rules: of }), { status: 412, body: { code: 'version_conflict' } })
  const { version } = written.body.result as { version: number }
  const read = (actor?: Actor) => ask('GET', '/v1/program-drafts/WJ', actor)
  t.match(await read(), { status: 200, etag: `"${version}"`, body: { program: 'WJ', version, rules: of } })
  t.match(await draft({ rules: of, version }), { status: 201 })
  t.not((await read()).etag, `"${version}"`, 'what was read is not what is there')
  t.match(await read(bureau('320500')), { status: 404, body: { code: 'draft_not_found' } })
  t.match(await ask('GET', '/v1/program-drafts'), { body: { items: [{ program: 'WJ', rules: of }] } })
  t.same((await ask('GET', '/v1/program-drafts', bureau('320500'))).body.items, [], 'nobody else sees it')
  t.match(await ask('POST', '/v1/programs', undefined, { program: 'WJ', jurisdiction, ...of }), { status: 200 })
  const next = { ...of, version: 1, effectiveFrom: '2026-06-01', ratio: '0.4' }
  t.match(await ask('POST', '/v1/programs/WJ/versions', bureau('320500'), next), { status: 403 })
  t.match(await ask('POST', '/v1/programs/WJ/versions', undefined, next), { status: 200 })
  t.match(await ask('POST', '/v1/programs/WJ/versions', undefined, next), { status: 412 })
  const whole = await ask('GET', '/v1/programs/WJ')
  t.match(whole.body, {
    ratio: '0.5',
    inForce: 1,
    version: 2,
    versions: [{ version: 1 }, { version: 2, ratio: '0.4' }],
  })
  t.match(whole.body, { ratios: [{ category: null, locality: null, ratio: '0.3', orderCap: '9.00' }] })
  t.match(await ask('GET', '/v1/programs/WJ/versions/2'), { body: { effectiveFrom: '2026-06-01' } })
  t.match(await ask('GET', '/v1/programs/WJ/versions/3'), { status: 404 })
  t.match(await ask('GET', '/v1/zones'), { body: { items: [{ zone: 'YRD-DEMO' }, { zone: 'G60' }] } })
  const simulated = { jurisdiction, from: '2026-01-01', to: '2026-12-31', budget: '1.00', rules: of }
  t.match(await ask('POST', '/v1/program-simulations', undefined, simulated), { status: 200, body: { pool: '1.00' } })
  t.match(await ask('POST', '/v1/program-simulations', bureau('320500'), simulated), { status: 403 })
  const { version: last } = (await read()).body as { version?: number }
  t.match(await ask('POST', '/v1/program-drafts/WJ/discard', undefined, { jurisdiction, version: last }), {
    status: 200,
  })
  t.match(await read(), { status: 404 }, 'what was given up is not there')
})
