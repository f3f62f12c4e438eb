import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { claims } from '../platform/auth.js'
import { problem } from '../platform/problems.js'

/** The built-in issuer of a developer's own machine: anybody who reaches it may be anyone. It never runs elsewhere. */
export function tokenRoutes(app: FastifyInstance): void {
  app.post(
    '/tokens',
    {
      schema: {
        operationId: 'issueToken',
        tags: ['tokens 令牌'],
        summary: 'A token for any actor, on the embedded default only 签发演示令牌（仅限本机默认模式）',
        body: z.strictObject(claims.shape),
        response: { 200: z.object({ token: z.string() }), default: problem },
      },
    },
    async (request) => {
      const { sub, ...rest } = request.body as z.infer<typeof claims>
      return { token: app.jwt.sign(rest, { sub }) }
    },
  )
}
