/** What is taken of what people upload, and what is not: each by its content, whatever it is called. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { strToU8, zipSync } from 'fflate'
import t from 'tap'
import { faultIn } from '../../src/documents/content.js'
import { type DocumentType, documentTypes } from '../../src/documents/contract.js'
import { invoiceXml, jpeg, ofd, pdf, png } from '../support/documents.js'

const folder = await mkdtemp(join(tmpdir(), 'content-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))

let files = 0
async function judged(content: Uint8Array | string, said: DocumentType) {
  const path = join(folder, String(++files))
  const bytes = Buffer.from(content)
  await writeFile(path, bytes)
  return faultIn(path, bytes.length, said)
}

const xml = invoiceXml({
  number: '26312000000000000017',
  seller: '91350100M000100Y43',
  buyer: '91110000101623741K',
  total: '1.00',
})
const good: Record<DocumentType, Uint8Array> = {
  pdf: pdf(),
  png: png(),
  jpeg: jpeg(),
  ofd: ofd(),
  xml: Buffer.from(xml),
}

t.test('each type as itself, and as no other', async (t) => {
  for (const [is, content] of Object.entries(good)) {
    for (const said of documentTypes) {
      t.equal(await judged(content, said), is === said ? undefined : 'not_as_declared', `${is}, said to be ${said}`)
    }
  }
})

t.test('what is none of them', async (t) => {
  const others: Record<string, Uint8Array | string> = {
    nothing: '',
    text: 'hello',
    page: '<!DOCTYPE html><html><script>alert(1)</script></html>',
    svg: '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    gif: Buffer.from('GIF89a\x01\0\x01\0\0\0\0;', 'latin1'),
    program: Buffer.from(`\x7fELF${'\0'.repeat(60)}`, 'latin1'),
    archive: zipSync({ 'a.txt': strToU8('a') }),
    'office file': zipSync({ '[Content_Types].xml': strToU8('<Types/>'), 'word/document.xml': strToU8('<w/>') }),
    'PDF with something before it': Buffer.concat([Buffer.from('<html>'), pdf()]),
  }
  for (const [name, content] of Object.entries(others)) {
    for (const said of documentTypes) t.ok(await judged(content, said), `${name}, said to be ${said}`)
  }
})

t.test('two formats in one file', async (t) => {
  const archive = zipSync({ 'Evil.class': strToU8('x') })
  const page = '<html><script>alert(1)</script></html>'
  t.equal(await judged(Buffer.concat([jpeg(), archive]), 'jpeg'), 'two_formats', 'a picture that is an archive')
  t.equal(await judged(Buffer.concat([pdf(), archive]), 'pdf'), 'two_formats', 'a PDF that is an archive')
  t.equal(await judged(Buffer.concat([png(), archive]), 'png'), 'two_formats', 'GIFAR with PNG')
  t.equal(await judged(pdf(page), 'pdf'), 'two_formats', 'a PDF that is a page')
  const noted = Buffer.concat([jpeg().subarray(0, 20), Buffer.from(page), jpeg().subarray(20)])
  t.equal(await judged(noted, 'jpeg'), 'two_formats', 'a picture that is a page')
  t.equal(await judged(Buffer.concat([png(), Buffer.from('more')]), 'png'), 'damaged', 'something behind a picture')
  const zipped = Buffer.from(ofd())
  t.equal(await judged(Buffer.concat([pdf(), zipped]), 'ofd'), 'not_as_declared', 'an OFD behind a PDF')
  zipped.writeUInt16LE(4, zipped.length - 2)
  t.equal(await judged(Buffer.concat([zipped, Buffer.from('<ht>')]), 'ofd'), 'two_formats', 'an OFD with a comment')
})

t.test('a PDF that does something', async (t) => {
  const active = [
    '/S/JavaScript/JS(app.alert(1))',
    '/S/Launch/F(cmd.exe)',
    '/J#61vaScript',
    '/#4c#61unch',
    '/RichMedia',
  ]
  for (const said of active) {
    t.equal(await judged(pdf(`3 0 obj<<${said}>>endobj`), 'pdf'), 'active_content', said)
    // Wherever it lies between what is read at once.
    for (const before of [65_470, 65_480, 65_530, 65_535, 131_000]) {
      t.equal(await judged(pdf(`${' '.repeat(before)}<<${said}>>`), 'pdf'), 'active_content', `${said} at ${before}`)
    }
  }
  for (let before = 65_470; before < 65_540; before++) {
    t.equal(
      await judged(pdf(`${' '.repeat(before)}<</JavaScripts 1/Launcher 2>>`), 'pdf'),
      undefined,
      'only whole names',
    )
  }
  const pictures = Buffer.alloc(2 ** 20, '/JS(/JS ')
  t.equal(await judged(pdf(pictures.toString()), 'pdf'), undefined, 'letters that any picture has')
  t.equal(await judged(pdf().subarray(0, -8), 'pdf'), 'damaged', 'cut off')
})

t.test('archives that are bombs, or lie', async (t) => {
  const zeros = new Uint8Array(60 * 2 ** 20)
  t.equal(await judged(ofd({ a: zeros, b: zeros }), 'ofd'), 'too_large_inside', 'more than it may unpack to')
  const many = Object.fromEntries(Array.from({ length: 2_001 }, (_, n) => [`${n}`, new Uint8Array()]))
  t.equal(await judged(ofd(many), 'ofd'), 'too_large_inside', 'more files than it may have')

  /** Changes each entry of this name in the central directory. */
  const changed = (file: Buffer, name: string, change: (file: Buffer, at: number) => void) => {
    for (let at = file.indexOf('PK\x01\x02'); at >= 0; at = file.indexOf('PK\x01\x02', at + 1)) {
      if (file.toString('latin1', at + 46, at + 46 + name.length) === name) change(file, at)
    }
    return file
  }
  const bomb = ofd({ bomb: new Uint8Array(10 * 2 ** 20) })
  const lying = changed(Buffer.from(bomb), 'bomb', (file, at) => file.writeUInt32LE(100, at + 24))
  t.equal(await judged(lying, 'ofd'), 'damaged', 'it says that it is small')
  const overlapping = ofd({
    a: crypto.getRandomValues(new Uint8Array(5_000)),
    b: new Uint8Array(0),
    c: new Uint8Array(0),
  })
  for (const name of ['b', 'c']) {
    changed(overlapping, name, (file, at) => {
      file.writeUInt32LE(5_000, at + 20)
      file.writeUInt32LE(5_000, at + 24)
      file.writeUInt16LE(0, at + 10)
    })
  }
  t.equal(await judged(overlapping, 'ofd'), 'too_large_inside', 'entries that lie over each other')
  t.equal(await judged(ofd({ '../../etc/passwd': strToU8('x') }), 'ofd'), 'damaged', 'a name that climbs out')
  const locked = changed(ofd({ secret: strToU8('x') }), 'secret', (file, at) => file.writeUInt16LE(1, at + 8))
  t.equal(await judged(locked, 'ofd'), 'damaged', 'encrypted')
  t.equal(await judged(ofd().subarray(0, -30), 'ofd'), 'damaged', 'cut off')
  const plain = zipSync({ 'OFD.xml': strToU8('<html xmlns="http://www.ofdspec.org/2016x"/>') })
  t.equal(await judged(plain, 'ofd'), 'not_as_declared', 'an archive with such a name in it')
})

t.test('XML only as an invoice', async (t) => {
  const others = [
    '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>',
    xml.replace('<EInvoice>', '<!DOCTYPE EInvoice [<!ENTITY a "b">]><EInvoice>'),
    xml.replace('</EInvoice>', `${' '.repeat(2 ** 20)}</EInvoice>`),
  ]
  for (const other of others) t.ok(await judged(other, 'xml'), other.slice(0, 60))
})

t.test('whatever bytes come, they are judged', async (t) => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), cut: fc.boolean() })
  const property = fc.asyncProperty(
    fc.constantFrom(...documentTypes),
    fc.array(change, { minLength: 1, maxLength: 6 }),
    async (type, changes) => {
      let content = Buffer.from(good[type])
      for (const { at, byte, cut } of changes) {
        if (cut) content = content.subarray(0, Math.max(1, content.length - (at % 40)))
        content[at % content.length] = byte
      }
      const fault = await judged(content, type)
      return fault === undefined || typeof fault === 'string'
    },
  )
  await fc.assert(property, { numRuns: 400 })
  t.pass('none of them is a fault of ours')
})
