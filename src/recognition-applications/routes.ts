import { and, asc, between, eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { recognitionApplications } from '../../db/schema.js'
import { bookText } from '../core/ids.js'
import { readableBooks } from '../engine/access.js'
import { commandRoute, proposeRoute, readRoute, type Services } from '../engine/route.js'
import { applyRecognitionCommand, refuseRecognitionCommand } from './commands.js'
import { recognitionApplicationFilter, recognitionApplicationView } from './contract.js'

const tag = 'providers 服务机构'

export function recognitionApplicationRoutes(app: FastifyInstance, services: Services): void {
  commandRoute(app, services, {
    operation: 'applyRecognition',
    url: '/v1/recognition-applications',
    tag,
    status: 201,
    summary: { en: 'Apply to a jurisdiction for recognition', zh: '互认申请' },
    type: applyRecognitionCommand,
  })
  proposeRoute(app, services, {
    operation: 'refuseRecognition',
    url: '/v1/recognition-refusals',
    tag,
    summary: { en: 'Refuse an application for recognition', zh: '不予互认' },
    type: refuseRecognitionCommand,
  })
  readRoute<object, z.infer<typeof recognitionApplicationFilter>>(app, {
    operation: 'listRecognitionApplications',
    url: '/v1/recognition-applications',
    tag,
    query: recognitionApplicationFilter,
    summary: {
      en: 'The last application of each provider: to your bureau and those below, or your own',
      zh: '互认申请列表',
    },
    answer: z.object({ items: z.array(recognitionApplicationView) }),
    async read({ query, actor }) {
      const books = readableBooks(actor)
      const concerns = books
        ? between(recognitionApplications.jurisdiction, books.low, books.high)
        : eq(recognitionApplications.provider, actor.organisation)
      const rows = await services.reader
        .select()
        .from(recognitionApplications)
        .where(and(concerns, query.state && eq(recognitionApplications.state, query.state)))
        .orderBy(asc(recognitionApplications.jurisdiction), asc(recognitionApplications.provider))
      return {
        items: rows.map(({ validFrom, validTo, jurisdiction, categories, ...rest }) => ({
          ...rest,
          jurisdiction: bookText(jurisdiction),
          categories: categories as never[],
          from: validFrom,
          to: validTo,
        })),
      }
    },
  })
}
