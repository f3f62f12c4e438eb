import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Instant, parseChinaTime } from '../../src/core/time.js'
import { type Auth, builtInIssuer } from '../../src/platform/auth.js'
import { freePort } from './cluster.js'
import type { Order, Settings } from './server.js'
import { Doom, Wire } from './wire.js'

const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const SERVER = fileURLToPath(new URL('server.ts', import.meta.url))
/** Nine o'clock in the morning of the first day, whatever day the hammer runs on. */
const START = parseChinaTime('2026-03-02T09:00:00+08:00')!
const DAY = 86_400_000
/** How long the first start of a service may take, in milliseconds. */
const FIRST_START = 60_000

/** The PostgreSQL the services work on: one server or several of which one is the primary. */
export interface Database {
  readonly ports: readonly number[]
  readonly databaseUrl: string
  readonly migrateUrl: string
  /** Where logs are kept. */
  readonly logs: string
}

/** One service: its process, which comes back after every end, its wires and its clock. */
export class Service {
  /** Its ways to PostgreSQL, one to each server. */
  readonly ways: readonly Wire[]
  /** The other services' way to it. */
  door: Wire | undefined
  /** The clients' way to it. */
  port = 0
  #child: ChildProcess | undefined
  /** From the first sign of life of a process to its end. */
  isUp = false
  #isWanted = true
  /** Steps of this service's own clock, in milliseconds. */
  #step = 0
  #pause = 0
  #running: Promise<void> | undefined

  constructor(
    readonly name: string,
    readonly services: Services,
  ) {
    this.ways = services.database.ports.map((port) => new Wire(port, services.doom))
  }

  async open(): Promise<void> {
    this.port = await freePort()
    this.door = new Wire(this.port)
    const wired = await Promise.all(this.ways.map((way) => way.open()))
    const hosts = wired.map((port) => `127.0.0.1:${port}`).join()
    const through = (base: string) => base.replace(/@[^/]*/, `@${hosts}`)
    const { database } = this.services
    this.#running = this.#run({
      databaseUrl: through(database.databaseUrl),
      migrateUrl: through(database.migrateUrl),
      port: this.port,
      peerUrl: `http://127.0.0.1:${await this.door.open()}`,
      auth: this.services.auth,
    })
    const until = performance.now() + FIRST_START
    while (!this.isUp) {
      if (performance.now() > until) throw new Error(`${this.name} does not start; see its log`)
      await sleep(20)
    }
  }

  /** Starts a process whenever there is none. */
  async #run(settings: Omit<Settings, 'ahead'>): Promise<void> {
    const log = openSync(join(this.services.database.logs, `${this.name}.log`), 'a')
    while (this.#isWanted) {
      const child = fork(SERVER, {
        cwd: PROJECT,
        // As `npm start` does.
        execArgv: ['--max-semi-space-size=32', '--max-old-space-size=320', '--import', 'tsx'],
        env: { ...process.env, HAMMER_SERVICE: JSON.stringify({ ...settings, ahead: this.#ahead } satisfies Settings) },
        stdio: ['ignore', log, log, 'ipc'],
      })
      this.#child = child
      child.once('message', () => {
        this.isUp = true
        this.tellTime()
      })
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
      // Without a database it cannot start; once it is up only the hammer may end it.
      if (this.isUp && this.#isWanted && signal !== 'SIGKILL') this.services.died(this.name, `${signal ?? code}`)
      this.isUp = false
      await sleep(this.#pause)
      this.#pause = 200
    }
    closeSync(log)
  }

  get #ahead(): number {
    return this.services.ahead + this.#step
  }

  /** When it last called `record`. */
  get recorded(): number {
    return Math.max(...this.ways.map(({ recorded }) => recorded))
  }

  /** Its clock steps to so many milliseconds off the others'. */
  step(milliseconds: number): void {
    this.#step = milliseconds
    this.tellTime()
  }

  tellTime(): void {
    if (this.isUp && this.#child?.connected) this.#child.send({ ahead: this.#ahead } satisfies Order, () => {})
  }

  /** kill -9; it comes back after so many milliseconds. */
  kill(pause: number): void {
    this.#pause = pause
    this.#child?.kill('SIGKILL')
  }

  /** Stands still for so long, and wakes up as somebody who does not know of it. */
  async freeze(milliseconds: number): Promise<void> {
    const child = this.#child
    child?.kill('SIGSTOP')
    await sleep(milliseconds)
    child?.kill('SIGCONT')
  }

  /** Ends it for good: in order when that takes no longer than `patience`, by force otherwise. True when in order. */
  async stop(patience: number): Promise<boolean> {
    this.#isWanted = false
    this.#pause = 0
    const child = this.#child
    if (child && patience > 0 && this.isUp) child.send('stop' satisfies Order, () => {})
    const force = setTimeout(() => child?.kill('SIGKILL'), patience)
    await this.#running
    clearTimeout(force)
    for (const way of this.ways) way.close()
    this.door?.close()
    return child === undefined || child.exitCode === 0
  }
}

/** All services of one region, on one database. */
export class Services {
  readonly auth: Auth = builtInIssuer('hammer', 'hammer')
  readonly doom = new Doom()
  readonly all: readonly Service[]
  readonly #origin = START - Date.now()
  #days = 0

  constructor(
    readonly database: Database,
    count: number,
    /** A service that was up ended without being killed. */
    readonly died: (service: string, how: string) => void,
  ) {
    this.all = Array.from({ length: count }, (_, n) => new Service(`service-${n + 1}`, this))
  }

  async open(): Promise<void> {
    await Promise.all(this.all.map((service) => service.open()))
  }

  /** Every way between services and to PostgreSQL. */
  get wires(): Wire[] {
    return this.all.flatMap(({ ways, door }) => (door ? [...ways, door] : ways))
  }

  /** The one that recorded last. */
  get recording(): Service {
    return this.all.reduce((a, b) => (b.recorded > a.recorded ? b : a))
  }

  /** How far the services' time is from the machine's. */
  get ahead(): number {
    return this.#origin + this.#days * DAY
  }

  /** The services' time, as the clocks that were not stepped show it. */
  now(): Instant {
    return Date.now() + this.ahead
  }

  /** The next day begins, for all at once. */
  nextDay(): void {
    this.#days++
    for (const service of this.all) service.tellTime()
  }

  async stop(patience: number): Promise<boolean> {
    const ended = await Promise.all(this.all.map((service) => service.stop(patience)))
    return ended.every((isInOrder) => isInOrder)
  }
}
