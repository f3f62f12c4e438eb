import { createReadStream } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { fileTypeFromBuffer } from 'file-type'
import { openPromise, type ZipFile } from 'yauzl'
import { readInvoice } from '../invoices/rules.js'
import type { DocumentType, Fault } from './contract.js'

/** The most that an OFD may unpack to, in bytes, and in how many files. */
const MOST_UNPACKED = 100 * 2 ** 20
const MOST_ENTRIES = 2_000
/** The most that an invoice's XML may have, in bytes: it is read whole. */
const MOST_XML = 2 ** 20

/** Where browsers look for HTML, and where ZIP readers look for an archive's end. */
const HEAD = 4_100
const TAIL = 66_000

interface File {
  readonly path: string
  readonly head: Buffer
  readonly tail: Buffer
  readonly size: number
}

/**
 * What is wrong with the content of a file that is said to be of this type; undefined when nothing is. It is read, never
 * rendered and never run, a piece at a time. What is found in it is what can be seen without unpacking: a deployment
 * that wants to know more sets a virus scanner before the service.
 */
export async function faultIn(path: string, size: number, said: DocumentType): Promise<Fault | undefined> {
  const file = await ends(path, size)
  const found = (await fileTypeFromBuffer(file.head))?.mime
  if (!sniffed[said].includes(found ?? '')) return 'not_as_declared'
  if (said !== 'ofd' && hasTwoFaces(file)) return 'two_formats'
  return checks[said](file)
}

/** What the first bytes of each type are called by `file-type`; OFD is a ZIP that it does not know by name. */
const sniffed: Readonly<Record<DocumentType, readonly string[]>> = {
  pdf: ['application/pdf'],
  png: ['image/png'],
  jpeg: ['image/jpeg'],
  ofd: ['application/zip'],
  xml: ['application/xml'],
}

const checks: Readonly<Record<DocumentType, (file: File) => Promise<Fault | undefined>>> = {
  pdf: faultInPdf,
  png: async ({ tail }) => (tail.subarray(-12).equals(PNG_END) ? undefined : 'damaged'),
  jpeg: async () => undefined,
  ofd: faultInOfd,
  xml: async ({ path, size }) =>
    size <= MOST_XML && readInvoice(await readFile(path)) !== undefined ? undefined : 'not_an_invoice',
}

async function ends(path: string, size: number): Promise<File> {
  const file = await open(path, 'r')
  try {
    const piece = async (from: number, length: number) => {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from)
      return buffer.subarray(0, bytesRead)
    }
    const start = Math.max(0, size - TAIL)
    return { path, size, head: await piece(0, HEAD), tail: await piece(start, size - start) }
  } finally {
    await file.close()
  }
}

/** An archive's end record of one disk. */
const ZIP_END = Buffer.from('504b050600000000', 'hex')
const MARKUP = /<(?:!doctype\s+html|html|head|body|script|svg|iframe|\?php)\b/i

/** Also an archive (GIFAR), or also a page: what one program takes for a picture, another one runs. */
function hasTwoFaces({ head, tail }: File): boolean {
  return tail.includes(ZIP_END) || MARKUP.test(head.toString('latin1'))
}

const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex')

/**
 * Names in a PDF that make it do something, as they stand where it is not compressed. `/JS` is not one of them: three
 * letters are found in any large picture by chance, and a script needs `/JavaScript` as well (ISO 32000-1, JavaScript actions).
 */
const ACTIVE = /\/(?:JavaScript|Launch|RichMedia)(?=[^A-Za-z0-9])/
/** The longest such name with each letter written as #xx. */
const OVERLAP = 64

async function faultInPdf({ path, head, tail }: File): Promise<Fault | undefined> {
  if (!head.toString('latin1', 0, 5).startsWith('%PDF-')) return 'not_as_declared'
  if (!tail.subarray(-1_024).includes('%%EOF')) return 'damaged'
  let before = ''
  for await (const piece of createReadStream(path)) {
    const text = before + (piece as Buffer).toString('latin1')
    const plain = text.replace(/#([0-9a-f]{2})/gi, (_, hex: string) => Buffer.from(hex, 'hex').toString('latin1'))
    if (ACTIVE.test(plain)) return 'active_content'
    before = text.slice(-OVERLAP)
  }
  return undefined
}

async function faultInOfd({ path, head, size }: File): Promise<Fault | undefined> {
  if (!head.toString('latin1', 0, 4).startsWith('PK\x03\x04')) return 'not_as_declared'
  const zip = await openPromise(path, { autoClose: false }).catch(() => undefined)
  if (!zip) return 'damaged'
  try {
    return await faultInZip(zip, size)
  } catch {
    // What yauzl does not read: a name that climbs out, an entry of another size than it says, a broken stream.
    return 'damaged'
  } finally {
    zip.close()
  }
}

/**
 * Unpacks it once and keeps nothing, because what an archive says of its sizes may be a lie. By yauzl, which reads the
 * list of entries and each of them from disk; fflate, for small sheets, would hold the whole archive in memory.
 */
async function faultInZip(zip: ZipFile, size: number): Promise<Fault | undefined> {
  if (zip.comment.length > 0) return 'two_formats'
  if (zip.entryCount > MOST_ENTRIES) return 'too_large_inside'
  let [packed, unpacked, root] = [0, 0, '']
  for await (const entry of zip.eachEntry()) {
    packed += entry.compressedSize
    unpacked += entry.uncompressedSize
    // Entries that lie over each other add up to more than the file.
    if (packed > size || unpacked > MOST_UNPACKED) return 'too_large_inside'
    if (entry.isEncrypted()) return 'damaged'
    if (entry.fileName.endsWith('/')) continue
    for await (const piece of await zip.openReadStreamPromise(entry)) {
      if (entry.fileName === 'OFD.xml' && root.length < HEAD) root += (piece as Buffer).toString('latin1')
    }
  }
  return /<(?:\w+:)?OFD\s[^>]*"http:\/\/www\.ofdspec\.org\/2016"/.test(root) ? undefined : 'not_as_declared'
}
