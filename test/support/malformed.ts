/**
 * Malformed requests made from the OpenAPI document: of every operation, by everybody, with values that are nearly good,
 * hostile, or another tenant's. Whatever comes of them is judged: no fault, no hang, nothing of that other tenant, no
 * token in the log.
 */
import { Writable } from 'node:stream'
import type { Actor } from '../../src/core/actor.js'
import { openLog } from '../../src/platform/log.js'
import { type Role, roles } from '../../src/platform/permissions.js'
import { bureau, firm, uscc } from './scene.js'
import { testService } from './service.js'
import { Stage } from './stage.js'

type Schema = Readonly<Record<string, unknown>>
interface Operation {
  readonly operationId: string
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

/** What nobody but the other tenant may ever read. */
const CANARY = 'CANARY-合同'
/** An answer that takes longer will not come any more, in milliseconds. */
const HANGS = 30_000
const AT_ONCE = 8

const hostile: readonly unknown[] = [
  ...[null, true, 0, -1, 1.5, 1e308, 2 ** 53, '', ' ', '0', '-1.00', '1e3', '\u0000', '\ud800', '\u202e', '𠮷'],
  ...["'; drop table books; --", '{{7*7}}', '../../etc/passwd', '%00', '__proto__', 'constructor', 'NaN', '=1+1'],
  ...['x'.repeat(5000), '９'.repeat(20), '2026-02-30', '10000000000000.00', [], [[]], {}, { a: 1 }, ['a', 'a']],
]

/** Numbers in an order that the seed says. */
function chance(seed: number) {
  let state = seed | 0
  const random = (most: number) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) % most
  }
  return { random, pick: <T>(list: readonly T[]): T => list[random(list.length)]! }
}

/** Sends so many requests; returns what was not as it should be, and how often each status was answered. */
export async function sendMalformed(requests: number, seed: number) {
  const lines: string[] = []
  const sink = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk))
      done()
    },
  })
  const service = await testService('2026-03-02', {}, { logger: openLog('info', sink) })
  const findings: string[] = []
  const statuses = new Map<number, number>()
  try {
    const stage = new Stage(service.service.engine)
    const [own, other] = [await stage.place(), await stage.place({ jurisdiction: '330000' })]
    const mine = await stage.order(own, 'confirmed')
    const theirs = await stage.order(other, 'verified', { contractNo: CANARY })
    const known = [mine, theirs, mine.replace('O', 'V'), theirs.replace('O', 'V'), 'V330000-2', 'P330000-1', '330000']
    known.push(
      own.jurisdiction,
      own.program,
      own.enterprise,
      own.provider,
      other.program,
      other.enterprise,
      other.provider,
    )
    const actors: Actor[] = (Object.keys(roles) as Role[]).flatMap((role) => [
      { ...firm(uscc(7)), roles: [role] },
      { ...firm(own.enterprise), roles: [role] },
      { ...bureau(own.jurisdiction), roles: [role] },
      { ...firm(uscc(7)), roles: [role], jurisdiction: '340000' },
    ])
    const tokens = actors.map((actor) => service.token(actor))
    const document = service.service.app.swagger() as unknown as Document
    const maker = new Maker(document, known, seed)
    let sent = 0
    const lane = async () => {
      while (sent++ < requests) {
        const { url, ...request } = maker.next(tokens)
        const told = `${request.method} ${url} ${String(request.body).slice(0, 300)}`
        try {
          const signal = AbortSignal.timeout(HANGS)
          const answer = await fetch(service.base + url, { ...request, signal } as RequestInit)
          const text = await answer.text()
          statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
          if (answer.status >= 500) findings.push(`${answer.status} ${told}: ${text.slice(0, 300)}`)
          if (text.includes(CANARY)) findings.push(`tells of another tenant: ${told}`)
        } catch (error) {
          findings.push(`no answer (${error}): ${told}`)
        }
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    const log = lines.join('')
    if (tokens.some((token) => log.includes(token) || log.includes(token.split('.')[2]!)))
      findings.push('a token in the log')
  } finally {
    await service.close()
  }
  return { findings, statuses }
}

interface Made {
  readonly url: string
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: string | Buffer
}

/** Makes one request after another. */
class Maker {
  readonly #operations: readonly (Operation & { readonly path: string; readonly method: string })[]
  readonly #random: (most: number) => number
  readonly #pick: <T>(list: readonly T[]) => T
  #keys = 0

  constructor(
    readonly document: Document,
    readonly known: readonly unknown[],
    seed: number,
  ) {
    const { random, pick } = chance(seed)
    this.#random = random
    this.#pick = pick
    this.#operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method: method.toUpperCase() })),
    )
  }

  next(tokens: readonly string[]): Made {
    const operation = this.#pick(this.#operations)
    const { method, parameters = [], requestBody } = operation
    const text = (schema: Schema) => encoded(this.#value(schema))
    const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
      text(parameters.find((one) => one.name === name)?.schema ?? {}),
    )
    const query = parameters
      .filter((one) => one.in === 'query' && this.#random(3) === 0)
      .map(({ name, schema }) => `${name}=${text(schema)}`)
    if (this.#random(20) === 0) query.push(`${encoded(this.#pick(hostile))}=1`)
    const headers: Record<string, string> = {}
    if (this.#random(40) > 0) headers.authorization = `Bearer ${this.#pick(tokens)}`
    const body = requestBody && this.#body(Object.values(requestBody.content)[0]!.schema)
    if (method === 'POST') {
      headers['idempotency-key'] =
        this.#random(20) === 0 ? this.#pick(['same', 'x'.repeat(200), ' ']) : `m-${++this.#keys}`
      headers['content-type'] =
        this.#random(30) === 0
          ? this.#pick(['text/xml', 'application/json; charset=utf-16', 'multipart/form-data'])
          : 'application/json'
      if (this.#random(2) === 0) headers['if-match'] = this.#pick(['"1"', '"2"', '*', 'W/"1"', '1'])
    }
    if (this.#random(10) === 0) headers['accept-language'] = this.#pick(['en', 'x'.repeat(500), 'zh;q=abc'])
    const url = `${path}${query.length > 0 ? `?${query.join('&')}` : ''}`
    return { url, method, headers, ...(body === undefined || method === 'GET' ? {} : { body }) }
  }

  #body(schema: Schema): string | Buffer {
    const json = JSON.stringify(this.#value(schema)) ?? ''
    switch (this.#random(20)) {
      case 0:
        return json.slice(0, this.#random(json.length + 1))
      case 1:
        return Buffer.from(Buffer.from(json).map((byte) => (this.#random(30) === 0 ? this.#random(256) : byte)))
      case 2:
        return this.#pick(['null', '[]', '0', '""', `[${json}]`, json + json, '{"__proto__":{"a":1}}'])
      case 3:
        return json.replace('{', `{${JSON.stringify(String(this.#pick(hostile)))}:1,`)
      default:
        return json
    }
  }

  /** A value for a schema: mostly one that fits, sometimes one that somebody else owns, sometimes anything. */
  #value(schema: Schema, depth = 0): unknown {
    const lot = this.#random(12)
    if (lot === 0 || depth > 8) return this.#pick(hostile)
    if (typeof schema.$ref === 'string') {
      const path = schema.$ref.slice(2).split('/')
      return this.#value(path.reduce<unknown>((at, key) => (at as Schema)[key], this.document) as Schema, depth + 1)
    }
    const { type, enum: values, examples, properties, required, items } = schema
    if (type === 'object') {
      const fields = Object.entries((properties ?? {}) as Record<string, Schema>)
      const needed = new Set((required ?? []) as string[])
      const kept = fields.filter(([name]) => this.#random(needed.has(name) ? 15 : 2) > 0)
      return Object.fromEntries(kept.map(([name, one]) => [name, this.#value(one, depth + 1)]))
    }
    if (type === 'array') return Array.from({ length: this.#random(4) }, () => this.#value(items as Schema, depth + 1))
    const some = (schema.anyOf ?? schema.oneOf ?? schema.allOf) as Schema[] | undefined
    if (some) return this.#value(this.#pick(some), depth + 1)
    if (Array.isArray(values)) return this.#pick(values)
    if (lot < 6 && type === 'string') return this.#pick(this.known)
    if (Array.isArray(examples)) return this.#pick(examples)
    if (type === 'boolean') return this.#random(2) === 0
    if (type === 'integer' || type === 'number') return this.#random(200) - 10
    return this.#pick(['甲', 'text', '2026-03-01', '1.00', ...this.known])
  }
}

/** A value in an address, with half a character or a byte that is none if that is what it is. */
function encoded(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.isWellFormed() ? encodeURIComponent(text) : '%ED%A0%80'
}
