import { randomUUID } from 'node:crypto'
import type { Bench } from './bench.js'
import { AskError, ServiceProcess } from './child.js'
import { bytesOf, type Database, settle, withAdmin, withEngine } from './cluster.js'
import { Desk } from './desk.js'
import type { Volley } from './http.js'
import { orSkip, Skipped } from './load.js'
import { type Market, makeClaims, openBulk, openMarket } from './scene.js'

const CONNECTIONS = [1, 64, 256] as const
/** Rows of a bulk request: as many as it may hold. */
const ROWS = 10_000
const SHANGHAI = '310000'
/** Seconds under load before the first measurement: the code is compiled and the market's facts are known. */
const WARM_UP = 5

/** The real service over HTTP in a process of its own: orders, claims, bulk issue, and what it turns away. */
export async function service(bench: Bench): Promise<void> {
  const { cluster, figures, sizes, say, verify } = bench
  const database = await cluster.fresh('service')
  say('  setting up firms, vouchers and claims')
  const { market, claims, bulk } = await withEngine(database, { batch: 4000 }, async (engine) => {
    const market = await openMarket(engine, sizes)
    const claims: string[][] = []
    for (let run = 0; run < sizes.runs; run++) claims.push(await makeClaims(engine, market, sizes.claims, 'verified'))
    return { market, claims, bulk: await openBulk(engine, SHANGHAI, Math.min(ROWS, sizes.bulk / 2)) }
  })
  await settle(database)

  figures.heading(`The service over HTTP 服务: ${market.firms.length} firms, ${market.providers.length} providers`)
  const process = await ServiceProcess.start(cluster, database)
  const desk = await Desk.open(process, market)
  await desk.file(64, Math.min(WARM_UP, 2 * sizes.seconds))
  const granted = await measureOrders(bench, process, desk, database)
  await measureClaims(bench, desk, claims)
  await orSkip(say, () => measureBulk(bench, process, bulk, database))
  await measureTurnedAway(bench, process, desk, granted)
  const { peak } = await process.usage()
  figures.record('rss_peak_mb', 'largest memory of the service', 'MB', [peak / 1e6])
  await process.stop()
  await orSkip(say, () => measureOverload(bench, database, market, granted))
  await verify(database)
  await cluster.drop(database)
}

/** A measured round with what it cost the service, in microseconds of processor time a request. */
async function costly(process: ServiceProcess, round: () => Promise<Volley>): Promise<Volley & { cost: number }> {
  const before = await process.usage()
  const volley = await round()
  const after = await process.usage()
  return { ...volley, cost: (after.cpu - before.cpu) / volley.answered }
}

/** Returns what an order costs the service that is granted under load. */
async function measureOrders({ figures, sizes, say }: Bench, process: ServiceProcess, desk: Desk, database: Database) {
  const bytes = await bytesOf(database)
  let filed = 0
  let cost = Number.NaN
  for (const connections of CONNECTIONS) {
    const says = connections === 1 ? 'orders filed over 1 connection' : `orders filed over ${connections} connections`
    say(`  ${says}`)
    const rounds: (Volley & { cost: number })[] = []
    for (let run = 0; run < sizes.runs; run++) {
      rounds.push(await costly(process, () => desk.file(connections, sizes.seconds)))
    }
    filed += rounds.reduce((sum, { answered }) => sum + answered, 0)
    const name = `orders_${connections}`
    const of = (value: (round: (typeof rounds)[number]) => number) => rounds.map(value)
    figures.record(
      `${name}_per_s`,
      says,
      '/s',
      of(({ perSecond }) => perSecond),
      'usual_per_s',
    )
    const p50 = connections === 1 ? 'order_alone_p50_ms' : `${name}_p50_ms`
    figures.record(
      p50,
      '  half of them within',
      'ms',
      of(({ latency }) => latency(0.5)),
    )
    figures.record(
      `${name}_p95_ms`,
      '  95 of 100 within',
      'ms',
      of(({ latency }) => latency(0.95)),
    )
    figures.record(
      `${name}_p99_ms`,
      '  99 of 100 within',
      'ms',
      of(({ latency }) => latency(0.99)),
    )
    if (connections === 64) {
      figures.record(
        'order_cpu_us',
        '  processor time of the service an order',
        'µs',
        of((round) => round.cost),
      )
      cost = figures.values([]).order_cpu_us!
    }
  }
  figures.record('bytes_per_order', 'bytes on disk an order filed', 'B', [((await bytesOf(database)) - bytes) / filed])
  return cost
}

async function measureClaims({ figures, sizes, say }: Bench, desk: Desk, claims: readonly string[][]): Promise<void> {
  say('  claims over 64 connections')
  const rounds: Volley[] = []
  for (const orders of claims) rounds.push(await desk.approve(orders, 64, sizes.seconds))
  const of = (value: (round: Volley) => number) => rounds.map(value)
  figures.record(
    'claims_64_per_s',
    'claims approved over 64 connections',
    '/s',
    of(({ perSecond }) => perSecond),
  )
  figures.record(
    'claims_64_p99_ms',
    '  99 of 100 within',
    'ms',
    of(({ latency }) => latency(0.99)),
  )
}

type Bulk = Awaited<ReturnType<typeof openBulk>>

/** One officer issues vouchers by the ten thousand, request after request. */
async function measureBulk(
  { figures, sizes, say }: Bench,
  process: ServiceProcess,
  { jurisdiction, program, enterprises }: Bulk,
  database: Database,
): Promise<void> {
  say(`  bulk issue of ${sizes.bulk} vouchers`)
  const token = await process.token({
    sub: 'Chen',
    organisation: `bureau ${jurisdiction}`,
    roles: ['officer'],
    jurisdiction,
  })
  const body = JSON.stringify({ items: enterprises.map((enterprise) => ({ enterprise, program, amount: '100.00' })) })
  const request = async () => {
    const headers = { authorization: `Bearer ${token}`, 'idempotency-key': randomUUID() }
    try {
      await process.ask('/v1/vouchers/bulk', body, headers)
    } catch (error) {
      if (error instanceof AskError && error.status === 404) throw new Skipped('the service has no bulk issue')
      throw error
    }
  }
  const seconds: number[] = []
  for (let run = 0; run < sizes.runs; run++) {
    const started = performance.now()
    for (let rows = 0; rows < sizes.bulk; rows += enterprises.length) await request()
    seconds.push((performance.now() - started) / 1000)
  }
  // The answer's rows may be refusals: what counts is what was issued.
  const issued = await withAdmin(database.adminUrl, async (admin) => {
    const [row] = await admin<{ count: number }[]>`
      select count(*)::int as count from clearing.vouchers where program = ${program}`
    return row!.count
  })
  if (issued !== sizes.bulk * sizes.runs)
    throw new Error(`${issued} of ${sizes.bulk * sizes.runs} vouchers were issued`)
  const name = sizes.bulk === 100_000 ? 'bulk_issue_100k_s' : 'bulk_issue_s'
  figures.record(name, `bulk issue of ${sizes.bulk} vouchers, ${enterprises.length} a request`, 's', seconds)
  const perSecond = seconds.map((took) => sizes.bulk / took)
  figures.record('bulk_issue_per_s', '  vouchers a second', '/s', perSecond, 'core_1000_per_s')
}

/** What a request costs the service that it turns away, beside one that it grants. */
async function measureTurnedAway({ figures, sizes, say }: Bench, process: ServiceProcess, desk: Desk, granted: number) {
  const kinds = [
    ['token', 'turned away for a bad token', () => desk.fileWithBadTokens(64, sizes.seconds)],
    ['body', 'turned away for a bad body', () => desk.fileWithBadBodies(64, sizes.seconds)],
  ] as const
  for (const [name, says, ask] of kinds) {
    say(`  ${says}`)
    const rounds: (Volley & { cost: number })[] = []
    for (let run = 0; run < sizes.runs; run++) rounds.push(await costly(process, ask))
    const rates = rounds.map(({ perSecond }) => perSecond)
    figures.record(`rejected_${name}_per_s`, says, '/s', rates)
    recordCost(
      { figures },
      name,
      rounds.map(({ cost }) => cost / granted),
    )
  }
}

function recordCost({ figures }: Pick<Bench, 'figures'>, name: string, costs: readonly number[]): void {
  figures.record(`rejected_${name}_cost`, '  processor time of a granted order', 'x', costs)
}

/** A service that lets one command wait, asked by 64 at once. */
async function measureOverload(
  { cluster, figures, sizes, say }: Bench,
  database: Database,
  market: Market,
  granted: number,
): Promise<void> {
  say('  turned away for too much work')
  const process = await ServiceProcess.start(cluster, database, { queue: 1 })
  const desk = await Desk.open(process, market)
  await desk.fileTooMany(64, sizes.seconds)
  const costs: number[] = []
  const rates: number[] = []
  for (let run = 0; run < sizes.runs; run++) {
    const { answered, perSecond, statuses, cost } = await costly(process, () => desk.fileTooMany(64, sizes.seconds))
    const refused = statuses.get(503) ?? 0
    if (refused === 0) break
    // What the orders cost that were granted meanwhile is taken off.
    costs.push((cost * answered - granted * (answered - refused)) / refused / granted)
    rates.push((perSecond * refused) / answered)
  }
  await process.stop()
  if (costs.length === 0) throw new Skipped('the service was not to be overloaded')
  figures.record('rejected_overload_per_s', 'turned away for too much work', '/s', rates)
  recordCost({ figures }, 'overload', costs)
}
