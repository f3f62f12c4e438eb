import { bookText } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import type { Book } from '../ledger/book.js'
import { lineReference, type lineStates, MOST_LINES } from '../payments/facts.js'
import type { Sql } from '../platform/database.js'

/** What is behind the numbers of a closed period, line by line: as lists page by page, and as files. */

/** Whom something is owed to, and by which payment line; the account is the one that the line was released with. */
interface Payee {
  readonly payee: string
  readonly name: string | null
  readonly province: number
  readonly payer: Book | null
  readonly batch: bigint | null
  readonly line: number | null
  readonly payment: (typeof lineStates)[number] | null
  readonly tail: string | null
}

const payeeColumns = (sql: Sql) => sql`
  x.payee, coalesce(p.name, n.name) as name, x.province, l.book as payer, l.batch, l.line, l.state as payment, k.tail`

/** What `x` (book, payee, province, netted) is called, and by which line it is paid: of a netted one, its province's. */
const payeeJoins = (sql: Sql, period: string) => sql`
  left join providers p on x.payee like 'provider:%' and p.uscc = split_part(x.payee, ':', 2)
  left join enterprises n on x.payee like 'enterprise:%' and n.uscc = split_part(x.payee, ':', 2)
  left join lateral (
    select l.* from settlement_parts s
    join payment_lines l on l.book = s.book and l.batch = s.seq and l.payee = x.payee
    where s.period = ${period} and s.book = case when x.netted then x.province else x.book end
      and s.part = case when x.netted then 'payee' else 'issuer' end
  ) l on true
  left join bank_accounts k on k.account = l.account`

const payeeOf = ({ payee, name, province, payer, batch, line, payment, tail }: Payee) => ({
  payee: payee.slice(payee.indexOf(':') + 1),
  name,
  province: bookText(province),
  reference: payer === null ? null : lineReference(payer, Number(batch), line!),
  payment,
  account: tail === null ? null : `**** ${tail}`,
})

/** Which of a period's gross positions: of books from `low` to `high`, of payees of one province, netted ones alone. */
export interface GrossFilter {
  readonly low: Book
  readonly high: Book
  readonly province?: number | undefined
  readonly netted?: true
}

interface GrossPage {
  /** Behind this line of a book. */
  readonly after?: { readonly book: number; readonly number: number } | undefined
  readonly most: number
}

const grossLines = (sql: Sql, period: string, { low, high, province, netted }: GrossFilter) => sql`
  settlement_parts s join commands c on c.book = s.book and c.seq = s.seq
  cross join lateral json_array_elements(c.body -> 'payees') with ordinality as x (line, n)
  where s.period = ${period} and s.part = 'issuer' and s.book between ${low} and ${high}
    ${province === undefined ? sql`` : sql`and (x.line ->> 'province')::int = ${province}`}
    ${netted === undefined ? sql`` : sql`and (x.line ->> 'netted')::boolean`}`

/** What each book owes each payee for a settled period: the gross behind the nets, as its settlement was booked. */
export async function grossBy(sql: Sql, period: string, filter: GrossFilter, { after, most }: GrossPage) {
  // No piece is taken apart that was read to its end before.
  const isBehind = after
    ? sql`and (s.book, s.piece) >= (${after.book}, ${Math.ceil(after.number / MOST_LINES)})
          and (s.book, (s.piece - 1) * ${MOST_LINES} + x.n) > (${after.book}, ${after.number})`
    : sql``
  const rows = await sql<
    (Payee & { book: Book; bookName: string; place: bigint; approved: Fen; clawedBack: Fen; netted: boolean })[]
  >`
    select x.book, b.name as "bookName", x.place, x.approved, x."clawedBack", x.netted, ${payeeColumns(sql)}
    from (
      select s.book, (s.piece - 1) * ${MOST_LINES} + x.n as place, x.line ->> 'payee' as payee,
             (x.line ->> 'province')::int as province, ((x.line ->> 'approved')::numeric * 100)::bigint as approved,
             ((x.line ->> 'clawedBack')::numeric * 100)::bigint as "clawedBack", (x.line ->> 'netted')::boolean as netted
      from ${grossLines(sql, period, filter)} ${isBehind}
      order by s.book, s.piece, x.n limit ${most}
    ) x
    join books b on b.book = x.book ${payeeJoins(sql, period)}
    order by x.book, x.place`
  return rows.map(({ book, bookName, place, approved, clawedBack, netted, ...payee }) => ({
    place: { book, number: Number(place) },
    item: {
      book: bookText(book),
      bookName,
      approved: yuan(approved),
      clawedBack: yuan(clawedBack),
      amount: yuan(approved - clawedBack),
      netted,
      ...payeeOf(payee),
    },
  }))
}

/** How many gross positions a period has. */
export async function countGross(sql: Sql, period: string, filter: GrossFilter): Promise<number> {
  const [found] = await sql<{ size: number }[]>`select count(*)::int as size from ${grossLines(sql, period, filter)}`
  return found!.size
}

/** The numbers of a closed period's items in one book, behind `after`, in their order; all of them without `most`. */
export async function itemNumbers(
  sql: Sql,
  period: string,
  book: Book,
  { after = 0, most }: { readonly after?: number | undefined; readonly most?: number } = {},
): Promise<number[]> {
  const [found] = await sql<{ numbers: number[] }[]>`
    select coalesce(json_agg(i.seq), '[]') as numbers from (
      select distinct seq from period_items(${period}, ${book}) where seq > ${after} order by seq limit ${most ?? null}) i`
  return found!.numbers
}

/**
 * The items of one book that have these numbers, in their order: an item of a closed period stays what it is. A claw-back
 * out of what is payable and beyond it is one item.
 */
export async function itemsOf(sql: Sql, period: string, book: Book, numbers: readonly number[]) {
  const rows = await sql<
    (Payee & { seq: bigint; day: string; amount: Fen; agreement: bigint | null; order: string; late: boolean })[]
  >`
    select x.seq, x.day, x.amount, x.agreement, x."order", ${payeeColumns(sql)},
           exists (select from periods e join period_reaches r on r.period = e.period and r.book = x.book
                   join periods p on p.period = ${period} and e.closing < p.closing
                   where x.day <= e.through and (e.group_name is null or e.group_name = p.group_name)) as late
    from (
      select i.book, i.seq, i.day, sum(i.amount)::bigint as amount, i.agreement, i.payee, i.payee_province as province,
             c.body ->> 'order' as "order",
             exists (select from period_pairs n
                     where n.period = ${period} and n.agreement = i.agreement and n.netted) as netted
      from settlement_items i join commands c on c.book = i.book and c.seq = i.seq
      where i.book = ${book} and i.seq = any (${numbers as number[]}::bigint[])
      group by i.book, i.seq, i.day, i.agreement, i.payee, i.payee_province, c.body ->> 'order'
    ) x ${payeeJoins(sql, period)}
    order by x.seq`
  return rows.map(({ seq, day, amount, agreement, order, late, ...payee }) => ({
    seq: Number(seq),
    day,
    order,
    amount: yuan(amount),
    agreement: agreement === null ? null : Number(agreement),
    late,
    ...payeeOf(payee),
  }))
}
