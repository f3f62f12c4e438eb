import { eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { enterprises } from '../../db/schema.js'
import { Refused } from '../core/refusals.js'
import { commandRoute, proposeRoute, readRoute, type Services } from '../engine/route.js'
import { count, uscc } from '../platform/wire.js'
import {
  declareQualificationCommand,
  registerEnterpriseCommand,
  updateEnterpriseCommand,
  verifyQualificationCommand,
} from './commands.js'
import { declareBody, enterpriseView, updateBody, verifyQualification } from './contract.js'
import type { Enterprise } from './facts.js'

const tag = 'enterprises 企业'
const params = z.strictObject({ uscc })

export function enterpriseRoutes(app: FastifyInstance, services: Services): void {
  commandRoute(app, services, {
    operation: 'registerEnterprise',
    url: '/v1/enterprises',
    tag,
    status: 201,
    summary: { en: 'Register an enterprise', zh: '企业登记' },
    type: registerEnterpriseCommand,
  })
  commandRoute(app, services, {
    operation: 'updateEnterprise',
    url: '/v1/enterprises/:uscc/profile',
    tag,
    params,
    ifMatch: 'needed',
    body: updateBody,
    summary: { en: "Change your enterprise's profile", zh: '企业信息变更' },
    type: updateEnterpriseCommand,
  })
  commandRoute(app, services, {
    operation: 'declareQualification',
    url: '/v1/enterprises/:uscc/qualifications',
    tag,
    params,
    body: declareBody,
    status: 201,
    summary: { en: 'Declare a dated qualification', zh: '资格申报' },
    type: declareQualificationCommand,
  })
  proposeRoute(app, services, {
    operation: 'verifyQualification',
    url: '/v1/enterprises/:uscc/qualifications/:qualification/verification',
    tag,
    params: params.extend({ qualification: count(1, 1e15 - 1) }),
    body: verifyQualification.omit({ uscc: true, qualification: true }),
    summary: { en: 'Verify a qualification against its evidence', zh: '资格核验' },
    type: verifyQualificationCommand,
  })
  readRoute<{ uscc: string }>(app, {
    operation: 'getEnterprise',
    url: '/v1/enterprises/:uscc',
    tag,
    params,
    summary: { en: 'One enterprise', zh: '企业详情' },
    answer: enterpriseView,
    async read({ params, actor }) {
      const isOwn = actor.jurisdiction !== undefined || actor.organisation === params.uscc
      const [found] = await services.reader.select().from(enterprises).where(eq(enterprises.uscc, params.uscc))
      if (!found || !isOwn) throw new Refused('enterprise_not_found', { enterprise: params.uscc })
      const { moves, qualifications } = found as unknown as Enterprise
      return { ...found, types: found.types as never[], moves: [...moves], qualifications: qualifications as never[] }
    },
  })
}
