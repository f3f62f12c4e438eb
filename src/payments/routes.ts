import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { AccountSettings } from '../bank-accounts/numbers.js'
import { bookText } from '../core/ids.js'
import { Refused } from '../core/refusals.js'
import { mayRead, ofJurisdiction, readableBooks } from '../engine/access.js'
import { describe, proposeRoute, readRoute, type Services } from '../engine/route.js'
import { authorise } from '../platform/auth.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import { problem } from '../platform/problems.js'
import { sheetFormats, sheetTypes, writeSheet } from '../platform/sheets.js'
import { count } from '../platform/wire.js'
import { releasePaymentsCommand, stopPaymentCommand } from './commands.js'
import {
  batchQuery,
  batchText,
  batchView,
  batchWithLines,
  ownLineView,
  releasePayments,
  stopPayment,
} from './contract.js'
import { parseBatchId } from './facts.js'
import { instructionOf, tableOf } from './file.js'
import { painOf } from './pain.js'
import * as queries from './queries.js'

const tag = 'payments 拨付'
const fileFormats = [...sheetFormats, 'pain.001'] as const
const fileContent = {
  [sheetTypes.csv]: { schema: z.string() },
  [sheetTypes.xlsx]: { schema: z.string().meta({ format: 'binary' }) },
  'application/xml': { schema: z.string().meta({ description: 'ISO 20022 pain.001.001.09' }) },
}
const params = z.strictObject({ batch: batchText })

export function paymentRoutes(app: FastifyInstance, services: Services, accounts: AccountSettings | undefined): void {
  const { sql } = services
  proposeRoute(app, services, {
    operation: 'releasePayments',
    url: '/v1/payment-batches/:batch/releases',
    tag,
    params,
    body: releasePayments.omit({ batch: true }),
    summary: { en: 'Release lines of a batch for payment', zh: '拨付放行' },
    type: releasePaymentsCommand,
  })
  proposeRoute(app, services, {
    operation: 'stopPayment',
    url: '/v1/payment-batches/:batch/stops',
    tag,
    params,
    body: stopPayment.omit({ batch: true }),
    summary: { en: 'Take a released line back before the bank has paid it', zh: '撤销放行' },
    type: stopPaymentCommand,
  })
  readRoute<object, z.output<typeof batchQuery> & { limit: number; cursor?: string }>(app, {
    operation: 'listBatches',
    url: '/v1/payment-batches',
    tag,
    query: batchQuery.extend(pageQuery) as never,
    summary: { en: 'Payment batches with their sums', zh: '拨付批次列表' },
    answer: page(batchView),
    async read({ query: { period, book, limit, cursor }, actor }) {
      const { low, high } = readableBooks(actor) ?? { low: 1, high: 0 }
      const only = book === undefined ? undefined : Number(book)
      const range = { low: Math.max(low, only ?? low), high: Math.min(high, only ?? high) }
      const rows = await queries.batchesOf(sql, { ...range, period, after: readCursor(cursor), limit: limit + 1 })
      const { items, next } = cut(rows, limit, (row) => writeCursor(row.book, Number(row.batch)))
      return { items: items.map(queries.batchOf), next }
    },
  })
  readRoute<{ batch: string }, { inFull?: 'true' | undefined }>(app, {
    operation: 'getBatch',
    url: '/v1/payment-batches/:batch',
    tag,
    params,
    query: z.strictObject({ inFull: z.literal('true').optional().meta({ description: 'Without set-off 不抵扣' }) }),
    summary: { en: 'A batch with its lines and what is due of each', zh: '拨付批次详情' },
    answer: batchWithLines,
    async read({ params: { batch }, query: { inFull }, actor }) {
      if (!mayRead(actor, parseBatchId(batch).book)) throw new Refused('batch_not_found', { batch })
      return queries.batchWithLines(sql, batch, inFull === 'true')
    },
  })
  app.route({
    method: 'GET',
    url: '/v1/payment-batches/:batch/releases/:release/file',
    schema: {
      ...describe({
        operation: 'getPaymentFile',
        tag,
        summary: {
          en: 'A release as a file for the bank: the only place with whole account numbers',
          zh: '银行付款文件',
        },
      }),
      params: params.extend({ release: count(1, 999_999_999_999_999) }),
      querystring: z.strictObject({ format: z.enum(fileFormats) }),
      response: { 200: { content: fileContent }, default: problem },
    },
    onRequest: (request) => authorise(request, 'getPaymentFile'),
    handler: async ({ params, query, actor }, reply) => {
      const { batch, release } = params as { batch: string; release: number }
      const { format } = query as { format: (typeof fileFormats)[number] }
      const { book } = parseBatchId(batch)
      if (!mayRead(actor, book)) throw new Refused('batch_not_found', { batch })
      const forbidden = ofJurisdiction(actor, bookText(book))
      if (forbidden) throw new Refused(forbidden.refused)
      if (!accounts) throw new Refused('accounts_off')
      const instruction = await instructionOf(sql, accounts.ring, batch, release)
      const name = `${instruction.message}.${format === 'pain.001' ? 'xml' : format}`
      reply.header('content-disposition', `attachment; filename="${name}"`).header('cache-control', 'private, no-store')
      if (format === 'pain.001') return reply.type('application/xml; charset=utf-8').send(painOf(instruction))
      return reply
        .type(format === 'csv' ? `${sheetTypes.csv}; charset=utf-8` : sheetTypes.xlsx)
        .send(Readable.from(writeSheet(format, tableOf(instruction)), { objectMode: false }))
    },
  })
  readRoute<object, { limit: number; cursor?: string }>(app, {
    operation: 'listOwnPayments',
    url: '/v1/payments',
    tag,
    query: z.strictObject(pageQuery) as never,
    summary: { en: 'What you are paid, and how far it is', zh: '本单位收款明细' },
    answer: page(ownLineView),
    async read({ query: { limit, cursor }, actor }) {
      const rows = await queries.linesOf(sql, actor.organisation, readCursor(cursor), limit + 1)
      const { items, next } = cut(rows, limit, ({ place }) => writeCursor(place.book, place.number))
      return { items: items.map(({ item }) => item), next }
    },
  })
}
