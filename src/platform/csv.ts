import { type Cell, isFilled, type Pages, type Sheet, SheetError, type Written } from './cells.js'

const separators = [',', ';', '\t'] as const

/** How a spreadsheet shows a long number when it saves it as CSV: most of its digits are gone. */
const SCIENTIFIC = /^-?\d(?:\.\d+)?E\+\d+$/i

/** Reads a CSV file (RFC 4180) in UTF-8, UTF-16 with its mark, or GB 18030; by commas, semicolons or tabs. */
export function readCsv(bytes: Buffer): Sheet {
  const text = decoded(bytes)
  const separator = separatorOf(text)
  const rows: { row: number; cells: Cell[] }[] = []
  let line = 1
  for (let at = 0; at < text.length; ) {
    const cells: Cell[] = []
    const row = line
    for (;;) {
      const field = fieldAt(text, at, separator)
      cells.push(cellOf(field.text))
      line += field.lines
      at = field.end
      if (text[at] !== separator) break
      at++
    }
    if (text[at] === '\r') at++
    if (text[at] === '\n') at++
    line++
    if (isFilled(cells)) rows.push({ row, cells })
  }
  return { rows, merged: [] }
}

function cellOf(text: string): Cell {
  const trimmed = text.trim()
  return SCIENTIFIC.test(trimmed) ? { text: trimmed, fault: 'number_rounded' } : { text: trimmed }
}

function fieldAt(text: string, start: number, separator: string) {
  if (text[start] !== '"') {
    let end = start
    while (end < text.length && text[end] !== separator && text[end] !== '\n' && text[end] !== '\r') end++
    return { text: text.slice(start, end), end, lines: 0 }
  }
  for (let end = start + 1; ; ) {
    end = text.indexOf('"', end)
    if (end < 0) throw new SheetError('a quote is not closed')
    if (text[end + 1] !== '"') {
      const field = text.slice(start + 1, end).replaceAll('""', '"')
      return { text: field, end: afterQuote(text, end + 1, separator), lines: field.split('\n').length - 1 }
    }
    end += 2
  }
}

function afterQuote(text: string, end: number, separator: string): number {
  if (end < text.length && ![separator, '\n', '\r'].includes(text[end]!)) throw new SheetError('text behind a quote')
  return end
}

/** The one that the first line has most of. */
function separatorOf(text: string): string {
  const first = /^[^\r\n]*/.exec(text)![0]
  const count = (separator: string) => first.split(separator).length
  return separators.reduce((best, one) => (count(one) > count(best) ? one : best))
}

function decoded(bytes: Buffer): string {
  const isWide = bytes[0] === 0xff && bytes[1] === 0xfe
  for (const encoding of isWide ? ['utf-16le'] : ['utf-8', 'gb18030']) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(bytes)
      // A binary file under another name; a text has no such character.
      if (text.includes('\0')) break
      return text
    } catch {
      // It is in the next encoding, or in none.
    }
  }
  throw new SheetError('in no encoding of a text')
}

/** What a spreadsheet would run, also in its full-width form. */
const FORMULA = /^[=+\-@\t\r＝＋－＠]/
/** What a spreadsheet would take for a number and round. */
const LONG = /^\d{12,}$|^\d+E\d+$/i

/** Writes a CSV file in UTF-8 with its mark, which spreadsheets need to read Chinese. */
export async function* writeCsv(pages: Pages): AsyncGenerator<string> {
  yield '\ufeff'
  for await (const rows of pages) yield rows.map((row) => `${row.map(written).join(',')}\r\n`).join('')
}

function written(cell: Written): string {
  if (typeof cell !== 'string') return typeof cell === 'number' ? String(cell) : cell.yuan
  const text = asText(cell)
  // Some spreadsheets part cells at a semicolon or a tab, and what stands behind it could be a formula again.
  return /[",;\r\n\t]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** An apostrophe before what looks like a formula, a tab before what looks like a long number. */
function asText(text: string): string {
  if (FORMULA.test(text)) return `'${text}`
  return LONG.test(text) ? `\t${text}` : text
}
