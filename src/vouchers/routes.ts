import { and, asc, between, count, eq, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { accounts, vouchers } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { type Id, parseVoucherId, voucherId } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { readableBooks } from '../engine/access.js'
import { exportRoute, MOST_ROWS, PAGE_ROWS } from '../engine/export.js'
import { bulkRoute, commandRoute, readRoute, type Services } from '../engine/route.js'
import { accountKinds } from '../ledger/chart.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import { issueCommand } from './commands.js'
import { BULK_BYTES, bulkIssue, issueRefusals, voucherText, voucherView } from './contract.js'

const tag = 'vouchers 创新券'

export function voucherRoutes(app: FastifyInstance, services: Services): void {
  commandRoute(app, services, {
    operation: 'issueVoucher',
    url: '/v1/vouchers',
    tag,
    status: 201,
    summary: { en: 'Issue a voucher', zh: '发放创新券' },
    type: issueCommand,
  })
  bulkRoute(app, services, {
    operation: 'bulkIssueVouchers',
    url: '/v1/vouchers/bulk',
    tag,
    summary: { en: 'Issue vouchers in bulk', zh: '批量发放创新券' },
    type: issueCommand,
    body: bulkIssue,
    refusals: issueRefusals,
    mostBytes: BULK_BYTES,
  })
  readRoute<object, { limit: number; cursor?: string }>(app, {
    operation: 'listVouchers',
    url: '/v1/vouchers',
    tag,
    query: z.strictObject(pageQuery) as never,
    summary: { en: 'The vouchers you may see', zh: '创新券列表' },
    answer: page(voucherView),
    async read({ query, actor }) {
      const from = behind(readCursor(query.cursor))
      const rows = await select(services, and(visible(actor), from)).limit(query.limit + 1)
      const { items, next } = cut(rows, query.limit, (row) => writeCursor(row.voucher.book, row.voucher.voucher))
      return { items: items.map(view), next }
    },
  })
  exportRoute(app, {
    operation: 'exportVouchers',
    url: '/v1/vouchers/export',
    tag,
    query: z.strictObject({}),
    summary: { en: 'The vouchers you may see, as a file', zh: '导出创新券' },
    columns,
    async size({ actor }) {
      const [row] = await services.reader.select({ size: count() }).from(
        services.reader
          .select({ voucher: vouchers.voucher })
          .from(vouchers)
          .where(visible(actor))
          .limit(MOST_ROWS + 1)
          .as('listed'),
      )
      return row!.size
    },
    async *rows({ actor }) {
      for (let after: Id | undefined, isMore = true; isMore; ) {
        const rows = await select(services, and(visible(actor), behind(after))).limit(PAGE_ROWS)
        yield rows.map(view)
        isMore = rows.length === PAGE_ROWS
        const last = rows.at(-1)?.voucher
        if (last) after = { book: last.book, number: last.voucher }
      }
    },
  })
  readRoute<{ voucher: string }>(app, {
    operation: 'getVoucher',
    url: '/v1/vouchers/:voucher',
    tag,
    params: z.strictObject({ voucher: voucherText }),
    summary: { en: 'One voucher', zh: '创新券详情' },
    answer: voucherView,
    async read({ params, actor }) {
      const id = parseVoucherId(params.voucher)
      const [found] = id
        ? await select(services, and(visible(actor), eq(vouchers.book, id.book), eq(vouchers.voucher, id.number)))
        : []
      if (!found) throw new Refused('voucher_not_found', { voucher: params.voucher })
      return view(found)
    },
  })
}

/** A bureau sees the vouchers of its books, an enterprise its own. */
function visible(actor: Actor): SQL | undefined {
  const books = readableBooks(actor)
  return books ? between(vouchers.book, books.low, books.high) : eq(vouchers.enterprise, actor.organisation)
}

const behind = (after: Id | undefined) =>
  after && sql`(${vouchers.book}, ${vouchers.voucher}) > (${after.book}, ${after.number})`

function select({ reader }: Services, where: SQL | undefined) {
  const isAccount = sql`${accounts.book} = ${vouchers.book} and ${accounts.kind} = ${sql.raw(String(accountKinds.voucher.no))}
    and ${accounts.owner} = 'V' || ${vouchers.book} || '-' || ${vouchers.voucher}`
  return reader
    .select({ voucher: vouchers, posted: accounts.posted, held: accounts.held })
    .from(vouchers)
    .innerJoin(accounts, isAccount)
    .where(where)
    .orderBy(asc(vouchers.book), asc(vouchers.voucher))
    .$dynamic()
}

/** The columns of the file; what a person reads first comes first. */
const columns = {
  voucher: '创新券编号',
  program: '券种',
  enterprise: '企业',
  amount: '额度',
  available: '可用金额',
  held: '冻结金额',
  issuedOn: '发放日期',
  useBy: '使用截止日',
  lapsedOn: '失效日期',
  recallOn: '未用收回日',
  version: '适用版本',
} as const satisfies Partial<Record<keyof ReturnType<typeof view>, string>>

function view({ voucher: v, posted, held }: { voucher: typeof vouchers.$inferSelect; posted: bigint; held: bigint }) {
  return {
    voucher: voucherId(v.book, v.voucher),
    program: v.program,
    enterprise: v.enterprise,
    amount: yuan(v.amount),
    available: yuan(posted - held),
    held: yuan(held),
    issuedOn: v.issuedOn,
    useBy: v.useBy,
    lapsedOn: v.lapsedOn,
    version: v.version,
    recallOn: v.recallOn,
  }
}
