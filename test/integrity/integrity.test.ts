/** The shared integrity list: where, when and for what an entry counts, who may change it, and who was told. */
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { isRefusal, type Refusal } from '../../src/core/refusals.js'
import type { CommandType } from '../../src/engine/command.js'
import type { Asked } from '../../src/engine/runner.js'
import {
  acknowledgeIntegrityCommand,
  appealIntegrityCommand,
  correctIntegrityCommand,
  decideAppealCommand,
  listIntegrityCommand,
} from '../../src/integrity/commands.js'
import { type Consequence, consequences, correctIntegrity, decideAppeal } from '../../src/integrity/contract.js'
import type { Appeal, Entry, Integrity } from '../../src/integrity/facts.js'
import { counts } from '../../src/integrity/rules.js'
import { askOf } from '../support/ask.js'
import { withLab } from '../support/lab.js'
import { ask, bureau, firm, uscc } from '../support/scene.js'
import { china, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'
import { table } from '../support/table.js'

const PARTY = uscc(1)
const DAY = '2026-03-02'
const asked = (type: CommandType, command: object, actor: Actor): Asked => ({ type, command, actor })
const entry = (over: Partial<Entry> = {}): Entry => ({
  listing: 5,
  from: '2026-01-01',
  to: null,
  reach: null,
  consequences: null,
  reason: 'false documents',
  by: 'bureau 320500',
  person: 'Chen',
  jurisdiction: 320500,
  source: null,
  decision: null,
  version: 5,
  removed: null,
  corrections: [],
  appeals: [],
  acknowledged: [],
  ...over,
})
const listed = (...entries: Entry[]): Integrity => ({ book: 0, uscc: PARTY, entries })
const context = (subject = 'Li', jurisdiction = '320500') => ({
  at: 0,
  day: DAY,
  actor: bureau(jurisdiction, subject),
  seq: 9,
})
const saidOf = { uscc: PARTY, listing: 5 }
const codeOf = (decision: object) => (isRefusal(decision) ? decision.refused : 'accepted')

t.test('an entry counts on its days, within its reach, for its consequences', async (t) => {
  const cases = table(
    'from        to          reach          for                            day         program  voucher  order  payment',
    `
     # as every entry did before there was more to say
     2026-03-02  -           -              -                              2026-03-01  320509   no       no     no
     2026-03-02  -           -              -                              2026-03-02  320509   yes      yes    yes
     2026-03-02  -           -              -                              2036-01-01  340500   yes      yes    yes
     2026-03-02  2026-03-09  -              -                              2026-03-09  320509   yes      yes    yes
     2026-03-02  2026-03-09  -              -                              2026-03-10  320509   no       no     no
     # each consequence by itself, and two of them
     2026-01-01  -           -              no_new_vouchers                2026-03-02  320509   yes      no     no
     2026-01-01  -           -              no_new_orders                  2026-03-02  320509   no       yes    no
     2026-01-01  -           -              payment_stopped                2026-03-02  320509   no       no     yes
     2026-01-01  -           -              no_new_orders,payment_stopped  2026-03-02  320509   no       yes    yes
     # programs of the jurisdictions it names and of those below them
     2026-01-01  -           320509         -                              2026-03-02  320509   yes      yes    yes
     2026-01-01  -           320509         -                              2026-03-02  320583   no       no     no
     2026-01-01  -           320509         -                              2026-03-02  320500   no       no     no
     2026-01-01  -           320500         -                              2026-03-02  320509   yes      yes    yes
     2026-01-01  -           320000         -                              2026-03-02  320509   yes      yes    yes
     2026-01-01  -           310000,330421  -                              2026-03-02  320509   no       no     no
     2026-01-01  -           310000,330421  -                              2026-03-02  330421   yes      yes    yes
     # programs of the members of a zone, of those below them, and of nobody else
     2026-01-01  -           YRD-DEMO       -                              2026-03-02  320509   yes      yes    yes
     2026-01-01  -           YRD-DEMO       -                              2026-03-02  310118   yes      yes    yes
     2026-01-01  -           YRD-DEMO       -                              2026-03-02  320508   no       no     no
     2026-01-01  -           YRD-DEMO       -                              2026-03-02  320000   no       no     no
     2026-01-01  -           G60            -                              2026-03-02  330106   yes      yes    yes
     2026-01-01  -           YRD-DEMO,340000  -                           2026-03-02  340100   yes      yes    yes
     # all of it at once
     2026-03-02  2026-03-02  320000         no_new_orders                  2026-03-02  320509   no       yes    no
     2026-03-02  2026-03-02  320000         no_new_orders                  2026-03-03  320509   no       no     no
     2026-03-02  2026-03-02  320000         no_new_orders                  2026-03-02  310000   no       no     no
    `,
  )
  for (const { from, to, reach, for: what, day, program, voucher, order, payment } of cases) {
    const of = entry({
      from,
      to: to === '-' ? null : to,
      reach: reach === '-' ? null : reach.split(','),
      consequences: what === '-' ? null : (what.split(',') as Consequence[]),
    })
    const wanted = [voucher, order, payment].map((text) => text === 'yes')
    const found = (entry: Entry) => consequences.map((one) => counts(entry, one, Number(program), day))
    t.same(found(of), wanted, `${from}–${to} in ${reach} for ${what}, on ${day} in ${program}`)
    t.same(found({ ...of, removed: 8 }), [false, false, false], 'once removed, never')
  }
})

t.test('an entry without anything new is what it was', async (t) => {
  const command = { uscc: PARTY, from: '2026-03-02', reason: 'false documents' }
  const decision = listIntegrityCommand.decide({ book: 0, listed: null }, command, context('Chen', '310000'))
  const made = entry({
    listing: 9,
    version: 9,
    from: '2026-03-02',
    by: 'bureau 310000',
    jurisdiction: null,
  })
  if (isRefusal(decision)) return t.fail(decision.refused)
  t.same(decision.event, { uscc: PARTY, listing: 9 })
  t.same(decision.rows![0]!.value, listed(made))
})

t.test('only whose entry it is, or who is above, corrects it and decides its appeals', async (t) => {
  const cases = table(
    'owner   madeBy         asks    outcome',
    `
     320500  bureau 320500  320500  allowed
     320500  bureau 320500  320000  allowed
     320500  bureau 320500  320509  refused
     320500  bureau 320500  320100  refused
     320500  bureau 320500  330000  refused
     320500  bureau 320500  000000  allowed
     # before that was kept: only the bureau that made it
     -       bureau 320500  320500  allowed
     -       bureau 320500  320000  refused
     -       bureau 320500  330000  refused
    `,
  )
  for (const { owner, madeBy, asks, outcome } of cases) {
    const open: Appeal = { appeal: 7, on: DAY, reason: 'r', evidence: [], decision: null }
    const of = entry({ jurisdiction: owner === '-' ? null : Number(owner), by: madeBy })
    const facts = { book: 0, listed: listed(of), entry: of, appeal: open }
    const wanted = outcome === 'allowed' ? undefined : ({ refused: 'not_your_jurisdiction' } as Refusal)
    const title = `${asks} of an entry of ${owner}`
    const said = { ...saidOf, version: 5, verdict: 'removed' as const, reason: 'r' }
    t.same(correctIntegrityCommand.access!(facts, bureau(asks), said), wanted, title)
    t.same(decideAppealCommand.access!(facts, bureau(asks), { ...said, appeal: 7 }), wanted, `an appeal: ${title}`)
  }
  const asOwner = listIntegrityCommand.access!({ book: 0, listed: null }, bureau('320500'), {
    uscc: PARTY,
    from: DAY,
    reason: 'r',
    jurisdiction: '320000',
  })
  t.match(asOwner, { refused: 'not_your_jurisdiction' }, 'nobody lists in the name of another')
})

t.test('a correction replaces the terms whole and keeps the old ones to be read', async (t) => {
  const of = entry({ reach: ['320000'], to: '2026-12-31' })
  const other = entry({ listing: 6 })
  const correct = (command: object, on = of) =>
    correctIntegrityCommand.decide(
      { book: 0, listed: listed(on, other), entry: on },
      { ...saidOf, version: 5, reason: 'a mistake', ...command } as never,
      context(),
    )
  const was = { from: '2026-01-01', to: '2026-12-31', reach: ['320000'], consequences: null }
  const correction = { correction: 9, on: DAY, by: 'bureau 320500', reason: 'a mistake', was }
  const terms = { from: '2026-02-01', consequences: ['no_new_vouchers'] as const }
  const decision = correct({ verdict: 'corrected', terms })
  if (isRefusal(decision)) return t.fail(decision.refused)
  t.same(
    decision.rows![0]!.value,
    listed(
      {
        ...of,
        from: '2026-02-01',
        to: null,
        reach: null,
        consequences: ['no_new_vouchers'],
        version: 9,
        corrections: [{ ...correction, verdict: 'corrected' }],
      },
      other,
    ),
  )
  t.match(correct({ verdict: 'removed' }), {
    rows: [{ value: { entries: [{ ...was, removed: 9, version: 9, corrections: [correction] }, other] } }],
  })
  t.match(correct({ verdict: 'removed', version: 4 }), { refused: 'version_conflict', details: { version: 5 } })
  t.equal(codeOf(correct({ verdict: 'removed' }, { ...of, removed: 8 })), 'state_conflict', 'it is removed already')
})

t.test('new terms are there exactly when something is corrected', async (t) => {
  const terms = { from: DAY }
  const message = (type: typeof correctIntegrity | typeof decideAppeal, said: object) =>
    type.safeParse({ ...saidOf, reason: 'r', ...said }).error?.issues[0]?.message
  t.equal(message(correctIntegrity, { version: 5, verdict: 'corrected', terms }), undefined)
  t.equal(message(correctIntegrity, { version: 5, verdict: 'corrected' }), 'required')
  t.equal(message(correctIntegrity, { version: 5, verdict: 'removed', terms }), 'unknown_field')
  t.equal(message(decideAppeal, { appeal: 7, verdict: 'upheld', terms }), 'unknown_field')
  t.equal(message(decideAppeal, { appeal: 7, verdict: 'upheld' }), undefined)
  const backwards = { ...terms, to: '2026-03-01' }
  t.equal(message(correctIntegrity, { version: 5, verdict: 'corrected', terms: backwards }), 'days_out_of_order')
})

t.test('an appeal', async (t) => {
  const open: Appeal = { appeal: 7, on: DAY, reason: 'not us', evidence: [], decision: null }
  const closed: Appeal = { ...open, appeal: 6, decision: { on: DAY, by: 'x', verdict: 'upheld', reason: 'r' } }
  const appeal = (of: Entry) =>
    appealIntegrityCommand.decide(
      { book: 0, listed: listed(of), entry: of },
      { ...saidOf, reason: 'not us' },
      { ...context(), actor: firm(PARTY) },
    )
  const row = { appeal: 9, on: DAY, reason: 'not us', evidence: [], decision: null }
  t.match(appeal(entry()), { event: { appeal: 9 }, rows: [{ value: { entries: [{ version: 5, appeals: [row] }] } }] })
  t.equal(codeOf(appeal(entry({ appeals: [closed] }))), 'accepted', 'after one that was decided')
  t.match(appeal(entry({ appeals: [closed, open] })), { refused: 'state_conflict', details: { openAppeal: 7 } })
  t.equal(codeOf(appeal(entry({ removed: 8 }))), 'state_conflict')
  const facts = { book: 0, listed: listed(entry()), entry: entry() }
  const forbidden = appealIntegrityCommand.access!(facts, firm(uscc(2)), { ...saidOf, reason: 'for a friend' })
  t.match(forbidden, { refused: 'not_your_organisation' }, 'only by the party itself')

  const decide = (said: object, subject = 'Li', of = entry({ appeals: [closed, open] }), which = open) =>
    decideAppealCommand.decide(
      { book: 0, listed: listed(of), entry: of, appeal: which },
      { ...saidOf, appeal: 7, reason: 'checked', verdict: 'upheld', ...said } as never,
      context(subject),
    )
  t.equal(codeOf(decide({}, 'Chen')), 'separation_of_duties', 'not by who listed the party')
  t.equal(codeOf(decide({}, 'Li', entry({ appeals: [closed] }), closed)), 'state_conflict', 'not twice')
  const decision = { on: DAY, by: 'bureau 320500', reason: 'checked' }
  const after = (verdict: string, more: object) => ({
    rows: [{ value: { entries: [{ appeals: [closed, { ...open, decision: { ...decision, verdict } }], ...more }] } }],
  })
  t.match(decide({}), after('upheld', { version: 5, removed: null, corrections: [] }))
  t.match(
    decide({ verdict: 'removed' }),
    after('removed', { version: 9, removed: 9, corrections: [{ correction: 9 }] }),
  )
  const terms = { from: '2026-01-01', to: '2026-03-01' }
  t.match(decide({ verdict: 'corrected', terms }), after('corrected', { ...terms, version: 9, removed: null }))
})

t.test('who was told of which version when', async (t) => {
  const acknowledge = (of: Entry, actor: Actor) =>
    acknowledgeIntegrityCommand.decide({ book: 0, listed: listed(of), entry: of }, saidOf, { ...context(), actor })
  const told = { organisation: 'bureau 330000', on: '2026-02-01', version: 5 }
  const of = entry({ acknowledged: [told] })
  t.match(acknowledge(of, bureau('330000')), { refused: 'state_conflict', details: { version: 5 } }, 'once a version')
  const all = (version: number, organisation: string) => ({
    rows: [{ value: { entries: [{ acknowledged: [told, { organisation, on: DAY, version }] }] } }],
  })
  t.match(acknowledge(of, firm(PARTY)), all(5, PARTY))
  t.match(acknowledge({ ...of, version: 8 }, bureau('330000')), all(8, 'bureau 330000'), 'again once corrected')
  const facts = { book: 0, listed: listed(of), entry: of }
  t.match(acknowledgeIntegrityCommand.access!(facts, firm(uscc(2)), saidOf), { refused: 'not_your_organisation' })
  t.equal(acknowledgeIntegrityCommand.access!(facts, bureau('340000'), saidOf), undefined)
})

withLab(t, 'corrected in the middle of an order: each step goes by what the list says on its day', async (t, lab) => {
  const { engine } = lab.engine()
  const stage = new Stage(engine)
  const place = await stage.place()
  const elsewhere = await stage.place({ jurisdiction: '310000' }, { provider: place.provider })
  const { enterprise, provider } = place
  const outcome = async (asked: Asked) => codeOf(await engine.run(asked))
  const voucher = await stage.voucher(place, 100_00n)
  const order = await stage.order(place, 'verified', { voucher })

  const terms = { from: '2026-03-02', reach: ['320000'], consequences: ['no_new_orders'] }
  const listing = { uscc: provider, ...terms, jurisdiction: '320500', decision: '苏科惩〔2026〕1号', reason: 'r' }
  const { seq } = await stage.must(asked(listIntegrityCommand, listing, bureau('320500', 'Chen')))
  const id = { uscc: provider, listing: seq }
  const file = async (of: typeof place, contractNo: string) =>
    outcome(ask.file(await stage.voucher(of, 100_00n), of.enterprise, provider, { contractNo }))
  t.equal(await file(place, 'A'), 'integrity_listed')
  t.equal(await file(elsewhere, 'B'), 'accepted', 'not within its reach')
  const twin = await stage.order({ ...elsewhere }, 'verified')

  const correct = (version: number, said: object, by = bureau('320000')) =>
    engine.run(asked(correctIntegrityCommand, { ...id, version, reason: 'r', ...said }, by))
  const stopped = { verdict: 'corrected', terms: { from: '2026-03-02', consequences: ['payment_stopped'] } }
  t.match(await correct(seq, stopped, bureau('330000')), { refused: 'not_your_jurisdiction' })
  const [one, two] = await Promise.all([correct(seq, stopped), correct(seq, { verdict: 'removed' }, bureau('320500'))])
  t.match(one, { event: { listing: seq } })
  t.match(two, { refused: 'version_conflict' }, 'of two bureaus at once the second reads again')
  t.equal(await outcome(ask.approve(order)), 'integrity_listed', 'payment is stopped now')
  t.equal(await outcome(ask.approve(twin)), 'integrity_listed', 'and everywhere')
  t.equal(await file(place, 'C'), 'accepted', 'and orders are not')

  const appeal = await stage.must(asked(appealIntegrityCommand, { ...id, reason: 'not us' }, firm(provider)))
  t.equal(await outcome(ask.approve(order)), 'integrity_listed', 'an appeal by itself changes nothing')
  const said = { ...id, appeal: appeal.seq, verdict: 'corrected', reason: 'r', terms: { from: DAY, to: '2026-03-03' } }
  const decide = (by: Actor, over: object = {}) => engine.run(asked(decideAppealCommand, { ...said, ...over }, by))
  t.match(await decide(bureau('320500', 'Chen')), { refused: 'separation_of_duties' })
  t.match(await decide(bureau('320500', 'Li'), { appeal: seq }), { refused: 'appeal_not_found' })
  t.match(await decide(bureau('320500', 'Li'), { listing: 1 }), { refused: 'listing_not_found' })
  t.match(await decide(bureau('320500', 'Li')), { event: { verdict: 'corrected' } })
  await stage.must(asked(acknowledgeIntegrityCommand, id, bureau('330000')))

  lab.clock.set(china('2026-03-03'))
  t.equal(await outcome(ask.approve(order)), 'integrity_listed', 'its last day')
  lab.clock.set(china('2026-03-04'))
  t.equal(await outcome(ask.approve(order)), 'accepted', 'the day after')
  // Listed as before, without anything new: everything, everywhere, and only its own bureau's to remove.
  const plain = await stage.must(ask.list(enterprise, '2026-03-04'))
  t.equal(await outcome(ask.issue(place.jurisdiction, place.program, enterprise, 1_00n)), 'integrity_listed')
  const removal = { uscc: enterprise, listing: plain.seq, version: plain.seq, verdict: 'removed', reason: 'r' }
  t.equal(await outcome(asked(correctIntegrityCommand, removal, bureau('320000'))), 'not_your_jurisdiction')
  t.equal(await outcome(asked(correctIntegrityCommand, removal, bureau('310000'))), 'accepted')
  t.equal(await outcome(ask.issue(place.jurisdiction, place.program, enterprise, 1_00n)), 'accepted')
})

t.test('over HTTP', async (t) => {
  const service = await testService()
  t.teardown(() => service.close())
  const send = askOf(service)
  const list = '/v1/integrity-entries'
  const said = { uscc: PARTY, from: DAY, reason: 'r', jurisdiction: '320500', decision: '苏科惩〔2026〕1号' }
  const { body: made } = await send(bureau('320500', 'Chen'), 'POST', list, said)
  const { listing } = made.result
  await send(bureau('310000'), 'POST', list, { uscc: uscc(2), from: '2026-01-01', to: '2026-02-01', reason: 'r' })
  await send(bureau('310000'), 'POST', list, { uscc: PARTY, from: DAY, reason: 'r', consequences: ['no_new_orders'] })

  const at = `${list}/${PARTY}/${listing}`
  t.match(await send(firm(uscc(2)), 'POST', `${at}/appeals`, { reason: 'r' }), { status: 403 }, 'of another party')
  t.match(await send(firm(PARTY), 'POST', `${at}/appeals`, { reason: 'r', evidence: ['x'] }), {
    body: { errors: [{ pointer: '/body/evidence/0', code: 'digest_format' }] },
  })
  const evidence = ['a'.repeat(64)]
  const { body: appealed } = await send(firm(PARTY), 'POST', `${at}/appeals`, { reason: 'r', evidence })
  const decision = `${at}/appeals/${appealed.result.appeal}/decision`
  const upheld = { verdict: 'upheld', reason: 'r' }
  t.match(await send(bureau('320500', 'Chen'), 'POST', decision, upheld), { body: { code: 'separation_of_duties' } })
  t.match(await send(bureau('320500', 'Li'), 'POST', decision, upheld), { status: 200 })
  t.match(await send(firm(PARTY), 'POST', `${at}/acknowledgement`), { status: 200 })
  const correction = { version: listing, verdict: 'removed', reason: 'r' }
  t.match(await send(bureau('320000'), 'POST', `${at}/correction`, { ...correction, version: 99 }), { status: 412 })

  const appeals = [{ reason: 'r', evidence, decision: { verdict: 'upheld' } }]
  const acknowledged = [{ organisation: PARTY, on: DAY, version: listing }]
  for (const reader of [bureau('340000'), firm(PARTY)]) {
    const { body } = await send(reader, 'GET', `${list}/${PARTY}`)
    t.match(body.items[0], { jurisdiction: '320500', decision: said.decision, appeals, acknowledged })
  }
  const { body: other } = await send(firm(uscc(2)), 'GET', `${list}/${PARTY}`)
  t.match(other.items[0], { listing, reason: 'r', appeals: null, acknowledged: null }, 'others see what it says')

  t.match(await send(bureau('320000'), 'POST', `${at}/correction`, correction), { status: 200 })
  const listings = async (reader: Actor, query: string) => {
    const { body } = await send(reader, 'GET', `${list}?${query}`)
    return { parties: body.items.map((item: { uscc: string }) => item.uscc), next: body.next as string | null }
  }
  const reader = bureau('330000')
  t.same((await listings(reader, '')).parties, [PARTY, uscc(2), PARTY], 'bureaus see all, in the order of listing')
  t.same((await listings(reader, `on=${DAY}`)).parties, [PARTY], 'what counts on a day')
  t.same((await listings(reader, 'on=2026-02-01')).parties, [uscc(2)])
  t.same((await listings(reader, 'jurisdiction=320500')).parties, [PARTY])
  t.same((await listings(firm(uscc(2)), '')).parties, [uscc(2)], 'a party its own')
  const first = await listings(reader, 'limit=2')
  t.same((await listings(reader, `limit=2&cursor=${first.next}`)).parties, [PARTY])
})

t.test('neither who asked for a listing nor who did it, nor a deputy of either, decides the appeal', async (t) => {
  const service = await testService()
  t.teardown(() => service.close())
  const send = askOf(service)
  const list = '/v1/integrity-entries'
  // Asked for by Chen, done by Chen 2.
  const { body } = await send(bureau('320500', 'Chen'), 'POST', list, { uscc: PARTY, from: DAY, reason: 'r' })
  const at = `${list}/${PARTY}/${body.result.listing}`
  const appealed = await send(firm(PARTY), 'POST', `${at}/appeals`, { reason: 'r' })
  const decision = `${at}/appeals/${appealed.body.result.appeal}/decision`
  const upheld = { verdict: 'upheld', reason: 'r' }
  for (const subject of ['Chen', 'Chen 2']) {
    t.match(await send(bureau('320500', subject), 'POST', decision, upheld), {
      status: 409,
      body: { code: 'separation_of_duties', details: { listedBy: subject } },
    })
  }
  // Nor as the second person to a third one who asks.
  const propose = async (subject: string) =>
    fetch(service.base + decision, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${service.token(bureau('320500', subject))}`,
        'idempotency-key': subject,
        'content-type': 'application/json',
      },
      body: JSON.stringify(upheld),
    })
  const proposal = ((await (await propose('Li')).json()) as { result: { proposal: string } }).result.proposal
  for (const subject of ['Chen', 'Chen 2']) {
    const answer = await send(bureau('320500', subject), 'POST', `/v1/proposals/${proposal}/approval`, {})
    t.match(answer, { status: 409, body: { code: 'separation_of_duties' } }, `approved by ${subject}`)
  }
  t.match(await send(bureau('320500', 'Wu'), 'POST', `/v1/proposals/${proposal}/approval`, {}), { status: 200 })

  const open: Appeal = { appeal: 7, on: DAY, reason: 'r', evidence: [], decision: null }
  const of = entry({ proposedBy: 'Zhao', appeals: [open] })
  const decide = (principals: string[]) =>
    decideAppealCommand.decide(
      { book: 0, listed: listed(of), entry: of, appeal: open },
      { ...saidOf, appeal: 7, reason: 'r', verdict: 'upheld' } as never,
      { ...context(), actor: { ...bureau('320500', 'Li'), principals } },
    )
  t.equal(codeOf(decide(['Zhao'])), 'separation_of_duties')
  t.equal(codeOf(decide(['Chen'])), 'separation_of_duties')
  t.equal(codeOf(decide(['Sun'])), 'accepted')
})

t.test('who is concerned is told: since when, and whether they have said that they read it', async (t) => {
  const service = await testService()
  t.teardown(() => service.close())
  const send = askOf(service)
  const list = '/v1/integrity-entries'
  const put = async (by: string, said: object) => {
    const { body } = await send(bureau(by, 'Chen'), 'POST', list, { uscc: PARTY, from: DAY, reason: 'r', ...said })
    return body.result.listing as number
  }
  const everywhere = await put('310000', {})
  const suzhou = await put('310000', { reach: ['320500'] })
  const zone = await put('310000', { reach: ['YRD-DEMO'], jurisdiction: '310000' })
  const other = await put('330000', { uscc: uscc(2), reach: ['330000'] })
  t.match(await send(bureau('330000'), 'POST', list, { uscc: PARTY, from: DAY, reason: 'r', reach: ['YRD'] }), {
    body: { errors: [{ pointer: '/body/reach/0', code: 'reach_unknown' }] },
  })
  const notices = async (reader: Actor, query = '') => {
    const { body } = await send(reader, 'GET', `/v1/integrity-notices?${query}`)
    return body.items as { since: string; acknowledgedOn: string | null; entry: { listing: number } }[]
  }
  const of = async (reader: Actor, query = '') => (await notices(reader, query)).map(({ entry }) => entry.listing)
  t.same(await of(firm(PARTY)), [everywhere, suzhou, zone], 'a party of its own entries')
  t.same(await of(firm(uscc(2))), [other])
  t.same(await of(firm(uscc(3))), [])
  t.same(await of(bureau('320509')), [everywhere, suzhou, zone], 'a bureau of what counts for its programs')
  t.same(await of(bureau('320508')), [everywhere, suzhou])
  t.same(await of(bureau('340000')), [everywhere])
  t.same(await of(bureau('310000')), [everywhere, zone], 'and of what it has listed itself')
  t.same(await of(bureau('330106')), [everywhere, other])
  t.same(await of(bureau('000000')), [everywhere, suzhou, zone, other], 'the region of all')

  const at = `${list}/${PARTY}/${suzhou}`
  t.match((await notices(firm(PARTY)))[1], { since: DAY, acknowledgedOn: null })
  service.clock.set(china('2026-03-04'))
  await send(firm(PARTY), 'POST', `${at}/acknowledgement`)
  t.match((await notices(firm(PARTY)))[1], { since: DAY, acknowledgedOn: '2026-03-04' })
  t.match((await notices(bureau('320508')))[1], { acknowledgedOn: null }, 'each for themselves')
  t.same(await of(firm(PARTY), 'acknowledged=true'), [suzhou])
  t.same(await of(firm(PARTY), 'acknowledged=false'), [everywhere, zone])

  const version = suzhou
  const terms = { from: DAY, reach: ['320000'] }
  await send(bureau('310000'), 'POST', `${at}/correction`, { version, verdict: 'corrected', terms, reason: 'r' })
  t.match((await notices(firm(PARTY)))[1], { since: '2026-03-04', acknowledgedOn: null }, 'told again once corrected')
  t.same(await of(bureau('320100')), [everywhere, suzhou], 'and whoever it concerns now')
})
