import type { Bench } from './bench.js'
import { bytesOf, ENTRY_TABLES, entriesIn, settle, withEngine } from './cluster.js'
import { floorCore } from './floor.js'
import { inTurn } from './load.js'
import { appropriateAtRandom, meetPools, openPools } from './scene.js'

const BATCHES = [1, 10, 100, 1000, 8000] as const

/** Commands a second through the engine in process, each with its own key and an entry of one transfer. */
export async function core({ cluster, figures, sizes, say, verify }: Bench): Promise<void> {
  const { runs, seconds } = sizes
  const database = await cluster.fresh('core')
  say('  opening pools')
  const pools = await withEngine(database, { batch: 4000 }, (engine) => openPools(engine, sizes.programs))
  await settle(database)
  const copy = await cluster.copy(database, 'core_floor')
  const before = { bytes: await bytesOf(database, ENTRY_TABLES), entries: await entriesIn(database) }
  const context = { database: copy, pools }

  figures.heading(
    `Engine in process 引擎: commands with a key and one transfer, ${pools.length} pools in ${new Set(pools.map((p) => p.jurisdiction)).size} books`,
  )
  const measure = async (batch: number, pick: typeof pools, name: string, says: string) => {
    say(`  ${says}`)
    await withEngine(database, { batch }, async (engine) => {
      await meetPools(engine, pick)
      // One caller alone at a time is what a batch of one means; of others one is recorded, one sent, one gathers.
      const inFlight = batch === 1 ? 1 : Math.min(3 * batch, 20_000)
      const [ours, floor] = await inTurn(
        runs,
        say,
        () => appropriateAtRandom(engine, pick, inFlight, seconds),
        () => floorCore(context, { batch, seconds, hot: pick.length === 1 }),
      )
      const reference = name === 'core_1000_per_s' ? 'floor_per_s' : name.replace('core_', 'floor_')
      figures.record(name, says, '/s', ours!, reference, 'usual_per_s')
      figures.record(reference, '  the same rows by SQL alone', '/s', floor!)
    })
  }
  for (const batch of BATCHES) await measure(batch, pools, `core_${batch}_per_s`, `batches of ${batch}`)
  await measure(1000, pools.slice(0, 1), 'core_1000_hot_per_s', 'batches of 1000, all to one program')

  say('  64 callers')
  await withEngine(database, {}, async (engine) => {
    await meetPools(engine, pools)
    const [ours] = await inTurn(runs, say, () => appropriateAtRandom(engine, pools, 64, seconds))
    figures.record('callers_64_per_s', '64 callers, each awaiting its command', '/s', ours!, 'usual_per_s')
  })

  const made = (await entriesIn(database)) - before.entries
  const grown = (await bytesOf(database, ENTRY_TABLES)) - before.bytes
  figures.record('bytes_per_entry', 'bytes on disk an entry', 'B', [grown / made])
  await cluster.drop(copy)
  await verify(database)
  await cluster.drop(database)
}
