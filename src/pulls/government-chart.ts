import seeds from '../../db/seeds/government-chart.json' with { type: 'json' }
import { isUnder } from '../core/division.js'
import { bookText } from '../core/ids.js'
import { type Book, REGION } from '../ledger/book.js'
import { type AccountKind, accountKinds } from '../ledger/chart.js'

/** A kind of account of the ledger as the government accounting chart 政府会计科目 has it. */
export interface Subject {
  readonly kind: AccountKind
  readonly code: string
  readonly name: string
}

export interface GovernmentChart {
  /** Whose it is; 000000: whoever's has none of its own. */
  readonly jurisdiction: string
  /** The rules that its codes are from. */
  readonly standard: string
  /** One for each kind of account, by code. */
  readonly subjects: readonly Subject[]
}

const CODE = /^\d{4}(\d{2})*$/

/** Reads charts as data. Throws Error on the first kind that is unknown, left out or given twice, or a code that is no code. */
export function readCharts(given: typeof seeds): readonly GovernmentChart[] {
  return given.charts.map(({ jurisdiction, standard, subjects }) => {
    const fault = (what: string) => new Error(`government-chart.json 科目对照, ${jurisdiction}: ${what}`)
    for (const { kind, code } of subjects) {
      if (!Object.hasOwn(accountKinds, kind)) throw fault(`no account kind ${kind} 账户种类未知`)
      if (!CODE.test(code)) throw fault(`${code} is no code 科目编码格式不符`)
      if (subjects.filter((other) => other.code === code).length > 1) throw fault(`${code} twice 科目编码重复`)
    }
    for (const kind of Object.keys(accountKinds)) {
      const found = subjects.filter((subject) => subject.kind === kind).length
      if (found !== 1) throw fault(`${kind} is mapped ${found} times 账户种类须恰好对照一次`)
    }
    const byCode = (a: { code: string }, b: { code: string }) => (a.code < b.code ? -1 : 1)
    return { jurisdiction, standard, subjects: (subjects as Subject[]).toSorted(byCode) }
  })
}

const charts = readCharts(seeds)

/** The chart of a book: its jurisdiction's own, else that of the nearest one above, else the region's. */
export function chartOf(book: Book, among = charts): GovernmentChart {
  const code = bookText(book)
  const own = among.filter(
    ({ jurisdiction }) => book !== REGION && Number(jurisdiction) > 0 && isUnder(code, jurisdiction),
  )
  const nearest = own.toSorted(
    (a, b) => b.jurisdiction.replace(/(00)+$/, '').length - a.jurisdiction.replace(/(00)+$/, '').length,
  )[0]
  return nearest ?? among.find(({ jurisdiction }) => Number(jurisdiction) === 0)!
}
