import { randomUUID } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A lean HTTP client for the load: keep-alive connections, one request at a time on each. The service, its PostgreSQL
 * and the load share one machine, so what the load costs is missing there.
 */

/** What a round of requests came to. */
export interface Volley {
  readonly answered: number
  readonly perSecond: number
  /** How often each status was answered. */
  readonly statuses: ReadonlyMap<number, number>
  /** The latency below which this part of the answers lies, in milliseconds. */
  latency(part: number): number
}

interface Round {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** The statuses that may be answered; any other one is a fault of the bench. */
  readonly statuses: readonly number[]
  /** The next request as it goes over the wire; nothing when there is no more to ask. */
  next(): string | undefined
}

/** Keeps every connection busy for so many seconds, or until there is nothing more to ask. */
export async function volley({ port, connections, seconds, statuses, next }: Round): Promise<Volley> {
  const latencies: number[] = []
  const counts = new Map<number, number>()
  const lines = Array.from({ length: connections }, () => new Line(port))
  await Promise.all(lines.map((line) => line.open()))
  const started = performance.now()
  const until = started + seconds * 1000
  await Promise.all(
    lines.map(async (line) => {
      for (let request = next(); request !== undefined; request = next()) {
        const sent = performance.now()
        if (sent >= until) break
        const status = await line.ask(request)
        latencies.push(performance.now() - sent)
        counts.set(status, (counts.get(status) ?? 0) + 1)
        if (!statuses.includes(status)) throw new Error(`the service answered ${status}: ${line.body}`)
      }
    }),
  ).finally(() => {
    for (const line of lines) line.close()
  })
  return summed(latencies, counts, started)
}

function summed(latencies: number[], statuses: ReadonlyMap<number, number>, started: number): Volley {
  const took = performance.now() - started
  latencies.sort((a, b) => a - b)
  return {
    answered: latencies.length,
    perSecond: (latencies.length * 1000) / took,
    statuses,
    latency: (part) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * part))] ?? Number.NaN,
  }
}

/** Asks so many times a second, evenly, until it is over; what nobody answers counts as status 0. */
export async function steadily(
  { port, perSecond, next }: Pick<Round, 'port' | 'next'> & { readonly perSecond: number },
  until: Promise<unknown>,
): Promise<Volley> {
  const latencies: number[] = []
  const counts = new Map<number, number>()
  const idle: Line[] = []
  const asked = new Set<Promise<void>>()
  let isOver = false
  const end = () => {
    isOver = true
  }
  until.then(end, end)
  const started = performance.now()
  /** Counted from when it was due: a service that stops for a while makes all of them late that come meanwhile. */
  const ask = async (due: number) => {
    const line = idle.pop() ?? new Line(port)
    const status = await line.ask(next()!).catch(() => 0)
    latencies.push(performance.now() - due)
    counts.set(status, (counts.get(status) ?? 0) + 1)
    idle.push(line)
  }
  for (let sent = 0; !isOver; await sleep(1)) {
    for (; sent < ((performance.now() - started) * perSecond) / 1000; sent++) {
      const one = ask(started + (sent * 1000) / perSecond).finally(() => asked.delete(one))
      asked.add(one)
    }
  }
  await Promise.all(asked)
  for (const line of idle) line.close()
  return summed(latencies, counts, started)
}

/** A POST as it goes over the wire; everything in it is ASCII. */
export function post(path: string, token: string, body: string): string {
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${token}\r\nidempotency-key: ${randomUUID()}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`
}

/** One keep-alive connection. */
class Line {
  #socket: Socket | undefined
  #got: Buffer = Buffer.alloc(0)
  #answered: ((status: number) => void) | undefined
  #failed: ((error: Error) => void) | undefined
  /** The body of the last answer. */
  body = ''

  constructor(readonly port: number) {}

  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.port, '127.0.0.1', resolve)
      socket.setNoDelay(true)
      socket.on('data', (chunk) => this.#read(chunk))
      socket.on('error', (error) => {
        reject(error)
        this.#failed?.(error)
      })
      socket.on('close', () => {
        if (this.#socket !== socket) return
        this.#socket = undefined
        this.#failed?.(new Error('the service closed a connection before it answered'))
      })
      this.#socket = socket
    })
  }

  /** Sends a request and returns the status that is answered. */
  async ask(request: string): Promise<number> {
    if (!this.#socket) await this.open()
    return new Promise((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
      this.#socket!.write(request, 'latin1')
    })
  }

  close(): void {
    const socket = this.#socket
    this.#socket = undefined
    socket?.destroy()
  }

  #read(chunk: Buffer): void {
    this.#got = this.#got.length === 0 ? chunk : Buffer.concat([this.#got, chunk])
    const end = this.#got.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#got.toString('latin1', 0, end)
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
    if (length === undefined) {
      this.#failed?.(new Error(`an answer without a length: ${head}`))
      this.close()
      return
    }
    const size = end + 4 + Number(length)
    if (this.#got.length < size) return
    this.body = this.#got.toString('utf8', end + 4, size)
    this.#got = this.#got.subarray(size)
    // A connection that the service will not keep is opened again for the next request.
    if (/\r\nconnection: close/i.test(head)) this.close()
    const answered = this.#answered
    this.#answered = this.#failed = undefined
    answered?.(Number(head.slice(9, 12)))
  }
}
