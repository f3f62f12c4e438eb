import { refuse } from '../core/refusals.js'
import { addDays } from '../core/time.js'
import { ofJurisdiction, ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { REGION } from '../ledger/book.js'
import { type Plan, row } from '../ledger/plan.js'
import {
  createWebhook,
  disableWebhook,
  endWebhook,
  pauseWebhook,
  replayWebhook,
  resumeWebhook,
  rotateWebhook,
  webhookWritten,
} from './contract.js'
import { isBureau, type Webhook, type Webhooks, webhookId, webhookOf, webhooks } from './facts.js'

/** An owner has so many webhooks at most, those that have ended not counted. */
export const WEBHOOKS_MOST = 10
/** So many replays are remembered; an earlier one goes on all the same. */
const REPLAYS_KEPT = 50
/** The former secret signs on the day of its rotation and for so many calendar days after it. */
const OVERLAP_DAYS = 1

/** Writes one webhook of its owner anew, or as a further one. */
function writing(all: Webhooks, one: Webhook): Plan {
  const others = all.webhooks.filter(({ number }) => number !== one.number)
  const { number, state, version } = one
  return {
    book: REGION,
    rows: [row(webhooks, { ...all, webhooks: [...others, one].sort((a, b) => a.number - b.number) })],
    event: { webhook: webhookId(all.owner, number), state, version },
  }
}

/** Subscribes an address to events (订阅事件推送). Refuses webhook_limit. */
export const createWebhookCommand = command({
  kind: 'create_webhook',
  schema: createWebhook,
  event: webhookWritten,
  facts: (find, { owner }) => ({ book: REGION, all: find(webhooks, owner) ?? { book: REGION, owner, webhooks: [] } }),
  access: ({ all: { owner } }, actor) =>
    isBureau(owner) ? ofJurisdiction(actor, owner) : ofOrganisation(actor, owner),
  decide({ all }, { url, kinds }, { seq, actor }) {
    const running = all.webhooks.filter(({ state }) => state !== 'ended').length
    if (running >= WEBHOOKS_MOST) return refuse('webhook_limit', { most: WEBHOOKS_MOST })
    const said = { url, kinds: kinds ?? null, madeBy: actor.subject }
    const fresh = { state: 'active', reason: null, secret: seq, former: null, formerUntil: null, replays: [] } as const
    return writing(all, { number: seq, version: seq, ...said, ...fresh })
  },
})

/** Sends nothing for a while (暂停); what happens meanwhile is sent when it is resumed. Refuses state_conflict. */
export const pauseWebhookCommand = command({
  kind: 'pause_webhook',
  schema: pauseWebhook,
  event: webhookWritten,
  facts: (find, { webhook }) => webhookOf(find, webhook),
  access: ({ owner }, actor) => (isBureau(owner) ? ofJurisdiction(actor, owner) : ofOrganisation(actor, owner)),
  decide({ all, one }, _, { seq }) {
    if (one.state !== 'active') return refuse('state_conflict', { state: one.state })
    return writing(all, { ...one, state: 'paused', version: seq })
  },
})

/** Goes on where it was paused or disabled (恢复), at once. Refuses state_conflict. */
export const resumeWebhookCommand = command({
  kind: 'resume_webhook',
  schema: resumeWebhook,
  event: webhookWritten,
  facts: (find, { webhook }) => webhookOf(find, webhook),
  access: ({ owner }, actor) => (isBureau(owner) ? ofJurisdiction(actor, owner) : ofOrganisation(actor, owner)),
  decide({ all, one }, _, { seq }) {
    if (one.state !== 'paused' && one.state !== 'disabled') return refuse('state_conflict', { state: one.state })
    return writing(all, { ...one, state: 'active', reason: null, version: seq })
  },
})

/** Makes a new secret; the former one signs beside it until the end of the next day (轮换密钥). Refuses version_conflict, state_conflict. */
export const rotateWebhookCommand = command({
  kind: 'rotate_webhook',
  schema: rotateWebhook,
  event: webhookWritten,
  facts: (find, { webhook }) => webhookOf(find, webhook),
  access: ({ owner }, actor) => (isBureau(owner) ? ofJurisdiction(actor, owner) : ofOrganisation(actor, owner)),
  decide({ all, one }, { version }, { seq, day }) {
    if (version !== one.version) return refuse('version_conflict', { version: one.version })
    if (one.state === 'ended') return refuse('state_conflict', { state: one.state })
    const secrets = { secret: seq, former: one.secret, formerUntil: addDays(day, OVERLAP_DAYS) }
    return writing(all, { ...one, ...secrets, version: seq })
  },
})

/** Ends it for good (终止). Refuses state_conflict. */
export const endWebhookCommand = command({
  kind: 'end_webhook',
  schema: endWebhook,
  event: webhookWritten,
  facts: (find, { webhook }) => webhookOf(find, webhook),
  access: ({ owner }, actor) => (isBureau(owner) ? ofJurisdiction(actor, owner) : ofOrganisation(actor, owner)),
  decide({ all, one }, { reason }, { seq }) {
    if (one.state === 'ended') return refuse('state_conflict', { state: one.state })
    return writing(all, { ...one, state: 'ended', reason, version: seq })
  },
})

/** What the service itself does when a receiver is gone or fails for days (停用). Refuses state_conflict. */
export const disableWebhookCommand = command({
  kind: 'disable_webhook',
  schema: disableWebhook,
  event: webhookWritten,
  facts: (find, { webhook }) => webhookOf(find, webhook),
  decide({ all, one }, { reason }, { seq }) {
    if (one.state !== 'active') return refuse('state_conflict', { state: one.state })
    return writing(all, { ...one, state: 'disabled', reason, version: seq })
  },
})

/**
 * Sends events of a book once more, in order and beside what is new (重放); of what is not its owner's nothing is sent.
 * Refuses state_conflict.
 */
export const replayWebhookCommand = command({
  kind: 'replay_webhook',
  schema: replayWebhook,
  event: webhookWritten,
  facts: (find, { webhook }) => webhookOf(find, webhook),
  access: ({ owner }, actor) => (isBureau(owner) ? ofJurisdiction(actor, owner) : ofOrganisation(actor, owner)),
  decide({ all, one }, { book, from, to }, { seq }) {
    if (one.state === 'ended') return refuse('state_conflict', { state: one.state })
    const replay = { number: seq, book: Number(book), from, to: to ?? from }
    return writing(all, { ...one, replays: [...one.replays, replay].slice(-REPLAYS_KEPT), version: seq })
  },
})
