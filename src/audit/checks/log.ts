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

export async function answers(sql: Sql): Promise<string | undefined> {
  let after = { organisation: '', key: '' }
  for (;;) {
    const rows = await sql<
      {
        organisation: string
        key: string
        given: string
        book: Book
        seq: bigint
        kind: string | null
        subject: string
        asker: string
        body: unknown
      }[]
    >`
      select i.organisation, i.key, encode(i.fingerprint, 'hex') as given, i.book, i.seq, c.kind, c.subject,
             c.organisation as asker, c.body
      from idempotency i left join commands c on c.book = i.book and c.seq = i.seq
      where (i.organisation, i.key) > (${after.organisation}, ${after.key}) and i.seq is not null
      order by i.organisation, i.key limit ${ANSWERS_AT_ONCE}`
    for (const { organisation, key, given, book, seq, kind, subject, asker, body } of rows) {
      const where = `${place(book, { seq })}, key 幂等键 ${organisation} ${key}`
      if (kind === null) return said(where, 'points at no command', '所指指令不存在')
      if (asker !== organisation) return differ(where, 'the organisation 机构', asker, 'that of its key', organisation)
      const parsed = commandTypes.get(kind)?.schema.safeParse(body)
      const asked = parsed?.success ? fingerprint(`${subject} ${kind}`, wire(parsed.data)) : 'none'
      if (asked !== given)
        return differ(where, 'the fingerprint of the command 指令指纹', asked, 'that of its key', given)
    }
    if (rows.length < ANSWERS_AT_ONCE) return undefined
    after = rows.at(-1)!
  }
}

export async function rests(sql: Sql): Promise<string | undefined> {
  const [off] = await sql<{ book: Book; seq: bigint; other: string; version: bigint; head: bigint | null }[]>`
    select c.book, c.seq, r.key as other, r.value::bigint as version, b.seq as head
    from commands c cross join lateral jsonb_each_text(c.rests) r left join books b on b.book = r.key::int
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
