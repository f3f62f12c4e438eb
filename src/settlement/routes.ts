import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { WHOLE_REGION } from '../clearing/contract.js'
import { Refused } from '../core/refusals.js'
import { booksUnder, mayRead } from '../engine/access.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import { code, jurisdiction, province } from '../platform/wire.js'
import { closePeriodCommand, confirmPaymentsCommand } from './commands.js'
import { closePeriod, grossView, itemView, periodLine, refundView, settlementView } from './contract.js'
import { closedPeriods, grossBy, itemsOf, refundsOf, settlementOf } from './queries.js'
import { readyToConfirm } from './settle.js'

const tag = 'settlement 清算'
const params = z.strictObject({ period: code })
const grossQuery = z.strictObject({
  from: province.optional().meta({ description: 'Whose programs 发券省份' }),
  to: province.optional().meta({ description: 'Whose payees 收款单位所在省份' }),
  book: jurisdiction.optional(),
  ...pageQuery,
})
type GrossQuery = { from?: string; to?: string; book?: string; limit: number; cursor?: string }

export function settlementRoutes(app: FastifyInstance, services: Services): void {
  const { engine, sql } = services
  proposeRoute(app, services, {
    operation: 'closePeriod',
    url: '/v1/periods',
    tag,
    body: closePeriod.extend({ group: closePeriod.shape.group.default(WHOLE_REGION) }),
    summary: { en: 'Close a clearing period', zh: '清算周期关账' },
    type: closePeriodCommand,
  })
  proposeRoute(app, services, {
    operation: 'confirmPayments',
    url: '/v1/periods/:period/payments',
    tag,
    params,
    body: z.strictObject({}),
    summary: { en: 'Confirm that a closed period is paid', zh: '确认拨付' },
    type: confirmPaymentsCommand,
    // Should the process have ended between closing and the end of its settlement.
    prepare: ({ period }) => readyToConfirm(engine, sql, String(period)),
  })
  readRoute(app, {
    operation: 'listPeriods',
    url: '/v1/periods',
    tag,
    summary: { en: 'The closed periods, oldest first', zh: '清算周期列表' },
    answer: z.object({ items: z.array(periodLine) }),
    read: async () => ({ items: await closedPeriods(sql) }),
  })
  readRoute<{ period: string }, GrossQuery>(app, {
    operation: 'listGross',
    url: '/v1/periods/:period/gross',
    tag,
    params,
    query: grossQuery as never,
    summary: { en: 'The gross behind the nets: what each book owes each payee', zh: '净额背后的总额明细' },
    answer: page(grossView),
    async read({ params: { period }, query: { from, to, book, limit, cursor } }) {
      const only = book === undefined ? undefined : Number(book)
      const { low, high } = from === undefined ? { low: 0, high: 999_999 } : booksUnder(from)
      const rows = await grossBy(sql, period, {
        low: only ?? low,
        high: only ?? high,
        province: to === undefined ? undefined : Number(to),
        after: readCursor(cursor),
        limit: limit + 1,
      })
      const { items, next } = cut(rows, limit, ({ place }) => writeCursor(place.book, place.number))
      return { items: items.map(({ item }) => item), next }
    },
  })
  readRoute<{ period: string; book: string }, { limit: number; cursor?: string }>(app, {
    operation: 'listPeriodItems',
    url: '/v1/periods/:period/items/:book',
    tag,
    params: params.extend({ book: jurisdiction }),
    query: z.strictObject(pageQuery) as never,
    summary: { en: 'The approvals and claw-backs of a period in one book', zh: '周期内某账套的核准与追回' },
    answer: page(itemView),
    async read({ params: { period, book }, query: { limit, cursor }, actor }) {
      if (!mayRead(actor, Number(book))) throw new Refused('book_not_found', { book })
      const after = readCursor(cursor)?.number ?? 0
      const rows = await itemsOf(sql, period, Number(book), { after, limit: limit + 1 })
      return cut(rows, limit, ({ seq }) => writeCursor(Number(book), seq))
    },
  })
  readRoute<{ period: string }>(app, {
    operation: 'listRefunds',
    url: '/v1/periods/:period/refunds',
    tag,
    params,
    summary: { en: 'Who must give money back for a period, and to whom', zh: '周期内应退款单位' },
    answer: z.object({ items: z.array(refundView) }),
    read: async ({ params: { period } }) => ({ items: await refundsOf(sql, period) }),
  })
  readRoute<{ period: string }>(app, {
    operation: 'getPeriod',
    url: '/v1/periods/:period',
    tag,
    params,
    summary: { en: 'Gross and net positions and instructions of a period', zh: '总额、净额与划拨指令' },
    answer: settlementView,
    async read({ params }) {
      const settlement = await settlementOf(sql, params.period)
      if (!settlement) throw new Refused('period_not_found', { period: params.period })
      return settlement
    },
  })
}
