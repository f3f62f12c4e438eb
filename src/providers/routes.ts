import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { dayOf } from '../core/time.js'
import { commandRoute, proposeRoute, readRoute, type Services } from '../engine/route.js'
import { byCode, cut, page } from '../platform/pages.js'
import { uscc } from '../platform/wire.js'
import {
  liftSuspensionCommand,
  recogniseCommand,
  registerProviderCommand,
  suspendRecognitionCommand,
  updateProviderCommand,
  withdrawProviderCommand,
} from './commands.js'
import { providerFilter, providerLine, providerView, updateProvider } from './contract.js'
import { findProviders, type ProviderQuery, readProvider } from './queries.js'

const tag = 'providers 服务机构'

export function providerRoutes(app: FastifyInstance, services: Services): void {
  const { sql, reader, clock } = services
  commandRoute(app, services, {
    operation: 'registerProvider',
    url: '/v1/providers',
    tag,
    status: 201,
    summary: { en: 'Register a provider', zh: '服务机构登记' },
    type: registerProviderCommand,
  })
  commandRoute(app, services, {
    operation: 'updateProvider',
    url: '/v1/providers/:provider/profile',
    tag,
    params: z.strictObject({ provider: uscc }),
    ifMatch: 'if there',
    body: updateProvider.omit({ provider: true, version: true }),
    summary: { en: 'Write what you can and offer, anew and whole', zh: '机构信息更新' },
    type: updateProviderCommand,
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
  readRoute<object, Omit<ProviderQuery, 'on'> & { on?: string }>(app, {
    operation: 'listProviders',
    url: '/v1/providers',
    tag,
    query: providerFilter.extend(byCode) as never,
    summary: { en: 'Providers, and who can be used where', zh: '服务机构列表' },
    answer: page(providerLine),
    async read({ query }) {
      const rows = await findProviders(sql, { on: dayOf(clock.now()), ...query })
      return cut(rows, query.limit, (line) => line.uscc)
    },
  })
  readRoute<{ uscc: string }>(app, {
    operation: 'getProvider',
    url: '/v1/providers/:uscc',
    tag,
    params: z.strictObject({ uscc }),
    summary: { en: 'One provider with its profile, its review at home and its recognitions', zh: '服务机构及互认情况' },
    answer: providerView,
    read: ({ params, actor }) => readProvider(reader, params.uscc, actor),
  })
}
