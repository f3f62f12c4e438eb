import { and, asc, eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { agreements } from '../../db/schema.js'
import { Refused } from '../core/refusals.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { amendAgreementCommand, endAgreementCommand, offerAgreementCommand, signAgreementCommand } from './commands.js'
import { agreementText, agreementView, amendBody, signAgreement } from './contract.js'
import { agreementId, parseAgreementId } from './facts.js'

const tag = 'agreements 互认协议'
const params = z.strictObject({ agreement: agreementText })

export function agreementRoutes(app: FastifyInstance, services: Services): void {
  const { reader } = services
  proposeRoute(app, services, {
    operation: 'offerAgreement',
    url: '/v1/agreements',
    tag,
    summary: { en: "Offer to take, or have taken, a province's providers", zh: '提出互认协议' },
    type: offerAgreementCommand,
  })
  proposeRoute(app, services, {
    operation: 'amendAgreement',
    url: '/v1/agreements/:agreement/amendments',
    tag,
    params,
    ifMatch: 'needed',
    body: amendBody,
    summary: { en: 'Change its terms while not both have signed', zh: '修改互认协议' },
    type: amendAgreementCommand,
  })
  proposeRoute(app, services, {
    operation: 'signAgreement',
    url: '/v1/agreements/:agreement/signatures',
    tag,
    params,
    ifMatch: 'needed',
    body: signAgreement.omit({ agreement: true, version: true }),
    summary: { en: 'Sign the version that was read', zh: '签署互认协议' },
    type: signAgreementCommand,
  })
  proposeRoute(app, services, {
    operation: 'endAgreement',
    url: '/v1/agreements/:agreement/end',
    tag,
    params,
    ifMatch: 'needed',
    body: z.strictObject({}),
    summary: { en: 'End it at once, or take the offer back', zh: '终止互认协议' },
    type: endAgreementCommand,
  })
  readRoute(app, {
    operation: 'listAgreements',
    url: '/v1/agreements',
    tag,
    summary: { en: 'All agreements between the provinces', zh: '互认协议列表' },
    answer: z.object({ items: z.array(agreementView) }),
    async read() {
      const rows = await reader
        .select()
        .from(agreements)
        .orderBy(asc(agreements.accepting), asc(agreements.home), asc(agreements.agreement))
      return { items: rows.map(view) }
    },
  })
  readRoute<{ agreement: string }>(app, {
    operation: 'getAgreement',
    url: '/v1/agreements/:agreement',
    tag,
    params,
    summary: { en: 'One agreement', zh: '互认协议详情' },
    answer: agreementView,
    async read({ params: { agreement: id } }) {
      const { accepting, home, agreement } = parseAgreementId(id)
      const own = and(
        eq(agreements.accepting, accepting),
        eq(agreements.home, home),
        eq(agreements.agreement, agreement),
      )
      const [found] = await reader.select().from(agreements).where(own)
      if (!found) throw new Refused('agreement_not_found', { agreement: id })
      return view(found)
    },
  })
}

function view({ accepting, home, agreement, signed, ended, ...rest }: typeof agreements.$inferSelect) {
  const state = ended !== null ? ('ended' as const) : signed.length === 2 ? ('signed' as const) : ('offered' as const)
  return {
    agreement: agreementId({ accepting, home }, agreement),
    version: rest.version,
    accepting: String(accepting),
    home: String(home),
    categories: rest.categories as never[],
    from: rest.validFrom,
    to: rest.validTo,
    running: rest.running,
    document: rest.document,
    signed: signed.map(String),
    state,
  }
}
