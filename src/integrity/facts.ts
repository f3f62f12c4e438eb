import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { appealVerdicts, Consequence, corrections } from './contract.js'

/** When, where and for what an entry counts. */
export interface Terms {
  readonly from: Day
  /** null: until further notice. */
  readonly to: Day | null
  /** The jurisdictions, each with those below it, and the zones whose programs it concerns; null: the whole region. */
  readonly reach: readonly string[] | null
  /** null: all of them. */
  readonly consequences: readonly Consequence[] | null
}

/** One entry of the shared list 名单记录; what is numbered has the number of the region's command that made it. */
export interface Entry extends Terms {
  readonly listing: number
  readonly reason: string
  /** The organisation and the person who listed it. */
  readonly by: string
  readonly person: string
  /** Who asked for it; not said of what was listed before that was kept. */
  readonly proposedBy?: string
  /** Whose entry it is; null where that was not said. */
  readonly jurisdiction: Book | null
  readonly source: string | null
  /** 文号 */
  readonly decision: string | null
  /** The number of the region's command that last changed what it says. */
  readonly version: number
  /** The number of the command that removed it. */
  readonly removed: number | null
  readonly corrections: readonly {
    readonly correction: number
    readonly on: Day
    readonly by: string
    readonly verdict: (typeof corrections)[number]
    readonly reason: string
    /** What it said before. */
    readonly was: Terms
  }[]
  readonly appeals: readonly Appeal[]
  readonly acknowledged: readonly { readonly organisation: string; readonly on: Day; readonly version: number }[]
}

export interface Appeal {
  readonly appeal: number
  readonly on: Day
  readonly reason: string
  readonly evidence: readonly string[]
  readonly decision: {
    readonly on: Day
    readonly by: string
    readonly verdict: (typeof appealVerdicts)[number]
    readonly reason: string
  } | null
}

/** What the shared list says of one party. */
export interface Integrity extends Fact {
  readonly uscc: string
  readonly entries: readonly Entry[]
}

export const integrity: FactKind<Integrity> = {
  name: 'integrity',
  key: (listed) => listed.uscc,
  bookOf: () => REGION,
  load: (sql, keys) => sql<Integrity[]>`
    select 0 as book, uscc,
           jsonb_agg(jsonb_build_object('listing', listing, 'from', valid_from, 'to', valid_to, 'reason', reason,
                       'by', listed_by, 'person', person, 'jurisdiction', jurisdiction, 'source', source,
                       'decision', decision, 'reach', reach, 'consequences', consequences, 'version', version,
                       'removed', removed, 'corrections', corrections, 'appeals', appeals,
                       'acknowledged', acknowledged)
                     || jsonb_strip_nulls(jsonb_build_object('proposedBy', proposed_by)) order by listing) as entries
    from integrity_entries where uscc = any (${keys as string[]}) group by uscc`,
}

/** A party's list and the entry of this number; throws Refused('listing_not_found'). */
export function listingOf(find: Find, uscc: string, number: number): { listed: Integrity; entry: Entry } {
  const listed = find(integrity, uscc)
  const entry = listed?.entries.find(({ listing }) => listing === number)
  if (!listed || !entry) throw new Refused('listing_not_found', { party: uscc, listing: number })
  return { listed, entry }
}

/** The appeal of this number; throws Refused('appeal_not_found'). */
export function appealOf(entry: Entry, number: number): Appeal {
  const found = entry.appeals.find(({ appeal }) => appeal === number)
  if (!found) throw new Refused('appeal_not_found', { appeal: number })
  return found
}
