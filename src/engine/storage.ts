import type { Recorder } from '../ledger/record.js'
import type { FactSource } from '../ledger/world.js'
import type { OverdueSource } from './command.js'
import type { Stored } from './idempotency.js'

/** Somebody who asks commands, as the log numbers them. */
export interface Person {
  readonly organisation: string
  readonly subject: string
  /** The address the request came from, '' when it is not known. */
  readonly origin: string
}

/** All that the engine asks of the database; a simulation answers it from memory. */
export interface Storage extends FactSource, OverdueSource, Recorder {
  /** What is stored under callers' keys, by `keyId`. */
  stored(keys: readonly string[]): Promise<ReadonlyMap<string, Stored>>
  /** The numbers of these people; whoever has none gets one. */
  numbersOf(people: readonly Person[]): Promise<readonly (Person & { readonly actor: number })[]>
}
