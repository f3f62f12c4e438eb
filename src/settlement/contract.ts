import { z } from 'zod'
import { orderText } from '../orders/contract.js'
import { lineStates, MOST_LINES } from '../payments/facts.js'
import { code, day, signedMoney, yuanText } from '../platform/wire.js'

/**
 * Closes a clearing period (关账): takes every item of the group dated up to `through` that no earlier close took.
 * Without a group it takes all items and is paid in one piece, as versions before 0.6 did; no operation asks that.
 */
export const closePeriod = z.strictObject({
  period: code,
  through: day,
  group: code.optional().meta({ description: 'The clearing group, `region` if left out 清算组' }),
})
export const periodClosed = z.object({
  period: z.string(),
  through: z.string(),
  group: z.string().optional(),
  reaches: z.record(z.string(), z.number()).meta({ description: 'The number up to which it reaches in each book' }),
})

/** Gives every province its position for a closed period (轧差); the service itself asks this after closing. */
export const netPeriod = z.strictObject({
  period: code,
  gross: z.array(
    z.strictObject({
      from: z.string(),
      to: z.string(),
      amount: signedMoney,
      agreement: z.number().nullish().meta({ description: 'By which clearing agreement; of a period with a group' }),
    }),
  ),
})
export const periodNetted = z.object({ period: z.string(), net: z.record(z.string(), yuanText) })

/** Says that all of a closed period is paid (确认拨付). */
export const confirmPayments = z.strictObject({ period: code })
export const paymentsConfirmed = z.object({
  period: z.string(),
  instructions: z.array(z.object({ from: z.string(), to: z.string(), amount: yuanText })),
})

/** One book's part of a period's payments; the service itself asks this together with confirm_payments. */
export const pay = z.strictObject({
  period: code,
  book: z.number(),
  payees: z.array(z.strictObject({ payee: z.string(), province: z.number(), amount: signedMoney })),
  orders: z.array(orderText),
})
export const paid = z.object({ period: z.string(), paid: yuanText, payees: z.number(), orders: z.number() })

/** What of a settlement is booked in one piece: what issuers owe; what provinces take over; what they square up. */
export const settlementParts = ['issuer', 'payee', 'between'] as const

/** One piece of a period's settlement in one book (清算入账); the service itself asks this after netting. */
export const settlePeriod = z.strictObject({
  period: code,
  book: z.number(),
  part: z.enum(settlementParts),
  piece: z.number(),
  payees: z
    .array(
      z.strictObject({
        payee: z.string(),
        province: z.number().nullable(),
        approved: signedMoney,
        clawedBack: signedMoney,
        netted: z.boolean().meta({ description: 'Through the clearing house, or paid by the book itself 经清算' }),
      }),
    )
    .max(MOST_LINES),
})
export const periodSettled = z.object({
  period: z.string(),
  part: z.enum(settlementParts),
  piece: z.number(),
  lines: z.number().meta({ description: 'Lines to be paid 拨付明细' }),
  amount: yuanText,
})

/** Says that every piece of a period's settlement is booked; the service itself asks this. */
export const finishSettlement = z.strictObject({ period: code })

/** Orders whose payee the bank has paid for a period, or whose payment came back; the service itself asks this. */
export const markPaid = z.strictObject({
  period: code,
  book: z.number(),
  orders: z.array(orderText).max(1000),
  paid: z.boolean(),
})
export const ordersMarked = z.object({
  period: z.string(),
  orders: z.array(z.string()),
  state: z.enum(['paid', 'approved']),
})

const provinceAmounts = z.record(z.string(), yuanText)

export const periodStates = ['closed', 'netted', 'in_transit', 'settled', 'paid'] as const
export type PeriodState = (typeof periodStates)[number]

const group = z.string().nullable().meta({ description: 'Null: all items, paid in one piece 清算组' })
const state = z
  .enum(periodStates)
  .meta({ description: 'in_transit while its settlement is being booked 在途; settled until all is paid' })
export const periodLine = z.object({
  period: z.string(),
  through: z.string(),
  paid: z.boolean(),
  group,
  state,
})

/** Whom something is owed to, and how it is paid. */
const paidBy = {
  payee: z.string(),
  name: z.string().nullable().meta({ description: 'Its registered name 户名' }),
  province: z.string(),
  reference: z.string().nullable().meta({ description: 'Of its payment line at the bank; null without one 银行附言' }),
  payment: z.enum(lineStates).nullable().meta({ description: 'How far its payment line is 拨付状态' }),
  account: z.string().nullable().meta({
    description: 'The account its line was released with, but for its last four digits masked 收款账号（脱敏）',
  }),
}

/** What one book owes one payee for a period. */
export const grossView = z
  .object({
    book: z.string(),
    bookName: z.string(),
    ...paidBy,
    approved: yuanText,
    clawedBack: yuanText,
    amount: yuanText,
    netted: z.boolean().meta({ description: 'Through the clearing house 经清算' }),
  })
  .meta({ id: 'GrossPosition' })

/** An approval or a claw-back of a period. */
export const itemView = z
  .object({
    seq: z.number(),
    day: z.string(),
    order: z.string(),
    ...paidBy,
    amount: yuanText,
    agreement: z.number().nullable(),
    late: z.boolean().meta({ description: 'Dated within an earlier period, booked after its close 迟到项目' }),
  })
  .meta({ id: 'PeriodItem' })

export const refundView = z.object({ book: z.string(), payee: z.string(), amount: yuanText, reference: z.string() })

/** A closed period: gross positions, the net of each province and the instructions that clear them. */
export const settlementView = z
  .object({
    period: z.string(),
    through: z.string(),
    closedOn: z.string(),
    group,
    state,
    gross: z.record(z.string(), provinceAmounts).meta({ description: 'gross[P][Q]: P issued, Q’s payees earned 总额' }),
    net: provinceAmounts.meta({ description: 'What the others owe less what is owed to them 净额' }),
    instructions: z.array(z.object({ from: z.string(), to: z.string(), amount: yuanText })),
    pairs: z
      .array(
        z.object({
          agreement: z.string(),
          net: yuanText,
          netted: z.boolean(),
          why: z.enum(['agreed', 'below_threshold', 'above_cap']),
        }),
      )
      .meta({ description: 'What each agreement to net came to; direct when it is not netted 各协议轧差结果' }),
    proof: z
      .object({ sumOfNets: yuanText, leftAfterInstructions: provinceAmounts })
      .meta({ description: 'The nets add up to zero, and the instructions bring each to zero 核对' }),
    late: z
      .object({ items: z.number(), amount: yuanText })
      .meta({ description: 'Dated within an earlier period, booked after its close 迟到项目' }),
    paid: z.boolean(),
  })
  .meta({ id: 'Settlement' })
