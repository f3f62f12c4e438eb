import { buffer } from 'node:stream/consumers'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { nameDocuments } from '../documents/facts.js'
import { commandRoute, proposeRoute, type Services } from '../engine/route.js'
import { readInvoice } from '../invoices/rules.js'
import { orderText } from '../orders/contract.js'
import { Faults } from '../platform/problems.js'
import {
  approveClaimCommand,
  clawBackCommand,
  rejectClaimCommand,
  returnClaimCommand,
  submitClaimCommand,
  verifyClaimCommand,
} from './commands.js'
import { approveClaim, clawBack, rejectClaim, returnClaim, submitClaim, verifyClaim } from './contract.js'

const tag = 'claims 兑付申请'
const params = z.strictObject({ order: orderText })
const order = { order: true } as const

export function claimRoutes(app: FastifyInstance, services: Services): void {
  commandRoute(app, services, {
    operation: 'submitClaim',
    url: '/v1/orders/:order/claim',
    tag,
    params,
    body: submitClaim.omit({ ...order, invoice: true }),
    summary: { en: 'The payee claims with an invoice', zh: '提交兑付申请' },
    type: submitClaimCommand,
    prepare: (claim, actor) => withInvoice(services, claim, actor),
  })
  commandRoute(app, services, {
    operation: 'returnClaim',
    url: '/v1/orders/:order/return',
    tag,
    params,
    body: returnClaim.omit(order),
    summary: { en: 'Return the claim for completion', zh: '退回补正' },
    type: returnClaimCommand,
  })
  commandRoute(app, services, {
    operation: 'verifyClaim',
    url: '/v1/orders/:order/verification',
    tag,
    params,
    body: verifyClaim.omit(order),
    summary: { en: 'Verify the claim (first person)', zh: '经办审核' },
    type: verifyClaimCommand,
  })
  commandRoute(app, services, {
    operation: 'approveClaim',
    url: '/v1/orders/:order/approval',
    tag,
    params,
    body: approveClaim.omit(order),
    summary: { en: 'Approve the claim (second person): the hold is captured', zh: '复核通过' },
    type: approveClaimCommand,
  })
  commandRoute(app, services, {
    operation: 'rejectClaim',
    url: '/v1/orders/:order/rejection',
    tag,
    params,
    body: rejectClaim.omit(order),
    summary: { en: 'Reject the claim for good; the hold goes back', zh: '驳回' },
    type: rejectClaimCommand,
  })
  proposeRoute(app, services, {
    operation: 'clawBack',
    url: '/v1/orders/:order/claw-backs',
    tag,
    params,
    body: clawBack.omit({ ...order, redInvoiceNo: true }),
    summary: { en: 'Take back what was approved', zh: '追回' },
    type: clawBackCommand,
  })
}

/**
 * A claim with what its invoice's XML says. Evidence must have been uploaded by who claims with it; that is asked here
 * and not decided, because logs from before there were documents name digests of what is kept elsewhere.
 */
async function withInvoice(
  services: Services,
  claim: z.output<typeof submitClaim>,
  actor: Actor,
): Promise<z.output<typeof submitClaim>> {
  const evidence = claim.evidence ?? []
  if (evidence.length === 0) return claim
  const documents = [...new Set(evidence.map(({ sha256 }) => sha256))]
  const types = await nameDocuments(services, actor.organisation, documents)
  const xml = documents.filter(
    (document) =>
      types.get(document) === 'xml' && evidence.some(({ kind, sha256 }) => kind === 'invoice' && sha256 === document),
  )
  // An order is claimed with one invoice.
  if (xml.length > 1) throw new Faults([{ pointer: '/body/evidence', code: 'repeated' }])
  const [document] = xml
  if (document === undefined) return claim
  const file = await services.files.get(document)
  const said = file && readInvoice(await buffer(file))
  if (!said) throw new Error(`document ${document} was taken as an invoice and is none`)
  return { ...claim, invoice: { document, ...said } }
}
