/**
 * Measures what orders wait while a whole province's vouchers lapse in one night: `npx tsx scripts/sweep.ts [vouchers]`.
 * It prints the 50th and 99th percentile of filing, in milliseconds, on a quiet ledger and during the sweep.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { jurisdictions } from '../src/core/division.js'
import { ManualClock } from '../src/core/time.js'
import { sweep } from '../src/deadlines/sweep.js'
import { runEngine } from '../test/support/engines.js'
import { ask, rules, uscc } from '../test/support/scene.js'
import { china, testDatabase } from '../test/support/service.js'
import { Stage } from '../test/support/stage.js'
import { pooled } from './bench/load.js'

/** Orders asked a second, come what may. */
const PACE = 100
const QUIET_SECONDS = 5
const IN_FLIGHT = 256

const vouchers = Number(process.argv[2] ?? 30_000)
const database = await testDatabase()
const clock = new ManualClock(china('2026-03-02'))
const { engine, sql, close } = runEngine(database, clock)
const stage = new Stage(engine)
const books = jurisdictions.map(({ code }) => code).filter((code) => code.startsWith('32'))
const enterprise = uscc(1)
await stage.must(ask.enterprise(enterprise, '320000'))
const place = await stage.place({ program: 'LIVE', jurisdiction: '310115' }, {}, 1_000_000_00n)
const live = await stage.voucher(place, 1_000_000_00n)
const each = Math.ceil(vouchers / books.length)
await pooled(IN_FLIGHT, books, async (jurisdiction) => {
  const program = `OLD-${jurisdiction}`
  await stage.must(ask.publish(rules({ program, jurisdiction, useWithinDays: 10 })))
  await stage.must(ask.enterprise(uscc(100_000 + Number(jurisdiction)), jurisdiction))
  await stage.must(ask.appropriate(jurisdiction, program, 100_000_00n))
})
await pooled(
  IN_FLIGHT,
  Array.from({ length: each * books.length }, (_, n) => books[n % books.length]!),
  (jurisdiction) =>
    stage.must(ask.issue(jurisdiction, `OLD-${jurisdiction}`, uscc(100_000 + Number(jurisdiction)), 1_00n)),
)

let filed = 0
/** Files orders at the pace until it is over, and says how long each waited. */
async function filing(isOver: () => boolean): Promise<number[]> {
  const waits: number[] = []
  const asked: Promise<void>[] = []
  const start = performance.now()
  for (let n = 0; !isOver(); n++) {
    const due = start + (n * 1000) / PACE
    if (due > performance.now()) await sleep(due - performance.now())
    const contract = { contractNo: `S-${filed++}`, voucherAmount: 1n }
    asked.push(
      stage.must(ask.file(live, place.enterprise, place.provider, contract)).then(() => {
        // From when it was due: whoever waits in front of the door waits, too.
        waits.push(performance.now() - due)
      }),
    )
  }
  await Promise.all(asked)
  return waits.sort((a, b) => a - b)
}
const at = (waits: readonly number[], part: number) => waits[Math.floor((waits.length - 1) * part)]!.toFixed(1)
const say = (name: string, waits: readonly number[]) =>
  process.stdout.write(
    `${name}: ${waits.length} orders, p50 ${at(waits, 0.5)} ms, p99 ${at(waits, 0.99)} ms, max ${at(waits, 1)} ms\n`,
  )

const until = performance.now() + QUIET_SECONDS * 1000
say('quiet 平时', await filing(() => performance.now() > until))
clock.set(china('2026-04-01'))
let swept: Awaited<ReturnType<typeof sweep>> | undefined
const began = performance.now()
const sweeping = sweep(engine, sql, clock).then((done) => {
  swept = done
  return performance.now() - began
})
const waits = await filing(() => swept !== undefined)
const took = await sweeping
say('during the sweep 清理期间', waits)
process.stdout.write(`${swept!.vouchers} vouchers lapsed in ${(took / 1000).toFixed(1)} s\n`)
await close()
await database.drop()
process.exit(0)
