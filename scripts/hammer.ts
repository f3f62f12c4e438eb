import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Chaos } from './hammer/chaos.js'
import { Cluster } from './hammer/cluster.js'
import { details, figuresOf, soFar, table } from './hammer/figures.js'
import { Run } from './hammer/run.js'

/**
 * npm run hammer: several services on one database, many clients, and whatever can break breaks; at the end everything
 * that was answered is looked for in the database. The seed repeats what breaks and what is asked, not who is faster.
 * Exit 0 when nothing was lost, nothing is there twice, no number is missing and everything adds up.
 */
const USAGE = `npm run hammer [-- OPTIONS]
  --seconds N   how long things break (60)
  --seed S      repeats a run (a number that was printed by another one; any if left out)
  --json FILE   the figures for machines`

const SERVICES = 3
const SAY_EVERY = 5000
class UsageError extends Error {}

interface Options {
  readonly seconds: number
  readonly seed: number
  readonly json: string | undefined
}

function read(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: { type: 'string', default: '60' }, seed: { type: 'string' }, json: { type: 'string' } },
  })
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new UsageError(`--seconds ${values.seconds}`)
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed ${values.seed}`)
  return { seconds, seed, json: values.json }
}

/** One run on a cluster of its own; whoever starts it stops it. */
class Hammer {
  readonly cluster: Cluster
  readonly #started = performance.now()
  #run: Run | undefined
  #chaos: Chaos | undefined
  #stopping: Promise<void> | undefined

  constructor(readonly options: Options) {
    this.cluster = new Cluster(options.seconds)
  }

  /** Returns whether nothing at all was found. */
  async run(): Promise<boolean> {
    const { cluster, options } = this
    const { seed, seconds } = options
    const disk = cluster.hasDisk
      ? 'on a small disk that gets full'
      : 'whose full disk is only pretended (no mount here)'
    this.#say(`seed ${seed}: ${seconds} s; PostgreSQL ${disk}`)
    await cluster.open()
    const run = new Run({ database: cluster, services: SERVICES, seed, say: (text) => this.#say(text) })
    this.#run = run
    const { services, notebook } = run
    const chaos = new Chaos(seed, seconds, cluster, services, notebook)
    this.#chaos = chaos
    const found = await run.during(async () => {
      const saying = setInterval(() => this.#say(soFar(notebook, services, chaos)), SAY_EVERY)
      await chaos.run().finally(() => clearInterval(saying))
    })
    const sorts = run.sorts(found)
    const figures = figuresOf(notebook, services, chaos, found, run.died)
    console.log(`\n${table(figures)}\n${details(sorts)}`)
    if (options.json !== undefined) {
      const machine = { cores: availableParallelism(), node: process.version, postgres: cluster.version }
      writeFileSync(
        options.json,
        `${JSON.stringify({ ...figures, run: { seed, seconds, services: SERVICES, ...machine } }, null, 1)}\n`,
      )
    }
    return Object.values(sorts).every((findings) => findings.length === 0)
  }

  #say(text: string): void {
    console.error(`${((performance.now() - this.#started) / 1000).toFixed(0).padStart(5)} s  ${text}`)
  }

  /** Ends everything that it has started; only the logs of a run that found something stay. */
  stop(keepsLogs: boolean): Promise<void> {
    this.#stopping ??= this.#leave(keepsLogs)
    return this.#stopping
  }

  async #leave(keepsLogs: boolean): Promise<void> {
    this.#chaos?.stop()
    await this.#run?.services.stop(0)
    await this.cluster.stop(keepsLogs)
  }
}

async function main(args: readonly string[]): Promise<number> {
  const options = read(args)
  const hammer = new Hammer(options)
  let isInterrupted = false
  const interrupt = async () => {
    if (isInterrupted) return // a terminal and npm may both pass the same Ctrl-C on
    isInterrupted = true
    await hammer.stop(false)
    process.exit(130)
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  let isOk = false
  try {
    isOk = await hammer.run()
  } catch (error) {
    if (!isInterrupted) console.error(error)
  }
  await hammer.stop(!isOk)
  if (isInterrupted) return 130
  const again = `npm run hammer -- --seconds ${options.seconds} --seed ${options.seed}`
  if (isOk) console.log(`Nothing lost, nothing twice, everything adds up 账目完整无误. ${again}`)
  else console.log(`NOT OK 未通过; logs 日志: ${hammer.cluster.logs}. ${again}`)
  return isOk ? 0 : 1
}

// What is still under way when it ends must not keep it: a client that waits, a fault that was to come.
process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    const isUsage =
      error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS')
    console.error(isUsage ? `${(error as Error).message}\n${USAGE}` : error)
    return isUsage ? 2 : 1
  }),
)
