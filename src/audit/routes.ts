import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { commandKind } from '../../db/schema.js'
import { Refused } from '../core/refusals.js'
import { dayOf, parseChinaTime } from '../core/time.js'
import { readableBook, readableBooks } from '../engine/access.js'
import { fileRoute, MOST_ROWS, paged, pagesOf, sheet, sheetFormat, sheets } from '../engine/export.js'
import { readRoute, type Services } from '../engine/route.js'
import { Faults } from '../platform/problems.js'
import type { SheetFormat } from '../platform/sheets.js'
import { count, day, text } from '../platform/wire.js'
import { bookParams } from '../pulls/contract.js'
import { linesIn } from '../pulls/lines.js'
import { rangeOf } from '../pulls/queries.js'
import { numbered, pullRecord } from '../pulls/record.js'
import { actView, balancesView, bookView, entryView, provinceReport } from './contract.js'
import { actsOf, balancesAsOf, booksOf, entriesOf, entryAt, provinceReports, type Sought } from './queries.js'

const tag = 'audit 审计'
const number = count(0, 999_999_999_999_999)

const entryColumns = {
  entry: '凭证号',
  day: '日期',
  bookedAt: '入账时间',
  seq: '命令序号',
  command: '业务',
  subject: '经办人',
  type: '分录类型',
  phase: '阶段',
  debit: '借方',
  credit: '贷方',
  amount: '金额',
}

export function auditRoutes(app: FastifyInstance, services: Services): void {
  const { sql, clock } = services
  const { open, counted } = pullRecord(services)
  readRoute(app, {
    operation: 'listBooks',
    url: '/v1/books',
    tag,
    summary: { en: 'The books you may read', zh: '账套列表' },
    answer: z.object({ items: z.array(bookView) }),
    read: async ({ actor }) => ({ items: await booksOf(sql, readableBooks(actor) ?? { low: -1, high: -1 }) }),
  })
  readRoute<{ book: string }, { entry?: number; at?: string }>(app, {
    operation: 'listAccounts',
    url: '/v1/books/:book/accounts',
    tag,
    params: bookParams,
    query: z.strictObject({
      entry: number.optional().meta({ description: 'As of this entry number 截至凭证号' }),
      at: z.string().optional().meta({ description: 'As of this moment, RFC 3339 in +08:00 截至时刻' }),
    }) as never,
    summary: { en: 'Balances now, or as of an entry or a moment', zh: '余额（当前，或截至某凭证号、某时刻）' },
    answer: balancesView,
    async read({ params, query, actor }) {
      const book = readableBook(actor, params.book)
      if (query.at === undefined) return balancesAsOf(sql, book, query.entry)
      const at = parseChinaTime(query.at)
      if (at === undefined) throw new Faults([{ pointer: '/query/at', code: 'instant_format' }])
      return balancesAsOf(sql, book, await entryAt(services, book, at))
    },
  })
  readRoute<{ book: string }, { after: number; limit: number }>(app, {
    operation: 'listEntries',
    url: '/v1/books/:book/entries',
    tag,
    params: bookParams,
    query: z.strictObject({
      after: number.default(0).meta({ description: 'Entries after this number' }),
      limit: count(1, 1000).default(100),
    }) as never,
    summary: { en: 'Journal entries with their transfers', zh: '记账凭证' },
    answer: z.object({ items: z.array(entryView) }),
    async read({ params, query, actor }) {
      const book = readableBook(actor, params.book)
      const items = await entriesOf(sql, book, query.after, query.limit)
      if (items.length === 0 && (await sql`select from books where book = ${book}`).length === 0) {
        throw new Refused('book_not_found', { book: params.book })
      }
      return { items }
    },
  })
  fileRoute<{ book: string }, { format: SheetFormat }>(app, {
    operation: 'exportEntries',
    url: '/v1/books/:book/entries/export',
    tag,
    params: bookParams,
    query: z.strictObject({ format: sheetFormat }),
    types: sheets,
    takesTurn: true,
    summary: { en: 'Journal entries as a file, a line for each transfer', zh: '导出记账凭证（每行一笔分录）' },
    // A whole book leaves the house: on record as what auditors pull is.
    async read({ params, query, actor }) {
      const book = Number(params.book)
      const { range, pull } = await open({ what: 'exportEntries', actor, book, asked: query }, async () => {
        const range = await rangeOf(services, book, {})
        if ((await linesIn(sql, range, {}, MOST_ROWS)) > MOST_ROWS) {
          throw new Refused('export_too_large', { most: MOST_ROWS })
        }
        return { range }
      })
      const pages = paged<Awaited<ReturnType<typeof entriesOf>>[number]>(
        (last, most) => entriesOf(sql, book, last?.entry ?? 0, Math.min(most, range.last - (last?.entry ?? 0))),
        ({ transfers, ...entry }) => transfers.map((line) => ({ ...entry, ...line })),
      )
      const rows = counted(pull, pages, ({ length }) => length)
      return { ...sheet(query.format, 'entries', pagesOf(entryColumns, rows)), headers: numbered(pull) }
    },
  })
  readRoute<{ book: string }, Sought>(app, {
    operation: 'listAudit',
    url: '/v1/books/:book/acts',
    tag,
    params: bookParams,
    query: z.strictObject({
      after: number.default(0).meta({ description: 'Acts after this number' }),
      limit: count(1, 1000).default(100),
      kind: z.enum(commandKind.enumValues).optional(),
      subject: text(200).optional(),
      from: day.optional(),
      to: day.optional(),
    }) as never,
    summary: { en: 'Audit trail: who did what, from where, before and after', zh: '操作留痕' },
    answer: z.object({ items: z.array(actView) }),
    read: async ({ params, query, actor }) => ({ items: await actsOf(sql, readableBook(actor, params.book), query) }),
  })
  readRoute(app, {
    operation: 'reportProvinces',
    url: '/v1/reports/provinces',
    tag,
    summary: { en: 'What each province has issued, held, approved and paid', zh: '各省市发放、冻结、兑付汇总' },
    answer: z.object({ day: z.string(), provinces: z.record(z.string(), provinceReport) }),
    read: async () => ({ day: dayOf(clock.now()), provinces: await provinceReports(sql) }),
  })
}
