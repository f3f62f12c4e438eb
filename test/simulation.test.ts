import t, { type Test } from 'tap'
import { Dice } from '../scripts/hammer/dice.js'
import { proposals } from '../src/engine/proposal.js'
import type { Person } from '../src/engine/storage.js'
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
import { columns, read } from './simulation/parameters.js'
import { record } from './simulation/record.js'
import { type Scenario, scenarioOf } from './simulation/scenario.js'
import { shrink, story } from './simulation/shrink.js'
import { BOOKS, simulate } from './simulation/simulation.js'
import { testDatabase } from './support/service.js'

t.test('whatever goes wrong on the way, every promise of the engine is kept', async (t) => {
  let decided = 0
  const fortunes = { alone: 0, several: 0, leased: 0, faults: 0 }
  for (let seed = 1; seed <= 18; seed++) {
    const scenario = scenarioOf(seed)
    const run = await simulate(scenario)
    if (run.broken) t.fail(await story(seed, await shrink({ scenario, broken: run.broken }, 20_000)))
    decided += run.decided
    fortunes[scenario.isLeased ? 'leased' : scenario.nodes > 1 ? 'several' : 'alone']++
    fortunes.faults += scenario.faults.length
  }
  t.ok(decided > 50_000, `${decided} commands decided`)
  t.ok(
    Object.values(fortunes).every((count) => count > 2),
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

type Question = { readonly parameters: readonly string[] } | { readonly people: readonly Person[] }

/** The heads before and after are said of the same books. */
const groupOf = ({ group }: { readonly group: string }) => (group === 'h' ? 'p' : group)
const groups = [...new Set(columns.map(groupOf))]
/** Rows of these can be left out or said twice without putting others out of step. */
const loose = ['p', 'r', 'i', 'k', 'c', 't', 'n', 'o']
/** What may be empty here makes a call wrong, and not only unlike any that the engine sends. */
const emptied = ['k', 'c', 't']

type Column = (typeof columns)[number]

function cells({ kind }: Column, text: string): string[] {
  if (kind === 'json') return (JSON.parse(text) as unknown[]).map((value) => JSON.stringify(value))
  if (kind.startsWith('text')) return text.match(/"(?:[^"\\]|\\.)*"|NULL/g) ?? []
  return text === '{}' ? [] : text.slice(1, -1).split(',')
}
const joined = ({ kind }: Column, all: readonly string[]) => (kind === 'json' ? `[${all.join()}]` : `{${all.join()}}`)

/** The same call with something wrong in it: a noun's field, a row too many or too few, a value, a key used before. */
function spoilt(parameters: readonly string[], dice: Dice, used: readonly string[]): string[] {
  const wrong = [...parameters]
  const what = dice.weighed({ noun: 2, row: 2, value: 6, key: 2 })
  if (what === 'noun') {
    wrong[columns.length] = spoiltNoun(parameters[columns.length]!, dice)
    return wrong
  }
  const firstOf = (group: string) => columns.findIndex((column) => groupOf(column) === group)
  const sizeOf = (group: string) => cells(columns[firstOf(group)]!, parameters[firstOf(group)]!).length
  const full = (what === 'row' ? loose : what === 'key' ? ['i', 'c'] : groups).filter((group) => sizeOf(group) > 0)
  if (full.length === 0) return wrong
  // Keys of the region are rarely taken, and there is much to them.
  const group = dice.pick(full.includes('k') ? [...full, 'k', 'k'] : full)
  const size = sizeOf(group)
  const ours = columns.flatMap((column, n) => (groupOf(column) === group ? [n] : []))
  const row = dice.between(0, size - 1)
  const isTwice = dice.chance(0.5)
  const change = (n: number, of: (all: string[]) => string[]) => {
    const all = cells(columns[n]!, parameters[n]!)
    wrong[n] = joined(columns[n]!, all.toSpliced(row, 1, ...of(all)))
  }
  const isKey = (n: number) => columns[n]!.name === 'key'
  if (what === 'key') change(ours.find(isKey)!, (all) => [dice.pick([...used, ...all])])
  else if (what === 'row') for (const n of ours) change(n, (all) => (isTwice ? [all[row]!, all[row]!] : []))
  else {
    const n = dice.pick(ours)
    change(n, (all) => [dice.pick(otherValues(columns[n]!, all, row))])
  }
  return wrong
}

function otherValues({ group, name, kind }: Column, all: readonly string[], row: number): string[] {
  const value = all[row]!
  const isNumber = /^(number|bigint)/.test(kind) && value !== 'NULL'
  return [
    // One book twice among the heads could not be told from its first row.
    ...(group === 'p' && name === 'book' ? [value] : all),
    ...(isNumber ? [`${BigInt(value) + 1n}`, `${BigInt(value) - 1n}`] : []),
    ...(value === 'NULL' && kind === 'number?' ? ['0'] : []),
    ...(kind.endsWith('?') && emptied.includes(group) ? ['NULL'] : []),
  ]
}

function spoiltNoun(rows: string, dice: Dice): string {
  const nouns = JSON.parse(rows) as Record<string, Record<string, unknown>[]>
  const names = Object.keys(nouns)
  if (names.length === 0) return rows
  const row = dice.pick(nouns[dice.pick(names)]!)
  const field = dice.pick(Object.keys(row))
  if (/amount|granted|approved$|clawedBack/i.test(field)) row[field] = dice.pick(['0', '-1', '999999999999'])
  else if (field === 'state') row[field] = dice.pick(['filed', 'approved', 'lapsed', 'paid'])
  else if (field === 'program' || field === 'enterprise') row[field] = 'none'
  else if (field === 'invoiceNo') row[field] = '12'
  return JSON.stringify(nouns)
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
    const used: string[] = []
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
        await sql`select actor_numbers(${people.map((p) => p.organisation)}::text[], ${people.map((p) => p.subject)}::text[],
                                       ${people.map((p) => p.origin)}::text[])`
        for (const person of [...people].sort(byName)) ledger.actor(person)
        continue
      }
      const { i, c, k } = read(question.parameters)
      for (let n = k.key.length > 0 ? 20 : 6; n > 0; n--) await both(spoilt(question.parameters, dice, used), false)
      await both(question.parameters, true)
      used.push(...i.key, ...c.key.filter((key) => key !== null))
    }
    await sameTables(t, sql, ledger)
    await sql.end()
    await database.drop()
  }
  t.ok(calls > 1000, `${calls} calls: ${JSON.stringify(Object.fromEntries(seen))}`)
  for (const kind of ['dead', 'CV003', 'CV004', 'CV005', 'CV006', '23505', '23514']) t.ok(seen.get(kind), kind)
})

const nameOf = ({ organisation, subject, origin }: Person) => `${organisation}\n${subject}\n${origin}`
const byName = (a: Person, b: Person) => (nameOf(a) < nameOf(b) ? -1 : 1)

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
  proposals,
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
            event::text, rests::text, changes::text from commands`,
    [...ledger.commands.values()].map((c) => [
      ...[c.book, c.seq, c.entry, c.kind, c.day, c.moment, c.actor, c.key, c.fingerprint],
      ...[c.body, c.event, c.rests].map((value) => JSON.stringify(value)),
      c.changes,
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
  await same('people', `select organisation || E'\\n' || subject || E'\\n' || origin, actor from actors`, [
    ...ledger.actors,
  ])
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
