import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { Refused } from '../core/refusals.js'
import { authorise } from '../platform/auth.js'
import { problem } from '../platform/problems.js'
import { type Columns, type Format, formats, type Row } from '../platform/sheets.js'
import { describe, type Spec } from './route.js'

/** Rows of one file at most: what fits on a sheet. */
export const MOST_ROWS = 1_000_000
/** Rows read and written at once; between two such pages everything else has its turn. */
export const PAGE_ROWS = 500
/** Files written at once; whoever comes then is asked to come again. */
const AT_ONCE = 8
/** A reader who takes nothing for so long, in milliseconds, gets no more. */
const PATIENCE = 60_000

interface ExportSpec<P, Q> extends Spec {
  readonly query: z.ZodObject
  readonly columns: Columns
  /** How many rows there will be, or one more than MOST_ROWS. */
  size(request: { params: P; query: Q; actor: Actor }): Promise<number>
  rows(request: { params: P; query: Q; actor: Actor }): AsyncGenerator<readonly Row[]>
}

let writing = 0

/**
 * Answers a list as a file, written while it is read: each row once, as it was when its page was read. What is too long
 * for one file is refused (`export_too_large`) and never cut off.
 */
export function exportRoute<P = object, Q = object>(app: FastifyInstance, spec: ExportSpec<P, Q>): void {
  const format = z
    .enum(Object.keys(formats) as [Format, ...Format[]])
    .default('csv')
    .meta({ description: 'File format 文件格式' })
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
      const { format, ...query } = request.query as { format: Format }
      const asked = { params: request.params as P, query: query as Q, actor: request.actor }
      if (writing >= AT_ONCE || reply.raw.closed) throw new Refused('overloaded')
      writing++
      reply.raw.once('close', () => {
        writing--
      })
      if ((await spec.size(asked)) > MOST_ROWS) throw new Refused('export_too_large', { most: MOST_ROWS })
      reply.raw.setTimeout(PATIENCE, () => reply.raw.destroy())
      const name = spec.operation.replace('export', '').toLowerCase()
      return reply
        .type(formats[format].type)
        .header('content-disposition', `attachment; filename="${name}.${format}"`)
        .send(Readable.from(formats[format].of(spec.columns, spec.rows(asked)), { objectMode: false }))
    },
  })
}

const fileContent = {
  'text/csv': { schema: z.string() },
  [formats.xlsx.type]: { schema: z.string().meta({ format: 'binary' }) },
}
