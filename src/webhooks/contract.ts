import { z } from 'zod'
import { commandKind } from '../../db/schema.js'
import { pageQuery } from '../platform/pages.js'
import { reason, setOf, jurisdiction as theirs, uscc } from '../platform/wire.js'
import { isTarget } from './target.js'

/** Whose webhook it is: a bureau's jurisdiction (000000: the region), or the credit code of a firm or a provider. */
const owner = z
  .union([z.literal('000000'), theirs, uscc], { error: 'owner_unknown' })
  .meta({ description: "A jurisdiction's code or a credit code 辖区代码或统一社会信用代码" })

export const webhookText = z
  .string()
  .regex(/^W(?:\d{6}|[0-9A-HJ-NPQRTUWXY]{18})-[1-9]\d{0,14}$/, { error: 'text_format' })
  .meta({ id: 'WebhookId', description: 'W, owner, dash, number 推送编号', examples: ['W320509-12'] })

const target = z
  .string()
  .max(500, { error: 'out_of_range' })
  .refine(isTarget, { error: 'target_format' })
  .meta({
    description: 'Where events are sent: https, without credentials or fragment 接收地址',
    examples: ['https://hooks.example.com/clearing'],
  })

const kinds = setOf(z.enum(commandKind.enumValues)).meta({ description: 'Only events of these kinds 事件类型' })

/** Asks that events be sent to an address from now on (订阅事件推送); without `kinds`, all that its owner may hear of. */
export const createWebhook = z.strictObject({ owner, url: target, kinds: kinds.nullish() })

const ofWebhook = { webhook: webhookText }
export const pauseWebhook = z.strictObject(ofWebhook)
export const resumeWebhook = z.strictObject(ofWebhook)
export const endWebhook = z.strictObject({ ...ofWebhook, reason })

/** Makes a new secret (轮换密钥); the one before signs beside it until the end of the next day. */
export const rotateWebhook = z.strictObject({
  ...ofWebhook,
  version: z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' }),
})

/** Why the service itself ends deliveries: the receiver has answered 410, or nothing else than failures for days. */
export const troubles = ['gone', 'failing'] as const
export const disableWebhook = z.strictObject({ ...ofWebhook, reason: z.enum(troubles) })

const seq = z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' })

/** Sends events of a book once more (重放), from a number to a number; without `to` that one alone. */
const range = { book: z.string().regex(/^\d{6}$/, { error: 'number_format' }), from: seq, to: seq.nullish() }
const upwards = ({ from, to }: { from?: unknown; to?: unknown }, context: z.RefinementCtx) => {
  if (typeof from === 'number' && typeof to === 'number' && to < from) {
    context.addIssue({ code: 'custom', message: 'out_of_range', path: ['to'] })
  }
}
export const replayWebhook = z.strictObject({ ...ofWebhook, ...range }).superRefine(upwards)
export const replayBody = z.strictObject(range).superRefine(upwards)

export const webhookStates = ['active', 'paused', 'disabled', 'ended'] as const
export const webhookWritten = z.object({ webhook: z.string(), state: z.enum(webhookStates), version: z.number() })

/** Told once, with the receipt of whoever made it. */
export const secret = {
  secret: z.string().meta({ description: 'Signs what is sent; kept nowhere, so keep it safe 签名密钥，仅此一次' }),
}

const laneView = z.object({
  book: z.string(),
  position: z.number().meta({ description: "Everything up to this number of the book's journal was delivered 已送达" }),
  head: z.number().meta({ description: "Number of the book's last command 账套末号" }),
  replay: z.number().nullable().meta({ description: 'Of a replay: its last number 重放截止号' }),
  attempts: z.number().meta({ description: 'Failed tries of the next event 已失败次数' }),
  due: z.string().nullable().meta({ description: 'When it is tried again 下次尝试' }),
  error: z.string().nullable(),
})

export const webhookView = z
  .object({
    webhook: z.string(),
    owner: z.string(),
    url: z.string(),
    kinds: z.array(z.string()).nullable(),
    state: z.enum(webhookStates),
    reason: z.string().nullable().meta({ description: 'gone: answered 410; failing: failed for days 停用原因' }),
    formerSecretUntil: z.string().nullable().meta({ description: 'Last day on which the former secret signs too' }),
    madeBy: z.string(),
    version: z.number(),
  })
  .meta({ id: 'Webhook' })

export const webhookDetail = webhookView
  .extend({ behind: z.array(laneView).meta({ description: 'Books in which something fails or is replayed 滞后' }) })
  .meta({ id: 'WebhookDetail' })

export const letterView = z
  .object({
    book: z.string(),
    seq: z.number(),
    type: z.string(),
    error: z.string(),
    givenUpAt: z.string(),
  })
  .meta({ id: 'DeadLetter', description: 'An event that was tried for the last time and not delivered 死信' })

export const webhookQuery = z.strictObject(pageQuery)

export const pinged = z.object({
  delivered: z.boolean(),
  status: z.number().nullable().meta({ description: 'HTTP status that was answered' }),
  error: z.string().nullable(),
})

/** What is sent (Standard Webhooks 1.0): names of things and a state, never more; how things are is read with a token. */
const webhookEvent = z.object({
  type: z.string().meta({ description: 'Kind of command, or `ping` 事件类型', examples: ['approve_claim'] }),
  timestamp: z.string().meta({ description: 'When it was booked, RFC 3339 入账时间' }),
  data: z.looseObject({
    book: z.string().meta({ description: 'Book 账套', examples: ['320509'] }),
    seq: z.number().meta({ description: 'Number in the book; what is not yours is left out 账套内编号' }),
    order: z.string().optional(),
    voucher: z.string().optional(),
    state: z.string().optional(),
    orders: z.array(z.string()).optional().meta({ description: 'Of a payment: which of your orders it paid' }),
  }),
})

const header = (name: string, description: string) => ({
  name,
  in: 'header' as const,
  required: true,
  description,
  schema: { type: 'string' as const },
})

/** What a receiver gets, for the OpenAPI document. */
export const webhookDocument = {
  event: {
    post: {
      summary: 'Something has happened 事件推送',
      description:
        'Answer 2xx within 15 seconds; anything else is tried again, 410 ends it. An event may come twice, with the same webhook-id. 15 秒内以 2xx 应答；重复推送的 webhook-id 相同。',
      parameters: [
        header('webhook-id', 'Number of the event, the same wherever and whenever it is sent 事件编号'),
        header('webhook-timestamp', 'When it was sent, in seconds since 1970 发送时间（秒）'),
        header(
          'webhook-signature',
          '`v1,` and the HMAC-SHA256 of id.timestamp.body in Base64; one for each secret 签名',
        ),
      ],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: z.toJSONSchema(webhookEvent) as object } },
      },
      responses: { '2XX': { description: 'Heard 已收到' } },
    },
  },
}
