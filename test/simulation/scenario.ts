/** A scenario: everything that callers do and everything that goes wrong, with its time. Made from a seed, and plain data. */
import { Dice } from '../../scripts/hammer/dice.js'
import { actions, type Move, openingOf, type Region, small } from '../support/history.js'
import { rules, uscc } from '../support/scene.js'

/** What a caller does. */
export type Act =
  | Move
  /** One of the commands that make the region what it is before anything is spent. */
  | { readonly do: 'open'; readonly n: number }
  /** The same key as an earlier caller's again, with the same command or another one. */
  | { readonly do: 'again'; readonly of: number; readonly isOther: boolean }
  /** Several commands of one bureau, all or nothing. */
  | { readonly do: 'together'; readonly program: number; readonly amounts: readonly bigint[] }
  | { readonly do: 'close' | 'pay'; readonly period: number }
  /** Everything overdue lapses. */
  | { readonly do: 'sweep' }

export interface Step {
  /** Names the caller, also when others are taken out of the scenario. */
  readonly id: number
  /** In milliseconds from the start. */
  readonly at: number
  /** The engine that is asked. */
  readonly node: number
  readonly act: Act
  /** After so many milliseconds the caller does not wait any more. */
  readonly hangsUpAfter?: number
}

/** What goes wrong. */
export type Fault = { readonly at: number } & (
  | {
      /**
       * The next question is lost on its way; or is answered and the answer is lost; or arrives so much later, or its
       * answer does.
       */
      readonly what: 'lose question' | 'lose answer' | 'late question' | 'late answer'
      readonly node: number
      readonly of: 'record' | 'read'
      readonly ms: number
    }
  /** The next question is refused by the database. */
  | { readonly what: 'refuse'; readonly node: number; readonly of: 'record' | 'read'; readonly code: string }
  /** The database is away for all. */
  | { readonly what: 'outage'; readonly ms: number; readonly code: string }
  /** Every `record` is refused for want of room. */
  | { readonly what: 'full disk'; readonly ms: number }
  /** A process dies, and is started again so much later. */
  | { readonly what: 'crash'; readonly node: number; readonly ms: number }
  /** A process stands still. */
  | { readonly what: 'hold up'; readonly node: number; readonly ms: number }
  /** A process's clock is wrong by so much, for so long. */
  | { readonly what: 'clock'; readonly node: number; readonly by: number; readonly ms: number }
  /** The links between the processes are lost. */
  | { readonly what: 'cut' }
)

export interface Scenario {
  readonly seed: number
  /** Processes on one database. */
  readonly nodes: number
  /** Whether they hold a lease and ask each other, or are engines that know nothing of each other. */
  readonly isLeased: boolean
  readonly isWide: boolean
  readonly batch: number
  readonly facts: number
  readonly queue: number
  readonly steps: readonly Step[]
  readonly faults: readonly Fault[]
}

/** A region with room for thousands of commands. */
const wide: Region = {
  programs: ['310000', '320509', '330000', '330106', '340100', '310000'].map((jurisdiction, n) =>
    rules({
      program: `W${n}`,
      jurisdiction,
      annualCap: 1_000_000_000_00n,
      orderCap: n === 2 ? 90_00n : null,
      payee: n % 2 === 0 ? 'provider' : 'enterprise',
      invoice: n === 3 ? 'self_paid' : 'whole',
      applyTo: '2029-12-31',
    }),
  ),
  enterprises: ['310115', '320509', '330106', '330106', '340100', '310115', '320509', '340100'].map((division, n) => ({
    code: uscc(n + 101),
    division,
  })),
  providers: ['310104', '320583', '330106', '340100', '310104'].map((division, n) => ({
    code: uscc(n + 201),
    division,
  })),
  young: 200,
  budget: 2_000_000_00n,
}

export const regionOf = ({ isWide }: Pick<Scenario, 'isWide'>) => (isWide ? wide : small)

const openings = new Map([small, wide].map((region) => [region, openingOf(region)]))
export const openingFor = (region: Region) => openings.get(region)!

/** The scenario of a seed. Many are small and nasty, some carry thousands of commands in large batches. */
export function scenarioOf(seed: number): Scenario {
  const dice = new Dice(seed, 'scenario')
  const isWide = seed % 4 === 0
  const company = dice.weighed({ alone: 4, handover: 3, rivals: 2, leased: 3 })
  const nodes = company === 'alone' ? 1 : dice.between(2, 3)
  const steps = stepsOf(dice, isWide, company, nodes)
  return {
    seed,
    nodes,
    isLeased: company === 'leased',
    isWide,
    batch: isWide ? 1000 : dice.pick([1, 3, 10, 1000]),
    facts: isWide ? dice.pick([2000, 200_000, 200_000, 200_000]) : dice.pick([0, 20, 200_000]),
    queue: isWide ? 20_000 : dice.pick([12, 20_000, 20_000]),
    steps,
    faults: faultsOf(dice, isWide, nodes, steps.at(-1)!.at),
  }
}

type Company = 'alone' | 'handover' | 'rivals' | 'leased'

function stepsOf(dice: Dice, isWide: boolean, company: Company, nodes: number): Step[] {
  const steps: Step[] = []
  const region = regionOf({ isWide })
  const add = (at: number, node: number, act: Act, hangsUpAfter?: number) => {
    steps.push({ id: steps.length, at, node, act, ...(hangsUpAfter === undefined ? {} : { hangsUpAfter }) })
  }
  openingFor(region).forEach((_, n) => {
    add(0, 0, { do: 'open', n })
  })
  const most = isWide ? dice.between(8000, 20_000) : dice.between(15, 250)
  const size = isWide ? dice.between(100, 600) : dice.pick([1, 3, 12, 40])
  let at = 30
  let node = 0
  while (steps.length < most) {
    if (company !== 'alone' && dice.chance(isWide ? 0.05 : 0.06)) node = dice.between(0, nodes - 1)
    // Rivals take turns within a burst, for a while.
    const isContested = company === 'leased' || (company === 'rivals' && dice.chance(isWide ? 0.06 : 0.5))
    const tide = dice.pick([tides[0], tides[1], tides[2], tides[2], tides[3]])
    for (let n = dice.between(1, isContested && company === 'rivals' ? Math.min(size, 60) : size); n > 0; n--) {
      const where = isContested ? dice.between(0, nodes - 1) : node
      const hangsUp = !isWide && dice.chance(0.02) ? dice.between(0, 30) : undefined
      if (steps.length > 30 && dice.chance(isWide ? 0.01 : 0.06)) {
        const of = steps.length - dice.between(1, 25)
        add(at, dice.chance(0.5) ? where : dice.between(0, nodes - 1), { do: 'again', of, isOther: dice.chance(0.2) })
      } else add(at, where, isWide ? wideAct(dice, tide) : smallAct(dice), hangsUp)
    }
    at += isWide ? dice.between(2, 30) : dice.pick([0.2, 1, 4, 20, 300])
  }
  return steps
}

const amounts = [1n, 99n, 33_33n, 100_00n, 250_00n, 400_00n]

function smallAct(dice: Dice): Act {
  const nth = () => dice.between(0, 40)
  const part = () => (dice.chance(0.8) ? null : dice.pick([1n, 40_00n, 99_99n, 300_00n]))
  const invoice = () => dice.between(0, 14)
  const what = dice.weighed({
    pass: 3,
    appropriate: 1,
    recognition: 1,
    list: 1,
    issue: 7,
    file: 12,
    walk: 24,
    act: 8,
    together: 1,
    close: 1,
    pay: 1,
    sweep: 1,
  })
  switch (what) {
    case 'pass':
      return { do: what, days: dice.pick([1, 1, 2, 5, 31]) }
    case 'appropriate':
      return { do: what, program: nth(), amount: dice.pick(amounts) }
    case 'recognition':
      return { do: dice.pick(['recognise', 'recognise', 'suspend']), place: nth(), provider: nth() }
    case 'list':
      return { do: what, party: nth(), days: 0 }
    case 'issue':
      return { do: what, enterprise: nth(), program: nth(), amount: dice.pick(amounts) }
    case 'file': {
      const contractAmount = dice.pick([3_00n, 200_00n, 1_000_00n])
      const contract = dice.between(0, 25)
      return { do: what, voucher: nth(), provider: nth(), contract, contractAmount, voucherAmount: dice.pick(amounts) }
    }
    case 'walk':
      return { do: what, order: nth(), invoice: invoice(), part: part() }
    case 'act':
      return { do: what, action: dice.pick(actions), order: nth(), invoice: invoice(), part: part() }
    case 'together':
      return { do: what, program: nth(), amounts: Array.from({ length: dice.between(2, 4) }, () => dice.pick(amounts)) }
    case 'close':
    case 'pay':
      return { do: what, period: dice.between(0, 3) }
    case 'sweep':
      return { do: what }
  }
}

/** What most of a burst is about in a wide region. */
const tides = [
  { issue: 12, walk: 1 },
  { file: 12, walk: 2 },
  { walk: 30, appropriate: 1 },
  { walk: 6, issue: 2, file: 3 },
] as const

/** Business mostly going its way, on a few thousand vouchers and orders. */
function wideAct(dice: Dice, tide: Readonly<Record<string, number>>): Act {
  const nth = () => dice.between(0, 20_000)
  if (dice.chance(0.004)) return smallAct(dice)
  switch (dice.weighed(tide)) {
    case 'appropriate':
      return { do: 'appropriate', program: nth(), amount: dice.pick(amounts) }
    case 'issue':
      return { do: 'issue', enterprise: nth(), program: nth(), amount: dice.pick([250_00n, 400_00n]) }
    case 'walk':
      return { do: 'walk', order: nth(), invoice: dice.between(0, 10 ** 9), part: null }
    default: {
      const terms = { contract: dice.between(0, 10 ** 6), contractAmount: 1_000_00n, voucherAmount: 33_33n }
      return { do: 'file', voucher: nth(), provider: nth(), ...terms }
    }
  }
}

const MINUTE = 60_000

function faultsOf(dice: Dice, isWide: boolean, nodes: number, until: number): Fault[] {
  const most = dice.pick(isWide ? [0, 2, 5] : [0, 3, 10, 25])
  const faults = Array.from({ length: most }, (): Fault => {
    const at = dice.between(20, Math.ceil(until) + 20)
    const node = dice.between(0, nodes - 1)
    const of = dice.pick(['record', 'record', 'read'] as const)
    const ms = dice.pick(isWide ? [5, 20, 100] : [5, 50, 500, 4_000, 16_000])
    const what = dice.weighed({
      'lose question': 3,
      'lose answer': 4,
      'late question': 2,
      'late answer': 2,
      refuse: 2,
      outage: 1,
      'full disk': 1,
      crash: 2,
      'hold up': 1,
      clock: 2,
      cut: 1,
    })
    switch (what) {
      case 'refuse':
        return { at, what, node, of, code: dice.pick(['40001', '55P03', '40P01', '57P01']) }
      case 'outage':
        return { at, what, ms, code: dice.pick(['ECONNREFUSED', 'CONNECTION_CLOSED', '57P03']) }
      case 'full disk':
        return { at, what, ms }
      case 'cut':
        return { at, what }
      case 'crash':
      case 'hold up':
        return { at, what, node, ms }
      case 'clock':
        // Hours ahead would stop the service for hours: it is right to refuse whatever comes before what is booked.
        return { at, what, node, by: dice.pick([-3_000, 3_000, -25 * MINUTE, 25 * MINUTE, -300 * MINUTE]), ms }
      default:
        return { at, what, node, of, ms }
    }
  })
  return faults.sort((a, b) => a.at - b.at)
}
