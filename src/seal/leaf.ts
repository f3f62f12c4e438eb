import { z } from 'zod'
import { type accountKinds, names, phases, transferTypes } from '../ledger/chart.js'

const number = z.number().int().min(1)
const hex = z.string().regex(/^[0-9a-f]{64}$/)

/** One transfer of an entry: accounts as `kind:owner`, or `kind` alone for the one-of-a-kind accounts of a book. */
const transfer = z.strictObject({
  amount: z.string().regex(/^\d+\.\d{2}$/),
  credit: z.string(),
  debit: z.string(),
  hold: number.optional(),
  leg: number.optional(),
  phase: z.enum(names(phases)),
  type: z.enum(names(transferTypes)),
})
export type LeafTransfer = z.output<typeof transfer>
export const transferList = z.array(transfer)

/** A leaf of a book's log: one command with its entry. */
export const leaf = z.strictObject({
  book: z.string(),
  bookedAt: z.string(),
  /** SHA-256(salt ‖ text) of who asked, what, and what came of it. */
  content: hex,
  day: z.string(),
  entry: number.nullable(),
  kind: z.string(),
  /** {book: seq}: the versions of other books that it was decided on. */
  rests: z.record(z.string(), z.number()),
  seq: number,
  transfers: transferList.optional(),
  /** Instead of `transfers`, when they are too long for a leaf: the SHA-256 of their JSON. */
  transfersHash: hex.optional(),
})

/** The kind of an account that a leaf names. */
export const kindOf = (account: string) => account.replace(/:.*$/s, '') as keyof typeof accountKinds
