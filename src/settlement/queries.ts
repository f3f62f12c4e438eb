import { provinceOf, provinces } from '../core/division.js'
import { orderId } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import { clear, type GrossItem, netPositions } from '../core/positions.js'
import type { Book } from '../ledger/book.js'
import type { Sql } from '../platform/database.js'

/** A period's gross positions 总额: what jurisdictions of one province owe payees of another, added up; fen. */
export async function grossOf(sql: Sql, period: string): Promise<GrossItem[]> {
  const rows = await sql<{ book: Book; province: number; amount: bigint }[]>`
    select book, payee_province as province, sum(amount)::bigint as amount
    from period_items(${period}) group by book, payee_province`
  const sums = new Map<string, GrossItem>()
  for (const row of rows) {
    const from = provinceOf(String(row.book))
    const to = String(row.province)
    const amount = (sums.get(`${from} ${to}`)?.amount ?? 0n) + row.amount
    sums.set(`${from} ${to}`, { from, to, amount })
  }
  return [...sums.values()].sort((a, b) => (a.from + a.to < b.from + b.to ? -1 : 1))
}

/** What each book pays each payee for a period (fen, negative to come back), and the orders that become paid. */
export async function paymentsOf(
  sql: Sql,
  period: string,
): Promise<{ book: Book; payees: { payee: string; province: number; amount: Fen }[]; orders: string[] }[]> {
  const payees = await sql<{ book: Book; payee: string; province: number; amount: bigint }[]>`
    select book, payee, payee_province as province, sum(amount)::bigint as amount
    from period_items(${period}) group by book, payee, payee_province order by book, payee`
  const approved = await sql<{ book: Book; order: bigint }[]>`
    select o.book, o."order" from orders o
    join period_items(${period}) i on i.book = o.book and i.seq = o.approved_seq
    order by o.book, o."order"`
  const books = new Map<Book, { payees: { payee: string; province: number; amount: Fen }[]; orders: string[] }>()
  const of = (book: Book) => {
    const found = books.get(book) ?? { payees: [], orders: [] }
    books.set(book, found)
    return found
  }
  for (const { book, ...payee } of payees) of(book).payees.push(payee)
  for (const { book, order } of approved) of(book).orders.push(orderId(book, Number(order)))
  return [...books].map(([book, payments]) => ({ book, ...payments }))
}

/** One closed period as it is answered; undefined when no period of this name was closed. */
export async function settlementOf(sql: Sql, period: string) {
  const [found] = await sql<{ period: string; through: string; closedOn: string; paid: boolean }[]>`
    select period, through, closed_on as "closedOn", paid from periods where period = ${period}`
  if (!found) return undefined
  const items = await grossOf(sql, period)
  const gross: Record<string, Record<string, string>> = Object.fromEntries(provinces.map((p) => [p, {}]))
  for (const { from, to, amount } of items) gross[from]![to] = yuan(amount)
  const nets = netPositions(items)
  return {
    ...found,
    gross,
    net: Object.fromEntries([...nets].map(([province, amount]) => [province, yuan(amount)])),
    instructions: clear(nets).map((instruction) => ({ ...instruction, amount: yuan(instruction.amount) })),
  }
}

/** The closed periods in the order they were closed. */
export async function closedPeriods(sql: Sql): Promise<{ period: string; through: string; paid: boolean }[]> {
  return sql`select period, through, paid from periods order by closing`
}
