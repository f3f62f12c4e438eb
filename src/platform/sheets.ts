import { strToU8, Zip, ZipDeflate } from 'fflate'

/** Tables as files for a spreadsheet, row by row: CSV (RFC 4180) and xlsx (ISO/IEC 29500), in the memory of one page. */

/** The columns of a table in their order: the field of a row, and its name in Chinese. */
export type Columns = Readonly<Record<string, string>>
export type Row = Readonly<Record<string, unknown>>

export const formats = {
  csv: { type: 'text/csv; charset=utf-8', of: csvOf },
  xlsx: { type: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', of: xlsxOf },
} as const
export type Format = keyof typeof formats

/** Yuan that a spreadsheet keeps exactly: it counts in fifteen digits. */
const AMOUNT = /^-?\d{1,13}\.\d{2}$/
/** What a spreadsheet would run, also in its full-width form. */
const FORMULA = /^[=+\-@\t\r＝＋－＠]/
/** What a spreadsheet would take for a number and round. */
const LONG = /^\d{12,}$|^\d+E\d+$/i

const headOf = (columns: Columns) => Object.entries(columns).map(([field, zh]) => `${zh} ${field}`)
const textOf = (value: unknown) => (value === null || value === undefined ? '' : String(value))

async function* csvOf(columns: Columns, pages: AsyncIterable<readonly Row[]>): AsyncGenerator<string> {
  const line = (cells: readonly string[]) => `${cells.map(quoted).join(',')}\r\n`
  // The mark by which a spreadsheet knows that it is UTF-8.
  yield `\ufeff${line(headOf(columns))}`
  for await (const rows of pages) {
    yield rows.map((row) => line(Object.keys(columns).map((field) => plain(textOf(row[field]))))).join('')
  }
}

/** Text that stays text: an apostrophe before what looks like a formula, a tab before what looks like a long number. */
function plain(text: string): string {
  if (AMOUNT.test(text)) return text
  if (FORMULA.test(text)) return `'${text}`
  return LONG.test(text) ? `\t${text}` : text
}

const quoted = (text: string) => (/[",\r\n\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006'
const CONTENT = 'application/vnd.openxmlformats-officedocument.spreadsheetml'

const part = (name: string, type: string) => `<Override PartName="/${name}" ContentType="${CONTENT}.${type}+xml"/>`
const relation = (id: string, type: string, target: string) =>
  `<Relationship Id="${id}" Type="${OFFICE}/${type}" Target="${target}"/>`
const relations = (...all: string[]) =>
  `<Relationships xmlns="${PACKAGE}/relationships">${all.join('')}</Relationships>`

/** Everything of a workbook but its one sheet. Style 1 is an amount, style 2 is text. */
const frame: Readonly<Record<string, string>> = {
  '[Content_Types].xml': `<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${part('xl/workbook.xml', 'sheet.main')}${part('xl/worksheets/sheet1.xml', 'worksheet')}${part('xl/styles.xml', 'styles')}</Types>`,
  '_rels/.rels': relations(relation('rId1', 'officeDocument', 'xl/workbook.xml')),
  'xl/workbook.xml': `<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>`,
  'xl/_rels/workbook.xml.rels': relations(
    relation('rId1', 'worksheet', 'worksheets/sheet1.xml'),
    relation('rId2', 'styles', 'styles.xml'),
  ),
  'xl/styles.xml': `<styleSheet xmlns="${MAIN}"><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf numFmtId="4" applyNumberFormat="1"/><xf numFmtId="49" applyNumberFormat="1"/></cellXfs></styleSheet>`,
}

async function* xlsxOf(columns: Columns, pages: AsyncIterable<readonly Row[]>): AsyncGenerator<Uint8Array> {
  const made: Uint8Array[] = []
  const zip = new Zip((error, chunk) => {
    if (error) throw error
    made.push(chunk)
  })
  const open = (name: string) => {
    const file = new ZipDeflate(name, { level: 1 })
    zip.add(file)
    return file
  }
  for (const [name, text] of Object.entries(frame)) open(name).push(strToU8(XML + text), true)
  const sheet = open('xl/worksheets/sheet1.xml')
  const line = (cells: readonly string[]) => `<row>${cells.join('')}</row>`
  sheet.push(strToU8(`${XML}<worksheet xmlns="${MAIN}"><sheetData>${line(headOf(columns).map(inline))}`))
  for await (const rows of pages) {
    const lines = rows.map((row) => line(Object.keys(columns).map((field) => cell(row[field]))))
    sheet.push(strToU8(lines.join('')))
    yield* made.splice(0)
  }
  sheet.push(strToU8('</sheetData></worksheet>'), true)
  zip.end()
  yield* made
}

/** Amounts are numbers, to be added up; everything else is text, and nothing is a formula. */
function cell(value: unknown): string {
  const text = textOf(value)
  if (text === '') return '<c/>'
  if (AMOUNT.test(text)) return `<c s="1"><v>${text}</v></c>`
  return typeof value === 'number' ? `<c><v>${value}</v></c>` : inline(text)
}

const signs: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }
const inline = (text: string) =>
  `<c s="2" t="inlineStr"><is><t xml:space="preserve">${text.replace(/[&<>]/g, (sign) => signs[sign]!)}</t></is></c>`
