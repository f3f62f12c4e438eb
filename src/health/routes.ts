import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Refused } from '../core/refusals.js'
import type { Vitals } from './contract.js'

/** /health for a load balancer and for people, /metrics for Prometheus; before the service is open, nothing else. */
export function healthRoutes(app: FastifyInstance, vitals: Vitals): void {
  app.addHook('onRequest', async ({ url }: FastifyRequest) => {
    if (!vitals.isOpen && !/^\/(health|metrics|docs|openapi\.json)\b/.test(url)) throw new Refused('unavailable')
  })
  app.get('/health', { schema: { hide: true } }, async (_, reply) => {
    const health = await vitals.health()
    const { faults, lastFault } = vitals.tally
    return reply
      .status(health.status === 'ok' ? 200 : 503)
      .serializer(JSON.stringify)
      .send({ ...health, faults, ...(lastFault === undefined ? {} : { lastFault }) })
  })
  app.get('/metrics', { schema: { hide: true } }, async (_, reply) => {
    const { registry } = vitals.tally
    return reply
      .type(registry.contentType)
      .serializer(String)
      .send(await registry.metrics())
  })
}
