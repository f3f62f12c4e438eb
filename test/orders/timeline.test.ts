import t from 'tap'
import { verifyLedger } from '../../src/audit/verify.js'
import type { Actor } from '../../src/core/actor.js'
import { connect } from '../../src/platform/database.js'
import { askOf } from '../support/ask.js'
import { rulesBody, uscc } from '../support/scene.js'
import { china, testService } from '../support/service.js'

const WJ = '320509'
const [ENTERPRISE, PROVIDER] = [uscc(1), uscc(51)]
const enterprise: Actor = { subject: 'wang', organisation: ENTERPRISE, roles: ['enterprise'] }
const provider: Actor = { subject: 'zhao', organisation: PROVIDER, roles: ['provider'] }
const stranger: Actor = { subject: 'shi', organisation: uscc(99), roles: ['enterprise'] }
const officer: Actor = { subject: 'chen', organisation: 'bureau', roles: ['officer', 'approver'], jurisdiction: WJ }
const colleague: Actor = { ...officer, subject: 'sun' }
const finance: Actor = { ...officer, subject: 'he', roles: ['finance', 'approver'] }
const above: Actor = { ...officer, organisation: 'bureau 320500', jurisdiction: '320500', roles: ['auditor'] }

const service = await testService('2026-02-12')
t.teardown(() => service.close())
const ask = askOf(service)
const must = async (...asked: Parameters<typeof ask>) => {
  const { status, body } = await ask(...asked)
  if (status >= 300) throw new Error(`${asked[1]} ${asked[2]}: ${status} ${JSON.stringify(body)}`)
  return body
}

const rules = rulesBody({
  program: 'WJ',
  useWithinDays: 60,
  claimWithinDays: 90,
  acceptanceDays: 3,
  noticeDays: 7,
  appealDays: 5,
})
const party = (code: string) => ({ uscc: code, name: '合成', division: WJ })
await must(enterprise, 'POST', '/v1/enterprises', { ...party(ENTERPRISE), types: ['tech_sme'] })
await must(provider, 'POST', '/v1/providers', { ...party(PROVIDER), categories: ['testing'] })
await must(officer, 'POST', '/v1/programs', rules)
await must(finance, 'POST', '/v1/appropriations', { program: 'WJ', amount: '10000.00' })
const year = { from: '2026-01-01', to: '2026-12-31' }
const recognition = { provider: PROVIDER, jurisdiction: WJ, categories: ['testing'], ...year }
await must(officer, 'POST', '/v1/recognitions', recognition)
const issue = { enterprise: ENTERPRISE, program: 'WJ', amount: '1000.00' }
const { voucher } = (await must(officer, 'POST', '/v1/vouchers', issue)).result
let contracts = 0
const file = async (more: object = {}) => {
  const contract = { voucher, provider: PROVIDER, category: 'testing', contractNo: `C-${++contracts}` }
  const amounts = { contractAmount: '200.00', voucherAmount: '100.00', signedOn: '2026-02-10', relatedParty: false }
  const { result } = await must(enterprise, 'POST', '/v1/orders', { ...contract, ...amounts, ...more })
  return result as { order: string; acceptBy: string }
}
const on = (order: string, actor: Actor, step: string, said: object = {}) =>
  must(actor, 'POST', `/v1/orders/${order}/${step}`, said)
const timeline = (actor: Actor, order: string) => must(actor, 'GET', `/v1/orders/${order}/timeline`)

t.test('the timeline of an order, over 春节, as each of those who may see it reads it', async (t) => {
  const { order, acceptBy } = await file()
  t.equal(acceptBy, '2026-02-24', 'Friday, the Saturday that is made up for, and the Tuesday after 春节')
  t.match(await timeline(enterprise, order), {
    state: 'filed',
    steps: [{ step: 'file_order', day: '2026-02-12', by: 'enterprise', person: 'wang', state: 'filed', note: null }],
    next: { turn: 'provider', step: 'accept_order', by: '2026-02-24', countedIn: 'workdays', isProvisional: false },
  })
  service.clock.set(china('2026-02-24'))
  await on(order, provider, 'acceptance')
  await on(order, provider, 'delivery', { summary: '报告' })
  await on(order, enterprise, 'confirmation', { score: 90 })
  await on(order, provider, 'claim', { invoiceNo: '1'.repeat(20), invoiceAmount: '200.00' })
  await on(order, officer, 'return', { reason: '缺付款凭证', items: [{ item: '1', what: '付款凭证' }] })
  t.match((await timeline(provider, order)).next, { turn: 'provider', step: 'submit_claim', by: '2026-05-13' })
  const answered = { answers: [{ item: '1', answer: '已补' }] }
  await on(order, provider, 'claim', { invoiceNo: '1'.repeat(20), invoiceAmount: '200.00', ...answered })
  await on(order, officer, 'verification')

  const notices = await must(stranger, 'GET', '/v1/notices')
  t.match(notices.items, [{ order, enterprise: ENTERPRISE, provider: PROVIDER, noticeEnds: '2026-03-03' }])
  const { objection } = (await on(order, stranger, 'objections', { reason: '与我司服务雷同' })).result
  t.match((await timeline(officer, order)).next, { turn: 'bureau', step: 'resolve_objection' })
  await on(order, colleague, `objections/${objection}/resolution`, { verdict: 'dismissed', reason: '不成立' })
  service.clock.set(china('2026-03-04'))
  t.same((await must(stranger, 'GET', '/v1/notices')).items, [], 'the notice is over')
  await on(order, colleague, 'approval')

  const told = await timeline(enterprise, order)
  t.equal(told.state, 'approved')
  t.match(told.next, { turn: 'clearing', step: 'confirm_payments' })
  t.same(
    told.steps.map(({ step, by, person, note }: Record<string, string | null>) => [step, by, person, note]),
    [
      ['file_order', 'enterprise', 'wang', null],
      ['accept_order', 'provider', null, null],
      ['deliver', 'provider', null, null],
      ['confirm', 'enterprise', 'wang', null],
      ['submit_claim', 'provider', null, null],
      ['return_claim', 'bureau', null, '缺付款凭证'],
      ['submit_claim', 'provider', null, null],
      ['verify_claim', 'bureau', null, null],
      ['file_objection', 'other', null, null],
      ['resolve_objection', 'bureau', null, '不成立'],
      ['approve_claim', 'bureau', null, null],
    ],
    'people of others are not named, nor who objected and why',
  )
  const known = (await timeline(officer, order)).steps
  t.match(
    known.find(({ step }: { step: string }) => step === 'file_objection'),
    { note: '与我司服务雷同', person: null },
    'the bureau reads the objection',
  )
  t.same(
    known.flatMap(({ person }: { person: string | null }) => person ?? []),
    ['chen', 'chen', 'sun', 'sun'],
    'and who of its own did what',
  )
  t.match((await timeline(above, order)).steps.length, 11)
  t.match(await ask(stranger, 'GET', `/v1/orders/${order}/timeline`), {
    status: 404,
    body: { code: 'order_not_found' },
  })
  const { status } = await ask(stranger, 'POST', `/v1/orders/${order}/objections`, { reason: '再次' })
  t.equal(status, 404, 'what is not under notice any more is not there for strangers')
})

t.test('an order that was replaced says by which, and one that lapsed that time did it', async (t) => {
  const first = await file()
  const { order } = await file({ replaces: first.order })
  t.match(await must(enterprise, 'GET', `/v1/orders/${first.order}`), { state: 'cancelled', replacedBy: order })
  t.match(await must(enterprise, 'GET', `/v1/orders/${order}`), { replaces: first.order })
  const steps = (of: { steps: { step: string; by: string; state: string }[] }) =>
    of.steps.map(({ step, by, state }) => `${step} ${by} ${state}`)
  t.same(steps(await timeline(enterprise, first.order)), [
    'file_order enterprise filed',
    'replace_order enterprise cancelled',
  ])
  service.clock.set(china('2026-03-10'))
  await must({ subject: 'wu', organisation: 'platform', roles: ['operator'] }, 'POST', '/v1/sweeps', {})
  const lapsed = await timeline(enterprise, order)
  t.same(steps(lapsed), ['file_order enterprise filed', 'lapse_order service lapsed'])
  t.equal(lapsed.next, null)
})

t.test('worklists and reminders', async (t) => {
  const { order: waiting } = await file()
  const { order: rejected } = await file()
  await on(rejected, provider, 'acceptance')
  await on(rejected, provider, 'delivery')
  const { order: delivered } = await file()
  await on(delivered, provider, 'acceptance')
  await on(delivered, provider, 'delivery')
  await on(rejected, enterprise, 'confirmation', { score: 80 })
  await on(rejected, provider, 'claim', { invoiceNo: '2'.repeat(20), invoiceAmount: '200.00' })
  const list = async (actor: Actor, query: string) =>
    (await must(actor, 'GET', `/v1/orders?${query}`)).items.map(({ order }: { order: string }) => order)
  t.same(await list(provider, 'turn=provider'), [waiting])
  t.same(await list(officer, 'turn=enterprise'), [delivered])
  t.same(await list(officer, 'turn=bureau'), [rejected])
  t.same(await list(officer, 'before=2026-03-13'), [waiting])
  t.same(await list(officer, 'before=2026-03-12'), [])
  t.same(await list(stranger, 'turn=provider'), [])
  await on(rejected, officer, 'rejection', { reason: '不符' })
  t.same(await list(officer, 'turn=bureau'), [], 'an appeal that may come is nobody’s duty')

  const reminders = async (actor: Actor, within = 366) =>
    (await must(actor, 'GET', `/v1/reminders?within=${within}`)).items.map(
      ({ what, by, thing, turn, amount }: Record<string, string>) => `${what} ${by} ${thing} ${turn} ${amount}`,
    )
  t.same(await reminders(provider), [
    `acceptance 2026-03-13 ${waiting} provider 100.00`,
    `appeal 2026-03-17 ${rejected} provider 100.00`,
    `confirmation 2026-06-08 ${delivered} enterprise 100.00`,
  ])
  t.same(await reminders(enterprise, 33), [
    `acceptance 2026-03-13 ${waiting} provider 100.00`,
    `appeal 2026-03-17 ${rejected} provider 100.00`,
  ])
  t.ok((await reminders(enterprise, 34)).includes(`use_by 2026-04-13 ${voucher} enterprise 700.00`))
  t.same(await reminders(officer, 3), [`acceptance 2026-03-13 ${waiting} provider 100.00`])
  t.same(await reminders(stranger), [])
  await on(rejected, provider, 'appeal', { reason: '符合要求' })
  t.same(await list(officer, 'turn=bureau'), [rejected])
  const jurisdiction = '330106'
  t.same(await reminders({ ...officer, jurisdiction }), [], 'nothing of another place')
})

t.test('the workdays of a year, and that a year without a notice says so', async (t) => {
  const known = await must(stranger, 'GET', '/v1/workdays/2026')
  t.match(known, { isProvisional: false, document: '国办发明电〔2025〕7号', version: null })
  t.equal(known.workdays.length, 248)
  const later = await must(stranger, 'GET', '/v1/workdays/2027')
  t.match(later, { isProvisional: true, document: null })
  const region: Actor = { ...officer, organisation: 'office', jurisdiction: '000000' }
  const notice = { year: 2027, document: '合成', off: ['2027-01-01', '2027-01-04'], work: ['2027-01-09'] }
  const { result } = await must(region, 'POST', '/v1/workdays', notice)
  const published = await must(stranger, 'GET', '/v1/workdays/2027')
  t.match(published, { isProvisional: false, document: '合成', version: result.version })
  t.ok(published.workdays.includes('2027-01-09') && !published.workdays.includes('2027-01-04'))
  t.match(await ask(region, 'POST', '/v1/workdays', notice), { status: 412 })
  await must(region, 'POST', '/v1/workdays', { ...notice, version: result.version })
  for (const [field, days] of [
    ['off', ['2026-12-31']],
    ['work', ['2027-01-01']],
  ] as const) {
    const { status, body } = await ask(region, 'POST', '/v1/workdays', { ...notice, [field]: days })
    t.match({ status, code: body.code }, { status: 400, code: 'validation_failed' }, field)
  }
})

t.test('after all of it the ledger adds up, and decided again it is the same', async (t) => {
  const sql = connect(service.database.databaseUrl, 1)
  t.teardown(() => sql.end())
  for await (const { name, ok, finding } of verifyLedger(sql)) t.ok(ok, `${name} ${finding ?? ''}`)
})
