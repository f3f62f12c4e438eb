import type { Actor } from '../core/actor.js'
import { type Refusal, Refused, refuse } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { byTwo } from '../engine/proposal.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Find } from '../ledger/fact.js'
import { type Plan, row } from '../ledger/plan.js'
import { clearingWritten, endClearing, offerClearing, signClearing } from './contract.js'
import {
  type ClearingAgreement,
  type ClearingPair,
  clearingAgreements,
  clearingId,
  clearingKey,
  isSigned,
  lastDayOf,
  parseClearingId,
} from './facts.js'

/** Only the two provinces that it is between. */
function ofEither(actor: Actor, { one, other }: Pick<ClearingPair, 'one' | 'other'>): Refusal | undefined {
  return [one, other].includes(Number(actor.jurisdiction)) ? undefined : refuse('not_your_jurisdiction')
}

interface Found {
  readonly book: Book
  readonly pair: ClearingPair
  readonly it: ClearingAgreement
}

/** The agreement of this id with all of its pair; throws Refused('agreement_not_found'). */
function found(find: Find, { agreement: id }: { readonly agreement: string }): Found {
  const { one, other, agreement } = parseClearingId(id)
  const pair = find(clearingAgreements, clearingKey(one, other))
  const it = pair?.agreements.find((each) => each.agreement === agreement)
  if (!pair || !it) throw new Refused('agreement_not_found', { agreement: id })
  return { book: REGION, pair, it }
}

function writing(pair: ClearingPair, it: ClearingAgreement): Pick<Plan, 'book' | 'rows' | 'event'> {
  const others = pair.agreements.filter(({ agreement }) => agreement !== it.agreement)
  const all = [...others, it].sort((a, b) => a.agreement - b.agreement)
  const { agreement, version, signed } = it
  return {
    book: REGION,
    rows: [row(clearingAgreements, { ...pair, agreements: all })],
    event: { agreement: clearingId(pair, agreement), version, signed: signed.map(String) },
  }
}

/** Offers a clearing agreement; who offers it has signed it (提出清算协议). */
export const offerClearingCommand = byTwo({
  kind: 'offer_clearing',
  schema: offerClearing,
  event: clearingWritten,
  facts(find, { one, other }) {
    const [low, high] = [Number(one), Number(other)].sort((a, b) => a - b) as [Book, Book]
    const pair = find(clearingAgreements, clearingKey(low, high))
    return { book: REGION, pair: pair ?? { book: REGION, one: low, other: high, agreements: [] } }
  },
  access: ({ pair }, actor, { by }) => ofEither(actor, pair) ?? ofJurisdiction(actor, by),
  decide({ pair }, { by, mode, group, covers, threshold, cap, from, to, document }, { seq, day }) {
    if (from <= day) return refuse('starts_too_early', { from })
    return writing(pair, {
      agreement: seq,
      version: seq,
      mode,
      group,
      covers,
      threshold: threshold ?? null,
      cap: cap ?? null,
      from,
      to,
      document: document ?? null,
      signed: [Number(by)],
      ended: null,
    })
  },
})

/**
 * Signs the version that was read (签署). Refuses version_conflict, state_conflict; starts_too_early, for what has
 * happened by now stays in the group and the mode it was in; and agreements_overlap.
 */
export const signClearingCommand = byTwo({
  kind: 'sign_clearing',
  schema: signClearing,
  event: clearingWritten,
  facts: found,
  access: ({ pair }, actor, { by }) => ofEither(actor, pair) ?? ofJurisdiction(actor, by),
  decide({ pair, it }, { by, version }, { seq, day }) {
    if (it.version !== version) return refuse('version_conflict', { version: it.version })
    if (it.ended !== null || it.signed.includes(Number(by))) return refuse('state_conflict')
    if (it.from <= day) return refuse('starts_too_early', { from: it.from })
    const overlapping = pair.agreements.find(
      (each) => each !== it && isSigned(each) && each.from <= it.to && it.from <= lastDayOf(each),
    )
    if (overlapping) return refuse('agreements_overlap', { agreement: clearingId(pair, overlapping.agreement) })
    return writing(pair, { ...it, version: seq, signed: [...it.signed, Number(by)].sort((a, b) => a - b) })
  },
})

/** Ends an agreement after this day, or takes an offer back (终止). Refuses version_conflict, state_conflict. */
export const endClearingCommand = byTwo({
  kind: 'end_clearing',
  schema: endClearing,
  event: clearingWritten,
  facts: found,
  access: ({ pair }, actor) => ofEither(actor, pair),
  decide({ pair, it }, { version }, { seq, day }) {
    if (it.version !== version) return refuse('version_conflict', { version: it.version })
    if (it.ended !== null || day > it.to) return refuse('state_conflict')
    return writing(pair, { ...it, version: seq, ended: day })
  },
})
