import { accountInForce, bankAccounts, ownerOf } from '../bank-accounts/facts.js'
import { bookText } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { Refused, refuse } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { byTwo } from '../engine/proposal.js'
import { accountsOf, available } from '../ledger/accounts.js'
import type { Find } from '../ledger/fact.js'
import { row } from '../ledger/plan.js'
import { paymentStopped, paymentsReleased, releasePayments, stopPayment } from './contract.js'
import { batchId, batchKey, type PaymentBatch, parseBatchId, payingOf, paymentBatches, sourceOf } from './facts.js'
import { type Balances, release, stop } from './rules.js'

/** The batch of this id; throws Refused('batch_not_found'). */
function batchOf(find: Find, id: string): PaymentBatch {
  const { book, batch } = parseBatchId(id)
  const found = find(paymentBatches, batchKey(book, batch))
  if (!found) throw new Refused('batch_not_found', { batch: id })
  return found
}

/**
 * Releases lines of a batch for payment (拨付放行): what is payable less what is recoverable. Refuses line_not_open, and control_total_mismatch when it is not what the proposer counted.
 */
export const releasePaymentsCommand = byTwo({
  kind: 'release_payments',
  schema: releasePayments,
  event: paymentsReleased,
  facts(find, { batch: id }, day) {
    const batch = batchOf(find, id)
    const { book } = batch
    find.ahead(...batch.lines.map(({ payee }) => [bankAccounts, ownerOf(payee)] as const))
    const payees = batch.source === 'payable' ? batch.lines.map((line) => sourceOf(batch, line)) : []
    find.ahead(
      ...accountsOf(book, payingOf(batch)),
      ...accountsOf(book, ...payees.flatMap((payable) => [payable, { ...payable, kind: 'recoverable' as const }])),
    )
    const balances = new Map(
      payees.map((payable): [string, Balances] => [
        payable.owner,
        {
          owed: available(find, book, payable),
          owing: available(find, book, { ...payable, kind: 'recoverable' }),
        },
      ]),
    )
    const accounts = new Map(
      batch.lines.flatMap(({ payee }) => {
        const account = accountInForce(find, payee, day)
        return account ? [[payee, account.account] as const] : []
      }),
    )
    return { book, batch, balances, accounts }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, bookText(book)),
  decide({ book, batch, balances, accounts }, { lines, inFull, count, total }, { seq }) {
    const numbers = lines ?? batch.lines.filter(({ state }) => state === 'open').map(({ line }) => line)
    const other = numbers.find((number) => batch.lines[number - 1]?.state !== 'open')
    if (other !== undefined || numbers.length === 0 || new Set(numbers).size < numbers.length) {
      return refuse('line_not_open', { line: other ?? null })
    }
    const moved = release(batch, numbers, { seq, balances, inFull, accounts })
    const sum = moved.released.reduce((sum, { amount }) => sum + amount, 0n)
    if (moved.released.length !== count || sum !== total) {
      return refuse('control_total_mismatch', { count: moved.released.length, total: yuan(sum) })
    }
    const due = numbers.reduce((sum, number) => {
      const line = batch.lines[number - 1]!
      return sum + line.amount - line.setOff
    }, 0n)
    return {
      book,
      entry: moved.entry,
      rows: [row(paymentBatches, moved.batch)],
      event: { batch: batchId(batch), release: seq, count, total: yuan(sum), setOff: yuan(due - sum) },
    }
  },
})

/** Takes a released line back while the bank has paid nothing of it (撤销放行). Refuses state_conflict. */
export const stopPaymentCommand = byTwo({
  kind: 'stop_payment',
  schema: stopPayment,
  event: paymentStopped,
  facts(find, { batch: id, line: number }) {
    const batch = batchOf(find, id)
    const line = batch.lines[number - 1]
    find.ahead(...accountsOf(batch.book, payingOf(batch), ...(line ? [sourceOf(batch, line)] : [])))
    return { book: batch.book, batch }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, bookText(book)),
  decide({ book, batch }, { line: number }) {
    const line = batch.lines[number - 1]
    if (line?.state !== 'released' || line.paid > 0n) return refuse('state_conflict', { state: line?.state ?? null })
    const moved = stop(batch, number)
    return {
      book,
      entry: moved.entry,
      rows: [row(paymentBatches, moved.batch)],
      event: { batch: batchId(batch), line: number, amount: yuan(line.released) },
    }
  },
})
