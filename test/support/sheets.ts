import { Readable } from 'node:stream'
import type { Pages, Written } from '../../src/platform/cells.js'
import { type SheetFormat, writeSheet } from '../../src/platform/sheets.js'

/** A file of these rows, whole. */
export const sheetOf = (format: SheetFormat, rows: readonly (readonly Written[])[]) => sheetOfPages(format, [rows])

export async function sheetOfPages(format: SheetFormat, pages: Pages): Promise<Buffer> {
  const parts = await Readable.from(writeSheet(format, pages)).toArray()
  return Buffer.concat(parts.map((part: string | Uint8Array) => Buffer.from(part)))
}
