import type { FastifyInstance } from 'fastify'
import { Refused } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { readRoute, type Services } from '../engine/route.js'
import { simulateProgram, simulation } from './contract.js'
import { simulate } from './simulate.js'

export function simulationRoutes(app: FastifyInstance, { sql }: Services): void {
  /** One at a time: each holds a year's business in memory. */
  let last: Promise<unknown> = Promise.resolve()
  readRoute(app, {
    operation: 'simulateProgram',
    method: 'POST',
    url: '/v1/program-simulations',
    tag: 'programs 券种',
    body: simulateProgram,
    summary: { en: 'What a draft would have done to what really happened', zh: '以历史业务模拟券种草稿' },
    answer: simulation,
    read({ body, actor }) {
      const refusal = ofJurisdiction(actor, body.jurisdiction)
      if (refusal) throw new Refused(refusal.refused)
      const mine = last.then(() => simulate(sql, body))
      last = mine.catch(() => {})
      return mine
    },
  })
}
