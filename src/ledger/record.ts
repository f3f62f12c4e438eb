import type { Refusal } from '../core/refusals.js'
import { type Day, daysSinceEpoch, type Instant } from '../core/time.js'
import type { Sql } from '../platform/database.js'
import { type Book, REGION } from './book.js'
import { accountKinds, phases, transferTypes } from './chart.js'
import type { Event } from './plan.js'
import { type Booking, type Changes, REGION_FIRST, type World } from './world.js'

/** One decided command of a batch: accepted with its booking, or refused. */
export interface Job {
  /** The books its decision looked at or writes. */
  readonly rests: ReadonlySet<Book>
  readonly at: Instant
  /** The caller's key, and the fingerprint of who asked what, as the log keeps them. */
  readonly key?: { readonly id: string; readonly fingerprint: string }
  readonly refusal?: Refusal
  readonly accepted?: {
    readonly booking: Booking
    readonly kind: string
    readonly day: Day
    /** The number of who asked. */
    readonly actor: number
    /** The command as JSON text, money as yuan strings. */
    readonly body: string
    readonly event: Event
    /** The versions of foreign facts it was decided on, as JSON text: {book: seq}. */
    readonly rests: string
  }
}

type Value = number | bigint | string | null | undefined

/** The parameters of clearing.record, group by group, in its order; `json` is one JSON array, the others are arrays. */
const groups = {
  p: ['integer', 'bigint', 'bigint', 'bigint'],
  h: ['bigint', 'bigint', 'integer', 'bigint', 'bigint'],
  g: ['integer'],
  r: ['integer', 'integer'],
  i: ['integer', 'uuid', 'bigint', 'bigint', 'json'],
  k: ['text', 'integer', 'text', 'integer'],
  c: [
    'integer',
    'bigint',
    'integer',
    'clearing.command_kind',
    'integer',
    'bigint',
    'integer',
    'uuid',
    'bigint',
    'text',
    'json',
    'json',
    'json',
  ],
  b: ['integer', 'integer', 'integer', 'bigint', 'bigint'],
  a: ['text', 'integer'],
  t: ['integer', 'integer', 'integer', 'integer', 'integer', 'integer', 'bigint', 'integer', 'bigint'],
  n: ['integer', 'bigint', 'integer', 'integer', 'integer', 'integer', 'bigint', 'bigint'],
  o: ['integer', 'bigint', 'integer', 'bigint'],
} as const satisfies Record<string, readonly string[]>

type Group = keyof typeof groups

const kinds: string[] = Object.values(groups).flat()
const parameterOf = (kind: string, n: number) => `$${n + 1}::${kind === 'json' ? 'text' : `${kind}[]`}`
const CALL = `select clearing.record(${[...kinds.map(parameterOf), `$${kinds.length + 1}::text`].join(', ')}) as dead`

function quoted(text: string): string {
  return `"${text.includes('"') || text.includes('\\') ? text.replace(/["\\]/g, '\\$&') : text}"`
}

/** The columns of the call: each is written as one array literal, which costs the least on both sides. */
class Columns {
  readonly #columns = Object.fromEntries(
    Object.entries(groups).map(([group, types]) => [group, types.map((): Value[] => [])]),
  ) as Record<Group, Value[][]>

  add(group: Group, ...values: Value[]): void {
    const columns = this.#columns[group]
    for (let n = 0; n < columns.length; n++) columns[n]!.push(values[n] ?? null)
  }

  /** How many have been added to a group. */
  size(group: Group): number {
    return this.#columns[group][0]!.length
  }

  parameters(): string[] {
    const parameters: string[] = []
    for (const [group, types] of Object.entries(groups)) {
      types.forEach((type, n) => {
        const column = this.#columns[group as Group][n]!
        parameters.push(literal(type, column))
      })
    }
    return parameters
  }
}

function literal(type: string, column: readonly Value[]): string {
  if (type === 'json') return `[${column.join(',')}]`
  let text = ''
  for (const value of column) {
    if (text !== '') text += ','
    text += value === null ? 'NULL' : type === 'text' ? quoted(value as string) : value
  }
  return `{${text}}`
}

/** Every bigint in a row is fen; jsonb_to_recordset reads the digits back. */
export function rowsJson(changes: Changes): string {
  if (changes.rows.size === 0) return '{}'
  const nouns: Record<string, unknown[]> = {}
  for (const { kind, value } of changes.rows.values()) {
    const rows = nouns[kind.name] ?? []
    rows.push(value)
    nouns[kind.name] = rows
  }
  return JSON.stringify(nouns, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
}

/** A batch as clearing.record takes it, and which of its jobs stand and fall together. */
export interface Call {
  readonly parameters: readonly string[]
  /** For each job its group, counted from 1. */
  readonly groups: readonly number[]
}

/** Jobs that write the same book (none when refused) and rest on the same books. */
class Groups {
  readonly #numbers = new Map<string | number, number>()
  constructor(readonly columns: Columns) {}

  numberOf(book: Book | undefined, rests: ReadonlySet<Book>): number {
    // Most commands rest on their own book and the region: then the book says it all.
    const isPlain = book !== undefined && book !== REGION && rests.size === 2 && rests.has(REGION) && rests.has(book)
    const key = isPlain ? book : `${book} ${[...rests].join()}`
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#numbers.size + 1
      this.#numbers.set(key, number)
      this.columns.add('g', book)
      for (const rested of rests) this.columns.add('r', number, rested)
    }
    return number
  }
}

/** Writes down what a batch has decided, as soon as it is decided: what the world learns later is not in it. */
export function encode(world: World, jobs: readonly Job[]): Call {
  const columns = new Columns()
  const { changes } = world
  addHeads(columns, world, jobs)
  const moved = addAccounts(columns, changes)
  const groups = new Groups(columns)
  const numbers = jobs.map(({ rests, at, key, refusal, accepted }) => {
    const group = groups.numberOf(accepted?.booking.book, rests)
    if (refusal && key) columns.add('i', group, key.id, key.fingerprint, at, JSON.stringify(refusal))
    return group
  })
  // Book by book: neighbours in the log are neighbours in its indexes, whose pages then fill and are found again.
  const accepted = jobs.filter((job) => job.accepted).sort(byBook)
  for (const { accepted: one, key } of accepted) addCommand(columns, one!, key, moved)
  addChanges(columns, changes)
  return { parameters: [...columns.parameters(), rowsJson(changes)], groups: numbers }
}

/** Where batches are recorded: takes the parameters of clearing.record, returns the groups that were not recorded. */
export interface Recorder {
  record(parameters: readonly string[]): Promise<readonly number[]>
}

/** The database's own clearing.record, in one call. */
export async function recordIn(sql: Sql, parameters: readonly string[]): Promise<readonly number[]> {
  const rows = await sql.unsafe<{ dead: number[] }[]>(CALL, parameters as string[], { prepare: true })
  return rows[0]!.dead
}

/**
 * Records a batch. Returns the indexes of the jobs that were not recorded because a book they rest on has moved;
 * throws what the database throws (a lost connection leaves the outcome unknown).
 */
export async function send(recorder: Recorder, { parameters, groups }: Call): Promise<Set<number>> {
  const dead = new Set(await recorder.record(parameters))
  const jobs = new Set<number>()
  if (dead.size > 0) {
    groups.forEach((group, index) => {
      if (dead.has(group)) jobs.add(index)
    })
  }
  return jobs
}

const byBook = (a: Job, b: Job) => a.accepted!.booking.book - b.accepted!.booking.book

function addHeads(columns: Columns, world: World, jobs: readonly Job[]): void {
  const rested = new Set<Book>()
  for (const { rests } of jobs) for (const book of rests) rested.add(book)
  for (const book of [...rested].sort(REGION_FIRST)) {
    const base = world.base(book)
    columns.add('p', book, base.seq, base.batch, base.moment)
    if (world.changes.written.has(book)) {
      const { seq, entries, accounts, moment, batch } = world.head(book)
      columns.add('h', seq, entries, accounts, moment, batch)
    } else columns.add('h')
  }
}

/** Writes the accounts, those that are new last; returns where each of them is, counted from 1. */
function addAccounts(columns: Columns, { balances, opened }: Changes): ReadonlyMap<string, number> {
  const fresh = new Set<string>(opened.keys())
  const places = new Map<string, number>()
  const add = (key: string) => {
    const { book, account, kind, posted, held } = balances.get(key)!
    columns.add('b', book, account, accountKinds[kind].no, posted, held)
    places.set(key, places.size + 1)
  }
  for (const key of balances.keys()) if (!fresh.has(key)) add(key)
  for (const [key, { owner, province }] of opened) {
    add(key)
    columns.add('a', owner, province)
  }
  return places
}

function addCommand(
  columns: Columns,
  { booking, kind, day, actor, body, event, rests }: NonNullable<Job['accepted']>,
  key: Job['key'],
  accounts: ReadonlyMap<string, number>,
): void {
  const { book, seq, entry, moment, lines, changes } = booking
  const outcome = JSON.stringify(event)
  const asked = [actor, key?.id, key?.fingerprint, changes, body] as const
  columns.add('c', book, seq, entry, kind, daysSinceEpoch(day), moment, ...asked, outcome, rests)
  const command = columns.size('c')
  let number = 0
  for (const { type, phase, debitKey, creditKey, hold, amount } of lines) {
    const debit = accounts.get(debitKey)
    const credit = accounts.get(creditKey)
    const { no } = transferTypes[type]
    columns.add('t', command, ++number, no, phases[phase], debit, credit, hold?.hold, hold?.leg, amount)
  }
}

function addChanges(columns: Columns, changes: Changes): void {
  for (const { key, book, holder, seen } of changes.keys) columns.add('k', key, book, holder, seen)
  for (const { book, hold, legs } of changes.holds.values()) {
    for (const { leg, type, debit, credit, amount, open } of legs) {
      if (changes.isNewLeg(book, hold, leg)) {
        const from = changes.account(book, debit)
        const to = changes.account(book, credit)
        columns.add('n', book, hold, leg, transferTypes[type].no, from, to, amount, open)
      } else columns.add('o', book, hold, leg, open)
    }
  }
}
