import { setMaxListeners } from 'node:events'
import type { Clock, Instant, Timer } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import { isBureau, webhookId } from './facts.js'
import {
  type DeliveryStore,
  type KeptLane,
  PAGE,
  type Place,
  placeKey,
  type Step,
  type Subscription,
} from './queries.js'
import {
  eventId,
  FAILING_MOST,
  isFor,
  type Logged,
  mayHear,
  pauseAfter,
  payloadOf,
  retryAfterOf,
  TRIES,
} from './rules.js'
import { secretsOf, signed } from './secret.js'
import type { Came, Sender } from './sender.js'

/** How often it is looked whether there is something to do, in milliseconds, when nobody says so. */
const POLL = 1000
/** A pause between two rounds, so that a busy journal is read by pages and not by commands. */
const BREATH = 100
/** Tries at once, in all and to one webhook: so many slow receivers hold up nobody else. */
const AT_ONCE = 200
const AT_ONCE_EACH = 4
/** Lanes of a webhook that have read ahead; beyond that it is not read for, so that a slow one fills no memory. */
const WAITING_MOST = 2 * AT_ONCE_EACH
/** Places of the journal that are read in one query. */
const PLACES = 50
/** A lane that has passed so many events of others is written down. */
const PASSED_MOST = 1000
/** What is under way when the service stops has so long to end. */
const STOP_WITHIN = 3000

/** What is told of tries, by their outcome. */
export interface DeliveryWatch {
  delivery(outcome: 'delivered' | 'failed' | 'dead'): void
}

export interface DelivererOptions {
  readonly store: DeliveryStore
  readonly sender: Sender
  readonly clock: Clock
  readonly timer: Timer
  /** Secrets are derived from it. */
  readonly key: string
  isInCharge(): boolean
  /** Ends deliveries to a webhook that is gone or fails for days; through the engine. */
  disable(webhook: string, reason: 'gone' | 'failing'): Promise<void>
  readonly watch?: DeliveryWatch
  readonly log?: { error(fields: object, message: string): void; warn(fields: object, message: string): void }
}

/** A lane as it is worked on. */
interface Lane extends KeptLane {
  position: number
  attempts: number
  due: Instant | null
  failingSince: Instant | null
  error: string | null
  /** Up to here the journal was read for it; what of that is for it and still to be sent waits in `events`. */
  read: number
  events: Logged[]
  /** The position that is written down. */
  kept: number
  isBusy: boolean
}

/** The lanes of one book. */
interface Shelf {
  readonly lanes: Map<string, Lane>
  /** The head up to which none of them has anything left to do. */
  quietAt: number
}

const laneKey = ({ webhook, lane }: Pick<KeptLane, 'webhook' | 'lane'>) => `${webhook} ${lane}`

/**
 * Sends events to webhooks, in the process that holds the lease. Each webhook hears of each book in the order of the
 * journal: an event is tried until it is delivered or given up, and only then the next one. What a lane has done is
 * written down after each event, so the next process goes on there; it may send once more what this one just has.
 */
export class Deliverer {
  readonly #options: DelivererOptions
  #webhooks = new Map<number, Subscription>()
  readonly #shelves = new Map<Book, Shelf>()
  /** The region's head when webhooks were last read; every change of one moves it. */
  #readAt = -1
  /** Books that had a command when lanes were last added; -1: webhooks have changed since. */
  #books = -1
  readonly #busy = new Set<Promise<void>>()
  /** Lanes of a webhook that have something to send, and those of them that are being sent. */
  readonly #waitingOf = new Counts()
  readonly #busyOf = new Counts()
  #wake: () => void = () => {}
  #isWoken = false
  #isStopped = false
  /** Ends tries, a while after the service was asked to stop. */
  readonly #late = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: DelivererOptions) {
    this.#options = options
    // Every try under way listens to it.
    setMaxListeners(AT_ONCE, this.#late.signal)
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Says that something was recorded. */
  wake(): void {
    this.#isWoken = true
    this.#wake()
  }

  /** Age of the oldest event that is not delivered, in milliseconds; 0 when none waits. */
  get lag(): number {
    const now = this.#options.clock.now()
    let oldest = now
    for (const { lanes } of this.#shelves.values()) {
      for (const { events, failingSince } of lanes.values()) {
        oldest = Math.min(oldest, events[0]?.moment ?? now, failingSince ?? now)
      }
    }
    return now - oldest
  }

  /** Waits for what is under way, but not long; what was not heard to its end is sent again by the next process. */
  async stop(): Promise<void> {
    this.#isStopped = true
    if (this.#busy.size > 0) void this.#options.timer.sleep(STOP_WITHIN).then(() => this.#late.abort())
    this.wake()
    await this.#running
    await Promise.all(this.#busy)
  }

  async #run(): Promise<void> {
    const { isInCharge, log } = this.#options
    while (!this.#isStopped) {
      try {
        if (isInCharge()) await this.#round()
        else await this.#forget()
      } catch (error) {
        log?.warn({ err: error }, 'webhooks wait for the database 推送等待数据库')
        await this.#forget()
      }
      await this.#rest()
    }
  }

  /** Until somebody says that something was recorded, or for a while; without webhooks nobody is listened to. */
  async #rest(): Promise<void> {
    const { timer } = this.#options
    const mayGoOn = () => this.#isStopped || (this.#isWoken && this.#webhooks.size > 0)
    await timer.sleep(BREATH)
    if (mayGoOn()) return
    const woken = new Promise<void>((resolve) => {
      this.#wake = () => mayGoOn() && resolve()
    })
    await Promise.race([timer.sleep(POLL), woken])
  }

  /** Everything is read again, once what is under way has ended: nothing is ever sent beside itself. */
  async #forget(): Promise<void> {
    await Promise.all(this.#busy)
    this.#shelves.clear()
    this.#waitingOf.clear()
    this.#webhooks = new Map()
    this.#readAt = -1
  }

  async #round(): Promise<void> {
    this.#isWoken = false
    const heads = await this.#options.store.heads()
    const region = heads.get(REGION) ?? 0
    if (region !== this.#readAt) await this.#readWebhooks()
    this.#readAt = region
    if (this.#webhooks.size === 0) return
    if (heads.size !== this.#books) this.#addLanes(heads)
    this.#books = heads.size
    await this.#readJournal(heads)
    this.#sendAll()
  }

  /** Reads which webhooks there are, and the lanes of those that were made or changed. */
  async #readWebhooks(): Promise<void> {
    const before = [...this.#webhooks.values()]
    const found = await this.#options.store.active(before)
    this.#webhooks = new Map(found.map(({ lanes: _, ...one }) => [one.number, one]))
    for (const { number } of before) if (!this.#webhooks.has(number)) this.#dropAll(number)
    for (const { number, lanes } of found) {
      if (!lanes) continue
      // What is written down counts: one that was resumed is not to wait any more.
      this.#dropAll(number)
      for (const lane of lanes) this.#add(lane)
      this.#books = -1
    }
  }

  #dropAll(webhook: number): void {
    for (const { lanes } of this.#shelves.values()) {
      for (const lane of lanes.values()) if (lane.webhook === webhook && !lane.isBusy) this.#drop(lane)
    }
  }

  #drop(lane: Lane): void {
    this.#rewind(lane)
    this.#shelves.get(lane.book)?.lanes.delete(laneKey(lane))
  }

  /** Lets go of what was read for a lane and not sent. */
  #rewind(lane: Lane): void {
    if (lane.events.length > 0) this.#waitingOf.add(lane.webhook, -1)
    lane.events = []
    lane.read = lane.position
  }

  /** A book that had no command when a webhook was made is heard from its first one on. */
  #addLanes(heads: ReadonlyMap<Book, number>): void {
    const start = { lane: 0, position: 0, until: null, attempts: 0, due: null, failingSince: null, error: null }
    for (const { number: webhook, owner } of this.#webhooks.values()) {
      for (const book of heads.keys()) if (mayHear(owner, book)) this.#add({ webhook, book, ...start })
    }
  }

  #add(kept: KeptLane): void {
    const shelf = this.#shelves.get(kept.book) ?? { lanes: new Map(), quietAt: 0 }
    this.#shelves.set(kept.book, shelf)
    const key = laneKey(kept)
    if (shelf.lanes.has(key)) return
    shelf.lanes.set(key, { ...kept, read: kept.position, kept: kept.position, events: [], isBusy: false })
    shelf.quietAt = 0
  }

  /** Reads on for lanes that have nothing to send; those that stand at the same number of a book share one page. */
  async #readJournal(heads: ReadonlyMap<Book, number>): Promise<void> {
    const places = new Map<string, Place & { readonly lanes: Lane[] }>()
    for (const [book, shelf] of [...this.#shelves]) {
      const head = heads.get(book) ?? 0
      if (shelf.quietAt === head) continue
      // Whose turn it was goes to the end.
      this.#shelves.delete(book)
      this.#shelves.set(book, shelf)
      let isQuiet = true
      for (const lane of shelf.lanes.values()) {
        const isRead = lane.read >= Math.min(head, lane.until ?? head)
        if (!isRead || lane.isBusy || lane.events.length > 0) isQuiet = false
        if (isRead || !this.#mayRead(lane)) continue
        const place = { book, after: lane.read }
        const known = places.get(placeKey(place))
        if (known) known.lanes.push(lane)
        else if (places.size < PLACES) places.set(placeKey(place), { ...place, lanes: [lane] })
      }
      shelf.quietAt = isQuiet ? head : 0
    }
    if (places.size > 0) await this.#takeAll(places)
  }

  #mayRead({ webhook, isBusy, events, due }: Lane): boolean {
    if (isBusy || events.length > 0 || this.#waitingOf.of(webhook) >= WAITING_MOST) return false
    return due === null || due <= this.#options.clock.now()
  }

  async #takeAll(places: ReadonlyMap<string, Place & { readonly lanes: readonly Lane[] }>): Promise<void> {
    const withThings = [...this.#webhooks.values()].some(({ owner }) => !isBureau(owner))
    const pages = await this.#options.store.pages([...places.values()], withThings)
    const passed: Lane[] = []
    for (const [place, { lanes }] of places) {
      const page = pages.get(place) ?? []
      for (const lane of lanes) {
        this.#take(lane, page)
        if (lane.events.length === 0 && (isOver(lane) || lane.read - lane.kept >= PASSED_MOST)) passed.push(lane)
      }
      // A full page has more behind it.
      if (page.length === PAGE) this.#isWoken = true
    }
    if (passed.length > 0) await this.#pass(passed)
  }

  #take(lane: Lane, page: readonly Logged[]): void {
    const webhook = this.#webhooks.get(lane.webhook)!
    const last = lane.until ?? Number.POSITIVE_INFINITY
    lane.events = page.filter((logged) => logged.seq <= last && isFor(webhook, logged))
    lane.read = Math.min(page.at(-1)?.seq ?? lane.read, last)
    if (lane.events.length > 0) this.#waitingOf.add(lane.webhook, 1)
    else lane.position = lane.read
  }

  /** Writes down lanes that have passed events of others; a replay that is over is gone. */
  async #pass(lanes: readonly Lane[]): Promise<void> {
    await this.#options.store.keep(lanes.map(stepOf), this.#options.clock.now())
    for (const lane of lanes) {
      lane.kept = lane.position
      if (isOver(lane)) this.#drop(lane)
    }
  }

  #sendAll(): void {
    for (const shelf of this.#shelves.values()) {
      if (shelf.quietAt > 0) continue
      for (const lane of shelf.lanes.values()) {
        if (this.#busy.size >= AT_ONCE) return
        const { webhook } = lane
        if (lane.isBusy || lane.events.length === 0 || this.#busyOf.of(webhook) >= AT_ONCE_EACH) continue
        lane.isBusy = true
        this.#busyOf.add(webhook, 1)
        const busy = this.#drain(lane).finally(() => {
          this.#busy.delete(busy)
          this.#busyOf.add(webhook, -1)
          this.wake()
        })
        this.#busy.add(busy)
      }
    }
  }

  /** Sends what waits in a lane, one after the other, up to the first failure. */
  async #drain(lane: Lane): Promise<void> {
    const { isInCharge, log } = this.#options
    try {
      for (let event = lane.events[0]; event; event = lane.events[0]) {
        const webhook = this.#webhooks.get(lane.webhook)
        if (!webhook || !isInCharge() || this.#isStopped || !(await this.#try(webhook, lane, event))) return
        lane.events.shift()
        if (lane.events.length === 0) {
          this.#waitingOf.add(lane.webhook, -1)
          lane.position = lane.read
          if (isOver(lane)) await this.#pass([lane])
        }
      }
    } catch (error) {
      log?.warn({ err: error, webhook: lane.webhook }, 'a delivery could not be written down 推送结果未能记录')
    } finally {
      lane.isBusy = false
      this.#rewind(lane)
      if (!this.#webhooks.has(lane.webhook)) this.#drop(lane)
    }
  }

  /** Tries one event once; true when it is done with, delivered or given up. */
  async #try(webhook: Subscription, lane: Lane, event: Logged): Promise<boolean> {
    const { clock, key, sender, store, watch, log } = this.#options
    const [id, body, at] = [eventId(event), payloadOf(webhook.owner, event), clock.now()]
    const headers = signed(secretsOf(key, webhook.owner, webhook, at), id, Math.floor(at / 1000), body)
    const came = await sender.send(new URL(webhook.url), headers, body, this.#late.signal)
    // What was cut short may have been heard or not: the next process sends it again.
    if (!came.delivered && this.#late.signal.aborted) return false
    const now = clock.now()
    const attempts = lane.attempts + 1
    const outcome = came.delivered ? 'delivered' : attempts < TRIES ? 'failed' : 'dead'
    lane.attempts = outcome === 'failed' ? attempts : 0
    lane.due =
      outcome === 'failed' ? now + pauseAfter(attempts, Math.random(), retryAfterOf(came.retryAfter, now)) : null
    // A dead letter that nothing waits behind is over.
    const isWell = came.delivered || (outcome === 'dead' && lane.events.length === 1)
    lane.failingSince = isWell ? null : (lane.failingSince ?? now)
    lane.error = came.error
    if (outcome !== 'failed') lane.position = event.seq
    watch?.delivery(outcome)
    if (!came.delivered) {
      log?.warn({ webhook: webhook.number, event: id, error: came.error, attempts }, 'a delivery failed 推送失败')
    }
    await store.keep([{ ...stepOf(lane), ...(outcome === 'failed' ? {} : { came: outcome, kind: event.kind }) }], now)
    lane.kept = lane.position
    const trouble = troubleOf(came, lane, now)
    if (trouble) await this.#options.disable(webhookId(webhook.owner, webhook.number), trouble)
    return outcome !== 'failed'
  }
}

/** What is wrong with a webhook itself, and not with one try. */
function troubleOf({ status }: Came, { failingSince }: Lane, now: Instant): 'gone' | 'failing' | undefined {
  if (status === 410) return 'gone'
  return failingSince !== null && now - failingSince >= FAILING_MOST ? 'failing' : undefined
}

/** A replay that has nothing left to send. */
const isOver = ({ until, position }: Lane) => until !== null && position >= until

function stepOf({ webhook, book, lane, position, until, attempts, due, failingSince, error }: Lane): Step {
  return { webhook, book, lane, position, until, attempts, due, failingSince, error }
}

/** How many there are of each; what there is none of takes no room. */
class Counts {
  readonly #counts = new Map<number, number>()

  of(one: number): number {
    return this.#counts.get(one) ?? 0
  }

  add(one: number, by: 1 | -1): void {
    const count = this.of(one) + by
    if (count === 0) this.#counts.delete(one)
    else this.#counts.set(one, count)
  }

  clear(): void {
    this.#counts.clear()
  }
}
