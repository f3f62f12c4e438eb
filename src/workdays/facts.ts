import { type Day, yearOf } from '../core/time.js'
import type { HolidayNotice, Notices } from '../core/workdays.js'
import { REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'

/** A year's notice of holidays, as the region's office published it. */
export interface PublishedNotice extends Fact, HolidayNotice {
  /** The number of the region's command that last wrote it. */
  readonly version: number
}

export const workdays: FactKind<PublishedNotice> = {
  name: 'workdays',
  key: ({ year }) => String(year),
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<PublishedNotice, 'version'> & { version: bigint })[]>`
      select 0 as book, year, document, off, work, version from workdays where year = any (${keys.map(Number)}::int[])`
    return rows.map((row) => ({ ...row, version: Number(row.version) }))
  },
}

/**
 * What has been published for the year of a day and the next one: no period of workdays reaches further. Deciding again
 * later, on the same version of the region, finds the same.
 */
export function noticesAt(find: Find, day: Day): Notices {
  const year = yearOf(day)
  find.ahead([workdays, String(year)], [workdays, String(year + 1)])
  const found = [find(workdays, String(year)), find(workdays, String(year + 1))]
  return (of) => found.find((notice) => notice?.year === of) ?? null
}
