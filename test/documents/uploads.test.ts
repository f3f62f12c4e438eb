/** Uploading, keeping, reading and removing files, over HTTP and on a real disk. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { MOST_BYTES, MOST_BYTES_A_DAY } from '../../src/documents/contract.js'
import { removeUnnamed } from '../../src/documents/sweep.js'
import { openFiles } from '../../src/platform/files.js'
import { askOf } from '../support/ask.js'
import { jpeg, ofd, pdf, png, upload } from '../support/documents.js'
import { uscc } from '../support/scene.js'
import { china, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

const service = await testService('2026-03-02')
const admin = postgres(service.database.adminUrl, {
  max: 2,
  onnotice: () => {},
  connection: { search_path: 'clearing' },
})
t.teardown(async () => {
  await admin.end()
  await service.close()
})
const { base, token, clock, files, folder } = service
const ask = askOf(service)
const stage = new Stage(service.service.engine)

const provider = (code: string): Actor => ({ subject: `p ${code}`, organisation: code, roles: ['provider'] })
const enterprise = (code: string): Actor => ({ subject: `e ${code}`, organisation: code, roles: ['enterprise'] })
const officer = (jurisdiction: string): Actor => ({
  subject: 'chen',
  organisation: `bureau ${jurisdiction}`,
  roles: ['officer'],
  jurisdiction,
})
const somebody = provider(uscc(1))
const sha = (content: Uint8Array) => createHash('sha256').update(content).digest('hex')
/** Every file below a folder. */
async function filesIn(below: string): Promise<string[]> {
  const found = await readdir(below, { recursive: true, withFileTypes: true })
  return found.filter((one) => one.isFile()).map(({ name }) => name)
}
const download = (actor: Actor, document: string) =>
  fetch(`${base}/v1/documents/${document}`, { headers: { authorization: `Bearer ${token(actor)}` } })

t.test('a file goes by its SHA-256, comes back as it went, and is never shown in place', async (t) => {
  for (const [type, content] of [
    ['application/pdf', pdf()],
    ['image/png', png()],
    ['image/jpeg', jpeg()],
    ['application/ofd', ofd()],
  ] as const) {
    const { status, body } = await upload(service, somebody, type, content)
    t.match([status, body], [201, { document: sha(content), bytes: content.length }], type)
    const response = await download(somebody, body.document)
    t.same(Buffer.from(await response.arrayBuffer()), content)
    t.match(Object.fromEntries(response.headers), {
      'content-type': 'application/octet-stream',
      'content-disposition': `attachment; filename="${body.document}.${body.type}"`,
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'private, no-store',
    })
  }
  const again = await upload(service, somebody, 'image/png', png())
  t.match(again, { status: 201, body: { document: sha(png()) } }, 'the same once more is the same')
  t.equal((await filesIn(folder)).filter((name) => name === sha(png())).length, 1)
})

t.test('what is not taken is refused and leaves nothing', async (t) => {
  const before = (await filesIn(folder)).sort()
  const refused = async (type: string, content: Uint8Array | string) =>
    (({ status, body }) => [status, body.code, body.details?.reason])(await upload(service, somebody, type, content))
  t.same(await refused('image/png', pdf()), [422, 'document_refused', 'not_as_declared'])
  t.same(await refused('application/pdf', ''), [422, 'document_refused', 'not_as_declared'])
  t.same(await refused('application/pdf', Buffer.concat([pdf(), ofd()])), [422, 'document_refused', 'two_formats'])
  t.same(await refused('text/html', '<html>'), [415, 'unsupported_media_type', undefined])
  t.same(await refused('application/zip', ofd()), [415, 'unsupported_media_type', undefined])
  t.same(await refused('application/json', '{}'), [415, 'unsupported_media_type', undefined])
  t.same((await filesIn(folder)).sort(), before)
  const headers = { authorization: `Bearer ${token(somebody)}` }
  t.equal((await fetch(`${base}/v1/documents`, { method: 'POST', headers })).status, 415, 'no body, no type')
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /v1/documents HTTP/1.1\r\nhost: x\r\nauthorization: ${headers.authorization}\r\ncontent-type: image/png\r\nconnection: close\r\n\r\n`,
  )
  t.match(await text(socket), /^HTTP\/1\.1 4/, 'a type and no body')
  t.equal((await fetch(`${base}/v1/documents`, { method: 'POST', body: png() })).status, 401)
  t.equal((await upload(service, officer('320509'), 'image/png', png())).status, 403, 'bureaus upload nothing')
})

t.test('size: what is too large is refused, said before or found out', async (t) => {
  const before = (await filesIn(folder)).sort()
  const large = Buffer.concat([png(), Buffer.alloc(MOST_BYTES)])
  t.match(await upload(service, somebody, 'image/png', large), { status: 413, body: { code: 'body_too_large' } })
  const endless = Readable.toWeb(
    Readable.from(
      (function* () {
        for (let sent = 0; sent <= MOST_BYTES; sent += 2 ** 20) yield Buffer.alloc(2 ** 20)
      })(),
    ),
  )
  const headers = { authorization: `Bearer ${token(somebody)}`, 'content-type': 'image/png' }
  const asked = { method: 'POST', headers, body: endless, duplex: 'half' } as unknown as RequestInit
  // Either it hears why, or the service has hung up on it.
  const answer = await fetch(`${base}/v1/documents`, asked).catch(() => undefined)
  t.ok(answer === undefined || answer.status === 413)
  t.same((await filesIn(folder)).sort(), before)
})

t.test('so much a day for an organisation, exactly, also at once', async (t) => {
  const busy = provider(uscc(2))
  await admin`insert into document_days values (${busy.organisation}, '2026-03-02', ${MOST_BYTES_A_DAY - 3 * png(1).length})`
  const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => upload(service, busy, 'image/png', png(n + 1))))
  t.same(answers.map(({ status }) => status).sort(), [201, 201, 201, 429, 429, 429, 429, 429])
  t.match(answers.find(({ status }) => status === 429)!.body, { code: 'upload_limit_reached' })
  t.equal((await upload(service, provider(uscc(3)), 'image/png', png(1))).status, 201, 'of others nothing is taken')
  for (const { status, body } of answers) if (status === 201) t.ok(await files.has(body.document))
})

/** Sends the beginning of an upload and hangs up. */
async function cutOff(content: Buffer, said: number): Promise<void> {
  const { hostname, port } = new URL(base)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.write(
    `POST /v1/documents HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token(somebody)}\r\ncontent-type: application/pdf\r\ncontent-length: ${said}\r\n\r\n`,
  )
  socket.write(content)
  // Until it has arrived, so that it is cut off in the middle.
  await until(async () => (await filesIn(folder)).some((name) => name.includes('-')))
  socket.destroy()
}
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10))
}

t.test('an upload that is cut off leaves nothing', async (t) => {
  const before = (await filesIn(folder)).sort()
  await cutOff(pdf(), 1_000_000)
  await until(async () => !(await filesIn(folder)).some((name) => name.includes('-')))
  t.same((await filesIn(folder)).sort(), before)
  t.equal((await upload(service, somebody, 'application/pdf', pdf())).status, 201, 'and the next one is taken')
})

t.test('a full disk is said to be one, and leaves nothing', async (t) => {
  const incoming = join(folder, 'incoming')
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', incoming]).status === 0
  if (!mounted) return void t.comment('a small disk can only be made by root')
  try {
    const answer = await upload(service, somebody, 'application/pdf', pdf(' '.repeat(2 ** 20)))
    t.match(answer, { status: 507, body: { code: 'storage_unavailable' } })
    t.same(await readdir(incoming), [])
  } finally {
    spawnSync('umount', [incoming])
  }
  t.equal((await upload(service, somebody, 'application/pdf', pdf(' '.repeat(2 ** 20)))).status, 201, 'afterwards')
})

t.test('a disk that is not there', async (t) => {
  const nowhere = openFiles('/dev/null/documents')
  await t.rejects(nowhere.receive(Readable.from([png()]), 10_000), { message: 'storage_unavailable' })
})

t.test('a hundred uploads at once take no more memory than their pieces', async (t) => {
  const size = 5 * 2 ** 20
  const block = Buffer.alloc(64 * 1024, ' ')
  const body = () =>
    Readable.toWeb(
      Readable.from(
        (function* () {
          yield Buffer.from('%PDF-1.4\n')
          for (let sent = 0; sent < size; sent += block.length) yield block
          yield Buffer.from(`${Math.random()}\n%%EOF\n`)
        })(),
      ),
    )
  global.gc?.()
  let most = 0
  const before = process.memoryUsage().rss
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss - before)
  }, 20)
  const statuses = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const headers = { authorization: `Bearer ${token(provider(uscc(4)))}`, 'content-type': 'application/pdf' }
      const asked = { method: 'POST', headers, body: body(), duplex: 'half' } as unknown as RequestInit
      const response = await fetch(`${base}/v1/documents`, asked)
      await response.arrayBuffer()
      return response.status
    }),
  )
  clearInterval(timer)
  t.same([...new Set(statuses)], [201])
  // 500 MB have come in; the clients in this process hold pieces of their own.
  t.comment(`${Math.round(most / 2 ** 20)} MB at most`)
  t.ok(most < 250 * 2 ** 20, `${Math.round(most / 2 ** 20)} MB`)
})

// --- whose they are

async function claimed(t: Test, number: number, content: Buffer) {
  const place = await stage.place({ jurisdiction: '320509', program: `D-${number}` })
  const order = await stage.order(place, 'confirmed')
  const { document } = (await upload(service, provider(place.provider), 'image/png', content)).body
  const claim = {
    invoiceNo: String(number).padStart(20, '26'),
    invoiceAmount: '1000.00',
    evidence: [{ kind: 'contract', sha256: document }],
  }
  const answer = await ask(provider(place.provider), 'POST', `/v1/orders/${order}/claim`, claim)
  t.match(answer, { status: 200, body: { result: { state: 'submitted' } } })
  return { ...place, order, document: document as string, claim }
}

t.test(
  'a document is read by who uploaded it and who sees an order that names it; its digest opens nothing',
  async (t) => {
    const { enterprise: firm, provider: lab, document } = await claimed(t, 1, png(100))
    const statusFor = async (actor: Actor) => (await download(actor, document)).status
    t.equal(await statusFor(provider(lab)), 200, 'who uploaded it')
    t.equal(await statusFor(enterprise(firm)), 200, "the order's enterprise")
    for (const jurisdiction of ['320509', '320500', '320000', '000000']) {
      t.equal(await statusFor(officer(jurisdiction)), 200, `an officer of ${jurisdiction}`)
    }
    for (const jurisdiction of ['320508', '330000', '310000']) {
      t.equal(await statusFor(officer(jurisdiction)), 404, `an officer of ${jurisdiction}`)
    }
    t.equal(await statusFor(provider(uscc(9))), 404, 'another provider')
    t.equal(
      await statusFor({ ...enterprise(uscc(9)), jurisdiction: '320509' }),
      404,
      'a firm that claims a jurisdiction',
    )

    const unnamed = sha(png(1))
    t.equal((await download(officer('000000'), unnamed)).status, 404, 'what no order names is for who uploaded it')
  },
)

t.test("naming another's document by its digest is refused, and opens it to nobody", async (t) => {
  const secret = (await upload(service, provider(uscc(5)), 'image/png', png(200))).body.document
  const place = await stage.place({ jurisdiction: '320509', program: 'D-2' })
  const order = await stage.order(place, 'confirmed')
  const claim = {
    invoiceNo: '26312000000000000002',
    invoiceAmount: '1000.00',
    evidence: [{ kind: 'contract', sha256: secret }],
  }
  const answer = await ask(provider(place.provider), 'POST', `/v1/orders/${order}/claim`, claim)
  t.match(answer, { status: 404, body: { code: 'document_not_found', details: { document: secret } } })
  // Even where an order came to name it, as one from before there were documents may.
  await stage.must({
    type: (await import('../../src/claims/commands.js')).submitClaimCommand as never,
    command: { order, ...claim, invoiceAmount: 1_000_00n },
    actor: provider(place.provider),
  })
  t.equal((await download(provider(place.provider), secret)).status, 404)
  t.equal((await download(officer('320509'), secret)).status, 404)
})

t.test('what a bureau checks a qualification with, it may read', async (t) => {
  const firm = uscc(6)
  const certificate = { uscc: firm, name: '合成', division: '320509', types: ['tech_sme'] }
  await ask(enterprise(firm), 'POST', '/v1/enterprises', certificate)
  const { document } = (await upload(service, enterprise(firm), 'image/png', png(300))).body
  t.equal((await download(officer('320509'), document)).status, 404)
  const declared = { type: 'tech_sme', certificate: '202632050900000001', from: '2026-01-01', to: '2026-12-31' }
  const at = `/v1/enterprises/${firm}/qualifications`
  t.equal((await ask(enterprise(firm), 'POST', at, { ...declared, evidence: [document] })).status, 201)
  t.equal((await download(officer('320509'), document)).status, 200)
  t.equal((await download(provider(uscc(9)), document)).status, 404)
})

t.test('what nothing names is removed after thirty days; what something names stays', async (t) => {
  const { document: named, provider: lab } = await claimed(t, 3, png(400))
  const orphan = (await upload(service, provider(uscc(7)), 'image/png', png(401))).body.document as string
  const shared = (await upload(service, provider(uscc(7)), 'image/png', png(400))).body.document as string
  t.equal(shared, named, 'another has uploaded the same')
  const [{ document: kept }] = (await admin`
    select sha256 as document from documents where organisation = ${uscc(6)}`) as never as [{ document: string }]
  const sweep = () => removeUnnamed(files, admin as never, clock)

  clock.set(china('2026-04-01'))
  await sweep()
  t.ok(await files.has(orphan), 'the thirtieth day is still one')
  const fresh = (await upload(service, provider(uscc(7)), 'image/png', png(402))).body.document as string
  clock.set(china('2026-04-02'))
  t.ok((await sweep()) >= 1)
  t.notOk(await files.has(orphan))
  t.equal((await download(provider(uscc(7)), orphan)).status, 404)
  t.ok(await files.has(fresh), 'uploaded later')
  t.ok(await files.has(kept), 'named by a qualification')
  t.equal((await download(provider(lab), named)).status, 200, 'named by an order')
  t.equal((await download(provider(uscc(7)), named)).status, 404, 'but no more for who only uploaded the same')
  t.equal(await sweep(), 0, 'and once')

  const again = await upload(service, provider(uscc(7)), 'image/png', png(401))
  t.equal(again.status, 201, 'what was removed can come again')
  t.ok(await files.has(orphan))
})

t.test('a claim whose file is gone from the disk is not taken', async (t) => {
  const place = await stage.place({ jurisdiction: '320509', program: 'D-4' })
  const order = await stage.order(place, 'confirmed')
  const { document } = (await upload(service, provider(place.provider), 'image/png', png(500))).body
  await files.remove(document)
  const claim = {
    invoiceNo: '26312000000000000004',
    invoiceAmount: '1000.00',
    evidence: [{ kind: 'contract', sha256: document }],
  }
  const send = () => ask(provider(place.provider), 'POST', `/v1/orders/${order}/claim`, claim)
  t.match(await send(), { status: 404, body: { code: 'document_not_found' } })
  await upload(service, provider(place.provider), 'image/png', png(500))
  t.match(await send(), { status: 200 }, 'uploaded again it is')
})

t.test('a program that demands evidence gets uploaded documents', async (t) => {
  const place = await stage.place({ jurisdiction: '320509', program: 'D-5', evidence: ['contract'] })
  const order = await stage.order(place, 'confirmed')
  const at = `/v1/orders/${order}/claim`
  const claim = { invoiceNo: '26312000000000000005', invoiceAmount: '1000.00' }
  const lab = provider(place.provider)
  t.match(await ask(lab, 'POST', at, claim), { body: { code: 'evidence_missing' } })
  const evidence = [{ kind: 'contract', sha256: sha(png(600)) }]
  t.match(await ask(lab, 'POST', at, { ...claim, evidence }), { body: { code: 'document_not_found' } })
  await upload(service, lab, 'image/png', png(600))
  t.match(await ask(lab, 'POST', at, { ...claim, evidence }), { status: 200 })
})

t.test('results of a delivery are uploaded documents, which both parties and their bureau may read', async (t) => {
  const place = await stage.place({ jurisdiction: '320509', program: 'D-R' })
  const order = await stage.order(place, 'filed')
  const by = provider(place.provider)
  const deliver = (results: string[]) => ask(by, 'POST', `/v1/orders/${order}/delivery`, { summary: '报告', results })
  t.match(await deliver([sha(png(317))]), { status: 404, body: { code: 'document_not_found' } })
  const { document } = (await upload(service, by, 'image/png', png(317))).body
  t.match(await deliver([document]), { status: 200 })
  for (const reader of [by, enterprise(place.enterprise), officer('320509'), officer('320500')]) {
    t.equal((await download(reader, document)).status, 200, reader.subject)
  }
  for (const stranger of [provider(uscc(6)), enterprise(uscc(7)), officer('310000')]) {
    t.equal((await download(stranger, document)).status, 404, stranger.subject)
  }
})
