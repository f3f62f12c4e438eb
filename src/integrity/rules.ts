import { isWithin } from '../core/division.js'
import type { Day } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { Find } from '../ledger/fact.js'
import type { Context } from '../ledger/plan.js'
import type { Consequence, corrections } from './contract.js'
import { type Entry, type Integrity, integrity, type Terms } from './facts.js'

type Counting = Terms & Pick<Entry, 'removed'>

/** Whether an entry has this consequence on this day, both its days included, for a jurisdiction's programs. */
export function counts(entry: Counting, of: Consequence, jurisdiction: Book, day: Day): boolean {
  const { from, to, reach, consequences, removed } = entry
  return (
    removed === null &&
    from <= day &&
    (to === null || day <= to) &&
    (consequences?.includes(of) ?? true) &&
    (reach?.some((code) => isWithin(String(jurisdiction), code)) ?? true)
  )
}

/** True when the list has this consequence for the party on this day, for the programs of this jurisdiction. */
export function isListed(find: Find, uscc: string, of: Consequence, jurisdiction: Book, day: Day): boolean {
  return find(integrity, uscc)?.entries.some((entry) => counts(entry, of, jurisdiction, day)) ?? false
}

/** Terms as they are asked for; what they leave out is everywhere, everything, until further notice. */
export const termsOf = (asked: Pick<Terms, 'from'> & { [T in keyof Terms]?: Terms[T] | undefined }): Terms => ({
  from: asked.from,
  to: asked.to ?? null,
  reach: asked.reach ?? null,
  consequences: asked.consequences ?? null,
})

interface Correction {
  readonly verdict: (typeof corrections)[number]
  readonly terms?: Parameters<typeof termsOf>[0] | undefined
  readonly reason: string
}

/** The entry with new terms, or removed; what it said before stays in it. */
export function corrected(entry: Entry, { verdict, terms, reason }: Correction, { seq, day, actor }: Context): Entry {
  const correction = { correction: seq, on: day, by: actor.organisation, verdict, reason, was: termsOf(entry) }
  return {
    ...entry,
    ...(terms && termsOf(terms)),
    version: seq,
    removed: verdict === 'removed' ? seq : null,
    corrections: [...entry.corrections, correction],
  }
}

/** The party's list with one of its entries changed. */
export function withEntry(listed: Integrity, changed: Entry): Integrity {
  const entries = listed.entries.map((entry) => (entry.listing === changed.listing ? changed : entry))
  return { ...listed, entries }
}
