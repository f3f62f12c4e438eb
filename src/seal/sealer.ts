import { verifyCheckpoint } from '../core/checkpoint.js'
import { edgeOf, GrowingTree, HASH_BYTES, type Hash, TILE } from '../core/merkle.js'
import { type Clock, dayOf, type Instant, type Timer } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import { logName, type SealKey } from './key.js'
import type { Head, NewSeal, Stretch, TilePlace } from './queries.js'
import type { Witness } from './witness.js'

/** How often it is looked whether there is something to seal, in milliseconds. */
const EVERY = 1000
/** Leaves that are hashed in one query, over all books. */
const AT_ONCE = 2000

/** What the sealer asks of the database. */
export interface SealStore {
  heads(): Promise<readonly Head[]>
  leaves(stretches: readonly Stretch[]): Promise<ReadonlyMap<Book, Hash[]>>
  tile(book: Book, place: TilePlace & { readonly width: number }): Promise<Buffer | undefined>
  open(salts: ReadonlyMap<Book, Buffer>): Promise<void>
  keep(seals: readonly NewSeal[], day: string, moment: Instant): Promise<void>
}

export interface SealerOptions {
  readonly store: SealStore
  readonly key: SealKey
  readonly clock: Clock
  readonly timer: Timer
  isInCharge(): boolean
  /** Without it nothing is remembered beside the database. */
  readonly witness?: Witness
  readonly log?: { error(fields: object, message: string): void; warn(fields: object, message: string): void }
}

/**
 * Seals the logs, in the process that holds the lease: hashes what was added, and signs the new heads. It never signs
 * a log that does not begin with what it signed last: when it takes over, it works the last root out again from the
 * log and the tiles, and then it looks back at 256 leaves a round. A log that comes to something else is sealed no more
 * (`ledger:verify` finds it, too).
 */
export class Sealer {
  readonly #options: SealerOptions
  readonly #trees = new Map<Book, GrowingTree>()
  /** Logs that contradict what was signed. */
  readonly #broken = new Set<Book>()
  /** Logs whose head was signed by another key, or under another name: it is signed again. */
  readonly #foreign = new Set<Book>()
  #unsealed = 0
  /** When the heads were read up to which everything is sealed, by the timer. */
  #sealedAt: number
  /** What is looked at again next. */
  #looked = { book: -1, tile: 0 }
  #isStopped = false
  #running: Promise<void> | undefined
  #wake: () => void = () => {}

  constructor(options: SealerOptions) {
    this.#options = options
    this.#sealedAt = options.timer.now()
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Ends with the round under way. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#wake()
    await this.#running
  }

  /** Commands not sealed when it was last looked, how many seconds ago all were, and logs that are sealed no more. */
  get unsealed(): { readonly commands: number; readonly seconds: number; readonly contradicted: number } {
    if (!this.#options.isInCharge()) return { commands: 0, seconds: 0, contradicted: 0 }
    const seconds = (this.#options.timer.now() - this.#sealedAt) / 1000
    return { commands: this.#unsealed, seconds, contradicted: this.#broken.size }
  }

  async #run(): Promise<void> {
    const { timer, isInCharge, log } = this.#options
    while (!this.#isStopped) {
      const began = timer.now()
      try {
        if (isInCharge()) await this.round()
        else this.#forget()
      } catch (error) {
        // Whatever was kept or not of it is read again.
        this.#forget()
        log?.warn({ err: error }, 'sealing waits 存证封存等待重试')
      }
      if (this.#isStopped) return
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      await Promise.race([timer.sleep(Math.max(EVERY / 10, EVERY - (timer.now() - began))), woken])
    }
  }

  #forget(): void {
    this.#trees.clear()
    this.#broken.clear()
    this.#foreign.clear()
    this.#sealedAt = this.#options.timer.now()
    this.#unsealed = 0
  }

  /** Seals everything that was recorded when it began. */
  async round(): Promise<void> {
    const { store, timer } = this.#options
    const began = timer.now()
    const heads = await store.heads()
    const open: Stretch[] = []
    for (const head of heads) {
      const { book, after, until } = head
      if (this.#broken.has(book)) continue
      if (until < after) {
        this.#refuse(book, after, `it ends at ${until}`)
        continue
      }
      if (!(await this.#know(head))) continue
      if (until > after || this.#foreign.has(book)) open.push({ book, after, until })
    }
    this.#unsealed = open.reduce((sum, { after, until }) => sum + until - after, 0)
    for (const part of parts(open)) {
      await this.#seal(part)
      this.#unsealed -= part.reduce((sum, { after, until }) => sum + until - after, 0)
    }
    this.#sealedAt = began
    await this.#lookBack()
  }

  /**
   * Works 256 sealed leaves out again, in each round others: so what was changed since is found while the service runs,
   * within a day in the largest of logs, and no checkpoint is signed over it any more.
   */
  async #lookBack(): Promise<void> {
    const { store } = this.#options
    const books = [...this.#trees.keys()].sort((a, b) => a - b)
    let { book, tile } = this.#looked
    if (tile * TILE >= (this.#trees.get(book)?.size ?? 0)) {
      book = books.find((other) => other > book) ?? books[0] ?? -1
      tile = 0
    }
    this.#looked = { book, tile: tile + 1 }
    const tree = this.#trees.get(book)
    if (!tree || tree.size === 0) return
    const width = Math.min(TILE, tree.size - tile * TILE)
    const leaves = await store.leaves([{ book, after: tile * TILE, until: tile * TILE + width }])
    const kept = width === TILE ? await store.tile(book, { level: 0, tile, width }) : tree.edge(0)
    const found = leaves.get(book) ?? []
    const off = Array.from({ length: width }, (_, n) => n).find(
      (n) => !found[n]?.equals(kept?.subarray(n * HASH_BYTES, (n + 1) * HASH_BYTES) ?? Buffer.alloc(0)),
    )
    if (off !== undefined) this.#refuse(book, tree.size, `command ${tile * TILE + off + 1} is another one`)
  }

  /** Makes sure that the tree is at hand whose root was signed last; false when there is none that comes to it. */
  async #know({ book, after, root, note }: Head): Promise<boolean> {
    const { store, key } = this.#options
    if (this.#trees.get(book)?.size === after) return true
    const signed = this.#options.witness?.contradicts(logName(key.origin, book), { size: after, root })
    if (signed !== undefined) return this.#refuse(book, after, `this machine has signed ${signed} commands of it`)
    if (root === null || note === null) {
      await store.open(new Map([[book, key.salt(book)]]))
      this.#trees.set(book, new GrowingTree())
      return true
    }
    // The last leaf is asked of the log, and the tree before it of the tiles: a tile that is full is not asked of the log.
    const edge: Buffer[] = []
    for (const place of edgeOf(after - 1)) {
      const hashes = place.width === 0 ? Buffer.alloc(0) : await store.tile(book, place)
      if (hashes === undefined) return this.#refuse(book, after, 'it is another one')
      edge.push(hashes)
    }
    const [last] = (await store.leaves([{ book, after: after - 1, until: after }])).get(book) ?? []
    const tree = GrowingTree.of(after - 1, edge)
    if (last) tree.add(last)
    if (!last || !tree.root.equals(root)) return this.#refuse(book, after, 'it is another one')
    // It was kept with the checkpoint.
    tree.takeFull()
    this.#trees.set(book, tree)
    if (verifyCheckpoint(note, key.verifier(book))) this.#foreign.delete(book)
    else this.#foreign.add(book)
    return true
  }

  /** Seals a log no more. */
  #refuse(book: Book, size: number, found: string): false {
    this.#broken.add(book)
    this.#trees.delete(book)
    this.#options.log?.error(
      { book, size },
      `the log is not the one that was signed, ${found}: it is sealed no more, run ledger:verify 账套日志与已签名检查点不符，停止封存`,
    )
    return false
  }

  async #seal(part: readonly Stretch[]): Promise<void> {
    const { store, clock, key } = this.#options
    const whole = part.filter(({ book }) => !this.#broken.has(book))
    // With the leaf before them: the last command is the one that can be taken away without leaving a gap.
    const hashes = await store.leaves(
      whole.map(({ book, after, until }) => ({ book, after: Math.max(0, after - 1), until })),
    )
    const grown = whole.flatMap(({ book, after, until }) => {
      const tree = this.#trees.get(book)!
      const leaves = [...(hashes.get(book) ?? [])]
      const last = after > 0 ? leaves.shift() : undefined
      if (leaves.length !== until - after) throw new Error(`book ${book} has ${leaves.length} leaves after ${after}`)
      if (last && !tree.last?.equals(last)) {
        this.#refuse(book, after, `command ${after} is another one`)
        return []
      }
      for (const leaf of leaves) tree.add(leaf)
      return [{ book, after, size: tree.size, root: tree.root, tiles: tree.takeFull() }]
    })
    const seals: NewSeal[] = await Promise.all(grown.map(async (one) => ({ ...one, note: await key.sign(one) })))
    const now = clock.now()
    await store.keep(seals, dayOf(now), now)
    for (const { book } of seals) this.#foreign.delete(book)
    await this.#options.witness?.keep(seals.map(({ book, ...seal }) => ({ ...seal, log: logName(key.origin, book) })))
  }
}

/** Stretches in parts of so many leaves; a long one is cut, one without leaves stays as it is. */
function* parts(open: readonly Stretch[]): Generator<Stretch[]> {
  let part: Stretch[] = []
  let room = AT_ONCE
  for (const { book, after, until } of open) {
    let at = after
    do {
      const end = Math.min(until, at + room)
      part.push({ book, after: at, until: end })
      room -= end - at
      at = end
      if (room > 0) continue
      yield part
      part = []
      room = AT_ONCE
    } while (at < until)
  }
  if (part.length > 0) yield part
}
