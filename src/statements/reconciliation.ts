import type { z } from 'zod'
import { bookText } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import type { Book } from '../ledger/book.js'
import { lineReference } from '../payments/facts.js'
import type { Sql } from '../platform/database.js'
import type { Difference, reconciliationView } from './contract.js'
import { exceptionId } from './facts.js'

/** Reconciliation 对账: ledger = instructions = bank, or exactly what differs. Each truth is added up by itself. */

type View = z.input<typeof reconciliationView>
type Found = View['differences'][number]

/** Differences named at most; how many there are is always said. */
const MOST = 1000

interface Columns {
  readonly ledger?: Fen | null
  readonly instructions?: Fen | null
  readonly bank?: Fen | null
}

const said = (amount: Fen | null | undefined) => (amount == null ? null : yuan(amount))
const columns = ({ ledger, instructions, bank }: Columns) => ({
  ledger: said(ledger),
  instructions: said(instructions),
  bank: said(bank),
})

class Differences {
  readonly counts: Partial<Record<Difference, number>> = {}
  readonly items: Found[] = []

  add(kind: Difference, of: Columns & { readonly reference?: string; readonly payee?: string | null }): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1
    if (this.items.length < MOST) {
      this.items.push({ kind, reference: of.reference ?? null, payee: of.payee ?? null, ...columns(of) })
    }
  }
}

/** Every truth of one period in one book, and where they differ. Read in one snapshot: it is one statement. */
export async function reconciliationOf(sql: Sql, book: Book, period: string): Promise<View> {
  const [found] = await sql<{ truths: Truths }[]>`select ${truths(sql, book, period)} as truths`
  const { entry, batches, lines, incoming, clearing, exceptions, treasury } = found!.truths
  const differences = new Differences()
  const sums = sumLines(book, lines, differences)
  const ledger = sumBatches(book, batches, lines, differences)
  const received = sumIncoming(incoming, differences)
  const expected = sums.clearing - received.open
  if (BigInt(clearing) !== expected) {
    differences.add('clearing', { ledger: BigInt(clearing), instructions: expected })
  }
  const moved = { ledger: BigInt(treasury.ledger), bank: BigInt(treasury.bank) }
  if (moved.ledger !== moved.bank) differences.add('treasury', moved)
  for (const { exception, line, side, amount } of exceptions) {
    const bank = side === 'debit' ? BigInt(amount) : -BigInt(amount)
    differences.add('exception_open', { reference: exceptionId({ book, exception, line }), bank })
  }
  return {
    book: bookText(book),
    period,
    ok: differences.items.length === 0,
    entry,
    remitted: columns({ ledger: ledger.remitted, bank: sums.gross }),
    paid: columns({ instructions: sums.paid, bank: sums.net }),
    inTransit: columns({ ledger: ledger.inTransit, instructions: sums.inTransit }),
    received: columns({ instructions: received.instructed, bank: received.received }),
    clearing: columns({ ledger: BigInt(clearing), instructions: expected }),
    treasury: columns(moved),
    counts: differences.counts,
    differences: differences.items,
  }
}

/** Amounts are fen as text. */
interface Truths {
  readonly entry: number
  readonly batches: readonly {
    readonly batch: number
    readonly source: 'payable' | 'clearing'
    readonly posted: string
    readonly remitted: string
  }[]
  readonly lines: readonly LineTruth[]
  readonly incoming: readonly {
    readonly payer: number
    readonly batch: number
    readonly line: number
    readonly amount: string
    readonly received: string
  }[]
  readonly clearing: string
  readonly exceptions: readonly {
    readonly exception: number
    readonly line: number
    readonly side: 'debit' | 'credit'
    readonly amount: string
  }[]
  readonly treasury: { readonly ledger: string; readonly bank: string }
}

interface LineTruth {
  readonly batch: number
  readonly line: number
  readonly payee: string
  readonly source: 'payable' | 'clearing'
  readonly state: string
  readonly amount: string
  readonly setOff: string
  readonly released: string
  readonly paid: string
  /** What the bank lines say. */
  readonly gross: string
  readonly back: string
  /** Of what is still to be released: what the ledger owes the payee now. */
  readonly payable: string
}

function sumLines(book: Book, lines: readonly LineTruth[], differences: Differences) {
  const sums = { paid: 0n, net: 0n, gross: 0n, inTransit: 0n, clearing: 0n }
  for (const line of lines) {
    const { batch, line: number, payee, source, state } = line
    const [amount, setOff, released, paid] = [line.amount, line.setOff, line.released, line.paid].map(BigInt) as Fen4
    const [gross, back] = [BigInt(line.gross), BigInt(line.back)]
    const named = { reference: lineReference(book, batch, number), payee }
    sums.paid += paid
    sums.gross += gross
    sums.net += gross - back
    sums.inTransit += released - paid
    if (source === 'clearing') sums.clearing += amount - released
    if (gross - back !== paid) differences.add('line_paid', { ...named, instructions: paid, bank: gross - back })
    if (state === 'released') {
      differences.add('line_in_transit', { ...named, instructions: released, bank: gross - back })
    } else if (state === 'open')
      addOpen(differences, { ...named, open: amount - setOff, source, payable: line.payable })
  }
  return sums
}

type Fen4 = [Fen, Fen, Fen, Fen]

function addOpen(
  differences: Differences,
  line: { reference: string; payee: string; open: Fen; source: string; payable: string },
): void {
  const { reference, payee, open, source } = line
  differences.add('line_open', { reference, payee, instructions: open, bank: 0n })
  const payable = BigInt(line.payable)
  if (source === 'payable' && payable < open) {
    differences.add('payable_short', { reference, payee, ledger: payable, instructions: open })
  }
}

function sumBatches(book: Book, batches: Truths['batches'], lines: readonly LineTruth[], differences: Differences) {
  const of = new Map<number, { inTransit: Fen; gross: Fen }>()
  for (const { batch, released, paid, gross } of lines) {
    const sums = of.get(batch) ?? { inTransit: 0n, gross: 0n }
    of.set(batch, sums)
    sums.inTransit += BigInt(released) - BigInt(paid)
    sums.gross += BigInt(gross)
  }
  const sums = { inTransit: 0n, remitted: 0n }
  for (const { batch, ...account } of batches) {
    const [posted, remitted] = [BigInt(account.posted), BigInt(account.remitted)]
    const { inTransit, gross } = of.get(batch)!
    const reference = `B${bookText(book)}-${batch}`
    sums.inTransit += posted
    sums.remitted += remitted
    if (posted !== inTransit) {
      differences.add('batch_in_transit', { reference, ledger: posted, instructions: inTransit })
    }
    if (remitted !== gross) differences.add('batch_remitted', { reference, ledger: remitted, bank: gross })
  }
  return sums
}

function sumIncoming(incoming: Truths['incoming'], differences: Differences) {
  const sums = { instructed: 0n, received: 0n, open: 0n }
  for (const { payer, batch, line, ...one } of incoming) {
    const [amount, received] = [BigInt(one.amount), BigInt(one.received)]
    sums.instructed += amount
    sums.received += received
    sums.open += amount - received
    if (amount !== received) {
      const reference = lineReference(payer, batch, line)
      differences.add('instruction_open', { reference, instructions: amount, bank: received })
    }
  }
  return sums
}

/** All that is compared, as one JSON value. The kinds and types of the chart by their numbers. */
const truths = (sql: Sql, book: Book, period: string) => sql`
  jsonb_build_object(
    'entry', (select entries from books where book = ${book}),
    'batches', (
      select coalesce(jsonb_agg(jsonb_build_object('batch', b.batch, 'source', b.source,
        'posted', coalesce(a.posted, 0)::text, 'remitted', coalesce(r.remitted, 0)::text) order by b.batch), '[]')
      from payment_batches b
      left join accounts a on a.book = b.book and a.kind = 9 and a.owner = b.batch::text
      left join (
        select t.debit, sum(t.amount) as remitted from (select distinct booked from bank_lines where book = ${book}
          union select distinct (resolution ->> 'seq')::bigint from bank_exceptions
          where book = ${book} and resolution is not null) s
        join commands c on c.book = ${book} and c.seq = s.booked
        join transfers t on t.book = c.book and t.entry = c.entry and t.type = 20
        group by t.debit
      ) r on r.debit = a.account
      where b.period = ${period} and b.book = ${book}),
    'lines', (
      select coalesce(jsonb_agg(jsonb_build_object('batch', l.batch, 'line', l.line, 'payee', l.payee,
        'source', b.source, 'state', l.state, 'amount', l.amount::text, 'setOff', l.set_off::text,
        'released', l.released::text, 'paid', l.paid::text, 'gross', coalesce(m.gross, 0)::text,
        'back', coalesce(m.back, 0)::text, 'payable', coalesce(p.posted, 0)::text) order by l.batch, l.line), '[]')
      from payment_batches b
      join payment_lines l on l.book = b.book and l.batch = b.batch
      left join (
        select payer, batch, line, sum(amount) filter (where kind = 'pay') as gross,
               sum(amount) filter (where kind = 'bounce') as back
        from bank_matches where payer = ${book} and book = ${book} and kind in ('pay', 'bounce')
        group by payer, batch, line
      ) m on m.payer = l.book and m.batch = l.batch and m.line = l.line
      left join accounts p on l.state = 'open' and p.book = l.book and p.kind = 5 and p.owner = l.payee
      where b.period = ${period} and b.book = ${book}),
    'incoming', (
      select coalesce(jsonb_agg(jsonb_build_object('payer', l.book, 'batch', l.batch, 'line', l.line,
        'amount', l.amount::text, 'received', coalesce(r.received, 0)::text) order by l.book, l.batch, l.line), '[]')
      from payment_batches b
      join payment_lines l on l.book = b.book and l.batch = b.batch and l.payee = ${`jurisdiction:${bookText(book)}`}
      left join instruction_receipts r
        on r.book = ${book} and r.payer = l.book and r.batch = l.batch and r.line = l.line
      where b.period = ${period} and b.source = 'clearing' and b.book <> ${book}),
    'clearing', coalesce((
      select posted from accounts where book = ${book} and kind = 8 and owner = ${period}), 0)::text,
    'exceptions', (
      select coalesce(jsonb_agg(jsonb_build_object('exception', x.exception, 'line', x.line, 'side', b.side,
        'amount', b.amount::text) order by x.exception, x.line), '[]')
      from bank_exceptions x
      join bank_lines b on b.book = x.book and b.account = x.account and b.serial = x.serial
      where x.book = ${book} and x.state = 'open'),
    'treasury', jsonb_build_object(
      'ledger', (
        select coalesce(sum(case when a.account = t.credit then t.amount else -t.amount end), 0)::text
        from (select distinct booked from bank_lines where book = ${book}
          union select distinct (resolution ->> 'seq')::bigint from bank_exceptions
          where book = ${book} and resolution is not null) s
        join commands c on c.book = ${book} and c.seq = s.booked
        join transfers t on t.book = c.book and t.entry = c.entry
        join accounts a on a.book = t.book and a.kind = 2 and a.account in (t.debit, t.credit)),
      'bank', (
        select coalesce(sum(case when kind = 'pay' then amount else -amount end), 0)::text
        from bank_matches where book = ${book})))`
