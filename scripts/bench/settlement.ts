import { provinceReports } from '../../src/audit/queries.js'
import { ManualClock, parseChinaTime, systemTimer } from '../../src/core/time.js'
import { connect } from '../../src/platform/database.js'
import { settlementOf } from '../../src/settlement/queries.js'
import { closePeriod } from '../../src/settlement/settle.js'
import { closedOf } from '../../src/settlement-reports/queries.js'
import { settlementReportOf } from '../../src/settlement-reports/report.js'
import { rollUp } from '../../src/settlement-reports/roll-up.js'
import { bureau } from '../../test/support/scene.js'
import { releaseAll, statementsOf, takeAll } from './bank.js'
import { type Bench, short } from './bench.js'
import { type Database, settle, withEngine } from './cluster.js'
import { filePaced, type Market, makeClaims, netAllPairs, openMarket } from './scene.js'

/** Claims made at a time. */
const WAVE = 10_000
const AGREED_AT = parseChinaTime('2026-02-27T09:00:00+08:00')!
const NETTED_FROM = '2026-03-01'
const MADE_AT = parseChinaTime('2026-03-10T09:00:00+08:00')!
const CLOSED_AT = parseChinaTime('2026-04-01T09:00:00+08:00')!
const THROUGH = '2026-03-31'
const PERIOD = '2026-Q1'
const PROVINCE = '320000'
/** With these in every book a period has a hundred thousand sums by book and payee. */
const PROVIDERS = 300
/** Items whose payments are matched at most: where nothing is netted, they are nearly a hundred thousand bank lines. */
const PAID = 300_000
/** Orders a second that are filed before and while the period is closed, and for how many seconds before. */
const FILED = 200
const BEFORE = 5

/** Closes a period of many approved items, netted between all provinces, then reads its settlement and the province report. */
export async function settlement(bench: Bench): Promise<void> {
  const { cluster, figures, sizes, say, verify } = bench
  const { items, runs } = sizes
  const { made, market } = await approved(bench, items, { isNetted: true })
  figures.heading(`Settlement 清算: a period of ${items} approved items`)
  const times: Awaited<ReturnType<typeof close>>[] = []
  for (let run = 0; run < runs; run++) {
    // A period closes once, so every run has a copy of its own.
    const database = await cluster.copy(made, `settlement_${run}`)
    say('  closing')
    times.push(await close(database, market))
    if (run === runs - 1) await verify(database)
    await cluster.drop(database)
  }
  await cluster.drop(made)
  const size = short(items)
  const of = (value: (time: (typeof times)[number]) => number) => times.map(value)
  const record = (name: string, says: string, what: Parameters<(typeof times)[number]['seconds']>[0]) =>
    figures.record(
      `${name}_${size}_s`,
      says,
      's',
      of(({ seconds }) => seconds(what)),
    )
  record('close', 'closing the period, netting and settling it', 'closed')
  record('settlement', 'its gross, net and instructions', 'settled')
  record('report', 'the report of the provinces', 'reported')
  record('roll_up', 'its items added up for reports', 'added')
  record('report_of_period', 'the settlement report of Jiangsu for the period', 'ofPeriod')
  record('report_of_year', 'and for the year', 'ofYear')
  figures.record(
    'orders_alone_p99_ms',
    `an order filed, ${FILED} a second, before the close`,
    'ms',
    of(({ alone }) => alone),
  )
  figures.record(
    'orders_beside_close_p99_ms',
    'the same while the period is closed',
    'ms',
    of(({ beside }) => beside),
    'orders_alone_p99_ms',
  )
}

/** Releases all payments of a period, each payee's by the book that owes it, and takes the statements of all banks. */
export async function bank(bench: Bench): Promise<void> {
  const { cluster, figures, sizes, say, verify } = bench
  const items = Math.min(PAID, sizes.items)
  const { made } = await approved(bench, items, { isNetted: false })
  figures.heading(`The bank 银行: a period of ${items} approved items`)
  const times: Awaited<ReturnType<typeof payAll>>[] = []
  for (let run = 0; run < sizes.runs; run++) {
    const database = await cluster.copy(made, `bank_${run}`)
    say('  closing, releasing and matching')
    times.push(await payAll(database))
    if (run === sizes.runs - 1) await verify(database)
    await cluster.drop(database)
  }
  await cluster.drop(made)
  const lines = short(times[0]!.lines)
  const of = (value: (time: (typeof times)[number]) => number) => times.map(value)
  figures.record(
    `release_${lines}_lines_s`,
    'every payment line released',
    's',
    of(({ released }) => released),
  )
  figures.record(
    `match_${lines}_lines_s`,
    'every bank line of the period matched',
    's',
    of(({ matched }) => matched),
  )
  figures.record(
    `mark_${short(items)}_paid_s`,
    'and every order of it marked paid',
    's',
    of(({ marked }) => marked),
  )
}

/** A database with so many approved items of a quarter that is over. */
async function approved({ cluster, sizes, say }: Bench, items: number, { isNetted }: { isNetted: boolean }) {
  const made = await cluster.fresh('approved')
  const clock = new ManualClock(AGREED_AT)
  const market = await withEngine(made, { batch: 4000, clock }, async (engine) => {
    const market = await openMarket(engine, { ...sizes, providers: PROVIDERS })
    if (isNetted) await netAllPairs(engine, NETTED_FROM)
    clock.set(MADE_AT)
    for (let ready = 0; ready < items; ) {
      ready += (await makeClaims(engine, market, Math.min(WAVE, items - ready), 'approved')).length
      say(`  ${ready} items approved`)
    }
    return market
  })
  // As the service does every minute.
  const sql = connect(made.databaseUrl, 1)
  await rollUp(sql)
  await sql.end({ timeout: 5 })
  await settle(made)
  return { made, market }
}

const CLOSING = {
  command: { period: PERIOD, through: THROUGH, group: 'region' },
  actor: bureau('000000'),
  key: 'close',
} as const

/** Seconds for closing the period while orders are filed, for its settlement, and for the report. */
async function close(database: Database, market: Market) {
  const sql = connect(database.databaseUrl, 4)
  try {
    return await withEngine(database, { clock: new ManualClock(CLOSED_AT) }, async (engine) => {
      const alone = await filePaced(engine, market, FILED, pause(BEFORE * 1000))
      const closing = timed(() => closePeriod(engine, sql, CLOSING))
      const beside = await filePaced(engine, market, FILED, closing)
      const closed = await closing
      const settled = await timed(() => settlementOf(sql, PERIOD))
      const reported = await timed(() => provinceReports(sql))
      if (settled.result?.state !== 'settled') throw new Error('the closed period holds nothing to settle')
      const added = await timed(() => rollUp(sql))
      const all = await closedOf(sql)
      const report = (period: string | null, year: number | null) =>
        timed(() => settlementReportOf(sql, systemTimer, { jurisdiction: PROVINCE, period, year, closes: all, all }))
      const ofPeriod = await report(PERIOD, null)
      const ofYear = await report(null, 2026)
      const seconds = { closed, settled, reported, added, ofPeriod, ofYear }
      return { alone, beside, seconds: (name: keyof typeof seconds) => seconds[name].seconds }
    })
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** Seconds for releasing what a closed period pays, for matching what the banks say, and for marking its orders paid. */
async function payAll(database: Database) {
  const sql = connect(database.databaseUrl, 4)
  const clock = new ManualClock(CLOSED_AT)
  try {
    return await withEngine(database, { clock }, async (engine) => {
      await closePeriod(engine, sql, CLOSING)
      const { seconds: released } = await timed(() => releaseAll(engine, sql, PERIOD))
      const statements = await statementsOf(sql, clock.now())
      const lines = statements.reduce((sum, statement) => sum + statement.lines, 0)
      return { lines, released, ...(await takeAll(engine, sql, statements)) }
    })
  } finally {
    await sql.end({ timeout: 5 })
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function timed<T>(work: () => Promise<T>): Promise<{ seconds: number; result: T }> {
  const started = performance.now()
  const result = await work()
  return { seconds: (performance.now() - started) / 1000, result }
}
