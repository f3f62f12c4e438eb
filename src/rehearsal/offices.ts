import type { Actor } from '../core/actor.js'
import { provinces } from '../core/division.js'
import type { Day } from '../core/time.js'
import type { Role } from '../platform/permissions.js'
import type { Answer, Client } from './client.js'

export const REGION = '000000'

export function person(subject: string, organisation: string, role: Role, jurisdiction?: string): Actor {
  return { subject, organisation, roles: [role], ...(jurisdiction ? { jurisdiction } : {}) }
}
export const bureau = (role: Role, jurisdiction: string, subject = `${role} of ${jurisdiction}`) =>
  person(subject, `bureau ${jurisdiction}`, role, jurisdiction)
/** Who approves what others of the bureau propose; a name that is nobody's in the file. */
export const second = (jurisdiction: string, first?: string) => {
  const subject = `second person of ${jurisdiction}`
  return bureau('approver', jurisdiction, subject === first ? `${subject}, another` : subject)
}

/** Who a request comes from, where it goes, and what it says; with the second person where it takes two. */
export interface Request {
  readonly actor: Actor
  readonly second?: Actor
  readonly path: string
  readonly body: object
  /** Of what was read before. */
  readonly version?: number
}

/** The Idempotency-Keys of a request: of what it comes to, and before that of its proposal where it takes two persons. */
export interface Keys {
  readonly last: string
  readonly proposal: string
}

/** A line of a bank statement, in yuan. */
export interface BankLine {
  readonly side: 'debit' | 'credit'
  readonly amount: string
  readonly reference: string
}

/** The Idempotency-Key of the first thing that is asked to agree on clearing. */
export const FIRST_KEY = 'proposal-clearing-1'

/**
 * What offices and banks do around the steps of a rehearsal, over the service's own HTTP API: provinces agree on
 * clearing, finance officers release what a closed period pays, and the banks' statements say that it was paid.
 */
export class Offices {
  readonly #client: Client
  readonly #tokenOf: (actor: Actor) => string | Promise<string>

  constructor(client: Client, tokenOf: (actor: Actor) => string | Promise<string>) {
    this.#client = client
    this.#tokenOf = tokenOf
  }

  /** Asks as one person; what takes two is proposed by the first and approved by the second. */
  async ask({ actor, second, path, body, version }: Request, keys: Keys): Promise<Answer> {
    const post = async (who: Actor, where: string, what: object, key: string) =>
      this.#client.post(where, what, {
        ...(await this.#headers(who, key)),
        ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
      })
    if (!second) return post(actor, path, body, keys.last)
    const proposed = await post(actor, path, body, keys.proposal)
    if (proposed.status >= 300) return proposed
    return post(second, `/v1/proposals/${proposed.body.result.proposal}/approval`, {}, keys.last)
  }

  async read(path: string, actor: Actor): Promise<Answer['body']> {
    const { status, body } = await this.#client.get(path, await this.#tokenOf(actor))
    if (status !== 200) throw new Error(`${path} answered ${status} ${JSON.stringify(body)}`)
    return body
  }

  /** Every two provinces agree to net what they owe each other's payees: offered by the one, signed by the other. */
  async agree(from: Day, to: Day): Promise<void> {
    const pairs = provinces.flatMap((one, n) => provinces.slice(n + 1).map((other) => [one, other] as const))
    for (const [n, [one, other]] of pairs.entries()) {
      const terms = { one, other, by: one, mode: 'netted', group: 'region', covers: 'tree', from, to }
      const path = '/v1/clearing-agreements'
      const offer = { actor: bureau('finance', one), second: second(one), path, body: terms }
      const { agreement, version } = await this.#must(offer, `clearing-${2 * n + 1}`)
      const where = `${path}/${agreement}/signatures`
      const sign = { actor: bureau('finance', other), second: second(other), path: where, body: { by: other }, version }
      await this.#must(sign, `clearing-${2 * n + 2}`)
    }
  }

  /** Releases everything that a closed period pays, as the period has it. */
  async release(period: string): Promise<void> {
    for (const { batch, book, open } of await this.#batches(period)) {
      if (open === 0) continue
      const { control } = await this.read(`/v1/payment-batches/${batch}?inFull=true`, bureau('finance', book))
      const path = `/v1/payment-batches/${batch}/releases`
      const body = { ...control, inFull: true }
      await this.#must({ actor: bureau('finance', book), second: second(book), path, body }, `release-${batch}`)
    }
  }

  /**
   * The banks say that everything released for a period was paid and has arrived, and that whoever must give money back
   * has done so; `name` tells these statements from others, `day` is the one they are of.
   */
  async pay(period: string, name: string, day: Day): Promise<void> {
    const [paid, arrived] = [new Map<string, BankLine[]>(), new Map<string, BankLine[]>()]
    const note = (books: Map<string, BankLine[]>, book: string, line: BankLine) =>
      books.set(book, [...(books.get(book) ?? []), line])
    for (const { batch, book, source } of await this.#batches(period)) {
      const { items } = await this.read(`/v1/payment-batches/${batch}`, bureau('auditor', book))
      for (const { reference, payee, released: amount } of items) {
        if (amount === '0.00') continue
        note(paid, book, { side: 'debit', amount, reference })
        if (source === 'clearing') note(arrived, payee, { side: 'credit', amount, reference })
      }
    }
    const refunds = await this.read(`/v1/periods/${encodeURIComponent(period)}/refunds`, bureau('auditor', REGION))
    for (const { book, amount, reference } of refunds.items) {
      note(arrived, book, { side: 'credit', amount, reference })
    }
    for (const [what, books] of Object.entries({ paid, arrived })) {
      for (const [book, lines] of books) await this.#state(book, { number: `${name}-${what}`, day, lines })
    }
  }

  /** Gives a book its bank statement, and waits until it is taken. */
  async #state(book: string, { number, day, lines }: Statement): Promise<void> {
    const actor = bureau('finance', book)
    const csv = statementCsv({ number, day, lines })
    const headers = await this.#headers(actor, `statement-${number}`)
    const send = () => this.#client.postFile(`/v1/books/${book}/statements`, 'text/csv', csv, headers)
    let { status, body } = await send()
    // Few statements are taken at once, and what they have paid is marked after the answer.
    for (; status === 503; { status, body } = await send()) await pause()
    if (status !== 202) throw new Error(`the statement of ${book} was answered ${status} ${JSON.stringify(body)}`)
    for (;;) {
      const { state, exceptions } = await this.read(`/v1/statements/${body.statement}`, actor)
      if (exceptions > 0) throw new Error(`a line of the statement of ${book} was not matched`)
      if (state === 'finished') return
      await pause()
    }
  }

  /** Asks what cannot be refused. */
  async #must(request: Request, name: string): Promise<Answer['body']> {
    const { status, body } = await this.ask(request, { last: name, proposal: `proposal-${name}` })
    if (status >= 300) throw new Error(`${request.path} answered ${status} ${JSON.stringify(body)}`)
    return body.result
  }

  async #headers(actor: Actor, key: string): Promise<Record<string, string>> {
    return { authorization: `Bearer ${await this.#tokenOf(actor)}`, 'idempotency-key': key }
  }

  async #batches(period: string): Promise<{ batch: string; book: string; source: string; open: number }[]> {
    const path = `/v1/payment-batches?limit=100&period=${encodeURIComponent(period)}`
    const items: Answer['body'][] = []
    for (let next: string | null = ''; next !== null; ) {
      const page: Answer['body'] = await this.read(`${path}${next && `&cursor=${next}`}`, bureau('auditor', REGION))
      items.push(...page.items)
      next = page.next
    }
    return items
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 10))

export interface Statement {
  readonly number: string
  readonly day: Day
  readonly lines: readonly BankLine[]
}

/** A statement in the service's own form; the same statement has the same serials whenever it is made. */
export function statementCsv({ number, day, lines }: Statement): string {
  const fen = lines.reduce((sum, { side, amount }) => {
    const size = BigInt(amount.replace('.', ''))
    return side === 'credit' ? sum + size : sum - size
  }, 0n)
  const digits = String(fen < 0n ? -fen : fen).padStart(3, '0')
  const closing = `${fen < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
  const rows = [
    ['账号 account', '6200000000000000'],
    ['对账单编号 number', number],
    ['期初余额 opening', '0.00'],
    ['期末余额 closing', closing],
    ['交易日期 day', '借贷方向 side', '金额 amount', '附言 reference', '流水号 serial'],
    ...lines.map(({ side, amount, reference }, n) => [day, side, amount, reference, `${number}-${n + 1}`]),
  ]
  return rows.map((row) => `${row.map((cell) => `"${cell}"`).join(',')}\r\n`).join('')
}
