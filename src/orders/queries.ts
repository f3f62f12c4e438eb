import { and, asc, between, eq, inArray, lte, or, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { orders, programs } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { type Id, orderId, parseOrderId, voucherId } from '../core/ids.js'
import { yuan } from '../core/money.js'
import type { Day } from '../core/time.js'
import { readableBooks } from '../engine/access.js'
import { SYSTEM } from '../engine/command.js'
import type { Services } from '../engine/route.js'
import type { Sql } from '../platform/database.js'
import { type clawBackCases, type OrderState, type orderFilter, stageOf, type timelineView } from './contract.js'
import type { Dossier } from './facts.js'
import { openObjections } from './rules.js'

/** A bureau sees the orders of its books; an enterprise or provider those it is a party to. */
export function visible(actor: Actor): SQL | undefined {
  const books = readableBooks(actor)
  if (books) return between(orders.book, books.low, books.high)
  return or(eq(orders.enterprise, actor.organisation), eq(orders.provider, actor.organisation))
}

export type Filter = z.infer<typeof orderFilter>

/** The next orders of a list: a bureau's stand together in one index, a firm's in one as enterprise, in one as provider. */
export function among(
  actor: Actor,
  { state, program, before, turn }: Filter,
  after: Id | undefined,
  most: number,
): SQL | undefined {
  const wanted = and(
    state && and(eq(orders.stage, stageOf[state]), eq(orders.state, state)),
    program === undefined ? undefined : and(eq(orders.program, program), sql`${orders.book} = (${bookOf(program)})`),
    before ? lte(orders.deadline, before) : undefined,
    turn ? or(...turnOf[turn]) : undefined,
    after && sql`(${orders.book}, ${orders.order}) > (${after.book}, ${after.number})`,
  )
  const books = readableBooks(actor)
  if (books) return and(between(orders.book, books.low, books.high), wanted)
  const as = (party: PgColumn) => sql`(select ${orders.book}, ${orders.order} from ${orders}
    where ${and(eq(party, actor.organisation), wanted)} order by 1, 2 limit ${most})`
  return sql`(${orders.book}, ${orders.order}) in (${as(orders.enterprise)} union ${as(orders.provider)})`
}

/** All orders of a program are in its jurisdiction's book. */
const bookOf = (program: string) =>
  sql`select ${programs.jurisdiction} from ${programs} where ${programs.program} = ${program} limit 1`

const isOneOf = (...states: OrderState[]) => inArray(orders.state, states)
const claiming = (payee: 'enterprise' | 'provider') => and(isOneOf('confirmed', 'returned'), eq(orders.payee, payee))
const appealed = and(
  isOneOf('rejected'),
  sql`${orders.dossier} -> 'appeal' ->> 'decision' is null`,
  sql`jsonb_typeof(${orders.dossier} -> 'appeal') = 'object'`,
)
/** Whose turn it is, by state, as `waitingFor` says it of one order; an appeal that may still come is nobody's duty. */
const turnOf = {
  enterprise: [isOneOf('delivered'), claiming('enterprise')],
  provider: [isOneOf('filed', 'accepted'), claiming('provider')],
  bureau: [isOneOf('submitted', 'verified'), appealed],
  clearing: [isOneOf('approved')],
}

export function select({ reader }: Pick<Services, 'reader'>, where: SQL | undefined) {
  // Written out: drizzle leaves the tables' names away here, and a book would be compared with itself.
  const held = sql<string>`(select coalesce(sum(h.open), 0)::text from clearing.holds h
    where h.book = orders.book and h.hold = orders."order")`
  return reader
    .select({ order: orders, held })
    .from(orders)
    .where(where)
    .orderBy(asc(orders.book), asc(orders.order))
    .$dynamic()
}

export type Row = typeof orders.$inferSelect

/** An order as rules take it, as far as what it waits for goes. */
export const courseOf = ({ state, deadline, payee, dossier }: Row) => ({
  state: state as OrderState,
  deadline,
  payee,
  dossier: dossier as Dossier | null,
})

/** A row of a list, with what is held of the order, in fen. */
export interface Listed {
  readonly order: Row
  readonly held: string
}

export function view({ order: o, held }: Listed) {
  const dossier = (o.dossier ?? {}) as Dossier
  const { appeal } = dossier
  return {
    order: orderId(o.book, o.order),
    state: o.state as never,
    voucher: voucherId(o.book, o.voucher),
    program: o.program,
    enterprise: o.enterprise,
    provider: o.provider,
    category: o.category as never,
    localCategory: o.localCategory,
    contractNo: o.contractNo,
    contractAmount: yuan(o.contractAmount),
    voucherAmount: yuan(o.voucherAmount),
    held: yuan(BigInt(held)),
    approved: o.approved === null ? null : yuan(o.approved),
    clawedBack: yuan(o.clawedBack),
    signedOn: o.signedOn,
    filedOn: o.filedOn,
    claimBy: o.claimBy,
    deadline: o.deadline,
    payee: o.payee,
    invoiceNo: o.invoiceNo,
    invoiceAmount: o.invoiceAmount === null ? null : yuan(o.invoiceAmount),
    version: o.version,
    noticeEnds: o.noticeEnds,
    evidence: (o.evidence ?? []) as never[],
    redInvoices: o.redInvoices ?? [],
    acceptBy: dossier.acceptBy ?? null,
    summary: dossier.summary ?? null,
    results: [...(dossier.results ?? [])],
    comment: dossier.comment ?? null,
    wanted: [...(dossier.wanted ?? [])],
    openObjections: openObjections({ dossier }).length,
    appealBy: dossier.appealBy ?? null,
    appeal: appeal
      ? {
          on: appeal.on,
          reason: appeal.reason,
          verdict: appeal.decision?.verdict ?? null,
          decidedOn: appeal.decision?.on ?? null,
          decision: appeal.decision?.reason ?? null,
        }
      : null,
    replaces: dossier.replaces ?? null,
    replacedBy: dossier.replacedBy ?? null,
  }
}

type Step = z.infer<typeof timelineView>['steps'][number]
interface Logged {
  readonly seq: bigint
  readonly kind: string
  readonly day: Day
  readonly subject: string
  readonly organisation: string
  readonly state: OrderState | null
  readonly reason: string | null
  readonly clawBack: (typeof clawBackCases)[number] | null
}

/**
 * The steps of an order as the log has them, as this actor may read them: people only of the actor's own organisation, and
 * what an objection says, and who has said it, only for bureaus.
 */
export async function stepsOf(sql: Sql, order: Row, actor: Actor): Promise<Step[]> {
  const { book, enterprise, provider } = order
  const { replacedBy } = (order.dossier ?? {}) as Dossier
  const filings = [order.order, ...(replacedBy ? [parseOrderId(replacedBy)!.number] : [])]
  // What was paid says so itself; a close before it is one that took the approval.
  const clawBack = sql`case when c.kind = 'claw_back' then case
    when c.event ->> 'state' = 'paid' then 'after_payment'
    when exists (
      select from period_reaches r join periods p on p.period = r.period
      join commands i on i.book = c.book and i.seq = ${order.approvedSeq}::bigint
      where r.book = c.book and i.seq <= r.reach and r.reach < c.seq and i.day <= p.through) then 'after_close'
    else 'before_close' end end`
  const columns = sql`c.seq, c.kind::text, c.day, a.subject, a.organisation, c.event ->> 'state' as state,
    c.body ->> 'reason' as reason, ${clawBack} as "clawBack"`
  // The condition on kinds is that of the index, word by word.
  const rows = await sql<Logged[]>`
    select ${columns} from commands c join actors a on a.actor = c.actor
    where c.book = ${book} and c.seq = any (${filings}::bigint[])
    union all
    select ${columns} from commands c join actors a on a.actor = c.actor
    where c.book = ${book} and c.kind not in ('issue', 'file_order', 'pay')
      and c.body ->> 'order' = ${orderId(book, order.order)}
    order by 1`
  return rows.map(({ seq, kind, day, subject, organisation, state, reason, clawBack }) => {
    const isReplacement = kind === 'file_order' && Number(seq) !== order.order
    const isObjection = kind === 'file_objection'
    const mayKnow = !isObjection || actor.jurisdiction !== undefined
    return {
      seq: Number(seq),
      step: isReplacement ? 'replace_order' : kind,
      day,
      by:
        organisation === SYSTEM.organisation
          ? 'service'
          : !mayKnow
            ? 'other'
            : organisation === enterprise
              ? 'enterprise'
              : organisation === provider
                ? 'provider'
                : isObjection
                  ? 'other'
                  : 'bureau',
      person: organisation === actor.organisation ? subject : null,
      state: isReplacement ? 'cancelled' : kind === 'lapse_order' ? 'lapsed' : state,
      note: mayKnow ? reason : null,
      clawBack,
    }
  })
}
