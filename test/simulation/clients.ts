import { Dice } from '../../scripts/hammer/dice.js'
import type { Actor } from '../../src/core/actor.js'
import { bookText, orderId, voucherId } from '../../src/core/ids.js'
import { isRefusal, Refused, refuse } from '../../src/core/refusals.js'
import { addDays, type Day, dayOf } from '../../src/core/time.js'
import { type Call, type CommandType, SYSTEM, wire } from '../../src/engine/command.js'
import { keyId } from '../../src/engine/idempotency.js'
import { proposals, proposeCommand, twoPersonType } from '../../src/engine/proposal.js'
import type { Asked } from '../../src/engine/runner.js'
import type { Outcome } from '../../src/engine/ticket.js'
import { seconds } from '../../src/platform/permissions.js'
import {
  closePeriodCommand,
  confirmPaymentsCommand,
  netPeriodCommand,
  payCommand,
} from '../../src/settlement/commands.js'
import { Cast } from '../support/history.js'
import { ask, bureau } from '../support/scene.js'
import { overdue } from './answers.js'
import type { Ledger } from './ledger.js'
import type { Calendar, Node } from './nodes.js'
import { type Act, openingFor, regionOf, type Scenario, type Step } from './scenario.js'
import type { Process, Schedule } from './schedule.js'
import { grossOf, paymentsOf } from './settlement.js'

const DAY = 86_400_000

/** What somebody asks: one command or several, all or nothing. */
interface Asking {
  readonly calls: readonly Call[]
  readonly actor: Actor
  readonly key: string | undefined
}

/** Somebody who asks, and asks again until there is an answer. */
export interface Caller extends Asking {
  readonly id: number
  /** The key as the log has it. */
  readonly keyId: string | undefined
  /** When it was first asked, in happenings. */
  readonly sent: number
  /** The process that is asked just now. */
  waitsFor: Process | undefined
  /** False once it does not want the answer any more. */
  isPatient: boolean
  /** The final answer, and when it came. */
  outcomes: readonly Outcome[] | undefined
  answered: number
  /** What it met instead of an answer. */
  fault: unknown
  /** Whether it was told that nothing is known of its command. */
  wasLeftInDoubt: boolean
}

/** After these nothing is known or nothing was done: the caller asks again. */
const passing = ['overloaded', 'unavailable', 'clock_behind']

/** Everybody who asks: makes commands of the steps of a scenario, asks them, and asks again until they are answered. */
export class Clients {
  readonly callers: Caller[] = []
  readonly #byStep = new Map<number, Caller>()
  readonly #cast: Cast
  readonly #dice: Dice
  /** Callers who wait for an answer, or will ask again. */
  readonly #open = new Set<Caller>()

  constructor(
    scenario: Scenario,
    readonly schedule: Schedule,
    readonly nodes: readonly Node[],
    readonly ledger: Ledger,
    readonly calendar: Calendar,
    readonly trace: ((line: string) => void) | undefined,
  ) {
    this.#cast = new Cast(regionOf(scenario))
    this.#dice = new Dice(scenario.seed, 'clients')
  }

  /** Whether everybody has an answer, or does not want one any more. */
  get isQuiet(): boolean {
    return this.#open.size === 0
  }

  /** Everybody goes home; whoever has no answer is returned. */
  goHome(): Caller[] {
    const open = [...this.#open]
    for (const caller of open) this.#leave(caller)
    return open
  }

  #leave(caller: Caller): void {
    caller.isPatient = false
    this.#open.delete(caller)
  }

  play(step: Step): void {
    const { act, id, hangsUpAfter } = step
    const node = this.nodes[step.node]!
    if (act.do === 'pass') {
      this.calendar.passed += act.days * DAY
      this.trace?.(`${act.days} days pass`)
      return
    }
    for (const asking of this.#askings(act, `key ${id}`, dayOf(node.clock.now()))) {
      const caller = this.#start(id, node, asking)
      if (!this.#byStep.has(id)) this.#byStep.set(id, caller)
      if (hangsUpAfter === undefined) continue
      this.schedule.plan(hangsUpAfter, 'hangs up', () => {
        this.trace?.(`${nameOf(caller)} hangs up`)
        this.#leave(caller)
      })
    }
  }

  /** What an act means now: nothing when there is nothing yet to do it to. */
  #askings(act: Exclude<Act, { do: 'pass' }>, key: string, day: Day): Asking[] {
    const one = ({ actor, ...call }: Asked): Asking => ({ calls: [call], actor, key })
    switch (act.do) {
      case 'open':
        return [one(openingFor(this.#cast.region)[act.n]!)]
      case 'again': {
        const before = this.#byStep.get(act.of)
        if (!before?.key) return []
        const other = ask.enterprise(this.#cast.region.enterprises[0]!.code, '310115')
        return [act.isOther ? { ...before, calls: [other] } : before]
      }
      case 'together': {
        const { programs, enterprises } = this.#cast.region
        const { program, jurisdiction } = programs[act.program % programs.length]!
        const enterprise = enterprises[act.program % enterprises.length]!.code
        const issues = act.amounts.map((amount) => ask.issue(jurisdiction, program, enterprise, amount))
        const calls = [ask.appropriate(jurisdiction, program, act.amounts[0]!), ...issues]
        return [{ calls, actor: bureau(jurisdiction), key }]
      }
      case 'close':
        return [one(ask.close(`P${act.period}`, addDays(day, -1)))]
      case 'pay':
        return this.#payments(`P${act.period}`, key)
      case 'sweep':
        return overdue(this.ledger, day, () => true)
          .slice(0, 50)
          .map(({ book, number, what }) => {
            const { type, command } =
              what === 'order' ? ask.lapseOrder(orderId(book, number)) : ask.lapseVoucher(voucherId(book, number))
            return { calls: [{ type, command }], actor: SYSTEM, key: undefined }
          })
      default: {
        const asked = this.#cast.command(act, day)
        return asked ? (this.#byTwo(asked, key) ?? [one(asked)]) : []
      }
    }
  }

  /** Some of what takes two persons is only proposed, and what was proposed first is approved meanwhile. */
  #byTwo({ type, command, actor }: Asked, key: string): Asking[] | undefined {
    const { kind } = type
    if (!Object.values(seconds).some((second) => second.kind === kind) || this.#dice.chance(0.5)) return undefined
    const propose = proposeCommand as unknown as CommandType
    const call = { type: propose, command: { kind, command, jurisdiction: actor.jurisdiction } }
    const open = [...this.ledger.nouns.proposals.values()].find(({ state }) => state === 'open')
    if (!open) return [{ calls: [call], actor, key }]
    const second = twoPersonType(open.kind)
    const approve = {
      type: second.type,
      command: { ...second.parse(open.command), proposal: proposals.key(open), proposedBy: open.proposedBy },
    }
    const bureauOf = bookText(open.jurisdiction)
    return [
      { calls: [call], actor, key },
      { calls: [approve], actor: bureau(bureauOf, this.#dice.chance(0.9) ? 'Li' : 'Chen'), key: `${key} approval` },
    ]
  }

  /** As src/settlement/settle.ts does: only what was netted before its payments were read may be paid. */
  #payments(period: string, key: string): Asking[] {
    const closed = this.ledger.nouns.periods.get(period)
    const confirm = { type: confirmPaymentsCommand, command: { period } }
    const actor = bureau('000000')
    if (!closed?.netted) {
      const refused = { calls: [{ ...confirm, refusal: refuse('state_conflict', { period }) }], actor, key }
      return closed ? [this.#netting(period), refused] : [refused]
    }
    const pays = paymentsOf(this.ledger, closed).map((one) => ({ type: payCommand, command: { period, ...one } }))
    return [{ calls: [confirm, ...pays], actor, key }]
  }

  #netting(period: string): Asking {
    const gross = grossOf(this.ledger, this.ledger.nouns.periods.get(period)!)
    return { calls: [{ type: netPeriodCommand, command: { period, gross } }], actor: SYSTEM, key: undefined }
  }

  #start(id: number, node: Node, { calls, actor, key }: Asking): Caller {
    const caller: Caller = {
      id,
      calls,
      actor,
      key,
      keyId: key === undefined ? undefined : keyId(actor.organisation, key),
      sent: this.schedule.count,
      waitsFor: undefined,
      isPatient: true,
      outcomes: undefined,
      answered: 0,
      fault: undefined,
      wasLeftInDoubt: false,
    }
    this.callers.push(caller)
    this.#open.add(caller)
    this.#askAt(caller, node)
    return caller
  }

  #askAt(caller: Caller, { process, runner }: Node): void {
    const { calls, actor, key } = caller
    this.trace?.(`${nameOf(caller)} asks ${process.name}: ${textOf(caller)}`)
    if (!process.isAlive) {
      this.#askLater(caller)
      return
    }
    caller.waitsFor = process
    const isWanted = () => caller.isPatient
    const answer = runner.runAll({ calls, actor, isWanted, ...(key === undefined ? {} : { key }) })
    answer.then(
      (outcomes) => caller.waitsFor === process && this.#hear(caller, outcomes),
      (fault) => caller.waitsFor === process && this.#hear(caller, fault instanceof Refused ? [fault.refusal] : fault),
    )
  }

  #hear(caller: Caller, answer: readonly Outcome[] | Error): void {
    caller.waitsFor = undefined
    const isFault = answer instanceof Error
    const refusal = isFault ? undefined : answer.find(isRefusal)
    this.schedule.note(`${caller.id} ${isFault ? answer : (refusal?.refused ?? 'accepted')}`)
    this.trace?.(`${nameOf(caller)} hears ${isFault ? answer : refusal ? wire(refusal) : answer.map(wire).join(' ')}`)
    if (refusal?.refused === 'unavailable') caller.wasLeftInDoubt = true
    if (refusal && passing.includes(refusal.refused)) {
      this.#askLater(caller)
      return
    }
    this.#open.delete(caller)
    if (isFault) caller.fault = answer
    else {
      caller.outcomes = answer
      caller.answered = this.schedule.count
      if (!refusal) this.#learn(caller, answer)
    }
  }

  #learn({ id, calls, actor }: Caller, outcomes: readonly Outcome[]): void {
    calls.forEach((call, n) => {
      this.#cast.learn({ ...call, actor }, outcomes[n]!)
    })
    const [{ type, command }] = calls as [Call]
    if (type !== (closePeriodCommand as CommandType)) return
    const { period } = command as { period: string }
    // Its items are added up off the hot path.
    this.schedule.plan(2, 'nets', () => this.#start(id, this.nodes[0]!, this.#netting(period)))
  }

  /** A process is dead: whoever waited for it sees the connection end. */
  lost(process: Process): void {
    for (const caller of this.callers) if (caller.waitsFor === process) this.#askLater(caller)
  }

  #askLater(caller: Caller): void {
    caller.waitsFor = undefined
    // The service itself does not ask again: what is due is found due the next time.
    if (!caller.isPatient || caller.key === undefined) {
      this.#leave(caller)
      return
    }
    const node = this.#dice.pick(this.nodes)
    this.schedule.plan(this.#dice.between(1, 20) * 25, `${caller.id} again`, () => {
      if (caller.isPatient) this.#askAt(caller, node)
    })
  }
}

export const nameOf = ({ id }: Pick<Caller, 'id'>) => `caller ${id}`

export const textOf = ({ calls, actor, key }: Asking) => {
  const asked = calls.map(({ type, command }) => `${type.kind} ${wire(command)}`).join(' and ')
  return `${asked} of ${actor.organisation} ${actor.subject} (${key ?? 'no key'})`
}
