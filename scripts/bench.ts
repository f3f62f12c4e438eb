import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Actor } from '../src/core/actor.js'
import { jurisdictions } from '../src/core/division.js'
import { isRefusal } from '../src/core/refusals.js'
import { systemClock } from '../src/core/time.js'
import type { Call } from '../src/engine/command.js'
import { Engine } from '../src/engine/engine.js'
import { connectEngine, migrate, userOf } from '../src/platform/database.js'
import { startEmbeddedPostgres } from '../src/platform/embedded-postgres.js'
import { prepareRoles } from '../src/platform/roles.js'
import { appropriateCommand, publishProgramCommand } from '../src/programs/commands.js'

/**
 * npm run bench [-- --seconds N] [--json FILE]: how many commands a second the engine records, each with its own key
 * and an entry of one transfer, over the books of all jurisdictions, on a PostgreSQL of its own with fsync on: by one
 * caller, by 64 callers, and in batches of 1,000 (sustained for N seconds, 20 by default).
 */
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' }, json: { type: 'string' } } })
const seconds = Number(values.seconds)
const BATCH = 1000

const root = mkdtempSync(join(tmpdir(), 'bench-'))
const server = await startEmbeddedPostgres({ root, purpose: 'service' })
let isStopping = false
const interrupted = async () => {
  if (isStopping) return // a terminal and npm may both pass the same Ctrl-C on
  isStopping = true
  await server.stop()
  rmSync(root, { recursive: true, force: true })
  process.exit(130)
}
process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
try {
  const { databaseUrl, migrateUrl } = await prepareRoles(server)
  await migrate(migrateUrl, userOf(databaseUrl))
  const programs = jurisdictions.map(({ code }) => ({ program: `P-${code}`, jurisdiction: code }))
  const sql = connectEngine(databaseUrl)
  const reads = connectEngine(databaseUrl)
  const engine = new Engine({ sql, reads, clock: systemClock, batch: BATCH })
  const bureau = (jurisdiction: string): Actor => ({
    subject: 'bench',
    organisation: `bureau ${jurisdiction}`,
    jurisdiction,
    roles: ['approver', 'finance'],
  })
  await Promise.all(
    programs.map(({ program, jurisdiction }) =>
      engine.run({ type: publishProgramCommand, command: rules(program, jurisdiction), actor: bureau(jurisdiction) }),
    ),
  )

  let sent = 0
  const appropriate = async (): Promise<void> => {
    const { program, jurisdiction } = programs[sent % programs.length]!
    const call: Call = { type: appropriateCommand, command: { program, amount: 100n } }
    const outcome = await engine.run({ ...call, actor: bureau(jurisdiction), key: `bench-${sent++}` })
    if (isRefusal(outcome)) throw new Error(outcome.refused)
  }
  /** Keeps `inFlight` commands asked at any time until the end; returns how many were recorded a second. */
  const sustain = async (inFlight: number, forSeconds: number): Promise<number> => {
    const started = performance.now()
    const until = started + forSeconds * 1000
    let done = 0
    const caller = async () => {
      while (performance.now() < until) {
        await appropriate()
        done++
      }
    }
    await Promise.all(Array.from({ length: inFlight }, caller))
    return Math.round((done * 1000) / (performance.now() - started))
  }

  await sustain(2 * BATCH, Math.min(3, seconds))
  const alone = await sustain(1, Math.min(5, seconds))
  const callers = await sustain(64, Math.min(5, seconds))
  const batched = await sustain(2 * BATCH, seconds)
  const figures = {
    core_1_per_s: alone,
    callers_64_per_s: callers,
    core_1000_per_s: batched,
    seconds,
    books: programs.length + 1,
    rss_mb: Math.round(process.memoryUsage().rss / 1e6),
  }
  console.table(figures)
  if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, null, 1)}\n`)
  await engine.close()
  await Promise.all([sql.end({ timeout: 5 }), reads.end({ timeout: 5 })])
} finally {
  await server.stop()
  rmSync(root, { recursive: true, force: true })
}

function rules(program: string, jurisdiction: string) {
  return {
    program,
    jurisdiction,
    ratio: '0.5',
    annualCap: 10_000_000n,
    orderCap: null,
    payee: 'provider',
    invoice: 'whole',
    crossRegion: true,
    applyFrom: '2026-01-01',
    applyTo: '2026-12-31',
    useWithinDays: 100,
    claimWithinDays: 100,
    categories: ['testing'],
    enterpriseTypes: ['tech_sme'],
  }
}
