/** A client generated from the OpenAPI document: its types compile strictly, and describe what the service does. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import openapiTS, { astToString } from 'openapi-typescript'
import t from 'tap'
import ts from 'typescript'
import type { Examples } from '../../src/platform/openapi.js'
import { firm } from '../support/scene.js'
import { testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

const document = JSON.parse(readFileSync(new URL('../../openapi/openapi.json', import.meta.url), 'utf8'))
const folder = mkdtempSync(join(tmpdir(), 'client-'))
t.teardown(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'api.d.ts'), astToString(await openapiTS(document)))

/** A small client over the generated types: a path, its parameters and its answer belong together. */
const CLIENT = `
import type { components, paths } from './api.js'
type Order = components['schemas']['Order']
type Listed = paths['/v1/orders']['get']['responses'][200]['content']['application/json']
type Asked = NonNullable<paths['/v1/orders']['get']['parameters']['query']>

export class Client {
  constructor(private readonly base: string, private readonly token: string) {}
  async orders(asked: Asked): Promise<Listed> {
    return (await this.get('/v1/orders?' + new URLSearchParams(asked as Record<string, string>))) as Listed
  }
  async order(order: string): Promise<Order> {
    return (await this.get('/v1/orders/' + order)) as Order
  }
  private async get(path: string): Promise<unknown> {
    const answer = await fetch(this.base + path, { headers: { authorization: 'Bearer ' + this.token } })
    if (!answer.ok) throw (await answer.json()) as components['schemas']['Problem']
    return answer.json()
  }
}
export const heldOf = ({ state, held }: Order): string => (state === 'filed' ? held : '0.00')
`
const options: ts.CompilerOptions = {
  strict: true,
  noEmitOnError: false,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
  types: [],
  outDir: folder,
}
function compile(name: string, source: string): string[] {
  const file = join(folder, name)
  writeFileSync(file, source)
  const program = ts.createProgram([file], options)
  program.emit()
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

t.test('the generated types compile under strict, and refuse what is not so', async (t) => {
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  t.same(compile('client.ts', CLIENT), [])
  const wrong = compile('wrong.ts', CLIENT.replace("state === 'filed'", "state === 'nowhere'"))
  t.match(wrong.join(), /no overlap/, 'a state that does not exist is an error')
})

t.test('the examples are of the generated types', async (t) => {
  const file = readFileSync(new URL('../../openapi/examples.json', import.meta.url), 'utf8')
  const examples = JSON.parse(file) as Examples
  const lines: string[] = []
  const isOf = (type: string, value: unknown) => lines.push(`;(${JSON.stringify(value)}) satisfies ${type}`)
  for (const [path, methods] of Object.entries(document.paths as object)) {
    for (const [method, { operationId }] of Object.entries<{ operationId: string }>(methods)) {
      const operation = `paths['${path}']['${method}']`
      for (const { request, status, type, answer } of Object.values(examples[operationId]!)) {
        isOf(`${operation}['responses'][${status}]['content']['${type}']`, answer)
        if (request.type) isOf(`NonNullable<${operation}['requestBody']>['content']['${request.type}']`, request.body)
        if (request.params) isOf(`${operation}['parameters']['path']`, request.params)
        if (request.query) isOf(`NonNullable<${operation}['parameters']['query']>`, request.query)
      }
    }
  }
  t.ok(lines.length > 200, `${lines.length} of them`)
  t.same(compile('examples.ts', `import type { paths } from './api.js'\n${lines.join('\n')}`), [])
})

t.test('the client asks the service', async (t) => {
  const service = await testService()
  t.teardown(() => service.close())
  const stage = new Stage(service.service.engine)
  const place = await stage.place()
  const order = await stage.order(place, 'filed')
  const { Client, heldOf } = await import(join(folder, 'client.js'))
  const client = new Client(service.base, service.token({ ...firm(place.enterprise), roles: ['enterprise'] }))
  const { items, next } = await client.orders({ state: 'filed', limit: 1 })
  t.equal(items[0].order, order)
  t.equal(next, null)
  t.equal(heldOf(await client.order(order)), '100.00')
  await t.rejects(client.order('O310000-999999'), { code: 'order_not_found', status: 404 })
})
