import { capital } from '../core/capital.js'
import { divisionName, isProvince } from '../core/division.js'
import { bookText } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import { addDays, type Timer } from '../core/time.js'
import { booksUnder } from '../engine/access.js'
import type { Sql } from '../platform/database.js'
import type { FiguresView, SettlementReport } from './contract.js'
import {
  type Activity,
  activityIn,
  ageingAt,
  type Cut,
  firmsIn,
  headsOf,
  type Items,
  itemsIn,
  noticesAt,
  providersIn,
  provinceOfBook,
  waitsIn,
  windowsIn,
} from './queries.js'
import { rolledUp } from './roll-up.js'
import {
  type Closed,
  calendarDays,
  change,
  closesOf,
  quantile,
  waited,
  windowsOf,
  workdaysOf,
  yearBefore,
} from './rules.js'

/** What a report is of: closes of one period or of one year. */
export interface Asked {
  readonly jurisdiction: string
  readonly period: string | null
  readonly year: number | null
  /** At least one. */
  readonly closes: readonly Closed[]
  /** Every close there is. */
  readonly all: readonly Closed[]
}

/** What is counted of one place, or of all. */
type Tally = Activity & Items & { firmsIssued: number; firms: number }

const none = (): Tally => ({
  vouchers: 0,
  orders: 0,
  ordersLapsed: 0,
  delivered: 0,
  confirmed: 0,
  claimed: 0,
  ordersPaid: 0,
  claims: 0,
  firmsIssued: 0,
  firms: 0,
  issued: 0n,
  lapsed: 0n,
  held: 0n,
  used: 0n,
  deliveredAmount: 0n,
  confirmedAmount: 0n,
  claimedAmount: 0n,
  paid: 0n,
  approved: 0n,
  clawedBack: 0n,
})

/** Adds the figures of a row to a sum; its labels are left out. */
function add(sum: Tally, row: Partial<Tally>): void {
  const into = sum as unknown as Record<string, number | bigint>
  for (const [name, value] of Object.entries(row)) {
    const before = into[name]
    if (typeof before === 'bigint' && typeof value === 'bigint') into[name] = before + value
    else if (typeof before === 'number' && typeof value === 'number') into[name] = before + value
  }
}

function sums<R extends Partial<Tally>>(rows: readonly R[], nameOf: (row: R) => string): Map<string, Tally> {
  const found = new Map<string, Tally>()
  for (const row of rows) {
    const name = nameOf(row)
    const sum = found.get(name) ?? none()
    found.set(name, sum)
    add(sum, row)
  }
  return found
}

const view = (sum: Tally): FiguresView => ({
  issued: yuan(sum.issued),
  vouchers: sum.vouchers,
  firmsIssued: sum.firmsIssued,
  used: yuan(sum.used),
  orders: sum.orders,
  firms: sum.firms,
  approved: yuan(sum.approved),
  claims: sum.claims,
  clawedBack: yuan(sum.clawedBack),
  redeemed: yuan(sum.approved - sum.clawedBack),
  paid: yuan(sum.paid),
  ordersPaid: sum.ordersPaid,
  lapsed: yuan(sum.lapsed),
  ordersLapsed: sum.ordersLapsed,
})

const share = (sum: Pick<Tally, 'orders' | 'used' | 'claims' | 'approved' | 'clawedBack'>) => ({
  orders: sum.orders,
  used: yuan(sum.used),
  claims: sum.claims,
  approved: yuan(sum.approved),
  clawedBack: yuan(sum.clawedBack),
  redeemed: yuan(sum.approved - sum.clawedBack),
})

const nameOf = (code: string) => (Number(code) === 0 ? '长三角' : (divisionName(code) ?? code))
const sorted = <T>(found: ReadonlyMap<string, T>) => [...found].sort(([a], [b]) => (a < b ? -1 : 1))

/** Adds a report up. It is made of what the closes took alone, so that it is the same whenever it is asked. */
export async function settlementReportOf(sql: Sql, timer: Timer, asked: Asked): Promise<SettlementReport> {
  const { jurisdiction, period, year, closes, all } = asked
  const before = closesBefore(asked)
  await rolledUp(
    sql,
    timer,
    [...closes, ...before].map((one) => one.period),
  )
  const cut: Cut = { periods: closes, books: booksUnder(jurisdiction) }
  const windows = await windowsIn(sql, cut, all)
  const inbound = isProvince(jurisdiction) ? Number(jurisdiction) : null
  const [activity, items, providers, firms, ageing, waits, notices, heads, former] = await Promise.all([
    activityIn(sql, windows, cut.books),
    itemsIn(sql, cut, inbound),
    providersIn(sql, windows, cut),
    firmsIn(sql, windows, cut.books),
    ageingAt(sql, cut),
    waitsIn(sql, windows, cut.books),
    noticesAt(sql, closes.at(-1)!.closing),
    // What comes in from other provinces rests on their books as well.
    headsOf(sql, cut, inbound === null ? cut.books : booksUnder('000000')),
    before.length === 0 ? null : totalOf(sql, { ...cut, periods: before }, all),
  ])
  const isOurs = ({ book }: { readonly book: number }) => cut.books.low <= book && book <= cut.books.high
  const rows: (Partial<Tally> & { book: number; program: string; category: string })[] = [
    ...activity,
    ...items.filter(isOurs),
  ]
  const total = none()
  for (const row of rows) add(total, row)
  add(total, firms.get('all 0') ?? {})
  const places = (level: 'book' | 'province', placeOf: (book: number) => string) =>
    sorted(sums(rows, ({ book }) => placeOf(book))).map(([code, sum]) => {
      add(sum, firms.get(`${level} ${Number(code)}`) ?? {})
      return { jurisdiction: code, name: nameOf(code), figures: view(sum) }
    })
  const [calendar, working] = [waited(waits, calendarDays), waited(waits, workdaysOf(waits, notices))]
  const days = closes.flatMap((one) => windowsOf(one, all, []).map(({ after }) => after))
  const first = days.sort()[0]
  return {
    title: `${nameOf(jurisdiction)}科技创新券清算报表（${period ?? `${year}年度`}）`,
    period,
    year,
    periods: closes.map((one) => one.period),
    from: first === undefined || first === '1900-01-01' ? null : addDays(first, 1),
    through: closes
      .map(({ through }) => through)
      .sort()
      .at(-1)!,
    jurisdiction,
    name: nameOf(jurisdiction),
    unit: '元',
    total: view(total),
    capital: {
      issued: capital(total.issued),
      used: capital(total.used),
      redeemed: capital(total.approved - total.clawedBack),
    },
    before: former && { periods: before.map((one) => one.period), total: view(former) },
    change: former && changes(total, former),
    provinces: places('province', provinceOfBook),
    jurisdictions: places('book', bookText),
    matrix: matrixOf(items, isOurs),
    categories: sorted(
      sums(
        rows.filter(({ category }) => category !== ''),
        ({ category }) => category,
      ),
    ).map(([category, sum]) => ({ category, ...share(sum) })),
    programs: sorted(sums(rows, ({ program }) => program)).map(([program, sum]) => ({
      program,
      issued: yuan(sum.issued),
      lapsed: yuan(sum.lapsed),
      ...share(sum),
    })),
    providers: providers.map(({ provider, ...sum }) => ({ provider, ...share(sum) })),
    funnel: funnelOf(total),
    ageing: ageing.map(({ fromDays, toDays, orders, amount }) => ({
      fromDays,
      toDays: toDays > 0 ? toDays : null,
      orders,
      amount: yuan(amount),
    })),
    payment: {
      orders: waits.reduce((sum, { orders }) => sum + orders, 0),
      p50: quantile(calendar, 50),
      p90: quantile(calendar, 90),
      workdaysP50: quantile(working, 50),
      workdaysP90: quantile(working, 90),
    },
    heads,
  }
}

/**
 * The closes of the same span of the year before: the one that ended on the same day, or those that had by then. What was
 * closed only after the report's own last close is left out, so that the report stays as it was.
 */
function closesBefore({ year, closes, all }: Asked): readonly Closed[] {
  const last = Math.max(...closes.map(({ closing }) => closing))
  const earlier = all.filter(({ closing }) => closing < last)
  const through = yearBefore(
    closes
      .map((one) => one.through)
      .sort()
      .at(-1)!,
  )
  if (year === null) {
    const { group } = closes[0]!
    return earlier.filter((one) => one.group === group && one.through === through).slice(0, 1)
  }
  return closesOf(earlier, year - 1).filter((one) => one.through <= through)
}

async function totalOf(sql: Sql, cut: Cut, all: readonly Closed[]): Promise<Tally> {
  const windows = await windowsIn(sql, cut, all)
  const [activity, items, firms] = await Promise.all([
    activityIn(sql, windows, cut.books),
    itemsIn(sql, cut, null),
    firmsIn(sql, windows, cut.books),
  ])
  const total = none()
  for (const row of [...activity, ...items]) add(total, row as Partial<Tally>)
  add(total, firms.get('all 0') ?? {})
  return total
}

const changes = (now: Tally, before: Tally) => ({
  issued: change(now.issued, before.issued),
  used: change(now.used, before.used),
  redeemed: change(now.approved - now.clawedBack, before.approved - before.clawedBack),
  orders: change(BigInt(now.orders), BigInt(before.orders)),
  firms: change(BigInt(now.firms), BigInt(before.firms)),
})

/** What each province's books redeemed for payees of each. */
function matrixOf(
  items: readonly { book: number; to: number; approved: Fen; clawedBack: Fen }[],
  isOurs: (row: { readonly book: number }) => boolean,
): SettlementReport['matrix'] {
  const found = new Map<string, { from: string; to: string; isOurs: boolean; amount: Fen }>()
  for (const item of items) {
    const [from, to] = [provinceOfBook(item.book), bookText(item.to)]
    const cell = found.get(`${from} ${to}`) ?? { from, to, isOurs: isOurs(item), amount: 0n }
    cell.amount += item.approved - item.clawedBack
    found.set(`${from} ${to}`, cell)
  }
  return sorted(found).map(([, { from, to, isOurs: ours, amount }]) => ({
    from,
    to,
    direction: from === to ? 'local' : ours ? 'outbound' : 'inbound',
    amount: yuan(amount),
  }))
}

const funnelOf = (sum: Tally): SettlementReport['funnel'] => [
  { stage: 'issued', count: sum.vouchers, amount: yuan(sum.issued) },
  { stage: 'filed', count: sum.orders, amount: yuan(sum.held) },
  { stage: 'delivered', count: sum.delivered, amount: yuan(sum.deliveredAmount) },
  { stage: 'confirmed', count: sum.confirmed, amount: yuan(sum.confirmedAmount) },
  { stage: 'claimed', count: sum.claimed, amount: yuan(sum.claimedAmount) },
  { stage: 'approved', count: sum.claims, amount: yuan(sum.approved) },
  { stage: 'paid', count: sum.ordersPaid, amount: yuan(sum.paid) },
]
