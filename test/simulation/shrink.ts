import type { Broken } from './judge.js'
import type { Fault, Scenario, Step } from './scenario.js'
import { simulate, wordsOf } from './simulation.js'

export interface Shrunk {
  readonly scenario: Scenario
  readonly broken: Broken
}

/** Takes out of a scenario whatever the same promise is broken without, for so many milliseconds at most. */
export async function shrink(found: Shrunk, milliseconds: number): Promise<Shrunk> {
  const until = performance.now() + milliseconds
  let best = found
  const isStillBroken = async (scenario: Scenario): Promise<boolean> => {
    if (performance.now() > until) return false
    const { broken } = await simulate(scenario)
    if (broken?.promise !== found.broken.promise) return false
    best = { scenario, broken }
    return true
  }
  for (let size = -1; size !== sizeOf(best.scenario) && performance.now() < until; ) {
    size = sizeOf(best.scenario)
    await without<Fault>(
      () => best.scenario.faults,
      (faults) => isStillBroken({ ...best.scenario, faults }),
    )
    await without<Step>(
      () => best.scenario.steps,
      (steps) => isStillBroken({ ...best.scenario, steps }),
    )
  }
  return best
}

const sizeOf = ({ steps, faults }: Scenario) => steps.length + faults.length

/** Tries to do without ever smaller parts of a list: halves first, single ones last. */
async function without<T>(list: () => readonly T[], isEnough: (rest: readonly T[]) => Promise<boolean>): Promise<void> {
  for (let part = Math.ceil(list().length / 2); part >= 1; part = part > 1 ? Math.ceil(part / 2) : 0) {
    // From the end: what comes late is needed least often.
    for (let end = list().length; end > 0; end -= part) {
      const from = Math.max(0, end - part)
      await isEnough([...list().slice(0, from), ...list().slice(end)])
    }
  }
}

/** A failure for people: what was broken, the shortest history that is known to break it, and how to see it again. */
export async function story(seed: number, { scenario, broken }: Shrunk): Promise<string> {
  const lines: string[] = []
  await simulate(scenario, { trace: (line) => lines.push(line) })
  const { nodes, isLeased, batch, facts, queue, steps, faults } = scenario
  return [
    `Seed ${seed} breaks a promise: ${broken.promise}.`,
    `  ${broken.seen}`,
    `The shortest history found: ${steps.length} steps, ${faults.length} faults; ${nodes} ${nodes > 1 ? 'engines' : 'engine'}${
      isLeased ? ' with a lease' : ''
    }, batches of ${batch}, ${facts} facts kept, ${queue} may wait.`,
    ...faults.map((fault) => `  at ${fault.at} ms: ${wordsOf(fault)}`),
    'What happened:',
    ...lines.map((line) => `  ${line}`),
    `Again: npm run soak -- --seed ${seed}`,
  ].join('\n')
}
