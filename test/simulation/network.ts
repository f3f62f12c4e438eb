import { Dice } from '../../scripts/hammer/dice.js'
import type { Storage } from '../../src/engine/storage.js'
import type { Answers } from './answers.js'
import { SqlError } from './ledger.js'
import type { Fault } from './scenario.js'
import type { Process, Schedule } from './schedule.js'

type Of = 'record' | 'read'
type Doom = Extract<Fault, { of: Of }>

/** A connection that says nothing for so long is given up, as src/storage.ts does. */
const SILENCE = 15_000

/** An error as the driver throws it. */
export const lost = (code: string) => Object.assign(new Error(code), { code })

/** The ways between the processes and the database, and all that can happen on them. */
export class Network {
  readonly dice: Dice
  readonly #dooms = new Map<string, Doom[]>()
  #awayUntil = 0
  #awaySince = -1
  #code = ''
  #fullUntil = 0

  constructor(
    seed: number,
    readonly schedule: Schedule,
    readonly answers: Answers,
  ) {
    this.dice = new Dice(seed, 'network')
  }

  /** The database cannot be reached for so long; what is on its way to it or back is lost. */
  cutOff(ms: number, code: string): void {
    this.#awaySince = this.schedule.now
    this.#awayUntil = Math.max(this.#awayUntil, this.schedule.now + ms)
    this.#code = code
  }

  fillDisk(ms: number): void {
    this.#fullUntil = this.schedule.now + ms
  }

  /** What happens to the next question of this kind. */
  doom(fault: Doom): void {
    const name = `${fault.node} ${fault.of}`
    this.#dooms.set(name, [...(this.#dooms.get(name) ?? []), fault])
  }

  /** A delay on the way, in milliseconds. */
  delay(): number {
    return this.dice.chance(0.02) ? this.dice.next() * 20 : 0.1 + this.dice.next()
  }

  /** The storage as one process sees it: two connections, each of which keeps what is asked on it in order. */
  storageFor(node: number, process: Process): Storage {
    const lanes = { record: { asked: 0, answered: 0 }, read: { asked: 0, answered: 0 } }
    const asking =
      <Name extends keyof Answers>(of: Of, name: Name) =>
      (...asked: Parameters<Answers[Name]>) => {
        const answer = this.answers[name] as (...asked: Parameters<Answers[Name]>) => ReturnType<Answers[Name]>
        const doom = this.#dooms.get(`${node} ${of}`)?.shift()
        return this.ask(
          process,
          lanes[of],
          `${process.name} ${name}`,
          () => this.#guarded(of, () => answer(...asked)),
          doom,
        )
      }
    return {
      heads: asking('read', 'heads'),
      allHeads: asking('read', 'allHeads'),
      holders: asking('read', 'holders'),
      facts: asking('read', 'facts'),
      stored: asking('read', 'stored'),
      numbersOf: asking('read', 'numbersOf'),
      overdueOfPool: asking('read', 'overdueOfPool'),
      overdueOfVoucher: asking('read', 'overdueOfVoucher'),
      record: asking('record', 'record'),
    }
  }

  #guarded<T>(of: Of, answer: () => T): T {
    if (of === 'record' && this.schedule.now < this.#fullUntil) throw new SqlError('53100')
    return answer()
  }

  get #isAway(): boolean {
    return this.schedule.now < this.#awayUntil
  }

  /** Asks the database one thing: it is answered when the question arrives there, whatever becomes of who asked. */
  ask<T>(
    process: Process,
    lane: { asked: number; answered: number },
    what: string,
    answer: () => T,
    doom?: Doom,
  ): Promise<T> {
    const { schedule } = this
    return new Promise((resolve, reject) => {
      const fail = (code: string, after = this.delay()) =>
        schedule.plan(after, `${what}: ${code}`, () => reject(lost(code)), process)
      if (this.#isAway) return fail(this.#code)
      if (doom?.what === 'refuse') return fail(doom.code)
      if (doom?.what === 'lose question') return fail('CONNECTION_CLOSED', doom.ms)
      const isLate = doom?.what === 'late question'
      const arrives = isLate ? schedule.now + doom.ms : Math.max(lane.asked, schedule.now + this.delay())
      // What comes late was sent over a connection that has been given up: others do not wait behind it.
      if (!isLate) lane.asked = arrives
      if (isLate || doom?.what === 'late answer') fail('ETIMEDOUT', SILENCE)
      schedule.plan(arrives - schedule.now, what, () => {
        if (this.#isAway && this.dice.chance(0.5)) return fail('CONNECTION_CLOSED')
        const happened = schedule.now
        let reply: () => void
        try {
          const value = answer()
          reply = () => resolve(value)
        } catch (error) {
          if (!(error instanceof SqlError)) throw error
          reply = () => reject(error)
        }
        if (doom?.what === 'lose answer' || this.#isAway) return fail('CONNECTION_CLOSED')
        const isSlow = doom?.what === 'late answer'
        const answered = isSlow ? schedule.now + doom.ms : Math.max(lane.answered, schedule.now + this.delay())
        if (!isSlow) lane.answered = answered
        const arrive = () => (this.#awaySince > happened ? reject(lost('CONNECTION_CLOSED')) : reply())
        schedule.plan(answered - schedule.now, `${what}: answered`, arrive, process)
      })
    })
  }
}
