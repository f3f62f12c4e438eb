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
  /** Who it is about, of what the region said. */
  readonly party: string | null
  /** What an approval really captured, in yuan. */
  readonly approved: string | null
}

/** What of a book is played: the steps of vouchers and orders. What lapsed will lapse by itself. */
const steps = [
  'issue',
  'extend_voucher',
  'cancel_voucher',
  'recall_voucher',
  'suspend_voucher',
  'resume_voucher',
  'file_order',
  'accept_order',
  'decline_order',
  'supplement_order',
  'deliver',
  'confirm',
  'cancel_order',
  'submit_claim',
  'return_claim',
  'verify_claim',
  'approve_claim',
  'reject_claim',
  'file_objection',
  'resolve_objection',
  'appeal_claim',
  'decide_claim_appeal',
  'red_flush_invoice',
  'claw_back',
]
/** What of the region is not: programs are the draft's, nothing is settled, and who asked for it is all one. */
const left = [
  'publish_program',
  'supersede_program',
  'draft_program',
  'discard_draft',
  'open_year',
  'close_period',
  'net_period',
  'finish_settlement',
  'offer_clearing',
  'sign_clearing',
  'end_clearing',
  'plan_periods',
  'preview_period',
  'confirm_payments',
  'propose',
  'decline_proposal',
  'appoint',
  'deputise',
  'bar_person',
  'end_standing',
  'apply_recognition',
  'refuse_recognition',
  'propose_account',
  'confirm_account',
  'revoke_account',
  'reseal_account',
  'create_webhook',
  'pause_webhook',
  'resume_webhook',
  'rotate_webhook',
  'end_webhook',
  'disable_webhook',
  'replay_webhook',
]

/** How many orders were filed over these days. */
export async function ordersIn(sql: Sql, book: Book, from: Day, to: Day): Promise<number> {
  const [{ count = 0n } = {}] = await sql<{ count: bigint }[]>`
    select count(*) from orders where book = ${book} and filed_on between ${from} and ${to}`
  return Number(count)
}

/** Numbers that are read at once: a range and not a limit, so that no plan can ever sort or scan the whole log. */
const AT_ONCE = 2000

/** The steps of a book over these days, page by page, in the order of their numbers. */
export function stepsOf(sql: Sql, book: Book, from: Day, to: Day): AsyncGenerator<readonly Logged[]> {
  return paged(sql, book, sql`c.day between ${from} and ${to} and c.kind::text = any (${steps})`)
}

/** What the region has said that these steps may rest on: nothing of parties that are in none of them. */
export async function* regionOf(sql: Sql, book: Book, from: Day, to: Day): AsyncGenerator<readonly Logged[]> {
  const parties = await sql<{ party: string }[]>`
    select enterprise as party from vouchers where book = ${book} and issued_on between ${from} and ${to}
    union select provider from orders where book = ${book} and filed_on between ${from} and ${to}`
  const inPlay = new Set(parties.map(({ party }) => party))
  for await (const page of paged(sql, REGION, sql`c.kind::text <> all (${left})`)) {
    yield page.filter(({ party }) => party === null || inPlay.has(party))
  }
}

/** The next two pages are on their way while one is worked on. */
async function* paged(sql: Sql, book: Book, which: ReturnType<Sql>): AsyncGenerator<readonly Logged[]> {
  const [{ last = 0 } = {}] = await sql<{ last: number }[]>`select seq::float8 as last from books where book = ${book}`
  const party = book === REGION ? sql`coalesce(c.body ->> 'uscc', c.body ->> 'provider')` : sql`null`
  const read = async (after: number) => sql<Logged[]>`
    select c.seq::float8 as seq, c.kind, c.day, (extract(epoch from c.booked_at) * 1000)::float8 as moment, a.subject,
           a.organisation, c.body, coalesce((c.rests ->> '0')::float8, 0) as region, ${party} as party,
           case when c.kind = 'approve_claim' then c.event ->> 'approved' end as approved
    from commands c join actors a on a.actor = c.actor
    where c.book = ${book} and c.seq > ${after} and c.seq <= ${after + AT_ONCE} and ${which}
    order by c.seq`
  const coming: Promise<readonly Logged[]>[] = []
  let asked = 0
  const ask = () => {
    if (asked >= last) return
    const page = read(asked)
    page.catch(() => {}) // it is thrown where it is waited for
    coming.push(page)
    asked += AT_ONCE
  }
  ask()
  ask()
  for (let page = coming.shift(); page; page = coming.shift()) {
    const steps = await page
    ask()
    yield steps
  }
}
