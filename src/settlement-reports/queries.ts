import { provinceOf } from '../core/division.js'
import { bookText } from '../core/ids.js'
import type { Fen } from '../core/money.js'
import { addDays, type Day } from '../core/time.js'
import type { HolidayNotice, Notices } from '../core/workdays.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Sql } from '../platform/database.js'
import { buckets, type Closed, type Wait, type Window, windowsOf } from './rules.js'

/** Which closes a report adds up, and of which books. */
export interface Cut {
  /** In the order they were closed; at least one. */
  readonly periods: readonly Closed[]
  readonly books: { readonly low: Book; readonly high: Book }
}

/** Every closed period, in the order they were closed. */
export async function closedOf(sql: Sql): Promise<Closed[]> {
  // Whole rows: a period says which group it is of once there are groups.
  const rows = await sql<{ period: string; closing: bigint; through: Day; group_name?: string | null }[]>`
    select * from periods order by closing`
  return rows.map(({ period, closing, through, group_name }) => ({
    period,
    closing: Number(closing),
    through,
    group: group_name ?? 'region',
  }))
}

/** What closes take of the roll-ups that are no items of settlement: those of the whole region's group, if there are any. */
export async function windowsIn(sql: Sql, { periods }: Cut, all: readonly Closed[]): Promise<Window[]> {
  const lates = await sql<{ passed: bigint }[]>`select passed from report_lates order by passed`
  const group = periods.some((one) => one.group === 'region') ? 'region' : periods[0]!.group
  const numbers = lates.map(({ passed }) => Number(passed))
  return periods.filter((one) => one.group === group).flatMap((one) => windowsOf(one, all, numbers))
}

/** Windows as a table `w`. */
const tableOf = (sql: Sql, windows: readonly Window[]) => sql`
  unnest(${windows.map((w) => w.passed)}::bigint[], ${windows.map((w) => w.after)}::text[]::date[],
         ${windows.map((w) => w.through)}::text[]::date[]) as w (passed, after, through)`

const counted = ['vouchers', 'orders', 'ordersLapsed', 'delivered', 'confirmed', 'claimed', 'ordersPaid'] as const
const amounts = ['issued', 'lapsed', 'used', 'deliveredAmount', 'confirmedAmount', 'claimedAmount', 'paid'] as const
const filed = 'held' as const

export type Activity = Record<(typeof counted)[number], number> & Record<(typeof amounts)[number] | typeof filed, Fen>
type Labels = { readonly book: Book; readonly program: string; readonly category: string }

/** What was done besides approvals and claw-backs, by book, program and category. */
export async function activityIn(sql: Sql, windows: readonly Window[], { low, high }: Cut['books']) {
  return sql<(Labels & Activity)[]>`
    select r.book, r.program, r.category, sum(issues)::int as vouchers, sum(issued)::bigint as issued,
           sum(lapsed)::bigint as lapsed, sum(filed)::int as orders, sum(held)::bigint as held,
           (sum(held) - sum(released))::bigint as used, sum(orders_lapsed)::int as "ordersLapsed",
           sum(delivered)::int as delivered, sum(delivered_amount)::bigint as "deliveredAmount",
           sum(confirmed)::int as confirmed, sum(confirmed_amount)::bigint as "confirmedAmount",
           sum(claimed)::int as claimed, sum(claimed_amount)::bigint as "claimedAmount",
           sum(paid)::int as "ordersPaid", sum(paid_amount)::bigint as paid
    from ${tableOf(sql, windows)}
    join report_days r on r.passed = w.passed and r.day > w.after and r.day <= w.through
    where r.book between ${low} and ${high}
    group by 1, 2, 3 order by 1, 2, 3`
}

export interface Items {
  readonly claims: number
  readonly approved: Fen
  readonly clawedBack: Fen
}

/** The periods' items, by book, program, category and payee's province; for a province those of others to it as well. */
export async function itemsIn(sql: Sql, { periods, books }: Cut, inbound: Book | null) {
  return sql<(Labels & Items & { to: Book })[]>`
    select book, program, category, payee_province as to, sum(approved)::int as claims, sum(amount)::bigint as approved,
           sum(clawed_back)::bigint as "clawedBack"
    from report_items
    where period = any (${periods.map(({ period }) => period)})
      and (book between ${books.low} and ${books.high} or payee_province = ${inbound})
    group by 1, 2, 3, 4 order by 1, 2, 3, 4`
}

/** By provider: orders filed and what they hold or have captured, and the items. */
export async function providersIn(sql: Sql, windows: readonly Window[], { periods, books: { low, high } }: Cut) {
  return sql<({ provider: string; orders: number; used: Fen } & Items)[]>`
    select provider, sum(orders)::int as orders, sum(used)::bigint as used, sum(claims)::int as claims,
           sum(approved)::bigint as approved, sum("clawedBack")::bigint as "clawedBack"
    from (
      select r.provider, sum(filed) as orders, sum(held) - sum(released) as used, 0 as claims, 0 as approved,
             0 as "clawedBack"
      from ${tableOf(sql, windows)}
      join report_providers r on r.passed = w.passed and r.day > w.after and r.day <= w.through
      where r.book between ${low} and ${high} group by 1
      union all
      select provider, 0, 0, sum(approved), sum(amount), sum(clawed_back) from report_items
      where period = any (${periods.map(({ period }) => period)}) and book between ${low} and ${high} group by 1
    ) p
    group by 1 order by provider collate "C"`
}

export interface Firms {
  readonly firmsIssued: number
  readonly firms: number
}

/** How many firms there are, each once: by book, by province under the province's code and `true`, and in all. */
export async function firmsIn(sql: Sql, windows: readonly Window[], { low, high }: Cut['books']) {
  const rows = await sql<({ level: 'book' | 'province' | 'all'; place: number } & Firms)[]>`
    with firm as materialized (
      select r.book, r.enterprise, bool_or(r.issued) as issued, bool_or(r.filed) as filed
      from ${tableOf(sql, windows)}
      join report_firms r on r.passed = w.passed and r.day > w.after and r.day <= w.through
      where r.book between ${low} and ${high} group by 1, 2
    ), province as materialized (
      select book / 10000 * 10000 as province, enterprise, bool_or(issued) as issued, bool_or(filed) as filed
      from firm group by 1, 2
    ), whole as (
      select enterprise, bool_or(issued) as issued, bool_or(filed) as filed from province group by 1
    )
    select 'book' as level, book as place, count(*) filter (where issued)::int as "firmsIssued",
           count(*) filter (where filed)::int as firms from firm group by 2
    union all
    select 'province', province, count(*) filter (where issued)::int, count(*) filter (where filed)::int
    from province group by 2
    union all
    select 'all', 0, count(*) filter (where issued)::int, count(*) filter (where filed)::int from whole`
  return new Map(rows.map(({ level, place, ...firms }) => [`${level} ${place}`, firms]))
}

/** What was approved and is unpaid at the end of the last close, by the buckets of its age. */
export async function ageingAt(sql: Sql, { periods, books: { low, high } }: Cut) {
  const last = periods.at(-1)!
  const ends = buckets.map((least) => addDays(last.through, -least))
  const rows = await sql<{ bucket: number; orders: number; amount: Fen }[]>`
    select (select max(b.n) from unnest(${ends}::text[]::date[]) with ordinality as b (latest, n)
            where p.approved_on <= b.latest)::int as bucket,
           sum(p.orders)::int as orders, sum(p.amount)::bigint as amount
    from (
      select approved_on, sum(orders) as orders, sum(amount) as amount from report_payables
      where passed < ${last.closing} and day <= ${last.through} and book between ${low} and ${high} group by 1
    ) p
    group by 1`
  return buckets.map((fromDays, n) => ({
    fromDays,
    toDays: (buckets[n + 1] ?? 0) - 1,
    ...(rows.find(({ bucket }) => bucket === n + 1) ?? { orders: 0, amount: 0n }),
  }))
}

/** Orders paid by the days of their first claim and of their payment. */
export async function waitsIn(sql: Sql, windows: readonly Window[], { low, high }: Cut['books']) {
  return sql<Wait[]>`
    select r.claimed_on as "claimedOn", r.day as "paidOn", sum(r.orders)::int as orders
    from ${tableOf(sql, windows)}
    join report_waits r on r.passed = w.passed and r.day > w.after and r.day <= w.through
    where r.book between ${low} and ${high} group by 1, 2 order by 1, 2`
}

/** The notices of holidays as they were published when a period was closed, by the number of that close. */
export async function noticesAt(sql: Sql, closing: number): Promise<Notices> {
  const rows = await sql<{ notice: HolidayNotice | null }[]>`
    select case when w.version <= ${closing}
             then jsonb_build_object('year', w.year, 'document', w.document, 'off', w.off, 'work', w.work)
             else (select c.body::jsonb from commands c
                   where c.book = ${REGION} and c.kind = 'publish_workdays' and c.seq <= ${closing}
                     and (c.body ->> 'year')::int = w.year order by c.seq desc limit 1) end as notice
    from workdays w`
  return (year) => rows.find(({ notice }) => notice?.year === year)?.notice ?? null
}

/** The last command and entry of every book that the closes reach; of the region the number of the last close. */
export async function headsOf(sql: Sql, { periods }: Cut, { low, high }: Cut['books']) {
  const rows = await sql<{ book: Book; seq: bigint; entry: number }[]>`
    select h.book, h.seq, coalesce((
      select entry from commands c where c.book = h.book and c.seq <= h.seq and c.entry is not null
      order by c.seq desc limit 1), 0) as entry
    from (
      select book, max(reach) as seq from period_reaches
      where period = any (${periods.map(({ period }) => period)}) and book between ${low} and ${high} group by 1
      union all
      select 0, ${periods.at(-1)!.closing}::bigint
    ) h
    order by 1`
  return rows.map(({ book, seq, entry }) => ({ book: bookText(book), seq: Number(seq), entry }))
}

export const provinceOfBook = (book: Book) => provinceOf(bookText(book))
