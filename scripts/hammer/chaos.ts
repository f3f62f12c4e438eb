import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Cluster } from './cluster.js'
import { Dice } from './dice.js'
import type { Note, Notebook } from './notes.js'
import type { Service, Services } from './services.js'
import { fates, type Wire } from './wire.js'

/** The faults that come one after another; each round has all of them, in another order. */
const ROUND = ['service', 'service', 'postgres', 'backend', 'freeze', 'stall', 'disk'] as const
type Fault = (typeof ROUND)[number]
type Outage = Extract<Fault, 'postgres' | 'backend' | 'disk'>

const MINUTE = 60_000

/** How long it took from PostgreSQL's first answer to the first acknowledged write, in milliseconds. */
export interface Recovery {
  readonly fault: Outage
  readonly ms: number
  /** Nothing else was broken meanwhile. */
  readonly isAlone: boolean
}

/** Breaks things, when and how a seed says: three hands work at the same time. */
export class Chaos {
  readonly done = { service: 0, postgres: 0, backend: 0, freeze: 0, stall: 0, disk: 0, clock: 0, days: 0 }
  readonly recoveries: Recovery[] = []
  readonly #log: string
  /** What must be over before everything is whole again. */
  readonly #open = new Set<Promise<unknown>>()
  #isOver = false
  /** Resolves when the other hands may go on. */
  #quiet: Promise<unknown> = Promise.resolve()

  constructor(
    readonly seed: number,
    readonly seconds: number,
    readonly cluster: Cluster,
    readonly services: Services,
    readonly notebook: Notebook,
  ) {
    this.#log = join(cluster.logs, 'faults.log')
  }

  /** Writes down what is broken, beside the logs of the services. */
  #tell(text: string): void {
    appendFileSync(this.#log, `${new Date().toISOString()} ${text}\n`)
  }

  /** Breaks things for the time there is, then makes everything whole again. */
  async run(): Promise<void> {
    const timer = setTimeout(() => this.stop(), this.seconds * 1000)
    await Promise.all([this.#breakProcesses(), this.#breakConnections(), this.#breakClocks()])
    clearTimeout(timer)
    await this.#whole()
    for (const service of this.services.all) service.step(0)
  }

  stop(): void {
    this.#isOver = true
  }

  /** First hand: services, PostgreSQL, its disk, the network. */
  async #breakProcesses(): Promise<void> {
    const dice = new Dice(this.seed, 'processes')
    for (let round = 0; !this.#isOver; round++) {
      for (const fault of dice.shuffled(ROUND)) {
        await sleep(dice.between(300, 3000))
        if (this.#isOver) break
        await this.#break(fault, dice, round % 3 < 2)
      }
    }
  }

  async #break(fault: Fault, dice: Dice, isAlone: boolean): Promise<void> {
    const service = this.#pick(dice)
    const ms = dice.between(200, 1800)
    if (fault === 'disk' && !this.cluster.hasDisk) return
    this.done[fault]++
    this.#tell(`${fault} ${service.name} ${ms} ms${isAlone ? ' alone' : ''}`)
    if (fault === 'service') service.kill(ms)
    else if (fault === 'freeze') this.#during(service.freeze(ms * 3))
    else if (fault === 'stall') this.#during(this.#pickWire(dice).stall(ms * 2, dice.chance(0.5)))
    else await this.#breakPostgres(fault, ms, isAlone)
  }

  /** Alone: everything is whole before, and nothing else breaks until a write has been acknowledged. */
  async #breakPostgres(fault: Outage, ms: number, isAlone: boolean): Promise<void> {
    if (!isAlone) {
      const { written } = await this.#outage(fault, ms)
      this.#during(written.then((took) => this.#recovered({ fault, ms: took, isAlone })))
      return
    }
    let release = () => {}
    this.#quiet = new Promise<void>((resolve) => {
      release = resolve
    })
    await this.#whole()
    const { written } = await this.#outage(fault, ms)
    this.#recovered({ fault, ms: await written, isAlone })
    release()
  }

  #recovered(recovery: Recovery): void {
    this.recoveries.push(recovery)
    this.#tell(`first write ${Math.round(recovery.ms)} ms after PostgreSQL was back`)
  }

  /** Resolves when PostgreSQL answers again; `written` when, so many milliseconds later, a write was acknowledged. */
  async #outage(fault: Outage, ms: number): Promise<{ written: Promise<number> }> {
    const began = performance.now()
    if (fault === 'postgres') {
      this.cluster.kill()
      await sleep(ms)
    } else if (fault === 'backend') await this.cluster.killBackend()
    else {
      this.cluster.fill()
      await sleep(ms * 2)
      this.cluster.free()
    }
    await this.cluster.back()
    const back = performance.now()
    this.#tell('PostgreSQL is back')
    return { written: this.#firstWrite(began).then((at) => at - back) }
  }

  /** When the first command is acknowledged that was sent after this instant, at the latest in a minute. */
  #firstWrite(after: number): Promise<number> {
    const { listeners } = this.notebook
    return new Promise((resolve) => {
      const end = () => {
        listeners.delete(listen)
        clearTimeout(timer)
        resolve(performance.now())
      }
      const listen = ({ sent }: Note) => {
        if (sent > after) end()
      }
      listeners.add(listen)
      const timer = setTimeout(end, MINUTE)
    })
  }

  /** Second hand: connections between services and PostgreSQL, mostly in the middle of recording. */
  async #breakConnections(): Promise<void> {
    const dice = new Dice(this.seed, 'connections')
    while (!this.#isOver) {
      await sleep(dice.between(50, 500))
      await this.#quiet
      if (dice.chance(0.2)) this.#pickWire(dice).drop(dice.next())
      else this.services.doom.set(dice.pick(fates), dice.between(20, 1500))
    }
  }

  /** Third hand: clocks step by minutes, sometimes hours back for a moment, and days pass. */
  async #breakClocks(): Promise<void> {
    const dice = new Dice(this.seed, 'clocks')
    // Ninety days, and keys would be forgotten.
    const dayEvery = Math.max(4, this.seconds / 40) * 1000
    let nextDay = dayEvery
    for (let passed = 0; !this.#isOver; ) {
      const ms = dice.between(500, 3000)
      await sleep(ms)
      await this.#quiet
      passed += ms
      const service = dice.pick(this.services.all)
      if (dice.chance(0.1)) {
        service.step(-3 * 60 * MINUTE)
        await sleep(1000)
      }
      service.step(dice.between(-20 * MINUTE, 20 * MINUTE))
      this.done.clock++
      if (passed > nextDay) {
        nextDay += dayEvery
        this.services.nextDay()
        this.done.days++
      }
    }
  }

  /** Any of them, or the one that is recording. */
  #pick(dice: Dice): Service {
    const any = dice.pick(this.services.all)
    return dice.chance(0.7) ? any : this.services.recording
  }

  /** A service's way to PostgreSQL, or its peers' way to it. */
  #pickWire(dice: Dice): Wire {
    const { ways, door } = this.#pick(dice)
    return dice.chance(0.7) || !door ? ways[0]! : door
  }

  #during(fault: Promise<unknown>): void {
    this.#open.add(fault)
    fault.then(() => this.#open.delete(fault))
  }

  /** Resolves when nothing is broken any more; what does not come back within a minute is a finding. */
  async #whole(): Promise<void> {
    const until = performance.now() + MINUTE
    this.services.doom.clear()
    await Promise.all(this.#open)
    await this.cluster.back()
    for (const service of this.services.all) {
      while (!service.isUp && performance.now() < until) await sleep(20)
      if (!service.isUp) this.services.died(service.name, 'it does not come back')
    }
  }
}
