import type { PendingQuery, Row } from 'postgres'
import { type Fen, yuan } from '../core/money.js'
import type { Book } from '../ledger/book.js'
import { type AccountKind, accountKind, accountKinds, type Phase, phases, transferTypes } from '../ledger/chart.js'
import type { Sql } from '../platform/database.js'
import type { GovernmentChart } from './government-chart.js'
import { type Range, typesOf } from './queries.js'

/** Which lines of a range: all, those that move a kind of account, or one account. */
export interface Filter {
  readonly kind?: AccountKind | undefined
  readonly account?: number | undefined
}

/** The columns of a pulled line, and their names in Chinese. */
export const columns = {
  entry: '凭证号',
  line: '行号',
  seq: '指令号',
  day: '日期',
  bookedAt: '入账时间',
  command: '业务',
  subject: '经办人',
  organisation: '单位',
  type: '分录类型',
  phase: '阶段',
  debit: '借方',
  debitCode: '借方科目',
  credit: '贷方',
  creditCode: '贷方科目',
  hold: '冻结号',
  leg: '冻结分支',
  amount: '金额',
} as const

export type TextFormat = 'jsonl' | 'csv' | 'xml'

/** Lines of one page at most. */
const PAGE_LINES = 5000
/** Pages of a pull that are made at once, each on a connection of its own. */
const PAGES_AT_ONCE = 2

/** Texts by the numbers of the chart, which are places in an array. */
const byNo = (table: Readonly<Record<string, { readonly no: number }>>, of: (name: string) => string) =>
  Object.entries(table).reduce<string[]>((list, [name, { no }]) => {
    list[no - 1] = of(name)
    return list
  }, [])
const codesOf = ({ subjects }: GovernmentChart) =>
  byNo(accountKinds, (name) => subjects.find(({ kind }) => kind === name)!.code)
const kindNames = byNo(accountKinds, (name) => name)
const typeNames = byNo(transferTypes, (name) => name)
const typeWords = byNo(transferTypes, (name) => transferTypes[name as keyof typeof transferTypes].zh)
const phaseNames = Object.keys(phases) as Phase[]

/** Where a page ended. */
interface Place {
  readonly entry: number
  readonly line: number
}

interface TextPage {
  readonly text: string
  readonly lines: number
}

/**
 * The lines of a range as text, page by page, made by the database: entries never change, so pages by number are one
 * moment without a transaction that waits for a slow reader. The next pages are made while one is written.
 */
export async function* textPages(sql: Sql, range: Range, filter: Filter, format: TextFormat, chart: GovernmentChart) {
  const pages: Promise<TextPage>[] = []
  for await (const stretch of stretches(sql, range)) {
    const page = textPage(sql, range.book, stretch, filter, format, chart)
    // Whoever takes no more pages does not hear of it.
    page.catch(() => {})
    pages.push(page)
    if (pages.length < PAGES_AT_ONCE) continue
    const first = await pages.shift()!
    if (first.lines > 0) yield first
  }
  for (const page of pages) {
    const next = await page
    if (next.lines > 0) yield next
  }
}
const MOST_LINE = 2_147_483_647

/** Lines after one place, up to and with another. */
interface Stretch {
  readonly after: Place
  readonly until: Place
}

/** A range in stretches of as many lines as a page has, found in the index alone. */
async function* stretches(sql: Sql, { book, first, last }: Range): AsyncGenerator<Stretch> {
  for (let after: Place = { entry: first - 1, line: MOST_LINE }; ; ) {
    const [until] = await sql<Place[]>`
      select entry, line from transfers
      where book = ${book} and (book, entry, line) > (${book}, ${after.entry}, ${after.line}) and entry <= ${last}
      order by book, entry, line offset ${PAGE_LINES - 1} limit 1`
    yield { after, until: until ?? { entry: last, line: MOST_LINE } }
    if (!until) return
    after = until
  }
}

async function textPage(
  sql: Sql,
  book: Book,
  { after, until }: Stretch,
  filter: Filter,
  format: TextFormat,
  chart: GovernmentChart,
): Promise<TextPage> {
  const posted = format === 'xml' ? sql`and t.phase in (${phases.post}, ${phases.capture})` : sql``
  const [page] = await sql<{ text: string | null; lines: number }[]>`
    select string_agg(${texts[format](sql)}, '' order by t.entry, t.line) as text, count(*)::int as lines
    from (
      select * from transfers t
      where t.book = ${book} and (t.book, t.entry, t.line) > (${book}, ${after.entry}, ${after.line})
        and (t.book, t.entry, t.line) <= (${book}, ${until.entry}, ${until.line}) ${filtered(sql, filter)} ${posted}
      order by t.book, t.entry, t.line
    ) t
    ${beside(sql)}
    cross join (select ${kindNames}::text[] as kinds, ${codesOf(chart)}::text[] as codes, ${typeNames}::text[] as types,
                       ${typeWords}::text[] as words, ${phaseNames}::text[] as phases) n
    cross join lateral (
      select n.kinds[d.kind] || case d.owner when '' then '' else ':' || d.owner end as debit,
             n.kinds[k.kind] || case k.owner when '' then '' else ':' || k.owner end as credit,
             concat(t.amount / 100, '.', lpad((t.amount % 100)::text, 2, '0')) as amount) x`
  return { text: page!.text ?? '', lines: page!.lines }
}

const filtered = (sql: Sql, { kind, account }: Filter) => {
  if (account !== undefined) return sql`and (t.debit = ${account} or t.credit = ${account})`
  return kind === undefined ? sql`` : sql`and t.type = any (${typesOf(kind)}::int[])`
}

/** How many lines there are in a range, or one more than `most`. */
export async function linesIn(sql: Sql, { book, first, last }: Range, filter: Filter, most: number): Promise<number> {
  const [row] = await sql<{ size: number }[]>`
    select count(*)::int as size from (
      select from transfers t
      where t.book = ${book} and t.entry between ${first} and ${last} ${filtered(sql, filter)} limit ${most + 1}) listed`
  return row!.size
}

/** What stands beside a line. */
const beside = (sql: Sql) => sql`
  join commands c on c.book = t.book and c.seq = t.seq
  join actors a on a.actor = c.actor
  join accounts d on d.book = t.book and d.account = t.debit
  join accounts k on k.book = t.book and k.account = t.credit`

type Fragment = PendingQuery<Row[]>

const bookedAt = (sql: Sql) =>
  sql`to_char(c.booked_at at time zone 'UTC' + interval '8 hours', 'YYYY-MM-DD"T"HH24:MI:SS.MS') || '+08:00'`

const quoted = (sql: Sql, text: Fragment) =>
  sql`(case when ${text} ~ ${'[",;\\r\\n\\t]'} then '"' || replace(${text}, '"', '""') || '"' else ${text} end)`
/** As `writeCsv` does it: nothing a spreadsheet would run or round. */
const asText = (sql: Sql, text: Fragment) =>
  quoted(
    sql,
    sql`((case when ${text} ~ ${'^[=+\\-@\\t\\r＝＋－＠]'} then '''' when ${text} ~* ${'^(\\d{12,}|\\d+E\\d+)$'} then e'\\t' else '' end) || ${text})`,
  )

const escaped = (sql: Sql, text: Fragment) =>
  sql`replace(replace(replace(regexp_replace(${text}, ${'[\\u0001-\\u0008\\u000b\\u000c\\u000e-\\u001f]'}, '', 'g'), '&', '&amp;'), '<', '&lt;'), '>', '&gt;')`

/**
 * One line as text, in each format; of `t`, `c`, `a`, `d`, `k`, the names `n` and what was made of them `x`. One call of
 * concat: a chain of || copies what it has at every step.
 */
const texts: Readonly<Record<TextFormat, (sql: Sql) => Fragment>> = {
  jsonl: (sql) => sql`concat(
    '{"entry":', t.entry, ',"line":', t.line, ',"seq":', t.seq, ',"day":"', c.day, '","bookedAt":"', ${bookedAt(sql)},
    '","command":"', c.kind, '","subject":', to_json(a.subject), ',"organisation":', to_json(a.organisation),
    ',"type":"', n.types[t.type], '","phase":"', n.phases[t.phase + 1], '","debit":', to_json(x.debit),
    ',"debitCode":"', n.codes[d.kind], '","credit":', to_json(x.credit), ',"creditCode":"', n.codes[k.kind],
    '","hold":', coalesce(t.hold::text, 'null'), ',"leg":', coalesce(t.leg::text, 'null'), ',"amount":"', x.amount,
    e'"}\n')`,
  csv: (sql) => sql`concat(
    t.entry, ',', t.line, ',', t.seq, ',', c.day, ',', ${bookedAt(sql)}, ',', c.kind, ',',
    ${asText(sql, sql`a.subject`)}, ',', ${asText(sql, sql`a.organisation`)}, ',', n.types[t.type], ',',
    n.phases[t.phase + 1], ',', ${quoted(sql, sql`x.debit`)}, ',', n.codes[d.kind], ',', ${quoted(sql, sql`x.credit`)},
    ',', n.codes[k.kind], ',', t.hold, ',', t.leg, ',', x.amount, e'\r\n')`,
  xml: (sql) => {
    const side = (number: Fragment, code: Fragment, owner: Fragment, debit: Fragment, credit: Fragment) => sql`concat(
      '<记账凭证><会计年度>', to_char(c.day, 'YYYY'), '</会计年度><会计期间号>', to_char(c.day, 'FMMM'),
      '</会计期间号><记账凭证日期>', c.day, '</记账凭证日期><记账凭证类型编号>记</记账凭证类型编号><记账凭证编号>', t.entry,
      '</记账凭证编号><记账凭证行号>', ${number}, '</记账凭证行号><记账凭证摘要>', n.words[t.type],
      '</记账凭证摘要><科目编号>', ${code}, '</科目编号><辅助项编号>', ${escaped(sql, owner)},
      '</辅助项编号><币种>人民币</币种><借方本币金额>', ${debit}, '</借方本币金额><贷方本币金额>', ${credit},
      '</贷方本币金额><制单人>', ${escaped(sql, sql`a.subject`)}, e'</制单人></记账凭证>\n')`
    const [amount, nothing] = [sql`x.amount`, sql`'0.00'`]
    return sql`concat(${side(sql`t.line * 2 - 1`, sql`n.codes[d.kind]`, sql`d.owner`, amount, nothing)},
      ${side(sql`t.line * 2`, sql`n.codes[k.kind]`, sql`k.owner`, nothing, amount)})`
  },
}

/** A line of an entry, for a book of the field. */
export interface Line extends Place {
  readonly seq: number
  readonly day: string
  readonly subject: string
  readonly type: number
  readonly phase: number
  readonly debit: number
  readonly credit: number
  readonly debitKind: AccountKind
  readonly debitOwner: string
  readonly creditKind: AccountKind
  readonly creditOwner: string
  readonly amount: Fen
}

/** Lines that are read and written at once; between two such pages everything else has its turn. */
const ROW_LINES = 500

/** The lines of a range as values, page by page. */
export async function* linePages(sql: Sql, range: Range, filter: Filter): AsyncGenerator<readonly Line[]> {
  for (let after: Place = { entry: range.first - 1, line: MOST_LINE }; ; ) {
    const rows = await sql<
      (Omit<Line, 'debitKind' | 'creditKind' | 'seq'> & {
        seq: bigint
        dk: number
        ck: number
      })[]
    >`
      select t.entry, t.line, t.seq, c.day, a.subject, t.type,
             t.phase, t.debit, t.credit, t.amount, d.kind as dk, d.owner as "debitOwner", k.kind as ck,
             k.owner as "creditOwner"
      from (
        select * from transfers t
        where t.book = ${range.book} and (t.book, t.entry, t.line) > (${range.book}, ${after.entry}, ${after.line})
          and t.entry <= ${range.last} ${filtered(sql, filter)}
        order by t.book, t.entry, t.line limit ${ROW_LINES}
      ) t
      ${beside(sql)}
      order by t.entry, t.line`
    yield rows.map(({ dk, ck, seq, ...line }) => ({
      ...line,
      seq: Number(seq),
      debitKind: accountKind(dk),
      creditKind: accountKind(ck),
    }))
    if (rows.length < ROW_LINES) return
    after = rows.at(-1)!
  }
}

/** A type of transfer in Chinese: what an entry is about 摘要. */
export const wordOf = (type: number) => typeWords[type - 1]!

export const moneyCell = (fen: Fen) => (fen === 0n ? '' : { yuan: yuan(fen) })
