import { Decimal } from 'decimal.js'

/** Money: a whole number of fen (分, a hundredth of a yuan). May be negative. Never a float (design §3). */
export type Fen = bigint

/** Largest amount the service books: ten million million yuan (10^13), in fen. Callers compare; parseYuan does not. */
export const MAX_FEN: Fen = 1_000_000_000_000_000n

const yuanText = /^(0|[1-9]\d{0,13})\.\d{2}$/
const ratioText = /^[01](\.\d{1,10})?$/

// 60 digits hold ratio × amount exactly (10 + 40 digits and some); rounding down is only a second lock on the door.
const Exact = Decimal.clone({ precision: 60, rounding: Decimal.ROUND_DOWN })
const SHARE_LIMIT: Fen = 10n ** 40n

/**
 * Reads an amount at the border: yuan with exactly two decimals, no sign, no superfluous zeros, at most 14 digits before
 * the point ("0.05", "1200.00"). Returns fen. Throws RangeError for any other text, also for anything not a string.
 */
export function parseYuan(text: string): Fen {
  if (typeof text !== 'string' || !yuanText.test(text)) {
    throw new RangeError(`Not an amount in yuan with two decimals: ${JSON.stringify(text)}`)
  }
  return fenOf(text)
}

/** Writes fen as yuan with exactly two decimals, a minus sign before negative ones: 120000n "1200.00", -5n "-0.05". */
export function yuan(fen: Fen): string {
  const digits = (fen < 0n ? -fen : fen).toString().padStart(3, '0')
  return `${fen < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

/** Reads what `yuan` wrote, also below zero. Returns fen; the text is not checked. */
export const fenOf = (text: string): Fen => BigInt(text.replace('.', ''))

/** Whether a text is a ratio: a plain decimal above 0 and at most 1 with at most ten decimals ("0.333333", "1"). */
export function isRatio(text: string): boolean {
  if (typeof text !== 'string' || !ratioText.test(text)) return false
  const value = new Exact(text)
  return value.gt(0) && value.lte(1)
}

/**
 * ratio × amount, cut down to whole fen, never rounded up (design §3). `ratio` as isRatio, `amount` in fen, at least 0.
 * Exact for every amount below 10^40 fen; throws RangeError beyond that, for a negative amount or a text that is no ratio.
 */
export function share(ratio: string, amount: Fen): Fen {
  if (!isRatio(ratio)) throw new RangeError(`Not a ratio: ${JSON.stringify(ratio)}`)
  if (amount < 0n || amount >= SHARE_LIMIT) throw new RangeError(`No share of this amount of fen: ${amount}`)
  return BigInt(new Exact(amount.toString()).times(ratio).toFixed(0, Decimal.ROUND_DOWN))
}

/** The smallest amount in fen of which a ratio's share is at least this: share(ratio, contractFor(ratio, x)) >= x. */
export function contractFor(ratio: string, amount: Fen): Fen {
  if (!isRatio(ratio)) throw new RangeError(`Not a ratio: ${JSON.stringify(ratio)}`)
  return BigInt(new Exact(amount.toString()).div(ratio).toFixed(0, Decimal.ROUND_UP))
}
