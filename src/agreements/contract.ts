import { z } from 'zod'
import { category, day, inOrder, province, setOf, text } from '../platform/wire.js'

/** What orders do that were filed under an agreement when its recognition ends: go on, or stop before they are paid. */
export const runningOrders = ['complete', 'stop'] as const

const by = province.meta({ description: 'Which of the two provinces says so 签署方' })

const terms = {
  categories: setOf(category),
  from: day,
  to: day,
  running: z.enum(runningOrders).meta({ description: 'Orders already filed go on, or stop before payment 在途订单' }),
  document: text(100).nullish().meta({ description: 'Document number 文号' }),
}
const differ = ({ accepting, home }: { accepting?: unknown; home?: unknown }, context: z.RefinementCtx) => {
  if (accepting === home) context.addIssue({ code: 'custom', message: 'repeated', path: ['home'] })
}

/** Offers that one province takes the other's providers for these categories and days (互认协议): signed by who offers it. */
export const offerAgreement = z
  .strictObject({ accepting: province, home: province, by, ...terms })
  .superRefine(inOrder('from', 'to'))
  .superRefine(differ)

export const agreementText = text(40)
  .regex(/^3[1-4]0000-3[1-4]0000-[1-9]\d{0,14}$/, { error: 'text_format' })
  .meta({
    id: 'AgreementId',
    description: 'Accepting province, home province, number 互认协议编号',
    examples: ['310000-330000-41'],
  })

const version = z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' })

/** Other terms, while not both have signed: whoever amends has signed, the other has not any more (修改). */
export const amendAgreement = z
  .strictObject({ agreement: agreementText, version, by, ...terms })
  .superRefine(inOrder('from', 'to'))
export const amendBody = z.strictObject({ by, ...terms }).superRefine(inOrder('from', 'to'))

/** Signs the very version that was read (签署). */
export const signAgreement = z.strictObject({ agreement: agreementText, version, by })

/** Ends it at once, by either side (终止). */
export const endAgreement = z.strictObject({ agreement: agreementText, version })

export const agreementWritten = z.object({ agreement: z.string(), version: z.number(), signed: z.array(z.string()) })

export const agreementView = z
  .object({
    agreement: z.string(),
    version: z.number(),
    accepting: z.string(),
    home: z.string(),
    categories: z.array(category),
    from: z.string(),
    to: z.string(),
    running: z.enum(runningOrders),
    document: z.string().nullable(),
    signed: z.array(z.string()).meta({ description: 'The provinces that have signed it as it stands 已签署方' }),
    state: z.enum(['offered', 'signed', 'ended']),
  })
  .meta({ id: 'Agreement' })
