import type { Actor } from '../core/actor.js'
import { orderId } from '../core/ids.js'
import { isRefusal } from '../core/refusals.js'
import type { Runner } from '../engine/runner.js'
import type { Outcome } from '../engine/ticket.js'
import type { Book } from '../ledger/book.js'
import type { Sql } from '../platform/database.js'
import { markOrders } from '../settlement/settle.js'
import { resolveExceptionCommand } from './commands.js'
import type { ResolveException } from './contract.js'
import { parseExceptionId } from './facts.js'

/**
 * Marks the orders paid whose payee has had all of a period's money from its book, and approved again when some of it came
 * back: of the payees whom a statement was about. Asked again it finds what is still to be marked.
 */
export const markPayees = (engine: Runner, sql: Sql, book: Book, statement: string) =>
  mark(engine, sql, book, sql`s.statement = ${statement}`)

/** Ends an exception by hand; whom it was for is paid then, or is not any more. */
export async function resolveByHand(
  engine: Runner,
  sql: Sql,
  asked: { command: ResolveException; actor: Actor; key: string },
): Promise<Outcome> {
  const outcome = await engine.run({ type: resolveExceptionCommand as never, ...asked })
  if (isRefusal(outcome)) return outcome
  const { book, exception, line } = parseExceptionId(asked.command.exception)
  await mark(
    engine,
    sql,
    book,
    sql`(s.account, s.serial) = (select account, serial from bank_exceptions
      where book = ${book} and exception = ${exception} and line = ${line})`,
  )
  return outcome
}

async function mark(engine: Runner, sql: Sql, book: Book, which: ReturnType<Sql>): Promise<void> {
  const isMarked = await markOnce(engine, sql, book, which, sql`true`)
  // What came back while they were being marked paid is found only now.
  if (isMarked) await markOnce(engine, sql, book, which, sql`not paid and bounced`)
}

/** Of these payees only those of whom that is true; returns whether anything was to be marked. */
async function markOnce(
  engine: Runner,
  sql: Sql,
  book: Book,
  which: ReturnType<Sql>,
  those: ReturnType<Sql>,
): Promise<boolean> {
  const orders = await sql<{ period: string; book: Book; order: bigint; paid: boolean }[]>`
    with touched as (
      select distinct b.period, l.payee from bank_lines s
      join bank_matches m on m.book = s.book and m.account = s.account and m.serial = s.serial
      join payment_batches b on b.book = m.payer and b.batch = m.batch and b.source = 'payable'
      join payment_lines l on l.book = m.payer and l.batch = m.batch and l.line = m.line
      where s.book = ${book} and m.payer = ${book} and ${which}
    ), found as (
      select t.period, t.payee, bool_and(l.state in ('paid', 'set_off')) as paid, bool_or(l.bounces > 0) as bounced
      from touched t
      join payment_batches b on b.book = ${book} and b.period = t.period and b.source = 'payable'
      join payment_lines l on l.book = b.book and l.batch = b.batch and l.payee = t.payee
      group by t.period, t.payee
    ), settled as (
      select * from found where ${those}
    ), items as materialized (
      -- Once for each period, and of all books only where some other's are netted.
      select p.period, i.book, i.seq, i.payee from (select distinct period from settled) p
      cross join lateral period_items(p.period, case when not exists (
        select from period_pairs n where n.period = p.period and n.netted and ${book} in (n.one, n.other))
        then ${book}::int end) i
      -- Netted items are paid by the book of the payee's province, the others by their own.
      where ${book} = case when (p.period, i.agreement) in (select n.period, n.agreement from period_pairs n where n.netted)
        then i.payee_province else i.book end
    )
    select i.period, o.book, o."order", o.state = 'approved' as paid
    from items i join orders o on o.book = i.book and o.approved_seq = i.seq
    -- In a case these are looked up by hash: whoever plans a join of them expects one payee.
    where case o.state
      when 'approved' then (i.period, i.payee) in (select period, payee from settled where paid)
      when 'paid' then (i.period, i.payee) in (select period, payee from settled where not paid and bounced) end
    order by i.period, paid, o.book, o."order"`
  const groups = new Map<string, { period: string; book: Book; paid: boolean; orders: string[] }>()
  for (const { period, book: issuer, order, paid } of orders) {
    const key = `${paid} ${issuer} ${period}`
    const group = groups.get(key) ?? { period, book: issuer, paid, orders: [] }
    groups.set(key, group)
    group.orders.push(orderId(issuer, Number(order)))
  }
  for (const { orders, ...which } of groups.values()) await markOrders(engine, which, orders)
  return groups.size > 0
}
