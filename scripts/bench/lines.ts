import { randomInt } from 'node:crypto'
import { jurisdictions, provinceOf } from '../../src/core/division.js'
import { SYSTEM } from '../../src/engine/command.js'
import type { Engine } from '../../src/engine/engine.js'
import { payCommand } from '../../src/settlement/commands.js'
import { uscc } from '../../test/support/scene.js'
import type { Bench } from './bench.js'
import { settle, withEngine } from './cluster.js'
import { floorLines } from './floor.js'
import { inTurn, must, oneOf, pooled, sustain } from './load.js'

/** Lines of an entry. */
const LINES = 1000
/** Entries in flight: two batches of a few. */
const IN_FLIGHT = 16
const AMOUNT = 100n

/** A book with those it pays. */
interface Payer {
  readonly book: number
  readonly payees: readonly { readonly payee: string; readonly province: number }[]
}

/** Transfers a second in entries of 1,000 lines, as a period's payments are booked: one entry a book. */
export async function lines({ cluster, figures, sizes, say, verify }: Bench): Promise<void> {
  const { runs, seconds, payingBooks } = sizes
  const database = await cluster.fresh('lines')
  const step = Math.floor(jurisdictions.length / payingBooks)
  const payers = Array.from({ length: payingBooks }, (_, n) => payerOf(jurisdictions[n * step]!.code, sizes.payees))
  figures.heading(`Long entries 多行凭证: 1,000 lines each, ${payingBooks} books with ${sizes.payees} payees`)
  say('  opening accounts')
  await withEngine(database, {}, (engine) =>
    pooled(IN_FLIGHT, payers, (payer) => payAndRecover(engine, payer, payer.payees)),
  )
  await settle(database)
  const copy = await cluster.copy(database, 'lines_floor')
  const context = { database: copy, books: payers.map(({ book }) => book) }

  say('  entries of 1,000 lines')
  await withEngine(database, {}, async (engine) => {
    await pooled(IN_FLIGHT, payers, (payer) => payAndRecover(engine, payer, payer.payees))
    const [ours, floor] = await inTurn(
      runs,
      say,
      async () => {
        const pairs = await sustain(IN_FLIGHT, seconds, () => {
          const payer = oneOf(payers)
          return payAndRecover(engine, payer, someOf(payer.payees))
        })
        return pairs * 2 * LINES
      },
      () => floorLines(context, { seconds }),
    )
    figures.record('lines_per_s', 'transfers a second', '/s', ours!, 'lines_floor_per_s')
    figures.record('lines_floor_per_s', '  the same rows by SQL alone', '/s', floor!)
  })
  await cluster.drop(copy)
  await verify(database)
  await cluster.drop(database)
}

function payerOf(jurisdiction: string, count: number): Payer {
  const province = Number(provinceOf(jurisdiction))
  return {
    book: Number(jurisdiction),
    payees: Array.from({ length: count }, (_, n) => ({ payee: `provider:${uscc(n)}`, province })),
  }
}

/**
 * Pays and takes the same back with the next entry: no period stands behind these payments, and the audit wants what
 * was paid for a period to be the sum of its items.
 */
async function payAndRecover(engine: Engine, { book }: Payer, payees: Payer['payees']): Promise<void> {
  for (const amount of [AMOUNT, -AMOUNT]) {
    const command = { period: 'bench', book, payees: payees.map((payee) => ({ ...payee, amount })), orders: [] }
    await must(engine, { type: payCommand, command, actor: SYSTEM })
  }
}

/** A thousand of a book's payees, each once: every so-manyth from a random one on. */
function someOf(payees: Payer['payees']): Payer['payees'] {
  const start = randomInt(payees.length)
  return Array.from({ length: LINES }, (_, n) => payees[(start + n) % payees.length]!)
}
