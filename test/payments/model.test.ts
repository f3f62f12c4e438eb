/** Payments against a slow and obvious model: releases, stops, what the bank says, claw-backs in between. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { accountKinds, transferTypes } from '../../src/ledger/chart.js'
import { post } from '../../src/ledger/entry.js'
import type { AccountName, Transfer } from '../../src/ledger/plan.js'
import {
  batchKey,
  lineReference,
  type PaymentBatch,
  type PaymentLine,
  refundReference,
} from '../../src/payments/facts.js'
import { release, stop } from '../../src/payments/rules.js'
import { type Grounds, Matching } from '../../src/statements/rules.js'
import { uscc } from '../support/scene.js'

const BOOK = 320509
const CODES = [1, 2, 3].map(uscc)
const POOL: AccountName = { kind: 'pool', owner: 'P' }
const payable = (owner: string): AccountName => ({ kind: 'payable', owner, province: 310000 })
const recoverable = (owner: string): AccountName => ({ kind: 'recoverable', owner, province: 310000 })

const small = (a: bigint, b: bigint) => (a < b ? a : b)
const large = (a: bigint, b: bigint) => (a > b ? a : b)

/** The real rules, and accounts that are nothing but their entries added up. */
class Real {
  readonly batches = new Map<string, PaymentBatch>()
  readonly #accounts = new Map<string, bigint>()

  balance(kind: AccountName['kind'], owner: string): bigint {
    return this.#accounts.get(`${kind} ${owner}`) ?? 0n
  }

  book(entry: readonly Transfer[]): void {
    for (const { type, debit, credit, amount } of entry) {
      if (transferTypes[type].debit !== debit.kind || transferTypes[type].credit !== credit.kind) throw new Error(type)
      this.#move(debit, 'debit', amount)
      this.#move(credit, 'credit', amount)
    }
    for (const [name, posted] of this.#accounts) {
      const kind = name.slice(0, name.indexOf(' ')) as AccountName['kind']
      if (accountKinds[kind].floor && kind !== 'pool' && posted < 0n) throw new Error(`${name} is ${posted}`)
    }
  }

  #move({ kind, owner }: AccountName, side: 'debit' | 'credit', amount: bigint): void {
    const more = accountKinds[kind].normal === side ? amount : -amount
    this.#accounts.set(`${kind} ${owner}`, this.balance(kind, owner) + more)
  }

  /** As the bureau claws back: out of what is payable, then beyond it. */
  clawBack(owner: string, amount: bigint): void {
    const first = small(amount, this.balance('payable', owner))
    this.book([
      ...(first > 0n ? [post('claw_back_payable', payable(owner), POOL, first)] : []),
      ...(amount > first ? [post('claw_back_recoverable', recoverable(owner), POOL, amount - first)] : []),
    ])
  }

  grounds(): Grounds {
    const payees = CODES.map((code) => {
      const owner = `provider:${code}`
      const owing = this.balance('recoverable', owner)
      return [code, [{ owner, payable: payable(owner), recoverable: recoverable(owner), owing }]] as const
    })
    return { book: BOOK, batches: this.batches, received: new Map(), payees: new Map(payees) }
  }
}

/** One line as a child would keep it: what is on its way, and every yuan that the bank moved. */
interface Kept {
  readonly batch: number
  readonly line: number
  readonly payee: string
  readonly amount: bigint
  readonly clawedBack: bigint
  setOff: bigint
  /** On its way or paid, since it was last released. */
  live: bigint
  paid: bigint
  out: bigint
  back: bigint
  state: PaymentLine['state']
}

class Model {
  readonly lines: Kept[] = []
  readonly clawed = new Map<string, bigint>()
  readonly refunded = new Map<string, bigint>()

  /** What a payee is to get on balance, out of everything that ever happened to it. */
  net(payee: string): bigint {
    const own = this.lines.filter((line) => line.payee === payee)
    const sum = own.reduce((all, { amount, live, paid, out, back }) => all + amount - (live - paid) - out + back, 0n)
    return sum - (this.clawed.get(payee) ?? 0n) + (this.refunded.get(payee) ?? 0n)
  }

  open(line: Kept): void {
    Object.assign(line, { live: 0n, paid: 0n, state: 'open' })
  }

  /** What is paid of a line if it is released now. */
  release(line: Kept, inFull: boolean): bigint {
    const most = line.amount - line.setOff
    const isInstruction = line.payee.startsWith('jurisdiction:')
    const asPeriod = large(0n, line.amount - large(line.setOff, line.clawedBack))
    const due = isInstruction ? most : inFull ? asPeriod : small(most, large(0n, this.net(line.payee)))
    line.setOff = line.amount - due
    line.live = due
    line.state = due > 0n ? 'released' : 'set_off'
    return due
  }

  /** Whether the bank may have paid this, or given this back. */
  fits(side: 'debit' | 'credit', line: Kept, amount: bigint): boolean {
    return side === 'debit'
      ? line.state === 'released' && line.paid + amount <= line.live
      : line.paid > 0n && amount === line.paid
  }

  bank(side: 'debit' | 'credit', line: Kept, amount: bigint): void {
    if (side === 'credit') {
      line.back += amount
      this.open(line)
      return
    }
    line.out += amount
    line.paid += amount
    if (line.paid === line.live) line.state = 'paid'
  }
}

const amount = fc.oneof(fc.bigInt(1n, 9n), fc.bigInt(1n, 1000_00n))
const pick = fc.nat(1000)
const made = fc.record({
  do: fc.constant('batch' as const),
  isInstruction: fc.boolean(),
  lines: fc.array(fc.record({ amount, clawedBack: fc.oneof(fc.constant(0n), amount), payee: fc.nat(2) }), {
    minLength: 1,
    maxLength: 3,
  }),
})
const bank = fc.record({
  do: fc.constant('bank' as const),
  side: fc.constantFrom('debit' as const, 'credit' as const),
  // More than one: the bank booked several payments as one line 合并.
  picks: fc.array(pick, { minLength: 1, maxLength: 3 }),
  how: fc.constantFrom('whole' as const, 'whole' as const, 'part' as const, 'more' as const),
  /** Mostly of lines that it can be for. */
  isAny: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  part: fc.integer({ min: 1, max: 99 }),
})
const steps = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: made },
    { weight: 5, arbitrary: bank },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('release' as const),
        picks: fc.array(pick, { minLength: 1, maxLength: 4 }),
        inFull: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('stop' as const), pick }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('claw back' as const), pick, amount }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('refund' as const), pick, amount }) },
  ),
  { minLength: 10, maxLength: 40 },
)
type Step = (typeof steps extends fc.Arbitrary<infer T> ? T : never)[number]

class Play {
  readonly real = new Real()
  readonly model = new Model()
  readonly done = { released: 0, lessened: 0, stopped: 0, paid: 0, parts: 0, several: 0, back: 0, refused: 0 }

  step(step: Step): void {
    const { lines } = this.model
    if (step.do === 'batch') this.#make(step)
    else if (lines.length === 0) return
    else if (step.do === 'release')
      this.#release(
        step.picks.map((n) => lines[n % lines.length]!),
        step.inFull,
      )
    else if (step.do === 'stop') this.#stop(lines[step.pick % lines.length]!)
    else if (step.do === 'bank') this.#bank(step)
    else {
      const code = CODES[step.pick % CODES.length]!
      const owner = `provider:${code}`
      if (step.do === 'refund') this.#refund(code, owner, step.amount)
      else {
        this.real.clawBack(owner, step.amount)
        this.model.clawed.set(owner, (this.model.clawed.get(owner) ?? 0n) + step.amount)
      }
    }
    this.#compare()
  }

  #batchOf({ batch }: Kept): PaymentBatch {
    return this.real.batches.get(batchKey(BOOK, batch))!
  }

  #make({ isInstruction, lines }: Extract<Step, { do: 'batch' }>): void {
    const batch = this.real.batches.size + 1
    const period = `Q${batch}`
    const kept = lines.map(({ amount, clawedBack, payee: of }, n): Kept => {
      const payee = isInstruction ? `jurisdiction:31000${n}` : `provider:${CODES[of]}`
      const fresh = { setOff: 0n, live: 0n, paid: 0n, out: 0n, back: 0n, state: 'open' } as const
      return { batch, line: n + 1, payee, amount, clawedBack: isInstruction ? 0n : clawedBack, ...fresh }
    })
    for (const { payee, amount, clawedBack } of kept) {
      if (isInstruction) continue
      this.real.book([post('overrecover', { kind: 'treasury', owner: 'other' }, payable(payee), amount)])
      if (clawedBack > 0n) this.real.clawBack(payee, clawedBack)
      this.model.clawed.set(payee, (this.model.clawed.get(payee) ?? 0n) + clawedBack)
    }
    this.model.lines.push(...kept)
    this.real.batches.set(batchKey(BOOK, batch), {
      ...{ book: BOOK, batch, period, source: isInstruction ? 'clearing' : 'payable' },
      lines: kept.map(({ line, payee, amount, clawedBack }) => ({
        ...{ line, payee, province: isInstruction ? null : 310000, amount, clawedBack, setOff: 0n, state: 'open' },
        ...{ released: 0n, paid: 0n, release: null, account: null, bounces: 0 },
      })),
    })
  }

  /** Lines of one batch, as one command releases them. */
  #release(picked: readonly Kept[], inFull: boolean): void {
    const wanted = [...new Set(picked)].filter(({ batch, state }) => batch === picked[0]!.batch && state === 'open')
    if (wanted.length === 0) return
    const batch = this.#batchOf(wanted[0]!)
    const balances = new Map(
      batch.lines.map(({ payee }) => [
        payee,
        { owed: this.real.balance('payable', payee), owing: this.real.balance('recoverable', payee) },
      ]),
    )
    const numbers = wanted.map(({ line }) => line)
    const moved = release(batch, numbers, { seq: 7, balances, inFull })
    const found = new Map(moved.released.map(({ line, amount }) => [line, amount]))
    for (const line of wanted) {
      const before = this.model.net(line.payee)
      const due = this.model.release(line, inFull)
      equal(found.get(line.line) ?? 0n, due, `released of ${line.batch}-${line.line}`)
      if (!inFull && batch.source === 'payable') {
        if (due > large(0n, before)) throw new Error(`more is released than what is payable less what is recoverable`)
        if (due < line.amount) this.done.lessened++
      }
      if (due > 0n) this.done.released++
    }
    this.#moved(moved)
  }

  #stop(line: Kept): void {
    if (line.state !== 'released' || line.paid > 0n) return
    this.#moved(stop(this.#batchOf(line), line.line))
    this.model.open(line)
    this.done.stopped++
  }

  #moved({ batch, entry }: { readonly batch: PaymentBatch; readonly entry: readonly Transfer[] }): void {
    this.real.batches.set(batchKey(BOOK, batch.batch), batch)
    this.real.book(entry)
  }

  #bank({ side, picks, how, part, isAny }: Extract<Step, { do: 'bank' }>): void {
    const fitting = this.model.lines.filter(({ state, paid }) => (side === 'debit' ? state === 'released' : paid > 0n))
    const lines = isAny || fitting.length === 0 ? this.model.lines : fitting
    const named = [...new Set(picks.map((n) => lines[n % lines.length]!))]
    const openOf = ({ live, paid }: Kept) => (side === 'debit' ? live - paid : paid)
    const whole = named.reduce((sum, line) => sum + openOf(line), 0n)
    const total = how === 'whole' ? whole : how === 'part' ? (whole * BigInt(part)) / 100n : whole + BigInt(part)
    if (total === 0n) return
    const reference = named.map(({ batch, line }) => lineReference(BOOK, batch, line)).join(' ')
    const matching = new Matching(this.real.grounds())
    const taken = matching.take({ side, amount: total, reference })
    const amounts = named.length === 1 ? [total] : named.map(openOf)
    const isTaken =
      (named.length === 1 || total === whole) && named.every((line, n) => this.model.fits(side, line, amounts[n]!))
    if (typeof taken === 'string') {
      if (isTaken) throw new Error(`${taken}: ${side} ${total} ${reference}`)
      equal(matching.entry.length + matching.batches.size, 0, 'an exception moves nothing')
      this.done.refused++
      return
    }
    if (!isTaken) throw new Error(`taken: ${side} ${total} ${reference}`)
    equal(
      taken.reduce((sum, { amount }) => sum + amount, 0n),
      total,
      'what a bank line is taken for',
    )
    this.real.book(matching.entry)
    for (const batch of matching.batches.values()) this.#onlyThese(batch, named)
    for (const batch of matching.batches.values()) this.real.batches.set(batchKey(BOOK, batch.batch), batch)
    for (const [n, line] of named.entries()) this.model.bank(side, line, amounts[n]!)
    if (named.length > 1) this.done.several++
    else if (side === 'debit' && amounts[0]! < named[0]!.live) this.done.parts++
    this.done[side === 'debit' ? 'paid' : 'back']++
  }

  /** Lines that a bank line does not name are what they were. */
  #onlyThese(after: PaymentBatch, named: readonly Kept[]): void {
    for (const [n, line] of this.real.batches.get(batchKey(BOOK, after.batch))!.lines.entries()) {
      const isNamed = named.some((one) => one.batch === after.batch && one.line === line.line)
      if (!isNamed && !isDeepStrictEqual(line, after.lines[n])) throw new Error(`line ${line.line} has changed, too`)
    }
  }

  #refund(code: string, owner: string, amount: bigint): void {
    const matching = new Matching(this.real.grounds())
    const taken = matching.take({ side: 'credit', amount, reference: refundReference(BOOK, code) })
    if (typeof taken === 'string') throw new Error(taken)
    this.real.book(matching.entry)
    this.model.refunded.set(owner, (this.model.refunded.get(owner) ?? 0n) + amount)
  }

  /** Lines and account sums are the model's. */
  #compare(): void {
    const { lines, refunded } = this.model
    for (const kept of lines) {
      const { setOff, state, released, paid } = this.#batchOf(kept).lines[kept.line - 1]!
      const is = [setOff, state, released, paid].join(' ')
      equal(is, [kept.setOff, kept.state, kept.live, kept.paid].join(' '), `line ${kept.batch}-${kept.line}`)
      equal(paid, kept.out - kept.back, 'what is paid is what bank lines confirm')
    }
    for (const { batch, period, source } of this.real.batches.values()) {
      const own = lines.filter((line) => line.batch === batch)
      const onItsWay = own.reduce((sum, { live, paid }) => sum + live - paid, 0n)
      equal(this.real.balance('paying', String(batch)), onItsWay, `on its way of batch ${batch}`)
      if (source === 'payable') continue
      const left = own.reduce((sum, { live, paid, out, back }) => sum - (live - paid) - out + back, 0n)
      equal(this.real.balance('clearing', period), left, `clearing of ${period}`)
    }
    for (const code of CODES) {
      const owner = `provider:${code}`
      const is = this.real.balance('payable', owner) - this.real.balance('recoverable', owner)
      equal(is, this.model.net(owner), `payable less recoverable of ${code}`)
    }
    const given = lines.reduce((sum, { out, back }) => sum + out - back, 0n)
    const come = [...refunded.values()].reduce((sum, amount) => sum + amount, 0n)
    equal(this.real.balance('treasury', ''), given - come, 'the treasury has moved by what the bank said')
  }
}

function equal(found: unknown, wanted: unknown, what: string): void {
  if (found !== wanted) throw new Error(`${what}: ${found}, the model says ${wanted}`)
}

t.test('releases, stops, bank lines and claw-backs in any order come to what the model says (property)', async (t) => {
  const done: Record<string, number> = {}
  fc.assert(
    fc.property(steps, (steps) => {
      const play = new Play()
      for (const step of steps) play.step(step)
      for (const [what, times] of Object.entries(play.done)) done[what] = (done[what] ?? 0) + times
    }),
    { numRuns: 1500 },
  )
  for (const [what, times] of Object.entries(done)) t.ok(times > 50, `${what}: ${times} times`)
})
