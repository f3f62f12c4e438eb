import type { Instant } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { Sql } from '../platform/database.js'
import type { Webhook } from './facts.js'
import { firmKinds, type Logged } from './rules.js'

/** A webhook that is sent events, with its owner. */
export type Subscription = Omit<Webhook, 'replays' | 'madeBy' | 'reason'> & { readonly owner: string }

/** How far a webhook has heard of a book; lane 0 follows the journal, every other one is a replay. */
export interface KeptLane {
  readonly webhook: number
  readonly book: Book
  readonly lane: number
  /** Everything up to this number is done with. */
  readonly position: number
  /** Of a replay: its last number. */
  readonly until: number | null
  /** Failed tries of the next event. */
  readonly attempts: number
  readonly due: Instant | null
  readonly failingSince: Instant | null
  readonly error: string | null
}

/** A webhook as it was found; its lanes are null when it was known in this version. */
export type Active = Subscription & { readonly lanes: readonly KeptLane[] | null }

/** A lane after something was done, and what became of the event at its position, if one was tried to its end. */
export interface Step extends KeptLane {
  readonly came?: 'delivered' | 'dead'
  readonly kind?: string
}

/** All that the deliverer asks of the database. */
export interface DeliveryStore {
  heads(): Promise<ReadonlyMap<Book, number>>
  active(known: readonly Subscription[]): Promise<readonly Active[]>
  /** The next commands of books after numbers, `PAGE` of each at most; with the firms they are about, if wanted. */
  pages(places: readonly Place[], withThings: boolean): Promise<ReadonlyMap<string, readonly Logged[]>>
  keep(steps: readonly Step[], moment: Instant): Promise<void>
}

export interface Place {
  readonly book: Book
  readonly after: number
}
export const placeKey = ({ book, after }: Place) => `${book} ${after}`

/** So many commands of a book are read at once. */
export const PAGE = 100

export async function readHeads(sql: Sql): Promise<ReadonlyMap<Book, number>> {
  const rows = await sql<{ book: Book; seq: bigint }[]>`select book, seq from books where seq > 0`
  return new Map(rows.map(({ book, seq }) => [book, Number(seq)]))
}

/**
 * Webhooks that are sent events; with the lanes of those that are not known in their version, of the same moment: one
 * that ends meanwhile must not seem to have heard of nothing.
 */
export async function readActive(sql: Sql, known: readonly Subscription[]): Promise<readonly Active[]> {
  return sql<Active[]>`
    select w.number::float8 as number, w.owner, w.version::float8 as version, w.url, w.kinds, w.state,
           w.secret::float8 as secret, w.former::float8 as former, w.former_until as "formerUntil",
           case when k.version is distinct from w.version then (
             select coalesce(jsonb_agg(jsonb_build_object('webhook', l.webhook, 'book', l.book, 'lane', l.lane,
               'position', l.position, 'until', l.until, 'attempts', l.attempts,
               'due', (extract(epoch from l.due) * 1000)::float8,
               'failingSince', (extract(epoch from l.failing_since) * 1000)::float8, 'error', l.error)), '[]')
             from webhook_lanes l where l.webhook = w.number)
           end as lanes
    from webhooks w
    left join unnest(${known.map(({ number }) => number)}::bigint[], ${known.map(({ version }) => version)}::bigint[])
                as k (number, version) on k.number = w.number
    where w.state = 'active'`
}

export async function readPages(
  sql: Sql,
  places: readonly Place[],
  withThings: boolean,
): Promise<ReadonlyMap<string, readonly Logged[]>> {
  // Laterals and sub-selects with a limit or a key of their own, so that no plan can ever read a whole table.
  const rows = await sql<(Logged & { readonly after: number })[]>`
    select c.book, k.after::float8 as after, c.seq::float8 as seq, c.kind,
           (extract(epoch from c.booked_at) * 1000)::float8 as moment, c.event,
           coalesce(case
             when not (${withThings} and c.kind::text = any (${firmKinds as string[]})) then null
             when c.kind in ('pay', 'mark_paid') then (
               select jsonb_agg(jsonb_build_object('order', o."order", 'enterprise', o.enterprise, 'provider', o.provider))
               from json_array_elements_text(case when c.kind = 'pay' then c.body else c.event end -> 'orders') as id
               join orders o on o.book = c.book and o."order" = split_part(id, '-', 2)::bigint)
             when c.event ->> 'order' is not null then (
               select jsonb_agg(jsonb_build_object('order', o."order", 'enterprise', o.enterprise, 'provider', o.provider))
               from orders o where o.book = c.book and o."order" in (
                 split_part(c.event ->> 'order', '-', 2)::bigint, split_part(c.event ->> 'replaced', '-', 2)::bigint))
             when c.event ->> 'voucher' is not null then (
               select jsonb_build_array(jsonb_build_object('enterprise', v.enterprise, 'provider', null))
               from vouchers v where v.book = c.book and v.voucher = split_part(c.event ->> 'voucher', '-', 2)::bigint)
             when c.event ->> 'application' is not null then (
               select jsonb_build_array(jsonb_build_object('enterprise', a.enterprise, 'provider', null))
               from applications a
               where a.book = c.book and a.application = split_part(c.event ->> 'application', '-', 2)::bigint)
           end, '[]') as things
    from unnest(${places.map(({ book }) => book)}::int[], ${places.map(({ after }) => after)}::bigint[])
           as k (book, after)
    cross join lateral (
      select * from commands where book = k.book and seq > k.after order by seq limit ${PAGE}
    ) c
    order by c.book, k.after, c.seq`
  const pages = new Map<string, Logged[]>()
  for (const row of rows) {
    const key = placeKey(row)
    const page = pages.get(key) ?? []
    page.push(row)
    pages.set(key, page)
  }
  return pages
}

export async function keepLanes(sql: Sql, steps: readonly Step[], moment: Instant): Promise<void> {
  await sql`select keep_webhook_lanes(${JSON.stringify(steps)}::text::jsonb, ${moment}::bigint)`
}

/** Lanes of a webhook in which something fails or is replayed, with the heads of their books. */
export async function lanesBehind(sql: Sql, webhook: number) {
  return sql<(KeptLane & { readonly head: number })[]>`
    select l.webhook::float8 as webhook, l.book, l.lane::float8 as lane, l.position::float8 as position,
           l.until::float8 as until, l.attempts, (extract(epoch from l.due) * 1000)::float8 as due, l.error,
           b.seq::float8 as head
    from webhook_lanes l join books b on b.book = l.book
    where l.webhook = ${webhook} and (l.attempts > 0 or l.failing_since is not null or l.lane > 0)
    order by l.book, l.lane limit 100`
}

/** Dead letters of a webhook after a book and a number, in that order. */
export async function lettersOf(sql: Sql, webhook: number, after: { book: Book; number: number }, limit: number) {
  return sql<{ book: Book; seq: number; kind: string; error: string; givenUp: Instant }[]>`
    select book, seq::float8 as seq, kind, error, (extract(epoch from given_up) * 1000)::float8 as "givenUp"
    from webhook_letters where webhook = ${webhook} and (book, seq) > (${after.book}, ${after.number})
    order by book, seq limit ${limit}`
}
