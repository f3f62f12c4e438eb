/** Ways round the table of permissions, tried by people who hold good tokens: a right is nobody's to take. */
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { bureau as anybody, firm, uscc } from '../support/scene.js'
import { testService } from '../support/service.js'

const service = await testService()
t.teardown(() => service.close())

let keys = 0
async function call(actor: Actor, method: string, path: string, body?: object) {
  const response = await fetch(service.base + path, {
    method,
    headers: {
      authorization: `Bearer ${service.token(actor)}`,
      ...(body ? { 'content-type': 'application/json', 'idempotency-key': `k${++keys}` } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
  return { status: response.status, body: (await response.json()) as any }
}
const refused = (status: number, code: string) => ({ status, body: { code } })
const approval = (proposal: string) => `/v1/proposals/${proposal}/approval`

/** Asked for by Chen, done by Sun; answers the result. */
async function decided(jurisdiction: string, path: string, said: object) {
  const asked = await call(anybody(jurisdiction, 'Chen'), 'POST', path, said)
  const done = await call(anybody(jurisdiction, 'Sun'), 'POST', approval(asked.body.result.proposal), {})
  if (done.status !== 200) throw new Error(JSON.stringify(done.body))
  return done.body.result
}

/** What was read of somebody is believed for a second. */
const aSecond = () => new Promise((resolve) => setTimeout(resolve, 1050))
const leave = { jurisdiction: '320509', from: '2026-03-02', to: '2026-03-20', reason: '休假' }

t.test('who is barred does not come back by another role, another office, or their own hand', async (t) => {
  const bar = { person: 'Li', jurisdiction: '320509', from: '2026-03-02', reason: '违规' }
  const { standing } = await decided('320509', '/v1/bars', bar)
  await aSecond()
  for (const role of ['officer', 'approver', 'finance', 'auditor'] as const) {
    for (const organisation of ['bureau 320509', 'another office', uscc(1)]) {
      const li = { ...anybody('320509', 'Li'), roles: [role, 'enterprise'], organisation }
      t.match(await call(li, 'GET', '/v1/me'), refused(403, 'person_barred'), `${role} of ${organisation}`)
    }
  }
  // An office above is not closed to Li, but not the bar of their own.
  const above = anybody('320500', 'Li')
  const end = { person: 'Li', standing, reason: '复职' }
  t.match(await call(above, 'POST', '/v1/standing-ends', end), refused(409, 'separation_of_duties'))
  const asked = await call(anybody('320500', 'Chen'), 'POST', '/v1/standing-ends', end)
  t.equal(asked.status, 202)
  const { proposal } = asked.body.result
  t.match(await call(above, 'POST', approval(proposal), {}), refused(409, 'separation_of_duties'), 'nor as the second')
  const lending = { ...leave, person: 'Zhou', principal: 'Li', jurisdiction: '320500', roles: ['approver'] }
  await decided('320500', '/v1/deputyships', { ...lending, rolesFrom: 'token' })
  await aSecond()
  const deputy = { ...anybody('320500', 'Zhou'), roles: ['auditor'] }
  t.match(await call(deputy, 'POST', approval(proposal), {}), refused(409, 'separation_of_duties'), 'nor by a deputy')
  t.match(await call(anybody('320500', 'Sun'), 'POST', approval(proposal), {}), { status: 200 })
})

t.test('a barred person lends nothing, and a deputy lends nothing on', async (t) => {
  const lend = (person: string, principal: string, over: object = {}) => ({
    ...leave,
    person,
    principal,
    roles: ['officer'],
    ...over,
  })
  const appointment = { person: 'Wu', jurisdiction: '320509', roles: ['officer'], from: '2026-03-02', reason: '任用' }
  await decided('320509', '/v1/appointments', appointment)
  await decided('320509', '/v1/deputyships', lend('Zheng', 'Wu'))
  const chen = anybody('320509', 'Chen')
  t.match(await call(chen, 'POST', '/v1/deputyships', lend('Feng', 'Zheng')), refused(409, 'role_not_held'))
  const me = async (jurisdiction: string) =>
    (await call({ ...anybody(jurisdiction, 'Zheng'), roles: ['auditor'] }, 'GET', '/v1/me')).body
  await aSecond()
  t.match(await me('320509'), { roles: ['auditor', 'officer'], principals: ['Wu'] })
  for (const jurisdiction of ['320508', '320500', '320000', '330000', '000000']) {
    t.same((await me(jurisdiction)).roles, ['auditor'], `lent in 320509, asking in ${jurisdiction}`)
  }
  await decided('320000', '/v1/bars', { person: 'Wu', jurisdiction: '320000', from: '2026-03-02', reason: '违规' })
  await aSecond()
  t.match(await me('320509'), { roles: ['auditor'], principals: ['Wu'] }, 'still no judge of what Wu has prepared')
  const later = lend('Feng', 'Wu', { rolesFrom: 'token' })
  t.match(await call(chen, 'POST', '/v1/deputyships', later), refused(409, 'role_not_held'))
})

t.test(
  'a county officer reaches for the city, the province, a sister and the region, through every door',
  async (t) => {
    const county = anybody('320509', 'Chen')
    const other = uscc(9)
    for (const jurisdiction of ['320500', '320000', '320508', '330000', '000000']) {
      const doors = {
        '/v1/appointments': { person: 'Qian', jurisdiction, roles: ['approver'], from: '2026-03-02', reason: 'r' },
        '/v1/deputyships': { ...leave, person: 'Qian', principal: 'Sun', jurisdiction, roles: ['approver'] },
        '/v1/bars': { person: 'Sun', jurisdiction, from: '2026-03-02', reason: 'r' },
        ...(jurisdiction === '000000'
          ? {}
          : { '/v1/integrity-entries': { uscc: other, from: '2026-03-02', reason: 'r', jurisdiction } }),
      }
      for (const [path, said] of Object.entries(doors)) {
        t.match(
          await call(county, 'POST', path, said),
          refused(403, 'not_your_jurisdiction'),
          `${path} ${jurisdiction}`,
        )
      }
      const books = await call(county, 'GET', `/v1/books/${jurisdiction}/acts`)
      t.equal(books.status, 403, `acts of ${jurisdiction}`)
    }
    // What the province has asked for is not a county's to see, to approve or to decline.
    const above = { person: 'Qian', jurisdiction: '320000', roles: ['officer'], from: '2026-03-02', reason: 'r' }
    const { proposal } = (await call(anybody('320000', 'Wang'), 'POST', '/v1/appointments', above)).body.result
    t.equal((await call(county, 'GET', `/v1/proposals/${proposal}`)).status, 404)
    t.equal((await call(county, 'POST', approval(proposal), {})).status, 404)
    t.match(
      await call(county, 'POST', `/v1/proposals/${proposal}/rejection`, { reason: 'r' }),
      refused(403, 'not_your_jurisdiction'),
    )
  },
)

t.test('a firm that says it is a bureau, and a bureau that says it is a firm', async (t) => {
  const claiming: Actor = { ...firm(uscc(1)), jurisdiction: '320509' }
  for (const path of ['/v1/people', '/v1/books', '/v1/proposals', '/v1/program-drafts']) {
    t.match(await call(claiming, 'GET', path), refused(403, 'role_not_permitted'), path)
  }
  const said = { uscc: uscc(1), name: '企业', division: '320509', types: ['tech_sme'] }
  const officer = { ...anybody('320509'), organisation: uscc(1) }
  t.match(await call(officer, 'POST', '/v1/enterprises', said), refused(403, 'role_not_permitted'))
  await decided('310000', '/v1/integrity-entries', { uscc: uscc(1), from: '2026-03-02', reason: 'r' })
  const notices = async (actor: Actor) => (await call(actor, 'GET', '/v1/integrity-notices')).body.items.length
  t.equal(await notices(claiming), 1, 'its own, and as itself')
  t.equal(await notices({ ...firm(uscc(2)), jurisdiction: '000000' }), 0, 'not those of a jurisdiction it names')
})
