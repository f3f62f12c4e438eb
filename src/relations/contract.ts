import { z } from 'zod'
import type { FieldFault } from '../core/faults.js'
import { digest, jurisdiction, name, text, uscc, version } from '../platform/wire.js'

/** A person, by the digest of an identity number that itself never comes here. */
const person = z
  .strictObject({
    name,
    idDigest: digest.meta({
      description:
        'SHA-256 of the 18-character identity number (X as a capital), made by the client so that the number itself is never sent or kept. It only makes persons comparable: numbers can be tried out, so it is personal data all the same. 身份证号的 SHA-256，由客户端计算；仍属个人信息。',
    }),
  })
  .meta({ id: 'Person' })

/** A person, or a company by its code. */
const shareholder = z
  .strictObject({ name, idDigest: digest.optional(), uscc: uscc.optional() })
  .superRefine(({ idDigest, uscc }, context) => {
    if ((idDigest === undefined) !== (uscc === undefined)) return
    const message: FieldFault = uscc === undefined ? 'required' : 'repeated'
    context.addIssue({ code: 'custom', message, path: ['idDigest'] })
  })
  .meta({ id: 'Shareholder', description: 'Either idDigest of a person or uscc of a company 自然人或企业股东' })

const ties = {
  legalPerson: person.nullish(),
  shareholders: z.array(shareholder).max(100, { error: 'out_of_range' }),
}
const seen = version.nullish()

/** A party says who stands behind it (关联关系申报); it replaces what it said before. */
export const declareRelations = z.strictObject({ uscc, version: seen, ...ties })

/** A bureau records what it found about a party (关联关系核查); it replaces what the same bureau had found before. */
export const recordRelations = z.strictObject({
  uscc,
  jurisdiction,
  version: seen,
  ...ties,
  source: text(200).meta({ description: 'Where it was found 信息来源', examples: ['国家企业信用信息公示系统'] }),
})

export const relationsWritten = z.object({ uscc: z.string(), version: z.number() })

const tiesView = {
  legalPerson: z.object({ name: z.string(), idDigest: z.string() }).nullable(),
  shareholders: z.array(z.object({ name: z.string(), idDigest: z.string().optional(), uscc: z.string().optional() })),
  on: z.string(),
}

export const relationsView = z
  .object({
    uscc: z.string(),
    version: z.number().nullable(),
    declared: z.object(tiesView).nullable(),
    recorded: z.array(z.object({ ...tiesView, jurisdiction: z.string(), source: z.string() })),
  })
  .meta({ id: 'Relations' })
