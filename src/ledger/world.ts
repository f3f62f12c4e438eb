import { type Fen, yuan } from '../core/money.js'
import type { Instant } from '../core/time.js'
import type { Sql } from '../platform/database.js'
import { type Account, accountKey, accounts, type Hold, holdKey, holds } from './accounts.js'
import type { Book } from './book.js'
import { accountKinds } from './chart.js'
import type { Fact, FactKind, Find } from './fact.js'
import type { AccountName, Plan, Row, Transfer } from './plan.js'

/** The head of a book: its last numbers, and the instant of its last booking. */
export interface Head {
  readonly seq: number
  readonly entries: number
  readonly accounts: number
  readonly moment: Instant
  /** The batch that wrote it: two that write the same number on top of the same head differ in this. */
  readonly batch: number
}

/** Of a book before its first command. */
const NONE: Head = { seq: 0, entries: 0, accounts: 0, moment: 0, batch: 0 }

/** The facts of one book, by kind and key; null when there is none. */
class Facts {
  readonly kinds = new Map<string, Map<string, Fact | null>>()

  of(kind: FactKind<Fact>): Map<string, Fact | null> {
    let facts = this.kinds.get(kind.name)
    if (!facts) {
      facts = new Map()
      this.kinds.set(kind.name, facts)
    }
    return facts
  }

  get size(): number {
    let size = 0
    for (const facts of this.kinds.values()) size += facts.size
    return size
  }
}

interface Known {
  /** The head that the database had when we last read or wrote it. */
  base: Head
  /** The head after what has been decided since. */
  head: Head
  readonly facts: Facts
}

/** The order in which heads are locked everywhere: ascending, so the region (0) comes first. */
export const REGION_FIRST = (a: Book, b: Book) => a - b

/** A transfer whose accounts are known. */
export interface Line extends Transfer {
  /** The keys of its accounts, as `accountKey` makes them. */
  readonly debitKey: string
  readonly creditKey: string
}

/** What a decided plan takes up in its book: its numbers and its resolved lines. */
export interface Booking {
  readonly book: Book
  readonly seq: number
  readonly entry: number | null
  readonly moment: Instant
  readonly lines: readonly Line[]
  /** What it changes of things that were there before, as JSON text; undefined when it only adds or moves money. */
  readonly changes: string | undefined
}

/** Who holds a region-wide key; given back, it is held by nobody and remembers the book that gave it back. */
export interface Holder {
  readonly book: Book
  readonly holder: string | null
}

/** Everything a batch has changed, each thing once, with its last value. */
export class Changes {
  /** Accounts that are new, by key, as they were opened. */
  readonly opened = new Map<string, Account>()
  readonly balances = new Map<string, Account>()
  /** Legs that are new, as book/hold/leg. */
  readonly newLegs = new Set<string>()
  readonly holds = new Map<string, Hold>()
  readonly rows = new Map<string, Row>()
  /** Region-wide keys taken and given back, in order, with the book that had them before. */
  readonly keys: ({ readonly key: string; readonly seen: Book | undefined } & Holder)[] = []
  readonly written = new Set<Book>()

  isNewLeg(book: Book, hold: number, leg: number): boolean {
    return this.newLegs.has(`${book}/${hold}/${leg}`)
  }

  /** The number of an account that the batch has moved. */
  account(book: Book, name: AccountName): number {
    const account = this.balances.get(accountKey(book, name))
    if (!account) throw new Error(`${name.kind} ${name.owner} of book ${book} was not moved`)
    return account.account
  }
}

/** Thrown by reading what is not known yet; whoever catches it loads what was missed and starts over. */
export const MISSING = Symbol('a fact that is not known yet')

interface Miss {
  readonly kind: FactKind<Fact>
  readonly key: string
  readonly book: Book
}

const SEPARATOR = '\u001e'
const slot = (kind: FactKind<Fact>, key: string) => `${kind.name}${SEPARATOR}${key}`

/**
 * What the ledger looks like to the decisions of a batch: facts as last read or decided, each book under its head.
 * It is never the authority: `record` compares the heads, and a book that has moved is forgotten and read again.
 */
export class World {
  readonly #books = new Map<Book, Known>()
  readonly #holders = new Map<string, Holder | null>()
  #batch = 0
  #allHeads = false
  #misses: Miss[] = []
  #missedHeads = new Set<Book>()
  #missedHolders = new Set<string>()
  #missedAllHeads = false
  #undo: (() => void)[] | undefined
  #rests = new Set<Book>()
  readonly #find = this.#makeReader()
  /** What the batches before have changed: it may still be on its way into the database. */
  readonly #flying: Changes[] = []
  changes = new Changes()

  /**
   * `isWhole`: everything there is was decided here, so what is not known does not exist, and nothing is ever missing.
   * Unless `isRecorded` nobody asks what was changed, and nothing of it is kept.
   */
  constructor(
    readonly isWhole = false,
    readonly isRecorded = true,
  ) {}

  /**
   * Starts a batch on top of those before, which are recorded or being recorded: its heads are what the database will
   * have. Keys are not covered by a head, so only those which these batches have moved are known.
   * `batch` is a number that no other batch has, of this engine or another.
   */
  startBatch(batch: number): void {
    this.#settle()
    this.#batch = batch
    this.#flying.push(this.changes)
    this.changes = new Changes()
    this.#holders.clear()
    for (const { keys } of this.#flying)
      for (const { key, book, holder } of keys) this.#holders.set(key, { book, holder })
    this.#allHeads = false
  }

  /** All but so many of the batches before the one in hand are in the database for good. */
  landed(flying: number): void {
    this.#flying.splice(0, Math.max(0, this.#flying.length - flying))
  }

  /** The facts of a kind that a query may not see yet: changed by this batch, or by those being recorded. */
  recent<T extends Fact>(kind: FactKind<T>): T[] {
    const values = new Map<string, T>()
    for (const changes of [...this.#flying, this.changes]) {
      for (const [at, row] of changes.rows) if (row.kind.name === kind.name) values.set(at, row.value as T)
    }
    return [...values.values()]
  }

  #settle(): void {
    for (const book of this.changes.written) {
      const known = this.#books.get(book)
      if (known) known.base = known.head
    }
  }

  /** The reader, from now on noting in `rests` every book it looks at. One is enough: facts are gathered in one go. */
  reader(rests: Set<Book>): Find {
    this.#rests = rests
    return this.#find
  }

  #makeReader(): Find {
    const find = <T extends Fact>(kind: FactKind<T>, key: string): T | null => {
      const book = kind.bookOf(key)
      if (book === undefined) return null
      this.#rests.add(book)
      return this.#get(kind, key, book) as T | null
    }
    find.ahead = (...wanted: readonly (readonly [FactKind<Fact>, string])[]) => {
      if (this.isWhole) return
      let missing = false
      for (const [kind, key] of wanted) {
        const book = kind.bookOf(key)
        if (book === undefined) continue
        if (this.#books.get(book)?.facts.of(kind).has(key)) continue
        this.#miss(kind, key, book)
        missing = true
      }
      if (missing) throw MISSING
    }
    find.holder = (key: string) => {
      const holder = this.#holders.get(key)
      if (holder === undefined && !this.isWhole) {
        this.#missedHolders.add(key)
        throw MISSING
      }
      if (!holder) return null
      // Also one given back: the command comes after that.
      this.#rests.add(holder.book)
      return holder.holder === null ? null : { book: holder.book, holder: holder.holder }
    }
    find.heads = () => {
      if (!this.#allHeads && !this.isWhole) {
        this.#missedAllHeads = true
        throw MISSING
      }
      const heads = new Map<Book, number>()
      for (const [book, known] of [...this.#books].sort(([a], [b]) => a - b)) {
        // Also one that has taken none: its first command comes after this.
        this.#rests.add(book)
        if (known.head.seq > 0) heads.set(book, known.head.seq)
      }
      return heads
    }
    return find
  }

  /** The head of a book as decided so far. */
  head(book: Book): Head {
    const known = this.#books.get(book)
    if (known) return known.head
    if (!this.isWhole) {
      this.#missedHeads.add(book)
      throw MISSING
    }
    this.#books.set(book, { base: NONE, head: NONE, facts: new Facts() })
    return NONE
  }

  /** The head of a book as the database had it: what `record` will compare. */
  base(book: Book): Head {
    return this.#known(book).base
  }

  /** The heads of all books that were looked at, as the database had them. */
  bases(): Map<Book, Head> {
    return new Map([...this.#books].map(([book, { base }]) => [book, base]))
  }

  #known(book: Book): Known {
    const known = this.#books.get(book)
    if (!known) throw new Error(`book ${book} is not known`)
    return known
  }

  #get(kind: FactKind<Fact>, key: string, book: Book): Fact | null {
    const value = this.#books.get(book)?.facts.of(kind).get(key)
    if (value === undefined) {
      if (this.isWhole) return null
      this.#miss(kind, key, book)
      throw MISSING
    }
    return value
  }

  #miss(kind: FactKind<Fact>, key: string, book: Book): void {
    this.#misses.push({ kind, key, book })
    if (!this.#books.has(book)) this.#missedHeads.add(book)
  }

  get isMissing(): boolean {
    return this.#misses.length > 0 || this.#missedHolders.size > 0 || this.#missedHeads.size > 0 || this.#missedAllHeads
  }

  /**
   * Reads everything that was missed, in a few set queries: heads first, then the facts under them, so that a fact is
   * never older than its head.
   */
  async load(source: FactSource): Promise<void> {
    const misses = this.#misses
    const keys = [...this.#missedHolders]
    const all = this.#missedAllHeads
    const books = [...this.#missedHeads]
    this.#misses = []
    this.#missedHolders = new Set()
    this.#missedHeads = new Set()
    this.#missedAllHeads = false

    const byKind = new Map<FactKind<Fact>, Map<string, Book>>()
    for (const { kind, key, book } of misses) {
      const wanted = byKind.get(kind) ?? new Map<string, Book>()
      wanted.set(key, book)
      byKind.set(kind, wanted)
    }
    // Awaited, not only sent first: the driver may send a query again behind others when its plan was invalidated.
    const heads = books.length > 0 ? await source.heads(books) : new Map<Book, Head>()
    const more = all ? await source.allHeads() : new Map<Book, Head>()
    const [holders, ...loaded] = await Promise.all([
      source.holders(keys),
      ...[...byKind].map(([kind, wanted]) => source.facts(kind, [...wanted.keys()])),
    ])

    for (const [book, head] of [...heads, ...more]) {
      if (!this.#books.has(book)) this.#books.set(book, { base: head, head, facts: new Facts() })
    }
    if (all) this.#allHeads = true
    for (const key of keys) this.#holders.set(key, holders.get(key) ?? null)
    let index = 0
    for (const [kind, wanted] of byKind) {
      for (const [key, book] of wanted) {
        const facts = this.#known(book).facts.of(kind)
        if (!facts.has(key)) facts.set(key, null)
      }
      for (const value of loaded[index++]!) {
        const facts = this.#known(value.book).facts.of(kind)
        const key = kind.key(value)
        if (facts.get(key) === null) facts.set(key, value)
      }
    }
  }

  /** From here on changes can be taken back, until `keep` or `takeBack`. */
  savepoint(): void {
    this.#undo = []
  }

  keep(): void {
    this.#undo = undefined
  }

  takeBack(): void {
    const undo = this.#undo ?? []
    this.#undo = undefined
    for (const step of undo.reverse()) step()
  }

  #note(step: () => void): void {
    this.#undo?.push(step)
  }

  #setMap<K, V>(map: Map<K, V>, key: K, value: V): void {
    if (this.#undo) {
      const had = map.has(key)
      const before = map.get(key) as V
      this.#note(() => (had ? map.set(key, before) : map.delete(key)))
    }
    map.set(key, value)
  }

  /**
   * Takes a plan up: gives it its numbers, opens accounts, moves balances and holds, and makes all of it visible to
   * the next decision. Throws MISSING before anything changes; throws a fault when the plan would break the chart.
   */
  apply(plan: Plan, at: Instant): Booking {
    const find = this.reader(new Set())
    const head = this.head(plan.book)
    const known = this.#known(plan.book)
    const lines = plan.entry ?? []

    // First everything is read and computed, so that nothing is half done when a fact is missing.
    const touched = new Map<string, { account: Account; fresh: boolean }>()
    let opened = head.accounts
    const resolve = (key: string, name: AccountName) => {
      let found = touched.get(key)
      if (!found) {
        const account = name.isNew ? null : find(accounts, key)
        found = account
          ? { account, fresh: false }
          : {
              account: moved({ ...name, book: plan.book, account: ++opened, posted: 0n, held: 0n }, 0n, 0n),
              fresh: true,
            }
        touched.set(key, found)
      }
      return found
    }
    const changedHolds = new Map<number, Hold>()
    const newLegs: string[] = []
    const resolved: Line[] = lines.map((line) => {
      const { amount, phase, type, hold } = line
      const debitKey = accountKey(plan.book, line.debit)
      const creditKey = accountKey(plan.book, line.credit)
      const debit = resolve(debitKey, line.debit)
      const credit = resolve(creditKey, line.credit)
      if (hold) this.#moveHold(find, plan.book, line, changedHolds, newLegs)
      if (phase === 'hold') debit.account = moved(debit.account, 0n, amount)
      else if (phase === 'release') debit.account = moved(debit.account, 0n, -amount)
      else {
        debit.account = moved(debit.account, signed(debit.account, 'debit', amount), phase === 'capture' ? -amount : 0n)
        credit.account = moved(credit.account, signed(credit.account, 'credit', amount), 0n)
      }
      return {
        type,
        phase,
        amount,
        debit: line.debit,
        credit: line.credit,
        debitKey,
        creditKey,
        ...(hold ? { hold } : {}),
      }
    })
    for (const { account } of touched.values()) {
      if (account.held < 0n || (accountKinds[account.kind].floor && account.posted < account.held)) {
        throw new Error(`${account.kind} ${account.owner} of book ${plan.book} would fall below zero`)
      }
    }

    const stray = plan.rows?.find(({ value }) => value.book !== plan.book)
    if (stray) throw new Error(`a ${stray.kind.name} row of book ${stray.value.book} in a plan of book ${plan.book}`)

    const booking: Booking = {
      book: plan.book,
      seq: head.seq + 1,
      entry: lines.length > 0 ? head.entries + 1 : null,
      moment: at > head.moment ? at : head.moment,
      lines: resolved,
      changes: plan.rows && this.isRecorded ? this.#differences(plan.rows) : undefined,
    }
    this.#note(() => {
      known.head = head
    })
    known.head = {
      seq: booking.seq,
      entries: booking.entry ?? head.entries,
      accounts: opened,
      moment: booking.moment,
      batch: this.#batch,
    }
    for (const [key, { account }] of touched) this.#setMap(known.facts.of(accounts), key, account)
    for (const hold of changedHolds.values()) this.#setMap(known.facts.of(holds), holds.key(hold), hold)
    for (const { kind, value } of plan.rows ?? []) this.#setMap(known.facts.of(kind), kind.key(value), value)
    for (const { key, holder } of plan.claims ?? []) this.#hand(key, { book: plan.book, holder })
    for (const key of plan.frees ?? []) this.#hand(key, { book: plan.book, holder: null })
    if (this.isRecorded) this.#remember(plan, touched, changedHolds, newLegs)
    return booking
  }

  /** Adds what a plan has changed to what the batch has. */
  #remember(
    plan: Plan,
    touched: ReadonlyMap<string, { readonly account: Account; readonly fresh: boolean }>,
    changedHolds: ReadonlyMap<number, Hold>,
    newLegs: readonly string[],
  ): void {
    for (const [key, { account, fresh }] of touched) {
      if (fresh) this.#setMap(this.changes.opened, key, account)
      this.#setMap(this.changes.balances, key, account)
    }
    for (const hold of changedHolds.values()) this.#setMap(this.changes.holds, holds.key(hold), hold)
    for (const leg of newLegs) {
      this.changes.newLegs.add(leg)
      this.#note(() => this.changes.newLegs.delete(leg))
    }
    for (const row of plan.rows ?? []) this.#setMap(this.changes.rows, slot(row.kind, row.kind.key(row.value)), row)
    if (!this.changes.written.has(plan.book)) {
      this.changes.written.add(plan.book)
      this.#note(() => this.changes.written.delete(plan.book))
    }
  }

  /** Before and after of every field that the rows change, for the audit trail: {"noun key": {"field": [was, is]}}. */
  #differences(rows: readonly Row[]): string | undefined {
    let text = ''
    for (const { kind, value } of rows) {
      const key = kind.key(value)
      const before = this.#known(value.book).facts.of(kind).get(key)
      if (!before || kind.isCounter) continue
      const fields = differences(before, value)
      if (fields !== '') text += `${text && ','}${JSON.stringify(`${kind.name} ${key}`)}:{${fields}}`
    }
    return text === '' ? undefined : `{${text}}`
  }

  #moveHold(find: Find, book: Book, line: Transfer, changed: Map<number, Hold>, newLegs: string[]): void {
    const { hold: number, leg } = line.hold!
    if (line.phase === 'hold') {
      // Its number is that of the command which makes it, so before its first leg there can be none yet.
      const { legs } = changed.get(number) ?? (leg === 1 ? null : find(holds, holdKey(book, number))) ?? { legs: [] }
      const { type, debit, credit, amount } = line
      changed.set(number, { book, hold: number, legs: [...legs, { leg, type, debit, credit, amount, open: amount }] })
      newLegs.push(`${book}/${number}/${leg}`)
      return
    }
    const held = changed.get(number) ?? find(holds, holdKey(book, number)) ?? { book, hold: number, legs: [] }
    const legs = held.legs.map((l) => (l.leg === leg ? { ...l, open: l.open - line.amount } : l))
    if (!held.legs.some((l) => l.leg === leg) || legs.some((l) => l.open < 0n)) {
      throw new Error(`hold ${number} of book ${book} has no ${line.amount} open on leg ${leg}`)
    }
    changed.set(number, { ...held, legs })
  }

  #hand(key: string, holder: Holder): void {
    const seen = this.#holders.get(key)?.book
    this.#setMap(this.#holders, key, holder)
    if (!this.isRecorded) return
    this.changes.keys.push({ key, seen, ...holder })
    this.#note(() => this.changes.keys.pop())
  }

  /** Forgets everything, when a book has moved or an outcome is unknown; it is read again when next needed. */
  forget(): void {
    this.#books.clear()
    this.#flying.length = 0
    this.changes = new Changes()
  }

  /**
   * Drops facts beyond `most`, never those that a batch on its way has changed: they may not be in the database yet, and
   * read again they would be what was before.
   */
  trim(most: number): void {
    let count = 0
    for (const { facts } of this.#books.values()) count += facts.size
    if (count <= most) return
    const kept = new Set<string>()
    for (const { rows, balances, holds: legs } of [...this.#flying, this.changes]) {
      for (const key of rows.keys()) kept.add(key)
      for (const key of balances.keys()) kept.add(slot(accounts, key))
      for (const key of legs.keys()) kept.add(slot(holds, key))
    }
    // Somewhat more than must be, so that it is not done again after every batch.
    const enough = Math.floor(most * 0.9)
    for (const { facts } of [...this.#books.values()].sort((x, y) => y.facts.size - x.facts.size)) {
      for (const [kind, ofKind] of facts.kinds) {
        for (const key of ofKind.keys()) {
          if (count <= enough) return
          if (!kept.has(`${kind}${SEPARATOR}${key}`) && ofKind.delete(key)) count--
        }
      }
    }
  }
}

/** The fields that differ, as JSON; of a list only what was taken out and what was put in. */
function differences(before: Fact, after: Fact): string {
  let text = ''
  const was = before as unknown as Record<string, unknown>
  const now = after as unknown as Record<string, unknown>
  for (const field in now) {
    const is = now[field]
    if (was[field] === is) continue
    const pair = [json(was[field]), json(is)]
    if (pair[0] === pair[1]) continue
    text += `${text && ','}"${field}":${Array.isArray(was[field]) && Array.isArray(is) ? lists(was[field], is) : `[${pair}]`}`
  }
  return text
}

function lists(before: readonly unknown[], after: readonly unknown[]): string {
  const [was, is] = [before.map(json), after.map(json)]
  const only = (some: readonly string[], others: readonly string[]) => some.filter((one) => !others.includes(one))
  return `[[${only(was, is)}],[${only(is, was)}]]`
}

/** Money as the yuan text it is everywhere else. */
const json = (value: unknown) =>
  typeof value === 'object'
    ? JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? yuan(part) : part))
    : (JSON.stringify(typeof value === 'bigint' ? yuan(value) : value) ?? 'null')

function moved({ book, account, kind, owner, province, posted, held }: Account, post: Fen, hold: Fen): Account {
  const base = { book, account, kind, owner, posted: posted + post, held: held + hold }
  return province === undefined ? base : { ...base, province }
}

function signed(account: Account, side: 'debit' | 'credit', amount: Fen): Fen {
  return accountKinds[account.kind].normal === side ? amount : -amount
}

/** Where facts come from: the database, or nothing at all when a log is replayed. */
export interface FactSource {
  heads(books: readonly Book[]): Promise<Map<Book, Head>>
  allHeads(): Promise<Map<Book, Head>>
  holders(keys: readonly string[]): Promise<Map<string, Holder>>
  facts(kind: FactKind<Fact>, keys: readonly string[]): Promise<Fact[]>
}

/** Reads facts from the database over one connection, which keeps their order. */
export function databaseSource(sql: Sql): FactSource {
  const readHeads = async (books: readonly Book[] | null) => {
    const rows = await sql<
      { book: Book; seq: bigint; entries: bigint; accounts: number; moment: bigint; batch: bigint }[]
    >`
      select book, seq, entries, accounts, batch, (extract(epoch from booked_at) * 1000)::bigint as moment
      from books where ${books === null ? sql`true` : sql`book = any (${books as Book[]})`}`
    return new Map(
      rows.map((r) => [
        r.book,
        {
          seq: Number(r.seq),
          entries: Number(r.entries),
          accounts: r.accounts,
          moment: Number(r.moment),
          batch: Number(r.batch),
        },
      ]),
    )
  }
  return {
    heads: async (books) => (books.length === 0 ? new Map() : readHeads(books)),
    allHeads: () => readHeads(null),
    async holders(keys) {
      if (keys.length === 0) return new Map()
      const rows = await sql<({ key: string } & Holder)[]>`
        select key, book, holder from keys where key = any (${keys as string[]})`
      return new Map(rows.map(({ key, ...holder }) => [key, holder]))
    },
    facts: (kind, keys) => kind.load(sql, keys),
  }
}
