import { strFromU8, unzipSync } from 'fflate'
import { type Cell, isFilled, MOST_COLUMNS, type Sheet, SheetError, type SheetRow } from './cells.js'

/**
 * Reads workbooks of Office Open XML (ECMA-376), as much of them as a table needs. Libraries give a number that was
 * rounded, a formula and a merged cell as plain values, and took two seconds for ten thousand rows; here these are told
 * apart.
 */

/** Of what is unpacked: a file may claim to be small and unpack to gigabytes. */
const MOST_UNPACKED = 16_777_216

/** A sheet of more rows is no list of this service, and a few bytes of each unpack to a row of full width. */
const MOST_ROWS = 200_000
/** Characters of a cell; a text that is kept once may stand in every cell. */
const MOST_TEXT = 4_000

/** Spreadsheets keep fifteen digits of a number and make the others zero. */
const ROUNDED = 1e15

/** Reads the first sheet of a workbook. Throws SheetError. */
export function readXlsx(bytes: Buffer): Sheet {
  const files = unpack(bytes)
  const text = (name: string) => {
    const file = files[name]
    if (!file) throw new SheetError(`no ${name}`)
    return strFromU8(file)
  }
  const sheet = text(firstSheet(text('xl/workbook.xml'), text('xl/_rels/workbook.xml.rels')))
  return sheetOf(sheet, files['xl/sharedStrings.xml'] ? stringsOf(text('xl/sharedStrings.xml')) : [])
}

function unpack(bytes: Buffer): Record<string, Uint8Array> {
  let left = MOST_UNPACKED
  try {
    return unzipSync(bytes, {
      // Nothing is ever unpacked beyond the size that a file says it has.
      filter({ name, originalSize }) {
        if (
          !/^xl\/(?:workbook\.xml|_rels\/workbook\.xml\.rels|sharedStrings\.xml|worksheets\/[^/]+\.xml)$/.test(name)
        ) {
          return false
        }
        left -= originalSize
        if (left < 0) throw new SheetError('too large when unpacked')
        return true
      },
    })
  } catch (error) {
    if (error instanceof SheetError) throw error
    throw new SheetError('not a workbook', { cause: error })
  }
}

/** A tag with its attributes, and the text right behind it. */
interface Tag {
  readonly name: string
  readonly opens: boolean
  readonly closes: boolean
  readonly attributes: string
  readonly text: string
}

/**
 * A name ends where it ends: one that could also be cut short is tried at every length, each time to the end of the file.
 */
const TAG = /<(\/?)(?:\w+:)?(\w+)(?=[\s/>])([^<>]*)>([^<]*)/g

/** Walks over the tags of an XML text in one pass. Throws SheetError on declarations, which no workbook needs. */
function* tagsOf(xml: string): Generator<Tag> {
  if (xml.includes('<!')) throw new SheetError('declarations in XML')
  for (const [, end, name, attributes, text] of xml.matchAll(TAG)) {
    const closes = end === '/' || attributes!.endsWith('/')
    yield { name: name!, opens: end !== '/', closes, attributes: attributes!, text: text! }
  }
}

const patterns = Object.fromEntries(
  (['r', 't', 'id', 'Id', 'Target', 'ref'] as const).map((name) => [name, new RegExp(`(?:^|[\\s:])${name}="([^"]*)"`)]),
)

function attribute({ attributes }: Tag, name: keyof typeof patterns): string | undefined {
  const value = patterns[name]!.exec(attributes)?.[1]
  return value === undefined ? undefined : plain(value)
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/** Text as it is meant: XML's references and Excel's own for control characters resolved. */
function plain(text: string): string {
  if (!text.includes('&') && !text.includes('_x')) return text
  const character = (code: number) => (code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd')
  return text
    .replaceAll(/&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(\w{2,4}));/gi, (whole, hex, decimal, name) => {
      if (hex !== undefined) return character(Number(`0x${hex}`))
      return decimal === undefined ? (entities[name] ?? whole) : character(Number(decimal))
    })
    .replaceAll(/_x([0-9A-F]{4})_/g, (_, hex) => character(Number(`0x${hex}`)))
}

function firstSheet(workbook: string, relations: string): string {
  const targets = new Map<string, string>()
  for (const relation of tagsOf(relations)) {
    targets.set(attribute(relation, 'Id') ?? '', attribute(relation, 'Target') ?? '')
  }
  for (const tag of tagsOf(workbook)) {
    const target = tag.name === 'sheet' ? targets.get(attribute(tag, 'id') ?? '') : undefined
    if (target !== undefined) return target.startsWith('/') ? target.slice(1) : `xl/${target}`
  }
  throw new SheetError('no sheet')
}

/** The texts that cells refer to by number; how they are pronounced is left out. */
function stringsOf(xml: string): string[] {
  const strings: string[] = []
  let spoken = false
  for (const { name, opens, closes, text } of tagsOf(xml)) {
    if (name === 'si' && opens) strings.push('')
    else if (name === 'rPh') spoken = opens
    else if (name === 't' && opens && !closes && !spoken && strings.length > 0) {
      strings[strings.length - 1] += plain(text)
    }
  }
  return strings.map(trimmed)
}

function trimmed(text: string): string {
  if (text.length > MOST_TEXT) throw new SheetError('a text is too long')
  return text.trim()
}

/** A cell while it is read. */
interface Open {
  readonly column: number
  readonly type: string
  value: string
  isFormula: boolean
}

const EMPTY: Cell = { text: '' }

function sheetOf(xml: string, strings: readonly string[]): Sheet {
  const rows: SheetRow[] = []
  const merged: { range: string; lastRow: number }[] = []
  let row = 0
  let cells: Cell[] = []
  let cell: Open | undefined
  const finish = () => {
    if (cell && cell.column < MOST_COLUMNS) {
      while (cells.length < cell.column) cells.push(EMPTY)
      cells[cell.column] = cellOf(cell, strings)
    }
    cell = undefined
  }
  for (const tag of tagsOf(xml)) {
    const { name, opens, closes, text } = tag
    if (name === 'row') {
      if (opens) {
        row = Number(attribute(tag, 'r')) || row + 1
        cells = []
      }
      if (closes && isFilled(cells)) {
        if (rows.length === MOST_ROWS) throw new SheetError('too many rows')
        rows.push({ row, cells })
      }
    } else if (name === 'c') {
      if (opens)
        cell = { column: columnOf(tag, cells.length), type: attribute(tag, 't') ?? 'n', value: '', isFormula: false }
      if (closes) finish()
    } else if (name === 'f' && opens && cell) cell.isFormula = true
    else if ((name === 'v' || name === 't') && opens && !closes && cell) cell.value += plain(text)
    else if (name === 'mergeCell' && opens) {
      const range = attribute(tag, 'ref') ?? ''
      merged.push({ range, lastRow: Number(/\d{1,7}$/.exec(range)?.[0] ?? 0) })
    }
  }
  return { rows, merged }
}

function columnOf(tag: Tag, next: number): number {
  const letters = /^[A-Z]{1,3}/.exec(attribute(tag, 'r') ?? '')?.[0]
  if (!letters) return next
  return [...letters].reduce((column, letter) => column * 26 + letter.charCodeAt(0) - 64, 0) - 1
}

function cellOf({ type, value, isFormula }: Open, strings: readonly string[]): Cell {
  if (isFormula) return { text: value, fault: 'formula_cell' }
  if (type === 's') return { text: strings[Number(value)] ?? '' }
  if (type !== 'n' || value === '') return { text: trimmed(value) }
  const number = Number(value)
  // A file has 1280.1 as 1280.0999999999999: both are the same number.
  const text = String(number)
  return Math.abs(number) >= ROUNDED ? { text, fault: 'number_rounded' } : { text }
}
