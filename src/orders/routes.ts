import { and, asc, between, eq, or, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { holds, orders } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { orderId, parseOrderId, voucherId } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { readableBooks } from '../engine/access.js'
import { commandRoute, readRoute, type Services } from '../engine/route.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import { cancelOrderCommand, confirmCommand, deliverCommand, fileOrderCommand } from './commands.js'
import { cancelOrder, confirm, deliver, orderFilter, orderText, orderView } from './contract.js'

const tag = 'orders 服务合同备案'
const params = z.strictObject({ order: orderText })
const order = { order: true } as const

export function orderRoutes(app: FastifyInstance, services: Services): void {
  commandRoute(app, services, {
    operation: 'fileOrder',
    url: '/v1/orders',
    tag,
    status: 201,
    summary: { en: 'File a contract; the amount is held', zh: '合同备案并冻结额度' },
    type: fileOrderCommand,
  })
  commandRoute(app, services, {
    operation: 'deliverOrder',
    url: '/v1/orders/:order/delivery',
    tag,
    params,
    body: deliver.omit(order),
    summary: { en: 'The provider has delivered', zh: '服务交付' },
    type: deliverCommand,
  })
  commandRoute(app, services, {
    operation: 'confirmOrder',
    url: '/v1/orders/:order/confirmation',
    tag,
    params,
    body: confirm.omit(order),
    summary: { en: 'The enterprise confirms and rates the delivery', zh: '确认与评价' },
    type: confirmCommand,
  })
  commandRoute(app, services, {
    operation: 'cancelOrder',
    url: '/v1/orders/:order/cancellation',
    tag,
    params,
    body: cancelOrder.omit(order),
    summary: { en: 'The enterprise cancels; the hold goes back', zh: '撤销备案' },
    type: cancelOrderCommand,
  })
  readRoute<object, z.infer<typeof orderFilter> & { limit: number; cursor?: string }>(app, {
    operation: 'listOrders',
    url: '/v1/orders',
    tag,
    query: orderFilter.extend(pageQuery) as never,
    summary: { en: 'The orders you may see', zh: '订单列表' },
    answer: page(orderView),
    async read({ query, actor }) {
      const after = readCursor(query.cursor)
      const rows = await select(
        services,
        and(
          visible(actor),
          query.state ? eq(orders.state, query.state) : undefined,
          query.program ? eq(orders.program, query.program) : undefined,
          after ? sql`(${orders.book}, ${orders.order}) > (${after.book}, ${after.number})` : undefined,
        ),
      ).limit(query.limit + 1)
      const { items, next } = cut(rows, query.limit, (row) => writeCursor(row.order.book, row.order.order))
      return { items: items.map(view), next }
    },
  })
  readRoute<{ order: string }>(app, {
    operation: 'getOrder',
    url: '/v1/orders/:order',
    tag,
    params,
    summary: { en: 'One order with its claim', zh: '订单与兑付详情' },
    answer: orderView,
    async read({ params, actor }) {
      const id = parseOrderId(params.order)
      const [found] = id
        ? await select(services, and(visible(actor), eq(orders.book, id.book), eq(orders.order, id.number)))
        : []
      if (!found) throw new Refused('order_not_found', { order: params.order })
      return view(found)
    },
  })
}

/** A bureau sees the orders of its books; an enterprise or provider those it is a party to. */
function visible(actor: Actor): SQL | undefined {
  const books = readableBooks(actor)
  if (books) return between(orders.book, books.low, books.high)
  return or(eq(orders.enterprise, actor.organisation), eq(orders.provider, actor.organisation))
}

function select({ reader }: Services, where: SQL | undefined) {
  const held = sql<string>`(select coalesce(sum(${holds.open}), 0)::text from ${holds}
    where ${holds.book} = ${orders.book} and ${holds.hold} = ${orders.order})`
  return reader
    .select({ order: orders, held })
    .from(orders)
    .where(where)
    .orderBy(asc(orders.book), asc(orders.order))
    .$dynamic()
}

function view({ order: o, held }: { order: typeof orders.$inferSelect; held: string }) {
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
  }
}
