import type { Day } from '../core/time.js'
import { REGION } from '../ledger/book.js'
import type { Fact, FactKind } from '../ledger/fact.js'

/** The periods of a clearing group that are planned for a year 清算日历. */
export interface Calendar extends Fact {
  readonly group: string
  readonly year: number
  /** The number of the region's command that last wrote it. */
  readonly version: number
  /** In the order of their last days. */
  readonly periods: readonly { readonly period: string; readonly through: Day }[]
}

export const calendarKey = (group: string, year: number) => `${year} ${group}`

export const calendars: FactKind<Calendar> = {
  name: 'period_calendars',
  key: ({ group, year }) => calendarKey(group, year),
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<Calendar, 'version'> & { version: bigint })[]>`
      select 0 as book, group_name as "group", year, version, periods
      from period_calendars where year || ' ' || group_name = any (${keys as string[]})`
    return rows.map((row) => ({ ...row, version: Number(row.version) }))
  },
}
