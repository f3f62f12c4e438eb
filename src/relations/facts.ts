import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { enterprises } from '../enterprises/facts.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import { providers } from '../providers/facts.js'

/** Who stands behind a party, as somebody has said on a day; persons by a digest, companies by their code. */
export interface Ties {
  readonly legalPerson: { readonly name: string; readonly idDigest: string } | null
  readonly shareholders: readonly {
    readonly name: string
    readonly idDigest?: string | undefined
    readonly uscc?: string | undefined
  }[]
  readonly on: Day
}

/** What is known of who stands behind an enterprise or a provider 关联关系. */
export interface Relations extends Fact {
  readonly uscc: string
  /** The number of the region's command that last wrote it. */
  readonly version: number
  /** As the party itself says. */
  readonly declared: Ties | null
  /** As bureaus have found, each by its last word. */
  readonly recorded: readonly (Ties & { readonly jurisdiction: Book; readonly source: string })[]
}

export const relations: FactKind<Relations> = {
  name: 'relations',
  key: ({ uscc }) => uscc,
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<Relations, 'version'> & { version: bigint })[]>`
      select 0 as book, uscc, version, declared, recorded from relations where uscc = any (${keys as string[]})`
    return rows.map((row) => ({ ...row, version: Number(row.version) }))
  },
}

/** What is known of a party's relations; of most, nothing. */
export function relationsOf(find: Find, uscc: string): Relations {
  return find(relations, uscc) ?? { book: REGION, uscc, version: 0, declared: null, recorded: [] }
}

/** The same of a party that is registered; throws Refused('party_not_found'). */
export function partyOf(find: Find, uscc: string): Relations {
  find.ahead([enterprises, uscc], [providers, uscc], [relations, uscc])
  if (!find(enterprises, uscc) && !find(providers, uscc)) throw new Refused('party_not_found', { party: uscc })
  return relationsOf(find, uscc)
}
