import { z } from 'zod'
import { day, digest, invoiceNo, signedMoney, text } from '../platform/wire.js'

/** What is read of the XML of a fully digital invoice 数电票. The seller and buyer are taxpayer numbers 纳税人识别号. */
export const invoice = z.strictObject({
  /** The document that says so. */
  document: digest,
  invoiceNo,
  issuedOn: day,
  seller: text(40),
  buyer: text(40),
  /** With tax 价税合计; of a red one below zero. */
  total: signedMoney,
  /** Itself a red invoice 红字发票, which takes another one back. */
  isRed: z.boolean(),
})
export type Invoice = z.output<typeof invoice>
