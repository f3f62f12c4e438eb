import type { z } from 'zod'
import { bookText } from '../core/ids.js'
import { type Fen, parseYuan, yuan } from '../core/money.js'
import { addDays, type Day } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import { accountKinds, type TransferType, transferType, transferTypes } from '../ledger/chart.js'
import type { Sql } from '../platform/database.js'
import type { poolYearView, subsidyView, yearEndView } from './contract.js'
import type { SubsidyRun, SubsidyVersion } from './facts.js'

interface Range {
  readonly low: Book
  readonly high: Book
}

/** Fen by what moved them; out of the pool they are below zero. */
type Flows = Record<'opening' | (typeof names)[number], Fen>
const names = [
  'appropriated',
  'issued',
  'lapsed',
  'clawedBack',
  'returned',
  'carriedIn',
  'carriedOut',
  'subsidised',
  'left',
] as const

const numbers = (...types: TransferType[]) => types.map((type) => transferTypes[type].no)

/** What becomes of a movement of a pool: its name in the report. */
function nameOf(type: TransferType, isIn: boolean): (typeof names)[number] {
  switch (type) {
    case 'appropriate':
      return 'appropriated'
    case 'issue':
      return 'issued'
    case 'lapse':
      return 'lapsed'
    case 'return_budget':
      return 'returned'
    case 'carry_over':
      return isIn ? 'carriedIn' : 'carriedOut'
    case 'subsidise':
      return 'subsidised'
    default:
      return 'clawedBack'
  }
}

/**
 * What became of every pool of these books in a year, or in so much of it as has passed. Days of a book never go back, so
 * the number where a day begins is found by halving.
 */
export async function poolYear(
  sql: Sql,
  { low, high }: Range,
  year: number,
  today: Day,
): Promise<z.infer<typeof yearEndView>> {
  const first = `${year}-01-01`
  const last = `${year}-12-31`
  const through = last < today ? last : today
  const rows = await sql<
    { book: Book; program: string; type: number; isIn: boolean; isInYear: boolean; amount: Fen }[]
  >`
    with recursive bounds as (
      select book, d.day, 0::bigint as lo, seq as hi
      from books, (values (${first}::date), (${addDays(through, 1)}::date)) as d (day)
      where book between ${low} and ${high} and book > 0 and seq > 0
      union all
      select b.book, b.day, case when c.day < b.day then m.mid else b.lo end,
             case when c.day < b.day then b.hi else m.mid - 1 end
      from bounds b cross join lateral (select (b.lo + b.hi + 1) / 2 as mid) m
      join commands c on c.book = b.book and c.seq = m.mid
      where b.lo < b.hi
    ), bound as (
      select book, max(lo) filter (where day = ${first}::date) as before, max(lo) filter (where day <> ${first}::date) as through
      from bounds where lo = hi group by book
    ), moved as (
      select p.book, p.owner, t.type, true as is_in, t.seq, t.amount
      from accounts p join transfers t on t.book = p.book and t.credit = p.account
      where p.kind = ${accountKinds.pool.no} and p.book between ${low} and ${high}
        and t.type = any (${numbers('appropriate', 'lapse', 'claw_back_payable', 'claw_back_recoverable', 'carry_over')}::int[])
      union all
      select p.book, p.owner, t.type, false, t.seq, t.amount
      from accounts p join transfers t on t.book = p.book and t.debit = p.account
      where p.kind = ${accountKinds.pool.no} and p.book between ${low} and ${high}
        and t.type = any (${numbers('issue', 'return_budget', 'carry_over', 'subsidise')}::int[])
    )
    select m.book, m.owner as program, m.type, m.is_in as "isIn", m.seq > b.before as "isInYear",
           sum(m.amount)::bigint as amount
    from moved m join bound b on b.book = m.book
    where m.seq <= b.through
    group by 1, 2, 3, 4, 5 order by 1, 2`
  const pools = new Map<string, { book: Book; program: string; flows: Flows }>()
  for (const { book, program, type, isIn, isInYear, amount } of rows) {
    const key = `${book} ${program}`
    const pool = pools.get(key) ?? { book, program, flows: noFlows() }
    pools.set(key, pool)
    if (isInYear) pool.flows[nameOf(transferType(type), isIn)] += amount
    else pool.flows.opening += isIn ? amount : -amount
    pool.flows.left += isIn ? amount : -amount
  }
  const figures = await figuresOf(sql, { low, high })
  const items = [...pools.values()].map(({ book, program, flows }) => ({
    program,
    jurisdiction: bookText(book),
    ...text(flows),
    treasury: figures.get(`${book} ${program}`) ?? null,
  }))
  const total = noFlows()
  for (const { flows } of pools.values()) {
    for (const name of ['opening', ...names] as const) total[name] += flows[name]
  }
  return { year, through, items, total: text(total) }
}

const noFlows = (): Flows => Object.fromEntries(['opening', ...names].map((name) => [name, 0n])) as unknown as Flows
const text = (flows: Flows) =>
  Object.fromEntries(Object.entries(flows).map(([name, amount]) => [name, yuan(amount)])) as Record<keyof Flows, string>

type Figure = NonNullable<z.infer<typeof poolYearView>['treasury']>

/** The treasury's figures beside what the ledger says up to the same day, by book and program. */
async function figuresOf(sql: Sql, { low, high }: Range): Promise<Map<string, Figure>> {
  const rows = await sql<{ book: Book; program: string; amount: Fen; asOf: Day; document: string; ledger: Fen }[]>`
    select f.book, f.program, f.amount, f.as_of as "asOf", f.document, coalesce((
      select sum(case when t.type = ${transferTypes.appropriate.no} then t.amount else -t.amount end)
      from accounts p
      join transfers t on t.book = p.book
        and ((t.type = ${transferTypes.appropriate.no} and t.credit = p.account)
          or (t.type = ${transferTypes.return_budget.no} and t.debit = p.account))
      join commands c on c.book = t.book and c.seq = t.seq and c.day <= f.as_of
      where p.book = f.book and p.kind = ${accountKinds.pool.no} and p.owner = f.program), 0)::bigint as ledger
    from treasury_figures f where f.book between ${low} and ${high}`
  return new Map(
    rows.map(({ book, program, amount, asOf, document, ledger }) => [
      `${book} ${program}`,
      { amount: yuan(amount), asOf, document, ledger: yuan(ledger), difference: yuan(amount - ledger) },
    ]),
  )
}

/** What a share is a share of, over days that are over: of each jurisdiction, in their order. In fen. */
export async function basesOf(
  sql: Sql,
  { jurisdictions, basis }: Pick<SubsidyVersion, 'jurisdictions' | 'basis'>,
  from: Day,
  to: Day,
): Promise<{ jurisdiction: string; amount: Fen }[]> {
  const books = jurisdictions.map(Number)
  const rows = await (basis === 'issued'
    ? sql<{ book: Book; amount: Fen }[]>`
        select book, sum(amount)::bigint as amount from vouchers
        where book = any (${books}::int[]) and issued_on between ${from} and ${to} group by book`
    : sql<{ book: Book; amount: Fen }[]>`
        select t.book, sum(case when t.credit = a.account then t.amount else -t.amount end)::bigint as amount
        from accounts a
        join transfers t on t.book = a.book and a.account in (t.debit, t.credit)
          and t.type = any (${numbers('pay', 'advance', 'recover', 'overrecover', 'remit', 'bounce', 'receive')}::int[])
        join commands c on c.book = t.book and c.seq = t.seq and c.day between ${from} and ${to}
        where a.kind = ${accountKinds.treasury.no} and a.book = any (${books}::int[])
        group by t.book`)
  const found = new Map(rows.map(({ book, amount }) => [book, amount]))
  return jurisdictions.map((jurisdiction) => ({ jurisdiction, amount: found.get(Number(jurisdiction)) ?? 0n }))
}

/** The rules on subsidies of these books, with what was booked by them. */
export async function subsidiesIn(sql: Sql, { low, high }: Range): Promise<z.infer<typeof subsidyView>[]> {
  const rows = await sql<
    { book: Book; program: string; versions: SubsidyVersion[]; runs: SubsidyRun[]; entries: Record<string, number> }[]
  >`
    select s.book, s.program, s.versions, s.runs, coalesce((
      select jsonb_object_agg(c.seq::text, c.entry) from jsonb_array_elements(s.runs) as r
      join commands c on c.book = s.book and c.seq = (r ->> 'run')::bigint), '{}') as entries
    from subsidies s where s.book between ${low} and ${high} order by s.book, s.program`
  return rows.map(({ book, program, versions, runs, entries }) => ({
    program,
    jurisdiction: bookText(book),
    versions: versions.map((version) => ({ ...version, jurisdictions: [...version.jurisdictions] })),
    runs: runs.map(({ run, items, ...rest }) => ({
      ...rest,
      entry: entries[run] ?? null,
      total: yuan(items.reduce((sum, { amount }) => sum + parseYuan(amount), 0n)),
      items: [...items],
    })),
  }))
}
