import { z } from 'zod'
import { sheetFormats } from '../platform/sheets.js'
import { text } from '../platform/wire.js'

/** Vouchers issued by a file: a table with one voucher a row, and the same table back with a verdict on each. */

export const fileText = text(40)
  .regex(/^[0-9a-f]{32}$/, { error: 'text_format' })
  .meta({ id: 'VoucherFileId', description: 'Of one bureau and one Idempotency-Key 文件编号' })

/** Ten thousand rows of four long values, with room for columns of the bureau's own. */
export const FILE_BYTES = 4_194_304
/** Rows with anything in them, the header not counted. */
export const MOST_ROWS = 10_000

export const templateQuery = z.strictObject({ format: z.enum(sheetFormats).default('xlsx') })

/** How far a file is: rows done and refused so far, and what they were refused with. */
export const fileView = z
  .object({
    file: z.string(),
    state: z.enum(['running', 'finished']),
    rows: z.number(),
    done: z.number(),
    refused: z.number(),
    refusals: z
      .array(z.object({ code: z.string(), rows: z.number() }))
      .meta({ description: 'How many rows were refused with which code 各代码未通过行数' }),
  })
  .meta({ id: 'VoucherFile' })
