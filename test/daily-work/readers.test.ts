/** Who reads what of an order's course, over HTTP: its parties, those before and after them, bureaus, strangers. */
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { askOf } from '../support/ask.js'
import { bureau, firm, uscc } from '../support/scene.js'
import { china, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

const WJ = '320509'

t.test('of a change of provider, and of a claim that was objected to, rejected and appealed', async (t) => {
  const running = await testService()
  t.teardown(running.close)
  const { service, base, token, clock } = running
  const http = askOf(running)
  const stage = new Stage(service.engine)
  const place = await stage.place({ jurisdiction: WJ, noticeDays: 5, appealDays: 5, acceptanceDays: 3 })
  const { provider: next } = await stage.place({ jurisdiction: WJ })
  const voucher = await stage.voucher(place)
  const enterprise = firm(place.enterprise)
  const [before, after, stranger] = [firm(place.provider), firm(next), firm(uscc(999))]
  const officer = bureau(WJ)
  const elsewhere = bureau('330110')
  const must = async (actor: Actor, path: string, said: object = {}) => {
    const { status, body } = await http(actor, 'POST', path, said)
    if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
    return body.result
  }
  const filing = {
    voucher,
    category: 'testing',
    contractAmount: '1000.00',
    voucherAmount: '100.00',
    signedOn: '2026-03-01',
    relatedParty: false,
  }
  const file = async (provider: string, more: object) =>
    (await must(enterprise, '/v1/orders', { ...filing, provider, ...more })).order as string
  const first = await file(place.provider, { contractNo: 'A' })
  const second = await file(next, { contractNo: 'B', replaces: first })

  const upload = async (actor: Actor, content: string) => {
    const response = await fetch(`${base}/v1/documents`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token(actor)}`, 'content-type': 'application/pdf' },
      body: content,
    })
    return ((await response.json()) as { document: string }).document
  }
  const pdf = (text: string) => `%PDF-1.4\n% ${text}\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n`
  const result = await upload(after, pdf('result'))
  const secret = await upload(enterprise, pdf('not for others'))
  await must(after, `/v1/orders/${second}/acceptance`)
  t.match(
    await http(after, 'POST', `/v1/orders/${second}/delivery`, { results: [secret] }),
    { status: 404, body: { code: 'document_not_found' } },
    'nobody reaches a file by naming its digest',
  )
  await must(after, `/v1/orders/${second}/delivery`, { results: [result] })
  await must(enterprise, `/v1/orders/${second}/confirmation`, { score: 90 })
  await must(after, `/v1/orders/${second}/claim`, { invoiceNo: '1'.padStart(20, '0'), invoiceAmount: '1000.00' })
  await must(officer, `/v1/orders/${second}/verification`)
  const { objection } = await must(stranger, `/v1/orders/${second}/objections`, { reason: '内部举报' })
  await must({ ...officer, subject: 'Sun' }, `/v1/orders/${second}/objections/${objection}/resolution`, {
    verdict: 'dismissed',
    reason: '查无实据',
  })
  await must(officer, `/v1/orders/${second}/rejection`, { reason: '不符' })
  await must(after, `/v1/orders/${second}/appeal`, { reason: '已按约交付' })

  await t.test('an order is there for its parties and the bureaus above it, and for nobody else', async (t) => {
    const reads = async (actor: Actor, path: string) => (await http(actor, 'GET', path)).status
    const table: [Actor, number, number][] = [
      [enterprise, 200, 200],
      [before, 200, 404],
      [after, 404, 200],
      [stranger, 404, 404],
      [officer, 200, 200],
      [bureau('320000'), 200, 200],
      [elsewhere, 404, 404],
    ]
    for (const [actor, ofFirst, ofSecond] of table) {
      for (const suffix of ['', '/timeline']) {
        t.equal(await reads(actor, `/v1/orders/${first}${suffix}`), ofFirst, `${actor.organisation} first${suffix}`)
        t.equal(await reads(actor, `/v1/orders/${second}${suffix}`), ofSecond, `${actor.organisation} second${suffix}`)
      }
    }
    const download = async (actor: Actor, document: string) => {
      const headers = { authorization: `Bearer ${token(actor)}` }
      const response = await fetch(`${base}/v1/documents/${document}`, { headers })
      await response.arrayBuffer()
      return response.status
    }
    for (const [actor, , ofSecond] of table) t.equal(await download(actor, result), ofSecond, actor.organisation)
    for (const actor of [before, after, stranger, officer]) t.equal(await download(actor, secret), 404, 'the secret')
  })

  await t.test('what an objection says, and who said it, only bureaus are told', async (t) => {
    for (const actor of [enterprise, after, officer]) {
      const { body } = await http(actor, 'GET', `/v1/orders/${second}/timeline`)
      const { note, by } = body.steps.find(({ step }: { step: string }) => step === 'file_objection')
      t.same([note, by], actor === officer ? ['内部举报', 'other'] : [null, 'other'])
      t.notOk(JSON.stringify(body).includes(uscc(999)), 'no objector')
      if (actor !== officer) t.notOk(JSON.stringify(body).includes('Sun'), 'no person of the bureau')
    }
    const { body } = await http(enterprise, 'GET', `/v1/orders/${second}`)
    t.notOk(JSON.stringify(body).includes('内部举报'))
  })

  await t.test('bureaus of other places do nothing to it', async (t) => {
    const steps: [string, object][] = [
      [`appeal/decision`, { verdict: 'sustained', reason: 'x' }],
      [`objections/${objection}/resolution`, { verdict: 'sustained', reason: 'x' }],
      [`rejection`, { reason: 'x' }],
    ]
    for (const actor of [elsewhere, bureau('320000'), bureau('000000')]) {
      for (const [step, said] of steps) {
        const answer = await http(actor, 'POST', `/v1/orders/${second}/${step}`, said)
        t.match(answer, { status: 403, body: { code: 'not_your_jurisdiction' } }, `${actor.organisation} ${step}`)
      }
    }
  })

  await t.test('lists by state and by turn find what stands in them', async (t) => {
    const declined = await file(place.provider, { contractNo: 'D' })
    await must(before, `/v1/orders/${declined}/decline`, { reason: '无此合同' })
    const accepted = await file(place.provider, { contractNo: 'E' })
    await must(before, `/v1/orders/${accepted}/acceptance`)
    const listed = async (actor: Actor, query: string) => {
      const { body } = await http(actor, 'GET', `/v1/orders?${query}`)
      return body.items.map(({ order }: { order: string }) => order)
    }
    for (const actor of [enterprise, before, officer]) {
      t.same(await listed(actor, 'state=declined'), [declined], actor.organisation)
      t.same(await listed(actor, 'state=accepted'), [accepted])
      t.same(await listed(actor, 'state=cancelled'), [first])
      t.same(await listed(actor, 'turn=provider'), [accepted])
    }
    t.same(await listed(officer, 'turn=bureau'), [second], 'an appeal waits for the bureau')
    t.same(await listed(after, 'state=accepted'), [])
    await must({ ...officer, subject: 'Zhao' }, `/v1/orders/${second}/appeal/decision`, {
      verdict: 'dismissed',
      reason: '维持',
    })
    t.same(await listed(officer, 'turn=bureau'), [])
    clock.set(china('2026-03-20'))
    const late = await http(before, 'POST', `/v1/orders/${accepted}/delivery`, {})
    t.equal(late.status, 200, 'what was accepted has the claim’s own deadline')
  })
})
