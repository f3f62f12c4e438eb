import { randomInt } from 'node:crypto'
import { isRefusal, type Refusal, Refused } from '../core/refusals.js'
import type { Instant } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { Plan } from '../ledger/plan.js'
import type { Job } from '../ledger/record.js'
import { MISSING, type World } from '../ledger/world.js'
import { type Call, type OwedSources, SYSTEM, wire } from './command.js'
import { answerAgain, fingerprint, type Receipt } from './idempotency.js'
import { isOutage } from './outage.js'
import type { Person, Storage } from './storage.js'
import { answer, type Batch, EngineFault, type Outcome, type Ticket } from './ticket.js'

/** A clock this far behind the last booking is a fault of the clock, in milliseconds. */
export const CLOCK_TOLERANCE = 3_600_000
/** People remembered with their numbers. */
const PEOPLE = 100_000

/** More is owed than fits into one batch: these lapse first and are recorded, then the command is asked again. */
interface Later {
  readonly first: readonly Call[]
}
const isLater = (outcome: object): outcome is Later => 'first' in outcome

/** Why a command cannot be decided just now. */
type Pause =
  | { readonly pause: 'missing' }
  | { readonly pause: 'overdue'; readonly calls: readonly Call[] }
  | { readonly pause: 'owed'; readonly facts: { readonly book: Book }; readonly refusal: Refusal; rests: Set<Book> }
const isPause = (outcome: object): outcome is Pause => 'pause' in outcome
const missing: Pause = { pause: 'missing' }

/** What a decision needs of a ticket. */
type Asked = Pick<Ticket, 'actor' | 'at' | 'day' | 'calls'>

/** A call of a batch's ticket, whose facts are looked for before it is decided. */
interface Wanted {
  readonly call: Call
  readonly ticket: Asked
  readonly index: number
}

/** Decides batches of commands on the world, one after another, each seeing the last one's effect. */
export class Decider {
  readonly #storage: Storage
  readonly #world: World
  readonly #owedSources: OwedSources
  /** Batches are numbered from a place of this engine's own, so that no two engines number one alike. */
  #batch: number
  readonly #people = new Map<string, number>()
  readonly #strangers = new Map<string, Person>()

  constructor(storage: Storage, world: World, firstBatch = 1 + randomInt(2 ** 47)) {
    this.#storage = storage
    this.#world = world
    this.#batch = firstBatch
    this.#owedSources = { overdue: storage, recent: (kind) => world.recent(kind) }
  }

  /** Decides a batch on top of those before it; throws what the database throws. */
  async decide(batch: Batch): Promise<void> {
    this.#world.startBatch(this.#batch++)
    const { tickets } = batch
    const suspects = tickets.filter(({ key, mustLookUp }) => key !== undefined && mustLookUp)
    const stored = await this.#storage.stored(suspects.map(({ key }) => key!))
    let open: readonly Wanted[] | undefined
    for (const [index, ticket] of tickets.entries()) {
      const before = ticket.key === undefined ? undefined : stored.get(ticket.key)
      if (before) {
        answer(ticket, Array(ticket.calls.length).fill(answerAgain(before, fingerprintOf(ticket), ticket.at)))
        continue
      }
      let isDecided = this.#decideNow(batch, ticket)
      while (!isDecided && open?.length !== 0) {
        // Something is not known yet: what the rest of the batch will want is read with it.
        open = await this.#lookAhead(open?.filter((one) => one.index >= index) ?? wantedBy(tickets, index))
        isDecided = this.#decideNow(batch, ticket)
      }
      if (!isDecided) await this.#decideInto(batch, ticket)
    }
  }

  /**
   * What a command would be answered now; nothing of it stays. Throws Refused('unavailable') when more must lapse before
   * it than fits into one batch.
   */
  async tryOut(call: Call, asker: Pick<Ticket, 'actor' | 'at' | 'day'>): Promise<Outcome> {
    this.#world.savepoint()
    try {
      const outcome = await this.#decide({ ...asker, calls: [call] }, call, [], undefined)
      if (isLater(outcome)) throw new Refused('unavailable')
      return outcome
    } finally {
      this.#world.takeBack()
    }
  }

  /** Decides a ticket when all is known and nothing must lapse before it; false when that is not so. */
  #decideNow(batch: Batch, ticket: Ticket): boolean {
    if (ticket.calls.length > 1) return false
    const from = batch.jobs.length
    try {
      const outcome = this.#step(ticket, ticket.calls[0]!, batch.jobs, ticket.key)
      if (isPause(outcome)) return false
      batch.decided.push({ ticket, outcomes: [outcome], from, to: batch.jobs.length })
    } catch (error) {
      batch.faults.push({ ticket, fault: faultOf(error), from, to: batch.jobs.length })
    }
    return true
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
      batch.faults.push({ ticket, fault: faultOf(error), from, to: batch.jobs.length })
    }
  }

  /** Reads in a few set queries what these calls miss first; returns those that may miss more. */
  async #lookAhead(open: readonly Wanted[]): Promise<Wanted[]> {
    const unknown = open.filter((one) => this.#misses(one))
    if (unknown.length > 0) await this.#load()
    return unknown
  }

  /** Whether something is not known yet that a call wants; what else is wrong with it will show when it is decided. */
  #misses({ call: { type, command }, ticket }: Wanted): boolean {
    try {
      const { book } = type.facts(this.#world.reader(new Set()), command, ticket.day)
      this.#world.head(book)
      this.#numberOf(ticket)
      return false
    } catch (error) {
      return error === MISSING
    }
  }

  /** Reads everything that was missed. */
  async #load(): Promise<void> {
    if (this.#world.isMissing) await this.#world.load(this.#storage)
    if (this.#strangers.size === 0) return
    const strangers = [...this.#strangers.values()]
    this.#strangers.clear()
    if (this.#people.size > PEOPLE) this.#people.clear()
    for (const { actor, ...person } of await this.#storage.numbersOf(strangers)) {
      this.#people.set(nameOf(person), actor)
    }
  }

  /** The number of who asks; throws MISSING when it is not known yet. */
  #numberOf({ actor: { organisation, subject, origin = '' } }: Pick<Ticket, 'actor'>): number {
    const person = { organisation, subject, origin }
    const name = nameOf(person)
    const number = this.#people.get(name)
    if (number !== undefined) return number
    this.#strangers.set(name, person)
    throw MISSING
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
      jobs.push({ rests, at: ticket.at, refusal, ...keyOf(ticket, ticket.key) })
      return [refusal]
    }
    for (let index = start; index < jobs.length; index++) jobs[index] = { ...jobs[index]!, rests }
    return outcomes
  }

  /** Decides one command, lapsing first what it touches that is overdue; pushes its job. */
  async #decide(
    ticket: Asked,
    call: Call,
    jobs: Job[],
    key: string | undefined,
    reclaimed = false,
  ): Promise<Outcome | Later> {
    for (;;) {
      const outcome = this.#step(ticket, call, jobs, key, reclaimed)
      if (!isPause(outcome)) return outcome
      if (outcome.pause === 'missing') await this.#load()
      else if (outcome.pause === 'overdue') await this.#lapse(ticket, outcome.calls, jobs)
      else {
        const { facts, refusal, rests } = outcome
        const owed = await call.type.owed!(this.#owedSources, facts, refusal, ticket.day)
        if (!owed || (owed.calls.length === 0 && !owed.more)) return this.#refused(ticket, rests, refusal, jobs, key)
        if (owed.more) return { first: owed.calls }
        await this.#lapse(ticket, owed.calls, jobs)
        return await this.#decide(ticket, call, jobs, key, true)
      }
    }
  }

  /** Decides one command and pushes its job, or says what must come first; nothing is changed before that. */
  #step(ticket: Asked, call: Call, jobs: Job[], key: string | undefined, reclaimed = false): Outcome | Pause {
    const { type, command } = call
    const { actor, at, day } = ticket
    const rests = new Set<Book>()
    try {
      const facts = type.facts(this.#world.reader(rests), command, day)
      rests.add(facts.book)
      const head = this.#world.head(facts.book)
      this.#checkClock(rests, at)
      const forbidden = actor === SYSTEM ? undefined : type.access?.(facts, actor, command)
      if (forbidden) return this.#refused(ticket, rests, forbidden, jobs, key)
      const calls = type.overdue?.(facts, day) ?? []
      if (calls.length > 0) return { pause: 'overdue', calls }
      const decision = call.refusal ?? type.decide(facts, command, { at, day, actor, seq: head.seq + 1 })
      if (!isRefusal(decision)) return this.#accept(ticket, call, decision, rests, jobs, key)
      if (type.owed && !reclaimed && !call.refusal) return { pause: 'owed', facts, refusal: decision, rests }
      return this.#refused(ticket, rests, decision, jobs, key)
    } catch (error) {
      if (error === MISSING) return missing
      if (error instanceof Refused && error.refusal.refused !== 'clock_behind') {
        this.#checkClock(rests, at)
        return this.#refused(ticket, rests, error.refusal, jobs, key)
      }
      // Facts of different moments can contradict each other: the fence tells whether these still stand.
      jobs.push({ rests, at })
      throw error
    }
  }

  /** Throws Refused('clock_behind') when a book that was looked at has a booking hours ahead of this instant. */
  #checkClock(rests: ReadonlySet<Book>, at: Instant): void {
    // All of them first: what is not known yet must not look like a fault of the clock.
    for (const book of rests) this.#world.head(book)
    for (const book of rests) {
      if (at < this.#world.head(book).moment - CLOCK_TOLERANCE) throw new Refused('clock_behind')
    }
  }

  async #lapse(ticket: Asked, calls: readonly Call[], jobs: Job[]): Promise<void> {
    const lapsing = { ...ticket, actor: SYSTEM, calls }
    let open = calls.length > 1 ? wantedBy([lapsing], 0) : []
    while (open.length > 0) open = await this.#lookAhead(open)
    for (const call of calls) await this.#decide(lapsing, call, jobs, undefined)
  }

  #refused(ticket: Asked, rests: Set<Book>, refusal: Refusal, jobs: Job[], key: string | undefined): Refusal {
    jobs.push({ rests, at: ticket.at, refusal, ...keyOf(ticket, key) })
    return refusal
  }

  #accept(ticket: Asked, call: Call, plan: Plan, rests: Set<Book>, jobs: Job[], key: string | undefined): Receipt {
    const actor = this.#numberOf(ticket)
    let versions = ''
    for (const book of rests) {
      const { seq } = this.#world.head(book)
      if (book !== plan.book && seq > 0) versions += `${versions && ','}"${book}":${seq}`
    }
    const booking = this.#world.apply(plan, ticket.at)
    const body = wire(call.command)
    const { kind } = call.type
    const { day, at } = ticket
    const id = key === undefined ? undefined : { id: key, fingerprint: fingerprint(ticket.actor.subject, kind, body) }
    jobs.push({
      rests,
      at,
      ...(id ? { key: id } : {}),
      accepted: { booking, kind, day, actor, body, event: plan.event, rests: `{${versions}}` },
    })
    const { book, seq, entry, moment } = booking
    return { book, seq, entry, day, bookedAt: moment, event: plan.event }
  }
}

/** The calls of the tickets from this place on. */
const wantedBy = (tickets: readonly Asked[], from: number): Wanted[] =>
  tickets.slice(from).flatMap((ticket, after) => ticket.calls.map((call) => ({ call, ticket, index: from + after })))

const nameOf = ({ organisation, subject, origin }: Person) => `${organisation}\n${subject}\n${origin}`

function faultOf(error: unknown): Error {
  return error instanceof Refused ? error : new EngineFault(error)
}

function restsOf(jobs: readonly Job[]): Set<Book> {
  return new Set(jobs.flatMap((job) => [...job.rests]))
}

/** The key of a ticket refers to the first of its calls: what the caller asked. */
function fingerprintOf({ calls, actor }: Asked): string {
  const [first] = calls
  return fingerprint(actor.subject, first!.type.kind, wire(first!.command))
}

function keyOf(ticket: Asked, key: string | undefined): { key?: NonNullable<Job['key']> } {
  return key === undefined ? {} : { key: { id: key, fingerprint: fingerprintOf(ticket) } }
}
