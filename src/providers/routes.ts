import { and, eq, isNull } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { providerSuspensions, providers, recognitions } from '../../db/schema.js'
import { Refused } from '../core/refusals.js'
import { commandRoute, proposeRoute, readRoute, type Services } from '../engine/route.js'
import { uscc } from '../platform/wire.js'
import {
  liftSuspensionCommand,
  recogniseCommand,
  registerProviderCommand,
  suspendRecognitionCommand,
  withdrawProviderCommand,
} from './commands.js'
import { providerView } from './contract.js'

const tag = 'providers 服务机构'

export function providerRoutes(app: FastifyInstance, services: Services): void {
  commandRoute(app, services, {
    operation: 'registerProvider',
    url: '/v1/providers',
    tag,
    status: 201,
    summary: { en: 'Register a provider', zh: '服务机构登记' },
    type: registerProviderCommand,
  })
  proposeRoute(app, services, {
    operation: 'recogniseProvider',
    url: '/v1/recognitions',
    tag,
    summary: { en: 'Recognise a provider in your jurisdiction', zh: '服务机构互认' },
    type: recogniseCommand,
  })
  proposeRoute(app, services, {
    operation: 'suspendRecognition',
    url: '/v1/recognition-suspensions',
    tag,
    summary: { en: "End your jurisdiction's recognitions of a provider", zh: '暂停互认' },
    type: suspendRecognitionCommand,
  })
  proposeRoute(app, services, {
    operation: 'withdrawProvider',
    url: '/v1/provider-withdrawals',
    tag,
    summary: { en: 'Withdraw a provider at home: nobody may use it any more', zh: '撤回服务机构' },
    type: withdrawProviderCommand,
  })
  proposeRoute(app, services, {
    operation: 'liftSuspension',
    url: '/v1/suspension-lifts',
    tag,
    summary: { en: "Lift your jurisdiction's suspension or withdrawal", zh: '恢复服务机构' },
    type: liftSuspensionCommand,
  })
  readRoute<{ uscc: string }>(app, {
    operation: 'getProvider',
    url: '/v1/providers/:uscc',
    tag,
    params: z.strictObject({ uscc }),
    summary: { en: 'One provider with its recognitions', zh: '服务机构及互认情况' },
    answer: providerView,
    async read({ params }) {
      const { reader } = services
      const [[found], recognised, suspended] = await Promise.all([
        reader.select().from(providers).where(eq(providers.uscc, params.uscc)),
        reader
          .select()
          .from(recognitions)
          .where(eq(recognitions.provider, params.uscc))
          .orderBy(recognitions.recognition),
        reader
          .select()
          .from(providerSuspensions)
          .where(and(eq(providerSuspensions.provider, params.uscc), isNull(providerSuspensions.lifted)))
          .orderBy(providerSuspensions.suspension),
      ])
      if (!found) throw new Refused('provider_not_found', { provider: params.uscc })
      return {
        ...found,
        categories: found.categories as never[],
        recognitions: recognised.map((r) => ({
          recognition: r.recognition,
          jurisdiction: String(r.jurisdiction),
          categories: r.categories as never[],
          from: r.validFrom,
          to: r.validTo,
          ended: r.ended !== null,
        })),
        suspensions: suspended.map(({ suspension, jurisdiction, everywhere }) => ({
          suspension,
          jurisdiction: String(jurisdiction),
          everywhere,
        })),
      }
    },
  })
}
