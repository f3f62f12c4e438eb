import { provinces } from '../core/division.js'
import type { Fen } from '../core/money.js'
import type { Day } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { clearingCovers, clearingModes } from './contract.js'

/** How two provinces clear what they owe each other's payees 清算协议; days inclusive, amounts in fen. */
export interface ClearingAgreement {
  /** The number of the region's command that offered it. */
  readonly agreement: number
  /** The number of the region's command that last wrote it. */
  readonly version: number
  readonly mode: (typeof clearingModes)[number]
  /** Whose periods it is cleared in. */
  readonly group: string
  readonly covers: (typeof clearingCovers)[number]
  /** A smaller net of a period is paid directly. */
  readonly threshold: Fen | null
  /** A larger net of a period is paid directly 净借记上限. */
  readonly cap: Fen | null
  readonly from: Day
  readonly to: Day
  readonly document: string | null
  /** The provinces that have signed it. */
  readonly signed: readonly Book[]
  /** The day it was ended on, which it still covers. */
  readonly ended: Day | null
}

/** All clearing agreements of two provinces, the lower code first. */
export interface ClearingPair extends Fact {
  readonly one: Book
  readonly other: Book
  readonly agreements: readonly ClearingAgreement[]
}

export const clearingKey = (one: Book, other: Book) => (one < other ? `${one}-${other}` : `${other}-${one}`)

export const clearingAgreements: FactKind<ClearingPair> = {
  name: 'clearing_agreements',
  key: ({ one, other }) => clearingKey(one, other),
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(ClearingAgreement & { one: Book; other: Book; number: bigint; written: bigint })[]>`
      select one, other, agreement as number, version as written, mode, group_name as "group", covers, threshold, cap,
             valid_from as "from", valid_to as "to", document, signed, ended
      from clearing_agreements where one || '-' || other = any (${keys as string[]}) order by one, other, agreement`
    const pairs = new Map<string, ClearingPair & { agreements: ClearingAgreement[] }>()
    for (const { one, other, number, written, ...terms } of rows) {
      const key = clearingKey(one, other)
      const pair = pairs.get(key) ?? { book: REGION, one, other, agreements: [] }
      pair.agreements.push({ ...terms, agreement: Number(number), version: Number(written) })
      pairs.set(key, pair)
    }
    return [...pairs.values()]
  },
}

/** An agreement with the provinces it is between. */
export type AgreementOfPair = Pick<ClearingPair, 'one' | 'other'> & ClearingAgreement

/** All clearing agreements, whatever became of them: an item belongs to the one that was in force on its day. */
export function everyAgreement(find: Find): AgreementOfPair[] {
  const keys = provinces.flatMap((one, n) =>
    provinces.slice(n + 1).map((other) => clearingKey(Number(one), Number(other))),
  )
  find.ahead(...keys.map((key) => [clearingAgreements, key] as const))
  return keys.flatMap((key) => {
    const pair = find(clearingAgreements, key)
    return pair ? pair.agreements.map((it) => ({ one: pair.one, other: pair.other, ...it })) : []
  })
}

export const clearingId = ({ one, other }: Pick<ClearingPair, 'one' | 'other'>, agreement: number) =>
  `${clearingKey(one, other)}-${agreement}`

/** The parts of a clearing agreement's id. */
export function parseClearingId(id: string): { readonly one: Book; readonly other: Book; readonly agreement: number } {
  const [one, other, agreement] = id.split('-').map(Number)
  return { one: one!, other: other!, agreement: agreement! }
}

/** The last day that an agreement covers. */
export const lastDayOf = ({ to, ended }: Pick<ClearingAgreement, 'to' | 'ended'>): Day =>
  ended !== null && ended < to ? ended : to

export const isSigned = ({ signed }: Pick<ClearingAgreement, 'signed'>) => signed.length === 2
