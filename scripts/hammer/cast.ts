import type { OrderState } from '../../src/orders/contract.js'
import type { Role } from '../../src/platform/permissions.js'
import { categories, enterpriseTypes } from '../../src/platform/wire.js'
import { uscc } from '../../test/support/scene.js'
import type { Dice } from './dice.js'
import { ask } from './http.js'
import { decisionOn, isReceipt, type Note, type Notebook, type Person, type Request } from './notes.js'

/** The people, places and programs of the hammer, and what its clients have learnt of vouchers and orders. */

const rules = {
  ratio: '0.5',
  annualCap: '10000000000.00',
  orderCap: null,
  payee: 'provider',
  invoice: 'whole',
  crossRegion: true,
  applyFrom: '2026-01-01',
  applyTo: '2026-12-31',
  useWithinDays: 60,
  claimWithinDays: 30,
  categories,
  enterpriseTypes,
}

/** Four books in four provinces; some programs run out of days soon, one of room under its annual cap. */
export const programs = [
  { ...rules, program: 'SH', jurisdiction: '310000', useWithinDays: 5, claimWithinDays: 2 },
  { ...rules, program: 'SH-short', jurisdiction: '310000', useWithinDays: 0, claimWithinDays: 0 },
  { ...rules, program: 'SZ', jurisdiction: '320500', annualCap: '60000.00', orderCap: '150.00' },
  { ...rules, program: 'ZJ', jurisdiction: '330000', payee: 'enterprise', invoice: 'self_paid', crossRegion: false },
  { ...rules, program: 'HF', jurisdiction: '340100', useWithinDays: 1, claimWithinDays: 1 },
] as const
type Program = (typeof programs)[number]

export const REGION = '000000'
const PLACES = [
  { jurisdiction: '310000', province: '310000', division: '310115' },
  { jurisdiction: '320500', province: '320000', division: '320583' },
  { jurisdiction: '330000', province: '330000', division: '330106' },
  { jurisdiction: '340100', province: '340000', division: '340104' },
] as const
export const provinces = PLACES.map(({ province }) => province)

interface Party {
  readonly code: string
  readonly jurisdiction: string
  readonly division: string
  readonly person: Person
}

interface Voucher {
  readonly id: string
  readonly program: Program
  readonly firm: Party
}

interface Order {
  readonly id: string
  readonly voucher: Voucher
  readonly provider: Party
  state: OrderState
}

/** Each place has so many firms and providers; so many of them are registered before it starts. */
const FIRMS = { all: 8, first: 5 }
const PROVIDERS = { all: 3, first: 2 }
/** So many vouchers and orders are remembered, the youngest. */
const REMEMBERED = 80

export class Cast {
  readonly firms: Party[] = []
  readonly providers: Party[] = []
  readonly vouchers: Voucher[] = []
  readonly orders: Order[] = []
  /** Closed and not yet paid, as far as is known. */
  readonly periods: string[] = []
  readonly #bureaus = new Map<string, { chen: Person; li: Person }>()
  auditor!: Person
  operator!: Person

  /** Everybody gets a token. */
  static async gather(port: number): Promise<Cast> {
    const cast = new Cast()
    const person = async (subject: string, organisation: string, roles: Role[], jurisdiction?: string) => {
      const body = { sub: subject, organisation, roles, ...(jurisdiction ? { jurisdiction } : {}) }
      const answer = await ask(port, { method: 'POST', path: '/tokens', body }, 10_000)
      if (answer?.status !== 200) throw new Error(`no token: ${JSON.stringify(answer)}`)
      return { subject, organisation, token: answer.body.token as string }
    }
    const all: Role[] = ['officer', 'approver', 'finance']
    for (const place of [REGION, ...new Set(PLACES.flatMap((place) => [place.jurisdiction, place.province]))]) {
      const [chen, li] = await Promise.all(
        ['Chen', 'Li'].map((subject) => person(subject, `bureau ${place}`, all, place)),
      )
      cast.#bureaus.set(place, { chen: chen!, li: li! })
    }
    for (const [n, { jurisdiction, division }] of PLACES.entries()) {
      const party = async (number: number, role: Role) => {
        const code = uscc(number)
        return { code, jurisdiction, division, person: await person('Wang', code, [role]) }
      }
      for (let i = 0; i < FIRMS.all; i++) cast.firms.push(await party(100 * n + i, 'enterprise'))
      for (let i = 0; i < PROVIDERS.all; i++) cast.providers.push(await party(100 * n + 50 + i, 'provider'))
    }
    cast.auditor = await person('Zhao', 'audit office', ['auditor'], REGION)
    cast.operator = await person('Qian', 'platform', ['operator'])
    return cast
  }

  bureau(jurisdiction: string): { chen: Person; li: Person } {
    return this.#bureaus.get(jurisdiction)!
  }

  /** Brings about what must be there before anything can be spent, and follows from then on what is acknowledged. */
  async open(notebook: Notebook, dice: Dice): Promise<void> {
    notebook.listeners.add((note) => this.#learn(note))
    for (const [n, request] of this.#opening().entries()) {
      const settle = async (one: Request, key: string) => {
        const [outcome] = (await notebook.settle(notebook.open(one, key), dice)) ?? []
        if (!outcome || !isReceipt(outcome)) throw new Error(`${one.path} was refused: ${JSON.stringify(outcome)}`)
        return outcome
      }
      const { result } = await settle(request, `opening-${n}`)
      if (request.second) await settle(decisionOn(request, result.proposal, request.second), `opening-${n}-approval`)
    }
  }

  #opening(): Request[] {
    const firstOf = (parties: Party[], { all, first }: typeof FIRMS) => parties.filter((_, n) => n % all < first)
    const providers = firstOf(this.providers, PROVIDERS)
    return [
      ...programs.map((program) => this.publish(program)),
      ...firstOf(this.firms, FIRMS).map((firm) => this.registerFirm(firm)),
      ...providers.map((provider) => this.registerProvider(provider)),
      ...providers.flatMap(({ code }) => provinces.map((province) => this.recognise(province, code))),
      ...programs.map(({ jurisdiction, program }) => this.appropriate(jurisdiction, program, '20000.00')),
    ]
  }

  // One line asks one command, as the right kind of person.

  publish = (program: { jurisdiction: string }) =>
    this.#byTwo('publish_program', program.jurisdiction, '/v1/programs', program)

  appropriate = (jurisdiction: string, program: string, amount: string) =>
    this.#byTwo('appropriate', jurisdiction, '/v1/appropriations', { program, amount })

  registerFirm = ({ code, division, person }: Party) =>
    one(person, '/v1/enterprises', { uscc: code, name: `firm ${code}`, division, types: ['tech_sme'] })

  registerProvider = ({ code, division, person }: Party) =>
    one(person, '/v1/providers', { uscc: code, name: `provider ${code}`, division, categories })

  recognise = (jurisdiction: string, provider: string) =>
    this.#byTwo('recognise', jurisdiction, '/v1/recognitions', {
      provider,
      jurisdiction,
      categories,
      from: '2026-01-01',
      to: '2027-12-31',
    })

  suspend = (jurisdiction: string, provider: string) =>
    this.#byTwo('suspend_recognition', jurisdiction, '/v1/recognition-suspensions', { provider, jurisdiction })

  list = (code: string, day: string) =>
    this.#byTwo('list_integrity', '310000', '/v1/integrity-entries', {
      uscc: code,
      from: day,
      to: day,
      reason: 'a test',
    })

  issue = ({ jurisdiction, program }: Program, firm: Party, amount: string) =>
    one(this.bureau(jurisdiction).chen, '/v1/vouchers', { enterprise: firm.code, program, amount })

  issueMany = ({ jurisdiction, program }: Program, firms: readonly Party[], amount: string): Request => {
    const items = firms.map(({ code }) => ({ enterprise: code, program, amount }))
    const who = this.bureau(jurisdiction).chen
    return { who, path: '/v1/vouchers/bulk', body: { items }, commands: items, isBulk: true }
  }

  file = ({ id, firm }: Voucher, provider: Party, contractNo: string, contractAmount: string, voucherAmount: string) =>
    one(firm.person, '/v1/orders', {
      voucher: id,
      provider: provider.code,
      category: 'testing',
      contractNo,
      contractAmount,
      voucherAmount,
      signedOn: '2026-03-01',
      relatedParty: false,
    })

  deliver = (order: Order) => step(order.provider.person, order, 'delivery')
  confirm = (order: Order, score: number) => step(order.voucher.firm.person, order, 'confirmation', { score })
  cancel = (order: Order) => step(order.voucher.firm.person, order, 'cancellation')

  submit = (order: Order, invoiceNo: string, invoiceAmount: string) => {
    const payee = order.voucher.program.payee === 'provider' ? order.provider : order.voucher.firm
    return step(payee.person, order, 'claim', { invoiceNo, invoiceAmount })
  }

  giveBack = (order: Order) => step(this.#of(order).chen, order, 'return', { reason: 'a page is missing' })
  verify = (order: Order) => step(this.#of(order).chen, order, 'verification')
  approve = (order: Order, amount: string | null, by: 'chen' | 'li') =>
    step(this.#of(order)[by], order, 'approval', { amount })
  reject = (order: Order) => step(this.#of(order).li, order, 'rejection', { reason: 'not a service' })
  clawBack = (order: Order, amount: string) =>
    this.#byTwo(
      'claw_back',
      order.voucher.program.jurisdiction,
      `/v1/orders/${order.id}/claw-backs`,
      { amount, reason: 'an audit' },
      { order: order.id },
    )

  close = (period: string, through: string) =>
    this.#byTwo('close_period', REGION, '/v1/periods', { period, through, group: 'region' })

  release = (batch: string, control: { count: number; total: string }, inFull: boolean) =>
    this.#byTwo(
      'release_payments',
      batch.slice(1, 7),
      `/v1/payment-batches/${batch}/releases`,
      { ...control, inFull },
      { batch },
    )

  pay = (period: string) =>
    this.#byTwo('confirm_payments', REGION, `/v1/periods/${encodeURIComponent(period)}/payments`, {}, { period })

  /** Proposed by Chen; Li may approve it. */
  #byTwo(kind: string, jurisdiction: string, path: string, body: object, params: object = {}): Request {
    const { chen, li } = this.bureau(jurisdiction)
    const command = { ...params, ...body }
    return { who: chen, path, body, commands: [{ kind, command, jurisdiction }], isBulk: false, second: li }
  }

  #of({ voucher }: Order) {
    return this.bureau(voucher.program.jurisdiction)
  }

  /** Takes note of what a command came to, so that others can go on from there. */
  #learn({ command, outcome }: Note): void {
    if (!outcome || !isReceipt(outcome)) return
    const { result } = outcome
    const asked = command as Record<string, string>
    if (outcome.command === 'issue') {
      const program = programs.find((one) => one.program === asked.program)!
      this.vouchers.push({
        id: result.voucher,
        program,
        firm: this.firms.find(({ code }) => code === asked.enterprise)!,
      })
      if (this.vouchers.length > REMEMBERED) this.vouchers.shift()
    } else if (outcome.command === 'file_order') {
      const voucher = this.vouchers.find(({ id }) => id === asked.voucher)
      const provider = this.providers.find(({ code }) => code === asked.provider)!
      if (voucher) this.orders.push({ id: result.order, voucher, provider, state: 'filed' })
      if (this.orders.length > REMEMBERED) this.orders.shift()
    } else if (outcome.command === 'close_period') {
      this.periods.push(result.period)
    } else if (outcome.command === 'confirm_payments') {
      this.periods.splice(0, this.periods.length, ...this.periods.filter((period) => period !== result.period))
    }
  }

  /** An order is in this state, as somebody was told. */
  learnState(order: Order, state: OrderState): void {
    order.state = state
    const isOver = ['cancelled', 'lapsed', 'rejected'].includes(state)
    const place = this.orders.indexOf(order)
    if (isOver && place >= 0) this.orders.splice(place, 1)
  }
}

/** A request for one command; `params` are what its address says. */
function one(who: Person, path: string, body: object, params: object = {}): Request {
  return { who, path, body, commands: [{ ...params, ...body }], isBulk: false }
}

function step(who: Person, { id: order }: Order, action: string, body: object = {}): Request {
  return one(who, `/v1/orders/${order}/${action}`, body, { order })
}
