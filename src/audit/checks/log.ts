import { commandTypes } from '../../commands.js'
import { wire } from '../../engine/command.js'
import { fingerprint } from '../../engine/idempotency.js'
import type { Book } from '../../ledger/book.js'
import type { Sql } from '../../platform/database.js'
import { differ, place, said } from '../finding.js'
import { replay } from '../replay.js'
import { compareRows } from '../rows.js'
import type { Run } from './run.js'

const ANSWERS_AT_ONCE = 2000

/** A command asked under a key carries the fingerprint of who asked what; a key has one answer. */
export async function answers(sql: Sql): Promise<string | undefined> {
  const [both] = await sql<{ key: string; book: Book; seq: bigint }[]>`
    select r.key, c.book, c.seq from refusals r join commands c on c.key = r.key order by 1 limit 1`
  if (both)
    return said(
      `${place(both.book, { seq: both.seq })}, key 幂等键 ${both.key}`,
      'was refused as well',
      '同时有拒绝记录',
    )
  for (let after = { book: -1, seq: 0n }; ; ) {
    const rows = await sql<
      { book: Book; seq: bigint; key: string; given: bigint; kind: string; subject: string; body: string }[]
    >`
      select c.book, c.seq, c.key, c.fingerprint as given, c.kind, a.subject, c.body::text as body
      from commands c join actors a on a.actor = c.actor
      where (c.book, c.seq) > (${after.book}, ${after.seq}) and c.key is not null
      order by c.book, c.seq limit ${ANSWERS_AT_ONCE}`
    for (const { book, seq, key, given, kind, subject, body } of rows) {
      // As it was logged; a log of version 0.1 has the same in other words.
      if (fingerprint(subject, kind, body) === String(given)) continue
      const parsed = commandTypes.get(kind)?.schema.safeParse(JSON.parse(body))
      const asked = parsed?.success ? fingerprint(subject, kind, wire(parsed.data)) : 'none'
      if (asked === String(given)) continue
      const where = `${place(book, { seq })}, key 幂等键 ${key}`
      return differ(where, 'the fingerprint of the command 指令指纹', asked, 'that of its key', given)
    }
    if (rows.length < ANSWERS_AT_ONCE) return undefined
    after = rows.at(-1)!
  }
}

export async function rests(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<{ book: Book; seq: bigint; other: string; version: bigint; head: bigint | null }[]>`
    select c.book, c.seq, r.key as other, r.value::bigint as version, b.seq as head
    from commands c cross join lateral json_each_text(c.rests) r left join books b on b.book = r.key::int
    where b.book is null or b.book = c.book or r.value::bigint not between 0 and b.seq
    order by 1, 2 limit 1`
  if (!off) return undefined
  return differ(
    place(off.book, { seq: off.seq }),
    `its version of book ${off.other} 依据版本`,
    off.version,
    'the head',
    off.head ?? 'none 无',
  )
}

export async function again(sql: Sql, run: Run): Promise<string | undefined> {
  const outcome = await replay(sql)
  if (typeof outcome === 'string') return outcome
  run.replayed = outcome
  return undefined
}

export async function rows(sql: Sql, { replayed }: Run): Promise<string | undefined> {
  return replayed && compareRows(sql, replayed)
}
