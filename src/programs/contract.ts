import { z } from 'zod'
import { localities } from '../core/division.js'
import {
  category,
  code,
  day,
  enterpriseType,
  inOrder,
  jurisdiction,
  money,
  name,
  ratio,
  reach,
  setOf,
  text,
  yuanText,
} from '../platform/wire.js'

const days = z.int({ error: 'wrong_type' }).min(0, { error: 'out_of_range' }).max(3660, { error: 'out_of_range' })
const someDays = z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' }).max(3660, { error: 'out_of_range' })
/** A period of workdays ends in the same year or the next one. */
const someWorkdays = z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' }).max(60, { error: 'out_of_range' })
const seen = z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' })

export const evidenceKinds = [
  'contract',
  'invoice',
  'payment_proof',
  'result',
  'effect_statement',
  'registration',
  'application',
] as const
export const evidenceKind = z
  .enum(evidenceKinds)
  .meta({ id: 'EvidenceKind', description: 'Kind of evidence 佐证材料种类', examples: ['payment_proof'] })

/** Another ratio for a category or for where the provider is, seen from the enterprise; without a cap, the program's. */
const ratioRow = z
  .strictObject({
    category: category.nullish(),
    locality: z.enum(localities).nullish(),
    ratio,
    orderCap: money.nullish(),
  })
  .meta({ id: 'RatioRow' })

/** What a jurisdiction rules for its vouchers. The first twelve are always there, the others off unless said. */
const ruleFields = {
  ratio,
  annualCap: money,
  orderCap: money.nullable(),
  payee: z.enum(['provider', 'enterprise']),
  invoice: z.enum(['whole', 'self_paid']),
  crossRegion: z.boolean(),
  applyFrom: day,
  applyTo: day,
  useWithinDays: days,
  claimWithinDays: days,
  categories: setOf(category).min(1, { error: 'out_of_range' }),
  enterpriseTypes: setOf(enterpriseType).min(1, { error: 'out_of_range' }),
  title: name.nullish(),
  document: text(100).nullish().meta({ description: 'Number of the document behind the rules 文号' }),
  reach: reach.nullish().meta({ description: "Who may apply, instead of the jurisdiction's own 申领范围" }),
  ratios: z
    .array(ratioRow)
    .max(100, { error: 'out_of_range' })
    .nullish()
    .meta({ description: 'The first row that fits replaces ratio and cap 按类别、按属地的比例与限额' }),
  useBy: day.nullish().meta({ description: 'Last day of use, if earlier than useWithinDays 使用截止日' }),
  recallUnusedAfterDays: days.nullish().meta({ description: 'Recalled when no order was filed by then 逾期未用收回' }),
  firstGrantLimit: money
    .nullish()
    .meta({ description: 'Most for the first voucher of an enterprise in a calendar year 首次发放限额' }),
  noticeDays: someDays.nullish().meta({ description: 'Calendar days of notice before approval 公示天数' }),
  evidence: setOf(evidenceKind).nullish().meta({ description: 'What a claim must come with 必备佐证材料' }),
  extendDays: someDays
    .nullish()
    .meta({ description: 'Calendar days by which a voucher may be extended, once 可延期天数（限一次）' }),
  acceptanceDays: someWorkdays
    .nullish()
    .meta({ description: 'Workdays in which the provider accepts an order before it may deliver 接单期限（工作日）' }),
  appealDays: someWorkdays
    .nullish()
    .meta({ description: 'Workdays in which a rejected claim can be appealed 申诉期限（工作日）' }),
  verifiedTypes: z
    .boolean()
    .nullish()
    .meta({ description: 'Types count only when verified and running 仅认可已核验且在有效期内的资格' }),
}

type Days = Parameters<ReturnType<typeof inOrder<'applyFrom' | 'applyTo' | 'useBy'>>>[0]
function inTime(value: Days, context: z.RefinementCtx) {
  inOrder('applyFrom', 'applyTo')(value, context)
  inOrder('applyTo', 'useBy')(value, context)
}

/** Rules by themselves, as a draft has them and a simulation tries them. */
export const programRules = z.strictObject(ruleFields).superRefine(inTime).meta({ id: 'ProgramRules' })
export type ProgramRules = z.infer<typeof programRules>

/** The rules of one jurisdiction's vouchers for a year 券种; published once, never edited. */
export const publishProgram = z.strictObject({ program: code, jurisdiction, ...ruleFields }).superRefine(inTime)
export type PublishProgram = z.infer<typeof publishProgram>

export const programPublished = z.object({ program: z.string(), jurisdiction: z.string() })

/** New rules for a published program from a day on; `version` is the newest one so far, which it supersedes (修订). */
const supersedeFields = { effectiveFrom: day, ...ruleFields }
export const supersedeProgram = z.strictObject({ program: code, version: seen, ...supersedeFields }).superRefine(inTime)
/** The same where the address names the program, and If-Match the version. */
export const supersedeBody = z.strictObject(supersedeFields).superRefine(inTime)

export const programSuperseded = z.object({ program: z.string(), version: z.number(), effectiveFrom: z.string() })

/** Writes a jurisdiction's draft for a program, or writes it anew; `version` is that of the draft as it was read. */
export const draftProgram = z.strictObject({
  program: code,
  jurisdiction,
  version: seen.nullish(),
  rules: programRules,
})

export const programDrafted = z.object({ program: z.string(), jurisdiction: z.string(), version: z.number() })

/** Gives a draft up (撤销草稿). */
export const discardDraft = z.strictObject({ program: code, jurisdiction, version: seen })

export const draftDiscarded = z.object({ program: z.string(), jurisdiction: z.string() })

export const appropriate = z.strictObject({ program: code, amount: money })

export const appropriated = z.object({ program: z.string(), amount: yuanText, pool: yuanText })

const rulesView = {
  ratio: z.string(),
  annualCap: yuanText,
  orderCap: yuanText.nullable(),
  payee: z.enum(['provider', 'enterprise']),
  invoice: z.enum(['whole', 'self_paid']),
  crossRegion: z.boolean(),
  applyFrom: z.string(),
  applyTo: z.string(),
  useWithinDays: z.number(),
  claimWithinDays: z.number(),
  categories: z.array(category),
  enterpriseTypes: z.array(enterpriseType),
  title: z.string().nullable(),
  document: z.string().nullable(),
  reach: z.string().nullable(),
  ratios: z.array(
    z.object({
      category: category.nullable(),
      locality: z.enum(localities).nullable(),
      ratio: z.string(),
      orderCap: yuanText.nullable(),
    }),
  ),
  useBy: z.string().nullable(),
  recallUnusedAfterDays: z.number().nullable(),
  firstGrantLimit: yuanText.nullable(),
  noticeDays: z.number().nullable(),
  evidence: z.array(evidenceKind),
  verifiedTypes: z.boolean(),
  extendDays: z.number().nullable(),
  acceptanceDays: z.number().nullable(),
  appealDays: z.number().nullable(),
}

/** One version of a program's rules; the first is in force from the beginning. */
export const versionView = z
  .object({ version: z.number(), effectiveFrom: z.string().nullable(), ...rulesView })
  .meta({ id: 'ProgramVersion' })

/** A program as it is answered: the rules are those in force on the day. */
export const programView = z
  .object({
    program: z.string(),
    jurisdiction: z.string(),
    ...rulesView,
    pool: yuanText,
    inForce: z.number().meta({ description: 'The version whose rules these are 现行版本' }),
    version: z.number().meta({ description: 'The newest version 最新版本' }),
  })
  .meta({ id: 'Program' })

/** A program with all its versions, oldest first. */
export const wholeProgramView = z
  .object({ ...programView.shape, versions: z.array(versionView) })
  .meta({ id: 'WholeProgram' })

export const draftView = z
  .object({
    program: z.string(),
    jurisdiction: z.string(),
    version: z.number(),
    rules: z.record(z.string(), z.unknown()).meta({ description: 'As they would be published 拟发布的规则' }),
  })
  .meta({ id: 'ProgramDraft' })
