import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { WHOLE_REGION } from '../clearing/contract.js'
import { Refused } from '../core/refusals.js'
import { booksUnder, mayRead } from '../engine/access.js'
import { exportRoute, MOST_ROWS, PAGE_ROWS, paged, withTotals } from '../engine/export.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import { code, jurisdiction, province } from '../platform/wire.js'
import { closePeriodCommand, confirmPaymentsCommand } from './commands.js'
import { closePeriod, grossView, itemView, periodLine, refundView, settlementView } from './contract.js'
import { countGross, type GrossFilter, grossBy, itemNumbers, itemsOf } from './details.js'
import { closedPeriods, refundsOf, settlementOf } from './queries.js'
import { readyToConfirm } from './settle.js'

const tag = 'settlement 清算'
const params = z.strictObject({ period: code })
const grossFilter = z.strictObject({
  from: province.optional().meta({ description: 'Whose programs 发券省份' }),
  to: province.optional().meta({ description: 'Whose payees 收款单位所在省份' }),
  book: jurisdiction.optional(),
})
type PeriodBook = { period: string; book: string }
type GrossQuery = { from?: string; to?: string; book?: string }

function filterOf({ from, to, book }: GrossQuery): GrossFilter {
  const range = booksUnder(from ?? '000000')
  const only = book === undefined ? undefined : Number(book)
  return { low: only ?? range.low, high: only ?? range.high, province: to === undefined ? undefined : Number(to) }
}

/** How a payee and its payment stand in a file. */
const payeeColumns = {
  payee: '收款单位',
  name: '户名',
  province: '收款方省份',
  account: '收款账号（脱敏）',
  reference: '银行附言',
  payment: '拨付状态',
}

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
  readRoute<{ period: string }, GrossQuery & { limit: number; cursor?: string }>(app, {
    operation: 'listGross',
    url: '/v1/periods/:period/gross',
    tag,
    params,
    query: grossFilter.extend(pageQuery) as never,
    summary: { en: 'The gross behind the nets: what each book owes each payee', zh: '净额背后的总额明细' },
    answer: page(grossView),
    async read({ params: { period }, query }) {
      const wanted = { after: readCursor(query.cursor), most: query.limit + 1 }
      const rows = await grossBy(sql, period, filterOf(query), wanted)
      const { items, next } = cut(rows, query.limit, ({ place }) => writeCursor(place.book, place.number))
      return { items: items.map(({ item }) => item), next }
    },
  })
  exportRoute<{ period: string }, GrossQuery>(app, {
    operation: 'exportGross',
    url: '/v1/periods/:period/gross/export',
    tag,
    params,
    query: grossFilter,
    summary: { en: 'The gross behind the nets, as a file', zh: '导出净额背后的总额明细' },
    columns: {
      book: '发券账套',
      bookName: '账套名称',
      ...payeeColumns,
      approved: '核准',
      clawedBack: '追回',
      amount: '应付净额',
      netted: '经清算',
    },
    title: ({ params: { period } }) => titleOf(period, '总额明细 gross'),
    size: ({ params: { period }, query }) => countGross(sql, period, filterOf(query)),
    rows: ({ params: { period }, query }) =>
      withTotals(
        paged<Awaited<ReturnType<typeof grossBy>>[number]>(
          (last, most) => grossBy(sql, period, filterOf(query), { after: last?.place, most }),
          ({ item: { netted, ...item } }) => [{ ...item, netted: netted ? '是 yes' : '否 no' }],
        ),
        'book',
        ['approved', 'clawedBack', 'amount'],
      ),
  })
  readRoute<PeriodBook, { limit: number; cursor?: string }>(app, {
    operation: 'listPeriodItems',
    url: '/v1/periods/:period/items/:book',
    tag,
    params: params.extend({ book: jurisdiction }),
    query: z.strictObject(pageQuery) as never,
    summary: { en: 'The approvals and claw-backs of a period in one book', zh: '周期内某账套的核准与追回' },
    answer: page(itemView),
    async read({ params: { period, book }, query: { limit, cursor }, actor }) {
      if (!mayRead(actor, Number(book))) throw new Refused('book_not_found', { book })
      const wanted = { after: readCursor(cursor)?.number, most: limit + 1 }
      const numbers = await itemNumbers(sql, period, Number(book), wanted)
      const { items, next } = cut(numbers, limit, (seq) => writeCursor(Number(book), seq))
      return { items: await itemsOf(sql, period, Number(book), items), next }
    },
  })
  exportRoute<PeriodBook>(app, {
    operation: 'exportPeriodItems',
    url: '/v1/periods/:period/items/:book/export',
    tag,
    params: params.extend({ book: jurisdiction }),
    query: z.strictObject({}),
    summary: {
      en: 'The approvals and claw-backs of a period in one book, as a file',
      zh: '导出周期内某账套的核准与追回',
    },
    columns: {
      seq: '序号',
      day: '日期',
      order: '订单',
      ...payeeColumns,
      amount: '金额',
      agreement: '清算协议',
      late: '迟到',
    },
    title: ({ params: { period, book } }) => titleOf(period, `账套 book ${book} 核准与追回 items`),
    async size({ params: { period, book }, actor }) {
      if (!mayRead(actor, Number(book))) throw new Refused('book_not_found', { book })
      return (await itemNumbers(sql, period, Number(book), { most: MOST_ROWS + 1 })).length
    },
    rows: ({ params: { period, book } }) => withTotals(itemPages(period, Number(book)), 'seq', ['amount']),
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

  /** What stands above a file of a closed period; throws Refused('period_not_found'). */
  async function titleOf(period: string, what: string): Promise<string[]> {
    const found = (await closedPeriods(sql)).find((one) => one.period === period)
    if (!found) throw new Refused('period_not_found', { period })
    return [
      `清算周期 ${period} ${what}`,
      `截至 through ${found.through}，清算组 group ${found.group ?? '—'}，单位：元 unit: yuan`,
    ]
  }

  async function* itemPages(period: string, book: number) {
    const numbers = await itemNumbers(sql, period, book)
    for (let from = 0; from < numbers.length; from += PAGE_ROWS) {
      const items = await itemsOf(sql, period, book, numbers.slice(from, from + PAGE_ROWS))
      yield items.map(({ late, ...item }) => ({ ...item, late: late ? '是 yes' : '否 no' }))
    }
  }
}
