/** What breaks a client of the released interface is found, and what does not is not. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { breakingChanges, type Document } from '../../scripts/breaking.js'

const text = readFileSync(new URL('../../openapi/openapi.json', import.meta.url), 'utf8')
// biome-ignore lint/suspicious/noExplicitAny: a document, changed where the case wants it
type Changed = any
const changed = (change: (document: Changed) => void) => {
  const document = JSON.parse(text)
  change(document)
  return document as Document
}
const same = JSON.parse(text) as Document
const orders = (document: Changed) => document.paths['/v1/orders']
const schema = (document: Changed, name: string) => document.components.schemas[name]
const bodyOf = (document: Changed) => orders(document).post.requestBody.content['application/json'].schema

const breaks: [string, (document: Changed) => void, RegExp][] = [
  ['an operation is gone', (d) => delete d.paths['/v1/orders'].get, /^GET \/v1\/orders is gone$/],
  ['a path is gone', (d) => delete d.paths['/v1/sweeps'], /\/v1\/sweeps is gone/],
  ['a field of an answer is gone', (d) => delete schema(d, 'Order').properties.held, /field held is gone/],
  ['a field of an answer may be missing', (d) => schema(d, 'Order').required.shift(), /field order may be missing now/],
  [
    'a field of a request is needed',
    (d) => {
      bodyOf(d).properties.extra = { type: 'string' }
      bodyOf(d).required.push('extra')
    },
    /^POST \/v1\/orders body: field extra is needed now$/,
  ],
  ['a field of a request is not taken', (d) => delete bodyOf(d).properties.category, /field category is gone/],
  [
    'an enum takes less',
    (d) => schema(d, 'Category').enum.shift(),
    /POST \/v1\/orders body category: instrument is not taken any more/,
  ],
  [
    'an enum where there was none',
    (d) => {
      bodyOf(d).properties.contractNo.enum = ['a']
    },
    /contractNo: takes only some values now/,
  ],
  [
    'another type',
    (d) => {
      schema(d, 'Order').properties.version.type = 'string'
    },
    /version: \["number"\] has become \["string"\]/,
  ],
  [
    'a parameter is needed',
    (d) => {
      orders(d).get.parameters.push({ name: 'book', in: 'query', required: true, schema: {} })
    },
    /^GET \/v1\/orders: parameter book is needed now$/,
  ],
  ['a parameter is gone', (d) => orders(d).get.parameters.shift(), /^GET \/v1\/orders: parameter \w+ is gone$/],
  [
    'another status when it is done',
    (d) => {
      const { responses } = orders(d).post
      responses['200'] = responses['201']
      delete responses['201']
    },
    /^POST \/v1\/orders: 201 of application\/json is gone$/,
  ],
]

t.test('what breaks a client', async (t) => {
  for (const [title, change, finding] of breaks) {
    const found = breakingChanges(same, changed(change))
    t.ok(
      found.some((one) => finding.test(one)),
      `${title}: ${found.slice(0, 3).join('; ')}`,
    )
  }
})

t.test('what does not', async (t) => {
  const harmless: [string, (document: Changed) => void][] = [
    ['nothing', () => {}],
    ['another operation', (d) => (d.paths['/v1/more'] = orders(d))],
    ['a field more in an answer', (d) => (schema(d, 'Order').properties.more = { type: 'string' })],
    ['a field that may be asked', (d) => (bodyOf(d).properties.more = { type: 'string' })],
    ['a value more', (d) => schema(d, 'Category').enum.push('more')],
    ['another refusal', (d) => (orders(d).get.responses['418'] = { content: {} })],
    ['other words', (d) => (orders(d).get.summary = 'other')],
    ['no examples', (d) => delete orders(d).post.requestBody.content['application/json'].examples],
  ]
  for (const [title, change] of harmless) t.same(breakingChanges(same, changed(change)), [], title)
})
