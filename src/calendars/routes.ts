import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { planPeriodsCommand } from './commands.js'
import { calendarView } from './contract.js'
import { allCalendars } from './queries.js'

const tag = 'settlement 清算'

export function calendarRoutes(app: FastifyInstance, services: Services): void {
  const { sql } = services
  proposeRoute(app, services, {
    operation: 'planPeriods',
    url: '/v1/clearing-calendars',
    tag,
    summary: { en: 'Plan the periods of a clearing group for a year', zh: '排定清算日历' },
    type: planPeriodsCommand,
  })
  readRoute(app, {
    operation: 'listCalendars',
    url: '/v1/clearing-calendars',
    tag,
    summary: { en: 'The planned periods, and which are closed', zh: '清算日历列表' },
    answer: z.object({ items: z.array(calendarView) }),
    read: async () => ({ items: await allCalendars(sql) }),
  })
}
