import { clearingId } from '../clearing/facts.js'
import { provinceOf, provinces } from '../core/division.js'
import { bookText, orderId } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import { clear, type GrossItem, type Instruction, netPositions } from '../core/positions.js'
import { systemTimer } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import { accountKinds } from '../ledger/chart.js'
import { MOST_LINES, refundReference } from '../payments/facts.js'
import type { Sql } from '../platform/database.js'
import type { PeriodState, settlementParts } from './contract.js'
import type { PeriodPair } from './facts.js'

/** What was approved for and clawed back from one payee of one book in a period by one agreement, in fen. */
export interface PayeeSum {
  readonly book: Book
  readonly payee: string
  readonly province: number
  readonly agreement: number | null
  readonly approved: Fen
  readonly clawedBack: Fen
}

/** Sums that are read, or gone through, before what waits meanwhile has its turn: a hundred thousand of them take a second. */
const AT_ONCE = 100

/** A period's items added up by book, payee and agreement, in that order. */
export async function payeeSums(sql: Sql, period: string): Promise<PayeeSum[]> {
  const sums: PayeeSum[] = []
  const rows = sql<(Omit<PayeeSum, 'agreement'> & { agreement: bigint | null })[]>`
    select book, payee, payee_province as province, agreement, sum(greatest(amount, 0))::bigint as approved,
           sum(greatest(-amount, 0))::bigint as "clawedBack"
    from period_items(${period}) group by 1, 2, 3, 4 order by book, payee collate "C", agreement nulls first`
  for await (const some of rows.cursor(AT_ONCE)) {
    for (const { agreement, ...sum } of some)
      sums.push({ ...sum, agreement: agreement === null ? null : Number(agreement) })
  }
  return sums
}

async function* parts<T>(list: readonly T[]): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < list.length; from += AT_ONCE) {
    yield list.slice(from, from + AT_ONCE)
    await systemTimer.turn()
  }
}

/** What a book owes payees of a province by an agreement, in fen. */
type ProvinceSum = Pick<PayeeSum, 'book' | 'province' | 'agreement'> & { readonly amount: Fen }

/** Gross positions between provinces, by agreement, added up. */
class Gross {
  readonly #items = new Map<string, GrossItem & { agreement: number | null }>()

  add({ book, province, agreement, amount }: ProvinceSum): void {
    const [from, to] = [provinceOf(String(book)), String(province)]
    const key = `${from} ${to} ${agreement ?? ''}`
    this.#items.set(key, { from, to, agreement, amount: (this.#items.get(key)?.amount ?? 0n) + amount })
  }

  get items(): (GrossItem & { readonly agreement: number | null })[] {
    return [...this.#items].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, item]) => item)
  }
}

/** Sums by payee as gross positions, by agreement. */
export async function grossOfSums(sums: readonly PayeeSum[]): Promise<Gross['items']> {
  const gross = new Gross()
  for await (const some of parts(sums)) {
    for (const sum of some) gross.add({ ...sum, amount: sum.approved - sum.clawedBack })
  }
  return gross.items
}

/** A period's gross positions by agreement, from its items. */
async function grossByAgreement(sql: Sql, period: string): Promise<Gross['items']> {
  const rows = await sql<(Omit<ProvinceSum, 'agreement'> & { agreement: bigint | null })[]>`
    select book, payee_province as province, agreement, sum(amount)::bigint as amount
    from period_items(${period}) group by 1, 2, 3`
  const gross = new Gross()
  for (const { agreement, ...sum } of rows)
    gross.add({ ...sum, agreement: agreement === null ? null : Number(agreement) })
  return gross.items
}

/** A piece of a settlement, as `settle_period` books it. */
export interface Piece {
  readonly book: Book
  readonly part: (typeof settlementParts)[number]
  readonly piece: number
  readonly payees: readonly PieceLine[]
}

interface PieceLine {
  readonly payee: string
  readonly province: number | null
  readonly approved: Fen
  readonly clawedBack: Fen
  readonly netted: boolean
}

/** Lines by book and payee, added up. */
class PieceLines {
  readonly #books = new Map<Book, Map<string, PieceLine>>()

  add(book: Book, line: PieceLine): void {
    const payees = this.#books.get(book) ?? new Map<string, PieceLine>()
    const key = `${line.payee} ${line.netted}`
    const { approved = 0n, clawedBack = 0n } = payees.get(key) ?? {}
    payees.set(key, { ...line, approved: line.approved + approved, clawedBack: line.clawedBack + clawedBack })
    this.#books.set(book, payees)
  }

  /** In pieces of so many payees. */
  *cut(part: Piece['part']): Generator<Piece> {
    for (const book of [...this.#books.keys()].sort((one, other) => one - other)) {
      const list = [...this.#books.get(book)!.values()].sort(byPayee)
      for (let from = 0; from < list.length; from += MOST_LINES) {
        yield { book, part, piece: from / MOST_LINES + 1, payees: list.slice(from, from + MOST_LINES) }
      }
    }
  }
}

const byPayee = (a: PieceLine, b: PieceLine) =>
  a.payee === b.payee ? Number(a.netted) - Number(b.netted) : a.payee < b.payee ? -1 : 1

/**
 * The pieces of a netted period's settlement, part by part as they are booked: the same from the same sums, whatever
 * their order. Those of a book are made when they are asked for.
 */
export async function piecesOf(sums: readonly PayeeSum[], netted: ReadonlySet<number>): Promise<Iterable<Piece>[]> {
  const [issued, taken, between] = [new PieceLines(), new PieceLines(), new PieceLines()]
  const handed = new Map<Book, Fen>()
  const gross = new Gross()
  for await (const some of parts(sums)) {
    for (const { book, agreement, ...sum } of some) {
      const isNetted = agreement !== null && netted.has(agreement)
      issued.add(book, { ...sum, netted: isNetted })
      if (!isNetted) continue
      const amount = sum.approved - sum.clawedBack
      taken.add(sum.province, { ...sum, netted: true })
      handed.set(book, (handed.get(book) ?? 0n) + amount)
      gross.add({ book, province: sum.province, agreement, amount })
    }
  }
  const owes = (from: Book, to: Book, approved: Fen) =>
    between.add(from, { payee: `jurisdiction:${to}`, province: null, approved, clawedBack: 0n, netted: true })
  for (const [book, amount] of handed) {
    // A county squares up through its province.
    const home = Number(provinceOf(String(book)))
    if (book === home) continue
    if (amount > 0n) owes(book, home, amount)
    if (amount < 0n) owes(home, book, -amount)
  }
  for (const { from, to, amount } of clear(netPositions(gross.items))) owes(Number(from), Number(to), amount)
  return [issued.cut('issuer'), taken.cut('payee'), between.cut('between')]
}

/**
 * Payees who must give money back for a settled period, to whom, and with which reference at the bank 退款: never more than
 * they owe now, for some of it may have been set off against what they are paid.
 */
export async function refundsOf(sql: Sql, period: string) {
  const rows = await sql<{ book: Book; payee: string; amount: Fen }[]>`
    with asked as (
      select s.book, x.payee, sum((x."clawedBack" - x.approved) * 100)::bigint as amount
      from settlement_parts s join commands c on c.book = s.book and c.seq = s.seq
      cross join lateral json_to_recordset(c.body -> 'payees') as x (
        payee text, approved numeric, "clawedBack" numeric, netted boolean)
      where s.period = ${period} and x.approved < x."clawedBack"
        and (s.part = 'payee' or (s.part = 'issuer' and not x.netted))
      group by s.book, x.payee
    )
    select k.book, k.payee, least(k.amount, a.posted - a.held) as amount from asked k
    join accounts a on a.book = k.book and a.kind = ${accountKinds.recoverable.no} and a.owner = k.payee
    where a.posted > a.held order by k.book, k.payee collate "C"`
  return rows.map(({ book, payee: owner, amount }) => {
    const payee = owner.slice(owner.indexOf(':') + 1)
    return { book: bookText(book), payee, amount: yuan(amount), reference: refundReference(book, payee) }
  })
}

/** Which agreements were netted in a period. */
export async function nettedOf(sql: Sql, period: string): Promise<Set<number>> {
  const rows = await sql<
    { agreement: bigint }[]
  >`select agreement from period_pairs where period = ${period} and netted`
  return new Set(rows.map(({ agreement }) => Number(agreement)))
}

/** What of a period the bank has not confirmed; fen. */
export interface OpenPayments {
  /** Lines not released, and lines released. */
  readonly open: number
  readonly released: number
  readonly amount: Fen
  /** Books whose clearing account is not at zero. */
  readonly books: readonly Book[]
}

/** What of a period the bank has not confirmed. */
export async function openPayments(sql: Sql, period: string): Promise<OpenPayments> {
  const [lines] = await sql<{ open: number; released: number; amount: bigint }[]>`
    select count(*) filter (where l.state = 'open')::int as open, count(*) filter (where l.state = 'released')::int as released,
           coalesce(sum(l.amount - l.set_off - l.paid), 0)::bigint as amount
    from payment_batches b join payment_lines l on l.book = b.book and l.batch = b.batch
    where b.period = ${period} and l.state in ('open', 'released')`
  const books = await sql<{ book: Book }[]>`
    select b.book from books b
    join accounts a on a.book = b.book and a.kind = ${accountKinds.clearing.no} and a.owner = ${period}
    where a.posted <> 0 order by b.book`
  return { ...lines!, books: books.map(({ book }) => book) }
}

/** Orders with an item owed in a period that are not paid, by book. */
export async function unpaidOrders(sql: Sql, period: string): Promise<Map<Book, string[]>> {
  const rows = await sql<{ book: Book; order: bigint }[]>`
    select o.book, o."order" from period_items(${period}) i
    join orders o on o.book = i.book and o.approved_seq = i.seq
    where o.state = 'approved' order by o.book, o."order"`
  const found = new Map<Book, string[]>()
  for (const { book, order } of rows) {
    const list = found.get(book) ?? []
    list.push(orderId(book, Number(order)))
    found.set(book, list)
  }
  return found
}

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
  const [found] = await sql<
    { period: string; through: string; closedOn: string; paid: boolean; group: string | null; state: PeriodState }[]
  >`
    select period, through, closed_on as "closedOn", paid, group_name as "group", ${stateOf(sql)} as state
    from periods where period = ${period}`
  if (!found) return undefined
  const items = await grossByAgreement(sql, period)
  const pairs = await pairsOf(sql, period)
  const gross: Record<string, Record<string, string>> = Object.fromEntries(provinces.map((p) => [p, {}]))
  const pairwise = new Map<string, Fen>()
  for (const { from, to, amount } of items) {
    const sum = (pairwise.get(`${from} ${to}`) ?? 0n) + amount
    pairwise.set(`${from} ${to}`, sum)
    gross[from]![to] = yuan(sum)
  }
  const isNetted = new Set(pairs.filter(({ netted }) => netted).map(({ number }) => number))
  const nets = netPositions(
    found.group === null ? items : items.filter(({ agreement }) => agreement !== null && isNetted.has(agreement)),
  )
  return {
    ...found,
    gross,
    net: Object.fromEntries([...nets].map(([province, amount]) => [province, yuan(amount)])),
    instructions: clear(nets).map((instruction) => ({ ...instruction, amount: yuan(instruction.amount) })),
    pairs: pairs.map(({ number: _, net, ...pair }) => ({ ...pair, net: yuan(net) })),
    proof: proofOf(nets, clear(nets)),
    late: await lateOf(sql, period),
  }
}

/** How many of a period's items are dated within an earlier one and came after its close 迟到项目, and their sum. */
async function lateOf(sql: Sql, period: string): Promise<{ items: number; amount: string }> {
  const [before] = await sql<{ through: string | null }[]>`
    select max(e.through) as through from periods e join periods p on p.period = ${period} and e.closing < p.closing
    where e.group_name is null or e.group_name = p.group_name`
  if (!before?.through) return { items: 0, amount: yuan(0n) }
  const [late] = await sql<{ items: number; amount: bigint }[]>`
    select count(*)::int as items, coalesce(sum(i.amount), 0)::bigint as amount from period_items(${period}) i
    where i.day <= ${before.through}::date and exists (
      select from periods e join period_reaches r on r.period = e.period and r.book = i.book
      join periods p on p.period = ${period} and e.closing < p.closing
      where i.day <= e.through and (e.group_name is null or e.group_name = p.group_name))`
  return { items: late!.items, amount: yuan(late!.amount) }
}

/** That the nets add up to zero and the instructions bring each of them there, in yuan. */
function proofOf(nets: ReadonlyMap<string, Fen>, instructions: readonly Instruction[]) {
  const left = new Map(nets)
  for (const { from, to, amount } of instructions) {
    left.set(from, (left.get(from) ?? 0n) + amount)
    left.set(to, (left.get(to) ?? 0n) - amount)
  }
  return {
    sumOfNets: yuan([...nets.values()].reduce((sum, net) => sum + net, 0n)),
    leftAfterInstructions: Object.fromEntries([...left].map(([province, amount]) => [province, yuan(amount)])),
  }
}

async function pairsOf(sql: Sql, period: string) {
  const rows = await sql<
    { one: number; other: number; number: bigint; net: bigint; netted: boolean; why: PeriodPair['why'] }[]
  >`select one, other, agreement as number, net, netted, why from period_pairs where period = ${period}
    order by one, other, agreement`
  return rows.map(({ one, other, number, ...rest }) => ({
    agreement: clearingId({ one, other }, Number(number)),
    number: Number(number),
    ...rest,
  }))
}

/** How far a period is: in transit while the pieces of its settlement are being booked 在途. */
const stateOf = (sql: Sql) => sql`
  case when paid then 'paid' when settled then 'settled' when not netted then 'closed'
       when group_name is null then 'netted' else 'in_transit' end`

/** The closed periods in the order they were closed. */
export async function closedPeriods(
  sql: Sql,
): Promise<{ period: string; through: string; paid: boolean; group: string | null; state: PeriodState }[]> {
  return sql`
    select period, through, paid, group_name as "group", ${stateOf(sql)} as state from periods order by closing`
}
