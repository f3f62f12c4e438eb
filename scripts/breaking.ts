/** What of a new OpenAPI document breaks a client that was made from an older one. */

type Schema = Record<string, unknown>
interface Operation {
  parameters?: { name: string; in: string; required?: boolean; schema?: Schema }[]
  requestBody?: { required?: boolean; content: Record<string, { schema?: Schema }> }
  responses: Record<string, { content?: Record<string, { schema?: Schema }> }>
}
export interface Document {
  paths: Record<string, Record<string, Operation>>
  components?: object
}

/** A client writes requests: more must not be asked of it. It reads answers: nothing of them may go. */
type Side = 'request' | 'answer'

/**
 * A sentence for each: an operation, parameter, field or kind of answer that is gone, something newly required, an enum
 * that takes less, another type. A client is to bear values it does not know, and refusals, which may come and go.
 */
export function breakingChanges(released: Document, current: Document): string[] {
  const found: string[] = []
  for (const [path, methods] of Object.entries(released.paths)) {
    for (const [method, before] of Object.entries(methods)) {
      const name = `${method.toUpperCase()} ${path}`
      const after = current.paths[path]?.[method]
      if (after) compareOperation(name, before, after)
      else found.push(`${name} is gone`)
    }
  }
  return found

  function compareOperation(name: string, before: Operation, after: Operation): void {
    const parameterOf = (operation: Operation, wanted: { name: string; in: string }) =>
      operation.parameters?.find((one) => one.name === wanted.name && one.in === wanted.in)
    for (const old of before.parameters ?? []) {
      const now = parameterOf(after, old)
      if (!now) found.push(`${name}: parameter ${old.name} is gone`)
      else if (now.required && !old.required) found.push(`${name}: parameter ${old.name} is needed now`)
      else compare('request', `${name} ${old.name}`, old.schema, now.schema)
    }
    for (const now of after.parameters ?? []) {
      if (now.required && !parameterOf(before, now)) found.push(`${name}: parameter ${now.name} is needed now`)
    }
    if (after.requestBody?.required && !before.requestBody?.required) found.push(`${name}: a body is needed now`)
    for (const [type, { schema }] of Object.entries(before.requestBody?.content ?? {})) {
      const now = after.requestBody?.content[type]
      if (now) compare('request', `${name} body`, schema, now.schema)
      else found.push(`${name}: a body of ${type} is not taken any more`)
    }
    for (const [status, answer] of Object.entries(before.responses).filter(([status]) => status.startsWith('2'))) {
      for (const [type, { schema }] of Object.entries(answer.content ?? {})) {
        const now = after.responses[status]?.content?.[type]
        if (now) compare('answer', `${name} ${status}`, schema, now.schema)
        else found.push(`${name}: ${status} of ${type} is gone`)
      }
    }
  }

  function compare(side: Side, where: string, old: Schema | undefined, now: Schema | undefined, depth = 0): void {
    const [before, after] = [resolved(released, old), resolved(current, now)]
    if (depth > 20 || before === undefined) return
    if (after === undefined) return void found.push(`${where}: is not described any more`)
    const types = (schema: Schema) => JSON.stringify([schema.type ?? null].flat().sort())
    if (types(before) !== types(after)) found.push(`${where}: ${types(before)} has become ${types(after)}`)
    compareEnums(side, where, valuesOf(before), valuesOf(after))
    const [fields, left] = [before.properties ?? {}, after.properties ?? {}] as Record<string, Schema>[]
    const needs = (schema: Schema) => new Set((schema.required as string[] | undefined) ?? [])
    for (const [field, schema] of Object.entries(fields!)) {
      if (!left![field]) found.push(`${where}: field ${field} is gone`)
      else compare(side, `${where} ${field}`, schema, left![field], depth + 1)
      if (side === 'answer' && needs(before).has(field) && left![field] && !needs(after).has(field)) {
        found.push(`${where}: field ${field} may be missing now`)
      }
    }
    for (const field of needs(after)) {
      if (side === 'request' && !needs(before).has(field)) found.push(`${where}: field ${field} is needed now`)
    }
    if (before.items || after.items)
      compare(side, `${where}[]`, before.items as Schema, after.items as Schema, depth + 1)
    for (const many of ['anyOf', 'oneOf', 'allOf']) {
      const [some, rest] = [before[many] ?? [], after[many] ?? []] as Schema[][]
      if (some!.length > rest!.length) found.push(`${where}: one of its ${some!.length} forms is gone`)
      some!.forEach((schema, n) => {
        if (rest![n]) compare(side, where, schema, rest![n], depth + 1)
      })
    }
  }

  function compareEnums(side: Side, where: string, before?: readonly unknown[], after?: readonly unknown[]): void {
    if (side === 'request' && after && !before) found.push(`${where}: takes only some values now`)
    for (const value of before ?? []) {
      if (side === 'request' && after && !after.includes(value)) found.push(`${where}: ${value} is not taken any more`)
    }
    if (side === 'answer' && before && !after) found.push(`${where}: may be any value now`)
  }
}

const valuesOf = (schema: Schema) =>
  (schema.enum as unknown[] | undefined) ?? ('const' in schema ? [schema.const] : undefined)

function resolved(document: Document, schema: Schema | undefined): Schema | undefined {
  if (typeof schema?.$ref !== 'string') return schema
  const path = schema.$ref.slice(2).split('/')
  const found = path.reduce<unknown>((value, key) => (value as Schema | undefined)?.[key], document)
  return resolved(document, found as Schema | undefined)
}
