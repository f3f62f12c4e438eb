import t, { type Test } from 'tap'
import { openApiText } from '../src/app.js'
import type { Actor } from '../src/core/actor.js'
import { proposalId } from '../src/core/ids.js'
import { isRefusal } from '../src/core/refusals.js'
import { declineProposalCommand, PROPOSAL_DAYS, proposeCommand, twoPersonType } from '../src/engine/proposal.js'
import type { Runner } from '../src/engine/runner.js'
import { type Role, seconds } from '../src/platform/permissions.js'
import { call } from './support/ask.js'
import { withLab } from './support/lab.js'
import { ask, bureau, uscc } from './support/scene.js'
import { type TestService, testService } from './support/service.js'
import { Stage } from './support/stage.js'

const chen = (jurisdiction: string) => bureau(jurisdiction, 'Chen')
const li = (jurisdiction: string) => bureau(jurisdiction, 'Li')

/** Proposes what `asked` says as Chen, and returns the proposal's id. */
async function propose(engine: Runner, { type, command }: { type: { kind: string }; command: unknown }, of: string) {
  const outcome = await engine.run({
    type: proposeCommand as never,
    command: { kind: type.kind, command, jurisdiction: of },
    actor: chen(of),
  })
  if (isRefusal(outcome)) throw new Error(JSON.stringify(outcome))
  return outcome.event.proposal as string
}

const approve = (
  engine: Runner,
  { type, command }: { type: { kind: string }; command: unknown },
  proposal: string,
  actor: Actor,
) => engine.run({ type: twoPersonType(type.kind).type, command: { ...(command as object), proposal }, actor })

withLab(t, 'who proposed something cannot approve it, through no door', async (t, { engine }) => {
  const runner = engine()
  const stage = new Stage(runner.engine)
  const place = await stage.place()
  const { jurisdiction, program } = place
  const asked = ask.appropriate(jurisdiction, program, 10_00n)
  const proposal = await propose(runner.engine, asked, jurisdiction)
  const refused = { refused: 'separation_of_duties' }
  t.match(await approve(runner.engine, asked, proposal, chen(jurisdiction)), refused, 'not as themselves')
  const elsewhere = { ...chen(jurisdiction), organisation: 'another office' }
  t.match(await approve(runner.engine, asked, proposal, elsewhere), refused, 'not from another organisation')
  const deputy = { ...li(jurisdiction), principals: ['Chen'] }
  t.match(await approve(runner.engine, asked, proposal, deputy), refused, 'not through a deputy')
  t.match(
    await approve(runner.engine, asked, proposal, li('310000')),
    { refused: 'not_your_jurisdiction' },
    'nor may a person of another bureau',
  )
  const listing = ask.list(uscc(1), '2026-03-01')
  const listed = await propose(runner.engine, listing, jurisdiction)
  t.match(
    await approve(runner.engine, listing, listed, li('310000')),
    { refused: 'not_your_jurisdiction' },
    'also of what anybody may ask for',
  )
  const more = ask.appropriate(jurisdiction, program, 11_00n)
  await t.rejects(approve(runner.engine, more, proposal, li(jurisdiction)), 'nor is another amount what was proposed')
  t.match(await approve(runner.engine, asked, proposal, li(jurisdiction)), { event: { pool: '1010.00' } })
  t.match(
    await approve(runner.engine, asked, proposal, bureau(jurisdiction, 'Zhao')),
    { refused: 'proposal_not_open', details: { state: 'approved' } },
    'what was approved is not done again',
  )
})

withLab(t, 'a proposal is decided twice, on what is true then', async (t, { engine, clock }) => {
  const { engine: runner } = engine()
  const stage = new Stage(runner)
  const place = await stage.place()
  const { jurisdiction } = place
  const order = await stage.order(place, 'approved')
  const clawBack = ask.clawBack(order, 60_00n)
  const tooMuch = ask.clawBack(order, 100_01n)
  t.match(
    await runner.run({
      type: proposeCommand as never,
      command: { kind: 'claw_back', command: tooMuch.command, jurisdiction },
      actor: chen(jurisdiction),
    }),
    { refused: 'amount_exceeds_approved' },
    'what would be refused is refused when it is proposed',
  )
  const [first, second] = [await propose(runner, clawBack, jurisdiction), await propose(runner, clawBack, jurisdiction)]
  t.notOk(isRefusal(await approve(runner, clawBack, first, li(jurisdiction))))
  const again = await approve(runner, clawBack, second, li(jurisdiction))
  t.match(again, { refused: 'amount_exceeds_approved' }, 'and when it has become wrong, when it is approved')
  clock.set(clock.now() + PROPOSAL_DAYS * 86_400_000)
  const small = ask.clawBack(order, 1_00n)
  const third = await propose(runner, small, jurisdiction)
  clock.set(clock.now() + PROPOSAL_DAYS * 86_400_000)
  t.notOk(isRefusal(await approve(runner, small, third, li(jurisdiction))), 'on its last day it can be approved')
  const fourth = await propose(runner, small, jurisdiction)
  clock.set(clock.now() + (PROPOSAL_DAYS + 1) * 86_400_000)
  t.match(await approve(runner, small, fourth, li(jurisdiction)), { refused: 'proposal_expired' }, 'a day later not')
})

withLab(t, 'two persons who approve one proposal at once do it once', async (t, { engine }) => {
  const [one, other] = [engine(), engine()]
  const stage = new Stage(one.engine)
  const { jurisdiction, program } = await stage.place()
  const asked = ask.appropriate(jurisdiction, program, 10_00n)
  for (let n = 0; n < 10; n++) {
    const proposal = await propose(one.engine, asked, jurisdiction)
    const outcomes = await Promise.all([
      approve(one.engine, asked, proposal, li(jurisdiction)),
      approve(other.engine, asked, proposal, bureau(jurisdiction, 'Zhao')),
    ])
    t.equal(outcomes.filter(isRefusal).length, 1)
    t.match(outcomes.find(isRefusal), { refused: 'proposal_not_open' })
  }
})

withLab(
  t,
  'an open proposal is withdrawn by who made it and declined by a colleague, and then it is over',
  async (t, { engine }) => {
    const { engine: runner } = engine()
    const stage = new Stage(runner)
    const { jurisdiction, program } = await stage.place()
    const asked = ask.appropriate(jurisdiction, program, 10_00n)
    const end = (proposal: string, actor: Actor) =>
      runner.run({ type: declineProposalCommand as never, command: { proposal, reason: 'not now' }, actor })
    for (const [actor, state] of [
      [chen(jurisdiction), 'withdrawn'],
      [li(jurisdiction), 'declined'],
    ] as const) {
      const proposal = await propose(runner, asked, jurisdiction)
      t.match(await end(proposal, li('310000')), { refused: 'not_your_jurisdiction' })
      t.match(await end(proposal, actor), { event: { proposal, state } })
      t.match(await end(proposal, actor), { refused: 'proposal_not_open' })
      t.match(await approve(runner, asked, proposal, li(jurisdiction)), {
        refused: 'proposal_not_open',
        details: { state },
      })
    }
    t.match(await end(proposalId(0, 99_999), chen(jurisdiction)), { refused: 'proposal_not_found' })
    t.match(await end('P320509-1x', chen(jurisdiction)), { refused: 'proposal_not_found' })
  },
)

// --- over HTTP

const acting = (jurisdiction: string, role: Role, subject = `${role} of ${jurisdiction}`): Actor => ({
  subject,
  organisation: `bureau ${jurisdiction}`,
  jurisdiction,
  roles: [role],
})

t.test(
  'what waits for a second person is seen by its bureau and those above it, and approved by the right role',
  async (t) => {
    const service = await testService()
    try {
      const body = { uscc: uscc(7), from: '2026-03-01', reason: '合成', note: '举报属实' }
      const asked = await call(service, acting('320500', 'officer'), 'POST', '/v1/integrity-entries', body)
      t.match(asked, { status: 202, body: { command: 'propose', result: { command: 'list_integrity' } } })
      const path = asked.headers.get('location')!
      t.equal(path, `/v1/proposals/${asked.body.result.proposal}`)
      for (const [jurisdiction, status] of [
        ['320500', 200],
        ['320000', 200],
        ['000000', 200],
        ['320509', 404],
        ['320100', 404],
        ['330000', 404],
      ] as const) {
        t.equal((await call(service, acting(jurisdiction, 'auditor'), 'GET', path)).status, status, jurisdiction)
        const { items } = (await call(service, acting(jurisdiction, 'auditor'), 'GET', '/v1/proposals?state=open')).body
        t.equal(items.length, status === 200 ? 1 : 0, `the list of ${jurisdiction}`)
      }
      const shown = (await call(service, acting('320500', 'approver'), 'GET', path)).body
      t.match(shown, {
        kind: 'list_integrity',
        command: { uscc: uscc(7), from: '2026-03-01', reason: '合成' },
        jurisdiction: '320500',
        proposedBy: 'officer of 320500',
        approveBy: '2026-04-01',
        note: '举报属实',
        state: 'open',
        decidedBy: null,
      })
      const approval = `${path}/approval`
      for (const [actor, status, code] of [
        [acting('320500', 'officer', 'another'), 403, 'role_not_permitted'],
        [acting('320500', 'finance'), 403, 'role_not_permitted'],
        [acting('320000', 'approver'), 403, 'not_your_jurisdiction'],
        [acting('320509', 'approver'), 404, 'proposal_not_found'],
        [acting('330000', 'approver'), 404, 'proposal_not_found'],
        [acting('320500', 'approver', 'officer of 320500'), 409, 'separation_of_duties'],
      ] as const) {
        t.match(
          await call(service, actor, 'POST', approval, {}),
          { status, body: { code } },
          `${actor.subject} ${code}`,
        )
      }
      t.same(
        (await call(service, acting('310000', 'officer'), 'GET', `/v1/integrity-entries/${uscc(7)}`)).body.items,
        [],
      )
      const done = await call(service, acting('320500', 'approver'), 'POST', approval, {})
      t.match(done, { status: 200, body: { command: 'list_integrity', result: { uscc: uscc(7) } } })
      t.equal(
        (await call(service, acting('310000', 'officer'), 'GET', `/v1/integrity-entries/${uscc(7)}`)).body.items.length,
        1,
      )
      await trail(t, service)
    } finally {
      await service.close()
    }
  },
)

/** The trail says who asked and who did it, when, why, and what was before. */
async function trail(t: Test, service: TestService): Promise<void> {
  const of = (query = '') => call(service, acting('000000', 'auditor'), 'GET', `/v1/books/000000/acts${query}`)
  const { items } = (await of()).body
  t.match(items, [
    {
      seq: 1,
      command: 'propose',
      subject: 'officer of 320500',
      organisation: 'bureau 320500',
      body: { note: '举报属实' },
      changes: null,
    },
    {
      seq: 2,
      command: 'list_integrity',
      subject: 'approver of 320500',
      body: { proposal: 'P000000-1', reason: '合成' },
      changes: { 'proposals P000000-1': { state: ['open', 'approved'], decidedBy: [null, 'approver of 320500'] } },
    },
  ])
  t.equal(items.length, 2, 'what was refused is no act')
  t.match((await of('?kind=list_integrity')).body.items, [{ seq: 2 }])
  t.match((await of('?subject=officer+of+320500&from=2026-03-02&to=2026-03-02')).body.items, [{ seq: 1 }])
  t.same((await of('?from=2026-03-03')).body.items, [])
  t.match((await of('?after=1')).body.items, [{ seq: 2 }])
  for (const role of ['officer', 'approver', 'finance', 'operator'] as const) {
    t.equal((await call(service, acting('000000', role), 'GET', '/v1/books/000000/acts')).status, 403, role)
  }
  t.equal(
    (await call(service, acting('320000', 'auditor'), 'GET', '/v1/books/000000/acts')).status,
    403,
    'a province’s auditor in the region',
  )
}

t.test('whatever takes two persons is only proposed by the route that asks for it', async (t) => {
  const kinds = Object.values(seconds).map(({ kind }) => kind)
  for (const kind of kinds) t.equal(twoPersonType(kind).type.kind, kind)
  const { paths } = JSON.parse(await openApiText()) as {
    paths: Record<string, Record<string, { operationId: string; responses: object }>>
  }
  // A file is taken up, not proposed.
  const proposing = Object.values(paths).flatMap((path) =>
    Object.values(path).filter(
      ({ operationId, responses }) =>
        '202' in responses && !['uploadVoucherFile', 'uploadStatement'].includes(operationId),
    ),
  )
  t.equal(proposing.length, kinds.length)
})

withLab(t, 'the second person’s command says who asked for it, and nobody else', async (t, { engine }) => {
  const { engine: runner } = engine()
  const listing = ask.list(uscc(1), '2026-03-01')
  const said = { ...listing, command: { ...(listing.command as object), proposedBy: 'Chen' } }
  const lie = { ...listing, command: { ...(listing.command as object), proposedBy: 'Sun' } }
  const proposal = await propose(runner, listing, '310000')
  await t.rejects(approve(runner, lie, proposal, li('310000')))
  t.notOk(isRefusal(await approve(runner, said, proposal, li('310000'))))
  // As versions before this was said have logged it; the ledger is proved on both.
  const before = await propose(runner, listing, '310000')
  t.notOk(isRefusal(await approve(runner, listing, before, li('310000'))))
})
