import { inForceOn } from '../bank-accounts/facts.js'
import { type OpenedAccount, ofVersions } from '../bank-accounts/numbers.js'
import type { KeyRing } from '../bank-accounts/seal.js'
import { bookText } from '../core/ids.js'
import { type Fen, yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { dayOf, type Instant } from '../core/time.js'
import type { Pages, Written } from '../platform/cells.js'
import type { Sql } from '../platform/database.js'
import { lineReference, type PaymentBatch, parseBatchId } from './facts.js'
import type { Instruction } from './pain.js'

const purposes: Readonly<Record<PaymentBatch['source'], string>> = {
  payable: '科技创新券兑付',
  clearing: '科技创新券跨区域清算',
}

/**
 * What the bank is told of a release: its lines as they are on their way or paid, each to the account it was released
 * with, from the account that the book had on that day. Throws Refused: release_not_found, account_missing with all
 * lines that have none, account_unreadable.
 */
export async function instructionOf(sql: Sql, ring: KeyRing, id: string, release: number): Promise<Instruction> {
  const { book, batch } = parseBatchId(id)
  const lines = await sql<
    { line: number; amount: Fen; account: bigint | null; period: string; source: PaymentBatch['source'] }[]
  >`
    select l.line, l.released as amount, l.account, b.period, b.source
    from payment_lines l join payment_batches b on b.book = l.book and b.batch = l.batch
    where l.book = ${book} and l.batch = ${batch} and l.release = ${release} order by l.line`
  const [booked] = await sql<{ moment: bigint }[]>`
    select (extract(epoch from booked_at) * 1000)::bigint as moment from commands where book = ${book} and seq = ${release}`
  if (!booked || lines.length === 0) throw new Refused('release_not_found', { batch: id, release })
  const at = Number(booked.moment)
  const payer = await payerOf(sql, bookText(book), at)
  const wanted = [payer, ...lines.map(({ account }) => account)].filter((one) => one !== null)
  const accounts = await ofVersions(sql, ring, [...new Set(wanted.map(Number))])
  const accountOf = (number: bigint | null) => (number === null ? undefined : accounts.get(Number(number)))
  const from = accountOf(payer)
  const missing = lines.filter(({ account }) => !accountOf(account)).map(({ line }) => line)
  if (!from || missing.length > 0) {
    throw new Refused('account_missing', { lines: missing.join(' '), payer: from ? null : bookText(book) })
  }
  return {
    message: `P${bookText(book)}-${release}`,
    at,
    from,
    transfers: lines.map(({ line, amount, account, source, period }) => ({
      reference: lineReference(book, batch, line),
      amount,
      to: accountOf(account)!,
      purpose: `${purposes[source]} ${period}`,
    })),
  }
}

/** The account that a book paid from at an instant. */
async function payerOf(sql: Sql, owner: string, at: Instant): Promise<bigint | null> {
  const rows = await sql<{ account: bigint; state: 'confirmed'; from: string | null }[]>`
    select account, state, valid_from as "from" from bank_accounts where owner = ${owner} order by account`
  return inForceOn(rows, dayOf(at))?.account ?? null
}

const columns = [
  '序号',
  '收款人户名',
  '收款人账号',
  '收款人开户行',
  '收款人联行号',
  '金额（元）',
  '币种',
  '附言',
  '用途',
]

/** The table that banks take: the payer above, a row for each payment, the control totals above them. */
export function tableOf({ message, from, transfers }: Instruction): Pages {
  const party = ({ holder, number, bank, bankCode }: OpenedAccount) => [holder, number, bank, bankCode]
  const rows = transfers.map(({ reference, amount, to, purpose }, n): Written[] => [
    n + 1,
    ...party(to),
    { yuan: yuan(amount) },
    'CNY',
    reference,
    purpose,
  ])
  const total = transfers.reduce((sum, { amount }) => sum + amount, 0n)
  return [
    [
      ['批次号', message],
      ['付款人户名', from.holder],
      ['付款人账号', from.number],
      ['付款人开户行', from.bank],
      ['付款人联行号', from.bankCode],
      ['总笔数', transfers.length],
      ['总金额（元）', { yuan: yuan(total) }],
      columns,
      ...rows,
    ],
  ]
}
