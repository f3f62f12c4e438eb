import { createHash } from 'node:crypto'
import type { z } from 'zod'
import type { FieldFault } from '../core/faults.js'
import { fenOf, yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { isDay } from '../core/time.js'
import { wire } from '../engine/command.js'
import type { Sheet, SheetRow } from '../platform/cells.js'
import { Faults, faultsOf } from '../platform/problems.js'
import { bankLine, type Line, type TakeStatement } from './contract.js'
import { referencesIn } from './rules.js'

/** Lines of one statement at most. */
export const MOST_STATEMENT_LINES = 100_000
/** Faults of a file told at once. */
const MOST_FAULTS = 100

/** What a statement says: of which account, which one it is, and its lines. */
export interface StatementFile {
  readonly head: TakeStatement['head']
  /** In the order in which they are taken: those of one payment batch together. */
  readonly lines: readonly Line[]
}

/** A line as a file has it: text that must be read, and what is wrong with it. */
export interface Given {
  /** Where it stands in the file. */
  readonly at: string
  readonly line: number
  readonly day: string
  readonly side: string
  readonly amount: string
  readonly serial: string
  readonly name: string
  readonly reference: string
  readonly faults?: readonly Wrong[]
}
export interface Wrong {
  readonly pointer: string
  readonly code: FieldFault
}

/** What a file says of itself, as text. */
export interface GivenHead {
  readonly account: string
  readonly number: string
  readonly opening: string
  readonly closing: string
}

const ACCOUNT = /^[0-9A-Za-z-]{4,34}$/
const SIGNED = /^-?(0|[1-9]\d{0,13})\.\d{2}$/
/** A number of an account or a card, in one or in groups: only its end is kept. */
const LONG = /\d(?:(?: *|\p{Pd})\d){11,}/gu
/** A reference of ours. */
const OURS = /((?<![0-9A-Z])(?:B\d{6}-[1-9]\d{0,14}-[1-9]\d{0,3}|R\d{6}-[0-9A-HJ-NPQRTUWXY]{18})(?![0-9A-Z]))/i

/**
 * A statement of what a file gives, in which this was found wrong before; throws Faults with all that is wrong with it, line by line, or
 * Refused('statement_unbalanced').
 */
export function statementOf(given: GivenHead, rows: readonly Given[], before: readonly Wrong[] = []): StatementFile {
  const faults: Wrong[] = [...faultsOfHead(given), ...before]
  if (rows.length < 1 || rows.length > MOST_STATEMENT_LINES) faults.push({ pointer: '/body', code: 'out_of_range' })
  const seen = new Set<string>()
  const lines: Line[] = []
  for (const row of rows) {
    if (faults.length >= MOST_FAULTS) break
    const line = lineOf(row, faults)
    if (seen.has(row.serial)) faults.push({ pointer: `${row.at}/serial`, code: 'repeated' })
    seen.add(row.serial)
    if (line) lines.push(line)
  }
  if (faults.length > 0) throw new Faults(faults.slice(0, MOST_FAULTS))
  const [opening, closing] = [fenOf(given.opening), fenOf(given.closing)]
  const sum = lines.reduce((all, { side, amount }) => (side === 'credit' ? all + amount : all - amount), opening)
  if (sum !== closing) {
    throw new Refused('statement_unbalanced', {
      opening: yuan(opening),
      lines: yuan(sum - opening),
      closing: yuan(closing),
      expected: yuan(sum),
    })
  }
  const days = lines.map(({ day }) => day).sort()
  const account = given.account.slice(-4)
  const said = { account, from: days[0]!, to: days.at(-1)!, opening, closing, lines: lines.length }
  const digest = createHash('sha256')
    .update(wire([given.account, given.number, said, lines]))
    .digest('hex')
  // A file of no number is told from others by what it says.
  const number = given.number || digest.slice(0, 16)
  return { head: { ...said, number, digest }, lines: inOrder(lines) }
}

function* faultsOfHead({ account, number, opening, closing }: GivenHead): Generator<Wrong> {
  if (!ACCOUNT.test(account)) yield { pointer: '/body/account', code: account === '' ? 'required' : 'text_format' }
  if (number.length > 64) yield { pointer: '/body/number', code: 'out_of_range' }
  for (const [name, text] of Object.entries({ opening, closing })) {
    if (!SIGNED.test(text)) yield { pointer: `/body/${name}`, code: text === '' ? 'required' : 'amount_format' }
  }
}

function lineOf(row: Given, faults: Wrong[]): Line | undefined {
  const { at, line, day, side, amount, serial, name, reference } = row
  const said: z.input<typeof bankLine> = {
    line,
    day,
    side: side as Line['side'],
    amount,
    serial,
    name: name === '' ? null : masked(name),
    reference: reference === '' ? null : masked(reference),
  }
  if (row.faults) {
    faults.push(...row.faults)
    return undefined
  }
  const parsed = bankLine.safeParse(said)
  if (parsed.success) return parsed.data
  const wrong = faultsOf('line', parsed.error, said).faults
  faults.push(...wrong.map(({ pointer, code }) => ({ pointer: `${at}${pointer.slice('/line'.length)}`, code })))
  return undefined
}

/** A text without the numbers of accounts in it, in half width if there was one; references of ours stay as they are. */
function masked(text: string): string {
  const clean = text.replaceAll(/\p{Cc}+/gu, ' ').trim()
  const said = clean.normalize('NFKC')
  const kept = said
    .split(OURS)
    .map((part, n) => (n % 2 === 1 ? part : part.replaceAll(LONG, ending)))
    .join('')
  return kept === said ? clean : kept
}

const ending = (number: string) => `**** ${number.replaceAll(/\D/g, '').slice(-4)}`

/**
 * Lines of one payment batch together, so that a command that takes them has few batches to write; what was paid before
 * what came in, so that money comes back after it has gone.
 */
function inOrder(lines: readonly Line[]): readonly Line[] {
  const keyed = lines.map((line) => {
    const [{ book, batch } = { book: 0, batch: 0 }] = referencesIn(line.reference).payments
    return { line, keys: [line.side === 'debit' ? 0 : 1, book, batch, line.line] }
  })
  const order = (a: readonly number[], b: readonly number[]) => {
    const at = a.findIndex((key, n) => key !== b[n])
    return at < 0 ? 0 : a[at]! - b[at]!
  }
  return keyed.sort((a, b) => order(a.keys, b.keys)).map(({ line }) => line)
}

// --- the service's own template

/** The columns of a table, each by a name in two languages; others are left alone. */
export const columns = {
  day: '交易日期',
  side: '借贷方向',
  amount: '金额',
  name: '对方户名',
  counterparty: '对方账号',
  reference: '附言',
  serial: '流水号',
} as const
type Column = keyof typeof columns
const names = Object.keys(columns) as Column[]
/** Other words that banks have for the same. */
const others: Partial<Record<Column, readonly string[]>> = {
  reference: ['摘要', '摘要/附言', '用途'],
  amount: ['金额（元）'],
}

/** What stands above the table, each in a row of its own: its name, and then what it is. */
export const heads = { account: '账号', number: '对账单编号', opening: '期初余额', closing: '期末余额' } as const
type Head = keyof typeof heads

const titleOf = <N extends string>(words: Readonly<Record<N, string>>, name: N) => `${words[name]} ${name}`

/** What an empty file looks like. */
export const template: readonly (readonly string[])[] = [
  ...(Object.keys(heads) as Head[]).map((name) => [titleOf(heads, name), '']),
  names.map((name) => titleOf(columns, name)),
]

/** Above the table there may be so many rows. */
const MOST_ABOVE = 20

const wordsIn = (text: string) =>
  text
    .replaceAll(/\s+/g, ' ')
    .replace(/[:：]$/, '')
    .toLowerCase()

/** A statement in a table of the service's own form; throws Faults or Refused('statement_unbalanced'). */
export function sheetStatement({ rows, merged }: Sheet): StatementFile {
  const at = rows.slice(0, MOST_ABOVE).findIndex(({ cells }) => placesIn(cells.map(({ text }) => text)).size > 2)
  const header = rows[at]
  const places = placesIn(header?.cells.map(({ text }) => text) ?? [])
  const missing = names.filter((name) => !['name', 'counterparty'].includes(name) && !places.has(name))
  const faults: Wrong[] = missing.map((name) => ({ pointer: `/body/${name}`, code: 'required' }))
  const across = merged.filter(({ lastRow }) => lastRow > (header?.row ?? 0))
  faults.push(...across.map(({ range }): Wrong => ({ pointer: `/body/${range}`, code: 'merged_cells' })))
  const head = headIn(rows.slice(0, Math.max(at, 0)))
  if (faults.length > 0) throw new Faults([...faultsOfHead(head), ...faults].slice(0, MOST_FAULTS))
  return statementOf(
    head,
    rows.slice(at + 1).map((row, n) => givenBy(row, n + 1, places)),
  )
}

function headIn(rows: readonly SheetRow[]): GivenHead {
  const found: Record<Head, string> = { account: '', number: '', opening: '', closing: '' }
  for (const { cells } of rows) {
    const said = wordsIn(cells[0]?.text ?? '')
    const name = (Object.keys(heads) as Head[]).find((one) => [one, heads[one], titleOf(heads, one)].includes(said))
    const value = unquoted(cells[1]?.text ?? '')
    if (name) found[name] = name === 'opening' || name === 'closing' ? inFen(value) : value
  }
  return found
}

function placesIn(cells: readonly string[]): Map<Column, number> {
  const places = new Map<Column, number>()
  cells.forEach((text, place) => {
    const said = wordsIn(text)
    const name = names.find((one) => [one, columns[one], titleOf(columns, one), ...(others[one] ?? [])].includes(said))
    if (name && !places.has(name)) places.set(name, place)
  })
  return places
}

const sideWords: Readonly<Record<string, Line['side']>> = {
  借: 'debit',
  支出: 'debit',
  d: 'debit',
  dbit: 'debit',
  debit: 'debit',
  贷: 'credit',
  收入: 'credit',
  c: 'credit',
  crdt: 'credit',
  credit: 'credit',
}

function givenBy({ row, cells }: SheetRow, line: number, places: ReadonlyMap<Column, number>): Given {
  const at = `/body/${row}`
  const faults: Wrong[] = []
  const textOf = (name: Column) => {
    const place = places.get(name)
    const { text, fault } = (place === undefined ? undefined : cells[place]) ?? { text: '' }
    // An account's number is not kept, so it does not matter what became of it.
    if (fault && name !== 'counterparty') faults.push({ pointer: `${at}/${name}`, code: fault })
    return unquoted(text)
  }
  const side = textOf('side')
  const given = {
    at,
    line,
    day: dayIn(textOf('day')),
    side: sideWords[side.toLowerCase()] ?? side,
    amount: inFen(textOf('amount')),
    serial: textOf('serial'),
    name: textOf('name'),
    reference: textOf('reference'),
  }
  return faults.length > 0 ? { ...given, faults } : given
}

/** What a spreadsheet was told is text. */
const unquoted = (text: string) => text.replace(/^'/, '').trim()

/** A spreadsheet has 1280 or 1,280.00 for 1280.00. */
export function inFen(text: string): string {
  const [, sign, whole, part = ''] = /^(-?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d{1,2}))?$/.exec(text) ?? []
  return whole === undefined ? text : `${sign}${whole.replaceAll(',', '')}.${part.padEnd(2, '0')}`
}

/** A day as banks write it: 2026-03-02, 2026/3/2, 20260302; with a time behind it or not. */
function dayIn(text: string): string {
  const [, year, month, day] =
    /^(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?(?:[ T].*)?$/.exec(text) ?? /^(\d{4})(\d{2})(\d{2})$/.exec(text) ?? []
  const said = `${year}-${month?.padStart(2, '0')}-${day?.padStart(2, '0')}`
  return year !== undefined && isDay(said) ? said : text
}
