import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { verifierText } from '../core/checkpoint.js'
import { consistencyRanges, HASH_BYTES, inclusionRanges, TILE } from '../core/merkle.js'
import { Refused } from '../core/refusals.js'
import { chinaTime } from '../core/time.js'
import { bundleOf, parseTilePath, type TileName } from '../core/tlog.js'
import { readableBook } from '../engine/access.js'
import { describe, readRoute, type Services } from '../engine/route.js'
import { authorise } from '../platform/auth.js'
import { Faults, problem } from '../platform/problems.js'
import { count } from '../platform/wire.js'
import { checkpointsView, proofView } from './contract.js'
import type { SealKey } from './key.js'
import { hashesOver } from './proof.js'
import { checkpointOf, checkpointsOf, leavesOf, tileHashes } from './queries.js'

const tag = 'proof 存证'
const params = z.strictObject({ book: z.string().regex(/^\d{6}$/, { error: 'number_format' }) })
const number = count(1, 999_999_999_999_999)
const bytes = z.unknown().meta({ type: 'string', format: 'binary' })
/** What is in a tile never changes. */
const FOR_GOOD = 'private, max-age=31536000, immutable'

/** The logs as C2SP tlog-tiles has them, below /v1/books/:book/log; and proofs for whoever does not want to read tiles. */
export function sealRoutes(app: FastifyInstance, { sql }: Services, key: SealKey | undefined): void {
  app.route({
    method: 'GET',
    url: '/v1/books/:book/log/checkpoint',
    schema: {
      ...describe({
        operation: 'getCheckpoint',
        tag,
        summary: { en: 'The last signed checkpoint of a book’s log', zh: '账套日志的最新签名检查点' },
      }),
      params,
      querystring: z.strictObject({}),
      response: { 200: { content: { 'text/plain': { schema: z.string() } } }, default: problem },
    },
    onRequest: (request: FastifyRequest) => authorise(request, 'getCheckpoint'),
    handler: async (request, reply) => {
      const found = await checkpointOf(sql, Number((request.params as z.output<typeof params>).book))
      if (!found) throw new Refused('log_unsealed')
      return reply
        .type('text/plain; charset=utf-8')
        .header('cache-control', 'no-cache')
        .serializer(String)
        .send(found.note)
    },
  })
  readRoute<{ book: string }, { after: number; limit: number }>(app, {
    operation: 'listCheckpoints',
    url: '/v1/books/:book/log/checkpoints',
    tag,
    params,
    query: z.strictObject({
      after: count(0, 999_999_999_999_999).default(0).meta({ description: 'Checkpoints of more commands than this' }),
      limit: count(1, 1000).default(100),
    }) as never,
    summary: { en: 'Signed checkpoints: all of the last hour, and the last of every day', zh: '签名检查点列表' },
    answer: checkpointsView,
    async read({ params, query }) {
      const book = Number(params.book)
      const items = await checkpointsOf(sql, book, query.after, query.limit)
      return {
        verifier: key ? verifierText(key.verifier(book)) : null,
        items: items.map(({ root, signedAt, ...one }) => ({
          ...one,
          root: root.toString('base64'),
          signedAt: chinaTime(signedAt),
        })),
      }
    },
  })

  const readTile = async (request: FastifyRequest, reply: FastifyReply) => {
    const { book, level, tile, '*': rest = tile } = request.params as Record<string, string>
    const number = readableBook(request.actor, book!)
    const name = parseTilePath(level!, rest!)
    if (!name) throw new Faults([{ pointer: '/params/tile', code: 'text_format' }])
    const content = await contentOf(number, name)
    if (!content) throw new Refused('log_unsealed')
    return reply
      .type('application/octet-stream')
      .header('cache-control', FOR_GOOD)
      .header('x-content-type-options', 'nosniff')
      .send(content)
  }
  const contentOf = async (book: number, { level, tile, width }: TileName): Promise<Buffer | undefined> => {
    const height = level === 'entries' ? 0 : level
    const last = (tile * TILE + width) * TILE ** height
    const checkpoint = await checkpointOf(sql, book)
    if (!checkpoint || checkpoint.size < last) return undefined
    if (level !== 'entries') {
      const hashes = await tileHashes(sql, book, { level, tile, width })
      return hashes?.length === width * HASH_BYTES ? hashes : undefined
    }
    const leaves = await leavesOf(sql, { book, after: tile * TILE, until: tile * TILE + width })
    return leaves.length === width ? bundleOf(leaves.map(({ leaf }) => Buffer.from(leaf))) : undefined
  }
  const level = z.string().meta({ description: 'The height of its hashes over the leaves in tiles, or `entries`' })
  const tilePlace = z.object({
    ...params.shape,
    level,
    tile: z.string().meta({ description: 'As C2SP tlog-tiles writes it: 067, x001/x234/067, 067.p/8' }),
  })
  app.route({
    method: 'GET',
    url: '/v1/books/:book/log/tile/:level/:tile',
    schema: {
      ...describe({
        operation: 'getTile',
        tag,
        summary: { en: 'A tile of the log’s tree, or a bundle of its entries', zh: '日志默克尔树分块，或条目块' },
      }),
      params: tilePlace,
      querystring: z.strictObject({}),
      response: { 200: { content: { 'application/octet-stream': { schema: bytes } } }, default: problem },
    },
    onRequest: (request: FastifyRequest) => authorise(request, 'getTile'),
    handler: readTile,
  })
  // Numbers from 1000 on, and partial tiles, have more parts.
  app.route({
    method: 'GET',
    url: '/v1/books/:book/log/tile/:level/*',
    schema: { hide: true, params: z.object({ ...params.shape, level, '*': z.string() }) },
    onRequest: (request: FastifyRequest) => authorise(request, 'getTile'),
    handler: readTile,
  })

  readRoute<{ book: string; seq: number }, { since?: number }>(app, {
    operation: 'getProof',
    url: '/v1/books/:book/log/commands/:seq',
    tag,
    params: z.strictObject({ ...params.shape, seq: number }),
    query: z.strictObject({
      since: number.optional().meta({ description: 'The size of a checkpoint that you have kept 所持检查点的条目数' }),
    }) as never,
    summary: { en: 'The proof that a command is in the log', zh: '指令的包含证明' },
    answer: proofView,
    async read({ params, query, actor }) {
      const book = readableBook(actor, params.book)
      const { seq } = params
      const { since } = query
      const checkpoint = await checkpointOf(sql, book)
      if (!checkpoint || checkpoint.size < Math.max(seq, since ?? 0)) throw new Refused('log_unsealed')
      const { size, note } = checkpoint
      const [found] = await leavesOf(sql, { book, after: seq - 1, until: seq })
      if (!found) throw new Refused('log_unsealed')
      const texts = async (ranges: Parameters<typeof hashesOver>[2]) =>
        (await hashesOver(sql, book, ranges)).map((hash) => hash.toString('base64'))
      return {
        book: params.book,
        seq,
        leaf: found.leaf,
        long: found.long,
        // What a leaf hides is what the audit trail says, which only auditors read.
        opening: actor.roles.includes('auditor')
          ? { salt: found.salt.toString('base64'), content: found.content }
          : null,
        size,
        inclusion: await texts(inclusionRanges(seq - 1, size)),
        since: since ?? null,
        consistency: since === undefined ? null : await texts(consistencyRanges(since, size)),
        checkpoint: note,
      }
    },
  })
}
