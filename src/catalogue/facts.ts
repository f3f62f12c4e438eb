import { provinceOf } from '../core/division.js'
import type { Day } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'

/** What a local category means in the common ones over these days. */
export interface Mapping {
  /** The number of the region's command that made it. */
  readonly mapping: number
  readonly name: string
  /** null: none any more. */
  readonly category: string | null
  readonly from: Day
  /** null: until further notice. */
  readonly to: Day | null
}

/** A province's own category 地方服务类别 with all its mappings, oldest first. */
export interface LocalCategory extends Fact {
  readonly jurisdiction: Book
  readonly code: string
  readonly mappings: readonly Mapping[]
}

export const localKey = (jurisdiction: Book | string, code: string) => `${jurisdiction} ${code}`

export const catalogue: FactKind<LocalCategory> = {
  name: 'catalogue',
  key: ({ jurisdiction, code }) => localKey(jurisdiction, code),
  bookOf: () => REGION,
  load: (sql, keys) => sql<LocalCategory[]>`
    select 0 as book, c.jurisdiction, c.code,
           jsonb_agg(jsonb_build_object('mapping', c.mapping, 'name', c.name, 'category', c.category,
                       'from', c.valid_from, 'to', c.valid_to) order by c.mapping) as mappings
    from unnest(${keys.map((key) => Number(key.slice(0, 6)))}::int[], ${keys.map((key) => key.slice(7))}::text[])
           as k (jurisdiction, code)
    join catalogue c on c.jurisdiction = k.jurisdiction and c.code = k.code
    group by c.jurisdiction, c.code`,
}

/** The mapping that holds on a day: the last one made that covers it. */
export function mappingOn(mappings: readonly Mapping[], day: Day): Mapping | undefined {
  return mappings.findLast(({ from, to }) => from <= day && (to === null || day <= to))
}

/** What a local code means on this day in the provinces of these divisions; nothing where it is not mapped. */
export function meaningsOf(find: Find, localCode: string, divisions: readonly string[], day: Day): string[] {
  const keys = divisions.map((division) => localKey(provinceOf(division), localCode))
  find.ahead(...keys.map((key) => [catalogue, key] as const))
  return keys.flatMap((key) => mappingOn(find(catalogue, key)?.mappings ?? [], day)?.category ?? [])
}
