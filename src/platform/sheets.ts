import type { Pages, Sheet } from './cells.js'
import { readCsv, writeCsv } from './csv.js'
import { readXlsx } from './xlsx-reader.js'
import { writeXlsx } from './xlsx-writer.js'

/** Tables as people keep them in files: xlsx (ISO/IEC 29500) and CSV (RFC 4180). */

export const sheetTypes = {
  csv: 'text/csv',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
} as const
export type SheetFormat = keyof typeof sheetTypes
export const sheetFormats = Object.keys(sheetTypes) as [SheetFormat, ...SheetFormat[]]

/** Reads the first sheet, leaving out rows without anything in them. Throws SheetError. */
export function readSheet(format: SheetFormat, bytes: Buffer): Sheet {
  return format === 'xlsx' ? readXlsx(bytes) : readCsv(bytes)
}

/** Writes a file piece by piece, while its rows come; no text in it is a formula to whoever opens it. */
export function writeSheet(format: SheetFormat, pages: Pages): AsyncGenerator<string | Uint8Array> {
  return format === 'xlsx' ? writeXlsx(pages) : writeCsv(pages)
}
