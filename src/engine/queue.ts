/** What waits: whose it is, and its commands, at least one, which come into one batch all together. */
export interface Waiting {
  readonly organisation: string
  readonly calls: readonly unknown[]
}

/** What becomes of a candidate: it is taken, stays where it is, or is removed because nobody waits for it any more. */
export type Choice = 'take' | 'leave' | 'drop'

/** First in, first out, and back in at the front: two stacks, so that nothing is ever moved up. */
class Deque<T> {
  /** The first ones, the very first on top. */
  #front: T[] = []
  /** The last ones, the very last on top. */
  #back: T[] = []

  get length(): number {
    return this.#front.length + this.#back.length
  }

  push(item: T): void {
    this.#back.push(item)
  }

  unshift(item: T): void {
    this.#front.push(item)
  }

  peek(): T | undefined {
    if (this.#front.length === 0 && this.#back.length > 0) {
      this.#front = this.#back.reverse()
      this.#back = []
    }
    return this.#front.at(-1)
  }

  shift(): T | undefined {
    this.peek()
    return this.#front.pop()
  }
}

/** What one organisation has waiting, in the order it came. */
class Line<T> extends Deque<T> {
  /** Commands waiting, those in `left` among them. */
  commands = 0
  /** Set aside until the end of this take. */
  left: T[] = []

  constructor(readonly organisation: string) {
    super()
  }
}

/**
 * The bounded, fair waiting line of the engine. Organisations take turns, one of theirs a turn, and who had a turn
 * stands at the end again: among those that wait nobody gets a second turn before everybody else had one, over all
 * batches. Nothing costs more because more waits.
 */
export class Queue<T extends Waiting> {
  readonly #most: number
  readonly #mostOfOne: number
  readonly #lines = new Map<string, Line<T>>()
  /** The lines in the order of their turns; between takes each of them once, and none is empty. */
  readonly #turns = new Deque<Line<T>>()
  #size = 0

  /** `most` commands may wait, and `mostOfOne` of one organisation. */
  constructor(most: number, mostOfOne: number) {
    this.#most = most
    this.#mostOfOne = mostOfOne
  }

  /** Commands waiting. */
  get size(): number {
    return this.#size
  }

  /** Whether a single command would be taken up, of this organisation or else of one that has nothing waiting. */
  hasRoom(organisation?: string): boolean {
    return this.#fits(organisation, 1)
  }

  /** Takes it up as the last of its organisation; false when there is no room for all its commands. */
  offer(waiting: T): boolean {
    const { organisation, calls } = waiting
    if (!this.#fits(organisation, calls.length)) return false
    const line = this.#lineOf(organisation)
    line.push(waiting)
    this.#count(line, calls.length)
    return true
  }

  /**
   * Takes `most` commands, organisations in turn, each one's own in their order; fewer when the next one would not
   * fit: it comes first next time, and when it is first it is taken however large it is. `choose` is asked about each
   * candidate just before and must not throw; after 'leave' or 'drop' it is asked about the organisation's next one,
   * until `most` of it were left.
   */
  take(most: number, choose: (waiting: T) => Choice): T[] {
    const taken: T[] = []
    const passed: Line<T>[] = []
    const finished: Line<T>[] = []
    let room = most
    while (room > 0) {
      const line = this.#turns.peek()
      if (!line) break
      // What is left is asked about again in every take, so a long line of it must not be walked to its end each time.
      const waiting = line.left.length < most ? line.peek() : undefined
      if (!waiting) {
        this.#turns.shift()
        finished.push(line)
        continue
      }
      const commands = waiting.calls.length
      if (commands > room && taken.length > 0) break
      const choice = choose(waiting)
      line.shift()
      if (choice === 'leave') {
        if (line.left.push(waiting) === 1) passed.push(line)
        continue
      }
      this.#count(line, -commands)
      if (choice === 'drop') continue
      taken.push(waiting)
      room -= commands
      this.#turns.shift()
      if (line.length + line.left.length > 0) this.#turns.push(line)
      else finished.push(line)
    }
    for (const line of passed) {
      for (const waiting of line.left.reverse()) line.unshift(waiting)
      line.left = []
    }
    for (const line of finished) {
      if (line.length > 0) this.#turns.push(line)
      else this.#lines.delete(line.organisation)
    }
    return taken
  }

  /**
   * Puts back what was taken, in this order in front of its organisation's own and whatever the limits; the turn it
   * was taken in stays used.
   */
  putBack(waiting: readonly T[]): void {
    for (const { organisation, calls } of waiting) this.#count(this.#lineOf(organisation), calls.length)
    for (const one of waiting.toReversed()) this.#lineOf(one.organisation).unshift(one)
  }

  #fits(organisation: string | undefined, commands: number): boolean {
    const own = organisation === undefined ? 0 : (this.#lines.get(organisation)?.commands ?? 0)
    return this.#size + commands <= this.#most && own + commands <= this.#mostOfOne
  }

  #lineOf(organisation: string): Line<T> {
    let line = this.#lines.get(organisation)
    if (!line) {
      line = new Line(organisation)
      this.#lines.set(organisation, line)
      this.#turns.push(line)
    }
    return line
  }

  #count(line: Line<T>, commands: number): void {
    line.commands += commands
    this.#size += commands
  }
}
