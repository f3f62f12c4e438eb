import { and, asc, eq, gt } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { webhooks } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { bookText } from '../core/ids.js'
import { Refused } from '../core/refusals.js'
import { chinaTime } from '../core/time.js'
import { isUscc } from '../core/uscc.js'
import { commandRoute, readRoute, type Services } from '../engine/route.js'
import { REGION } from '../ledger/book.js'
import { cut, page, readCursor, writeCursor } from '../platform/pages.js'
import {
  createWebhookCommand,
  endWebhookCommand,
  pauseWebhookCommand,
  replayWebhookCommand,
  resumeWebhookCommand,
  rotateWebhookCommand,
} from './commands.js'
import {
  endWebhook,
  letterView,
  pauseWebhook,
  pinged,
  replayBody,
  resumeWebhook,
  rotateWebhook,
  secret,
  webhookDetail,
  webhookQuery,
  webhookText,
  webhookView,
} from './contract.js'
import { parseWebhookId, webhookId } from './facts.js'
import { lanesBehind, lettersOf } from './queries.js'
import { pingOf } from './rules.js'
import { secretOf, secretsOf, signed } from './secret.js'
import type { WebhookSettings } from './sender.js'
import { maySubscribe } from './target.js'

const tag = 'webhooks 事件推送'
const params = z.strictObject({ webhook: webhookText })
const webhook = { webhook: true } as const

export function webhookRoutes(app: FastifyInstance, services: Services, settings: WebhookSettings | undefined): void {
  const { reader, sql, clock } = services
  /** Throws Refused('webhooks_off'). */
  const on = (): WebhookSettings => {
    if (!settings) throw new Refused('webhooks_off')
    return settings
  }
  /** The secret that was just made: its number is that of the command that made it, the version. */
  const tells = {
    fields: secret,
    of: (event: Readonly<Record<string, unknown>>) => ({
      secret: secretOf(on().key, event.webhook as string, event.version as number),
    }),
  }
  commandRoute(app, services, {
    operation: 'createWebhook',
    url: '/v1/webhooks',
    tag,
    status: 201,
    summary: { en: 'Have events sent to an address', zh: '订阅事件推送' },
    type: createWebhookCommand,
    tells,
    async prepare(command) {
      if (!maySubscribe(command.url, on().sender.own)) throw new Refused('target_not_allowed')
      return command
    },
  })
  commandRoute(app, services, {
    operation: 'pauseWebhook',
    url: '/v1/webhooks/:webhook/pause',
    tag,
    params,
    body: pauseWebhook.omit(webhook),
    summary: { en: 'Send nothing for a while', zh: '暂停推送' },
    type: pauseWebhookCommand,
  })
  commandRoute(app, services, {
    operation: 'resumeWebhook',
    url: '/v1/webhooks/:webhook/resumption',
    tag,
    params,
    body: resumeWebhook.omit(webhook),
    summary: { en: 'Go on where it was paused or disabled', zh: '恢复推送' },
    type: resumeWebhookCommand,
  })
  commandRoute(app, services, {
    operation: 'rotateWebhook',
    url: '/v1/webhooks/:webhook/secret',
    tag,
    params,
    ifMatch: 'needed',
    body: rotateWebhook.omit({ ...webhook, version: true }),
    summary: { en: 'Make a new secret; the former one signs too until the end of tomorrow', zh: '轮换签名密钥' },
    type: rotateWebhookCommand,
    tells,
    async prepare(command) {
      on()
      return command
    },
  })
  commandRoute(app, services, {
    operation: 'endWebhook',
    url: '/v1/webhooks/:webhook/end',
    tag,
    params,
    body: endWebhook.omit(webhook),
    summary: { en: 'End it for good', zh: '终止推送' },
    type: endWebhookCommand,
  })
  commandRoute(app, services, {
    operation: 'replayWebhook',
    url: '/v1/webhooks/:webhook/replays',
    tag,
    params,
    body: replayBody,
    summary: { en: 'Send events of a book once more', zh: '重放事件' },
    type: replayWebhookCommand,
  })
  readRoute<object, z.output<typeof webhookQuery>>(app, {
    operation: 'listWebhooks',
    url: '/v1/webhooks',
    tag,
    query: webhookQuery as never,
    summary: { en: 'Your webhooks, oldest first', zh: '事件推送列表' },
    answer: page(webhookView),
    async read({ query, actor }) {
      const after = readCursor(query.cursor)
      const rows = await reader
        .select()
        .from(webhooks)
        .where(and(eq(webhooks.owner, ownerOf(actor)), after && gt(webhooks.number, after.number)))
        .orderBy(asc(webhooks.number))
        .limit(query.limit + 1)
      const { items, next } = cut(rows, query.limit, ({ number }) => writeCursor(REGION, number))
      return { items: items.map(view), next }
    },
  })
  readRoute<{ webhook: string }>(app, {
    operation: 'getWebhook',
    url: '/v1/webhooks/:webhook',
    tag,
    params,
    summary: { en: 'A webhook, and where it is behind', zh: '事件推送详情' },
    answer: webhookDetail,
    async read({ params, actor }) {
      const found = await own(params.webhook, actor)
      const behind = await lanesBehind(sql, found.number)
      return {
        ...view(found),
        behind: behind.map(({ book, position, head, until, attempts, due, error }) => ({
          book: bookText(book),
          position,
          head,
          replay: until,
          attempts,
          due: due === null ? null : chinaTime(due),
          error,
        })),
      }
    },
  })
  readRoute<{ webhook: string }, z.output<typeof webhookQuery>>(app, {
    operation: 'listDeadLetters',
    url: '/v1/webhooks/:webhook/dead-letters',
    tag,
    params,
    query: webhookQuery as never,
    summary: { en: 'Events that were given up; a replay sends them again', zh: '死信列表' },
    answer: page(letterView),
    async read({ params, query, actor }) {
      const { number } = await own(params.webhook, actor)
      const after = readCursor(query.cursor) ?? { book: -1, number: 0 }
      const rows = await lettersOf(sql, number, after, query.limit + 1)
      const { items, next } = cut(rows, query.limit, ({ book, seq }) => writeCursor(book, seq))
      return {
        items: items.map(({ book, seq, kind, error, givenUp }) => ({
          book: bookText(book),
          seq,
          type: kind,
          error,
          givenUpAt: chinaTime(givenUp),
        })),
        next,
      }
    },
  })
  readRoute<{ webhook: string }>(app, {
    operation: 'pingWebhook',
    method: 'POST',
    url: '/v1/webhooks/:webhook/ping',
    tag,
    params,
    summary: { en: 'Send a test event now, and hear what came of it', zh: '发送测试事件' },
    answer: pinged,
    async read({ params, actor }) {
      const { key, sender } = on()
      const found = await own(params.webhook, actor)
      if (found.state === 'ended') throw new Refused('webhook_not_found', params)
      const now = clock.now()
      const { id, body } = pingOf(params.webhook, now)
      const headers = signed(secretsOf(key, found.owner, found, now), id, Math.floor(now / 1000), body)
      const { delivered, status, error } = await sender.send(new URL(found.url), headers, body)
      return { delivered, status, error }
    },
  })

  /** The webhook of this id, when it is the actor's own; throws Refused('webhook_not_found'). */
  async function own(id: string, actor: Actor) {
    const { owner, number } = parseWebhookId(id)
    const isTheirs = owner === ownerOf(actor)
    const [found] = isTheirs
      ? await reader
          .select()
          .from(webhooks)
          .where(and(eq(webhooks.number, number), eq(webhooks.owner, owner)))
      : []
    if (!found) throw new Refused('webhook_not_found', { webhook: id })
    return found
  }
}

/** A bureau's jurisdiction, or a firm's credit code; an organisation that has neither owns nothing. */
function ownerOf({ jurisdiction, organisation }: Actor): string {
  return jurisdiction ?? (isUscc(organisation) ? organisation : '')
}

function view(row: typeof webhooks.$inferSelect) {
  const { owner, number, url, kinds, state, reason, formerUntil, madeBy, version } = row
  const names = { webhook: webhookId(owner, number), owner, url, kinds, state, reason }
  return { ...names, formerSecretUntil: formerUntil, madeBy, version }
}
