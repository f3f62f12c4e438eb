import { z } from 'zod'
import { orderText, turns } from '../orders/contract.js'
import { count, yuanText } from '../platform/wire.js'
import { voucherText } from '../vouchers/contract.js'

/** Gives what is available on an overdue voucher back to its pool; only the service itself asks this. */
export const lapseVoucher = z.strictObject({ voucher: voucherText })
export const voucherLapsed = z.object({ voucher: z.string(), amount: yuanText })

/** Ends an overdue order and gives its hold back; only the service itself asks this. */
export const lapseOrder = z.strictObject({ order: orderText })
export const orderLapsed = z.object({ order: z.string(), released: yuanText })

/** What a sweep did. */
export const swept = z.object({
  day: z.string(),
  orders: z.number().meta({ description: 'Orders lapsed 失效订单数' }),
  vouchers: z.number().meta({ description: 'Vouchers lapsed 失效创新券数' }),
})

export const reminderKinds = [
  'use_by',
  'recall',
  'acceptance',
  'delivery',
  'confirmation',
  'claim',
  'completion',
  'notice',
  'appeal',
] as const

export const reminderQuery = z.strictObject({
  within: count(0, 366).default(30).meta({ description: 'So many calendar days from today 未来天数' }),
})

/** Something that ends soon and then costs somebody money 到期提醒. */
export const reminderView = z
  .object({
    what: z.enum(reminderKinds).meta({ description: 'What ends 到期事项' }),
    by: z.string().meta({ description: 'Its last day 截止日' }),
    thing: z.string().meta({ description: 'The voucher or the order 创新券或订单' }),
    turn: z.enum(turns).meta({ description: 'Who has to act 待办方' }),
    amount: yuanText.meta({ description: 'What is at stake 涉及金额' }),
  })
  .meta({ id: 'Reminder' })

export const reminders = z.object({
  day: z.string(),
  items: z.array(reminderView).meta({ description: 'Soonest first, at most 200 按截止日排序，最多 200 条' }),
})
