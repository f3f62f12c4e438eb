import type { Fen } from '../../core/money.js'
import type { Book } from '../../ledger/book.js'
import { accountKinds, transferTypes } from '../../ledger/chart.js'
import type { SealKey } from '../../seal/key.js'
import type { Replayed } from '../replay.js'

/** What checks are given, and what a later one takes over from an earlier one. */
export interface Run {
  /** What checkpoints are verified with; without it signatures are not looked at. */
  readonly key?: Pick<SealKey, 'verifier'>
  periods?: readonly Period[]
  items?: readonly Item[]
  replayed?: Replayed
}

/** An approval or a claw-back, with the period that takes it: the earliest close that reaches it. */
export interface Item {
  readonly book: Book
  readonly seq: number
  readonly payee: string
  readonly province: number
  /** Fen; negative to come back. */
  readonly amount: Fen
  readonly period: Period | undefined
  /** The clearing agreement that was in force on its day. */
  readonly agreement: number | null
}

export interface Period {
  readonly period: string
  readonly closing: bigint
  readonly through: string
  readonly netted: boolean
  readonly settled: boolean
  readonly paid: boolean
  readonly group: string | null
  /** The agreements that were netted in it. */
  readonly agreements: readonly number[]
  readonly reaches: Readonly<Record<string, number>>
  readonly kind: string | null
  readonly body: { readonly period?: string; readonly through?: string; readonly group?: string }
  readonly event: { readonly reaches?: Readonly<Record<string, number>> }
}

/** Numbers of the chart, as the database has them. */
export const kindNo = (kind: keyof typeof accountKinds) => accountKinds[kind].no
export const typeNo = (type: keyof typeof transferTypes) => transferTypes[type].no
