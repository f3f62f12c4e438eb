import t, { type Test } from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { isRefusal } from '../../src/core/refusals.js'
import { addDays } from '../../src/core/time.js'
import { proposeCommand, twoPersonType } from '../../src/engine/proposal.js'
import { deputiseCommand, endStandingCommand } from '../../src/people/commands.js'
import { standingOf } from '../../src/people/directory.js'
import { isAbove, type Person, type Standing } from '../../src/people/facts.js'
import type { Role } from '../../src/platform/permissions.js'
import { call } from '../support/ask.js'
import { withLab } from '../support/lab.js'
import { bureau as anybody, ask, uscc } from '../support/scene.js'
import { china, type TestService, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

t.test('a right counts from its first day to its last, where it was given, until it is ended', async (t) => {
  const standing = (over: Partial<Standing>): Standing => ({
    number: 1,
    kind: 'appointment',
    jurisdiction: 320509,
    principal: null,
    roles: ['officer'],
    from: '2026-03-05',
    to: '2026-03-10',
    reason: '',
    document: null,
    ended: null,
    ...over,
  })
  const of = (one: Standing, jurisdiction: number, day: string) =>
    standingOf({ book: 0, person: 'li', standings: [one] }, jurisdiction, day, new Map())
  for (const [day, roles] of [
    ['2026-03-04', []],
    ['2026-03-05', ['officer']],
    ['2026-03-10', ['officer']],
    ['2026-03-11', []],
  ] as const) {
    t.same(of(standing({}), 320509, day).roles, roles, day)
  }
  t.same(of(standing({ to: null }), 320509, '2099-01-01').roles, ['officer'], 'until it is ended')
  t.same(of(standing({ ended: 9 }), 320509, '2026-03-06').roles, [], 'not when it is ended')
  for (const elsewhere of [320508, 320500, 320000, 330000, 0]) {
    t.same(of(standing({}), elsewhere, '2026-03-06').roles, [], `an officer of 320509 is none of ${elsewhere}`)
  }
  const leave = standing({ kind: 'deputyship', principal: 'chen', from: '2026-01-01', to: '2026-12-31' })
  const chen = (...standings: Standing[]): Person => ({ book: 0, person: 'chen', standings })
  const lent = (deputyship: Standing, principal: Person, day: string) =>
    standingOf({ book: 0, person: 'li', standings: [deputyship] }, 320509, day, new Map([['chen', principal]])).roles
  const byRegister = { ...leave, rolesFrom: 'register' } as const
  const barred = standing({ kind: 'bar', roles: [], jurisdiction: 320000 })
  for (const [what, deputyship, principal, on] of [
    ['where the roles are from was not asked', leave, chen(), ['2026-03-04', '2026-03-07', '2026-03-11']],
    ['they come with a token', { ...leave, rolesFrom: 'token' }, chen(), ['2026-03-04', '2026-03-07', '2026-03-11']],
    ['they are those of an appointment, while it runs', byRegister, chen(standing({})), ['2026-03-07']],
    ['of one that was ended', byRegister, chen(standing({ ended: 9 })), []],
    ['of one elsewhere', byRegister, chen(standing({ jurisdiction: 320500 })), []],
    ['of one to another role', byRegister, chen(standing({ roles: ['finance'] })), []],
    ['what somebody has as a deputy they cannot lend on', byRegister, chen(standing({ kind: 'deputyship' })), []],
    ['who is barred lends nothing meanwhile', leave, chen(barred), ['2026-03-04', '2026-03-11']],
    ['nor what they were appointed to', byRegister, chen(standing({}), barred), []],
  ] as const) {
    const days = ['2026-03-04', '2026-03-07', '2026-03-11'].filter((day) => lent(deputyship, principal, day).length > 0)
    t.same(days, on, what)
  }
  const bar = (jurisdiction: number) => standing({ kind: 'bar', roles: [], jurisdiction, to: null })
  for (const [barred, where, isBarred] of [
    [320509, 320509, true],
    [320500, 320509, true],
    [320000, 320509, true],
    [0, 320509, true],
    [320509, 320500, false],
    [330000, 320509, false],
    [320000, 0, false],
  ] as const) {
    t.equal(of(bar(barred), where, '2026-03-05').isBarred, isBarred, `barred in ${barred}, asking in ${where}`)
    t.equal(of(bar(barred), where, '2026-03-04').isBarred, false)
  }
  t.ok(isAbove(0, 310000) && !isAbove(310000, 0))
  t.notOk(isAbove(12345, 320509), 'nor is anything above that no division can be')
})

const acting = (jurisdiction: string, role: Role, subject = `${role} of ${jurisdiction}`): Actor => ({
  subject,
  organisation: `bureau ${jurisdiction}`,
  jurisdiction,
  roles: [role],
})

/** Proposed by an officer and approved by an approver of a jurisdiction. */
async function decided(t: Test, service: TestService, by: string, path: string, body: object): Promise<number> {
  const asked = await call(service, acting(by, 'officer'), 'POST', path, body)
  t.equal(asked.status, 202, JSON.stringify(asked.body))
  const done = await call(
    service,
    acting(by, 'approver'),
    'POST',
    `/v1/proposals/${asked.body.result.proposal}/approval`,
    {},
  )
  t.equal(done.status, 200, JSON.stringify(done.body))
  return done.body.result.standing
}

/** What was read of somebody is believed for a second. */
const aSecond = () => new Promise((resolve) => setTimeout(resolve, 1050))

t.test('rights are given, lent, ended and taken away by two persons, and hold for the next request', async (t) => {
  const service = await testService()
  try {
    // A token that names a person of the county, and only a role that may do little.
    const li = acting('320509', 'auditor', 'li')
    const me = async () => (await call(service, li, 'GET', '/v1/me')).body
    t.match(await me(), {
      subject: 'li',
      jurisdiction: '320509',
      roles: ['auditor'],
      principals: [],
      day: '2026-03-02',
    })
    const listing = { uscc: uscc(7), from: '2026-03-01', reason: '合成' }
    const asOfficer = () => call(service, li, 'POST', '/v1/integrity-entries', listing)
    t.equal((await asOfficer()).status, 403, 'no officer yet')

    const until = addDays('2026-03-02', 10)
    const appointment = {
      person: 'li',
      jurisdiction: '320509',
      roles: ['officer'],
      from: '2026-03-02',
      to: until,
      reason: '新任',
    }
    const first = await decided(t, service, '320500', '/v1/appointments', {
      ...appointment,
      document: '吴科〔2026〕1号',
    })
    await aSecond()
    t.match(await me(), { roles: ['auditor', 'officer'] })
    t.equal((await asOfficer()).status, 202, 'an officer from the day of the appointment')
    t.equal(
      (await call(service, acting('320508', 'auditor', 'li'), 'POST', '/v1/integrity-entries', listing)).status,
      403,
      'and only there',
    )

    await decided(t, service, '320509', '/v1/standing-ends', { person: 'li', standing: first, reason: '调任' })
    await aSecond()
    t.equal((await asOfficer()).status, 403, 'no longer')
    const again = await call(service, acting('320509', 'officer'), 'POST', '/v1/standing-ends', {
      person: 'li',
      standing: first,
      reason: '调任',
    })
    t.match(again, { status: 409, body: { code: 'state_conflict' } }, 'and not ended twice')

    const bar = await decided(t, service, '320000', '/v1/bars', {
      person: 'li',
      jurisdiction: '320000',
      from: '2026-03-02',
      reason: '离职',
    })
    await aSecond()
    t.match(
      await call(service, li, 'GET', '/v1/me'),
      { status: 403, body: { code: 'person_barred' } },
      'whatever the token says',
    )
    await decided(t, service, '320000', '/v1/standing-ends', { person: 'li', standing: bar, reason: '复职' })
    await aSecond()
    t.match(await me(), { roles: ['auditor'] })

    const shown = await call(service, acting('320500', 'auditor'), 'GET', '/v1/people?person=li')
    t.match(
      shown.body.items,
      [{ kind: 'appointment', jurisdiction: '320509', document: '吴科〔2026〕1号' }],
      'a city sees its tree, not what the province did above it',
    )
    t.equal(shown.body.items.length, 1)
    t.equal((await call(service, acting('320000', 'auditor'), 'GET', '/v1/people?person=li')).body.items.length, 2)
    t.same((await call(service, acting('330000', 'auditor'), 'GET', '/v1/people')).body.items, [])
    const listed = async (by: string, jurisdiction: string) =>
      (await call(service, acting(by, 'auditor'), 'GET', `/v1/people?jurisdiction=${jurisdiction}`)).body.items.length
    t.equal(await listed('320000', '320000'), 2, 'the whole province')
    t.equal(await listed('320000', '320500'), 1, 'a city with its counties, without what was done above it')
    t.equal(await listed('320000', '320508'), 0, 'another county')
    t.equal(await listed('320500', '320000'), 1, 'asking for more than one’s tree shows no more')
    t.equal(await listed('330000', '320000'), 0)
  } finally {
    await service.close()
  }
})

t.test('a county officer who reaches for the city, the province or a sister is refused', async (t) => {
  const service = await testService()
  try {
    const county = acting('320509', 'officer')
    for (const jurisdiction of ['320500', '320000', '320508', '330000', '000000']) {
      const body = { person: 'li', jurisdiction, roles: ['approver'], from: '2026-03-02', reason: '新任' }
      const refused = { status: 403, body: { code: 'not_your_jurisdiction' } }
      t.match(await call(service, county, 'POST', '/v1/appointments', body), refused, `appointing in ${jurisdiction}`)
      const bar = { person: 'li', jurisdiction, from: '2026-03-02', reason: '离职' }
      t.match(await call(service, county, 'POST', '/v1/bars', bar), refused, `barring in ${jurisdiction}`)
    }
  } finally {
    await service.close()
  }
})

t.test('a deputy acts within the days of the leave, and never checks what the principal has prepared', async (t) => {
  const service = await testService()
  try {
    const stage = new Stage(service.service.engine)
    const place = await stage.place()
    const [his, hers] = [await stage.order(place, 'verified'), await stage.order(place, 'submitted')]
    await stage.must(ask.verify(hers, 'Wu'))
    const deputyship = {
      person: 'li',
      principal: 'Chen',
      jurisdiction: '320509',
      roles: ['approver'],
      from: '2026-03-02',
      to: '2026-03-03',
      reason: '休假',
      rolesFrom: 'token',
    }
    const long = { ...deputyship, to: addDays('2026-03-02', 92) }
    for (const [body, code] of [
      [{ ...deputyship, principal: 'li' }, 'deputy_of_self'],
      [long, 'term_too_long'],
    ] as const) {
      const answer = await call(service, acting('320509', 'officer'), 'POST', '/v1/deputyships', body)
      t.match(answer, { status: 409, body: { code } })
    }
    await decided(t, service, '320509', '/v1/deputyships', deputyship)
    await aSecond()
    const li = acting('320509', 'auditor', 'li')
    t.match((await call(service, li, 'GET', '/v1/me')).body, { roles: ['auditor', 'approver'], principals: ['Chen'] })
    t.match(
      await call(service, li, 'POST', `/v1/orders/${his}/approval`, {}),
      { status: 409, body: { code: 'separation_of_duties' } },
      'what Chen has verified Chen’s deputy does not approve',
    )
    t.equal(
      (await call(service, li, 'POST', `/v1/orders/${hers}/approval`, {})).status,
      200,
      'what another has, the deputy may',
    )
    service.clock.set(china('2026-03-04'))
    await aSecond()
    t.equal((await call(service, li, 'POST', `/v1/orders/${his}/approval`, {})).status, 403, 'after the leave')
  } finally {
    await service.close()
  }
})

t.test('what one above has barred, nobody below lifts', async (t) => {
  const service = await testService()
  try {
    const bar = { person: 'li', jurisdiction: '320509', from: '2026-03-02', reason: '违规' }
    const refused = { status: 403, body: { code: 'not_your_jurisdiction' } }
    t.match(
      await call(service, acting('320000', 'officer'), 'POST', '/v1/bars', bar),
      refused,
      'a province bars in the province, all counties with it',
    )
    const standing = await decided(t, service, '320000', '/v1/bars', { ...bar, jurisdiction: '320000' })
    const end = { person: 'li', standing, reason: '复职' }
    for (const below of ['320500', '320509', '330000', '012345']) {
      t.match(await call(service, acting(below, 'officer'), 'POST', '/v1/standing-ends', end), refused, below)
    }
    t.match(
      await call(service, acting('320509', 'officer', 'li'), 'GET', '/v1/me'),
      { status: 403, body: { code: 'person_barred' } },
      'and it holds in the county',
    )
  } finally {
    await service.close()
  }
})

t.test('a bar holds for a token that names no jurisdiction', async (t) => {
  const service = await testService()
  try {
    const of = (role: Role, subject: string): Actor => ({ subject, organisation: 'platform', roles: [role] })
    t.equal((await call(service, of('operator', 'zhou'), 'GET', '/v1/me')).status, 200)
    const bar = { person: 'zhou', jurisdiction: '320000', from: '2026-03-02', reason: '离职' }
    await decided(t, service, '320000', '/v1/bars', bar)
    await aSecond()
    for (const role of ['operator', 'officer', 'auditor'] as const) {
      t.match(
        await call(service, of(role, 'zhou'), 'GET', '/v1/me'),
        { status: 403, body: { code: 'person_barred' } },
        role,
      )
      t.equal((await call(service, of(role, 'wu'), 'GET', '/v1/me')).status, 200, `another ${role} goes on`)
    }
  } finally {
    await service.close()
  }
})

t.test('a deputy of a deputy does not check what the first principal has prepared', async (t) => {
  const service = await testService()
  try {
    const stage = new Stage(service.service.engine)
    const order = await stage.order(await stage.place(), 'verified')
    const lend = (person: string, principal: string) =>
      decided(t, service, '320509', '/v1/deputyships', {
        person,
        principal,
        jurisdiction: '320509',
        roles: ['approver'],
        from: '2026-03-02',
        to: '2026-03-03',
        reason: '休假',
        rolesFrom: 'token',
      })
    // In either order, and also when two stand in for each other.
    await lend('li', 'wu')
    await lend('wu', 'Chen')
    await lend('Chen', 'li')
    await aSecond()
    const li = acting('320509', 'auditor', 'li')
    t.same((await call(service, li, 'GET', '/v1/me')).body.principals.sort(), ['Chen', 'wu'])
    t.match(await call(service, li, 'POST', `/v1/orders/${order}/approval`, {}), {
      status: 409,
      body: { code: 'separation_of_duties' },
    })
  } finally {
    await service.close()
  }
})

t.test('a deputy has what the principal has been appointed to, no more and no longer', async (t) => {
  const service = await testService()
  try {
    const appoint = (roles: string[], to: string) =>
      decided(t, service, '320500', '/v1/appointments', {
        person: 'chen',
        jurisdiction: '320509',
        roles,
        from: '2026-03-02',
        to,
        reason: '任用',
      })
    await appoint(['officer'], '2026-03-31')
    const approver = await appoint(['approver'], '2026-03-31')
    const leave = { person: 'li', principal: 'chen', jurisdiction: '320509', from: '2026-03-02', to: '2026-03-20' }
    const lend = (over: object) =>
      call(service, acting('320509', 'officer'), 'POST', '/v1/deputyships', { ...leave, reason: '休假', ...over })
    for (const [over, missing] of [
      [{ roles: ['officer', 'finance'] }, 'finance'],
      [{ roles: ['officer'], from: '2026-04-01', to: '2026-04-02' }, 'officer'],
      [{ roles: ['officer'], principal: 'wu' }, 'officer'],
    ] as const) {
      t.match(await lend(over), { status: 409, body: { code: 'role_not_held', details: { missing } } })
    }
    t.equal(
      (await lend({ roles: ['finance'], rolesFrom: 'token' })).status,
      202,
      'unless it is said that a token gives it',
    )
    await decided(t, service, '320509', '/v1/deputyships', { ...leave, roles: ['officer', 'approver'], reason: '休假' })

    // Ended on a day to come: until its end the deputy has it, then not.
    const end = (over: object) =>
      call(service, acting('320509', 'officer'), 'POST', '/v1/standing-ends', {
        person: 'chen',
        standing: approver,
        reason: '调任',
        ...over,
      })
    t.match(await end({ to: '2026-03-01' }), { status: 409, body: { code: 'effective_in_past' } })
    t.match(await end({ to: '2026-03-31' }), { status: 409, body: { code: 'state_conflict' } }, 'it ends then already')
    const ending = { person: 'chen', standing: approver, to: '2026-03-05', reason: '调任' }
    await decided(t, service, '320509', '/v1/standing-ends', ending)
    t.match(await end({ to: '2026-03-05' }), { status: 409, body: { code: 'state_conflict' } })
    t.match(await end({ to: '2026-03-04' }), { status: 202 }, 'earlier still it may be')
    const li = acting('320509', 'auditor', 'li')
    const roles = async () => (await call(service, li, 'GET', '/v1/me')).body.roles
    for (const [day, held] of [
      ['2026-03-05', ['auditor', 'officer', 'approver']],
      ['2026-03-06', ['auditor', 'officer']],
      ['2026-03-20', ['auditor', 'officer']],
      ['2026-03-21', ['auditor']],
    ] as const) {
      service.clock.set(china(day))
      await aSecond()
      t.same(await roles(), held, day)
    }
    const shown = await call(service, acting('320509', 'auditor'), 'GET', '/v1/people')
    t.match(shown.body.items, [
      { kind: 'appointment', to: '2026-03-31', rolesFrom: null },
      { kind: 'appointment', to: '2026-03-05', ended: null },
      { kind: 'deputyship', rolesFrom: 'register' },
    ])
  } finally {
    await service.close()
  }
})

t.test('a name with blanks at its ends is in no register', async (t) => {
  const service = await testService()
  try {
    const padded = { person: 'li ', jurisdiction: '320509', from: '2026-03-02', reason: '离职' }
    const refused = { status: 400, body: { errors: [{ pointer: '/body/person', code: 'text_padded' }] } }
    const officer = acting('320509', 'officer')
    const leave = { principal: 'chen', roles: ['officer'], to: '2026-03-03' }
    t.match(await call(service, officer, 'POST', '/v1/bars', padded), refused)
    t.match(await call(service, officer, 'POST', '/v1/appointments', { ...padded, roles: ['officer'] }), refused)
    t.match(await call(service, officer, 'POST', '/v1/deputyships', { ...padded, ...leave }), refused)
    t.match(
      await call(service, officer, 'POST', '/v1/standing-ends', { person: 'li ', standing: 1, reason: '离职' }),
      refused,
    )
  } finally {
    await service.close()
  }
})

withLab(t, 'a deputyship of before that was asked is what it was', async (t, { engine }) => {
  const { engine: runner, sql } = engine()
  const leave = { person: 'li', principal: 'chen ', jurisdiction: '320509', roles: ['officer'], reason: '休假' }
  const outcome = await runner.run({
    type: deputiseCommand as never,
    command: { ...leave, from: '2026-03-02', to: '2026-03-20' },
    actor: anybody('320509', 'Chen'),
  })
  if (isRefusal(outcome)) throw new Error(outcome.refused)
  const standing = outcome.event.standing as number
  const end = (to: string) =>
    runner.run({
      type: endStandingCommand as never,
      command: { person: 'li', standing, to, reason: '销假' },
      actor: anybody('320509'),
    })
  t.match(await end('2026-03-10'), { event: { standing, to: '2026-03-10' } })
  const [kept] = await sql`select roles_from, valid_to, ended from standings`
  t.same(kept, { roles_from: null, valid_to: '2026-03-10', ended: null })
})

withLab(t, 'nobody has a hand in a right of their own, as the first person or the second', async (t, { engine }) => {
  const { engine: runner } = engine()
  const appointment = { person: 'Li', jurisdiction: '320509', roles: ['approver'], from: '2026-03-02', reason: '新任' }
  const deputyship = { ...appointment, principal: 'Wu', to: '2026-03-20' }
  for (const [kind, command] of [
    ['appoint', appointment],
    ['deputise', deputyship],
  ] as const) {
    const propose = (subject: string) =>
      runner.run({
        type: proposeCommand as never,
        command: { kind, command, jurisdiction: '320509' },
        actor: anybody('320509', subject),
      })
    const refused = { refused: 'separation_of_duties', details: { person: 'Li' } }
    t.match(await propose('Li'), refused, `${kind}: asked for by whom it is for`)
    const proposed = await propose('Chen')
    if (isRefusal(proposed)) throw new Error(proposed.refused)
    const approve = { type: twoPersonType(kind).type, command: { ...command, proposal: proposed.event.proposal } }
    t.match(await runner.run({ ...approve, actor: anybody('320509', 'Li') }), refused, `${kind}: approved by the same`)
    t.notOk(
      isRefusal(await runner.run({ ...approve, actor: anybody('320509', 'Sun') })),
      'by a third person it is done',
    )
  }
})

withLab(t, 'who was refused through a deputyship is refused by the engine itself', async (t, { engine }) => {
  const { engine: runner } = engine()
  const stage = new Stage(runner)
  const place = await stage.place()
  const order = await stage.order(place, 'verified')
  const deputy = { ...anybody('320509', 'Li'), principals: ['Chen'] }
  t.match(await runner.run({ ...ask.approve(order), actor: deputy }), { refused: 'separation_of_duties' })
})
