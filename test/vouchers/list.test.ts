/** Vouchers over HTTP: what a bureau finds by their state and end, and who may move them. */
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { askOf } from '../support/ask.js'
import { bureau, rulesBody, uscc } from '../support/scene.js'
import { china, testService } from '../support/service.js'

const service = await testService()
const ask = askOf(service)
t.teardown(() => service.close())

const WJ = '320509'
const officer = bureau(WJ)
const firmOf = (n: number): Actor => ({ subject: 'Wang', organisation: uscc(n), roles: ['enterprise'] })
for (const [program, useWithinDays] of [
  ['LONG', 300],
  ['SHORT', 30],
] as const) {
  await ask(officer, 'POST', '/v1/programs', rulesBody({ program, useWithinDays, extendDays: 15 }))
  await ask(officer, 'POST', '/v1/appropriations', { program, amount: '5000.00' })
}
for (const n of [1, 2]) {
  await ask(firmOf(n), 'POST', '/v1/enterprises', {
    uscc: uscc(n),
    name: `企业 ${n}`,
    division: WJ,
    types: ['tech_sme'],
  })
}
const issue = async (n: number, program: string) =>
  (await ask(officer, 'POST', '/v1/vouchers', { enterprise: uscc(n), program, amount: '10.00' })).body.result
    .voucher as string
const vouchers = {
  plain: await issue(1, 'LONG'),
  suspended: await issue(1, 'LONG'),
  cancelled: await issue(1, 'LONG'),
  recalled: await issue(2, 'LONG'),
  short: await issue(2, 'SHORT'),
  extended: await issue(2, 'SHORT'),
}
const nameOf = (id: string) => Object.entries(vouchers).find(([, voucher]) => voucher === id)![0]
const found = async (query: string, actor: Actor = officer) => {
  const { body } = await ask(actor, 'GET', `/v1/vouchers?${query}`)
  return body.items.map(({ voucher }: { voucher: string }) => nameOf(voucher))
}
const act = (actor: Actor, voucher: string, what: string, body: object = { reason: '核查' }) =>
  ask(actor, 'POST', `/v1/vouchers/${voucher}/${what}`, body)

t.test('what changes a right takes two persons of the bureau; a firm gives up its own alone', async (t) => {
  const proposed = await fetch(`${service.base}/v1/vouchers/${vouchers.suspended}/suspension`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${service.token(officer)}`,
      'content-type': 'application/json',
      'idempotency-key': 'one-person',
    },
    body: '{"reason":"核查"}',
  })
  t.equal(proposed.status, 202)
  t.same(await found('state=suspended'), [], 'nothing is done by one person')
  t.match((await act(officer, vouchers.suspended, 'suspension')).body.result, { state: 'suspended' })
  t.match((await act(officer, vouchers.extended, 'extension')).body.result, { useBy: '2026-04-16' })
  t.match((await act(officer, vouchers.recalled, 'recall')).body.result, { state: 'recalled', amount: '10.00' })
  const stranger = await act(firmOf(2), vouchers.cancelled, 'cancellation', {})
  t.match(stranger, { status: 403, body: { code: 'not_your_organisation' } })
  t.match((await act(firmOf(1), vouchers.cancelled, 'cancellation', {})).body.result, { state: 'cancelled' })
  t.match((await act(officer, vouchers.cancelled, 'extension')).body, { code: 'state_conflict' })
  t.match((await act(bureau('320508'), vouchers.plain, 'recall')).body, { code: 'not_your_jurisdiction' })
})

t.test('found by program, enterprise, state, and by when they end', async (t) => {
  t.same(await found('program=SHORT'), ['short', 'extended'])
  t.same(await found(`enterprise=${uscc(1)}`), ['plain', 'suspended', 'cancelled'])
  t.same(await found('state=suspended'), ['suspended'])
  t.same(await found('state=cancelled'), ['cancelled'])
  t.same(await found('state=recalled'), ['recalled'])
  t.same(await found('state=running&program=LONG'), ['plain'])
  t.same(await found('endsBefore=2026-04-02'), ['short'])
  t.same(await found('endsBefore=2026-04-01'), [], 'its last day is not before that day')
  t.same(await found('endsBefore=2026-04-17'), ['short', 'extended'])
  t.same(await found(`enterprise=${uscc(2)}`, firmOf(1)), [], "nobody finds another firm's")
  service.clock.set(china('2026-04-02'))
  await ask({ subject: 'op', organisation: 'platform', roles: ['operator'] }, 'POST', '/v1/sweeps', {})
  t.same(await found('state=lapsed'), ['short'])
  t.same(await found('endsBefore=2026-04-17'), ['extended'], 'what has ended ends no more')
  const page = await ask(officer, 'GET', '/v1/vouchers?program=LONG&limit=2')
  const rest = await ask(officer, 'GET', `/v1/vouchers?program=LONG&limit=2&cursor=${page.body.next}`)
  t.same([page.body.items.length, rest.body.items.length, rest.body.next], [2, 2, null])
})
