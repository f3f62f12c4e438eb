import { type Bench, short } from './bench.js'
import { ServiceProcess } from './child.js'
import { bytesOf, type Database, ENTRY_TABLES, entriesIn, settle, withEngine } from './cluster.js'
import { Desk } from './desk.js'
import type { Volley } from './http.js'
import { inTurn } from './load.js'
import {
  appropriateAtRandom,
  appropriateMany,
  type Market,
  meetPools,
  openMarket,
  openPools,
  type Pool,
} from './scene.js'

/** Entries made between two words of progress. */
const STEP = 250_000
/** Parts of all entries that are present when it is measured. */
const STAGES = [0, 0.1, 1] as const
/** Seconds under load before each measurement. */
const WARM_UP = 5

/**
 * The same speeds again with ever more entries present, and what an entry takes on disk. Before the first stage there
 * are only those entries that opened the pools and the market; those that measuring makes come on top.
 */
export async function growth(bench: Bench): Promise<void> {
  const { cluster, figures, sizes, say, verify } = bench
  const database = await cluster.fresh('growth')
  say('  setting up')
  const { pools, market } = await withEngine(database, { batch: 4000 }, async (engine) => ({
    pools: await openPools(engine, sizes.programs),
    market: await openMarket(engine, sizes),
  }))
  figures.heading(`Growth 增长: up to ${sizes.entries} entries present`)
  for (const stage of STAGES) {
    const present = Math.round(sizes.entries * stage)
    if (stage > 0) await fill(bench, database, pools, present)
    await settle(database)
    say(`  measuring with ${present} entries`)
    await measure(bench, database, pools, market, short(present))
  }
  await verify(database)
  await cluster.drop(database)
}

/** Makes entries until so many are present. */
async function fill(
  { figures, say }: Bench,
  database: Database,
  pools: readonly Pool[],
  present: number,
): Promise<void> {
  const before = { entries: await entriesIn(database), bytes: await bytesOf(database, ENTRY_TABLES) }
  await withEngine(database, { batch: 4000 }, async (engine) => {
    for (let entries = before.entries; entries < present; ) {
      const count = Math.min(STEP, present - entries)
      const started = performance.now()
      await appropriateMany(engine, pools, count)
      entries += count
      say(`  ${entries} entries, ${Math.round((count * 1000) / (performance.now() - started))} a second`)
    }
  })
  const made = (await entriesIn(database)) - before.entries
  if (made === 0) return
  const bytes = ((await bytesOf(database, ENTRY_TABLES)) - before.bytes) / made
  figures.record(`bytes_per_entry_at_${short(present)}`, 'bytes on disk an entry made on the way', 'B', [bytes])
  figures.record('bytes_per_entry', 'bytes on disk an entry', 'B', [bytes])
}

async function measure(
  { cluster, figures, sizes, say }: Bench,
  database: Database,
  pools: readonly Pool[],
  market: Market,
  size: string,
): Promise<void> {
  await withEngine(database, { batch: 1000 }, async (engine) => {
    await meetPools(engine, pools)
    await appropriateAtRandom(engine, pools, 2000, Math.min(WARM_UP, sizes.seconds))
    const [rates] = await inTurn(sizes.runs, say, () => appropriateAtRandom(engine, pools, 2000, sizes.seconds))
    const name = `core_1000_at_${size}_per_s`
    const reference = size === '0' ? [] : ['core_1000_at_0_per_s']
    figures.record(
      name,
      `commands, batches of 1000, ${size} entries present`,
      '/s',
      rates!,
      ...reference,
      'usual_per_s',
    )
  })
  const process = await ServiceProcess.start(cluster, database)
  const desk = await Desk.open(process, market)
  await desk.file(64, Math.min(WARM_UP, sizes.seconds))
  const rounds: Volley[] = []
  for (let run = 0; run < sizes.runs; run++) rounds.push(await desk.file(64, sizes.seconds))
  await process.stop()
  const name = `orders_64_at_${size}`
  const reference = size === '0' ? [] : ['orders_64_at_0_per_s']
  const rates = rounds.map(({ perSecond }) => perSecond)
  figures.record(`${name}_per_s`, `orders over 64 connections, ${size} entries present`, '/s', rates, ...reference)
  figures.record(
    `${name}_p99_ms`,
    '  99 of 100 within',
    'ms',
    rounds.map(({ latency }) => latency(0.99)),
  )
}
