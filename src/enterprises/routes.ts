import { eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { enterprises } from '../../db/schema.js'
import { Refused } from '../core/refusals.js'
import { commandRoute, readRoute, type Services } from '../engine/route.js'
import { uscc } from '../platform/wire.js'
import { registerEnterpriseCommand } from './commands.js'
import { enterpriseView } from './contract.js'

const tag = 'enterprises 企业'

export function enterpriseRoutes(app: FastifyInstance, services: Services): void {
  commandRoute(app, services, {
    operation: 'registerEnterprise',
    url: '/v1/enterprises',
    tag,
    status: 201,
    summary: { en: 'Register an enterprise', zh: '企业登记' },
    type: registerEnterpriseCommand,
  })
  readRoute<{ uscc: string }>(app, {
    operation: 'getEnterprise',
    url: '/v1/enterprises/:uscc',
    tag,
    params: z.strictObject({ uscc }),
    summary: { en: 'One enterprise', zh: '企业详情' },
    answer: enterpriseView,
    async read({ params, actor }) {
      const isOwn = actor.jurisdiction !== undefined || actor.organisation === params.uscc
      const [found] = await services.reader.select().from(enterprises).where(eq(enterprises.uscc, params.uscc))
      if (!found || !isOwn) throw new Refused('enterprise_not_found', { enterprise: params.uscc })
      return { ...found, types: found.types as never[] }
    },
  })
}
