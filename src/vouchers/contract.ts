import { z } from 'zod'
import { code, money, text, uscc, yuanText } from '../platform/wire.js'

export const voucherText = text(40).meta({
  id: 'VoucherId',
  description: 'V, book, dash, number 创新券编号',
  examples: ['V320509-57'],
})

/** Issues a voucher to an enterprise from a program's pool (发放). */
export const issue = z.strictObject({ enterprise: uscc, program: code, amount: money })
export type Issue = z.infer<typeof issue>

export const issued = z.object({ voucher: z.string(), amount: yuanText, useBy: z.string() })

export const voucherView = z
  .object({
    voucher: z.string(),
    program: z.string(),
    enterprise: z.string(),
    amount: yuanText,
    available: yuanText,
    held: yuanText,
    issuedOn: z.string(),
    useBy: z.string(),
    lapsedOn: z.string().nullable(),
  })
  .meta({ id: 'Voucher' })
