import type { Actor } from '../core/actor.js'
import type { Day, Instant } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import { type FactSource, World } from '../ledger/world.js'
import type { Call, OverdueSource } from './command.js'
import { Decider } from './decider.js'
import type { Outcome } from './ticket.js'

interface Asker {
  readonly actor: Actor
  readonly at: Instant
  readonly day: Day
}

/**
 * Answers what commands would come to now, by the very decisions of the engine: what is overdue lapses first, and
 * nothing of it stays or is recorded.
 */
export class TryOut {
  readonly #world = new World()
  readonly #decider: Decider

  constructor(
    readonly source: FactSource & OverdueSource,
    readonly asker: Asker,
  ) {
    this.#decider = new Decider(
      {
        ...source,
        stored: async () => new Map(),
        // Nobody is given a number for having asked.
        numbersOf: async (people) => people.map((person) => ({ ...person, actor: 0 })),
        record: () => Promise.reject(new Error('what is only tried out is not recorded')),
      },
      this.#world,
    )
  }

  get day(): Day {
    return this.asker.day
  }

  /** Throws Refused('unavailable') when more must lapse first than fits into one batch. */
  ask(call: Call): Promise<Outcome> {
    return this.#decider.tryOut(call, this.asker)
  }

  /** Whether no book that was looked at has moved since. */
  async stillStands(): Promise<boolean> {
    const seen = this.#world.bases()
    const heads = await this.source.heads([...seen.keys()])
    return [...seen].every(([book, { seq, batch }]) => {
      const now = heads.get(book as Book)
      return now ? now.seq === seq && now.batch === batch : seq === 0
    })
  }
}
