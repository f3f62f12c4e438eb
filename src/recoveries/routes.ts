import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { dayOf } from '../core/time.js'
import { exportRoute, MOST_ROWS, paged } from '../engine/export.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { orderText } from '../orders/contract.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import { receiveRefundCommand, redFlushInvoiceCommand, writeOffCommand } from './commands.js'
import { recoverableFilter, recoverableView, redFlushInvoice } from './contract.js'
import { countRecoverables, type RecoverableFilter, recoverables } from './queries.js'

const tag = 'recoveries 追回与核销'

export function recoveryRoutes(app: FastifyInstance, services: Services): void {
  const { sql, clock } = services
  proposeRoute(app, services, {
    operation: 'writeOff',
    url: '/v1/write-offs',
    tag,
    summary: { en: 'Give up, by decision, what a payee must give back', zh: '核销应收追回款' },
    type: writeOffCommand,
  })
  proposeRoute(app, services, {
    operation: 'receiveRefund',
    url: '/v1/refunds',
    tag,
    summary: { en: 'A refund that no statement shows has come in', zh: '登记退款到账（无对账单）' },
    type: receiveRefundCommand,
  })
  proposeRoute(app, services, {
    operation: 'redFlushInvoice',
    url: '/v1/orders/:order/red-invoices',
    tag,
    params: z.strictObject({ order: orderText }),
    body: redFlushInvoice.omit({ order: true }),
    summary: {
      en: 'Record a red invoice; what the rest does not support is clawed back',
      zh: '登记红字发票并追回差额',
    },
    type: redFlushInvoiceCommand,
  })
  readRoute<object, RecoverableFilter & { limit: number; cursor?: string }>(app, {
    operation: 'listRecoverables',
    url: '/v1/recoverables',
    tag,
    query: recoverableFilter.extend(pageQuery) as never,
    summary: { en: 'What payees must give back, and what came of it', zh: '应收追回款台账' },
    answer: page(recoverableView),
    async read({ query, actor }) {
      const rows = await recoverables(sql, actor, query, {
        day: dayOf(clock.now()),
        after: readCursor(query.cursor),
        most: query.limit + 1,
      })
      const { items, next } = cut(rows, query.limit, ({ place }) => writeCursor(place.book, place.number))
      return { items: items.map(({ view }) => view), next }
    },
  })
  exportRoute<object, RecoverableFilter>(app, {
    operation: 'exportRecoverables',
    url: '/v1/recoverables/export',
    tag,
    query: recoverableFilter,
    summary: { en: 'What payees must give back, as a file', zh: '导出应收追回款台账' },
    columns,
    size: ({ query, actor }) => countRecoverables(sql, actor, query, MOST_ROWS),
    rows: ({ query, actor }) =>
      paged<Awaited<ReturnType<typeof recoverables>>[number]>(
        (last, most) => recoverables(sql, actor, query, { day: dayOf(clock.now()), after: last?.place, most }),
        ({ view: { orders, ...view } }) => [{ ...view, orders: orders.map(({ order }) => order).join(' ') }],
      ),
  })
}

/** The columns of the file; what a person reads first comes first. */
const columns = {
  book: '辖区',
  payee: '收款方',
  recoverable: '尚待追回',
  payable: '应付款',
  clawedBack: '累计形成应收',
  recovered: '累计收回',
  setOff: '累计抵扣',
  writtenOff: '累计核销',
  since: '最早未清日',
  days: '账龄（天）',
  orders: '所涉订单',
} as const satisfies Partial<Record<keyof z.infer<typeof recoverableView>, string>>
