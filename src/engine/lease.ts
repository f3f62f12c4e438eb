import type { Timer } from '../core/time.js'

/** A process that runs the engine, or could. */
export interface Holder {
  /** Its own number, known only to who can read the database: other processes show it when they send it commands. */
  readonly id: string
  /** Where the other processes reach it. */
  readonly address: string
}

/** Where the lease is kept. */
export interface LeaseStore {
  /** Takes or renews the lease, when it is free or this process's, for so many milliseconds (0 gives it up); says whose it is. */
  hold(holder: Holder, milliseconds: number): Promise<Holder>
}

/** How long a lease lasts that is not renewed: a dead holder is followed within this and `ASK`. */
const LASTS = 3000
const RENEW = 1000
/** How often the others ask. */
const ASK = 500

/** Who runs the engine, as far as this process knows. */
export type InCharge = { readonly who: 'here' } | { readonly who: 'elsewhere'; readonly holder: Holder } | undefined

/**
 * The lease of the engine: one process at a time runs it. Takes it when it is free, renews it, knows who has it
 * otherwise. Nothing rests on it but speed: two engines that both believe they hold it are kept apart by the fence.
 */
export class Lease {
  #inCharge: InCharge
  /** Until when what is known holds, by the timer. */
  #until = 0
  #asking: Promise<void> | undefined
  #stopped = false
  #wake: (() => void)[] = []
  /** What the database said when it was last asked in vain. */
  fault: unknown

  constructor(
    readonly me: Holder,
    readonly store: LeaseStore,
    readonly timer: Timer,
  ) {}

  /** Who is in charge; undefined while nobody is known to be. */
  get inCharge(): InCharge {
    return this.timer.now() < this.#until ? this.#inCharge : undefined
  }

  /** Starts to keep the lease; resolves when it is known who has it. */
  async start(): Promise<void> {
    void this.#keep()
    while (!this.inCharge && !this.#stopped) await this.changed()
  }

  /** Resolves when something else may be known. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#wake.push(resolve))
  }

  /** Gives the lease up, so that another process takes it at once. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#asking
    if (this.inCharge?.who === 'here') await this.store.hold(this.me, 0).catch(() => {})
    this.#tell(undefined, 0)
  }

  async #keep(): Promise<void> {
    while (!this.#stopped) {
      this.#asking = this.#ask()
      await this.#asking
      await this.timer.sleep(this.inCharge?.who === 'here' ? RENEW : ASK)
    }
  }

  async #ask(): Promise<void> {
    const asked = this.timer.now()
    try {
      const holder = await this.store.hold(this.me, LASTS)
      this.fault = undefined
      this.#tell(holder.id === this.me.id ? { who: 'here' } : { who: 'elsewhere', holder }, asked + LASTS)
    } catch (error) {
      this.fault = error
      this.#tell(this.#inCharge, this.#until)
    }
  }

  #tell(inCharge: InCharge, until: number): void {
    this.#inCharge = inCharge
    this.#until = until
    for (const wake of this.#wake.splice(0)) wake()
  }
}
