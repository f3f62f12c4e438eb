import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type FieldFault, fieldFaults } from '../core/faults.js'
import { Expected, type Refusal, type RefusalCode, Refused, refusals, refuse } from '../core/refusals.js'

/** An RFC 9457 problem: what every refusal and fault looks like on the wire. */
export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.enum(Object.keys(refusals) as [RefusalCode, ...RefusalCode[]]),
    detail: z.string(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).optional(),
    errors: z.array(z.object({ pointer: z.string(), code: z.string(), message: z.string() })).optional(),
    traceId: z.string(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' })

type Language = 'zh' | 'en'

/** Chinese unless English is what the reader asks for first. */
export function languageOf(request: FastifyRequest): Language {
  const wanted = (request.headers['accept-language'] ?? '')
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';')
      const q = parameters.map((p) => /^\s*q=([\d.]+)$/.exec(p)?.[1]).find((value) => value !== undefined)
      return { tag, weight: q === undefined ? 1 : Number(q) }
    })
    .filter(({ tag, weight }) => weight > 0 && /^(zh|en)\b/.test(tag))
    .sort((a, b) => b.weight - a.weight)[0]
  return wanted?.tag.startsWith('en') ? 'en' : 'zh'
}

/** One thing wrong with a request: a JSON pointer into it and what is wrong there. */
interface Fault {
  readonly pointer: string
  readonly code: FieldFault
}

/** Thrown by validation with everything that is wrong at once. */
export class Faults extends Expected {
  readonly faults: readonly Fault[]
  constructor(faults: readonly Fault[]) {
    super('validation_failed')
    this.faults = faults
  }
}

const escaped = (part: PropertyKey) => String(part).replaceAll('~', '~0').replaceAll('/', '~1')
const pointer = (part: string, path: readonly PropertyKey[]) => [`/${part}`, ...path.map(escaped)].join('/')

/** So many faults are told at once; a body of nothing but faults must not become an answer many times its size. */
const MOST_FAULTS = 100

/** Turns what zod found into faults of the catalogue, the first of each field; `part` is where it was found: body, params, query or headers. */
export function faultsOf(part: string, error: z.ZodError, given: unknown): Faults {
  const faults = error.issues.slice(0, MOST_FAULTS).flatMap((issue): Fault[] => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys
        .slice(0, MOST_FAULTS)
        .map((key) => ({ pointer: pointer(part, [...issue.path, key]), code: 'unknown_field' }))
    }
    return [{ pointer: pointer(part, issue.path), code: codeOf(issue, valueAt(given, issue.path)) }]
  })
  const first = new Map([...faults].reverse().map((fault) => [fault.pointer, fault]))
  return new Faults([...first.values()].reverse().slice(0, MOST_FAULTS))
}

function codeOf(issue: z.core.$ZodIssue, value: unknown): FieldFault {
  if (value === undefined) return 'required'
  if (issue.code === 'invalid_type') return 'wrong_type'
  if (issue.message in fieldFaults) return issue.message as FieldFault
  if (issue.code === 'invalid_value') return 'not_one_of'
  return 'out_of_range'
}

function valueAt(given: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key], given)
}

/** Answers a refusal as a problem in the reader's language. */
export function sendRefusal(request: FastifyRequest, reply: FastifyReply, refusal: Refusal, faults?: readonly Fault[]) {
  const language = languageOf(request)
  const { refused: code } = refusal
  const entry = refusals[code]
  // In one order, whether it was just decided or is read back: the same key gets the same answer, letter for letter.
  const pairs = Object.entries(refusal.details ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  const details = pairs.length > 0 ? Object.fromEntries(pairs) : undefined
  const figures = pairs.map(([name, value]) => `${name}: ${value}`)
  if (entry.status === 503) reply.header('retry-after', '1')
  if (entry.status === 401) reply.header('www-authenticate', 'Bearer')
  return reply
    .status(entry.status)
    .type('application/problem+json')
    .header('content-language', language)
    .header('vary', 'Accept-Language')
    .serializer(JSON.stringify)
    .send({
      type: `/docs/refusals#${code}`,
      title: entry[language],
      status: entry.status,
      code,
      detail: figures.length > 0 ? `${entry[language]} (${figures.join(', ')})` : entry[language],
      ...(details ? { details } : {}),
      ...(faults ? { errors: faults.map((fault) => ({ ...fault, message: fieldFaults[fault.code][language] })) } : {}),
      traceId: request.id,
    })
}

const frameworkRefusals: Record<string, RefusalCode> = {
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed_json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_BAD_URL: 'route_not_found',
}

/** Answers whatever was thrown: a refusal as itself, anything else as a fault that says nothing but its trace. */
export function errorHandler(error: FastifyError | Error, request: FastifyRequest, reply: FastifyReply) {
  if (error instanceof Faults) return sendRefusal(request, reply, refuse('validation_failed'), error.faults)
  if (error instanceof Refused) return sendRefusal(request, reply, error.refusal)
  const known = frameworkRefusals[(error as FastifyError).code ?? '']
  if (known) return sendRefusal(request, reply, refuse(known))
  // A body that JSON.parse or the framework itself has refused is the caller's, not a fault of ours.
  const { statusCode } = error as FastifyError
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return sendRefusal(request, reply, refuse('malformed_json'))
  }
  request.log.error({ err: error }, 'fault')
  return sendRefusal(request, reply, refuse('internal_fault'))
}
