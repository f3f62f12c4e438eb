import type { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { bookText } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import type { Day } from '../core/time.js'
import { addDays } from '../core/time.js'
import { type HolidayNotice, isWorkday, type Notices } from '../core/workdays.js'
import { readableBooks } from '../engine/access.js'
import type { Book } from '../ledger/book.js'
import { lineReference } from '../payments/facts.js'
import type { Sql } from '../platform/database.js'
import { Faults } from '../platform/problems.js'
import { workdays } from '../workdays/facts.js'
import type {
  bankLineView,
  Exception,
  exceptionDetail,
  exceptionFilter,
  exceptionView,
  statementView,
} from './contract.js'
import { exceptionId, type Match, parseExceptionId, type Resolution, type Statement } from './facts.js'

const maskedAccount = (end: string) => `**** ${end}`

/** The books that an actor may read, of those asked for. */
function booksIn(actor: Actor, book: string | undefined) {
  const { low, high } = readableBooks(actor) ?? { low: 1, high: 0 }
  const asked = book === undefined ? undefined : Number(book)
  return asked === undefined
    ? { low, high }
    : low <= asked && asked <= high
      ? { low: asked, high: asked }
      : { low: 1, high: 0 }
}

// --- statements

type StatementRow = Omit<Statement, 'first'> & { first: bigint; exceptions: bigint }

const statementColumns = (sql: Sql) => sql`
  s.book, s.statement, s.account, s.number, s.from_day as "from", s.to_day as "to", s.opening, s.closing, s.lines,
  s.taken, s.repeated, s.first,
  (select count(*) from bank_exceptions x join bank_lines b
     on b.book = x.book and b.account = x.account and b.serial = x.serial
   where x.book = s.book and x.state = 'open' and b.statement = s.statement) as exceptions`

function viewOf(row: StatementRow): z.input<typeof statementView> {
  const { book, statement, account, number, from, to, opening, closing, lines, taken, repeated, exceptions } = row
  return {
    statement,
    book: bookText(book),
    account: maskedAccount(account),
    number,
    from,
    to,
    opening: yuan(opening),
    closing: yuan(closing),
    lines,
    taken,
    repeated,
    exceptions: Number(exceptions),
    state: taken < lines ? 'running' : 'finished',
  }
}

/** Statements of the books an actor may read, by book and by when they came. */
export async function statementsFor(
  sql: Sql,
  actor: Actor,
  asked: { book?: string | undefined; after: { book: number; number: number } | undefined; most: number },
) {
  const { low, high } = booksIn(actor, asked.book)
  const { book = 0, number = 0 } = asked.after ?? {}
  const rows = await sql<StatementRow[]>`
    select ${statementColumns(sql)} from bank_statements s
    where s.book between ${low} and ${high} and (s.book, s.first) > (${book}, ${number})
    order by s.book, s.first limit ${asked.most}`
  return rows.map((row) => ({ book: row.book, first: Number(row.first), view: viewOf(row) }))
}

/** One statement, if the actor may read its book. */
export async function statementFor(sql: Sql, actor: Actor, statement: string) {
  const { low, high } = booksIn(actor, undefined)
  const [row] = await sql<StatementRow[]>`
    select ${statementColumns(sql)} from bank_statements s
    where s.book between ${low} and ${high} and s.statement = ${statement}`
  return row && { book: row.book, view: viewOf(row) }
}

interface LineRow {
  readonly line: number
  readonly day: Day
  readonly side: 'debit' | 'credit'
  readonly amount: Fen
  readonly serial: string
  readonly name: string | null
  readonly reference: string | null
  readonly exception: bigint | null
  readonly matches: readonly (Omit<Match, 'amount'> & { amount: string })[] | null
}

/** The lines of a statement behind this one; those that another statement had before are with that one. */
export async function linesOf(sql: Sql, book: Book, statement: string, after: number, most: number) {
  const rows = await sql<LineRow[]>`
    select b.line, b.day, b.side, b.amount, b.serial, b.name, b.reference, x.exception,
           (select jsonb_agg(jsonb_build_object('kind', m.kind, 'payer', m.payer, 'batch', m.batch, 'line', m.line,
              'payee', m.payee, 'amount', m.amount::text) order by m.match)
            from bank_matches m where m.book = b.book and m.account = b.account and m.serial = b.serial) as matches
    from bank_lines b
    left join bank_exceptions x on x.book = b.book and x.exception = b.booked and x.line = b.line and x.serial = b.serial
    where b.book = ${book} and b.statement = ${statement} and b.line > ${after}
    order by b.line limit ${most}`
  return rows.map(
    ({ exception, matches, amount, ...row }): z.input<typeof bankLineView> => ({
      ...row,
      amount: yuan(amount),
      matches: (matches ?? []).map((match) => ({
        kind: match.kind,
        reference: match.batch === null ? null : lineReference(match.payer, match.batch, match.line!),
        payee: match.payee,
        amount: yuan(BigInt(match.amount)),
      })),
      exception: exception === null ? null : exceptionId({ book, exception: Number(exception), line: row.line }),
    }),
  )
}

// --- exceptions

export type ExceptionFilter = z.output<typeof exceptionFilter>

interface ExceptionRow {
  readonly book: Book
  readonly exception: bigint
  readonly line: number
  readonly account: string
  readonly serial: string
  readonly reason: Exception
  readonly openedOn: Day
  readonly owner: string | null
  readonly state: 'open' | 'resolved'
  readonly resolution: Resolution | null
  readonly statement: string
  readonly day: Day
  readonly side: 'debit' | 'credit'
  readonly amount: Fen
  readonly name: string | null
  readonly reference: string | null
}

type Place = { readonly book: Book; readonly exception: number; readonly line: number }

const filtered = (sql: Sql, actor: Actor, filter: ExceptionFilter, after: Place | undefined) => {
  const { low, high } = booksIn(actor, filter.book)
  const { book = 0, exception = 0, line = 0 } = after ?? {}
  return sql`
    from bank_exceptions x
    join bank_lines b on b.book = x.book and b.account = x.account and b.serial = x.serial
    where x.book between ${low} and ${high} and (x.book, x.exception, x.line) > (${book}, ${exception}, ${line})
      ${filter.state ? sql`and x.state = ${filter.state}` : sql``}
      ${filter.reason ? sql`and x.reason = ${filter.reason}` : sql``}
      ${filter.owner ? sql`and x.owner = ${filter.owner}` : sql``}
      ${filter.statement ? sql`and b.statement = ${filter.statement}` : sql``}`
}

const exceptionColumns = (sql: Sql) => sql`
  x.book, x.exception, x.line, x.account, x.serial, x.reason, x.opened_on as "openedOn", x.owner, x.state, x.resolution,
  b.statement, b.day, b.side, b.amount, b.name, b.reference`

/** How many exceptions there are of these, or one more than `most`. */
export async function countExceptions(sql: Sql, actor: Actor, filter: ExceptionFilter, most: number): Promise<number> {
  const [row] = await sql<{ size: bigint }[]>`
    select count(*) as size from (select 1 ${filtered(sql, actor, filter, undefined)} limit ${most + 1}) listed`
  return Number(row!.size)
}

/** Exceptions of the books an actor may read, as they are on this day. */
export async function exceptionsFor(
  sql: Sql,
  actor: Actor,
  asked: { filter: ExceptionFilter; after: Place | undefined; most: number; today: Day },
) {
  const rows = await sql<ExceptionRow[]>`
    select ${exceptionColumns(sql)} ${filtered(sql, actor, asked.filter, asked.after)}
    order by x.book, x.exception, x.line limit ${asked.most}`
  const notices = await noticesOf(sql)
  return rows.map((row) => exceptionOf(row, asked.today, notices))
}

/** One exception with what it may be for, if the actor may read its book. */
export async function exceptionFor(sql: Sql, actor: Actor, id: string, today: Day) {
  const { low, high } = booksIn(actor, undefined)
  const { book, exception, line } = parseExceptionId(id)
  const [row] = await sql<ExceptionRow[]>`
    select ${exceptionColumns(sql)} from bank_exceptions x
    join bank_lines b on b.book = x.book and b.account = x.account and b.serial = x.serial
    where x.book between ${low} and ${high} and x.book = ${book} and x.exception = ${exception} and x.line = ${line}`
  if (!row) return undefined
  const suggestions = row.state === 'open' ? await suggestionsFor(sql, row) : []
  return { ...exceptionOf(row, today, await noticesOf(sql)), suggestions } satisfies z.input<typeof exceptionDetail>
}

function exceptionOf(row: ExceptionRow, today: Day, notices: Notices): z.input<typeof exceptionView> {
  const { book, state, reason, day, side, amount, name, reference, account, serial, statement, owner, openedOn } = row
  const { as, on, reason: why, document, by, proposedBy } = row.resolution ?? {}
  return {
    exception: exceptionId({ ...row, exception: Number(row.exception) }),
    book: bookText(book),
    state,
    reason,
    day,
    side,
    amount: yuan(amount),
    name,
    reference,
    account: maskedAccount(account),
    serial,
    statement,
    owner,
    openedOn,
    age: workdaysBetween(openedOn, on ?? today, notices),
    as: as ?? null,
    resolvedOn: on ?? null,
    resolution: why ?? null,
    document: document ?? null,
    resolvedBy: by ?? null,
    proposedBy: proposedBy ?? null,
  }
}

/** So many suggestions at most. */
const MOST_SUGGESTED = 10

/** Lines that are open to the very amount: released ones for what was paid, paid ones for what came in. */
async function suggestionsFor(sql: Sql, { book, side, amount, name }: ExceptionRow) {
  const open =
    side === 'debit' ? sql`l.state = 'released' and l.released - l.paid = ${amount}` : sql`l.paid = ${amount}`
  const rows = await sql<{ batch: bigint; line: number; payee: string; isSameName: boolean }[]>`
    select l.batch, l.line, l.payee, coalesce(${name} in (p.name, e.name), false) as "isSameName"
    from payment_lines l
    left join providers p on 'provider:' || p.uscc = l.payee
    left join enterprises e on 'enterprise:' || e.uscc = l.payee
    where l.book = ${book} and ${open}
    order by "isSameName" desc, l.batch, l.line limit ${MOST_SUGGESTED}`
  return rows.map(({ batch, line, payee, isSameName }) => ({
    reference: lineReference(book, Number(batch), line),
    payee,
    amount: yuan(amount),
    isSameName,
  }))
}

/** Workdays after the first day up to the last one. */
function workdaysBetween(from: Day, to: Day, notices: Notices): number {
  let count = 0
  for (let day = addDays(from, 1); day <= to; day = addDays(day, 1)) if (isWorkday(day, notices)) count++
  return count
}

async function noticesOf(sql: Sql): Promise<Notices> {
  const years = await sql<{ year: number }[]>`select year from workdays`
  const found = await workdays.load(
    sql,
    years.map(({ year }) => String(year)),
  )
  const byYear = new Map<number, HolidayNotice>(found.map((notice) => [notice.year, notice]))
  return (year) => byYear.get(year) ?? null
}

/** A cursor names the last exception seen; throws Faults when it is not one of ours. */
export function readExceptionCursor(cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined
  const id = Buffer.from(cursor, 'base64url').toString()
  if (!/^X\d{6}-\d{1,15}-\d{1,10}$/.test(id)) throw new Faults([{ pointer: '/query/cursor', code: 'cursor_invalid' }])
  return parseExceptionId(id)
}

export const writeExceptionCursor = (id: string) => Buffer.from(id).toString('base64url')
