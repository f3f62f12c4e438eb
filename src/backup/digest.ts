import { createHash } from 'node:crypto'
import type { Sql } from '../platform/database.js'
import { copyOut } from './copy.js'

/** How far a book goes: the numbers of its last command and its last journal entry. */
export interface Head {
  readonly book: number
  readonly seq: number
  readonly entries: number
}

/** The heads of all books that have taken a command. */
export async function headsOf(sql: Sql): Promise<Head[]> {
  const rows = await sql<{ book: number; seq: bigint; entries: bigint }[]>`
    select book, seq, entries from books where seq > 0 order by book`
  return rows.map(({ book, seq, entries }) => ({ book, seq: Number(seq), entries: Number(entries) }))
}

/**
 * One SHA-256 over all commands and journal entries up to these heads, book by book and number by number, with every
 * person by name: the same wherever and in whatever order the rows lie. A log only grows, so a later ledger has the
 * same digest up to the same heads, or something in it was changed. The connection writes dates by ISO, in UTC.
 */
export async function digestOf(sql: Sql, heads: readonly Head[], copy = copyOut): Promise<string> {
  const hash = createHash('sha256')
  for (const { book, seq, entries } of heads) {
    hash.update(`book ${book}\n`)
    const commands = `(
      select c.seq, c.entry, c.kind, c.day, c.booked_at, a.organisation, a.subject, c.key, c.fingerprint, c.body, c.event, c.rests
      from clearing.commands c left join clearing.actors a on a.actor = c.actor
      where c.book = ${book} and c.seq <= ${seq} order by c.seq)`
    for await (const block of copy(sql, commands)) hash.update(block)
    hash.update('entries\n')
    const transfers = `(
      select entry, line, seq, type, phase, debit, credit, amount, hold, leg
      from clearing.transfers where book = ${book} and entry <= ${entries} order by entry, line)`
    for await (const block of copy(sql, transfers)) hash.update(block)
  }
  return hash.digest('hex')
}
