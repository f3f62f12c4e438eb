import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { backup } from './bench/backup.js'
import { type Bench, findingIn, type Sizes } from './bench/bench.js'
import { Cluster } from './bench/cluster.js'
import { core } from './bench/core.js'
import { Figures } from './bench/figures.js'
import { growth } from './bench/growth.js'
import { lines } from './bench/lines.js'
import { lists } from './bench/lists.js'
import { processes } from './bench/processes.js'
import { pulls } from './bench/pulls.js'
import { seal } from './bench/seal.js'
import { service } from './bench/service.js'
import { bank, settlement } from './bench/settlement.js'
import { usual } from './bench/usual.js'

/**
 * npm run bench: how fast the ledger and the service are on this machine, on a PostgreSQL of their own with fsync on.
 * Every figure is the median of its runs and stands beside a reference measured in the same run: the floor (the same
 * rows by SQL alone) or the usual way (a transaction a request). The table goes to stdout, progress to stderr.
 * Exit 1 when a section failed or its ledger does not add up.
 */
const USAGE = `npm run bench [-- OPTIONS]
  --quick         a small run: core, lines, usual and service, once each, within 90 seconds
  --only A,B      some of core, lines, usual, service, processes, settlement, bank, backup, growth, lists, pulls, seal; core and lines measure their floor, too
  --runs N        runs of every figure, the median counts (3; 1 when quick)
  --seconds N     length of a run (8; 1 when quick)
  --items N       approved items of the period that is closed (1000000); of at most 300000 the payments are matched
  --orders N      orders whose lists are read (1000000)
  --entries N     entries present at the end of growth, and in the book that is pulled (10000000); of them at most
                  1000000 are backed up, or pulled
  --json FILE     the figures for machines`

const sections = { core, lines, usual, service, processes, settlement, bank, backup, growth, lists, pulls, seal }
type Section = keyof typeof sections
const QUICK: readonly Section[] = ['core', 'lines', 'usual', 'service']

const FULL: Sizes = {
  runs: 3,
  seconds: 8,
  programs: 287, // in 349 jurisdictions: 100,000 accounts
  payingBooks: 50,
  payees: 2000,
  accounts: 100_000,
  firms: 10,
  providers: 40,
  claims: 20_000,
  bulk: 100_000,
  items: 1_000_000,
  orders: 1_000_000,
  entries: 10_000_000,
}
const SMALL: Partial<Sizes> = {
  runs: 1,
  seconds: 1,
  programs: 10,
  payingBooks: 10,
  firms: 2,
  claims: 2000,
  bulk: 10_000,
}

/** What the JSON names in any case, null when this run has not measured it. */
const WANTED = [
  ...['core_1_per_s', 'core_10_per_s', 'core_100_per_s', 'core_1000_per_s', 'core_8000_per_s', 'core_1000_hot_per_s'],
  ...['floor_per_s', 'floor_1_per_s', 'floor_10_per_s', 'floor_100_per_s', 'floor_8000_per_s', 'floor_1000_hot_per_s'],
  ...['lines_per_s', 'lines_floor_per_s', 'usual_per_s', 'usual_connections', 'callers_64_per_s'],
  ...['orders_1_per_s', 'orders_64_per_s', 'orders_64_p99_ms', 'orders_256_per_s', 'orders_256_p99_ms'],
  ...['order_alone_p50_ms', 'claims_64_per_s', 'bulk_issue_100k_s', 'bulk_issue_per_s', 'close_1m_s'],
  ...['core_1000_at_10m_per_s', 'orders_64_at_10m_per_s', 'bytes_per_entry', 'bytes_per_order', 'rss_peak_mb'],
]

/** A number of the command line; anything else ends the bench with its usage. */
function numberOf(name: string, text: string, whole = true): number {
  const number = Number(text)
  if (!(number > 0) || (whole && !Number.isInteger(number))) throw new UsageError(`--${name} ${text}`)
  return number
}

class UsageError extends Error {}

function read(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      runs: { type: 'string' },
      seconds: { type: 'string' },
      items: { type: 'string' },
      orders: { type: 'string' },
      entries: { type: 'string' },
      json: { type: 'string' },
    },
  })
  const { quick, only, json, ...given } = values
  const chosen = only?.split(',') ?? (quick ? QUICK : Object.keys(sections))
  const unknown = chosen.find((name) => !Object.hasOwn(sections, name))
  if (unknown !== undefined) throw new UsageError(`--only ${unknown}`)
  const numbers = Object.entries(given).map(([name, text]) => [name, numberOf(name, text, name !== 'seconds')] as const)
  const sizes: Sizes = { ...FULL, ...(quick ? SMALL : {}), ...Object.fromEntries(numbers) }
  return { quick, json, sizes, chosen: chosen as Section[] }
}

async function main(args: readonly string[]): Promise<number> {
  const { quick, json, sizes, chosen } = read(args)
  const started = performance.now()
  const elapsed = () => (performance.now() - started) / 1000
  const say = (text: string) => console.error(`${elapsed().toFixed(0).padStart(5)} s  ${text}`)
  const cluster = new Cluster()
  let isStopping = false
  const interrupted = async () => {
    if (isStopping) return // a terminal and npm may both pass the same Ctrl-C on
    isStopping = true
    await cluster.stop()
    process.exit(130)
  }
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
  const figures = new Figures()
  let isOk = true
  const verified: string[] = []
  const bench: Bench = {
    cluster,
    figures,
    sizes,
    say,
    async verify(database) {
      say('  verifying')
      const finding = await findingIn(database, say)
      if (finding !== undefined) throw new Error(`the ledger of ${database.name} does not add up: ${finding}`)
      verified.push(database.name)
    },
  }
  try {
    await cluster.ready()
    for (const name of chosen) {
      say(name)
      try {
        await sections[name](bench)
      } catch (error) {
        if (isStopping) return 130
        // What the others measure is not lost.
        isOk = false
        console.error(`\n${name} FAILED 失败\n`, error)
      }
    }
  } finally {
    if (!isStopping) await cluster.stop()
  }
  const machine = { cores: availableParallelism(), node: process.version, postgres: cluster.version }
  console.log(figures.table())
  console.log(
    `\n${isOk ? 'Every ledger adds up 账目核验通过' : 'NOT OK 未通过'}: ${verified.join(', ') || 'none'}; ${sizes.runs} runs of ${sizes.seconds} s, ${machine.cores} cores, node ${machine.node}, PostgreSQL ${machine.postgres}, ${elapsed().toFixed(0)} s in all`,
  )
  if (json !== undefined) {
    const report = {
      ...figures.values(WANTED),
      verify_ok: isOk ? (verified.length > 0 ? 1 : null) : 0,
      ratios: figures.ratios(),
      runs: figures.runs(),
      run: { quick, sections: chosen, verified, ...sizes, ...machine, took_s: Math.round(elapsed()) },
    }
    writeFileSync(json, `${JSON.stringify(report, null, 1)}\n`)
  }
  return isOk ? 0 : 1
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  const isUsage = error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS')
  console.error(isUsage ? `${(error as Error).message}\n${USAGE}` : error)
  return isUsage ? 2 : 1
})
