import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { Refused } from '../core/refusals.js'
import { describe, type Services } from '../engine/route.js'
import { authorise } from '../platform/auth.js'
import { problem } from '../platform/problems.js'
import { faultIn } from './content.js'
import { documentParams, MOST_BYTES, mediaTypes, uploaded } from './contract.js'
import { keepDocument, readableDocument } from './facts.js'

const tag = 'documents 佐证文件'
const bytes = z.any().meta({ type: 'string', format: 'binary' })

export function documentRoutes(app: FastifyInstance, { sql, files, clock }: Services): void {
  // In a scope of its own: nowhere else is a body taken that is not JSON.
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser(Object.keys(mediaTypes), (_, body, done) => done(null, body))
    scope.route({
      method: 'POST',
      url: '/v1/documents',
      bodyLimit: MOST_BYTES,
      schema: {
        ...describe({
          operation: 'uploadDocument',
          tag,
          summary: {
            en: 'Upload a file, as the body itself, in the type that it says; it goes by its SHA-256',
            zh: '上传佐证文件（请求体即文件）',
          },
        }),
        consumes: Object.keys(mediaTypes),
        body: bytes,
        response: { 201: uploaded, default: problem },
      },
      onRequest: (request) => authorise(request, 'uploadDocument'),
      handler: async (request, reply) => {
        const { body, headers } = request
        const type = mediaTypes[(headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()]
        if (!type || !(body instanceof Readable)) throw new Refused('unsupported_media_type')
        // Refused in the middle, the rest of the file is not waited for.
        reply.header('connection', 'close')
        const received = await files.receive(body, MOST_BYTES)
        try {
          const reason = await faultIn(received.path, received.size, type)
          if (reason) throw new Refused('document_refused', { reason })
          await keepDocument(sql, received, { type, actor: request.actor, at: clock.now() })
          await received.keep()
        } finally {
          await received.drop()
        }
        const document = received.sha256
        return reply
          .removeHeader('connection')
          .status(201)
          .header('location', `/v1/documents/${document}`)
          .send({ document, type, bytes: received.size })
      },
    })
  })
  app.route({
    method: 'GET',
    url: '/v1/documents/:document',
    schema: {
      ...describe({
        operation: 'getDocument',
        tag,
        summary: { en: 'The file itself, to be saved and never to be shown in place', zh: '下载佐证文件' },
      }),
      params: documentParams,
      querystring: z.strictObject({}),
      response: { 200: { content: { 'application/octet-stream': { schema: bytes } } }, default: problem },
    },
    onRequest: (request) => authorise(request, 'getDocument'),
    handler: async (request, reply) => {
      const { document } = request.params as z.output<typeof documentParams>
      const found = await readableDocument(sql, document, request.actor)
      const content = found && (await files.get(document))
      if (!content) throw new Refused('document_not_found', { document })
      return reply
        .type('application/octet-stream')
        .header('content-length', found.bytes.toString())
        .header('content-disposition', `attachment; filename="${document}.${found.type}"`)
        .header('x-content-type-options', 'nosniff')
        .header('content-security-policy', "default-src 'none'; sandbox")
        .header('cross-origin-resource-policy', 'same-origin')
        .header('cache-control', 'private, no-store')
        .send(content)
    },
  })
}
