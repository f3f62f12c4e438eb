/** What surrounds every request: limits, traces, and a log that says nothing about anybody. */
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { type Attributes, type SpanOptions, type TracerProvider, trace } from '@opentelemetry/api'
import postgres from 'postgres'
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'

import { openLog } from '../../src/platform/log.js'
import { uscc } from '../support/scene.js'
import { testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

const firm = (n: number, subject = 'Wang'): Actor => ({ subject, organisation: uscc(n), roles: ['enterprise'] })
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`

t.test('an organisation, and an address before its token is looked at, are answered so often a minute', async (t) => {
  const service = await testService('2026-03-02', {}, { limits: { address: 8, organisation: 3 } })
  t.teardown(() => service.close())
  const get = (path: string, token?: string) =>
    fetch(service.base + path, { headers: token ? { authorization: `Bearer ${token}` } : {} })
  const token = service.token(firm(1))
  for (const left of [2, 1, 0]) {
    const answer = await get('/v1/orders', token)
    t.equal(answer.status, 200)
    t.match(answer.headers.get('ratelimit'), new RegExp(`^"organisation";r=${left};t=\\d+$`))
    t.equal(answer.headers.get('ratelimit-policy'), '"organisation";q=3;w=60')
  }
  const refused = await get('/v1/orders', token)
  t.equal(refused.status, 429)
  t.match(refused.headers.get('content-type'), 'application/problem+json')
  const wait = Number(refused.headers.get('retry-after'))
  t.ok(wait >= 1 && wait <= 60)
  t.match(await refused.json(), { code: 'rate_limited', details: { limit: 3, retryAfter: wait } })
  t.equal((await get('/v1/orders', service.token(firm(1, 'Zhou')))).status, 429, 'whoever asks for it')
  t.equal((await get('/v1/orders', service.token(firm(2)))).status, 200, 'another one is not concerned')

  // Six came from this address so far.
  for (const status of [401, 401, 429, 429]) t.equal((await get('/v1/orders', 'a.b.c')).status, status)
  t.equal((await get('/v1/orders', service.token(firm(3)))).status, 429, 'a good token does not help an address')
  for (const path of ['/health', '/health/live', '/health/ready', '/metrics']) {
    t.equal((await get(path)).status, 200, `${path} is outside`)
  }
})

t.test("a problem and an answer carry the caller's trace, or one of their own", async (t) => {
  const service = await testService()
  t.teardown(() => service.close())
  const get = async (headers: Record<string, string>) => {
    const answer = await fetch(`${service.base}/v1/orders`, { headers })
    return { traceparent: answer.headers.get('traceparent'), ...((await answer.json()) as { traceId: string }) }
  }
  const traced = await get({ traceparent })
  t.equal(traced.traceId, TRACE)
  t.match(traced.traceparent, new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`))
  t.not(traced.traceparent?.slice(36, 52), '00f067aa0ba902b7', 'a span of its own')
  const other = [
    '',
    `01${traceparent.slice(2)}`,
    traceparent.toUpperCase(),
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `${traceparent}\t${traceparent}`,
    '\u00e9',
  ]
  for (const bad of other) {
    const answer = await get({ traceparent: bad })
    t.match(answer, { traceparent: null, traceId: /^[0-9a-f]{32}$/ }, bad)
    t.not(answer.traceId, TRACE, bad)
  }
})

t.test('requests and batches are spans, when OpenTelemetry is asked for', async (t) => {
  const spans: { name: string; attributes: Attributes; trace: string | undefined; ended: boolean }[] = []
  const provider: TracerProvider = {
    getTracer: () => ({
      startSpan(
        name: string,
        { attributes = {} }: SpanOptions = {},
        context?: Parameters<typeof trace.getSpanContext>[0],
      ) {
        const span = { name, attributes, trace: context && trace.getSpanContext(context)?.traceId, ended: false }
        spans.push(span)
        const noop = trace.wrapSpanContext({ traceId: TRACE, spanId: '00f067aa0ba902b7', traceFlags: 1 })
        return Object.assign(Object.create(noop), {
          setAttribute: (key: string, value: string) => Object.assign(span.attributes, { [key]: value }),
          end: () => Object.assign(span, { ended: true }),
        })
      },
      startActiveSpan: () => undefined as never,
    }),
  }
  trace.setGlobalTracerProvider(provider)
  t.teardown(() => trace.disable())
  const service = await testService('2026-03-02', {}, { tracing: true })
  t.teardown(() => service.close())
  await new Stage(service.service.engine).place()
  const answer = await fetch(`${service.base}/v1/orders/O310000-1`, {
    headers: { traceparent, authorization: `Bearer ${service.token(firm(1))}` },
  })
  await answer.text()
  const asked = () => spans.find(({ name }) => name === 'GET /v1/orders/:order')
  while (!asked()?.ended) await new Promise((resolve) => setImmediate(resolve))
  t.match(asked(), { trace: TRACE, attributes: { 'http.response.status_code': 404 } })
  t.ok(
    spans.some(
      ({ name, ended, attributes }) => name === 'record' && ended && Number(attributes['clearing.commands']) > 0,
    ),
  )
  t.notOk(JSON.stringify(spans).includes('O310000-1'), 'a span names no thing')
})

t.test('no token, key, name or number of a person or firm is ever in the log', async (t) => {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const service = await testService('2026-03-02', {}, { logger: openLog('trace', sink) })
  t.teardown(() => service.close())
  const admin = postgres(service.database.adminUrl, { max: 1, onnotice: () => {} })
  t.teardown(() => admin.end())
  const place = await new Stage(service.service.engine).place()
  const secrets = { subject: '张三秘密', key: 'key-secret', contractNo: '合同秘密', name: '甲公司秘密' }
  const token = service.token({ ...firm(1, secrets.subject), organisation: place.enterprise })
  const post = (path: string, body: object | string) =>
    fetch(service.base + path, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/json',
        'idempotency-key': secrets.key,
        traceparent: `${traceparent} ${secrets.key}`,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const order = {
    voucher: 'V310000-1',
    provider: place.provider,
    category: 'testing',
    contractNo: secrets.contractNo,
    contractAmount: '10.00',
    voucherAmount: '1.00',
    signedOn: '2026-03-01',
    relatedParty: false,
  }
  await post('/v1/orders', order)
  await post('/v1/orders', { ...order, [secrets.name]: 1 })
  await post('/v1/orders', `{"name":"${secrets.name}"`)
  await post('/v1/enterprises', { name: secrets.name })
  await post(`/v1/nowhere/${token}`, {})
  // A fault while something is read: its error goes to the log.
  await admin.unsafe('alter table clearing.orders rename to gone')
  const faulty = await fetch(`${service.base}/v1/orders?program=${encodeURIComponent(secrets.name)}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  t.equal(faulty.status, 500)
  const { traceId } = (await faulty.json()) as { traceId: string }
  await admin.unsafe('alter table clearing.gone rename to orders')
  const log = lines.join('')
  t.ok(log.includes(traceId), 'the fault is in the log under its number')
  for (const [what, secret] of Object.entries({
    ...secrets,
    token,
    signature: token.split('.')[2]!,
    enterprise: place.enterprise,
  })) {
    t.notOk(log.includes(secret), what)
  }
  sink.end()
  await once(sink, 'finish')
})
