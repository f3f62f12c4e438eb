/** An enterprise's types, as it says them and as its bureau has verified them; its profile and its moves. */
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { isRefusal } from '../../src/core/refusals.js'
import type { CommandType } from '../../src/engine/command.js'
import type { Asked } from '../../src/engine/runner.js'
import {
  declareQualificationCommand,
  updateEnterpriseCommand,
  verifyQualificationCommand,
} from '../../src/enterprises/commands.js'
import { declareQualification, type QualificationState, updateEnterprise } from '../../src/enterprises/contract.js'
import type { Enterprise, Qualification } from '../../src/enterprises/facts.js'
import { isEligible, nextStates } from '../../src/enterprises/rules.js'
import { askOf } from '../support/ask.js'
import { enterpriseFact } from '../support/facts.js'
import { START, withLab } from '../support/lab.js'
import { ask, bureau, firm, rules, uscc } from '../support/scene.js'
import { testService } from '../support/service.js'
import { Stage } from '../support/stage.js'
import { table } from '../support/table.js'

const E = uscc(1)
const qualification = (over: Partial<Qualification> = {}): Qualification => ({
  qualification: 7,
  type: 'tech_sme',
  certificate: '20233205091234567',
  from: '2026-01-01',
  to: '2026-12-31',
  declaredOn: '2026-01-05',
  evidence: [],
  state: 'declared',
  verification: null,
  ...over,
})
const enterprise = (over: Partial<Enterprise> = {}) => enterpriseFact({ types: ['micro'], version: 3, ...over })
const asked = (type: CommandType, command: object, actor: Actor): Asked => ({ type, command, actor })
const declare = (code: string, type: string, certificate: string, from: string, to: string) =>
  asked(declareQualificationCommand, { uscc: code, type, certificate, from, to }, firm(code))
const verify = (code: string, number: number, verdict: string, by = '320509') =>
  asked(
    verifyQualificationCommand,
    { uscc: code, qualification: number, verdict, evidence: ['certificate'] },
    bureau(by),
  )

t.test('a program that asks for verified types takes only those that are verified and run on the day', async (t) => {
  const cases = table(
    'asks  state     type      from        to          day         eligible',
    `
     # by default what it registered with is enough, whatever it has declared
     no    verified  tech_sme  2026-01-01  2026-12-31  2026-06-01  no
     no    declared  micro     2026-01-01  2026-12-31  2026-06-01  no
     yes   declared  tech_sme  2026-01-01  2026-12-31  2026-06-01  no
     yes   refused   tech_sme  2026-01-01  2026-12-31  2026-06-01  no
     yes   returned  tech_sme  2026-01-01  2026-12-31  2026-06-01  no
     yes   verified  tech_sme  2026-01-01  2026-12-31  2026-06-01  yes
     yes   verified  micro     2026-01-01  2026-12-31  2026-06-01  no
     # both days count
     yes   verified  tech_sme  2026-01-01  2026-12-31  2025-12-31  no
     yes   verified  tech_sme  2026-01-01  2026-12-31  2026-01-01  yes
     yes   verified  tech_sme  2026-01-01  2026-12-31  2026-12-31  yes
     yes   verified  tech_sme  2026-01-01  2026-12-31  2027-01-01  no
    `,
  )
  for (const { asks, state, type, from, to, day, eligible } of cases) {
    const of = enterprise({ qualifications: [qualification({ state: state as 'declared', type, from, to })] })
    const program = { enterpriseTypes: ['tech_sme'], verifiedTypes: asks === 'yes' }
    t.equal(isEligible(of, program, day), eligible === 'yes', `${asks} ${state} ${type} ${from}–${to} on ${day}`)
  }
  const registered = { enterpriseTypes: ['micro'], verifiedTypes: false }
  t.ok(isEligible(enterprise(), registered, '2026-06-01'), 'as before when nothing is asked')
  t.notOk(isEligible(enterprise(), { ...registered, verifiedTypes: true }, '2026-06-01'), 'its own word is none')
})

t.test('a renewal is a qualification of its own: no day between them is forgiven', async (t) => {
  const first = qualification({ state: 'verified', to: '2026-03-31' })
  const program = { enterpriseTypes: ['tech_sme'], verifiedTypes: true }
  const days = ['2026-03-31', '2026-04-01', '2026-04-02']
  const eligible = (second: Qualification) =>
    days.map((day) => isEligible(enterprise({ qualifications: [first, second] }), program, day))
  t.same(eligible(qualification({ state: 'verified', from: '2026-04-01' })), [true, true, true])
  t.same(eligible(qualification({ state: 'verified', from: '2026-04-02' })), [true, false, true])
  t.same(eligible(qualification({ state: 'declared', from: '2026-04-01' })), [true, false, false], 'not verified yet')
})

t.test('what a bureau may say of a qualification', async (t) => {
  const context = { at: 0, day: '2026-03-02', actor: bureau('320509', 'Li'), seq: 9 }
  const verdicts = ['verified', 'refused', 'returned'] as const
  for (const state of Object.keys(nextStates) as QualificationState[]) {
    for (const verdict of verdicts) {
      const of = enterprise({ qualifications: [qualification(), qualification({ qualification: 8, state })] })
      const decision = verifyQualificationCommand.decide(
        { book: 0, enterprise: of, qualification: of.qualifications[1]! },
        { uscc: E, qualification: 8, verdict, evidence: ['certificate'] },
        context,
      )
      if (!nextStates[state].includes(verdict)) {
        t.match(decision, { refused: 'state_conflict', details: { state } }, `${state} → ${verdict}`)
        continue
      }
      t.match(
        decision,
        {
          rows: [
            {
              value: {
                version: 9,
                qualifications: [
                  { qualification: 7, state: 'declared' },
                  { qualification: 8, state: verdict, verification: { on: '2026-03-02', evidence: ['certificate'] } },
                ],
              },
            },
          ],
        },
        `${state} → ${verdict}`,
      )
    }
  }
})

t.test('only a bureau at or above the enterprise verifies', async (t) => {
  const facts = { book: 0, enterprise: enterprise(), qualification: qualification() }
  const said = { uscc: E, qualification: 7, verdict: 'verified' as const, evidence: ['certificate'] }
  for (const [by, isAllowed] of [
    ['320509', true],
    ['320500', true],
    ['320000', true],
    ['320583', false],
    ['310000', false],
    ['000000', true],
  ] as const) {
    const forbidden = verifyQualificationCommand.access!(facts, bureau(by), said)
    t.same(forbidden, isAllowed ? undefined : { refused: 'not_your_jurisdiction' }, by)
  }
})

t.test('a certificate number is checked as far as that is plausible', async (t) => {
  const cases = table(
    'type          certificate         fault',
    `
     high_tech     GR202332001234      -
     high_tech     GR20233200123       certificate_format
     high_tech     gr202332001234      certificate_format
     high_tech     20233205091234567   certificate_format
     tech_sme      20233205091234567   -
     tech_sme      202332050912A45678  -
     tech_sme      GR202332001234      certificate_format
     tech_sme      1999320509123456    certificate_format
     micro         anything            -
     startup_team  incubator-7         -
    `,
  )
  for (const { type, certificate, fault } of cases) {
    const parsed = declareQualification.safeParse({ uscc: E, type, certificate, from: '2026-01-01', to: '2026-12-31' })
    t.equal(parsed.error?.issues[0]?.message ?? '-', fault, `${type} ${certificate}`)
  }
})

t.test('a profile', async (t) => {
  const context = { at: 0, day: '2026-03-02', actor: firm(E), seq: 9 }
  const update = (profile: object, of = enterprise({ contact: 'Wang' })) =>
    updateEnterpriseCommand.decide({ book: 0, enterprise: of }, { uscc: E, version: 3, ...profile }, context)

  t.match(update({ version: 2 }), { refused: 'version_conflict', details: { version: 3 } }, 'was changed meanwhile')
  t.match(update({ name: 'F' }), { rows: [{ value: { name: 'F', contact: 'Wang', version: 9, moves: [] } }] })
  t.match(update({ contact: null }), { rows: [{ value: { name: 'E', contact: null } }] })
  const move = { move: 9, on: '2026-03-02', from: '320509', to: '310104', reason: 'a larger site' }
  const moved = { rows: [{ value: { division: '310104', moves: [move] } }] }
  t.match(update({ division: '310104', reason: 'a larger site' }), moved, 'a move keeps where it was')
  t.match(update({ division: '320509', reason: 'none' }), { rows: [{ value: { moves: [] } }] }, 'not moved at all')
  t.match(
    updateEnterprise.safeParse({ uscc: E, version: 3, division: '310104' }),
    { success: false },
    'not without why',
  )
})

withLab(t, 'verified this year, renewed for the next, moved away: what each voucher rests on', async (t, lab) => {
  const { engine } = lab.engine()
  const stage = new Stage(engine)
  const outcome = async (asked: Asked) => {
    const answer = await engine.run(asked)
    return isRefusal(answer) ? answer.refused : answer.event
  }
  const E2 = uscc(2)
  const strict = rules({ program: 'STRICT', enterpriseTypes: ['tech_sme'], verifiedTypes: true, applyTo: '2027-12-31' })
  await stage.must(ask.publish(strict))
  await stage.must(ask.publish(rules({ program: 'PLAIN' })))
  for (const program of ['STRICT', 'PLAIN']) await stage.must(ask.appropriate('320509', program, 1_000_00n))
  await stage.must(ask.enterprise(E2, '320509', ['tech_sme']))
  const issue = (program = 'STRICT') => outcome(ask.issue('320509', program, E2, 1_00n))

  t.match(await issue('PLAIN'), { amount: '1.00' }, 'a program that does not ask takes its word')
  t.equal(await issue(), 'enterprise_not_eligible')
  const { event } = await stage.must(declare(E2, 'tech_sme', '20263205091234567', '2026-01-01', '2026-12-31'))
  const number = event.qualification as number
  t.equal(await issue(), 'enterprise_not_eligible', 'declared is not verified')
  t.equal(await outcome(verify(E2, number, 'verified', '310000')), 'not_your_jurisdiction')
  t.equal(await outcome(verify(E2, number + 99, 'verified')), 'qualification_not_found')
  await stage.must(verify(E2, number, 'verified', '320500'))
  t.match(await issue(), { amount: '1.00' })

  lab.clock.set(START + 305 * 86_400_000)
  t.equal(await issue(), 'enterprise_not_eligible', 'on the first of January it has run out')
  const renewal = await stage.must(declare(E2, 'tech_sme', '20273205097654321', '2027-01-01', '2027-12-31'))
  await stage.must(verify(E2, renewal.event.qualification as number, 'verified'))
  t.match(await issue(), { amount: '1.00' }, 'renewed')
  const { seq: version } = await stage.must(verify(E2, renewal.event.qualification as number, 'refused'))
  t.equal(await issue(), 'enterprise_not_eligible', 'found false later')

  const moves = { uscc: E2, division: '310104', reason: 'a larger site' }
  const update = (version: number) => outcome(asked(updateEnterpriseCommand, { ...moves, version }, firm(E2)))
  t.equal(await update(version - 1), 'version_conflict')
  t.match(await update(version), { version: version + 1 })
  t.equal(await issue('PLAIN'), 'program_not_open', 'the plain program was for last year')
  t.equal(await issue(), 'outside_jurisdiction', 'it sits in Shanghai now')
})

t.test('over HTTP', async (t) => {
  const service = await testService()
  t.teardown(() => service.close())
  const send = askOf(service)
  const own = firm(E)
  await send(own, 'POST', '/v1/enterprises', { uscc: E, name: 'E', division: '320509', types: ['micro'] })
  const at = `/v1/enterprises/${E}`
  const declared = { type: 'high_tech', certificate: 'GR202332001234', from: '2026-01-01', to: '2028-12-31' }
  t.match(await send(firm(uscc(2)), 'POST', `${at}/qualifications`, declared), { status: 403 }, 'of another firm')
  t.match(await send(own, 'POST', `${at}/qualifications`, { ...declared, certificate: 'GR1' }), {
    status: 400,
    body: { errors: [{ pointer: '/body/certificate', code: 'certificate_format' }] },
  })
  const { body } = await send(own, 'POST', `${at}/qualifications`, declared)
  const { qualification: number } = body.result as { qualification: number }
  const verdict = { verdict: 'verified', evidence: ['certificate'] }
  t.match(await send(bureau('320509'), 'POST', `${at}/qualifications/${number}/verification`, verdict), {
    status: 200,
    body: { result: { qualification: number, state: 'verified' } },
  })
  const seen = (await send(own, 'GET', at)).body
  t.match(seen, { contact: null, moves: [], qualifications: [{ ...declared, state: 'verified' }] })
  t.match(await send(own, 'POST', `${at}/profile`, { version: seen.version, contact: '王' }), { status: 200 })
  t.match(await send(own, 'POST', `${at}/profile`, { version: seen.version, contact: '李' }), {
    status: 412,
    body: { code: 'version_conflict' },
  })
  t.match((await send(bureau('330000'), 'GET', at)).body, { contact: '王' })
})
