import { commandTypes } from '../commands.js'
import { type Fen, parseYuan, yuan } from '../core/money.js'
import { isRefusal, type Refusal, type RefusalCode, Refused } from '../core/refusals.js'
import { addDays, type Day, type Instant, isDay, yearOf } from '../core/time.js'
import { isVoucherOverdue, lapseOrderCommand, lapseVoucherCommand } from '../deadlines/commands.js'
import { type CommandType, SYSTEM } from '../engine/command.js'
import { available } from '../ledger/accounts.js'
import type { Book } from '../ledger/book.js'
import type { Find } from '../ledger/fact.js'
import type { Context, Plan } from '../ledger/plan.js'
import { World } from '../ledger/world.js'
import { idOf, type Order, orders } from '../orders/facts.js'
import { isOverdue } from '../orders/rules.js'
import { appropriateCommand, publishProgramCommand } from '../programs/commands.js'
import type { ProgramRules } from '../programs/contract.js'
import { poolOf } from '../programs/facts.js'
import { endsOn, type Voucher, vouchers } from '../vouchers/facts.js'
import { MOST_NAMED, type SimulateProgram, type Simulation } from './contract.js'
import type { Logged } from './queries.js'

const objections = ['file_objection', 'resolve_objection']

/** How many, and how much in fen. */
class Sum {
  count = 0
  amount: Fen = 0n

  add(amount: Fen): void {
    this.count++
    this.amount += amount
  }

  get text() {
    return { count: this.count, amount: yuan(this.amount) }
  }
}

class Course {
  readonly vouchers = new Sum()
  readonly orders = new Sum()
  readonly approvals = new Sum()
  readonly issued = new Sums()
  readonly approved = new Sums()

  get text() {
    return { vouchers: this.vouchers.text, orders: this.orders.text, approvals: this.approvals.text }
  }
}

/** Sums by name. */
class Sums extends Map<string, Sum> {
  add(name: string, amount: Fen): void {
    const sum = this.get(name) ?? new Sum()
    this.set(name, sum)
    sum.add(amount)
  }
}

const byName = ([a]: readonly [string, Sum], [b]: readonly [string, Sum]) => (a < b ? -1 : 1)
const monthOf = (day: Day) => day.slice(0, 7)

/** What a filing says, as far as a play has to look at it. */
interface Filed {
  readonly voucher: string
  readonly voucherAmount: Fen
  readonly replaces?: string | null
}

/** What the steps of a log are of: each names one of these. */
interface Body {
  readonly program?: string
  readonly voucher?: string
  readonly order?: string
}

/**
 * Plays a log in a world of its own under a draft's rules, through the commands' own `decide`. Commands keep the numbers
 * they really had, so vouchers and orders keep their ids and what is said of them later finds them.
 */
export class Play {
  readonly #world = new World(true, false)
  readonly #find: Find = this.#world.reader(new Set())
  readonly #book: Book
  readonly #program: string
  readonly #was = new Course()
  readonly #would = new Course()
  readonly #refused = new Sums()
  readonly #hit = new Sums()
  /** Vouchers and orders that really were, whether or not they are in the play, and whose. */
  readonly #real = new Map<string, { readonly enterprise: string; readonly amount: Fen }>()
  /** Orders and vouchers that were refused something: what follows in the log is not asked any more. */
  readonly #fallen = new Set<string>()
  /** Ids of what may have to lapse after a day. */
  readonly #due = new Map<Day, { readonly orders: Set<string>; readonly vouchers: Set<string> }>()
  /** Approvals that wait for the end of a notice, by the day on which they are asked again. */
  readonly #waiting = new Map<Day, Logged[]>()
  readonly #lapsed = { orders: 0, vouchers: 0 }
  #day: Day = ''
  #exhaustedOn: Day | null = null
  #outside = 0

  constructor(readonly asked: SimulateProgram) {
    this.#book = Number(asked.jurisdiction)
    this.#program = asked.program ?? 'draft 草稿'
  }

  /** Publishes the draft and fills its pool. */
  open(): void {
    const { rules, from, jurisdiction, budget } = this.asked
    const context = { at: 0, day: from, actor: SYSTEM, seq: 1 }
    const program = this.#program
    // The log has no acceptance and no documents for a draft that asks for them.
    const published = { program, jurisdiction, ...movedTo(yearOf(from), rules), evidence: null, acceptanceDays: null }
    this.#decide(publishProgramCommand as unknown as CommandType, published, context)
    this.#decide(appropriateCommand as unknown as CommandType, { program, amount: budget }, context)
  }

  /** Takes what the region said; what rests on something that is not played is left out. */
  hear(logged: Logged): void {
    this.#again(logged, commandOf(logged))
  }

  /** Asks a step again, after the time that has passed until its day. */
  step(logged: Logged): void {
    this.#pass(logged.day, logged.moment)
    const { kind } = logged
    if (kind === 'issue') this.#issue(logged)
    else if (kind === 'file_order') this.#file(logged)
    else this.#follow(logged)
  }

  #issue(logged: Logged): void {
    const { program: of } = logged.body as Body
    if (this.asked.program && of !== this.asked.program) return
    const { enterprise, amount } = commandOf(logged) as { enterprise: string; amount: Fen }
    const command = { enterprise, amount, program: this.#program }
    const voucher = vouchers.key({ book: this.#book, voucher: logged.seq } as Voucher)
    this.#real.set(voucher, { enterprise, amount })
    this.#was.vouchers.add(amount)
    this.#was.issued.add(monthOf(logged.day), amount)
    const refusal = this.#again(logged, command)
    if (refusal) {
      if (refusal.refused === 'pool_insufficient') this.#exhaustedOn ??= logged.day
      this.#fallen.add(voucher)
      this.#refuse('issue', refusal.refused, enterprise, amount)
    } else {
      this.#would.vouchers.add(amount)
      this.#would.issued.add(monthOf(logged.day), amount)
    }
  }

  #file(logged: Logged): void {
    const { replaces, ...filed } = commandOf(logged) as Filed
    // An order that was refused in the play cannot be replaced in it.
    const command = replaces && this.#find(orders, replaces) ? { ...filed, replaces } : filed
    const voucher = this.#real.get(command.voucher)
    if (!voucher) {
      this.#outside++
      return
    }
    const { enterprise } = voucher
    const amount = command.voucherAmount
    const order = idOf({ book: this.#book, order: logged.seq })
    this.#real.set(order, { enterprise, amount })
    this.#was.orders.add(amount)
    const refusal = this.#again(logged, command)
    if (refusal) {
      this.#fallen.add(order)
      this.#refuse('file_order', refusal.refused, enterprise, amount)
    } else this.#would.orders.add(amount)
  }

  /** What became of an order or a voucher. */
  #follow(logged: Logged): void {
    const { order, voucher } = logged.body as Body
    const thing = order ?? voucher ?? ''
    const real = this.#real.get(thing)
    if (!real) return
    if (logged.approved !== null) {
      const amount = parseYuan(logged.approved)
      this.#was.approvals.add(amount)
      this.#was.approved.add(monthOf(logged.day), amount)
    }
    this.#ask(logged, thing, real)
  }

  #ask(logged: Logged, thing: string, real: { readonly enterprise: string; readonly amount: Fen }): void {
    if (this.#fallen.has(thing)) return
    const refusal = this.#again(logged, commandOf(logged))
    // Where no notice runs nobody objects, which takes nothing from the order.
    if (refusal && objections.includes(logged.kind)) return
    if (refusal?.refused === 'notice_running') {
      const day = addDays(refusal.details!.noticeEnds as Day, 1)
      const waiting = this.#waiting.get(day) ?? []
      this.#waiting.set(day, waiting)
      waiting.push(logged)
    } else if (refusal) {
      this.#fallen.add(thing)
      this.#refuse(logged.kind, refusal.refused, real.enterprise, real.amount)
    }
  }

  #refuse(step: string, code: RefusalCode, enterprise: string, amount: Fen): void {
    this.#refused.add(`${step} ${code}`, amount)
    this.#hit.add(enterprise, amount)
  }

  /** Lets the days pass until this one: what is overdue lapses, what waited is asked again. */
  #pass(day: Day, at: Instant): void {
    if (day === this.#day) return
    this.#day = day
    const late = [...this.#due.keys()].filter((until) => until < day).sort()
    const due = late.map((until) => this.#due.get(until)!)
    for (const until of late) this.#due.delete(until)
    const context = { at, day, actor: SYSTEM, seq: 0 }
    for (const { orders: ids } of due) {
      for (const id of ids) {
        if (!isOverdue(this.#find(orders, id)!, day)) continue
        this.#decide(lapseOrderCommand as unknown as CommandType, { order: id }, context)
        this.#lapsed.orders++
      }
    }
    for (const { vouchers: ids } of due) {
      for (const id of ids) {
        if (!isVoucherOverdue(this.#find(vouchers, id)!, day)) continue
        this.#decide(lapseVoucherCommand as unknown as CommandType, { voucher: id }, context)
        this.#lapsed.vouchers++
      }
    }
    for (const then of [...this.#waiting.keys()].filter((one) => one <= day).sort()) {
      const waiting = this.#waiting.get(then)!
      this.#waiting.delete(then)
      for (const logged of waiting) {
        const { order = '' } = logged.body as Body
        this.#ask({ ...logged, day: then, moment: at }, order, this.#real.get(order)!)
      }
    }
  }

  /** Decides a logged command again; undefined when it is accepted. */
  #again(logged: Logged, command: unknown): Refusal | undefined {
    const { day, moment: at, seq, subject, organisation } = logged
    const actor = { subject, organisation, roles: [] }
    const decision = this.#decide(commandTypes.get(logged.kind)!, command, { at, day, actor, seq })
    if (isRefusal(decision)) return decision
    if (logged.kind === 'approve_claim') {
      const amount = parseYuan(decision.event.approved as string)
      this.#would.approvals.add(amount)
      this.#would.approved.add(monthOf(day), amount)
    }
    return undefined
  }

  #decide(type: CommandType, command: unknown, context: Context): Plan | Refusal {
    try {
      const facts = type.facts(this.#find, command, context.day)
      const decision = type.decide(facts, command, context)
      if (isRefusal(decision)) return decision
      this.#world.apply(decision, context.at)
      for (const { kind, value } of decision.rows ?? []) {
        if (kind.name === orders.name) this.#note(value as Order)
        else if (kind.name === vouchers.name) this.#note(value as Voucher)
      }
      return decision
    } catch (error) {
      if (error instanceof Refused) return error.refusal
      throw error
    }
  }

  /** Notes the day after which this may have to lapse. */
  #note(thing: Order | Voucher): void {
    const until = 'order' in thing ? thing.deadline : thing.lapsedOn === null ? endsOn(thing) : null
    if (until === null) return
    const due = this.#due.get(until) ?? { orders: new Set(), vouchers: new Set() }
    this.#due.set(until, due)
    if ('order' in thing) due.orders.add(orders.key(thing))
    else due.vouchers.add(vouchers.key(thing))
  }

  /** What came of it, once the last day is over. */
  report(): Simulation {
    const { from, to } = this.asked
    this.#pass(to, this.#world.head(this.#book).moment)
    const months = []
    for (let month = monthOf(from); month <= monthOf(to); month = monthOf(addDays(`${month}-28`, 4))) {
      const of = (sums: Sums) => yuan(sums.get(month)?.amount ?? 0n)
      months.push({
        month,
        issued: of(this.#would.issued),
        approved: of(this.#would.approved),
        wasIssued: of(this.#was.issued),
        wasApproved: of(this.#was.approved),
      })
    }
    const hit = [...this.#hit]
      .sort(byName)
      .sort(([, a], [, b]) => (a.amount > b.amount ? -1 : a.amount < b.amount ? 1 : 0))
    return {
      was: this.#was.text,
      would: this.#would.text,
      refused: [...this.#refused].sort(byName).map(([name, sum]) => {
        const [step, code] = name.split(' ') as [string, RefusalCode]
        return { step, code, ...sum.text }
      }),
      months,
      lapsed: { ...this.#lapsed },
      exhaustedOn: this.#exhaustedOn,
      pool: yuan(available(this.#find, this.#book, poolOf(this.#program))),
      outside: this.#outside,
      enterprises: {
        hit: hit.length,
        items: hit.slice(0, MOST_NAMED).map(([enterprise, sum]) => ({ enterprise, ...sum.text })),
      },
    }
  }
}

/** What was logged was valid then, and is read as it is now. */
function commandOf({ kind, body }: Logged): unknown {
  // A second person's approval is played as the command alone.
  const { proposal: _, proposedBy: __, ...said } = body as { proposal?: string; proposedBy?: string }
  return commandTypes.get(kind)!.schema.parse(said)
}

/** A draft for another year, with its days in this one. */
function movedTo(year: number, rules: ProgramRules): ProgramRules {
  const years = year - yearOf(rules.applyFrom)
  const move = (day: Day) => {
    const moved = `${yearOf(day) + years}${day.slice(4)}`
    return isDay(moved) ? moved : moved.replace(/29$/, '28')
  }
  const { applyFrom, applyTo, useBy } = rules
  return { ...rules, applyFrom: move(applyFrom), applyTo: move(applyTo), useBy: useBy ? move(useBy) : null }
}
