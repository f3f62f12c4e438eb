import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { QualificationState } from './contract.js'

/** One dated declaration that an enterprise is of a type 资格; both days count. */
export interface Qualification {
  /** The number of the region's command that declared it. */
  readonly qualification: number
  readonly type: string
  readonly certificate: string
  readonly from: Day
  readonly to: Day
  readonly declaredOn: Day
  /** Digests of what was handed in. */
  readonly evidence: readonly string[]
  readonly state: QualificationState
  /** The bureau's last word on it. */
  readonly verification: {
    readonly on: Day
    readonly by: string
    /** What was looked at. */
    readonly evidence: readonly string[]
    readonly reason: string | null
  } | null
}

/** A change of seat 迁移, by the number of the command that made it. */
export interface Move {
  readonly move: number
  readonly on: Day
  readonly from: string
  readonly to: string
  readonly reason: string
}

export interface Enterprise extends Fact {
  readonly uscc: string
  readonly name: string
  readonly division: string
  /** As it registered; a program may ask for verified ones instead. */
  readonly types: readonly string[]
  readonly contact: string | null
  /** The number of the region's command that last wrote it. */
  readonly version: number
  readonly moves: readonly Move[]
  readonly qualifications: readonly Qualification[]
}

export const enterprises: FactKind<Enterprise> = {
  name: 'enterprises',
  key: (enterprise) => enterprise.uscc,
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<Enterprise, 'version'> & { version: bigint })[]>`
      select 0 as book, uscc, name, division, types, contact, version, moves, qualifications
      from enterprises where uscc = any (${keys as string[]})`
    return rows.map((row) => ({ ...row, version: Number(row.version) }))
  },
}

/** The enterprise of this code; throws Refused('enterprise_not_found'). */
export function enterpriseOf(find: Find, uscc: string): Enterprise {
  const enterprise = find(enterprises, uscc)
  if (!enterprise) throw new Refused('enterprise_not_found', { enterprise: uscc })
  return enterprise
}

/** Where an enterprise was registered on a day; a move counts from its own day on. */
export const divisionOn = ({ division, moves }: Pick<Enterprise, 'division' | 'moves'>, day: Day): string =>
  moves.find(({ on }) => on > day)?.from ?? division

/** The qualification of this number; throws Refused('qualification_not_found'). */
export function qualificationOf(enterprise: Enterprise, number: number): Qualification {
  const found = enterprise.qualifications.find(({ qualification }) => qualification === number)
  if (!found) throw new Refused('qualification_not_found', { qualification: number })
  return found
}
