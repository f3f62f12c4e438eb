import { setTimeout as sleep } from 'node:timers/promises'
import { addDays, dayOf } from '../../src/core/time.js'
import type { OrderState } from '../../src/orders/contract.js'
import { bankedOf, bring } from './bank.js'
import { type Cast, programs, provinces } from './cast.js'
import { Dice } from './dice.js'
import { ask } from './http.js'
import { type Asked, decisionOn, isReceipt, type Notebook, type Outcome, type Request } from './notes.js'

/** What a client does next, and how often. */
const STORIES = {
  file: 24,
  walk: 60,
  meddle: 6,
  issue: 9,
  issueMany: 0.5,
  fund: 5,
  recognise: 0.8,
  suspend: 0.2,
  list: 0.2,
  register: 0.6,
  publish: 0.3,
  close: 0.4,
  release: 0.8,
  bank: 1.2,
  pay: 0.3,
  sweep: 0.4,
}

const NATURALLY: Partial<Record<OrderState, Action>> = {
  filed: 'deliver',
  delivered: 'confirm',
  confirmed: 'submit',
  returned: 'submit',
  submitted: 'verify',
  verified: 'approve',
  approved: 'clawBack',
  paid: 'clawBack',
}
const ACTIONS = [
  'deliver',
  'confirm',
  'cancel',
  'submit',
  'giveBack',
  'verify',
  'approve',
  'reject',
  'clawBack',
] as const
type Action = (typeof ACTIONS)[number]

/** A client rests so long at most between two things, in milliseconds. */
const REST = 100

/** One of many who use the service at the same time, each in its own way, all on the same vouchers and orders. */
export class Client {
  readonly #dice: Dice
  readonly #again: Asked[] = []
  #keys = 0

  constructor(
    readonly name: string,
    seed: number,
    readonly cast: Cast,
    readonly notebook: Notebook,
  ) {
    this.#dice = new Dice(seed, name)
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await this[this.#dice.weighed(STORIES)]()
      if (this.#again.length > 0 && this.#dice.chance(0.05)) await this.#askLater()
      await sleep(this.#dice.between(0, REST))
    }
    // Long after, and to whoever is there now.
    while (this.#again.length > 0) await this.#askLater()
  }

  /** Asks until it is answered; sometimes twice at once, again, again much later, or with another body. */
  async #ask(request: Request): Promise<Outcome | undefined> {
    const dice = this.#dice
    const asked = this.notebook.open(request, `${this.name}-${++this.#keys}`)
    const settle = () => this.notebook.settle(asked, dice, 0.02)
    const [outcomes] = await Promise.all([
      settle(),
      ...(dice.chance(0.04) ? [settle()] : []),
      ...(dice.chance(0.01) ? [this.#askOtherwise(asked)] : []),
    ])
    if (outcomes) {
      if (dice.chance(0.03)) await settle()
      if (dice.chance(0.02)) await this.#askOtherwise(asked)
      if (dice.chance(0.03)) this.#again.push(asked)
    }
    const outcome = outcomes?.[0]
    return outcome && isReceipt(outcome) && request.second ? this.#decide(request, outcome.result.proposal) : outcome
  }

  /** Mostly the second person approves; or the first one tries to, or one of them ends it, or both at once. */
  async #decide(request: Request, proposal: string): Promise<Outcome | undefined> {
    const dice = this.#dice
    const { who, second } = request
    if (dice.chance(0.05)) await this.#ask(decisionOn(request, proposal, who))
    if (dice.chance(0.03)) return this.#ask(decisionOn(request, proposal, dice.pick([who, second!]), 'rejection'))
    const approval = decisionOn(request, proposal, second!)
    const [outcome] = await Promise.all([this.#ask(approval), ...(dice.chance(0.05) ? [this.#ask(approval)] : [])])
    return outcome
  }

  async #askLater(): Promise<void> {
    const [asked] = this.#again.splice(this.#dice.between(0, this.#again.length - 1), 1)
    await this.notebook.settle(asked!, this.#dice, 0.02)
  }

  /** The same key with another body. */
  async #askOtherwise({ request, key }: Asked): Promise<void> {
    const other = otherwise(request)
    if (other) await this.notebook.settle(this.notebook.open(other, key), this.#dice, 0.02)
  }

  #yuan(least: number, most: number): string {
    const cents = this.#dice.chance(0.3) ? this.#dice.between(0, 99) : 0
    return `${this.#dice.between(least, most)}.${String(cents).padStart(2, '0')}`
  }

  #today(): string {
    return dayOf(this.notebook.services.now())
  }

  async issue(): Promise<void> {
    const program = this.#dice.pick(programs)
    const near = this.cast.firms.filter(({ jurisdiction }) => jurisdiction === program.jurisdiction)
    const firm = this.#dice.pick(this.#dice.chance(0.9) ? near : this.cast.firms)
    await this.#ask(this.cast.issue(program, firm, this.#yuan(100, 1500)))
  }

  async issueMany(): Promise<void> {
    const program = this.#dice.pick(programs)
    const rows = this.#dice.chance(0.1) ? this.#dice.between(100, 300) : this.#dice.between(2, 20)
    const firms = Array.from({ length: rows }, () => this.#dice.pick(this.cast.firms))
    await this.#ask(this.cast.issueMany(program, firms, this.#yuan(5, 50)))
  }

  /** Never enough for all that is asked: the pools run dry. */
  async fund(): Promise<void> {
    const { jurisdiction, program } = this.#dice.pick(programs)
    await this.#ask(this.cast.appropriate(jurisdiction, program, this.#yuan(500, 2000)))
  }

  async file(): Promise<void> {
    const dice = this.#dice
    if (this.cast.vouchers.length === 0) return
    const voucher = dice.pick(this.cast.vouchers)
    const near = this.cast.providers.filter(({ jurisdiction }) => jurisdiction === voucher.program.jurisdiction)
    const provider = dice.pick(dice.chance(0.6) ? near : this.cast.providers)
    const contract = dice.chance(0.1) ? `C-${dice.between(1, 20)}` : `C-${this.name}-${this.#keys}`
    const [contractAmount, voucherAmount] = dice.chance(0.9) ? ['600.00', this.#yuan(10, 290)] : ['20.00', '11.00']
    await this.#ask(this.cast.file(voucher, provider, contract, contractAmount, voucherAmount))
  }

  /** The natural next step of some order. */
  async walk(): Promise<void> {
    if (this.cast.orders.length === 0) return
    const order = this.#dice.pick(this.cast.orders)
    await this.#act(NATURALLY[order.state] ?? 'cancel', order)
  }

  /** Anything, to any order. */
  async meddle(): Promise<void> {
    if (this.cast.orders.length === 0) return
    await this.#act(this.#dice.pick(ACTIONS), this.#dice.pick(this.cast.orders))
  }

  async #act(action: Action, order: Parameters<Cast['deliver']>[0]): Promise<void> {
    const outcome = await this.#ask(this.#request(action, order))
    if (!outcome) return
    const state = isReceipt(outcome) ? outcome.result.state : outcome.details?.state
    if (state) this.cast.learnState(order, state)
  }

  #request(action: Action, order: Parameters<Cast['deliver']>[0]): Request {
    const { cast } = this
    const dice = this.#dice
    switch (action) {
      case 'confirm':
        return cast.confirm(order, dice.between(0, 100))
      case 'submit': {
        const invoice = dice.chance(0.1) ? dice.between(1, 20) : dice.between(100, 10 ** 12)
        return cast.submit(order, String(invoice).padStart(20, '0'), dice.chance(0.95) ? '600.00' : '1.00')
      }
      case 'approve':
        return cast.approve(order, dice.chance(0.6) ? null : this.#yuan(1, 320), dice.chance(0.9) ? 'li' : 'chen')
      case 'clawBack':
        return cast.clawBack(order, this.#yuan(1, 100))
      default:
        return cast[action](order)
    }
  }

  async recognise(): Promise<void> {
    await this.#ask(this.cast.recognise(this.#dice.pick(provinces), this.#dice.pick(this.cast.providers).code))
  }

  async suspend(): Promise<void> {
    await this.#ask(this.cast.suspend(this.#dice.pick(provinces), this.#dice.pick(this.cast.providers).code))
  }

  /** Today and never again, mostly somebody who has no business. */
  async list(): Promise<void> {
    await this.#ask(this.cast.list(this.#dice.pick(this.cast.firms.filter((_, n) => n % 4 === 3)).code, this.#today()))
  }

  async register(): Promise<void> {
    const { cast } = this
    if (this.#dice.chance(0.7)) await this.#ask(cast.registerFirm(this.#dice.pick(cast.firms)))
    else await this.#ask(cast.registerProvider(this.#dice.pick(cast.providers)))
  }

  /** Few codes, so that several want the same one. */
  async publish(): Promise<void> {
    await this.#ask(
      this.cast.publish({ ...this.#dice.pick(programs), program: `P-${this.#dice.between(1, 200)}` } as never),
    )
  }

  async close(): Promise<void> {
    const through = addDays(this.#today(), this.#dice.chance(0.9) ? -1 : 0)
    await this.#ask(this.cast.close(`until ${through}`, through))
  }

  /** All that is open of a batch, as it was a moment ago: a claw-back may have come in between. */
  async release(): Promise<void> {
    const { port } = this.#dice.pick(this.notebook.services.all)
    const { token } = this.cast.auditor
    const read = (path: string) => ask(port, { method: 'GET', path, token }, 5000)
    const batches = (await read('/v1/payment-batches?limit=100'))?.body.items ?? []
    const open = batches.filter((one: { open: number }) => one.open > 0)
    if (open.length === 0) return
    const { batch } = this.#dice.pick<{ batch: string }>(open)
    const inFull = this.#dice.chance(0.5)
    const found = await read(`/v1/payment-batches/${batch}${inFull ? '?inFull=true' : ''}`)
    if (found?.status === 200) await this.#ask(this.cast.release(batch, found.body.control, inFull))
  }

  /** The bank has paid a release, and its statement is brought: sometimes twice at once, or again. */
  async bank(): Promise<void> {
    const dice = this.#dice
    const { port } = dice.pick(this.notebook.services.all)
    const { token } = this.cast.auditor
    const read = (path: string) => ask(port, { method: 'GET', path, token }, 5000)
    const batches = (await read('/v1/payment-batches?limit=100'))?.body.items ?? []
    // A statement of what is paid already is brought now and then, too.
    const released = batches.filter(
      (one: { unpaid: number; released: string }) => one.unpaid > 0 || (one.released !== '0.00' && dice.chance(0.1)),
    )
    if (released.length === 0) return
    const { batch } = dice.pick<{ batch: string }>(released)
    const { items = [] } = (await read(`/v1/payment-batches/${batch}`))?.body ?? {}
    const releases = items.flatMap(({ release }: { release: number | null }) => release ?? [])
    if (releases.length === 0) return
    const fresh = bankedOf(batch, dice.pick<number>(releases), items)
    const { banked } = this.notebook
    const said = banked.get(fresh.number) ?? fresh
    banked.set(said.number, said)
    const { chen, li } = this.cast.bureau(said.book)
    const once = () => {
      const key = `${this.name}-bank-${++this.#keys}`
      return bring(this.notebook, said, { who: dice.pick([chen, li]), key, dice, givingUp: 0.02 })
    }
    await Promise.all([once(), ...(dice.chance(0.2) ? [once()] : [])])
    if (dice.chance(0.1)) await once()
  }

  async pay(): Promise<void> {
    if (this.cast.periods.length > 0) await this.#ask(this.cast.pay(this.#dice.pick(this.cast.periods)))
  }

  /** Needs no key: asking twice does no harm. */
  async sweep(): Promise<void> {
    const { port } = this.#dice.pick(this.notebook.services.all)
    const { token } = this.cast.operator
    const answer = await ask(port, { method: 'POST', path: '/v1/sweeps', token, body: {} }, 5000)
    if (answer && answer.status !== 200 && answer.status !== 503) {
      this.notebook.faults.push(`/v1/sweeps: ${JSON.stringify(answer)}`)
    }
  }
}

/** Another request of the same person to the same address; undefined where none comes to mind. */
function otherwise(request: Request): Request | undefined {
  if (request.isBulk) return undefined
  const change = (fields: object) => {
    const changed = { ...fields } as Record<string, unknown>
    for (const [name, other] of Object.entries({ amount: '0.07', reason: 'another', score: 7, contractNo: 'other' })) {
      if (name in changed) changed[name] = other
    }
    return changed
  }
  const [command] = request.commands
  const body = change(request.body)
  if (JSON.stringify(body) === JSON.stringify(request.body)) return undefined
  const proposed = command as { command?: object }
  const changed = proposed.command ? { ...command, command: change(proposed.command) } : change(command!)
  return { ...request, body, commands: [changed] }
}
