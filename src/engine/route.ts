import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { isRefusal, Refused } from '../core/refusals.js'
import { type Clock, chinaTime } from '../core/time.js'
import { authorise } from '../platform/auth.js'
import type { Reader, Sql } from '../platform/database.js'
import { type Operation, permissions } from '../platform/permissions.js'
import { Faults, problem, sendRefusal } from '../platform/problems.js'
import type { CommandType } from './command.js'
import type { Engine } from './engine.js'
import { isOutage } from './outage.js'
import type { Outcome } from './ticket.js'

/** What routes work with. */
export interface Services {
  readonly engine: Engine
  readonly sql: Sql
  readonly reader: Reader
  readonly clock: Clock
}

interface Spec {
  readonly operation: Operation
  readonly url: string
  readonly tag: string
  readonly summary: { readonly en: string; readonly zh: string }
  readonly params?: z.ZodObject
}

interface CommandSpec<C> extends Spec {
  readonly type: CommandType<C>
  readonly body?: z.ZodType
  /** 201 when something new can be looked at afterwards. */
  readonly status?: 200 | 201
  /** What runs it, when it is more than the command alone. */
  readonly run?: (asked: { command: C; actor: Actor; key: string }) => Promise<Outcome>
}

const KEY = /^[\x21-\x7e]{1,128}$/

/** The receipt 回执 of an accepted command. */
function receiptOf(event: z.ZodType) {
  return z.object({
    command: z.string(),
    book: z.string().meta({ description: 'Book 账套: a jurisdiction, or 000000 for the region' }),
    seq: z.number().meta({ description: 'Number of the command in its book, without gaps' }),
    entry: z.number().nullable().meta({ description: 'Number of the journal entry 凭证号, when money moved' }),
    day: z.string(),
    bookedAt: z.string(),
    result: event,
  })
}

const describe = ({ operation, tag, summary }: Spec) => ({
  operationId: operation,
  tags: [tag],
  summary: `${summary.en} ${summary.zh}`,
  description: `Roles 角色: ${permissions[operation].join(', ')}`,
  security: [{ token: [] }],
})

/** A book as it is written on the wire: six digits, 000000 for the region. */
export const bookText = (book: number) => String(book).padStart(6, '0')

/** Answers one kind of command over POST: roles, Idempotency-Key, validation, engine, receipt or refusal. */
export function commandRoute<C>(app: FastifyInstance, { engine }: Services, spec: CommandSpec<C>): void {
  const { type, status = 200 } = spec
  const run = spec.run ?? ((asked) => engine.run({ type: type as unknown as CommandType, ...asked }))
  app.route({
    method: 'POST',
    url: spec.url,
    schema: {
      ...describe(spec),
      headers: z.looseObject({
        'idempotency-key': z
          .string()
          .regex(KEY)
          .meta({ description: 'The same key and body give the same answer. 必填：同键同内容得到同一回执。' }),
      }),
      ...(spec.params ? { params: spec.params } : {}),
      body: spec.body ?? type.schema,
      response: { [status]: receiptOf(type.event), default: problem },
    },
    onRequest: (request) => authorise(request, spec.operation),
    preValidation: [requireKey, refuseNull],
    handler: async (request, reply) => {
      const command = { ...(request.params as object), ...(request.body as object) } as C
      const key = request.headers['idempotency-key'] as string
      const outcome = await run({ command, actor: request.actor, key })
      if (isRefusal(outcome)) return sendRefusal(request, reply, outcome)
      reply.status(status)
      return {
        command: type.kind,
        book: bookText(outcome.book),
        seq: outcome.seq,
        entry: outcome.entry,
        day: outcome.day,
        bookedAt: chinaTime(outcome.bookedAt),
        result: outcome.event,
      }
    },
  })
}

async function requireKey(request: FastifyRequest): Promise<void> {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || !KEY.test(key)) throw new Refused('idempotency_key_missing')
}

/** A POST that needs no body may come without one; `null` is a body, and none of ours. */
async function refuseNull(request: FastifyRequest): Promise<void> {
  if (request.body === null) throw new Faults([{ pointer: '/body', code: 'wrong_type' }])
}

interface ReadSpec<P, Q, R> extends Spec {
  readonly query?: z.ZodType<Q>
  readonly answer: z.ZodType<R>
  readonly method?: 'GET' | 'POST'
  read(request: { params: P; query: Q; actor: Actor }): Promise<R>
}

/** Answers a read; throwing Refused answers the refusal. */
export function readRoute<P = object, Q = object, R = unknown>(app: FastifyInstance, spec: ReadSpec<P, Q, R>): void {
  app.route({
    method: spec.method ?? 'GET',
    url: spec.url,
    schema: {
      ...describe(spec),
      ...(spec.params ? { params: spec.params } : {}),
      querystring: spec.query ?? z.strictObject({}),
      ...(spec.method === 'POST' ? { body: z.strictObject({}) } : {}),
      response: { 200: spec.answer, default: problem },
    },
    onRequest: (request) => authorise(request, spec.operation),
    preValidation: refuseNull,
    handler: ({ params, query, actor }) =>
      spec.read({ params: params as P, query: query as Q, actor }).catch((error: unknown) => {
        // Drizzle wraps what the database said.
        throw isOutage(error) || isOutage((error as Error).cause ?? {}) ? new Refused('unavailable') : error
      }),
  })
}
