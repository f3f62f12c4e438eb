import { z } from 'zod'
import type { FieldFault } from '../core/faults.js'
import { type AccountKind, accountKinds } from '../ledger/chart.js'
import { page, pageQuery } from '../platform/pages.js'
import { count, day, money, text, yuanText } from '../platform/wire.js'

const number = count(1, 2_147_483_647)
const kinds = Object.keys(accountKinds) as [AccountKind, ...AccountKind[]]

const bookCode = z.string().regex(/^\d{6}$/, { error: 'number_format' })
export const bookParams = z.strictObject({ book: bookCode })

const ranges = {
  fromEntry: number.optional().meta({ description: 'First journal entry 起始凭证号' }),
  toEntry: number.optional().meta({ description: 'Last journal entry 截止凭证号' }),
  fromSeq: number.optional().meta({ description: 'First command 起始指令号' }),
  toSeq: number.optional().meta({ description: 'Last command 截止指令号' }),
  fromMoment: z
    .string()
    .optional()
    .meta({ description: 'Booked from this moment on, RFC 3339 in +08:00 起始入账时刻' }),
  toMoment: z.string().optional().meta({ description: 'Booked up to this moment 截止入账时刻' }),
  fromDay: day.optional().meta({ description: 'Booked from this day on 起始日' }),
  toDay: day.optional().meta({ description: 'Booked by the end of this day 截止日' }),
}
const rangeNames = ['Entry', 'Seq', 'Moment', 'Day'] as const
type Asked = { readonly [K in keyof typeof ranges]?: z.output<(typeof ranges)[K]> }

/** By numbers, commands, moments or days: one of them, in order; without any everything up to the head. */
function isRange(asked: Asked, context: z.RefinementCtx) {
  const given = (Object.keys(ranges) as (keyof typeof ranges)[]).filter((name) => asked[name] !== undefined)
  const groups = rangeNames.filter((name) => given.some((field) => field.endsWith(name)))
  if (groups.length > 1) {
    const path = given.filter((field) => field.endsWith(groups[1]!)).slice(0, 1)
    context.addIssue({ code: 'custom', message: 'one_range' satisfies FieldFault, path })
  }
  for (const name of rangeNames) {
    const [from, to] = [asked[`from${name}`], asked[`to${name}`]]
    if (from !== undefined && to !== undefined && to < from) {
      context.addIssue({ code: 'custom', message: 'out_of_range' satisfies FieldFault, path: [`to${name}`] })
    }
  }
}
const ranged = <T extends z.ZodRawShape>(more: T) =>
  z.strictObject({ ...ranges, ...more }).superRefine((asked, context) => isRange(asked as Asked, context))

export type RangeAsked = Asked

const only = {
  kind: z.enum(kinds).optional().meta({ description: 'Only what moves accounts of this kind 账户种类' }),
  owner: text(200).optional().meta({ description: 'With `kind`: only this account of it 账户' }),
}
const isAccount = ({ kind, owner }: { kind?: unknown; owner?: unknown }) => owner === undefined || kind !== undefined
const accountOfKind = { error: 'required', path: ['kind'] }

export const ledgerQuery = ranged({
  ...only,
  format: z.enum(['jsonl', 'csv']).default('jsonl').meta({ description: 'JSON lines or CSV 文件格式' }),
}).refine(isAccount, accountOfKind)
export type LedgerQuery = z.output<typeof ledgerQuery>

export const fieldBooks = {
  vouchers: { zh: '记账凭证', en: 'Voucher list' },
  general: { zh: '总账', en: 'General ledger' },
  subsidiary: { zh: '明细账', en: 'Subsidiary ledger' },
  balances: { zh: '科目余额表', en: 'Trial balance' },
} as const
export type FieldBook = keyof typeof fieldBooks

export const fieldBookParams = bookParams.extend({
  form: z.enum(Object.keys(fieldBooks) as [FieldBook, ...FieldBook[]]),
})
export const fieldBookQuery = ranged({
  ...only,
  by: z
    .enum(['month', 'day'])
    .default('month')
    .meta({ description: 'Of a general ledger: its periods 总账按月或按日' }),
  detail: z
    .enum(['kind', 'account'])
    .default('kind')
    .meta({ description: 'Of a trial balance: a line for each kind, or each account 按科目或按明细账户' }),
  format: z.enum(['csv', 'xlsx']).default('csv').meta({ description: 'File format 文件格式' }),
}).refine(isAccount, accountOfKind)
export type FieldBookQuery = z.output<typeof fieldBookQuery>

export const xmlQuery = ranged({})
export type XmlQuery = z.output<typeof xmlQuery>

export const trialBalanceQuery = ranged({})

const amount = (zh: string, en: string) => yuanText.meta({ description: `${en} ${zh}` })
const sides = (zh: string, en: string) =>
  z.object({ debit: amount(`${zh}借方`, `${en}, debit`), credit: amount(`${zh}贷方`, `${en}, credit`) })

const figures = {
  opening: sides('期初', 'Before the range'),
  period: sides('本期发生额', 'In the range'),
  closing: sides('期末', 'After the range'),
}
export const trialBalanceView = z
  .object({
    book: z.string(),
    first: z.number().meta({ description: 'The first journal entry of the range 起始凭证号' }),
    last: z.number().meta({ description: 'The last one: the same number later gives the same answer 截止凭证号' }),
    pull: z.number().meta({ description: 'Number of the pull on record 调取编号' }),
    items: z.array(
      z.object({
        code: z.string().meta({ description: 'In the government accounting chart 政府会计科目编码' }),
        name: z.string(),
        kind: z.enum(kinds),
        ...figures,
        held: amount('其中冻结', 'Held of the closing balance'),
      }),
    ),
    total: z.object(figures),
  })
  .meta({ id: 'TrialBalance' })
export type TrialBalanceView = z.output<typeof trialBalanceView>

export const chartQuery = z.strictObject({
  book: bookCode.default('000000'),
})
export const chartView = z
  .object({
    jurisdiction: z.string(),
    standard: z.string(),
    subjects: z.array(
      z.object({
        code: z.string(),
        name: z.string(),
        kind: z.enum(kinds),
        normal: z.enum(['debit', 'credit']).meta({ description: 'Normal side 余额方向' }),
        zh: z.string(),
        en: z.string(),
      }),
    ),
  })
  .meta({ id: 'GovernmentChart' })

export const sampleMethods = {
  random: { zh: '随机', en: 'every claim with the same chance' },
  stratified: { zh: '分层', en: 'by strata, in proportion' },
  largest: { zh: '最大金额', en: 'the largest approved amounts' },
  round: { zh: '整数金额', en: 'contract amounts that are round' },
  split: { zh: '拆分合同', en: 'contracts of one firm and provider filed close together, each near the cap' },
  neighbours: { zh: '相邻发票', en: 'invoices of one provider with numbers close together' },
} as const
export type SampleMethod = keyof typeof sampleMethods
const methods = Object.keys(sampleMethods) as [SampleMethod, ...SampleMethod[]]

export const sampleQuery = z.strictObject({
  method: z.enum(methods),
  size: count(1, 1000).default(30).meta({ description: 'Claims drawn at most 样本量' }),
  seed: text(100).default('0').meta({ description: 'The same seed draws the same sample 随机种子' }),
  upTo: number
    .optional()
    .meta({ description: 'Claims approved by commands up to this one; the head without it 截止指令号' }),
  strata: z.enum(['category', 'program', 'amount']).default('category').meta({ description: 'Of stratified 分层依据' }),
  multiple: money.optional().meta({ description: 'Of round: of this amount, 1000.00 if left out 整数倍' }),
  near: count(1, 100).default(90).meta({ description: 'Of split: at least this per cent of the cap 接近限额（%）' }),
  within: count(1, 366).default(30).meta({ description: 'Of split: filed within so many days of each other 间隔天数' }),
  gap: count(1, 1000).default(1).meta({ description: 'Of neighbours: numbers at most so far apart 号码间隔' }),
})
export type SampleQuery = z.output<typeof sampleQuery>

const drawn = z.object({
  order: z.string(),
  group: z.string().nullable().meta({ description: 'Its stratum, or the group it was found in 层、组' }),
  seq: z.number().meta({ description: 'The command that approved it 核准指令号' }),
  entry: z.number(),
  day: z.string(),
  approved: yuanText,
  program: z.string(),
  category: z.string(),
  enterprise: z.string(),
  provider: z.string(),
  contractNo: z.string(),
  contractAmount: yuanText,
  filedOn: z.string(),
  invoiceNo: z.string().nullable(),
})
export const sampleView = z
  .object({
    book: z.string(),
    method: z.enum(methods),
    seed: z.string(),
    upTo: z.number().meta({ description: 'Ask with it again for the same sample 复核时须带此号' }),
    pull: z.number(),
    population: z.object({ claims: z.number(), approved: yuanText }),
    found: z
      .number()
      .meta({ description: 'Claims that the method looks at: of random all, of split those near the cap 命中笔数' }),
    items: z.array(drawn),
  })
  .meta({ id: 'Sample' })
export type SampleView = z.output<typeof sampleView>

export const pullsQuery = z.strictObject({
  ...pageQuery,
  book: bookCode.optional(),
})
export const pullView = z
  .object({
    pull: z.number(),
    at: z.string(),
    subject: z.string(),
    organisation: z.string(),
    origin: z.string(),
    jurisdiction: z.string().nullable(),
    book: z.string(),
    operation: z.string(),
    asked: z.record(z.string(), z.unknown()),
    first: z.number().nullable().meta({ description: 'The first journal entry it reached 起始凭证号' }),
    last: z.number().nullable().meta({ description: 'The last one 截止凭证号' }),
    refused: z.string().nullable().meta({ description: 'The refusal it was answered with 拒绝码' }),
    rows: z.number().nullable().meta({ description: 'Rows read; null while it is under way 已读行数' }),
    whole: z.boolean().nullable().meta({ description: 'False: its reader left before the end 是否读完' }),
  })
  .meta({ id: 'Pull' })
export const pullsView = page(pullView)
