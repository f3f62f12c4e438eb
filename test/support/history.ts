/** Random histories: moves that say roughly what to do, and a cast that makes commands of them. */
import fc from 'fast-check'
import { isUnder } from '../../src/core/division.js'
import { isRefusal } from '../../src/core/refusals.js'
import type { Asked } from '../../src/engine/runner.js'
import type { Outcome } from '../../src/engine/ticket.js'
import type { OrderState } from '../../src/orders/contract.js'
import type { PublishProgram } from '../../src/programs/contract.js'
import { ask, rules, uscc } from './scene.js'

/** Four programs in three provinces, between them every rule that differs. */
export const programs = [
  rules({
    program: 'WJ',
    jurisdiction: '320509',
    annualCap: 700_00n,
    useWithinDays: 60,
    claimWithinDays: 20,
    appealDays: 5,
  }),
  rules({
    program: 'SH',
    jurisdiction: '310000',
    ratio: '0.333333',
    orderCap: 250_00n,
    payee: 'enterprise',
    invoice: 'self_paid',
    useWithinDays: 30,
    claimWithinDays: 40,
  }),
  rules({ program: 'ZJ', jurisdiction: '330000', crossRegion: false, useWithinDays: 8, claimWithinDays: 3 }),
  rules({ program: 'SH2', jurisdiction: '310000', useWithinDays: 0, claimWithinDays: 0 }),
] as const

const divisions = ['320509', '310115', '330106'] as const
export const enterprises = divisions.map((_, n) => uscc(n + 1))
export const providers = ['310104', '320583', '330106'].map((division, n) => ({ code: uscc(n + 11), division }))

/** Who and what there is from the beginning. */
export interface Region {
  readonly programs: readonly PublishProgram[]
  readonly enterprises: readonly { readonly code: string; readonly division: string }[]
  readonly providers: readonly { readonly code: string; readonly division: string }[]
  /** Fen given to each program at first. */
  readonly budget: bigint
  /** Orders are filed on so many of the youngest vouchers: they are the ones with money on them. */
  readonly young: number
}

export const small: Region = {
  programs,
  enterprises: enterprises.map((code, n) => ({ code, division: divisions[n]! })),
  providers,
  budget: 800_00n,
  young: 8,
}

/** The region before anything is spent: programs with a little money, parties, recognitions. */
export const openingOf = (region: Region): readonly Asked[] => [
  ...region.programs.map(ask.publish),
  ...region.enterprises.map(({ code, division }) => ask.enterprise(code, division)),
  ...region.providers.map(({ code, division }) => ask.provider(code, division)),
  ...[...new Set(region.programs.map(({ jurisdiction }) => `${jurisdiction.slice(0, 2)}0000`))]
    .sort()
    .flatMap((place) => region.providers.map(({ code }) => ask.recognise(place, code))),
  ...region.programs.map(({ program, jurisdiction }) => ask.appropriate(jurisdiction, program, region.budget)),
]

export const opening = openingOf(small)

export const actions = [
  'deliver',
  'confirm',
  'cancel',
  'submit',
  'giveBack',
  'verify',
  'approve',
  'reject',
  'clawBack',
  'accept',
  'decline',
  'supplement',
  'appeal',
  'sustain',
] as const
export type Action = (typeof actions)[number]

export type Move =
  | { readonly do: 'pass'; readonly days: number }
  | { readonly do: 'appropriate'; readonly program: number; readonly amount: bigint }
  | { readonly do: 'recognise' | 'suspend'; readonly place: number; readonly provider: number }
  | { readonly do: 'list'; readonly party: number; readonly days: number }
  | { readonly do: 'issue'; readonly enterprise: number; readonly program: number; readonly amount: bigint }
  | {
      readonly do: 'file'
      readonly voucher: number
      readonly provider: number
      readonly contract: number
      readonly contractAmount: bigint
      readonly voucherAmount: bigint
    }
  /** The natural next step of an order. */
  | { readonly do: 'walk'; readonly order: number; readonly invoice: number; readonly part: bigint | null }
  | {
      readonly do: 'act'
      readonly action: Action
      readonly order: number
      readonly invoice: number
      readonly part: bigint | null
    }

const nth = fc.nat(40)
const amount = fc.constantFrom(1n, 99n, 33_33n, 100_00n, 250_00n, 400_00n)
const part = fc.option(fc.constantFrom(1n, 40_00n, 99_99n, 300_00n))
const invoice = fc.nat(14)

const moves = {
  pass: fc.record({ do: fc.constant('pass' as const), days: fc.constantFrom(1, 1, 2, 5, 31) }),
  appropriate: fc.record({ do: fc.constant('appropriate' as const), program: nth, amount }),
  recognition: fc.record({ do: fc.constantFrom('recognise', 'recognise', 'suspend'), place: nth, provider: nth }),
  list: fc.record({ do: fc.constant('list' as const), party: nth, days: fc.nat(3) }),
  issue: fc.record({ do: fc.constant('issue' as const), enterprise: nth, program: nth, amount }),
  file: fc.record({
    do: fc.constant('file' as const),
    voucher: nth,
    provider: nth,
    contract: fc.nat(25),
    contractAmount: fc.constantFrom(3_00n, 200_00n, 1_000_00n),
    voucherAmount: amount,
  }),
  walk: fc.record({ do: fc.constant('walk' as const), order: nth, invoice, part }),
  act: fc.record({ do: fc.constant('act' as const), action: fc.constantFrom(...actions), order: nth, invoice, part }),
} satisfies Record<string, fc.Arbitrary<Move>>

/** Histories of about this many moves, mostly of business going its way; without `pass` it is all one day. */
export function histories(most: number, { isOneDay = false } = {}): fc.Arbitrary<Move[]> {
  const move = fc.oneof(
    ...(isOneDay ? [] : [{ arbitrary: moves.pass, weight: 3 }]),
    { arbitrary: moves.appropriate, weight: 1 },
    { arbitrary: moves.recognition, weight: 1 },
    { arbitrary: moves.list, weight: 1 },
    { arbitrary: moves.issue, weight: 6 },
    { arbitrary: moves.file, weight: 12 },
    { arbitrary: moves.walk, weight: 24 },
    { arbitrary: moves.act, weight: 8 },
  )
  return fc.array(move, { minLength: most >> 1, maxLength: most, size: 'max' })
}

const naturally: Partial<Record<OrderState, Action>> = {
  filed: 'deliver',
  accepted: 'deliver',
  delivered: 'confirm',
  confirmed: 'submit',
  returned: 'submit',
  submitted: 'verify',
  verified: 'approve',
  approved: 'clawBack',
  paid: 'clawBack',
}

interface KnownOrder {
  readonly id: string
  readonly enterprise: string
  readonly provider: string
  readonly payee: string
  state: OrderState
}

interface KnownVoucher {
  readonly id: string
  readonly enterprise: string
  readonly program: string
}

const pick = <T>(list: readonly T[], n: number): T | undefined => list[n % Math.max(1, list.length)]

/** Remembers who and what there is, so that a move can name a voucher or an order that exists. */
export class Cast {
  readonly #vouchers = new Map<string, KnownVoucher>()
  readonly #orders = new Map<string, KnownOrder>()
  /** The same in the order in which they came. */
  readonly #allVouchers: KnownVoucher[] = []
  readonly #allOrders: KnownOrder[] = []

  constructor(readonly region: Region = small) {}

  /** The command a move means now; undefined when there is nothing yet to do it to. `day` is the present one. */
  command(move: Exclude<Move, { do: 'pass' }>, day: string): Asked | undefined {
    const { programs, enterprises, providers, young } = this.region
    switch (move.do) {
      case 'appropriate': {
        const { program, jurisdiction } = pick(programs, move.program)!
        return ask.appropriate(jurisdiction, program, move.amount)
      }
      case 'recognise':
      case 'suspend': {
        const place = pick(['310000', '320509', '330000'], move.place)!
        return ask[move.do](place, pick(providers, move.provider)!.code)
      }
      case 'list':
        return ask.list(pick([...enterprises, ...providers], move.party)!.code, day, day)
      case 'issue': {
        const { program, jurisdiction } = pick(programs, move.program)!
        // Mostly to an enterprise that lies there.
        const local = enterprises.filter(({ division }) => isUnder(division, jurisdiction))
        const { code } = pick(move.enterprise % 4 === 0 ? enterprises : local, move.enterprise)!
        return ask.issue(jurisdiction, program, code, move.amount)
      }
      case 'file': {
        const { contract, contractAmount, voucherAmount } = move
        const youngest = Math.min(young, this.#allVouchers.length)
        const voucher = youngest > 0 && this.#allVouchers.at((move.voucher % youngest) - youngest)
        if (!voucher) return undefined
        const { code } = pick(providers, move.provider)!
        const terms = { contractNo: `C-${contract}`, contractAmount, voucherAmount }
        return ask.file(voucher.id, voucher.enterprise, code, terms)
      }
      case 'walk': {
        const order = pick(this.#allOrders, move.order)
        const action = order && naturally[order.state]
        return action && this.#act(action, order, move.invoice, move.part)
      }
      case 'act': {
        const order = pick(this.#allOrders, move.order)
        return order && this.#act(move.action, order, move.invoice, move.part)
      }
    }
  }

  #act(action: Action, { id, enterprise, provider, payee }: KnownOrder, invoice: number, part: bigint | null): Asked {
    switch (action) {
      case 'deliver':
        return ask.deliver(id, provider)
      case 'confirm':
        return ask.confirm(id, enterprise)
      case 'cancel':
        return ask.cancel(id, enterprise)
      case 'submit':
        return ask.submit(id, payee, invoice + 1)
      case 'approve':
        return ask.approve(id, part, invoice % 5 === 0 ? 'Chen' : 'Li')
      case 'clawBack':
        return ask.clawBack(id, part ?? 10_00n)
      case 'accept':
      case 'decline':
        return ask[action](id, provider)
      case 'supplement':
        return ask.supplement(id, enterprise, 1_000_00n, part ?? 50_00n)
      case 'appeal':
        return ask.appeal(id, payee)
      default:
        return ask[action](id)
    }
  }

  /** Takes note of what a command came to. */
  learn({ type, command }: Asked, outcome: Outcome): void {
    if (isRefusal(outcome)) return
    const event = outcome.event as { voucher?: string; order?: string; state?: OrderState }
    if (type.kind === 'issue') {
      const { enterprise, program } = command as { enterprise: string; program: string }
      const voucher = { id: event.voucher!, enterprise, program }
      if (this.#vouchers.has(voucher.id)) return
      this.#vouchers.set(voucher.id, voucher)
      this.#allVouchers.push(voucher)
    } else if (type.kind === 'file_order') {
      const { voucher, provider } = command as { voucher: string; provider: string }
      const known = this.#vouchers.get(voucher)
      if (!known || this.#orders.has(event.order!)) return
      const { payee } = this.region.programs.find((p) => p.program === known.program)!
      const paid = payee === 'provider' ? provider : known.enterprise
      const order: KnownOrder = {
        id: event.order!,
        enterprise: known.enterprise,
        provider,
        payee: paid,
        state: 'filed',
      }
      this.#orders.set(order.id, order)
      this.#allOrders.push(order)
    } else if (event.order && event.state) {
      const order = this.#orders.get(event.order)
      if (order) order.state = event.state
    }
  }
}
