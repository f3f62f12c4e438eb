import { randomUUID } from 'node:crypto'
import type { Actor } from '../core/actor.js'
import { isRefusal, type Refusal, Refused, refuse } from '../core/refusals.js'
import { type Clock, type Day, dayOf, type Instant } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { Plan } from '../ledger/plan.js'
import { type Job, record } from '../ledger/record.js'
import { databaseSource, type FactSource, MISSING, World } from '../ledger/world.js'
import type { Sql } from '../platform/database.js'
import { type Call, type OwedSources, SYSTEM, wire } from './command.js'
import { answerAgain, fingerprint, type IdempotencyKey, keyName, type Receipt, readStored } from './idempotency.js'

/** What a command came to: a receipt, or a refusal that changed nothing. */
export type Outcome = Receipt | Refusal

export interface Asked extends Call {
  readonly actor: Actor
  /** The caller's Idempotency-Key; without one the command may only come from the service itself. */
  readonly key?: string
}

export interface EngineOptions {
  /** One connection of its own, as `connectEngine` makes it: it records. */
  readonly sql: Sql
  /** Another one, on which the next batch is read while one is recorded; without it the same, one after the other. */
  readonly reads?: Sql
  readonly clock: Clock
  readonly log?: { error(fields: object, message: string): void; warn(fields: object, message: string): void }
  /** Commands in one batch at most. */
  readonly batch?: number
  /** Facts kept between batches. */
  readonly facts?: number
  /** Commands waiting at most; beyond that a command is refused with `overloaded`. */
  readonly queue?: number
}

const BATCH = 1000
const QUEUE = 20_000
const FACTS = 100_000
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

/** A command, or several in a row, with the caller who waits for the answer. */
interface Ticket {
  readonly calls: readonly Call[]
  readonly actor: Actor
  readonly at: Instant
  readonly day: Day
  readonly key: IdempotencyKey | undefined
  attempts: number
  answered: boolean
  resolve(outcomes: Outcome[]): void
  reject(fault: unknown): void
}

function answer(ticket: Ticket, outcomes: Outcome[] | Error): void {
  ticket.answered = true
  if (outcomes instanceof Error) ticket.reject(outcomes)
  else ticket.resolve(outcomes)
}

/** More is owed than fits into one batch: these lapse first and are recorded, then the command is asked again. */
interface Later {
  readonly first: readonly Call[]
}
const isLater = (outcome: object): outcome is Later => 'first' in outcome

/** Tickets decided together, to be recorded in one call. */
class Batch {
  tickets: Ticket[] = []
  readonly jobs: Job[] = []
  /** What each decided ticket came to, and where its jobs are. */
  readonly decided: { ticket: Ticket; outcomes: Outcome[]; from: number; to: number }[] = []
  /** What failed, and the jobs whose facts tell whether it is a fault or was only decided on stale ones. */
  readonly faults: { ticket: Ticket; fault: Error; from: number; to: number }[] = []
  /** Tickets to be asked again once this batch is recorded. */
  readonly later: Ticket[] = []
}

/** How recording a batch went: not at all, or so that what is known was found stale. */
interface Recorded {
  readonly error?: unknown
  readonly stale?: boolean
}

/**
 * The clearing engine: every command that changes money, or what decisions on money rest on, comes through here.
 * While one batch is recorded the next one gathers; a command that comes alone waits for nothing.
 */
export class Engine {
  readonly #sql: Sql
  readonly #reads: Sql
  readonly #source: FactSource
  readonly #owedSources: OwedSources
  readonly #clock: Clock
  readonly #log: EngineOptions['log']
  readonly #batch: number
  readonly #limit: number
  readonly #facts: number
  readonly #world = new World()
  readonly #pending = new Set<Promise<Outcome[]>>()
  #queue: Ticket[] = []
  #running: Promise<void> | undefined
  #closed = false

  constructor(options: EngineOptions) {
    this.#sql = options.sql
    this.#reads = options.reads ?? options.sql
    this.#source = databaseSource(this.#reads)
    this.#owedSources = { sql: this.#reads, recent: (kind) => this.#world.recent(kind) }
    this.#clock = options.clock
    this.#log = options.log
    this.#batch = options.batch ?? BATCH
    this.#limit = options.queue ?? QUEUE
    this.#facts = options.facts ?? FACTS
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
    await Promise.allSettled([...this.#pending])
  }

  /** Answers what was accepted, refuses the rest. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#running
  }

  #enqueue(calls: readonly Call[], actor: Actor, key: string | undefined): Promise<Outcome[]> {
    if (this.#closed || this.#queue.length >= this.#limit) return Promise.resolve([refuse('overloaded')])
    const at = this.#clock.now()
    const answered = new Promise<Outcome[]>((resolve, reject) => {
      const idempotency =
        key === undefined
          ? undefined
          : { organisation: actor.organisation, key, fingerprint: fingerprintOf(calls, actor) }
      this.#queue.push({
        calls,
        actor,
        at,
        day: dayOf(at),
        key: idempotency,
        attempts: 0,
        answered: false,
        resolve,
        reject,
      })
    })
    this.#pending.add(answered)
    const settled = () => this.#pending.delete(answered)
    answered.then(settled, settled)
    this.#running ??= this.#work()
    return answered
  }

  /** While one batch is recorded the next one is read and decided, on top of what the first will have done. */
  async #work(): Promise<void> {
    // Commands that arrive in the same turn of the event loop go into the same batch.
    await Promise.resolve()
    try {
      let ahead: { readonly batch: Batch; readonly done: Promise<Recorded> } | undefined
      while (this.#queue.length > 0 || ahead) {
        const batch = new Batch()
        const fault = this.#queue.length > 0 ? await this.#decideBatch(batch, this.#take(ahead?.batch)) : undefined
        const recorded = (await ahead?.done) ?? {}
        if (ahead && (recorded.error || recorded.stale)) {
          // What was decided on top of a batch that was not recorded as it was decided is worth nothing.
          this.#world.forget()
          this.#queue.unshift(...batch.tickets.filter(({ answered }) => !answered))
          if (recorded.error) await this.#runPatiently(ahead.batch.tickets, recorded.error)
          ahead = undefined
          continue
        }
        if (ahead) this.#world.trim(this.#facts)
        ahead = undefined
        if (fault) await this.#runPatiently(batch.tickets, fault)
        else if (batch.tickets.length > 0) ahead = { batch, done: this.#recordBatch(batch) }
      }
    } finally {
      // In the same breath as the queue was found empty, so that nobody queues up behind a worker that has gone home.
      this.#running = undefined
    }
  }

  /** Puts tickets back in front of the queue, unless they were tried too often. */
  #again(tickets: readonly Ticket[]): void {
    const again: Ticket[] = []
    for (const ticket of tickets) {
      if (ticket.answered) continue
      if (ticket.attempts++ < ATTEMPTS) again.push(ticket)
      else answer(ticket, new Refused('unavailable'))
    }
    this.#queue.unshift(...again)
  }

  /** Takes a batch from the queue; the second command with a key waits until the first one's answer is stored. */
  #take(recording: Batch | undefined): Ticket[] {
    const taken: Ticket[] = []
    const later: Ticket[] = []
    const seen = new Set(recording?.tickets.flatMap(({ key }) => (key ? [keyName(key)] : [])))
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

  /**
   * Runs tickets by themselves after a batch went wrong: again when the database was away, and ever fewer at a time
   * when it refused what the code should not have asked for, until the culprit stands alone.
   */
  async #runPatiently(asked: readonly Ticket[], fault?: unknown): Promise<void> {
    const until = Date.now() + PATIENCE
    let error = fault
    for (let pause = 20; ; pause = Math.min(pause * 2, 1000)) {
      const tickets = asked.filter(({ answered }) => !answered)
      if (tickets.length === 0) return
      if (error) {
        this.#world.forget()
        if (isTaken(error)) return this.#again(tickets)
        if (!isOutage(error)) return this.#isolate(tickets, error)
        if (Date.now() > until) return this.#giveUp(tickets, error)
        await new Promise((resolve) => setTimeout(resolve, pause))
      }
      const batch = new Batch()
      error = await this.#decideBatch(batch, tickets)
      if (error) continue
      const recorded = await this.#recordBatch(batch)
      if (recorded.stale) this.#world.forget()
      error = recorded.error
      if (!error) return
    }
  }

  async #isolate(tickets: readonly Ticket[], error: unknown): Promise<void> {
    const [first] = tickets
    if (first && tickets.length === 1) {
      const fault = new EngineFault(error)
      this.#log?.error({ err: error, fault: fault.id, kind: first.calls[0]!.type.kind }, 'a command was poison')
      return answer(first, fault)
    }
    const half = tickets.length >> 1
    await this.#runPatiently(tickets.slice(0, half))
    await this.#runPatiently(tickets.slice(half))
  }

  #fail(ticket: Ticket, fault: Error): void {
    if (fault instanceof EngineFault) {
      const { kind } = ticket.calls[0]!.type
      this.#log?.error({ err: fault.cause, fault: fault.id, kind }, 'a decision failed')
    }
    answer(ticket, fault)
  }

  #giveUp(tickets: readonly Ticket[], error: unknown): void {
    this.#log?.error({ err: error }, 'the database does not answer')
    for (const ticket of tickets) answer(ticket, new Refused('unavailable'))
  }

  /** Reads and decides a batch; returns what went wrong with the database, if anything did. */
  async #decideBatch(batch: Batch, tickets: Ticket[]): Promise<unknown> {
    batch.tickets = tickets
    if (tickets.length === 0) return undefined
    try {
      this.#world.startBatch()
      const [stored, read] = await Promise.allSettled([
        readStored(
          this.#reads,
          tickets.flatMap((ticket) => ticket.key ?? []),
        ),
        this.#prefetch(tickets),
      ])
      if (stored.status === 'rejected') throw stored.reason
      if (read.status === 'rejected') throw read.reason
      for (const ticket of tickets) {
        const before = ticket.key && stored.value.get(keyName(ticket.key))
        if (before) answer(ticket, Array(ticket.calls.length).fill(answerAgain(before, ticket.key!, ticket.at)))
        else await this.#decideInto(batch, ticket)
      }
      return undefined
    } catch (error) {
      return error
    }
  }

  async #decideInto(batch: Batch, ticket: Ticket): Promise<void> {
    const from = batch.jobs.length
    try {
      const outcomes = await this.#decideTicket(ticket, batch.jobs)
      if (isLater(outcomes)) {
        await this.#lapse(ticket, outcomes.first, batch.jobs)
        batch.later.push(ticket)
      } else batch.decided.push({ ticket, outcomes, from, to: batch.jobs.length })
    } catch (error) {
      if (isOutage(error)) throw error
      const fault = error instanceof Refused ? error : new EngineFault(error)
      batch.faults.push({ ticket, fault, from, to: batch.jobs.length })
    }
  }

  /** Records a decided batch and answers its tickets; what rests on a book that moved is asked again. */
  async #recordBatch({ jobs, decided, faults, later }: Batch): Promise<Recorded> {
    let dead: ReadonlySet<number> = new Set()
    try {
      if (jobs.length > 0) dead = await record(this.#sql, this.#world, jobs)
    } catch (error) {
      return { error }
    }
    const isDead = (from: number, to: number) => {
      for (let index = from; index < to; index++) if (dead.has(index)) return true
      return false
    }
    const again: Ticket[] = []
    for (const { ticket, outcomes, from, to } of decided) {
      if (isDead(from, to)) again.push(ticket)
      else answer(ticket, outcomes)
    }
    for (const { ticket, fault, from, to } of faults) {
      if (isDead(from, to)) again.push(ticket)
      else this.#fail(ticket, fault)
    }
    const stale = again.length > 0
    this.#again([...again, ...later])
    return { stale }
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

  async #decideTicket(ticket: Ticket, jobs: Job[]): Promise<Outcome[] | Later> {
    if (ticket.calls.length === 1) {
      const outcome = await this.#decide(ticket, ticket.calls[0]!, jobs, ticket.key)
      return isLater(outcome) ? outcome : [outcome]
    }
    const start = jobs.length
    this.#world.savepoint()
    try {
      const outcomes = await this.#decideGroup(ticket, jobs, start)
      if (isLater(outcomes) || outcomes.some(isRefusal)) this.#world.takeBack()
      else this.#world.keep()
      return outcomes
    } catch (error) {
      this.#world.takeBack()
      const rests = restsOf(jobs.splice(start))
      jobs.push({ rests, at: ticket.at })
      throw error
    }
  }

  /** All or nothing: the jobs of a group rest on the same books, so that they are recorded or not recorded together. */
  async #decideGroup(ticket: Ticket, jobs: Job[], start: number): Promise<Outcome[] | Later> {
    const outcomes: Outcome[] = []
    for (const [index, call] of ticket.calls.entries()) {
      const outcome = await this.#decide(ticket, call, jobs, index === 0 ? ticket.key : undefined)
      if (isLater(outcome)) {
        jobs.splice(start)
        return outcome
      }
      outcomes.push(outcome)
      if (isRefusal(outcome)) break
    }
    const rests = restsOf(jobs.slice(start))
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
  ): Promise<Outcome | Later> {
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
        this.#checkClock(rests, at)
        const forbidden = actor === SYSTEM ? undefined : type.access?.(facts, actor, command)
        if (forbidden) return refused(forbidden)
        const overdue = type.overdue?.(facts, day) ?? []
        if (overdue.length > 0) {
          await this.#lapse(ticket, overdue, jobs)
          continue
        }
        const decision = type.decide(facts, command, { at, day, actor, seq: head.seq + 1 })
        if (isRefusal(decision)) {
          const owed = reclaimed ? undefined : await type.owed?.(this.#owedSources, facts, decision, day)
          if (!owed || (owed.calls.length === 0 && !owed.more)) return refused(decision)
          if (owed.more) return { first: owed.calls }
          await this.#lapse(ticket, owed.calls, jobs)
          return await this.#decide(ticket, call, jobs, key, true)
        }
        return this.#accept(ticket, call, decision, rests, jobs, key)
      } catch (error) {
        if (error === MISSING) await this.#world.load(this.#source)
        else if (error instanceof Refused && error.refusal.refused !== 'clock_behind') {
          this.#checkClock(rests, at)
          return refused(error.refusal)
        } else {
          // Facts of different moments can contradict each other: the fence tells whether these still stand.
          jobs.push({ rests, at })
          throw error
        }
      }
    }
  }

  /** Throws Refused('clock_behind') when a book that was looked at has a booking hours ahead of this instant. */
  #checkClock(rests: ReadonlySet<Book>, at: Instant): void {
    for (const book of rests) {
      if (at < this.#world.head(book).moment - CLOCK_TOLERANCE) throw new Refused('clock_behind')
    }
  }

  async #lapse(ticket: Ticket, calls: readonly Call[], jobs: Job[]): Promise<void> {
    const lapsing = { ...ticket, actor: SYSTEM }
    if (calls.length > 1) await this.#prefetch([{ ...lapsing, calls }])
    for (const call of calls) await this.#decide(lapsing, call, jobs, undefined)
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

function restsOf(jobs: readonly Job[]): Set<Book> {
  return new Set(jobs.flatMap((job) => [...job.rests]))
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
  return /^(08|53|57P0|57014|58030|25006|40001|40P01|55P03|ECONN|EHOST|ENET|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|CONNECTION_|CONNECT_TIMEOUT)/.test(
    code,
  )
}
