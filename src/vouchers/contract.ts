import { z } from 'zod'
import type { RefusalCode } from '../core/refusals.js'
import { code, money, text, uscc, yuanText } from '../platform/wire.js'

export const voucherText = text(40).meta({
  id: 'VoucherId',
  description: 'V, book, dash, number 创新券编号',
  examples: ['V320509-57'],
})

/** Issues a voucher to an enterprise from a program's pool (发放). */
export const issue = z.strictObject({ enterprise: uscc, program: code, amount: money })
export type Issue = z.infer<typeof issue>

/** What issuing can be refused with by its own rules, alone or as a row of many. */
export const issueRefusals = [
  'program_not_found',
  'enterprise_not_found',
  'not_your_jurisdiction',
  'program_not_open',
  'integrity_listed',
  'outside_jurisdiction',
  'enterprise_not_eligible',
  'annual_cap_exceeded',
  'pool_insufficient',
  'first_grant_limit_exceeded',
] as const satisfies RefusalCode[]

/** Issues many vouchers, each row by itself (批量发放). */
export const bulkIssue = z.strictObject({
  items: z.array(issue).min(1).max(10_000).meta({
    description:
      'Each row is decided by itself; what was overloaded, unavailable or a fault is tried again under the same key. 逐行独立处理，互不影响；繁忙、不可用或故障的行以同一键重试。',
  }),
})

/** Ten thousand rows of the longest values take 2.7 MB; the rest is for how they are laid out. */
export const BULK_BYTES = 4_194_304

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
    version: z.number().meta({ description: "Version of the program's rules 适用版本" }),
    recallOn: z.string().nullable().meta({ description: 'Recalled after this day if still unused 未用收回日' }),
  })
  .meta({ id: 'Voucher' })
