import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { type Refusal, Refused } from '../core/refusals.js'
import type { SimulateProgram, Simulation } from './contract.js'

/** What a process of its own is asked, and what it answers. */
export interface Question {
  readonly databaseUrl: string
  readonly asked: SimulateProgram
}
export type Answer = { readonly simulation: Simulation } | { readonly refusal: Refusal } | { readonly fault: string }

/** Enough for 200,000 orders, in megabytes. */
const MEMORY = 1024
const PROCESS = fileURLToPath(new URL('process.ts', import.meta.url))

/**
 * Simulates in processes of their own, one at a time and behind everything else the machine does: a year's business
 * neither fills the service's memory nor holds up its requests. Throws Refused('simulation_too_large').
 */
export class Simulator {
  #last: Promise<unknown> = Promise.resolve()
  #child: ChildProcess | undefined
  #isStopped = false

  constructor(readonly databaseUrl: string) {}

  simulate(asked: SimulateProgram): Promise<Simulation> {
    const mine = this.#last.then(() => this.#simulate(asked))
    this.#last = mine.catch(() => {})
    return mine
  }

  stop(): void {
    this.#isStopped = true
    this.#child?.kill()
  }

  async #simulate(asked: SimulateProgram): Promise<Simulation> {
    if (this.#isStopped) throw new Refused('unavailable')
    const child = fork(PROCESS, {
      execArgv: ['--max-semi-space-size=256', `--max-old-space-size=${MEMORY}`, '--import', import.meta.resolve('tsx')],
      // Amounts are bigints.
      serialization: 'advanced',
    })
    this.#child = child
    try {
      setPriority(child.pid!, constants.priority.PRIORITY_BELOW_NORMAL)
      const ended = once(child, 'exit').then((): Answer => ({ fault: 'the simulation ended without an answer' }))
      const answered = once(child, 'message').then(([answer]) => answer as Answer)
      child.send({ databaseUrl: this.databaseUrl, asked } satisfies Question)
      const answer = await Promise.race([answered, ended])
      if ('simulation' in answer) return answer.simulation
      if ('refusal' in answer) throw new Refused(answer.refusal.refused, answer.refusal.details)
      throw this.#isStopped ? new Refused('unavailable') : new Error(answer.fault)
    } finally {
      child.kill()
      this.#child = undefined
    }
  }
}
