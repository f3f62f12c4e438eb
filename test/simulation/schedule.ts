/** A process of the simulation. What is to happen in it happens only while it lives and is not held up. */
export interface Process {
  readonly name: string
  isAlive: boolean
  /** Until when nothing happens in it, as when its machine stands still. */
  heldUntil: number
}

interface Planned {
  readonly at: number
  readonly order: number
  readonly process: Process | undefined
  readonly what: string
  readonly happen: () => void
}

const isBefore = (a: Planned, b: Planned) => a.at < b.at || (a.at === b.at && a.order < b.order)

/** The only time there is: everything that happens is planned here and happens one after another, in the same order. */
export class Schedule {
  /** Milliseconds since the start. */
  now = 0
  /** Things that have happened. */
  count = 0
  /** A number made of all that has happened: two runs that differ anywhere differ in it. */
  digest = 0
  #order = 0
  /** A heap, the next one first. */
  readonly #planned: Planned[] = []

  plan(after: number, what: string, happen: () => void, process?: Process): void {
    this.#add({ at: this.now + after, order: this.#order++, process, what, happen })
  }

  /** Lets things happen until nothing is planned any more, or it is over. */
  async run(isOver: () => boolean): Promise<void> {
    for (;;) {
      const next = this.#planned[0]
      if (!next || isOver()) return
      this.#takeFirst()
      const { process } = next
      if (process && !process.isAlive) continue
      if (process && process.heldUntil > next.at) {
        this.#add({ ...next, at: process.heldUntil, order: this.#order++ })
        continue
      }
      this.now = next.at
      this.note(next.what)
      next.happen()
      // Everything that follows of itself: promises settle before the next thing happens.
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Counts a happening into the digest. */
  note(what: string): void {
    this.count++
    let digest = Math.imul(this.digest ^ Math.round(this.now * 1000), 0x01000193)
    for (let n = 0; n < what.length; n++) digest = Math.imul(digest ^ what.charCodeAt(n), 0x01000193)
    this.digest = digest >>> 0
  }

  #add(planned: Planned): void {
    const heap = this.#planned
    let at = heap.length
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (isBefore(heap[parent]!, planned)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = planned
  }

  #takeFirst(): void {
    const heap = this.#planned
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (isBefore(last, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }
}
