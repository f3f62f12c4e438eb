import { addDays, type Clock, dayOf } from '../core/time.js'
import type { Sql } from '../platform/database.js'
import type { FileStore } from '../platform/files.js'
import { UNNAMED_DAYS } from './contract.js'

const AT_ONCE = 100

/** Removes what was uploaded more than so many days ago and named by nothing since; returns how many files. */
export async function removeUnnamed(files: FileStore, sql: Sql, clock: Clock): Promise<number> {
  const before = `${addDays(dayOf(clock.now()), -UNNAMED_DAYS)}T00:00:00+08:00`
  for (let removed = 0; ; ) {
    const [{ gone = [] } = {}] = await sql<{ gone: string[] }[]>`
      select forget_documents(${before}::text::timestamptz, ${AT_ONCE}) as gone`
    for (const sha256 of gone) await files.remove(sha256)
    removed += gone.length
    const [left] = await sql`
      select from documents where not named and uploaded_at < ${before}::text::timestamptz limit 1`
    if (!left) return removed
  }
}
