import type { Actor } from '../core/actor.js'
import { isUnder, level } from '../core/division.js'
import { type Refusal, Refused, refuse } from '../core/refusals.js'
import { speaksFor } from '../platform/issuers.js'

/** Bureau business: only an officer of this very jurisdiction. The region's own business has the code 000000. */
export function ofJurisdiction(actor: Actor, code: number | string): Refusal | undefined {
  return Number(actor.jurisdiction ?? Number.NaN) === Number(code) ? undefined : refuse('not_your_jurisdiction')
}

/** Whether what `subject` prepared is not this person's to check: their own, or that of somebody whose deputy they are. */
export function isSamePerson(actor: Actor, subject: string): boolean {
  return actor.subject === subject || (actor.principals?.includes(subject) ?? false)
}

/** Bureau business that goes down the tree: an officer of the jurisdiction this division lies under, or of one above, or of the region. */
export function overDivision(actor: Actor, division: string): Refusal | undefined {
  const own = actor.jurisdiction
  const isOver = own !== undefined && (Number(own) === 0 || isUnder(division, own))
  return isOver ? undefined : refuse('not_your_jurisdiction')
}

/** A firm's or provider's own business: only somebody of it. */
export function ofOrganisation(actor: Actor, uscc: string): Refusal | undefined {
  return actor.organisation === uscc ? undefined : refuse('not_your_organisation')
}

/** A firm's or provider's place: only one that its identity platform may speak for. */
export function ofPlatform(actor: Actor, division: string): Refusal | undefined {
  return speaksFor(actor.reach, division) ? undefined : refuse('not_your_platform')
}

/** The books a bureau may read: its own and those below it; the region's own people read all. As a range of codes. */
export function readableBooks(actor: Actor): { readonly low: number; readonly high: number } | undefined {
  return actor.jurisdiction === undefined ? undefined : booksUnder(actor.jurisdiction)
}

/** The books of a jurisdiction and of those below it, as a range of codes; of 000000 all. */
export function booksUnder(code: string): { readonly low: number; readonly high: number } {
  if (Number(code) === 0) return { low: 0, high: 999_999 }
  const low = Number(code)
  const width = { province: 9999, city: 99, county: 0 }[level(code)]
  return { low, high: low + width }
}

/** True when this bureau may read this book. */
export function mayRead(actor: Actor, book: number): boolean {
  const range = readableBooks(actor)
  return range !== undefined && range.low <= book && book <= range.high
}

/** The number of a book that this bureau may read. Throws Refused('not_your_jurisdiction') for another one. */
export function readableBook(actor: Actor, book: string): number {
  const number = Number(book)
  if (!mayRead(actor, number)) throw new Refused('not_your_jurisdiction', { book })
  return number
}
