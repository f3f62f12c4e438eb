import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { Dice } from './hammer/dice.js'
import { details } from './hammer/figures.js'
import { installedPostgres, Nodes } from './hammer/nodes.js'
import { Run } from './hammer/run.js'

/**
 * npm run two-nodes: a primary and its synchronous standby on loopback, services and clients on them; the primary is
 * killed, the standby promoted, the services find it by themselves, and the dead one comes back as its standby, twice.
 * At the end everything that was acknowledged is looked for. Exit 0 when it is there, or when there is no PostgreSQL
 * installed to do this with.
 */
const USAGE = `npm run two-nodes [-- OPTIONS]
  --bin DIR     the programs of a PostgreSQL 15 or newer (the newest that Debian has installed)
  --seconds N   how long the clients work before and after each failover (8)
  --seed S      repeats what is asked (any if left out)`

const SERVICES = 2
const FAILOVERS = 2

class UsageError extends Error {}

function read(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: { bin: { type: 'string' }, seconds: { type: 'string', default: '8' }, seed: { type: 'string' } },
  })
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new UsageError(`--seconds ${values.seconds}`)
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1e9) : Number(values.seed)
  if (!Number.isSafeInteger(seed)) throw new UsageError(`--seed ${values.seed}`)
  return { bin: values.bin ?? installedPostgres(), seconds, seed }
}

async function main(args: readonly string[]): Promise<number> {
  const { bin, seconds, seed } = read(args)
  if (bin === undefined) {
    console.log(
      'Skipped: no PostgreSQL with pg_basebackup is installed (Debian: postgresql). 未安装 PostgreSQL，已跳过。',
    )
    return 0
  }
  const started = performance.now()
  const say = (text: string) =>
    console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${text}`)
  const nodes = new Nodes(bin)
  let run: Run | undefined
  let isOk = false
  let isInterrupted = false
  const leave = async () => {
    await run?.services.stop(0)
    await nodes.stop(!isOk && !isInterrupted)
  }
  const interrupt = async () => {
    if (isInterrupted) return // a terminal and npm may both pass the same Ctrl-C on
    isInterrupted = true
    await leave()
    process.exit(130)
  }
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
  try {
    await nodes.open()
    say(`seed ${seed}: PostgreSQL ${nodes.version}, primary and synchronous standby on ports ${nodes.ports.join(', ')}`)
    run = new Run({ database: nodes, services: SERVICES, seed, say })
    const found = await run.during(() => failovers(nodes, run!, new Dice(seed, 'nodes'), seconds, say))
    const sorts = run.sorts(found)
    const { acknowledged, refused } = run.notebook
    isOk = Object.values(sorts).every((findings) => findings.length === 0)
    console.log(`\n${acknowledged} accepted, ${refused} refused, ${FAILOVERS} failovers\n${details(sorts)}`)
  } catch (error) {
    if (!isInterrupted) console.error(error)
  } finally {
    if (!isInterrupted) await leave()
  }
  console.log(
    isOk
      ? `Everything that was acknowledged is there 凡已确认者均在: npm run two-nodes -- --seed ${seed}`
      : `NOT OK 未通过; logs 日志: ${nodes.logs}`,
  )
  return isOk ? 0 : 1
}

async function failovers(
  nodes: Nodes,
  run: Run,
  dice: Dice,
  seconds: number,
  say: (text: string) => void,
): Promise<void> {
  const { notebook, services } = run
  for (let n = 0; n < FAILOVERS; n++) {
    await sleep(seconds * 1000)
    say(`${notebook.acknowledged} accepted; the primary is killed`)
    const died = performance.now()
    nodes.kill()
    await sleep(dice.between(100, 2000))
    const promoted = performance.now()
    await nodes.promote()
    const written = new Promise<void>((resolve) => {
      notebook.listeners.add((note) => {
        if (note.sent > died) resolve()
      })
    })
    await written
    const now = performance.now()
    say(
      `the standby was promoted; first write ${Math.round(now - promoted)} ms later, ${Math.round(now - died)} ms after the death`,
    )
    if (dice.chance(0.5)) services.recording.kill(500)
    await sleep(seconds * 500)
    await nodes.heal()
    say('the dead one is back as a synchronous standby')
  }
}

// What is still under way when it ends must not keep it.
process.exit(
  await main(process.argv.slice(2)).catch((error: unknown) => {
    const isUsage =
      error instanceof UsageError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS')
    console.error(isUsage ? `${(error as Error).message}\n${USAGE}` : error)
    return isUsage ? 2 : 1
  }),
)
