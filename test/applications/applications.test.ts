/** Applications: asked by a firm, reviewed by one person, granted by another; over HTTP as people meet it. */
import t from 'tap'
import { applicationStates } from '../../src/applications/contract.js'
import { nextOf, type Step, transitions } from '../../src/applications/rules.js'
import type { Actor } from '../../src/core/actor.js'
import { connect } from '../../src/platform/database.js'
import { askOf } from '../support/ask.js'
import { proveLedger } from '../support/replay.js'
import { bureau as anyRole, rulesBody, uscc } from '../support/scene.js'
import { china, testService } from '../support/service.js'

const service = await testService()
const ask = askOf(service)
t.teardown(() => service.close())

const WJ = '320509'
const of = (role: string, subject: string): Actor => ({ ...anyRole(WJ, subject), roles: [role] })
const officer = of('officer', 'Chen')
const approver = of('approver', 'Li')
const firmOf = (n: number): Actor => ({ subject: 'Wang', organisation: uscc(n), roles: ['enterprise'] })
const firm = firmOf(1)

for (const program of ['WJ', 'WJ-2', 'WJ-3']) {
  await ask(of('approver', 'Zhou'), 'POST', '/v1/programs', rulesBody({ program, annualCap: 1000_00n }))
  await ask(of('finance', 'Zhou'), 'POST', '/v1/appropriations', { program, amount: '5000.00' })
}
for (const [n, division] of [
  [1, WJ],
  [2, WJ],
  [3, '310115'],
] as const) {
  await ask(firmOf(n), 'POST', '/v1/enterprises', { uscc: uscc(n), name: `企业 ${n}`, division, types: ['tech_sme'] })
}
// The second person of askOf approves with the roles of the first; finance and approver both may.
const apply = (actor: Actor, program: string, amount: string, more: object = {}) =>
  ask(actor, 'POST', '/v1/applications', { enterprise: actor.organisation, program, amount, ...more })
const review = (id: string, version: number, said: object, actor = officer) =>
  ask(actor, 'POST', `/v1/applications/${id}/review`, { version, ...said })
const grant = (id: string, actor = approver) => ask(actor, 'POST', `/v1/applications/${id}/grant`, {})
const code = ({ body }: { body: { code?: string } }) => body.code

t.test('whoever applies hears at once what issuing would be refused with', async (t) => {
  t.equal(code(await apply(firm, 'NONE', '1.00')), 'program_not_found')
  t.equal(code(await apply(firm, 'WJ', '1000.01')), 'annual_cap_exceeded')
  t.equal(code(await apply(firmOf(3), 'WJ', '1.00')), 'outside_jurisdiction')
  const other = await ask(firm, 'POST', '/v1/applications', { enterprise: uscc(2), program: 'WJ', amount: '1.00' })
  t.equal(code(other), 'not_your_organisation')
})

t.test('returned with the exact items, completed, reviewed, and granted by somebody else', async (t) => {
  const document = { name: '购买意向书', sha256: 'a'.repeat(64) }
  const applied = await apply(firm, 'WJ', '600.00', { note: '检测', documents: [document] })
  t.equal(applied.status, 201)
  const { application, version } = applied.body.result
  t.match(application, /^A320509-\d+$/)
  t.equal(code(await apply(firm, 'WJ', '1.00')), 'application_open', 'one at a time')
  t.equal(code(await grant(application)), 'state_conflict', 'nothing is granted unreviewed')

  t.match(await review(application, version, { verdict: 'returned' }), {
    status: 400,
    body: { errors: [{ pointer: '/body/missing', code: 'required' }] },
  })
  t.match(await review(application, version, { verdict: 'refused' }), {
    body: { errors: [{ pointer: '/body/reason', code: 'required' }] },
  })
  const missing = ['营业执照副本', '意向书缺少签章']
  const returned = await review(application, version, { verdict: 'returned', missing })
  t.match(returned.body.result, { application, state: 'returned' })
  const read = await ask(firm, 'GET', `/v1/applications/${application}`)
  t.match(read.body, { state: 'returned', missing, amount: '600.00', documents: [document], voucher: null })

  const complete = (seen: number) =>
    ask(firm, 'POST', `/v1/applications/${application}/completion`, { version: seen, amount: '500.00' })
  t.equal(code(await complete(version)), 'version_conflict')
  const completed = await complete(returned.body.result.version)
  t.match(completed.body.result, { state: 'submitted' })
  const stale = await review(application, returned.body.result.version, { verdict: 'passed' })
  t.equal(stale.status, 412, 'nobody passes what they have not read')
  t.match((await review(application, completed.body.result.version, { verdict: 'passed' })).body.result, {
    state: 'reviewed',
  })

  t.equal(code(await grant(application, of('approver', officer.subject))), 'separation_of_duties')
  const issue = { enterprise: uscc(1), program: 'WJ', amount: '600.00', application }
  t.equal(code(await ask(of('officer', 'Sun'), 'POST', '/v1/vouchers', issue)), 'application_differs')
  const granted = await grant(application)
  t.match(granted, { status: 200, body: { command: 'issue', result: { amount: '500.00' } } })
  const { voucher } = granted.body.result
  const after = await ask(firm, 'GET', `/v1/applications/${application}`)
  t.match(after.body, { state: 'granted', voucher, reviewedBy: officer.subject })
  const { body } = await ask(firm, 'GET', `/v1/vouchers/${voucher}`)
  t.match(body, { voucher, number: new RegExp(`^${voucher}-[0-9A-Z]$`), state: 'running', available: '500.00' })
  t.same((await ask(firm, 'GET', `/v1/vouchers/${body.number}`)).body, body, 'the number finds it, too')
  const wrong = `${voucher}-${body.number.endsWith('0') ? '1' : '0'}`
  t.match(await ask(firm, 'GET', `/v1/vouchers/${wrong}`), {
    status: 400,
    body: { errors: [{ pointer: '/params/voucher', code: 'check_character' }] },
  })
  t.equal(code(await grant(application)), 'state_conflict', 'and is not granted twice')
  t.equal((await apply(firm, 'WJ', '1.00')).status, 201, 'the next application may come')
})

t.test('two hundred before lunch: listed by state, page by page, decided in one request', async (t) => {
  const applied = await Promise.all([1, 2].map((n) => apply(firmOf(n), 'WJ-2', '100.00')))
  const items = applied.map(({ body }) => ({ ...body.result, state: undefined }))
  const seen: string[] = []
  for (let next = ''; ; ) {
    const page = await ask(officer, 'GET', `/v1/applications?state=submitted&program=WJ-2&limit=1${next}`)
    seen.push(...page.body.items.map((one: { application: string }) => one.application))
    if (!page.body.next) break
    next = `&cursor=${page.body.next}`
  }
  t.same(seen.sort(), items.map(({ application }) => application).sort())
  const verdicts = [
    { ...items[0], verdict: 'passed' },
    { ...items[1], verdict: 'refused', reason: '不属于支持范围' },
    { ...items[1], verdict: 'passed' },
    { application: 'A320509-999999', version: 1, verdict: 'passed' },
  ]
  const { body } = await ask(officer, 'POST', '/v1/applications/reviews', { items: verdicts })
  t.match(body, { done: 2, refused: 2 })
  t.same(
    body.items.map((row: { code?: string; result?: { state: string } }) => row.code ?? row.result!.state),
    ['reviewed', 'refused', 'version_conflict', 'application_not_found'],
  )
  const found = await ask(officer, 'GET', `/v1/applications?enterprise=${uscc(2)}&state=refused`)
  t.match(found.body.items, [{ enterprise: uscc(2), reason: '不属于支持范围' }])
  t.same((await ask(firmOf(3), 'GET', '/v1/applications')).body.items, [], 'a firm sees its own')
})

t.test('an application that is withdrawn or outlives its program is not granted', async (t) => {
  const one = (await apply(firm, 'WJ-3', '1.00')).body.result
  await ask(firm, 'POST', `/v1/applications/${one.application}/withdrawal`, {})
  t.equal(code(await review(one.application, one.version, { verdict: 'passed' })), 'version_conflict')
  const two = (await apply(firm, 'WJ-3', '2.00')).body.result
  await review(two.application, two.version, { verdict: 'passed' })
  service.clock.set(china('2027-01-01'))
  t.equal(code(await grant(two.application)), 'program_not_open')
})

t.test('states × steps: an application that has ended moves no more, and only a reviewed one is granted', async (t) => {
  const steps: Step[] = ['passed', 'returned', 'refused', 'complete', 'withdraw', 'grant']
  const ended = applicationStates.filter((state) => Object.keys(transitions[state]).length === 0)
  t.same([...ended].sort(), ['granted', 'refused', 'withdrawn'])
  for (const state of applicationStates) {
    t.equal(nextOf(state, 'grant') !== undefined, state === 'reviewed', state)
    for (const step of steps) if (ended.includes(state)) t.equal(nextOf(state, step), undefined)
  }
})

t.test('the books add up and the log replays', async () => {
  const sql = connect(service.database.databaseUrl, 1)
  await proveLedger(sql)
  await sql.end()
})
