import type { Day } from '../core/time.js'
import { REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'

/** What the shared list says of one party. */
export interface Integrity extends Fact {
  readonly uscc: string
  readonly entries: readonly {
    readonly listing: number
    readonly from: Day
    /** null: until further notice. */
    readonly to: Day | null
    readonly reason: string
    readonly by: string
  }[]
}

export const integrity: FactKind<Integrity> = {
  name: 'integrity',
  key: (listed) => listed.uscc,
  bookOf: () => REGION,
  load: (sql, keys) => sql<Integrity[]>`
    select 0 as book, uscc,
           jsonb_agg(jsonb_build_object('listing', listing, 'from', valid_from, 'to', valid_to, 'reason', reason,
                                        'by', listed_by) order by listing) as entries
    from integrity_entries where uscc = any (${keys as string[]}) group by uscc`,
}

/** True when the party is on the integrity list on this day. */
export function isListed(find: Find, uscc: string, day: Day): boolean {
  const listed = find(integrity, uscc)
  return listed?.entries.some(({ from, to }) => from <= day && (to === null || day <= to)) ?? false
}
