import { and, asc, between, count, eq, or, type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { orders, programs } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { type Id, orderId, parseOrderId, voucherId } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { readableBooks } from '../engine/access.js'
import { exportRoute, MOST_ROWS, PAGE_ROWS } from '../engine/export.js'
import { commandRoute, readRoute, type Services } from '../engine/route.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import { cancelOrderCommand, confirmCommand, deliverCommand, fileOrderCommand } from './commands.js'
import { cancelOrder, confirm, deliver, orderFilter, orderText, orderView, stageOf } from './contract.js'

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
    async *rows({ query, actor }) {
      for (let after: Id | undefined, isMore = true; isMore; ) {
        const rows = await select(services, among(actor, query, after, PAGE_ROWS)).limit(PAGE_ROWS)
        yield rows.map(view)
        isMore = rows.length === PAGE_ROWS
        const last = rows.at(-1)?.order
        if (last) after = { book: last.book, number: last.order }
      }
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

type Filter = z.infer<typeof orderFilter>

/** The next orders of a list: a bureau's stand together in one index, a firm's in one as enterprise, in one as provider. */
function among(actor: Actor, filter: Filter, after: Id | undefined, most: number): SQL | undefined {
  const { state, program } = filter
  const wanted = and(
    state && and(eq(orders.stage, stageOf[state]), eq(orders.state, state)),
    program === undefined ? undefined : and(eq(orders.program, program), sql`${orders.book} = (${bookOf(program)})`),
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

/** A bureau sees the orders of its books; an enterprise or provider those it is a party to. */
function visible(actor: Actor): SQL | undefined {
  const books = readableBooks(actor)
  if (books) return between(orders.book, books.low, books.high)
  return or(eq(orders.enterprise, actor.organisation), eq(orders.provider, actor.organisation))
}

function select({ reader }: Services, where: SQL | undefined) {
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

/** The columns of the file; what a person reads first comes first. */
const columns = {
  order: '订单编号',
  state: '状态',
  voucher: '创新券编号',
  program: '券种',
  enterprise: '企业',
  provider: '服务机构',
  category: '服务类别',
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
} as const satisfies Partial<Record<keyof ReturnType<typeof view>, string>>

function view({ order: o, held }: { order: typeof orders.$inferSelect; held: string }) {
  return {
    order: orderId(o.book, o.order),
    state: o.state as never,
    voucher: voucherId(o.book, o.voucher),
    program: o.program,
    enterprise: o.enterprise,
    provider: o.provider,
    category: o.category as never,
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
  }
}
