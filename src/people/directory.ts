import { type Clock, type Day, dayOf } from '../core/time.js'
import { isOutage } from '../engine/outage.js'
import type { Directory } from '../platform/auth.js'
import type { Sql } from '../platform/database.js'
import type { Role } from '../platform/permissions.js'
import { isAbove, isRunning, type Person, people } from './facts.js'

/** Whether anything has changed is asked so often, in milliseconds; a right that was taken away ends within that. */
const BELIEVED = 1000
/** And so seldom through an outage, in which commands wait as well. */
const BELIEVED_IN_OUTAGE = 10_000
const REMEMBERED = 10_000

const NOTHING = { roles: [], principals: [], isBarred: false } as const

/** The register of people as requests ask it; throws what the database throws. */
export function openDirectory(sql: Sql, clock: Clock): Directory {
  /** What was read of people, with the number of the last change before it was read. */
  const known = new Map<string, { readonly asOf: string; readonly one: Promise<Person | undefined> }>()
  let lastChange: { readonly at: number; readonly number: Promise<string> } | undefined

  async function readLastChange(): Promise<string> {
    const [row] = await sql<{ number: bigint }[]>`
      select coalesce(max(greatest(number, ended)), 0) as number from standings`
    return String(row!.number)
  }

  /** The number of the region's last command that changed anybody's standing: one question a second for all of them. */
  function asOfNow(): Promise<string> {
    const before = lastChange
    const now = performance.now()
    if (before && now - before.at < BELIEVED) return before.number
    const number = readLastChange().catch((error: Error) => {
      // Still as old as it was, so that it is asked again.
      if (lastChange?.number === number) lastChange = before
      if (!before || !isOutage(error) || now - before.at > BELIEVED_IN_OUTAGE) throw error
      return before.number
    })
    lastChange = { at: now, number }
    return number
  }

  async function read(person: string): Promise<Person | undefined> {
    const [found] = await people.load(sql, [person])
    return found
  }

  async function ask(person: string): Promise<Person | undefined> {
    const asOf = await asOfNow()
    const before = known.get(person)
    if (before?.asOf === asOf) return before.one
    const one = read(person).catch((error: Error) => {
      if (known.get(person)?.one === one) known.delete(person)
      throw error
    })
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value!)
    known.delete(person)
    known.set(person, { asOf, one })
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
