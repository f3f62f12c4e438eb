import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Refused } from '../core/refusals.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { code } from '../platform/wire.js'
import { closePeriodCommand, confirmPaymentsCommand } from './commands.js'
import { settlementView } from './contract.js'
import { closedPeriods, settlementOf } from './queries.js'
import { netPeriod } from './settle.js'

const tag = 'settlement 清算'
const params = z.strictObject({ period: code })

export function settlementRoutes(app: FastifyInstance, services: Services): void {
  const { engine, sql } = services
  proposeRoute(app, services, {
    operation: 'closePeriod',
    url: '/v1/periods',
    tag,
    summary: { en: 'Close a clearing period', zh: '清算周期关账' },
    type: closePeriodCommand,
  })
  proposeRoute(app, services, {
    operation: 'confirmPayments',
    url: '/v1/periods/:period/payments',
    tag,
    params,
    body: z.strictObject({}),
    summary: { en: 'Confirm that a closed period is paid', zh: '确认拨付' },
    type: confirmPaymentsCommand,
    // Should the process have ended between closing and netting.
    prepare: ({ period }) => netPeriod(engine, sql, String(period)),
  })
  readRoute(app, {
    operation: 'listPeriods',
    url: '/v1/periods',
    tag,
    summary: { en: 'The closed periods, oldest first', zh: '清算周期列表' },
    answer: z.object({ items: z.array(z.object({ period: z.string(), through: z.string(), paid: z.boolean() })) }),
    read: async () => ({ items: await closedPeriods(sql) }),
  })
  readRoute<{ period: string }>(app, {
    operation: 'getPeriod',
    url: '/v1/periods/:period',
    tag,
    params,
    summary: { en: 'Gross and net positions and instructions of a period', zh: '总额、净额与划拨指令' },
    answer: settlementView,
    async read({ params }) {
      const settlement = await settlementOf(sql, params.period)
      if (!settlement) throw new Refused('period_not_found', { period: params.period })
      return settlement
    },
  })
}
