import { and, asc, between, count, eq, isNotNull, isNull, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { accounts, vouchers } from '../../db/schema.js'
import { applicationText } from '../applications/contract.js'
import { applications } from '../applications/facts.js'
import type { Actor } from '../core/actor.js'
import { numberOf } from '../core/check-character.js'
import { type Id, parseApplicationId, parseVoucherId, voucherId } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { mayRead, readableBooks } from '../engine/access.js'
import type { CommandType } from '../engine/command.js'
import { exportRoute, MOST_ROWS, paged } from '../engine/export.js'
import { approvalRoute, bulkRoute, commandRoute, proposeRoute, readRoute, type Services } from '../engine/route.js'
import { accountKinds } from '../ledger/chart.js'
import { cut, page, readCursor, writeCursor } from '../platform/pages.js'
import {
  cancelVoucherCommand,
  extendVoucherCommand,
  issueCommand,
  recallVoucherCommand,
  resumeVoucherCommand,
  suspendVoucherCommand,
} from './commands.js'
import {
  BULK_BYTES,
  bulkIssue,
  cancelVoucher,
  extendVoucher,
  issueRefusals,
  recallVoucher,
  resumeVoucher,
  suspendVoucher,
  type VoucherState,
  voucherFilter,
  voucherText,
  voucherView,
} from './contract.js'
import { stateOf } from './rules.js'

const tag = 'vouchers 创新券'
const params = z.strictObject({ voucher: voucherText })
const voucher = { voucher: true } as const
/** A file is of the whole list. */
const exported = voucherFilter.omit({ limit: true, cursor: true })

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
  approvalRoute(app, services, {
    operation: 'grantApplication',
    url: '/v1/applications/:application/grant',
    tag: 'applications 创新券申请',
    params: z.strictObject({ application: applicationText }),
    summary: { en: 'Grant what was reviewed: the voucher is issued now', zh: '批准申请并发放' },
    async read(params, actor) {
      const { application: id } = params as { application: string }
      const [found] = parseApplicationId(id) ? await applications.load(services.sql, [id]) : []
      if (!found || !mayRead(actor, found.book)) throw new Refused('application_not_found', { application: id })
      const { enterprise, program, amount } = found
      return { type: issueCommand as unknown as CommandType, command: { enterprise, program, amount, application: id } }
    },
  })
  proposeRoute(app, services, {
    operation: 'extendVoucher',
    url: '/v1/vouchers/:voucher/extension',
    tag,
    params,
    body: extendVoucher.omit(voucher),
    summary: { en: 'Extend a voucher, once', zh: '延期（限一次）' },
    type: extendVoucherCommand,
  })
  commandRoute(app, services, {
    operation: 'cancelVoucher',
    url: '/v1/vouchers/:voucher/cancellation',
    tag,
    params,
    body: cancelVoucher.omit(voucher),
    summary: { en: 'Give an unused voucher up', zh: '注销未使用的创新券' },
    type: cancelVoucherCommand,
  })
  proposeRoute(app, services, {
    operation: 'recallVoucher',
    url: '/v1/vouchers/:voucher/recall',
    tag,
    params,
    body: recallVoucher.omit(voucher),
    summary: { en: 'Take an unused voucher back', zh: '收回未使用的创新券' },
    type: recallVoucherCommand,
  })
  proposeRoute(app, services, {
    operation: 'suspendVoucher',
    url: '/v1/vouchers/:voucher/suspension',
    tag,
    params,
    body: suspendVoucher.omit(voucher),
    summary: { en: 'No new orders on a voucher', zh: '暂停使用' },
    type: suspendVoucherCommand,
  })
  proposeRoute(app, services, {
    operation: 'resumeVoucher',
    url: '/v1/vouchers/:voucher/resumption',
    tag,
    params,
    body: resumeVoucher.omit(voucher),
    summary: { en: 'Orders can be filed on it again', zh: '恢复使用' },
    type: resumeVoucherCommand,
  })
  readRoute<object, z.output<typeof voucherFilter>>(app, {
    operation: 'listVouchers',
    url: '/v1/vouchers',
    tag,
    query: voucherFilter as never,
    summary: { en: 'The vouchers you may see', zh: '创新券列表' },
    answer: page(voucherView),
    async read({ query, actor }) {
      const wanted = and(narrowed(query), behind(readCursor(query.cursor)))
      const rows = await select(services, and(visible(actor), wanted)).limit(query.limit + 1)
      const { items, next } = cut(rows, query.limit, (row) => writeCursor(row.voucher.book, row.voucher.voucher))
      return { items: items.map(view), next }
    },
  })
  exportRoute(app, {
    operation: 'exportVouchers',
    url: '/v1/vouchers/export',
    tag,
    query: exported,
    summary: { en: 'The vouchers you may see, as a file', zh: '导出创新券' },
    columns,
    async size({ query, actor }) {
      const [row] = await services.reader.select({ size: count() }).from(
        services.reader
          .select({ voucher: vouchers.voucher })
          .from(vouchers)
          .where(and(visible(actor), narrowed(query)))
          .limit(MOST_ROWS + 1)
          .as('listed'),
      )
      return row!.size
    },
    rows: ({ query, actor }) =>
      paged<Listed>(
        (last, most) =>
          select(services, and(visible(actor), narrowed(query), behind(last && placeOf(last)))).limit(most),
        (row) => [view(row)],
      ),
  })
  readRoute<{ voucher: string }>(app, {
    operation: 'getVoucher',
    url: '/v1/vouchers/:voucher',
    tag,
    params,
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

type Filter = z.output<typeof exported>

/** What a list is narrowed down to. */
const narrowed = ({ program, enterprise, state, endsBefore }: Filter): SQL | undefined =>
  and(
    program ? eq(vouchers.program, program) : undefined,
    enterprise ? eq(vouchers.enterprise, enterprise) : undefined,
    state ? isIn(state) : undefined,
    endsBefore
      ? sql`least(${vouchers.useBy}, ${vouchers.recallOn}) < ${endsBefore} and ${vouchers.lapsedOn} is null`
      : undefined,
  )

/** The condition that `stateOf` comes to a state. */
function isIn(state: VoucherState): SQL | undefined {
  const { ended, lapsedOn, suspendedOn } = vouchers
  if (state === 'lapsed') return and(isNotNull(lapsedOn), isNull(ended))
  if (state === 'running' || state === 'suspended') {
    return and(isNull(lapsedOn), state === 'running' ? isNull(suspendedOn) : isNotNull(suspendedOn))
  }
  return eq(ended, state)
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
  number: '券号（带校验字符）',
  state: '状态',
  program: '券种',
  enterprise: '企业',
  amount: '额度',
  available: '可用金额',
  held: '冻结金额',
  issuedOn: '发放日期',
  useBy: '使用截止日',
  lapsedOn: '失效日期',
  recallOn: '未用收回日',
  extendedOn: '延期日期',
  suspendedOn: '暂停日期',
  version: '适用版本',
} as const satisfies Partial<Record<keyof ReturnType<typeof view>, string>>

interface Listed {
  readonly voucher: typeof vouchers.$inferSelect
  readonly posted: bigint
  readonly held: bigint
}

const placeOf = ({ voucher: { book, voucher } }: Listed): Id => ({ book, number: voucher })

function view({ voucher: v, posted, held }: Listed) {
  const id = voucherId(v.book, v.voucher)
  return {
    voucher: id,
    number: numberOf(id),
    state: stateOf(v),
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
    extendedOn: v.extendedOn,
    suspendedOn: v.suspendedOn,
  }
}
