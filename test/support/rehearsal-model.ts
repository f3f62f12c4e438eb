/**
 * An independent model of the rehearsal text (what each step does, and the report): plain maps, plain loops, bigint
 * fen. It shares nothing with the service, so that where the two agree, both probably read the text rightly.
 * It takes lines that are valid; it does not check their form.
 */

/** A line of a rehearsal file, parsed. */
export type Line = { readonly id: string; readonly at: string } & (
  | {
      do: 'publish_program'
      program: string
      jurisdiction: string
      ratio: string
      annualCap: string
      orderCap: string | null
      payee: 'provider' | 'enterprise'
      invoice: 'whole' | 'self_paid'
      crossRegion: boolean
      applyFrom: string
      applyTo: string
      useWithinDays: number
      claimWithinDays: number
      categories: string[]
      enterpriseTypes: string[]
    }
  | { do: 'appropriate'; program: string; amount: string }
  | { do: 'register_enterprise'; uscc: string; name: string; division: string; types: string[] }
  | { do: 'register_provider'; uscc: string; name: string; division: string; categories: string[] }
  | { do: 'recognise'; provider: string; jurisdiction: string; categories: string[]; from: string; to: string }
  | { do: 'suspend_recognition'; provider: string; jurisdiction: string }
  | { do: 'list_integrity'; uscc: string; from: string; to?: string | null; reason: string }
  | { do: 'issue'; voucher: string; enterprise: string; program: string; amount: string }
  | {
      do: 'file_order'
      order: string
      voucher: string
      provider: string
      category: string
      contractNo: string
      contractAmount: string
      voucherAmount: string
      signedOn: string
      relatedParty: boolean
    }
  | { do: 'deliver' | 'cancel_order'; order: string }
  | { do: 'confirm'; order: string; score: number }
  | { do: 'submit_claim'; order: string; invoiceNo: string; invoiceAmount: string }
  | { do: 'return_claim' | 'reject_claim'; order: string; by: string; reason: string }
  | { do: 'verify_claim'; order: string; by: string }
  | { do: 'approve_claim'; order: string; by: string; amount?: string | null }
  | { do: 'claw_back'; order: string; amount: string; by: string; reason: string }
  | { do: 'close_period'; period: string; through: string }
  | { do: 'confirm_payments'; period: string }
)
export type LineOf<K extends Line['do']> = Extract<Line, { do: K }>

/** A line before it has its number and its time. */
type Without<T> = T extends unknown ? Omit<T, 'id' | 'at'> : never
export type Deed = Without<Line>

export interface Program extends Without<LineOf<'publish_program'>> {
  appropriated: bigint
  pool: bigint
}

export interface Voucher {
  id: string
  enterprise: string
  program: Program
  amount: bigint
  issuedOn: string
  useBy: string
  available: bigint
  lapsed: bigint
}

export type State =
  | 'filed'
  | 'delivered'
  | 'confirmed'
  | 'submitted'
  | 'returned'
  | 'verified'
  | 'approved'
  | 'paid'
  | 'cancelled'
  | 'lapsed'
  | 'rejected'

export interface Order {
  id: string
  voucher: Voucher
  provider: string
  contractNo: string
  contractAmount: bigint
  state: State
  held: bigint
  claimBy: string
  returnedOn: string
  invoiceNo: string | undefined
  verifiedBy: string
  approved: bigint
  clawedBack: bigint
}

/** An approval, or a claw-back with its amount below zero. */
interface Item {
  order: Order
  on: string
  amount: bigint
  period: string | undefined
}

export interface Party {
  uscc: string
  division: string
  kinds: string[]
}

export interface Recognition {
  provider: string
  jurisdiction: string
  categories: string[]
  from: string
  to: string
  ended: boolean
}

export interface Report {
  steps: number
  refusals: Record<string, string>
  provinces: Record<string, Record<string, string>>
  settlements: Record<
    string,
    {
      gross: Record<string, Record<string, string>>
      net: Record<string, string>
      instructions: { from: string; to: string; amount: string }[]
      paid: boolean
    }
  >
}

const PROVINCES = ['310000', '320000', '330000', '340000']
const DEAD: readonly State[] = ['cancelled', 'lapsed', 'rejected']

export const fen = (yuan: string): bigint => BigInt(yuan.replace('.', ''))

export function yuan(amount: bigint): string {
  const digits = String(amount < 0n ? -amount : amount).padStart(3, '0')
  return `${amount < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}

export function daysAfter(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}

export const provinceOf = (code: string): string => `${code.slice(0, 2)}0000`

export function liesUnder(division: string, jurisdiction: string): boolean {
  if (jurisdiction.endsWith('0000')) return division.slice(0, 2) === jurisdiction.slice(0, 2)
  if (jurisdiction.endsWith('00')) return division.slice(0, 4) === jurisdiction.slice(0, 4)
  return division === jurisdiction
}

/** ratio × amount, cut down to whole fen. */
export function cutShare(ratio: string, amount: bigint): bigint {
  const [whole = '', decimals = ''] = ratio.split('.')
  return (BigInt(whole + decimals) * amount) / 10n ** BigInt(decimals.length)
}

export class Model {
  readonly programs = new Map<string, Program>()
  readonly enterprises = new Map<string, Party>()
  readonly providers = new Map<string, Party>()
  readonly vouchers = new Map<string, Voucher>()
  readonly orders = new Map<string, Order>()
  readonly recognitions: Recognition[] = []
  readonly listings: { uscc: string; from: string; to: string }[] = []
  readonly items: Item[] = []
  readonly periods = new Map<string, { through: string; paid: boolean }>()
  readonly refusals = new Map<string, string>()
  steps = 0
  today = ''

  /**
   * `quick` is for long files only: time is looked at once a day and finished things are not looked at again, orders
   * are also found by provider and by invoice, vouchers by enterprise. The tests compare both ways.
   */
  constructor(readonly options: { quick?: boolean } = {}) {}
  #awaitedOrders: Order[] = []
  #awaitedVouchers: Voucher[] = []
  readonly #ordersOf = new Map<string, Order[]>()
  readonly #ordersByInvoice = new Map<string, Order[]>()
  readonly #vouchersOf = new Map<string, Voucher[]>()
  readonly #recognitionsOf = new Map<string, Recognition[]>()

  /** Plays one line; answers the code of its refusal, or undefined when it was done. */
  play(line: Line): string | undefined {
    this.timePasses(line.at.slice(0, 10))
    const refusal = this.#do(line)
    this.steps++
    if (refusal !== undefined) this.refusals.set(line.id, refusal)
    return refusal
  }

  /** What happens before a step of this day. */
  timePasses(day: string): void {
    if (this.options.quick) {
      if (day === this.today) return
      this.today = day
      for (const order of this.#awaitedOrders) this.#lapseOrder(order)
      for (const voucher of this.#awaitedVouchers) this.#lapseVoucher(voucher)
      this.#awaitedOrders = this.#awaitedOrders.filter(
        ({ state }) => state !== 'approved' && state !== 'paid' && !DEAD.includes(state),
      )
      this.#awaitedVouchers = this.#awaitedVouchers.filter(({ useBy }) => day <= useBy)
      return
    }
    this.today = day
    for (const order of this.orders.values()) this.#lapseOrder(order)
    for (const voucher of this.vouchers.values()) this.#lapseVoucher(voucher)
  }

  #lapseOrder(order: Order): void {
    const { state, claimBy, returnedOn } = order
    const waits = state === 'filed' || state === 'delivered' || state === 'confirmed'
    if (
      (waits && this.today > claimBy) ||
      (state === 'returned' && this.today > claimBy && this.today > daysAfter(returnedOn, 30))
    ) {
      this.#release(order, 'lapsed')
    }
  }

  #lapseVoucher(voucher: Voucher): void {
    if (this.today <= voucher.useBy) return
    voucher.program.pool += voucher.available
    voucher.lapsed += voucher.available
    voucher.available = 0n
  }

  /** The order ends without payment: the hold goes back, the invoice is free. */
  #release(order: Order, state: State): void {
    order.state = state
    order.invoiceNo = undefined
    this.#giveBack(order.voucher, order.held)
    order.held = 0n
  }

  /** Money comes back to a voucher, and goes on to the pool when the voucher's time is over. */
  #giveBack(voucher: Voucher, amount: bigint): void {
    voucher.available += amount
    this.#lapseVoucher(voucher)
  }

  listed(uscc: string): boolean {
    return this.listings.some((entry) => entry.uscc === uscc && entry.from <= this.today && this.today <= entry.to)
  }

  payeeOf({ voucher, provider }: Order): Party {
    return voucher.program.payee === 'provider'
      ? this.providers.get(provider)!
      : this.enterprises.get(voucher.enterprise)!
  }

  /** What the enterprise was issued under the program in the year of today. */
  issuedThisYear(enterprise: string, program: Program): bigint {
    let sum = 0n
    for (const voucher of this.options.quick ? (this.#vouchersOf.get(enterprise) ?? []) : this.vouchers.values()) {
      if (
        voucher.enterprise === enterprise &&
        voucher.program === program &&
        voucher.issuedOn.slice(0, 4) === this.today.slice(0, 4)
      ) {
        sum += voucher.amount
      }
    }
    return sum
  }

  recognised(provider: string, category: string, jurisdiction: string): boolean {
    const list = this.options.quick ? (this.#recognitionsOf.get(provider) ?? []) : this.recognitions
    return list.some(
      (recognition) =>
        recognition.provider === provider &&
        !recognition.ended &&
        recognition.categories.includes(category) &&
        recognition.from <= this.today &&
        this.today <= recognition.to &&
        liesUnder(jurisdiction, recognition.jurisdiction),
    )
  }

  #do(line: Line): string | undefined {
    switch (line.do) {
      case 'publish_program':
        this.programs.set(line.program, { ...line, appropriated: 0n, pool: 0n })
        return
      case 'appropriate': {
        const program = this.programs.get(line.program)!
        program.appropriated += fen(line.amount)
        program.pool += fen(line.amount)
        return
      }
      case 'register_enterprise':
        this.enterprises.set(line.uscc, { uscc: line.uscc, division: line.division, kinds: line.types })
        return
      case 'register_provider':
        this.providers.set(line.uscc, { uscc: line.uscc, division: line.division, kinds: line.categories })
        return
      case 'recognise': {
        const { provider, jurisdiction, categories, from, to } = line
        const recognition = { provider, jurisdiction, categories, from, to, ended: false }
        this.recognitions.push(recognition)
        put(this.#recognitionsOf, provider, recognition)
        return
      }
      case 'suspend_recognition':
        for (const recognition of this.recognitions) {
          if (recognition.provider === line.provider && recognition.jurisdiction === line.jurisdiction) {
            recognition.ended = true
          }
        }
        return
      case 'list_integrity':
        this.listings.push({ uscc: line.uscc, from: line.from, to: line.to ?? '9999-12-31' })
        return
      case 'issue':
        return this.#issue(line)
      case 'file_order':
        return this.#file(line)
      case 'close_period':
        if (this.periods.has(line.period)) return 'period_closed'
        if (line.through >= this.today) return 'period_not_over'
        this.periods.set(line.period, { through: line.through, paid: false })
        for (const item of this.items) {
          if (item.period === undefined && item.on <= line.through) item.period = line.period
        }
        return
      case 'confirm_payments': {
        const period = this.periods.get(line.period)
        if (period === undefined || period.paid) return 'state_conflict'
        period.paid = true
        for (const item of this.items) {
          if (item.period === line.period && item.amount > 0n) item.order.state = 'paid'
        }
        return
      }
      default:
        return this.#doWithOrder(line, this.orders.get(line.order)!)
    }
  }

  #issue(line: LineOf<'issue'>): string | undefined {
    const program = this.programs.get(line.program)!
    const enterprise = this.enterprises.get(line.enterprise)!
    const amount = fen(line.amount)
    if (this.today < program.applyFrom || this.today > program.applyTo) return 'program_not_open'
    if (this.listed(enterprise.uscc)) return 'integrity_listed'
    if (!liesUnder(enterprise.division, program.jurisdiction)) return 'outside_jurisdiction'
    if (!enterprise.kinds.some((type) => program.enterpriseTypes.includes(type))) return 'enterprise_not_eligible'
    if (this.issuedThisYear(enterprise.uscc, program) + amount > fen(program.annualCap)) return 'annual_cap_exceeded'
    if (amount > program.pool) return 'pool_insufficient'
    program.pool -= amount
    const voucher: Voucher = {
      id: line.voucher,
      enterprise: enterprise.uscc,
      program,
      amount,
      issuedOn: this.today,
      useBy: daysAfter(this.today, program.useWithinDays),
      available: amount,
      lapsed: 0n,
    }
    this.vouchers.set(voucher.id, voucher)
    if (this.options.quick) {
      this.#awaitedVouchers.push(voucher)
      put(this.#vouchersOf, enterprise.uscc, voucher)
    }
    return
  }

  #file(line: LineOf<'file_order'>): string | undefined {
    const voucher = this.vouchers.get(line.voucher)!
    const { program } = voucher
    const provider = this.providers.get(line.provider)!
    const contractAmount = fen(line.contractAmount)
    const amount = fen(line.voucherAmount)
    if (this.today > voucher.useBy) return 'voucher_expired'
    if (this.listed(voucher.enterprise) || this.listed(provider.uscc)) return 'integrity_listed'
    if (!program.categories.includes(line.category)) return 'category_not_covered'
    if (!this.recognised(provider.uscc, line.category, program.jurisdiction)) return 'provider_not_recognised'
    if (!program.crossRegion && provinceOf(provider.division) !== provinceOf(program.jurisdiction)) {
      return 'cross_region_not_allowed'
    }
    if (line.relatedParty) return 'related_party'
    for (const other of this.options.quick ? (this.#ordersOf.get(provider.uscc) ?? []) : this.orders.values()) {
      if (
        other.provider === provider.uscc &&
        other.contractNo === line.contractNo &&
        other.state !== 'cancelled' &&
        other.state !== 'lapsed' &&
        other.state !== 'rejected'
      ) {
        return 'contract_duplicate'
      }
    }
    if (amount > cutShare(program.ratio, contractAmount)) return 'ratio_exceeded'
    if (program.orderCap !== null && amount > fen(program.orderCap)) return 'order_cap_exceeded'
    if (amount > voucher.available) return 'insufficient_balance'
    voucher.available -= amount
    const order: Order = {
      id: line.order,
      voucher,
      provider: provider.uscc,
      contractNo: line.contractNo,
      contractAmount,
      state: 'filed',
      held: amount,
      claimBy: daysAfter(this.today, program.claimWithinDays),
      returnedOn: '',
      invoiceNo: undefined,
      verifiedBy: '',
      approved: 0n,
      clawedBack: 0n,
    }
    this.orders.set(order.id, order)
    if (this.options.quick) {
      this.#awaitedOrders.push(order)
      put(this.#ordersOf, provider.uscc, order)
    }
    return
  }

  #doWithOrder(line: Extract<Line, { order: string }>, order: Order): string | undefined {
    const { state } = order
    switch (line.do) {
      case 'deliver':
        if (state !== 'filed') return 'state_conflict'
        order.state = 'delivered'
        return
      case 'confirm':
        if (state !== 'delivered') return 'state_conflict'
        order.state = 'confirmed'
        return
      case 'cancel_order':
        if (state !== 'filed' && state !== 'delivered' && state !== 'confirmed' && state !== 'returned') {
          return 'state_conflict'
        }
        this.#release(order, 'cancelled')
        return
      case 'submit_claim': {
        if (state !== 'confirmed' && state !== 'returned') return 'state_conflict'
        const byInvoice = this.#ordersByInvoice.get(line.invoiceNo) ?? []
        for (const other of this.options.quick ? byInvoice : this.orders.values()) {
          if (other !== order && other.invoiceNo === line.invoiceNo) return 'invoice_duplicate'
        }
        const whole = order.voucher.program.invoice === 'whole'
        const least = whole ? order.contractAmount : order.contractAmount - order.held
        if (fen(line.invoiceAmount) < least) return 'invoice_amount_short'
        order.invoiceNo = line.invoiceNo
        if (this.options.quick) put(this.#ordersByInvoice, line.invoiceNo, order)
        order.state = 'submitted'
        return
      }
      case 'return_claim':
        if (state !== 'submitted' && state !== 'verified') return 'state_conflict'
        order.state = 'returned'
        order.returnedOn = this.today
        return
      case 'verify_claim':
        if (state !== 'submitted') return 'state_conflict'
        order.state = 'verified'
        order.verifiedBy = line.by
        return
      case 'approve_claim': {
        if (state !== 'verified') return 'state_conflict'
        if (line.by === order.verifiedBy) return 'separation_of_duties'
        if (this.listed(this.payeeOf(order).uscc)) return 'integrity_listed'
        const amount = line.amount === undefined || line.amount === null ? order.held : fen(line.amount)
        if (amount > order.held) return 'amount_exceeds_hold'
        order.state = 'approved'
        order.approved = amount
        this.items.push({ order, on: this.today, amount, period: undefined })
        this.#giveBack(order.voucher, order.held - amount)
        order.held = 0n
        return
      }
      case 'reject_claim':
        if (state !== 'submitted' && state !== 'verified' && state !== 'returned') return 'state_conflict'
        this.#release(order, 'rejected')
        return
      case 'claw_back': {
        if (state !== 'approved' && state !== 'paid') return 'state_conflict'
        const amount = fen(line.amount)
        if (amount > order.approved - order.clawedBack) return 'amount_exceeds_approved'
        order.clawedBack += amount
        order.voucher.program.pool += amount
        this.items.push({ order, on: this.today, amount: -amount, period: undefined })
        return
      }
    }
  }

  report(): Report {
    const provinces = PROVINCES.map((province) => [province, this.#province(province)])
    const settlements = [...this.periods.keys()].map((period) => [period, this.#settlement(period)])
    return {
      steps: this.steps,
      refusals: Object.fromEntries(this.refusals),
      provinces: Object.fromEntries(provinces),
      settlements: Object.fromEntries(settlements),
    }
  }

  /** The provinces of an item: of the program, and of the payee. */
  #between({ order }: Item): { from: string; to: string } {
    return {
      from: provinceOf(order.voucher.program.jurisdiction),
      to: provinceOf(this.payeeOf(order).division),
    }
  }

  #province(province: string): Record<string, string> {
    let [appropriated, pool, issued, lapsed, available] = [0n, 0n, 0n, 0n, 0n]
    let [held, approved, clawedBack, outbound, inbound, paid] = [0n, 0n, 0n, 0n, 0n, 0n]
    for (const program of this.programs.values()) {
      if (provinceOf(program.jurisdiction) !== province) continue
      appropriated += program.appropriated
      pool += program.pool
    }
    for (const voucher of this.vouchers.values()) {
      if (provinceOf(voucher.program.jurisdiction) !== province) continue
      issued += voucher.amount
      lapsed += voucher.lapsed
      available += voucher.available
    }
    for (const order of this.orders.values()) {
      if (provinceOf(order.voucher.program.jurisdiction) === province) held += order.held
    }
    for (const item of this.items) {
      const { from, to } = this.#between(item)
      if (from === province) {
        if (item.amount > 0n) approved += item.amount
        else clawedBack -= item.amount
        if (to !== province) outbound += item.amount
        if (item.period !== undefined && this.periods.get(item.period)!.paid) paid += item.amount
      } else if (to === province) inbound += item.amount
    }
    if (appropriated !== pool + available + held + approved - clawedBack) throw new Error(`${province} does not add up`)
    return {
      appropriated: yuan(appropriated),
      pool: yuan(pool),
      issued: yuan(issued),
      lapsed: yuan(lapsed),
      available: yuan(available),
      held: yuan(held),
      approved: yuan(approved),
      clawedBack: yuan(clawedBack),
      outbound: yuan(outbound),
      inbound: yuan(inbound),
      paid: yuan(paid),
      payable: yuan(approved - clawedBack - paid),
    }
  }

  #settlement(period: string): Report['settlements'][string] {
    const gross = new Map(PROVINCES.map((province) => [province, new Map<string, bigint>()]))
    const net = new Map(PROVINCES.map((province) => [province, 0n]))
    for (const item of this.items) {
      if (item.period !== period) continue
      const { from, to } = this.#between(item)
      const row = gross.get(from)!
      row.set(to, (row.get(to) ?? 0n) + item.amount)
      if (from === to) continue
      net.set(to, net.get(to)! + item.amount)
      net.set(from, net.get(from)! - item.amount)
    }
    return {
      gross: Object.fromEntries([...gross].map(([from, row]) => [from, yuanOf(row)])),
      net: yuanOf(net),
      instructions: clearing(net),
      paid: this.periods.get(period)!.paid,
    }
  }
}

/** The largest debtor pays the largest creditor the smaller of the two amounts, until all is zero. */
function clearing(net: ReadonlyMap<string, bigint>): { from: string; to: string; amount: string }[] {
  const left = new Map(net)
  const instructions: { from: string; to: string; amount: string }[] = []
  for (;;) {
    let debtor = PROVINCES[0]!
    let creditor = PROVINCES[0]!
    for (const province of PROVINCES) {
      if (left.get(province)! < left.get(debtor)!) debtor = province
      if (left.get(province)! > left.get(creditor)!) creditor = province
    }
    const owes = -left.get(debtor)!
    const gets = left.get(creditor)!
    if (owes === 0n && gets === 0n) return instructions
    const amount = owes < gets ? owes : gets
    left.set(debtor, -(owes - amount))
    left.set(creditor, gets - amount)
    instructions.push({ from: debtor, to: creditor, amount: yuan(amount) })
  }
}

const yuanOf = (amounts: ReadonlyMap<string, bigint>): Record<string, string> =>
  Object.fromEntries([...amounts].map(([name, amount]) => [name, yuan(amount)]))

function put<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

/** The report of a whole file. */
export function modelReport(lines: readonly Line[], options: { quick?: boolean } = {}): Report {
  const model = new Model(options)
  for (const line of lines) model.play(line)
  return model.report()
}
