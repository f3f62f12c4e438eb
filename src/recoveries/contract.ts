import { z } from 'zod'
import type { transferTypes } from '../ledger/chart.js'
import { orderText } from '../orders/contract.js'
import { day, invoiceNo, jurisdiction, money, reason, text, yuanText } from '../platform/wire.js'

/** A payee as its accounts are owned: in which role, and by its credit code. */
export const payeeText = text(40)
  .regex(/^(?:provider|enterprise):[0-9A-HJ-NPQRTUWXY]{18}$/, { error: 'text_format' })
  .meta({
    id: 'Payee',
    description: 'In which role, and its credit code 收款方：角色与统一社会信用代码',
    examples: ['provider:91350100M000100Y43'],
  })

const document = text(100).meta({ description: 'Document number 文号' })
const ofPayee = {
  book: jurisdiction,
  payee: payeeText,
}

/** Gives up what a payee must give back, by decision (核销). */
export const writeOff = z.strictObject({ ...ofPayee, amount: money, document, reason })
export const writtenOff = z.object({
  book: z.string(),
  payee: z.string(),
  amount: yuanText,
  recoverable: yuanText.meta({ description: 'What is still to be given back 尚待追回' }),
})

/**
 * A refund that no bank statement of the service shows, by a document (收回退款): what statements show is booked by their
 * lines.
 */
export const receiveRefund = z.strictObject({
  ...ofPayee,
  amount: money,
  receivedOn: day,
  document,
})
export const refundReceived = writtenOff

/** Records the red invoice 红字发票 that takes back an approved order's invoice, in part or whole (红冲). */
export const redFlushInvoice = z.strictObject({
  order: orderText,
  redInvoiceNo: invoiceNo,
  /** By which it lowers the invoice. */
  amount: money,
})
export const invoiceRedFlushed = z.object({
  order: z.string(),
  redInvoiceNo: z.string(),
  invoice: yuanText.meta({ description: 'What is left of the invoice 发票余额' }),
  supports: yuanText.meta({ description: 'The subsidy that it still supports 仍可支持的补贴' }),
  clawedBack: yuanText.meta({ description: 'Clawed back in the same step 同时追回' }),
})

/** What moves what a payee must give back. */
export const recoverableMoves = [
  'claw_back_recoverable',
  'advance',
  'novate_recoverable',
  'release_recoverable',
  'recover',
  'take_over_recoverable',
  'set_off',
  'write_off',
] as const satisfies (keyof typeof transferTypes)[]

/** What a payee must give back to a jurisdiction 应收追回款, and what came of it. */
export const recoverableView = z
  .object({
    book: z.string(),
    payee: z.string(),
    recoverable: yuanText.meta({ description: 'Still to be given back 尚待追回' }),
    payable: yuanText.meta({ description: 'Owed to the payee, to be set off at its release 应付款（放行时抵扣）' }),
    clawedBack: yuanText.meta({ description: 'Ever became recoverable 累计形成应收' }),
    recovered: yuanText.meta({ description: 'Ever came back by the bank 累计收回' }),
    setOff: yuanText.meta({ description: 'Ever set off against what was owed 累计抵扣' }),
    writtenOff: yuanText.meta({ description: 'Ever given up 累计核销' }),
    since: z.string().nullable().meta({ description: 'The first day of what is still open 最早未清日' }),
    days: z.number().nullable().meta({ description: 'Its age in calendar days 账龄（天）' }),
    orders: z
      .array(z.object({ order: z.string(), clawedBack: yuanText }))
      .meta({ description: 'The orders that were clawed back, at most 100 追回所涉订单' }),
    moves: z
      .array(
        z.object({
          entry: z.number(),
          day: z.string(),
          move: z.enum(recoverableMoves),
          amount: yuanText,
          document: z.string().nullable(),
        }),
      )
      .meta({ description: 'Each entry that made it more or less, the last 100 增减明细' }),
  })
  .meta({ id: 'Recoverable' })

export const recoverableFilter = z.strictObject({
  book: jurisdiction.optional(),
  all: z
    .enum(['true'], { error: 'not_one_of' })
    .optional()
    .meta({ description: 'Also those of which nothing is left 含已结清' }),
})
