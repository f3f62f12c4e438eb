import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { strictObject } from 'zod'
import { Refused } from '../core/refusals.js'
import { dayOf } from '../core/time.js'
import { mayRead, ofJurisdiction } from '../engine/access.js'
import { exportRoute, fileRoute, MOST_ROWS, paged, sheet, sheets } from '../engine/export.js'
import { commandRoute, proposeRoute, readRoute, type Services, uploadRoute } from '../engine/route.js'
import { SheetError } from '../platform/cells.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import { Faults } from '../platform/problems.js'
import { readSheet, sheetTypes } from '../platform/sheets.js'
import { jurisdiction } from '../platform/wire.js'
import { readCamt } from './camt.js'
import { assignExceptionCommand, resolveExceptionCommand } from './commands.js'
import {
  assignException,
  bankLineView,
  exceptionDetail,
  exceptionFilter,
  exceptionText,
  exceptionView,
  reconciliationQuery,
  reconciliationView,
  resolveException,
  statementText,
  statementUploaded,
  statementView,
} from './contract.js'
import { type StatementFile, sheetStatement, template } from './file.js'
import {
  countExceptions,
  type ExceptionFilter,
  exceptionFor,
  exceptionsFor,
  linesOf,
  readExceptionCursor,
  statementFor,
  statementsFor,
  writeExceptionCursor,
} from './queries.js'
import { reconciliationOf } from './reconciliation.js'
import { takeUp } from './upload.js'

const tag = 'statements 银行对账'
const params = strictObject({ statement: statementText })
const exceptionParams = strictObject({ exception: exceptionText })
const exception = { exception: true } as const

const xml = ['application/xml', 'text/xml'] as const
/** A hundred thousand lines of a table. */
const STATEMENT_BYTES = 33_554_432
const listQuery = strictObject({ ...pageQuery, book: jurisdiction.optional() })
type ListQuery = { limit: number; cursor?: string; book?: string }

export function statementRoutes(app: FastifyInstance, services: Services): void {
  const { sql, clock } = services
  const today = () => dayOf(clock.now())

  fileRoute(app, {
    operation: 'getStatementTemplate',
    url: '/v1/statements/template',
    tag,
    types: sheets,
    summary: { en: 'An empty statement to fill in', zh: '对账单模板' },
    read: () => sheet('csv', 'statement-template', [template]),
  })
  uploadRoute(app, services, {
    operation: 'uploadStatement',
    url: '/v1/books/:book/statements',
    tag,
    params: strictObject({ book: jurisdiction }),
    summary: { en: 'Take a bank statement of your book', zh: '导入银行对账单' },
    types: [sheetTypes.csv, sheetTypes.xlsx, ...xml],
    mostBytes: STATEMENT_BYTES,
    answer: statementUploaded,
    async take({ params, type, bytes, ...sent }) {
      const { book } = params as { book: string }
      const forbidden = ofJurisdiction(sent.actor, book)
      if (forbidden) throw new Refused(forbidden.refused)
      const file = fileOf(type, bytes)
      const statement = await takeUp(services, Number(book), file, sent)
      return { location: `/v1/statements/${statement}`, answer: { statement, lines: file.lines.length } }
    },
  })
  readRoute<object, ListQuery>(app, {
    operation: 'listStatements',
    url: '/v1/statements',
    tag,
    query: listQuery as never,
    summary: { en: 'Bank statements, in the order they came', zh: '对账单列表' },
    answer: page(statementView),
    async read({ query, actor }) {
      const { limit, book } = query
      const rows = await statementsFor(sql, actor, { book, after: readCursor(query.cursor), most: limit + 1 })
      const { items, next } = cut(rows, limit, (row) => writeCursor(row.book, row.first))
      return { items: items.map(({ view }) => view), next }
    },
  })
  const one = async (actor: Parameters<typeof statementFor>[1], statement: string) => {
    const found = await statementFor(sql, actor, statement)
    if (!found) throw new Refused('statement_not_found', { statement })
    return found
  }
  readRoute<{ statement: string }>(app, {
    operation: 'getStatement',
    url: '/v1/statements/:statement',
    tag,
    params,
    summary: { en: 'How far a statement is, and what is open of it', zh: '对账单处理情况' },
    answer: statementView,
    read: async ({ params: { statement }, actor }) => (await one(actor, statement)).view,
  })
  readRoute<{ statement: string }, { limit: number; cursor?: string }>(app, {
    operation: 'listStatementLines',
    url: '/v1/statements/:statement/lines',
    tag,
    params,
    query: strictObject(pageQuery) as never,
    summary: { en: 'Its lines, and what each was taken for', zh: '对账单明细与核销结果' },
    answer: page(bankLineView),
    async read({ params: { statement }, query: { limit, cursor }, actor }) {
      const { book } = await one(actor, statement)
      const rows = await linesOf(sql, book, statement, readCursor(cursor)?.number ?? 0, limit + 1)
      return cut(rows, limit, ({ line }) => writeCursor(book, line))
    },
  })
  exceptionRoutes(app, services, today)
  readRoute<object, z.output<typeof reconciliationQuery>>(app, {
    operation: 'getReconciliation',
    url: '/v1/reconciliation',
    tag,
    query: reconciliationQuery,
    summary: { en: 'Ledger = instructions = bank, or what differs', zh: '三方对账：账面、指令、银行' },
    answer: reconciliationView,
    async read({ query: { book, period }, actor }) {
      if (!mayRead(actor, Number(book))) throw new Refused('not_your_jurisdiction')
      return reconciliationOf(sql, Number(book), period)
    },
  })
}

function exceptionRoutes(app: FastifyInstance, services: Services, today: () => string): void {
  const { sql } = services
  readRoute<object, ExceptionFilter & { limit: number; cursor?: string }>(app, {
    operation: 'listExceptions',
    url: '/v1/bank-exceptions',
    tag,
    query: exceptionFilter.extend(pageQuery) as never,
    summary: { en: 'Bank lines that nothing was found for', zh: '差错列表' },
    answer: page(exceptionView),
    async read({ query: { limit, cursor, ...filter }, actor }) {
      const after = readExceptionCursor(cursor)
      const rows = await exceptionsFor(sql, actor, { filter, after, most: limit + 1, today: today() })
      return cut(rows, limit, (row) => writeExceptionCursor(row.exception))
    },
  })
  exportRoute<object, ExceptionFilter>(app, {
    operation: 'exportExceptions',
    url: '/v1/bank-exceptions/export',
    tag,
    query: exceptionFilter,
    summary: { en: 'The same as a file', zh: '导出差错' },
    columns,
    size: ({ query, actor }) => countExceptions(sql, actor, query, MOST_ROWS),
    rows: ({ query: filter, actor }) =>
      paged(
        (last: z.input<typeof exceptionView> | undefined, most) => {
          const after = last && readExceptionCursor(writeExceptionCursor(last.exception))
          return exceptionsFor(sql, actor, { filter, after, most, today: today() })
        },
        (row) => [row],
      ),
  })
  readRoute<{ exception: string }>(app, {
    operation: 'getException',
    url: '/v1/bank-exceptions/:exception',
    tag,
    params: exceptionParams,
    summary: { en: 'One of them, and what it may be for', zh: '差错详情与可能对应的拨付' },
    answer: exceptionDetail,
    async read({ params, actor }) {
      const found = await exceptionFor(sql, actor, params.exception, today())
      if (!found) throw new Refused('exception_not_found', { exception: params.exception })
      return found
    },
  })
  commandRoute(app, services, {
    operation: 'assignException',
    url: '/v1/bank-exceptions/:exception/owner',
    tag,
    params: exceptionParams,
    body: assignException.omit(exception),
    summary: { en: 'Say who looks after it', zh: '差错分派' },
    type: assignExceptionCommand,
  })
  proposeRoute(app, services, {
    operation: 'resolveException',
    url: '/v1/bank-exceptions/:exception/resolution',
    tag,
    params: exceptionParams,
    body: resolveException.omit(exception),
    summary: { en: 'End it: what it is for, or why it is booked nowhere', zh: '差错处理' },
    type: resolveExceptionCommand,
  })
}

const columns = {
  exception: '差错编号',
  state: '状态',
  reason: '原因',
  age: '账龄（工作日）',
  owner: '责任人',
  day: '交易日期',
  side: '借贷方向',
  amount: '金额',
  name: '对方户名',
  reference: '附言',
  serial: '流水号',
  account: '账号',
  openedOn: '发现日',
  as: '处理方式',
  resolvedOn: '处理日',
  resolution: '处理说明',
  document: '依据文号',
  resolvedBy: '复核人',
  proposedBy: '经办人',
}

function fileOf(type: string, bytes: Buffer): StatementFile {
  if ((xml as readonly string[]).includes(type)) return readCamt(bytes)
  try {
    return sheetStatement(readSheet(type === sheetTypes.csv ? 'csv' : 'xlsx', bytes))
  } catch (error) {
    if (error instanceof SheetError) throw new Faults([{ pointer: '/body', code: 'file_format' }])
    throw error
  }
}
