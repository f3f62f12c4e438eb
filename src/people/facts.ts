import { isUnder } from '../core/division.js'
import { bookText } from '../core/ids.js'
import type { Day } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind } from '../ledger/fact.js'

/** An appointment 任用, a deputyship 代理 or a bar 停用 of one person; days inclusive. */
export interface Standing {
  /** The number of the region's command that made it. */
  readonly number: number
  readonly kind: 'appointment' | 'deputyship' | 'bar'
  readonly jurisdiction: Book
  readonly principal: string | null
  readonly roles: readonly string[]
  /** Of a deputyship: where the principal has these roles from; not said of what was made before that was asked. */
  readonly rolesFrom?: 'register' | 'token'
  readonly from: Day
  /** null: until it is ended. */
  readonly to: Day | null
  readonly reason: string
  readonly document: string | null
  /** The number of the region's command that ended it. */
  readonly ended: number | null
}

/** All that stands of a person. */
export interface Person extends Fact {
  readonly person: string
  readonly standings: readonly Standing[]
}

export const people: FactKind<Person> = {
  name: 'people',
  key: ({ person }) => person,
  bookOf: () => REGION,
  load: (sql, keys) => sql<Person[]>`
    select 0 as book, person,
           jsonb_agg(jsonb_build_object('number', number, 'kind', kind, 'jurisdiction', jurisdiction,
             'principal', principal, 'roles', roles, 'from', valid_from, 'to', valid_to, 'reason', reason,
             'document', document, 'ended', ended)
           || jsonb_strip_nulls(jsonb_build_object('rolesFrom', roles_from)) order by number) as standings
    from standings where person = any (${keys as string[]}) group by person`,
}

/** Whether it counts on this day. */
export function isRunning({ from, to, ended }: Pick<Standing, 'from' | 'to' | 'ended'>, day: Day): boolean {
  return ended === null && from <= day && (to === null || day <= to)
}

/** Whether a jurisdiction is another one or lies above it; the region lies above all. Codes as numbers. */
export function isAbove(upper: Book, lower: Book): boolean {
  if (upper === REGION || upper === lower) return true
  // A token may name any six digits, so one with a zero in front as well.
  return lower !== REGION && isUnder(bookText(lower), bookText(upper))
}
