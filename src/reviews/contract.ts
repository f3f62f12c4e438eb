import { z } from 'zod'
import type { FieldFault } from '../core/faults.js'
import { reason, uscc, version } from '../platform/wire.js'

const verdicts = ['accepted', 'refused', 'returned'] as const

/** How a provider can stand at home. */
export const standing = z
  .enum(['unreviewed', 'returned', 'refused', 'on_notice', 'listed'])
  .meta({ id: 'HomeStanding', description: 'How it stands at home 未审核、退回、未通过、公示中、已入库' })
export type Standing = z.infer<typeof standing>

const said = {
  verdict: z.enum(verdicts).meta({ description: 'Accepted it is listed after its notice 通过、不通过、退回补正' }),
  noticeDays: z
    .int({ error: 'wrong_type' })
    .min(1, { error: 'out_of_range' })
    .max(365, { error: 'out_of_range' })
    .nullish()
    .meta({ description: 'Calendar days of public notice, from the day after on; none: listed at once 公示天数' }),
  reason: reason.nullish().meta({ description: 'Needed unless it is accepted 理由' }),
}
function forReason(
  { verdict, reason }: { verdict: string; reason?: string | null | undefined },
  context: z.RefinementCtx,
) {
  if (verdict === 'accepted' || reason) return
  context.addIssue({ code: 'custom', message: 'required' satisfies FieldFault, path: ['reason'] })
}

/** A bureau of the provider's home reviews what it says of itself, in the version that was read (属地审核). */
export const reviewProvider = z
  .strictObject({ provider: uscc, version: version.nullish(), ...said })
  .superRefine(forReason)
/** The same where the address names the provider, and If-Match the version. */
export const reviewBody = z.strictObject(said).superRefine(forReason)

export const providerReviewed = z.object({
  provider: z.string(),
  review: z.number(),
  verdict: z.enum(verdicts),
  noticeEnds: z.string().nullable(),
})

/** Anybody says something against a provider during its notice, which stands still from then on (公示异议). */
export const objectToProvider = z.strictObject({ provider: uscc, reason })
export const providerObjected = z.object({ provider: z.string(), objection: z.number() })

const decisions = ['dismissed', 'upheld'] as const

/** A bureau of the provider's home decides an objection (异议处理): upheld, the provider is refused. */
export const decideProviderObjection = z.strictObject({
  provider: uscc,
  objection: z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' }),
  verdict: z.enum(decisions),
  reason,
})
export const objectionDecided = z.object({
  provider: z.string(),
  objection: z.number(),
  verdict: z.enum(decisions),
  noticeEnds: z.string().nullable(),
})

export const homeReviewView = z
  .object({
    review: z.number(),
    by: z.string(),
    verdict: z.enum(verdicts),
    reason: z.string().nullable(),
    noticeEnds: z.string().nullable().meta({ description: 'Last day of the public notice 公示截止日' }),
    noticeLeft: z
      .number()
      .nullable()
      .meta({ description: 'Days of notice still to run once the open objections are decided 异议处理后剩余公示天数' }),
    objections: z
      .array(
        z.object({
          objection: z.number(),
          review: z.number(),
          by: z.string(),
          on: z.string(),
          reason: z.string(),
          decision: z
            .object({ on: z.string(), by: z.string(), verdict: z.enum(decisions), reason: z.string() })
            .nullable(),
        }),
      )
      .nullable()
      .meta({ description: 'For bureaus and the provider itself, null for others 异议' }),
  })
  .meta({ id: 'HomeReview' })
