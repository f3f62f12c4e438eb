import { fenOf, type Read } from './auditors.js'
import { provinces } from './cast.js'
import { entryAt, type Line } from './history.js'

/** Sums that only grow, by province: what a report shows of each lies between what was answered and what was asked. */
const GROWING = {
  appropriated: ['appropriate', 'amount'],
  issued: ['issue', 'amount'],
  approved: ['approve_claim', 'approved'],
  clawedBack: ['claw_back', 'amount'],
} as const

/** Sums over time: how much lies before an instant. */
class Sums {
  readonly #at: number[] = []
  readonly #sums: bigint[] = []

  constructor(items: readonly { readonly at: number; readonly amount: bigint }[]) {
    let sum = 0n
    for (const { at, amount } of items.toSorted((a, b) => a.at - b.at)) {
      sum += amount
      this.#at.push(at)
      this.#sums.push(sum)
    }
  }

  before(instant: number): bigint {
    let low = 0
    let high = this.#at.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#at[middle]! < instant) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0n : this.#sums[low - 1]!
  }
}

/** What the provinces' reports showed that cannot have been so. */
export function* offInReports(reports: readonly Read[], lines: readonly Line[]): Generator<string> {
  const bounds = provinces.flatMap((province) =>
    Object.entries(GROWING).map(([name, [kind, field]]) => {
      const items = lines
        .filter((line) => line.kind === kind && Math.floor(line.book / 10_000) === Number(province) / 10_000)
        .map(({ note, event }) => ({ note, amount: fenOf(event[field]) }))
      return {
        province,
        name,
        least: new Sums(items.map(({ note, amount }) => ({ at: note?.answered ?? Number.POSITIVE_INFINITY, amount }))),
        most: new Sums(items.map(({ note, amount }) => ({ at: note?.sent ?? Number.NEGATIVE_INFINITY, amount }))),
      }
    }),
  )
  for (const { sent, answered, body } of reports) {
    for (const province of provinces) {
      const report = body.provinces[province]
      const { appropriated, pool, available, held, approved, clawedBack } = report
      const placed = fenOf(pool) + fenOf(available) + fenOf(held) + fenOf(approved) - fenOf(clawedBack)
      if (placed !== fenOf(appropriated)) {
        yield `a report of ${province} does not add up, ${placed} fen are somewhere: ${JSON.stringify(report)}`
      }
    }
    for (const { province, name, least, most } of bounds) {
      const shown = fenOf(body.provinces[province][name])
      const [from, to] = [least.before(sent), most.before(answered)]
      if (shown < from || shown > to) {
        yield `a report of ${province} shows ${shown} fen ${name}: ${from} had been answered before it, ${to} asked for`
      }
    }
  }
}

/** What balances were said to be as of that cannot have been so. */
export function* offInBalances(balances: readonly Read[], lines: readonly Line[]): Generator<string> {
  for (const { path, sent, body } of balances) {
    const book = Number(body.book)
    const moment = new URL(path, 'http://localhost').searchParams.get('at')
    if (moment !== null) {
      const entry = entryAt(lines, book, moment)
      if (entry !== body.entry) yield `${path} was entry ${body.entry}, the log says ${entry}`
      continue
    }
    const missing = lines.find(
      (line) => line.book === book && (line.entry ?? 0) > body.entry && (line.note?.answered ?? sent) < sent,
    )
    if (missing) yield `${path} stood at entry ${body.entry}, though entry ${missing.entry} had been answered before`
  }
}
