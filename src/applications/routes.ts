import { and, asc, between, eq, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { applications } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { applicationId, parseApplicationId, voucherId } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { readableBooks } from '../engine/access.js'
import { bulkRoute, commandRoute, readRoute, type Services } from '../engine/route.js'
import { cut, page, readCursor, writeCursor } from '../platform/pages.js'
import {
  applyVoucherCommand,
  completeApplicationCommand,
  reviewApplicationCommand,
  withdrawApplicationCommand,
} from './commands.js'
import {
  applicationFilter,
  applicationText,
  applicationView,
  bulkReview,
  completeApplication,
  REVIEW_BYTES,
  reviewBody,
  reviewRefusals,
  withdrawApplication,
} from './contract.js'

const tag = 'applications 创新券申请'
const params = z.strictObject({ application: applicationText })
const application = { application: true } as const

export function applicationRoutes(app: FastifyInstance, services: Services): void {
  const { reader } = services
  commandRoute(app, services, {
    operation: 'applyVoucher',
    url: '/v1/applications',
    tag,
    status: 201,
    summary: { en: 'Apply for a voucher', zh: '申请创新券' },
    type: applyVoucherCommand,
  })
  commandRoute(app, services, {
    operation: 'completeApplication',
    url: '/v1/applications/:application/completion',
    tag,
    params,
    ifMatch: 'needed',
    body: completeApplication.omit({ ...application, version: true }),
    summary: { en: 'Complete what was returned', zh: '补正申请' },
    type: completeApplicationCommand,
  })
  commandRoute(app, services, {
    operation: 'withdrawApplication',
    url: '/v1/applications/:application/withdrawal',
    tag,
    params,
    body: withdrawApplication.omit(application),
    summary: { en: 'Give an application up', zh: '撤回申请' },
    type: withdrawApplicationCommand,
  })
  commandRoute(app, services, {
    operation: 'reviewApplication',
    url: '/v1/applications/:application/review',
    tag,
    params,
    ifMatch: 'needed',
    body: reviewBody,
    summary: { en: 'Pass, return or refuse an application', zh: '审核申请' },
    type: reviewApplicationCommand,
  })
  bulkRoute(app, services, {
    operation: 'reviewApplications',
    url: '/v1/applications/reviews',
    tag,
    summary: { en: 'Review many applications', zh: '批量审核申请' },
    type: reviewApplicationCommand,
    body: bulkReview,
    refusals: reviewRefusals,
    mostBytes: REVIEW_BYTES,
  })
  readRoute<object, z.output<typeof applicationFilter>>(app, {
    operation: 'listApplications',
    url: '/v1/applications',
    tag,
    query: applicationFilter as never,
    summary: { en: 'The applications you may see', zh: '申请列表' },
    answer: page(applicationView),
    async read({ query, actor }) {
      const after = readCursor(query.cursor)
      const rows = await reader
        .select()
        .from(applications)
        .where(
          and(
            visible(actor),
            query.state && eq(applications.state, query.state),
            query.program ? eq(applications.program, query.program) : undefined,
            query.enterprise ? eq(applications.enterprise, query.enterprise) : undefined,
            after && sql`(${applications.book}, ${applications.application}) > (${after.book}, ${after.number})`,
          ),
        )
        .orderBy(asc(applications.book), asc(applications.application))
        .limit(query.limit + 1)
      const { items, next } = cut(rows, query.limit, (row) => writeCursor(row.book, row.application))
      return { items: items.map(view), next }
    },
  })
  readRoute<{ application: string }>(app, {
    operation: 'getApplication',
    url: '/v1/applications/:application',
    tag,
    params,
    summary: { en: 'One application', zh: '申请详情' },
    answer: applicationView,
    async read({ params, actor }) {
      const id = parseApplicationId(params.application)
      const own = id && and(visible(actor), eq(applications.book, id.book), eq(applications.application, id.number))
      const [found] = own ? await reader.select().from(applications).where(own) : []
      if (!found) throw new Refused('application_not_found', { application: params.application })
      return view(found)
    },
  })
}

/** A bureau sees the applications to it and to those below it, an enterprise its own. */
function visible(actor: Actor): SQL | undefined {
  const books = readableBooks(actor)
  return books ? between(applications.book, books.low, books.high) : eq(applications.enterprise, actor.organisation)
}

function view({ book, amount, voucher, documents, ...rest }: typeof applications.$inferSelect) {
  return {
    ...rest,
    application: applicationId(book, rest.application),
    amount: yuan(amount),
    documents: documents as never[],
    voucher: voucher === null ? null : voucherId(book, voucher),
  }
}
