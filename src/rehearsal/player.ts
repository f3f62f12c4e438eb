import type { Actor } from '../core/actor.js'
import { businessRefusals } from '../core/refusals.js'
import { addDays, type Day, dayOf, type ManualClock } from '../core/time.js'
import type { Role } from '../platform/permissions.js'
import { Client } from './client.js'
import type { Step, StepName, StepOf } from './contract.js'
import { LineError, readLine } from './lines.js'
import { bureau, FIRST_KEY, type Keys, Offices, person, REGION, type Request, second } from './offices.js'

/** What was played: how many steps, and which were refused why. */
export interface Played {
  readonly steps: number
  readonly refusals: Record<string, string>
}

interface OrderNames {
  readonly order: string
  readonly jurisdiction: string
  readonly enterprise: string
  readonly provider: string
  readonly payee: string
}

/** A day in milliseconds. */
const DAY = 86_400_000
/** Longer than any file. */
const YEARS = 36_500

const firm = (role: Role, uscc: string) => person(`${role} ${uscc}`, uscc, role)

/**
 * Plays a rehearsal against the service over its own HTTP API: each step by the right kind of person with a token of
 * their own, on a clock that follows the file. What a file calls a voucher or an order is only known here; the money
 * is only known to the service.
 */
export class Player {
  readonly #client: Client
  readonly #offices: Offices
  readonly #clock: ManualClock
  readonly #sweepsDaily: boolean
  readonly #tokens = new Map<string, string>()
  readonly #ids = new Set<string>()
  readonly #programs = new Map<string, { jurisdiction: string; payee: string }>()
  readonly #enterprises = new Set<string>()
  readonly #providers = new Set<string>()
  readonly #vouchers = new Map<string, { voucher: string; enterprise: string; program: string }>()
  readonly #orders = new Map<string, OrderNames>()
  #line = 0
  #last = ''
  #day: Day = ''
  #steps = 0
  readonly #refusals = new Map<string, string>()

  /** `sweepsDaily` false leaves every deadline to the commands themselves, until the report is read. */
  constructor(options: { base: string; clock: ManualClock; sweepsDaily?: boolean }) {
    this.#client = new Client(options.base)
    this.#offices = new Offices(this.#client, (actor) => this.#token(actor))
    this.#clock = options.clock
    this.#sweepsDaily = options.sweepsDaily ?? true
  }

  /** The Idempotency-Keys of a line: of what it comes to, and before that of its proposal where it takes two persons. */
  static keysOf(line: number): Keys {
    return { last: `line-${line}`, proposal: `proposal-${line}` }
  }

  /** The Idempotency-Key of the very first thing that is asked, on the day before the first line. */
  static readonly firstKey = FIRST_KEY

  get steps(): number {
    return this.#steps
  }

  /** Plays one line. Throws LineError for a line that is not valid, and a plain Error when the service is at fault. */
  async play(text: string): Promise<void> {
    this.#line++
    const { step, at, time } = readLine(text, this.#line, this.#last)
    if (this.#ids.has(step.id)) throw this.#fault('id', 'expected an id not used before 编号不得重复')
    const request = this.#requestFor(step)
    this.#ids.add(step.id)
    this.#last = time
    if (this.#line === 1) await this.#agree(at)
    this.#clock.set(at)
    if (dayOf(at) !== this.#day) {
      this.#day = dayOf(at)
      if (this.#sweepsDaily) await this.#sweep()
    }
    if (step.do === 'confirm_payments') await this.#pay(step.period)
    const { status, body: answer } = await this.#offices.ask(request, Player.keysOf(this.#line))
    this.#steps++
    if (status < 300) {
      this.#remember(step, answer.result)
      if (step.do === 'close_period') await this.#offices.release(step.period)
    } else if (Object.hasOwn(businessRefusals, answer.code)) this.#refusals.set(step.id, answer.code)
    else if (status === 400) throw this.#fault(fieldsOf(answer), answer.title)
    else throw new Error(`line ${this.#line}: the service answered ${status} ${JSON.stringify(answer)}`)
  }

  /** A rehearsal treats every pair of provinces as netted: they have agreed on it the day before it begins. */
  async #agree(at: number): Promise<void> {
    this.#clock.set(at - DAY)
    await this.#offices.agree(dayOf(at), addDays(dayOf(at), YEARS))
  }

  /** What is to be confirmed as paid, the banks confirm first. */
  async #pay(period: string): Promise<void> {
    const { items } = await this.#offices.read('/v1/periods', bureau('auditor', REGION))
    const isDue = items.some((one: { period: string; paid: boolean }) => one.period === period && !one.paid)
    if (isDue) await this.#offices.pay(period, String(this.#line), this.#day)
  }

  /** What was played so far; everything overdue has lapsed. */
  async finish(): Promise<Played> {
    if (this.#steps > 0) await this.#sweep()
    return { steps: this.#steps, refusals: Object.fromEntries(this.#refusals) }
  }

  /** The report, read through the API. */
  async report() {
    const { steps, refusals } = await this.finish()
    const read = (path: string) => this.#offices.read(path, bureau('auditor', REGION))
    const { provinces } = await read('/v1/reports/provinces')
    const settlements = new Map<string, unknown>()
    for (const { period } of (await read('/v1/periods')).items) {
      const { gross, net, instructions, paid } = await read(`/v1/periods/${encodeURIComponent(period)}`)
      settlements.set(period, { gross, net, instructions, paid })
    }
    return { steps, refusals, provinces, settlements: Object.fromEntries(settlements) }
  }

  close(): void {
    this.#client.close()
  }

  async #sweep(): Promise<void> {
    const token = await this.#token(person('operator', 'platform', 'operator'))
    const { status, body } = await this.#client.post('/v1/sweeps', {}, { authorization: `Bearer ${token}` })
    if (status !== 200) throw new Error(`the sweep answered ${status} ${JSON.stringify(body)}`)
  }

  async #token({ subject, organisation, roles, jurisdiction }: Actor): Promise<string> {
    const name = `${subject}\n${organisation}\n${roles}`
    const known = this.#tokens.get(name)
    if (known) return known
    const { status, body } = await this.#client.post('/tokens', {
      sub: subject,
      organisation,
      roles,
      ...(jurisdiction ? { jurisdiction } : {}),
    })
    if (status !== 200) throw new Error(`no token for ${subject}: ${JSON.stringify(body)}`)
    this.#tokens.set(name, body.token)
    return body.token
  }

  #fault(field: string, expected: string): LineError {
    return new LineError(this.#line, field, expected)
  }

  #known<T>(map: ReadonlyMap<string, T>, field: string, name: string): T {
    const found = map.get(name)
    if (found === undefined) throw this.#fault(field, `expected a known ${field} 未知的 ${field}: ${name}`)
    return found
  }

  #isNew(names: { has(name: string): boolean }, field: string, name: string): void {
    if (names.has(name)) throw this.#fault(field, `expected a new ${field} 已存在的 ${field}: ${name}`)
  }

  #isParty(names: ReadonlySet<string>, field: string, name: string): void {
    if (!names.has(name)) throw this.#fault(field, `expected a registered party 未登记: ${name}`)
  }

  #requestFor(step: Step): Request {
    const { id: _, at: __, do: name, ...body } = step
    const requests = this.#requests as { [K in StepName]: (step: StepOf<K>, body: object) => Request }
    return (requests[name] as (step: Step, body: object) => Request)(step, body)
  }

  readonly #requests: { [K in StepName]: (step: StepOf<K>, body: object) => Request } = {
    publish_program: ({ program, jurisdiction }, body) => {
      this.#isNew(this.#programs, 'program', program)
      return { actor: bureau('officer', jurisdiction), second: second(jurisdiction), path: '/v1/programs', body }
    },
    appropriate: ({ program }, body) => {
      const { jurisdiction } = this.#known(this.#programs, 'program', program)
      return { actor: bureau('finance', jurisdiction), second: second(jurisdiction), path: '/v1/appropriations', body }
    },
    register_enterprise: ({ uscc }, body) => {
      this.#isNew(this.#enterprises, 'uscc', uscc)
      return { actor: firm('enterprise', uscc), path: '/v1/enterprises', body }
    },
    register_provider: ({ uscc }, body) => {
      this.#isNew(this.#providers, 'uscc', uscc)
      return { actor: firm('provider', uscc), path: '/v1/providers', body }
    },
    recognise: ({ provider, jurisdiction }, body) => {
      this.#isParty(this.#providers, 'provider', provider)
      return { actor: bureau('officer', jurisdiction), second: second(jurisdiction), path: '/v1/recognitions', body }
    },
    suspend_recognition: ({ provider, jurisdiction }, body) => {
      this.#isParty(this.#providers, 'provider', provider)
      return {
        actor: bureau('officer', jurisdiction),
        second: second(jurisdiction),
        path: '/v1/recognition-suspensions',
        body,
      }
    },
    list_integrity: ({ uscc }, body) => {
      if (!this.#enterprises.has(uscc)) this.#isParty(this.#providers, 'uscc', uscc)
      return { actor: bureau('officer', REGION), second: second(REGION), path: '/v1/integrity-entries', body }
    },
    issue: ({ voucher, enterprise, program, amount }) => {
      const { jurisdiction } = this.#known(this.#programs, 'program', program)
      this.#isParty(this.#enterprises, 'enterprise', enterprise)
      this.#isNew(this.#vouchers, 'voucher', voucher)
      return { actor: bureau('officer', jurisdiction), path: '/v1/vouchers', body: { enterprise, program, amount } }
    },
    file_order: (step) => {
      const { id: _, at: __, do: ___, order, ...body } = step
      const { voucher, enterprise } = this.#known(this.#vouchers, 'voucher', step.voucher)
      this.#isParty(this.#providers, 'provider', step.provider)
      this.#isNew(this.#orders, 'order', order)
      return { actor: firm('enterprise', enterprise), path: '/v1/orders', body: { ...body, voucher } }
    },
    deliver: (step) => this.#ofOrder(step, 'delivery', ({ provider }) => firm('provider', provider)),
    confirm: (step) =>
      this.#ofOrder(step, 'confirmation', ({ enterprise }) => firm('enterprise', enterprise), { score: step.score }),
    cancel_order: (step) => this.#ofOrder(step, 'cancellation', ({ enterprise }) => firm('enterprise', enterprise)),
    submit_claim: (step) =>
      this.#ofOrder(
        step,
        'claim',
        ({ payee, enterprise, provider }) =>
          payee === 'provider' ? firm('provider', provider) : firm('enterprise', enterprise),
        { invoiceNo: step.invoiceNo, invoiceAmount: step.invoiceAmount },
      ),
    return_claim: (step) => this.#byBureau(step, 'return', 'officer', { reason: step.reason }),
    verify_claim: (step) => this.#byBureau(step, 'verification', 'officer'),
    approve_claim: (step) => this.#byBureau(step, 'approval', 'approver', { amount: step.amount ?? null }),
    reject_claim: (step) => this.#byBureau(step, 'rejection', 'approver', { reason: step.reason }),
    claw_back: (step) => {
      const { amount, reason, by } = step
      const asked = this.#byBureau(step, 'claw-backs', 'officer', { amount, reason })
      return { ...asked, second: second(asked.actor.jurisdiction!, by) }
    },
    close_period: (_, body) => ({
      actor: bureau('finance', REGION),
      second: second(REGION),
      path: '/v1/periods',
      body,
    }),
    confirm_payments: ({ period }) => ({
      actor: bureau('finance', REGION),
      second: second(REGION),
      path: `/v1/periods/${encodeURIComponent(period)}/payments`,
      body: {},
    }),
  }

  #ofOrder(step: { order: string }, action: string, who: (names: OrderNames) => Actor, body: object = {}): Request {
    const names = this.#known(this.#orders, 'order', step.order)
    return { actor: who(names), path: `/v1/orders/${names.order}/${action}`, body }
  }

  #byBureau(step: { order: string; by: string }, action: string, role: Role, body: object = {}): Request {
    return this.#ofOrder(step, action, ({ jurisdiction }) => bureau(role, jurisdiction, step.by), body)
  }

  /** Keeps the names that a step which was done has given. */
  #remember(step: Step, result: Record<string, string>): void {
    switch (step.do) {
      case 'publish_program':
        this.#programs.set(step.program, step)
        break
      case 'register_enterprise':
        this.#enterprises.add(step.uscc)
        break
      case 'register_provider':
        this.#providers.add(step.uscc)
        break
      case 'issue':
        this.#vouchers.set(step.voucher, {
          voucher: result.voucher!,
          enterprise: step.enterprise,
          program: step.program,
        })
        break
      case 'file_order': {
        const { enterprise, program } = this.#vouchers.get(step.voucher)!
        const { jurisdiction, payee } = this.#programs.get(program)!
        const { provider } = step
        this.#orders.set(step.order, { order: result.order!, jurisdiction, enterprise, provider, payee })
        break
      }
    }
  }
}

function fieldsOf(answer: { errors?: { pointer: string }[] }): string {
  return (answer.errors ?? []).map(({ pointer }) => pointer.replace(/^\/(body|params)\//, '')).join(', ') || '(line)'
}
