import { addDays, type Day, daysSinceEpoch } from '../core/time.js'
import type { HomeReview } from './facts.js'

type Notice = Pick<HomeReview, 'noticeEnds' | 'noticeLeft'>

/** Whether a provider is listed at home 公示入库: accepted, its notice over, no objection open or upheld. */
export function isListed({ verdict, noticeEnds, noticeLeft }: HomeReview, day: Day): boolean {
  return verdict === 'accepted' && noticeLeft === null && (noticeEnds === null || day > noticeEnds)
}

/** Whether the notice runs or stands still on this day: then anybody may object. */
export function isOnNotice({ noticeEnds, noticeLeft }: HomeReview, day: Day): boolean {
  return noticeLeft !== null || (noticeEnds !== null && day <= noticeEnds)
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
