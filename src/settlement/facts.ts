import type { Day } from '../core/time.js'
import { REGION } from '../ledger/book.js'
import type { Fact, FactKind } from '../ledger/fact.js'
import type { AccountName } from '../ledger/plan.js'

/** A clearing period 清算周期 from its closing on. */
export interface Period extends Fact {
  readonly period: string
  /** The number of the region's command that closed it: closes are ordered by it. */
  readonly closing: number
  readonly through: Day
  readonly closedOn: Day
  /** True once every province has its position in the region's book. */
  readonly netted: boolean
  readonly paid: boolean
  /** The number it reaches in each book; written at closing, empty when read again. */
  readonly reaches: Readonly<Record<string, number>>
}

export const periods: FactKind<Period> = {
  name: 'periods',
  key: ({ period }) => period,
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<Period, 'closing'> & { closing: bigint })[]>`
      select 0 as book, period, closing, through, closed_on as "closedOn", netted, paid, '{}'::jsonb as reaches
      from periods where period = any (${keys as string[]})`
    return rows.map((row) => ({ ...row, closing: Number(row.closing) }))
  },
}

/** A province's position in the region's book for one period: positive when the others owe it. */
export const positionOf = (period: string, province: string): AccountName => ({
  kind: 'position',
  owner: `${province} ${period}`,
})

export const TREASURY: AccountName = { kind: 'treasury', owner: '' }
