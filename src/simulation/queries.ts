import type { Day, Instant } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Sql } from '../platform/database.js'

/** A command as the log has it, with what a play needs of it. */
export interface Logged {
  readonly seq: number
  readonly kind: string
  readonly day: Day
  readonly moment: Instant
  readonly subject: string
  readonly organisation: string
  readonly body: unknown
  /** The version of the region that it rested on. */
  readonly region: number
  /** What an approval really captured, in yuan. */
  readonly approved: string | null
}

/** What of a book is played: the steps of vouchers and orders. What lapsed will lapse by itself. */
const steps = [
  'issue',
  'file_order',
  'deliver',
  'confirm',
  'cancel_order',
  'submit_claim',
  'return_claim',
  'verify_claim',
  'approve_claim',
  'reject_claim',
  'claw_back',
]
/** What of the region is not: programs are the draft's, and nothing is settled. */
const left = [
  'publish_program',
  'supersede_program',
  'draft_program',
  'discard_draft',
  'close_period',
  'net_period',
  'confirm_payments',
]

const AT_ONCE = 1000

/** The steps of a book over these days, in the order of their numbers. */
export function stepsOf(sql: Sql, book: Book, from: Day, to: Day): AsyncGenerator<Logged> {
  return paged(
    (after) => sql<Logged[]>`
      select c.seq::float8 as seq, c.kind, c.day, (extract(epoch from c.booked_at) * 1000)::float8 as moment,
             a.subject, a.organisation, c.body, coalesce((c.rests ->> '0')::float8, 0) as region,
             case when c.kind = 'approve_claim' then c.event ->> 'approved' end as approved
      from commands c join actors a on a.actor = c.actor
      where c.book = ${book} and c.seq > ${after} and c.day between ${from} and ${to}
        and c.kind::text = any (${steps})
      order by c.seq limit ${AT_ONCE}`,
  )
}

/** What the region has said that these steps may rest on: nothing of parties that are in none of them. */
export async function* regionOf(sql: Sql, book: Book, from: Day, to: Day): AsyncGenerator<Logged> {
  const [{ parties = [] } = {}] = await sql<{ parties: string[] }[]>`
    select coalesce(array_agg(party), '{}') as parties from (
      select enterprise as party from vouchers where book = ${book} and issued_on between ${from} and ${to}
      union select provider from orders where book = ${book} and filed_on between ${from} and ${to}) p`
  yield* paged(
    (after) => sql<Logged[]>`
      select c.seq::float8 as seq, c.kind, c.day, (extract(epoch from c.booked_at) * 1000)::float8 as moment,
             a.subject, a.organisation, c.body, 0 as region, null as approved
      from commands c join actors a on a.actor = c.actor
      where c.book = ${REGION} and c.seq > ${after} and c.kind::text <> all (${left})
        and coalesce(coalesce(c.body ->> 'uscc', c.body ->> 'provider') = any (${parties}), true)
      order by c.seq limit ${AT_ONCE}`,
  )
}

/** Reads page by page; the next page is on its way while one is worked on. */
async function* paged(read: (after: number) => PromiseLike<readonly Logged[]>): AsyncGenerator<Logged> {
  let page = await read(0)
  while (page.length > 0) {
    const coming = page.length === AT_ONCE ? Promise.resolve(read(page.at(-1)!.seq)) : undefined
    coming?.catch(() => {}) // it is thrown where it is waited for
    yield* page
    page = (await coming) ?? []
  }
}
