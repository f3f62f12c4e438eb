import type { Actor } from '../core/actor.js'
import { type Refusal, Refused, refuse } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { byTwo } from '../engine/proposal.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Find } from '../ledger/fact.js'
import { type Plan, row } from '../ledger/plan.js'
import { agreementWritten, amendAgreement, endAgreement, offerAgreement, signAgreement } from './contract.js'
import { type Agreement, agreementId, agreements, isInForce, type Pair, pairKey, parseAgreementId } from './facts.js'

/** Only the two provinces that an agreement is between. */
function ofEither(actor: Actor, { accepting, home }: { accepting: Book; home: Book }): Refusal | undefined {
  return [accepting, home].includes(Number(actor.jurisdiction)) ? undefined : refuse('not_your_jurisdiction')
}

interface Found {
  readonly book: Book
  readonly pair: Pair
  readonly one: Agreement
}

/** The agreement of this id with all of its pair; throws Refused('agreement_not_found'). */
function found(find: Find, { agreement: id }: { agreement: string }): Found {
  const { accepting, home, agreement } = parseAgreementId(id)
  const pair = find(agreements, pairKey(accepting, home))
  const one = pair?.agreements.find((each) => each.agreement === agreement)
  if (!pair || !one) throw new Refused('agreement_not_found', { agreement: id })
  return { book: REGION, pair, one }
}

/** Writes one agreement of a pair anew, or as a further one. */
function writing(pair: Pair, one: Agreement): Pick<Plan, 'book' | 'rows' | 'event'> {
  const others = pair.agreements.filter(({ agreement }) => agreement !== one.agreement)
  const all = [...others, one].sort((a, b) => a.agreement - b.agreement)
  const { agreement, version, signed } = one
  return {
    book: REGION,
    rows: [row(agreements, { ...pair, agreements: all })],
    event: { agreement: agreementId(pair, agreement), version, signed: signed.map(String) },
  }
}

/** Offers an agreement to the other province; who offers it has signed it (提出互认协议). */
export const offerAgreementCommand = byTwo({
  kind: 'offer_agreement',
  schema: offerAgreement,
  event: agreementWritten,
  facts(find, { accepting, home }) {
    const key = { accepting: Number(accepting), home: Number(home) }
    const pair = find(agreements, pairKey(key.accepting, key.home)) ?? { book: REGION, ...key, agreements: [] }
    return { book: REGION, pair }
  },
  access: ({ pair }, actor, { by }) => ofEither(actor, pair) ?? ofJurisdiction(actor, by),
  decide({ pair }, { by, categories, from, to, running, document }, { seq }) {
    const terms = { categories, from, to, running, document: document ?? null }
    return writing(pair, { agreement: seq, version: seq, ...terms, signed: [Number(by)], ended: null })
  },
})

/** Changes the terms while not both have signed (修改). Refuses version_conflict, state_conflict. */
export const amendAgreementCommand = byTwo({
  kind: 'amend_agreement',
  schema: amendAgreement,
  event: agreementWritten,
  facts: found,
  access: ({ pair }, actor, { by }) => ofEither(actor, pair) ?? ofJurisdiction(actor, by),
  decide({ pair, one }, { by, version, categories, from, to, running, document }, { seq }) {
    if (one.version !== version) return refuse('version_conflict', { version: one.version })
    if (one.ended !== null || isInForce(one)) return refuse('state_conflict', { signed: one.signed.length })
    const terms = { categories, from, to, running, document: document ?? null }
    return writing(pair, { ...one, ...terms, version: seq, signed: [Number(by)] })
  },
})

/** Signs the version that was read (签署). Refuses version_conflict, state_conflict. */
export const signAgreementCommand = byTwo({
  kind: 'sign_agreement',
  schema: signAgreement,
  event: agreementWritten,
  facts: found,
  access: ({ pair }, actor, { by }) => ofEither(actor, pair) ?? ofJurisdiction(actor, by),
  decide({ pair, one }, { by, version }, { seq }) {
    if (one.version !== version) return refuse('version_conflict', { version: one.version })
    if (one.ended !== null || one.signed.includes(Number(by)))
      return refuse('state_conflict', { signed: one.signed.length })
    return writing(pair, { ...one, version: seq, signed: [...one.signed, Number(by)].sort((a, b) => a - b) })
  },
})

/** Ends an agreement, or takes an offer back (终止). Refuses version_conflict, state_conflict. */
export const endAgreementCommand = byTwo({
  kind: 'end_agreement',
  schema: endAgreement,
  event: agreementWritten,
  facts: found,
  access: ({ pair }, actor) => ofEither(actor, pair),
  decide({ pair, one }, { version }, { seq }) {
    if (one.version !== version) return refuse('version_conflict', { version: one.version })
    if (one.ended !== null) return refuse('state_conflict', { ended: one.ended })
    return writing(pair, { ...one, version: seq, ended: seq })
  },
})
