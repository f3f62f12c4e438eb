import type { Fen } from '../core/money.js'
import { post } from '../ledger/entry.js'
import type { Transfer } from '../ledger/plan.js'
import { TREASURY } from '../settlement/facts.js'
import { lineReference, type PaymentBatch, type PaymentLine, payingOf, sourceOf } from './facts.js'

/** An amount of one line of a batch, in fen. */
export interface LineAmount {
  readonly line: number
  readonly amount: Fen
}

/** What comes of a batch: its entry, and the batch afterwards. */
export interface Moved {
  readonly entry: readonly Transfer[]
  readonly batch: PaymentBatch
}

/** The line of a batch; throws when there is none. */
function lineOf({ book, batch, lines }: PaymentBatch, number: number): PaymentLine {
  const line = lines[number - 1]
  if (line?.line !== number) throw new Error(`there is no payment line ${lineReference(book, batch, number)}`)
  return line
}

function withLine(batch: PaymentBatch, line: PaymentLine): PaymentBatch {
  return { ...batch, lines: batch.lines.with(line.line - 1, line) }
}

/** Whether a bank line may confirm so much of a payment line, beside what was confirmed before. */
export const canPay = ({ state, released, paid }: PaymentLine, amount: Fen) =>
  state === 'released' && amount > 0n && paid + amount <= released

/** Bank lines confirm payments 银行付讫, each a part or all of a line. Throws when `canPay` says no. */
export function pay(batch: PaymentBatch, paid: readonly LineAmount[]): Moved {
  let after = batch
  const entry = paid.map(({ line: number, amount }) => {
    const line = lineOf(after, number)
    if (!canPay(line, amount)) throw new Error(`line ${number} of batch ${batch.batch} cannot be paid ${amount}`)
    const sum = line.paid + amount
    after = withLine(after, { ...line, paid: sum, state: sum === line.released ? 'paid' : 'released' })
    return post('remit', payingOf(batch), TREASURY, amount)
  })
  return { entry, batch: after }
}

/** Whether all that was paid of a line may come back. */
export const canBounce = ({ paid }: PaymentLine, amount: Fen) => paid > 0n && amount === paid

/** A payment comes back 退汇: what is still on its way is stopped, and the line is open again. Throws unless `canBounce`. */
export function bounce(batch: PaymentBatch, number: number): Moved {
  const line = lineOf(batch, number)
  if (!canBounce(line, line.paid)) throw new Error(`nothing was paid of line ${number} of batch ${batch.batch}`)
  const source = sourceOf(batch, line)
  return {
    entry: [
      post(batch.source === 'clearing' ? 'receive' : 'bounce', TREASURY, source, line.paid),
      ...rest(batch, line),
    ],
    batch: withLine(batch, { ...opened(line), bounces: line.bounces + 1 }),
  }
}

/** Takes a release back while the bank has paid nothing of it 撤销放行: the line is open again. */
export function stop(batch: PaymentBatch, number: number): Moved {
  const line = lineOf(batch, number)
  if (line.state !== 'released' || line.paid > 0n) throw new Error(`line ${number} of batch ${batch.batch} is paid`)
  return { entry: rest(batch, line), batch: withLine(batch, opened(line)) }
}

/** What was released and not paid goes back to where it came from. */
function rest(batch: PaymentBatch, line: PaymentLine): Transfer[] {
  const amount = line.released - line.paid
  const type = batch.source === 'clearing' ? 'stop_clearing' : 'stop'
  return amount > 0n ? [post(type, payingOf(batch), sourceOf(batch, line), amount)] : []
}

const opened = (line: PaymentLine): PaymentLine => ({
  ...line,
  state: 'open',
  released: 0n,
  paid: 0n,
  release: null,
  account: null,
})
