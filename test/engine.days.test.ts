/** Days are Beijing's, whatever zone the process runs in: this file runs in New York, where it is another day. */
process.env.TZ = 'America/New_York'

import t, { type Test } from 'tap'
import { isRefusal, Refused } from '../src/core/refusals.js'
import { ManualClock } from '../src/core/time.js'
import type { Receipt } from '../src/engine/idempotency.js'
import type { Asked } from '../src/engine/runner.js'
import type { Outcome } from '../src/engine/ticket.js'
import { type RunningEngine, runEngine } from './support/engines.js'
import { proveLedger } from './support/replay.js'
import { ask } from './support/scene.js'
import { china, testDatabase } from './support/service.js'
import { Stage } from './support/stage.js'

const codeOf = (outcome: Outcome) => (isRefusal(outcome) ? outcome.refused : 'accepted')
const LAST = '23:59:59.999'
const FIRST = '00:00:00'

const database = await testDatabase()
const clock = new ManualClock(china('2026-03-02'))
const a: RunningEngine = runEngine(database, clock)
const stage = new Stage(a.engine)
const heads = () => a.sql`select book, seq, entries, booked_at from books where seq > 0 order by book`
const at = (day: string, time: string) => china(`${day}T${time}+08:00`)

t.teardown(async () => {
  await a.close()
  await database.drop()
})

t.test('this process is not in China', async (t) => {
  t.equal(new Date(china('2026-03-02')).getDate(), 1, 'nine in the morning in Beijing is the evening before here')
})

/** Asks the same at the last millisecond of a day and at the first of the next. */
async function across(t: Test, day: string, next: string, ask: () => Asked, expected: readonly [string, string]) {
  clock.set(at(day, LAST))
  t.equal(codeOf(await a.engine.run(ask())), expected[0], `${day} ${LAST}`)
  clock.set(at(next, FIRST))
  t.equal(codeOf(await a.engine.run(ask())), expected[1], `${next} ${FIRST}`)
}

// Oldest day first: the clock of a ledger does not go back.
t.test('the first day of the application window', async (t) => {
  const { jurisdiction, program, enterprise } = await stage.place({ applyFrom: '2026-03-03', applyTo: '2026-03-05' })
  const issue = () => ask.issue(jurisdiction, program, enterprise, 1n)
  await across(t, '2026-03-02', '2026-03-03', issue, ['program_not_open', 'accepted'])
  await across(t, '2026-03-05', '2026-03-06', issue, ['accepted', 'program_not_open'])
})

t.test('the first and the last day of a recognition', async (t) => {
  const place = await stage.place()
  await stage.must(ask.suspend(place.jurisdiction, place.provider))
  await stage.must(ask.recognise(place.jurisdiction, place.provider, '2026-03-10', '2026-03-12'))
  const voucher = await stage.voucher(place)
  let number = 0
  const file = () =>
    ask.file(voucher, place.enterprise, place.provider, { contractNo: `C-${number++}`, voucherAmount: 1n })
  await across(t, '2026-03-09', '2026-03-10', file, ['provider_not_recognised', 'accepted'])
  await across(t, '2026-03-12', '2026-03-13', file, ['accepted', 'provider_not_recognised'])
})

t.test('the first and the last day on the integrity list', async (t) => {
  const { jurisdiction, program, enterprise } = await stage.place()
  await stage.must(ask.list(enterprise, '2026-03-15', '2026-03-16'))
  const issue = () => ask.issue(jurisdiction, program, enterprise, 1n)
  await across(t, '2026-03-14', '2026-03-15', issue, ['accepted', 'integrity_listed'])
  await across(t, '2026-03-16', '2026-03-17', issue, ['integrity_listed', 'accepted'])
})

t.test('the use-by day of a voucher', async (t) => {
  const place = await stage.place({ useWithinDays: 3 })
  clock.set(at('2026-03-18', '00:30:00')) // the 17th in New York and in Greenwich
  const { event } = await stage.must(ask.issue(place.jurisdiction, place.program, place.enterprise, 100n))
  t.equal(event.useBy, '2026-03-21')
  let number = 0
  const file = () =>
    ask.file(event.voucher as string, place.enterprise, place.provider, {
      contractNo: `D-${number++}`,
      voucherAmount: 1n,
    })
  await across(t, '2026-03-21', '2026-03-22', file, ['accepted', 'voucher_expired'])
})

t.test('the claim-by day of an order', async (t) => {
  const place = await stage.place({ claimWithinDays: 2 })
  clock.set(at('2026-03-23', FIRST))
  const [early, late] = [await stage.order(place, 'confirmed'), await stage.order(place, 'confirmed')]
  clock.set(at('2026-03-25', LAST))
  t.equal(codeOf(await a.engine.run(ask.submit(early, place.provider, 901))), 'accepted')
  clock.set(at('2026-03-26', FIRST))
  t.match(await a.engine.run(ask.submit(late, place.provider, 902)), {
    refused: 'state_conflict',
    details: { state: 'lapsed' },
  })
})

t.test('thirty days from a return', async (t) => {
  const place = await stage.place({ claimWithinDays: 2 })
  clock.set(at('2026-03-27', '07:59:59'))
  const orders = [await stage.order(place, 'submitted'), await stage.order(place, 'submitted')]
  for (const order of orders) await stage.must(ask.giveBack(order))
  clock.set(at('2026-04-26', LAST))
  t.equal(codeOf(await a.engine.run(ask.submit(orders[0]!, place.provider, 903))), 'accepted')
  clock.set(at('2026-04-27', FIRST))
  t.equal(codeOf(await a.engine.run(ask.submit(orders[1]!, place.provider, 904))), 'state_conflict')
})

t.test('the last day of a period', async (t) => {
  let n = 0
  const close = () => ask.close(`P-${n++}`, '2026-04-30')
  await across(t, '2026-04-30', '2026-05-01', close, ['period_not_over', 'accepted'])
})

t.test('the year of the annual cap turns with Beijing’s', async (t) => {
  const { jurisdiction, program, enterprise } = await stage.place({ annualCap: 5n, applyTo: '2027-12-31' })
  const issue = () => ask.issue(jurisdiction, program, enterprise, 5n)
  clock.set(at('2026-12-31', '12:00:00'))
  await stage.must(issue())
  await across(t, '2026-12-31', '2027-01-01', issue, ['annual_cap_exceeded', 'accepted'])
})

t.test('the clock', async (t) => {
  clock.set(at('2027-02-01', '12:00:00'))
  const place = await stage.place({ applyTo: '2027-12-31' })
  const booked = clock.now()
  const appropriate = (): Asked => ask.appropriate(place.jurisdiction, place.program, 1n)
  const HOUR = 3_600_000

  await t.test('an hour and more behind the last booking: clock_behind, nothing is recorded', async (t) => {
    const before = [...(await heads())]
    clock.set(booked - HOUR - 1)
    for (const asked of [appropriate(), ask.deliver('O320509-1', place.provider), ask.close('behind', '2026-12-31')]) {
      const answer = await a.engine.run({ ...asked, key: `behind ${asked.type.kind}` }).catch((error: unknown) => error)
      const code = answer instanceof Refused ? answer.refusal.refused : codeOf(answer as Outcome)
      t.equal(code, 'clock_behind', asked.type.kind)
    }
    t.same([...(await heads())], before)
    const [{ n = 0 } = {}] = await a.sql<{ n: number }[]>`
      select count(*)::int as n from refusals where refusal ->> 'refused' = 'clock_behind'`
    t.equal(n, 0, 'and no answer is kept')
    clock.set(booked + 1)
    t.equal(
      codeOf(await a.engine.run({ ...appropriate(), key: 'behind appropriate' })),
      'accepted',
      'set right it goes on',
    )
  })

  await t.test('a little behind: booked_at stands still instead of running back, the day is the clock’s', async (t) => {
    clock.set(at('2027-02-03', FIRST) + 3_000)
    const first = await stage.must(appropriate())
    clock.set(clock.now() - 10_000)
    const second = await stage.must(appropriate())
    t.equal(second.bookedAt, first.bookedAt)
    t.equal(first.day, '2027-02-03')
    t.equal(second.day, '2027-02-02')
    clock.set(clock.now() + 60_000)
    const third = await stage.must(appropriate())
    t.equal(third.bookedAt, clock.now())
    t.same(
      [first, second, third].map(({ seq }) => seq - first.seq),
      [0, 1, 2],
      'order goes by number',
    )
  })

  await t.test('a moment once made into a number stays that number', async (t) => {
    const fix = async (moment: number) =>
      Number((await a.sql<{ seq: bigint }[]>`select fix_moment(320509, ${moment}) as seq`)[0]!.seq)
    const last = (await stage.must(appropriate())).seq
    const moment = clock.now() + 5_000
    t.equal(await fix(moment), last)
    // The clock has not reached that moment, and the engine does not know that it was asked for.
    const later = (await stage.must(appropriate())) as Receipt
    t.equal(later.seq, last + 1)
    t.ok(later.bookedAt > moment, 'what is booked afterwards is after it')
    t.equal(await fix(moment), last, 'the same question, the same answer')
    clock.set(clock.now() + 60_000)
    await stage.must(appropriate())
    t.equal(await fix(moment), last)
    t.equal(await fix(clock.now() - 120_000 * 60), await fix(clock.now() - 120_000 * 60))
    const [empty] = await a.sql<{ seq: bigint }[]>`select fix_moment(341822, ${moment}) as seq`
    t.equal(Number(empty!.seq), 0, 'a book that has nothing')
  })

  await t.test('a moment fixed while commands are under way divides them for good', async (t) => {
    for (let round = 0; round < 5; round++) {
      clock.set(clock.now() + 1000)
      const moment = clock.now()
      const under = Array.from({ length: 30 }, () => stage.must(appropriate()))
      const [fixed] = await a.sql<{ seq: bigint }[]>`select fix_moment(320509, ${moment}) as seq`
      const receipts = await Promise.all(under)
      for (const { seq, bookedAt } of receipts) {
        if (bookedAt <= moment !== seq <= Number(fixed!.seq)) t.fail(`${seq} at ${bookedAt}, fixed at ${fixed!.seq}`)
      }
    }
    t.pass('every command is on its side of the number')
  })
})

t.test('and after all that the books are right', async () => {
  await proveLedger(a.sql)
})
