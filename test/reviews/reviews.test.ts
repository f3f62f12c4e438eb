import fc from 'fast-check'
import t from 'tap'
import { verifyLedger } from '../../src/audit/verify.js'
import { addDays } from '../../src/core/time.js'
import { type HomeReview, homeReviews } from '../../src/reviews/facts.js'
import { runningOn, standingAt, standingStill } from '../../src/reviews/rules.js'
import { type Lab, withLab } from '../support/lab.js'
import { mutual, outcomeOf, signed } from '../support/mutual.js'
import { ask, bureau, uscc } from '../support/scene.js'
import { china } from '../support/service.js'
import { Stage } from '../support/stage.js'

/** The review of a provider at home, its public notice, and what is said against it. */
const DAY = '2026-03-02'
const review: HomeReview = {
  book: 0,
  uscc: uscc(1),
  review: 5,
  by: 'bureau',
  verdict: 'accepted',
  reason: null,
  noticeEnds: null,
  noticeLeft: null,
  objections: [],
}

t.test('however often it is stopped, a notice runs on as many whole days as it was made for', async (t) => {
  const { failed, counterexample } = fc.check(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 0, max: 30 })), { maxLength: 5 }),
      (days, stops) => {
        let one: HomeReview = { ...review, noticeEnds: addDays(DAY, days) }
        let day = DAY
        let still = 0
        for (const [after, pause] of stops) {
          day = addDays(day, after)
          if (standingAt(one, day) !== 'on_notice') break
          one = { ...one, ...standingStill(one, day) }
          if (standingAt(one, addDays(day, 1000)) !== 'on_notice') return false
          day = addDays(day, pause)
          one = { ...one, ...runningOn(one, day) }
          still += pause
        }
        const last = addDays(DAY, days + still)
        return standingAt(one, last) === 'on_notice' && standingAt(one, addDays(last, 1)) === 'listed'
      },
    ),
  )
  t.notOk(failed, JSON.stringify(counterexample))
})

t.test('how a provider stands at home', async (t) => {
  const cases: [string, Partial<HomeReview> | null, string][] = [
    ['never reviewed', null, 'unreviewed'],
    ['accepted without notice', {}, 'listed'],
    ['on the last day of the notice', { noticeEnds: DAY }, 'on_notice'],
    ['the day after', { noticeEnds: '2026-03-01' }, 'listed'],
    ['standing still', { noticeLeft: 3 }, 'on_notice'],
    ['standing still on its last day', { noticeLeft: 0 }, 'on_notice'],
    ['returned', { verdict: 'returned' }, 'returned'],
    ['refused', { verdict: 'refused' }, 'refused'],
  ]
  for (const [what, over, outcome] of cases) t.equal(standingAt(over && { ...review, ...over }, DAY), outcome, what)
})

async function proved(t: Tap, { engine }: Lab) {
  for await (const { name, ok, finding } of verifyLedger(engine().sql)) t.ok(ok, finding ?? name)
}
type Tap = Parameters<Parameters<typeof withLab>[2]>[0]

withLab(t, 'home is the county, city or province of the division; of an abolished one, those above', async (t, lab) => {
  const stage = new Stage(lab.engine().engine)
  let n = 10
  for (const [division, by, outcome] of [
    ['330106', '330106', 'done'],
    ['330106', '330100', 'done'],
    ['330106', '330000', 'done'],
    ['330106', '330105', 'not_your_jurisdiction'],
    ['330106', '330200', 'not_your_jurisdiction'],
    ['330106', '310000', 'not_your_jurisdiction'],
    ['310108', '310000', 'done'],
    ['310108', '310106', 'not_your_jurisdiction'],
    ['320103', '320100', 'done'],
  ] as const) {
    const provider = uscc(n++)
    await stage.must(ask.provider(provider, division))
    t.equal(await outcomeOf(stage, mutual.review(by, provider)), outcome, `${division} by ${by}`)
  }
})

withLab(t, 'what is reviewed is what was read', async (t, lab) => {
  const stage = new Stage(lab.engine().engine)
  const provider = uscc(1)
  await stage.must(ask.provider(provider, '330106'))
  const { seq } = await stage.must(mutual.update(provider))
  t.equal(await outcomeOf(stage, mutual.review('330106', provider)), 'version_conflict', 'before there was a profile')
  const latest = await stage.must(mutual.update(provider, seq, { services: [] }))
  t.equal(await outcomeOf(stage, mutual.review('330106', provider, { version: seq })), 'version_conflict')
  t.equal(await outcomeOf(stage, mutual.review('330106', provider, { version: latest.seq })), 'done')
})

withLab(t, 'objections: the notice stands still until the last is decided, upheld they refuse', async (t, lab) => {
  const { clock, engine } = lab
  const { engine: runner, sql } = engine()
  const stage = new Stage(runner)
  const [provider, rival, other] = [uscc(1), uscc(2), uscc(3)]
  const kept = async () => (await homeReviews.load(sql, [provider]))[0]!
  const told = (asked: Parameters<typeof outcomeOf>[1]) => outcomeOf(stage, asked)
  await stage.must(ask.provider(provider, '330106'))
  t.equal(await told(mutual.object(provider, rival)), 'state_conflict', 'nothing to object to yet')
  await stage.must(mutual.review('330106', provider, { verdict: 'returned', reason: '补充资质' }))
  t.match(await kept(), { verdict: 'returned', reason: '补充资质', noticeEnds: null })
  t.equal(await told(mutual.object(provider, rival)), 'state_conflict', 'a returned one is on no notice')

  // Seven days from the day after the second of March: the third to the ninth.
  const { event } = await stage.must(mutual.review('330106', provider, { noticeDays: 7 }))
  t.match(event, { noticeEnds: '2026-03-09' })
  t.equal(await told(mutual.review('330106', provider)), 'state_conflict', 'who was accepted is not reviewed again')
  clock.set(china('2026-03-05'))
  const first = await stage.must(mutual.object(provider, rival))
  t.equal(await told(mutual.object(provider, rival)), 'state_conflict', 'once a review')
  clock.set(china('2026-03-20'))
  const second = await stage.must(mutual.object(provider, other))
  t.match(await kept(), { noticeEnds: null, noticeLeft: 4 }, 'no day passes meanwhile')
  await stage.must(mutual.decide('330000', provider, first.seq, 'dismissed'))
  t.match(await kept(), { noticeEnds: null, noticeLeft: 4 }, 'one is still open')
  t.equal(await told(mutual.decide('330000', provider, first.seq, 'upheld')), 'state_conflict', 'decided once')
  t.equal(await told(mutual.decide('330000', provider, 999, 'upheld')), 'objection_not_found')
  t.equal(await told(mutual.decide('310000', provider, second.seq, 'upheld')), 'not_your_jurisdiction')
  await stage.must(mutual.decide('330000', provider, second.seq, 'dismissed'))
  t.match(await kept(), { noticeEnds: '2026-03-24', noticeLeft: null }, 'what was left runs on')

  clock.set(china('2026-03-23'))
  const officer = bureau('330106', 'Zhou')
  const third = await stage.must({ ...mutual.object(provider, ''), actor: officer })
  t.equal(
    await told(mutual.decide('330106', provider, third.seq, 'dismissed', 'Zhou')),
    'separation_of_duties',
    'nobody decides what they have said themselves',
  )
  const fourth = await stage.must(mutual.object(provider, uscc(4)))
  await stage.must(mutual.decide('330106', provider, third.seq, 'upheld', 'Wu'))
  t.match(await kept(), { verdict: 'refused', noticeEnds: null, noticeLeft: null })
  await stage.must(mutual.decide('330106', provider, fourth.seq, 'dismissed'))
  t.match(await kept(), { verdict: 'refused', noticeEnds: null }, 'refused it stays')
  await stage.must(mutual.review('330106', provider, { noticeDays: 1 }))
  t.match(await kept(), { noticeEnds: '2026-03-24' }, 'until it is reviewed again')
  t.equal(await told(mutual.object(provider, rival)), 'done', 'and may be objected to again')
  await proved(t, lab)
})

withLab(t, 'a review at home decides whether agreements count; without one they do as ever', async (t, lab) => {
  const { clock, engine } = lab
  const stage = new Stage(engine().engine)
  const provider = uscc(1)
  await stage.must(ask.provider(provider, '330106'))
  await stage.must(ask.recognise('330100', provider))
  await signed(stage, '320000', '330000', { running: 'stop' })
  const place = { ...(await stage.place({}, {}, 10_000_00n)), provider }
  const voucher = await stage.voucher(place)
  let n = 0
  const file = () => ask.file(voucher, place.enterprise, provider, { contractNo: `C-${++n}` })
  const told = (asked: Parameters<typeof outcomeOf>[1]) => outcomeOf(stage, asked)

  t.equal(await told(file()), 'done', 'never reviewed')
  const before = await stage.order(place, 'verified')
  await stage.must(mutual.review('330000', provider, { verdict: 'returned', reason: '补充资质' }))
  t.equal(await told(file()), 'provider_not_recognised', 'returned')
  t.equal(await told(ask.approve(before)), 'recognition_ended', 'and what was filed under it stops, as it says')
  await stage.must(mutual.review('330106', provider, { noticeDays: 2 }))
  t.equal(await told(file()), 'provider_not_recognised', 'its notice runs')
  clock.set(china('2026-03-04'))
  t.equal(await told(file()), 'provider_not_recognised', 'on its last day')
  const { seq } = await stage.must(mutual.object(provider, uscc(2)))
  clock.set(china('2026-03-05'))
  t.equal(await told(file()), 'provider_not_recognised', 'an objection is open')
  await stage.must(mutual.decide('330106', provider, seq, 'dismissed'))
  clock.set(china('2026-03-06'))
  t.equal(await told(file()), 'done', 'listed')
  t.equal(await told(ask.approve(before)), 'done', 'and what had stopped goes on')
  await stage.must(ask.suspend('330100', provider))
  t.equal(await told(file()), 'provider_not_recognised', 'a listed one must be recognised at home as well')
  await proved(t, lab)
})

withLab(t, 'who is recognised directly needs no review at home', async (t, lab) => {
  const stage = new Stage(lab.engine().engine)
  const place = await stage.place()
  await stage.must(mutual.review('310104', place.provider, { verdict: 'refused', reason: '不符' }))
  t.equal(
    await outcomeOf(stage, ask.file(await stage.voucher(place), place.enterprise, place.provider, { contractNo: 'C' })),
    'done',
  )
})
