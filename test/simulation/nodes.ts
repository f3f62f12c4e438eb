import type { Clock, Timer } from '../../src/core/time.js'
import { Engine } from '../../src/engine/engine.js'
import { Front, type Link, LinkLost, NotInCharge } from '../../src/engine/front.js'
import { type Holder, Lease, type LeaseStore } from '../../src/engine/lease.js'
import type { AskedRow, Runner } from '../../src/engine/runner.js'
import type { Outcome } from '../../src/engine/ticket.js'
import { china } from '../support/service.js'
import type { Network } from './network.js'
import type { Scenario } from './scenario.js'
import type { Process, Schedule } from './schedule.js'

const START = china('2026-03-02')
/** Engines number their batches far apart, so that no two number one alike. */
const APART = 2 ** 40

/** The day's time as everybody has it, before a machine's clock is wrong. */
export class Calendar {
  passed = 0
  constructor(readonly schedule: Schedule) {}
  now(): number {
    return START + Math.floor(this.schedule.now) + this.passed
  }
}

/** One machine on which the service runs, dies and is started again. */
export class Node {
  process: Process
  /** Where commands are asked on this machine: its engine, or what stands in front of it. */
  runner!: Runner
  lease: Lease | undefined
  engine!: Engine
  /** How wrong its clock is. */
  offset = 0
  #starts = 0
  #isRetired = false
  readonly links = new Set<SimulatedLink>()

  constructor(
    readonly number: number,
    readonly scenario: Scenario,
    readonly all: readonly Node[],
    readonly network: Network,
    readonly calendar: Calendar,
    readonly leases: Leases,
  ) {
    this.process = { name: '', isAlive: false, heldUntil: 0 }
    this.start()
  }

  get clock(): Clock {
    return { now: () => this.calendar.now() + this.offset }
  }

  start(): void {
    if (this.process.isAlive || this.#isRetired) return
    const { scenario, network } = this
    const { schedule } = network
    const process = { name: `engine ${this.number}${"'".repeat(this.#starts)}`, isAlive: true, heldUntil: 0 }
    const timer: Timer = {
      now: () => schedule.now,
      sleep: (ms) => new Promise((resolve) => schedule.plan(ms, `${process.name} wakes`, resolve, process)),
      turn: () => new Promise((resolve) => schedule.plan(0, `${process.name} turns`, resolve, process)),
    }
    this.process = process
    this.engine = new Engine({
      storage: network.storageFor(this.number, process),
      clock: this.clock,
      timer,
      batch: scenario.batch,
      facts: scenario.facts,
      queue: scenario.queue,
      firstBatch: 1 + APART * (this.number * 1000 + this.#starts),
    })
    this.#starts++
    this.runner = this.engine
    if (!scenario.isLeased) return
    const me: Holder = { id: process.name, address: process.name }
    this.lease = new Lease(me, this.leases.storeFor(process, network), timer)
    this.runner = new Front({
      engine: this.engine,
      lease: this.lease,
      timer,
      open: (holder) => this.#open(holder),
    })
    void this.lease.start()
  }

  /** Nothing happens here any more. */
  retire(): void {
    this.#isRetired = true
    this.process.isAlive = false
  }

  crash(): void {
    this.process.isAlive = false
    for (const node of this.all) node.cut(this)
    this.cut()
  }

  /** Loses its links, all or those to one node. */
  cut(to?: Node): void {
    for (const link of [...this.links]) if (!to || link.to === to) link.close()
  }

  #open(holder: Holder): Promise<Link> {
    const { network, process } = this
    const { schedule } = network
    return new Promise((resolve, reject) =>
      schedule.plan(
        network.delay(),
        `${process.name} opens a link`,
        () => {
          const to = this.all.find((node) => node.process.name === holder.id)
          if (!to?.process.isAlive) return reject(new LinkLost())
          const link = new SimulatedLink(holder, this, to)
          this.links.add(link)
          resolve(link)
        },
        process,
      ),
    )
  }
}

/** A link between two processes: what is asked and answered on it keeps its order, and is lost with it. */
class SimulatedLink implements Link {
  isLost = false
  readonly #waiting = new Map<object, { since: number; lose: () => void }>()
  readonly #there: Pipe
  readonly #back: Pipe

  constructor(
    readonly holder: Holder,
    readonly from: Node,
    readonly to: Node,
  ) {
    this.#there = new Pipe(from.network, to.process)
    this.#back = new Pipe(from.network, from.process)
  }

  get waitsSince(): number | undefined {
    const [first] = this.#waiting.values()
    return first?.since
  }

  runAll(asked: AskedRow): Promise<Outcome[]> {
    return this.#ask(() => {
      if (this.to.lease?.inCharge?.who !== 'here') return Promise.reject(new NotInCharge())
      return this.to.engine.runAll({ ...asked, isWanted: () => !this.isLost })
    })
  }

  drained(): Promise<void> {
    return this.#ask(() => this.to.engine.drained())
  }

  close(): void {
    this.isLost = true
    this.from.links.delete(this)
    const { network, process } = this.from
    for (const { lose } of this.#waiting.values()) {
      network.schedule.plan(network.delay(), `${process.name} loses a link`, lose, process)
    }
    this.#waiting.clear()
  }

  #ask<T>(run: () => Promise<T>): Promise<T> {
    if (this.isLost) return Promise.reject(new LinkLost())
    const me = {}
    return new Promise((resolve, reject) => {
      this.#waiting.set(me, { since: this.from.network.schedule.now, lose: () => reject(new LinkLost()) })
      const answer = (settle: () => void) => {
        if (this.isLost) return
        this.#back.send(() => {
          if (this.#waiting.delete(me)) settle()
        })
      }
      this.#there.send(() => {
        // Whether it has arrived is not known to who loses the link.
        if (this.isLost && this.from.network.dice.chance(0.5)) return
        run().then(
          (value) => answer(() => resolve(value)),
          (error) => answer(() => reject(error)),
        )
      })
    })
  }
}

/** One direction of a link: what is sent in one moment arrives in one moment, and in its order. */
class Pipe {
  #sending: (() => void)[] = []
  #arrives = 0

  constructor(
    readonly network: Network,
    readonly to: Process,
  ) {}

  send(arrive: () => void): void {
    this.#sending.push(arrive)
    if (this.#sending.length > 1) return
    const { network, to } = this
    const { schedule } = network
    schedule.plan(0, `sent to ${to.name}`, () => {
      const sent = this.#sending
      this.#sending = []
      this.#arrives = Math.max(this.#arrives, schedule.now + network.delay())
      const arriveAll = () => {
        for (const arrive of sent) arrive()
      }
      schedule.plan(this.#arrives - schedule.now, `arrives at ${to.name}`, arriveAll, to)
    })
  }
}

/** The lease in the database. */
export class Leases {
  #holder: Holder | undefined
  #until = 0

  storeFor(process: Process, network: Network): LeaseStore {
    const lane = { asked: 0, answered: 0 }
    const { schedule } = network
    return {
      hold: (holder, milliseconds) =>
        network.ask(process, lane, `${process.name} lease`, () => {
          if (!this.#holder || this.#holder.id === holder.id || this.#until <= schedule.now) {
            this.#holder = holder
            this.#until = schedule.now + milliseconds
          }
          return this.#holder
        }),
    }
  }
}
