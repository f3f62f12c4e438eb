import { z } from 'zod'
import { day, inOrder, reason, uscc } from '../platform/wire.js'

/** Lists a party on the shared integrity list over these days; without `to`, until further notice (科研诚信名单). */
export const listIntegrity = z
  .strictObject({ uscc, from: day, to: day.nullish(), reason })
  .superRefine(inOrder('from', 'to'))

export const integrityListed = z.object({ uscc: z.string(), listing: z.number() })

export const integrityView = z
  .object({
    uscc: z.string(),
    listing: z.number(),
    from: z.string(),
    to: z.string().nullable(),
    reason: z.string(),
    listedBy: z.string(),
  })
  .meta({ id: 'IntegrityEntry' })
