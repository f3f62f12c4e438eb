import type { FastifyInstance } from 'fastify'
import { readRoute, type Services } from '../engine/route.js'
import { quote, quoteContract } from './contract.js'
import { quoteFor } from './queries.js'

export function quoteRoutes(app: FastifyInstance, { sql, clock }: Services): void {
  readRoute(app, {
    operation: 'quoteContract',
    method: 'POST',
    url: '/v1/quotes',
    tag: 'orders 合同备案',
    body: quoteContract,
    summary: { en: 'What my vouchers would carry of a contract today', zh: '试算' },
    answer: quote,
    read: ({ body, actor }) => quoteFor(sql, clock, body, actor),
  })
}
