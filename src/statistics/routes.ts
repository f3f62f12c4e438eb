import { createHash } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { Refused } from '../core/refusals.js'
import { fileRoute, sheet, sheets } from '../engine/export.js'
import { readRoute, type Services } from '../engine/route.js'
import { type SheetFormat, writeSheet } from '../platform/sheets.js'
import { type StatisticsView, statisticsFileQuery, statisticsQuery, statisticsView } from './contract.js'
import { publishedStatistics, rowsOf, statisticsOf } from './queries.js'

const tag = 'reports 报表'

/** Annual statistics: whole for bureaus, and as open data for everybody, where small figures are left out. */
export function statisticsRoutes(app: FastifyInstance, services: Services): void {
  readRoute<object, { year: number }>(app, {
    operation: 'getStatistics',
    url: '/v1/statistics',
    tag,
    query: statisticsQuery as never,
    summary: { en: 'The statistics of a year, with definitions', zh: '年度统计（含指标定义）' },
    answer: statisticsView,
    read: ({ query }) => statisticsOf(services, query.year),
  })
  fileRoute<object, { year: number; format: SheetFormat }>(app, {
    operation: 'exportStatistics',
    url: '/v1/statistics/file',
    tag,
    query: statisticsFileQuery,
    types: sheets,
    summary: { en: 'The statistics of a year as a file', zh: '年度统计文件' },
    read: async ({ query: { year, format } }) =>
      sheet(format, `statistics-${year}`, [rowsOf(await statisticsOf(services, year))]),
  })
  /** Made once for everybody, as nobody needs a token to ask; of a year that is over the text is the same for good. */
  const made = new Map<string, Promise<string>>()
  function published(file: string, year: number, format: string): Promise<string> {
    const known = made.get(file)
    if (known) return known
    const text = publishedStatistics(services, year).then((found) => textOf(found, format))
    made.set(file, text)
    // Whoever asks after a failure has it tried again.
    text.catch(() => made.delete(file))
    return text
  }
  app.get<{ Params: { file: string } }>(
    '/open/statistics/:file',
    { schema: { hide: true } },
    async (request, reply) => {
      const [, year, format] = /^(2\d{3})\.(json|csv)$/.exec(request.params.file) ?? []
      if (year === undefined) throw new Refused('route_not_found')
      const text = await published(request.params.file, Number(year), format!)
      const tagOf = `"${createHash('sha256').update(text).digest('base64url')}"`
      reply
        .header('cache-control', 'public, max-age=86400')
        .header('etag', tagOf)
        .header('access-control-allow-origin', '*')
      if (request.headers['if-none-match'] === tagOf) return reply.status(304).send()
      return reply
        .type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json; charset=utf-8')
        .serializer(String)
        .send(text)
    },
  )
}

async function textOf(found: StatisticsView, format: string): Promise<string> {
  if (format === 'json') return JSON.stringify(found)
  let text = ''
  for await (const part of writeSheet('csv', [rowsOf(found)])) text += part
  return text
}
