import { Refused, refuse } from '../core/refusals.js'
import type { Timer } from '../core/time.js'
import type { Engine } from './engine.js'
import type { Holder, Lease } from './lease.js'
import { type AskedRow, Runner } from './runner.js'
import type { Outcome } from './ticket.js'

/** The way to the process in charge is gone; what was asked over it may have been done. */
export class LinkLost extends Error {
  constructor() {
    super('the process in charge went away')
  }
}

/** The process asked is not in charge: it has done nothing. */
export class NotInCharge extends Error {
  constructor() {
    super('another process is in charge')
  }
}

/** A way to the process in charge. What is asked over it throws what the engine there throws, LinkLost or NotInCharge. */
export interface Link extends Pick<Runner, 'runAll' | 'drained'> {
  readonly holder: Holder
  readonly isLost: boolean
  /** Since when, by the timer, the oldest question waits for its answer; undefined when none does. */
  readonly waitsSince: number | undefined
  /** Loses it. */
  close(): void
}

/** How long a command waits for a process to take charge, in milliseconds: two take-overs. */
const PATIENCE = 10_000
/** An answer that takes longer will not come any more. */
const STUCK = 30_000
const MOST = 20_000

interface FrontOptions {
  readonly engine: Engine
  readonly lease: Lease
  readonly timer: Timer
  /** Opens a way to a process in charge. */
  open(holder: Holder): Promise<Link>
}

/**
 * Where commands arrive: has them run by the process in charge, here or elsewhere. When that goes away they wait for the
 * next one and are asked again there under the same key: what was done is found done.
 */
export class Front extends Runner {
  readonly #options: FrontOptions
  #link: Link | undefined
  #opening: Promise<void> | undefined
  #closed = false
  /** What was passed on and is not answered. */
  readonly #passed = new Set<Promise<unknown>>()
  readonly #passedOf = new Map<string, number>()

  constructor(options: FrontOptions) {
    super()
    this.#options = options
    void this.#watch()
  }

  async runAll(asked: AskedRow): Promise<Outcome[]> {
    if (this.#closed) return [refuse('overloaded')]
    if (this.#isHere) return this.#options.engine.runAll(asked)
    const { organisation } = asked.actor
    if (!this.hasRoom(organisation)) return [refuse('overloaded')]
    const count = (by: number) => this.#passedOf.set(organisation, (this.#passedOf.get(organisation) ?? 0) + by)
    count(1)
    const passed = this.#patiently(async (to, isAgain) => {
      if (asked.isWanted?.() === false) return [refuse('overloaded')]
      return to.runAll({ ...asked, isAgain })
    }, asked.key !== undefined)
    this.#passed.add(passed)
    try {
      return await passed
    } finally {
      this.#passed.delete(passed)
      count(-1)
      if (this.#passedOf.get(organisation) === 0) this.#passedOf.delete(organisation)
    }
  }

  hasRoom(organisation?: string): boolean {
    if (this.#closed) return false
    if (this.#isHere) return this.#options.engine.hasRoom(organisation)
    if (this.#passed.size >= MOST) return false
    return organisation === undefined || (this.#passedOf.get(organisation) ?? 0) < MOST * 0.6
  }

  async drained(): Promise<void> {
    await this.#patiently((to) => to.drained(), true)
  }

  /** Answers what was accepted, refuses the rest. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#options.engine.close()
    await Promise.allSettled(this.#passed)
    this.#link?.close()
  }

  get #isHere(): boolean {
    return this.#options.lease.inCharge?.who === 'here'
  }

  /** Asks whoever is in charge, and again when that one goes away. Throws Refused('unavailable') when the outcome is not known. */
  async #patiently<T>(
    ask: (to: Pick<Runner, 'runAll' | 'drained'>, isAgain: boolean) => Promise<T>,
    mayRepeat: boolean,
  ): Promise<T> {
    const { timer, lease } = this.#options
    const until = timer.now() + PATIENCE
    for (let isAgain = false; ; ) {
      const to = await this.#inCharge()
      try {
        if (to) return await ask(to, isAgain)
      } catch (error) {
        if (error instanceof LinkLost) {
          if (!mayRepeat) throw new Refused('unavailable')
          isAgain = true
        } else if (!(error instanceof NotInCharge)) throw error
      }
      if (timer.now() > until) throw new Refused('unavailable')
      await lease.changed()
    }
  }

  /** Whoever runs commands now; undefined when nobody is known to, or the way there is not open. */
  async #inCharge(): Promise<Pick<Runner, 'runAll' | 'drained'> | undefined> {
    const { engine, lease, open } = this.#options
    const { inCharge } = lease
    if (!inCharge || inCharge.who === 'here') return inCharge && engine
    if (!this.#isTo(inCharge.holder)) {
      this.#opening ??= open(inCharge.holder)
        .then(
          (link) => {
            this.#link?.close()
            this.#link = link
          },
          () => {},
        )
        .finally(() => {
          this.#opening = undefined
        })
      await this.#opening
    }
    return this.#isTo(inCharge.holder) ? this.#link : undefined
  }

  #isTo(holder: Holder): boolean {
    return this.#link !== undefined && !this.#link.isLost && this.#link.holder.id === holder.id
  }

  /** Gives up a way that leads to somebody who is not in charge any more, or does not answer. */
  async #watch(): Promise<void> {
    const { lease, timer } = this.#options
    while (!this.#closed) {
      await lease.changed()
      if (!this.#link) continue
      const { inCharge } = lease
      const isStuck = timer.now() - (this.#link.waitsSince ?? timer.now()) > STUCK
      const isElsewhere = inCharge && !(inCharge.who === 'elsewhere' && this.#isTo(inCharge.holder))
      if (isStuck || isElsewhere) this.#link.close()
    }
  }
}
