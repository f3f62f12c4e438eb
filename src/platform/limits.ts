import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refused } from '../core/refusals.js'

/** How many requests a minute are answered: from one address, before its token is looked at, and of one organisation. */
export interface Limits {
  readonly address: number
  readonly organisation: number
}

const MINUTE = 60_000
/** Addresses and organisations that are counted at once; of more the longest silent one starts anew. */
const COUNTED = 50_000

/** How the service is does not wait for its turn. */
const isVital = (url: string) => /^\/(?:health|metrics)\b/.test(url)

/** Counts requests and answers those beyond the limits with 429 and Retry-After; says in RateLimit how many are left. */
export async function registerLimits(app: FastifyInstance, limits: Limits): Promise<void> {
  await app.register(rateLimit, { global: false, cache: COUNTED })
  const limiter = (name: keyof Limits, nameOf: (request: FastifyRequest) => string) => {
    const count = app.createRateLimit({
      max: limits[name],
      timeWindow: MINUTE,
      keyGenerator: (request) => `${name} ${nameOf(request)}`,
    })
    const policy = `"${name}";q=${limits[name]};w=${MINUTE / 1000}`
    return async (request: FastifyRequest, reply: FastifyReply) => {
      const counted = await count(request)
      // Who is let in is told how many are left to the organisation; it costs less to say it once.
      if (counted.isAllowed || (name === 'address' && !counted.isExceeded)) return
      // draft-ietf-httpapi-ratelimit-headers
      reply.header('ratelimit-policy', policy)
      reply.header('ratelimit', `"${name}";r=${counted.remaining};t=${counted.ttlInSeconds}`)
      if (!counted.isExceeded) return
      reply.header('retry-after', counted.ttlInSeconds)
      throw new Refused('rate_limited', { limit: limits[name], retryAfter: counted.ttlInSeconds })
    }
  }
  const ofAddress = limiter('address', ({ ip }) => ip)
  const ofOrganisation = limiter('organisation', ({ actor }) => actor.organisation)
  app.addHook('onRequest', async (request, reply) => {
    if (!isVital(request.url)) await ofAddress(request, reply)
  })
  // The first moment at which it is known who asks; the body is not read yet.
  app.addHook('preParsing', async (request, reply) => {
    if (request.actor !== undefined) await ofOrganisation(request, reply)
  })
}
