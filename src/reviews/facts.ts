import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { REGION } from '../ledger/book.js'
import type { Fact, FactKind } from '../ledger/fact.js'

/** Something said against a provider during its notice 异议. */
export interface Objection {
  /** The number of the region's command that made it. */
  readonly objection: number
  /** The review it was said against. */
  readonly review: number
  /** Whose objection it is, and who made it. */
  readonly by: string
  readonly person: string
  readonly on: Day
  readonly reason: string
  readonly decision: {
    readonly on: Day
    readonly by: string
    readonly verdict: 'dismissed' | 'upheld'
    readonly reason: string
  } | null
}

/** The last review of a provider by a bureau of its home 属地审核, and the public notice 公示 that follows it. */
export interface HomeReview extends Fact {
  readonly uscc: string
  /** The number of the region's command that made it. */
  readonly review: number
  readonly by: string
  readonly verdict: 'accepted' | 'refused' | 'returned'
  readonly reason: string | null
  /** The last day of the notice; null when there is none, or while it stands still. */
  readonly noticeEnds: Day | null
  /** Days of notice still to run, while an objection is open. */
  readonly noticeLeft: number | null
  /** Of this review and of earlier ones. */
  readonly objections: readonly Objection[]
}

export const homeReviews: FactKind<HomeReview> = {
  name: 'home_reviews',
  key: ({ uscc }) => uscc,
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<HomeReview, 'review'> & { review: bigint })[]>`
      select 0 as book, uscc, review, reviewed_by as by, verdict, reason, notice_ends as "noticeEnds",
             notice_left as "noticeLeft", objections
      from home_reviews where uscc = any (${keys as string[]})`
    return rows.map((row) => ({ ...row, review: Number(row.review) }))
  },
}

/** The objection of this number and the review; throws Refused('objection_not_found'). */
export function objectionOf(review: HomeReview | null, number: number) {
  const objection = review?.objections.find((one) => one.objection === number)
  if (!review || !objection) throw new Refused('objection_not_found', { objection: number })
  return { review, objection }
}
