import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { readBackup } from '../../src/backup/manifest.js'
import { restoreBackup } from '../../src/backup/restore.js'
import { type Bench, short } from './bench.js'
import { ServiceProcess } from './child.js'
import { type Database, entriesIn, settle, withEngine } from './cluster.js'
import { Desk } from './desk.js'
import type { Volley } from './http.js'
import { appropriateMany, makeClaims, openMarket, openPools } from './scene.js'

/** Entries of the ledger that is backed up, of them so many in claims that were approved. */
const MOST = 1_000_000
const IN_CLAIMS = 0.1
/** Orders filed a second while the backup is made. */
const PER_SECOND = 1000
/** Seconds under load before the first measurement, and at least of the measurement beside the backup. */
const WARM_UP = 5
const BESIDE = 10

/** Backs a ledger up while orders are filed, beside the same without a backup; restores it, with the proof. */
export async function backup(bench: Bench): Promise<void> {
  const { cluster, figures, sizes, say } = bench
  const entries = Math.min(sizes.entries, MOST)
  const size = short(entries)
  const database = await cluster.fresh('backup')
  const market = await withEngine(database, { batch: 4000 }, async (engine) => {
    say('  setting up')
    const pools = await openPools(engine, Math.min(sizes.programs, 20))
    const market = await openMarket(engine, sizes)
    await makeClaims(engine, market, (entries * IN_CLAIMS) / 2, 'approved')
    await appropriateMany(engine, pools, Math.max(0, entries - (await entriesIn(database))))
    return market
  })
  await settle(database)

  figures.heading(`Backup and restore 备份与恢复: ${entries} entries, ${PER_SECOND} orders filed a second meanwhile`)
  const folder = mkdtempSync(join(tmpdir(), 'bench-backup-'))
  try {
    const service = await ServiceProcess.start(cluster, database)
    const desk = await Desk.open(service, market)
    await desk.fileSteadily(PER_SECOND, sleep(WARM_UP * 1000))
    const [alone, beside, seconds]: [Volley[], Volley[], number[]] = [[], [], []]
    for (let run = 0; run < sizes.runs; run++) {
      say('  orders alone, then beside a backup')
      alone.push(await desk.fileSteadily(PER_SECOND, sleep(BESIDE * 1000)))
      const taken = takeBackup(database, folder)
      beside.push(await desk.fileSteadily(PER_SECOND, taken))
      seconds.push(await taken)
    }
    await service.stop()
    const p99 = (volleys: readonly Volley[]) => volleys.map(({ latency }) => latency(0.99))
    for (const { answered, statuses } of [...alone, ...beside]) {
      const granted = statuses.get(201) ?? 0
      if (granted < answered) throw new Error(`${answered - granted} of ${answered} orders failed: ${[...statuses]}`)
    }
    figures.record('orders_steady_p99_ms', `${PER_SECOND} orders a second, 99 of 100 within`, 'ms', p99(alone))
    figures.record('backup_p99_ms', '  the same beside a backup', 'ms', p99(beside), 'orders_steady_p99_ms')
    figures.record(`backup_${size}_s`, 'the backup', 's', seconds)
    await measureRestore(bench, join(folder, readdirSync(folder).sort().at(-1)!), size)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  await cluster.drop(database)
}

/** As a person would, in a process of its own; returns the seconds it took. */
async function takeBackup({ databaseUrl }: Database, folder: string): Promise<number> {
  const started = performance.now()
  const script = fileURLToPath(new URL('../backup.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, '--to', folder], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`the backup ended with ${code}`)
  return (performance.now() - started) / 1000
}

/** Every run into an empty database of its own; the proof is the digest, and `ledger:verify` whole. */
async function measureRestore({ cluster, figures, sizes, say }: Bench, directory: string, size: string): Promise<void> {
  const bytes = readdirSync(directory).reduce((sum, file) => sum + statSync(join(directory, file)).size, 0)
  figures.record('backup_mb', '  on disk', 'MB', [bytes / 1e6])
  const [restored, proved]: [number[], number[]] = [[], []]
  for (let run = 0; run < sizes.runs; run++) {
    say('  restoring')
    const target = await cluster.fresh('restored')
    const started = performance.now()
    const steps: number[] = []
    await restoreBackup(target, directory, await readBackup(directory), (done) => {
      say(`    ${done}`)
      steps.push((performance.now() - started) / 1000)
    })
    restored.push(steps.at(-1)!)
    proved.push(steps.at(-1)! - steps.at(-3)!)
    await cluster.drop(target)
  }
  figures.record(`restore_${size}_s`, 'the restore with its proof', 's', restored)
  figures.record('restore_proof_s', '  of it the proof', 's', proved)
}
