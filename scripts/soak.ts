/**
 * Runs the simulation of the clearing engine, seed after seed, until the time is over or a promise is broken:
 *
 *   npm run soak -- [--seconds N] [--seed S] [--unshrunk]
 *
 * Without a number of seconds it goes on until it is stopped; with a seed alone it runs that one. On a failure it prints
 * the seed and the shortest history it could reduce it to (--unshrunk: as it was found), and exits with 1.
 */
import { parseArgs } from 'node:util'
import { scenarioOf } from '../test/simulation/scenario.js'
import { shrink, story } from '../test/simulation/shrink.js'
import { simulate } from '../test/simulation/simulation.js'

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, unshrunk: { type: 'boolean' } },
})
const first = Number(values.seed ?? 1)
const seconds = values.seconds === undefined ? Number.POSITIVE_INFINITY : Number(values.seconds)
if (!Number.isSafeInteger(first) || Number.isNaN(seconds)) {
  console.error('--seed is a whole number, --seconds a number. --seed 为整数，--seconds 为秒数。')
  process.exit(2)
}
const isOne = values.seed !== undefined && values.seconds === undefined

/** A failure is made shorter for so long, in milliseconds. */
const SHRINKING = 10_000
const TELL_EVERY = 10_000

const started = performance.now()
let told = started
let decided = 0
let seeds = 0
/** Seconds of the processor: to play the scenarios, and to judge them. */
const spent = { playing: 0, judging: 0 }

function tell(): void {
  const passed = (performance.now() - started) / 1000
  const count = (number: number) => Math.round(number).toLocaleString('en')
  const { playing, judging } = spent
  console.log(
    `${passed.toFixed(0)} s: seeds ${first} to ${first + seeds - 1}, ${count(decided)} commands decided, ` +
      `${count(decided / passed)}/s; a second of processor time ${count(decided / (playing + judging))}, ` +
      `${count(decided / playing)} before they are judged`,
  )
}

const processorTime = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

for (let seed = first; performance.now() - started < seconds * 1000; seed++) {
  const began = processorTime()
  let rested = began
  const scenario = scenarioOf(seed)
  const run = await simulate(scenario, {
    rested() {
      rested = processorTime()
    },
  })
  spent.playing += rested - began
  spent.judging += processorTime() - rested
  seeds++
  decided += run.decided
  if (run.broken) {
    tell()
    const found = { scenario, broken: run.broken }
    console.log(await story(seed, values.unshrunk ? found : await shrink(found, SHRINKING)))
    process.exit(1)
  }
  if (isOne) break
  if (performance.now() - told < TELL_EVERY) continue
  told = performance.now()
  tell()
}
tell()
