import { isProvince, type Province, provinces } from './division.js'
import type { Fen } from './money.js'

/** What one province's programs owe another's payees (rehearsal README, Settlement). */
export interface GrossItem {
  /** P, the province that issued the voucher and owes the money. */
  readonly from: string
  /** Q, the payee's province, which is owed. */
  readonly to: string
  /** Fen; negative when claw-backs outweigh approvals. */
  readonly amount: Fen
}

/** One payment between two provinces: `from` pays `to` the amount, in fen, always above zero. */
export interface Instruction {
  readonly from: Province
  readonly to: Province
  readonly amount: Fen
}

/**
 * Net positions in fen, all four provinces in the order of their codes: net[X] is what the others owe X less what X owes
 * the others. Items within one province are left out. The nets add up to zero. Throws RangeError when an item names
 * anything but one of the four provinces (a county settles through its province).
 */
export function netPositions(gross: readonly GrossItem[]): Map<Province, Fen> {
  const nets = new Map<Province, Fen>(provinces.map((province) => [province, 0n]))
  for (const { from, to, amount } of gross) {
    if (!isProvince(from)) throw new RangeError(`Not one of the four provinces: ${from}`)
    if (!isProvince(to)) throw new RangeError(`Not one of the four provinces: ${to}`)
    if (from === to) continue
    nets.set(from, nets.get(from)! - amount)
    nets.set(to, nets.get(to)! + amount)
  }
  return nets
}

/**
 * The instructions that bring nets (fen) to zero: the largest debtor pays the largest creditor the smaller of their two
 * amounts, ties go to the lower code, until all is zero; in that order. Never more than one fewer than there are
 * provinces with a position, and no province both pays and receives. Throws RangeError when the nets do not add up to
 * zero.
 */
export function clear(nets: ReadonlyMap<Province, Fen>): Instruction[] {
  const open = new Map([...nets].sort(([one], [other]) => (one < other ? -1 : 1)))
  let sum = 0n
  for (const net of open.values()) sum += net
  if (sum !== 0n) throw new RangeError(`Net positions do not add up to zero but to ${sum} fen`)

  const instructions: Instruction[] = []
  for (;;) {
    let debtor: Province | undefined
    let creditor: Province | undefined
    let owing = 0n
    let owed = 0n
    for (const [province, net] of open) {
      if (net < owing) [debtor, owing] = [province, net]
      if (net > owed) [creditor, owed] = [province, net]
    }
    if (debtor === undefined || creditor === undefined) return instructions
    const amount = -owing < owed ? -owing : owed
    instructions.push({ from: debtor, to: creditor, amount })
    open.set(debtor, owing + amount)
    open.set(creditor, owed - amount)
  }
}
