import { parseVoucherId, voucherId } from '../core/ids.js'
import type { Fen } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { post } from '../ledger/entry.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { AccountName, Transfer } from '../ledger/plan.js'
import { poolOf } from '../programs/facts.js'

export interface Voucher extends Fact {
  /** The number of the command that issued it. */
  readonly voucher: number
  readonly program: string
  readonly enterprise: string
  readonly amount: Fen
  readonly issuedOn: Day
  /** The last day it can be used; an extension moves it. */
  readonly useBy: Day
  readonly lapsedOn: Day | null
  /** The version of the program's rules it lives under. */
  readonly version: number
  /** The last day it may stay unused; null once an order was filed on it, and when the program recalls none. */
  readonly recallOn: Day | null
  /** The day it was extended 延期; once at most. */
  readonly extendedOn: Day | null
  /** Since when no order can be filed on it 暂停; null: it can. */
  readonly suspendedOn: Day | null
  /** How it ended on its `lapsedOn` when it did not lapse: given up unused 注销, or taken back unused 收回. */
  readonly ended: 'cancelled' | 'recalled' | null
}

export const vouchers: FactKind<Voucher> = {
  name: 'vouchers',
  key: ({ book, voucher }) => voucherId(book, voucher),
  bookOf: (key) => parseVoucherId(key)?.book,
  async load(sql, keys) {
    const ids = keys.map((key) => parseVoucherId(key)!)
    const rows = await sql<(Omit<Voucher, 'voucher'> & { voucher: bigint })[]>`
      select v.book, v.voucher, v.program, v.enterprise, v.amount, v.issued_on as "issuedOn", v.use_by as "useBy",
             v.lapsed_on as "lapsedOn", v.version, v.recall_on as "recallOn", v.extended_on as "extendedOn",
             v.suspended_on as "suspendedOn", v.ended
      from unnest(${ids.map((id) => id.book)}::int[], ${ids.map((id) => id.number)}::bigint[]) as k (book, voucher)
      join vouchers v on v.book = k.book and v.voucher = k.voucher`
    return rows.map((row) => ({ ...row, voucher: Number(row.voucher) }))
  },
}

/** The voucher of this id; throws Refused('voucher_not_found'). */
export function voucherOf(find: Find, id: string): Voucher {
  const voucher = find(vouchers, id)
  if (!voucher) throw new Refused('voucher_not_found', { voucher: id })
  return voucher
}

/** The last day it is there to be used: of use, or of staying unused. */
export const endsOn = ({ useBy, recallOn }: Pick<Voucher, 'useBy' | 'recallOn'>): Day =>
  recallOn !== null && recallOn < useBy ? recallOn : useBy

export const voucherAccount = (voucher: Voucher): AccountName => ({
  kind: 'voucher',
  owner: voucherId(voucher.book, voucher.voucher),
})

/**
 * Money given back to a voucher after its use-by day goes straight on to its pool, in the same entry; also once it has
 * lapsed, should the clock have stepped back over midnight since.
 */
export function passOn(voucher: Voucher, amount: Fen, day: Day): Transfer[] {
  if (amount === 0n || (day <= voucher.useBy && voucher.lapsedOn === null)) return []
  return [post('lapse', voucherAccount(voucher), poolOf(voucher.program), amount)]
}

/**
 * What an enterprise was granted under a program in a calendar year, under all versions, lapsed or not; the ceiling is
 * the annual cap of the version under which it was last granted.
 */
export interface Grant extends Fact {
  readonly program: string
  readonly enterprise: string
  readonly year: number
  readonly granted: Fen
  readonly ceiling: Fen
}

const SEPARATOR = '\u001f'

export const grantKey = (grant: Pick<Grant, 'book' | 'program' | 'enterprise' | 'year'>) =>
  [grant.book, grant.program, grant.enterprise, grant.year].join(SEPARATOR)

export const grants: FactKind<Grant> = {
  name: 'grants',
  isCounter: true,
  key: grantKey,
  bookOf: (key) => Number(key.slice(0, key.indexOf(SEPARATOR))),
  load(sql, keys) {
    const parts = keys.map((key) => key.split(SEPARATOR) as [string, string, string, string])
    return sql<Grant[]>`
      select g.book, g.program, g.enterprise, g.year, g.granted, g.ceiling
      from unnest(${parts.map((p) => Number(p[0]))}::int[], ${parts.map((p) => p[1])}::text[],
                  ${parts.map((p) => p[2])}::text[], ${parts.map((p) => Number(p[3]))}::int[])
             as k (book, program, enterprise, year)
      join grants g on g.book = k.book and g.program = k.program and g.enterprise = k.enterprise and g.year = k.year`
  },
}
