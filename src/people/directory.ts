import { type Clock, type Day, dayOf } from '../core/time.js'
import { isOutage } from '../engine/outage.js'
import type { Directory } from '../platform/auth.js'
import type { Sql } from '../platform/database.js'
import type { Role } from '../platform/permissions.js'
import { isAbove, isRunning, type Person, people } from './facts.js'

/** What was read of somebody is believed for so long, in milliseconds; a right that was taken away ends within that. */
const BELIEVED = 1000
/** And so long through an outage, in which commands wait as well. */
const BELIEVED_IN_OUTAGE = 10_000
const REMEMBERED = 10_000

const NOTHING = { roles: [], principals: [], isBarred: false } as const

/** The register of people as requests ask it; throws what the database throws. */
export function openDirectory(sql: Sql, clock: Clock): Directory {
  const known = new Map<string, { readonly at: number; readonly one: Promise<Person | undefined> }>()

  async function read(person: string): Promise<Person | undefined> {
    const [found] = await people.load(sql, [person])
    return found
  }

  function ask(person: string): Promise<Person | undefined> {
    const before = known.get(person)
    const now = performance.now()
    if (before && now - before.at < BELIEVED) return before.one
    const one = read(person).catch(async (error: Error) => {
      if (!before || !isOutage(error) || now - before.at > BELIEVED_IN_OUTAGE) {
        if (known.get(person)?.one === one) known.delete(person)
        throw error
      }
      // Still as old as it was, so that it is asked again.
      known.set(person, before)
      return before.one
    })
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value!)
    known.delete(person)
    known.set(person, { at: now, one })
    return one
  }

  /** Whom a deputy stands in for, also through a principal who is a deputy: a chain is no way round two persons. */
  async function principalsOf(one: Person, jurisdiction: number, day: Day, found: Set<string>): Promise<Set<string>> {
    for (const principal of standingOf(one, jurisdiction, day).principals) {
      if (found.has(principal)) continue
      found.add(principal)
      const theirs = await ask(principal)
      if (theirs) await principalsOf(theirs, jurisdiction, day, found)
    }
    return found
  }

  return {
    async standingOf({ subject, jurisdiction }) {
      const one = await ask(subject)
      if (!one) return NOTHING
      const day = dayOf(clock.now())
      // A token that names no jurisdiction is in none that a bar could leave out.
      if (jurisdiction === undefined) return { ...NOTHING, isBarred: runningBars(one, day).length > 0 }
      const here = Number(jurisdiction)
      const standing = standingOf(one, here, day)
      if (standing.principals.length === 0) return standing
      const principals = await principalsOf(one, here, day, new Set())
      // Of deputies who stand in for each other, nobody is their own principal.
      principals.delete(subject)
      return { ...standing, principals: [...principals] }
    },
  }
}

const runningBars = ({ standings }: Person, day: Day) =>
  standings.filter((standing) => standing.kind === 'bar' && isRunning(standing, day))

/** What stands of a person in a jurisdiction on a day. */
export function standingOf(one: Person, jurisdiction: number, day: Day) {
  const running = one.standings.filter((standing) => isRunning(standing, day))
  const here = running.filter((standing) => standing.kind !== 'bar' && standing.jurisdiction === jurisdiction)
  return {
    roles: [...new Set(here.flatMap(({ roles }) => roles))] as Role[],
    principals: [...new Set(here.flatMap(({ principal }) => principal ?? []))],
    isBarred: runningBars(one, day).some((bar) => isAbove(bar.jurisdiction, jurisdiction)),
  }
}
