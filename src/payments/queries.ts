import { bookText } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import type { Book } from '../ledger/book.js'
import { accountKinds } from '../ledger/chart.js'
import type { Sql } from '../platform/database.js'
import { batchId, batchKey, lineReference, type PaymentBatch, parseBatchId, paymentBatches } from './facts.js'
import { type Balances, release } from './rules.js'

interface Sums {
  readonly book: Book
  readonly batch: bigint
  readonly period: string
  readonly source: PaymentBatch['source']
  readonly lines: number
  readonly amount: Fen
  readonly setOff: Fen
  readonly released: Fen
  readonly paid: Fen
  readonly open: number
  readonly unpaid: number
}

interface Sought {
  readonly low: Book
  readonly high: Book
  readonly period?: string | undefined
  readonly after?: { readonly book: number; readonly number: number } | undefined
  readonly limit: number
}

/** Batches with their sums, by book and number. */
export async function batchesOf(sql: Sql, { low, high, period, after, limit }: Sought): Promise<Sums[]> {
  return sql<Sums[]>`
    select b.book, b.batch, b.period, b.source, l.*
    from (select * from payment_batches b
          where b.book between ${low} and ${high} ${period === undefined ? sql`` : sql`and b.period = ${period}`}
            ${after === undefined ? sql`` : sql`and (b.book, b.batch) > (${after.book}, ${after.number})`}
          order by b.book, b.batch limit ${limit}) b
    cross join lateral (
      select count(*)::int as lines, sum(amount)::bigint as amount, sum(set_off)::bigint as "setOff",
             sum(released)::bigint as released, sum(paid)::bigint as paid,
             count(*) filter (where state = 'open')::int as open, count(*) filter (where state = 'released')::int as unpaid
      from payment_lines l where l.book = b.book and l.batch = b.batch) l
    order by b.book, b.batch`
}

export const batchOf = ({ book, batch, amount, setOff, released, paid, ...rest }: Sums) => ({
  batch: batchId({ book, batch: Number(batch) }),
  book: bookText(book),
  ...rest,
  amount: yuan(amount),
  setOff: yuan(setOff),
  released: yuan(released),
  paid: yuan(paid),
})

/** One batch with its lines and what each would be paid if it were released now. Throws Refused('batch_not_found'). */
export async function batchWithLines(sql: Sql, id: string, inFull: boolean) {
  const { book, batch: number } = parseBatchId(id)
  // One statement after another: what is shown to be due is decided anew when it is released.
  const [batch] = await paymentBatches.load(sql, [batchKey(book, number)])
  if (!batch) throw new Refused('batch_not_found', { batch: id })
  const after = { book, number: number - 1 }
  const [sums] = await batchesOf(sql, { low: book, high: book, after, limit: 1 })
  const open = batch.lines.filter(({ state }) => state === 'open').map(({ line }) => line)
  const balances = await balancesOf(sql, batch)
  const due = new Map(
    release(batch, open, { seq: 0, balances, inFull }).released.map(({ line, amount }) => [line, amount]),
  )
  const names = await namesOf(sql, batch)
  return {
    ...batchOf(sums!),
    control: { count: due.size, total: yuan([...due.values()].reduce((sum, amount) => sum + amount, 0n)) },
    items: batch.lines.map(({ payee, province, amount, clawedBack, setOff, released, paid, ...line }) => ({
      reference: lineReference(book, number, line.line),
      ...line,
      payee: payee.slice(payee.indexOf(':') + 1),
      name: names.get(payee) ?? null,
      province: province === null ? null : bookText(province),
      amount: yuan(amount),
      clawedBack: yuan(clawedBack),
      setOff: yuan(setOff),
      due: yuan(due.get(line.line) ?? 0n),
      released: yuan(released),
      paid: yuan(paid),
    })),
  }
}

async function balancesOf(sql: Sql, { book, source, lines }: PaymentBatch): Promise<Map<string, Balances>> {
  if (source === 'clearing') return new Map()
  const rows = await sql<{ owner: string; kind: number; posted: Fen }[]>`
    select a.owner, a.kind, a.posted from unnest(${lines.map(({ payee }) => payee)}::text[]) as k (owner)
    join accounts a on a.book = ${book} and a.owner = k.owner
      and a.kind in (${accountKinds.payable.no}, ${accountKinds.recoverable.no})`
  const balance = (payee: string, kind: 'payable' | 'recoverable') =>
    rows.find((row) => row.owner === payee && row.kind === accountKinds[kind].no)?.posted ?? 0n
  return new Map(
    lines.map(({ payee }) => [payee, { owed: balance(payee, 'payable'), owing: balance(payee, 'recoverable') }]),
  )
}

/** What the payees of a batch are called. */
async function namesOf(sql: Sql, { lines }: PaymentBatch): Promise<Map<string, string>> {
  const rows = await sql<{ payee: string; name: string }[]>`
    select k.payee, coalesce(p.name, e.name, b.name) as name
    from unnest(${lines.map(({ payee }) => payee)}::text[]) as k (payee)
    left join providers p on k.payee like 'provider:%' and p.uscc = split_part(k.payee, ':', 2)
    left join enterprises e on k.payee like 'enterprise:%' and e.uscc = split_part(k.payee, ':', 2)
    left join books b on k.payee like 'jurisdiction:%' and b.book::text = split_part(k.payee, ':', 2)`
  return new Map(rows.map(({ payee, name }) => [payee, name]))
}

/** More than any number of a line, whose four digits at most follow the batch's in a cursor. */
const LINES = 10_000

/** What a firm or a provider is paid, whoever pays it, by book, batch and line; `place` is the line's, for a cursor. */
export async function linesOf(
  sql: Sql,
  uscc: string,
  after: { readonly book: number; readonly number: number } | undefined,
  limit: number,
) {
  const rows = await sql<
    {
      book: Book
      batch: bigint
      line: number
      period: string
      state: 'open' | 'released' | 'paid' | 'set_off'
      amount: Fen
      clawedBack: Fen
      setOff: Fen
      released: Fen
      paid: Fen
      bounces: number
    }[]
  >`
    select l.book, l.batch, l.line, b.period, l.state, l.amount, l.clawed_back as "clawedBack", l.set_off as "setOff",
           l.released, l.paid, l.bounces
    from payment_lines l join payment_batches b on b.book = l.book and b.batch = l.batch
    where l.payee = any (${[`provider:${uscc}`, `enterprise:${uscc}`]})
      ${after === undefined ? sql`` : sql`and (l.book, l.batch, l.line) > (${after.book}, ${Math.floor(after.number / LINES)}, ${after.number % LINES})`}
    order by l.book, l.batch, l.line limit ${limit}`
  return rows.map(({ batch, line, ...row }) => ({
    place: { book: row.book, number: Number(batch) * LINES + line },
    item: {
      ...row,
      reference: lineReference(row.book, Number(batch), line),
      book: bookText(row.book),
      payee: uscc,
      amount: yuan(row.amount),
      clawedBack: yuan(row.clawedBack),
      setOff: yuan(row.setOff),
      released: yuan(row.released),
      paid: yuan(row.paid),
    },
  }))
}
