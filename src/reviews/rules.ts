import { addDays, type Day, daysSinceEpoch } from '../core/time.js'
import type { Standing } from './contract.js'
import type { HomeReview } from './facts.js'

type Notice = Pick<HomeReview, 'noticeEnds' | 'noticeLeft'>

/**
 * How a provider stands at home on a day. On notice 公示中, whether it runs or stands still, anybody may object; listed
 * 已入库 is who was accepted, once the notice is over.
 */
export function standingAt(review: HomeReview | null, day: Day): Standing {
  if (review === null) return 'unreviewed'
  const { verdict, noticeEnds, noticeLeft } = review
  if (verdict !== 'accepted') return verdict
  return noticeLeft !== null || (noticeEnds !== null && day <= noticeEnds) ? 'on_notice' : 'listed'
}

/** The notice from an objection on: the days after this one wait. */
export function standingStill({ noticeEnds, noticeLeft }: HomeReview, day: Day): Notice {
  const left = noticeEnds === null ? noticeLeft : daysSinceEpoch(noticeEnds) - daysSinceEpoch(day)
  return { noticeEnds: null, noticeLeft: left }
}

/** The notice once no objection is open any more: what was left of it runs from the day after this one on. */
export function runningOn({ noticeEnds, noticeLeft }: HomeReview, day: Day): Notice {
  return { noticeEnds: noticeLeft === null ? noticeEnds : addDays(day, noticeLeft), noticeLeft: null }
}
