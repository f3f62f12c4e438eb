import type { Day } from '../core/time.js'
import { REGION } from '../ledger/book.js'
import type { Fact, FactKind } from '../ledger/fact.js'

/** What provinces owed each other by one agreement. Money as yuan: it is kept as JSON. */
export interface GrossLine {
  readonly from: string
  readonly to: string
  readonly agreement: number | null
  readonly amount: string
  readonly items: number
}

/** The last preview of a close 关账预览. */
export interface Preview extends Fact {
  readonly period: string
  /** The number of the region's command that kept it. */
  readonly preview: number
  readonly madeOn: Day
  readonly through: Day
  readonly group: string
  readonly gross: readonly GrossLine[]
}

export const previews: FactKind<Preview> = {
  name: 'period_previews',
  key: ({ period }) => period,
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<Preview, 'preview'> & { preview: bigint })[]>`
      select 0 as book, period, preview, made_on as "madeOn", through, group_name as "group", gross
      from period_previews where period = any (${keys as string[]})`
    return rows.map((row) => ({ ...row, preview: Number(row.preview) }))
  },
}
