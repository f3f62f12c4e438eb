import { randomBytes, randomUUID } from 'node:crypto'
import { transferTypes } from '../../src/ledger/chart.js'
import { connectEngine, type Sql } from '../../src/platform/database.js'
import { uscc } from '../../test/support/scene.js'
import type { Database } from './cluster.js'
import { oneOf } from './load.js'
import type { Pool } from './scene.js'

/** The floor: the very same rows written and balances moved by set-based SQL alone, no rules and no engine. */
export interface FloorContext {
  /** A copy of the section's database after its set-up; it is thrown away unverified. */
  readonly database: Database
}

/** One statement: the log, its transfers, what they move, the heads. */
const WRITE = `
  with c as (
    insert into clearing.commands (seq, booked_at, fingerprint, key, book, entry, actor, day, kind, body, event, rests)
    select c.seq, now(), c.fingerprint, c.key, c.book, c.entry, 1, current_date, $1::clearing.command_kind, c.body,
           c.event, '{"0":100000}'
    from rows from (
      unnest($2::bigint[], $3::bigint[], $4::uuid[], $5::integer[], $6::integer[]),
      json_array_elements($7::text::json), json_array_elements($8::text::json)
    ) as c (seq, fingerprint, key, book, entry, body, event)
  ), t as (
    insert into clearing.transfers (seq, amount, book, entry, line, debit, credit, type, phase)
    select t.seq, t.amount, t.book, t.entry, t.line, t.debit, t.credit, t.type, 0
    from unnest($9::bigint[], $10::bigint[], $11::integer[], $12::integer[], $13::integer[], $14::integer[],
                $15::integer[], $16::integer[]) as t (seq, amount, book, entry, line, debit, credit, type)
  ), a as (
    update clearing.accounts set posted = accounts.posted + d.amount
    from unnest($17::integer[], $18::integer[], $19::bigint[]) as d (book, account, amount)
    where accounts.book = d.book and accounts.account = d.account
  )
  update clearing.books set seq = h.seq, entries = h.entry, booked_at = now(), batch = 1
  from unnest($20::integer[], $21::bigint[], $22::integer[]) as h (book, seq, entry)
  where books.book = h.book`

/** What one statement writes, column by column. */
class Rows {
  readonly commands: (string | number)[][] = [[], [], [], [], []]
  readonly bodies: string[] = []
  readonly events: string[] = []
  readonly transfers: number[][] = [[], [], [], [], [], [], [], []]
  /** What the accounts move by, in fen, by book and account. */
  readonly moved = new Map<string, number>()
  readonly heads = new Map<number, Head>()

  constructor(readonly kind: string) {}

  command(book: number, head: Head, key: boolean, body: string, event: string): void {
    head.seq++
    head.entry++
    this.heads.set(book, head)
    const fingerprint = key ? randomBytes(8).readBigInt64LE().toString() : 'NULL'
    add(this.commands, head.seq, fingerprint, key ? randomUUID() : 'NULL', book, head.entry)
    this.bodies.push(body)
    this.events.push(event)
  }

  transfer(book: number, { seq, entry }: Head, line: number, move: Move): void {
    const { type, debit, credit, amount } = move
    add(this.transfers, seq, amount, book, entry, line, debit, credit, transferTypes[type].no)
    this.#move(`${book},${debit}`, move.onDebit)
    this.#move(`${book},${credit}`, move.onCredit)
  }

  #move(account: string, amount: number): void {
    this.moved.set(account, (this.moved.get(account) ?? 0) + amount)
  }

  parameters(): string[] {
    const moved = [...this.moved].map(([account, amount]) => [...account.split(','), amount])
    const heads = [...this.heads].map(([book, { seq, entry }]) => [book, seq, entry])
    return [
      this.kind,
      ...this.commands.map(array),
      `[${this.bodies.join()}]`,
      `[${this.events.join()}]`,
      ...this.transfers.map(array),
      ...[0, 1, 2].map((n) => array(moved.map((row) => row[n]!))),
      ...[0, 1, 2].map((n) => array(heads.map((row) => row[n]!))),
    ]
  }
}

interface Head {
  seq: number
  entry: number
}

interface Move {
  readonly type: keyof typeof transferTypes
  readonly debit: number
  readonly credit: number
  readonly amount: number
  /** What is added to the two balances, in fen on the normal side. */
  readonly onDebit: number
  readonly onCredit: number
}

const array = (values: readonly (string | number)[]) => `{${values.join()}}`

function add<T>(columns: T[][], ...values: T[]): void {
  values.forEach((value, n) => {
    columns[n]!.push(value)
  })
}

/** Writes statement after statement, the next one sent behind the last; returns how many units a second were written. */
async function write(database: Database, seconds: number, next: () => { rows: Rows; units: number }): Promise<number> {
  const sql = connectEngine(database.migrateUrl)
  const send = ({ rows, units }: ReturnType<typeof next>) =>
    sql.unsafe(WRITE, rows.parameters(), { prepare: true }).then(() => units)
  try {
    await send(next())
    const flying = [send(next()), send(next())]
    const started = performance.now()
    let done = 0
    while (performance.now() - started < seconds * 1000) {
      done += await flying.shift()!
      flying.push(send(next()))
    }
    const took = performance.now() - started
    await Promise.all(flying)
    return (done * 1000) / took
  } finally {
    await sql.end({ timeout: 5 })
  }
}

async function headsOf(database: Database): Promise<Map<number, Head>> {
  return withOwner(database, async (sql) => {
    const rows = await sql<{ book: number; seq: bigint; entries: bigint }[]>`select book, seq, entries from books`
    return new Map(rows.map(({ book, seq, entries }) => [book, { seq: Number(seq), entry: Number(entries) }]))
  })
}

/** The numbers of accounts, by book and owner. */
async function accountsOf(database: Database, kind: number): Promise<Map<string, number>> {
  return withOwner(database, async (sql) => {
    const rows = await sql<{ book: number; account: number; owner: string }[]>`
      select book, account, owner from accounts where kind = ${kind}`
    return new Map(rows.map(({ book, account, owner }) => [`${book} ${owner}`, account]))
  })
}

async function withOwner<T>({ migrateUrl }: Database, use: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connectEngine(migrateUrl)
  try {
    return await use(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** Commands a second in batches, each with one transfer to one of the pools; `hot`: all to one pool of one book. */
export async function floorCore(
  { database, pools }: FloorContext & { readonly pools: readonly Pool[] },
  { batch, seconds, hot }: { readonly batch: number; readonly seconds: number; readonly hot: boolean },
): Promise<number> {
  const heads = await headsOf(database)
  const sources = await accountsOf(database, 1)
  const accounts = await accountsOf(database, 3)
  const amount = 100
  return write(database, seconds, () => {
    const rows = new Rows('appropriate')
    // Book by book, as the engine sends them.
    const picked = Array.from({ length: batch }, () => (hot ? pools[0]! : oneOf(pools)))
    if (!hot) picked.sort((a, b) => Number(a.jurisdiction) - Number(b.jurisdiction))
    for (const { program, jurisdiction } of picked) {
      const book = Number(jurisdiction)
      const head = heads.get(book)!
      const body = `{"program":"${program}","amount":"1.00"}`
      rows.command(book, head, true, body, `{"program":"${program}","amount":"1.00","pool":"12.00"}`)
      const [debit, credit] = [sources.get(`${book} `)!, accounts.get(`${book} ${program}`)!]
      rows.transfer(book, head, 1, { type: 'appropriate', debit, credit, amount, onDebit: amount, onCredit: amount })
    }
    return { rows, units: batch }
  })
}

const LINES = 1000
/** Entries in one statement, about as many as the engine finds in a batch. */
const ENTRIES = 4

/** Transfers a second in entries of 1,000 lines, one entry a book, to the payees that have accounts there. */
export async function floorLines(
  { database, books }: FloorContext & { readonly books: readonly number[] },
  { seconds }: { readonly seconds: number },
): Promise<number> {
  const heads = await headsOf(database)
  const treasuries = await accountsOf(database, 2)
  const payees = await accountsOf(database, 6)
  const owners = Array.from({ length: LINES }, (_, n) => `provider:${uscc(n)}`)
  const amount = 100
  let entry = 0
  return write(database, seconds, () => {
    const rows = new Rows('pay')
    for (let n = 0; n < ENTRIES; n++, entry++) {
      // Each entry of a statement in a book of its own; what a book has paid comes back in the next round.
      const book = books[entry % books.length]!
      const head = heads.get(book)!
      const isPaying = Math.floor(entry / books.length) % 2 === 0
      const province = Math.floor(book / 10_000) * 10_000
      const asked = owners.map((payee) => ({ payee, province, amount: isPaying ? '1.00' : '-1.00' }))
      const event = { period: 'bench', paid: isPaying ? '1000.00' : '-1000.00', payees: LINES, orders: 0 }
      const body = JSON.stringify({ period: 'bench', book, payees: asked, orders: [] })
      rows.command(book, head, false, body, JSON.stringify(event))
      const treasury = treasuries.get(`${book} `)!
      owners.forEach((owner, index) => {
        const payee = payees.get(`${book} ${owner}`)!
        const change = isPaying ? amount : -amount
        const [debit, credit] = isPaying ? [payee, treasury] : [treasury, payee]
        const moves = { onDebit: change, onCredit: change }
        rows.transfer(book, head, index + 1, {
          type: isPaying ? 'advance' : 'recover',
          debit,
          credit,
          amount,
          ...moves,
        })
      })
    }
    return { rows, units: ENTRIES * LINES }
  })
}
