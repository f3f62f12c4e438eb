import { strToU8, Zip, ZipDeflate } from 'fflate'
import { columnName, MOST_COLUMNS, type Pages, type Written } from './cells.js'

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
  'xl/styles.xml': `<styleSheet xmlns="${MAIN}"><fonts count="1"><font><sz val="11"/><name val="等线"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf xfId="0"/><xf numFmtId="4" xfId="0" applyNumberFormat="1"/><xf numFmtId="49" xfId="0" applyNumberFormat="1"/></cellXfs></styleSheet>`,
}

/** The columns are text, so that a long number which is typed into them later stays whole, too. */
const columns = `<cols><col min="1" max="${MOST_COLUMNS}" width="24" style="2" customWidth="1"/></cols>`

/** Writes a workbook with one sheet (ISO/IEC 29500). */
export async function* writeXlsx(pages: Pages): AsyncGenerator<Uint8Array> {
  const made: Uint8Array[] = []
  const zip = new Zip((error, chunk) => {
    if (error) throw error
    made.push(chunk)
  })
  const open = (name: string) => {
    const file = new ZipDeflate(name, { level: 1 })
    // The same rows are the same bytes, whenever they are written.
    file.mtime = '2000-01-01T00:00:00'
    zip.add(file)
    return file
  }
  for (const [name, text] of Object.entries(frame)) open(name).push(strToU8(XML + text), true)
  const sheet = open('xl/worksheets/sheet1.xml')
  sheet.push(strToU8(`${XML}<worksheet xmlns="${MAIN}">${columns}<sheetData>`))
  let row = 0
  for await (const rows of pages) {
    sheet.push(strToU8(rows.map((cells) => line(cells, ++row)).join('')))
    yield* made.splice(0)
  }
  sheet.push(strToU8('</sheetData></worksheet>'), true)
  zip.end()
  yield* made
}

/** Rows and cells say where they stand: not every program counts them. */
const line = (cells: readonly Written[], row: number) =>
  `<row r="${row}">${cells.map((cell, column) => written(cell, `${columnName(column)}${row}`)).join('')}</row>`

function written(cell: Written, place: string): string {
  if (cell === '') return ''
  if (typeof cell === 'number') return `<c r="${place}"><v>${cell}</v></c>`
  if (typeof cell === 'object') return `<c r="${place}" s="1"><v>${cell.yuan}</v></c>`
  return `<c r="${place}" s="2" t="inlineStr"><is><t xml:space="preserve">${escaped(cell)}</t></is></c>`
}

/** Characters that XML has no place for are left out; what looks like Excel's own word for one stays what it is. */
const escaped = (text: string) =>
  text
    .toWellFormed()
    .replaceAll(/_(?=x[0-9A-Fa-f]{4}_)/g, '_x005F_')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
