import { yuan } from '../core/money.js'
import { type AccountKind, accountKinds } from '../ledger/chart.js'
import type { Pages, Written } from '../platform/cells.js'
import type { Sql } from '../platform/database.js'
import type { TrialBalanceView } from './contract.js'
import { chartOf, type GovernmentChart } from './government-chart.js'
import { type Filter, linePages, moneyCell, wordOf } from './lines.js'
import { accountAsOf, accountsOver, type Range, sidesAsOf, turnoverBy } from './queries.js'
import { type Balance, balanceOf, isPosted, type Sides, sideOf, sidesOf } from './rules.js'

/** The books of the field 账簿: voucher list, general ledger, subsidiary ledger, trial balance; as rows of a file. */

type Figures = Omit<TrialBalanceView['items'][number], 'code' | 'name' | 'kind' | 'held'>
type Balances = Readonly<Record<keyof Figures, Balance>>

const nothing: Sides = { debit: 0n, credit: 0n, held: 0n }
const plus = (a: Balance, b: Balance): Balance => ({ debit: a.debit + b.debit, credit: a.credit + b.credit })
const noBalances: Balances = { opening: nothing, period: nothing, closing: nothing }
const sumOf = (a: Balances, b: Balances): Balances => ({
  opening: plus(a.opening, b.opening),
  period: plus(a.period, b.period),
  closing: plus(a.closing, b.closing),
})
/** The sum of every line of a range; throws Error when its sides are not even. */
function even(total: Balances, { book, last }: Range): Figures {
  for (const { debit, credit } of Object.values(total)) {
    if (debit !== credit) throw new Error(`book ${book} is not even at ${last}: ${debit} and ${credit}`)
  }
  return figures(total)
}
const text = ({ debit, credit }: Balance) => ({ debit: yuan(debit), credit: yuan(credit) })
const normalOf = (kind: AccountKind) => (accountKinds[kind].normal === 'debit' ? '借' : '贷')
const subjectsOf = ({ subjects }: GovernmentChart) => new Map(subjects.map((subject) => [subject.kind, subject]))

/** Opening, turnover and closing of every kind of account over a range; throws Error when the sides are not even. */
export async function trialBalance(sql: Sql, range: Range): Promise<Omit<TrialBalanceView, 'pull' | 'book'>> {
  const chart = chartOf(range.book)
  const [before, after] = await Promise.all([
    sidesAsOf(sql, range.book, range.first - 1),
    sidesAsOf(sql, range.book, range.last),
  ])
  let total = noBalances
  const items = chart.subjects.map(({ kind, code, name }) => {
    const [open, close] = [before.get(kind)!, after.get(kind)!]
    const period = { debit: close.debit - open.debit, credit: close.credit - open.credit }
    const all = { opening: balanceOf(open), period, closing: balanceOf(close) }
    total = sumOf(total, all)
    return { code, name, kind, ...figures(all), held: yuan(close.held) }
  })
  return { first: range.first, last: range.last, items, total: even(total, range) }
}

const figures = ({ opening, period, closing }: Balances): Figures => ({
  opening: text(opening),
  period: text(period),
  closing: text(closing),
})

/** 科目余额表, a line for each kind, or each account of it. */
export async function* balancePages(
  sql: Sql,
  range: Range,
  detail: 'kind' | 'account',
): Pages & AsyncGenerator<Written[][]> {
  const chart = chartOf(range.book)
  const subjects = subjectsOf(chart)
  yield [
    [
      '科目编码',
      '科目名称',
      '明细账户',
      '期初借方',
      '期初贷方',
      '本期借方',
      '本期贷方',
      '期末借方',
      '期末贷方',
      '其中冻结',
    ],
  ]
  const totalRow = (total: Figures) => ['', '合计', '', ...written(total), '']
  if (detail === 'kind') {
    const { items, total } = await trialBalance(sql, range)
    const rows = items.map(({ code, name, held, ...all }) => [code, name, '', ...written(all), textCell(held)])
    yield [...rows, totalRow(total)]
    return
  }
  // Accounts of one kind stand on either side: their lines add up to more than the kind's own line does.
  let total = noBalances
  for await (const page of accountsOver(sql, range)) {
    yield page.map(({ kind, owner, opening, period, held }) => {
      const { code, name } = subjects.get(kind)!
      const all = { opening: balanceOf(opening), period, closing: balanceOf(plus(opening, period)) }
      total = sumOf(total, all)
      return [code, name, owner, ...written(figures(all)), moneyCell(held)]
    })
  }
  yield [totalRow(even(total, range))]
}

const textCell = (amount: string): Written => (amount === '0.00' ? '' : { yuan: amount })
const written = ({ opening, period, closing }: Figures) =>
  [opening, period, closing].flatMap(({ debit, credit }) => [textCell(debit), textCell(credit)])

/** 记账凭证: two lines for each transfer that was posted; what was only held or given back stands beside, unposted. */
export async function* voucherPages(sql: Sql, range: Range, filter: Filter): Pages & AsyncGenerator<Written[][]> {
  const subjects = subjectsOf(chartOf(range.book))
  yield [
    [
      '凭证号',
      '日期',
      '摘要',
      '科目编码',
      '科目名称',
      '明细账户',
      '借方金额',
      '贷方金额',
      '额度冻结（未过账）',
      '制单',
      '指令号',
    ],
  ]
  for await (const lines of linePages(sql, range, filter)) {
    yield lines.flatMap((line) => {
      const row = (kind: AccountKind, owner: string, ...amounts: Written[]): Written[] => {
        const { code, name } = subjects.get(kind)!
        return [line.entry, line.day, wordOf(line.type), code, name, owner, ...amounts, line.subject, line.seq]
      }
      const amount = moneyCell(line.amount)
      const minus = moneyCell(-line.amount)
      const held = line.phase === 0 ? '' : line.phase === 1 ? amount : minus
      if (!isPosted(line.phase)) return [row(line.debitKind, line.debitOwner, '', '', held)]
      return [
        row(line.debitKind, line.debitOwner, amount, '', held),
        row(line.creditKind, line.creditOwner, '', amount, ''),
      ]
    })
  }
}

/** 明细账 of one account, or of a kind as a whole: every posting with the balance after it. */
export async function* subsidiaryPages(
  sql: Sql,
  range: Range,
  filter: Filter & { readonly kind: AccountKind },
): Pages & AsyncGenerator<Written[][]> {
  const { code, name } = subjectsOf(chartOf(range.book)).get(filter.kind)!
  const { account } = filter
  let sum: Balance =
    account === undefined
      ? (await sidesAsOf(sql, range.book, range.first - 1)).get(filter.kind)!
      : await accountAsOf(sql, range.book, account, range.first - 1)
  const standing = (): Written[] => {
    const { debit, credit } = balanceOf(sum)
    return [sideOf(sum), { yuan: yuan(debit + credit) }]
  }
  yield [
    ['科目编码', '科目名称', '日期', '凭证号', '摘要', '明细账户', '对方科目', '借方金额', '贷方金额', '方向', '余额'],
    [code, name, '', '', '期初余额', '', '', '', '', ...standing()],
  ]
  const subjects = subjectsOf(chartOf(range.book))
  const isOurs = (no: number, kind: AccountKind) => (account === undefined ? kind === filter.kind : no === account)
  let total: Balance = nothing
  for await (const lines of linePages(sql, range, filter)) {
    yield lines.flatMap((line) => {
      if (!isPosted(line.phase)) return []
      const row = (owner: string, against: AccountKind, moved: Balance): Written[] => {
        sum = plus(sum, moved)
        total = plus(total, moved)
        const [debit, credit] = [moneyCell(moved.debit), moneyCell(moved.credit)]
        const other = subjects.get(against)!.code
        return [code, name, line.day, line.entry, wordOf(line.type), owner, other, debit, credit, ...standing()]
      }
      const [debit, credit] = [
        { debit: line.amount, credit: 0n },
        { debit: 0n, credit: line.amount },
      ]
      return [
        ...(isOurs(line.debit, line.debitKind) ? [row(line.debitOwner, line.creditKind, debit)] : []),
        ...(isOurs(line.credit, line.creditKind) ? [row(line.creditOwner, line.debitKind, credit)] : []),
      ]
    })
  }
  yield [[code, name, '', '', '本期合计', '', '', moneyCell(total.debit), moneyCell(total.credit), ...standing()]]
}

/** 总账: every kind of account by months or days, with what it began and ended with. */
export async function* generalPages(
  sql: Sql,
  range: Range,
  by: 'month' | 'day',
  only: AccountKind | undefined,
): Pages & AsyncGenerator<Written[][]> {
  const chart = chartOf(range.book)
  const before = await sidesAsOf(sql, range.book, range.first - 1)
  const rows = await turnoverBy(sql, range, by)
  const periods = [...new Set(rows.map(({ period }) => period))]
  const sums = periods.map((period) => ({ period, sides: sidesOf(rows.filter((row) => row.period === period)) }))
  yield [['科目编码', '科目名称', '期间', '摘要', '借方金额', '贷方金额', '方向', '余额']]
  for (const { kind, code, name } of chart.subjects) {
    if (only !== undefined && kind !== only) continue
    let sum: Balance = before.get(kind)!
    const row = (period: string, what: string, moved: Balance): Written[] => {
      const { debit, credit } = balanceOf(sum)
      const standing = [sideOf(sum), { yuan: yuan(debit + credit) }]
      return [code, name, period, what, moneyCell(moved.debit), moneyCell(moved.credit), ...standing]
    }
    const found = [row('', '期初余额', nothing)]
    let total: Balance = nothing
    for (const { period, sides } of sums) {
      const moved = sides.get(kind)!
      if (moved.debit === 0n && moved.credit === 0n) continue
      sum = plus(sum, moved)
      total = plus(total, moved)
      found.push(row(period, by === 'month' ? '本月合计' : '本日合计', moved))
    }
    found.push(row('', '本期合计', total))
    yield found
  }
}

const escaped = (given: string) => given.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const element = (name: string, content: string | number) => `<${name}>${escaped(String(content))}</${name}>`
const elements = (name: string, parts: Readonly<Record<string, string | number>>) =>
  `<${name}>${Object.entries(parts)
    .map(([part, content]) => element(part, content))
    .join('')}</${name}>\n`

/** What stands before the vouchers in a file in the style of GB/T 24589: the book, its chart, balances and turnover. */
export async function xmlHead(
  sql: Sql,
  range: Range,
  of: { readonly name: string; readonly days: string },
): Promise<string> {
  const { subjects, standard } = chartOf(range.book)
  const { items } = await trialBalance(sql, range)
  const direction = ({ debit, credit }: Figures['opening']) =>
    debit !== '0.00' ? '借' : credit !== '0.00' ? '贷' : '平'
  const standing = ({ debit, credit }: Figures['opening']) => (debit !== '0.00' ? debit : credit)
  return `<?xml version="1.0" encoding="UTF-8"?>
<会计核算数据>
${elements('电子账簿', {
  电子账簿编号: String(range.book).padStart(6, '0'),
  电子账簿名称: of.name,
  会计核算单位: of.name,
  本位币: '人民币',
  会计制度: standard,
  起止凭证号: `${range.first}-${range.last}`,
  会计期间: of.days,
  说明: '元素名称参照 GB/T 24589 的样式，未按其模式文件校验',
})}${subjects
  .map(({ code, name, kind }) =>
    elements('会计科目', {
      科目编号: code,
      科目名称: name,
      科目级次: code.length / 2 - 1,
      余额方向: normalOf(kind),
    }),
  )
  .join('')}${items
  .map(({ code, opening, period, closing }) =>
    elements('科目余额及发生额', {
      科目编号: code,
      期初余额方向: direction(opening),
      期初本币余额: standing(opening),
      借方本币发生额: period.debit,
      贷方本币发生额: period.credit,
      期末余额方向: direction(closing),
      期末本币余额: standing(closing),
    }),
  )
  .join('')}`
}
export const XML_END = '</会计核算数据>\n'
