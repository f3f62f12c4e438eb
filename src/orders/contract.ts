import { z } from 'zod'
import { category, code, day, digest, money, reason, text, uscc, yuanText } from '../platform/wire.js'
import { evidenceKind } from '../programs/contract.js'
import { voucherText } from '../vouchers/contract.js'

export const orderText = text(40).meta({
  id: 'OrderId',
  description: 'O, book, dash, number 订单编号',
  examples: ['O320509-60'],
})

export const orderStates = [
  'filed',
  'accepted',
  'delivered',
  'confirmed',
  'submitted',
  'returned',
  'verified',
  'approved',
  'paid',
  'cancelled',
  'declined',
  'lapsed',
  'rejected',
] as const
export type OrderState = (typeof orderStates)[number]

/** What becomes of an objection or an appeal: it was right 成立, or not 不成立. */
export const verdicts = ['sustained', 'dismissed'] as const
export const verdict = z.enum(verdicts)
/** Which states a list finds together (0016_lists.sql): the number of the stage each belongs to. */
export const stageOf: Readonly<Record<OrderState, number>> = {
  filed: 0,
  accepted: 0,
  delivered: 0,
  confirmed: 0,
  returned: 1,
  submitted: 2,
  verified: 2,
  approved: 3,
  paid: 3,
  cancelled: 4,
  declined: 4,
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
  localCategory: code.optional().meta({
    description: "The province's own category; its catalogue must map it to `category` 地方服务类别代码",
  }),
  replaces: orderText.nullish().meta({
    description:
      'The order on the same voucher that ends with this one, before its delivery 变更服务机构：所替代的订单',
  }),
})

/** A day counted in workdays, when the notice of holidays is still to come. */
const isProvisional = z
  .boolean()
  .optional()
  .meta({ description: 'The holidays of that year are not published yet 该年节假日安排尚未公布' })

export const orderFiled = z.object({
  order: z.string(),
  state: z.literal('filed'),
  held: yuanText,
  claimBy: z.string(),
  acceptBy: z.string().optional().meta({ description: 'Last day for the provider to accept 接单截止日' }),
  isProvisional,
  replaced: z.string().optional(),
  released: yuanText.optional(),
})

/** The provider takes the order on (接单), or does not (拒单). */
export const acceptOrder = z.strictObject({ order: orderText })
export const declineOrder = z.strictObject({ order: orderText, reason })

/** A supplementary contract 补充协议: other amounts for the same service. */
export const supplementOrder = z.strictObject({
  order: orderText,
  contractAmount: money,
  voucherAmount: money,
  signedOn: day,
  reason,
})
export const orderSupplemented = z.object({
  order: z.string(),
  state: z.enum(orderStates),
  contractAmount: yuanText,
  voucherAmount: yuanText,
  acceptBy: z.string().optional(),
  isProvisional,
})

/** A document that comes with a claim 佐证材料. */
export const evidence = z
  .strictObject({
    kind: evidenceKind,
    sha256: z.string().regex(/^[0-9a-f]{64}$/, { error: 'sha256_format' }),
  })
  .meta({ id: 'Evidence' })

const ofOrder = { order: orderText }

const remark = text(2000)
/** What was delivered 服务成果: in words, and as documents by their SHA-256. */
export const deliver = z.strictObject({
  ...ofOrder,
  summary: remark.nullish().meta({ description: 'What was delivered, in words 成果说明' }),
  results: z
    .array(digest)
    .max(100, { error: 'out_of_range' })
    .nullish()
    .meta({ description: 'Documents of the results, by their SHA-256 成果文件摘要' }),
})
export const confirm = z.strictObject({
  ...ofOrder,
  score: z.int({ error: 'wrong_type' }).min(0, { error: 'out_of_range' }).max(100, { error: 'out_of_range' }),
  comment: remark.nullish().meta({ description: 'In words, beside the score 评价意见' }),
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
    localCategory: z.string().nullable(),
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
    redInvoices: z.array(z.string()).meta({ description: 'Its invoices found to be red-flushed 已红冲的发票' }),
    acceptBy: z.string().nullable().meta({ description: 'Last day for the provider to accept 接单截止日' }),
    summary: z.string().nullable().meta({ description: 'What was delivered 成果说明' }),
    results: z.array(z.string()).meta({ description: 'SHA-256 of the documents of the results 成果文件摘要' }),
    comment: z.string().nullable().meta({ description: 'Of the enterprise, with its rating 评价意见' }),
    wanted: z
      .array(z.object({ item: z.string(), what: z.string(), answer: z.string().nullable() }))
      .meta({ description: 'What a return asks for, and what was answered 补正事项与答复' }),
    openObjections: z.number().meta({ description: 'Objections that wait for a decision 待处理异议数' }),
    appealBy: z.string().nullable().meta({ description: 'Last day to appeal against the rejection 申诉截止日' }),
    appeal: z
      .object({
        on: z.string(),
        reason: z.string(),
        verdict: z.enum(verdicts).nullable(),
        decidedOn: z.string().nullable(),
        decision: z.string().nullable().meta({ description: 'Why 裁决理由' }),
      })
      .nullable()
      .meta({ description: 'The appeal against the last rejection 对最近一次驳回的申诉' }),
    replaces: z.string().nullable().meta({ description: 'The order it took the place of 所替代的订单' }),
    replacedBy: z.string().nullable().meta({ description: 'The order that took its place 替代它的订单' }),
  })
  .meta({ id: 'Order' })

/** Whose turn it is 待办方. */
export const turns = ['enterprise', 'provider', 'bureau', 'clearing'] as const

export const orderFilter = z.strictObject({
  state: z.enum(orderStates).optional(),
  program: code.optional(),
  before: day.optional().meta({ description: 'Whose deadline is that day or earlier 期限不晚于' }),
  turn: z.enum(turns).optional().meta({ description: 'Who has to act next 待办方' }),
})

/** One step of an order, as those who may see it are told. */
/** When something was clawed back, seen from its payment: what is left to be done for it differs. */
export const clawBackCases = ['before_close', 'after_close', 'after_payment'] as const

const step = z.object({
  seq: z.number().meta({ description: 'Number in the book; of an objection, what names it 序号' }),
  step: z.string().meta({ description: 'The command 步骤' }),
  day: z.string(),
  by: z
    .enum(['enterprise', 'provider', 'bureau', 'service', 'other'])
    .meta({ description: 'In which part; the service where time passed 办理方' }),
  person: z.string().nullable().meta({ description: "Only of one's own organisation 仅本单位人员" }),
  state: z.enum(orderStates).nullable().meta({ description: 'What it came to 办理后状态' }),
  note: z.string().nullable().meta({ description: 'The reason that was given 理由' }),
  clawBack: z
    .enum(clawBackCases)
    .nullable()
    .meta({ description: 'Of a claw-back: before its period was closed, after, or after payment 追回时点' }),
})

export const timelineView = z
  .object({
    order: z.string(),
    state: z.enum(orderStates),
    steps: z.array(step),
    next: z
      .object({
        turn: z.enum(turns),
        step: z.string().meta({ description: 'The command that is waited for 待办步骤' }),
        by: z.string().nullable().meta({ description: 'Its last day 截止日' }),
        countedIn: z
          .enum(['days', 'workdays'])
          .nullable()
          .meta({ description: 'Calendar days or workdays 日历日或工作日' }),
        isProvisional: z.boolean(),
      })
      .nullable()
      .meta({ description: 'Null when it has ended 已办结则为空' }),
  })
  .meta({ id: 'Timeline' })
