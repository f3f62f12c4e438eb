import { prefixOf } from '../core/division.js'
import type { Day } from '../core/time.js'
import type { Sql } from '../platform/database.js'
import { type Evaluation, LEAST_CONFIRMED, type YearlyReview } from './contract.js'

/** A mean score below this is low, a share of returned claims above this is many. */
const LOW_SCORE = 60
const MANY_RETURNS = 0.2

interface Figures {
  readonly category: string | null
  readonly orders: number
  readonly confirmed: number
  readonly claims: number
  readonly returned: number
  readonly mean: number | null
  readonly quartiles: number[] | null
  readonly delivery: number | null
  readonly approval: number | null
}

/** What a provider's orders came to, by category and in all; delivery and return are read from the log. */
export async function evaluate(sql: Sql, provider: string): Promise<Evaluation> {
  const rows = await sql<Figures[]>`
    with course as (
      select o.category, o.score, o.invoice_no is not null as is_claim, c.is_returned,
             c.delivered - o.filed_on as delivery, a.day - o.filed_on as approval
      from orders o
      cross join lateral (
        select min(c.day) filter (where c.kind = 'deliver') as delivered,
               coalesce(bool_or(c.kind = 'return_claim'), false) as is_returned
        from commands c
        where c.book = o.book and c.body ->> 'order' = 'O' || o.book || '-' || o."order"
          and c.kind in ('deliver', 'return_claim')
      ) c
      left join commands a on a.book = o.book and a.seq = o.approved_seq
      where o.provider = ${provider}
    )
    select category, count(*)::int as orders, count(score)::int as confirmed,
           (count(*) filter (where is_claim))::int as claims, (count(*) filter (where is_returned))::int as returned,
           round(avg(score), 2)::float8 as mean,
           to_json(percentile_cont(array[0.25, 0.5, 0.75]) within group (order by score)) as quartiles,
           round(avg(delivery), 2)::float8 as delivery, round(avg(approval), 2)::float8 as approval
    from course group by grouping sets ((category), ()) order by category nulls last`
  const all = rows.at(-1)!
  return {
    provider,
    ...published(all),
    categories: rows.slice(0, -1).map((row) => ({ category: row.category as never, ...published(row) })),
  }
}

function published({ orders, confirmed, claims, returned, mean, quartiles, delivery, approval }: Figures) {
  const counts = { orders, confirmed, claims }
  if (confirmed < LEAST_CONFIRMED) {
    const nothing = { scoreMean: null, scoreQuartiles: null, daysToDelivery: null, daysToApproval: null }
    return { ...counts, isPublished: false, ...nothing, returnedShare: null }
  }
  return {
    ...counts,
    isPublished: true,
    scoreMean: mean,
    scoreQuartiles: quartiles,
    daysToDelivery: delivery,
    daysToApproval: approval,
    returnedShare: claims > 0 ? Math.round((100 * returned) / claims) / 100 : null,
  }
}

/** Which providers, by their codes, one more than the limit. */
export interface YearlyReviewQuery {
  readonly jurisdiction: string
  readonly year: number
  readonly limit: number
  readonly cursor?: string
}

/**
 * The providers of a jurisdiction's tree that are not withdrawn, with the year's orders (those filed in it) and what a
 * bureau should look at; as of a day, when the year is not over.
 */
export async function yearlyReview(
  sql: Sql,
  { jurisdiction, year, limit, cursor = '' }: YearlyReviewQuery,
  today: Day,
): Promise<YearlyReview[]> {
  const [first, last] = [`${year}-01-01`, `${year}-12-31`]
  const until = today < last ? today : last
  const rows = await sql<
    (Omit<YearlyReview, 'findings'> & { isExpiring: boolean; isListed: boolean; isListedAtHome: boolean })[]
  >`
    select p.uscc, p.name, p.division, y.*,
           exists (
             select from jsonb_to_recordset(f.qualifications) as q ("validTo" date)
             where q."validTo" between ${first} and ${last}
           ) as "isExpiring",
           exists (
             select from integrity_entries i
             where i.uscc = p.uscc and i.removed is null
               and i.valid_from <= ${last} and coalesce(i.valid_to, 'infinity') >= ${first}
           ) as "isListed",
           coalesce(
             r.verdict = 'accepted' and r.notice_left is null and coalesce(r.notice_ends < ${until}, true), false
           ) as "isListedAtHome"
    from providers p
    left join provider_profiles f on f.uscc = p.uscc
    left join home_reviews r on r.uscc = p.uscc
    cross join lateral (
      select count(*)::int as orders, count(o.score)::int as confirmed,
             round(avg(o.score), 2)::float8 as "scoreMean",
             count(o.invoice_no)::int as claims, (count(*) filter (where c.is_returned))::int as returned
      from orders o
      cross join lateral (
        select exists (
          select from commands c
          where c.book = o.book and c.body ->> 'order' = 'O' || o.book || '-' || o."order" and c.kind = 'return_claim'
        ) as is_returned
      ) c
      where o.provider = p.uscc and o.filed_on between ${first} and ${last}
    ) y
    where p.uscc > ${cursor} and starts_with(p.division, ${prefixOf(jurisdiction)})
      and not exists (
        select from provider_suspensions s where s.provider = p.uscc and s.everywhere and s.lifted is null
      )
    order by p.uscc limit ${limit + 1}`
  return rows.map(({ isExpiring, isListed, isListedAtHome, ...line }) => ({
    ...line,
    findings: [
      ...(isExpiring ? (['qualification_expiring'] as const) : []),
      ...(line.confirmed >= LEAST_CONFIRMED && line.scoreMean! < LOW_SCORE ? (['low_score'] as const) : []),
      ...(line.returned > MANY_RETURNS * line.claims ? (['many_returns'] as const) : []),
      ...(isListed ? (['integrity_listed'] as const) : []),
      ...(isListedAtHome ? [] : (['not_listed_at_home'] as const)),
      ...(line.orders === 0 ? (['no_orders'] as const) : []),
    ],
  }))
}
