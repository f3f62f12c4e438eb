import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { Refused } from '../core/refusals.js'
import { systemTimer } from '../core/time.js'
import { mayRead } from '../engine/access.js'
import { CLOSED, fileRoute, sheet, sheets } from '../engine/export.js'
import { readRoute, type Services } from '../engine/route.js'
import type { SheetFormat } from '../platform/sheets.js'
import { fileQuery, type PaperQuery, paperQuery, type ReportQuery, reportQuery, settlementReport } from './contract.js'
import { pageOf } from './page.js'
import { rowsOf } from './paper.js'
import { closedOf } from './queries.js'
import { type Asked, settlementReportOf } from './report.js'
import { closesOf } from './rules.js'

const tag = 'settlement 清算'

export function settlementReportRoutes(app: FastifyInstance, { sql }: Services): void {
  /** Throws Refused: not_your_jurisdiction, period_not_found, report_not_ready. */
  const report = async (query: ReportQuery, actor: Actor) =>
    settlementReportOf(sql, systemTimer, await askedBy(query, actor))

  async function askedBy(query: ReportQuery, actor: Actor): Promise<Asked> {
    const jurisdiction = query.jurisdiction ?? actor.jurisdiction
    if (jurisdiction === undefined || !mayRead(actor, Number(jurisdiction))) throw new Refused('not_your_jurisdiction')
    const all = await closedOf(sql)
    const named = (period: string) => {
      const found = all.find((one) => one.period === period)
      if (!found) throw new Refused('period_not_found', { period })
      return found
    }
    if (query.year === undefined) {
      const period = named(query.period!)
      return { jurisdiction, period: period.period, year: null, closes: [period], all }
    }
    const closes = closesOf(all, query.year, query.upTo === undefined ? undefined : named(query.upTo))
    if (closes.length === 0) throw new Refused('period_not_found', { year: query.year })
    return { jurisdiction, period: null, year: query.year, closes, all }
  }

  readRoute<object, ReportQuery>(app, {
    operation: 'reportSettlement',
    url: '/v1/reports/settlement',
    tag,
    query: reportQuery as never,
    summary: { en: 'The settlement report of a period or a year', zh: '清算报表（周期或年度）' },
    answer: settlementReport,
    read: ({ query, actor }) => report(query, actor),
  })
  fileRoute<object, PaperQuery & { format: SheetFormat }>(app, {
    operation: 'exportSettlementReport',
    url: '/v1/reports/settlement/file',
    tag,
    query: fileQuery,
    types: sheets,
    summary: { en: 'The settlement report as a file to be signed', zh: '清算报表文件（可签章）' },
    async read({ query, actor }) {
      const { format, document, preparedBy, ...asked } = query
      const made = await report(asked, actor)
      const name = `settlement-${made.jurisdiction}-${made.through}`
      return sheet(format, name, [rowsOf(made, { document, preparedBy })])
    },
  })
  fileRoute<object, PaperQuery>(app, {
    operation: 'printSettlementReport',
    url: '/v1/reports/settlement/page',
    tag,
    query: paperQuery,
    types: { 'text/html': z.string() },
    summary: { en: 'The settlement report as a page to be printed', zh: '清算报表打印页' },
    async read({ query, actor }) {
      const { document, preparedBy, ...asked } = query
      const parts = pageOf(await report(asked, actor), { document, preparedBy })
      return { type: 'text/html', headers: { 'content-security-policy': CLOSED }, parts }
    },
  })
}
