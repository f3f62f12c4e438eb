import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { commandRoute, proposeRoute, type Services } from '../engine/route.js'
import { count, uscc } from '../platform/wire.js'
import { decideProviderObjectionCommand, objectToProviderCommand, reviewProviderCommand } from './commands.js'
import { decideProviderObjection, objectToProvider, reviewBody } from './contract.js'

const tag = 'providers 服务机构'
const params = z.strictObject({ provider: uscc })

export function reviewRoutes(app: FastifyInstance, services: Services): void {
  proposeRoute(app, services, {
    operation: 'reviewProvider',
    url: '/v1/providers/:provider/reviews',
    tag,
    params,
    ifMatch: 'if there',
    body: reviewBody,
    summary: { en: 'Review a provider at home; accepted, its public notice begins', zh: '属地审核与公示' },
    type: reviewProviderCommand,
  })
  commandRoute(app, services, {
    operation: 'objectToProvider',
    url: '/v1/providers/:provider/objections',
    tag,
    params,
    body: objectToProvider.omit({ provider: true }),
    status: 201,
    summary: { en: 'Object to a provider during its notice, which stands still', zh: '公示异议' },
    type: objectToProviderCommand,
  })
  proposeRoute(app, services, {
    operation: 'decideProviderObjection',
    url: '/v1/providers/:provider/objections/:objection/decision',
    tag,
    params: params.extend({ objection: count(1, 1e15 - 1) }),
    body: decideProviderObjection.omit({ provider: true, objection: true }),
    summary: { en: 'Decide an objection', zh: '异议处理' },
    type: decideProviderObjectionCommand,
  })
}
