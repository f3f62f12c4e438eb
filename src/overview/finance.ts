import { provinceOf, provinces } from '../core/division.js'
import { bookText } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { booksUnder } from '../engine/access.js'
import type { Book } from '../ledger/book.js'
import { batchesOf } from '../payments/queries.js'
import type { Sql } from '../platform/database.js'
import { type GrossFilter, grossBy } from '../settlement/details.js'
import { settlementOf } from '../settlement/queries.js'
import { type Difference, differences } from '../statements/contract.js'
import { reconciliationOf } from '../statements/reconciliation.js'
import { amount, escaped, name, page, table } from './page.js'

/** Money as finance follows it 净额 → 总额 → 拨付批次 → 对账: net, the gross behind it, its batches, the bank. */

type Settlement = NonNullable<Awaited<ReturnType<typeof settlementOf>>>
type Reconciliation = Awaited<ReturnType<typeof reconciliationOf>>

/** What one book pays for a period, all its batches added up; fen. */
interface Paying {
  readonly book: string
  batches: number
  amount: Fen
  setOff: Fen
  released: Fen
  paid: Fen
  openLines: number
  readonly reconciliation: Reconciliation
}

/** A closed period on its way to the bank. */
export interface Way {
  readonly settlement: Settlement
  readonly paying: readonly Paying[]
}

/** Batches of one period at most: one for each thousand payees of a book. */
const BATCHES_MOST = 10_000

/** A closed period with what is paid for it, book by book; throws Refused('period_not_found'). */
export async function wayOf(sql: Sql, period: string): Promise<Way> {
  const settlement = await settlementOf(sql, period)
  if (!settlement) throw new Refused('period_not_found', { period })
  const batches = await batchesOf(sql, { low: 0, high: 999_999, period, limit: BATCHES_MOST })
  // A province that only receives is reconciled as well.
  const books = new Set<Book>([
    ...batches.map(({ book }) => book),
    ...(batches.length > 0 ? settlement.instructions.map(({ to }) => Number(to)) : []),
  ])
  const paying = new Map<Book, Paying>()
  for (const book of [...books].sort((a, b) => a - b)) {
    const sums = { batches: 0, amount: 0n, setOff: 0n, released: 0n, paid: 0n, openLines: 0 }
    paying.set(book, { book: bookText(book), ...sums, reconciliation: await reconciliationOf(sql, book, period) })
  }
  for (const { book, open, ...batch } of batches) {
    const sums = paying.get(book)!
    sums.batches++
    for (const part of ['amount', 'setOff', 'released', 'paid'] as const) sums[part] += batch[part]
    sums.openLines += open
  }
  return { settlement, paying: [...paying.values()] }
}

/** A link to the gross behind a number. */
const behind = (period: string, query: string, text: string | undefined) =>
  text === undefined ? '' : `<a href="/periods/${encodeURIComponent(period)}/gross?${query}">${amount(text)}</a>`

const states = {
  closed: '已关账 closed',
  netted: '已轧差 netted',
  in_transit: '清算入账中 being settled',
  settled: '待拨付 unpaid',
  paid: '已拨付 paid',
} as const

/** What the overview says of one period. */
export function wayPart({ settlement, paying }: Way): string {
  const { period, through, gross, net, instructions, state } = settlement
  const rows = provinces.map((from) => [
    name(from),
    ...provinces.map((to) => behind(period, `from=${from}&amp;to=${to}`, gross[from]?.[to])),
  ])
  const nets = ['净额 net', ...provinces.map((p) => behind(period, `of=${p}`, net[p]))]
  const list = instructions.map((i) => `<li>${name(i.from)} → ${name(i.to)}: ${amount(i.amount)}</li>`)
  return `<h2>清算周期 ${escaped(period)}（截至 through ${through}，${states[state]}）</h2>
    ${table(['发券省市 → 收款方所在地', ...provinces.map(name)], [...rows, nets], 1)}
    <p>划拨指令 Instructions</p><ul>${list.join('') || '<li>无 none</li>'}</ul>
    ${paying.length > 0 ? payingPart(paying) : ''}`
}

const columns = [
  '付款账套 payer',
  '对账 reconciliation',
  '批次 batches',
  '应拨 amount',
  '抵扣 set off',
  '已放行 released',
  '银行付讫 confirmed by the bank',
  '在途 in transit',
  '未放行明细 lines not released',
]

function payingPart(paying: readonly Paying[]): string {
  const rows = paying.map(({ book, batches, openLines, reconciliation, ...sums }) => [
    name(book),
    reconciliationPart(reconciliation),
    String(batches),
    ...[sums.amount, sums.setOff, sums.released, sums.paid, sums.released - sums.paid].map((fen) => amount(yuan(fen))),
    String(openLines),
  ])
  return `<p>拨付与银行 Payments and the bank</p>${table(columns, rows, 2)}`
}

/** Differences that are shown one by one. */
const SHOWN = 20

/** Whether ledger, instructions and bank are equal, and else what differs. */
function reconciliationPart({ ok, counts, differences: found }: Reconciliation): string {
  if (ok) return '三方相符 equal'
  const kinds = Object.entries(counts).map(([kind, count]) => {
    const { zh, en } = differences[kind as Difference]
    return `<li>${zh} ${en}: ${count}</li>`
  })
  const rows = found
    .slice(0, SHOWN)
    .map(({ kind, reference, ledger, instructions, bank }) => [
      differences[kind].zh,
      escaped(reference ?? ''),
      ...[ledger, instructions, bank].map((text) => amount(text ?? undefined)),
    ])
  const head = ['差异 difference', '编号 reference', '账面 ledger', '指令 instructions', '银行 bank']
  const total = Object.values(counts).reduce((sum, count) => sum + (count ?? 0), 0)
  return `<details><summary>差异 ${total} 项 differences</summary><ul>${kinds.join('')}</ul>${table(head, rows, 2)}</details>`
}

/** Lines of one table at most; the file has them all. */
const LINES = 1000

/**
 * The gross of a closed period line by line: from one province to another, or all that is behind the net `of` one.
 * Throws Refused('period_not_found').
 */
export async function grossPage(
  sql: Sql,
  period: string,
  { of, from, to }: { of?: string | undefined; from?: string | undefined; to?: string | undefined },
): Promise<string> {
  const settlement = await settlementOf(sql, period)
  if (!settlement) throw new Refused('period_not_found', { period })
  const part = (title: string, filter: GrossFilter) => grossTable(sql, period, title, filter)
  const [all, file] = [booksUnder('000000'), `/v1/periods/${encodeURIComponent(period)}/gross/export?format=xlsx`]
  const parts =
    of === undefined
      ? [
          await part(`${from ? name(from) : '全部 all'} → ${to ? name(to) : '全部 all'}`, {
            ...(from ? booksUnder(from) : all),
            ...(to ? { province: Number(to) } : {}),
          }),
        ]
      : [
          `<p>净额 net ${name(of)}: <b>${amount(settlement.net[of])}</b></p>`,
          await part(`应收 owed to ${name(of)}`, { ...all, province: Number(of), netted: true }),
          await part(`应付 owed by ${name(of)}`, { ...booksUnder(of), netted: true }),
        ]
  return page(
    `清算周期 ${escaped(period)} 总额明细 · Gross of a period`,
    `<p class="note"><a href="/">返回 back</a> · 单位：元 yuan · 文件 as a file: <code>GET ${escaped(file)}</code></p>${parts.join('')}`,
  )
}

const grossColumns = [
  '发券账套 book',
  '户名 name',
  '收款单位 payee',
  '收款方省份 province',
  '银行附言 reference',
  '拨付状态 payment',
  '收款账号 account',
  '核准 approved',
  '追回 clawed back',
  '应付净额 amount',
]

async function grossTable(sql: Sql, period: string, title: string, filter: GrossFilter): Promise<string> {
  const found = await grossBy(sql, period, filter, { most: LINES + 1 })
  const rows = found
    .slice(0, LINES)
    .map(({ item }) => [
      `${escaped(item.bookName)} ${item.book}`,
      escaped(item.name ?? ''),
      item.payee,
      name(provinceOf(item.province)),
      item.reference ?? '',
      item.payment ?? '',
      item.account ?? '',
      ...[item.approved, item.clawedBack, item.amount].map(amount),
    ])
  const more =
    found.length > LINES
      ? `<p class="note">前 ${LINES} 行，其余见文件 The first ${LINES} lines; the file has all.</p>`
      : ''
  return `<h2>${title}</h2>${table(grossColumns, rows, 7)}${more}`
}
