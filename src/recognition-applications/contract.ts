import { z } from 'zod'
import { category, day, inOrder, jurisdiction, reason, setOf, uscc } from '../platform/wire.js'

/** A provider asks a jurisdiction to recognise it for these categories over these days (互认申请). */
export const applyRecognition = z
  .strictObject({ provider: uscc, jurisdiction, categories: setOf(category), from: day, to: day })
  .superRefine(inOrder('from', 'to'))
export const recognitionApplied = z.object({
  provider: z.string(),
  jurisdiction: z.string(),
  application: z.number(),
})

/** The jurisdiction does not recognise it (不予互认); it may apply again. */
export const refuseRecognition = z.strictObject({ provider: uscc, jurisdiction, reason })

const states = ['open', 'granted', 'refused'] as const

export const recognitionApplicationView = z
  .object({
    application: z.number(),
    provider: z.string(),
    jurisdiction: z.string(),
    categories: z.array(category),
    from: z.string(),
    to: z.string(),
    state: z.enum(states),
    reason: z.string().nullable().meta({ description: 'Why it was refused 不予互认理由' }),
  })
  .meta({ id: 'RecognitionApplication' })

export const recognitionApplicationFilter = z.strictObject({ state: z.enum(states).optional() })
