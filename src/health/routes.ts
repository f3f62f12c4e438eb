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
  // For an orchestrator: a process that answers is alive; one that is ready gets requests.
  app.get('/health/live', { schema: { hide: true } }, (_, reply) =>
    reply.serializer(JSON.stringify).send({ status: 'ok' }),
  )
  app.get('/health/ready', { schema: { hide: true } }, async (_, reply) => {
    const { status } = await vitals.health()
    return reply
      .status(status === 'ok' ? 200 : 503)
      .serializer(JSON.stringify)
      .send({ status })
  })
  app.get('/metrics', { schema: { hide: true } }, async (_, reply) => {
    const { registry } = vitals.tally
    return reply
      .type(registry.contentType)
      .serializer(String)
      .send(await registry.metrics())
  })
}
