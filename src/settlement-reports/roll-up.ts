import { Refused } from '../core/refusals.js'
import type { Timer } from '../core/time.js'
import type { Sql } from '../platform/database.js'

/** Commands that are added up in one statement. */
const AT_ONCE = 20_000

/** A report waits so long, in milliseconds, for what it reads to be added up. */
const PATIENCE = 20_000

/** Adds up everything that is in the log; asked beside itself it does no harm. Returns how many commands it was. */
export async function rollUp(sql: Sql): Promise<number> {
  let done = 0
  for (;;) {
    const [{ added = 0 } = {}] = await sql<{ added: number }[]>`select roll_up(${AT_ONCE}) as added`
    done += added
    if (added > 0) continue
    await sql`select roll_up_items()`
    return done
  }
}

/** Waits until these periods are added up, helping with it. Throws Refused('report_not_ready'). */
export async function rolledUp(sql: Sql, timer: Timer, periods: readonly string[]): Promise<void> {
  const until = timer.now() + PATIENCE
  for (;;) {
    const [{ behind = 0, open = 0 } = {}] = await sql<{ behind: number; open: number }[]>`
      select (select count(*)::int from period_reaches r left join report_heads h on h.book = r.book
              where r.period = any (${periods as string[]}) and coalesce(h.seq, 0) < r.reach) as behind,
             (select count(*)::int from unnest(${periods as string[]}::text[]) as p
              where not exists (select from report_periods r where r.period = p)) as open`
    if (behind === 0 && open === 0) return
    if (timer.now() > until) throw new Refused('report_not_ready')
    if (behind > 0) await sql`select roll_up(${AT_ONCE})`
    else await sql`select roll_up_items()`
  }
}
