import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { commandRoute, type Services } from '../engine/route.js'
import { orderText } from '../orders/contract.js'
import { appealClaimCommand, decideClaimAppealCommand } from './commands.js'
import { appealClaim, decideClaimAppeal } from './contract.js'

const tag = 'claims 兑付申请'
const params = z.strictObject({ order: orderText })
const order = { order: true } as const

export function appealRoutes(app: FastifyInstance, services: Services): void {
  commandRoute(app, services, {
    operation: 'appealClaim',
    url: '/v1/orders/:order/appeal',
    tag,
    params,
    body: appealClaim.omit(order),
    summary: { en: 'The payee appeals against a rejection', zh: '对驳回提出申诉' },
    type: appealClaimCommand,
  })
  commandRoute(app, services, {
    operation: 'decideClaimAppeal',
    url: '/v1/orders/:order/appeal/decision',
    tag,
    params,
    body: decideClaimAppeal.omit(order),
    summary: { en: 'Decide an appeal (neither who verified nor who rejected)', zh: '申诉裁决' },
    type: decideClaimAppealCommand,
  })
}
