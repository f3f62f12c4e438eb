import type { Relations, Ties } from './facts.js'

/** How two parties can be related 关联方式: one legal person, a shareholder in common, one a shareholder of the other. */
export type Tie = 'legal_person' | 'shareholder' | 'holding'

/** How two parties are related by what they declared or any bureau found; undefined when nothing known relates them. */
export function tieBetween(one: Relations, other: Relations): Tie | undefined {
  const [ones, others] = [known(one), known(other)]
  if (ones.length === 0 && others.length === 0) return undefined
  if (meet(ones.flatMap(legalPersons), others.flatMap(legalPersons))) return 'legal_person'
  const [holders, otherHolders] = [ones.flatMap(shareholders), others.flatMap(shareholders)]
  if (meet(holders, otherHolders)) return 'shareholder'
  return holders.includes(other.uscc) || otherHolders.includes(one.uscc) ? 'holding' : undefined
}

const known = ({ declared, recorded }: Relations): readonly Ties[] => (declared ? [declared, ...recorded] : recorded)
const legalPersons = ({ legalPerson }: Ties) => (legalPerson ? [legalPerson.idDigest] : [])
const shareholders = ({ shareholders }: Ties) => shareholders.map(({ idDigest, uscc }) => idDigest ?? uscc)
const meet = <T>(some: readonly T[], others: readonly T[]) => some.some((one) => others.includes(one))
