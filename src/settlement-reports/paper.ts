import type { Written } from '../platform/cells.js'
import type { FiguresView, SettlementReport } from './contract.js'

/** What stands at the head of a paper besides the report. */
export interface Head {
  /** 文号; a line to be filled in without it. */
  readonly document?: string | undefined
  /** 编制单位; the jurisdiction without it. */
  readonly preparedBy?: string | undefined
}

/** A table of a paper, with its heading and the names of its columns. */
export interface Section {
  readonly title: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Written[])[]
}

const named = {
  issued: '发放额',
  vouchers: '发放张数',
  firmsIssued: '领券企业数',
  used: '使用额',
  orders: '备案订单数',
  firms: '用券企业数',
  approved: '核准额',
  claims: '核准笔数',
  clawedBack: '追回额',
  redeemed: '兑现额',
  paid: '已拨付订单核准额',
  ordersPaid: '已拨付订单数',
  lapsed: '失效收回额',
  ordersLapsed: '失效订单数',
} as const satisfies Record<keyof FiguresView, string>

const shared = ['备案订单数', '使用额', '核准笔数', '核准额', '追回额', '兑现额']
const stageNames = {
  issued: '发放',
  filed: '备案',
  delivered: '交付',
  confirmed: '确认',
  claimed: '申请兑付',
  approved: '核准',
  paid: '拨付',
} as const
const directions = { local: '省内', outbound: '流出', inbound: '流入' } as const

const money = (yuan: string): Written => ({ yuan })
const shareOf = (row: Omit<SettlementReport['categories'][number], 'category'>): Written[] => [
  row.orders,
  money(row.used),
  row.claims,
  money(row.approved),
  money(row.clawedBack),
  money(row.redeemed),
]
const figuresOf = (all: FiguresView): Written[] =>
  (Object.keys(named) as (keyof FiguresView)[]).map((key) => {
    const value = all[key]
    return typeof value === 'number' ? value : money(value)
  })
const places = (title: string, rows: SettlementReport['jurisdictions']): Section => ({
  title,
  columns: ['代码', '名称', ...Object.values(named)],
  rows: rows.map(({ jurisdiction, name, figures }) => [jurisdiction, name, ...figuresOf(figures)]),
})

/** The tables of a report, as a file and a printed page have them. */
export function sectionsOf(report: SettlementReport): Section[] {
  const { total, before, change } = report
  return [
    {
      title: '一、总表',
      columns: ['项目', '本期', '上年同期', '同比（%）'],
      rows: (Object.keys(named) as (keyof FiguresView)[]).map((key, n) => [
        named[key],
        figuresOf(total)[n]!,
        before ? figuresOf(before.total)[n]! : '',
        change?.[key as keyof typeof change] ?? '',
      ]),
    },
    {
      title: '二、合计大写',
      columns: ['项目', '人民币（大写）'],
      rows: [
        ['发放额', report.capital.issued],
        ['使用额', report.capital.used],
        ['兑现额', report.capital.redeemed],
      ],
    },
    places('三、分省市', report.provinces),
    places('四、分辖区（仅本级账套）', report.jurisdictions),
    {
      title: '五、省际矩阵（兑现额）',
      columns: ['发券省市', '收款方省市', '方向', '金额'],
      rows: report.matrix.map(({ from, to, direction, amount }) => [from, to, directions[direction], money(amount)]),
    },
    {
      title: '六、分类别',
      columns: ['类别', ...shared],
      rows: report.categories.map((row) => [row.category, ...shareOf(row)]),
    },
    {
      title: '七、分券种',
      columns: ['券种', '发放额', '失效收回额', ...shared],
      rows: report.programs.map((row) => [row.program, money(row.issued), money(row.lapsed), ...shareOf(row)]),
    },
    {
      title: '八、分服务机构',
      columns: ['统一社会信用代码', ...shared],
      rows: report.providers.map((row) => [row.provider, ...shareOf(row)]),
    },
    {
      title: '九、创新券全周期',
      columns: ['环节', '数量', '金额'],
      rows: report.funnel.map(({ stage, count, amount }) => [stageNames[stage], count, money(amount)]),
    },
    {
      title: '十、应付账龄（自核准日起，日历日）',
      columns: ['天数', '订单数', '金额'],
      rows: report.ageing.map(({ fromDays, toDays, orders, amount }) => [
        toDays === null ? `${fromDays}天以上` : `${fromDays}至${toDays}天`,
        orders,
        money(amount),
      ]),
    },
    {
      title: '十一、申请兑付至拨付天数',
      columns: ['已拨付订单数', 'P50（日历日）', 'P90（日历日）', 'P50（工作日）', 'P90（工作日）'],
      rows: [
        [
          report.payment.orders,
          report.payment.p50 ?? '',
          report.payment.p90 ?? '',
          report.payment.workdaysP50 ?? '',
          report.payment.workdaysP90 ?? '',
        ],
      ],
    },
    {
      title: '十二、账套截止',
      columns: ['账套', '指令号', '凭证号'],
      rows: report.heads.map(({ book, seq, entry }) => [book, seq, entry]),
    },
  ]
}

/** The lines above the tables. */
export const headOf = (report: SettlementReport, { document, preparedBy }: Head) => [
  ['文号', document ?? '＿＿＿＿＿＿＿＿'],
  ['编制单位', preparedBy ?? report.name],
  ['清算周期', report.periods.join('、')],
  ['起止日期', `${report.from ?? '开办'} 至 ${report.through}`],
  ['单位', report.unit],
]

/** The lines below, for names, seals and the day. */
export const signatures = ['编制人', '复核人', '负责人', '（盖章）', '日期'] as const

/** A report as the rows of a file. */
export function rowsOf(report: SettlementReport, head: Head): Written[][] {
  return [
    [report.title],
    ...headOf(report, head),
    ...sectionsOf(report).flatMap(({ title, columns, rows }) => [
      [],
      [title],
      [...columns],
      ...rows.map((row) => [...row]),
    ]),
    [],
    [...signatures],
  ]
}
