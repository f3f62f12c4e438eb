import { and, count, eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { orders } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { type Id, parseOrderId } from '../core/ids.js'
import { Refused } from '../core/refusals.js'
import { dayOf } from '../core/time.js'
import { nameDocuments } from '../documents/facts.js'
import { exportRoute, MOST_ROWS, paged } from '../engine/export.js'
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
import { among, courseOf, type Filter, type Listed, select, stepsOf, view, visible } from './queries.js'
import { waitingFor } from './rules.js'

const tag = 'orders 服务合同备案'
const params = z.strictObject({ order: orderText })
const order = { order: true } as const

const placeOf = ({ order: { book, order } }: Listed): Id => ({ book, number: order })

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
  readRoute<object, Filter & { limit: number; cursor?: string }>(app, {
    operation: 'listOrders',
    url: '/v1/orders',
    tag,
    query: orderFilter.extend(pageQuery) as never,
    summary: { en: 'The orders you may see', zh: '订单列表' },
    answer: page(orderView),
    async read({ query, actor }) {
      const most = query.limit + 1
      const rows = await select(services, among(actor, query, readCursor(query.cursor), most)).limit(most)
      const { items, next } = cut(rows, query.limit, (row) => writeCursor(row.order.book, row.order.order))
      return { items: items.map(view), next }
    },
  })
  exportRoute<object, Filter>(app, {
    operation: 'exportOrders',
    url: '/v1/orders/export',
    tag,
    query: orderFilter,
    summary: { en: 'The orders you may see, as a file', zh: '导出订单' },
    columns,
    async size({ query, actor }) {
      const [row] = await services.reader.select({ size: count() }).from(
        services.reader
          .select({ order: orders.order })
          .from(orders)
          .where(among(actor, query, undefined, MOST_ROWS + 1))
          .limit(MOST_ROWS + 1)
          .as('listed'),
      )
      return row!.size
    },
    rows: ({ query, actor }) =>
      paged<Listed>(
        (last, most) => select(services, among(actor, query, last && placeOf(last), most)).limit(most),
        (row) => [view(row)],
      ),
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

/** The columns of the file; what a person reads first comes first. */
const columns = {
  order: '订单编号',
  state: '状态',
  voucher: '创新券编号',
  program: '券种',
  enterprise: '企业',
  provider: '服务机构',
  category: '服务类别',
  localCategory: '地方类别',
  contractNo: '合同编号',
  contractAmount: '合同金额',
  voucherAmount: '用券金额',
  held: '冻结金额',
  approved: '核准金额',
  clawedBack: '追回金额',
  signedOn: '签订日期',
  filedOn: '备案日期',
  claimBy: '申请截止日',
  deadline: '当前期限',
  payee: '收款方',
  invoiceNo: '发票号码',
  invoiceAmount: '发票金额',
  version: '适用版本',
  noticeEnds: '公示截止日',
  acceptBy: '接单截止日',
  appealBy: '申诉截止日',
  openObjections: '待处理异议数',
  replaces: '所替代的订单',
  replacedBy: '替代它的订单',
} as const satisfies Partial<Record<keyof ReturnType<typeof view>, string>>
