import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { bookText } from '../../src/core/ids.js'
import { yuan } from '../../src/core/money.js'
import { Refused } from '../../src/core/refusals.js'
import { dayOf } from '../../src/core/time.js'
import type { Engine } from '../../src/engine/engine.js'
import type { Book } from '../../src/ledger/book.js'
import { releasePaymentsCommand } from '../../src/payments/commands.js'
import { batchId, lineReference } from '../../src/payments/facts.js'
import { batchesOf, batchWithLines } from '../../src/payments/queries.js'
import { readCsv } from '../../src/platform/csv.js'
import type { Sql } from '../../src/platform/database.js'
import { type BankLine, statementCsv } from '../../src/rehearsal/offices.js'
import { sheetStatement } from '../../src/statements/file.js'
import { takeUp } from '../../src/statements/upload.js'
import { bureau } from '../../test/support/scene.js'
import { must, pooled } from './load.js'

/** A morning at the bank: what a closed period pays was released, and every book's statement says that it was paid. */

/** What the service takes at once. */
const AT_ONCE = 4

/** Releases every open line of a period, batch by batch. */
export async function releaseAll(engine: Engine, sql: Sql, period: string): Promise<void> {
  const batches = await batchesOf(sql, { low: 0, high: 999_999, period, limit: 1_000_000 })
  await pooled(AT_ONCE, batches, async ({ book, batch, open }) => {
    if (open === 0) return
    const id = batchId({ book, batch: Number(batch) })
    const { control } = await batchWithLines(sql, id, false)
    const command = { batch: id, count: control.count, total: BigInt(control.total.replace('.', '')) }
    await must(engine, {
      type: releasePaymentsCommand as never,
      command,
      actor: bureau(bookText(book)),
      key: randomUUID(),
    })
  })
}

/** The statement of every book, as the file that its bank would give it: the lines in no order. */
export async function statementsOf(sql: Sql, now: number): Promise<{ book: Book; csv: Buffer; lines: number }[]> {
  const rows = await sql<{ book: Book; batch: bigint; line: number; released: bigint }[]>`
    select book, batch, line, released from payment_lines where state = 'released' order by book, md5(batch || ' ' || line)`
  const books = new Map<Book, BankLine[]>()
  for (const { book, batch, line, released } of rows) {
    const lines = books.get(book) ?? []
    books.set(book, lines)
    lines.push({ side: 'debit', amount: yuan(released), reference: lineReference(book, Number(batch), line) })
  }
  return [...books].map(([book, lines]) => ({
    book,
    csv: Buffer.from(statementCsv({ number: `bench-${book}`, day: dayOf(now), lines })),
    lines: lines.length,
  }))
}

/** Takes every statement and waits until all lines are matched, and then until every order is marked paid. */
export async function takeAll(engine: Engine, sql: Sql, statements: Awaited<ReturnType<typeof statementsOf>>) {
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  const log = pino({ level: 'error' })
  for (const { book, csv } of statements) {
    const file = sheetStatement(readCsv(csv))
    const take = () => takeUp({ engine, sql }, book, file, { actor: bureau(bookText(book)), key: randomUUID(), log })
    for (;;) {
      try {
        await take()
        break
      } catch (error) {
        if (!(error instanceof Refused && error.refusal.refused === 'overloaded')) throw error
        await pause()
      }
    }
  }
  const open = async () => {
    const [row] = await sql<{ lines: number; orders: number }[]>`
      select (select count(*) from payment_lines where state = 'released')::int as lines,
             (select count(*) from orders where state = 'approved')::int as orders`
    return row!
  }
  let matched: number | undefined
  for (;;) {
    const { lines, orders } = await open()
    if (lines === 0) matched ??= seconds()
    if (lines === 0 && orders === 0) return { matched: matched!, marked: seconds() }
    await pause(200)
  }
}

const pause = (ms = 2) => new Promise((resolve) => setTimeout(resolve, ms))
