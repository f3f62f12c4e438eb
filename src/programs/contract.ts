import { z } from 'zod'
import {
  category,
  code,
  day,
  enterpriseType,
  inOrder,
  jurisdiction,
  money,
  ratio,
  setOf,
  yuanText,
} from '../platform/wire.js'

const days = z.int({ error: 'wrong_type' }).min(0, { error: 'out_of_range' }).max(3660, { error: 'out_of_range' })

/** The rules of one jurisdiction's vouchers for a year 券种; published once, never edited. */
export const publishProgram = z
  .strictObject({
    program: code,
    jurisdiction,
    ratio,
    annualCap: money,
    orderCap: money.nullable(),
    payee: z.enum(['provider', 'enterprise']),
    invoice: z.enum(['whole', 'self_paid']),
    crossRegion: z.boolean(),
    applyFrom: day,
    applyTo: day,
    useWithinDays: days,
    claimWithinDays: days,
    categories: setOf(category).min(1, { error: 'out_of_range' }),
    enterpriseTypes: setOf(enterpriseType).min(1, { error: 'out_of_range' }),
    verifiedTypes: z
      .boolean()
      .nullish()
      .meta({ description: 'Types count only when verified and running 仅认可已核验且在有效期内的资格' }),
  })
  .superRefine(inOrder('applyFrom', 'applyTo'))
export type PublishProgram = z.infer<typeof publishProgram>

export const programPublished = z.object({ program: z.string(), jurisdiction: z.string() })

export const appropriate = z.strictObject({ program: code, amount: money })

export const appropriated = z.object({ program: z.string(), amount: yuanText, pool: yuanText })

/** A program as it is answered. */
export const programView = z
  .object({
    program: z.string(),
    jurisdiction: z.string(),
    ratio: z.string(),
    annualCap: yuanText,
    orderCap: yuanText.nullable(),
    payee: z.enum(['provider', 'enterprise']),
    invoice: z.enum(['whole', 'self_paid']),
    crossRegion: z.boolean(),
    applyFrom: z.string(),
    applyTo: z.string(),
    useWithinDays: z.number(),
    claimWithinDays: z.number(),
    categories: z.array(category),
    enterpriseTypes: z.array(enterpriseType),
    verifiedTypes: z.boolean(),
    pool: yuanText,
  })
  .meta({ id: 'Program' })
