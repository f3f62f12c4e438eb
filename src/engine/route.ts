import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { bookText } from '../core/ids.js'
import { isRefusal, type Refusal, type RefusalCode, Refused, refusals, refuse } from '../core/refusals.js'
import { type Clock, chinaTime } from '../core/time.js'
import type { Event } from '../ledger/plan.js'
import { authorise } from '../platform/auth.js'
import type { Reader, Sql } from '../platform/database.js'
import type { FileStore } from '../platform/files.js'
import { withCursor } from '../platform/pages.js'
import { type Operation, permissions } from '../platform/permissions.js'
import { Faults, languageOf, problem, sendRefusal } from '../platform/problems.js'
import { reason } from '../platform/wire.js'
import type { CommandType } from './command.js'
import type { Receipt } from './idempotency.js'
import { proposeCommand } from './proposal.js'
import type { Runner } from './runner.js'
import type { Outcome } from './ticket.js'

/** What routes work with. */
export interface Services {
  readonly engine: Runner
  readonly sql: Sql
  readonly reader: Reader
  readonly clock: Clock
  /** Where another process of the service finds the database. */
  readonly databaseUrl: string
  readonly files: FileStore
}

/** What every route says of itself. */
export interface Spec {
  readonly operation: Operation
  readonly url: string
  readonly tag: string
  readonly summary: { readonly en: string; readonly zh: string }
  readonly params?: z.ZodObject
}

interface CommandSpec<C> extends Spec {
  readonly type: CommandType<C>
  readonly body?: z.ZodType
  /**
   * Edits what somebody else may be editing: If-Match says which version was seen, and becomes the command's `version`.
   * `if there`: what is not there yet has no version.
   */
  readonly ifMatch?: 'needed' | 'if there'
  /** 201 when something new can be looked at afterwards. */
  readonly status?: 200 | 201
  /** What is looked at, and added to the command, before it can be decided; throws Refused. */
  readonly prepare?: (command: C, actor: Actor) => Promise<C>
  /** What is told with the receipt and kept nowhere: worked out again for whoever asks again with the same key. */
  readonly tells?: { readonly fields: z.ZodRawShape; of(event: Event): object }
}

const KEY = /^[\x21-\x7e]{1,128}$/

const keyed = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(KEY)
    .meta({ description: 'The same key and body give the same answer. 必填：同键同内容得到同一回执。' }),
})

const ETAG = /^"(0|[1-9]\d{0,14})"$/
const etag = z.string().regex(ETAG)
const matching = {
  needed: etag.meta({ description: 'The ETag of what was read and is changed here. 必填：所读版本的 ETag。' }),
  'if there': etag
    .optional()
    .meta({ description: 'The ETag of what was read, if anything was there. 已有内容的 ETag。' }),
}

/** The fields of the receipt 回执 of an accepted command. */
function receiptFields(event: z.ZodType) {
  return {
    command: z.string(),
    book: z.string().meta({ description: 'Book 账套: a jurisdiction, or 000000 for the region' }),
    seq: z.number().meta({ description: 'Number of the command in its book, without gaps' }),
    entry: z.number().nullable().meta({ description: 'Number of the journal entry 凭证号, when money moved' }),
    day: z.string(),
    bookedAt: z.string(),
    result: event,
  }
}

const receiptOf = ({ kind }: { readonly kind: string }, { book, seq, entry, day, bookedAt, event }: Receipt) => ({
  command: kind,
  book: bookText(book),
  seq,
  entry,
  day,
  bookedAt: chinaTime(bookedAt),
  result: event,
})

/** What the document says of every operation. */
export const describe = ({ operation, tag, summary }: Pick<Spec, 'operation' | 'tag' | 'summary'>) => ({
  operationId: operation,
  tags: [tag],
  summary: `${summary.en} ${summary.zh}`,
  description: `Roles 角色: ${permissions[operation].join(', ')}`,
  security: [{ token: [] }],
})

/** Answers one kind of command over POST: roles, Idempotency-Key, validation, engine, receipt or refusal. */
export function commandRoute<C>(app: FastifyInstance, { engine }: Services, spec: CommandSpec<C>): void {
  const { type, status = 200, tells } = spec
  const receipt = z.object({ ...receiptFields(type.event), ...tells?.fields })
  app.route({
    ...posted(engine, spec, spec.body ?? type.schema, { [status]: receipt }),
    handler: async (request, reply) => {
      const said = commandOf<C>(request, spec)
      const command = spec.prepare ? await spec.prepare(said, request.actor) : said
      const outcome = await engine.run({ type: type as unknown as CommandType, command, ...askedBy(request) })
      if (isRefusal(outcome)) return sendRefusal(request, reply, outcome)
      reply.status(status)
      return { ...receiptOf(type, outcome), ...tells?.of(outcome.event) }
    },
  })
}

interface ProposalSpec extends Omit<CommandSpec<never>, 'type' | 'status' | 'prepare' | 'tells'> {
  readonly type: { readonly kind: string; readonly alone: z.ZodObject }
  readonly body?: z.ZodObject
  /** What must be done before it can be decided; throws Refused, which is kept under the key as any refusal is. */
  readonly prepare?: (command: Record<string, unknown>) => Promise<void>
}

/** Answers what takes two persons: the first one's request becomes a proposal, which another person approves. */
export function proposeRoute(app: FastifyInstance, { engine }: Services, spec: ProposalSpec): void {
  const { kind, alone } = spec.type
  const note = reason.nullish().meta({ description: 'Why, for the second person 提请说明' })
  const body = (spec.body ?? alone).safeExtend({ note })
  const receipt = z.object(receiptFields(proposeCommand.event))
  app.route({
    ...posted(engine, spec, body, { 202: receipt }),
    handler: async (request, reply) => {
      const { jurisdiction } = request.actor
      if (jurisdiction === undefined) throw new Refused('not_your_jurisdiction')
      const { note, ...command } = commandOf<Record<string, unknown>>(request, spec)
      const refusal = await refusalOf(async () => spec.prepare?.(command))
      const asked = { kind, command, jurisdiction, ...(note ? { note } : {}) }
      const type = proposeCommand as unknown as CommandType
      const outcome = await engine.run({ type, command: asked, ...askedBy(request), ...(refusal ? { refusal } : {}) })
      if (isRefusal(outcome)) return sendRefusal(request, reply, outcome)
      reply.status(202).header('location', `/v1/proposals/${outcome.event.proposal}`)
      return receiptOf(proposeCommand, outcome)
    },
  })
}

/** What this is refused with, if it is. */
async function refusalOf(look: () => Promise<void>): Promise<Refusal | undefined> {
  try {
    await look()
  } catch (error) {
    if (error instanceof Refused) return error.refusal
    throw error
  }
}

/** Runs a command together with what follows from it. */
export type Enact = (asked: { command: never; actor: Actor; key: string }) => Promise<Outcome>

interface ApprovalSpec extends Spec {
  /** The command that a request approves, and what runs it when that is more than the command alone; throws Refused. */
  read(params: unknown, actor: Actor): Promise<{ type: CommandType; command: object; run?: Enact | undefined }>
}

/** Answers the second person: what was proposed is done now, and answered with its own receipt. */
export function approvalRoute(app: FastifyInstance, { engine }: Services, spec: ApprovalSpec): void {
  app.route({
    ...posted(engine, spec, z.strictObject({}), { 200: z.object(receiptFields(z.record(z.string(), z.unknown()))) }),
    handler: async (request, reply) => {
      const { type, command, run } = await spec.read(request.params, request.actor)
      const asked = askedBy(request)
      const outcome = await (run
        ? run({ command: command as never, ...asked })
        : engine.run({ type, command, ...asked }))
      if (isRefusal(outcome)) return sendRefusal(request, reply, outcome)
      return receiptOf(type, outcome)
    },
  })
}

/** What every route for a command has. */
function posted(
  engine: Runner,
  spec: Spec & Pick<CommandSpec<never>, 'ifMatch'>,
  body: z.ZodType,
  response: Record<number, z.ZodType>,
) {
  return {
    method: 'POST' as const,
    url: spec.url,
    schema: {
      ...describe(spec),
      headers: spec.ifMatch ? keyed.extend({ 'if-match': matching[spec.ifMatch] }) : keyed,
      ...(spec.params ? { params: spec.params } : {}),
      body,
      response: { ...response, default: problem },
    },
    onRequest: (request: FastifyRequest) => admit(request, engine, spec.operation),
    preValidation: [requireKey, ...(spec.ifMatch === 'needed' ? [requireVersion] : []), refuseNull],
  }
}

function commandOf<C>(request: FastifyRequest, { ifMatch }: Pick<CommandSpec<never>, 'ifMatch'>): C {
  const seen = ifMatch && request.headers['if-match']
  const version = seen ? { version: Number(seen.slice(1, -1)) } : {}
  return { ...(request.params as object), ...(request.body as object), ...version } as C
}

const askedBy = (request: FastifyRequest) => ({
  actor: request.actor,
  key: request.headers['idempotency-key'] as string,
  isWanted: isWanted(request),
})

interface BulkSpec<C> extends Omit<Spec, 'params'> {
  /** What every row asks. */
  readonly type: CommandType<C>
  readonly body: z.ZodType<{ items: C[] }>
  /** What a row can be refused with by its command. */
  readonly refusals: readonly RefusalCode[]
  /** How large the body may be: its rows need more room than a single command. */
  readonly mostBytes: number
}

/** What any row can be refused with, whatever its command. */
const anyRow = [
  'internal_fault',
  'idempotency_key_reused',
  'idempotency_key_expired',
  'overloaded',
  'unavailable',
  'clock_behind',
] as const satisfies RefusalCode[]

/** What a bulk request answers: an outcome for each row, in their order, and how many there are of each. */
function bulkAnswer(event: z.ZodType, codes: readonly RefusalCode[]) {
  const row = z.number().meta({ description: 'Place of the row in the request, from 0 行号' })
  const done = z.object({ row, outcome: z.literal('done'), ...receiptFields(event) })
  const refused = z.object({
    row,
    outcome: z.literal('refused'),
    code: z.enum(codes as [RefusalCode, ...RefusalCode[]]).meta({
      description: codes.map((code) => `\`${code}\` ${refusals[code].en} ${refusals[code].zh}`).join('\n\n'),
    }),
    title: z.string(),
    details: problem.shape.details,
  })
  return z.object({
    items: z.array(z.discriminatedUnion('outcome', [done, refused])),
    done: z.number(),
    refused: z.number(),
  })
}

/**
 * Answers many commands of one kind over one POST, each row with an outcome of its own: one that is refused, or fails,
 * touches no other. A request that is malformed anywhere is refused as a whole, before anything runs.
 */
export function bulkRoute<C>(app: FastifyInstance, { engine }: Services, spec: BulkSpec<C>): void {
  const type = spec.type as unknown as CommandType
  app.route({
    method: 'POST',
    url: spec.url,
    bodyLimit: spec.mostBytes,
    schema: {
      ...describe(spec),
      headers: keyed,
      body: spec.body,
      response: { 200: bulkAnswer(type.event, [...anyRow, ...spec.refusals]), default: problem },
    },
    onRequest: (request) => admit(request, engine, spec.operation),
    preValidation: [requireKey, refuseNull],
    handler: async (request, reply) => {
      const { actor } = request
      const { items } = request.body as { items: C[] }
      const key = request.headers['idempotency-key'] as string
      const language = languageOf(request)
      const asked = { type, actor, isWanted: isWanted(request) }
      // No caller's key has a space in it, so a row's key is nobody else's.
      const run = (command: C, row: number) => engine.run({ ...asked, command, key: `${key} ${row}` })
      const outcomes = await Promise.all(
        items.map((command, row) => run(command, row).catch((error: unknown) => rowFault(request, row, error))),
      )
      const answered = outcomes.map((outcome, row) =>
        isRefusal(outcome)
          ? { row, outcome: 'refused', ...refusedRow(outcome, language) }
          : { row, outcome: 'done', ...receiptOf(type, outcome) },
      )
      const refused = outcomes.filter(isRefusal).length
      // Checking ten thousand rows of our own against the schema would take longer than writing them.
      return reply
        .type('application/json; charset=utf-8')
        .header('content-language', language)
        .header('vary', 'Accept-Language')
        .serializer(JSON.stringify)
        .send({ items: answered, done: outcomes.length - refused, refused })
    },
  })
}

/** A row whose outcome is not known is one to ask again with the same key; its neighbours keep theirs. */
function rowFault(request: FastifyRequest, row: number, error: unknown): Refusal {
  if (error instanceof Refused) return error.refusal
  request.log.error({ err: error, row }, 'fault')
  return refuse('internal_fault', { traceId: request.id })
}

function refusedRow({ refused: code, details = {} }: Refusal, language: 'zh' | 'en') {
  // In one order, whether it was just decided or is read back: the same key gets the same answer, letter for letter.
  const pairs = Object.entries(details).sort(([a], [b]) => (a < b ? -1 : 1))
  const title = refusals[code][language]
  return pairs.length > 0 ? { code, title, details: Object.fromEntries(pairs) } : { code, title }
}

/**
 * Turns away before the body is read, because then it costs little: whatever there is too much of, who may not, and an
 * organisation that fills its own share of the queue.
 */
async function admit(request: FastifyRequest, engine: Runner, operation: Operation): Promise<void> {
  if (!engine.hasRoom()) throw new Refused('overloaded')
  await authorise(request, operation)
  if (!engine.hasRoom(request.actor.organisation)) throw new Refused('overloaded')
}

/** False once the caller has hung up. */
const isWanted = (request: FastifyRequest) => () => !request.raw.socket.destroyed

async function requireKey(request: FastifyRequest): Promise<void> {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || !KEY.test(key)) throw new Refused('idempotency_key_missing')
}

async function requireVersion(request: FastifyRequest): Promise<void> {
  if (!ETAG.test(request.headers['if-match'] ?? '')) throw new Refused('version_missing')
}

/** A POST that needs no body may come without one; `null` is a body, and none of ours. */
async function refuseNull(request: FastifyRequest): Promise<void> {
  if (request.body === null) throw new Faults([{ pointer: '/body', code: 'wrong_type' }])
}

interface ReadSpec<P, Q, R, B> extends Spec {
  readonly query?: z.ZodType<Q>
  /** Of a POST that asks for more than an address can hold. */
  readonly body?: z.ZodType<B>
  readonly answer: z.ZodType<R>
  readonly method?: 'GET' | 'POST'
  read(request: { params: P; query: Q; body: B; actor: Actor }): Promise<R>
}

/** Answers a read; throwing Refused answers the refusal. */
export function readRoute<P = object, Q = object, R = unknown, B = object>(
  app: FastifyInstance,
  spec: ReadSpec<P, Q, R, B>,
): void {
  app.route({
    method: spec.method ?? 'GET',
    url: spec.url,
    schema: {
      ...describe(spec),
      ...(spec.params ? { params: spec.params } : {}),
      querystring: spec.query ?? z.strictObject({}),
      ...(spec.method === 'POST' ? { body: spec.body ?? z.strictObject({}) } : {}),
      response: { 200: spec.answer, default: problem },
    },
    onRequest: (request) => authorise(request, spec.operation),
    preValidation: refuseNull,
    handler: async ({ params, query, body, actor, url }, reply) => {
      const answer = await spec.read({ params: params as P, query: query as Q, body: body as B, actor })
      const { version, next } = answer as { version?: number | null; next?: string | null }
      if (version != null) reply.header('etag', `"${version}"`)
      if (next != null) reply.header('link', `<${withCursor(url, next)}>; rel="next"`)
      return answer
    },
  })
}

/** A file's bytes as the OpenAPI document has them. */
const binary = z.unknown().meta({ type: 'string', format: 'binary' })

/** A file that was sent, with the key it came under. */
interface Sent {
  readonly params: unknown
  readonly type: string
  readonly bytes: Buffer
  readonly actor: Actor
  readonly key: string
  readonly log: FastifyRequest['log']
}

/** Where to look for what becomes of a file, and how far it is. */
interface Taken<R> {
  readonly location: string
  readonly answer: R
}

interface UploadSpec<R> extends Spec {
  /** The media types it may have; no other body is read. */
  readonly types: readonly string[]
  readonly mostBytes: number
  readonly answer: z.ZodType<R>
  /** Takes it up; throwing Refused or Faults answers that. */
  take(sent: Sent): Taken<R> | Promise<Taken<R>>
}

/** Takes a file as the body of a POST: what it asks is done after the answer, which says where to look. */
export function uploadRoute<R>(app: FastifyInstance, { engine }: Services, spec: UploadSpec<R>): void {
  // In a scope of its own: no other route reads bodies of these types.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser([...spec.types], { parseAs: 'buffer', bodyLimit: spec.mostBytes }, (_, body, done) =>
      done(null, body),
    )
    scope.route({
      method: 'POST',
      url: spec.url,
      bodyLimit: spec.mostBytes,
      schema: {
        ...describe(spec),
        headers: keyed,
        ...(spec.params ? { params: spec.params } : {}),
        consumes: [...spec.types],
        body: binary,
        response: { 202: spec.answer, default: problem },
      },
      onRequest: (request) => admit(request, engine, spec.operation),
      preValidation: requireKey,
      handler: async (request, reply) => {
        const { actor, params, body: bytes, log } = request
        if (!Buffer.isBuffer(bytes)) throw new Refused('unsupported_media_type')
        const type = request.headers['content-type']!.replace(/\s*;.*$/, '').toLowerCase()
        const key = request.headers['idempotency-key'] as string
        const { location, answer } = await spec.take({ params, type, bytes, actor, key, log })
        reply.status(202).header('location', location)
        return answer
      },
    })
  })
}
