import type { Actor } from '../core/actor.js'
import { isRefusal, type Refusal } from '../core/refusals.js'
import type { Call } from './command.js'
import type { Receipt } from './idempotency.js'
import type { Outcome } from './ticket.js'

/** Who asks, and how it is to be taken. */
interface Manner {
  readonly actor: Actor
  /** The caller's Idempotency-Key; without one the command may only come from the service itself. */
  readonly key?: string
  /** False once nobody waits for the answer: then the command is dropped, as long as it is not being recorded. */
  readonly isWanted?: () => boolean
  /** It may have been asked before, of another engine: its key must be looked up. */
  readonly isAgain?: boolean
}

/** One command asked by somebody. */
export interface Asked extends Call, Manner {}

/** One command, or several in a row, asked by somebody. */
export interface AskedRow extends Manner {
  readonly calls: readonly Call[]
}

/** What runs commands: the engine, or what stands in front of it. */
export abstract class Runner {
  /**
   * Runs one command, or several in a row, all or nothing. Refusals are answers; throws EngineFault, or
   * Refused('unavailable') when the outcome is unknown.
   */
  abstract runAll(asked: AskedRow): Promise<Outcome[]>

  /** Whether a command would be taken up now, of anybody or of this organisation. */
  abstract hasRoom(organisation?: string): boolean

  /** Resolves when everything asked before has been answered. */
  abstract drained(): Promise<void>

  /** Runs one command. */
  async run(asked: Asked): Promise<Outcome> {
    const outcomes = await this.runAll({ ...asked, calls: [asked] })
    return outcomes[0]!
  }

  /**
   * Runs several commands in a row, all or nothing: at the first refusal nothing of them is recorded. The first is
   * what the caller asked, and the key and its answer are that one's; the others follow from it.
   */
  async runTogether(calls: readonly Call[], actor: Actor, key?: string): Promise<Receipt[] | Refusal> {
    const outcomes = await this.runAll({ calls, actor, ...(key === undefined ? {} : { key }) })
    return outcomes.find(isRefusal) ?? (outcomes as Receipt[])
  }
}
