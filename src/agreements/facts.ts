import type { Day } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind } from '../ledger/fact.js'

/** One agreement on mutual recognition 互认协议; days inclusive. */
export interface Agreement {
  /** The number of the region's command that offered it. */
  readonly agreement: number
  /** The number of the region's command that last wrote it. */
  readonly version: number
  readonly categories: readonly string[]
  readonly from: Day
  readonly to: Day
  readonly running: 'complete' | 'stop'
  readonly document: string | null
  /** The provinces that have signed it as it stands. */
  readonly signed: readonly Book[]
  /** The number of the region's command that ended it. */
  readonly ended: number | null
}

/** All agreements by which one province takes the providers of another. */
export interface Pair extends Fact {
  readonly accepting: Book
  readonly home: Book
  readonly agreements: readonly Agreement[]
}

export const pairKey = (accepting: Book, home: Book) => `${accepting}-${home}`

export const agreements: FactKind<Pair> = {
  name: 'agreements',
  key: ({ accepting, home }) => pairKey(accepting, home),
  bookOf: () => REGION,
  load: (sql, keys) => sql<Pair[]>`
    select 0 as book, accepting, home,
           jsonb_agg(jsonb_build_object('agreement', agreement, 'version', version, 'categories', categories,
             'from', valid_from, 'to', valid_to, 'running', running, 'document', document, 'signed', signed,
             'ended', ended) order by agreement) as agreements
    from agreements where accepting || '-' || home = any (${keys as string[]}) group by accepting, home`,
}

export const agreementId = ({ accepting, home }: Pick<Pair, 'accepting' | 'home'>, agreement: number) =>
  `${pairKey(accepting, home)}-${agreement}`

/** The parts of an agreement's id. */
export function parseAgreementId(id: string): {
  readonly accepting: Book
  readonly home: Book
  readonly agreement: number
} {
  const [accepting, home, agreement] = id.split('-').map(Number)
  return { accepting: accepting!, home: home!, agreement: agreement! }
}

/** Whether both sides have signed it, and neither has ended it. */
export const isInForce = ({ signed, ended }: Agreement) => signed.length === 2 && ended === null

/** The agreement that covers a category on a day; undefined when there is none. */
export function coveredBy(pair: Pair | null, category: string, day: Day): Agreement | undefined {
  return pair?.agreements.find(
    (one) => isInForce(one) && one.from <= day && day <= one.to && one.categories.includes(category),
  )
}
