import { isDeepStrictEqual } from 'node:util'
import { verifyLedger } from '../../src/audit/verify.js'
import { parseChinaTime } from '../../src/core/time.js'
import { connect, type Sql } from '../../src/platform/database.js'
import { proveLedger } from '../../test/support/replay.js'
import type { Auditor } from './auditors.js'
import { doubledOf, lostOf } from './bank.js'
import { at, contradictionsIn, type Line } from './history.js'
import { isReceipt, type Note, type Notebook, nameOf, type Receipt } from './notes.js'
import { offInBalances, offInReports } from './totals.js'

/** What is wrong, in sentences with the exact facts. */
export interface Findings {
  /** Acknowledged and not there, or not as it was answered. */
  readonly lost: string[]
  /** There twice, or there and never asked for. */
  readonly doubled: string[]
  /** Numbers that are missing. */
  readonly gaps: string[]
  /** Answers that contradict each other or the log. */
  readonly wrong: string[]
  readonly verify: string[]
  readonly replay: string[]
  /** How many commands the log has. */
  readonly commands: number
}

/** What only the service itself asks for, without a key. */
const OWN = ['lapse_order', 'lapse_voucher', 'net_period', 'settle_period', 'finish_settlement', 'mark_paid']

/** Compares what the clients noted with what the database holds, read by plain SQL. */
export async function check(
  databaseUrl: string,
  notebook: Notebook,
  auditors: readonly Auditor[],
  say: (text: string) => void,
): Promise<Findings> {
  const sql = connect(databaseUrl, 1)
  try {
    const byId = new Map<string, Note[]>()
    for (const note of notebook.notes) byId.set(note.id, [...(byId.get(note.id) ?? []), note])
    const lines = await readLines(sql, byId)
    say(`comparing ${notebook.notes.length} notes with ${lines.length} commands`)
    const refusals = await readRefusals(sql)
    const reads = (of: (auditor: Auditor) => Auditor['reports']) => auditors.flatMap(of)
    const found = {
      lost: [...lost(byId, lines, refusals), ...(await all(lostOf(sql, notebook.banked)))],
      doubled: [...doubled(byId, lines, refusals, notebook.bankKeys), ...(await all(doubledOf(sql, notebook.banked)))],
      gaps: await gaps(sql),
      wrong: [
        ...notebook.contradictions,
        ...contradictionsIn(lines, notebook.notes),
        ...offInReports(
          reads(({ reports }) => reports),
          lines,
        ),
        ...offInBalances(
          reads(({ balances }) => balances),
          lines,
        ),
      ],
    }
    say('verifying: everything is added up again, the log is replayed through decide')
    const verify = await verified(sql)
    say('replaying the log a second way')
    const replay = await proveLedger(sql).then(
      () => [],
      (error: Error) => [error.message],
    )
    return { ...found, verify, replay, commands: lines.length }
  } finally {
    await sql.end({ timeout: 5 })
  }
}

async function readLines(sql: Sql, byId: ReadonlyMap<string, readonly Note[]>): Promise<Line[]> {
  const rows = await sql<Omit<Line, 'note'>[]>`
    select book, seq::int, entry, kind, day, (extract(epoch from booked_at) * 1000)::float8 as moment,
           replace(key::text, '-', '') as id, subject, organisation, body, event, rests
    from commands left join actors using (actor) order by book, seq`
  // Of those under one key it is the one that was not told that the key is in use.
  const noteOf = ({ id, body }: Omit<Line, 'note'>) =>
    id === null ? undefined : byId.get(id)?.find(({ command }) => isSame(command, body))
  return rows.map((row) => ({ ...row, note: noteOf(row) }))
}

interface Stored {
  readonly refused: string
  readonly details?: Readonly<Record<string, unknown>>
}

async function readRefusals(sql: Sql): Promise<Map<string, Stored>> {
  const rows = await sql<{ id: string; refusal: Stored }[]>`
    select replace(key::text, '-', '') as id, refusal from refusals`
  return new Map(rows.map(({ id, refusal }) => [id, refusal]))
}

/** What the log keeps of a command that was left out is null. */
function isSame(asked: object, kept: object): boolean {
  const given = Object.entries(kept).filter(([name, value]) => value !== null || name in asked)
  return isDeepStrictEqual(plain(asked), plain(Object.fromEntries(given)))
}

const plain = (value: object): unknown => JSON.parse(JSON.stringify(value))

function* lost(
  byId: ReadonlyMap<string, readonly Note[]>,
  lines: readonly Line[],
  refusals: ReadonlyMap<string, Stored>,
): Generator<string> {
  const accepted = new Map(lines.map((line) => [line.id, line]))
  for (const notes of byId.values()) {
    for (const note of notes) {
      const { id, outcome } = note
      if (!outcome) continue
      const line = accepted.get(id)
      const refusal = refusals.get(id)
      const there = line ? `${at(line)}: ${JSON.stringify(line)}` : JSON.stringify(refusal ?? 'nothing')
      const says = `${nameOf(note)} was answered ${JSON.stringify(outcome)}; stored is ${there}`
      if (isReceipt(outcome)) {
        if (!line || !isAsAnswered(line, note, outcome)) yield says
      } else if (outcome.code === 'idempotency_key_reused') {
        // Then it was somebody else's: another body's that is stored.
        if (!(line ? line.note !== note : refusal && notes.length > 1)) yield says
      } else if (!isDeepStrictEqual(refusal, { refused: outcome.code, ...only(outcome.details) })) yield says
    }
  }
}

const only = (details: object | undefined) => (details === undefined ? {} : { details })

function isAsAnswered(line: Line, { command, who }: Note, receipt: Receipt): boolean {
  const { book, seq, entry, kind, day, moment, event, body, subject, organisation } = line
  const { result, ...numbers } = receipt
  return (
    isDeepStrictEqual(
      { ...numbers, book: Number(numbers.book), bookedAt: parseChinaTime(numbers.bookedAt) },
      { command: kind, book, seq, entry, day, bookedAt: moment },
    ) &&
    isDeepStrictEqual(result, event) &&
    isSame(command, body) &&
    who.subject === subject &&
    who.organisation === organisation
  )
}

function* doubled(
  byId: ReadonlyMap<string, readonly Note[]>,
  lines: readonly Line[],
  refusals: ReadonlyMap<string, Stored>,
  bankKeys: ReadonlySet<string>,
): Generator<string> {
  const seen = new Map<string, Line>()
  for (const line of lines) {
    if (line.id === null) {
      if (!OWN.includes(line.kind)) yield `${at(line)} has no key: ${JSON.stringify(line)}`
      continue
    }
    const other = seen.get(line.id)
    seen.set(line.id, line)
    if (other) yield `${at(line)} has the key of ${at(other)}: ${JSON.stringify(line)}`
    if (refusals.has(line.id)) yield `${at(line)} was refused, too: ${JSON.stringify(refusals.get(line.id))}`
    // What of a bank statement is there is looked at line by line.
    if (!line.note && !bankKeys.has(line.id)) yield `${at(line)} was never asked for like this: ${JSON.stringify(line)}`
  }
  for (const id of refusals.keys())
    if (!byId.has(id) && !bankKeys.has(id)) yield `a refusal under ${id}, which was never asked under`
}

async function all(found: AsyncIterable<string>): Promise<string[]> {
  const list: string[] = []
  for await (const one of found) list.push(one)
  return list
}

async function gaps(sql: Sql): Promise<string[]> {
  const rows = await sql<{ book: number; says: string }[]>`
    select b.book, format('head %s and %s entries, %s commands up to %s, %s entries up to %s',
      b.seq, b.entries, count(c.seq), max(c.seq), count(c.entry), max(c.entry)) as says
    from books b left join commands c on c.book = b.book
    group by b.book
    having b.seq <> count(c.seq) or b.seq <> coalesce(max(c.seq), 0)
        or b.entries <> count(c.entry) or b.entries <> coalesce(max(c.entry), 0)`
  return rows.map(({ book, says }) => `book ${book}: ${says}`)
}

async function verified(sql: Sql): Promise<string[]> {
  for await (const { name, ok, finding } of verifyLedger(sql)) if (!ok) return [`${name}: ${finding}`]
  return []
}
