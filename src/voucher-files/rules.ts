import { numberOf } from '../core/check-character.js'
import { type FieldFault, fieldFaults } from '../core/faults.js'
import { type Refusal, refusals } from '../core/refusals.js'
import { type Cell, columnName, type Sheet, type SheetRow } from '../platform/cells.js'
import { Faults, faultsOf } from '../platform/problems.js'
import { type Issue, issue } from '../vouchers/contract.js'
import { MOST_ROWS } from './contract.js'

/** The columns of a file, each by a name in two languages; others are left alone and given back. */
export const columns = {
  enterprise: '企业统一社会信用代码',
  program: '券种代码',
  amount: '金额（元）',
  application: '申请编号',
} as const satisfies Record<keyof Issue, string>
type Column = keyof typeof columns
const names = Object.keys(columns) as Column[]

const titleOf = (name: Column) => `${columns[name]} ${name}`

/** What an empty file looks like. */
export const template: readonly (readonly string[])[] = [names.map(titleOf)]

/** A row as it was given, and what it asks or what is wrong with it. */
export interface FileRow {
  readonly cells: readonly string[]
  readonly asked: Issue | Verdict
}

/** What became of a row. */
export interface Verdict {
  readonly outcome: 'done' | 'refused'
  /** A field's fault, or a refusal. */
  readonly code: string
  /** In both languages; names the cell that is wrong. */
  readonly message: string
  /** The voucher's number with its check character. */
  readonly voucher: string
}

export interface VoucherFile {
  readonly header: readonly string[]
  readonly rows: readonly FileRow[]
}

/** Above the header there may be a title and remarks. */
const MOST_ABOVE = 10

/**
 * The rows of a sheet; what is wrong with one of them is its own verdict. Throws Faults when the sheet as a whole cannot
 * be used: columns are missing, cells below the header are merged, there are no rows or too many.
 */
export function voucherFile({ rows, merged }: Sheet): VoucherFile {
  const top = rows.slice(0, MOST_ABOVE)
  const at = top.findIndex(({ cells }) => placesIn(cells).size > 1)
  const header = rows[at]
  const places = placesIn(header?.cells ?? [])
  const missing = names.filter((name) => name !== 'application' && !places.has(name))
  if (!header || missing.length > 0) {
    throw new Faults(missing.map((name) => ({ pointer: `/body/${name}`, code: 'required' })))
  }
  const across = merged.filter(({ lastRow }) => lastRow > header.row)
  if (across.length > 0) {
    throw new Faults(across.slice(0, 100).map(({ range }) => ({ pointer: `/body/${range}`, code: 'merged_cells' })))
  }
  const below = rows.slice(at + 1)
  if (below.length < 1 || below.length > MOST_ROWS) throw new Faults([{ pointer: '/body', code: 'out_of_range' }])
  return {
    header: header.cells.map(({ text }) => text),
    rows: below.map((row) => ({ cells: row.cells.map(({ text }) => text), asked: askedBy(row, places) })),
  }
}

/** Which column has which place: by its whole title, or either half of it. */
function placesIn(cells: readonly Cell[]): Map<Column, number> {
  const places = new Map<Column, number>()
  cells.forEach(({ text }, place) => {
    const said = text.replaceAll(/\s+/g, ' ').toLowerCase()
    const name = names.find((one) => [one, columns[one], titleOf(one)].includes(said))
    if (name && !places.has(name)) places.set(name, place)
  })
  return places
}

function askedBy({ row, cells }: SheetRow, places: ReadonlyMap<Column, number>): Issue | Verdict {
  const wrong: { cell: string; code: FieldFault }[] = []
  const said: Record<string, string> = {}
  for (const [name, place] of places) {
    const { text, fault } = cells[place] ?? { text: '' }
    if (fault) wrong.push({ cell: `${columnName(place)}${row}`, code: fault })
    if (text !== '') said[name] = name === 'amount' ? inFen(text) : text
  }
  if (wrong.length === 0) {
    const parsed = issue.safeParse(said)
    if (parsed.success) return parsed.data
    for (const { pointer, code } of faultsOf('row', parsed.error, said).faults) {
      const place = places.get(pointer.slice('/row/'.length) as Column) ?? 0
      wrong.push({ cell: `${columnName(place)}${row}`, code })
    }
  }
  const told = wrong.map(({ cell, code }) => `${cell} ${fieldFaults[code].zh} ${fieldFaults[code].en}`)
  return { outcome: 'refused', code: wrong[0]!.code, message: told.join('；'), voucher: '' }
}

/** A spreadsheet has 1280 for 1280.00. */
function inFen(text: string): string {
  const [, whole, part = ''] = /^(\d+)(?:\.(\d{1,2}))?$/.exec(text) ?? []
  return whole === undefined ? text : `${whole}.${part.padEnd(2, '0')}`
}

/** The verdict on a voucher that was issued. */
export const issuedVerdict = (voucher: string): Verdict => ({
  outcome: 'done',
  code: '',
  message: '',
  voucher: numberOf(voucher),
})

/** The verdict on a row that was refused. */
export function refusedVerdict({ refused: code, details = {} }: Refusal): Verdict {
  const { zh, en } = refusals[code]
  const figures = Object.entries(details).map(([name, value]) => `${name}: ${value}`)
  const message = [zh, en, ...(figures.length > 0 ? [`(${figures.join(', ')})`] : [])].join(' ')
  return { outcome: 'refused', code, message, voucher: '' }
}

const outcomes = { done: '已发放 done', refused: '未发放 refused', running: '处理中 running' } as const

/** The file as it was given, with a verdict behind each row. */
export function withVerdicts(
  { header, rows }: VoucherFile,
  verdictOf: (row: number) => Verdict | undefined,
): readonly (readonly string[])[] {
  const width = rows.reduce((most, { cells }) => Math.max(most, cells.length), header.length)
  const wide = (cells: readonly string[]) => [...cells, ...Array<string>(width - cells.length).fill('')]
  return [
    [...wide(header), '结果 outcome', '代码 code', '说明 message', '券号 voucher'],
    ...rows.map(({ cells }, n) => {
      const { outcome, code, message, voucher } = verdictOf(n) ?? {
        outcome: 'running',
        code: '',
        message: '',
        voucher: '',
      }
      return [...wide(cells), outcomes[outcome as keyof typeof outcomes], code, message, voucher]
    }),
  ]
}
