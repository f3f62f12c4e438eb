import t from 'tap'
import { agreements, type Pair } from '../../src/agreements/facts.js'
import type { Actor } from '../../src/core/actor.js'
import { categories } from '../../src/platform/wire.js'
import { isRecognised, type Provider, providers } from '../../src/providers/facts.js'
import { findProviders } from '../../src/providers/queries.js'
import { agreedOn, isWithdrawn, pairFor } from '../../src/providers/rules.js'
import { standing } from '../../src/reviews/contract.js'
import { homeReviews } from '../../src/reviews/facts.js'
import { standingAt } from '../../src/reviews/rules.js'
import { askOf } from '../support/ask.js'
import { withLab } from '../support/lab.js'
import { mutual, profile, signed } from '../support/mutual.js'
import { ask, bureau, firm, uscc } from '../support/scene.js'
import { testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

/** What a provider says of itself, and who is listed as recognised. */
const recognise = (jurisdiction: string, provider: string, over: object) => {
  const asked = ask.recognise(jurisdiction, provider)
  return { ...asked, command: { ...(asked.command as object), ...over } }
}

withLab(t, 'the list of who can be used is exactly whom an order would be taken with', async (t, { engine }) => {
  const { engine: runner, sql } = engine()
  const stage = new Stage(runner)
  const until = { from: '2026-01-01', to: '2026-03-10' }
  type Step = (provider: string) => Promise<unknown> | undefined
  const must = (asked: Parameters<Stage['must']>[0]) => stage.must(asked)
  const directly: Step[] = [
    () => undefined,
    (p) => must(recognise('310115', p, until)),
    (p) => must(recognise('310000', p, { categories: ['rnd'] })),
  ]
  const athome: Step[] = [
    () => undefined,
    (p) => must(recognise('330000', p, until)),
    (p) => must(recognise('330106', p, { categories: ['rnd', 'design'] })),
    (p) => must(recognise('330200', p, {})),
  ]
  const reviewed: Step[] = [
    () => undefined,
    (p) => must(mutual.review('330106', p)),
    (p) => must(mutual.review('330106', p, { noticeDays: 4 })),
    (p) => must(mutual.review('330106', p, { verdict: 'returned', reason: '补充资质' })),
    async (p) => {
      await must(mutual.review('330106', p, { noticeDays: 4 }))
      await must(mutual.object(p, uscc(1)))
    },
  ]
  const stopped: Step[] = [
    () => undefined,
    (p) => must(ask.suspend('310115', p)),
    (p) => must(ask.suspend('310104', p)),
    (p) => must(ask.suspend('330106', p)),
    (p) => must(mutual.withdraw('330000', p)),
    async (p) => {
      await must(ask.suspend('310000', p))
      await must(mutual.lift('310000', p))
    },
  ]
  await signed(stage, '310000', '330000', { categories: ['testing', 'rnd'], from: '2026-03-05', to: '2026-03-20' })
  await signed(stage, '310000', '330000', { categories: ['design'], from: '2026-03-01', to: '2026-03-08' })

  let n = 100
  const made: Promise<string>[] = []
  for (const direct of directly)
    for (const home of athome)
      for (const review of reviewed)
        for (const stop of stopped) {
          const provider = uscc(n++)
          made.push(
            (async () => {
              await must(ask.provider(provider, '330106'))
              for (const step of [direct, home, review, stop]) await step(provider)
              return provider
            })(),
          )
        }
  const codes = (await Promise.all(made)).sort()
  t.equal(codes.length, 360)
  const facts = new Map((await providers.load(sql, codes)).map((one) => [one.uscc, one]))
  const reviews = new Map((await homeReviews.load(sql, codes)).map((one) => [one.uscc, one]))
  const pairs = new Map((await agreements.load(sql, ['310000-330000'])).map((one) => [agreements.key(one), one]))
  const isTaken = (provider: Provider, category: string, jurisdiction: number, day: string) => {
    const { accepting, home } = pairFor(provider, jurisdiction)
    const pair: Pair | null = pairs.get(`${accepting}-${home}`) ?? null
    const review = reviews.get(provider.uscc) ?? null
    return (
      (isRecognised(provider, category, jurisdiction, day) && !isWithdrawn(provider)) ||
      agreedOn(provider, { pair, review }, category, jurisdiction, day) !== undefined
    )
  }
  const sizes = new Set<number>()
  for (const recognisedBy of ['310115', '310104', '310000', '320509']) {
    for (const on of ['2026-03-04', '2026-03-06', '2026-03-07', '2026-03-10', '2026-03-11', '2026-03-21']) {
      for (const category of [undefined, 'testing', 'rnd', 'design'] as const) {
        const lines = await findProviders(sql, { recognisedBy, on, limit: 1000, ...(category ? { category } : {}) })
        const wanted = category ? [category] : categories
        const taken = codes.filter((code) =>
          wanted.some((one) => isTaken(facts.get(code)!, one, Number(recognisedBy), on)),
        )
        sizes.add(taken.length)
        t.same(
          lines.map((line) => line.uscc),
          taken,
          `${recognisedBy} on ${on} for ${category ?? 'anything'}`,
        )
      }
    }
  }
  t.ok(sizes.size > 10, 'lists of very different lengths')
  for (const on of ['2026-03-04', '2026-03-06', '2026-03-07']) {
    for (const home of standing.options) {
      const lines = await findProviders(sql, { home, on, limit: 1000 })
      t.same(
        lines.map((line) => line.uscc),
        codes.filter((code) => standingAt(reviews.get(code) ?? null, on) === home),
        `${home} on ${on}`,
      )
    }
  }
})

t.test('over HTTP', async (t) => {
  const running = await testService()
  t.teardown(() => running.close())
  const stage = new Stage(running.service.engine)
  const http = askOf(running)
  const [hangzhou, suzhou, gone] = [501, 502, 503].map(uscc) as [string, string, string]
  for (const [code, division] of [
    [hangzhou, '330106'],
    [suzhou, '320509'],
    [gone, '310108'],
  ] as const) {
    await stage.must(ask.provider(code, division))
  }
  const auditor: Actor = { ...bureau('310000'), roles: ['auditor'] }
  const of = (code: string): Actor => ({ ...firm(code), roles: ['provider'] })
  const read = (code: string, actor = auditor) => http(actor, 'GET', `/v1/providers/${code}`)

  await t.test('providers by place and page', async (t) => {
    const listed = async (query: string) => (await http(auditor, 'GET', `/v1/providers${query}`)).body
    const codes = async (query: string) => (await listed(query)).items.map((line: { uscc: string }) => line.uscc)
    const all = [hangzhou, suzhou, gone].sort()
    t.same(await codes(''), all)
    t.same(await codes('?division=330000'), [hangzhou])
    t.same(await codes('?division=330100'), [hangzhou])
    t.same(await codes('?division=310000'), [gone], 'a provider of an abolished division lies in its province')
    const first = await listed('?limit=2')
    t.equal(first.next, all[1])
    t.same(await codes(`?limit=2&cursor=${first.next}`), [all[2]])
    t.match(await http(auditor, 'GET', '/v1/providers?cursor=x'), { status: 400 })
  })

  await t.test('a profile is written whole, by whoever has read the last one', async (t) => {
    t.match((await read(hangzhou)).body, { version: null, profile: null, homeReview: null })
    const write = (said: object, who = of(hangzhou)) => http(who, 'POST', `/v1/providers/${hangzhou}/profile`, said)
    const { email: _, ...contact } = profile().contact
    const first = await write({ ...profile(), contact })
    t.equal(first.status, 200)
    const { version } = first.body.result
    const { body } = await read(hangzhou)
    t.match(body, { version, division: '330106' })
    t.same(body.profile, profile(), 'what is not said is null')
    t.match(await write(profile()), { status: 412, body: { code: 'version_conflict' } }, 'there is one now')
    const both = await Promise.all([write({ ...profile(), version }), write({ ...profile({ services: [] }), version })])
    t.same(both.map(({ status }) => status).sort(), [200, 412], 'of two who have read the same, one reads again')
    t.match(await write(profile(), of(suzhou)), { status: 403, body: { code: 'not_your_organisation' } })
    t.match(await write({ ...profile({ services: [{ ...profile().services[0], price: '1' }] }) }), {
      status: 400,
      body: { errors: [{ pointer: '/body/services/0/price', code: 'amount_format' }] },
    })
  })

  await t.test('a review by two, with what was said against it for whom it concerns', async (t) => {
    const officer: Actor = { ...bureau('330106'), roles: ['officer', 'approver'] }
    const { version } = (await read(hangzhou)).body
    const review = (said: object) => http(officer, 'POST', `/v1/providers/${hangzhou}/reviews`, said)
    t.match(await review({ verdict: 'accepted' }), { status: 412 }, 'it names what it has read')
    t.match(await review({ verdict: 'refused', version }), {
      status: 400,
      body: { errors: [{ pointer: '/body/reason', code: 'required' }] },
    })
    const post = async (who: Actor, path: string, said: object) => {
      const response = await fetch(`${running.base}${path}`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${running.token(who)}`,
          'content-type': 'application/json',
          'idempotency-key': path,
        },
        body: JSON.stringify(said),
      })
      return { status: response.status, body: (await response.json()) as { result?: { proposal: string } } }
    }
    const reviews = `/v1/providers/${suzhou}/reviews`
    const proposed = await post({ ...bureau('320509'), roles: ['officer'] }, reviews, { verdict: 'accepted' })
    const { proposal } = proposed.body.result!
    await http(of(suzhou), 'POST', `/v1/providers/${suzhou}/profile`, profile())
    t.match(
      await post({ ...bureau('320509', 'Wu'), roles: ['approver'] }, `/v1/proposals/${proposal}/approval`, {}),
      { status: 412, body: { code: 'version_conflict' } },
      'nobody approves what was changed meanwhile',
    )
    const done = await review({ verdict: 'accepted', noticeDays: 5, version })
    t.match(done, { status: 200, body: { command: 'review_provider', result: { noticeEnds: '2026-03-07' } } })
    const objected = await http(of(suzhou), 'POST', `/v1/providers/${hangzhou}/objections`, { reason: '资质不实' })
    t.equal(objected.status, 201)
    const { objection } = objected.body.result
    t.match((await read(hangzhou)).body.homeReview, {
      verdict: 'accepted',
      noticeEnds: null,
      noticeLeft: 5,
      objections: [{ objection, by: suzhou, reason: '资质不实', decision: null }],
    })
    t.match((await read(hangzhou, of(hangzhou))).body.homeReview, { objections: [{ objection }] })
    t.match((await read(hangzhou, of(suzhou))).body.homeReview, { noticeLeft: 5, objections: null })
    t.notMatch(JSON.stringify((await read(hangzhou)).body), `"${firm(suzhou).subject}"`, 'organisations, no persons')
    const decision = { verdict: 'dismissed', reason: '已核实' }
    t.match(await http(officer, 'POST', `/v1/providers/${hangzhou}/objections/${objection}/decision`, decision), {
      status: 200,
      body: { result: { objection, verdict: 'dismissed', noticeEnds: '2026-03-07' } },
    })
    t.match((await read(hangzhou)).body.homeReview, {
      objections: [{ decision: { on: '2026-03-02', ...decision } }],
    })
  })
})
