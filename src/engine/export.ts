import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { fenOf, yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { authorise } from '../platform/auth.js'
import type { Pages, Written } from '../platform/cells.js'
import { problem } from '../platform/problems.js'
import { type SheetFormat, sheetFormats, sheetTypes, writeSheet } from '../platform/sheets.js'
import { describe, type Spec } from './route.js'

/** Rows of one file at most: what fits on a sheet. */
export const MOST_ROWS = 1_000_000
/** Rows read and written at once; between two such pages everything else has its turn. */
export const PAGE_ROWS = 500
/** Files written at once; whoever comes then is asked to come again. */
const AT_ONCE = 8
/** A reader who takes nothing for so long, in milliseconds, gets no more. */
const PATIENCE = 60_000

/** The columns of a list in their order: the field of a row, and its name in Chinese. */
export type Columns = Readonly<Record<string, string>>
type Row = Readonly<Record<string, unknown>>

/** A list to its end, page by page: each has so many rows at most, and begins behind the last row of the one before. */
export async function* paged<R>(
  read: (last: R | undefined, most: number) => Promise<readonly R[]>,
  linesOf: (row: R) => readonly Row[],
): AsyncGenerator<readonly Row[]> {
  for (let last: R | undefined, isMore = true; isMore; ) {
    const rows = await read(last, PAGE_ROWS)
    yield rows.flatMap(linesOf)
    isMore = rows.length === PAGE_ROWS
    last = rows.at(-1)
  }
}

/** The same pages, and under them what these amounts add up to; `named` is the field that says so. */
export async function* withTotals(
  pages: AsyncIterable<readonly Row[]>,
  named: string,
  amounts: readonly string[],
): AsyncGenerator<readonly Row[]> {
  const sums = new Map(amounts.map((field) => [field, 0n]))
  for await (const rows of pages) {
    for (const [field, sum] of sums) {
      sums.set(
        field,
        rows.reduce((all, row) => all + fenOf(String(row[field])), sum),
      )
    }
    yield rows
  }
  yield [{ [named]: '合计 total', ...Object.fromEntries([...sums].map(([field, sum]) => [field, yuan(sum)])) }]
}

let writing = 0

/** Throws Refused('overloaded') while too many files are being written. */
function takeTurn(reply: FastifyReply): void {
  if (writing >= AT_ONCE || reply.raw.closed) throw new Refused('overloaded')
  writing++
  reply.raw.once('close', () => {
    writing--
  })
}

/**
 * The same parts; a reader who takes nothing of one for as long as PATIENCE is cut off. Nobody is while the next part is
 * made: that may take long, and its silence is ours.
 */
export async function* patiently<T>(raw: FastifyReply['raw'], parts: AsyncIterable<T>): AsyncGenerator<T> {
  raw.once('timeout', () => raw.destroy())
  for await (const part of parts) {
    raw.setTimeout(PATIENCE)
    yield part
    raw.setTimeout(0)
  }
  raw.setTimeout(PATIENCE)
}

/** A file: its media type, and what it holds. With a name it is kept, without it is looked at. */
interface Answer {
  readonly type: string
  readonly name?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly parts: string | AsyncIterable<string | Uint8Array>
}

interface FileSpec<P, Q> extends Spec {
  readonly query?: z.ZodType
  /** The media types that it may have, and what each holds. */
  readonly types: Readonly<Record<string, z.ZodType>>
  /** So long that only a few may be written at once. */
  readonly takesTurn?: true
  read(request: { params: P; query: Q; actor: Actor }): Answer | Promise<Answer>
}

/**
 * Answers a read with a file, no more of which is in memory than its reader has room for; throwing Refused answers the
 * refusal.
 */
export function fileRoute<P = object, Q = object>(app: FastifyInstance, spec: FileSpec<P, Q>): void {
  const { operation, url, params, query = z.strictObject({}), types } = spec
  const content = Object.fromEntries(Object.entries(types).map(([type, schema]) => [type, { schema }]))
  app.route({
    method: 'GET',
    url,
    schema: {
      ...describe(spec),
      ...(params ? { params } : {}),
      querystring: query,
      response: { 200: { content }, default: problem },
    },
    onRequest: (request) => authorise(request, operation),
    handler: async ({ params, query, actor }, reply) => {
      if (spec.takesTurn) takeTurn(reply)
      const { type, name, headers = {}, parts } = await spec.read({ params: params as P, query: query as Q, actor })
      if (name !== undefined) reply.header('content-disposition', `attachment; filename="${name}"`)
      return reply
        .type(type === sheetTypes.xlsx ? type : `${type}; charset=utf-8`)
        .headers(headers)
        .send(typeof parts === 'string' ? parts : Readable.from(patiently(reply.raw, parts), { objectMode: false }))
    },
  })
}

export const sheetFormat = z.enum(sheetFormats).default('csv').meta({ description: 'File format 文件格式' })
/** The media types of a table. */
export const sheets = {
  [sheetTypes.csv]: z.string(),
  [sheetTypes.xlsx]: z.string().meta({ format: 'binary' }),
}

/** A table as a file; its name is without an ending. */
export const sheet = (format: SheetFormat, name: string, pages: Pages) => ({
  type: sheetTypes[format],
  name: `${name}.${format}`,
  parts: writeSheet(format, pages),
})

interface ExportSpec<P, Q> extends Spec {
  readonly query: z.ZodObject
  readonly columns: Columns
  /** What stands above the heading, a line each; throwing Refused answers the refusal. */
  title?(request: { params: P; query: Q; actor: Actor }): Promise<readonly string[]>
  /** How many rows there will be, or one more than MOST_ROWS. */
  size(request: { params: P; query: Q; actor: Actor }): Promise<number>
  rows(request: { params: P; query: Q; actor: Actor }): AsyncGenerator<readonly Row[]>
}

/**
 * Answers a list as a file, written while it is read: each row once, as it was when its page was read. What is too long
 * for one file is refused (`export_too_large`) and never cut off.
 */
export function exportRoute<P = object, Q = object>(app: FastifyInstance, spec: ExportSpec<P, Q>): void {
  fileRoute<P, { format: SheetFormat }>(app, {
    ...spec,
    query: spec.query.extend({ format: sheetFormat }),
    types: sheets,
    takesTurn: true,
    async read({ params, query: { format, ...query }, actor }) {
      const asked = { params, query: query as Q, actor }
      if ((await spec.size(asked)) > MOST_ROWS) throw new Refused('export_too_large', { most: MOST_ROWS })
      const title = await spec.title?.(asked)
      const name = spec.operation.replace('export', '').toLowerCase()
      return sheet(format, name, pagesOf(spec.columns, spec.rows(asked), title))
    },
  })
}

/** Yuan that a spreadsheet keeps exactly: it counts in fifteen digits. */
const AMOUNT = /^-?\d{1,13}\.\d{2}$/

/** A list as it is written, under its title and a heading in both languages. */
export async function* pagesOf(columns: Columns, pages: AsyncIterable<readonly Row[]>, title: readonly string[] = []) {
  yield [...title.map((line) => [line]), Object.entries(columns).map(([field, zh]) => `${zh} ${field}`)]
  const fields = Object.keys(columns)
  for await (const rows of pages) yield rows.map((row) => fields.map((field) => cell(row[field])))
}

function cell(value: unknown): Written {
  if (typeof value === 'number') return value
  const text = value === null || value === undefined ? '' : String(value)
  return AMOUNT.test(text) ? { yuan: text } : text
}

/** A page that loads nothing and runs nothing. */
export const CLOSED = "default-src 'none'; style-src 'unsafe-inline'"
