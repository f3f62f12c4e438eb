import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { recognitionApplications } from '../../src/recognition-applications/facts.js'
import { askOf } from '../support/ask.js'
import { withLab } from '../support/lab.js'
import { mutual, outcomeOf } from '../support/mutual.js'
import { ask, bureau, firm, uscc } from '../support/scene.js'
import { testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

withLab(t, 'an application is granted by recognising the provider, or refused, and then made again', async (t, lab) => {
  const { engine, sql } = lab.engine()
  const stage = new Stage(engine)
  const provider = uscc(1)
  await stage.must(ask.provider(provider, '330106'))
  const stateAt = async (jurisdiction: string) => {
    const [found] = await recognitionApplications.load(sql, [`${provider} ${jurisdiction}`])
    return found && `${found.state} ${found.reason ?? ''}`.trim()
  }
  const told = (asked: Parameters<typeof outcomeOf>[1]) => outcomeOf(stage, asked)
  t.equal(await told(mutual.refuse('310000', provider)), 'recognition_application_not_found')
  await stage.must(mutual.apply(provider, '310000'))
  await stage.must(mutual.apply(provider, '320509'))
  t.equal(await told(mutual.apply(provider, '310000')), 'state_conflict', 'one at a time')
  t.equal(await told({ ...mutual.apply(provider, '340000'), actor: firm(uscc(2)) }), 'not_your_organisation')
  await stage.must(ask.recognise('320000', provider))
  t.same([await stateAt('310000'), await stateAt('320509')], ['open', 'open'], 'another jurisdiction recognises it')
  await stage.must(ask.recognise('310000', provider))
  t.equal(await stateAt('310000'), 'granted')
  t.equal(await told({ ...mutual.refuse('320509', provider), actor: bureau('320508') }), 'not_your_jurisdiction')
  await stage.must(mutual.refuse('320509', provider))
  t.equal(await stateAt('320509'), 'refused 材料不全')
  t.equal(
    await told(mutual.refuse('310000', provider)),
    'recognition_application_not_found',
    'what is granted is not open',
  )
  t.equal(await told(mutual.apply(provider, '320509')), 'done', 'a refused one may apply again')
  t.equal(await stateAt('320509'), 'open')
})

t.test('two persons refuse an application, and each sees their own', async (t) => {
  const running = await testService()
  t.teardown(() => running.close())
  const stage = new Stage(running.service.engine)
  const http = askOf(running)
  const [provider, other] = [uscc(1), uscc(2)]
  for (const code of [provider, other]) {
    await stage.must(ask.provider(code, '330106'))
    await stage.must(mutual.apply(code, '310115'))
  }
  const actor = (jurisdiction: string): Actor => ({ ...bureau(jurisdiction), roles: ['officer', 'approver'] })
  const refusal = { provider, jurisdiction: '310115', reason: '材料不全' }
  t.match(await http(actor('310115'), 'POST', '/v1/recognition-refusals', refusal), {
    status: 200,
    body: { command: 'refuse_recognition', result: { provider, jurisdiction: '310115' } },
  })
  const seenBy = async (who: Actor, query = '') => {
    const { body } = await http(who, 'GET', `/v1/recognition-applications${query}`)
    return (body.items as { provider: string; state: string }[]).map((one) => `${one.provider} ${one.state}`)
  }
  const both = [`${provider} refused`, `${other} open`].sort()
  t.same((await seenBy(actor('310115'))).sort(), both)
  t.same((await seenBy(actor('310000'))).sort(), both, 'the province of the county')
  t.same(await seenBy(actor('310104')), [], 'a sister county')
  t.same(await seenBy(actor('310000'), '?state=open'), [`${other} open`])
  t.same(await seenBy({ ...firm(provider), roles: ['provider'] }), [`${provider} refused`])
})
