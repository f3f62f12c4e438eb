import type { Fen } from '../core/money.js'
import { type AccountKind, accountKinds, phases, transferTypes } from '../ledger/chart.js'

/** What the transfers of one type and phase add up to, in fen. */
export interface Turnover {
  readonly type: number
  readonly phase: number
  readonly amount: Fen
}

/** What was posted to the two sides of a kind of account, and what of it is held; fen. */
export interface Sides {
  readonly debit: Fen
  readonly credit: Fen
  readonly held: Fen
}

export const isPosted = (phase: number) => phase === phases.post || phase === phases.capture

/** Which kinds a type of transfer moves is in the chart: so sums by type are sums by kind. */
export function sidesOf(turnovers: readonly Turnover[]): ReadonlyMap<AccountKind, Sides> {
  const sums = new Map(
    (Object.keys(accountKinds) as AccountKind[]).map((kind) => [kind, { debit: 0n, credit: 0n, held: 0n }]),
  )
  const types = new Map(Object.values(transferTypes).map((type) => [type.no as number, type]))
  for (const { type, phase, amount } of turnovers) {
    const { debit, credit } = types.get(type)!
    if (isPosted(phase)) {
      sums.get(debit)!.debit += amount
      sums.get(credit)!.credit += amount
    }
    if (phase !== phases.post) sums.get(debit)!.held += phase === phases.hold ? amount : -amount
  }
  return sums
}

/** A balance on the side where it stands 余额方向. */
export interface Balance {
  readonly debit: Fen
  readonly credit: Fen
}

export const balanceOf = ({ debit, credit }: Balance): Balance =>
  debit > credit ? { debit: debit - credit, credit: 0n } : { debit: 0n, credit: credit - debit }

/** 借, 贷 or 平. */
export const sideOf = ({ debit, credit }: Balance) => (debit > credit ? '借' : credit > debit ? '贷' : '平')

/**
 * How many of each stratum 层 are drawn: in proportion to how many there are, by largest remainders, at least one of each
 * while there are enough, never more than there are. Ties go to the earlier stratum.
 */
export function quotasOf(sizes: readonly number[], wanted: number): number[] {
  const all = sizes.reduce((sum, size) => sum + size, 0)
  const target = Math.min(wanted, all)
  const quotas = sizes.map((size) =>
    Math.min(size, Math.max(target >= sizes.length ? 1 : 0, Math.floor((size * target) / Math.max(all, 1)))),
  )
  const order = sizes
    .map((size, n) => ({ n, rest: (size * target) % Math.max(all, 1) }))
    .sort((a, b) => b.rest - a.rest || a.n - b.n)
    .map(({ n }) => n)
  const sum = () => quotas.reduce((total, quota) => total + quota, 0)
  while (sum() < target) {
    for (const n of order) if (sum() < target && quotas[n]! < sizes[n]!) quotas[n]!++
  }
  // The least one of each may have been too many: the largest strata give back.
  while (sum() > target) quotas[quotas.indexOf(Math.max(...quotas))]!--
  return quotas
}
