import { z } from 'zod'
import type { FieldFault } from '../core/faults.js'
import { pageQuery } from '../platform/pages.js'
import { day, digest, inOrder, jurisdiction, reach, reason, setOf, text, uscc, version } from '../platform/wire.js'

/** What being listed does: at issue, at filing an order as either party, at approval as the payee. */
export const consequences = ['no_new_vouchers', 'no_new_orders', 'payment_stopped'] as const
export type Consequence = (typeof consequences)[number]
const consequence = z
  .enum(consequences)
  .meta({ id: 'Consequence', description: 'Consequence of being listed 惩戒措施', examples: ['no_new_orders'] })

/** When, where and for what an entry counts. */
const terms = {
  from: day,
  to: day.nullish(),
  reach: setOf(reach).nullish().meta({
    description:
      'Only for programs of these jurisdictions and of those below them, or of these zones; without, everywhere 适用辖区或示范区',
  }),
  consequences: setOf(consequence).nullish().meta({ description: 'Without, all of them 惩戒措施，缺省为全部' }),
}

/** Lists a party on the shared integrity list over these days; without `to`, until further notice (科研诚信名单). */
export const listIntegrity = z
  .strictObject({
    uscc,
    ...terms,
    reason,
    jurisdiction: jurisdiction
      .nullish()
      .meta({ description: 'Whose entry it is: it and those above it may correct it 列入单位' }),
    source: text(200).nullish().meta({ description: 'Where it comes from 信息来源' }),
    decision: text(100).nullish().meta({ description: 'Number of the decision 决定文号' }),
  })
  .superRefine(inOrder('from', 'to'))

export const integrityListed = z.object({ uscc: z.string(), listing: z.number() })

const number = z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' })
const entry = { uscc, listing: number }

/** New terms replace the old ones whole, and are there exactly when something is corrected. */
const newTerms = z.strictObject(terms).superRefine(inOrder('from', 'to')).meta({ id: 'IntegrityTerms' })
function termsWhenCorrected(
  { verdict, terms }: { verdict: string; terms?: z.infer<typeof newTerms> | undefined },
  context: z.RefinementCtx,
) {
  if ((verdict === 'corrected') === (terms !== undefined)) return
  const message: FieldFault = terms === undefined ? 'required' : 'unknown_field'
  context.addIssue({ code: 'custom', message, path: ['terms'] })
}

export const corrections = ['corrected', 'removed'] as const
const correctionFields = { verdict: z.enum(corrections), terms: newTerms.optional(), reason }

/** Corrects an entry's terms or removes it (更正、移出); what it said before stays to be read. */
export const correctIntegrity = z
  .strictObject({ ...entry, version, ...correctionFields })
  .superRefine(termsWhenCorrected)
/** The same where the address names the entry, and If-Match the version. */
export const correctBody = z.strictObject(correctionFields).superRefine(termsWhenCorrected)

export const integrityCorrected = z.object({ uscc: z.string(), listing: z.number(), version: z.number() })

/** The listed party objects (申诉). */
export const appealIntegrity = z.strictObject({ ...entry, reason, evidence: setOf(digest).optional() })

export const integrityAppealed = z.object({ uscc: z.string(), listing: z.number(), appeal: z.number() })

export const appealVerdicts = ['upheld', ...corrections] as const
const decisionFields = { verdict: z.enum(appealVerdicts), terms: newTerms.optional(), reason }

/** Decides an appeal: the entry is upheld 维持, corrected 更正 or removed 移出. */
export const decideAppeal = z
  .strictObject({ ...entry, appeal: number, ...decisionFields })
  .superRefine(termsWhenCorrected)
/** The same where the address names the appeal. */
export const decideBody = z.strictObject(decisionFields).superRefine(termsWhenCorrected)

export const appealDecided = integrityCorrected.extend({ appeal: z.number(), verdict: z.enum(appealVerdicts) })

/** Says that one has read an entry as it stands (告知签收): who was told when, on record. */
export const acknowledgeIntegrity = z.strictObject(entry)

const termsView = {
  from: z.string(),
  to: z.string().nullable(),
  reach: z.array(z.string()).nullable(),
  consequences: z.array(consequence).nullable(),
}

export const integrityView = z
  .object({
    uscc: z.string(),
    listing: z.number(),
    ...termsView,
    reason: z.string(),
    listedBy: z.string(),
    jurisdiction: z.string().nullable(),
    source: z.string().nullable(),
    decision: z.string().nullable(),
    version: z.number(),
    removed: z.boolean(),
    corrections: z
      .array(
        z.object({
          correction: z.number(),
          on: z.string(),
          by: z.string(),
          verdict: z.enum(corrections),
          reason: z.string(),
          was: z.object(termsView),
        }),
      )
      .meta({ description: 'What it said before 更正记录' }),
    appeals: z
      .array(
        z.object({
          appeal: z.number(),
          on: z.string(),
          reason: z.string(),
          evidence: z.array(z.string()),
          decision: z
            .object({ on: z.string(), by: z.string(), verdict: z.enum(appealVerdicts), reason: z.string() })
            .nullable(),
        }),
      )
      .nullable()
      .meta({ description: 'For bureaus and the party itself, null for others 申诉' }),
    acknowledged: z
      .array(z.object({ organisation: z.string(), on: z.string(), version: z.number() }))
      .nullable()
      .meta({ description: 'Who was told of which version when; null for others 告知签收' }),
  })
  .meta({ id: 'IntegrityEntry' })

/** What somebody is told of an entry on the list 告知: what it says, since when, and whether they have said that they read it. */
export const noticeView = z
  .object({
    since: z.string().meta({ description: 'The day from which it says so 告知日期' }),
    acknowledgedOn: z.string().nullable().meta({ description: 'By your organisation, as it stands 签收日期' }),
    entry: integrityView,
  })
  .meta({ id: 'IntegrityNotice' })

export const noticeFilter = z.strictObject({
  ...pageQuery,
  acknowledged: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'Only those that are, or are not 是否已签收' }),
})

export const integrityFilter = z.strictObject({
  on: day.optional().meta({ description: 'Only what counts on this day 当日有效' }),
  jurisdiction: jurisdiction.optional().meta({ description: 'Only entries of this jurisdiction 列入单位' }),
})
