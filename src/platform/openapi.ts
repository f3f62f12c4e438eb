import { readFileSync } from 'node:fs'
import { type RefusalCode, refusals } from '../core/refusals.js'

/** A request as it was asked of a real service, and its answer. */
export interface Example {
  readonly request: {
    readonly params?: Readonly<Record<string, string | number>>
    readonly query?: Readonly<Record<string, string | number>>
    readonly ifMatch?: number
    readonly type?: string
    readonly body?: unknown
  }
  readonly status: number
  readonly type: string
  readonly answer: unknown
}
/** Kept in openapi/examples.json: by operation, then `done` or the code of the refusal that it shows. */
export type Examples = Readonly<Record<string, Readonly<Record<string, Example>>>>

/** The parts of an OpenAPI document that are worked on here; everything else passes through. */
export interface OpenApiDocument {
  components?: { schemas?: Record<string, object>; responses?: Record<string, object> }
  paths?: Record<string, Record<string, ApiOperation>>
}
interface Media {
  schema?: object
  examples?: Record<string, { value: unknown }>
}
interface ApiOperation {
  operationId: string
  parameters?: { name: string; in: string; example?: unknown }[]
  requestBody?: {
    required?: boolean
    content: Record<string, Media & { schema: { required?: string[]; format?: string } }>
  }
  responses: Record<string, { description: string; content?: Record<string, Media> } | { $ref: string }>
}

/** Written by npm run openapi -- --examples, and played again by a test. */
const EXAMPLES = new URL('../../openapi/examples.json', import.meta.url)
const PROBLEM = 'application/problem+json'
const REFERENCE = /"#\/components\/schemas\/([\w.-]+)"/g

/**
 * Finishes the generated document: each schema once, every refusal an operation can answer by status with its code, an
 * example of every operation, paths and components in order, so that the same contracts always give the same text.
 */
export function finishDocument<D extends object>(
  generated: D,
  refusalsOf: Readonly<Record<string, readonly RefusalCode[]>>,
): D {
  const document = collapseSchemas(generated as OpenApiDocument)
  const examples = JSON.parse(readFileSync(EXAMPLES, 'utf8')) as Examples
  const responses = new Map<string, { response: object; places: { of: ApiOperation['responses']; status: string }[] }>()
  for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path))) {
    finishOperation(operation)
    for (const [status, codes] of byStatus(refusalsOf[operation.operationId] ?? [])) {
      const name = codes.join('.')
      const known = responses.get(name) ?? { response: refusalResponse(codes), places: [] }
      known.places.push({ of: operation.responses, status })
      responses.set(name, known)
    }
  }
  const shared: Record<string, object> = {}
  for (const [name, { response, places }] of responses) {
    if (places.length > 1) shared[name] = response
    for (const { of, status } of places) {
      of[status] = (places.length > 1 ? { $ref: `#/components/responses/${name}` } : response) as never
    }
  }
  for (const operation of Object.values(document.paths ?? {}).flatMap((path) => Object.values(path))) {
    for (const [name, example] of Object.entries(examples[operation.operationId] ?? {})) {
      addExample(operation, name, example, shared)
    }
  }
  return {
    ...document,
    components: { ...document.components, responses: sorted(shared), schemas: sorted(document.components!.schemas!) },
    paths: sorted(document.paths ?? {}, (path) => sorted(path)),
  } as unknown as D
}

/** The generator writes every named schema twice, as taken and as given: one is kept where they say the same. */
function collapseSchemas(document: OpenApiDocument): OpenApiDocument {
  const schemas = document.components?.schemas ?? {}
  const isUsed = usedIn(document.paths, schemas)
  const names = new Map<string, string>()
  const plain = (name: string) => JSON.stringify(schemas[name]).replaceAll(/Input"/g, '"')
  for (const name of Object.keys(schemas)) {
    const base = name.replace(/Input$/, '')
    if (base === name || !(base in schemas)) continue
    if (!isUsed.has(base) || plain(base) === plain(name)) names.set(name, base)
  }
  const kept: Record<string, object> = {}
  for (const name of isUsed) {
    const base = names.get(name)
    if (base === undefined || !isUsed.has(base)) kept[base ?? name] = schemas[name]!
  }
  const text = JSON.stringify({ ...document, components: { ...document.components, schemas: kept } })
  return JSON.parse(
    text.replaceAll(REFERENCE, (_, name: string) => `"#/components/schemas/${names.get(name) ?? name}"`),
  ) as OpenApiDocument
}

/** The names of the schemas that something refers to, directly or through another schema. */
function usedIn(paths: unknown, schemas: Record<string, object>): Set<string> {
  const used = new Set<string>(['Problem'])
  const open = [JSON.stringify(paths), JSON.stringify(schemas.Problem)]
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    for (const [, name] of text.matchAll(REFERENCE)) {
      if (used.has(name!)) continue
      used.add(name!)
      open.push(JSON.stringify(schemas[name!]))
    }
  }
  return used
}

const nextPage = {
  description: 'The next page, rel="next" (RFC 8288), if there is one 下一页',
  schema: { type: 'string' },
}
const successes: Readonly<Record<string, string>> = { 200: 'Done 成功', 201: 'Created 已创建' }

function finishOperation(operation: ApiOperation): void {
  for (const parameter of operation.parameters ?? []) {
    if (parameter.name === 'idempotency-key') parameter.name = 'Idempotency-Key'
  }
  const { requestBody, responses } = operation
  if (requestBody) {
    requestBody.required = Object.values(requestBody.content).some(
      ({ schema }) => (schema.required ?? []).length > 0 || schema.format === 'binary',
    )
  }
  for (const [status, description] of Object.entries(successes)) {
    if (responses[status]) Object.assign(responses[status], { description })
  }
  const isPaged = operation.parameters?.some(({ name }) => name === 'cursor')
  if (isPaged && responses['200']) Object.assign(responses['200'], { headers: { Link: nextPage } })
  responses.default = {
    description: 'Any other refusal or fault 其他拒绝或故障',
    content: { [PROBLEM]: { schema: { $ref: '#/components/schemas/Problem' } } },
  }
}

/** Adds an example's body and answer; what is done says the parameters, too. */
function addExample(
  operation: ApiOperation,
  name: string,
  { request, status, type, answer }: Example,
  shared: Readonly<Record<string, object>>,
): void {
  const { params = {}, query = {}, ifMatch } = request
  const headers = { 'Idempotency-Key': `${operation.operationId}-1`, 'if-match': ifMatch && `"${ifMatch}"` }
  const said: Record<string, Readonly<Record<string, unknown>>> = { path: params, query, header: headers }
  for (const parameter of name === 'done' ? (operation.parameters ?? []) : []) {
    const example = said[parameter.in]?.[parameter.name]
    if (example !== undefined) parameter.example = example
  }
  // An answer that is shared with other operations becomes this one's own.
  const found = operation.responses[status]
  if (found && '$ref' in found)
    operation.responses[status] = structuredClone(shared[found.$ref.split('/').at(-1)!]) as never
  const response = operation.responses[status] as { content?: Record<string, Media> } | undefined
  for (const [media, value] of [
    [operation.requestBody?.content[request.type ?? ''], request.body],
    [response?.content?.[type], answer],
  ] as [Media | undefined, unknown][]) {
    if (media) media.examples = { ...media.examples, [name]: { value } }
  }
}

function byStatus(codes: readonly RefusalCode[]): Map<string, RefusalCode[]> {
  const found = new Map<string, RefusalCode[]>()
  for (const code of codes) {
    const status = String(refusals[code].status)
    found.set(status, [...(found.get(status) ?? []), code])
  }
  return found
}

function refusalResponse(codes: readonly RefusalCode[]): object {
  return {
    description: codes.map((code) => `\`${code}\` ${refusals[code].en} ${refusals[code].zh}`).join('\n\n'),
    content: {
      [PROBLEM]: {
        schema: { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }] },
      },
    },
  }
}

function sorted<T>(table: Readonly<Record<string, T>>, each: (value: T) => T = (value) => value): Record<string, T> {
  return Object.fromEntries(
    Object.entries(table)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => [name, each(value)]),
  )
}
