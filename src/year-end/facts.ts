import type { Fen } from '../core/money.js'
import type { Day } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { Fact, FactKind } from '../ledger/fact.js'
import type { AccountName } from '../ledger/plan.js'
import type { subsidyBases } from './contract.js'

/** One version of a rule on subsidies 补助规则; days inclusive. */
export interface SubsidyVersion {
  readonly version: number
  readonly jurisdictions: readonly string[]
  readonly basis: (typeof subsidyBases)[number]
  readonly share: string
  readonly from: Day
  readonly to: Day
  readonly document: string
}

/** Shares that were booked 已计提补助. Money as yuan: it is kept as JSON. */
export interface SubsidyRun {
  /** The number of the book's command that booked them. */
  readonly run: number
  readonly version: number
  readonly from: Day
  readonly to: Day
  readonly items: readonly { readonly jurisdiction: string; readonly base: string; readonly amount: string }[]
}

/** What a program's pool pays the jurisdictions below its own. */
export interface Subsidy extends Fact {
  readonly program: string
  /** Oldest first; the newest that covers a day is in force on it. */
  readonly versions: readonly SubsidyVersion[]
  readonly runs: readonly SubsidyRun[]
}

const SEPARATOR = ' '
/** Of a program's facts in its jurisdiction's book. */
export const inBook = (book: Book, program: string) => `${book}${SEPARATOR}${program}`
const partsOf = (key: string) => {
  const at = key.indexOf(SEPARATOR)
  return { book: Number(key.slice(0, at)), program: key.slice(at + 1) }
}

export const subsidies: FactKind<Subsidy> = {
  name: 'subsidies',
  key: ({ book, program }) => inBook(book, program),
  bookOf: (key) => partsOf(key).book,
  load: (sql, keys) => sql<Subsidy[]>`
    select s.book, s.program, s.versions, s.runs
    from unnest(${keys.map((key) => partsOf(key).book)}::int[], ${keys.map((key) => partsOf(key).program)}::text[])
      as k (book, program)
    join subsidies s on s.book = k.book and s.program = k.program`,
}

/** What the treasury's own books say it has given for a program; the log has the earlier figures. */
export interface TreasuryFigure extends Fact {
  readonly program: string
  readonly amount: Fen
  readonly asOf: Day
  readonly document: string
  readonly recordedOn: Day
}

export const treasuryFigures: FactKind<TreasuryFigure> = {
  name: 'treasury_figures',
  key: ({ book, program }) => inBook(book, program),
  bookOf: (key) => partsOf(key).book,
  load: (sql, keys) => sql<TreasuryFigure[]>`
    select f.book, f.program, f.amount, f.as_of as "asOf", f.document, f.recorded_on as "recordedOn"
    from unnest(${keys.map((key) => partsOf(key).book)}::int[], ${keys.map((key) => partsOf(key).program)}::text[])
      as k (book, program)
    join treasury_figures f on f.book = k.book and f.program = k.program`,
}

/** What a jurisdiction below is owed of a subsidy. */
export const subsidyTo = (jurisdiction: string): AccountName => ({
  kind: 'payable',
  owner: `jurisdiction:${jurisdiction}`,
})
