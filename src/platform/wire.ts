import { z } from 'zod'
import { isDivision, isJurisdiction, isReach, provinces } from '../core/division.js'
import type { FieldFault } from '../core/faults.js'
import { isRatio, MAX_FEN, parseYuan } from '../core/money.js'
import { isDay } from '../core/time.js'
import { isUscc } from '../core/uscc.js'

/** The words of the wire, shared by every contract: each says what it is, and names the fault when it is not that. */

const fault = (code: FieldFault) => ({ error: code })
const AMOUNT = /^(0|[1-9]\d{0,13})\.\d{2}$/

/** Yuan as a decimal string, as answered. */
export const yuanText = z
  .string()
  .regex(/^-?(0|[1-9]\d*)\.\d{2}$/)
  .meta({ id: 'Yuan', description: 'Yuan with two decimals, as a string. 元，两位小数。', examples: ['1280.00'] })

/** An amount asked for: yuan on the wire, fen inside; above zero, at most 10^13 yuan. */
export const money = z
  .string()
  .regex(AMOUNT, fault('amount_format'))
  .refine((text) => !AMOUNT.test(text) || parseYuan(text) > 0n, fault('amount_format'))
  .refine((text) => !AMOUNT.test(text) || parseYuan(text) <= MAX_FEN, fault('amount_too_large'))
  .meta({
    id: 'Amount',
    description: 'Yuan above zero with exactly two decimals. 大于零的元，恰好两位小数。',
    examples: ['1280.00'],
  })
  .transform((text) => (AMOUNT.test(text) ? parseYuan(text) : 0n))

export const ratio = z
  .string()
  .refine(isRatio, fault('ratio_format'))
  .meta({ id: 'Ratio', description: 'Decimal above 0, at most 1. 支持比例。', examples: ['0.333333'] })

export const day = z
  .string()
  .refine(isDay, fault('day_format'))
  .meta({ id: 'Day', description: 'A day in Asia/Shanghai. 北京时间日期。', examples: ['2026-03-31'] })

export const uscc = z
  .string()
  .refine(isUscc, fault('uscc_invalid'))
  .meta({
    id: 'Uscc',
    description: 'Unified social credit code, GB 32100-2015. 统一社会信用代码。',
    examples: ['91350100M000100Y43'],
  })

export const division = z
  .string()
  .refine(isDivision, fault('division_unknown'))
  .meta({ id: 'Division', description: 'GB/T 2260 code of the four provinces. 行政区划代码。', examples: ['320509'] })

export const jurisdiction = z
  .string()
  .refine(isJurisdiction, fault('jurisdiction_unknown'))
  .meta({
    id: 'Jurisdiction',
    description: 'GB/T 2260 code of a province, city or county. 辖区代码。',
    examples: ['320509'],
  })

export const province = z
  .enum(provinces)
  .meta({ id: 'Province', description: 'One of the four provinces 省级辖区', examples: ['310000'] })

/** Where a rule reaches: a jurisdiction with what lies under it, or a zone. */
export const reach = z
  .string()
  .refine(isReach, fault('reach_unknown'))
  .meta({
    id: 'Reach',
    description: "A jurisdiction's code or a zone's name. 范围：辖区代码或示范区。",
    examples: ['YRD-DEMO'],
  })

export const invoiceNo = z
  .string()
  .regex(/^\d{20}$/, fault('invoice_number_format'))
  .meta({
    id: 'InvoiceNo',
    description: '20-digit number of a fully digital invoice. 数电票号码。',
    examples: ['26312000000000000017'],
  })

const isClean = (text: string) => text.trim() !== '' && text.isWellFormed() && !/\p{Cc}/u.test(text)

/** Text kept and compared as it was written: not blank, no control characters, at most `most` characters. */
export const text = (most: number) => z.string().max(most, fault('out_of_range')).refine(isClean, fault('text_format'))

/** A person's name as tokens give it, compared letter by letter: no blanks at its ends, which nobody would see. */
export const subject = text(200).refine((name) => name === name.trim(), fault('text_padded'))

/** SHA-256 of something that is kept elsewhere. */
export const digest = z
  .string()
  .regex(/^[0-9a-f]{64}$/, fault('digest_format'))
  .meta({ id: 'Digest', description: 'SHA-256, 64 hexadecimal digits 摘要' })

/** Which version of something was read before it is edited: the number of the region's command that last wrote it. */
export const version = z
  .int(fault('wrong_type'))
  .min(1, fault('out_of_range'))
  .meta({ description: 'The version that was read; another one is refused 已读取的版本' })

export const code = text(64)
export const name = text(200)
export const reason = text(500)

export const categories = [
  'instrument',
  'testing',
  'rnd',
  'design',
  'validation',
  'transfer',
  'information',
  'standards',
  'computing',
  'consulting',
] as const
export const category = z
  .enum(categories)
  .meta({ id: 'Category', description: 'Service category 服务类别', examples: ['testing'] })

export const enterpriseTypes = ['tech_sme', 'high_tech', 'micro', 'startup_team'] as const
export const enterpriseType = z
  .enum(enterpriseTypes)
  .meta({ id: 'EnterpriseType', description: 'Enterprise type 企业类型', examples: ['tech_sme'] })

/** A list of at least one value, none given twice. */
export const setOf = <T extends z.ZodType>(item: T) =>
  z
    .array(item)
    .min(1, fault('out_of_range'))
    .max(100, fault('out_of_range'))
    .refine((list) => new Set(list).size === list.length, fault('repeated'))

/** Refuses an object whose `to` is before its `from`. */
export const inOrder =
  <K extends string>(from: K, to: K) =>
  (value: Partial<Record<K, string | null | undefined>>, context: z.RefinementCtx) => {
    const [first, last] = [value[from], value[to]]
    if (first && last && isDay(first) && isDay(last) && last < first) {
      context.addIssue({ code: 'custom', message: 'days_out_of_order' satisfies FieldFault, path: [to] })
    }
  }

/** Yuan that may be negative or zero, for figures the service itself has computed. */
export const signedMoney = z
  .string()
  .regex(/^-?(0|[1-9]\d*)\.\d{2}$/, fault('amount_format'))
  .transform((text) => BigInt(text.replace('.', '')))

const COUNT = /^(0|[1-9]\d{0,14})$/

/** A whole number in a query: plain digits, at least `least`, at most `most`. */
export const count = (least: number, most: number) =>
  z
    .string()
    .regex(COUNT, fault('number_format'))
    .refine((text) => !COUNT.test(text) || (Number(text) >= least && Number(text) <= most), fault('out_of_range'))
    .meta({ type: 'integer', minimum: least, maximum: most, pattern: undefined })
    .transform(Number)
