import type { FastifyInstance } from 'fastify'
import { Refused } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { readRoute, type Services } from '../engine/route.js'
import { Simulator } from './apart.js'
import { simulateProgram, simulation } from './contract.js'

export function simulationRoutes(app: FastifyInstance, { databaseUrl }: Services): void {
  const simulator = new Simulator(databaseUrl)
  app.addHook('preClose', async () => simulator.stop())
  readRoute(app, {
    operation: 'simulateProgram',
    method: 'POST',
    url: '/v1/program-simulations',
    tag: 'programs 券种',
    body: simulateProgram,
    summary: { en: 'What a draft would have done to what really happened', zh: '以历史业务模拟券种草稿' },
    answer: simulation,
    async read({ body, actor }) {
      const refusal = ofJurisdiction(actor, body.jurisdiction)
      if (refusal) throw new Refused(refusal.refused)
      return simulator.simulate(body)
    },
  })
}
