import { z } from 'zod'
import { orderText } from '../orders/contract.js'
import { yuanText } from '../platform/wire.js'
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
