import { z } from 'zod'
import { invoice } from '../invoices/contract.js'
import { evidence, orderStates, orderText } from '../orders/contract.js'
import { invoiceNo, money, reason, text, yuanText } from '../platform/wire.js'

const ofOrder = { order: orderText }
const state = z.enum(orderStates)

/** Claims payment for a confirmed order with its invoice (兑付申请); again after a return, with a new invoice or the same. */
export const submitClaim = z.strictObject({
  ...ofOrder,
  invoiceNo,
  invoiceAmount: money,
  evidence: z.array(evidence).max(100, { error: 'out_of_range' }).nullish().meta({
    description:
      'Documents that who claims has uploaded; they replace what came before, left out that stays. An XML of kind `invoice` is checked against the claim 本单位已上传的佐证文件；不填则沿用原件；发票 XML 与申请核对',
  }),
  /** What the XML among the evidence says, read where the claim comes in; nobody says it themselves. */
  invoice: invoice.optional(),
  answers: z
    .array(z.strictObject({ item: text(40), answer: text(1000) }))
    .max(50, { error: 'out_of_range' })
    .nullish()
    .meta({ description: 'To the items of the return, every one of them 对补正事项逐项答复' }),
})
const items = z
  .array(z.strictObject({ item: text(40), what: text(500) }))
  .min(1, { error: 'out_of_range' })
  .max(50, { error: 'out_of_range' })
  .refine((list) => new Set(list.map(({ item }) => item)).size === list.length, { error: 'repeated' })
/** Sends a claim back for completion (退回补正). */
export const returnClaim = z.strictObject({
  ...ofOrder,
  reason,
  redFlushed: z
    .literal(true, { error: 'not_one_of' })
    .optional()
    .meta({ description: 'Its invoice was red-flushed: no claim can use it again 发票已红冲，不得再次使用' }),
  items: items.nullish().meta({ description: 'What exactly is missing; each has to be answered 补正事项' }),
})
/** The officer's first review (经办审核). */
export const verifyClaim = z.strictObject(ofOrder)
/** The second person's approval (复核): all or part of the hold becomes payable. */
export const approveClaim = z.strictObject({ ...ofOrder, amount: money.nullish() })
/** Refuses the claim for good (驳回). */
export const rejectClaim = z.strictObject({ ...ofOrder, reason })
/** Takes back what was approved (追回). */
export const clawBack = z.strictObject({
  ...ofOrder,
  amount: money,
  reason,
  /** The red invoice that it follows from; only the service itself says so. */
  redInvoiceNo: invoiceNo.optional(),
})

export const claimMoved = z.object({ order: z.string(), state })
export const claimApproved = z.object({
  order: z.string(),
  state,
  approved: yuanText,
  released: yuanText,
  payee: z.string(),
})
export const claimReleased = z.object({
  order: z.string(),
  state,
  released: yuanText,
  appealBy: z.string().optional().meta({ description: 'Last day to appeal 申诉截止日' }),
  isProvisional: z
    .boolean()
    .optional()
    .meta({ description: 'The holidays of that year are not published yet 该年节假日安排尚未公布' }),
})
export const clawedBack = z.object({ order: z.string(), state, amount: yuanText, clawedBack: yuanText })
