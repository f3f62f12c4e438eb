import { type Cell, type Sheet, SheetError } from './cells.js'

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
    rows.push({ row, cells })
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

/** What a spreadsheet would take for a formula. */
const FORMULA = /^[=+\-@\t\r]/

/** Writes a CSV file in UTF-8 with its mark, which spreadsheets need to read Chinese. */
export function writeCsv(rows: readonly (readonly string[])[]): Buffer {
  const field = (text: string) => {
    const safe = FORMULA.test(text) ? `'${text}` : text
    return /[",\r\n;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
  }
  return Buffer.from(`\ufeff${rows.map((row) => `${row.map(field).join(',')}\r\n`).join('')}`)
}
