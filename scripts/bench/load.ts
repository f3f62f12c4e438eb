import { setTimeout as sleep } from 'node:timers/promises'
import { isRefusal } from '../../src/core/refusals.js'
import type { Engine } from '../../src/engine/engine.js'
import type { Asked } from '../../src/engine/runner.js'

/** A figure that cannot be had here; the message says why. The bench goes on without it. */
export class Skipped extends Error {}

/**
 * Keeps `inFlight` asked at any time and returns how many were answered a second over about `seconds`. Answers come in
 * batches: counting starts and ends right after one, so that neither a batch cut in two nor the start is measured.
 */
export async function sustain(inFlight: number, seconds: number, ask: () => Promise<unknown>): Promise<number> {
  let done = 0
  let isOver = false
  let answered: (() => void) | undefined
  const caller = async () => {
    while (!isOver) {
      await ask()
      done++
      answered?.()
    }
  }
  const callers = Promise.all(Array.from({ length: inFlight }, caller))
  const mark = async (after: number) => {
    await sleep(after * 1000)
    await new Promise<void>((resolve) => {
      answered = resolve
    })
    // In the next turn of the event loop the rest of the batch is counted, too.
    await new Promise((resolve) => setImmediate(resolve))
    return { done, at: performance.now() }
  }
  const marks = async () => [await mark(LEAD_IN), await mark(seconds)] as const
  try {
    // A caller that fails ends the measurement: the others would wait for ever.
    const found = await Promise.race([marks(), callers.then(() => undefined)])
    const [from, to] = found!
    return ((to.done - from.done) * 1000) / (to.at - from.at)
  } finally {
    isOver = true
    await callers
  }
}

/** Seconds under load before counting starts. */
const LEAD_IN = 0.3

/** Runs one command that must be accepted. */
export async function must(engine: Engine, asked: Asked) {
  const outcome = await engine.run(asked)
  if (isRefusal(outcome)) throw new Error(`${asked.type.kind} was refused: ${JSON.stringify(outcome)}`)
  return outcome
}

/** Runs commands that must all be accepted, many at a time; their receipts are in the same order. */
export async function all(engine: Engine, asked: readonly Asked[]) {
  const receipts: Awaited<ReturnType<typeof must>>[] = new Array(asked.length)
  await pooled(SET_UP_IN_FLIGHT, asked, async (one, index) => {
    receipts[index] = await must(engine, one)
  })
  return receipts
}

/** What the engine's queue takes of one organisation, and two batches of the set-up. */
export const SET_UP_IN_FLIGHT = 8000

/** Works through a list with so many at a time. */
export async function pooled<T>(
  width: number,
  list: readonly T[],
  work: (one: T, index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let index = next++; index < list.length; index = next++) await work(list[index]!, index)
  }
  await Promise.all(Array.from({ length: Math.min(width, list.length) }, worker))
}

/** Takes turns: each measure once a round, so that what drifts on the machine meets all of them alike. */
export async function inTurn(
  runs: number,
  say: (text: string) => void,
  ...measures: readonly (() => Promise<number>)[]
): Promise<number[][]> {
  const found = measures.map((): number[] => [])
  const skipped = new Set<number>()
  for (let run = 0; run < runs; run++) {
    for (const [index, measure] of measures.entries()) {
      if (skipped.has(index)) continue
      const value = await orSkip(say, measure)
      if (value === undefined) skipped.add(index)
      else found[index]!.push(value)
    }
  }
  return found
}

/** Undefined, and a word about it, when a figure cannot be had. */
export async function orSkip<T>(say: (text: string) => void, measure: () => Promise<T>): Promise<T | undefined> {
  try {
    return await measure()
  } catch (error) {
    if (!(error instanceof Skipped)) throw error
    say(`  left out: ${error.message}`)
    return undefined
  }
}

export const oneOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)]!
