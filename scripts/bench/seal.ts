import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock, systemTimer } from '../../src/core/time.js'
import { connect } from '../../src/platform/database.js'
import { writeBundle } from '../../src/seal/bundle.js'
import { Sealer } from '../../src/seal/sealer.js'
import { verifyBundle } from '../../src/seal/verify.js'
import { openSealStore } from '../../src/storage.js'
import { testSeal } from '../../test/support/service.js'
import { type Bench, short } from './bench.js'
import { settle, withEngine } from './cluster.js'
import { inTurn } from './load.js'
import { appropriateAtRandom, appropriateMany, meetPools, openPools } from './scene.js'

/** Entries of the one book whose log is bundled and verified, at most. */
const MOST_BUNDLED = 1_000_000
/** Programs of each jurisdiction. */
const PROGRAMS = 3
/** Callers of the hot path, each awaiting its command. */
const CALLERS = 64

/** The engine with and without the sealer beside it, a backlog that is sealed, and a bundle that is verified. */
export async function seal({ cluster, figures, sizes, say, verify }: Bench): Promise<void> {
  const database = await cluster.fresh('seal')
  const key = testSeal()
  const sealer = () => {
    const store = openSealStore(() => connect(database.databaseUrl, 1))
    const made = new Sealer({ store, key, clock: systemClock, timer: systemTimer, isInCharge: () => true })
    return { made, close: () => store.close() }
  }
  figures.heading('Sealing 存证封存')
  await withEngine(database, {}, async (engine) => {
    say('  opening pools')
    const pools = await openPools(engine, PROGRAMS)
    await meetPools(engine, pools)
    const measure = () => appropriateAtRandom(engine, pools, CALLERS, sizes.seconds)
    const beside = async () => {
      const { made, close } = sealer()
      // What was recorded without it is not part of the measure.
      await made.round()
      made.start()
      try {
        return await measure()
      } finally {
        await made.stop()
        await close()
      }
    }
    say(`  ${CALLERS} callers without sealing and with it`)
    const [without, sealed] = await inTurn(sizes.runs, say, measure, beside)
    figures.record('callers_unsealed_per_s', `${CALLERS} callers, nothing sealed`, '/s', without!)
    figures.record('callers_sealed_per_s', '  sealed every second beside it', '/s', sealed!, 'callers_unsealed_per_s')

    const bundled = Math.min(MOST_BUNDLED, sizes.entries)
    say(`  ${bundled} entries of one book`)
    const { made, close } = sealer()
    await made.round()
    await appropriateMany(engine, pools.slice(0, 1), bundled)
    await settle(database)
    const started = performance.now()
    await made.round()
    figures.record('seal_per_s', 'leaves of a backlog sealed', '/s', [(bundled * 1000) / (performance.now() - started)])
    await close()

    say('  a bundle of it')
    const sql = connect(database.databaseUrl, 1)
    const folder = mkdtempSync(join(tmpdir(), 'bench-bundle-'))
    try {
      const book = Number(pools[0]!.jurisdiction)
      const [head] = await sql<{ seq: number }[]>`select seq::int from books where book = ${book}`
      const to = head!.seq
      const bundle = join(folder, 'bundle')
      const from = performance.now()
      await writeBundle(sql, bundle, { book, from: 1, to, isOpened: false }, key)
      const size = short(to)
      figures.record(`bundle_${size}_s`, `a bundle of ${to} commands`, 's', [(performance.now() - from) / 1000])
      const began = performance.now()
      for (const { name, finding } of verifyBundle(bundle)) {
        if (finding !== undefined) throw new Error(`${name}: ${finding}`)
      }
      figures.record(`verify_${size}_s`, '  verified', 's', [(performance.now() - began) / 1000])
    } finally {
      rmSync(folder, { recursive: true, force: true })
      await sql.end({ timeout: 5 })
    }
  })
  await verify(database)
  await cluster.drop(database)
}
