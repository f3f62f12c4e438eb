import { type Clock, type Day, dayOf } from '../core/time.js'
import { isOutage } from '../engine/outage.js'
import { REGION } from '../ledger/book.js'
import type { Directory } from '../platform/auth.js'
import type { Sql } from '../platform/database.js'
import type { Role } from '../platform/permissions.js'
import { isRunning, type Person, people } from './facts.js'
import { isBarred, lent } from './rules.js'

/** What was read of somebody is believed for so long, in milliseconds; a right that was taken away ends within that. */
const BELIEVED = 1000
/** And so long through an outage, in which commands wait as well. */
const BELIEVED_IN_OUTAGE = 10_000
const REMEMBERED = 10_000

const NOTHING = { roles: [], principals: [], isBarred: false } as const

/** Asks for one thing by its key and believes the answer for a while, unless it is undefined. */
function remembering<T>(read: (key: string) => Promise<T | undefined>): (key: string) => Promise<T | undefined> {
  const known = new Map<string, { readonly at: number; readonly one: Promise<T | undefined> }>()
  return (key) => {
    const before = known.get(key)
    const now = performance.now()
    if (before && now - before.at < BELIEVED) return before.one
    const forget = () => known.get(key)?.one === one && known.delete(key)
    const one: Promise<T | undefined> = read(key).then(
      (found) => {
        if (found === undefined) forget()
        return found
      },
      async (error: Error) => {
        if (!before || !isOutage(error) || now - before.at > BELIEVED_IN_OUTAGE) {
          forget()
          throw error
        }
        // Still as old as it was, so that it is asked again.
        known.set(key, before)
        return before.one
      },
    )
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value!)
    known.delete(key)
    known.set(key, { at: now, one })
    return one
  }
}

/** Asks for one thing by its key, again only when anything has changed since. */
function asOf<T>(lastChange: (what: string) => Promise<string | undefined>, read: (key: string) => Promise<T>) {
  const known = new Map<string, { readonly change: string | undefined; readonly one: Promise<T> }>()
  return async (key: string): Promise<T> => {
    const change = await lastChange('')
    const before = known.get(key)
    if (before && before.change === change) return before.one
    const one = read(key).catch((error: Error) => {
      if (known.get(key)?.one === one) known.delete(key)
      throw error
    })
    if (known.size >= REMEMBERED) known.delete(known.keys().next().value!)
    known.delete(key)
    known.set(key, { change, one })
    return one
  }
}

/** The register of people, firms and providers as requests ask it; throws what the database throws. */
export function openDirectory(sql: Sql, clock: Clock): Directory {
  const ask = asOf(
    // One question a second for all of them: what is made or ended raises the first number, a new last day the second.
    remembering(async () => {
      const [row] = await sql<{ change: string }[]>`
        select concat_ws(' ', max(greatest(number, ended)), sum(valid_to - date '2000-01-01')) as change from standings`
      return row!.change
    }),
    async (person) => (await people.load(sql, [person]))[0],
  )
  // Where it is registered as an enterprise, which may move, counts before where it is registered as a provider.
  const seatOf = remembering(async (uscc) => {
    const [found] = await sql<{ division: string | null }[]>`
      select coalesce((select division from enterprises where uscc = ${uscc}),
                      (select division from providers where uscc = ${uscc})) as division`
    return found?.division ?? undefined
  })

  /** Whom a deputy stands in for, also through a principal who is a deputy: a chain is no way round two persons. */
  async function principalsOf(one: Person, jurisdiction: number, day: Day, found: Map<string, Person>) {
    for (const { principal } of deputyshipsOf(one, jurisdiction, day)) {
      if (principal === null || found.has(principal)) continue
      const theirs = (await ask(principal)) ?? { book: REGION, person: principal, standings: [] }
      found.set(principal, theirs)
      await principalsOf(theirs, jurisdiction, day, found)
    }
    return found
  }

  return {
    seatOf,
    async standingOf({ subject, jurisdiction }) {
      const one = await ask(subject)
      if (!one) return NOTHING
      const day = dayOf(clock.now())
      // A token that names no jurisdiction is in none that a bar could leave out.
      if (jurisdiction === undefined) return { ...NOTHING, isBarred: runningBars(one, day).length > 0 }
      const here = Number(jurisdiction)
      return standingOf(one, here, day, await principalsOf(one, here, day, new Map()))
    },
  }
}

const runningBars = ({ standings }: Person, day: Day) =>
  standings.filter((standing) => standing.kind === 'bar' && isRunning(standing, day))

const deputyshipsOf = ({ standings }: Person, jurisdiction: number, day: Day) =>
  standings.filter((one) => one.kind === 'deputyship' && one.jurisdiction === jurisdiction && isRunning(one, day))

/** What stands of a person in a jurisdiction on a day; with all whom they stand in for. */
export function standingOf(one: Person, jurisdiction: number, day: Day, principals: ReadonlyMap<string, Person>) {
  const own = one.standings
    .filter((each) => each.kind === 'appointment' && each.jurisdiction === jurisdiction && isRunning(each, day))
    .flatMap(({ roles }) => roles)
  const borrowed = deputyshipsOf(one, jurisdiction, day).flatMap((each) => {
    return lent(each, principals.get(each.principal!)!, day)
  })
  return {
    roles: [...new Set([...own, ...borrowed])] as Role[],
    // Of deputies who stand in for each other, nobody is their own principal.
    principals: [...principals.keys()].filter((principal) => principal !== one.person),
    isBarred: isBarred(one, jurisdiction, day),
  }
}
