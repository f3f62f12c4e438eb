import type { Sheet } from './cells.js'
import { readCsv, writeCsv } from './csv.js'
import { readXlsx, writeXlsx } from './xlsx.js'

/** Tables as people keep them: read from a file and written to one, every value a text. */

export const sheetTypes = {
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  csv: 'text/csv',
} as const
export type SheetFormat = keyof typeof sheetTypes

/** Reads the first sheet, leaving out rows without anything in them. Throws SheetError. */
export function readSheet(format: SheetFormat, bytes: Buffer): Sheet {
  const sheet = format === 'xlsx' ? readXlsx(bytes) : readCsv(bytes)
  return { ...sheet, rows: sheet.rows.filter(({ cells }) => cells.some(({ text, fault }) => fault || text !== '')) }
}

/** Writes rows of texts; no text is ever a formula to whoever opens it. */
export function writeSheet(format: SheetFormat, rows: readonly (readonly string[])[]): Buffer {
  return format === 'xlsx' ? writeXlsx(rows) : writeCsv(rows)
}
