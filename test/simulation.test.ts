import t, { type Test } from 'tap'
import { Dice } from '../scripts/hammer/dice.js'
import { enterprises } from '../src/enterprises/facts.js'
import { integrity } from '../src/integrity/facts.js'
import { accounts, holds } from '../src/ledger/accounts.js'
import type { Fact, FactKind } from '../src/ledger/fact.js'
import { recordIn } from '../src/ledger/record.js'
import { orders } from '../src/orders/facts.js'
import { connect, type Sql } from '../src/platform/database.js'
import { programs } from '../src/programs/facts.js'
import { providers } from '../src/providers/facts.js'
import { periods } from '../src/settlement/facts.js'
import { grants, vouchers } from '../src/vouchers/facts.js'
import { factsOf } from './simulation/answers.js'
import { Ledger, SqlError } from './simulation/ledger.js'
import { record } from './simulation/record.js'
import { type Scenario, scenarioOf } from './simulation/scenario.js'
import { shrink, story } from './simulation/shrink.js'
import { BOOKS, simulate } from './simulation/simulation.js'
import { testDatabase } from './support/service.js'

t.test('whatever goes wrong on the way, every promise of the engine is kept', async (t) => {
  let decided = 0
  const fortunes = { alone: 0, several: 0, leased: 0, faults: 0 }
  for (let seed = 1; seed <= 30; seed++) {
    const scenario = scenarioOf(seed)
    const run = await simulate(scenario)
    if (run.broken) t.fail(await story(seed, await shrink({ scenario, broken: run.broken }, 20_000)))
    decided += run.decided
    fortunes[scenario.isLeased ? 'leased' : scenario.nodes > 1 ? 'several' : 'alone']++
    fortunes.faults += scenario.faults.length
  }
  t.ok(decided > 50_000, `${decided} commands decided`)
  t.ok(
    Object.values(fortunes).every((count) => count > 5),
    JSON.stringify(fortunes),
  )
})

t.test('a seed always tells the same story', async (t) => {
  for (const seed of [1, 2, 3, 4, 7, 26]) {
    const once = await simulate(scenarioOf(seed))
    t.same(await simulate(scenarioOf(seed)), once, `seed ${seed}`)
  }
})

/** What the simulated database is asked in these scenarios, in the order in which it answers. */
async function callsOf(scenario: Scenario): Promise<Question[]> {
  const asked: Question[] = []
  await simulate(scenario, {
    between: (answers) => ({
      ...answers,
      record(parameters) {
        asked.push({ parameters })
        return answers.record(parameters)
      },
      numbersOf(people) {
        asked.push({ people })
        return answers.numbersOf(people)
      },
    }),
  })
  return asked
}

type Question =
  | { readonly parameters: readonly string[] }
  | { readonly people: readonly { organisation: string; subject: string }[] }

/** Groups of columns in the order of clearing.record: those of one group are arrays of one length. */
const groups = [9, 1, 2, 5, 4, 12, 5, 2, 9, 8, 4]
/** The first columns of p and h together, r, i, k, c, t, n and o: rows of these can be left out or said twice. */
const loose = [0, 2, 3, 4, 5, 8, 9, 10]
const firstOf = (group: number) => groups.slice(0, group).reduce((sum, size) => sum + size, 0)
const isJson = (column: number) => [16, 30, 31, 32].includes(column)
const isText = (column: number) => [17, 19, 38].includes(column)
const mayBeNull = [19, 20, 23, 28, 29, 49, 50]

const cells = (column: number, text: string): string[] => {
  if (isJson(column)) return (JSON.parse(text) as unknown[]).map((value) => JSON.stringify(value))
  if (isText(column)) return text.match(/"(?:[^"\\]|\\.)*"|NULL/g) ?? []
  return text === '{}' ? [] : text.slice(1, -1).split(',')
}
const joined = (column: number, all: readonly string[]) => (isJson(column) ? `[${all.join()}]` : `{${all.join()}}`)

/** The same call with something wrong in it: a number, a value of another row, a row too many or too few, a noun's field. */
function spoilt(parameters: readonly string[], dice: Dice): string[] {
  const wrong = [...parameters]
  const what = dice.weighed({ value: 6, row: 2, noun: 2 })
  if (what === 'noun') {
    const nouns = JSON.parse(parameters.at(-1)!) as Record<string, Record<string, unknown>[]>
    const names = Object.keys(nouns)
    if (names.length > 0) {
      const row = dice.pick(nouns[dice.pick(names)]!)
      const field = dice.pick(Object.keys(row))
      const money = ['amount', 'granted', 'voucherAmount', 'approved', 'clawedBack', 'invoiceAmount']
      if (money.includes(field)) row[field] = dice.pick(['0', '-1', '999999999999'])
      if (field === 'state') row[field] = dice.pick(['filed', 'approved', 'lapsed', 'paid'])
      if (field === 'program' || field === 'enterprise') row[field] = 'none'
      if (field === 'invoiceNo') row[field] = '12'
      wrong[wrong.length - 1] = JSON.stringify(nouns)
    }
    return wrong
  }
  const group = what === 'row' ? dice.pick(loose) : dice.between(0, groups.length - 1)
  const first = firstOf(group)
  const columns = Array.from({ length: groups[group]! }, (_, n) => first + n)
  const rows = cells(first, parameters[first]!).length
  if (rows === 0) return wrong
  const row = dice.between(0, rows - 1)
  if (what === 'row') {
    const isTwice = dice.chance(0.5)
    for (const column of columns) {
      const all = cells(column, parameters[column]!)
      all.splice(row, 1, ...(isTwice ? [all[row]!, all[row]!] : []))
      wrong[column] = joined(column, all)
    }
    return wrong
  }
  const column = dice.pick(columns)
  const all = cells(column, parameters[column]!)
  const isNumber = /^-?\d+$/.test(all[row]!) && !isJson(column) && ![14, 28].includes(column)
  const others = column === 0 ? [] : [dice.pick(all)]
  const values = [
    ...others,
    ...(isNumber ? [`${BigInt(all[row]!) + 1n}`, `${BigInt(all[row]!) - 1n}`] : []),
    ...(mayBeNull.includes(column) ? ['NULL'] : []),
  ]
  all[row] = dice.pick([all[row]!, ...values].slice(-values.length || 1))
  wrong[column] = joined(column, all)
  return wrong
}

/** What a call came to, in one text: the dead groups, or the SQLSTATE with the key that was in use. */
const told = (dead: readonly number[]) => `dead ${dead.join()}`
const failed = ({ code, constraint_name }: { code: string; constraint_name?: string | undefined }) =>
  `${code} ${code === '23505' ? constraint_name : ''}`

t.test('the simulated record does what clearing.record does', async (t) => {
  let calls = 0
  const seen = new Map<string, number>()
  for (const seed of [2, 6, 7, 10, 14, 26, 29, 35]) {
    const database = await testDatabase()
    const sql = connect(database.migrateUrl, 1)
    const ledger = new Ledger(BOOKS)
    const dice = new Dice(seed, 'spoilt')
    const both = async (parameters: readonly string[], isForGood: boolean) => {
      const there = await inDatabase(sql, parameters, isForGood)
      const here = inSimulation(ledger, parameters, isForGood)
      calls++
      const kind = there.replace(/ .*/, '')
      seen.set(kind, (seen.get(kind) ?? 0) + 1)
      if (there !== here) t.fail(`PostgreSQL says ${there}, the simulation ${here} to ${parameters.join(' ')}`)
    }
    for (const question of await callsOf(scenarioOf(seed))) {
      if ('people' in question) {
        const { people } = question
        await sql`select actor_numbers(${people.map((p) => p.organisation)}::text[], ${people.map((p) => p.subject)}::text[])`
        for (const { organisation, subject } of [...people].sort(byName)) ledger.actor(organisation, subject)
        continue
      }
      for (let n = 0; n < 6; n++) await both(spoilt(question.parameters, dice), false)
      await both(question.parameters, true)
    }
    await sameTables(t, sql, ledger)
    await sql.end()
    await database.drop()
  }
  t.ok(calls > 1000, `${calls} calls: ${JSON.stringify(Object.fromEntries(seen))}`)
  for (const kind of ['dead', 'CV003', 'CV004', 'CV005', 'CV006', '23505', '23514']) t.ok(seen.get(kind), kind)
})

const byName = (a: { organisation: string; subject: string }, b: typeof a) =>
  `${a.organisation}\n${a.subject}` < `${b.organisation}\n${b.subject}` ? -1 : 1

const BACK = Symbol('taken back')

async function inDatabase(sql: Sql, parameters: readonly string[], isForGood: boolean): Promise<string> {
  let outcome = ''
  try {
    await sql.begin(async (all) => {
      outcome = told(await recordIn(all as unknown as Sql, parameters))
      if (!isForGood) throw BACK
    })
  } catch (error) {
    if (error !== BACK) outcome = failed(error as { code: string })
  }
  return outcome
}

function inSimulation(ledger: Ledger, parameters: readonly string[], isForGood: boolean): string {
  let outcome = ''
  try {
    ledger.atomically(() => {
      outcome = told(record(ledger, parameters))
      if (!isForGood) throw BACK
    })
  } catch (error) {
    if (error !== BACK) outcome = error instanceof SqlError ? failed(error) : String((error as Error).stack)
  }
  return outcome
}

const kinds = [
  accounts,
  holds,
  programs,
  enterprises,
  providers,
  integrity,
  vouchers,
  grants,
  orders,
  periods,
] as unknown as FactKind<Fact>[]

async function sameTables(t: Test, sql: Sql, ledger: Ledger): Promise<void> {
  const read = async (text: string) => (await sql.unsafe(text)).map((row) => Object.values(row as object).map(String))
  const sorted = (rows: readonly (readonly unknown[])[]) => rows.map((row) => row.map(String).join('|')).sort()
  const same = async (what: string, text: string, here: readonly (readonly unknown[])[]) =>
    t.same(sorted(await read(text)), sorted(here), what)
  const ms = (column: string) => `(extract(epoch from ${column}) * 1000)::bigint`
  await same(
    'books',
    `select book, seq, entries, accounts, ${ms('booked_at')}, batch from books`,
    [...ledger.books].map(([book, h]) => [book, h.seq, h.entries, h.accounts, h.moment, h.batch]),
  )
  await same(
    'commands',
    `select book, seq, entry, kind, day, ${ms('booked_at')}, actor, replace(key::text, '-', ''), fingerprint, body::text,
            event::text, rests::text from commands`,
    [...ledger.commands.values()].map((c) => [
      ...[c.book, c.seq, c.entry, c.kind, c.day, c.moment, c.actor, c.key, c.fingerprint],
      ...[c.body, c.event, c.rests].map((value) => JSON.stringify(value)),
    ]),
  )
  await same(
    'transfers',
    'select book, entry, line, seq, type, phase, debit, credit, hold, leg, amount from transfers',
    [...ledger.transfers.values()]
      .flat()
      .map((l) => [l.book, l.entry, l.line, l.seq, l.type, l.phase, l.debit, l.credit, l.hold, l.leg, l.amount]),
  )
  await same(
    'keys',
    'select key, book, holder from keys',
    [...ledger.keys].map(([key, { book, holder }]) => [key, book, holder]),
  )
  await same(
    'refusals',
    `select replace(key::text, '-', ''), ${ms('recorded_at')}, fingerprint, refusal::text from refusals`,
    [...ledger.refusals].map(([key, r]) => [key, r.moment, r.fingerprint, JSON.stringify(r.refusal)]),
  )
  await same('people', `select organisation || E'\\n' || subject, actor from actors`, [...ledger.actors])
  await same(
    'what periods reach',
    'select period, book, reach from period_reaches',
    [...ledger.nouns.periods.values()].flatMap(({ period, reaches }) =>
      Object.entries(reaches).map(([book, reach]) => [period, book, reach]),
    ),
  )
  const keysOf: Record<string, string[]> = {
    accounts: [...ledger.accountOfName.keys()],
    holds: [...ledger.holds.keys()].map((key) => `${Math.floor(key / 2 ** 32)}/${key % 2 ** 32}`),
  }
  for (const kind of kinds) {
    const keys = keysOf[kind.name] ?? [...ledger.nouns[kind.name]!.keys()]
    const byKey = (a: Fact, b: Fact) => (kind.key(a) < kind.key(b) ? -1 : 1)
    const there = keys.length === 0 ? [] : (await kind.load(sql, keys)).sort(byKey)
    t.same(there, factsOf(ledger, kind, keys).sort(byKey), kind.name)
    const table = kind.name === 'integrity' ? 'integrity_entries' : kind.name
    const column = kind.name === 'holds' ? "book || '/' || hold" : kind.name === 'integrity' ? 'uscc' : "'' || ctid"
    const [[count]] = (await read(`select count(distinct ${column}) from ${table}`)) as [[string]]
    t.equal(Number(count), keys.length, `no ${kind.name} beside them`)
  }
}
