import type { Day } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import { isAbove, isRunning, type Person, type Standing } from './facts.js'

/** Whether a person's access to a jurisdiction has been ended on a day, there or above. */
export function isBarred({ standings }: Person, jurisdiction: Book, day: Day): boolean {
  return standings.some((one) => one.kind === 'bar' && isRunning(one, day) && isAbove(one.jurisdiction, jurisdiction))
}

/**
 * The roles that a deputyship gives on a day: of those it names, what the principal has then, as far as the register
 * knows. Who is barred lends nothing, and what somebody has as a deputy they cannot lend on.
 */
export function lent(
  { jurisdiction, roles, rolesFrom }: Pick<Standing, 'jurisdiction' | 'roles' | 'rolesFrom'>,
  principal: Person,
  day: Day,
): readonly string[] {
  if (isBarred(principal, jurisdiction, day)) return []
  if (rolesFrom !== 'register') return roles
  const held = principal.standings
    .filter((one) => one.kind === 'appointment' && one.jurisdiction === jurisdiction && isRunning(one, day))
    .flatMap((one) => one.roles)
  return roles.filter((role) => held.includes(role))
}
