import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock, systemTimer } from '../../src/core/time.js'
import { connect } from '../../src/platform/database.js'
import { writeBundle } from '../../src/seal/bundle.js'
import { headsAndSeals } from '../../src/seal/queries.js'
import { Sealer } from '../../src/seal/sealer.js'
import { verifyBundle } from '../../src/seal/verify.js'
import { openSealStore } from '../../src/storage.js'
import { testSeal } from '../../test/support/service.js'
import { type Bench, short } from './bench.js'
import { ServiceProcess } from './child.js'
import { type Database, settle, withEngine } from './cluster.js'
import { Desk } from './desk.js'
import { inTurn } from './load.js'
import { appropriateAtRandom, appropriateMany, meetPools, openMarket, openPools } from './scene.js'

/** Entries of the one book whose log is bundled and verified, at most. */
const MOST_BUNDLED = 1_000_000
/** Programs of each jurisdiction. */
const PROGRAMS = 3
/** Callers of the hot path, each awaiting its command. */
const CALLERS = 64

/** Seconds under load before a service is measured: the code is compiled and the market's facts are known. */
const WARM_UP = 3

/**
 * The engine and the service with and without sealing, a backlog that is sealed, and a bundle that is verified.
 */
export async function seal(bench: Bench): Promise<void> {
  await besideOrders(bench)
  const { cluster, figures, sizes, say, verify } = bench
  const database = await cluster.fresh('seal')
  const key = testSeal()
  const sealer = () => {
    const store = openSealStore(() => connect(database.databaseUrl, 1))
    const made = new Sealer({ store, key, clock: systemClock, timer: systemTimer, isInCharge: () => true })
    return { made, close: () => store.close() }
  }
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

/** Orders over HTTP while their service seals its logs, and while it does not. */
async function besideOrders({ cluster, figures, sizes, say }: Bench): Promise<void> {
  figures.heading('Sealing 存证封存')
  const database = await cluster.fresh('seal_orders')
  const market = await withEngine(database, { batch: 4000 }, (engine) => openMarket(engine, sizes))
  await settle(database)
  const measure = async (isSealed: boolean) => {
    const service = await ServiceProcess.start(cluster, database, { isSealed })
    try {
      const desk = await Desk.open(service, market)
      await desk.file(CALLERS, WARM_UP)
      if (isSealed) await allSealed(database)
      const { perSecond } = await desk.file(CALLERS, sizes.seconds)
      return perSecond
    } finally {
      await service.stop()
    }
  }
  say(`  orders over ${CALLERS} connections without sealing and with it`)
  const [without, sealed] = await inTurn(
    sizes.runs,
    say,
    () => measure(false),
    () => measure(true),
  )
  figures.record('orders_unsealed_per_s', `orders over ${CALLERS} connections, nothing sealed`, '/s', without!)
  figures.record('orders_sealed_per_s', '  sealed every second beside it', '/s', sealed!, 'orders_unsealed_per_s')
  await cluster.drop(database)
}

/** Waits until what was recorded without sealing is sealed. */
async function allSealed({ databaseUrl }: Database): Promise<void> {
  const sql = connect(databaseUrl, 1)
  try {
    while ((await headsAndSeals(sql)).some(({ after, until }) => after < until)) await sleep(100)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
