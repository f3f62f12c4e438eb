import { hash } from 'node:crypto'
import { type Refusal, refuse } from '../core/refusals.js'
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

/** A caller's key as the log keeps it: 32 hex digits of SHA-256 over the organisation and its Idempotency-Key. */
export function keyId(organisation: string, key: string): string {
  return hash('sha256', `${organisation}\n${key}`).slice(0, 32)
}

/** Who asked what, as the log keeps it: the first 64 bits of SHA-256 over the person, the kind and the wire form. */
export function fingerprint(subject: string, kind: string, body: string): string {
  const digits = hash('sha256', `${subject} ${kind}\n${body}`).slice(0, 16)
  return BigInt.asIntN(64, BigInt(`0x${digits}`)).toString()
}

/** What is stored under a key: a receipt, or a refusal. */
export interface Stored {
  readonly fingerprint: string
  readonly recorded: Instant
  readonly answer: Receipt | Refusal
}

/** Reads what is stored under these keys, by `keyId`. */
export async function readStored(sql: Sql, ids: readonly string[]): Promise<Map<string, Stored>> {
  if (ids.length === 0) return new Map()
  const rows = await sql<
    {
      id: string
      fingerprint: bigint
      recorded: bigint
      refusal: Refusal | null
      book: number
      seq: bigint
      entry: number | null
      day: string
      event: Event
    }[]
  >`
    select replace(key::text, '-', '') as id, fingerprint, (extract(epoch from booked_at) * 1000)::bigint as recorded,
           null::json as refusal, book, seq, entry, day, event
    from commands where key = any (${ids as string[]}::text[]::uuid[])
    union all
    select replace(key::text, '-', ''), fingerprint, (extract(epoch from recorded_at) * 1000)::bigint, refusal,
           0, 0, null, null, null
    from refusals where key = any (${ids as string[]}::text[]::uuid[])`
  return new Map(
    rows.map(({ id, fingerprint, recorded, refusal, book, seq, entry, day, event }) => [
      id,
      {
        fingerprint: String(fingerprint),
        recorded: Number(recorded),
        answer: refusal ?? {
          book,
          seq: Number(seq),
          entry: entry === null ? null : Number(entry),
          day,
          bookedAt: Number(recorded),
          event,
        },
      },
    ]),
  )
}

/** The answer to a key that was used before: the same answer, or why not. */
export function answerAgain(stored: Stored, asked: string, now: Instant): Receipt | Refusal {
  if (stored.fingerprint !== asked) return refuse('idempotency_key_reused', { usedOn: dayOf(stored.recorded) })
  if (now - stored.recorded > KEY_KEPT_DAYS * 86_400_000) {
    return refuse('idempotency_key_expired', { usedOn: dayOf(stored.recorded), keptDays: KEY_KEPT_DAYS })
  }
  return stored.answer
}

/** How many keys a generation holds before the older one is forgotten. */
const GENERATION = 1_000_000
const BITS = 24
/** The value of a hex digit, by its character code. */
const HEX = Uint8Array.from({ length: 103 }, (_, code) => (code < 58 ? code - 48 : code - 87))

/**
 * The keys seen lately, in a few megabytes (two Bloom filters): a key it does not know is not looked up before its
 * command is recorded, because the database would refuse it there. It errs to the safe side: what it takes for known is
 * only looked up.
 */
export class RecentKeys {
  #now = new Uint8Array(2 ** (BITS - 3))
  #before = new Uint8Array(2 ** (BITS - 3))
  #count = 0

  /** Adds a key, by `keyId`; true when it may have been added before. */
  add(id: string): boolean {
    let isKnown = true
    let wasKnown = true
    for (let at = 0; at < 24; at += 6) {
      let bit = 0
      for (let digit = at; digit < at + 6; digit++) bit = bit * 16 + HEX[id.charCodeAt(digit)]!
      const mask = 1 << (bit & 7)
      if (!(this.#before[bit >> 3]! & mask)) wasKnown = false
      if (this.#now[bit >> 3]! & mask) continue
      isKnown = false
      this.#now[bit >> 3]! |= mask
    }
    if (!isKnown && ++this.#count > GENERATION) {
      this.#before = this.#now
      this.#now = new Uint8Array(2 ** (BITS - 3))
      this.#count = 0
    }
    return isKnown || wasKnown
  }
}
