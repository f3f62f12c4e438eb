import { provinceNames, provinces } from '../core/division.js'
import { bookText } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { type Clock, dayOf, parseChinaTime, yearOf } from '../core/time.js'
import { CLOCK_TOLERANCE } from '../engine/decider.js'
import type { Runner } from '../engine/runner.js'
import type { Book } from '../ledger/book.js'
import type { Written } from '../platform/cells.js'
import type { Sql } from '../platform/database.js'
import { rollUp } from '../settlement-reports/roll-up.js'
import { indicators, type StatisticsView, sums, threshold } from './contract.js'
import { suppressed } from './rules.js'

const REGION = '000000'
const places = [
  ...provinces.map((jurisdiction) => ({ jurisdiction: jurisdiction as string, name: provinceNames[jurisdiction].zh })),
  { jurisdiction: REGION, name: '长三角' },
]

/** Figures by `indicator jurisdiction`. */
type Figures = ReadonlyMap<string, bigint>
const cellOf = (code: string, jurisdiction: string) => `${code} ${jurisdiction}`

interface Services {
  readonly sql: Sql
  readonly engine: Runner
  readonly clock: Clock
}

/** The statistics of a year that has begun, nothing left out. Throws Refused('moment_in_future'). */
export async function statisticsOf({ sql, engine, clock }: Services, year: number): Promise<StatisticsView> {
  const now = yearOf(dayOf(clock.now()))
  if (year > now) throw new Refused('moment_in_future', { year })
  // What was asked before is counted; the roll-ups then have all of it.
  await engine.drained()
  await rollUp(sql)
  return viewOf(year, year === now, await figuresOf(sql, year), new Set())
}

/**
 * The statistics of a year as they are published: small figures, and what they would follow from, left out. Only of a
 * year that is over for good, since two tables of the same year could be subtracted from each other: what is answered
 * never changes. Throws Refused('moment_in_future').
 */
export async function publishedStatistics({ sql, engine, clock }: Services, year: number): Promise<StatisticsView> {
  // A command is of the day on which it was asked, by a clock that may be behind so much; corrections are of their own day.
  const over = parseChinaTime(`${year + 1}-01-01T00:00:00+08:00`)! + CLOCK_TOLERANCE
  if (clock.now() < over) throw new Refused('moment_in_future', { year })
  await engine.drained()
  const open = await sql<{ book: Book }[]>`
    select book from books where book > 0 and booked_at < to_timestamp(${over / 1000}::float8)`
  for (const { book } of open) await sql`select fix_moment(${book}, ${over - 1})`
  await rollUp(sql)
  const figures = await figuresOf(sql, year)
  const cells = indicators.flatMap(({ code, guard = code }) =>
    places.map(({ jurisdiction }) => {
      const key = cellOf(code, jurisdiction)
      return { key, value: figures.get(key)!, isSmall: isFew(figures, guard, jurisdiction) }
    }),
  )
  return viewOf(year, false, figures, suppressed(cells, relations))
}

/**
 * Whether a count is about few. What came back is taken off a count: one below zero is as telling as one above, and a
 * zero beside an amount is a few that came and as many that went. A count that reaches the threshold is of as many.
 */
function isFew(figures: Figures, count: string, jurisdiction: string): boolean {
  const value = figures.get(cellOf(count, jurisdiction))!
  if (value !== 0n) return value < BigInt(threshold) && value > -BigInt(threshold)
  return indicators.some(({ code, guard }) => guard === count && figures.get(cellOf(code, jurisdiction)) !== 0n)
}

/** The region is the sum of the provinces, and some indicators that of others, wherever they are counted. */
export const relations = [
  ...indicators.map(({ code }) => ({
    whole: cellOf(code, REGION),
    parts: provinces.map((province) => cellOf(code, province)),
  })),
  ...sums.flatMap(({ whole, parts }) =>
    places.map(({ jurisdiction }) => ({
      whole: cellOf(whole, jurisdiction),
      parts: parts.map((part) => cellOf(part, jurisdiction)),
    })),
  ),
]

const viewOf = (year: number, provisional: boolean, figures: Figures, hidden: ReadonlySet<string>): StatisticsView => ({
  year,
  provisional,
  threshold,
  places,
  items: indicators.map(({ code, zh, en, unit, definition }) => ({
    code,
    zh,
    en,
    unit,
    definition,
    values: Object.fromEntries(
      places.map(({ jurisdiction }) => {
        const key = cellOf(code, jurisdiction)
        const value = figures.get(key)!
        return [jurisdiction, hidden.has(key) ? null : unit === 'yuan' ? yuan(value) : Number(value)]
      }),
    ),
  })),
})

/** Every figure of a year; those of the region of firms and providers count each once, the others are sums. */
async function figuresOf(sql: Sql, year: number): Promise<Figures> {
  const [from, to] = [`${year}-01-01`, `${year}-12-31`]
  const rows = await sql<({ province: number | null } & Record<string, bigint | null>)[]>`
    with day as (
      select book / 10000 * 10000 as province, r.* from report_days r where day between ${from}::date and ${to}::date
    ), activity as (
      select province, sum(issues) as vouchers, sum(issued) as issued, sum(lapses) as lapses, sum(lapsed) as lapsed,
             sum(filed) as orders, sum(approved) as claims, sum(approved_amount) as approved,
             sum(approved) filter (where payee_province = province) as "claimsLocal",
             sum(approved) filter (where payee_province <> province) as "claimsOutbound",
             sum(approved_amount) filter (where payee_province = province) as "approvedLocal",
             sum(approved_amount) filter (where payee_province <> province) as "approvedOutbound",
             sum(clawed_back) as "clawedBack", sum(approved_amount) - sum(clawed_back) as redeemed,
             sum(paid) as "ordersPaid", sum(paid_amount) as paid
      from day group by grouping sets ((province), ())
    ), firm as (
      select book / 10000 * 10000 as province, count(distinct enterprise) filter (where issued) as "firmsIssued",
             count(distinct enterprise) filter (where filed) as firms
      from report_firms where day between ${from}::date and ${to}::date
      group by grouping sets ((book / 10000 * 10000), ())
    ), provider as (
      select book / 10000 * 10000 as province, count(distinct provider) filter (where filed > 0) as providers
      from report_providers where day between ${from}::date and ${to}::date
      group by grouping sets ((book / 10000 * 10000), ())
    ), back as (
      -- The first condition is that of the partial index commands_item_days, which is found by its own words alone.
      select book / 10000 * 10000 as province, count(*) as "clawBacks" from commands
      where kind in ('approve_claim', 'claw_back') and kind = 'claw_back' and day between ${from}::date and ${to}::date
      group by grouping sets ((book / 10000 * 10000), ())
    )
    select coalesce(province, 0) as province, ${sql.unsafe(
      indicators.map(({ code }) => `coalesce("${code}", 0)::bigint as "${code}"`).join(),
    )}
    from (select coalesce(province, 0) as province, ${sql.unsafe(without('firmsIssued', 'firms', 'providers', 'clawBacks'))} from activity) a
    full join (select coalesce(province, 0) as province, "firmsIssued", firms from firm) f using (province)
    full join (select coalesce(province, 0) as province, providers from provider) p using (province)
    full join (select coalesce(province, 0) as province, "clawBacks" from back) b using (province)`
  const found = new Map(rows.map((row) => [bookText(row.province ?? 0), row]))
  return new Map(
    places.flatMap(({ jurisdiction }) =>
      indicators.map(({ code }) => [cellOf(code, jurisdiction), found.get(jurisdiction)?.[code] ?? 0n] as const),
    ),
  )
}

const without = (...codes: string[]) =>
  indicators
    .filter(({ code }) => !codes.includes(code))
    .map(({ code }) => `"${code}"`)
    .join()

/** The statistics as the rows of a file; what is not published is a dash. */
export function rowsOf({ year, items, threshold: least }: StatisticsView): Written[][] {
  const dash = (value: string | number | null, unit: string): Written =>
    value === null ? '—' : unit === 'yuan' ? { yuan: String(value) } : value
  return [
    ['指标代码', '指标', 'Indicator', '单位', ...places.map(({ name }) => name), '定义'],
    ...items.map(({ code, zh, en, unit, values, definition }) => [
      code,
      zh,
      en,
      unit === 'yuan' ? '元' : '个',
      ...places.map(({ jurisdiction }) => dash(values[jurisdiction]!, unit)),
      definition,
    ]),
    [`${year}年度；—：不公布（计数不为 0 且绝对值小于 ${least}，收支相抵为 0，或可由其推出）`],
  ]
}
