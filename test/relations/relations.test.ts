/** Related parties, by what they declare and what bureaus find: what is known of them refuses their contracts. */
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { isRefusal } from '../../src/core/refusals.js'
import type { CommandType } from '../../src/engine/command.js'
import type { Asked } from '../../src/engine/runner.js'
import { declareRelationsCommand, recordRelationsCommand } from '../../src/relations/commands.js'
import { declareRelations } from '../../src/relations/contract.js'
import type { Relations, Ties } from '../../src/relations/facts.js'
import { tieBetween } from '../../src/relations/rules.js'
import { askOf } from '../support/ask.js'
import { withLab } from '../support/lab.js'
import { ask, bureau, firm, uscc } from '../support/scene.js'
import { testService } from '../support/service.js'
import { Stage } from '../support/stage.js'
import { table } from '../support/table.js'

const [E, P, HOLDING] = [uscc(1), uscc(2), uscc(3)]
const idDigest = (letter: string) => letter.repeat(64)
const person = (letter: string) => ({ name: `person ${letter}`, idDigest: idDigest(letter) })
const company = (code: string) => ({ name: `company ${code}`, uscc: code })
const asked = (type: CommandType, command: object, actor: Actor): Asked => ({ type, command, actor })

/** Who stands behind a party: the legal person's letter, and shareholders by letter or as E, P, H for companies. */
function ties(legalPerson: string, shareholders: string): Ties {
  const companies: Record<string, string> = { E, P, H: HOLDING }
  const holders = shareholders === '-' ? [] : shareholders.split(',')
  return {
    legalPerson: legalPerson === '-' ? null : person(legalPerson),
    shareholders: holders.map((one) => (companies[one] ? company(companies[one]) : person(one))),
    on: '2026-03-02',
  }
}
const relations = (code: string, declared: Ties | null, recorded: Ties[] = []): Relations => ({
  book: 0,
  uscc: code,
  version: 1,
  declared,
  recorded: recorded.map((found) => ({ ...found, jurisdiction: 310000, source: 'register' })),
})

t.test('what relates two parties', async (t) => {
  const cases = table(
    'person  holders  otherPerson  otherHolders  tie',
    `
     -       -        -            -             none
     a       b        c            d             none
     a       -        a            -             legal_person
     a       b        c            b             shareholder
     a       b,H      c            d,H           shareholder
     a       b,P      c            d             holding
     a       b        c            E,d           holding
     # the one's legal person among the other's shareholders is no tie of these rules
     a       b        c            a             none
     # nothing is known of one of them
     a       b        -            -             none
     a       P        -            -             holding
     # the first that is found is named
     a       b,P      a            b             legal_person
    `,
  )
  for (const { person, holders, otherPerson, otherHolders, tie } of cases) {
    const [one, other] = [ties(person, holders), ties(otherPerson, otherHolders)]
    const title = `${person} ${holders} and ${otherPerson} ${otherHolders}`
    const wanted = tie === 'none' ? undefined : tie
    t.equal(tieBetween(relations(E, one), relations(P, other)), wanted, title)
    t.equal(tieBetween(relations(P, other), relations(E, one)), wanted, `${title}, the other way round`)
    t.equal(tieBetween(relations(E, null, [one]), relations(P, other)), wanted, `${title}, one found by a bureau`)
    t.equal(tieBetween(relations(E, null, [one]), relations(P, null, [other])), wanted, `${title}, both found`)
  }
  const said = relations(E, ties('x', 'y'), [ties('a', '-')])
  t.equal(tieBetween(said, relations(P, ties('a', '-'))), 'legal_person', 'a declaration does not undo what was found')
})

t.test('persons are named by digests, companies by their codes, and nobody by both', async (t) => {
  const parse = (shareholder: object, legalPerson: object = person('a')) =>
    declareRelations.safeParse({ uscc: E, legalPerson, shareholders: [shareholder] }).error?.issues[0]?.message
  t.equal(parse(person('b')), undefined)
  t.equal(parse(company(P)), undefined)
  t.equal(parse({ ...person('b'), uscc: P }), 'repeated')
  t.equal(parse({ name: 'nobody' }), 'required')
  t.equal(parse(person('b'), { name: 'A', idDigest: '310101199001011234' }), 'digest_format', 'no plain number')
})

t.test('who writes on what has changed meanwhile is refused', async (t) => {
  const context = { at: 0, day: '2026-03-02', actor: firm(E), seq: 9 }
  const said = { uscc: E, shareholders: [] }
  const nothing = { ...relations(E, null), version: 0 }
  const declare = (known: Relations, version?: number) =>
    declareRelationsCommand.decide({ book: 0, known }, { ...said, version }, context)
  t.match(declare(nothing), { event: { version: 9 } }, 'the first time there is no version')
  t.match(declare(nothing, 1), { refused: 'version_conflict', details: { version: 0 } })
  t.match(declare(relations(E, null)), { refused: 'version_conflict', details: { version: 1 } })
  t.match(declare(relations(E, null), 1), { event: { version: 9 } })

  const found = { ...said, version: 1, jurisdiction: '310000', source: 'register' }
  const record = (known: Relations, jurisdiction: string) =>
    recordRelationsCommand.decide({ book: 0, known }, { ...found, jurisdiction }, context)
  const before = relations(E, ties('a', '-'), [ties('b', '-')])
  const rowOf = (recorded: object[]) => ({ rows: [{ value: { declared: before.declared, recorded } }] })
  t.match(record(before, '310000'), rowOf([{ jurisdiction: 310000, legalPerson: null }]), 'its own last word counts')
  t.match(record(before, '320000'), rowOf([{ jurisdiction: 310000 }, { jurisdiction: 320000 }]), 'beside others')
})

withLab(t, 'related on record: contracts are refused from then on, in the order of the rules', async (t, lab) => {
  const { engine } = lab.engine()
  const stage = new Stage(engine)
  const place = await stage.place()
  const { enterprise, provider } = place
  const voucher = await stage.voucher(place)
  let contract = 0
  const file = async (over: object = {}) => {
    const outcome = await engine.run(
      ask.file(voucher, enterprise, provider, { contractNo: `K-${contract++}`, ...over }),
    )
    return isRefusal(outcome) ? outcome : 'filed'
  }
  const running = await stage.order(place, 'confirmed', { voucher })
  const declare = (code: string, command: object, by = firm(code)) =>
    engine.run(asked(declareRelationsCommand, { uscc: code, shareholders: [], ...command }, by))
  t.match(await declare(uscc(9_999), {}), { refused: 'party_not_found' })
  t.match(await declare(enterprise, {}, firm(provider)), { refused: 'not_your_organisation' })

  const { seq: version } = await stage.must(
    asked(declareRelationsCommand, { uscc: enterprise, legalPerson: person('a'), shareholders: [] }, firm(enterprise)),
  )
  await stage.must(
    asked(declareRelationsCommand, { uscc: provider, legalPerson: person('b'), shareholders: [] }, firm(provider)),
  )
  t.equal(await file(), 'filed', 'nothing in common')

  const found = { uscc: enterprise, jurisdiction: '340000', source: 'register', shareholders: [company(provider)] }
  const record = (command: object, by: Actor) => asked(recordRelationsCommand, { ...found, ...command }, by)
  t.match(await engine.run(record({ version }, bureau('330000'))), { refused: 'not_your_jurisdiction' })
  t.match(await engine.run(record({}, bureau('340000'))), { refused: 'version_conflict' })
  const recorded = await stage.must(record({ version }, bureau('340000')))
  t.same(await file(), { refused: 'related_party', details: { tie: 'holding' } })
  t.same(await file({ relatedParty: true }), { refused: 'related_party' }, 'by its own word, as before')
  t.match(await file({ category: 'nothing' as 'design' }), { refused: 'category_not_covered' }, 'not before its turn')
  t.match(await file({ voucherAmount: 900_00n }), { refused: 'related_party' }, 'before what comes after it')
  await stage.must(ask.submit(running, provider, 77))
  t.pass('what was filed before goes on')

  t.match(await declare(enterprise, { version: recorded.seq }), { event: {} })
  t.match(await file(), { refused: 'related_party' }, 'its own word does not undo what a bureau found')
  await stage.must(record({ version: recorded.seq + 1, shareholders: [] }, bureau('340000')))
  t.equal(await file(), 'filed', 'the bureau takes it back')
})

t.test('over HTTP only bureaus and the party itself read it', async (t) => {
  const service = await testService()
  t.teardown(() => service.close())
  const send = askOf(service)
  await send(firm(E), 'POST', '/v1/enterprises', { uscc: E, name: 'E', division: '320509', types: ['micro'] })
  const at = `/v1/parties/${E}/relations`
  t.match(await send(firm(E), 'GET', at), { status: 200, body: { version: null, declared: null, recorded: [] } })
  const said = { legalPerson: person('a'), shareholders: [person('b'), company(HOLDING)] }
  const { body } = await send(firm(E), 'POST', at, said)
  const { version } = body.result as { version: number }
  t.match(await send(firm(E), 'POST', at, said), { status: 412, body: { code: 'version_conflict' } })
  const found = { version, jurisdiction: '310000', source: '公示系统', shareholders: [company(P)] }
  t.match(await send(bureau('310000'), 'POST', `/v1/parties/${E}/relation-records`, found), { status: 200 })
  for (const reader of [firm(E), bureau('330000')]) {
    t.match(await send(reader, 'GET', at), {
      status: 200,
      body: { declared: said, recorded: [{ jurisdiction: '310000', source: '公示系统', shareholders: [company(P)] }] },
    })
  }
  t.match(await send(firm(P), 'GET', at), { status: 404, body: { code: 'party_not_found' } })
})
