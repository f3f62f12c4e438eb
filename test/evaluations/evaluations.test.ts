import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { askOf } from '../support/ask.js'
import { mutual } from '../support/mutual.js'
import { ask, bureau, uscc } from '../support/scene.js'
import { china, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

/** Scores, times and returned claims, published from ten confirmed orders on, and the bureau's review of the year. */
const running = await testService()
t.teardown(() => running.close())
const { clock } = running
const stage = new Stage(running.service.engine)
const { must } = { must: stage.must.bind(stage) }
const http = askOf(running)
const officer = (jurisdiction: string): Actor => ({ ...bureau(jurisdiction), roles: ['officer'] })

const [busy, idle, listed, gone] = [501, 502, 503, 504].map(uscc) as [string, string, string, string]
await must(ask.provider(busy, '310108'))
await must(ask.provider(idle, '330106'))
await must(ask.provider(listed, '320509'))
await must(ask.provider(gone, '320509'))
const place = await stage.place({ jurisdiction: '310115' }, { provider: busy }, 100_000_00n)
const voucher = await stage.voucher(place, 50_000_00n)

t.test('an evaluation is published from ten confirmed orders on', async (t) => {
  const orders: string[] = []
  for (let n = 1; n <= 11; n++) {
    const { event } = await must(ask.file(voucher, place.enterprise, busy, { contractNo: `E-${n}` }))
    orders.push(event.order as string)
  }
  clock.set(china('2026-03-06'))
  const confirm = async (order: string, score: number) => {
    await must(ask.deliver(order, busy))
    await must({ ...ask.confirm(order, place.enterprise), command: { order, score } })
  }
  const evaluation = async (code = busy) => http(officer('340000'), 'GET', `/v1/providers/${code}/evaluation`)
  for (const [n, order] of orders.slice(0, 9).entries()) await confirm(order, 10 * (n + 1))
  const nothing = { scoreMean: null, scoreQuartiles: null, daysToDelivery: null, daysToApproval: null }
  const few = { orders: 11, confirmed: 9, claims: 0, isPublished: false, ...nothing, returnedShare: null }
  t.same((await evaluation()).body, { provider: busy, ...few, categories: [{ category: 'testing', ...few }] })
  await confirm(orders[9]!, 100)

  await must(ask.submit(orders[0]!, busy, 1))
  await must(ask.submit(orders[1]!, busy, 2))
  await must(ask.giveBack(orders[1]!))
  clock.set(china('2026-03-08'))
  await must(ask.submit(orders[1]!, busy, 2))
  clock.set(china('2026-03-09'))
  for (const order of orders.slice(0, 2)) {
    await must(ask.verify(order))
    await must(ask.approve(order))
  }
  const figures = {
    orders: 11,
    confirmed: 10,
    claims: 2,
    isPublished: true,
    scoreMean: 55,
    scoreQuartiles: [32.5, 55, 77.5],
    daysToDelivery: 4,
    daysToApproval: 7,
    returnedShare: 0.5,
  }
  t.same((await evaluation()).body, { provider: busy, ...figures, categories: [{ category: 'testing', ...figures }] })
  const other = { contractNo: 'E-12', category: 'rnd' }
  await must(ask.file(voucher, place.enterprise, busy, other))
  t.match((await evaluation()).body.categories, [
    { category: 'rnd', orders: 1, isPublished: false },
    { category: 'testing', orders: 11, isPublished: true },
  ])
  t.match(await evaluation(idle), { body: { orders: 0, isPublished: false, categories: [] } })
  t.match(await evaluation(uscc(999)), { status: 404, body: { code: 'provider_not_found' } })
})

t.test('a bureau reviews the year of the providers of its tree', async (t) => {
  await must(mutual.update(idle))
  await must(mutual.review('330106', idle, { version: await versionOf(idle), noticeDays: 3 }))
  await must(mutual.withdraw('320500', gone))
  await must(ask.list(listed, '2026-05-01', '2026-06-30'))
  const review = (jurisdiction: string, year: number, by = jurisdiction) =>
    http(officer(by), 'GET', `/v1/yearly-reviews?jurisdiction=${jurisdiction}&year=${year}`)
  t.same((await review('310000', 2026)).body.items, [
    {
      uscc: busy,
      name: `provider ${busy}`,
      division: '310108',
      orders: 12,
      confirmed: 10,
      scoreMean: 55,
      claims: 2,
      returned: 1,
      findings: ['low_score', 'many_returns', 'not_listed_at_home'],
    },
  ])
  const findings = async (jurisdiction: string, year: number, by = jurisdiction) =>
    (await review(jurisdiction, year, by)).body.items.map((line: { uscc: string; findings: string[] }) => [
      line.uscc,
      ...line.findings,
    ])
  t.same(await findings('330100', 2026, '330000'), [[idle, 'not_listed_at_home', 'no_orders']], 'its notice runs')
  clock.set(china('2026-03-13'))
  t.same(await findings('330100', 2027, '330000'), [[idle, 'qualification_expiring', 'no_orders']], 'listed since')
  t.same(
    await findings('320509', 2026, '320500'),
    [[listed, 'integrity_listed', 'not_listed_at_home', 'no_orders']],
    'without who was withdrawn',
  )
  t.same(await findings('320509', 2027, '320500'), [[listed, 'not_listed_at_home', 'no_orders']], 'another year')
  t.match(await review('330000', 2026, '310000'), { status: 403, body: { code: 'not_your_jurisdiction' } })
  t.match(await review('330000', 2026, '330100'), { status: 403 }, 'a city reaching for its province')
})

async function versionOf(provider: string): Promise<number> {
  return (await http(officer('310000'), 'GET', `/v1/providers/${provider}`)).body.version
}
