import { refuse } from '../core/refusals.js'
import { addDays } from '../core/time.js'
import { isSamePerson, overDivision } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { profiles, providerOf, providers } from '../providers/facts.js'
import {
  decideProviderObjection,
  objectionDecided,
  objectToProvider,
  providerObjected,
  providerReviewed,
  reviewProvider,
} from './contract.js'
import { type HomeReview, homeReviews, type Objection, objectionOf } from './facts.js'
import { runningOn, standingAt, standingStill } from './rules.js'

/**
 * Reviews a provider at home (属地审核); accepted it goes on notice, and is listed afterwards. One that was accepted is not
 * reviewed again but withdrawn. Refuses version_conflict, state_conflict.
 */
export const reviewProviderCommand = byTwo({
  kind: 'review_provider',
  schema: reviewProvider,
  event: providerReviewed,
  facts(find, { provider }) {
    find.ahead([providers, provider], [profiles, provider], [homeReviews, provider])
    return {
      book: REGION,
      provider: providerOf(find, provider),
      profile: find(profiles, provider),
      earlier: find(homeReviews, provider),
    }
  },
  access: ({ provider }, actor) => overDivision(actor, provider.division),
  decide({ profile, earlier }, { provider, version, verdict, noticeDays, reason }, { seq, day, actor }) {
    if ((version ?? 0) !== (profile?.version ?? 0)) {
      return refuse('version_conflict', { version: profile?.version ?? 0 })
    }
    if (earlier?.verdict === 'accepted') return refuse('state_conflict', { review: earlier.review })
    const review: HomeReview = {
      book: REGION,
      uscc: provider,
      review: seq,
      by: actor.organisation,
      verdict,
      reason: reason ?? null,
      noticeEnds: verdict === 'accepted' && noticeDays ? addDays(day, noticeDays) : null,
      noticeLeft: null,
      objections: earlier?.objections ?? [],
    }
    return {
      book: REGION,
      rows: [row(homeReviews, review)],
      event: { provider, review: seq, verdict, noticeEnds: review.noticeEnds },
    }
  },
})

/**
 * Objects to a provider during its notice (公示异议): the clock stands until that is decided. Once a review for each
 * organisation, so that nobody stops it for ever. Refuses state_conflict.
 */
export const objectToProviderCommand = command({
  kind: 'object_to_provider',
  schema: objectToProvider,
  event: providerObjected,
  facts(find, { provider }) {
    find.ahead([providers, provider], [homeReviews, provider])
    return { book: REGION, provider: providerOf(find, provider), review: find(homeReviews, provider) }
  },
  decide({ review }, { provider, reason }, { seq, day, actor: { organisation: by, subject: person } }) {
    const home = standingAt(review, day)
    if (!review || home !== 'on_notice') return refuse('state_conflict', { home })
    const earlier = review.objections.find((one) => one.by === by && one.review === review.review)
    if (earlier) return refuse('state_conflict', { objection: earlier.objection })
    const objection: Objection = { objection: seq, review: review.review, by, person, on: day, reason, decision: null }
    const stopped = { ...review, ...standingStill(review, day), objections: [...review.objections, objection] }
    return { book: REGION, rows: [row(homeReviews, stopped)], event: { provider, objection: seq } }
  },
})

/**
 * Decides an objection, never by who made it (异议处理): upheld, the provider is refused; the last one dismissed, the rest
 * of the notice runs. Refuses state_conflict, separation_of_duties.
 */
export const decideProviderObjectionCommand = byTwo({
  kind: 'decide_provider_objection',
  schema: decideProviderObjection,
  event: objectionDecided,
  facts(find, { provider, objection }) {
    find.ahead([providers, provider], [homeReviews, provider])
    return {
      book: REGION,
      provider: providerOf(find, provider),
      ...objectionOf(find(homeReviews, provider), objection),
    }
  },
  access: ({ provider }, actor) => overDivision(actor, provider.division),
  decide({ review, objection: open }, { provider, objection, verdict, reason }, { day, actor }) {
    if (open.decision !== null) return refuse('state_conflict', { verdict: open.decision.verdict })
    if (isSamePerson(actor, open.person)) return refuse('separation_of_duties', { objectedBy: open.by })
    const decision = { on: day, by: actor.organisation, verdict, reason }
    const objections = review.objections.map((one) => (one === open ? { ...one, decision } : one))
    const isAnyOpen = objections.some((one) => one.decision === null)
    const decided: HomeReview =
      verdict === 'upheld'
        ? { ...review, verdict: 'refused', reason, noticeEnds: null, noticeLeft: null, objections }
        : { ...review, ...(isAnyOpen ? {} : runningOn(review, day)), objections }
    return {
      book: REGION,
      rows: [row(homeReviews, decided)],
      event: { provider, objection, verdict, noticeEnds: decided.noticeEnds },
    }
  },
})
