import { and, eq, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { orders } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { parseOrderId } from '../core/ids.js'
import { Refused } from '../core/refusals.js'
import { dayOf } from '../core/time.js'
import { nameDocuments } from '../documents/facts.js'
import { commandRoute, readRoute, type Services } from '../engine/route.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import {
  acceptOrderCommand,
  cancelOrderCommand,
  confirmCommand,
  declineOrderCommand,
  deliverCommand,
  fileOrderCommand,
  supplementOrderCommand,
} from './commands.js'
import {
  acceptOrder,
  cancelOrder,
  confirm,
  declineOrder,
  deliver,
  type OrderState,
  orderFilter,
  orderText,
  orderView,
  supplementOrder,
  timelineView,
} from './contract.js'
import { courseOf, narrowed, select, stepsOf, view, visible } from './queries.js'
import { waitingFor } from './rules.js'

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
    operation: 'acceptOrder',
    url: '/v1/orders/:order/acceptance',
    tag,
    params,
    body: acceptOrder.omit(order),
    summary: { en: 'The provider takes the order on', zh: '接单' },
    type: acceptOrderCommand,
  })
  commandRoute(app, services, {
    operation: 'declineOrder',
    url: '/v1/orders/:order/decline',
    tag,
    params,
    body: declineOrder.omit(order),
    summary: { en: 'The provider does not take it on; the hold goes back', zh: '拒单' },
    type: declineOrderCommand,
  })
  commandRoute(app, services, {
    operation: 'supplementOrder',
    url: '/v1/orders/:order/supplements',
    tag,
    params,
    body: supplementOrder.omit(order),
    summary: { en: 'File a supplementary contract: other amounts', zh: '补充协议备案' },
    type: supplementOrderCommand,
  })
  commandRoute(app, services, {
    operation: 'deliverOrder',
    url: '/v1/orders/:order/delivery',
    tag,
    params,
    body: deliver.omit(order),
    summary: { en: 'The provider has delivered', zh: '服务交付' },
    type: deliverCommand,
    async prepare(delivery, actor) {
      if (delivery.results?.length) await nameDocuments(services, actor.organisation, [...new Set(delivery.results)])
      return delivery
    },
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
          narrowed(query),
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
    read: async ({ params, actor }) => view(await one(services, params.order, actor)),
  })
  readRoute<{ order: string }>(app, {
    operation: 'getTimeline',
    url: '/v1/orders/:order/timeline',
    tag,
    params,
    summary: { en: 'Every step of an order, and what is next', zh: '订单进度与下一步' },
    answer: timelineView,
    async read({ params, actor }) {
      const { order } = await one(services, params.order, actor)
      return {
        order: params.order,
        state: order.state as OrderState,
        steps: await stepsOf(services.sql, order, actor),
        next: waitingFor(courseOf(order), dayOf(services.clock.now())),
      }
    },
  })
}

/** The order of this id, when the actor may see it; throws Refused('order_not_found'). */
async function one(services: Services, text: string, actor: Actor) {
  const id = parseOrderId(text)
  const [found] = id
    ? await select(services, and(visible(actor), eq(orders.book, id.book), eq(orders.order, id.number)))
    : []
  if (!found) throw new Refused('order_not_found', { order: text })
  return found
}
