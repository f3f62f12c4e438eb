import { bookText } from '../core/ids.js'
import type { Fen } from '../core/money.js'
import type { Book } from '../ledger/book.js'
import type { Fact, FactKind } from '../ledger/fact.js'
import type { AccountName } from '../ledger/plan.js'

export const lineStates = ['open', 'released', 'paid', 'set_off'] as const

/** What one payee is paid for a period 拨付明细. Amounts in fen. */
export interface PaymentLine {
  readonly line: number
  /** As its payable account is owned (`provider:USCC`, `enterprise:USCC`), or `jurisdiction:CODE`. */
  readonly payee: string
  /** Of a payee: where its money goes. */
  readonly province: number | null
  /** What was approved for the payee in the period; it never changes. */
  readonly amount: Fen
  /** What was clawed back from the payee in the period: some of it may have been set off before. It never changes. */
  readonly clawedBack: Fen
  /** Of the amount, what went against claw-backs, those of other periods as well 抵扣. */
  readonly setOff: Fen
  /** `set_off`: all of it was, so nothing is paid. */
  readonly state: (typeof lineStates)[number]
  /** Released for payment, and not come back. */
  readonly released: Fen
  /** Of it, what bank lines confirm. */
  readonly paid: Fen
  /** The number of the book's command that released it last. */
  readonly release: number | null
  /** The version of the payee's account that it was released with; null where the payer's bank knows the payee. */
  readonly account: number | null
  /** How often it came back 退汇. */
  readonly bounces: number
}

/** What one command of a closing lets a book pay: at most MOST_LINES lines, released together. */
export interface PaymentBatch extends Fact {
  /** The number of the book's command that made it. */
  readonly batch: number
  readonly period: string
  /** Payees from what is payable to them; or provinces and those below them from `clearing` (an instruction 划拨指令). */
  readonly source: 'payable' | 'clearing'
  readonly lines: readonly PaymentLine[]
}

/** Lines of one batch: one command releases them, and one confirms them. */
export const MOST_LINES = 1000

export const batchKey = (book: Book, batch: number) => `${book}/${batch}`

export const paymentBatches: FactKind<PaymentBatch> = {
  name: 'payment_batches',
  // The log's own commands name every line they move.
  isCounter: true,
  key: ({ book, batch }) => batchKey(book, batch),
  bookOf: (key) => Number(key.slice(0, key.indexOf('/'))),
  async load(sql, keys) {
    const parts = keys.map((key) => key.split('/').map(Number) as [number, number])
    const rows = await sql<(Omit<PaymentBatch, 'batch' | 'lines'> & Numbers & Omit<PaymentLine, keyof Numbers>)[]>`
      select b.book, b.batch, b.period, b.source, l.line, l.payee, l.province, l.amount, l.clawed_back as "clawedBack", l.set_off as "setOff", l.state,
             l.released, l.paid, l.release, l.account, l.bounces
      from unnest(${parts.map((p) => p[0])}::int[], ${parts.map((p) => p[1])}::bigint[]) as k (book, batch)
      join payment_batches b on b.book = k.book and b.batch = k.batch
      join payment_lines l on l.book = b.book and l.batch = b.batch
      order by b.book, b.batch, l.line`
    const found = new Map<string, PaymentBatch & { lines: PaymentLine[] }>()
    for (const { book, batch: number, period, source, ...line } of rows) {
      const batch = Number(number)
      const key = batchKey(book, batch)
      const kept = found.get(key) ?? { book, batch, period, source, lines: [] }
      kept.lines.push({ ...line, release: numberOf(line.release), account: numberOf(line.account) })
      found.set(key, kept)
    }
    return [...found.values()]
  },
}

/** What the driver gives as bigint and is no money. */
type Numbers = { readonly batch: bigint; readonly release: bigint | null; readonly account: bigint | null }
const numberOf = (value: bigint | null) => (value === null ? null : Number(value))

/** The reference of a payment line at the bank, at most 30 ASCII characters: `B320509-1234-17`. */
export const lineReference = (book: Book, batch: number, line: number) => `B${bookText(book)}-${batch}-${line}`

/** A batch as it is named 拨付批次: `B320509-1234`. */
export const batchId = ({ book, batch }: Pick<PaymentBatch, 'book' | 'batch'>) => `B${bookText(book)}-${batch}`

/** The parts of a batch's id. */
export function parseBatchId(id: string): { readonly book: Book; readonly batch: number } {
  const [book, batch] = id.slice(1).split('-').map(Number)
  return { book: book!, batch: batch! }
}

/** The parts of a payment line's reference; undefined when it is none. */
export function parseLineReference(text: string) {
  const [, book, batch, line] = /^B(\d{6})-([1-9]\d{0,14})-([1-9]\d{0,3})$/.exec(text) ?? []
  return book === undefined ? undefined : { book: Number(book), batch: Number(batch), line: Number(line) }
}

/** The reference by which a payee gives money back to a book: `R320509-91350100M000100Y43`. */
export const refundReference = (book: Book, uscc: string) => `R${bookText(book)}-${uscc}`

/** What was released of a batch and is not confirmed by the bank 在途拨付. */
export const payingOf = ({ batch }: Pick<PaymentBatch, 'batch'>): AccountName => ({
  kind: 'paying',
  owner: String(batch),
})

/** What a book owes the clearing house for a period; below zero, what it is owed 清算往来. */
export const clearingOf = (period: string): AccountName => ({ kind: 'clearing', owner: period })

/** Where a line's money comes from, and goes back to. */
export const sourceOf = (
  { period, source }: Pick<PaymentBatch, 'period' | 'source'>,
  { payee, province }: Pick<PaymentLine, 'payee' | 'province'>,
): AccountName =>
  source === 'clearing'
    ? clearingOf(period)
    : { kind: 'payable', owner: payee, ...(province === null ? {} : { province }) }
