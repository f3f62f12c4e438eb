import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, TraceFlags, trace } from '@opentelemetry/api'
import type { FastifyInstance } from 'fastify'

/** W3C Trace Context, version 00: trace, span of the caller, flags. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}$/

const spanId = () => randomUUID().replaceAll('-', '').slice(16)

/** The number under which a request is in the log and in its problem: its caller's trace, or a new one. */
export function traceIdOf({ headers }: IncomingMessage | { headers: Record<string, unknown> }): string {
  return TRACEPARENT.exec(String(headers.traceparent))?.[1] ?? randomUUID().replaceAll('-', '')
}

/** Answers a caller that traces with the same trace. */
export function registerTraces(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ headers, id }, reply) => {
    if (TRACEPARENT.test(String(headers.traceparent))) reply.header('traceparent', `00-${id}-${spanId()}-00`)
  })
}

declare module 'fastify' {
  interface FastifyRequest {
    span: Span | undefined
  }
}

const tracer = () => trace.getTracer('clearing')

/** One OpenTelemetry span a request, below its caller's; for an SDK that was loaded before the service. */
export function registerSpans(app: FastifyInstance): void {
  app.decorateRequest('span')
  app.addHook('onRequest', async (request) => {
    const caller = TRACEPARENT.exec(String(request.headers.traceparent))?.[2] ?? spanId()
    const above = { traceId: request.id, spanId: caller, traceFlags: TraceFlags.SAMPLED, isRemote: true }
    const attributes = { 'http.request.method': request.method, 'http.route': request.routeOptions.url ?? '' }
    request.span = tracer().startSpan(
      `${request.method} ${request.routeOptions.url ?? ''}`.trim(),
      { kind: SpanKind.SERVER, attributes },
      trace.setSpanContext(ROOT_CONTEXT, above),
    )
  })
  app.addHook('onResponse', async ({ span }, reply) => {
    span?.setAttribute('http.response.status_code', reply.statusCode)
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR })
    span?.end()
  })
}

/** A span of what has just been recorded: so many commands in one call. */
export function recordedSpan(commands: number, milliseconds: number): void {
  const startTime = Date.now() - milliseconds
  tracer()
    .startSpan('record', { startTime, attributes: { 'clearing.commands': commands } })
    .end()
}
