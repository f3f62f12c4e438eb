import type { FastifyInstance } from 'fastify'
import { readRoute, type Services } from '../engine/route.js'
import { swept } from './contract.js'
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
}
