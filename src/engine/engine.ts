import { isRefusal, type RefusalCode, Refused, refuse } from '../core/refusals.js'
import { type Clock, dayOf, systemTimer, type Timer } from '../core/time.js'
import { encode, send } from '../ledger/record.js'
import { World } from '../ledger/world.js'
import { Decider } from './decider.js'
import { keyId, RecentKeys } from './idempotency.js'
import { isOutage, isTaken } from './outage.js'
import { Queue } from './queue.js'
import { type AskedRow, Runner } from './runner.js'
import type { Storage } from './storage.js'
import { answer, Batch, byArrival, EngineFault, type Outcome, type Ticket } from './ticket.js'

/** Who is told how it goes. */
export interface EngineWatch {
  /** A command was answered: accepted, refused with a code, a fault, or what was stored under its key. */
  answered(kind: string, came: 'accepted' | 'repeated' | 'fault' | RefusalCode): void
  /** So many commands were recorded in one call, in so many milliseconds. */
  recorded(commands: number, milliseconds: number): void
  /** So many commands were decided again because a book had moved. */
  decidedAgain(commands: number): void
  /** The database did not take a batch, and is asked again. */
  outage(): void
  /** A fault, by its number in the log. */
  fault(id: string): void
}

export interface EngineOptions {
  readonly storage: Storage
  readonly clock: Clock
  /** What it waits by; the process's own if left out. */
  readonly timer?: Timer
  readonly watch?: EngineWatch
  readonly log?: { error(fields: object, message: string): void; warn(fields: object, message: string): void }
  /** Commands in one batch at most. */
  readonly batch?: number
  /** Facts kept between batches. */
  readonly facts?: number
  /** Commands waiting at most; beyond that a command is refused with `overloaded`. */
  readonly queue?: number
  /** How long a command may wait to be decided before it is refused with `overloaded`, in milliseconds. */
  readonly wait?: number
  /** The number of its first batch; drawn by chance if left out. */
  readonly firstBatch?: number
}

const BATCH = 1000
const QUEUE = 20_000
const FACTS = 200_000
const WAIT = 10_000
/** So many waiting commands are worth two batches. */
const MANY = 8
/** Batches on their way into the database at once: one being recorded, and one right behind it. */
const FLYING = 2
/** How long a batch is asked again when the database does not answer, in milliseconds. */
const PATIENCE = 15_000
/** How often a command is decided again because a book moved, before its caller hears "unavailable". */
const ATTEMPTS = 200

/** How recording a batch went: not at all, or all of it but these jobs. */
interface Landed {
  readonly error?: unknown
  readonly dead: ReadonlySet<number>
}

/** A batch on its way into the database. */
interface Flight {
  readonly batch: Batch
  readonly landed: Promise<Landed>
}

/**
 * The clearing engine: every command that changes money, or what decisions on money rest on, comes through here.
 * While one batch is recorded the next one gathers; a command that comes alone waits for nothing.
 */
export class Engine extends Runner {
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #timer: Timer
  readonly #log: EngineOptions['log']
  readonly #watch: EngineWatch | undefined
  readonly #batch: number
  readonly #facts: number
  readonly #wait: number
  readonly #world = new World()
  readonly #decider: Decider
  readonly #queue: Queue<Ticket>
  readonly #recent = new RecentKeys()
  readonly #pending = new Map<Ticket, Promise<Outcome[]>>()
  readonly #flying: Flight[] = []
  #arrivals = 0
  #running: Promise<void> | undefined
  #closed = false

  constructor(options: EngineOptions) {
    super()
    this.#storage = options.storage
    this.#decider = new Decider(options.storage, this.#world, options.firstBatch)
    this.#clock = options.clock
    this.#timer = options.timer ?? systemTimer
    this.#log = options.log
    this.#watch = options.watch
    this.#batch = options.batch ?? BATCH
    this.#facts = options.facts ?? FACTS
    this.#wait = options.wait ?? WAIT
    const most = options.queue ?? QUEUE
    // No organisation fills the queue alone, and one request of ten thousand rows fits.
    this.#queue = new Queue(most, Math.ceil(most * 0.6))
  }

  /** Commands waiting to be decided. */
  get waiting(): number {
    return this.#queue.size
  }

  hasRoom(organisation?: string): boolean {
    return !this.#closed && this.#queue.hasRoom(organisation)
  }

  async drained(): Promise<void> {
    await Promise.allSettled([...this.#pending.values()])
  }

  /** Answers what was accepted, refuses the rest. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  runAll(asked: AskedRow): Promise<Outcome[]> {
    if (this.#closed) return Promise.resolve([refuse('overloaded')])
    const { calls, actor } = asked
    const at = this.#clock.now()
    const key = asked.key === undefined ? undefined : keyId(actor.organisation, asked.key)
    let ticket: Ticket | undefined
    const answered = new Promise<Outcome[]>((resolve, reject) => {
      ticket = {
        number: this.#arrivals++,
        calls,
        actor,
        organisation: actor.organisation,
        at,
        day: dayOf(at),
        key,
        since: this.#timer.now(),
        isWanted: asked.isWanted,
        mustLookUp: key !== undefined && (this.#recent.add(key) || asked.isAgain === true),
        attempts: 0,
        answered: false,
        resolve,
        reject,
      }
    })
    if (!this.#queue.offer(ticket!)) return Promise.resolve([refuse('overloaded')])
    this.#pending.set(ticket!, answered)
    this.#running ??= this.#work()
    return answered
  }

  /** Decides batch after batch on top of what those before will have done, and sends each as soon as it is decided. */
  async #work(): Promise<void> {
    try {
      do {
        // Commands that arrive in the same turn of the event loop go into the same batch.
        await this.#timer.turn()
        const batch = this.#flying.length < FLYING ? this.#gather() : undefined
        if (batch) {
          const fault = await this.#decide(batch)
          // What could not be decided is behind what is under way, also when that fails.
          if (fault) {
            this.#flying.push({ batch, landed: Promise.resolve({ error: fault, dead: new Set() }) })
            await this.#landAll([])
          } else this.#flying.push({ batch, landed: this.#send(batch) })
        } else if (this.#flying.length > 0) await this.#land()
      } while (this.#queue.size > 0 || this.#flying.length > 0)
    } finally {
      // In the same breath as the queue was found empty, so that nobody queues up behind a worker that has gone home.
      this.#running = undefined
    }
  }

  /** Takes a batch from the queue; the second command with a key waits until the first one's answer is stored. */
  #gather(): Batch | undefined {
    if (this.#queue.size === 0) return undefined
    const keys = new Set<string>()
    for (const { batch } of this.#flying) for (const { key } of batch.tickets) if (key !== undefined) keys.add(key)
    const now = this.#timer.now()
    const tickets = this.#queue.take(this.#batch, (ticket) => {
      if (ticket.attempts === 0 && (now - ticket.since > this.#wait || ticket.isWanted?.() === false)) {
        this.#answer(ticket, [refuse('overloaded')])
        return 'drop'
      }
      if (ticket.key === undefined) return 'take'
      if (keys.has(ticket.key)) return 'leave'
      keys.add(ticket.key)
      return 'take'
    })
    // Fair turns say who is in the batch; within it, who came first is first.
    tickets.sort(byArrival)
    if (this.#flying.length === 0 && this.#queue.size === 0 && tickets.length > MANY) {
      // Half of many, when nothing is under way: one half is decided while the other is recorded, and so it stays.
      this.#queue.putBack(tickets.splice(Math.ceil(tickets.length / 2)))
    }
    return tickets.length > 0 ? new Batch(tickets) : undefined
  }

  /** Returns what went wrong with the database, if anything did. */
  async #decide(batch: Batch): Promise<unknown> {
    try {
      await this.#decider.decide(batch)
      return undefined
    } catch (error) {
      return error
    }
  }

  async #send({ jobs }: Batch): Promise<Landed> {
    if (jobs.length === 0) return { dead: new Set() }
    const sent = this.#timer.now()
    try {
      const dead = await send(this.#storage, encode(this.#world, jobs))
      this.#watch?.recorded(jobs.length, this.#timer.now() - sent)
      return { dead }
    } catch (error) {
      return { error, dead: new Set() }
    }
  }

  /** Waits for the first batch to land, and answers it. */
  async #land(): Promise<void> {
    const [{ batch, landed }] = this.#flying as [Flight]
    const { error, dead } = await landed
    this.#flying.shift()
    this.#world.landed(Math.max(0, this.#flying.length - 1))
    if (error) return this.#landAll([{ batch, error }])
    const again = this.#settle(batch, dead)
    // What was decided on top of a batch that was not recorded as it was decided is worth nothing.
    if (dead.size > 0) return this.#landAll([], again)
    this.#again(again)
    this.#world.trim(this.#facts)
  }

  /** Something went wrong: lets what is under way land, forgets what was known, and asks again what must be. */
  async #landAll(failed: { batch: Batch; error: unknown }[], stale: Ticket[] = []): Promise<void> {
    const again = [...stale]
    for (const { batch, landed } of this.#flying.splice(0)) {
      const { error, dead } = await landed
      if (error) failed.push({ batch, error })
      else again.push(...this.#settle(batch, dead))
    }
    this.#world.forget()
    this.#again(again)
    for (const { batch, error } of failed) await this.#runPatiently(batch.tickets, error)
  }

  /** Answers the tickets of a batch that was recorded; returns those to be asked again. */
  #settle({ decided, faults, later, tickets }: Batch, dead: ReadonlySet<number>): Ticket[] {
    const isDead = (from: number, to: number) => {
      for (let index = from; index < to; index++) if (dead.has(index)) return true
      return false
    }
    const again: Ticket[] = [...later]
    for (const { ticket, outcomes, from, to } of decided) {
      if (dead.size > 0 && isDead(from, to)) again.push(ticket)
      else this.#answer(ticket, outcomes)
    }
    for (const { ticket, fault, from, to } of faults) {
      if (isDead(from, to)) again.push(ticket)
      // Its key may have been answered before: a fault must not hide a receipt.
      else if (ticket.key !== undefined && !ticket.mustLookUp) {
        ticket.mustLookUp = true
        again.push(ticket)
      } else this.#fail(ticket, fault)
    }
    for (const ticket of tickets) if (ticket.answered) this.#repeated(ticket)
    return again
  }

  #answer(ticket: Ticket, outcomes: Outcome[] | Error): void {
    this.#pending.delete(ticket)
    answer(ticket, outcomes)
    if (!this.#watch) return
    const calls = ticket.calls.entries()
    for (const [index, { type }] of calls) this.#watch.answered(type.kind, cameTo(outcomes, index))
  }

  /** It was answered with what was stored under its key. */
  #repeated(ticket: Ticket): void {
    if (this.#pending.delete(ticket)) this.#watch?.answered(ticket.calls[0]!.type.kind, 'repeated')
  }

  /** Puts tickets back in front of the queue, unless they were tried too often. */
  #again(tickets: readonly Ticket[]): void {
    const again: Ticket[] = []
    for (const ticket of tickets) {
      if (ticket.answered) continue
      if (ticket.attempts++ < ATTEMPTS) again.push(ticket)
      else this.#answer(ticket, new Refused('unavailable'))
    }
    if (again.length > 0) this.#watch?.decidedAgain(again.length)
    this.#queue.putBack(again.sort(byArrival))
  }

  /**
   * Runs tickets by themselves after a batch went wrong: again when the database was away, and ever fewer at a time
   * when it refused what the code should not have asked for, until the culprit stands alone.
   */
  async #runPatiently(asked: readonly Ticket[], fault?: unknown): Promise<void> {
    const until = this.#timer.now() + PATIENCE
    let error = fault
    let taken = 0
    for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
      for (const ticket of asked) if (ticket.answered) this.#repeated(ticket)
      const tickets = asked.filter(({ answered }) => !answered)
      if (tickets.length === 0) return
      if (error) {
        if (isOutage(error)) this.#watch?.outage()
        this.#world.forget()
        // Whether it was recorded is not known, or its key was found in use: look first.
        for (const ticket of tickets) ticket.mustLookUp = true
        // At once and by themselves: with newcomers among them they would fail for others' keys, again and again.
        if (!isTaken(error) || taken++ > ATTEMPTS) {
          if (!isOutage(error)) return this.#isolate(tickets, error)
          if (this.#timer.now() > until) return this.#giveUp(tickets, error)
          await this.#timer.sleep(pause)
        }
      }
      const batch = new Batch(tickets)
      error = await this.#decide(batch)
      if (error) continue
      const landed = await this.#send(batch)
      error = landed.error
      if (error) continue
      this.#world.landed(0)
      if (landed.dead.size > 0) this.#world.forget()
      return this.#again(this.#settle(batch, landed.dead))
    }
  }

  async #isolate(tickets: readonly Ticket[], error: unknown): Promise<void> {
    const [first] = tickets
    if (first && tickets.length === 1) {
      const fault = new EngineFault(error)
      return this.#fail(first, fault)
    }
    const half = tickets.length >> 1
    await this.#runPatiently(tickets.slice(0, half))
    await this.#runPatiently(tickets.slice(half))
  }

  #fail(ticket: Ticket, fault: Error): void {
    if (fault instanceof EngineFault) {
      const { kind } = ticket.calls[0]!.type
      this.#log?.error({ err: fault.cause, fault: fault.id, kind }, 'a command was a fault')
      this.#watch?.fault(fault.id)
    }
    this.#answer(ticket, fault)
  }

  #giveUp(tickets: readonly Ticket[], error: unknown): void {
    this.#log?.error({ err: error }, 'the database does not answer')
    for (const ticket of tickets) this.#answer(ticket, new Refused('unavailable'))
  }
}

function cameTo(outcomes: Outcome[] | Error, index: number): 'accepted' | 'fault' | RefusalCode {
  if (outcomes instanceof Error) return outcomes instanceof Refused ? outcomes.refusal.refused : 'fault'
  // A refusal stands for all of its row.
  const outcome = outcomes[index] ?? outcomes[0]!
  return isRefusal(outcome) ? outcome.refused : 'accepted'
}
