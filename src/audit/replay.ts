import { isDeepStrictEqual } from 'node:util'
import { commandTypes } from '../commands.js'
import { type Fen, yuan } from '../core/money.js'
import { isRefusal, Refused } from '../core/refusals.js'
import type { Day, Instant } from '../core/time.js'
import { wire } from '../engine/command.js'
import { accounts, holds } from '../ledger/accounts.js'
import type { Book } from '../ledger/book.js'
import { accountKind, type Phase, phases, transferType } from '../ledger/chart.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { Event } from '../ledger/plan.js'
import { type Booking, Changes, type FactSource, type Head, type Holder, MISSING, World } from '../ledger/world.js'
import type { Sql } from '../platform/database.js'
import { closePeriodCommand } from '../settlement/commands.js'
import { nameOf, place, said } from './finding.js'

/** What the log alone comes to: every fact with its last value, by kind and key, and every region-wide key in use. */
export interface Replayed {
  readonly facts: ReadonlyMap<FactKind<Fact>, ReadonlyMap<string, Fact>>
  readonly keys: ReadonlyMap<string, Holder>
}

/** A command as the log has it. */
interface Logged {
  readonly book: Book
  readonly seq: number
  readonly entry: number | null
  readonly kind: string
  readonly day: Day
  readonly moment: Instant
  readonly subject: string
  readonly organisation: string
  readonly body: unknown
  readonly event: Event
  readonly rests: Readonly<Record<string, number>>
  /** Its transfers in order, as words. */
  readonly lines: readonly string[]
  /** When it was written, as the database's own files have it: [transactions ago, page, item]. */
  readonly written: readonly [number, number, number]
}

/** Commands of one book that are read at once. Many books wait at the same time: a few hundred keep memory small. */
const AT_ONCE = 200

const EMPTY: Head = { seq: 0, entries: 0, accounts: 0, moment: 0, batch: 0 }

/** A ledger before its first command. */
const nothing: FactSource = {
  heads: async (books) => new Map(books.map((book) => [book, EMPTY])),
  allHeads: async () => new Map(),
  holders: async () => new Map(),
  facts: async () => [],
}

/** A version of a book as one number. */
const version = (book: Book, seq: number) => book * 2 ** 33 + seq

/** One book's commands on their way into the replay. */
class Lane {
  done = 0
  readonly #waiting: Logged[] = []
  constructor(
    readonly book: Book,
    readonly last: number,
    readonly read: (book: Book, after: number) => Promise<Logged[]>,
  ) {}

  /** Its next command; undefined after the last. */
  async next(): Promise<Logged | undefined> {
    if (this.#waiting.length === 0 && this.done < this.last) {
      this.#waiting.push(...(await this.read(this.book, this.done)).reverse())
    }
    return this.#waiting.at(-1)
  }

  pass(): void {
    this.#waiting.pop()
    this.done++
  }
}

/**
 * Decides the whole log again, from nothing. Every command must come to the outcome and the entry that were logged;
 * returns what all of them together come to, or a sentence about the first that does not.
 *
 * Within a book the order is that of the numbers. Between books a command comes after the versions it rests on and
 * before those that follow them. What is left open by that is done in the order in which it was written: before version
 * 0.2 a command that took a key which another one had given back did not rest on the giving back.
 */
export async function replay(sql: Sql): Promise<Replayed | string> {
  const names = await accountNames(sql)
  const books = await sql<{ book: Book; seq: bigint }[]>`select book, seq from books where seq > 0 order by book`
  const lanes = new Map(
    books.map(({ book, seq }) => [book, new Lane(book, Number(seq), (b, after) => readLog(sql, names, b, after))]),
  )
  return new Replay(lanes, await readers(sql, lanes)).run()
}

class Replay {
  readonly #world = new World()
  readonly #facts = new Map<FactKind<Fact>, Map<string, Fact>>()
  readonly #keys = new Map<string, Holder>()
  readonly #ready = new Map<Lane, Logged>()
  /** Lanes whose next command rests on a version that this book has not reached. */
  readonly #behind = new Map<Book, Set<Lane>>()
  /** Lanes whose next command was refused while others held these keys, and what it was refused for. */
  readonly #keyless = new Map<Lane, { keys: readonly string[]; finding: string }>()

  constructor(
    readonly lanes: ReadonlyMap<Book, Lane>,
    /** How many commands that rest on a version are still to come: until then its book stands still. */
    readonly readers: Map<number, number>,
  ) {}

  async run(): Promise<Replayed | string> {
    for (const lane of this.lanes.values()) await this.#examine(lane)
    for (;;) {
      const found = this.#earliest()
      if (!found) break
      const [lane, logged] = found
      this.#ready.delete(lane)
      this.#keyless.delete(lane)
      const finding = await this.#again(lane, logged)
      if (finding !== undefined) return finding
    }
    const [keyless] = this.#keyless.values()
    if (keyless) return keyless.finding
    return (await this.#circle()) ?? { facts: this.#facts, keys: this.#keys }
  }

  #earliest(): [Lane, Logged] | undefined {
    let first: [Lane, Logged] | undefined
    for (const one of this.#ready) if (!first || isEarlier(one[1].written, first[1].written)) first = one
    return first
  }

  #reached(book: Book): number {
    return this.lanes.get(book)?.done ?? 0
  }

  /** Puts a lane among those that can go on, or notes what its next command waits for. */
  async #examine(lane: Lane): Promise<void> {
    const logged = await lane.next()
    if (!logged || this.#ready.has(lane)) return
    if (this.readers.get(version(lane.book, lane.done))) return
    for (const [book, seq] of Object.entries(logged.rests)) {
      if (this.#reached(Number(book)) >= seq) continue
      const behind = this.#behind.get(Number(book)) ?? new Set()
      this.#behind.set(Number(book), behind.add(lane))
      return
    }
    this.#ready.set(lane, logged)
  }

  async #again(lane: Lane, logged: Logged): Promise<string | undefined> {
    const outcome = await this.#decide(logged)
    if (typeof outcome === 'string') return outcome
    if (outcome.keys.length > 0) {
      this.#keyless.set(lane, outcome)
      return undefined
    }
    const freed = this.#keep()
    lane.pass()
    await this.#examine(lane)
    const behind = this.#behind.get(lane.book)
    this.#behind.delete(lane.book)
    for (const other of behind ?? []) await this.#examine(other)
    for (const [book, seq] of restsOf(logged, this.lanes)) {
      const at = version(book, seq)
      const left = (this.readers.get(at) ?? 1) - 1
      if (left > 0) this.readers.set(at, left)
      else this.readers.delete(at)
      const stood = this.lanes.get(book)
      if (left === 0 && stood) await this.#examine(stood)
    }
    for (const [other, { keys }] of freed ? this.#keyless : []) {
      if (!keys.some((key) => (this.#keys.get(key)?.holder ?? null) === null)) continue
      this.#keyless.delete(other)
      await this.#examine(other)
    }
    return undefined
  }

  /** Decides and books one command; keys are those that others hold when it is refused. */
  async #decide(logged: Logged): Promise<{ keys: readonly string[]; finding: string } | string> {
    const { book, day, moment } = logged
    const type = commandTypes.get(logged.kind)
    if (!type) return differs(logged, 'kind', logged.kind, 'none that is known 未知')
    const parsed = type.schema.safeParse(logged.body)
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0]!
      return differs(logged, `body.${path.join('.')}`, wire(logged.body), message)
    }
    const actor = { subject: logged.subject, organisation: logged.organisation, roles: [] }
    const rests = new Set<Book>()
    const held = new Set<string>()
    for (;;) {
      try {
        rests.clear()
        held.clear()
        const find = this.#world.reader(rests)
        const watched: Find = Object.assign(<T extends Fact>(kind: FactKind<T>, key: string) => find(kind, key), find, {
          holder(key: string) {
            const found = find.holder(key)
            if (found) held.add(key)
            return found
          },
        })
        const facts = type.facts(watched, parsed.data, day)
        rests.add(facts.book)
        const { seq } = this.#world.head(facts.book)
        const decision = type.decide(facts, parsed.data, { at: moment, day, actor, seq: seq + 1 })
        if (isRefusal(decision)) {
          const finding = differs(logged, 'outcome', 'accepted 已受理', wire(decision))
          return held.size > 0 ? { keys: [...held], finding } : finding
        }
        const versions: Record<string, number> = {}
        for (const other of rests) {
          const { seq } = this.#world.head(other)
          if (other !== decision.book && seq > 0) versions[other] = seq
        }
        const booking = this.#world.apply(decision, moment)
        if (booking.book !== book) return differs(logged, 'book', book, booking.book)
        return compare(logged, booking, decision.event, versions) ?? { keys: [], finding: '' }
      } catch (error) {
        if (error === MISSING) await this.#world.load(nothing)
        else if (error instanceof Refused) return differs(logged, 'outcome', 'accepted 已受理', wire(error.refusal))
        else return differs(logged, 'outcome', 'accepted 已受理', `fault 故障: ${(error as Error).message}`)
      }
    }
  }

  /** Takes over what the last command has changed; true when it gave a key back. */
  #keep(): boolean {
    const { balances, holds: legs, rows, keys } = this.#world.changes
    for (const [key, account] of balances) this.#set(accounts, key, account)
    for (const [key, hold] of legs) this.#set(holds, key, hold)
    for (const { kind, value } of rows.values()) this.#set(kind, kind.key(value), value)
    for (const { key, book, holder } of keys) this.#keys.set(key, { book, holder })
    this.#world.changes = new Changes()
    return keys.some(({ holder }) => holder === null)
  }

  #set(kind: FactKind<Fact>, key: string, value: Fact): void {
    const facts = this.#facts.get(kind) ?? new Map<string, Fact>()
    this.#facts.set(kind, facts.set(key, value))
  }

  /** Nothing can go on: when commands are left, each waits for another, round in a circle. */
  async #circle(): Promise<string | undefined> {
    const left = [...this.lanes.values()].filter((lane) => lane.done < lane.last)
    if (left.length === 0) return undefined
    const nexts = await Promise.all(left.map(async (lane) => [lane, await lane.next()] as const))
    const waits = nexts.flatMap(([lane, logged]) => {
      const ahead = Object.entries(logged?.rests ?? {}).find(([book, seq]) => this.#reached(Number(book)) < seq)
      return ahead
        ? [`${place(lane.book, { seq: lane.done + 1 })} → ${place(Number(ahead[0]), { seq: ahead[1] })}`]
        : []
    })
    const first = left[0]!
    return said(
      place(first.book, { seq: first.done + 1 }),
      `rests on versions that cannot all be reached before it (${waits.join('; ')})`,
      '所依据的版本互相等待，无法排出先后',
    )
  }
}

const isEarlier = (a: Logged['written'], b: Logged['written']) =>
  a[0] !== b[0] ? a[0] > b[0] : a[1] !== b[1] ? a[1] < b[1] : a[2] < b[2]

/** What a command rests on. A close also rests on every book that had taken no command: it reaches none of them. */
function restsOf({ book, kind, rests }: Pick<Logged, 'book' | 'kind' | 'rests'>, lanes: ReadonlyMap<Book, Lane>) {
  const versions = Object.entries(rests).map(([other, seq]) => [Number(other), Number(seq)] as const)
  if (kind !== closePeriodCommand.kind) return versions
  const untouched = [...lanes.keys()].filter((other) => other !== book && !(other in rests))
  return [...versions, ...untouched.map((other) => [other, 0] as const)]
}

/** How many commands rest on each version of each book. */
async function readers(sql: Sql, lanes: ReadonlyMap<Book, Lane>): Promise<Map<number, number>> {
  const rows = await sql<{ book: Book; seq: bigint; count: bigint }[]>`
    select r.key::int as book, r.value::bigint as seq, count(*) as count
    from commands c, json_each_text(c.rests) as r group by 1, 2`
  const counts = new Map(rows.map(({ book, seq, count }) => [version(book, Number(seq)), Number(count)]))
  const closes = await sql<Pick<Logged, 'book' | 'kind' | 'rests'>[]>`
    select book, kind, rests from commands where kind = ${closePeriodCommand.kind}`
  for (const close of closes) {
    for (const [book, seq] of restsOf({ ...close, rests: close.rests }, lanes)) {
      if (seq > 0) continue
      const at = version(book, seq)
      counts.set(at, (counts.get(at) ?? 0) + 1)
    }
  }
  return counts
}

/** What was decided again against what was logged. */
function compare(
  logged: Logged,
  booking: Booking,
  event: Event,
  rests: Readonly<Record<string, number>>,
): string | undefined {
  if (booking.entry !== logged.entry) return differs(logged, 'entry', logged.entry, booking.entry)
  if (booking.moment !== logged.moment) return differs(logged, 'booked_at', logged.moment, booking.moment)
  const again: unknown = JSON.parse(JSON.stringify(event))
  if (!isDeepStrictEqual(again, logged.event)) return differs(logged, 'event', wire(logged.event), wire(again))
  const most = Math.max(booking.lines.length, logged.lines.length)
  for (let index = 0; index < most; index++) {
    const line = booking.lines[index]
    const found = logged.lines[index] ?? 'none 无'
    const replayed = line
      ? lineText({
          ...line,
          debit: nameOf(line.debit),
          credit: nameOf(line.credit),
          hold: line.hold?.hold,
          leg: line.hold?.leg,
        })
      : 'none 无'
    if (found !== replayed) return differs(logged, `line ${index + 1}`, found, replayed)
  }
  if (!isDeepStrictEqual(rests, logged.rests)) return differs(logged, 'rests', wire(logged.rests), wire(rests))
  return undefined
}

function differs({ book, seq, kind, entry }: Logged, what: string, found: unknown, again: unknown): string {
  return said(
    place(book, { seq, kind, entry }),
    `${what} is ${found}, decided again ${again}`,
    `${what} 为 ${found}，重新裁决为 ${again}`,
  )
}

/** A transfer in words: `redeem capture voucher:V310000-4 → payable:provider:52… 100.00 (hold 5/1)`. */
function lineText(line: {
  type: string
  phase: string
  debit: string
  credit: string
  amount: Fen
  hold?: number | bigint | null | undefined
  leg?: number | null | undefined
}): string {
  const hold = line.hold === null || line.hold === undefined ? '' : ` (hold 冻结 ${line.hold}/${line.leg})`
  return `${line.type} ${line.phase} ${line.debit} → ${line.credit} ${yuan(line.amount)}${hold}`
}

/** Every account's name, by book and number. */
async function accountNames(sql: Sql): Promise<Map<Book, string[]>> {
  const names = new Map<Book, string[]>()
  const rows = sql<{ book: Book; account: number; kind: number; owner: string }[]>`
    select book, account, kind, owner from accounts`
  for (const { book, account, kind, owner } of await rows) {
    const ofBook = names.get(book) ?? []
    ofBook[account] = nameOf({ kind: accountKind(kind), owner })
    names.set(book, ofBook)
  }
  return names
}

const phaseNames = Object.fromEntries(Object.entries(phases).map(([name, no]) => [no, name as Phase]))

/** The next commands of a book, with their transfers. */
async function readLog(sql: Sql, names: ReadonlyMap<Book, string[]>, book: Book, after: number): Promise<Logged[]> {
  const rows = await sql<
    (Omit<Logged, 'book' | 'seq' | 'entry' | 'moment' | 'lines' | 'written'> & {
      seq: bigint
      entry: number | null
      moment: bigint
      age: number
      page: number
      item: number
    })[]
  >`
    select c.seq, c.entry, c.kind, c.day, (extract(epoch from c.booked_at) * 1000)::bigint as moment, a.subject,
           a.organisation, c.body, c.event, c.rests, age(c.xmin) as age, (c.ctid::text::point)[0] as page,
           (c.ctid::text::point)[1] as item
    from commands c join actors a on a.actor = c.actor
    where c.book = ${book} and c.seq > ${after} order by c.seq limit ${AT_ONCE}`
  const entries = rows.flatMap(({ entry }) => entry ?? [])
  const transfers = await sql<
    {
      entry: number
      type: number
      phase: number
      debit: number
      credit: number
      amount: Fen
      hold: bigint | null
      leg: number | null
    }[]
  >`
    select entry, type, phase, debit, credit, amount, hold, leg from transfers
    where book = ${book} and entry between ${entries[0] ?? 0n} and ${entries.at(-1) ?? 0n} order by entry, line`
  const lines = new Map<number, string[]>()
  const accountsOf = names.get(book) ?? []
  for (const { entry, type, phase, debit, credit, ...rest } of transfers) {
    const text = lineText({
      ...rest,
      type: transferType(type),
      phase: phaseNames[phase]!,
      debit: accountsOf[debit]!,
      credit: accountsOf[credit]!,
    })
    const known = lines.get(entry)
    if (known) known.push(text)
    else lines.set(entry, [text])
  }
  return rows.map(({ age, page, item, ...row }) => ({
    ...row,
    book,
    seq: Number(row.seq),
    entry: row.entry === null ? null : Number(row.entry),
    moment: Number(row.moment),
    lines: row.entry === null ? [] : (lines.get(row.entry) ?? []),
    written: [age, page, item] as const,
  }))
}
