import { createHash } from 'node:crypto'
import type { Refusal } from '../core/refusals.js'
import { refuse } from '../core/refusals.js'
import { dayOf, type Instant } from '../core/time.js'
import type { Event } from '../ledger/plan.js'
import type { Sql } from '../platform/database.js'

/** How long an answer is kept to be given again; afterwards its key is answered "expired" and never run again. */
export const KEY_KEPT_DAYS = 90

/** What a command answered: the numbers it took and what it did. */
export interface Receipt {
  readonly book: number
  readonly seq: number
  /** 凭证号, when the command moved money. */
  readonly entry: number | null
  readonly day: string
  readonly bookedAt: Instant
  readonly event: Event
}

/** The caller's key for one command, and what the command was. */
export interface IdempotencyKey {
  readonly organisation: string
  readonly key: string
  readonly fingerprint: string
}

/** SHA-256 over the kind and the wire form, as hex. */
export function fingerprint(kind: string, body: string): string {
  return createHash('sha256').update(kind).update('\n').update(body).digest('hex')
}

export const keyName = (key: { organisation: string; key: string }) => `${key.organisation}\n${key.key}`

interface Stored {
  readonly organisation: string
  readonly key: string
  readonly fingerprint: string
  readonly recorded: Instant
  readonly refusal: Refusal | null
  readonly receipt: Receipt | null
}

/** Reads what is stored under these keys, by `keyName`. */
export async function readStored(sql: Sql, keys: readonly IdempotencyKey[]): Promise<Map<string, Stored>> {
  if (keys.length === 0) return new Map()
  const rows = await sql<
    {
      organisation: string
      key: string
      fingerprint: string
      recorded: bigint
      refusal: Refusal | null
      book: number | null
      seq: bigint
      entry: bigint | null
      day: string
      moment: bigint
      event: Event
    }[]
  >`
    select i.organisation, i.key, encode(i.fingerprint, 'hex') as fingerprint,
           (extract(epoch from i.recorded_at) * 1000)::bigint as recorded, i.refusal,
           c.book, c.seq, c.entry, c.day, (extract(epoch from c.booked_at) * 1000)::bigint as moment, c.event
    from unnest(${keys.map((k) => k.organisation)}::text[], ${keys.map((k) => k.key)}::text[]) as k (organisation, key)
    join idempotency i on i.organisation = k.organisation and i.key = k.key
    left join commands c on c.book = i.book and c.seq = i.seq`
  return new Map(
    rows.map((r) => [
      keyName(r),
      {
        organisation: r.organisation,
        key: r.key,
        fingerprint: r.fingerprint,
        recorded: Number(r.recorded),
        refusal: r.refusal,
        receipt:
          r.book === null
            ? null
            : {
                book: r.book,
                seq: Number(r.seq),
                entry: r.entry === null ? null : Number(r.entry),
                day: r.day,
                bookedAt: Number(r.moment),
                event: r.event,
              },
      },
    ]),
  )
}

/** The answer to a key that was used before: the same answer, or why not. */
export function answerAgain(stored: Stored, asked: IdempotencyKey, now: Instant): Receipt | Refusal {
  if (stored.fingerprint !== asked.fingerprint) {
    return refuse('idempotency_key_reused', { usedOn: dayOf(stored.recorded) })
  }
  if (now - stored.recorded > KEY_KEPT_DAYS * 86_400_000) {
    return refuse('idempotency_key_expired', { usedOn: dayOf(stored.recorded), keptDays: KEY_KEPT_DAYS })
  }
  return (stored.receipt ?? stored.refusal)!
}
