import { bookText } from '../core/ids.js'
import type { Fen } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { Exception, Line } from './contract.js'

/** A bank statement 对账单 of one account of a book. Amounts in fen. */
export interface Statement extends Fact {
  /** Of book, account and number: 32 hex digits. */
  readonly statement: string
  /** The last four characters of the account's number: all of it that is kept here. */
  readonly account: string
  /** The bank's own number of it. */
  readonly number: string
  /** SHA-256 of what it says. */
  readonly digest: string
  readonly from: Day
  readonly to: Day
  readonly opening: Fen
  readonly closing: Fen
  readonly lines: number
  /** How many of its lines are booked. */
  readonly taken: number
  /** How many of those another statement had before. */
  readonly repeated: number
  /** The number of the book's command that took its first lines. */
  readonly first: number
}

export const statementKey = (book: Book, statement: string) => `${book}/${statement}`

export const statements: FactKind<Statement> = {
  name: 'bank_statements',
  // The log's own commands say whose lines they take.
  isCounter: true,
  key: ({ book, statement }) => statementKey(book, statement),
  bookOf: (key) => Number(key.slice(0, key.indexOf('/'))),
  async load(sql, keys) {
    const parts = keys.map((key) => key.split('/') as [string, string])
    const rows = await sql<(Omit<Statement, 'first'> & { first: bigint })[]>`
      select s.book, s.statement, s.account, s.number, s.digest, s.from_day as "from", s.to_day as "to", s.opening,
             s.closing, s.lines, s.taken, s.repeated, s.first
      from unnest(${parts.map((p) => Number(p[0]))}::int[], ${parts.map((p) => p[1])}::text[]) as k (book, statement)
      join bank_statements s on s.book = k.book and s.statement = k.statement`
    return rows.map((row) => ({ ...row, first: Number(row.first) }))
  },
}

/** What a bank line, or a part of it, was taken for: a payment, one that came back, an instruction, a refund. */
export interface Match {
  readonly kind: 'pay' | 'bounce' | 'receive' | 'refund'
  /** The book of the payment line; of a refund the book it came to. */
  readonly payer: Book
  readonly batch: number | null
  readonly line: number | null
  /** Of a refund: as its payable account is owned. */
  readonly payee: string | null
  readonly amount: Fen
}

/** What the bank booked 银行流水; it never changes, only what it is taken for is added. */
export interface BankLine extends Fact, Line {
  readonly account: string
  /** The first statement that had it. */
  readonly statement: string
  /** The number of the book's command that took it. */
  readonly booked: number
  readonly matches: readonly Match[]
}

const SEPARATOR = '\u001f'
export const bankLineKey = (book: Book, account: string, serial: string) => [book, account, serial].join(SEPARATOR)

export const bankLines: FactKind<BankLine> = {
  name: 'bank_lines',
  isCounter: true,
  key: ({ book, account, serial }) => bankLineKey(book, account, serial),
  bookOf: (key) => Number(key.slice(0, key.indexOf(SEPARATOR))),
  async load(sql, keys) {
    const parts = keys.map((key) => key.split(SEPARATOR) as [string, string, string])
    const rows = await sql<
      (Omit<BankLine, 'matches' | 'booked'> & {
        booked: bigint
        matches: (Omit<Match, 'amount'> & { amount: string })[]
      })[]
    >`
      select b.book, b.account, b.serial, b.statement, b.line, b.day, b.side, b.amount, b.name, b.reference,
             b.booked,
             coalesce((select jsonb_agg(jsonb_build_object('kind', m.kind, 'payer', m.payer, 'batch', m.batch,
               'line', m.line, 'payee', m.payee, 'amount', m.amount::text) order by m.match)
             from bank_matches m where m.book = b.book and m.account = b.account and m.serial = b.serial), '[]') as matches
      from unnest(${parts.map((p) => Number(p[0]))}::int[], ${parts.map((p) => p[1])}::text[],
                  ${parts.map((p) => p[2])}::text[]) as k (book, account, serial)
      join bank_lines b on b.book = k.book and b.account = k.account and b.serial = k.serial`
    return rows.map(({ matches, ...row }) => ({
      ...row,
      booked: Number(row.booked),
      matches: matches.map(({ amount, ...match }) => ({ ...match, amount: BigInt(amount) })),
    }))
  },
}

/** How an exception ended. */
export interface Resolution {
  readonly as: 'payment' | 'refund' | 'ignored'
  readonly reason: string
  /** The number of the document that it rests on. */
  readonly document: string | null
  readonly by: string
  readonly proposedBy: string | null
  readonly on: Day
  /** The number of the book's command that ended it. */
  readonly seq: number
}

/** A bank line that nothing was found for 差错. */
export interface BankException extends Fact {
  /** The number of the book's command that took it. */
  readonly exception: number
  /** Which line of its statement. */
  readonly line: number
  readonly account: string
  readonly serial: string
  readonly reason: Exception
  readonly openedOn: Day
  /** Who looks after it. */
  readonly owner: string | null
  readonly state: 'open' | 'resolved'
  readonly resolution: Resolution | null
}

/** An exception's id: `X320509-1234-17`. */
export const exceptionId = ({ book, exception, line }: Pick<BankException, 'book' | 'exception' | 'line'>) =>
  `X${bookText(book)}-${exception}-${line}`

/** The parts of an exception's id. */
export function parseExceptionId(id: string) {
  const [book, exception, line] = id.slice(1).split('-').map(Number)
  return { book: book!, exception: exception!, line: line! }
}

export const exceptions: FactKind<BankException> = {
  name: 'bank_exceptions',
  key: exceptionId,
  bookOf: (key) => parseExceptionId(key).book,
  async load(sql, keys) {
    const ids = keys.map(parseExceptionId)
    const rows = await sql<(Omit<BankException, 'exception'> & { exception: bigint })[]>`
      select x.book, x.exception, x.line, x.account, x.serial, x.reason, x.opened_on as "openedOn", x.owner, x.state,
             x.resolution
      from unnest(${ids.map((i) => i.book)}::int[], ${ids.map((i) => i.exception)}::bigint[],
                  ${ids.map((i) => i.line)}::int[]) as k (book, exception, line)
      join bank_exceptions x on x.book = k.book and x.exception = k.exception and x.line = k.line`
    return rows.map((row) => ({ ...row, exception: Number(row.exception) }))
  },
}

/** The exception of this id; throws Refused('exception_not_found'). */
export function exceptionOf(find: Find, id: string): BankException {
  const exception = find(exceptions, id)
  if (!exception) throw new Refused('exception_not_found', { exception: id })
  return exception
}

/** What has come in of an instruction 划拨指令 that another book pays. */
export interface Receipts extends Fact {
  readonly payer: Book
  readonly batch: number
  readonly line: number
  readonly received: Fen
}

export const receiptsKey = (book: Book, { payer, batch, line }: Pick<Receipts, 'payer' | 'batch' | 'line'>) =>
  [book, payer, batch, line].join('/')

export const receipts: FactKind<Receipts> = {
  name: 'instruction_receipts',
  isCounter: true,
  key: (row) => receiptsKey(row.book, row),
  bookOf: (key) => Number(key.slice(0, key.indexOf('/'))),
  async load(sql, keys) {
    const parts = keys.map((key) => key.split('/').map(Number) as [number, number, number, number])
    const rows = await sql<(Omit<Receipts, 'batch'> & { batch: bigint })[]>`
      select r.book, r.payer, r.batch, r.line, r.received
      from unnest(${parts.map((p) => p[0])}::int[], ${parts.map((p) => p[1])}::int[],
                  ${parts.map((p) => p[2])}::bigint[], ${parts.map((p) => p[3])}::int[]) as k (book, payer, batch, line)
      join instruction_receipts r on r.book = k.book and r.payer = k.payer and r.batch = k.batch and r.line = k.line`
    return rows.map((row) => ({ ...row, batch: Number(row.batch) }))
  },
}
