import { z } from 'zod'
import { applicationText } from '../applications/contract.js'
import { isNumber, withoutCheck } from '../core/check-character.js'
import type { RefusalCode } from '../core/refusals.js'
import { pageQuery } from '../platform/pages.js'
import { code, day, money, reason, text, uscc, yuanText } from '../platform/wire.js'

/** A voucher by its id, or by its number: the id with its check character, which is then checked and left out. */
export const voucherText = text(40)
  .refine(isNumber, { error: 'check_character' })
  .overwrite(withoutCheck)
  .meta({
    id: 'VoucherId',
    description: 'V, book, dash, number; a check character may follow 创新券编号，可带校验字符',
    examples: ['V320509-57', 'V320509-57-6'],
  })

export const voucherStates = ['running', 'suspended', 'lapsed', 'cancelled', 'recalled'] as const
export type VoucherState = (typeof voucherStates)[number]

/** Issues a voucher to an enterprise from a program's pool (发放); with an application, grants what was applied for. */
export const issue = z.strictObject({
  enterprise: uscc,
  program: code,
  amount: money,
  application: applicationText.nullish().meta({ description: 'The application that this grants 所批准的申请' }),
})
export type Issue = z.infer<typeof issue>

/** What the rules of a program refuse a voucher with, whether it is applied for or issued. */
export const grantRefusals = [
  'program_not_open',
  'integrity_listed',
  'outside_jurisdiction',
  'enterprise_not_eligible',
  'annual_cap_exceeded',
  'pool_insufficient',
  'first_grant_limit_exceeded',
] as const satisfies RefusalCode[]

/** What issuing can be refused with, alone or as a row of many. */
export const issueRefusals = [
  'program_not_found',
  'enterprise_not_found',
  'not_your_jurisdiction',
  ...grantRefusals,
  'application_not_found',
  'state_conflict',
  'separation_of_duties',
  'application_differs',
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

const ofVoucher = { voucher: voucherText }

/** Extends a voucher once, by the days its program allows (延期). */
export const extendVoucher = z.strictObject({ ...ofVoucher, reason })
export const voucherExtended = z.object({ voucher: z.string(), useBy: z.string() })

/** The enterprise gives an unused voucher up (注销). */
export const cancelVoucher = z.strictObject(ofVoucher)
/** The bureau takes an unused voucher back (收回). */
export const recallVoucher = z.strictObject({ ...ofVoucher, reason })
export const voucherEnded = z.object({ voucher: z.string(), state: z.enum(voucherStates), amount: yuanText })

/** No new orders on a voucher until it is resumed (暂停、恢复). */
export const suspendVoucher = z.strictObject({ ...ofVoucher, reason })
export const resumeVoucher = z.strictObject({ ...ofVoucher, reason })
export const voucherMoved = z.object({ voucher: z.string(), state: z.enum(voucherStates) })

export const voucherFilter = z.strictObject({
  program: code.optional(),
  enterprise: uscc.optional(),
  state: z.enum(voucherStates).optional(),
  endsBefore: day.optional().meta({ description: 'Still running, and ending before this day 在此日前到期的有效券' }),
  ...pageQuery,
})

export const voucherView = z
  .object({
    voucher: z.string(),
    number: z.string().meta({ description: 'The id with its check character, to be printed 带校验字符的券号' }),
    state: z.enum(voucherStates),
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
    extendedOn: z.string().nullable().meta({ description: 'The day it was extended 延期日' }),
    suspendedOn: z.string().nullable().meta({ description: 'Suspended since 暂停日' }),
  })
  .meta({ id: 'Voucher' })
