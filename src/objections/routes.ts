import { and, asc, eq, gte, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { orders } from '../../db/schema.js'
import { orderId } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { dayOf } from '../core/time.js'
import { commandRoute, readRoute, type Services } from '../engine/route.js'
import { orderText } from '../orders/contract.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import { count } from '../platform/wire.js'
import { fileObjectionCommand, resolveObjectionCommand } from './commands.js'
import { fileObjection, noticeView, resolveObjection } from './contract.js'

const tag = 'claims 兑付申请'

export function objectionRoutes(app: FastifyInstance, services: Services): void {
  commandRoute(app, services, {
    operation: 'fileObjection',
    url: '/v1/orders/:order/objections',
    tag,
    status: 201,
    params: z.strictObject({ order: orderText }),
    body: fileObjection.omit({ order: true }),
    summary: { en: 'Object to a claim under public notice', zh: '提出公示异议' },
    type: fileObjectionCommand,
  })
  commandRoute(app, services, {
    operation: 'resolveObjection',
    url: '/v1/orders/:order/objections/:objection/resolution',
    tag,
    params: z.strictObject({ order: orderText, objection: count(1, Number.MAX_SAFE_INTEGER) }),
    body: resolveObjection.omit({ order: true, objection: true }),
    summary: { en: 'Decide an objection (another person than who verified)', zh: '处理公示异议' },
    type: resolveObjectionCommand,
  })
  readRoute<object, { limit: number; cursor?: string }>(app, {
    operation: 'listNotices',
    url: '/v1/notices',
    tag,
    query: z.strictObject(pageQuery) as never,
    summary: { en: 'Claims under public notice today', zh: '公示中的兑付申请' },
    answer: page(noticeView),
    async read({ query: { limit, cursor } }) {
      const after = readCursor(cursor)
      const rows = await services.reader
        .select()
        .from(orders)
        .where(
          and(
            gte(orders.noticeEnds, dayOf(services.clock.now())),
            eq(orders.state, 'verified'),
            after ? sql`(${orders.book}, ${orders.order}) > (${after.book}, ${after.number})` : undefined,
          ),
        )
        .orderBy(asc(orders.book), asc(orders.order))
        .limit(limit + 1)
      const { items, next } = cut(rows, limit, (row) => writeCursor(row.book, row.order))
      return {
        items: items.map((o) => ({
          order: orderId(o.book, o.order),
          program: o.program,
          enterprise: o.enterprise,
          provider: o.provider,
          category: o.category,
          contractAmount: yuan(o.contractAmount),
          voucherAmount: yuan(o.voucherAmount),
          noticeEnds: o.noticeEnds!,
        })),
        next,
      }
    },
  })
}
