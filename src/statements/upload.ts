import { createHash } from 'node:crypto'
import type { FastifyBaseLogger } from 'fastify'
import type { Actor } from '../core/actor.js'
import { bookText } from '../core/ids.js'
import { isRefusal, Refused } from '../core/refusals.js'
import type { CommandType } from '../engine/command.js'
import type { Services } from '../engine/route.js'
import type { Book } from '../ledger/book.js'
import type { Sql } from '../platform/database.js'
import { takeStatementCommand } from './commands.js'
import { MOST_LINES } from './contract.js'
import type { StatementFile } from './file.js'
import { markPayees } from './paid.js'

/** Statements that this process takes at once; whoever comes then is asked to come again. */
const AT_ONCE = 4
let running = 0

/** The same statement of the same account has the same id, whoever brings it. */
export const statementIdOf = (book: Book, { account, number }: StatementFile['head']) =>
  createHash('sha256')
    .update(JSON.stringify([bookText(book), account, number]))
    .digest('hex')
    .slice(0, 32)

interface Sent {
  readonly actor: Actor
  readonly key: string
  readonly log: FastifyBaseLogger
}

/**
 * Takes a statement of a book: its first lines at once, and the rest after the answer. What counts is in the ledger, which
 * knows how many lines were taken: a statement that is given again, after a crash or by somebody else, is gone on with, and
 * nothing of it is booked twice. Throws Refused.
 */
export async function takeUp(
  { engine, sql }: Pick<Services, 'engine' | 'sql'>,
  book: Book,
  file: StatementFile,
  sent: Sent,
): Promise<string> {
  if (running >= AT_ONCE) throw new Refused('overloaded')
  const statement = statementIdOf(book, file.head)
  const run = (at: number) => takeLines(engine, { book, statement, file, at }, sent)
  running++
  let rest: Promise<void> | undefined
  try {
    const known = await takenOf(sql, book, statement)
    if (known && known.digest !== file.head.digest) throw new Refused('statement_differs', { number: file.head.number })
    const first = known?.taken ?? 0
    if (first < file.lines.length) await run(first)
    rest = takeRest(first + MOST_LINES, file.lines.length, run)
      .then(() => markNext({ engine, sql }, book, statement, sent.log))
      .catch((error: unknown) => sent.log.error({ err: error, statement }, 'a statement was not taken to its end'))
  } finally {
    void Promise.resolve(rest).finally(() => {
      running--
    })
  }
  return statement
}

let marking = Promise.resolve()

/** Marks the orders of a statement's payees when those of the ones before are: lines that wait to be matched come first. */
function markNext({ engine, sql }: Pick<Services, 'engine' | 'sql'>, book: Book, statement: string, log: Sent['log']) {
  marking = marking
    .then(() => markPayees(engine, sql, book, statement))
    .catch((error: unknown) => log.error({ err: error, statement }, 'the orders of a statement were not marked'))
}

async function takeRest(from: number, lines: number, run: (at: number) => Promise<void>) {
  for (let at = from; at < lines; at += MOST_LINES) await run(at)
}

async function takeLines(
  engine: Services['engine'],
  { book, statement, file, at }: { book: Book; statement: string; file: StatementFile; at: number },
  { actor, key }: Sent,
): Promise<void> {
  const command = { book, statement, head: file.head, at, lines: file.lines.slice(at, at + MOST_LINES) }
  const type = takeStatementCommand as unknown as CommandType
  // No caller's key has a space in it, so a part's key is nobody else's.
  const outcome = await engine.run({ type, command, actor, key: `${key} statement ${at}` })
  if (isRefusal(outcome)) throw new Refused(outcome.refused, outcome.details)
}

async function takenOf(sql: Sql, book: Book, statement: string) {
  const [row] = await sql<{ digest: string; taken: number }[]>`
    select digest, taken from bank_statements where book = ${book} and statement = ${statement}`
  return row
}
