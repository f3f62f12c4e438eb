import type { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { orderId, voucherId } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import { addDays, type Day } from '../core/time.js'
import { readableBooks } from '../engine/access.js'
import type { Book } from '../ledger/book.js'
import { accountKinds } from '../ledger/chart.js'
import type { OrderState } from '../orders/contract.js'
import type { Dossier } from '../orders/facts.js'
import { type Waiting, waitingFor } from '../orders/rules.js'
import type { Sql } from '../platform/database.js'
import type { reminderKinds, reminderView } from './contract.js'

/** As many as anybody reads at once. */
const MOST = 200

type Reminder = z.infer<typeof reminderView>

/** What an order's deadline ends, by the command that would meet it. */
const ends: Partial<Record<Waiting['step'], (typeof reminderKinds)[number]>> = {
  accept_order: 'acceptance',
  deliver: 'delivery',
  confirm: 'confirmation',
  submit_claim: 'claim',
  approve_claim: 'notice',
  resolve_objection: 'notice',
  appeal_claim: 'appeal',
}

/** What ends within so many days of a day, of what this actor may see; soonest first. */
export async function remindersFor(sql: Sql, actor: Actor, day: Day, within: number): Promise<Reminder[]> {
  const last = addDays(day, within)
  const all = [...(await ofOrders(sql, actor, day, last)), ...(await ofVouchers(sql, actor, day, last))]
  return all.sort((a, b) => (a.by < b.by ? -1 : a.by > b.by ? 1 : 0)).slice(0, MOST)
}

interface FoundOrder {
  readonly book: Book
  readonly order: bigint
  readonly state: OrderState
  readonly deadline: Day | null
  readonly payee: 'provider' | 'enterprise'
  readonly amount: Fen
  readonly dossier: Dossier | null
  readonly by: Day
}

async function ofOrders(sql: Sql, actor: Actor, day: Day, last: Day): Promise<Reminder[]> {
  const books = readableBooks(actor)
  const whose = books
    ? sql`book between ${books.low} and ${books.high}`
    : sql`(enterprise = ${actor.organisation} or provider = ${actor.organisation})`
  const columns = sql`book, "order", state, deadline, payee, voucher_amount as amount, dossier`
  // Of a rejection only the parties lose something; and only of theirs is it found without reading all orders.
  const appeals = sql`
    union all (select ${columns}, (dossier ->> 'appealBy')::date from orders
     where dossier ->> 'appealBy' between ${day} and ${last} and state = 'rejected' and ${whose}
     order by dossier ->> 'appealBy' limit ${MOST})`
  const rows = await sql<FoundOrder[]>`
    (select ${columns}, deadline as by from orders where deadline between ${day} and ${last} and ${whose}
     order by deadline limit ${MOST})
    union all (select ${columns}, notice_ends from orders
     where notice_ends between ${day} and ${last} and state = 'verified' and ${whose} order by notice_ends limit ${MOST})
    ${books ? sql`` : appeals}`
  return rows.flatMap(({ book, order, by, amount, ...course }) => {
    const waiting = waitingFor(course, day)
    const what = waiting && (course.state === 'returned' ? 'completion' : ends[waiting.step])
    if (!waiting || !what) return []
    return [{ what, by, thing: orderId(book, Number(order)), turn: waiting.turn, amount: yuan(amount) }]
  })
}

async function ofVouchers(sql: Sql, actor: Actor, day: Day, last: Day): Promise<Reminder[]> {
  const books = readableBooks(actor)
  const whose = books ? sql`v.book between ${books.low} and ${books.high}` : sql`v.enterprise = ${actor.organisation}`
  const rows = await sql<{ book: Book; voucher: bigint; useBy: Day; recallOn: Day | null; amount: Fen }[]>`
    select v.book, v.voucher, v.use_by as "useBy", v.recall_on as "recallOn", a.posted - a.held as amount
    from vouchers v
    join accounts a on a.book = v.book and a.kind = ${accountKinds.voucher.no}
      and a.owner = 'V' || v.book || '-' || v.voucher
    where least(v.use_by, v.recall_on) between ${day} and ${last} and v.lapsed_on is null and ${whose}
      and a.posted > a.held
    order by least(v.use_by, v.recall_on) limit ${MOST}`
  return rows.map(({ book, voucher, useBy, recallOn, amount }) => {
    const isRecall = recallOn !== null && recallOn < useBy
    return {
      what: isRecall ? 'recall' : 'use_by',
      by: isRecall ? recallOn : useBy,
      thing: voucherId(book, Number(voucher)),
      turn: 'enterprise',
      amount: yuan(amount),
    }
  })
}
