import { setTimeout as sleep } from 'node:timers/promises'
import { keyId } from '../../src/engine/idempotency.js'
import type { Sql } from '../../src/platform/database.js'
import { type BankLine, statementCsv } from '../../src/rehearsal/offices.js'
import type { Dice } from './dice.js'
import { ask } from './http.js'
import type { Notebook, Person } from './notes.js'

/** What the bank says of a release: the same bytes whoever asks, because the bank has paid it once. */
export interface Banked {
  readonly book: string
  readonly number: string
  readonly lines: readonly BankLine[]
  /** Whether anybody was told that it was taken. */
  isAcknowledged: boolean
}

/** One account and day for all: a statement goes by its number. */
const DAY = '2026-03-01'

interface Line {
  readonly line: number
  readonly reference: string
  readonly release: number | null
  readonly released: string
}

/** The bank's statement of a release; every third line is paid in two parts. */
export function bankedOf(batch: string, release: number, items: readonly Line[]): Banked {
  const lines = items
    .filter((one) => one.release === release)
    .flatMap(({ line, reference, released }): BankLine[] => {
      const parts = line % 3 === 0 && released !== '0.01' ? ['0.01', lessOneFen(released)] : [released]
      return parts.map((amount) => ({ side: 'debit', amount, reference }))
    })
  return { book: batch.slice(1, 7), number: `${batch}-${release}`, lines, isAcknowledged: false }
}

function lessOneFen(amount: string): string {
  const fen = String(BigInt(amount.replace('.', '')) - 1n).padStart(3, '0')
  return `${fen.slice(0, -2)}.${fen.slice(-2)}`
}

/** No acknowledgement: to be brought again. Somebody else may be bringing the same one. */
const NOT_NOW = ['overloaded', 'unavailable', 'clock_behind', 'state_conflict']

/** Brings a statement to any of the services until it is taken; or gives up, with this chance each time. */
export async function bring(
  notebook: Notebook,
  banked: Banked,
  { who, key, dice, givingUp }: { who: Person; key: string; dice: Dice; givingUp: number },
): Promise<void> {
  const { services, faults, contradictions, bankKeys } = notebook
  const { book, number, lines } = banked
  bankKeys.add(keyId(who.organisation, `${key} statement 0`))
  const path = `/v1/books/${book}/statements`
  const csv = statementCsv({ number, day: DAY, lines })
  while (performance.now() < notebook.deadline) {
    const { port } = dice.pick(services.all)
    const answer = await ask(port, { method: 'POST', path, token: who.token, key, csv }, dice.between(3000, 8000))
    if (answer?.status === 202) {
      banked.isAcknowledged = true
      return
    }
    if (answer && !NOT_NOW.includes(answer.body.code)) {
      const list = answer.body.code === 'internal_fault' ? faults : contradictions
      list.push(`${path} ${number}: ${JSON.stringify(answer)}`)
      return
    }
    if (dice.chance(givingUp)) return
    await sleep(dice.between(20, 250))
  }
}

/** What of the statements is lost: acknowledged, and not booked line by line as the bank said it. */
export async function* lostOf(sql: Sql, banked: ReadonlyMap<string, Banked>): AsyncGenerator<string> {
  const rows = await booked(sql)
  for (const { book, number, lines, isAcknowledged } of banked.values()) {
    if (!isAcknowledged) continue
    const said = lines.map(({ amount, reference }, n) => `${number}-${n + 1} ${amount} ${reference}`).sort()
    const kept = rows.get(`${book} ${number}`) ?? []
    const missing = said.find((line) => !kept.includes(line))
    if (missing) yield `statement ${number} of ${book} was taken, and ${missing} is not in it: ${kept.join('; ')}`
  }
}

/** What of them is there and was never said, or was taken for nothing though it was released just so. */
export async function* doubledOf(sql: Sql, banked: ReadonlyMap<string, Banked>): AsyncGenerator<string> {
  for (const [name, kept] of await booked(sql)) {
    const said = banked.get(name.slice(name.indexOf(' ') + 1))
    const lines = said?.lines.map(({ amount, reference }, n) => `${said.number}-${n + 1} ${amount} ${reference}`) ?? []
    const other = kept.find((line) => !lines.includes(line))
    if (other) yield `statement ${name} has ${other}, which no bank said`
  }
  const exceptions = await sql<{ book: number; serial: string; reason: string }[]>`
    select book, serial, reason from bank_exceptions order by book, serial`
  for (const { book, serial, reason } of exceptions)
    yield `bank line ${serial} of ${book} was taken for nothing: ${reason}`
}

/** The bank lines of every statement, by book and the statement's number. */
async function booked(sql: Sql): Promise<Map<string, string[]>> {
  const rows = await sql<{ name: string; lines: string[] }[]>`
    select s.book || ' ' || s.number as name,
           coalesce(jsonb_agg(l.serial || ' ' || to_char(l.amount / 100.0, 'FM999999999990.00') || ' ' || l.reference
             order by l.serial) filter (where l.serial is not null), '[]') as lines
    from bank_statements s
    left join bank_lines l on l.book = s.book and l.account = s.account and l.statement = s.statement
    group by s.book, s.number`
  return new Map(rows.map(({ name, lines }) => [name, lines]))
}
