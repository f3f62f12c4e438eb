import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { webhookStates } from './contract.js'

/** Events of a book that are sent once more; both numbers inclusive. */
export interface Replay {
  /** The number of the region's command that asked for it. */
  readonly number: number
  readonly book: Book
  readonly from: number
  readonly to: number
}

/** Somebody's wish to be sent events. */
export interface Webhook {
  /** The number of the region's command that made it. */
  readonly number: number
  /** The number of the region's command that last wrote it. */
  readonly version: number
  readonly url: string
  /** null: all kinds. */
  readonly kinds: readonly string[] | null
  readonly state: (typeof webhookStates)[number]
  readonly reason: string | null
  /** The number of the region's command that made its secret; the secret itself is derived from it. */
  readonly secret: number
  readonly former: number | null
  /** The last day on which the former secret signs too. */
  readonly formerUntil: Day | null
  /** The latest ones. */
  readonly replays: readonly Replay[]
  readonly madeBy: string
}

/** All webhooks of an owner: a jurisdiction's six digits, or a credit code. */
export interface Webhooks extends Fact {
  readonly owner: string
  readonly webhooks: readonly Webhook[]
}

export const webhooks: FactKind<Webhooks> = {
  name: 'webhooks',
  key: ({ owner }) => owner,
  bookOf: () => REGION,
  load: (sql, keys) => sql<Webhooks[]>`
    select 0 as book, owner,
           jsonb_agg(jsonb_build_object('number', number, 'version', version, 'url', url, 'kinds', kinds, 'state', state,
             'reason', reason, 'secret', secret, 'former', former, 'formerUntil', former_until, 'replays', replays,
             'madeBy', made_by) order by number) as webhooks
    from webhooks where owner = any (${keys as string[]}) group by owner`,
}

/** An id names its owner, and so leads to it without a look-up. */
export const webhookId = (owner: string, number: number) => `W${owner}-${number}`

export function parseWebhookId(id: string): { readonly owner: string; readonly number: number } {
  const [owner = '', number] = id.slice(1).split('-')
  return { owner, number: Number(number) }
}

export const isBureau = (owner: string) => owner.length === 6

/** The webhook of this id with all of its owner; throws Refused('webhook_not_found'). */
export function webhookOf(find: Find, id: string) {
  const { owner, number } = parseWebhookId(id)
  const all = find(webhooks, owner)
  const one = all?.webhooks.find((each) => each.number === number)
  if (!all || !one) throw new Refused('webhook_not_found', { webhook: id })
  return { book: REGION, owner, all, one }
}
