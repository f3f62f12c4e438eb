import { and, asc, desc, eq, gte, isNull, lte, or } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { catalogue } from '../../db/schema.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { mapCategoryCommand } from './commands.js'
import { catalogueFilter, mappingView } from './contract.js'

const tag = 'catalogue 服务目录'

export function catalogueRoutes(app: FastifyInstance, services: Services): void {
  const { reader } = services
  proposeRoute(app, services, {
    operation: 'mapCategory',
    url: '/v1/catalogue',
    tag,
    summary: { en: "Map your province's own category to a common one", zh: '地方服务类别对照' },
    type: mapCategoryCommand,
  })
  readRoute<object, z.infer<typeof catalogueFilter>>(app, {
    operation: 'getCatalogue',
    url: '/v1/catalogue',
    tag,
    query: catalogueFilter,
    summary: { en: "What the provinces' own categories mean in the common ones", zh: '服务目录' },
    answer: z.object({ items: z.array(mappingView) }),
    async read({ query }) {
      const { jurisdiction, code, mapping, validFrom, validTo } = catalogue
      const of = query.jurisdiction && eq(jurisdiction, Number(query.jurisdiction))
      const rows = query.on
        ? // The last one made that covers the day holds, as `mappingOn` decides it.
          await reader
            .selectDistinctOn([jurisdiction, code])
            .from(catalogue)
            .where(and(of, lte(validFrom, query.on), or(isNull(validTo), gte(validTo, query.on))))
            .orderBy(asc(jurisdiction), asc(code), desc(mapping))
        : await reader.select().from(catalogue).where(of).orderBy(asc(jurisdiction), asc(code), asc(mapping))
      return {
        items: rows.map((row) => ({
          jurisdiction: String(row.jurisdiction),
          localCode: row.code,
          mapping: row.mapping,
          name: row.name,
          category: row.category as never,
          from: row.validFrom,
          to: row.validTo,
        })),
      }
    },
  })
}
