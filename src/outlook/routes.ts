import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { dayOf } from '../core/time.js'
import { commandRoute, readRoute, type Services } from '../engine/route.js'
import { previewPeriodCommand } from './commands.js'
import { askPreview, exposureView } from './contract.js'
import { exposures, openGross } from './queries.js'

const tag = 'settlement 清算'

export function outlookRoutes(app: FastifyInstance, services: Services): void {
  const { sql, clock } = services
  commandRoute(app, services, {
    operation: 'previewPeriod',
    url: '/v1/periods/previews',
    tag,
    body: askPreview,
    summary: { en: 'What a close would come to now, and what has changed since the last preview', zh: '关账预览' },
    type: previewPeriodCommand,
    prepare: async (asked) => ({ ...asked, ...(await openGross(sql, asked.group, asked.through)) }),
  })
  readRoute(app, {
    operation: 'listExposures',
    url: '/v1/clearing/exposures',
    tag,
    summary: { en: 'What each pair owes of what is not closed, and its net debit cap', zh: '未清算净额与净借记上限' },
    answer: z.object({ items: z.array(exposureView) }),
    read: async () => ({ items: await exposures(sql, dayOf(clock.now())) }),
  })
}
