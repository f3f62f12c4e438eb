import { provinceOf, provinces } from '../../core/division.js'
import type { Fen } from '../../core/money.js'
import { type GrossItem, netPositions } from '../../core/positions.js'
import { type Book, REGION } from '../../ledger/book.js'
import { phases } from '../../ledger/chart.js'
import type { Sql } from '../../platform/database.js'
import { positionOf } from '../../settlement/facts.js'
import { accountAt, differ, place, said, unequal } from '../finding.js'
import { type Item, kindNo, type Period, type Run, typeNo } from './run.js'

export async function periods(sql: Sql, run: Run): Promise<string | undefined> {
  run.periods = await sql<Period[]>`
    select p.period, p.closing, p.through, p.netted, p.settled, p.paid, p.group_name as "group", c.kind,
           array(select q.agreement::float8 from period_pairs q where q.period = p.period and q.netted) as agreements, coalesce(c.body, '{}'::json) as body,
           coalesce(c.event, '{}'::json) as event, (select coalesce(jsonb_object_agg(r.book::text, r.reach), '{}')
                                              from period_reaches r where r.period = p.period) as reaches
    from periods p left join commands c on c.book = ${REGION} and c.seq = p.closing order by p.closing`
  for (const { period, closing, through, netted, settled, paid, group, reaches, kind, body, event } of run.periods) {
    const where = place(REGION, { period, seq: closing })
    const closed = [body.period, body.through, body.group].join(' ')
    if (kind !== 'close_period')
      return differ(where, 'its command 指令', kind ?? 'none 无', 'that of a close', 'close_period')
    const is = [period, through, group].join(' ')
    if (closed !== is) return differ(where, 'the period 周期', is, 'what was closed', closed)
    const book = Object.keys({ ...reaches, ...event.reaches }).find((b) => reaches[b] !== event.reaches?.[b])
    if (book !== undefined) {
      return differ(
        where,
        `reach of book ${book} 截止编号`,
        reaches[book] ?? 'none 无',
        'that of its close',
        event.reaches?.[book] ?? 'none 无',
      )
    }
    if (paid && !netted) return said(where, 'is paid and not netted', '已拨付而未轧差')
    if (group !== null && paid && !settled) return said(where, 'is paid and not settled', '已拨付而未清算入账')
  }
  run.items = await itemsOf(sql, run.periods)
  return undefined
}

async function itemsOf(sql: Sql, all: readonly Period[]): Promise<Item[]> {
  const agreements = await sql<Agreement[]>`
    select one, other, agreement::float8 as agreement, group_name as "group", covers, valid_from as "from",
           least(valid_to, ended) as "to"
    from clearing_agreements where cardinality(signed) = 2`
  const rows = await sql<(Omit<Item, 'seq' | 'period' | 'agreement'> & { seq: bigint; day: string })[]>`
    select t.book, c.seq, c.day, a.owner as payee, a.province,
           case when t.type = ${typeNo('redeem')} then t.amount else -t.amount end as amount
    from commands c
    join transfers t on t.book = c.book and t.entry = c.entry and (
      (t.type = ${typeNo('redeem')} and t.phase = ${phases.capture})
      or t.type in (${typeNo('claw_back_payable')}, ${typeNo('claw_back_recoverable')}))
    join accounts a on a.book = t.book and a.account = case when t.type = ${typeNo('redeem')} then t.credit else t.debit end
    where c.kind in ('approve_claim', 'claw_back') order by t.book, c.seq`
  return rows.map(({ day, seq, ...item }) => {
    const pair = [Number(provinceOf(String(item.book))), item.province].sort((a, b) => a - b)
    const by = agreements.find(
      ({ one, other, covers, from, to }) =>
        one === pair[0] &&
        other === pair[1] &&
        from <= day &&
        day <= to &&
        (covers === 'tree' || pair.includes(item.book)),
    )
    const of = by?.group ?? 'region'
    return {
      ...item,
      seq: Number(seq),
      agreement: by?.agreement ?? null,
      period: all.find(
        ({ reaches, through, group }) =>
          day <= through && Number(seq) <= (reaches[String(item.book)] ?? 0) && (group === null || group === of),
      ),
    }
  })
}

interface Agreement {
  readonly one: number
  readonly other: number
  readonly agreement: number
  readonly group: string
  readonly covers: string
  readonly from: string
  readonly to: string
}

const isThroughClearing = ({ period, agreement }: Item) =>
  period !== undefined && agreement !== null && period.agreements.includes(agreement)

/** Adds up the amounts of what has the same name, sorted by it. */
function sums<T extends { readonly amount: Fen }>(list: readonly T[], nameOf: (one: T) => string): Map<string, Fen> {
  const found = new Map<string, Fen>()
  for (const one of list) found.set(nameOf(one), (found.get(nameOf(one)) ?? 0n) + one.amount)
  return found
}

export async function positions(sql: Sql, { periods = [], items = [] }: Run): Promise<string | undefined> {
  const rows = await sql<{ account: number; owner: string; posted: Fen; owed: Fen }[]>`
    select a.account, a.owner, a.posted, coalesce(sum(m.amount), 0)::bigint as owed
    from accounts a
    left join (select credit as account, amount from transfers where book = ${REGION} and type = ${typeNo('owe')}
               union all
               select debit, -amount from transfers where book = ${REGION} and type = ${typeNo('owe')}) m
      on m.account = a.account
    where a.book = ${REGION} and a.kind = ${kindNo('position')} group by a.book, a.account`
  const accounts = new Map(rows.map((row) => [row.owner, row]))
  const byPeriod = new Map<Period, GrossItem[]>()
  for (const item of items) {
    const { book, province, amount, period } = item
    if (!period?.netted || (period.group !== null && !isThroughClearing(item))) continue
    const gross = byPeriod.get(period) ?? []
    gross.push({ from: provinceOf(String(book)), to: String(province), amount })
    byPeriod.set(period, gross)
  }
  for (const period of periods) {
    const nets = netPositions(byPeriod.get(period) ?? [])
    for (const province of provinces) {
      const { owner, kind } = positionOf(period.period, province)
      const { account = 0, posted = 0n, owed = 0n } = accounts.get(owner) ?? {}
      const where = accountAt({ book: REGION, account, kind, owner })
      const net = nets.get(province)!
      if (owed !== net) return unequal(where, 'what it is owed 应收净额', owed, "the net of the period's items", net)
      const wanted = period.paid ? 0n : net
      if (posted !== wanted) {
        return unequal(where, 'posted 余额', posted, `that of a period ${period.paid ? 'paid' : 'not paid'}`, wanted)
      }
      accounts.delete(owner)
    }
  }
  for (const { account, owner } of accounts.values()) {
    return said(
      accountAt({ book: REGION, account, kind: 'position', owner }),
      'belongs to no period',
      '不属于任何清算周期',
    )
  }
  return undefined
}

export async function payments(sql: Sql, { items = [] }: Run): Promise<string | undefined> {
  const rows = await sql<{ period: string; book: Book; payee: string; amount: Fen }[]>`
    with c as materialized (select book, entry, body ->> 'period' as period from commands where kind = 'pay')
    select c.period, c.book, a.owner as payee,
           sum(case when t.type in (${typeNo('pay')}, ${typeNo('advance')}) then t.amount else -t.amount end)::bigint as amount
    from c join transfers t on t.book = c.book and t.entry = c.entry
    join accounts a on a.book = t.book
      and a.account = case when t.type in (${typeNo('pay')}, ${typeNo('advance')}) then t.debit else t.credit end
    group by 1, 2, 3`
  const nameOf = (period: string, book: Book, payee: string) => `${place(book, { period })}, ${payee}`
  const paid = sums(rows, ({ period, book, payee }) => nameOf(period, book, payee))
  const due = sums(
    items.filter(({ period }) => period?.group === null && period.paid),
    ({ period, book, payee }) => nameOf(period!.period, book, payee),
  )
  for (const where of [...new Set([...paid.keys(), ...due.keys()])].sort()) {
    const [is, wanted] = [paid.get(where) ?? 0n, due.get(where) ?? 0n]
    if (is !== wanted) return unequal(where, 'paid 拨付', is, "the sum of the paid period's items", wanted)
  }
  const takenBy = new Map(items.map(({ book, seq, period }) => [`${book} ${seq}`, period]))
  const approved = await sql<{ book: Book; order: bigint; seq: bigint; state: string }[]>`
    select book, "order", approved_seq as seq, state from orders where approved_seq is not null order by book, "order"`
  for (const { book, order, seq, state } of approved) {
    const period = takenBy.get(`${book} ${seq}`)
    if (period !== undefined && period.group !== null) continue
    const wanted = period?.paid ? 'paid' : 'approved'
    if (state !== wanted)
      return differ(place(book, { order, period: period?.period }), 'state 状态', state, 'by its period', wanted)
  }
  return undefined
}

/**
 * What a settled period pays, payee by payee, is its items added up: direct ones in the issuer's book, netted ones in
 * that of the payee's province; and what the clearing house took over from the ones it owes the others.
 */
export async function settlements(sql: Sql, { periods = [], items = [] }: Run): Promise<string | undefined> {
  const lineOf = (period: string, book: Book, payee: string) => `${place(book, { period })}, ${payee}`
  const dues = new Map<string, Fen>()
  const add = (list: readonly Item[], bookOf: (item: Item) => Book) => {
    const due = sums(list, (item) => lineOf(item.period!.period, bookOf(item), item.payee))
    const hasLine = new Set(
      list.filter(({ amount }) => amount > 0n).map((item) => lineOf(item.period!.period, bookOf(item), item.payee)),
    )
    for (const [where, amount] of due) if (hasLine.has(where)) dues.set(where, (dues.get(where) ?? 0n) + amount)
  }
  const settled = items.filter(({ period }) => period?.settled)
  add(
    settled.filter((item) => !isThroughClearing(item)),
    ({ book }) => book,
  )
  add(settled.filter(isThroughClearing), ({ province }) => province)
  const rows = await sql<{ period: string; book: Book; payee: string; amount: Fen }[]>`
    select b.period, b.book, l.payee, sum(l.amount - l.clawed_back)::bigint as amount
    from payment_batches b join payment_lines l on l.book = b.book and l.batch = b.batch
    join periods p on p.period = b.period and p.settled
    where b.source = 'payable' group by 1, 2, 3`
  const due = sums(rows, ({ period, book, payee }) => lineOf(period, book, payee))
  for (const where of [...new Set([...due.keys(), ...dues.keys()])].sort()) {
    const [is, wanted] = [due.get(where) ?? 0n, dues.get(where) ?? 0n]
    if (is !== wanted) return unequal(where, 'to be paid 应拨付', is, "the sum of the period's items", wanted)
  }
  const taken = await sql<{ period: string; amount: Fen }[]>`
    select a.owner as period, sum(case when t.credit = a.account then t.amount else -t.amount end)::bigint as amount
    from accounts a join transfers t on t.book = a.book and a.account in (t.debit, t.credit)
      and t.type in (${typeNo('novate')}, ${typeNo('novate_recoverable')}, ${typeNo('take_over')}, ${typeNo('take_over_recoverable')})
    where a.kind = ${kindNo('clearing')} group by 1 order by 1`
  for (const { period, amount } of taken) {
    // While its pieces are being booked a period is in transit 在途, which is no fault.
    if (amount !== 0n && periods.some((one) => one.period === period && one.settled)) {
      return unequal(`period ${period}`, 'taken over 清算接管', amount, 'what was handed over', 0n)
    }
  }
  return paidTooEarly(sql, settled)
}

/** An order is paid once the lines of its payee are, in the book that pays it. */
async function paidTooEarly(sql: Sql, settled: readonly Item[]): Promise<string | undefined> {
  const open = await sql<{ period: string; book: Book; payee: string }[]>`
    select distinct b.period, b.book, l.payee from payment_batches b
    join payment_lines l on l.book = b.book and l.batch = b.batch
    where b.source = 'payable' and l.state in ('open', 'released')`
  const isOpen = new Set(open.map(({ period, book, payee }) => `${period} ${book} ${payee}`))
  const paid = await sql<{ book: Book; order: bigint; seq: bigint }[]>`
    select book, "order", approved_seq as seq from orders where state = 'paid' order by book, "order"`
  const itemOf = new Map(settled.map((item) => [`${item.book} ${item.seq}`, item]))
  for (const { book, order, seq } of paid) {
    const item = itemOf.get(`${book} ${seq}`)
    if (item?.period?.group == null) continue
    const payer = isThroughClearing(item) ? item.province : book
    if (isOpen.has(`${item.period.period} ${payer} ${item.payee}`)) {
      const where = place(book, { order, period: item.period.period })
      return differ(where, 'state 状态', 'paid', 'by the lines of its payee', 'approved')
    }
  }
  return undefined
}
