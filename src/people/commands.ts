import type { Actor } from '../core/actor.js'
import { type Refusal, Refused, refuse } from '../core/refusals.js'
import { addDays } from '../core/time.js'
import { isSamePerson, ofJurisdiction } from '../engine/access.js'
import { byTwo } from '../engine/proposal.js'
import { REGION } from '../ledger/book.js'
import type { Find } from '../ledger/fact.js'
import { type Context, type Plan, row } from '../ledger/plan.js'
import {
  appoint,
  appointed,
  barPerson,
  DEPUTY_DAYS,
  deputise,
  deputised,
  endStanding,
  personBarred,
  standingEnded,
} from './contract.js'
import { isAbove, type Person, people, type Standing } from './facts.js'
import { lent } from './rules.js'

/** A right is given and taken by the bureau it is in, or one above it: a county's reach ends at the county. */
function fromAbove(actor: Actor, jurisdiction: number | string): Refusal | undefined {
  const own = actor.jurisdiction
  return own !== undefined && isAbove(Number(own), Number(jurisdiction)) ? undefined : refuse('not_your_jurisdiction')
}

const known = (find: Find, person: string): Person => find(people, person) ?? { book: REGION, person, standings: [] }

const facts = (find: Find, { person }: { person: string }) => ({ book: REGION, one: known(find, person) })

/** Adds what stands of a person from now on. */
function adding(
  one: Person,
  standing: Omit<Standing, 'number' | 'ended'>,
  { seq }: Context,
): Pick<Plan, 'book' | 'rows'> {
  const standings = [...one.standings, { number: seq, ...standing, ended: null }]
  return { book: REGION, rows: [row(people, { ...one, standings })] }
}

/** Gives a person roles in a jurisdiction (任用). Refuses separation_of_duties: nobody gives themselves a right. */
export const appointCommand = byTwo({
  kind: 'appoint',
  schema: appoint,
  event: appointed,
  facts,
  access: (_, actor, { jurisdiction }) => fromAbove(actor, jurisdiction),
  decide({ one }, { person, jurisdiction, roles, from, to, reason, document }, context) {
    if (isSamePerson(context.actor, person)) return refuse('separation_of_duties', { person })
    const what = { kind: 'appointment', jurisdiction: Number(jurisdiction), principal: null, roles } as const
    const standing = { ...what, from, to: to ?? null, reason, document: document ?? null }
    return { ...adding(one, standing, context), event: { person, standing: context.seq } }
  },
})

/**
 * Lets a person act for a colleague who is away (代理). Refuses deputy_of_self, separation_of_duties, term_too_long,
 * role_not_held.
 */
export const deputiseCommand = byTwo({
  kind: 'deputise',
  schema: deputise,
  event: deputised,
  facts(find, { person, principal }) {
    find.ahead([people, person], [people, principal])
    return { book: REGION, one: known(find, person), lender: known(find, principal) }
  },
  access: (_, actor, { jurisdiction }) => fromAbove(actor, jurisdiction),
  decide({ one, lender }, { person, principal, jurisdiction, roles, rolesFrom, from, to, reason }, context) {
    if (person === principal) return refuse('deputy_of_self')
    if (isSamePerson(context.actor, person)) return refuse('separation_of_duties', { person })
    const lastDay = addDays(from, DEPUTY_DAYS - 1)
    if (to > lastDay) return refuse('term_too_long', { lastDay })
    const lending = { jurisdiction: Number(jurisdiction), roles, ...(rolesFrom === undefined ? {} : { rolesFrom }) }
    const given = lent(lending, lender, from)
    const missing = roles.filter((role) => !given.includes(role))
    if (rolesFrom !== undefined && missing.length > 0) return refuse('role_not_held', { missing: missing.join(', ') })
    const what = { kind: 'deputyship', principal, ...lending } as const
    const plan = adding(one, { ...what, from, to, reason, document: null }, context)
    return { ...plan, event: { person, principal, standing: context.seq } }
  },
})

/**
 * Ends a person's access to a jurisdiction and those below it, whatever their tokens say (停用). A bureau bars in its own
 * jurisdiction only, so that none below can lift what one above has decided.
 */
export const barPersonCommand = byTwo({
  kind: 'bar_person',
  schema: barPerson,
  event: personBarred,
  facts,
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ one }, { person, jurisdiction, from, reason }, context) {
    const what = { kind: 'bar', jurisdiction: Number(jurisdiction), principal: null, roles: [] } as const
    const plan = adding(one, { ...what, from, to: null, reason, document: null }, context)
    return { ...plan, event: { person, standing: context.seq } }
  },
})

/**
 * Ends an appointment, a deputyship or a bar (终止): at once, or with a last day that comes before the one it has. Refuses
 * standing_not_found, separation_of_duties of one's own bar, state_conflict, effective_in_past.
 */
export const endStandingCommand = byTwo({
  kind: 'end_standing',
  schema: endStanding,
  event: standingEnded,
  facts(find, { person, standing: number }) {
    const one = known(find, person)
    const standing = one.standings.find((standing) => standing.number === number)
    if (!standing) throw new Refused('standing_not_found', { person, standing: number })
    return { book: REGION, one, standing }
  },
  access({ standing }, actor, { person }) {
    const isOwnBar = standing.kind === 'bar' && isSamePerson(actor, person)
    const forbidden = fromAbove(actor, standing.jurisdiction)
    return forbidden ?? (isOwnBar ? refuse('separation_of_duties', { person }) : undefined)
  },
  decide({ one, standing }, { person, to }, { seq, day }) {
    if (standing.ended !== null) return refuse('state_conflict', { ended: standing.ended })
    if (to !== undefined) {
      if (to < day) return refuse('effective_in_past', { to })
      const isShorter = standing.from <= to && (standing.to === null || to < standing.to)
      if (!isShorter) return refuse('state_conflict', { from: standing.from, to: standing.to })
    }
    const ending = to === undefined ? { ended: seq } : { to }
    const standings = one.standings.map((each) => (each === standing ? { ...standing, ...ending } : each))
    return {
      book: REGION,
      rows: [row(people, { ...one, standings })],
      event: { person, standing: standing.number, ...(to === undefined ? {} : { to }) },
    }
  },
})
