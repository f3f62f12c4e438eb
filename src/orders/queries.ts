import { and, asc, between, eq, inArray, lte, or, type SQL, sql } from 'drizzle-orm'
import type { z } from 'zod'
import { holds, orders } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { orderId, parseOrderId, voucherId } from '../core/ids.js'
import { yuan } from '../core/money.js'
import type { Day } from '../core/time.js'
import { readableBooks } from '../engine/access.js'
import { SYSTEM } from '../engine/command.js'
import type { Services } from '../engine/route.js'
import type { Sql } from '../platform/database.js'
import type { OrderState, orderFilter, timelineView } from './contract.js'
import type { Dossier } from './facts.js'
import { openObjections } from './rules.js'

/** A bureau sees the orders of its books; an enterprise or provider those it is a party to. */
export function visible(actor: Actor): SQL | undefined {
  const books = readableBooks(actor)
  if (books) return between(orders.book, books.low, books.high)
  return or(eq(orders.enterprise, actor.organisation), eq(orders.provider, actor.organisation))
}

/** What a list of orders is narrowed down to. */
export function narrowed({ state, program, before, turn }: z.infer<typeof orderFilter>): SQL | undefined {
  return and(
    state ? eq(orders.state, state) : undefined,
    program ? eq(orders.program, program) : undefined,
    before ? lte(orders.deadline, before) : undefined,
    turn ? or(...turnOf[turn]) : undefined,
  )
}

const among = (...states: OrderState[]) => inArray(orders.state, states)
const claiming = (payee: 'enterprise' | 'provider') => and(among('confirmed', 'returned'), eq(orders.payee, payee))
const appealed = and(
  among('rejected'),
  sql`${orders.dossier} -> 'appeal' ->> 'decision' is null`,
  sql`jsonb_typeof(${orders.dossier} -> 'appeal') = 'object'`,
)
/** Whose turn it is, by state, as `waitingFor` says it of one order; an appeal that may still come is nobody's duty. */
const turnOf = {
  enterprise: [among('delivered'), claiming('enterprise')],
  provider: [among('filed', 'accepted'), claiming('provider')],
  bureau: [among('submitted', 'verified'), appealed],
  clearing: [among('approved')],
}

export function select({ reader }: Pick<Services, 'reader'>, where: SQL | undefined) {
  const held = sql<string>`(select coalesce(sum(${holds.open}), 0)::text from ${holds}
    where ${holds.book} = ${orders.book} and ${holds.hold} = ${orders.order})`
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

export function view({ order: o, held }: { order: Row; held: string }) {
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
}

/**
 * The steps of an order as the log has them, as this actor may read them: people only of the actor's own organisation, and
 * what an objection says, and who has said it, only for bureaus.
 */
export async function stepsOf(sql: Sql, order: Row, actor: Actor): Promise<Step[]> {
  const { book, enterprise, provider } = order
  const { replacedBy } = (order.dossier ?? {}) as Dossier
  const filings = [order.order, ...(replacedBy ? [parseOrderId(replacedBy)!.number] : [])]
  const columns = sql`c.seq, c.kind::text, c.day, a.subject, a.organisation, c.event ->> 'state' as state,
    c.body ->> 'reason' as reason`
  // The condition on kinds is that of the index, word by word.
  const rows = await sql<Logged[]>`
    select ${columns} from commands c join actors a on a.actor = c.actor
    where c.book = ${book} and c.seq = any (${filings}::bigint[])
    union all
    select ${columns} from commands c join actors a on a.actor = c.actor
    where c.book = ${book} and c.kind not in ('issue', 'file_order', 'pay')
      and c.body ->> 'order' = ${orderId(book, order.order)}
    order by 1`
  return rows.map(({ seq, kind, day, subject, organisation, state, reason }) => {
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
    }
  })
}
