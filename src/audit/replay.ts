import { isDeepStrictEqual } from 'node:util'
import { commandTypes } from '../commands.js'
import { type Fen, yuan } from '../core/money.js'
import { isRefusal, Refused } from '../core/refusals.js'
import type { Day, Instant } from '../core/time.js'
import { wire } from '../engine/command.js'
import { accounts, holds } from '../ledger/accounts.js'
import type { Book } from '../ledger/book.js'
import { accountKind, type Phase, phases, transferType, transferTypes } from '../ledger/chart.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { Event } from '../ledger/plan.js'
import { type Booking, type Holder, World } from '../ledger/world.js'
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
  /** As JSON text, and so is the event. */
  readonly body: string
  readonly event: string
  /** What it changed of what was there before; null in logs of versions before 0.4, and when it was nothing. */
  readonly changes: string | null
  readonly rests: Readonly<Record<string, number>>
  /** Its transfers in order, as `lineCode` has them. */
  readonly lines: string | null
  /** When it was written, as the database's own files have it: how many transactions ago, on which page, as which item. */
  readonly age: number
  readonly page: number
  readonly item: number
}

/** Commands of one book that are read at once. Many books wait at the same time: a few hundred keep memory small. */
const AT_ONCE = 200

/** A version of a book as one number. */
const version = (book: Book, seq: number) => book * 2 ** 33 + seq

/** One book's commands on their way into the replay; the next ones are read while those at hand are decided. */
class Lane {
  done = 0
  /** Whether it is among those that can go on. */
  isReady = false
  #hand: readonly Logged[] = []
  #at = 0
  #coming: Promise<readonly Logged[]> | undefined
  constructor(
    readonly book: Book,
    readonly last: number,
    readonly read: (book: Book, after: number) => Promise<readonly Logged[]>,
  ) {}

  /** Its next command; undefined after the last, or when it must be waited for. */
  get next(): Logged | undefined {
    return this.#hand[this.#at]
  }

  get isDry(): boolean {
    return this.#at === this.#hand.length && this.done < this.last
  }

  /** Waits for the next commands. */
  async fill(): Promise<void> {
    this.#hand = await (this.#coming ?? this.read(this.book, this.done))
    this.#at = 0
    this.#coming = undefined
  }

  pass(): void {
    this.#at++
    this.done++
    const left = this.#hand.length - this.#at
    if (left > AT_ONCE / 2 || this.#coming || this.done + left >= this.last) return
    this.#coming = this.read(this.book, this.done + left)
    this.#coming.catch(() => {}) // it is thrown where it is waited for
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
  const books = await sql<{ book: Book; seq: bigint }[]>`select book, seq from books where seq > 0 order by book`
  const lanes = new Map(
    books.map(({ book, seq }) => [book, new Lane(book, Number(seq), (b, after) => readLog(sql, b, after))]),
  )
  const outcome = await new Replay(lanes, await readers(sql, lanes)).run()
  return outcome instanceof OtherLines ? outcome.say(await accountNames(sql)) : outcome
}

/** What came of a command decided again: booked, or refused while others held these keys, or a finding. */
type Outcome = 'booked' | { readonly keys: readonly string[]; readonly finding: string } | string | OtherLines

class Replay {
  readonly #world = new World(true)
  readonly #keys = new Map<string, Holder>()
  /** Keys taken and given back so far, of those that the world has noted. */
  #handed = 0
  /** Lanes whose next command can be decided, that which was written first at the end. */
  readonly #ready: Lane[] = []
  /** Lanes whose next command rests on a version that this book has not reached. */
  readonly #behind = new Map<Book, Set<Lane>>()
  /** Lanes whose next command was refused while others held these keys, and what it was refused for. */
  readonly #keyless = new Map<Lane, { keys: readonly string[]; finding: string }>()
  /** Keys that others hold, of those that the command in hand has asked for. */
  readonly #held = new Set<string>()
  readonly #find: Find

  constructor(
    readonly lanes: ReadonlyMap<Book, Lane>,
    /** How many commands that rest on a version are still to come: until then its book stands still. */
    readonly readers: Map<number, number>,
  ) {
    const find = this.#world.reader(new Set())
    this.#find = Object.assign(<T extends Fact>(kind: FactKind<T>, key: string) => find(kind, key), find, {
      holder: (key: string) => {
        const found = find.holder(key)
        if (found) this.#held.add(key)
        return found
      },
    })
  }

  async run(): Promise<Replayed | string | OtherLines> {
    await Promise.all([...this.lanes.values()].map((lane) => lane.fill()))
    for (const lane of this.lanes.values()) this.#examine(lane)
    for (let lane = this.#ready.pop(); lane; lane = this.#ready.pop()) {
      lane.isReady = false
      const outcome = this.#again(lane.next!)
      if (outcome === 'booked') {
        const logged = lane.next!
        lane.pass()
        if (lane.isDry) await lane.fill()
        this.#goOn(lane, logged)
      } else if (typeof outcome === 'string' || outcome instanceof OtherLines) return outcome
      else this.#keyless.set(lane, outcome)
    }
    const [keyless] = this.#keyless.values()
    return keyless?.finding ?? this.#circle() ?? this.#replayed()
  }

  #reached(book: Book): number {
    return this.lanes.get(book)?.done ?? 0
  }

  /** Puts a lane among those that can go on, or notes what its next command waits for. */
  #examine(lane: Lane): void {
    const logged = lane.next
    if (!logged || lane.isReady || this.#keyless.has(lane)) return
    if (this.readers.get(version(lane.book, lane.done))) return
    for (const book in logged.rests) {
      if (this.#reached(Number(book)) >= logged.rests[book]!) continue
      const behind = this.#behind.get(Number(book)) ?? new Set()
      this.#behind.set(Number(book), behind.add(lane))
      return
    }
    let [from, to] = [0, this.#ready.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if (isEarlier(logged, this.#ready[middle]!.next!)) from = middle + 1
      else to = middle
    }
    this.#ready.splice(from, 0, lane)
    lane.isReady = true
  }

  /** After a command of a lane was booked: what waited for it can go on. */
  #goOn(lane: Lane, logged: Logged): void {
    this.#examine(lane)
    const behind = this.#behind.get(lane.book)
    this.#behind.delete(lane.book)
    for (const other of behind ?? []) this.#examine(other)
    for (const [book, seq] of restsOf(logged, this.lanes)) {
      const at = version(book, seq)
      const left = (this.readers.get(at) ?? 1) - 1
      if (left > 0) this.readers.set(at, left)
      else this.readers.delete(at)
      const stood = this.lanes.get(book)
      if (left === 0 && stood) this.#examine(stood)
    }
    if (!this.#takeKeys()) return
    for (const [other, { keys }] of this.#keyless) {
      if (!keys.some((key) => (this.#keys.get(key)?.holder ?? null) === null)) continue
      this.#keyless.delete(other)
      this.#examine(other)
    }
  }

  /** Decides and books one command. */
  #again(logged: Logged): Outcome {
    const { book, day, moment } = logged
    const type = commandTypes.get(logged.kind)
    if (!type) return differs(logged, 'kind', logged.kind, 'none that is known 未知')
    const parsed = type.schema.safeParse(JSON.parse(logged.body))
    if (!parsed.success) {
      const { path, message } = parsed.error.issues[0]!
      return differs(logged, `body.${path.join('.')}`, logged.body, message)
    }
    const actor = { subject: logged.subject, organisation: logged.organisation, roles: [] }
    const rests = new Set<Book>()
    this.#held.clear()
    try {
      this.#world.reader(rests)
      const facts = type.facts(this.#find, parsed.data, day)
      rests.add(facts.book)
      const { seq } = this.#world.head(facts.book)
      const decision = type.decide(facts, parsed.data, { at: moment, day, actor, seq: seq + 1 })
      if (isRefusal(decision)) {
        const finding = differs(logged, 'outcome', 'accepted 已受理', wire(decision))
        return this.#held.size > 0 ? { keys: [...this.#held], finding } : finding
      }
      const versions: Record<string, number> = {}
      for (const other of rests) {
        const { seq } = this.#world.head(other)
        if (other !== decision.book && seq > 0) versions[other] = seq
      }
      const booking = this.#world.apply(decision, moment)
      if (booking.book !== book) return differs(logged, 'book', book, booking.book)
      return compare(logged, booking, decision.event, versions, this.#codes(booking)) ?? 'booked'
    } catch (error) {
      if (error instanceof Refused) return differs(logged, 'outcome', 'accepted 已受理', wire(error.refusal))
      return differs(logged, 'outcome', 'accepted 已受理', `fault 故障: ${(error as Error).message}`)
    }
  }

  /** The transfers of a booking as the database would have them. */
  #codes({ lines }: Booking): string | null {
    if (lines.length === 0) return null
    const { balances } = this.#world.changes
    return lines
      .map(({ type, phase, debitKey, creditKey, amount, hold }) =>
        lineCode({
          type: transferTypes[type].no,
          phase: phases[phase],
          debit: balances.get(debitKey)!.account,
          credit: balances.get(creditKey)!.account,
          amount,
          hold: hold?.hold ?? '',
          leg: hold?.leg ?? '',
        }),
      )
      .join()
  }

  /** Takes note of the keys that were handed on since; true when one was given back. */
  #takeKeys(): boolean {
    const { keys } = this.#world.changes
    let isFreed = false
    for (; this.#handed < keys.length; this.#handed++) {
      const { key, book, holder } = keys[this.#handed]!
      this.#keys.set(key, { book, holder })
      isFreed ||= holder === null
    }
    return isFreed
  }

  /** Everything that the commands have changed, with its last value. */
  #replayed(): Replayed {
    const { balances, holds: legs, rows } = this.#world.changes
    const facts = new Map<FactKind<Fact>, Map<string, Fact>>([
      [accounts, balances],
      [holds, legs],
    ])
    for (const { kind, value } of rows.values()) {
      const ofKind = facts.get(kind) ?? new Map<string, Fact>()
      facts.set(kind, ofKind.set(kind.key(value), value))
    }
    return { facts, keys: this.#keys }
  }

  /** Nothing can go on: when commands are left, each waits for another, round in a circle. */
  #circle(): string | undefined {
    const left = [...this.lanes.values()].filter((lane) => lane.done < lane.last)
    const [first] = left
    if (!first) return undefined
    const waits = left.flatMap((lane) => {
      const ahead = Object.entries(lane.next?.rests ?? {}).find(([book, seq]) => this.#reached(Number(book)) < seq)
      return ahead
        ? [`${place(lane.book, { seq: lane.done + 1 })} → ${place(Number(ahead[0]), { seq: ahead[1] })}`]
        : []
    })
    return said(
      place(first.book, { seq: first.done + 1 }),
      `rests on versions that cannot all be reached before it (${waits.join('; ')})`,
      '所依据的版本互相等待，无法排出先后',
    )
  }
}

const isEarlier = (a: Logged, b: Logged) =>
  a.age !== b.age ? a.age > b.age : a.page !== b.page ? a.page < b.page : a.item < b.item

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
  lines: string | null,
): string | OtherLines | undefined {
  if (booking.entry !== logged.entry) return differs(logged, 'entry', logged.entry, booking.entry)
  if (booking.moment !== logged.moment) return differs(logged, 'booked_at', logged.moment, booking.moment)
  const again = JSON.stringify(event)
  // Logs of version 0.1 have the same in other words.
  if (!isSameJson(again, logged.event)) return differs(logged, 'event', logged.event, again)
  const { changes = 'null' } = booking
  if (logged.changes !== null && !isSameJson(logged.changes, changes)) {
    return differs(logged, 'changes', logged.changes, changes)
  }
  if (lines !== logged.lines) return new OtherLines(logged, booking)
  if (!isSame(rests, logged.rests)) return differs(logged, 'rests', wire(logged.rests), wire(rests))
  return undefined
}

const isSameJson = (a: string, b: string) => a === b || isDeepStrictEqual(JSON.parse(a), JSON.parse(b))

function isSame(a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): boolean {
  const books = Object.keys(a)
  return books.length === Object.keys(b).length && books.every((book) => a[book] === b[book])
}

/** An entry whose transfers are not those that were decided again: to be said by the names of its accounts. */
class OtherLines {
  constructor(
    readonly logged: Logged,
    readonly booking: Booking,
  ) {}

  say(names: ReadonlyMap<Book, string[]>): string {
    const { logged, booking } = this
    const named = names.get(booking.book) ?? []
    const found = logged.lines?.split(',').map((code) => wordsOf(code, named)) ?? []
    const again = booking.lines.map(({ hold, ...line }) =>
      lineText({ ...line, debit: nameOf(line.debit), credit: nameOf(line.credit), ...hold }),
    )
    const most = Math.max(found.length, again.length)
    const index = Array.from({ length: most }).findIndex((_, n) => found[n] !== again[n])
    // The words may be the same where two accounts go by another number.
    const [is, should] = index < 0 ? [logged.lines, 'other account numbers 账户号不同'] : [found[index], again[index]]
    return differs(logged, `line ${Math.max(0, index) + 1}`, is ?? 'none 无', should ?? 'none 无')
  }
}

function differs({ book, seq, kind, entry }: Logged, what: string, found: unknown, again: unknown): string {
  return said(
    place(book, { seq, kind, entry }),
    `${what} is ${found}, decided again ${again}`,
    `${what} 为 ${found}，重新裁决为 ${again}`,
  )
}

/** A transfer as numbers, in this order; what is compared. */
const lineCode = (line: {
  type: number
  phase: number
  debit: number
  credit: number
  amount: Fen
  hold: number | ''
  leg: number | ''
}) => `${line.type} ${line.phase} ${line.debit} ${line.credit} ${line.amount} ${line.hold} ${line.leg}`

function wordsOf(code: string, names: readonly string[]): string {
  const [type, phase, debit, credit, amount, hold, leg] = code.split(' ')
  return lineText({
    type: transferType(Number(type)),
    phase: phaseNames[Number(phase)]!,
    debit: names[Number(debit)]!,
    credit: names[Number(credit)]!,
    amount: BigInt(amount!),
    ...(hold ? { hold: Number(hold), leg: Number(leg) } : {}),
  })
}

/** A transfer in words: `redeem capture voucher:V310000-4 → payable:provider:52… 100.00 (hold 5/1)`. */
function lineText(line: {
  type: string
  phase: string
  debit: string
  credit: string
  amount: Fen
  hold?: number
  leg?: number
}): string {
  const hold = line.hold === undefined ? '' : ` (hold 冻结 ${line.hold}/${line.leg})`
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
async function readLog(sql: Sql, book: Book, after: number): Promise<Logged[]> {
  return sql<Logged[]>`
    select c.book, c.seq::float8 as seq, c.entry, c.kind, c.day, (extract(epoch from c.booked_at) * 1000)::float8 as moment,
           a.subject, a.organisation, c.body::text as body, c.event::text as event,
           c.changes::text as changes, c.rests, age(c.xmin) as age,
           (c.ctid::text::point)[0] as page, (c.ctid::text::point)[1] as item,
           (select string_agg(concat(t.type, ' ', t.phase, ' ', t.debit, ' ', t.credit, ' ', t.amount, ' ', t.hold, ' ', t.leg),
                              ',' order by t.line)
            from transfers t where t.book = c.book and t.entry = c.entry) as lines
    from commands c join actors a on a.actor = c.actor
    where c.book = ${book} and c.seq > ${after} order by c.seq limit ${AT_ONCE}`
}
