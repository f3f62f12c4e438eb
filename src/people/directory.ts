import { type Clock, type Day, dayOf } from '../core/time.js'
import { isOutage } from '../engine/outage.js'
import { REGION } from '../ledger/book.js'
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

  return {
    async standingOf({ subject, jurisdiction }) {
      const one = await ask(subject)
      return one && jurisdiction !== undefined ? standingOf(one, Number(jurisdiction), dayOf(clock.now())) : NOTHING
    },
  }
}

/** What stands of a person in a jurisdiction on a day. */
export function standingOf({ standings }: Person, jurisdiction: number, day: Day) {
  const running = standings.filter((standing) => isRunning(standing, day))
  const here = running.filter((standing) => standing.kind !== 'bar' && standing.jurisdiction === jurisdiction)
  const bars = running.filter(({ kind }) => kind === 'bar')
  return {
    roles: [...new Set(here.flatMap(({ roles }) => roles))] as Role[],
    principals: [...new Set(here.flatMap(({ principal }) => principal ?? []))],
    isBarred: bars.some((bar) => bar.jurisdiction === REGION || isAbove(bar.jurisdiction, jurisdiction)),
  }
}
