import { type Agreement, coveredBy, type Pair } from '../agreements/facts.js'
import { isUnder, provinceOf } from '../core/division.js'
import type { Day } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { HomeReview } from '../reviews/facts.js'
import { standingAt } from '../reviews/rules.js'
import { isRecognised, type Provider } from './facts.js'

/** Whether the home bureau has withdrawn the provider: nobody may use it any more (撤回). */
export const isWithdrawn = ({ suspensions }: Provider) =>
  suspensions.some(({ everywhere, lifted }) => everywhere && lifted === null)

/** Whether this jurisdiction, or one above it, has suspended the provider and not lifted that (暂停). */
const isSuspended = ({ suspensions }: Provider, jurisdiction: Book) =>
  suspensions.some(({ jurisdiction: by, lifted }) => lifted === null && isUnder(String(jurisdiction), String(by)))

/** The pair of provinces whose agreements would count: the program's takes the provider's. */
export function pairFor(provider: Provider, jurisdiction: Book): { readonly accepting: Book; readonly home: Book } {
  return {
    accepting: Number(provinceOf(String(jurisdiction))),
    home: Number(provinceOf(provider.division)),
  }
}

/**
 * The standing agreement by which a jurisdiction takes a provider for a category on a day: its home province is taken,
 * it is recognised at home and, if it was ever reviewed there, listed, and it is not suspended here. Undefined when there
 * is none.
 */
export function agreedOn(
  provider: Provider,
  { pair, review }: { readonly pair: Pair | null; readonly review: HomeReview | null },
  category: string,
  jurisdiction: Book,
  day: Day,
): Agreement | undefined {
  if (isWithdrawn(provider) || isSuspended(provider, jurisdiction)) return undefined
  if (!['unreviewed', 'listed'].includes(standingAt(review, day))) return undefined
  const isRecognisedAtHome = isRecognised(provider, category, Number(provider.division), day)
  return isRecognisedAtHome ? coveredBy(pair, category, day) : undefined
}
