import { timingSafeEqual } from 'node:crypto'
import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Actor } from '../core/actor.js'
import { type Refusal, Refused } from '../core/refusals.js'
import type { Timer } from '../core/time.js'
import { type Call, type CommandType, SYSTEM, wire } from './command.js'
import type { EngineOptions } from './engine.js'
import { type Link, LinkLost, NotInCharge } from './front.js'
import type { Holder } from './lease.js'
import type { AskedRow, Runner } from './runner.js'
import { EngineFault, type Outcome } from './ticket.js'

/**
 * How one process asks another's engine: one long connection over the service's own port (HTTP Upgrade), on it one JSON
 * object a line. Who shows the holder's number has read it in the database, so both sides are of this service.
 */
const PATH = '/engine'
const PROTOCOL = 'clearing-engine'
const OPEN_WITHIN = 2000

/** What is asked: commands in a row, or whether everything before has been answered. */
interface Question {
  readonly n: number
  readonly calls?: readonly { readonly kind: string; readonly command: unknown; readonly refusal?: Refusal }[]
  /** Without one it is the service itself that asks. */
  readonly actor?: Actor
  readonly key?: string
  readonly isAgain?: boolean
}

/** What is answered: outcomes (none to whether all is answered), or why there are none. */
interface Answer {
  readonly n: number
  readonly outcomes?: Outcome[]
  readonly refusal?: Refusal
  /** The number under which a fault is found in the log. */
  readonly fault?: string
  readonly notInCharge?: true
}

/** JSON lines over a socket; what is sent in one turn of the event loop goes out together. */
class Lines<T> {
  #out = ''

  constructor(
    readonly socket: Duplex,
    onLine: (line: T) => void,
  ) {
    // Node forbids to set the encoding of a socket that was HTTP's.
    const decoder = new StringDecoder('utf8')
    let rest = ''
    socket.on('data', (chunk: Buffer) => {
      const lines = (rest + decoder.write(chunk)).split('\n')
      rest = lines.pop()!
      try {
        for (const line of lines) onLine(JSON.parse(line) as T)
      } catch {
        socket.destroy() // whoever it is does not speak our language
      }
    })
    // Whatever is wrong with it, 'close' comes after.
    socket.on('error', () => {})
    socket.on('end', () => socket.destroy())
  }

  send(line: string): void {
    if (this.#out === '') setImmediate(() => this.#flush())
    this.#out += `${line}\n`
  }

  #flush(): void {
    if (!this.socket.destroyed) this.socket.write(this.#out)
    this.#out = ''
  }
}

interface Waiting {
  readonly since: number
  resolve(outcomes: Outcome[]): void
  reject(error: Error): void
}

class SocketLink implements Link {
  readonly #waiting = new Map<number, Waiting>()
  readonly #lines: Lines<Answer>
  #asked = 0

  constructor(
    readonly holder: Holder,
    socket: Duplex,
    readonly timer: Timer,
  ) {
    this.#lines = new Lines(socket, (answer) => this.#answered(answer))
    socket.once('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new LinkLost())
      this.#waiting.clear()
    })
  }

  get isLost(): boolean {
    return this.#lines.socket.destroyed
  }

  get waitsSince(): number | undefined {
    const [first] = this.#waiting.values()
    return first?.since
  }

  runAll({ calls, actor, key, isAgain }: AskedRow): Promise<Outcome[]> {
    const texts = calls.map(
      ({ type, command, refusal }) =>
        `{"kind":"${type.kind}","command":${wire(command)}${refusal ? `,"refusal":${JSON.stringify(refusal)}` : ''}}`,
    )
    return this.#ask(
      [
        `,"calls":[${texts.join()}]`,
        actor === SYSTEM ? '' : `,"actor":${JSON.stringify(actor)}`,
        key === undefined ? '' : `,"key":${JSON.stringify(key)}`,
        isAgain ? ',"isAgain":true' : '',
      ].join(''),
    )
  }

  async drained(): Promise<void> {
    await this.#ask('')
  }

  close(): void {
    this.#lines.socket.destroy()
  }

  #ask(fields: string): Promise<Outcome[]> {
    if (this.isLost) return Promise.reject(new LinkLost())
    const n = this.#asked++
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, { since: this.timer.now(), resolve, reject })
      this.#lines.send(`{"n":${n}${fields}}`)
    })
  }

  #answered({ n, outcomes, refusal, fault, notInCharge }: Answer): void {
    const waiting = this.#waiting.get(n)
    this.#waiting.delete(n)
    if (outcomes) waiting?.resolve(outcomes)
    else if (refusal) waiting?.reject(new Refused(refusal.refused, refusal.details))
    else if (notInCharge) waiting?.reject(new NotInCharge())
    else waiting?.reject(new EngineFault(undefined, fault))
  }
}

/** Opens a way to the process in charge; rejects when it is not there, or knows nothing of it. */
export function openLink(holder: Holder, timer: Timer): Promise<Link> {
  const url = new URL(PATH, holder.address)
  return new Promise((resolve, reject) => {
    const headers = { connection: 'Upgrade', upgrade: PROTOCOL, authorization: `Bearer ${holder.id}` }
    const request = (url.protocol === 'https:' ? https : http).request(url, { headers, timeout: OPEN_WITHIN })
    request.on('upgrade', (_, socket, head) => {
      socket.setTimeout(0)
      if (head.length > 0) socket.unshift(head)
      resolve(new SocketLink(holder, socket, timer))
    })
    request.on('response', (response) => {
      response.destroy()
      reject(new NotInCharge())
    })
    request.on('timeout', () => request.destroy(new LinkLost()))
    request.on('error', reject)
    request.end()
  })
}

interface Served {
  /** This process's own number. */
  readonly id: string
  readonly engine: Runner
  /** False once another process is in charge, or this one is about to leave. */
  isInCharge(): boolean
  readonly types: ReadonlyMap<string, CommandType>
  readonly log?: EngineOptions['log']
}

/** Answers the other processes on the service's own port; the returned function hangs up. */
export function serveLinks(server: http.Server, served: Served): () => void {
  const open = new Set<Duplex>()
  const mine = Buffer.from(`Bearer ${served.id}`)
  server.on('upgrade', (request, socket, head) => {
    const shown = Buffer.from(request.headers.authorization ?? '')
    socket.on('error', () => {})
    if (request.url !== PATH || shown.length !== mine.length || !timingSafeEqual(shown, mine)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      return
    }
    request.socket.setTimeout(0)
    request.socket.setNoDelay(true)
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: ${PROTOCOL}\r\n\r\n`)
    if (head.length > 0) socket.unshift(head)
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    const isWanted = () => !socket.destroyed
    const lines = new Lines<Question>(socket, async (question) => {
      const answer = await answerTo(served, question, isWanted)
      lines.send(JSON.stringify({ n: question.n, ...answer } satisfies Answer))
    })
  })
  return () => {
    for (const socket of open) socket.destroy()
  }
}

async function answerTo(
  { engine, isInCharge, types, log }: Served,
  { calls, actor = SYSTEM, key, isAgain = false }: Question,
  isWanted: () => boolean,
): Promise<Omit<Answer, 'n'>> {
  try {
    if (!isInCharge()) return { notInCharge: true }
    if (!calls) {
      await engine.drained()
      return { outcomes: [] }
    }
    const read = calls.map(({ kind, command, refusal }): Call => {
      const type = types.get(kind)
      if (!type) throw new Error(`no command ${kind}`)
      return { type, command: type.schema.parse(command), ...(refusal ? { refusal } : {}) }
    })
    const outcomes = await engine.runAll({ calls: read, actor, isAgain, isWanted, ...(key ? { key } : {}) })
    return { outcomes }
  } catch (error) {
    if (error instanceof Refused) return { refusal: error.refusal }
    // The engine has logged its own.
    if (error instanceof EngineFault) return { fault: error.id }
    const fault = new EngineFault(error)
    log?.error({ err: error, fault: fault.id }, 'a question of another process failed')
    return { fault: fault.id }
  }
}
