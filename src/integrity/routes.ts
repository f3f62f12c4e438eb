import { eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { integrityEntries } from '../../db/schema.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { uscc } from '../platform/wire.js'
import { listIntegrityCommand } from './commands.js'
import { integrityView } from './contract.js'

const tag = 'integrity 科研诚信'

export function integrityRoutes(app: FastifyInstance, services: Services): void {
  proposeRoute(app, services, {
    operation: 'listIntegrity',
    url: '/v1/integrity-entries',
    tag,
    summary: { en: 'Put a party on the shared integrity list', zh: '列入科研诚信名单' },
    type: listIntegrityCommand,
  })
  readRoute<{ uscc: string }>(app, {
    operation: 'getIntegrity',
    url: '/v1/integrity-entries/:uscc',
    tag,
    params: z.strictObject({ uscc }),
    summary: { en: 'What the list says of a party', zh: '名单查询' },
    answer: z.object({ items: z.array(integrityView) }),
    async read({ params }) {
      const items = await services.reader
        .select()
        .from(integrityEntries)
        .where(eq(integrityEntries.uscc, params.uscc))
        .orderBy(integrityEntries.listing)
      return { items: items.map(({ validFrom, validTo, ...rest }) => ({ ...rest, from: validFrom, to: validTo })) }
    },
  })
}
