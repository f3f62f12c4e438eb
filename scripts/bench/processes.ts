import type { Bench } from './bench.js'
import { ServiceProcess } from './child.js'
import { settle, withEngine } from './cluster.js'
import { Desk } from './desk.js'
import type { Volley } from './http.js'
import { openMarket } from './scene.js'

const CONNECTIONS = 64
const WARM_UP = 3

/** One process of the service against two on the same database: half of the orders come to the one that passes them on. */
export async function processes(bench: Bench): Promise<void> {
  const { cluster, figures, sizes, say, verify } = bench
  const database = await cluster.fresh('processes')
  const market = await withEngine(database, { batch: 4000 }, (engine) => openMarket(engine, sizes))
  await settle(database)

  figures.heading(`Two processes 双进程: ${CONNECTIONS} connections, to one alone and half to each of two`)
  const first = await ServiceProcess.start(cluster, database)
  const desk = await Desk.open(first, market)
  await desk.file(CONNECTIONS, WARM_UP)
  const alone: Volley[] = []
  const both: Volley[][] = []
  for (let run = 0; run < sizes.runs; run++) {
    say(`  one alone, then two (${run + 1} of ${sizes.runs})`)
    alone.push(await desk.file(CONNECTIONS, sizes.seconds))
    const second = await ServiceProcess.start(cluster, database)
    const other = await Desk.open(second, market)
    const half = (seconds: number) => Promise.all([desk, other].map((one) => one.file(CONNECTIONS / 2, seconds)))
    await half(WARM_UP)
    both.push(await half(sizes.seconds))
    await second.stop()
  }
  const rates = alone.map(({ perSecond }) => perSecond)
  figures.record('orders_alone_per_s', 'orders filed, one process', '/s', rates)
  const sums = both.map((halves) => halves.reduce((sum, { perSecond }) => sum + perSecond, 0))
  figures.record('orders_two_per_s', 'orders filed, two processes', '/s', sums, 'orders_alone_per_s')
  const passedOn = both.map(([, other]) => other!.latency(0.99))
  figures.record('orders_passed_on_p99_ms', '  of those passed on 99 of 100 within', 'ms', passedOn)
  await first.stop()
  await verify(database)
  await cluster.drop(database)
}
