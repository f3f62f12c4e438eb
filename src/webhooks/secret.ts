import { createHmac, hkdfSync } from 'node:crypto'
import { dayOf, type Instant } from '../core/time.js'
import { type Webhook, webhookId } from './facts.js'

/**
 * The secret of a webhook, as Standard Webhooks writes one. It is derived from the configured key and never kept: not in
 * the database, the log or a backup. `generation` is the number of the command that made it.
 */
export function secretOf(key: string, webhook: string, generation: number): string {
  const bytes = hkdfSync('sha256', key, 'clearing webhooks', `${webhook} ${generation}`, 32)
  return `whsec_${Buffer.from(bytes).toString('base64')}`
}

/** The headers that prove a message (Standard Webhooks 1.0, symmetric `v1`): signed by each of the secrets. */
export function signed(secrets: readonly string[], id: string, seconds: number, body: string): Record<string, string> {
  const signatures = secrets.map((secret) => {
    const bytes = Buffer.from(secret.slice('whsec_'.length), 'base64')
    return `v1,${createHmac('sha256', bytes).update(`${id}.${seconds}.${body}`).digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatures.join(' '),
  }
}

/** The secrets that sign now: the present one, and the one before it while it still does. */
export function secretsOf(
  key: string,
  owner: string,
  { number, secret, former, formerUntil }: Pick<Webhook, 'number' | 'secret' | 'former' | 'formerUntil'>,
  now: Instant,
): string[] {
  const isFormerGood = former !== null && formerUntil !== null && dayOf(now) <= formerUntil
  const generations = isFormerGood ? [secret, former] : [secret]
  return generations.map((generation) => secretOf(key, webhookId(owner, number), generation))
}
