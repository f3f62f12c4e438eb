import type { Fen } from '../core/money.js'
import { post } from '../ledger/entry.js'
import type { AccountName, Transfer } from '../ledger/plan.js'
import { TREASURY } from '../settlement/facts.js'
import { clearingOf, lineReference, type PaymentBatch, type PaymentLine, payingOf, sourceOf } from './facts.js'

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

/** What a payee is owed by a book and must give back to it, in fen, over all periods. */
export interface Balances {
  readonly owed: Fen
  readonly owing: Fen
}

interface Release {
  /** The number of the book's command that releases them. */
  readonly seq: number
  /** By payee; of jurisdictions there are none. */
  readonly balances: ReadonlyMap<string, Balances>
  /** As the period has it, whatever the payee must give back besides. */
  readonly inFull: boolean
  /** By payee: the version of the account that it is paid to. */
  readonly accounts?: ReadonlyMap<string, number>
}

const smaller = (a: Fen, b: Fen) => (a < b ? a : b)
const larger = (a: Fen, b: Fen) => (a > b ? a : b)

/**
 * Releases open lines for payment 拨付放行: what is payable less what is recoverable, so a claw-back since the closing
 * lessens a line or stops it; `released` are the amounts to be paid. Throws when a line is not open.
 */
export function release(
  batch: PaymentBatch,
  numbers: readonly number[],
  { seq, balances, inFull, accounts }: Release,
): Moved & { readonly released: readonly LineAmount[] } {
  let after = batch
  const left = new Map(balances)
  const released: LineAmount[] = []
  const entry = numbers.flatMap((number) => {
    const line = lineOf(after, number)
    if (line.state !== 'open') throw new Error(`line ${number} of batch ${batch.batch} is ${line.state}`)
    const due = dueOf(batch, line, left, inFull)
    const account = accounts?.get(line.payee) ?? null
    const state = due > 0n ? 'released' : 'set_off'
    const rest = { setOff: line.amount - due, release: due > 0n ? seq : null, account: due > 0n ? account : null }
    after = withLine(after, { ...line, ...rest, state, released: due })
    if (due > 0n) released.push({ line: number, amount: due })
    return batch.source === 'clearing'
      ? [post('release_clearing', clearingOf(batch.period), payingOf(batch), due)]
      : releasing(batch, line, left, due)
  })
  return { entry, batch: after, released }
}

/** What an open line would be paid, in fen. */
function dueOf({ source }: PaymentBatch, line: PaymentLine, left: ReadonlyMap<string, Balances>, inFull: boolean): Fen {
  const most = line.amount - line.setOff
  if (source === 'clearing') return most
  if (inFull) return larger(0n, line.amount - larger(line.setOff, line.clawedBack))
  const { owed, owing } = left.get(line.payee)!
  return smaller(most, larger(0n, owed - owing))
}

/** Out of what is payable, then beyond it; what is still payable goes against what is recoverable. */
function releasing(batch: PaymentBatch, line: PaymentLine, left: Map<string, Balances>, due: Fen): Transfer[] {
  const { owed, owing } = left.get(line.payee)!
  const payable = sourceOf(batch, line)
  const recoverable: AccountName = { ...payable, kind: 'recoverable' }
  const first = smaller(due, owed)
  const beyond = due - first
  const against = smaller(owed - first, owing)
  left.set(line.payee, { owed: owed - first - against, owing: owing + beyond - against })
  return [
    ...(first > 0n ? [post('release', payable, payingOf(batch), first)] : []),
    ...(beyond > 0n ? [post('release_recoverable', recoverable, payingOf(batch), beyond)] : []),
    ...(against > 0n ? [post('set_off', payable, recoverable, against)] : []),
  ]
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
