import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { fenOf, yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { authorise } from '../platform/auth.js'
import type { Written as Cell, Pages } from '../platform/cells.js'
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

interface ExportSpec<P, Q> extends Spec {
  readonly query: z.ZodObject
  readonly columns: Columns
  /** What stands above the heading, a line each; throwing Refused answers the refusal. */
  title?(request: { params: P; query: Q; actor: Actor }): Promise<readonly string[]>
  /** How many rows there will be, or one more than MOST_ROWS. */
  size(request: { params: P; query: Q; actor: Actor }): Promise<number>
  rows(request: { params: P; query: Q; actor: Actor }): AsyncGenerator<readonly Row[]>
}

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
 * Answers a list as a file, written while it is read: each row once, as it was when its page was read. What is too long
 * for one file is refused (`export_too_large`) and never cut off.
 */
export function exportRoute<P = object, Q = object>(app: FastifyInstance, spec: ExportSpec<P, Q>): void {
  const format = z.enum(sheetFormats).default('csv').meta({ description: 'File format 文件格式' })
  app.route({
    method: 'GET',
    url: spec.url,
    schema: {
      ...describe(spec),
      ...(spec.params ? { params: spec.params } : {}),
      querystring: spec.query.extend({ format }),
      response: { 200: { content: fileContent }, default: problem },
    },
    onRequest: (request) => authorise(request, spec.operation),
    handler: async (request, reply) => {
      const { format, ...query } = request.query as { format: SheetFormat }
      const asked = { params: request.params as P, query: query as Q, actor: request.actor }
      takeTurn(reply)
      if ((await spec.size(asked)) > MOST_ROWS) throw new Refused('export_too_large', { most: MOST_ROWS })
      const title = await spec.title?.(asked)
      reply.raw.setTimeout(PATIENCE, () => reply.raw.destroy())
      const name = spec.operation.replace('export', '').toLowerCase()
      return send(reply, { format, name, pages: pagesOf(spec.columns, spec.rows(asked), title) })
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

function cell(value: unknown): Cell {
  if (typeof value === 'number') return value
  const text = value === null || value === undefined ? '' : String(value)
  return AMOUNT.test(text) ? { yuan: text } : text
}

/** A table to be kept: its format, its name without an ending, and its rows. */
interface File {
  readonly format: SheetFormat
  readonly name: string
  readonly pages: Pages
}

interface SheetSpec<P, Q> extends Spec {
  readonly query?: z.ZodType<Q>
  read(request: { params: P; query: Q; actor: Actor }): File | Promise<File>
}

/** Answers a read with a table as a file; throwing Refused answers the refusal. */
export function sheetRoute<P = object, Q = object>(app: FastifyInstance, spec: SheetSpec<P, Q>): void {
  app.route({
    method: 'GET',
    url: spec.url,
    schema: {
      ...describe(spec),
      ...(spec.params ? { params: spec.params } : {}),
      querystring: spec.query ?? z.strictObject({}),
      response: { 200: { content: fileContent }, default: problem },
    },
    onRequest: (request) => authorise(request, spec.operation),
    handler: async ({ params, query, actor }, reply) =>
      send(reply, await spec.read({ params: params as P, query: query as Q, actor })),
  })
}

/** A file of any type, written while it is read. */
interface Written {
  readonly type: string
  readonly name: string
  readonly headers?: Readonly<Record<string, string>>
  readonly parts: AsyncIterable<string | Uint8Array>
}

interface StreamSpec<P, Q> extends Spec {
  readonly query: z.ZodType<Q>
  /** The media types that it may have. */
  readonly types: readonly string[]
  read(request: { params: P; query: Q; actor: Actor }): Promise<Written>
}

/** Answers a read with a file of any length, no more of which is in memory than its reader has room for. */
export function streamRoute<P = object, Q = object>(app: FastifyInstance, spec: StreamSpec<P, Q>): void {
  app.route({
    method: 'GET',
    url: spec.url,
    schema: {
      ...describe(spec),
      ...(spec.params ? { params: spec.params } : {}),
      querystring: spec.query,
      response: {
        200: { content: Object.fromEntries(spec.types.map((type) => [type, { schema: z.string() }])) },
        default: problem,
      },
    },
    onRequest: (request) => authorise(request, spec.operation),
    handler: async ({ params, query, actor }, reply) => {
      takeTurn(reply)
      const { type, name, headers = {}, parts } = await spec.read({ params: params as P, query: query as Q, actor })
      reply.raw.setTimeout(PATIENCE, () => reply.raw.destroy())
      return reply
        .type(type.startsWith('application/vnd') ? type : `${type}; charset=utf-8`)
        .headers(headers)
        .header('content-disposition', `attachment; filename="${name}"`)
        .send(Readable.from(parts, { objectMode: false }))
    },
  })
}

interface PageSpec<P, Q> extends Spec {
  readonly query: z.ZodType<Q>
  read(request: { params: P; query: Q; actor: Actor }): Promise<string>
}

/** Answers a read with a page to be printed; throwing Refused answers the refusal. */
export function htmlRoute<P = object, Q = object>(app: FastifyInstance, spec: PageSpec<P, Q>): void {
  app.route({
    method: 'GET',
    url: spec.url,
    schema: {
      ...describe(spec),
      ...(spec.params ? { params: spec.params } : {}),
      querystring: spec.query,
      response: { 200: { content: { 'text/html': { schema: z.string() } } }, default: problem },
    },
    onRequest: (request) => authorise(request, spec.operation),
    handler: async ({ params, query, actor }, reply) => {
      const page = await spec.read({ params: params as P, query: query as Q, actor })
      return reply.type('text/html; charset=utf-8').header('content-security-policy', CLOSED).send(page)
    },
  })
}

/** A page that loads nothing and runs nothing. */
export const CLOSED = "default-src 'none'; style-src 'unsafe-inline'"

const send = (reply: FastifyReply, { format, name, pages }: File) =>
  reply
    .type(format === 'csv' ? `${sheetTypes.csv}; charset=utf-8` : sheetTypes.xlsx)
    .header('content-disposition', `attachment; filename="${name}.${format}"`)
    .send(Readable.from(writeSheet(format, pages), { objectMode: false }))

const fileContent = {
  [sheetTypes.csv]: { schema: z.string() },
  [sheetTypes.xlsx]: { schema: z.string().meta({ format: 'binary' }) },
}
