import type { Fen } from '../../core/money.js'
import type { Book } from '../../ledger/book.js'
import { batchId, lineReference } from '../../payments/facts.js'
import type { Sql } from '../../platform/database.js'
import { accountAt, place, said, unequal } from '../finding.js'
import { kindNo } from './run.js'

/**
 * What is on its way to payees 在途拨付, batch by batch: the account has what was released of the lines and is not paid;
 * and of each line is paid what bank lines confirm, less what came back.
 */
export async function lines(sql: Sql): Promise<string | undefined> {
  const batches = await sql<
    { book: Book; batch: bigint | null; account: number | null; owner: string | null; posted: Fen; due: Fen }[]
  >`
    select coalesce(b.book, a.book) as book, b.batch, a.account, a.owner, coalesce(a.posted, 0) as posted,
           coalesce(b.due, 0)::bigint as due
    from (select b.book, b.batch, sum(l.released - l.paid) as due
          from payment_batches b left join payment_lines l on l.book = b.book and l.batch = b.batch
          group by b.book, b.batch) b
    full join (select * from accounts where kind = ${kindNo('paying')}) a
      on a.book = b.book and a.owner = b.batch::text
    order by 1, 2`
  for (const { book, batch, account, owner, posted, due } of batches) {
    const where =
      account === null
        ? `${place(book)}, ${batchId({ book, batch: Number(batch) })}`
        : accountAt({ book, account, kind: 'paying', owner: owner! })
    if (batch === null) return said(where, 'belongs to no payment batch', '不属于任何拨付批次')
    if (posted !== due) {
      return unequal(where, 'posted 余额', posted, "what the batch's lines have released and not paid", due)
    }
  }
  const [line] = await sql<{ book: Book; batch: bigint; line: number; paid: Fen; bank: Fen }[]>`
    select l.book, l.batch, l.line, l.paid, coalesce(m.amount, 0)::bigint as bank
    from payment_lines l
    left join (
      select payer, batch, line, sum(case when kind = 'pay' then amount else -amount end) as amount
      from bank_matches where kind in ('pay', 'bounce') group by payer, batch, line
    ) m on m.payer = l.book and m.batch = l.batch and m.line = l.line
    where l.paid <> coalesce(m.amount, 0) order by 1, 2, 3 limit 1`
  if (!line) return undefined
  const where = `${place(line.book)}, line 拨付明细 ${lineReference(line.book, Number(line.batch), line.line)}`
  return unequal(where, 'paid 已付', line.paid, 'what bank lines confirm', line.bank)
}
