import { randomUUID } from 'node:crypto'
import type { Actor } from '../core/actor.js'
import type { Refusal } from '../core/refusals.js'
import type { Day, Instant } from '../core/time.js'
import type { Job } from '../ledger/record.js'
import type { Call } from './command.js'
import type { Receipt } from './idempotency.js'

/** What a command came to: a receipt, or a refusal that changed nothing. */
export type Outcome = Receipt | Refusal

/** A fault: not a refusal but something nobody should have met; `id` finds it in the log. */
export class EngineFault extends Error {
  constructor(
    cause: unknown,
    readonly id: string = randomUUID(),
  ) {
    super('the engine could not run this command', { cause })
  }
}

/** A command, or several in a row, with the caller who waits for the answer. */
export interface Ticket {
  /** Its place in the order of arrival. */
  readonly number: number
  readonly calls: readonly Call[]
  readonly actor: Actor
  readonly organisation: string
  readonly at: Instant
  readonly day: Day
  /** The caller's key, by `keyId`. */
  readonly key: string | undefined
  /** When it was asked, by the process's own steady clock in milliseconds. */
  readonly since: number
  /** False once nobody waits for the answer. */
  readonly isWanted: (() => boolean) | undefined
  /** Whether its key may be stored already and must be looked up. */
  mustLookUp: boolean
  attempts: number
  answered: boolean
  resolve(outcomes: Outcome[]): void
  reject(fault: unknown): void
}

export const byArrival = (a: Ticket, b: Ticket) => a.number - b.number

export function answer(ticket: Ticket, outcomes: Outcome[] | Error): void {
  ticket.answered = true
  if (outcomes instanceof Error) ticket.reject(outcomes)
  else ticket.resolve(outcomes)
}

/** Tickets decided together, to be recorded in one call. */
export class Batch {
  readonly jobs: Job[] = []
  /** What each decided ticket came to, and where its jobs are. */
  readonly decided: { ticket: Ticket; outcomes: Outcome[]; from: number; to: number }[] = []
  /** What failed, and the jobs whose facts tell whether it is a fault or was only decided on stale ones. */
  readonly faults: { ticket: Ticket; fault: Error; from: number; to: number }[] = []
  /** Tickets to be asked again once this batch is recorded. */
  readonly later: Ticket[] = []
  constructor(readonly tickets: readonly Ticket[]) {}
}
