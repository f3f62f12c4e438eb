import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type Cast, programs } from './cast.js'
import { Dice } from './dice.js'
import { type Answer, ask } from './http.js'
import { isReceipt, type Notebook } from './notes.js'

/** A read as it was asked and answered; instants are the hammer's own, in milliseconds. */
export interface Read {
  readonly path: string
  readonly sent: number
  readonly answered: number
  // biome-ignore lint/suspicious/noExplicitAny: what an answer says is looked at field by field
  readonly body: any
}

/** So many past questions are asked again. */
const REMEMBERED = 100

/** Reads totals while they move, and asks the same about the past again and again. */
export class Auditor {
  readonly #dice: Dice
  readonly reports: Read[] = []
  /** Balances of a book, now or in the past; without their accounts, which were checked at once. */
  readonly balances: Read[] = []
  readonly #past: Read[] = []

  constructor(
    name: string,
    seed: number,
    readonly cast: Cast,
    readonly notebook: Notebook,
  ) {
    this.#dice = new Dice(seed, name)
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const story = this.#dice.weighed({ report: 3, now: 2, past: 2, again: 3 })
      await this[story]()
      await sleep(this.#dice.between(50, 400))
    }
    for (const read of this.#past) if (performance.now() < this.notebook.deadline) await this.#compare(read)
  }

  async report(): Promise<void> {
    const read = await this.#get('/v1/reports/provinces')
    if (read) this.reports.push(read)
  }

  async now(): Promise<void> {
    const { jurisdiction } = this.#dice.pick(programs)
    const read = await this.#get(`/v1/books/${jurisdiction}/accounts`)
    if (read) this.#keep(read, `/v1/books/${jurisdiction}/accounts?entry=${read.body.entry}`)
  }

  /** As of the moment of some command that was acknowledged. */
  async past(): Promise<void> {
    const { notes } = this.notebook
    const { outcome } = notes[Math.max(0, notes.length - this.#dice.between(1, 500))] ?? {}
    if (!outcome || !isReceipt(outcome)) return
    const path = `/v1/books/${outcome.book}/accounts?at=${encodeURIComponent(outcome.bookedAt)}`
    const read = await this.#get(path)
    if (read) this.#keep(read, path)
  }

  async again(): Promise<void> {
    if (this.#past.length > 0) await this.#compare(this.#dice.pick(this.#past))
  }

  /** Checks a book's balances and keeps the question that must have the same answer for ever. */
  #keep(read: Read, path: string): void {
    const { entry, items } = read.body
    const off = unbalanced(items)
    if (off) this.notebook.contradictions.push(`${read.path} as of entry ${entry}: ${off}`)
    this.balances.push({ ...read, body: { book: read.body.book, entry } })
    this.#past.push({ ...read, path })
    if (this.#past.length > REMEMBERED) this.#past.splice(this.#dice.between(0, REMEMBERED - 1), 1)
  }

  async #compare(read: Read): Promise<void> {
    const again = await this.#get(read.path)
    if (!again || isDeepStrictEqual(again.body, read.body)) return
    const other = again.body.items.find((item: object, n: number) => !isDeepStrictEqual(item, read.body.items[n]))
    this.notebook.contradictions.push(
      `${read.path}: entry ${read.body.entry}, later entry ${again.body.entry}, ${JSON.stringify(other)}`,
    )
  }

  /** Undefined when nobody could answer just now. */
  async #get(path: string): Promise<Read | undefined> {
    const { port } = this.#dice.pick(this.notebook.services.all)
    const { token } = this.cast.auditor
    const sent = performance.now()
    const answer = await ask(port, { method: 'GET', path, token }, 5000)
    if (answer?.status === 200) return { path, sent, answered: performance.now(), body: answer.body }
    if (answer && !isExpected(answer)) this.notebook.faults.push(`${path}: ${JSON.stringify(answer)}`)
    return undefined
  }
}

/** Not now; or a moment that the clock of the service that was asked has not reached. */
const isExpected = ({ status, body }: Answer) => status === 503 || body.code === 'moment_in_future'

const CREDIT = ['treasury', 'pool', 'voucher', 'payable', 'position', 'clearing', 'paying']

/** A book's debits are its credits. */
function unbalanced(items: readonly { kind: string; posted: string }[]): string | undefined {
  let debit = 0n
  let credit = 0n
  for (const { kind, posted } of items) {
    const fen = fenOf(posted)
    if (CREDIT.includes(kind)) credit += fen
    else debit += fen
  }
  return debit === credit ? undefined : `debits are ${debit} fen, credits ${credit}`
}

/** Yuan as text, in fen. */
export const fenOf = (yuan: string) => BigInt(yuan.replace('.', ''))
