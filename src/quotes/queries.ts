import type { Actor } from '../core/actor.js'
import { voucherId } from '../core/ids.js'
import { contractFor, type Fen, MAX_FEN, parseYuan, yuan } from '../core/money.js'
import { isRefusal, type Refusal, Refused, refusals } from '../core/refusals.js'
import { type Clock, dayOf } from '../core/time.js'
import { overdueSource } from '../deadlines/owed.js'
import type { CommandType } from '../engine/command.js'
import { TryOut } from '../engine/tryout.js'
import { databaseSource } from '../ledger/world.js'
import { fileOrderCommand } from '../orders/commands.js'
import type { Sql } from '../platform/database.js'
import { MOST_VOUCHERS, type Quote, type QuoteContract } from './contract.js'
import { changes, limits } from './rules.js'

/** Of a contract that has no number yet: nobody can file one with this. */
const NO_NUMBER = '\u0001'
/** So often is a quote begun anew when what it rests on has moved meanwhile. */
const TRIES = 5

/** What `file_order` would do with each of the firm's vouchers. Throws Refused('voucher_not_found' | 'provider_not_found' | …). */
export async function quoteFor(sql: Sql, clock: Clock, asked: QuoteContract, actor: Actor): Promise<Quote> {
  const at = clock.now()
  const vouchers = await vouchersOf(sql, actor.organisation, asked.voucher ?? null)
  if (asked.voucher && vouchers.length === 0) throw new Refused('voucher_not_found', { voucher: asked.voucher })
  for (let tries = 0; tries < TRIES; tries++) {
    const tryOut = new TryOut({ ...databaseSource(sql), ...overdueSource(sql) }, { actor, at, day: dayOf(at) })
    const items: Quote['items'] = []
    try {
      for (const { id, program, useBy } of vouchers) {
        items.push({ voucher: id, program, useBy, ...(await carriedBy(tryOut, id, asked)) })
      }
    } catch (error) {
      // Facts of different moments can contradict each other.
      if (error instanceof Refused || (await tryOut.stillStands())) throw error
    }
    if (await tryOut.stillStands()) return { day: dayOf(at), best: bestOf(items), items }
  }
  throw new Refused('unavailable')
}

interface Found {
  readonly id: string
  readonly program: string
  readonly useBy: string
}

async function vouchersOf(sql: Sql, enterprise: string, only: string | null): Promise<Found[]> {
  const rows = await sql<{ book: number; voucher: bigint; program: string; useBy: string }[]>`
    select book, voucher, program, use_by as "useBy" from vouchers
    where enterprise = ${enterprise} and lapsed_on is null
      and (${only}::text is null or 'V' || book || '-' || voucher = ${only})
    order by use_by, book, voucher limit ${MOST_VOUCHERS}`
  return rows.map(({ book, voucher, ...row }) => ({ ...row, id: voucherId(book, Number(voucher)) }))
}

/** Asks for ever less, each time for what the refusal says there is, until it is granted. */
async function carriedBy(tryOut: TryOut, voucher: string, asked: QuoteContract) {
  const { provider, category, contractAmount, contractNo, relatedParty, localCategory, replaces } = asked
  const order = {
    voucher,
    provider,
    category,
    contractNo: contractNo ?? NO_NUMBER,
    relatedParty: relatedParty ?? false,
    localCategory,
    replaces,
  }
  const file = (amount: Fen, contract: Fen) =>
    tryOut.ask({
      type: fileOrderCommand as unknown as CommandType,
      command: { ...order, signedOn: tryOut.day, contractAmount: contract, voucherAmount: amount },
    })
  const most = async (contract: Fen): Promise<{ carries: Fen; refusal: Refusal | null }> => {
    let refusal: Refusal | null = null
    for (let amount = contract; amount > 0n; ) {
      const outcome = await file(amount, contract)
      if (!isRefusal(outcome)) return { carries: amount, refusal }
      refusal = outcome
      amount = atMost(outcome)
    }
    return { carries: 0n, refusal }
  }
  const { carries, refusal } = await most(contractAmount)
  const ever = refusal?.refused === 'ratio_exceeded' ? (await most(MAX_FEN)).carries : 0n
  const ratio = refusal?.details?.ratio as string
  return {
    carries: yuan(carries),
    decidedBy: refusal && decidedBy(refusal),
    most: ever > carries ? { carries: yuan(ever), contractAmount: yuan(contractFor(ratio, ever)) } : null,
  }
}

/** What there is, in fen, when a refusal only asks for less; else nothing. */
function atMost({ refused, details = {} }: Refusal): Fen {
  const detail = limits[refused]
  return detail === undefined ? 0n : parseYuan(details[detail] as string)
}

function decidedBy({ refused: code, details }: Refusal) {
  const { en, zh } = refusals[code]
  return { code, title: { en, zh }, ...(details ? { details } : {}), change: changes[code] ?? null }
}

function bestOf(items: Quote['items']): string | null {
  let best: Quote['items'][number] | undefined
  for (const item of items) if (parseYuan(item.carries) > parseYuan(best?.carries ?? '0.00')) best = item
  return best?.voucher ?? null
}
