import { provinces } from '../core/division.js'
import { bookText } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { type Clock, chinaTime, type Instant } from '../core/time.js'
import type { Runner } from '../engine/runner.js'
import type { Book } from '../ledger/book.js'
import { accountKind, accountKinds, type Phase, phases, transferType, transferTypes } from '../ledger/chart.js'
import type { Sql } from '../platform/database.js'

/** The books in a range of codes that have taken a command. */
export async function booksOf(sql: Sql, range: { low: number; high: number }) {
  const rows = await sql<{ book: Book; name: string; seq: bigint; entries: bigint; moment: bigint }[]>`
    select book, name, seq, entries, (extract(epoch from booked_at) * 1000)::bigint as moment
    from books where book between ${range.low} and ${range.high} and seq > 0 order by book`
  return rows.map(({ book, name, seq, entries, moment }) => ({
    book: bookText(book),
    name,
    seq: Number(seq),
    entries: Number(entries),
    bookedAt: chinaTime(Number(moment)),
  }))
}

/**
 * A moment as an entry number of a book, for good: commands asked before are answered first, and nothing can be booked
 * at or before it afterwards. Throws Refused('moment_in_future').
 */
export async function entryAt(services: { engine: Runner; sql: Sql; clock: Clock }, book: Book, at: Instant) {
  const { engine, sql, clock } = services
  if (at > clock.now()) throw new Refused('moment_in_future')
  await engine.drained()
  const [fixed] = await sql<{ seq: bigint }[]>`select fix_moment(${book}, ${at}) as seq`
  // A statement of its own: the first may have waited for a batch that its own snapshot does not show.
  const [row] = await sql<{ entry: number }[]>`
    select coalesce((
      select entry from commands where book = ${book} and seq <= ${fixed!.seq} and entry is not null
      order by seq desc limit 1), 0) as entry`
  return Number(row!.entry)
}

/** Every account of a book after an entry. Throws Refused('entry_not_found') beyond the head. */
export async function balancesAsOf(sql: Sql, book: Book, entry: number | undefined) {
  const [head] = await sql<{ entries: bigint }[]>`select entries from books where book = ${book}`
  if (!head) throw new Refused('book_not_found', { book: bookText(book) })
  const number = entry ?? Number(head.entries)
  if (number > head.entries) throw new Refused('entry_not_found', { head: Number(head.entries) })
  const rows = await sql<{ kind: number; owner: string; posted: Fen; held: Fen }[]>`
    select a.kind, a.owner, b.posted, b.held
    from balances_as_of(${book}, ${number}) b join accounts a on a.book = ${book} and a.account = b.account
    order by a.kind, a.owner`
  return {
    book: bookText(book),
    entry: number,
    items: rows.map(({ kind, owner, posted, held }) => ({
      kind: accountKind(kind),
      owner,
      posted: yuan(posted),
      held: yuan(held),
      available: yuan(posted - held),
    })),
  }
}

const phaseNames = Object.fromEntries(Object.entries(phases).map(([name, no]) => [no, name as Phase]))

/** Journal entries of a book after a number, with their transfers. */
export async function entriesOf(sql: Sql, book: Book, after: number, limit: number) {
  const rows = await sql<
    {
      entry: number
      seq: bigint
      kind: string
      day: string
      moment: bigint
      subject: string
      lines: { type: number; phase: number; debit: string; credit: string; amount: string }[]
    }[]
  >`
    select c.entry, c.seq, c.kind, c.day, (extract(epoch from c.booked_at) * 1000)::bigint as moment, p.subject, (
      select jsonb_agg(jsonb_build_object('type', t.type, 'phase', t.phase, 'amount', t.amount::text,
               'debit', dk.name || case d.owner when '' then '' else ':' || d.owner end,
               'credit', ck.name || case k.owner when '' then '' else ':' || k.owner end) order by t.line)
      from transfers t
      join accounts d on d.book = t.book and d.account = t.debit join account_kinds dk on dk.kind = d.kind
      join accounts k on k.book = t.book and k.account = t.credit join account_kinds ck on ck.kind = k.kind
      where t.book = c.book and t.entry = c.entry) as lines
    from (
      select seq from transfers where book = ${book} and entry > ${after} and line = 1 order by entry limit ${limit}
    ) l
    join commands c on c.book = ${book} and c.seq = l.seq
    join actors p on p.actor = c.actor
    order by c.seq`
  return rows.map((row) => ({
    entry: Number(row.entry),
    seq: Number(row.seq),
    command: row.kind,
    day: row.day,
    bookedAt: chinaTime(Number(row.moment)),
    subject: row.subject,
    transfers: row.lines.map((line) => ({
      type: transferType(line.type),
      phase: phaseNames[line.phase]!,
      debit: line.debit,
      credit: line.credit,
      amount: yuan(BigInt(line.amount)),
    })),
  }))
}

/** Who may be asked for in the audit trail. */
export interface Sought {
  readonly after: number
  readonly limit: number
  readonly kind?: string | undefined
  readonly subject?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
}

/** Acts of a book after a number, in order; `from` and `to` are days. */
export async function actsOf(sql: Sql, book: Book, { after, limit, kind, subject, from, to }: Sought) {
  const rows = await sql<
    {
      seq: bigint
      moment: bigint
      day: string
      subject: string
      organisation: string
      origin: string
      kind: string
      body: Record<string, unknown>
      event: Record<string, unknown>
      changes: Record<string, Record<string, [unknown, unknown]>> | null
      entry: number | null
    }[]
  >`
    select c.seq, (extract(epoch from c.booked_at) * 1000)::bigint as moment, c.day, a.subject, a.organisation, a.origin,
           c.kind, c.body, c.event, c.changes, c.entry
    from commands c join actors a on a.actor = c.actor
    where c.book = ${book} and c.seq > ${after}
      ${kind === undefined ? sql`` : sql`and c.kind::text = ${kind}`}
      ${subject === undefined ? sql`` : sql`and a.subject = ${subject}`}
      ${from === undefined ? sql`` : sql`and c.day >= ${from}`}
      ${to === undefined ? sql`` : sql`and c.day <= ${to}`}
    order by c.seq limit ${limit}`
  return rows.map(({ seq, moment, kind: command, ...rest }) => ({
    book: bookText(book),
    seq: Number(seq),
    bookedAt: chinaTime(Number(moment)),
    command,
    ...rest,
  }))
}

/** What each province has done as issuer, all of it added up from accounts and transfers. */
export async function provinceReports(sql: Sql) {
  // One statement is one moment: of two, money that moves in between would be in both or in neither.
  const rows = await sql<
    { province: number; kind: number; type: number; payee: number; amount: bigint; held: bigint }[]
  >`
    select book / 10000 * 10000 as province, kind, 0 as type, 0 as payee, sum(posted)::bigint as amount,
           sum(held)::bigint as held
    from accounts where book > 0 group by 1, 2
    union all
    select t.book / 10000 * 10000, 0, t.type, coalesce(a.province, 0), sum(t.amount)::bigint, 0
    from transfers t
    left join accounts a on a.book = t.book
      and a.account = case t.type when ${transferTypes.redeem.no} then t.credit
                                  when ${transferTypes.claw_back_payable.no} then t.debit
                                  when ${transferTypes.claw_back_recoverable.no} then t.debit end
    where t.book > 0 and t.phase in (${phases.post}, ${phases.capture})
    group by 1, 3, 4`
  const balances = rows.filter(({ kind }) => kind > 0)
  const turnover = rows.filter(({ type }) => type > 0)
  const sum = <T>(rows: readonly T[], test: (row: T) => boolean, of: (row: T) => bigint) =>
    rows.reduce((total, row) => (test(row) ? total + of(row) : total), 0n)

  return Object.fromEntries(
    provinces.map((code) => {
      const province = Number(code)
      const posted = (kind: keyof typeof accountKinds) =>
        sum(
          balances,
          (b) => b.province === province && b.kind === accountKinds[kind].no,
          (b) => b.amount,
        )
      const held = sum(
        balances,
        (b) => b.province === province,
        (b) => b.held,
      )
      const moved = (types: readonly (keyof typeof transferTypes)[], test: (t: (typeof turnover)[number]) => boolean) =>
        sum(
          turnover,
          (t) => types.some((type) => transferTypes[type].no === t.type) && test(t),
          (t) => t.amount,
        )
      const here = (t: (typeof turnover)[number]) => t.province === province
      const back = ['claw_back_payable', 'claw_back_recoverable'] as const
      const subsidised = moved(['subsidise'], here)
      const net = (test: (t: (typeof turnover)[number]) => boolean) => moved(['redeem'], test) - moved(back, test)
      return [
        code,
        {
          appropriated: yuan(posted('appropriation')),
          pool: yuan(posted('pool')),
          issued: yuan(moved(['issue'], here)),
          lapsed: yuan(moved(['lapse'], here)),
          available: yuan(posted('voucher') - held),
          held: yuan(held),
          approved: yuan(moved(['redeem'], here)),
          clawedBack: yuan(moved(back, here)),
          // Only where there is any: what most provinces have is as it always was.
          ...(subsidised > 0n ? { subsidised: yuan(subsidised) } : {}),
          outbound: yuan(net((t) => here(t) && t.payee !== province)),
          inbound: yuan(net((t) => !here(t) && t.payee === province)),
          paid: yuan(posted('treasury')),
          payable: yuan(
            posted('payable') - posted('recoverable') + posted('clearing') + posted('paying') - posted('written_off'),
          ),
        },
      ]
    }),
  )
}
