import { bookText } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import type { Book } from '../ledger/book.js'

/** The words for places in the ledger, in both languages. */
const words = {
  seq: 'command 指令',
  kind: '',
  entry: 'entry 凭证',
  line: 'line 行',
  account: 'account 账户',
  hold: 'hold 冻结',
  leg: 'leg 分支',
  program: 'program 券种',
  voucher: 'voucher 创新券',
  order: 'order 订单',
  period: 'period 清算周期',
} as const

type Where = { readonly [K in keyof typeof words]?: string | number | bigint | null | undefined }

/** A place in the ledger: `book 账套 310000, entry 凭证 12, account 账户 3`. What is null is left out. */
export function place(book: Book, where: Where = {}): string {
  const parts = Object.entries(where).flatMap(([what, value]) =>
    value === null || value === undefined ? [] : [`${words[what as keyof typeof words]} ${value}`.trim()],
  )
  return [`book 账套 ${bookText(book)}`, ...parts].join(', ')
}

/** A sentence in English with Chinese beside it. */
export function said(where: string, en: string, zh: string): string {
  return `${where}: ${en}. ${zh}。`
}

/** One figure that should be another. */
export function differ(where: string, what: string, found: unknown, of: string, wanted: unknown): string {
  return said(where, `${what} is ${found}, ${of} is ${wanted}`, `${what} 为 ${found}，应为 ${wanted}`)
}

/** An amount that should be another. */
export function unequal(where: string, what: string, found: Fen, of: string, wanted: Fen): string {
  return differ(where, what, yuan(found), of, yuan(wanted))
}

/** An account with its name: `book 账套 310000, account 账户 3 pool:SH`. */
export const accountAt = (
  { book, account, kind, owner }: { book: Book; account: number; kind: string; owner: string },
  entry?: number,
) => place(book, { entry, account: `${account} ${nameOf({ kind, owner })}` })

/** What an account is called: `pool:SH`, `treasury`. */
export const nameOf = ({ kind, owner }: { kind: string; owner: string }) => (owner === '' ? kind : `${kind}:${owner}`)
