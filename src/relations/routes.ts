import { eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { relations } from '../../db/schema.js'
import { bookText } from '../core/ids.js'
import { Refused } from '../core/refusals.js'
import { commandRoute, proposeRoute, readRoute, type Services } from '../engine/route.js'
import { uscc } from '../platform/wire.js'
import { declareRelationsCommand, recordRelationsCommand } from './commands.js'
import { declareRelations, recordRelations, relationsView } from './contract.js'
import type { Relations } from './facts.js'

const tag = 'relations 关联关系'
const params = z.strictObject({ uscc })
/** What the address and If-Match say. */
const edited = { uscc: true, version: true } as const

export function relationRoutes(app: FastifyInstance, services: Services): void {
  commandRoute(app, services, {
    operation: 'declareRelations',
    url: '/v1/parties/:uscc/relations',
    tag,
    params,
    ifMatch: 'if there',
    body: declareRelations.omit(edited),
    summary: { en: 'Declare your legal person and shareholders', zh: '申报法定代表人与股东' },
    type: declareRelationsCommand,
  })
  proposeRoute(app, services, {
    operation: 'recordRelations',
    url: '/v1/parties/:uscc/relation-records',
    tag,
    params,
    ifMatch: 'if there',
    body: recordRelations.omit(edited),
    summary: { en: 'Record what you found of who stands behind a party', zh: '登记核查到的关联关系' },
    type: recordRelationsCommand,
  })
  readRoute<{ uscc: string }>(app, {
    operation: 'getRelations',
    url: '/v1/parties/:uscc/relations',
    tag,
    params,
    summary: { en: 'Who stands behind a party', zh: '关联关系查询' },
    answer: relationsView,
    async read({ params, actor }) {
      if (actor.jurisdiction === undefined && actor.organisation !== params.uscc) {
        throw new Refused('party_not_found', { party: params.uscc })
      }
      const [found] = await services.reader.select().from(relations).where(eq(relations.uscc, params.uscc))
      if (!found) return { uscc: params.uscc, version: null, declared: null, recorded: [] }
      const { declared, recorded } = found as unknown as Relations
      return {
        ...found,
        declared: declared as never,
        recorded: recorded.map((record) => ({ ...record, jurisdiction: bookText(record.jurisdiction) })) as never[],
      }
    },
  })
}
