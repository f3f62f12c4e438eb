import { z } from 'zod'
import { orderStates, orderText, verdict } from '../orders/contract.js'
import { reason, yuanText } from '../platform/wire.js'

/** The payee appeals against the rejection of its claim 申诉; once for each rejection. */
export const appealClaim = z.strictObject({ order: orderText, reason })
export const claimAppealed = z.object({ order: z.string(), appeal: z.number() })

/** The bureau decides it: sustained, the amount is held again and the claim is submitted again 申诉裁决. */
export const decideClaimAppeal = z.strictObject({ order: orderText, verdict, reason })
export const claimAppealDecided = z.object({
  order: z.string(),
  verdict,
  state: z.enum(orderStates),
  held: yuanText,
})
