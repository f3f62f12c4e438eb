import { z } from 'zod'
import type { FieldFault } from '../core/faults.js'
import { pageQuery } from '../platform/pages.js'
import { code, digest, money, reason, text, uscc, version, yuanText } from '../platform/wire.js'

export const applicationText = text(40).meta({
  id: 'ApplicationId',
  description: 'A, book, dash, number 申请编号',
  examples: ['A320509-56'],
})

export const applicationStates = ['submitted', 'returned', 'reviewed', 'granted', 'refused', 'withdrawn'] as const
export type ApplicationState = (typeof applicationStates)[number]

/** A document that comes with an application 申请材料; the file itself is kept elsewhere. */
const applicationDocument = z.strictObject({ name: text(100), sha256: digest }).meta({ id: 'ApplicationDocument' })

const asked = {
  amount: money,
  note: reason.nullish().meta({ description: 'What it is for, in words 申请说明' }),
  documents: z.array(applicationDocument).max(20, { error: 'out_of_range' }).nullish(),
}

/** An enterprise asks a program for a voucher of an amount (申请). */
export const applyVoucher = z.strictObject({ enterprise: uscc, program: code, ...asked })

const ofApplication = { application: applicationText }

/** Answers what was missing, with everything anew (补正). */
export const completeApplication = z.strictObject({ ...ofApplication, version, ...asked })

/** Gives it up (撤回). */
export const withdrawApplication = z.strictObject(ofApplication)

export const verdicts = ['passed', 'returned', 'refused'] as const

const missing = z
  .array(text(200))
  .min(1, { error: 'out_of_range' })
  .max(20, { error: 'out_of_range' })
  .nullish()
  .meta({ description: 'Of what is returned: the exact items to complete 须补正事项' })

const review = {
  verdict: z
    .enum(verdicts)
    .meta({ description: 'For the grant, back to be completed, or refused 通过、补正、不予通过' }),
  missing,
  reason: reason.nullish(),
}

/** What is returned says what is missing, what is refused says why. */
function said(
  { verdict, missing, reason }: { verdict?: unknown; missing?: unknown; reason?: unknown },
  context: z.RefinementCtx,
) {
  const lacks = (path: string) =>
    context.addIssue({ code: 'custom', message: 'required' satisfies FieldFault, path: [path] })
  if (verdict === 'returned' && missing == null) lacks('missing')
  if (verdict === 'refused' && reason == null) lacks('reason')
  if (verdict !== 'returned' && missing != null) {
    context.addIssue({ code: 'custom', message: 'unknown_field' satisfies FieldFault, path: ['missing'] })
  }
}

/** The reviewer's verdict on the version that was read (审核). */
export const reviewApplication = z.strictObject({ ...ofApplication, version, ...review }).superRefine(said)
/** The same where the address names the application, and If-Match the version. */
export const reviewBody = z.strictObject(review).superRefine(said)

/** Many verdicts, each by itself (批量审核). */
export const bulkReview = z.strictObject({
  items: z.array(reviewApplication).min(1).max(1000).meta({
    description: 'Each row is decided by itself, under a key of its own. 逐行独立处理，互不影响。',
  }),
})

/** A thousand rows of four kilobytes, more than anybody writes. */
export const REVIEW_BYTES = 4_194_304

/** What a verdict can be refused with, alone or as a row of many. */
export const reviewRefusals = [
  'application_not_found',
  'not_your_jurisdiction',
  'version_conflict',
  'state_conflict',
] as const

export const applicationMoved = z.object({
  application: z.string(),
  state: z.enum(applicationStates),
  version: z.number(),
})

export const applicationView = z
  .object({
    application: z.string(),
    version: z.number(),
    state: z.enum(applicationStates),
    program: z.string(),
    enterprise: z.string(),
    amount: yuanText,
    appliedOn: z.string().meta({ description: 'The day it was last submitted 最近提交日' }),
    note: z.string().nullable(),
    documents: z.array(applicationDocument),
    reviewedBy: z.string().nullable().meta({ description: 'Who passed it, and cannot grant it 审核人' }),
    missing: z.array(z.string()).meta({ description: 'What must be completed 须补正事项' }),
    reason: z.string().nullable(),
    voucher: z.string().nullable().meta({ description: 'The voucher that was granted 所发放的创新券' }),
  })
  .meta({ id: 'Application' })

export const applicationFilter = z.strictObject({
  state: z.enum(applicationStates).optional(),
  program: code.optional(),
  enterprise: uscc.optional(),
  ...pageQuery,
})
