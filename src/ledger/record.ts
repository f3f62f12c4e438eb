import type { Refusal } from '../core/refusals.js'
import type { Day, Instant } from '../core/time.js'
import type { Sql } from '../platform/database.js'
import type { Book } from './book.js'
import { accountKinds, phases, transferTypes } from './chart.js'
import type { Event } from './plan.js'
import { type Booking, type Changes, REGION_FIRST, type World } from './world.js'

/** One decided command of a batch: accepted with its booking, or refused. */
export interface Job {
  /** The books its decision looked at or writes. */
  readonly rests: ReadonlySet<Book>
  readonly key?: { readonly organisation: string; readonly key: string; readonly fingerprint: string }
  readonly at: Instant
  readonly refusal?: Refusal
  readonly accepted?: {
    readonly booking: Booking
    readonly kind: string
    readonly day: Day
    readonly subject: string
    readonly organisation: string
    /** The command as JSON text, money as yuan strings. */
    readonly body: string
    readonly event: Event
    /** The versions of foreign facts it was decided on: {book: seq}. */
    readonly rests: Readonly<Record<string, number>>
  }
}

type Kind = 'integer' | 'bigint' | 'text' | 'boolean'

/** A column of the call: its values are written as one array literal, which costs the least on both sides. */
class Column {
  readonly kind: Kind
  readonly #values: string[] = []
  constructor(kind: Kind) {
    this.kind = kind
  }
  add(value: number | bigint | string | boolean | null | undefined): void {
    if (value === null || value === undefined) this.#values.push('NULL')
    else if (this.kind === 'text') this.#values.push(quoted(String(value)))
    else this.#values.push(String(value))
  }
  toString(): string {
    return `{${this.#values.join(',')}}`
  }
}

function quoted(text: string): string {
  return `"${text.includes('"') || text.includes('\\') ? text.replace(/["\\]/g, '\\$&') : text}"`
}

const int = 'integer'
const big = 'bigint'
const text = 'text'

/** The parameters of clearing.record, group by group, in its order. */
const groups = {
  p: [int, big, big, 'boolean'],
  h: [int, big, big, int, big],
  j: [int],
  r: [int, int],
  i: [int, text, text, text, big, int, big, text],
  k: [text, int, text],
  f: [text, int],
  c: [int, big, big, text, text, big, text, text, text, text, text],
  a: [int, int, int, text, int],
  b: [int, int, big, big],
  t: [int, big, int, int, int, int, int, big, int, big],
  n: [int, big, int, int, int, int, big],
  o: [int, big, int, big],
} as const satisfies Record<string, readonly Kind[]>

type Group = keyof typeof groups

const kinds: Kind[] = Object.values(groups).flat()
const CALL = `select clearing.record(${kinds.map((kind, n) => `$${n + 1}::${kind}[]`).join(', ')}, $${kinds.length + 1}::text) as dead`

class Columns {
  readonly #columns = Object.fromEntries(
    Object.entries(groups).map(([group, types]) => [group, types.map((type) => new Column(type))]),
  ) as Record<Group, Column[]>

  add(group: Group, ...values: (number | bigint | string | boolean | null | undefined)[]): void {
    const columns = this.#columns[group]
    for (let n = 0; n < columns.length; n++) columns[n]!.add(values[n])
  }

  parameters(): string[] {
    return Object.values(this.#columns).flatMap((columns) => columns.map(String))
  }
}

/** Every bigint in a row is fen; jsonb_to_recordset reads the digits back. */
export function rowsJson(changes: Changes): string {
  const nouns: Record<string, unknown[]> = {}
  for (const { kind, value } of changes.rows.values()) {
    const rows = nouns[kind.name] ?? []
    rows.push(value)
    nouns[kind.name] = rows
  }
  return JSON.stringify(nouns, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
}

/**
 * Records a batch in one call of clearing.record. Returns the indexes of the jobs that were not recorded because a
 * book they rest on has moved; throws what the database throws (a lost connection leaves the outcome unknown).
 */
export async function record(sql: Sql, world: World, jobs: readonly Job[]): Promise<Set<number>> {
  const columns = new Columns()
  const { changes } = world
  const rested = new Set<Book>()
  for (const job of jobs) for (const book of job.rests) rested.add(book)
  for (const book of [...rested].sort(REGION_FIRST)) {
    const base = world.base(book)
    columns.add('p', book, base.seq, base.moment, changes.written.has(book))
  }
  for (const book of changes.written) {
    const head = world.head(book)
    columns.add('h', book, head.seq, head.entries, head.accounts, head.moment)
  }
  jobs.forEach((job, index) => {
    const n = index + 1
    const booking = job.accepted?.booking
    columns.add('j', booking?.book)
    for (const book of job.rests) columns.add('r', n, book)
    if (job.key) {
      const { organisation, key, fingerprint } = job.key
      const refusal = job.refusal ? JSON.stringify(job.refusal) : null
      columns.add('i', n, organisation, key, fingerprint, job.at, booking?.book, booking?.seq, refusal)
    }
    if (job.accepted) addCommand(columns, job.accepted)
  })
  addChanges(columns, changes)
  const rows = await sql.unsafe<{ dead: number[] }[]>(CALL, [...columns.parameters(), rowsJson(changes)], {
    prepare: true,
  })
  return new Set(rows[0]!.dead.map((n) => n - 1))
}

function addCommand(columns: Columns, accepted: NonNullable<Job['accepted']>): void {
  const { booking, kind, day, subject, organisation, body, event, rests } = accepted
  const { book, seq, entry, moment } = booking
  const outcome = JSON.stringify(event)
  columns.add('c', book, seq, entry, kind, day, moment, subject, organisation, body, outcome, JSON.stringify(rests))
  booking.lines.forEach((line, index) => {
    const { no } = transferTypes[line.type]
    const { debitAccount, creditAccount, hold, amount } = line
    const phase = phases[line.phase]
    columns.add('t', book, entry, index + 1, no, phase, debitAccount, creditAccount, hold?.hold, hold?.leg, amount)
  })
}

function addChanges(columns: Columns, changes: Changes): void {
  for (const [key, { book, holder }] of changes.claims) columns.add('k', key, book, holder)
  for (const [key, book] of changes.frees) columns.add('f', key, book)
  for (const { book, account, kind, owner, province } of changes.opened) {
    columns.add('a', book, account, accountKinds[kind].no, owner, province)
  }
  for (const { book, account, posted, held } of changes.balances.values()) columns.add('b', book, account, posted, held)
  for (const { hold, leg } of changes.newLegs) {
    const debit = changes.account(hold.book, leg.debit)
    const credit = changes.account(hold.book, leg.credit)
    columns.add('n', hold.book, hold.hold, leg.leg, transferTypes[leg.type].no, debit, credit, leg.amount)
  }
  for (const hold of changes.holds.values()) {
    for (const { leg, open } of hold.legs) columns.add('o', hold.book, hold.hold, leg, open)
  }
}
