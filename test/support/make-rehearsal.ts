import { once } from 'node:events'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { usccCheckCharacter } from '../../src/core/uscc.js'
import {
  cutShare,
  type Deed,
  daysAfter,
  fen,
  type Line,
  liesUnder,
  Model,
  type Order,
  type Program,
  provinceOf,
  type Recognition,
  type State,
  type Voucher,
  yuan,
} from './rehearsal-model.js'

/**
 * Nasty rehearsal files, the same for the same seed: every kind of step on and around every limit. A model plays
 * alongside, so that steps name only what exists and limits can be met to the fen and to the day.
 */

const DIVISIONS: Record<string, string[]> = {
  '310000': ['310101', '310104', '310115', '310117', '310120', '310000'],
  '320000': ['320102', '320106', '320505', '320509', '320585', '320509', '320500'],
  '330000': ['330106', '330109', '331002', '331083', '331083', '331000'],
  '340000': ['340104', '340111', '340504', '340504', '340100'],
}
const JURISDICTIONS: Record<string, string[]> = {
  '310000': ['310000', '310115', '310104'],
  '320000': ['320000', '320500', '320509', '320100', '320585'],
  '330000': ['330000', '331000', '331083', '330100'],
  '340000': ['340000', '340100', '340104', '340500'],
}
const PROVINCES = Object.keys(DIVISIONS)
const CATEGORIES = 'instrument testing rnd design validation transfer information standards computing consulting'.split(
  ' ',
)
const TYPES = ['tech_sme', 'high_tech', 'micro', 'startup_team']
const RATIOS = ['0.333333', '1', '0.50', '0.5', '0.3', '0.0001', '0.999999', '0.6667', '0.45', '1.0']
const OFFICERS = ['officer-1', 'officer-2', '张三', 'Officer-1', 'officer-1 ', 'o"\\{},1']
const CONTRACTS = [
  'HT-2026-001',
  'ht-2026-001',
  'HT-2026-001 ',
  ' HT-2026-001',
  'HT-2026‐001',
  'HT 2026 001',
  'ＨＴ－２０２６－００１',
  '合同〔2026〕1号',
  '合同[2026]1号',
  'é',
  'e\u0301',
  'Straße',
  'STRASSE',
  'ı',
  'İ',
  '"',
  '""',
  '\\',
  '\\\\',
  '\\N',
  'NULL',
  'null',
  '{}',
  '{a,b}',
  '{"a","b"}',
  'a,b',
  '(1,2)',
  "'; drop table orders --",
  '%_',
  '$1',
  '$\u007bx}',
  '😀',
  '\u200b1',
  '1',
  '01',
  '1.0',
  '1e0',
  '__proto__',
  'constructor',
  '同'.repeat(200),
]
const PERIODS = ['季度 {}', '2026/Q{}', '{}%20?#&', '\'{}"\\', 'Q{}', 'q{}', '{}', '..{}', `{}${'期'.repeat(50)}`]
const LIMIT = 1_000_000_000_000_000n
const OPEN: readonly State[] = ['filed', 'delivered', 'confirmed', 'submitted', 'returned', 'verified']
const STATES: readonly State[] = [...OPEN, 'approved', 'paid', 'cancelled', 'lapsed', 'rejected']
const CLERKS = [
  'deliver',
  'confirm',
  'cancel_order',
  'submit_claim',
  'return_claim',
  'verify_claim',
  'approve_claim',
  'reject_claim',
  'claw_back',
] as const

/** A small random generator (mulberry32): numbers from 0 up to, not including, 1. */
export function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const LETTERS = '0123456789ABCDEFGHJKLMNPQRTUWXY'

/** A valid unified social credit code registered in a division. */
export function makeUscc(random: () => number, prefix: string, division: string): string {
  let text = prefix + division
  while (text.length < 17) text += LETTERS[Math.floor(random() * LETTERS.length)]
  return text + usccCheckCharacter(text)
}

class Full extends Error {}

class Maker {
  readonly lines: string[] = []
  readonly #random: () => number
  readonly #steps: number
  readonly #model = new Model({ quick: true })
  readonly #daily: number
  readonly #mostPrograms: number
  readonly #closing: number
  readonly #programs: Program[] = []
  readonly #enterprises: string[] = []
  readonly #providers: string[] = []
  readonly #vouchers: Voucher[] = []
  readonly #orders: Order[] = []
  readonly #recognitionsIn = new Map<string, Recognition[]>()
  readonly #freeNames: string[] = []
  #names = 0
  #day: string
  #millisecond = 0

  constructor(seed: number, steps: number) {
    this.#random = mulberry32(seed)
    this.#steps = steps
    this.#daily = Math.max(4, steps / 400)
    this.#closing = Math.min(1, 10_000 / steps)
    this.#mostPrograms = Math.min(160, 8 + Math.ceil(steps / 60))
    this.#day = this.#pick(['2023-10-20', '2025-09-28', '2027-11-30', '2026-01-01'])
  }

  make(): string[] {
    try {
      for (let count = 0; count < 5; count++) this.#publish()
      for (let count = 0; count < 6; count++) this.#registerEnterprise()
      for (let count = 0; count < 5; count++) this.#registerProvider()
      for (;;) {
        if (this.#chance(1 / this.#daily)) this.#nextDay()
        this.#something()
      }
    } catch (error) {
      if (!(error instanceof Full)) throw error
    }
    return this.lines
  }

  // ——— luck

  #chance(part: number): boolean {
    return this.#random() < part
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#below(list.length)]!
  }

  /** One of the list, rather a late one. */
  #pickLate<T>(list: readonly T[]): T {
    return this.#chance(0.5) ? this.#pick(list) : list[Math.max(0, list.length - 1 - this.#below(40))]!
  }

  /** One of the list that fits, if some tries find one. */
  #find<T>(list: readonly T[], fits: (item: T) => boolean, tries = 30): T | undefined {
    for (let count = 0; count < tries && list.length > 0; count++) {
      const item = this.#pickLate(list)
      if (fits(item)) return item
    }
    return undefined
  }

  #some<T>(list: readonly T[], part: number): T[] {
    const chosen = list.filter(() => this.#chance(part))
    return chosen.length > 0 ? chosen : [this.#pick(list)]
  }

  /** An amount from 0.01 to the given one. */
  #part(most: bigint): bigint {
    const share = (most * BigInt(1 + this.#below(1_000_000))) / 1_000_000n
    return share < 1n ? 1n : share
  }

  /** Just the limit, a fen beside it, or well below. */
  #near(limit: bigint): string {
    const amount = this.#chance(0.45)
      ? this.#part(limit < 1n ? 1n : limit)
      : limit + this.#pick([0n, 0n, 0n, 1n, 1n, -1n])
    return yuan(amount < 1n ? 1n : amount > LIMIT ? LIMIT : amount)
  }

  /** The name of a refused step's voucher or order, or a new one. */
  #name(kind: string): string {
    if (this.#freeNames.length > 0 && this.#chance(0.2)) return this.#freeNames.pop()!
    return this.#chance(0.03) ? `${kind} "${++this.#names}"\\,{}` : `${kind}${++this.#names}`
  }

  // ——— time

  #nextDay(): void {
    const luck = this.#random()
    if (luck < 0.4 && this.#toALimit()) return
    let days = 1
    if (luck > 0.985) days = 31
    else if (luck > 0.85) days = 2 + this.#below(7)
    if (this.#chance(0.0005)) days = 400
    this.#setDay(daysAfter(this.#day, days))
  }

  #setDay(day: string): void {
    this.#day = day
    this.#millisecond = this.#chance(0.3) ? 0 : 8 * 3_600_000 + this.#pick([-1, 0, 3_600_000])
    this.#model.timePasses(day)
  }

  /** Goes to the last day of something, the day before or the day after, and does something about it. */
  #toALimit(): boolean {
    const furthest = daysAfter(this.#day, 25)
    const shift = this.#pick([-1, 0, 0, 1, 1])
    const reach = (limit: string): boolean => {
      const day = daysAfter(limit, shift)
      if (day <= this.#day || day > furthest) return false
      this.#setDay(day)
      return true
    }
    if (this.#chance(0.5)) {
      const order = this.#find(this.#orders, ({ state }) => OPEN.includes(state) && state !== 'submitted')
      if (order === undefined) return false
      const limit = order.state === 'returned' && this.#chance(0.7) ? daysAfter(order.returnedOn, 30) : order.claimBy
      if (!reach(this.#chance(0.8) ? limit : order.voucher.useBy)) return false
      if (this.#chance(0.3)) this.#fileAgain(order)
      if (this.#chance(0.3)) this.#issue(order.voucher.program)
      this.#clerk(order, this.#chance(0.5) ? this.#nextOf(order) : this.#pick(CLERKS))
      return true
    }
    if (this.#chance(0.6)) {
      const voucher = this.#find(this.#vouchers, ({ useBy }) => useBy >= this.#day)
      if (voucher === undefined || !reach(voucher.useBy)) return false
      if (this.#chance(0.5)) this.#issue(voucher.program)
      this.#file(voucher)
      return true
    }
    const program = this.#pick(this.#programs)
    if (this.#chance(0.5)) {
      if (!reach(this.#chance(0.7) ? program.applyTo : program.applyFrom)) return false
      this.#issue(program)
      return true
    }
    const recognition = this.#pick(this.#model.recognitions)
    if (recognition === undefined || !reach(this.#chance(0.7) ? recognition.to : recognition.from)) return false
    const voucher = this.#find(
      this.#vouchers,
      ({ program, useBy, available }) =>
        liesUnder(program.jurisdiction, recognition.jurisdiction) && useBy >= this.#day && available > 0n,
    )
    if (voucher !== undefined) this.#file(voucher, recognition)
    return true
  }

  // ——— steps

  #emit(deed: Deed): string | undefined {
    if (this.lines.length === this.#steps) throw new Full()
    if (this.#chance(0.5)) this.#millisecond += this.#pick([1, 1000, 1000, 60_000, 600_000, 3_600_000])
    if (this.#chance(0.01)) this.#millisecond = 86_399_999
    if (this.#millisecond > 86_399_999) this.#millisecond = 86_399_999
    const clock = new Date(this.#millisecond).toISOString().slice(11, 23)
    const at = `${this.#day}T${clock.endsWith('.000') ? clock.slice(0, 8) : clock}+08:00`
    const number = this.lines.length + 1
    const id = this.#chance(0.01) ? `步骤 "${number}"\\` : this.#chance(0.01) ? `${number}` : `s${number}`
    const line = { id, at, ...deed } as Line
    this.lines.push(JSON.stringify(line))
    return this.#model.play(line)
  }

  #something(): void {
    const open = this.#programs.some(({ applyFrom, applyTo }) => applyFrom <= this.#day && this.#day <= applyTo)
    if (!open || this.#chance(this.#mostPrograms / this.#steps)) this.#publish()
    const luck = this.#random() * 100
    if (luck < 3) this.#appropriate(this.#pickLate(this.#programs))
    else if (luck < 5) this.#registerEnterprise()
    else if (luck < 6.5) this.#registerProvider()
    else if (luck < 10) this.#recognise()
    else if (luck < 11) this.#suspend()
    else if (luck < 11.8) this.#list(this.#pick(this.#chance(0.5) ? this.#enterprises : this.#providers))
    else if (luck < 27) this.#issue()
    else if (luck < 47) this.#fileAny()
    else if (luck < 47 + this.#closing) this.#close()
    else if (luck < 47 + 2.2 * this.#closing) this.#pay()
    else if (luck < 56) this.#anyState()
    else if (luck < 62 && this.#orders.length > 20) this.#fileAny()
    else this.#onward()
  }

  #publish(): void {
    const province = this.#pick(PROVINCES)
    const jurisdiction = this.#pick(JURISDICTIONS[province]!)
    const scale = this.#pick([100n, 50_000n, 3_000_000n, 20_000_000n, 20_000_000n, 20_000_000n, 20_000_000n, LIMIT])
    const annualCap = scale === LIMIT ? LIMIT : scale + this.#part(scale)
    const applyFrom = daysAfter(this.#day, this.#pick([0, 0, 0, -5, 1, 10]))
    const deed: Deed = {
      do: 'publish_program',
      program: this.#chance(0.1) ? `券 "${++this.#names}"/%{},\\` : `P${++this.#names}`,
      jurisdiction,
      ratio: this.#pick(RATIOS),
      annualCap: yuan(annualCap),
      orderCap: this.#chance(0.4) ? null : yuan(this.#part(annualCap)),
      payee: this.#pick(['provider', 'enterprise']),
      invoice: this.#pick(['whole', 'self_paid']),
      crossRegion: this.#chance(0.8),
      applyFrom,
      applyTo: daysAfter(applyFrom, this.#pick([0, 20, 60, 200, 300, 300])),
      useWithinDays: this.#pick([0, 1, 5, 30, 30, 90, 120, 200]),
      claimWithinDays: this.#pick([0, 1, 10, 25, 40, 60, 90]),
      categories: this.#some(CATEGORIES, 0.7),
      enterpriseTypes: this.#some(TYPES, 0.7),
    }
    this.#emit(deed)
    const program = this.#model.programs.get(deed.program)!
    this.#programs.push(program)
    if (this.#chance(0.95)) this.#appropriate(program)
  }

  #appropriate(program: Program): void {
    const cap = fen(program.annualCap)
    const amount = cap === LIMIT ? LIMIT - BigInt(this.#below(3)) : cap + this.#part(cap * 2n)
    this.#emit({ do: 'appropriate', program: program.program, amount: yuan(amount > LIMIT ? LIMIT : amount) })
  }

  #division(): string {
    return this.#chance(0.5) && this.#programs.length > 0
      ? this.#pick(DIVISIONS[provinceOf(this.#pick(this.#programs).jurisdiction)]!)
      : this.#pick(DIVISIONS[this.#pick(PROVINCES)]!)
  }

  #registerEnterprise(division = this.#division()): string {
    const provider = this.#chance(0.1) ? this.#find(this.#providers, (code) => !this.#model.enterprises.has(code)) : ''
    const uscc = provider || makeUscc(this.#random, '91', division)
    const types = this.#some(TYPES, 0.5)
    this.#emit({ do: 'register_enterprise', uscc, name: `演示企业${this.#enterprises.length + 1}`, division, types })
    this.#enterprises.push(uscc)
    return uscc
  }

  #registerProvider(): void {
    const division = this.#division()
    const both = this.#chance(0.12) ? this.#find(this.#enterprises, (code) => !this.#model.providers.has(code)) : ''
    const uscc = both || makeUscc(this.#random, this.#pick(['12', '52', '91']), division)
    const name = `演示机构${this.#providers.length + 1}`
    this.#emit({ do: 'register_provider', uscc, name, division, categories: this.#some(CATEGORIES, 0.5) })
    this.#providers.push(uscc)
    for (let count = this.#below(4); count >= 0; count--) this.#recognise(uscc)
  }

  /** Recognition by the jurisdiction of a program, one above it, one beside it, or any. */
  #recognise(provider = this.#pick(this.#providers), below = this.#pickLate(this.#programs).jurisdiction): void {
    const [city, province] = [`${below.slice(0, 4)}00`, provinceOf(below)]
    const beside = this.#pick(JURISDICTIONS[this.#chance(0.7) ? province : this.#pick(PROVINCES)]!)
    const above = this.#pick([below, province, province, JURISDICTIONS[province]!.includes(city) ? city : province])
    const jurisdiction = this.#chance(0.75) ? above : beside
    const from = daysAfter(this.#day, this.#pick([0, 0, 0, 0, -40, 1, 7]))
    const to = daysAfter(from, this.#pick([0, 1, 20, 90, 400, 400, 400]))
    const categories = this.#some(CATEGORIES, this.#pick([0.2, 0.6, 1]))
    this.#emit({ do: 'recognise', provider, jurisdiction, categories, from, to })
    const list = this.#recognitionsIn.get(province) ?? []
    this.#recognitionsIn.set(province, list)
    list.push(this.#model.recognitions.at(-1)!)
  }

  #suspend(): void {
    const known = this.#find(this.#model.recognitions, ({ ended }) => !ended)
    const provider = known && this.#chance(0.9) ? known.provider : this.#pick(this.#providers)
    const jurisdiction =
      known && this.#chance(0.8) ? known.jurisdiction : this.#pick(JURISDICTIONS[this.#pick(PROVINCES)]!)
    this.#emit({ do: 'suspend_recognition', provider, jurisdiction })
    if (this.#chance(0.6)) this.#recognise(provider, jurisdiction)
    const voucher = this.#find(this.#vouchers, ({ useBy, available }) => useBy >= this.#day && available > 0n)
    const order = this.#find(this.#orders, (other) => other.provider === provider && OPEN.includes(other.state), 10)
    if (order !== undefined) this.#clerk(order, this.#nextOf(order))
    if (voucher !== undefined && known !== undefined) this.#file(voucher, known)
  }

  #list(uscc: string): void {
    const from = daysAfter(this.#day, this.#pick([0, 0, 0, 0, 1, -10, 5]))
    const deed: Deed = { do: 'list_integrity', uscc, from, reason: '演示 "抽查"\\' }
    const open = this.#random()
    if (open < 0.01) deed.to = null
    else if (open > 0.03) deed.to = daysAfter(from, this.#pick([0, 0, 0, 1, 3]))
    this.#emit(deed)
  }

  #issue(given?: Program): void {
    const open = ({ applyFrom, applyTo, pool }: Program) =>
      applyFrom <= this.#day && this.#day <= applyTo && (pool > 0n || this.#chance(0.1))
    const program =
      given ?? (this.#chance(0.96) ? this.#find(this.#programs, open, 60) : undefined) ?? this.#pick(this.#programs)
    if (given === undefined && program.pool === 0n && this.#chance(0.2)) this.#appropriate(program)
    const fits = (uscc: string) => {
      const { division, kinds } = this.#model.enterprises.get(uscc)!
      const left = fen(program.annualCap) - this.#model.issuedThisYear(uscc, program)
      if (left <= 0n && this.#chance(0.9)) return false
      return liesUnder(division, program.jurisdiction) && kinds.some((type) => program.enterpriseTypes.includes(type))
    }
    let enterprise = this.#chance(0.95) ? this.#find(this.#enterprises, fits, 60) : this.#pick(this.#enterprises)
    if (enterprise === undefined) {
      const inside = DIVISIONS[provinceOf(program.jurisdiction)]!.filter((code) =>
        liesUnder(code, program.jurisdiction),
      )
      enterprise = this.#registerEnterprise(this.#pick(inside.length > 0 ? inside : [program.jurisdiction]))
    }
    const left = fen(program.annualCap) - this.#model.issuedThisYear(enterprise, program)
    const limits = [left, left, program.pool, fen(program.annualCap) / 5n, fen(program.annualCap) / 20n]
    const voucher = this.#name('v')
    const refusal = this.#emit({
      do: 'issue',
      voucher,
      enterprise,
      program: program.program,
      amount: this.#near(this.#pick(limits)),
    })
    if (refusal === undefined) this.#vouchers.push(this.#model.vouchers.get(voucher)!)
    else this.#freeNames.push(voucher)
  }

  #fileAny(): void {
    const live = ({ useBy, available }: Voucher) => useBy >= this.#day && available > 0n
    const voucher = this.#chance(0.95)
      ? this.#find(this.#vouchers, live, 60)
      : this.#find(this.#vouchers, ({ useBy }) => useBy < this.#day)
    if (voucher === undefined) this.#issue()
    else this.#file(voucher)
  }

  /** A contract like that of another order: its number taken, free again, or nearly the same. */
  #fileAgain(order: Order): void {
    const live = ({ useBy, available }: Voucher) => useBy >= this.#day && available > 0n
    const voucher = this.#find(this.#vouchers, live) ?? order.voucher
    this.#file(voucher, this.#recognitionFor(voucher.program, order.provider), order)
  }

  #recognitionFor(program: Program, provider?: string): Recognition | undefined {
    const fits = (recognition: Recognition) =>
      !recognition.ended &&
      (provider === undefined || recognition.provider === provider) &&
      recognition.from <= this.#day &&
      this.#day <= recognition.to &&
      liesUnder(program.jurisdiction, recognition.jurisdiction) &&
      recognition.categories.some((category) => program.categories.includes(category)) &&
      (program.crossRegion ||
        this.#chance(0.1) ||
        provinceOf(this.#model.providers.get(recognition.provider)!.division) === provinceOf(program.jurisdiction))
    return this.#find(this.#recognitionsIn.get(provinceOf(program.jurisdiction)) ?? [], fits, provider ? 200 : 60)
  }

  #file(voucher: Voucher, recognition = this.#recognitionFor(voucher.program), like?: Order): void {
    const { program } = voucher
    if (recognition === undefined && this.#chance(0.7)) {
      this.#recognise(like?.provider, program.jurisdiction)
      if (like === undefined && this.#chance(0.5)) return
    }
    const again = like ?? (this.#chance(0.1) ? this.#find(this.#orders, () => true) : undefined)
    const trusted = this.#chance(0.92) ? recognition : undefined
    const provider = like?.provider ?? again?.provider ?? trusted?.provider ?? this.#pick(this.#providers)
    const shared = trusted?.categories.filter((category) => program.categories.includes(category)) ?? []
    const category = this.#chance(0.93) && shared.length > 0 ? this.#pick(shared) : this.#pick(CATEGORIES)
    const cap = program.orderCap === null ? voucher.available : fen(program.orderCap)
    const least = voucher.available < cap ? voucher.available : cap
    const limit = this.#pick([voucher.available, least, least, cap, voucher.available / 3n])
    const voucherAmount = fen(this.#near(limit))
    const order = this.#name('o')
    const refusal = this.#emit({
      do: 'file_order',
      order,
      voucher: voucher.id,
      provider,
      category,
      contractNo: again !== undefined && this.#chance(0.9) ? this.#muchLike(again.contractNo) : this.#contractNo(),
      contractAmount: yuan(this.#contractFor(program.ratio, voucherAmount)),
      voucherAmount: yuan(voucherAmount),
      signedOn: daysAfter(this.#day, this.#pick([0, -3, -100, 2])),
      relatedParty: this.#chance(0.02),
    })
    if (refusal === undefined) this.#orders.push(this.#model.orders.get(order)!)
    else this.#freeNames.push(order)
  }

  #contractNo(): string {
    return this.#chance(0.15) ? this.#pick(CONTRACTS) : `${this.#pick(['HT-', '合同'])}${++this.#names}`
  }

  #muchLike(contractNo: string): string {
    if (this.#chance(0.75)) return contractNo
    const like = this.#pick([contractNo.toLowerCase(), contractNo.toUpperCase(), `${contractNo} `, ` ${contractNo}`])
    return like.length > 200 ? contractNo : like
  }

  /** The smallest contract that carries the amount, one fen less, or a larger one. */
  #contractFor(ratio: string, amount: bigint): bigint {
    const [whole = '', decimals = ''] = ratio.split('.')
    const parts = BigInt(whole + decimals)
    let contract = (amount * 10n ** BigInt(decimals.length) + parts - 1n) / parts
    const luck = this.#random()
    if (luck < 0.08) contract -= 1n
    else if (luck > 0.6) contract += this.#part(contract)
    if (contract > LIMIT && amount <= cutShare(ratio, LIMIT)) return LIMIT
    return contract < 1n ? 1n : contract > LIMIT ? LIMIT : contract
  }

  /** The next step on an order's way. */
  #nextOf({ state }: Order): (typeof CLERKS)[number] {
    switch (state) {
      case 'filed':
        return 'deliver'
      case 'delivered':
        return 'confirm'
      case 'confirmed':
      case 'returned':
        return 'submit_claim'
      case 'submitted':
        return 'verify_claim'
      case 'verified':
        return 'approve_claim'
      default:
        return 'claw_back'
    }
  }

  #onward(): void {
    const order = this.#find(this.#orders, ({ state }) => OPEN.includes(state), 40)
    if (order === undefined) {
      this.#fileAny()
      return
    }
    for (let count = this.#pick([1, 1, 2, 5]); count > 0; count--) {
      if (order.state === 'verified' && this.#chance(0.05)) this.#list(this.#model.payeeOf(order).uscc)
      const luck = this.#random()
      const claimed = order.state === 'submitted' || order.state === 'verified'
      if (luck < 0.78) this.#clerk(order, this.#nextOf(order))
      else if (luck < 0.9)
        this.#clerk(order, claimed ? 'return_claim' : this.#pick(['cancel_order', this.#nextOf(order)]))
      else if (luck < 0.93) this.#clerk(order, claimed ? 'reject_claim' : this.#nextOf(order))
      else if (luck < 0.97) this.#fileAgain(order)
      else this.#clerk(order, this.#pick(CLERKS))
      if (order.state === 'approved' && this.#chance(0.1)) this.#clerk(order, 'claw_back')
      if (this.#chance(0.2 / this.#daily)) this.#nextDay()
    }
  }

  /** Any command on an order of any state, all states alike. */
  #anyState(): void {
    const wanted = this.#pick(STATES)
    const order = this.#find(this.#orders, ({ state }) => state === wanted, 60)
    if (order === undefined) {
      this.#onward()
      return
    }
    if ((wanted === 'cancelled' || wanted === 'lapsed' || wanted === 'rejected') && this.#chance(0.5)) {
      this.#fileAgain(order)
      return
    }
    this.#clerk(order, this.#pick(CLERKS))
  }

  #clerk(order: Order, deed: (typeof CLERKS)[number]): void {
    const by = this.#pick(OFFICERS)
    const reason = '演示：材料 "不全" \\ {},'
    switch (deed) {
      case 'deliver':
      case 'cancel_order':
        this.#emit({ do: deed, order: order.id })
        return
      case 'confirm':
        this.#emit({ do: deed, order: order.id, score: this.#below(101) })
        return
      case 'submit_claim':
        this.#emit({
          do: deed,
          order: order.id,
          invoiceNo: this.#invoiceNo(order),
          invoiceAmount: this.#invoice(order),
        })
        return
      case 'return_claim':
      case 'reject_claim':
        this.#emit({ do: deed, order: order.id, by, reason })
        return
      case 'verify_claim':
        this.#emit({ do: deed, order: order.id, by })
        return
      case 'approve_claim': {
        const luck = this.#random()
        const line: Deed = {
          do: deed,
          order: order.id,
          by: this.#chance(0.06)
            ? order.verifiedBy || by
            : this.#pick(OFFICERS.filter((name) => name !== order.verifiedBy)),
        }
        if (luck < 0.1) line.amount = null
        else if (luck < 0.5) line.amount = this.#near(order.held)
        this.#emit(line)
        return
      }
      case 'claw_back': {
        const left = order.approved - order.clawedBack
        for (let count = left > 0n ? this.#pick([1, 1, 2, 3]) : 1; count > 0; count--) {
          this.#emit({ do: deed, order: order.id, amount: this.#near(left), by, reason })
        }
      }
    }
  }

  /** The same invoice again, a new one, another order's, or one that an order has given back. */
  #invoiceNo(order: Order): string {
    const luck = this.#random()
    if (order.invoiceNo !== undefined && luck < 0.4) return order.invoiceNo
    const other = luck > 0.88 ? this.#find(this.#orders, ({ invoiceNo }) => invoiceNo !== undefined) : undefined
    if (other !== undefined && other !== order) return other.invoiceNo!
    if (luck > 0.8) return String(this.#below(8)).padStart(20, '0')
    return `26${provinceOf(order.voucher.program.jurisdiction)}${String(++this.#names).padStart(12, '0')}`
  }

  #invoice({ contractAmount, held, voucher }: Order): string {
    const least = voucher.program.invoice === 'whole' ? contractAmount : contractAmount - held
    const amount = least + this.#pick([0n, 0n, 0n, -1n, 1n, 10_000n, voucher.program.invoice === 'whole' ? -held : 0n])
    return yuan(amount < 1n ? 1n : amount > LIMIT ? LIMIT : amount)
  }

  #close(): void {
    const known = [...this.#model.periods.keys()]
    const again = known.length > 0 && this.#chance(0.12)
    const period = again ? this.#pick(known) : this.#pick(PERIODS).replace('{}', String(++this.#names))
    const through = daysAfter(this.#day, this.#pick([-1, -1, -1, -1, 0, 1, -2, -5, -20, -60]))
    this.#emit({ do: 'close_period', period, through })
  }

  #pay(): void {
    const unpaid = [...this.#model.periods].filter(([, { paid }]) => !paid).map(([period]) => period)
    const period =
      unpaid.length > 0 && this.#chance(0.8)
        ? this.#pick(unpaid)
        : (this.#find([...this.#model.periods.keys()], () => true) ?? 'never closed')
    this.#emit({ do: 'confirm_payments', period: this.#chance(0.05) ? 'never/closed {}' : period })
  }
}

/** The lines of a nasty rehearsal file. */
export function makeRehearsal({ seed, steps }: { seed: number; steps: number }): string[] {
  return new Maker(seed, steps).make()
}

/** node --import tsx test/support/make-rehearsal.ts --seed 7 --steps 100000 > FILE */
if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { seed: { type: 'string' }, steps: { type: 'string' } } })
  const lines = makeRehearsal({ seed: Number(values.seed ?? 1), steps: Number(values.steps ?? 1000) })
  for (const line of lines) {
    if (!process.stdout.write(`${line}\n`)) await once(process.stdout, 'drain')
  }
}
