import { openStates } from '../../applications/rules.js'
import { type Fen, yuan } from '../../core/money.js'
import type { Book } from '../../ledger/book.js'
import { phases } from '../../ledger/chart.js'
import type { Sql } from '../../platform/database.js'
import { accountAt, differ, place, said, unequal } from '../finding.js'
import { kindNo, typeNo } from './run.js'

/** States in which contract and invoice numbers are free again. */
const freed = ['cancelled', 'declined', 'lapsed', 'rejected']

/** The id of an order `o`, or of the voucher of `o`, as the accounts, keys and commands have it. */
const idOf = (sql: Sql, letter: 'V' | 'O') =>
  letter === 'V'
    ? sql`'V' || lpad(o.book::text, 6, '0') || '-' || o.voucher`
    : sql`'O' || lpad(o.book::text, 6, '0') || '-' || o."order"`

export async function vouchers(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<
    { book: Book; voucher: bigint | null; owner: string; amount: Fen; issued: Fen; lapsed: boolean; rest: Fen }[]
  >`
    select coalesce(v.book, a.book) as book, v.voucher, coalesce(a.owner, v.owner) as owner,
           coalesce(v.amount, 0) as amount, coalesce(t.amount, 0)::bigint as issued,
           v.lapsed_on is not null as lapsed, coalesce(a.posted - a.held, 0) as rest
    from (select o.*, ${idOf(sql, 'V')} as owner from vouchers o) v
    full join (select book, account, owner, posted, held from accounts where kind = ${kindNo('voucher')}) a
      on a.book = v.book and a.owner = v.owner
    left join (select book, credit, sum(amount) as amount from transfers where type = ${typeNo('issue')}
               group by book, credit) t on t.book = a.book and t.credit = a.account
    where v.amount is distinct from t.amount or (v.lapsed_on is not null and a.posted <> a.held)
    order by 1, 3 limit 1`
  if (!off) return undefined
  const where = place(off.book, { voucher: off.owner })
  if (off.voucher === null)
    return said(where, `${yuan(off.issued)} was issued and there is no voucher`, `已发放 ${yuan(off.issued)}，却无此券`)
  return off.amount !== off.issued
    ? unequal(where, 'amount 金额', off.amount, 'what was issued to its account', off.issued)
    : unequal(where, 'available 可用', off.rest, 'that of a lapsed voucher', 0n)
}

export async function orders(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<
    {
      book: Book
      order: bigint
      share: Fen
      held: Fen
      approved: Fen
      captured: Fen
      parties: string
      ofHold: string
      by: string
      wantedBy: string
    }[]
  >`
    with hold as materialized (
      select t.book, t.hold, t.held, t.captured, concat_ws(' ', d.owner, c.owner, c.province) as parties
      from (select book, hold, min(debit) as debit, min(credit) as credit,
                   -- Of what is held anew the last leg counts.
                   coalesce((array_agg(amount order by leg desc) filter (where phase = ${phases.hold}))[1], 0) as held,
                   coalesce(sum(amount) filter (where phase = ${phases.capture}), 0)::bigint as captured
            from transfers where hold is not null group by book, hold) t
      join accounts d on d.book = t.book and d.account = t.debit
      join accounts c on c.book = t.book and c.account = t.credit
    )
    select * from (
      select o.book, o."order", o.voucher_amount as share, h.held, coalesce(o.approved, 0) as approved, h.captured,
             concat_ws(' ', ${idOf(sql, 'V')}, o.payee || ':' ||
               case o.payee when 'provider' then o.provider else o.enterprise end, o.payee_province) as parties,
             h.parties as "ofHold", concat_ws(' ', a.kind, a.body ->> 'order') as by,
             case when o.approved is null then '' else concat_ws(' ', 'approve_claim', ${idOf(sql, 'O')}) end as "wantedBy"
      from orders o join hold h on h.book = o.book and h.hold = o."order"
      left join commands a on a.book = o.book and a.seq = o.approved_seq
    ) o
    where held <> share or approved <> captured or parties <> "ofHold" or by <> "wantedBy"
    order by book, "order" limit 1`
  if (off) {
    const where = place(off.book, { order: off.order })
    if (off.share !== off.held) return unequal(where, 'voucher_amount 券额', off.share, 'what was held', off.held)
    if (off.approved !== off.captured) {
      return unequal(where, 'approved 核准', off.approved, 'what was captured', off.captured)
    }
    return off.parties !== off.ofHold
      ? differ(where, 'voucher and payee 券与收款方', off.parties, 'that of its hold', off.ofHold)
      : differ(where, 'approved_seq 核准指令', off.by || 'none 无', 'its approval', off.wantedBy || 'none 无')
  }
  const [clawed] = await sql<{ book: Book; number: string; clawed: Fen; wanted: Fen }[]>`
    select coalesce(o.book, b.book) as book, coalesce(o.number, b.number) as number,
           coalesce(o.clawed_back, 0) as clawed, coalesce(b.amount, 0)::bigint as wanted
    from (select o.book, ${idOf(sql, 'O')} as number, o.clawed_back from orders o) o
    full join (select c.book, c.body ->> 'order' as number, sum(t.amount) as amount
               from commands c join transfers t on t.book = c.book and t.entry = c.entry
               where c.kind = 'claw_back' group by 1, 2) b
      on b.book = o.book and b.number = o.number
    where coalesce(o.clawed_back, 0) <> coalesce(b.amount, 0) order by 1, 2 limit 1`
  if (!clawed) return undefined
  const where = place(clawed.book, { order: clawed.number })
  return unequal(where, 'clawed_back 追回', clawed.clawed, 'the sum of its claw-backs', clawed.wanted)
}

export async function pools(sql: Sql): Promise<string | undefined> {
  const [stray] = await sql<{ book: Book; account: number; kind: string; owner: string; jurisdiction: Book | null }[]>`
    select a.book, a.account, 'pool' as kind, a.owner, p.jurisdiction
    from accounts a left join programs p on p.program = a.owner
    where a.kind = ${kindNo('pool')} and p.jurisdiction is distinct from a.book order by 1, 2 limit 1`
  if (stray)
    return differ(accountAt(stray), 'the book 账套', stray.book, "its program's", stray.jurisdiction ?? 'none 无')
  const [off] = await sql<
    {
      program: string
      book: Book
      appropriated: Fen
      pool: Fen
      available: Fen
      held: Fen
      approved: Fen
      clawed: Fen
      carried: Fen
    }[]
  >`
    with given as (
      select book, debit, sum(amount) as amount from transfers
      where type in (${typeNo('return_budget')}, ${typeNo('carry_over')}, ${typeNo('subsidise')}) group by book, debit
    ), pool as (
      select a.book, a.account, a.owner as program, a.posted,
             coalesce(sum(t.amount) filter (where t.type = ${typeNo('appropriate')}), 0) as appropriated,
             coalesce(sum(t.amount) filter (where t.type in (${typeNo('claw_back_payable')}, ${typeNo('claw_back_recoverable')})), 0) as clawed,
             coalesce(sum(t.amount) filter (where t.type = ${typeNo('carry_over')}), 0) - coalesce(min(g.amount), 0) as carried
      from accounts a left join transfers t on t.book = a.book and t.credit = a.account
      left join given g on g.book = a.book and g.debit = a.account
      where a.kind = ${kindNo('pool')} group by a.book, a.account
    ), spent as (
      select v.book, v.program, sum(a.posted - a.held) as available, sum(a.held) as held, sum(r.amount) as approved
      from (select o.*, ${idOf(sql, 'V')} as owner from vouchers o) v
      join accounts a on a.book = v.book and a.kind = ${kindNo('voucher')} and a.owner = v.owner
      left join (select book, debit, sum(amount) as amount from transfers
                 where type = ${typeNo('redeem')} and phase = ${phases.capture} group by book, debit) r
        on r.book = a.book and r.debit = a.account
      group by v.book, v.program
    )
    select * from (
      select coalesce(p.program, s.program) as program, coalesce(p.book, s.book) as book,
             coalesce(p.appropriated, 0)::bigint as appropriated, coalesce(p.posted, 0) as pool,
             coalesce(s.available, 0)::bigint as available, coalesce(s.held, 0)::bigint as held,
             coalesce(s.approved, 0)::bigint as approved, coalesce(p.clawed, 0)::bigint as clawed,
             coalesce(p.carried, 0)::bigint as carried
      from pool p full join spent s on s.book = p.book and s.program = p.program
    ) f
    where appropriated + carried <> pool + available + held + approved - clawed order by book, program limit 1`
  if (!off) return undefined
  const { pool, available, held, approved, clawed } = off
  return unequal(
    place(off.book, { program: off.program }),
    'appropriated, and carried in, less what was carried out, returned and paid as subsidies 拨入及结转净额',
    off.appropriated + off.carried,
    `pool ${yuan(pool)} + available ${yuan(available)} + held ${yuan(held)} + approved ${yuan(approved)} − clawed back ${yuan(clawed)}`,
    pool + available + held + approved - clawed,
  )
}

export async function grants(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<
    {
      book: Book
      program: string
      enterprise: string
      year: number
      granted: Fen
      wanted: Fen
      ceiling: Fen
      cap: Fen
    }[]
  >`
    select book, program, enterprise, year, coalesce(g.granted, 0) as granted, coalesce(v.amount, 0)::bigint as wanted,
           coalesce(g.ceiling, 0) as ceiling, coalesce(p.annual_cap, 0) as cap
    from grants g
    full join (select book, program, enterprise, extract(year from issued_on)::int as year,
                      coalesce(sum(amount) filter (where ended is null), 0) as amount,
                      (array_agg(version order by voucher desc))[1] as version
               from vouchers group by 1, 2, 3, 4) v using (book, program, enterprise, year)
    left join programs p using (program, version)
    where g.granted is distinct from v.amount or g.ceiling is distinct from p.annual_cap or g.granted > g.ceiling
    order by 1, 2, 3, 4 limit 1`
  if (!off) return undefined
  const where = `${place(off.book, { program: off.program })}, ${off.enterprise} ${off.year}`
  if (off.granted !== off.wanted)
    return unequal(
      where,
      'granted 已发放',
      off.granted,
      'the sum of its vouchers but those given up or recalled',
      off.wanted,
    )
  if (off.ceiling !== off.cap) return unequal(where, 'ceiling 上限', off.ceiling, "the program's annual cap", off.cap)
  return unequal(where, 'granted 已发放', off.granted, 'at most it', off.ceiling)
}

export async function keys(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<{ key: string; holder: string; wanted: string }[]>`
    with held as (
      select o.book, ${idOf(sql, 'O')} as holder, o.provider, o.contract_no, o.invoice_no
      from orders o where o.state <> all (${freed})
    ), wanted as (
      select 'contract ' || provider || ' ' || contract_no as key, book, holder from held
      union all
      (select 'invoice ' || invoice_no, book, holder from held where invoice_no is not null
       union
       -- Red-flushed ones stay with whom they were found.
       select 'invoice ' || unnest(o.red_invoices), o.book, ${idOf(sql, 'O')} from orders o
       union
       select 'invoice ' || (f ->> 'redInvoiceNo'), o.book, ${idOf(sql, 'O')}
       from orders o, jsonb_array_elements(o.dossier -> 'redFlushes') as f where o.dossier ? 'redFlushes')
      union all
      select 'application ' || enterprise || ' ' || program, book, 'A' || lpad(book::text, 6, '0') || '-' || application
      from applications where state = any (${[...openStates]})
    )
    select coalesce(k.key, w.key) as key, coalesce(k.holder, 'none 无') as holder, coalesce(w.holder, 'none 无') as wanted
    from (select key, book, holder from keys where holder is not null) k full join wanted w on w.key = k.key
    where (k.book, k.holder) is distinct from (w.book, w.holder) order by 1, 3 limit 1`
  return off && differ(`key 编号 ${off.key}`, 'its holder 占用订单', off.holder, 'the order that uses it', off.wanted)
}
