import type postgres from 'postgres'
import { bookText, orderId } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import type { Book } from '../ledger/book.js'
import type { Sql } from '../platform/database.js'
import type { SampleQuery, SampleView } from './contract.js'
import { quotasOf } from './rules.js'

/** Bands of the stratified sample by amount, in fen: up to each, and one above the last. */
const bands = [10_000_00n, 50_000_00n, 100_000_00n, 300_000_00n]

/**
 * Draws a sample of a book's approved claims. What is drawn hangs on the book, `upTo` and what was asked alone: claims
 * are put in the order of SHA-256(seed ‖ order), so a second auditor with the same seed draws the same ones.
 */
export async function drawSample(
  sql: Sql,
  book: Book,
  asked: SampleQuery & { readonly upTo: number },
): Promise<Omit<SampleView, 'pull'>> {
  const { method, seed, size, upTo } = asked
  const [whole] = await sql<{ claims: number; approved: Fen }[]>`
    select count(*)::int as claims, coalesce(sum(approved), 0)::bigint as approved
    from orders where book = ${book} and approved_seq <= ${upTo}`
  const chosen = method === 'stratified' ? await strata(sql, book, asked) : undefined
  const rows = await sql<Row[]>`
    with population as materialized (
      select o.*, 'O' || lpad(o.book::text, 6, '0') || '-' || o."order" as id,
             ${draw(sql, seed, sql`'O' || lpad(o.book::text, 6, '0') || '-' || o."order"`)} as draw
      from orders o where o.book = ${book} and o.approved_seq <= ${upTo}
    ), found as (${found[method](sql, asked)})
    select f."order"::float8 as "order", f.label, f.approved_seq::float8 as seq, c.entry, c.day, f.approved, f.program, f.category,
           f.enterprise, f.provider, f.contract_no as "contractNo", f.contract_amount as "contractAmount",
           f.filed_on as "filedOn", f.invoice_no as "invoiceNo", (count(*) over ())::int as found
    from found f join commands c on c.book = f.book and c.seq = f.approved_seq
    ${chosen ? sql`where f.place <= (${chosen.quotas}::int[])[array_position(${chosen.labels}::text[], f.label)]` : sql``}
    order by f.first, f.second, f.draw limit ${size}`
  return {
    book: bookText(book),
    method,
    seed,
    upTo,
    population: { claims: whole!.claims, approved: yuan(whole!.approved) },
    found: chosen ? whole!.claims : (rows[0]?.found ?? 0),
    items: rows.map(({ order, label, approved, contractAmount, found: _, ...row }) => ({
      ...row,
      order: orderId(book, order),
      group: label,
      approved: yuan(approved),
      contractAmount: yuan(contractAmount),
    })),
  }
}

interface Row {
  readonly order: number
  readonly label: string | null
  readonly seq: number
  readonly entry: number
  readonly day: string
  readonly approved: Fen
  readonly program: string
  readonly category: string
  readonly enterprise: string
  readonly provider: string
  readonly contractNo: string
  readonly contractAmount: Fen
  readonly filedOn: string
  readonly invoiceNo: string | null
  readonly found: number
}

type Fragment = postgres.PendingQuery<postgres.Row[]>
const draw = (sql: Sql, seed: string, of: Fragment) =>
  sql`encode(sha256(convert_to(${seed}::text || ' ' || ${of}, 'UTF8')), 'hex')`

/** The stratum of a claim, as text. */
const stratum = (sql: Sql, by: SampleQuery['strata']): Fragment =>
  by === 'amount'
    ? sql`(select coalesce('≤ ' || (min(b.most) / 100), ${`> ${bands.at(-1)! / 100n}`})
           from unnest(${bands.map(String)}::bigint[]) as b (most) where o.approved <= b.most)`
    : sql`o.${sql(by)}`

async function strata(sql: Sql, book: Book, { strata: by, size, upTo }: SampleQuery & { readonly upTo: number }) {
  const rows = await sql<{ label: string; claims: number }[]>`
    select ${stratum(sql, by)} as label, count(*)::int as claims from orders o
    where o.book = ${book} and o.approved_seq <= ${upTo} group by 1`
  const sorted = [...rows].sort((a, b) => (a.label < b.label ? -1 : 1))
  return {
    labels: sorted.map(({ label }) => label),
    quotas: quotasOf(
      sorted.map(({ claims }) => claims),
      size,
    ),
  }
}

/**
 * The cap of an order as `termsOf` found it: under the rules that its voucher was issued under, of the first row that fits
 * its category and where its firm and its provider were when it was filed.
 */
const cap = (sql: Sql) => sql`(
  select coalesce((
      select (r.said ->> 'orderCap')::bigint from jsonb_array_elements(p.ratios) with ordinality as r (said, n)
      where coalesce(r.said ->> 'category', o.category) = o.category
        and coalesce(r.said ->> 'locality', l.locality) = l.locality
      order by r.n limit 1), p.order_cap)
  from vouchers v
  join programs p on p.program = v.program and p.version = v.version
  join enterprises e on e.uscc = o.enterprise
  join providers s on s.uscc = o.provider
  cross join lateral (select coalesce((
      select m.said ->> 'from' from jsonb_array_elements(e.moves) with ordinality as m (said, n)
      where (m.said ->> 'on')::date > o.filed_on order by m.n limit 1), e.division) as division) f
  cross join lateral (
    select case when left(s.division, 2) <> left(f.division, 2) then 'other_province'
                when left(s.division, 2) = '31' or left(s.division, 4) = left(f.division, 4) then 'same_city'
                else 'same_province' end as locality) l
  where v.book = o.book and v.voucher = o.voucher)`

/** Claims that stand together: of the same partition, each near the one before or after it, named by the first. */
const together = (
  sql: Sql,
  seed: string,
  of: Fragment,
  { partition, by, most }: Record<'partition' | 'by' | 'most', Fragment>,
) => sql`
  select m.*, m.name as label, ${draw(sql, seed, sql`m.name`)} as first, m.n as second
  from (
    select k.*, first_value(k.id) over (partition by k.island order by k.n) as name, count(*) over (partition by k.island) as size
    from (
      select i.*, sum(i.starts) over (order by i.n) as island
      from (
        select o.*, row_number() over w as n,
               case when ${by} - lag(${by}) over v <= ${most} then 0 else 1 end as starts
        from (${of}) o
        window w as (order by ${partition}, ${by}, o.draw), v as (partition by ${partition} order by ${by}, o.draw)
      ) i
    ) k
  ) m
  where m.size > 1`

/** What each method looks at: claims with a label and the order in which they are drawn. */
const found: Readonly<Record<SampleQuery['method'], (sql: Sql, asked: SampleQuery) => Fragment>> = {
  random: (sql) => sql`select o.*, null as label, 0 as first, 0 as second from population o`,
  largest: (sql) => sql`select o.*, null as label, -o.approved as first, 0 as second from population o`,
  round: (sql, { multiple = 1_000_00n }) => sql`
    select o.*, null as label, 0 as first, 0 as second from population o
    where o.contract_amount % ${multiple}::bigint = 0`,
  stratified: (sql, { strata: by }) => sql`
    select o.*, row_number() over (partition by o.label order by o.draw) as place, o.label as first, 0 as second
    from (select o.*, ${stratum(sql, by)} as label from population o) o`,
  split: (sql, { seed, near, within }) =>
    together(
      sql,
      seed,
      sql`select * from (select o.*, ${cap(sql)} as cap from population o) o
          where o.voucher_amount * 100 >= o.cap * ${near} and o.voucher_amount <= o.cap`,
      {
        partition: sql`o.enterprise, o.provider, o.program`,
        by: sql`(o.filed_on - date '2000-01-01')`,
        most: sql`${within}`,
      },
    ),
  neighbours: (sql, { seed, gap }) =>
    together(sql, seed, sql`select * from population where invoice_no is not null`, {
      partition: sql`o.provider`,
      by: sql`o.invoice_no::numeric`,
      most: sql`${gap}`,
    }),
}
