/**
 * The engine in its simplest form: no database, no batches, one command after another on a world that starts empty.
 * It is what the real engine is compared with, and what properties of the rules are tried on.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Actor } from '../../src/core/actor.js'
import { provinceOf } from '../../src/core/division.js'
import type { GrossItem } from '../../src/core/positions.js'
import { isRefusal, type Refusal, Refused } from '../../src/core/refusals.js'
import { type Day, dayOf, type Instant } from '../../src/core/time.js'
import { isVoucherOverdue, lapseOrderCommand, lapseVoucherCommand } from '../../src/deadlines/commands.js'
import { type Call, type CommandType, SYSTEM } from '../../src/engine/command.js'
import type { Receipt } from '../../src/engine/idempotency.js'
import type { Asked } from '../../src/engine/runner.js'
import type { Outcome } from '../../src/engine/ticket.js'
import type { Account, Hold } from '../../src/ledger/accounts.js'
import type { Book } from '../../src/ledger/book.js'
import type { Fact, FactKind, Find } from '../../src/ledger/fact.js'
import type { AccountName, Plan } from '../../src/ledger/plan.js'
import { type Booking, type FactSource, MISSING, World } from '../../src/ledger/world.js'
import { idOf, type Order, orders } from '../../src/orders/facts.js'
import { isOverdue } from '../../src/orders/rules.js'
import type { Program } from '../../src/programs/facts.js'
import {
  closePeriodCommand,
  confirmPaymentsCommand,
  netPeriodCommand,
  payCommand,
} from '../../src/settlement/commands.js'
import { type Period, periods } from '../../src/settlement/facts.js'
import { type Voucher, vouchers } from '../../src/vouchers/facts.js'
import { bureau } from './scene.js'

/** An accepted command with what it booked. */
export interface Logged {
  readonly kind: string
  readonly day: Day
  readonly booking: Booking
  readonly event: Plan['event']
}

/** Where nothing is: every book is at zero and there is no fact. */
const nothing: FactSource = {
  heads: async (books) =>
    new Map(books.map((book) => [book, { seq: 0, entries: 0, accounts: 0, moment: 0, batch: 0 }])),
  allHeads: async () => new Map(),
  holders: async () => new Map(),
  facts: async () => [],
}

/** Reads facts as ever, but finds no region-wide key held. */
const withoutKeys = (find: Find): Find =>
  Object.assign(((kind, key) => find(kind, key)) as Find, find, { holder: () => null })

export class Memory {
  readonly world = new World()
  readonly log: Logged[] = []
  readonly #keyless = withoutKeys(this.world.reader(new Set()))
  /** True once it has taken a command from a log instead of a caller. */
  isReplayed = false

  /** Runs one command asked at an instant; refusals are answers, faults are thrown. */
  async run({ type, command, actor }: Asked, at: Instant): Promise<Outcome> {
    return this.#decide({ type, command }, actor, at)
  }

  /** Runs several, all or nothing. */
  async runTogether(calls: readonly Call[], actor: Actor, at: Instant): Promise<Receipt[] | Refusal> {
    const logged = this.log.length
    const receipts: Receipt[] = []
    this.world.savepoint()
    try {
      for (const call of calls) {
        const outcome = await this.#decide(call, actor, at)
        if (isRefusal(outcome)) {
          this.world.takeBack()
          this.log.splice(logged)
          return outcome
        }
        receipts.push(outcome)
      }
      this.world.keep()
      return receipts
    } catch (error) {
      this.world.takeBack()
      this.log.splice(logged)
      throw error
    }
  }

  async #decide({ type, command }: Call, actor: Actor, at: Instant): Promise<Outcome> {
    const day = dayOf(at)
    for (let hasReclaimed = false; ; ) {
      try {
        const facts = type.facts(this.world.reader(new Set()), command, day)
        const { seq } = this.world.head(facts.book)
        const forbidden = actor === SYSTEM ? undefined : type.access?.(facts, actor, command)
        if (forbidden) return forbidden
        const overdue = type.overdue?.(facts, day) ?? []
        for (const lapse of overdue) await this.#decide(lapse, SYSTEM, at)
        if (overdue.length > 0) continue
        const decision = type.decide(facts, command, { at, day, actor, seq: seq + 1 })
        if (!isRefusal(decision)) return this.#take(type, decision, at)
        const owed = hasReclaimed ? [] : this.#owed(facts, decision, day)
        if (owed.length === 0) return decision
        for (const lapse of owed) await this.#decide(lapse, SYSTEM, at)
        hasReclaimed = true
      } catch (error) {
        if (error === MISSING) await this.world.load(nothing)
        else if (error instanceof Refused) return error.refusal
        else throw error
      }
    }
  }

  /**
   * Decides a command that a log says was accepted, with the actor it names and nothing lapsed first (that is in the
   * log as well). Region-wide keys are not asked: a log does not say in which order books took and gave them.
   */
  async replay(call: Call, actor: Actor, at: Instant, day: Day): Promise<Logged> {
    this.isReplayed = true
    for (;;) {
      try {
        const facts = call.type.facts(this.#keyless, call.command, day)
        const { seq } = this.world.head(facts.book)
        const decision = call.type.decide(facts, call.command, { at, day, actor, seq: seq + 1 })
        if (isRefusal(decision)) throw new Error(`${call.type.kind} was accepted, but is ${decision.refused}`)
        this.#take(call.type, decision, at, day)
        return this.log.at(-1)!
      } catch (error) {
        if (error !== MISSING) throw error
        await this.world.load(nothing)
      }
    }
  }

  #take(type: CommandType, plan: Plan, at: Instant, day = dayOf(at)): Receipt {
    const booking = this.world.apply(plan, at)
    this.log.push({ kind: type.kind, day, booking, event: plan.event })
    const { book, seq, entry, moment } = booking
    return { book, seq, entry, day, bookedAt: moment, event: plan.event }
  }

  /** What the engine asks the database for: overdue orders, then vouchers, by number. */
  #owed(facts: object, { refused }: Refusal, day: Day): Call[] {
    const late = this.rows(orders)
      .filter((order) => isOverdue(order, day))
      .sort((a, b) => a.order - b.order)
    const lapse = (order: Order): Call => ({ type: lapseOrderCommand, command: { order: idOf(order) } })
    if (refused === 'insufficient_balance') {
      const { voucher } = facts as { voucher: Voucher }
      return late.filter((o) => o.book === voucher.book && o.voucher === voucher.voucher).map(lapse)
    }
    if (refused !== 'pool_insufficient') return []
    const { program, book } = facts as { program: Program; book: Book }
    const ours = (thing: { book: Book; program: string }) => thing.book === book && thing.program === program.program
    const unused = this.rows(vouchers)
      .filter((voucher) => ours(voucher) && isVoucherOverdue(voucher, day))
      .sort((a, b) => a.voucher - b.voucher)
    return [
      ...late.filter(ours).map(lapse),
      ...unused.map((voucher): Call => ({ type: lapseVoucherCommand, command: { voucher: vouchers.key(voucher) } })),
    ]
  }

  /** Closes a period and gives every province its position. */
  async closePeriod(period: string, through: Day, at: Instant): Promise<Outcome> {
    const asked: Asked = { type: closePeriodCommand, command: { period, through }, actor: bureau('000000') }
    const outcome = await this.run(asked, at)
    if (!isRefusal(outcome)) await this.#net(period, at)
    return outcome
  }

  async #net(period: string, at: Instant): Promise<void> {
    const closed = this.rows(periods).find((p) => p.period === period)
    if (!closed || closed.netted) return
    const sums = new Map<string, GrossItem>()
    for (const { book, province, amount } of this.items(closed)) {
      const [from, to] = [provinceOf(String(book)), String(province)]
      const before = sums.get(`${from} ${to}`)?.amount ?? 0n
      sums.set(`${from} ${to}`, { from, to, amount: before + amount })
    }
    const gross = [...sums.values()].sort((a, b) => (a.from + a.to < b.from + b.to ? -1 : 1))
    await this.run({ type: netPeriodCommand, command: { period, gross }, actor: SYSTEM }, at)
  }

  /** Confirms a period's payments: the region's and every book's, all or nothing. */
  async confirmPayments(period: string, at: Instant): Promise<Outcome> {
    await this.#net(period, at)
    const closed = this.rows(periods).find((p) => p.period === period)
    const items = closed ? this.items(closed) : []
    const books = [...new Set(items.map(({ book }) => book))].sort((a, b) => a - b)
    const payments = books.map((book) => {
      const ours = items.filter((item) => item.book === book)
      const owners = [...new Set(ours.map(({ payee }) => payee))].sort()
      return {
        book,
        payees: owners.map((payee) => {
          const theirs = ours.filter((item) => item.payee === payee)
          return { payee, province: theirs[0]!.province, amount: theirs.reduce((sum, i) => sum + i.amount, 0n) }
        }),
        orders: this.rows(orders)
          .filter((order) => order.book === book && ours.some(({ seq }) => seq === order.approvedSeq))
          .sort((a, b) => a.order - b.order)
          .map(idOf),
      }
    })
    const calls: Call[] = [
      { type: confirmPaymentsCommand, command: { period } },
      ...payments.map((payment) => ({ type: payCommand, command: { period, ...payment } })),
    ]
    const outcome = await this.runTogether(calls, bureau('000000'), at)
    return isRefusal(outcome) ? outcome : outcome[0]!
  }

  /** A closed period's items: dated up to its last day, numbered up to its reach, taken by no earlier close. */
  items(period: Period) {
    const takes = ({ reaches, through }: Period, { booking: { book, seq }, day }: Logged) =>
      seq <= (reaches[book] ?? 0) && day <= through
    const earlier = this.rows(periods).filter(({ closing }) => closing < period.closing)
    return this.log
      .filter((one) => takes(period, one) && !earlier.some((other) => takes(other, one)))
      .flatMap(({ booking: { book, seq, lines } }) =>
        lines.flatMap((line) => {
          const isApproval = line.type === 'redeem' && line.phase === 'capture'
          if (!isApproval && !line.type.startsWith('claw_back')) return []
          const { owner: payee, province } = isApproval ? line.credit : line.debit
          return [{ book, seq, payee, province: province!, amount: isApproval ? line.amount : -line.amount }]
        }),
      )
  }

  /** Every fact of a kind, with its last value. */
  rows<T extends Fact>(kind: FactKind<T>): T[] {
    return [...this.world.changes.rows.values()].filter((r) => r.kind === kind).map((r) => r.value as T)
  }

  accounts(): Account[] {
    return [...this.world.changes.balances.values()]
  }

  /** Posted and held of one account; zeros when it was never opened. */
  balance(book: Book, { kind, owner }: AccountName): { posted: bigint; held: bigint } {
    const found = this.accounts().find((a) => a.book === book && a.kind === kind && a.owner === owner)
    return { posted: found?.posted ?? 0n, held: found?.held ?? 0n }
  }

  holds(): Hold[] {
    return [...this.world.changes.holds.values()]
  }

  /** Everything that was ever changed, as plain values: two snapshots are equal when nothing happened between them. */
  snapshot() {
    const { opened, balances, holds, newLegs, rows, keys } = this.world.changes
    const heads = [...new Set(this.log.map(({ booking }) => booking.book))].map((book) => [book, this.world.head(book)])
    return structuredClone({
      heads,
      opened: opened.size,
      legs: newLegs.size,
      balances: [...balances],
      holds: [...holds],
      rows: [...rows].map(([key, row]) => [key, row.value]),
      keys: [...keys],
      log: this.log.length,
    })
  }

  /** True when nothing has changed since the snapshot. */
  isAt(snapshot: ReturnType<Memory['snapshot']>): boolean {
    return isDeepStrictEqual(this.snapshot(), snapshot)
  }
}
