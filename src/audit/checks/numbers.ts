import { chinaTime, dayOf } from '../../core/time.js'
import type { Book } from '../../ledger/book.js'
import { accountKinds, phases, transferTypes } from '../../ledger/chart.js'
import type { Sql } from '../../platform/database.js'
import { differ, place, said } from '../finding.js'
import { typeNo } from './run.js'

export async function chart(sql: Sql): Promise<string | undefined> {
  const kinds = await sql<{ no: number; text: string }[]>`
    select kind as no, concat_ws(' ', name, normal, floor::int) as text from account_kinds`
  const types = await sql<{ no: number; text: string }[]>`
    select t.type as no, concat_ws(' ', t.name, d.name, c.name) as text
    from legal_transfers t join account_kinds d on d.kind = t.debit join account_kinds c on c.kind = t.credit`
  return (
    unlike(
      'account_kinds',
      kinds,
      Object.entries(accountKinds).map(([name, k]) => ({ no: k.no, text: `${name} ${k.normal} ${Number(k.floor)}` })),
    ) ??
    unlike(
      'legal_transfers',
      types,
      Object.entries(transferTypes).map(([name, t]) => ({ no: t.no, text: `${name} ${t.debit} ${t.credit}` })),
    )
  )
}

function unlike(table: string, kept: readonly Declared[], declared: readonly Declared[]): string | undefined {
  const texts = (list: readonly Declared[]) => new Map(list.map(({ no, text }) => [no, text]))
  const [found, wanted] = [texts(kept), texts(declared)]
  const no = [...new Set([...wanted.keys(), ...found.keys()])].find((n) => found.get(n) !== wanted.get(n))
  if (no === undefined) return undefined
  const [is, should] = [found.get(no) ?? 'none 无', wanted.get(no) ?? 'none 无']
  return said(`${table} ${no}`, `is ${is}, the chart declares ${should}`, `为 ${is}，科目表声明为 ${should}`)
}
interface Declared {
  readonly no: number
  readonly text: string
}

export async function heads(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<
    { book: Book; seq: bigint; last: bigint; entries: bigint; lastEntry: bigint; at: bigint; lastAt: bigint }[]
  >`
    select coalesce(b.book, c.book) as book, coalesce(b.seq, 0) as seq, coalesce(c.seq, 0) as last,
           coalesce(b.entries, 0) as entries, coalesce(c.entry, 0) as "lastEntry",
           coalesce((extract(epoch from b.booked_at) * 1000)::bigint, 0) as at,
           coalesce((extract(epoch from c.booked_at) * 1000)::bigint, 0) as "lastAt"
    from books b
    full join (select book, max(seq) as seq, max(entry) as entry, max(booked_at) as booked_at
               from commands group by book) c on c.book = b.book
    where b.seq is distinct from coalesce(c.seq, 0) or b.entries is distinct from coalesce(c.entry, 0)
       or b.booked_at < c.booked_at
    order by 1 limit 1`
  if (!off) return undefined
  if (off.seq !== off.last) return differ(place(off.book), 'seq 指令号', off.seq, 'the last command', off.last)
  if (off.entries !== off.lastEntry) {
    return differ(place(off.book), 'entries 凭证号', off.entries, 'the last entry', off.lastEntry)
  }
  const [at, last] = [chinaTime(Number(off.at)), chinaTime(Number(off.lastAt))]
  return differ(place(off.book), 'booked_at 时刻', at, 'the last booking', last)
}

export async function numbers(sql: Sql): Promise<string | undefined> {
  const [nobody] = await sql<{ book: Book; seq: bigint; actor: number }[]>`
    select c.book, c.seq, c.actor from commands c left join actors a on a.actor = c.actor
    where a.actor is null order by 1, 2 limit 1`
  if (nobody)
    return differ(place(nobody.book, nobody), 'who asked 提交人', nobody.actor, 'that of the actors', 'none 无')
  const [gap] = await sql<{ book: Book; seq: bigint; wanted: bigint }[]>`
    select * from (select book, seq, row_number() over (partition by book order by seq) as wanted from commands) n
    where seq <> wanted order by book, seq limit 1`
  if (gap) return differ(place(gap.book, { seq: gap.seq }), 'the number 编号', gap.seq, 'its place', gap.wanted)
  const [swap] = await sql<{ book: Book; seq: bigint; entry: number; wanted: bigint }[]>`
    select * from (
      select book, seq, entry, row_number() over (partition by book order by seq) as wanted
      from commands where entry is not null) n
    where entry <> wanted order by book, seq limit 1`
  if (!swap) return undefined
  return differ(place(swap.book, { seq: swap.seq }), 'entry 凭证号', swap.entry, 'its place', swap.wanted)
}

/** A command may be booked as late as an hour after it was accepted, never before; its day is that of accepting it. */
export async function moments(sql: Sql): Promise<string | undefined> {
  const rows = await sql<{ book: Book; seq: bigint; day: string; at: bigint; before: bigint | null }[]>`
    select book, seq, day, (extract(epoch from at) * 1000)::bigint as at, (extract(epoch from before) * 1000)::bigint as before
    from (
      select book, seq, day, booked_at as at, lag(booked_at) over (partition by book order by seq) as before
      from commands) c
    where at < before or day not in (
      (at at time zone 'UTC' + interval '8 hours')::date, (at at time zone 'UTC' + interval '7 hours')::date)
    order by book, seq limit 1`
  for (const { book, seq, day, at, before } of rows) {
    const where = place(book, { seq })
    if (before !== null && at < before) {
      return differ(where, 'booked_at', chinaTime(Number(at)), 'that of the command before', chinaTime(Number(before)))
    }
    return differ(where, 'day 日期', day, 'that of booked_at', dayOf(Number(at)))
  }
  return undefined
}

export async function entries(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<{ book: Book; entry: number; seq: bigint | null; lines: bigint; last: number }[]>`
    select coalesce(c.book, t.book) as book, coalesce(c.entry, t.entry) as entry, c.seq,
           coalesce(t.lines, 0) as lines, coalesce(t.last, 0) as last
    from (select book, seq, entry from commands where entry is not null) c
    full join (select book, seq, entry, count(*) as lines, max(line) as last from transfers group by book, seq, entry) t
      on t.book = c.book and t.entry = c.entry and t.seq = c.seq
    where c.book is null or t.book is null or t.lines <> t.last
    order by 1, 2 limit 1`
  if (!off) return undefined
  const where = place(off.book, { seq: off.seq, entry: off.entry })
  if (off.seq === null) return said(where, `has ${off.lines} lines and no command`, `有 ${off.lines} 行分录而无指令`)
  return differ(where, 'lines 分录数', off.lines, 'the last line', off.last || 'missing 缺失')
}

export async function transfers(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<
    { book: Book; entry: number; line: number; type: number; debit: string; credit: string; wanted: string }[]
  >`
    select t.book, t.entry, t.line, t.type, coalesce(dk.name, 'account ' || t.debit) as debit,
           coalesce(ck.name, 'account ' || t.credit) as credit,
           coalesce(l.name || ': ' || ld.name || ' → ' || lc.name, 'none 无') as wanted
    from transfers t
    left join accounts d on d.book = t.book and d.account = t.debit left join account_kinds dk on dk.kind = d.kind
    left join accounts c on c.book = t.book and c.account = t.credit left join account_kinds ck on ck.kind = c.kind
    left join legal_transfers l on l.type = t.type
    left join account_kinds ld on ld.kind = l.debit left join account_kinds lc on lc.kind = l.credit
    where l.debit is distinct from d.kind or l.credit is distinct from c.kind
       or (t.phase <> ${phases.post}) <> (t.type = ${typeNo('redeem')})
    order by 1, 2, 3 limit 1`
  if (!off) return undefined
  const { book, entry, line, type, debit, credit, wanted } = off
  return differ(place(book, { entry, line }), `type ${type}`, `${debit} → ${credit}`, 'the chart’s', wanted)
}

export async function accounts(sql: Sql): Promise<string | undefined> {
  const [gap] = await sql<{ book: Book; account: number; wanted: bigint; name: string }[]>`
    select n.*, concat_ws(':', coalesce(k.name, '?'), nullif(n.owner, '')) as name
    from (select book, account, kind, owner, row_number() over (partition by book order by account) as wanted
          from accounts) n
    left join account_kinds k on k.kind = n.kind
    where n.account <> n.wanted or k.kind is null order by n.book, n.account limit 1`
  if (gap) {
    return differ(
      place(gap.book, { account: `${gap.account} ${gap.name}` }),
      'the number 编号',
      gap.account,
      'its place',
      gap.wanted,
    )
  }
  const [head] = await sql<{ book: Book; accounts: number; count: bigint }[]>`
    select b.book, b.accounts, coalesce(a.count, 0) as count
    from books b left join (select book, count(*) as count from accounts group by book) a on a.book = b.book
    where b.accounts <> coalesce(a.count, 0) order by 1 limit 1`
  return head && differ(place(head.book), 'accounts 账户数', head.accounts, 'the last account', head.count)
}
