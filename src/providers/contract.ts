import { z } from 'zod'
import { category, day, division, inOrder, jurisdiction, name, reason, setOf, uscc } from '../platform/wire.js'

/** A service provider 服务机构, registered once and recognised by each jurisdiction. */
export const registerProvider = z.strictObject({ uscc, name, division, categories: setOf(category) })

export const providerRegistered = z.object({ uscc: z.string() })

/** A jurisdiction recognises the provider for these categories over these days, both inclusive (互认). */
export const recognise = z
  .strictObject({
    provider: uscc,
    jurisdiction,
    categories: setOf(category).min(1, { error: 'out_of_range' }),
    from: day,
    to: day,
  })
  .superRefine(inOrder('from', 'to'))
export type Recognise = z.infer<typeof recognise>

export const recognised = z.object({ provider: z.string(), jurisdiction: z.string(), recognition: z.number() })

/** Ends every recognition of the provider that this jurisdiction has made so far (暂停互认). */
export const suspendRecognition = z.strictObject({ provider: uscc, jurisdiction })

export const recognitionSuspended = z.object({ provider: z.string(), jurisdiction: z.string(), ended: z.number() })

/** Ends every use of a provider, everywhere, from now on; by the bureau of its home or one above it (撤回). */
export const withdrawProvider = z.strictObject({ provider: uscc, jurisdiction, reason })
export const providerWithdrawn = z.object({ provider: z.string(), jurisdiction: z.string(), suspension: z.number() })

/** Lifts this jurisdiction's suspensions and its withdrawal (恢复). */
export const liftSuspension = z.strictObject({ provider: uscc, jurisdiction, reason })
export const suspensionLifted = z.object({ provider: z.string(), jurisdiction: z.string(), lifted: z.number() })

export const providerView = z
  .object({
    uscc: z.string(),
    name: z.string(),
    division: z.string(),
    categories: z.array(category),
    recognitions: z.array(
      z.object({
        recognition: z.number(),
        jurisdiction: z.string(),
        categories: z.array(category),
        from: z.string(),
        to: z.string(),
        ended: z.boolean(),
      }),
    ),
    suspensions: z
      .array(z.object({ suspension: z.number(), jurisdiction: z.string(), everywhere: z.boolean() }))
      .meta({ description: 'Not lifted: by whom, and whether it was withdrawn at home 未解除的暂停与撤回' }),
  })
  .meta({ id: 'Provider' })
