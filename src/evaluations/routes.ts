import { eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { providers } from '../../db/schema.js'
import { Refused } from '../core/refusals.js'
import { dayOf } from '../core/time.js'
import { mayRead } from '../engine/access.js'
import { readRoute, type Services } from '../engine/route.js'
import { byCode, cut, page } from '../platform/pages.js'
import { uscc } from '../platform/wire.js'
import { evaluationView, yearlyReviewFilter, yearlyReviewLine } from './contract.js'
import { evaluate, type YearlyReviewQuery, yearlyReview } from './queries.js'

const tag = 'providers 服务机构'

export function evaluationRoutes(app: FastifyInstance, { sql, reader, clock }: Services): void {
  readRoute<{ uscc: string }>(app, {
    operation: 'getEvaluation',
    url: '/v1/providers/:uscc/evaluation',
    tag,
    params: z.strictObject({ uscc }),
    summary: { en: 'Scores, times and returned claims of a provider', zh: '服务机构评价' },
    answer: evaluationView,
    async read({ params }) {
      const [found] = await reader.select().from(providers).where(eq(providers.uscc, params.uscc))
      if (!found) throw new Refused('provider_not_found', { provider: params.uscc })
      return evaluate(sql, params.uscc)
    },
  })
  readRoute<object, YearlyReviewQuery>(app, {
    operation: 'listYearlyReview',
    url: '/v1/yearly-reviews',
    tag,
    query: yearlyReviewFilter.extend(byCode) as never,
    summary: { en: "A jurisdiction's providers over a year, and what to look at", zh: '服务机构年度评估' },
    answer: page(yearlyReviewLine),
    async read({ query, actor }) {
      if (!mayRead(actor, Number(query.jurisdiction))) throw new Refused('not_your_jurisdiction')
      return cut(await yearlyReview(sql, query, dayOf(clock.now())), query.limit, (line) => line.uscc)
    },
  })
}
