/** Sets scenes on an engine: every call makes new parties and programs, so that no case meets another's. */
import { isRefusal } from '../../src/core/refusals.js'
import type { Receipt } from '../../src/engine/idempotency.js'
import type { Asked, Runner } from '../../src/engine/runner.js'
import type { PublishProgram } from '../../src/programs/contract.js'
import { ask, type Contract, rules, uscc } from './scene.js'

let count = 100

/** A program with money, an enterprise under it, a recognised provider. */
export interface Place {
  readonly jurisdiction: string
  readonly program: string
  readonly enterprise: string
  readonly provider: string
}

export const ORDER_STEPS = ['filed', 'delivered', 'confirmed', 'submitted', 'verified', 'approved'] as const

export class Stage {
  readonly engine: Runner
  constructor(engine: Runner) {
    this.engine = engine
  }

  /** Runs what must be accepted. */
  async must(asked: Asked): Promise<Receipt> {
    const outcome = await this.engine.run(asked)
    if (isRefusal(outcome)) throw new Error(`${asked.type.kind}: ${outcome.refused} ${JSON.stringify(outcome.details)}`)
    return outcome
  }

  async place(over: Partial<PublishProgram> = {}, given: Partial<Place> = {}, pool = 1_000_00n): Promise<Place> {
    const number = count++
    const published = rules({ program: `P-${number}`, ...over })
    const { jurisdiction, program } = published
    const place = { jurisdiction, program, enterprise: uscc(number), provider: uscc(10_000 + number), ...given }
    await this.must(ask.publish(published))
    if (!given.enterprise) await this.must(ask.enterprise(place.enterprise, jurisdiction))
    if (!given.provider) await this.must(ask.provider(place.provider, '310104'))
    await this.must(ask.recognise(jurisdiction, place.provider))
    if (pool > 0n) await this.must(ask.appropriate(jurisdiction, program, pool))
    return place
  }

  async voucher({ jurisdiction, program, enterprise }: Place, amount = 500_00n): Promise<string> {
    const { event } = await this.must(ask.issue(jurisdiction, program, enterprise, amount))
    return event.voucher as string
  }

  /** An order brought to a state; verified by Chen, approved by Li. */
  async order(
    place: Place,
    to: (typeof ORDER_STEPS)[number],
    { invoice = count++, voucher, ...contract }: Partial<Contract> & { invoice?: number; voucher?: string } = {},
  ): Promise<string> {
    const { enterprise, provider } = place
    const on = voucher ?? (await this.voucher(place))
    const { event } = await this.must(ask.file(on, enterprise, provider, { contractNo: `C-${count++}`, ...contract }))
    const order = event.order as string
    const steps = [
      () => ask.deliver(order, provider),
      () => ask.confirm(order, enterprise),
      () => ask.submit(order, provider, invoice),
      () => ask.verify(order),
      () => ask.approve(order),
    ]
    for (const step of steps.slice(0, ORDER_STEPS.indexOf(to))) await this.must(step())
    return order
  }
}
