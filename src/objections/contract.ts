import { z } from 'zod'
import { orderStates, orderText, verdict } from '../orders/contract.js'
import { reason, yuanText } from '../platform/wire.js'

const number = z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' })

/** Objects to a claim under public notice 公示异议; anybody may. */
export const fileObjection = z.strictObject({ order: orderText, reason })
export const objectionFiled = z.object({ order: z.string(), objection: z.number() })

/** The bureau decides an objection 异议处理: sustained, the claim has to be verified again, returned or rejected. */
export const resolveObjection = z.strictObject({ order: orderText, objection: number, verdict, reason })
export const objectionResolved = z.object({
  order: z.string(),
  objection: z.number(),
  verdict,
  state: z.enum(orderStates),
})

/** A claim under public notice, as everybody may read it 公示. */
export const noticeView = z
  .object({
    order: z.string(),
    program: z.string(),
    enterprise: z.string(),
    provider: z.string(),
    category: z.string(),
    contractAmount: yuanText,
    voucherAmount: yuanText,
    noticeEnds: z.string().meta({ description: 'Last day to object 异议截止日' }),
  })
  .meta({ id: 'Notice' })
