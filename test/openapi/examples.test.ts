/** The examples of the OpenAPI document are what the service answers: played again, letter for letter. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Examples } from '../../src/platform/openapi.js'
import { permissions } from '../../src/platform/permissions.js'
import { playExamples } from './examples.js'

const read = (file: string) => JSON.parse(readFileSync(new URL(`../../openapi/${file}`, import.meta.url), 'utf8'))
const examples = read('examples.json') as Examples
const document = read('openapi.json')

t.test('every example, asked of a service, is answered as it stands here', async (t) => {
  const played = await playExamples()
  for (const operation of Object.keys(played)) {
    t.same(played[operation], examples[operation], `${operation}: if that is meant, npm run openapi -- --examples`)
  }
  t.same(Object.keys(examples), Object.keys(played), 'and there are no others')
})

t.test('every operation has one of what is done, and the document shows them all', async (t) => {
  t.same(Object.keys(examples).sort(), Object.keys(permissions).sort())
  for (const methods of Object.values(document.paths as object)) {
    // biome-ignore lint/suspicious/noExplicitAny: an operation of the document
    for (const { operationId, parameters = [], requestBody, responses } of Object.values<any>(methods)) {
      for (const [name, { request, status, type, answer }] of Object.entries(examples[operationId]!)) {
        const shown = (media: { examples?: Record<string, { value: unknown }> }) => media?.examples?.[name]?.value
        t.same(shown(responses[status].content[type]), answer, `${operationId} ${name}: its answer`)
        t.same(shown(requestBody?.content[request.type ?? '']), request.body, `${operationId} ${name}: its body`)
      }
      const { request } = examples[operationId]!.done!
      for (const { name, in: place, required, example } of parameters) {
        if (place === 'path') t.same(example, request.params?.[name], `${operationId}: ${name}`)
        if (place === 'query') t.same(example, request.query?.[name], `${operationId}: ${name}`)
        if (required) t.ok(example !== undefined, `${operationId}: ${name} is needed and has one`)
      }
    }
  }
})
