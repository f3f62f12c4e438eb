import type { FastifyInstance } from 'fastify'
import { dayOf } from '../core/time.js'
import { readRoute, type Services } from '../engine/route.js'
import { reminderQuery, reminders, swept } from './contract.js'
import { remindersFor } from './queries.js'
import { sweep } from './sweep.js'

export function deadlineRoutes(app: FastifyInstance, { engine, sql, clock }: Services): void {
  readRoute(app, {
    operation: 'sweep',
    method: 'POST',
    url: '/v1/sweeps',
    tag: 'deadlines 期限',
    summary: { en: 'Lapse now what is overdue; asking twice does no harm', zh: '立即清理到期事项（可重复）' },
    answer: swept,
    read: () => sweep(engine, sql, clock),
  })
  readRoute<object, { within: number }>(app, {
    operation: 'listReminders',
    url: '/v1/reminders',
    tag: 'deadlines 期限',
    query: reminderQuery as never,
    summary: { en: 'What ends soon and then costs somebody money', zh: '到期提醒' },
    answer: reminders,
    async read({ query: { within }, actor }) {
      const day = dayOf(clock.now())
      return { day, items: await remindersFor(sql, actor, day, within) }
    },
  })
}
