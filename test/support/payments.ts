/** Payment batches of a test's own, released: what a closing and a release would make. */
import { z } from 'zod'
import { commandTypes } from '../../src/commands.js'
import { type CommandType, command, SYSTEM } from '../../src/engine/command.js'
import type { Asked } from '../../src/engine/runner.js'
import { accountsOf, available } from '../../src/ledger/accounts.js'
import { post } from '../../src/ledger/entry.js'
import { type AccountName, row } from '../../src/ledger/plan.js'
import { type PaymentBatch, type PaymentLine, payingOf, paymentBatches, sourceOf } from '../../src/payments/facts.js'
import { signedMoney } from '../../src/platform/wire.js'
import { TREASURY } from '../../src/settlement/facts.js'

const CLEARED: AccountName = { kind: 'payable', owner: 'provider:cleared', province: 310000 }

const line = z.strictObject({
  payee: z.string(),
  province: z.number().nullable(),
  amount: signedMoney,
  /** Nothing of it is released when false. */
  isReleased: z.boolean().optional(),
})
export type TestLine = z.output<typeof line>

const made = z.strictObject({
  book: z.number(),
  period: z.string(),
  source: z.enum(['payable', 'clearing']),
  lines: z.array(line),
})
type Made = z.output<typeof made>

/** What is not owed yet comes from the treasury, and what is cleared from a payee of its own. */
const makeBatchCommand = command({
  kind: 'net_period',
  schema: made,
  event: z.object({ batch: z.number() }),
  facts(find, { book, period, source, lines }) {
    const places = lines.map((line) => sourceOf({ period, source }, line))
    find.ahead(...accountsOf(book, TREASURY, CLEARED, ...places))
    return { book, owed: places.map((place) => available(find, book, place)) }
  },
  decide({ book, owed }, { period, source, lines }, { seq }) {
    const batch: PaymentBatch = {
      book,
      batch: seq,
      period,
      source,
      lines: lines.map(({ isReleased = true, ...line }, n): PaymentLine => {
        const released = isReleased ? line.amount : 0n
        const state = isReleased ? 'released' : 'open'
        return {
          line: n + 1,
          ...line,
          clawedBack: 0n,
          setOff: 0n,
          state,
          released,
          paid: 0n,
          release: isReleased ? seq : null,
          account: null,
          bounces: 0,
        }
      }),
    }
    const entry = batch.lines.flatMap((line, n) => {
      const place = sourceOf(batch, line)
      const lacking = source === 'payable' ? line.amount - owed[n]! : line.amount
      const type = source === 'clearing' ? 'release_clearing' : 'release'
      return [
        ...(lacking > 0n ? [post('overrecover', TREASURY, source === 'clearing' ? CLEARED : place, lacking)] : []),
        ...(source === 'clearing' ? [post('novate', CLEARED, place, line.amount)] : []),
        ...(line.released > 0n ? [post(type, place, payingOf(batch), line.released)] : []),
      ]
    })
    return { book, entry, rows: [row(paymentBatches, batch)], event: { batch: seq } }
  },
})

// In the log of a test it passes for a kind that the test does not use, so that the log can be decided again.
;(commandTypes as Map<string, CommandType>).set('net_period', makeBatchCommand as unknown as CommandType)

export const makeBatch = (said: Made): Asked => ({ type: makeBatchCommand as never, command: said, actor: SYSTEM })
