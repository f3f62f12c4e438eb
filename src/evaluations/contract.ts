import { z } from 'zod'
import { category, count, jurisdiction } from '../platform/wire.js'

/** So many confirmed orders at least: fewer say more about an enterprise than about the provider. */
export const LEAST_CONFIRMED = 10

const figures = {
  orders: z.number(),
  confirmed: z.number().meta({ description: 'Orders that an enterprise has confirmed and scored 已确认评分订单' }),
  claims: z.number().meta({ description: 'Orders with a claim 已申请兑付订单' }),
  isPublished: z
    .boolean()
    .meta({ description: `From ${LEAST_CONFIRMED} confirmed orders on; else null 满足最低样本数` }),
  scoreMean: z.number().nullable(),
  scoreQuartiles: z.array(z.number()).nullable().meta({ description: 'Lower quartile, median, upper 四分位数' }),
  daysToDelivery: z.number().nullable().meta({ description: 'Mean, from filing 备案至交付平均天数' }),
  daysToApproval: z.number().nullable().meta({ description: 'Mean, from filing 备案至核准平均天数' }),
  returnedShare: z.number().nullable().meta({ description: 'Of the claims 退回比例' }),
}

export const evaluationView = z
  .object({ provider: z.string(), ...figures, categories: z.array(z.object({ category, ...figures })) })
  .meta({ id: 'Evaluation' })
export type Evaluation = z.infer<typeof evaluationView>

export const findings = [
  'qualification_expiring',
  'low_score',
  'many_returns',
  'integrity_listed',
  'not_listed_at_home',
  'no_orders',
] as const

export const yearlyReviewLine = z
  .object({
    uscc: z.string(),
    name: z.string(),
    division: z.string(),
    orders: z.number().meta({ description: 'Filed in the year 当年备案' }),
    confirmed: z.number(),
    scoreMean: z.number().nullable(),
    claims: z.number(),
    returned: z.number(),
    findings: z.array(z.enum(findings)),
  })
  .meta({ id: 'YearlyReview' })
export type YearlyReview = z.infer<typeof yearlyReviewLine>

export const yearlyReviewFilter = z.strictObject({ jurisdiction, year: count(2000, 2999) })
