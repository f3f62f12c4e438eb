import { Refused } from '../core/refusals.js'
import { REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'

export interface Enterprise extends Fact {
  readonly uscc: string
  readonly name: string
  readonly division: string
  readonly types: readonly string[]
}

export const enterprises: FactKind<Enterprise> = {
  name: 'enterprises',
  key: (enterprise) => enterprise.uscc,
  bookOf: () => REGION,
  load: (sql, keys) => sql<Enterprise[]>`
    select 0 as book, uscc, name, division, types from enterprises where uscc = any (${keys as string[]})`,
}

/** The enterprise of this code; throws Refused('enterprise_not_found'). */
export function enterpriseOf(find: Find, uscc: string): Enterprise {
  const enterprise = find(enterprises, uscc)
  if (!enterprise) throw new Refused('enterprise_not_found', { enterprise: uscc })
  return enterprise
}
