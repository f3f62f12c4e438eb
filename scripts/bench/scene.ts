import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { offerClearingCommand, signClearingCommand } from '../../src/clearing/commands.js'
import { jurisdictions } from '../../src/core/division.js'
import { isRefusal } from '../../src/core/refusals.js'
import type { Engine } from '../../src/engine/engine.js'
import type { Asked } from '../../src/engine/runner.js'
import { ask, bureau, rules, uscc } from '../../test/support/scene.js'
import { all, must, oneOf, pooled, SET_UP_IN_FLIGHT, sustain } from './load.js'

/** What the sections set up through the engine, spread over the books of all jurisdictions. */

/** A program with its pool account. */
export interface Pool {
  readonly program: string
  readonly jurisdiction: string
}

/** Whatever day the bench runs on, it is within these. */
const OPEN = { applyFrom: '2020-01-01', applyTo: '2099-12-31' } as const
const RECOGNISED = ['2020-01-01', '2099-12-31'] as const
const PROVINCES = ['310000', '320000', '330000', '340000'] as const

/** Publishes so many programs in each jurisdiction and opens the pool account of each. */
export async function openPools(engine: Engine, each: number): Promise<Pool[]> {
  const pools = Array.from({ length: each }, (_, n) =>
    jurisdictions.map(({ code }) => ({ program: `P-${code}-${n}`, jurisdiction: code })),
  ).flat()
  await all(
    engine,
    pools.map((pool) => ask.publish(rules({ ...pool, ...OPEN }))),
  )
  await all(engine, pools.map(appropriation))
  return pools
}

/** One command with a key of its own and an entry of one transfer. */
const appropriation = ({ program, jurisdiction }: Pool): Asked => ({
  ...ask.appropriate(jurisdiction, program, 100n),
  key: randomUUID(),
})

const IN_FLIGHT_BOOKS = 16

/** The engine has met every pool: what it decides on is in its memory, as in a service that has run for a while. */
export async function meetPools(engine: Engine, pools: readonly Pool[]): Promise<void> {
  const byBook = new Map<string, Asked[]>()
  for (const pool of pools) {
    const calls = byBook.get(pool.jurisdiction) ?? []
    byBook.set(pool.jurisdiction, calls)
    calls.push(appropriation(pool))
  }
  await pooled(IN_FLIGHT_BOOKS, [...byBook], async ([jurisdiction, calls]) => {
    const outcome = await engine.runTogether(calls, bureau(jurisdiction))
    if (isRefusal(outcome)) throw new Error(`appropriate was refused: ${JSON.stringify(outcome)}`)
  })
}

/** Appropriations a second, each to one of the pools, with so many in flight. */
export const appropriateAtRandom = (engine: Engine, pools: readonly Pool[], inFlight: number, seconds: number) =>
  sustain(inFlight, seconds, () => must(engine, appropriation(oneOf(pools))))

/** So many entries, each by an appropriation to one of the pools. */
export const appropriateMany = (engine: Engine, pools: readonly Pool[], count: number) =>
  pooled(
    SET_UP_IN_FLIGHT,
    Array.from({ length: count }, () => oneOf(pools)),
    (pool) => must(engine, appropriation(pool)),
  )

/** An enterprise with a voucher that is large enough for every order of the bench. */
export interface Firm {
  readonly uscc: string
  readonly jurisdiction: string
  readonly voucher: string
}

export interface Market {
  readonly firms: readonly Firm[]
  /** Recognised everywhere. */
  readonly providers: readonly string[]
}

const FIRST_PROVIDER = 9_000_000
const VOUCHER = 100_000_000_00n
const BUDGET = 1_000_000_000_000_00n

/** Registers, recognises, publishes, appropriates and issues: everything an order needs. */
export async function openMarket(engine: Engine, size: { firms: number; providers: number }): Promise<Market> {
  const providers = Array.from({ length: size.providers }, (_, n) => uscc(FIRST_PROVIDER + n))
  const firms = Array.from({ length: size.firms * jurisdictions.length }, (_, n) => ({
    uscc: uscc(n),
    jurisdiction: jurisdictions[n % jurisdictions.length]!.code,
  }))
  const programOf = (jurisdiction: string) => `M-${jurisdiction}`
  await all(engine, [
    ...firms.map((firm) => ask.enterprise(firm.uscc, firm.jurisdiction)),
    ...providers.map((code, n) => ask.provider(code, jurisdictions[n % jurisdictions.length]!.code)),
    ...jurisdictions.map(({ code: jurisdiction }) =>
      ask.publish(rules({ program: programOf(jurisdiction), jurisdiction, annualCap: VOUCHER, ...OPEN })),
    ),
  ])
  await all(engine, [
    ...providers.flatMap((code) => PROVINCES.map((province) => ask.recognise(province, code, ...RECOGNISED))),
    ...jurisdictions.map(({ code }) => ask.appropriate(code, programOf(code), BUDGET)),
  ])
  const issued = await all(
    engine,
    firms.map((firm) => ask.issue(firm.jurisdiction, programOf(firm.jurisdiction), firm.uscc, VOUCHER)),
  )
  return {
    providers,
    firms: firms.map((firm, n) => ({ ...firm, voucher: String(issued[n]!.event.voucher) })),
  }
}

/** All pairs of provinces sign that they net what their jurisdictions owe from this day on. */
export async function netAllPairs(engine: Engine, from: string): Promise<void> {
  for (const [n, one] of PROVINCES.entries()) {
    for (const other of PROVINCES.slice(n + 1)) {
      const terms = { mode: 'netted', group: 'region', covers: 'tree', from, to: OPEN.applyTo }
      const { event } = await must(engine, {
        type: offerClearingCommand,
        command: { one, other, by: one, ...terms },
        actor: bureau(one),
      })
      const { agreement, version } = event as { agreement: string; version: number }
      await must(engine, {
        type: signClearingCommand,
        command: { agreement, version, by: other },
        actor: bureau(other),
      })
    }
  }
}

/** Enterprises of one jurisdiction and a program for them. */
export async function openBulk(engine: Engine, jurisdiction: string, count: number) {
  const program = `B-${jurisdiction}`
  const enterprises = Array.from({ length: count }, (_, n) => uscc(FIRST_PROVIDER / 2 + n))
  await all(engine, [
    ask.publish(rules({ program, jurisdiction, annualCap: VOUCHER, ...OPEN })),
    ...enterprises.map((code) => ask.enterprise(code, jurisdiction)),
  ])
  await all(engine, [ask.appropriate(jurisdiction, program, BUDGET)])
  return { jurisdiction, program, enterprises }
}

let contracts = 0
/** A contract number that the bench has not used yet. */
export const contractNo = () => `HT-${++contracts}`

function anOrder({ firms, providers }: Market): Asked {
  const firm = oneOf(firms)
  return ask.file(firm.voucher, firm.uscc, oneOf(providers), { contractNo: contractNo() })
}

/**
 * Files so many orders a second, however long an answer takes, until something else is over; the 99th percentile of their
 * answers, in milliseconds.
 */
export async function filePaced(engine: Engine, market: Market, perSecond: number, until: Promise<unknown>) {
  let isOver = false
  void until.finally(() => {
    isOver = true
  })
  const times: number[] = []
  const asked: Promise<void>[] = []
  const started = performance.now()
  while (!isOver) {
    // A caller that should have come by now has been waiting since then.
    for (; asked.length < ((performance.now() - started) * perSecond) / 1000; ) {
      const due = started + (asked.length * 1000) / perSecond
      asked.push(
        must(engine, anOrder(market)).then(() => {
          times.push(performance.now() - due)
        }),
      )
    }
    await sleep(1)
  }
  await Promise.all(asked)
  times.sort((a, b) => a - b)
  return times[Math.floor(times.length * 0.99)]!
}

/** Claims on random vouchers and providers, verified and, if wanted, approved; returns the orders' ids. */
export async function makeClaims(
  engine: Engine,
  { firms, providers }: Market,
  count: number,
  until: 'verified' | 'approved',
): Promise<string[]> {
  const made = Array.from({ length: count }, () => ({
    firm: oneOf(firms),
    provider: oneOf(providers),
    no: contractNo(),
  }))
  const filed = await all(
    engine,
    made.map(({ firm, provider, no }) => ask.file(firm.voucher, firm.uscc, provider, { contractNo: no })),
  )
  const orders = filed.map(({ event }) => String(event.order))
  const each = (of: (order: string, n: number) => Asked) => all(engine, orders.map(of))
  await each((order, n) => ask.deliver(order, made[n]!.provider))
  await each((order, n) => ask.confirm(order, made[n]!.firm.uscc))
  await each((order, n) => ask.submit(order, made[n]!.provider, made[n]!.no.slice(3)))
  await each((order) => ask.verify(order))
  if (until === 'approved') await each((order) => ask.approve(order))
  return orders
}
