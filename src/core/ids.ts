import { isJurisdiction } from './division.js'

/**
 * Ids of vouchers and orders name their book and the number of the command that made them: `V320509-57`, `O320509-60`.
 * They are unique without chance or a counter of their own, and lead to their book without a look-up.
 */
export interface Id {
  readonly book: number
  readonly number: number
}

/** A book as it is written on the wire: six digits, 000000 for the region. */
export const bookText = (book: number) => String(book).padStart(6, '0')

export const voucherId = (book: number, number: number) => `V${book}-${number}`
export const orderId = (book: number, number: number) => `O${book}-${number}`
export const applicationId = (book: number, number: number) => `A${book}-${number}`
/** A proposal's book may also be the region's: `P000000-12`. */
export const proposalId = (book: number, number: number) => `P${bookText(book)}-${number}`

/** The parts of a voucher's id; undefined when the text cannot be one. */
export const parseVoucherId = (text: string) => parse('V', text)

/** The parts of an order's id; undefined when the text cannot be one. */
export const parseOrderId = (text: string) => parse('O', text)

/** The parts of an application's id; undefined when the text cannot be one. */
export const parseApplicationId = (text: string) => parse('A', text)

/** The parts of a proposal's id; undefined when the text cannot be one. */
export const parseProposalId = (text: string) => parse('P', text)

const SHAPE = /^([VOPA])(\d{6})-([1-9]\d{0,14})$/

function parse(letter: 'V' | 'O' | 'P' | 'A', text: string): Id | undefined {
  const match = SHAPE.exec(text)
  if (match?.[1] !== letter) return undefined
  if (!isJurisdiction(match[2]!) && !(letter === 'P' && match[2] === '000000')) return undefined
  return { book: Number(match[2]), number: Number(match[3]) }
}
