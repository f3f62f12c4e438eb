import { z } from 'zod'
import { yuan } from '../core/money.js'
import {
  category,
  code,
  day,
  division,
  inOrder,
  jurisdiction,
  money,
  name,
  reason,
  setOf,
  text,
  uscc,
  version,
} from '../platform/wire.js'
import { homeReviewView, standing } from '../reviews/contract.js'

/** A service provider 服务机构, registered once and recognised by each jurisdiction. */
export const registerProvider = z.strictObject({ uscc, name, division, categories: setOf(category) })

export const providerRegistered = z.object({ uscc: z.string() })

const listOf = <T extends z.ZodType>(item: T) => z.array(item).max(500, { error: 'out_of_range' })

/** Yuan, kept as it was written: shown, never reckoned with. */
const price = money.transform(yuan)
const offered = { category, name, price, unit: text(20).meta({ examples: ['次', '小时'] }) }

const profile = {
  qualifications: listOf(z.strictObject({ kind: name, number: code, validTo: day.nullable().default(null) })).meta({
    description: 'Qualifications; `validTo` null: without an end 资质',
  }),
  services: listOf(z.strictObject(offered)).meta({ description: 'Services with prices 服务项目与价格' }),
  instruments: listOf(z.strictObject({ ...offered, model: text(100) })).meta({
    description: 'Instruments with prices 仪器设备与价格',
  }),
  contact: z
    .strictObject({ name, phone: text(40), email: text(200).nullable().default(null) })
    .meta({ description: 'Of the organisation, seen by everybody 公开联系方式' }),
}

/** The provider says what it can and offers (机构信息): written whole, the last one is replaced. */
export const updateProvider = z.strictObject({ provider: uscc, version: version.nullish(), ...profile })
export const providerUpdated = z.object({ provider: z.string(), version: z.number() })

const profileView = z.object({
  qualifications: z.array(z.object({ kind: z.string(), number: z.string(), validTo: z.string().nullable() })),
  services: z.array(z.object({ category, name: z.string(), price: z.string(), unit: z.string() })),
  instruments: z.array(
    z.object({ category, name: z.string(), price: z.string(), unit: z.string(), model: z.string() }),
  ),
  contact: z.object({ name: z.string(), phone: z.string(), email: z.string().nullable() }),
})
export type Profile = z.infer<typeof profileView>

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
    version: z.number().nullable().meta({ description: 'Of the profile 机构信息版本' }),
    profile: profileView.nullable(),
    homeReview: homeReviewView.nullable(),
  })
  .meta({ id: 'Provider' })

export const providerLine = z.object({
  uscc: z.string(),
  name: z.string(),
  division: z.string(),
  categories: z.array(category),
  isWithdrawn: z.boolean(),
  home: standing,
})

/** What a list of providers may be narrowed down to. */
export const providerFilter = z.strictObject({
  category: category.optional(),
  division: division.optional().meta({ description: 'Under this division 所在地' }),
  recognisedBy: jurisdiction.optional().meta({
    description: 'Whom this jurisdiction recognises for the category, directly or by agreement 该辖区互认的机构',
  }),
  home: standing.optional(),
  on: day.optional().meta({ description: 'All of it as of this day; today if not said 日期，默认当日' }),
})
