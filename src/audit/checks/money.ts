import { type Fen, yuan } from '../../core/money.js'
import type { Book } from '../../ledger/book.js'
import { phases, transferType } from '../../ledger/chart.js'
import { orderStates } from '../../orders/contract.js'
import { next } from '../../orders/rules.js'
import type { Sql } from '../../platform/database.js'
import { accountAt, differ, place, said, unequal } from '../finding.js'
import { kindNo } from './run.js'

/** States in which an order's hold is open: those from which it can still be given back. */
const holding = orderStates.filter((state) => next(state, 'cancel_order') ?? next(state, 'reject_claim'))

/** What every line moved on its accounts: posted on the normal side, held. */
const moved = (sql: Sql) => sql`
  select m.book, m.account, m.entry, case when m.side = k.normal then m.posted else -m.posted end as posted, m.held
  from (
    select book, debit as account, entry, 'debit' as side,
           case when phase in (${phases.post}, ${phases.capture}) then amount else 0 end as posted,
           case phase when ${phases.post} then 0 when ${phases.hold} then amount else -amount end as held
    from transfers
    union all
    select book, credit, entry, 'credit', amount, 0
    from transfers where phase in (${phases.post}, ${phases.capture})
  ) m
  join accounts a on a.book = m.book and a.account = m.account
  join account_kinds k on k.kind = a.kind`

interface Balance {
  readonly book: Book
  readonly account: number
  readonly kind: string
  readonly owner: string
  readonly posted: Fen
  readonly held: Fen
}

export async function balances(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<(Balance & { wantedPosted: Fen; wantedHeld: Fen })[]>`
    select a.book, a.account, k.name as kind, a.owner, a.posted, a.held,
           coalesce(m.posted, 0)::bigint as "wantedPosted", coalesce(m.held, 0)::bigint as "wantedHeld"
    from accounts a join account_kinds k on k.kind = a.kind
    left join (select book, account, sum(posted) as posted, sum(held) as held from (${moved(sql)}) l
               group by book, account) m on m.book = a.book and m.account = a.account
    where a.posted <> coalesce(m.posted, 0) or a.held <> coalesce(m.held, 0)
    order by 1, 2 limit 1`
  if (!off) return undefined
  const where = accountAt(off)
  return off.posted !== off.wantedPosted
    ? unequal(where, 'posted 余额', off.posted, 'the sum of its transfers', off.wantedPosted)
    : unequal(where, 'held 冻结', off.held, 'the sum of its transfers', off.wantedHeld)
}

export async function floors(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<(Balance & { entry: number })[]>`
    select r.book, r.account, k.name as kind, a.owner, r.entry, r.posted::bigint as posted, r.held::bigint as held
    from (select book, account, entry, sum(posted) over w as posted, sum(held) over w as held
          -- Lines of one entry are peers: each is given the sums after the whole of it.
          from (${moved(sql)}) l window w as (partition by book, account order by entry)) r
    join accounts a on a.book = r.book and a.account = r.account join account_kinds k on k.kind = a.kind
    where r.held < 0 or (k.floor and r.posted < r.held) or (r.held <> 0 and a.kind <> ${kindNo('voucher')})
    order by 1, 5, 2 limit 1`
  if (!off) return undefined
  const [posted, held] = [yuan(off.posted), yuan(off.held)]
  return said(
    accountAt(off, off.entry),
    `posted is ${posted} with ${held} of it held`,
    `余额 ${posted}，其中冻结 ${held}`,
  )
}

export async function holds(sql: Sql): Promise<string | undefined> {
  const [leg] = await sql<
    { book: Book; hold: bigint; leg: number; kept: string; wanted: string; open: Fen; wantedOpen: Fen }[]
  >`
    select coalesce(h.book, t.book) as book, coalesce(h.hold, t.hold) as hold, coalesce(h.leg, t.leg) as leg,
           concat_ws(' ', h.type, h.debit, h.credit, h.amount) as kept,
           concat_ws(' ', t.type, t.debit, t.credit, t.amount) as wanted,
           coalesce(h.open, 0) as open, coalesce(t.open, 0) as "wantedOpen"
    from holds h
    full join (
      select book, hold, leg, min(type) as type, min(debit) as debit, min(credit) as credit,
             coalesce(sum(amount) filter (where phase = ${phases.hold}), 0)::bigint as amount,
             sum(case when phase = ${phases.hold} then amount else -amount end)::bigint as open
      from transfers where hold is not null group by book, hold, leg
    ) t on t.book = h.book and t.hold = h.hold and t.leg = h.leg
    where h.open is distinct from t.open or h.amount is distinct from t.amount
       or (h.type, h.debit, h.credit) is distinct from (t.type, t.debit, t.credit)
    order by 1, 2, 3 limit 1`
  if (leg) {
    const where = place(leg.book, { hold: leg.hold, leg: leg.leg })
    return leg.open !== leg.wantedOpen
      ? unequal(where, 'open 未结冻结', leg.open, 'the sum of its transfers', leg.wantedOpen)
      : differ(where, 'the leg 分支', leg.kept || 'missing 缺失', 'that of its transfers', leg.wanted)
  }
  const [account] = await sql<(Balance & { open: Fen })[]>`
    select a.book, a.account, k.name as kind, a.owner, a.posted, a.held, coalesce(h.open, 0)::bigint as open
    from accounts a join account_kinds k on k.kind = a.kind
    left join (select book, debit, sum(open) as open from holds group by book, debit) h
      on h.book = a.book and h.debit = a.account
    where a.held <> coalesce(h.open, 0) order by 1, 2 limit 1`
  if (account) return unequal(accountAt(account), 'held 冻结', account.held, 'the sum of its open holds', account.open)
  const [order] = await sql<{ book: Book; number: bigint; state: string | null; open: Fen; wanted: Fen }[]>`
    select coalesce(o.book, h.book) as book, coalesce(o."order", h.hold) as number, o.state,
           coalesce(h.open, 0)::bigint as open,
           case when o.state = any (${holding}) then o.voucher_amount else 0 end as wanted
    from orders o
    full join (select book, hold, sum(open) as open from holds group by book, hold) h
      on h.book = o.book and h.hold = o."order"
    where o.book is null or h.book is null
       or h.open <> case when o.state = any (${holding}) then o.voucher_amount else 0 end
    order by 1, 2 limit 1`
  if (!order) return undefined
  const where = place(order.book, { order: order.number })
  if (order.state === null)
    return said(
      where,
      `there is no such order, ${yuan(order.open)} is held`,
      `订单不存在，却有冻结 ${yuan(order.open)}`,
    )
  return unequal(where, 'open 未结冻结', order.open, `that of an order ${order.state}`, order.wanted)
}

/** What marks of turnover say, against the transfers up to each; and whether every mark that a book should have is there. */
export async function marks(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<{ book: Book; entry: number; type: number; phase: number; found: Fen; wanted: Fen }[]>`
    with mark as materialized (
      select book, entry from turnover_marks union select book, entry from turnover_heads
    ), piece as materialized (
      -- A transfer belongs to the first mark that reaches it.
      select t.book, e.entries[width_bucket(t.entry - 1, e.entries) + 1] as entry, t.type, t.phase, t.amount
      from transfers t join (select book, array_agg(entry order by entry) as entries from mark group by 1) e
        on e.book = t.book
    ), added as (
      select book, entry, type, phase, sum(amount) as amount from piece where entry is not null group by 1, 2, 3, 4
    ), wanted as (
      select m.book, m.entry, k.type, k.phase, coalesce(sum(a.amount) over (
               partition by m.book, k.type, k.phase order by m.entry), 0) as amount
      from mark m
      cross join lateral (
        select distinct x.type, x.phase from (
          select a.book, a.type, a.phase from added a union select n.book, n.type, n.phase from turnover_marks n) x
        where x.book = m.book) k
      left join added a on a.book = m.book and a.entry = m.entry and a.type = k.type and a.phase = k.phase
    )
    select w.book, w.entry, w.type, w.phase, coalesce(f.amount, 0)::bigint as found, w.amount::bigint as wanted
    from wanted w
    left join turnover_marks f on f.book = w.book and f.entry = w.entry and f.type = w.type and f.phase = w.phase
    where coalesce(f.amount, 0) <> w.amount order by 1, 2, 3, 4 limit 1`
  if (!off) return undefined
  const type = transferType(off.type)
  return unequal(
    place(off.book, { entry: off.entry }),
    `the mark of ${type} 余额标记`,
    off.found,
    'the sum of the transfers',
    off.wanted,
  )
}
