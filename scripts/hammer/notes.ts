import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { keyId } from '../../src/engine/idempotency.js'
import type { Banked } from './bank.js'
import type { Dice } from './dice.js'
import { type Answer, ask } from './http.js'
import type { Services } from './services.js'

/** Somebody of an organisation. */
export interface Person {
  readonly subject: string
  readonly organisation: string
  readonly token: string
}

/** A request for one command, or for many of which each has an outcome of its own. */
export interface Request {
  readonly who: Person
  readonly path: string
  readonly body: object
  /** What the log keeps of each: the fields of address and body. */
  readonly commands: readonly object[]
  readonly isBulk: boolean
  /** Who may approve it, when it is only a proposal. */
  readonly second?: Person
}

export interface Receipt {
  readonly command: string
  readonly book: string
  readonly seq: number
  readonly entry: number | null
  readonly day: string
  readonly bookedAt: string
  // biome-ignore lint/suspicious/noExplicitAny: every kind of command has its own
  readonly result: any
}

export interface Refusal {
  readonly code: string
  readonly details?: Readonly<Record<string, string | number | null>>
}

export type Outcome = Receipt | Refusal
export const isReceipt = (outcome: Outcome): outcome is Receipt => 'seq' in outcome

/** What a client sent and got: one command under one key. Instants are the hammer's own, in milliseconds. */
export interface Note {
  /** By `keyId`, as the log keeps it. */
  readonly id: string
  readonly key: string
  readonly who: Person
  readonly command: object
  /** When it was first sent. */
  readonly sent: number
  /** When it was first acknowledged: accepted or refused, for good. */
  answered?: number
  outcome?: Outcome
}

/** A request under a key; sent as often as one likes. */
export interface Asked {
  readonly request: Request
  readonly key: string
  readonly notes: readonly Note[]
}

/** Refusals that only a request meets which is badly made: none of the hammer's should be. */
const BAD = [
  ...['validation_failed', 'malformed_json', 'body_too_large', 'unsupported_media_type', 'unauthenticated'],
  ...['role_not_permitted', 'idempotency_key_missing', 'idempotency_key_expired', 'route_not_found'],
]
/** No acknowledgement: to be asked again with the same key. */
const NOT_NOW = ['overloaded', 'unavailable', 'clock_behind']
/** So many faults of one request, and its client gives up. */
const MOST_FAULTS = 3

/** Asks until it is answered, and notes everything. */
export class Notebook {
  readonly notes: Note[] = []
  /** What no answer may be: a fault, another one than before, a badly made request. */
  readonly faults: string[] = []
  readonly contradictions: string[] = []
  /** How often each refusal came that is none for good. */
  readonly notNow: Record<string, number> = {}
  /** Answers that never came. */
  silences = 0
  acknowledged = 0
  refused = 0
  /** Asked again: at once, at the same time, or long after. */
  repeated = 0
  /** Nobody waits beyond this instant. */
  deadline = Number.POSITIVE_INFINITY
  /** Bank statements that were brought, by their numbers. */
  readonly banked = new Map<string, Banked>()
  /** The keys they were brought under, as the log keeps them. */
  readonly bankKeys = new Set<string>()
  /** Told of every command when it is first acknowledged as accepted. */
  readonly listeners = new Set<(note: Note) => void>()

  constructor(readonly services: Services) {}

  open(request: Request, key: string): Asked {
    const { who, commands, isBulk } = request
    const sent = performance.now()
    const notes = commands.map((command, row): Note => {
      const own = isBulk ? `${key} ${row}` : key
      return { id: keyId(who.organisation, own), key: own, who, command, sent }
    })
    for (const note of notes) this.notes.push(note)
    return { request, key, notes }
  }

  /**
   * Sends it to any of the services until every command is acknowledged, and returns the outcomes. Undefined when the
   * client has given up (with this chance after each time without an answer): then nobody knows what became of it.
   */
  async settle(asked: Asked, dice: Dice, givingUp = 0): Promise<Outcome[] | undefined> {
    const { request, key, notes } = asked
    const { who, path, body } = request
    for (let faults = 0; ; ) {
      const { port } = dice.pick(this.services.all)
      const question = { method: 'POST', path, token: who.token, key, body } as const
      const answer = await ask(port, question, dice.between(3000, 8000))
      const outcomes = answer ? this.#read(asked, answer) : []
      if (!answer) this.silences++
      const isComplete = notes.every((note, row) => this.#learn(note, outcomes[row]))
      if (isComplete) return outcomes as Outcome[]
      if (answer && answer.status >= 500 && answer.status !== 503 && ++faults >= MOST_FAULTS) return undefined
      if (dice.chance(givingUp)) return undefined
      if (performance.now() > this.deadline) {
        this.contradictions.push(`${nameOf(notes[0]!)} was never answered; last: ${JSON.stringify(answer)}`)
        return undefined
      }
      await sleep(dice.between(20, 250))
    }
  }

  #read(asked: Asked, { status, body }: Answer): (Outcome | undefined)[] {
    if (asked.request.isBulk && status === 200) return body.items.map((item: object) => this.#outcomeOf(asked, item))
    if (status < 300) return [body]
    const refusal = this.#outcomeOf(asked, body)
    return asked.notes.map(() => refusal)
  }

  /** One command's outcome: of a row of many, or of a problem; undefined when it is no acknowledgement. */
  // biome-ignore lint/suspicious/noExplicitAny: what an answer says is looked at field by field
  #outcomeOf({ notes, request }: Asked, said: any): Outcome | undefined {
    if (said.outcome === 'done') {
      const { row: _, outcome: __, ...receipt } = said
      return receipt
    }
    const { code, details } = said
    if (NOT_NOW.includes(code)) {
      this.notNow[code] = (this.notNow[code] ?? 0) + 1
      return undefined
    }
    if (code === 'internal_fault' || BAD.includes(code)) {
      const list = code === 'internal_fault' ? this.faults : this.contradictions
      list.push(`${request.path} ${nameOf(notes[0]!)}: ${JSON.stringify(said)}`)
      return undefined
    }
    return details === undefined ? { code } : { code, details }
  }

  /** True when the command is acknowledged, now or before. */
  #learn(note: Note, outcome: Outcome | undefined): boolean {
    if (outcome === undefined) return note.outcome !== undefined
    if (note.outcome === undefined) {
      note.outcome = outcome
      note.answered = performance.now()
      if (isReceipt(outcome)) {
        this.acknowledged++
        for (const listener of this.listeners) listener(note)
      } else this.refused++
      return true
    }
    this.repeated++
    if (!isDeepStrictEqual(outcome, note.outcome)) {
      const [first, now] = [JSON.stringify(note.outcome), JSON.stringify(outcome)]
      this.contradictions.push(`${nameOf(note)} was answered ${first} first, and ${now} when asked again`)
    }
    return true
  }
}

/** What the second person sends of what was proposed: to do it, or to end it. */
export function decisionOn(
  { commands, who: proposer }: Request,
  proposal: string,
  who: Person,
  what: 'approval' | 'rejection' = 'approval',
): Request {
  const path = `/v1/proposals/${proposal}/${what}`
  if (what === 'rejection') {
    const body = { reason: 'not now' }
    return { who, path, body, commands: [{ proposal, ...body }], isBulk: false }
  }
  const [{ command }] = commands as [{ command: object }]
  return { who, path, body: {}, commands: [{ ...command, proposal, proposedBy: proposer.subject }], isBulk: false }
}

/** A command as a finding names it. */
export const nameOf = ({ who, key, id, command }: Note) =>
  `key ${key} of ${who.organisation} (${id}) ${JSON.stringify(command)}`
