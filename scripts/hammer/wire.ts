import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * What can happen to the next call of `record` on its way:
 * `cut` it never arrives; `lost` it is recorded and its reply never arrives; `late` the caller loses the connection at
 * once and the call arrives afterwards; `slow` it waits; `full` it is answered as by a full disk and never arrives.
 */
export const fates = ['cut', 'lost', 'late', 'slow', 'full'] as const
export type Fate = (typeof fates)[number]

/** What the next call of `record` meets, whichever service makes it. */
export class Doom {
  #next: { fate: Fate; ms: number } | undefined
  /** Calls that met each fate. */
  readonly met: Record<Fate, number> = { cut: 0, lost: 0, late: 0, slow: 0, full: 0 }

  /** `ms` is how long a call waits that is late or slow. */
  set(fate: Fate, ms: number): void {
    this.#next = { fate, ms: fate === 'late' || fate === 'slow' ? ms : 0 }
  }

  clear(): void {
    this.#next = undefined
  }

  take(): { fate: Fate; ms: number } | undefined {
    const next = this.#next
    this.#next = undefined
    if (next) this.met[next.fate]++
    return next
  }
}

/**
 * A way over which somebody is reached: a TCP proxy that can be cut and held up. On the way to PostgreSQL it knows enough
 * of the protocol to be nasty in the middle of recording.
 */
export class Wire {
  readonly #links = new Set<Link>()
  #server: Server | undefined
  /** Resolves when nothing holds the wire up. */
  calm: Promise<void> = Promise.resolve()
  /** Connections that were cut here. */
  drops = 0
  /** When `record` was last called here. */
  recorded = 0

  /** `port` is where it leads; `doom` is there on the way to PostgreSQL. */
  constructor(
    readonly port: number,
    readonly doom?: Doom,
  ) {}

  /** Opens the wire; returns its own port. */
  async open(): Promise<number> {
    const server = createServer({ noDelay: true }, (near) => {
      const link = new Link(this, near)
      this.#links.add(link)
      near.once('close', () => this.#links.delete(link))
    })
    this.#server = server
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  close(): void {
    this.#server?.close()
    for (const link of this.#links) link.cut()
  }

  /** Cuts connections: one of them (`which` from 0 to 1 says which), or all. */
  drop(which: number | 'all'): void {
    const links = [...this.#links]
    for (const link of which === 'all' ? links : links.splice(Math.floor(which * links.length), 1)) {
      this.drops++
      link.cut()
    }
  }

  /** No byte passes for so long; then all connections are cut, or go on as if nothing had been. */
  async stall(ms: number, isCut: boolean): Promise<void> {
    this.calm = sleep(ms)
    await this.calm
    if (isCut) this.drop('all')
  }
}

/** One connection: `near` is the side of who calls, `far` of who is called. */
class Link {
  readonly #far: Socket
  readonly #asked = new Messages(true)
  readonly #answered = new Messages(false)
  /** Prepared statements that call `record`. */
  readonly #records = new Set<string>()
  /** A call of `record` of which not all has come yet. */
  #call: Buffer[] | undefined
  /** What has been asked and not been answered, in order; first of all the greeting. */
  readonly #open: ('passed' | 'lost' | 'full')[] = ['passed']
  #toFar: Promise<unknown> = Promise.resolve()
  #toNear: Promise<unknown> = Promise.resolve()

  constructor(
    readonly wire: Wire,
    readonly near: Socket,
  ) {
    const far = connect({ port: wire.port, host: '127.0.0.1', noDelay: true })
    this.#far = far
    near.on('data', (chunk) => {
      this.#toFar = this.#toFar.then(async () => {
        await wire.calm
        if (!wire.doom) far.write(chunk)
        else for (const message of this.#asked.read(chunk)) await this.#ask(message, wire.doom)
      })
    })
    far.on('data', (chunk) => {
      this.#toNear = this.#toNear.then(async () => {
        await wire.calm
        if (!wire.doom) near.write(chunk)
        else for (const message of this.#answered.read(chunk)) this.#answer(message)
      })
    })
    near.on('error', () => {})
    near.on('close', () => {
      this.#toFar = this.#toFar.then(() => far.end())
    })
    far.on('error', () => this.near.resetAndDestroy())
    far.on('close', () => {
      this.#toNear = this.#toNear.then(() => near.end())
    })
  }

  /** Cuts it on both sides. */
  cut(): void {
    this.near.resetAndDestroy()
    this.#far.resetAndDestroy()
  }

  async #ask(message: Buffer, doom: Doom): Promise<void> {
    const type = this.#asked.typeOf(message)
    if (type === 'P') {
      const [name, text] = texts(message, 5)
      if (text.includes('clearing.record(')) this.#records.add(name)
    }
    if (type === 'B' && this.#records.has(texts(message, 5)[1])) this.#call = []
    if (this.#call) {
      this.#call.push(message)
      if (type !== 'S') return
      const call = Buffer.concat(this.#call)
      this.#call = undefined
      return this.#record(call, doom)
    }
    this.#far.write(message)
    if (type === 'S' || type === 'Q') this.#open.push('passed')
  }

  async #record(call: Buffer, doom: Doom): Promise<void> {
    this.wire.recorded = performance.now()
    const { fate, ms } = doom.take() ?? { fate: 'passed', ms: 0 }
    if (fate === 'cut') {
      this.wire.drops++
      return this.cut()
    }
    if (fate === 'full') {
      this.#open.push('full')
      return this.#answerFull()
    }
    if (fate === 'late') {
      this.wire.drops++
      this.near.resetAndDestroy()
    }
    if (ms > 0) await sleep(ms)
    this.#far.write(call)
    this.#open.push(fate === 'lost' ? 'lost' : 'passed')
  }

  #answer(message: Buffer): void {
    const isLost = this.#open[0] === 'lost'
    if (!isLost) this.near.write(message)
    if (this.#answered.typeOf(message) !== 'Z') return
    this.#open.shift()
    if (isLost) {
      this.wire.drops++
      this.cut()
    }
    this.#answerFull()
  }

  /** When its turn has come: the disk is full, the call is over. */
  #answerFull(): void {
    while (this.#open[0] === 'full') {
      this.#open.shift()
      this.near.write(DISK_FULL)
    }
  }
}

/** Two texts that end in a zero, from a place on. */
function texts(message: Buffer, from: number): [string, string] {
  const middle = message.indexOf(0, from)
  const end = message.indexOf(0, middle + 1)
  return [message.toString('utf8', from, middle), message.toString('utf8', middle + 1, end)]
}

/** Cuts a stream into the messages of PostgreSQL's protocol 3: a type, a length, the rest. */
class Messages {
  #rest: Buffer = Buffer.alloc(0)

  /** A client greets first: with a message that has no type. */
  constructor(private isGreeting: boolean) {}

  read(chunk: Buffer): Buffer[] {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const messages: Buffer[] = []
    for (;;) {
      const at = this.isGreeting ? 0 : 1
      if (rest.length < at + 4) break
      const size = at + rest.readInt32BE(at)
      if (rest.length < size) break
      messages.push(rest.subarray(0, size))
      rest = rest.subarray(size)
      this.isGreeting = false
    }
    this.#rest = rest
    return messages
  }

  typeOf(message: Buffer): string {
    return String.fromCharCode(message[0]!)
  }
}

/** An ErrorResponse, and that the server is ready for the next call. */
const DISK_FULL = (() => {
  const fields = { S: 'ERROR', V: 'ERROR', C: '53100', M: 'could not extend file: No space left on device (hammer)' }
  const body = Buffer.from(
    `${Object.entries(fields)
      .map(([name, text]) => `${name}${text}\0`)
      .join('')}\0`,
  )
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body, Buffer.from([0x5a, 0, 0, 0, 5, 0x49])])
})()
