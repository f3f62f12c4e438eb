import { z } from 'zod'
import { code, money, reason, text, yuanText } from '../platform/wire.js'
import { lineStates, MOST_LINES } from './facts.js'

export const batchText = text(40)
  .regex(/^B\d{6}-[1-9]\d{0,14}$/, { error: 'text_format' })
  .meta({ id: 'BatchId', description: 'B, book, dash, number 拨付批次编号', examples: ['B320509-1234'] })

const lineNumber = z
  .int({ error: 'wrong_type' })
  .min(1, { error: 'out_of_range' })
  .max(MOST_LINES, { error: 'out_of_range' })

/**
 * Releases lines of a batch for payment (拨付放行). The control totals are those of what will be paid, as the batch shows
 * them; without `lines` all open ones.
 */
export const releasePayments = z.strictObject({
  batch: batchText,
  lines: z.array(lineNumber).min(1, { error: 'out_of_range' }).max(MOST_LINES, { error: 'out_of_range' }).nullish(),
  inFull: z
    .boolean()
    .default(false)
    .meta({ description: 'As the period has it, whatever the payee must give back besides 全额拨付，不抵扣' }),
  count: z
    .int({ error: 'wrong_type' })
    .min(0, { error: 'out_of_range' })
    .meta({ description: 'Lines to be paid 控制笔数' }),
  total: money.or(z.literal('0.00').transform(() => 0n)).meta({ description: 'Yuan to be paid 控制金额' }),
})
export const paymentsReleased = z.object({
  batch: z.string(),
  release: z.number().meta({ description: 'The number of this release 放行编号' }),
  count: z.number(),
  total: yuanText,
  setOff: yuanText.meta({ description: 'What is not paid because of claw-backs 抵扣' }),
})

/** Takes a released line back while the bank has paid nothing of it (撤销放行). */
export const stopPayment = z.strictObject({ batch: batchText, line: lineNumber, reason })
export const paymentStopped = z.object({ batch: z.string(), line: z.number(), amount: yuanText })

export const batchView = z
  .object({
    batch: z.string(),
    book: z.string(),
    period: z.string(),
    source: z.enum(['payable', 'clearing']).meta({ description: 'Payees 收款单位, or instructions 划拨指令' }),
    lines: z.number(),
    amount: yuanText,
    setOff: yuanText,
    released: yuanText,
    paid: yuanText,
    open: z.number().meta({ description: 'Lines not released 未放行' }),
    unpaid: z.number().meta({ description: 'Lines released and not paid 在途' }),
  })
  .meta({ id: 'PaymentBatch' })

export const lineView = z
  .object({
    reference: z.string().meta({ description: 'At the bank 银行附言' }),
    line: z.number(),
    payee: z.string().meta({ description: 'A credit code, or the code of a jurisdiction 收款单位' }),
    name: z.string().nullable(),
    province: z.string().nullable(),
    amount: yuanText.meta({ description: 'Approved in the period 核准' }),
    clawedBack: yuanText.meta({ description: 'Clawed back in the period 追回' }),
    setOff: yuanText,
    due: yuanText.meta({ description: 'What would be released now; of a line that is not open, nothing 现可放行' }),
    released: yuanText,
    paid: yuanText,
    state: z.enum(lineStates),
    release: z.number().nullable(),
    account: z.number().nullable().meta({ description: 'The version of the payee’s account 账户版本' }),
    bounces: z.number(),
  })
  .meta({ id: 'PaymentLine' })

export const batchWithLines = batchView.extend({
  control: z
    .object({ count: z.number(), total: yuanText })
    .meta({ description: 'Of all open lines, as they would be released now 控制总数' }),
  items: z.array(lineView),
})

export const batchQuery = z.strictObject({
  period: code.optional(),
  book: z
    .string()
    .regex(/^\d{6}$/)
    .optional(),
})

export const ownLineView = lineView
  .pick({
    reference: true,
    amount: true,
    clawedBack: true,
    setOff: true,
    released: true,
    paid: true,
    state: true,
    bounces: true,
  })
  .extend({ book: z.string(), period: z.string(), payee: z.string() })
