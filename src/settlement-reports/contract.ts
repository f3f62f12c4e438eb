import { z } from 'zod'
import { isJurisdiction } from '../core/division.js'
import { code, count, text, yuanText } from '../platform/wire.js'

const orRegion = z
  .string()
  .refine((given) => given === '000000' || isJurisdiction(given), { error: 'jurisdiction_unknown' })
  .meta({ description: 'GB/T 2260 code, or 000000 for the region; without it the own one 辖区，缺省为本辖区' })

const asked = {
  period: code.optional().meta({ description: 'A closed period; this or `year` 清算周期' }),
  year: count(2000, 2999).optional().meta({ description: 'The closed periods that end in it 年度' }),
  upTo: code.optional().meta({
    description: 'With `year`: the last period that is counted; without it the last one closed 截至清算周期',
  }),
  jurisdiction: orRegion.optional(),
}

/** A period or a year, never both. */
const isOne = ({ period, year, upTo }: { period?: unknown; year?: unknown; upTo?: unknown }) =>
  (period === undefined) !== (year === undefined) && (upTo === undefined || year !== undefined)
const exclusive = { error: 'period_or_year', path: ['period'] }

export const reportQuery = z.strictObject(asked).refine(isOne, exclusive)
export type ReportQuery = z.infer<typeof reportQuery>

/** What stands at the head of a report that is signed. */
const signed = {
  document: text(100).optional().meta({ description: 'Number of the document 文号' }),
  preparedBy: text(100).optional().meta({ description: 'Who prepares it 编制单位' }),
}
export const paperQuery = z.strictObject({ ...asked, ...signed }).refine(isOne, exclusive)
export type PaperQuery = z.infer<typeof paperQuery>
export const fileQuery = z
  .strictObject({
    ...asked,
    ...signed,
    format: z.enum(['csv', 'xlsx']).default('xlsx').meta({ description: 'File format 文件格式' }),
  })
  .refine(isOne, exclusive)

const amount = (zh: string, en: string) => yuanText.meta({ description: `${en} ${zh}` })
const number = (zh: string, en: string) => z.number().meta({ description: `${en} ${zh}` })

export const figures = z
  .object({
    issued: amount('发放额', 'Issued'),
    vouchers: number('发放张数', 'Vouchers issued'),
    firmsIssued: number('领券企业数', 'Firms that were given vouchers'),
    used: amount('使用额', 'Held by orders and captured: what was held less what was released'),
    orders: number('备案订单数', 'Orders filed'),
    firms: number('用券企业数', 'Firms that filed orders'),
    approved: amount('核准额', 'Approved'),
    claims: number('核准笔数', 'Claims approved'),
    clawedBack: amount('追回额', 'Clawed back'),
    redeemed: amount('兑现额', 'Approved less clawed back'),
    paid: amount('已拨付订单核准额', 'Approved amounts of the orders that were paid'),
    ordersPaid: number('已拨付订单数', 'Orders paid'),
    lapsed: amount('失效收回额', 'Voucher money back to the pool'),
    ordersLapsed: number('失效订单数', 'Orders lapsed'),
  })
  .meta({ id: 'ReportFigures' })
export type FiguresView = z.infer<typeof figures>

/** Of a category, a program or a provider. */
const share = { orders: z.number(), used: yuanText, claims: z.number(), approved: yuanText, clawedBack: yuanText }
const redeemed = { ...share, redeemed: yuanText }

export const stages = ['issued', 'filed', 'delivered', 'confirmed', 'claimed', 'approved', 'paid'] as const

export const settlementReport = z
  .object({
    title: z.string(),
    period: z.string().nullable(),
    year: z.number().nullable(),
    periods: z.array(z.string()).meta({ description: 'The closes it adds up, in their order 所含清算周期' }),
    from: z.string().nullable().meta({ description: 'First day; null: from the beginning 起始日' }),
    through: z.string(),
    jurisdiction: z.string(),
    name: z.string(),
    unit: z.literal('元'),
    total: figures,
    capital: z
      .object({ issued: z.string(), used: z.string(), redeemed: z.string() })
      .meta({ description: 'Totals in capital characters 大写金额' }),
    before: z
      .object({ periods: z.array(z.string()), total: figures })
      .nullable()
      .meta({ description: 'The same span of the year before 上年同期' }),
    change: z
      .object({
        issued: z.string().nullable(),
        used: z.string().nullable(),
        redeemed: z.string().nullable(),
        orders: z.string().nullable(),
        firms: z.string().nullable(),
      })
      .nullable()
      .meta({ description: 'Against the year before, per cent; null where there was nothing 同比（%）' }),
    provinces: z.array(z.object({ jurisdiction: z.string(), name: z.string(), figures })),
    jurisdictions: z
      .array(z.object({ jurisdiction: z.string(), name: z.string(), figures }))
      .meta({ description: 'Each with its own book alone 各辖区（仅本级账套）' }),
    matrix: z
      .array(
        z.object({
          from: z.string(),
          to: z.string(),
          direction: z.enum(['local', 'outbound', 'inbound']),
          amount: yuanText,
        }),
      )
      .meta({ description: 'Redeemed, by the issuing province and the payee’s 省际矩阵' }),
    categories: z.array(z.object({ category: z.string(), ...redeemed })),
    programs: z.array(z.object({ program: z.string(), issued: yuanText, lapsed: yuanText, ...redeemed })),
    providers: z.array(z.object({ provider: z.string(), ...redeemed })),
    funnel: z
      .array(z.object({ stage: z.enum(stages), count: z.number(), amount: yuanText }))
      .meta({ description: 'Of vouchers issued, then of orders 创新券全周期漏斗' }),
    ageing: z
      .array(z.object({ fromDays: z.number(), toDays: z.number().nullable(), orders: z.number(), amount: yuanText }))
      .meta({ description: 'Approved and unpaid at the last day, by calendar days since approval 应付账龄' }),
    payment: z
      .object({
        orders: z.number(),
        p50: z.number().nullable(),
        p90: z.number().nullable(),
        workdaysP50: z.number().nullable(),
        workdaysP90: z.number().nullable(),
      })
      .meta({
        description:
          'Calendar days from the first claim to payment; and workdays, by the notices published before the last close 申请兑付至拨付天数（日历日、工作日）',
      }),
    heads: z
      .array(z.object({ book: z.string(), seq: z.number(), entry: z.number() }))
      .meta({ description: 'The last command and entry of every book that it was computed at 各账套截止编号与凭证号' }),
  })
  .meta({ id: 'SettlementReport' })
export type SettlementReport = z.infer<typeof settlementReport>
