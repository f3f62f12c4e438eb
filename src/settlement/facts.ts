import type { Fen } from '../core/money.js'
import type { Day } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind } from '../ledger/fact.js'
import type { AccountName } from '../ledger/plan.js'
import type { settlementParts } from './contract.js'

/** What a clearing agreement of mode netted came to in a period. */
export interface PeriodPair {
  readonly one: Book
  readonly other: Book
  readonly agreement: number
  /** What `one` owes `other` less what it is owed, in fen. */
  readonly net: Fen
  readonly netted: boolean
  readonly why: 'agreed' | 'below_threshold' | 'above_cap'
}

/** A clearing period 清算周期 from its closing on. */
export interface Period extends Fact {
  readonly period: string
  /** The number of the region's command that closed it: closes are ordered by it. */
  readonly closing: number
  readonly through: Day
  readonly closedOn: Day
  /** True once every province has its position in the region's book. */
  readonly netted: boolean
  /** Whose items it takes; null: all, and paid in one piece. */
  readonly group: string | null
  /** True once every piece of its settlement is booked. */
  readonly settled: boolean
  readonly paid: boolean
  /** What each clearing agreement came to; written at netting, empty when read again. */
  readonly pairs: readonly PeriodPair[]
  /** The number it reaches in each book; written at closing, empty when read again. */
  readonly reaches: Readonly<Record<string, number>>
}

export const periods: FactKind<Period> = {
  name: 'periods',
  key: ({ period }) => period,
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<Period, 'closing'> & { closing: bigint })[]>`
      select 0 as book, period, closing, through, closed_on as "closedOn", group_name as "group", netted, settled, paid,
             '{}'::jsonb as reaches, '[]'::jsonb as pairs
      from periods where period = any (${keys as string[]})`
    return rows.map((row) => ({ ...row, closing: Number(row.closing) }))
  },
}

/** A province's position in the region's book for one period: positive when the others owe it. */
export const positionOf = (period: string, province: string): AccountName => ({
  kind: 'position',
  owner: `${province} ${period}`,
})

/** A piece of a period's settlement that a book has booked. */
export interface SettlementPart extends Fact {
  readonly period: string
  readonly part: (typeof settlementParts)[number]
  readonly piece: number
  /** The number of the book's command that booked it; its payment batch has the same. */
  readonly seq: number
}

export const partKey = ({ book, part, piece, period }: Omit<SettlementPart, 'seq'>) =>
  `${book}/${part}/${piece}/${period}`

export const parts: FactKind<SettlementPart> = {
  name: 'settlement_parts',
  // The log's own commands say what they settle.
  isCounter: true,
  key: partKey,
  bookOf: (key) => Number(key.slice(0, key.indexOf('/'))),
  async load(sql, keys) {
    const rows = await sql<(Omit<SettlementPart, 'seq'> & { seq: bigint })[]>`
      select book, period, part, piece, seq from settlement_parts
      where book || '/' || part || '/' || piece || '/' || period = any (${keys as string[]})
        and book = any (${keys.map((key) => Number(key.slice(0, key.indexOf('/'))))}::int[])`
    return rows.map((row) => ({ ...row, seq: Number(row.seq) }))
  },
}

export const TREASURY: AccountName = { kind: 'treasury', owner: '' }
