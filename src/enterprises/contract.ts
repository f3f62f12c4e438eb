import { z } from 'zod'
import { division, enterpriseType, name, setOf, uscc } from '../platform/wire.js'

/** An enterprise 企业: who it is, where it sits, of which types it is. */
export const registerEnterprise = z.strictObject({ uscc, name, division, types: setOf(enterpriseType) })

export const enterpriseRegistered = z.object({ uscc: z.string() })

export const enterpriseView = z
  .object({ uscc: z.string(), name: z.string(), division: z.string(), types: z.array(enterpriseType) })
  .meta({ id: 'Enterprise' })
