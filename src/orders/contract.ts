import { z } from 'zod'
import { category, code, day, money, text, uscc, yuanText } from '../platform/wire.js'
import { evidenceKind } from '../programs/contract.js'
import { voucherText } from '../vouchers/contract.js'

export const orderText = text(40).meta({
  id: 'OrderId',
  description: 'O, book, dash, number 订单编号',
  examples: ['O320509-60'],
})

export const orderStates = [
  'filed',
  'delivered',
  'confirmed',
  'submitted',
  'returned',
  'verified',
  'approved',
  'paid',
  'cancelled',
  'lapsed',
  'rejected',
] as const
export type OrderState = (typeof orderStates)[number]

/** Which states a list finds together (0016_lists.sql): the number of the stage each belongs to. */
export const stageOf: Readonly<Record<OrderState, number>> = {
  filed: 0,
  delivered: 0,
  confirmed: 0,
  returned: 1,
  submitted: 2,
  verified: 2,
  approved: 3,
  paid: 3,
  cancelled: 4,
  lapsed: 5,
  rejected: 6,
}

/** Files a service contract (服务合同备案): the voucher's share is held from this moment. */
export const fileOrder = z.strictObject({
  voucher: voucherText,
  provider: uscc,
  category,
  contractNo: text(200),
  contractAmount: money,
  voucherAmount: money,
  signedOn: day,
  relatedParty: z.boolean(),
})

export const orderFiled = z.object({
  order: z.string(),
  state: z.literal('filed'),
  held: yuanText,
  claimBy: z.string(),
})

/** A document that comes with a claim 佐证材料. */
export const evidence = z
  .strictObject({
    kind: evidenceKind,
    sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: 'sha256_format' }),
  })
  .meta({ id: 'Evidence' })

const ofOrder = { order: orderText }

export const deliver = z.strictObject(ofOrder)
export const confirm = z.strictObject({
  ...ofOrder,
  score: z.int({ error: 'wrong_type' }).min(0, { error: 'out_of_range' }).max(100, { error: 'out_of_range' }),
})
export const cancelOrder = z.strictObject(ofOrder)

export const orderMoved = z.object({ order: z.string(), state: z.enum(orderStates) })
export const orderReleased = z.object({ order: z.string(), state: z.enum(orderStates), released: yuanText })

export const orderView = z
  .object({
    order: z.string(),
    state: z.enum(orderStates),
    voucher: z.string(),
    program: z.string(),
    enterprise: z.string(),
    provider: z.string(),
    category,
    contractNo: z.string(),
    contractAmount: yuanText,
    voucherAmount: yuanText,
    held: yuanText,
    approved: yuanText.nullable(),
    clawedBack: yuanText,
    signedOn: z.string(),
    filedOn: z.string(),
    claimBy: z.string(),
    deadline: z.string().nullable(),
    payee: z.enum(['provider', 'enterprise']),
    invoiceNo: z.string().nullable(),
    invoiceAmount: yuanText.nullable(),
    version: z.number().meta({ description: "Version of the program's rules 适用版本" }),
    noticeEnds: z.string().nullable().meta({ description: 'Last day of the public notice 公示截止日' }),
    evidence: z.array(evidence),
  })
  .meta({ id: 'Order' })

export const orderFilter = z.strictObject({ state: z.enum(orderStates).optional(), program: code.optional() })
