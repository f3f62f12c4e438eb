import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { z } from 'zod'
import { agreementRoutes } from './agreements/routes.js'
import { appealRoutes } from './appeals/routes.js'
import { applicationRoutes } from './applications/routes.js'
import { auditRoutes } from './audit/routes.js'
import type { AccountSettings } from './bank-accounts/numbers.js'
import { bankAccountRoutes } from './bank-accounts/routes.js'
import { calendarRoutes } from './calendars/routes.js'
import { catalogueRoutes } from './catalogue/routes.js'
import { clawBackCommand } from './claims/commands.js'
import { claimRoutes } from './claims/routes.js'
import { clearingRoutes } from './clearing/routes.js'
import { refuse } from './core/refusals.js'
import { deadlineRoutes } from './deadlines/routes.js'
import { divisionRoutes } from './divisions/routes.js'
import { documentRoutes } from './documents/routes.js'
import { isOutage } from './engine/outage.js'
import type { Services } from './engine/route.js'
import { EngineFault } from './engine/ticket.js'
import { enterpriseRoutes } from './enterprises/routes.js'
import { evaluationRoutes } from './evaluations/routes.js'
import type { Vitals } from './health/contract.js'
import { healthRoutes } from './health/routes.js'
import { integrityRoutes } from './integrity/routes.js'
import { objectionRoutes } from './objections/routes.js'
import { orderRoutes } from './orders/routes.js'
import { outlookRoutes } from './outlook/routes.js'
import { overviewRoutes } from './overview/routes.js'
import { paymentRoutes } from './payments/routes.js'
import { peopleRoutes } from './people/routes.js'
import { type Auth, builtInIssuer, type Directory, registerAuth } from './platform/auth.js'
import { type Limits, registerLimits } from './platform/limits.js'
import { finishDocument } from './platform/openapi.js'
import { errorHandler, faultsOf, sendRefusal } from './platform/problems.js'
import { registerSpans, registerTraces, traceIdOf } from './platform/traces.js'
import { programRoutes } from './programs/routes.js'
import { proposalRoutes } from './proposals/routes.js'
import { providerRoutes } from './providers/routes.js'
import { pullRoutes } from './pulls/routes.js'
import { quoteRoutes } from './quotes/routes.js'
import { recognitionApplicationRoutes } from './recognition-applications/routes.js'
import { redFlush } from './recoveries/red-flush.js'
import { recoveryRoutes } from './recoveries/routes.js'
import { refusalsOf } from './refusals.js'
import { relationRoutes } from './relations/routes.js'
import { reviewRoutes } from './reviews/routes.js'
import type { SealKey } from './seal/key.js'
import { sealRoutes } from './seal/routes.js'
import { settlementRoutes } from './settlement/routes.js'
import { closePeriod, confirmPayments } from './settlement/settle.js'
import { settlementReportRoutes } from './settlement-reports/routes.js'
import { simulationRoutes } from './simulation/routes.js'
import { resolveByHand } from './statements/paid.js'
import { statementRoutes } from './statements/routes.js'
import { statisticsRoutes } from './statistics/routes.js'
import { tokenRoutes } from './tokens/routes.js'
import { voucherFileRoutes } from './voucher-files/routes.js'
import { voucherRoutes } from './vouchers/routes.js'
import { webhookDocument } from './webhooks/contract.js'
import { webhookRoutes } from './webhooks/routes.js'
import type { WebhookSettings } from './webhooks/sender.js'
import { workdayRoutes } from './workdays/routes.js'
import { yearEndRoutes } from './year-end/routes.js'

const MOST_BYTES = 1_048_576

/** Composes the HTTP service, in order, nothing autoloaded. It is ready to listen and closes nothing but itself. */
export async function buildApp(
  services: Services,
  vitals: Vitals,
  options: {
    readonly auth: Auth
    readonly directory?: Directory
    readonly logger?: FastifyBaseLogger
    /** Addresses and networks whose word counts on where a request came from (X-Forwarded-For). */
    readonly trustProxy?: readonly string[]
    /** Without them webhooks are off. */
    readonly webhooks?: WebhookSettings
    /** Without it the logs are not sealed. */
    readonly seal?: SealKey
    /** Without them no account numbers are taken. */
    readonly accounts?: AccountSettings
    /** Without them nobody is counted. */
    readonly limits?: Limits
    /** Whether requests are made known to OpenTelemetry. */
    readonly tracing?: boolean
  },
): Promise<FastifyInstance> {
  const app = Fastify({
    ...(options.logger ? { loggerInstance: options.logger } : { logger: false }),
    ...(options.trustProxy ? { trustProxy: [...options.trustProxy] } : {}),
    bodyLimit: MOST_BYTES,
    genReqId: traceIdOf,
    // Of a caller's own numbers only a W3C trace is taken over; anything else would end up in our log unread.
    requestIdHeader: false,
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: 300 },
    onProtoPoisoning: 'error',
    // What never reaches a route, such as an address that cannot be decoded, is answered like everything else.
    frameworkErrors: (error, request, reply) => errorHandler(error, request, reply),
  }) as unknown as FastifyInstance
  app.removeContentTypeParser('text/plain')

  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart }) => {
    const part = httpPart === 'querystring' ? 'query' : (httpPart ?? 'body')
    return (given: unknown) => {
      // A POST that needs no body may come without one.
      const data = part === 'body' ? (given ?? {}) : given
      const parsed = schema.safeParse(data)
      return parsed.success ? { value: parsed.data } : { error: faultsOf(part, parsed.error, data) }
    }
  })
  app.setSerializerCompiler<z.ZodType>(
    ({ schema }) =>
      (data: unknown) =>
        JSON.stringify(schema.parse(data)),
  )
  app.setErrorHandler<Error>((error, request, reply) => {
    // Whatever was being read; drizzle wraps what the database said.
    if (isOutage(error) || isOutage(error.cause ?? {})) return sendRefusal(request, reply, refuse('unavailable'))
    const answer = errorHandler(error, request, reply)
    // The engine counts its own.
    if (reply.statusCode === 500 && !(error instanceof EngineFault)) vitals.tally.fault(request.id)
    return answer
  })
  app.setNotFoundHandler((request, reply) => sendRefusal(request, reply, refuse('route_not_found')))

  registerTraces(app)
  if (options.tracing) registerSpans(app)
  if (options.limits) await registerLimits(app, options.limits)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: '跨区域科技创新券清算服务 · Clearing service for cross-region innovation vouchers',
        version: '1',
        description:
          'Amounts are yuan as strings with two decimals; days are Asia/Shanghai. Every refusal is an RFC 9457 problem with a code. 金额为两位小数的元字符串，日期为北京时间；拒绝以 RFC 9457 返回并带代码。',
      },
      webhooks: webhookDocument,
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => finishDocument(jsonSchemaTransformObject(document), refusalsOf),
  })
  await app.register(swaggerUi, { routePrefix: '/docs' })
  await registerAuth(app, options.auth, options.directory)

  healthRoutes(app, vitals)
  app.get('/openapi.json', { schema: { hide: true } }, (_, reply) =>
    reply.serializer(JSON.stringify).send(app.swagger()),
  )
  if (options.auth.signingKey) tokenRoutes(app)
  overviewRoutes(app, services, { open: options.auth.signingKey !== undefined })
  proposalRoutes(app, services, {
    close_period: (asked) => closePeriod(services.engine, services.sql, asked),
    confirm_payments: (asked) => confirmPayments(services.engine, services.sql, asked),
    resolve_exception: (asked) => resolveByHand(services.engine, services.sql, asked),
    red_flush_invoice: (asked) => redFlush({ ...services, clawBack: clawBackCommand as never }, asked),
  })
  agreementRoutes(app, services)
  clearingRoutes(app, services)
  paymentRoutes(app, services, options.accounts)
  peopleRoutes(app, services)
  divisionRoutes(app)
  programRoutes(app, services)
  simulationRoutes(app, services)
  enterpriseRoutes(app, services)
  providerRoutes(app, services)
  reviewRoutes(app, services)
  recognitionApplicationRoutes(app, services)
  catalogueRoutes(app, services)
  evaluationRoutes(app, services)
  relationRoutes(app, services)
  integrityRoutes(app, services)
  applicationRoutes(app, services)
  voucherRoutes(app, services)
  quoteRoutes(app, services)
  voucherFileRoutes(app, services)
  orderRoutes(app, services)
  claimRoutes(app, services)
  documentRoutes(app, services)
  objectionRoutes(app, services)
  appealRoutes(app, services)
  workdayRoutes(app, services)
  deadlineRoutes(app, services)
  calendarRoutes(app, services)
  outlookRoutes(app, services)
  settlementRoutes(app, services)
  statementRoutes(app, services)
  settlementReportRoutes(app, services)
  statisticsRoutes(app, services)
  recoveryRoutes(app, services)
  yearEndRoutes(app, services)
  auditRoutes(app, services)
  pullRoutes(app, services)
  sealRoutes(app, services, options.seal)
  webhookRoutes(app, services, options.webhooks)
  bankAccountRoutes(app, services, options.accounts)
  await app.ready()
  return app
}

/** The committed OpenAPI document: what every installation answers, so without the built-in issuer's own route. */
export async function openApiText(): Promise<string> {
  const { signingKey: _, ...auth } = builtInIssuer('clearing', 'clearing')
  // Routes are only declared here, so the services are never used.
  const app = await buildApp({} as Services, {} as Vitals, { auth })
  try {
    return `${JSON.stringify(app.swagger(), null, 2)}\n`
  } finally {
    await app.close()
  }
}
