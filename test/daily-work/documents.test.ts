/** Documents that an application names: the bureau that reviews it reads them, and they stay. */
import postgres from 'postgres'
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { removeUnnamed } from '../../src/documents/sweep.js'
import { askOf } from '../support/ask.js'
import { png, upload } from '../support/documents.js'
import { bureau, firm } from '../support/scene.js'
import { china, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

t.test('what an application names is read by who reviews it, and is not forgotten', async (t) => {
  const running = await testService()
  t.teardown(running.close)
  const { service, base, token, clock, files, database } = running
  const ask = askOf(running)
  const stage = new Stage(service.engine)
  const place = await stage.place({ jurisdiction: '320509' })
  const applicant = firm(place.enterprise)
  const { document } = (await upload(running, applicant, 'image/png', png(1))).body
  const applied = await ask(applicant, 'POST', '/v1/applications', {
    enterprise: place.enterprise,
    program: place.program,
    amount: '100.00',
    documents: [{ name: '营业执照', sha256: document }],
  })
  t.equal(applied.status, 201)
  const read = async (actor: Actor) => {
    const headers = { authorization: `Bearer ${token(actor)}` }
    const response = await fetch(`${base}/v1/documents/${document}`, { headers })
    await response.arrayBuffer()
    return response.status
  }
  t.equal(await read(bureau('320509')), 200)
  t.equal(await read(bureau('320000')), 200, 'and by the bureaus above it')
  t.equal(await read(bureau('330110')), 404)
  t.equal(await read(firm(place.provider)), 404)

  clock.set(china('2026-05-01'))
  const sql = postgres(database.adminUrl, { max: 1, connection: { search_path: 'clearing' } })
  await removeUnnamed(files, sql as never, clock)
  await sql.end()
  t.equal(await read(bureau('320509')), 200, 'still there')
})
