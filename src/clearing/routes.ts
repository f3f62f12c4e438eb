import { asc } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { clearingAgreements } from '../../db/schema.js'
import { yuan } from '../core/money.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { endClearingCommand, offerClearingCommand, signClearingCommand } from './commands.js'
import { clearingText, clearingView, signClearing } from './contract.js'
import { clearingId, lastDayOf } from './facts.js'

const tag = 'clearing 清算协议'
const params = z.strictObject({ agreement: clearingText })

export function clearingRoutes(app: FastifyInstance, services: Services): void {
  const { reader } = services
  proposeRoute(app, services, {
    operation: 'offerClearing',
    url: '/v1/clearing-agreements',
    tag,
    summary: { en: 'Offer how two provinces clear what they owe each other’s payees', zh: '提出清算协议' },
    type: offerClearingCommand,
  })
  proposeRoute(app, services, {
    operation: 'signClearing',
    url: '/v1/clearing-agreements/:agreement/signatures',
    tag,
    params,
    ifMatch: 'needed',
    body: signClearing.omit({ agreement: true, version: true }),
    summary: { en: 'Sign the version that was read', zh: '签署清算协议' },
    type: signClearingCommand,
  })
  proposeRoute(app, services, {
    operation: 'endClearing',
    url: '/v1/clearing-agreements/:agreement/end',
    tag,
    params,
    ifMatch: 'needed',
    body: z.strictObject({}),
    summary: { en: 'End it after this day, or take the offer back', zh: '终止清算协议' },
    type: endClearingCommand,
  })
  readRoute(app, {
    operation: 'listClearings',
    url: '/v1/clearing-agreements',
    tag,
    summary: { en: 'All clearing agreements, by pair', zh: '清算协议列表' },
    answer: z.object({ items: z.array(clearingView) }),
    async read() {
      const rows = await reader
        .select()
        .from(clearingAgreements)
        .orderBy(asc(clearingAgreements.one), asc(clearingAgreements.other), asc(clearingAgreements.agreement))
      return { items: rows.map(view) }
    },
  })
}

function view({
  one,
  other,
  agreement,
  signed,
  ended,
  threshold,
  cap,
  ...rest
}: typeof clearingAgreements.$inferSelect) {
  const state = ended !== null ? ('ended' as const) : signed.length === 2 ? ('signed' as const) : ('offered' as const)
  const { version, mode, groupName: group, covers, validFrom: from, validTo, document } = rest
  return {
    agreement: clearingId({ one, other }, agreement),
    version,
    one: String(one),
    other: String(other),
    mode,
    group,
    covers,
    threshold: threshold === null ? null : yuan(threshold),
    cap: cap === null ? null : yuan(cap),
    from,
    to: lastDayOf({ to: validTo, ended }),
    document,
    signed: signed.map(String),
    state,
  }
}
