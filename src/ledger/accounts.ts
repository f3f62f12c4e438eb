import type { Fen } from '../core/money.js'
import type { Sql } from '../platform/database.js'
import type { Book } from './book.js'
import { type AccountKind, accountKind, accountKinds, type TransferType, transferType } from './chart.js'
import type { Fact, FactKind, Find } from './fact.js'
import type { AccountName } from './plan.js'

/** An account with its two sides, in fen: `posted` on the normal side, `held` of it by open holds. */
export interface Account extends Fact, AccountName {
  readonly account: number
  readonly posted: Fen
  readonly held: Fen
}

const SEPARATOR = '\u001f'

/** The key of an account: book, kind and owner. */
export function accountKey(book: Book, name: AccountName): string {
  return `${book}${SEPARATOR}${name.kind}${SEPARATOR}${name.owner}`
}

export const accounts: FactKind<Account> = {
  name: 'accounts',
  key: (account) => accountKey(account.book, account),
  bookOf: (key) => Number(key.slice(0, key.indexOf(SEPARATOR))),
  async load(sql, keys) {
    const parts = keys.map((key) => key.split(SEPARATOR) as [string, AccountKind, string])
    const rows = await sql<
      { book: number; account: number; kind: number; owner: string; province: number | null; posted: Fen; held: Fen }[]
    >`
      select a.book, a.account, a.kind, a.owner, a.province, a.posted, a.held
      from unnest(${parts.map((p) => Number(p[0]))}::int[], ${parts.map((p) => accountKinds[p[1]].no)}::int[],
                  ${parts.map((p) => p[2])}::text[]) as k (book, kind, owner)
      join accounts a on a.book = k.book and a.kind = k.kind and a.owner = k.owner`
    return rows.map(({ province, kind, ...rest }) => ({
      ...rest,
      kind: accountKind(kind),
      ...(province === null ? {} : { province }),
    }))
  },
}

/** What an account can still give, in fen: posted less held; nothing when it was never opened. */
export function available(find: Find, book: Book, name: AccountName): Fen {
  const account = find(accounts, accountKey(book, name))
  return account ? account.posted - account.held : 0n
}

/** Names accounts that an entry will move, for `find.ahead`. */
export function accountsOf(book: Book, ...names: readonly AccountName[]): [FactKind<Account>, string][] {
  return names.map((name) => [accounts, accountKey(book, name)])
}

/** One leg of a hold 额度冻结: what was held between two accounts and what of it is still open, in fen. */
export interface Leg {
  readonly leg: number
  readonly type: TransferType
  readonly debit: AccountName
  readonly credit: AccountName
  readonly amount: Fen
  readonly open: Fen
}

/** A hold, named by the number of the command that made it. */
export interface Hold extends Fact {
  readonly hold: number
  readonly legs: readonly Leg[]
}

export const holdKey = (book: Book, hold: number) => `${book}/${hold}`

export const holds: FactKind<Hold> = {
  name: 'holds',
  key: (hold) => holdKey(hold.book, hold.hold),
  bookOf: (key) => Number(key.slice(0, key.indexOf('/'))),
  async load(sql, keys) {
    const parts = keys.map((key) => key.split('/').map(Number) as [number, number])
    const rows = await loadLegs(sql, parts)
    const found = new Map<string, { book: Book; hold: number; legs: Leg[] }>()
    for (const { book, hold, ...leg } of rows) {
      const key = holdKey(book, hold)
      const legs = found.get(key)?.legs ?? []
      legs.push(leg)
      found.set(key, { book, hold, legs })
    }
    return [...found.values()]
  },
}

async function loadLegs(sql: Sql, parts: readonly [number, number][]): Promise<(Leg & { book: Book; hold: number })[]> {
  const rows = await sql<
    {
      book: number
      hold: bigint
      leg: number
      type: number
      amount: Fen
      open: Fen
      debitKind: number
      debitOwner: string
      creditKind: number
      creditOwner: string
      creditProvince: number | null
    }[]
  >`
    select h.book, h.hold, h.leg, h.type, h.amount, h.open, d.kind as "debitKind", d.owner as "debitOwner",
           c.kind as "creditKind", c.owner as "creditOwner", c.province as "creditProvince"
    from unnest(${parts.map((p) => p[0])}::int[], ${parts.map((p) => p[1])}::bigint[]) as k (book, hold)
    join holds h on h.book = k.book and h.hold = k.hold
    join accounts d on d.book = h.book and d.account = h.debit
    join accounts c on c.book = h.book and c.account = h.credit
    order by h.book, h.hold, h.leg`
  return rows.map((r) => ({
    book: r.book,
    hold: Number(r.hold),
    leg: r.leg,
    type: transferType(r.type),
    debit: { kind: accountKind(r.debitKind), owner: r.debitOwner },
    credit: {
      kind: accountKind(r.creditKind),
      owner: r.creditOwner,
      ...(r.creditProvince === null ? {} : { province: r.creditProvince }),
    },
    amount: r.amount,
    open: r.open,
  }))
}

/** What is still open on a hold over all its legs, in fen. */
export function openOf(hold: Hold): Fen {
  return hold.legs.reduce((sum, leg) => sum + leg.open, 0n)
}
