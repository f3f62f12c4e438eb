import { randomUUID } from 'node:crypto'
import type { Actor } from '../core/actor.js'
import { isRefusal, type Refusal, Refused, refuse } from '../core/refusals.js'
import { type Clock, type Day, dayOf, type Instant } from '../core/time.js'
import type { Book, Plan } from '../ledger/plan.js'
import { type Job, record } from '../ledger/record.js'
import { databaseSource, type FactSource, MISSING, World } from '../ledger/world.js'
import type { Sql } from '../platform/database.js'
import { type Call, SYSTEM, wire } from './command.js'
import { answerAgain, fingerprint, type IdempotencyKey, keyName, type Receipt, readStored } from './idempotency.js'

/** What a command came to: a receipt, or a refusal that changed nothing. */
export type Outcome = Receipt | Refusal

export interface Asked extends Call {
  readonly actor: Actor
  /** The caller's Idempotency-Key; without one the command may only come from the service itself. */
  readonly key?: string
}

export interface EngineOptions {
  /** One connection of its own, as `engineConnection` makes it. */
  readonly sql: Sql
  readonly clock: Clock
  readonly log?: { error(fields: object, message: string): void; warn(fields: object, message: string): void }
  /** Commands in one batch at most. */
  readonly batch?: number
  /** Commands waiting at most; beyond that a command is refused with `overloaded`. */
  readonly queue?: number
}

const BATCH = 1000
const QUEUE = 20_000
/** Facts kept between batches. */
const FACTS_KEPT = 200_000
/** How long a batch is asked again when the database does not answer, in milliseconds. */
const PATIENCE = 15_000
/** A clock this far behind the last booking is a fault of the clock, in milliseconds. */
const CLOCK_TOLERANCE = 3_600_000
/** How often a command is decided again because a book moved, before its caller hears "unavailable". */
const ATTEMPTS = 200

/** A fault: not a refusal but something nobody should have met; `id` finds it in the log. */
export class EngineFault extends Error {
  readonly id = randomUUID()
  constructor(cause: unknown) {
    super('the engine could not run this command', { cause })
  }
}

interface Ticket {
  readonly calls: readonly Call[]
  readonly actor: Actor
  readonly at: Instant
  readonly day: Day
  readonly key: IdempotencyKey | undefined
  attempts: number
  resolve(outcomes: Outcome[]): void
  reject(fault: unknown): void
}

/** A ticket's decisions inside one batch: several jobs of its own, after the lapses it needed. */
interface Decided {
  readonly ticket: Ticket
  readonly outcomes: Outcome[]
  /** Index of its first job in the batch. */
  readonly from: number
  readonly to: number
}

/**
 * The clearing engine: every command that changes money, or what decisions on money rest on, comes through here.
 * While one batch is recorded the next one gathers; a command that comes alone waits for nothing.
 */
export class Engine {
  readonly #sql: Sql
  readonly #source: FactSource
  readonly #clock: Clock
  readonly #log: EngineOptions['log']
  readonly #batch: number
  readonly #limit: number
  readonly #world = new World()
  #queue: Ticket[] = []
  #running: Promise<void> | undefined
  #closed = false

  constructor(options: EngineOptions) {
    this.#sql = options.sql
    this.#source = databaseSource(options.sql)
    this.#clock = options.clock
    this.#log = options.log
    this.#batch = options.batch ?? BATCH
    this.#limit = options.queue ?? QUEUE
  }

  /** Runs one command. Refusals are answers; throws EngineFault, or Refused('unavailable') when the outcome is unknown. */
  async run(asked: Asked): Promise<Outcome> {
    const outcomes = await this.#enqueue([asked], asked.actor, asked.key)
    return outcomes[0]!
  }

  /**
   * Runs several commands in a row, all or nothing: at the first refusal nothing of them is recorded. The first is
   * what the caller asked, and the key and its answer are that one's; the others follow from it.
   */
  async runTogether(calls: readonly Call[], actor: Actor, key?: string): Promise<Receipt[] | Refusal> {
    const outcomes = await this.#enqueue(calls, actor, key)
    const refusal = outcomes.find(isRefusal)
    return refusal ?? (outcomes as Receipt[])
  }

  /** Resolves when everything asked before has been answered. */
  async drained(): Promise<void> {
    while (this.#running) await this.#running
  }

  /** Answers what was accepted, refuses the rest. */
  async close(): Promise<void> {
    this.#closed = true
    await this.drained()
  }

  #enqueue(calls: readonly Call[], actor: Actor, key: string | undefined): Promise<Outcome[]> {
    if (this.#closed || this.#queue.length >= this.#limit) return Promise.resolve([refuse('overloaded')])
    const at = this.#clock.now()
    return new Promise((resolve, reject) => {
      const idempotency =
        key === undefined
          ? undefined
          : { organisation: actor.organisation, key, fingerprint: fingerprintOf(calls, actor) }
      this.#queue.push({ calls, actor, at, day: dayOf(at), key: idempotency, attempts: 0, resolve, reject })
      this.#running ??= this.#work().finally(() => {
        this.#running = undefined
      })
    })
  }

  async #work(): Promise<void> {
    // Commands that arrive in the same turn of the event loop go into the same batch.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const tickets = this.#take()
      const again = await this.#runPatiently(tickets)
      for (const ticket of again) {
        if (ticket.attempts++ < ATTEMPTS) this.#queue.unshift(ticket)
        else ticket.reject(new Refused('unavailable'))
      }
      this.#world.trim(FACTS_KEPT)
    }
  }

  /** Takes a batch from the queue; the second command with a key waits until the first one's answer is stored. */
  #take(): Ticket[] {
    const taken: Ticket[] = []
    const later: Ticket[] = []
    const seen = new Set<string>()
    let count = 0
    let index = 0
    for (; index < this.#queue.length && count < this.#batch; index++) {
      const ticket = this.#queue[index]!
      if (ticket.key) {
        const name = keyName(ticket.key)
        if (seen.has(name)) {
          later.push(ticket)
          continue
        }
        seen.add(name)
      }
      taken.push(ticket)
      count += ticket.calls.length
    }
    this.#queue = [...later, ...this.#queue.slice(index)]
    return taken
  }

  /** Runs a batch, again when the database went away in the middle; answers the tickets or returns those to ask again. */
  async #runPatiently(tickets: Ticket[]): Promise<Ticket[]> {
    const until = Date.now() + PATIENCE
    for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
      try {
        return await this.#runBatch(tickets)
      } catch (error) {
        this.#world.forget()
        if (isTaken(error)) return tickets
        if (!isOutage(error)) return this.#isolate(tickets, error)
        if (Date.now() > until) {
          this.#log?.error({ err: error }, 'the database does not answer')
          for (const ticket of tickets) ticket.reject(new Refused('unavailable'))
          return []
        }
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
    }
  }

  /** The database refused a batch that the code should not have asked for: halve it until the culprit stands alone. */
  async #isolate(tickets: Ticket[], error: unknown): Promise<Ticket[]> {
    if (tickets.length === 1) {
      const fault = new EngineFault(error)
      this.#log?.error({ err: error, fault: fault.id, kind: tickets[0]!.calls[0]!.type.kind }, 'a command was poison')
      tickets[0]!.reject(fault)
      return []
    }
    const half = tickets.length >> 1
    const first = await this.#runPatiently(tickets.slice(0, half))
    return [...first, ...(await this.#runPatiently(tickets.slice(half)))]
  }

  async #runBatch(batch: Ticket[]): Promise<Ticket[]> {
    this.#world.begin()
    const [stored] = await Promise.all([
      readStored(
        this.#sql,
        batch.flatMap((ticket) => ticket.key ?? []),
      ),
      this.#prefetch(batch),
    ])
    const jobs: Job[] = []
    const decided: Decided[] = []
    const deferred: Ticket[] = []
    for (const ticket of batch) {
      const before = ticket.key && stored.get(keyName(ticket.key))
      if (before) {
        const answer = answerAgain(before, ticket.key!, ticket.at)
        ticket.resolve(Array(ticket.calls.length).fill(answer))
        continue
      }
      const from = jobs.length
      try {
        const outcomes = await this.#decideTicket(ticket, jobs)
        if (outcomes === 'later') deferred.push(ticket)
        else decided.push({ ticket, outcomes, from, to: jobs.length })
      } catch (error) {
        if (isOutage(error)) throw error
        const fault = error instanceof Refused ? error : new EngineFault(error)
        if (fault instanceof EngineFault) {
          this.#log?.error({ err: error, fault: fault.id, kind: ticket.calls[0]!.type.kind }, 'a decision failed')
        }
        ticket.reject(fault)
      }
    }
    if (jobs.length === 0) return deferred

    const dead = await record(this.#sql, this.#world, jobs)
    const again: Ticket[] = []
    this.#world.settle()
    if (dead.size > 0) {
      const moved = new Set<Book>()
      for (const index of dead) for (const book of jobs[index]!.rests) moved.add(book)
      this.#world.forget(moved)
    }
    for (const { ticket, outcomes, from, to } of decided) {
      let isDead = false
      for (let index = from; index < to; index++) isDead ||= dead.has(index)
      if (isDead) again.push(ticket)
      else ticket.resolve(outcomes)
    }
    return [...deferred, ...again]
  }

  /** Gathers what the whole batch will want in a few set queries, before anything is decided. */
  async #prefetch(batch: readonly Ticket[]): Promise<void> {
    let open = batch.flatMap((ticket) => ticket.calls.map((call) => ({ call, day: ticket.day })))
    while (open.length > 0) {
      const missing: typeof open = []
      for (const one of open) {
        const facts = this.#attempt(() => {
          const found = one.call.type.facts(this.#world.reader(new Set()), one.call.command, one.day)
          this.#world.head(found.book)
        })
        if (facts === MISSING) missing.push(one)
      }
      if (!this.#world.isMissing) return
      await this.#world.load(this.#source)
      open = missing
    }
  }

  /** MISSING when something is not known yet; what else is wrong will show when it is decided. */
  #attempt(read: () => void): typeof MISSING | undefined {
    try {
      read()
      return undefined
    } catch (error) {
      return error === MISSING ? MISSING : undefined
    }
  }

  async #decideTicket(ticket: Ticket, jobs: Job[]): Promise<Outcome[] | 'later'> {
    if (ticket.calls.length === 1) {
      const outcome = await this.#decide(ticket, ticket.calls[0]!, jobs, ticket.key)
      return outcome === 'later' ? outcome : [outcome]
    }
    const start = jobs.length
    this.#world.savepoint()
    try {
      const outcomes = await this.#decideGroup(ticket, jobs, start)
      if (outcomes === 'later' || outcomes.some(isRefusal)) this.#world.takeBack()
      else this.#world.keep()
      return outcomes
    } catch (error) {
      this.#world.takeBack()
      jobs.splice(start)
      throw error
    }
  }

  /** All or nothing: the jobs of a group rest on the same books, so that they are recorded or not recorded together. */
  async #decideGroup(ticket: Ticket, jobs: Job[], start: number): Promise<Outcome[] | 'later'> {
    const outcomes: Outcome[] = []
    for (const [index, call] of ticket.calls.entries()) {
      const outcome = await this.#decide(ticket, call, jobs, index === 0 ? ticket.key : undefined)
      if (outcome === 'later') {
        jobs.splice(start)
        return outcome
      }
      outcomes.push(outcome)
      if (isRefusal(outcome)) break
    }
    const rests = new Set<Book>()
    for (let index = start; index < jobs.length; index++) for (const book of jobs[index]!.rests) rests.add(book)
    const refusal = outcomes.find(isRefusal)
    if (refusal) {
      jobs.splice(start)
      jobs.push({ rests, at: ticket.at, refusal, ...(ticket.key ? { key: ticket.key } : {}) })
      return [refusal]
    }
    for (let index = start; index < jobs.length; index++) jobs[index] = { ...jobs[index]!, rests }
    return outcomes
  }

  /** Decides one command, lapsing first what it touches that is overdue; pushes its job. */
  async #decide(
    ticket: Ticket,
    call: Call,
    jobs: Job[],
    key: IdempotencyKey | undefined,
    reclaimed = false,
  ): Promise<Outcome | 'later'> {
    const { type, command } = call
    const { actor, at, day } = ticket
    const rests = new Set<Book>()
    const refused = (refusal: Refusal): Refusal => {
      jobs.push({ rests, at, refusal, ...(key ? { key } : {}) })
      return refusal
    }
    for (;;) {
      try {
        rests.clear()
        const facts = type.facts(this.#world.reader(rests), command, day)
        rests.add(facts.book)
        const head = this.#world.head(facts.book)
        if (at < head.moment - CLOCK_TOLERANCE) throw new Refused('clock_behind')
        const forbidden = actor === SYSTEM ? undefined : type.access?.(facts, actor, command)
        if (forbidden) return refused(forbidden)
        const overdue = type.overdue?.(facts, day) ?? []
        if (overdue.length > 0) {
          for (const lapse of overdue) await this.#decide({ ...ticket, actor: SYSTEM }, lapse, jobs, undefined)
          continue
        }
        const decision = type.decide(facts, command, { at, day, actor, seq: head.seq + 1 })
        if (isRefusal(decision)) {
          const owed = reclaimed ? undefined : await type.owed?.(this.#sql, facts, decision, day)
          if (!owed || owed.calls.length === 0) return refused(decision)
          for (const lapse of owed.calls) await this.#decide({ ...ticket, actor: SYSTEM }, lapse, jobs, undefined)
          // More than fits: what was found is recorded, and the command is asked again after that.
          if (owed.more) return 'later'
          return await this.#decide(ticket, call, jobs, key, true)
        }
        return this.#accept(ticket, call, decision, rests, jobs, key)
      } catch (error) {
        if (error === MISSING) await this.#world.load(this.#source)
        else if (error instanceof Refused && error.refusal.refused !== 'clock_behind') return refused(error.refusal)
        else throw error
      }
    }
  }

  #accept(
    ticket: Ticket,
    call: Call,
    plan: Plan,
    rests: Set<Book>,
    jobs: Job[],
    key: IdempotencyKey | undefined,
  ): Receipt {
    const versions: Record<string, number> = {}
    for (const book of rests) if (book !== plan.book) versions[book] = this.#world.head(book).seq
    const booking = this.#world.apply(plan, ticket.at)
    jobs.push({
      rests,
      at: ticket.at,
      ...(key ? { key } : {}),
      accepted: {
        booking,
        kind: call.type.kind,
        day: ticket.day,
        subject: ticket.actor.subject,
        organisation: ticket.actor.organisation,
        body: wire(call.command),
        event: plan.event,
        rests: versions,
      },
    })
    const { book, seq, entry, moment } = booking
    return { book, seq, entry, day: ticket.day, bookedAt: moment, event: plan.event }
  }
}

function fingerprintOf(calls: readonly Call[], actor: Actor): string {
  const [first] = calls
  return fingerprint(`${actor.subject} ${first!.type.kind}`, wire(first!.command))
}

/** Somebody else took a key between reading and recording: decided again, the command will know. */
function isTaken(error: unknown): boolean {
  const { code, constraint_name } = error as { code?: string; constraint_name?: string }
  return code === '23505' && (constraint_name === 'keys_pkey' || constraint_name === 'idempotency_pkey')
}

/** The database or the way to it is gone for a while: failover, restart, a full disk, a lost connection, a deadlock. */
export function isOutage(error: unknown): boolean {
  const code = String((error as { code?: unknown }).code ?? '')
  return /^(08|53|57P0|25006|40001|40P01|55P03|ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|CONNECTION_|CONNECT_TIMEOUT)/.test(
    code,
  )
}
