import { z } from 'zod'
import type { FieldFault } from '../core/faults.js'
import {
  day,
  digest,
  division,
  enterpriseType,
  inOrder,
  name,
  reason,
  setOf,
  text,
  uscc,
  version,
} from '../platform/wire.js'

/** An enterprise 企业: who it is, where it sits, of which types it is. */
export const registerEnterprise = z.strictObject({ uscc, name, division, types: setOf(enterpriseType) })

export const enterpriseRegistered = z.object({ uscc: z.string() })

const profileFields = {
  name: name.optional(),
  contact: text(200).nullish().meta({ description: 'Who answers questions; null takes it away 联系人' }),
  division: division.optional(),
  reason: reason.optional().meta({ description: 'Why it moves; needed with `division` 迁移原因' }),
}
function movesForReason(
  { division, reason }: { division?: string | undefined; reason?: string | undefined },
  context: z.RefinementCtx,
) {
  if (division === undefined || reason !== undefined) return
  context.addIssue({ code: 'custom', message: 'required' satisfies FieldFault, path: ['reason'] })
}

/** The enterprise changes its profile (信息变更); what is not said stays. A move needs its reason and keeps its history. */
export const updateEnterprise = z.strictObject({ uscc, version, ...profileFields }).superRefine(movesForReason)
/** The same where the address names the enterprise, and If-Match the version. */
export const updateBody = z.strictObject(profileFields).superRefine(movesForReason)

export const enterpriseUpdated = z.object({ uscc: z.string(), version: z.number() })

/**
 * How certificates are numbered, as far as that is plausible (general knowledge, unverified): 高新技术企业 GR, year, two
 * digits of the province, six digits; 科技型中小企业入库登记编号 a year and then digits and capitals. Others are opaque.
 */
const certificates: Partial<Record<z.infer<typeof enterpriseType>, RegExp>> = {
  high_tech: /^GR20\d{2}\d{8}$/,
  tech_sme: /^20\d{2}[0-9A-Z]{8,16}$/,
}

const qualificationFields = {
  type: enterpriseType,
  certificate: text(64).meta({
    description: 'Number of the certificate 证书或入库登记编号',
    examples: ['GR202332001234'],
  }),
  from: day,
  to: day,
  evidence: setOf(digest).optional(),
}
function isPlausible(
  declared: { type: keyof typeof certificates; certificate: string; from: string; to: string },
  context: z.RefinementCtx,
) {
  inOrder('from', 'to')(declared, context)
  if (certificates[declared.type]?.test(declared.certificate) !== false) return
  context.addIssue({ code: 'custom', message: 'certificate_format' satisfies FieldFault, path: ['certificate'] })
}

/** An enterprise declares that it is of a type over these days, both inclusive (资格申报); a renewal is another one. */
export const declareQualification = z.strictObject({ uscc, ...qualificationFields }).superRefine(isPlausible)
/** The same where the address names the enterprise. */
export const declareBody = z.strictObject(qualificationFields).superRefine(isPlausible)

const qualification = z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' })
export const qualificationDeclared = z.object({ uscc: z.string(), qualification: z.number() })

export const verdicts = ['verified', 'refused', 'returned'] as const
export const qualificationStates = ['declared', ...verdicts] as const
export type QualificationState = (typeof qualificationStates)[number]

/** The bureau's word on a declared qualification, with the evidence it has seen (资格核验). */
export const verifyQualification = z.strictObject({
  uscc,
  qualification,
  verdict: z.enum(verdicts),
  evidence: setOf(text(200)).meta({
    description: 'What was looked at 已核验材料',
    examples: [['certificate', 'register']],
  }),
  reason: reason.optional(),
})

export const qualificationVerified = z.object({
  uscc: z.string(),
  qualification: z.number(),
  state: z.enum(qualificationStates),
})

export const enterpriseView = z
  .object({
    uscc: z.string(),
    name: z.string(),
    division: z.string(),
    types: z.array(enterpriseType),
    contact: z.string().nullable(),
    version: z.number(),
    moves: z
      .array(z.object({ move: z.number(), on: z.string(), from: z.string(), to: z.string(), reason: z.string() }))
      .meta({ description: 'Where it has been 迁移记录' }),
    qualifications: z.array(
      z.object({
        qualification: z.number(),
        type: enterpriseType,
        certificate: z.string(),
        from: z.string(),
        to: z.string(),
        declaredOn: z.string(),
        evidence: z.array(z.string()),
        state: z.enum(qualificationStates),
        verification: z
          .object({ on: z.string(), by: z.string(), evidence: z.array(z.string()), reason: z.string().nullable() })
          .nullable(),
      }),
    ),
  })
  .meta({ id: 'Enterprise' })
