import type { Fen } from '../../core/money.js'
import type { Book } from '../../ledger/book.js'
import { phases } from '../../ledger/chart.js'
import type { Sql } from '../../platform/database.js'
import { differ, place, unequal } from '../finding.js'
import { type Run, typeNo } from './run.js'

/** What the roll-ups of reports have of each book, against the log up to where they stand. */
export async function reports(sql: Sql, { items = [] }: Run): Promise<string | undefined> {
  const [off] = await sql<{ book: Book; seq: bigint; what: string; found: bigint; wanted: bigint }[]>`
    with line as (
      select t.book, sum(amount) filter (where type = ${typeNo('issue')}) as issued,
             sum(amount) filter (where type = ${typeNo('lapse')}) as lapsed,
             sum(amount) filter (where type = ${typeNo('redeem')} and phase = ${phases.hold}) as held,
             sum(amount) filter (where type = ${typeNo('redeem')} and phase = ${phases.release}) as released,
             sum(amount) filter (where type = ${typeNo('redeem')} and phase = ${phases.capture}) as approved,
             sum(amount) filter (where type in (${typeNo('claw_back_payable')}, ${typeNo('claw_back_recoverable')})) as clawed
      from transfers t join report_heads h on h.book = t.book and t.seq <= h.seq group by 1
    ), cmd as (
      select c.book, count(*) filter (where kind = 'file_order') as filed, count(*) filter (where kind = 'deliver') as delivered,
             count(*) filter (where kind = 'confirm') as confirmed,
             count(distinct body ->> 'order') filter (where kind = 'submit_claim') as claimed,
             count(*) filter (where kind = 'approve_claim') as approvals
      from commands c join report_heads h on h.book = c.book and c.seq <= h.seq group by 1
    ), days as (
      select book, sum(issued) as issued, sum(lapsed) as lapsed, sum(held) as held, sum(released) as released,
             sum(approved_amount) as approved, sum(clawed_back) as clawed, sum(filed) as filed,
             sum(delivered) as delivered, sum(confirmed) as confirmed, sum(claimed) as claimed, sum(approved) as approvals
      from report_days group by 1
    )
    select h.book, h.seq, v.what, v.found::bigint as found, v.wanted::bigint as wanted
    from report_heads h
    left join line l on l.book = h.book left join cmd c on c.book = h.book left join days d on d.book = h.book
    cross join lateral (values
      ('issued 发放', coalesce(d.issued, 0), coalesce(l.issued, 0)), ('lapsed 失效', coalesce(d.lapsed, 0), coalesce(l.lapsed, 0)),
      ('held 冻结', coalesce(d.held, 0), coalesce(l.held, 0)), ('released 释放', coalesce(d.released, 0), coalesce(l.released, 0)),
      ('approved 核准', coalesce(d.approved, 0), coalesce(l.approved, 0)),
      ('clawed back 追回', coalesce(d.clawed, 0), coalesce(l.clawed, 0)),
      ('orders filed 备案数', coalesce(d.filed, 0), coalesce(c.filed, 0)),
      ('orders delivered 交付数', coalesce(d.delivered, 0), coalesce(c.delivered, 0)),
      ('orders confirmed 确认数', coalesce(d.confirmed, 0), coalesce(c.confirmed, 0)),
      ('orders claimed 申请数', coalesce(d.claimed, 0), coalesce(c.claimed, 0)),
      ('claims approved 核准数', coalesce(d.approvals, 0), coalesce(c.approvals, 0))
    ) as v (what, found, wanted)
    where v.found <> v.wanted order by 1, 3 limit 1`
  if (off) {
    const where = place(off.book, { seq: off.seq })
    return differ(where, `the reports' ${off.what}`, off.found, 'the sum of the log', off.wanted)
  }
  const rows = await sql<{ period: string; book: Book; amount: Fen }[]>`
    select i.period, i.book, sum(i.amount - i.clawed_back)::bigint as amount from report_items i group by 1, 2`
  const added = await sql<{ period: string }[]>`select period from report_periods`
  const known = new Set(added.map(({ period }) => period))
  const wanted = new Map<string, { book: Book; period: string; amount: Fen }>()
  for (const { book, period, amount } of items) {
    if (!period || !known.has(period.period)) continue
    const key = `${period.period} ${book}`
    const before = wanted.get(key)?.amount ?? 0n
    wanted.set(key, { book, period: period.period, amount: before + amount })
  }
  const found = new Map(rows.map((row) => [`${row.period} ${row.book}`, row]))
  for (const [key, { book, period }] of [...wanted, ...found].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [is, of] = [found.get(key)?.amount ?? 0n, wanted.get(key)?.amount ?? 0n]
    if (is !== of)
      return unequal(place(book, { period }), "the reports' items 明细", is, "the sum of the period's items", of)
  }
  return undefined
}
