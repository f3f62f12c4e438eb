import t from 'tap'
import {
  amendAgreementCommand,
  endAgreementCommand,
  offerAgreementCommand,
  signAgreementCommand,
} from '../../src/agreements/commands.js'
import type { Agreement, Pair } from '../../src/agreements/facts.js'
import { isRefusal } from '../../src/core/refusals.js'
import type { Asked, Runner } from '../../src/engine/runner.js'
import { liftSuspensionCommand, withdrawProviderCommand } from '../../src/providers/commands.js'
import type { Provider } from '../../src/providers/facts.js'
import { agreedOn } from '../../src/providers/rules.js'
import type { HomeReview } from '../../src/reviews/facts.js'
import { askOf } from '../support/ask.js'
import { type Lab, withLab } from '../support/lab.js'
import { ask, bureau, uscc } from '../support/scene.js'
import { china, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

const [ACCEPTING, HOME] = ['320000', '330000']

t.test('who is taken by agreement: accepting × home × category × day × suspended, withdrawn, ended', async (t) => {
  const agreement: Agreement = {
    agreement: 5,
    version: 6,
    categories: ['testing'],
    from: '2026-03-05',
    to: '2026-03-10',
    running: 'complete',
    document: null,
    signed: [320000, 330000],
    ended: null,
  }
  const pair: Pair = { book: 0, accepting: 320000, home: 330000, agreements: [agreement] }
  const athome = {
    recognition: 1,
    jurisdiction: 330000,
    categories: ['testing', 'rnd'],
    from: '2026-01-01',
    to: '2026-12-31',
    ended: null,
  }
  const provider: Provider = {
    book: 0,
    uscc: uscc(1),
    name: '',
    division: '330106',
    categories: ['testing'],
    recognitions: [athome],
    suspensions: [],
  }
  const suspension = (jurisdiction: number, more: object = {}) => ({
    ...provider,
    suspensions: [{ suspension: 7, jurisdiction, everywhere: false, lifted: null, ...more }],
  })
  const only = (more: Partial<Agreement>): Pair => ({ ...pair, agreements: [{ ...agreement, ...more }] })
  const cases: [string, boolean, Provider, Pair | null, string, number, string][] = [
    ['on its first day', true, provider, pair, 'testing', 320509, '2026-03-05'],
    ['on its last day', true, provider, pair, 'testing', 320509, '2026-03-10'],
    ['by the province itself', true, provider, pair, 'testing', 320000, '2026-03-07'],
    ['the day before', false, provider, pair, 'testing', 320509, '2026-03-04'],
    ['the day after', false, provider, pair, 'testing', 320509, '2026-03-11'],
    ['another category', false, provider, pair, 'rnd', 320509, '2026-03-07'],
    ['no agreement', false, provider, null, 'testing', 320509, '2026-03-07'],
    ['signed by one only', false, provider, only({ signed: [320000] }), 'testing', 320509, '2026-03-07'],
    ['ended', false, provider, only({ ended: 9 }), 'testing', 320509, '2026-03-07'],
    ['not recognised at home', false, { ...provider, recognitions: [] }, pair, 'testing', 320509, '2026-03-07'],
    [
      'recognised elsewhere only',
      false,
      { ...provider, recognitions: [{ ...athome, jurisdiction: 310000 }] },
      pair,
      'testing',
      320509,
      '2026-03-07',
    ],
    [
      'recognised by its own county',
      true,
      { ...provider, recognitions: [{ ...athome, jurisdiction: 330106 }] },
      pair,
      'testing',
      320509,
      '2026-03-07',
    ],
    [
      'recognised at home no longer',
      false,
      { ...provider, recognitions: [{ ...athome, ended: 8 }] },
      pair,
      'testing',
      320509,
      '2026-03-07',
    ],
    ['suspended by the county', false, suspension(320509), pair, 'testing', 320509, '2026-03-07'],
    ['suspended by the city above', false, suspension(320500), pair, 'testing', 320509, '2026-03-07'],
    ['suspended by the province', false, suspension(320000), pair, 'testing', 320509, '2026-03-07'],
    ['suspended by a sister', true, suspension(320508), pair, 'testing', 320509, '2026-03-07'],
    ['suspended by another province', true, suspension(310000), pair, 'testing', 320509, '2026-03-07'],
    ['suspension lifted', true, suspension(320000, { lifted: 9 }), pair, 'testing', 320509, '2026-03-07'],
    ['withdrawn at home', false, suspension(330000, { everywhere: true }), pair, 'testing', 320509, '2026-03-07'],
    [
      'withdrawal lifted',
      true,
      suspension(330000, { everywhere: true, lifted: 9 }),
      pair,
      'testing',
      320509,
      '2026-03-07',
    ],
  ]
  for (const [what, over, isTaken] of [
    ['reviewed at home, without notice', {}, true],
    ['on its notice', { noticeEnds: '2026-03-07' }, false],
    ['its notice over', { noticeEnds: '2026-03-06' }, true],
    ['an objection is open', { noticeLeft: 2 }, false],
    ['returned', { verdict: 'returned' }, false],
    ['refused', { verdict: 'refused' }, false],
  ] as const) {
    const made = { book: 0, uscc: uscc(1), review: 4, by: '', reason: null, noticeEnds: null, noticeLeft: null }
    const review: HomeReview = { ...made, verdict: 'accepted', objections: [], ...over }
    t.equal(agreedOn(provider, { pair, review }, 'testing', 320509, '2026-03-07') !== undefined, isTaken, what)
    const nowhere = { ...provider, recognitions: [] }
    t.equal(agreedOn(nowhere, { pair, review }, 'testing', 320509, '2026-03-07'), undefined, `${what}, not recognised`)
  }
  for (const [what, isTaken, of, among, category, jurisdiction, day] of cases) {
    t.equal(agreedOn(of, { pair: among, review: null }, category, jurisdiction, day) !== undefined, isTaken, what)
  }
})

const terms = { categories: ['testing'], from: '2026-03-02', to: '2026-03-31', running: 'complete', document: null }
const from = (by: string) => bureau(by)
const offer = (by: string, more: object = {}): Asked => ({
  type: offerAgreementCommand as never,
  command: { accepting: ACCEPTING, home: HOME, by, ...terms, ...more },
  actor: from(by),
})
const sign = (agreement: string, version: number, by: string): Asked => ({
  type: signAgreementCommand as never,
  command: { agreement, version, by },
  actor: from(by),
})
const amend = (agreement: string, version: number, by: string, more: object = {}): Asked => ({
  type: amendAgreementCommand as never,
  command: { agreement, version, by, ...terms, ...more },
  actor: from(by),
})
const end = (agreement: string, version: number, by: string): Asked => ({
  type: endAgreementCommand as never,
  command: { agreement, version },
  actor: from(by),
})
const withdraw = (provider: string, jurisdiction: string): Asked => ({
  type: withdrawProviderCommand as never,
  command: { provider, jurisdiction, reason: '注销' },
  actor: bureau(jurisdiction),
})
const lift = (provider: string, jurisdiction: string): Asked => ({
  type: liftSuspensionCommand as never,
  command: { provider, jurisdiction, reason: '复核' },
  actor: bureau(jurisdiction),
})

const codeOf = async (engine: Runner, asked: Asked) => {
  const outcome = await engine.run(asked)
  return isRefusal(outcome) ? outcome.refused : 'done'
}

withLab(t, 'an agreement runs when both have signed what both have read', async (t, { engine }) => {
  const { engine: runner } = engine()
  const stage = new Stage(runner)
  const { event } = await stage.must(offer(ACCEPTING))
  const { agreement, version } = event as { agreement: string; version: number }
  t.same(event, { agreement: `320000-330000-${version}`, version, signed: [ACCEPTING] })
  t.equal(await codeOf(runner, sign(agreement, version, ACCEPTING)), 'state_conflict', 'who offers has signed')
  t.equal(await codeOf(runner, { ...sign(agreement, version, HOME), actor: from('310000') }), 'not_your_jurisdiction')
  t.equal(await codeOf(runner, { ...sign(agreement, version, HOME), actor: from(ACCEPTING) }), 'not_your_jurisdiction')
  t.equal(await codeOf(runner, sign('320000-330000-9999', version, HOME)), 'agreement_not_found')

  // Two bureaus at once: one amends while the other signs what it has read before.
  const outcomes = await Promise.all([
    codeOf(runner, amend(agreement, version, ACCEPTING, { categories: ['rnd'] })),
    codeOf(runner, amend(agreement, version, HOME, { categories: ['design'] })),
    codeOf(runner, sign(agreement, version, HOME)),
  ])
  t.same(outcomes.sort(), ['done', 'version_conflict', 'version_conflict'])
})

withLab(
  t,
  'an amended agreement is signed by nobody but who amended it, and a signed one is not amended',
  async (t, { engine }) => {
    const { engine: runner } = engine()
    const stage = new Stage(runner)
    const first = (await stage.must(offer(ACCEPTING))).event as { agreement: string; version: number }
    const second = (await stage.must(amend(first.agreement, first.version, HOME, { to: '2026-04-30' }))).event
    t.same(second.signed, [HOME])
    const signed = (await stage.must(sign(first.agreement, second.version as number, ACCEPTING))).event
    t.same(signed.signed, [ACCEPTING, HOME])
    t.equal(await codeOf(runner, amend(first.agreement, signed.version as number, HOME)), 'state_conflict')
    await stage.must(end(first.agreement, signed.version as number, HOME))
    const last = await runner.run(end(first.agreement, signed.version as number, HOME))
    t.match(last, { refused: 'version_conflict' })
  },
)

/** A program of 吴江, a provider of Hangzhou that is recognised at home, and an agreement that takes it. */
async function market({ engine }: Lab, more: object = {}) {
  const { engine: runner } = engine()
  const stage = new Stage(runner)
  const provider = uscc(4242)
  await stage.must(ask.provider(provider, '330106'))
  await stage.must(ask.recognise('330106', provider))
  const place = { ...(await stage.place({}, {}, 10_000_00n)), provider }
  const offered = (await stage.must(offer(ACCEPTING, more))).event as { agreement: string; version: number }
  const signed = (await stage.must(sign(offered.agreement, offered.version, HOME))).event
  return { runner, stage, place, provider, agreement: offered.agreement, version: signed.version as number }
}

withLab(t, 'a provider that registered once is used in another province, until the agreement ends', async (t, lab) => {
  const { runner, stage, place, agreement, version } = await market(lab)
  const voucher = await stage.voucher(place)
  const file = (contractNo: string) => ask.file(voucher, place.enterprise, place.provider, { contractNo })
  t.equal(await codeOf(runner, file('A')), 'done')
  t.equal(
    await codeOf(runner, ask.file(voucher, place.enterprise, place.provider, { contractNo: 'B', category: 'rnd' })),
    'provider_not_recognised',
  )
  await stage.must(ask.suspend('320500', place.provider))
  t.equal(await codeOf(runner, file('C')), 'provider_not_recognised', 'suspended by the city above')
  await stage.must(lift(place.provider, '320500'))
  t.equal(await codeOf(runner, file('D')), 'done', 'lifted')
  t.equal(await codeOf(runner, withdraw(place.provider, '310000')), 'outside_jurisdiction', 'only home withdraws')
  await stage.must(withdraw(place.provider, '330100'))
  t.equal(await codeOf(runner, file('E')), 'provider_not_recognised', 'withdrawn at home')
  await stage.must(ask.recognise('320000', place.provider))
  t.equal(await codeOf(runner, file('F')), 'provider_not_recognised', 'whoever recognises it directly')
  await stage.must(lift(place.provider, '330100'))
  t.equal(await codeOf(runner, file('G')), 'done', 'directly again')
  await stage.must(ask.suspend('320000', place.provider))
  await stage.must(lift(place.provider, '320000'))
  t.equal(
    await codeOf(runner, file('H')),
    'done',
    'by agreement again: what was recognised directly has ended for good',
  )
  await stage.must(end(agreement, version, ACCEPTING))
  t.equal(await codeOf(runner, file('I')), 'provider_not_recognised', 'the agreement has ended')
})

for (const running of ['complete', 'stop'] as const) {
  const outcome = running === 'stop' ? 'recognition_ended' : 'done'
  withLab(t, `an agreement that ends in the middle of an order: ${running}`, async (t, lab) => {
    const { runner, stage, place, agreement, version } = await market(lab, { running })
    const [early, late, sure] = [
      await stage.order(place, 'verified'),
      await stage.order(place, 'confirmed'),
      await stage.order(place, 'approved'),
    ]
    await stage.must(end(agreement, version, HOME))
    t.equal(await codeOf(runner, ask.approve(early)), outcome, 'one that was verified')
    t.equal(await codeOf(runner, ask.submit(late, place.provider, 777)), outcome, 'one that was not claimed yet')
    t.equal(await codeOf(runner, ask.clawBack(sure, 1_00n)), 'done', 'what was approved goes on as ever')
    if (running === 'stop')
      t.equal(await codeOf(runner, ask.cancel(late, place.enterprise)), 'done', 'and the money is not stuck')
  })
}

withLab(
  t,
  'an agreement whose last day passes in the middle of an order stops what is not paid, where it says so',
  async (t, lab) => {
    const { runner, stage, place } = await market(lab, { running: 'stop' })
    const [first, second] = [await stage.order(place, 'verified'), await stage.order(place, 'verified')]
    lab.clock.set(china('2026-03-31'))
    t.equal(await codeOf(runner, ask.approve(first)), 'done', 'on its last day')
    lab.clock.set(china('2026-04-01'))
    t.equal(await codeOf(runner, ask.approve(second)), 'recognition_ended', 'the day after')
  },
)

withLab(t, 'an agreement that starts in the middle of an order leaves it as it was filed', async (t, lab) => {
  const stage = new Stage(lab.engine().engine)
  const provider = uscc(4242)
  await stage.must(ask.provider(provider, '330106'))
  await stage.must(ask.recognise('330106', provider))
  const place = { ...(await stage.place({}, { provider }, 10_000_00n)) }
  const direct = await stage.order(place, 'verified')
  const offered = (await stage.must(offer(ACCEPTING, { from: '2026-03-03', running: 'stop' }))).event
  const { agreement, version } = (await stage.must(sign(offered.agreement as string, offered.version as number, HOME)))
    .event as { agreement: string; version: number }
  await stage.must(ask.suspend('320509', provider))
  await stage.must(lift(provider, '320509'))
  const voucher = await stage.voucher(place)
  const file = (contractNo: string) => ask.file(voucher, place.enterprise, provider, { contractNo })
  t.equal(await codeOf(stage.engine, file('A')), 'provider_not_recognised', 'the day before it starts')
  lab.clock.set(china('2026-03-03'))
  t.equal(await codeOf(stage.engine, file('B')), 'done', 'on its first day')
  const agreed = await stage.order(place, 'verified')
  await stage.must(end(agreement, version, ACCEPTING))
  t.equal(await codeOf(stage.engine, ask.approve(agreed)), 'recognition_ended', 'filed under it')
  t.equal(await codeOf(stage.engine, ask.approve(direct)), 'done', 'filed before, by direct recognition')
})

t.test('two bureaus change one offer at once: the second to be approved has to read again', async (t) => {
  const running = await testService()
  t.teardown(() => running.close())
  const http = askOf(running)
  const of = (jurisdiction: string) => ({ ...bureau(jurisdiction), roles: ['officer', 'approver'] })
  const offered = await http(of(ACCEPTING), 'POST', '/v1/agreements', {
    accepting: ACCEPTING,
    home: HOME,
    by: ACCEPTING,
    ...terms,
  })
  const { agreement, version } = offered.body.result as { agreement: string; version: number }
  const read = await http(of(HOME), 'GET', `/v1/agreements/${agreement}`)
  t.equal(read.body.version, version)
  const both = await Promise.all(
    [ACCEPTING, HOME].map((by) =>
      http(of(by), 'POST', `/v1/agreements/${agreement}/amendments`, { by, ...terms, to: '2026-12-31', version }),
    ),
  )
  t.same(both.map(({ status }) => status).sort(), [200, 412])
  t.match(both.find(({ status }) => status === 412)?.body, {
    code: 'version_conflict',
    title: '已被他人修改，请重新读取',
  })
})
