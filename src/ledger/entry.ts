import type { Fen } from '../core/money.js'
import { type Hold, openOf } from './accounts.js'
import { type TransferType, transferTypes } from './chart.js'
import type { AccountName, Transfer } from './plan.js'

/** A posted transfer of fen; throws when the chart does not declare it or the amount is not above zero. */
export function post(type: TransferType, debit: AccountName, credit: AccountName, amount: Fen): Transfer {
  return declared({ type, phase: 'post', debit, credit, amount })
}

interface NewLeg {
  readonly type: TransferType
  readonly debit: AccountName
  readonly credit: AccountName
  readonly amount: Fen
}

/** The legs of a new hold: each keeps its amount apart from what its debit account can still give. */
export function hold(number: number, legs: readonly NewLeg[]): Transfer[] {
  return legs.map((leg, index) => declared({ ...leg, phase: 'hold', hold: { hold: number, leg: index + 1 } }))
}

/** Another leg of a hold that there is already. */
export function holdMore(held: Hold, leg: NewLeg): Transfer[] {
  return [declared({ ...leg, phase: 'hold', hold: { hold: held.hold, leg: held.legs.length + 1 } })]
}

/** Captures an amount of a hold, leg after leg, and releases all the rest in the same entry; throws beyond the hold. */
export function capture(held: Hold, amount: Fen): Transfer[] {
  if (amount <= 0n || amount > openOf(held)) throw new Error(`cannot capture ${amount} of ${openOf(held)}`)
  let left = amount
  return held.legs.flatMap((leg) => {
    const taken = left < leg.open ? left : leg.open
    left -= taken
    return [...part(held, leg, 'capture', taken), ...part(held, leg, 'release', leg.open - taken)]
  })
}

/** Gives back everything that is still open on a hold. */
export function release(held: Hold): Transfer[] {
  return held.legs.flatMap((leg) => part(held, leg, 'release', leg.open))
}

function part(held: Hold, leg: Hold['legs'][number], phase: 'capture' | 'release', amount: Fen): Transfer[] {
  if (amount === 0n) return []
  return [
    { type: leg.type, phase, debit: leg.debit, credit: leg.credit, amount, hold: { hold: held.hold, leg: leg.leg } },
  ]
}

function declared(transfer: Transfer): Transfer {
  const legal = transferTypes[transfer.type]
  if (legal.debit !== transfer.debit.kind || legal.credit !== transfer.credit.kind) {
    throw new Error(`${transfer.type} from ${transfer.debit.kind} to ${transfer.credit.kind} is not in the chart`)
  }
  if (transfer.amount <= 0n) throw new Error(`a transfer of ${transfer.amount} fen`)
  return transfer
}
