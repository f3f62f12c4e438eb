import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { bookText } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { readableBooks } from '../engine/access.js'
import { fileRoute, MOST_ROWS, sheet } from '../engine/export.js'
import { readRoute, type Services } from '../engine/route.js'
import type { Book } from '../ledger/book.js'
import { accountKinds } from '../ledger/chart.js'
import type { Pages } from '../platform/cells.js'
import { Faults } from '../platform/problems.js'
import { sheetTypes } from '../platform/sheets.js'
import { balancePages, generalPages, subsidiaryPages, trialBalance, voucherPages, XML_END, xmlHead } from './books.js'
import {
  bookParams,
  chartQuery,
  chartView,
  type FieldBook,
  type FieldBookQuery,
  fieldBookParams,
  fieldBookQuery,
  type LedgerQuery,
  ledgerQuery,
  pullsQuery,
  pullsView,
  type RangeAsked,
  type SampleQuery,
  sampleQuery,
  sampleView,
  trialBalanceQuery,
  trialBalanceView,
  xmlQuery,
} from './contract.js'
import { chartOf } from './government-chart.js'
import { columns, type Filter, linesIn, textPages } from './lines.js'
import { accountNo, accountsIn, closePull, pullsOf, type Range, rangeOf } from './queries.js'
import { numbered, pullRecord } from './record.js'
import { drawSample } from './sample.js'

const tag = 'audit 审计'

/** Ledger pulls of auditors, all of them on record. */
export function pullRoutes(app: FastifyInstance, services: Services): void {
  const { sql } = services
  const { open, counted } = pullRecord(services)
  const filterOf = async (book: Book, { kind, owner }: Pick<LedgerQuery, 'kind' | 'owner'>): Promise<Filter> => {
    if (kind === undefined || owner === undefined) return { kind }
    const account = await accountNo(sql, book, kind, owner)
    if (account === undefined) throw new Refused('account_not_found', { kind, owner })
    return { kind, account }
  }
  /** Throws Refused('export_too_large') when a sheet has no room for a book: it is never cut off. */
  async function fits(form: FieldBook, range: Range, filter: Filter, detail: FieldBookQuery['detail']) {
    const within = (most: number, size: number) => {
      if (size > most) throw new Refused('export_too_large', { most })
    }
    // Two rows a line; a general ledger has a row for each kind and day, and no book is old enough.
    const lines = MOST_ROWS / 2
    if (form === 'vouchers' || form === 'subsidiary') within(lines, await linesIn(sql, range, filter, lines))
    if (form === 'balances' && detail === 'account') within(MOST_ROWS, await accountsIn(sql, range, MOST_ROWS))
  }
  const nameOf = ({ book, first, last }: Range, what: string) => `${what}-${bookText(book)}-${first}-${last}`

  fileRoute<{ book: string }, LedgerQuery>(app, {
    operation: 'pullLedger',
    url: '/v1/books/:book/pulls/ledger',
    tag,
    params: bookParams,
    query: ledgerQuery,
    types: { 'application/x-ndjson': z.string(), 'text/csv': z.string() },
    takesTurn: true,
    summary: { en: 'Lines of journal entries over any range', zh: '调取分录（任意范围）' },
    async read({ params, query: { format, ...query }, actor }) {
      const book = Number(params.book)
      const opened = await open({ what: 'pullLedger', actor, book, asked: { ...query, format } }, async () => ({
        range: await rangeOf(services, book, query),
        filter: await filterOf(book, query),
      }))
      const { range, filter, pull } = opened
      const pages = counted(pull, textPages(sql, range, filter, format, chartOf(book)), ({ lines }) => lines)
      async function* parts() {
        if (format === 'csv') {
          yield `\ufeff${Object.entries(columns)
            .map(([field, zh]) => `${zh} ${field}`)
            .join()}\r\n`
        }
        for await (const { text } of pages) yield text
      }
      const type = format === 'csv' ? 'text/csv' : 'application/x-ndjson'
      return { type, name: `${nameOf(range, 'ledger')}.${format}`, headers: numbered(pull), parts: parts() }
    },
  })

  fileRoute<{ book: string; form: FieldBook }, FieldBookQuery>(app, {
    operation: 'pullBook',
    url: '/v1/books/:book/pulls/books/:form',
    tag,
    params: fieldBookParams,
    query: fieldBookQuery,
    types: { [sheetTypes.csv]: z.string(), [sheetTypes.xlsx]: z.string() },
    takesTurn: true,
    summary: {
      en: 'Voucher list, general ledger, subsidiary ledger or trial balance as a file',
      zh: '调取记账凭证、总账、明细账、科目余额表',
    },
    async read({ params, query: { format, by, detail, ...query }, actor }) {
      const book = Number(params.book)
      const { form } = params
      const { kind } = query
      if (form === 'subsidiary' && kind === undefined) throw new Faults([{ pointer: '/query/kind', code: 'required' }])
      const asked = { form, ...query, by, detail, format }
      const { range, filter, pull } = await open({ what: 'pullBook', actor, book, asked }, async () => {
        const range = await rangeOf(services, book, query)
        const filter = await filterOf(book, query)
        if (format === 'xlsx') await fits(form, range, filter, detail)
        return { range, filter }
      })
      const forms: Record<FieldBook, () => AsyncIterable<Parameters<typeof rowsOf>[0]>> = {
        vouchers: () => voucherPages(sql, range, filter),
        general: () => generalPages(sql, range, by, kind),
        subsidiary: () => subsidiaryPages(sql, range, { ...filter, kind: kind! }),
        balances: () => balancePages(sql, range, detail),
      }
      const pages = counted(pull, forms[form](), rowsOf) as Pages
      return { ...sheet(format, nameOf(range, form), pages), headers: numbered(pull) }
    },
  })

  fileRoute<{ book: string }, RangeAsked>(app, {
    operation: 'pullXml',
    url: '/v1/books/:book/pulls/xml',
    tag,
    params: bookParams,
    query: xmlQuery,
    types: { 'application/xml': z.string() },
    takesTurn: true,
    summary: {
      en: 'Chart, balances and vouchers as XML in the style of GB/T 24589',
      zh: '调取会计科目、科目余额、记账凭证（GB/T 24589 样式 XML）',
    },
    async read({ params, query, actor }) {
      const book = Number(params.book)
      const { range, pull } = await open({ what: 'pullXml', actor, book, asked: query }, async () => ({
        range: await rangeOf(services, book, query),
      }))
      const [row] = await sql<{ name: string; days: string }[]>`
        select b.name, coalesce((
          select min(c.day) || ' 至 ' || max(c.day) from commands c
          where c.book = b.book and c.seq in (
            (select seq from transfers where book = ${book} and entry = ${range.first} limit 1),
            (select seq from transfers where book = ${book} and entry = ${range.last} limit 1))), '') as days
        from books b where b.book = ${book}`
      const head = await xmlHead(sql, range, row!)
      const pages = counted(pull, textPages(sql, range, {}, 'xml', chartOf(book)), ({ lines }) => lines)
      async function* parts() {
        yield head
        for await (const { text } of pages) yield text
        yield XML_END
      }
      return {
        type: 'application/xml',
        name: `${nameOf(range, 'vouchers')}.xml`,
        headers: numbered(pull),
        parts: parts(),
      }
    },
  })

  readRoute<{ book: string }, RangeAsked>(app, {
    operation: 'getTrialBalance',
    url: '/v1/books/:book/trial-balance',
    tag,
    params: bookParams,
    query: trialBalanceQuery as never,
    summary: { en: 'The trial balance over a range, or as of its end', zh: '科目余额（任意范围或时点）' },
    answer: trialBalanceView,
    async read({ params, query, actor }) {
      const book = Number(params.book)
      const { range, pull } = await open({ what: 'getTrialBalance', actor, book, asked: query }, async () => ({
        range: await rangeOf(services, book, query),
      }))
      const balance = await trialBalance(sql, range)
      await closePull(sql, pull, balance.items.length, true)
      return { book: params.book, pull, ...balance }
    },
  })

  readRoute<{ book: string }, SampleQuery>(app, {
    operation: 'drawSample',
    url: '/v1/books/:book/sample',
    tag,
    params: bookParams,
    query: sampleQuery as never,
    summary: { en: 'A sample of approved claims that another auditor draws again', zh: '抽样（可复现）' },
    answer: sampleView,
    async read({ params, query, actor }) {
      const book = Number(params.book)
      const asked = { ...query, ...(query.multiple === undefined ? {} : { multiple: yuan(query.multiple) }) }
      const opened = await open({ what: 'drawSample', actor, book, asked }, async () => {
        const [head] = await sql<{ seq: bigint }[]>`select seq from books where book = ${book}`
        const upTo = query.upTo ?? Number(head?.seq ?? 0)
        return { range: await rangeOf(services, book, { toSeq: upTo }), asked: { ...asked, upTo }, upTo }
      })
      const sample = await drawSample(sql, book, { ...query, upTo: opened.upTo })
      await closePull(sql, opened.pull, sample.items.length, true)
      return { ...sample, pull: opened.pull }
    },
  })

  readRoute<object, { book: string }>(app, {
    operation: 'getGovernmentChart',
    url: '/v1/government-chart',
    tag,
    query: chartQuery as never,
    summary: { en: 'Account codes of the government chart for a book', zh: '政府会计科目对照' },
    answer: chartView,
    read: async ({ query }) => {
      const { jurisdiction, standard, subjects } = chartOf(Number(query.book))
      return {
        jurisdiction,
        standard,
        subjects: subjects.map((subject) => {
          const { normal, zh, en } = accountKinds[subject.kind]
          return { ...subject, normal, zh, en }
        }),
      }
    },
  })

  readRoute<object, { limit: number; cursor?: string; book?: string }>(app, {
    operation: 'listPulls',
    url: '/v1/pulls',
    tag,
    query: pullsQuery as never,
    summary: { en: 'Who pulled which ledger, the refused ones too', zh: '调取记录（含被拒绝的）' },
    answer: pullsView,
    read: ({ query, actor }) => pullsOf(sql, readableBooks(actor) ?? { low: -1, high: -1 }, query),
  })
}

const rowsOf = (page: readonly unknown[]) => page.length
