/** Periods of a test's own: places in several provinces, agreements between them, and what must come of their items. */
import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import { offerClearingCommand, signClearingCommand } from '../../src/clearing/commands.js'
import type { offerClearing } from '../../src/clearing/contract.js'
import { provinceOf } from '../../src/core/division.js'
import { isRefusal } from '../../src/core/refusals.js'
import type { Runner } from '../../src/engine/runner.js'
import { accountKinds } from '../../src/ledger/chart.js'
import type { Sql } from '../../src/platform/database.js'
import { closePeriod } from '../../src/settlement/settle.js'
import { ask, bureau, uscc } from './scene.js'
import { type Place, Stage } from './stage.js'

/** Something owed to a payee, or to come back from it; as the test asked for it. Fen. */
export interface Item {
  readonly book: string
  readonly payee: string
  readonly province: string
  readonly day: string
  readonly amount: bigint
}

/** A program of a bureau and a provider of another place; what is approved and clawed back there is noted. */
export class Trade {
  readonly items: Item[] = []
  readonly #stage: Stage
  readonly #today: () => string

  constructor(engine: Runner, today: () => string) {
    this.#stage = new Stage(engine)
    this.#today = today
  }

  get stage(): Stage {
    return this.#stage
  }

  /** A place whose program is of one bureau and whose provider is at home elsewhere. */
  async place(n: number, jurisdiction: string, division: string): Promise<Place & { division: string }> {
    const [enterprise, provider] = [uscc(50_000 + n), uscc(60_000 + n)]
    await this.#stage.must(
      ask.enterprise(enterprise, jurisdiction.endsWith('0000') ? countyOf(jurisdiction) : jurisdiction),
    )
    await this.#stage.must(ask.provider(provider, division))
    const place = await this.#stage.place({ jurisdiction, program: `T-${n}` }, { enterprise, provider }, 100_000_00n)
    return { ...place, division }
  }

  /** An order approved today. */
  async approve(place: Place & { division: string }, amount: bigint): Promise<string> {
    const voucher = await this.#stage.voucher(place, amount)
    const order = await this.#stage.order(place, 'verified', { voucher, voucherAmount: amount })
    await this.#stage.must(ask.approve(order))
    this.#note(place, amount)
    return order
  }

  /** Claws so much of an order back today. */
  async clawBack(place: Place & { division: string }, order: string, amount: bigint): Promise<void> {
    await this.#stage.must(ask.clawBack(order, amount))
    this.#note(place, -amount)
  }

  #note({ jurisdiction, provider, division }: Place & { division: string }, amount: bigint): void {
    const province = provinceOf(division)
    this.items.push({ book: jurisdiction, payee: `provider:${provider}`, province, day: this.#today(), amount })
  }

  /** An agreement that both provinces have signed. */
  async agree(one: string, other: string, terms: Partial<z.output<typeof offerClearing>> = {}): Promise<string> {
    const command = {
      one,
      other,
      by: one,
      mode: 'netted',
      group: 'region',
      covers: 'tree',
      from: '2026-03-03',
      to: '2026-12-31',
      ...terms,
    }
    const offered = await this.#stage.must({ type: offerClearingCommand, command, actor: bureau(one) })
    const { agreement, version } = offered.event as { agreement: string; version: number }
    await this.#stage.must({
      type: signClearingCommand,
      command: { agreement, version, by: other },
      actor: bureau(other),
    })
    return agreement
  }
}

const countyOf = (province: string) => ({ '310000': '310104', '320000': '320509', '330000': '330106' })[province]!

export async function close(
  { engine, sql }: { engine: Runner; sql: Sql },
  period: string,
  through: string,
  group = 'region',
): Promise<void> {
  const asked = { command: { period, through, group }, actor: bureau('000000'), key: randomUUID() }
  const outcome = await closePeriod(engine, sql, asked)
  if (isRefusal(outcome)) throw new Error(`${outcome.refused} ${JSON.stringify(outcome.details)}`)
}

/** Amounts by what they are of; what comes to nothing is left out. */
export class Sums {
  readonly #sums = new Map<string, bigint>()

  add(name: string, amount: bigint): this {
    this.#sums.set(name, (this.#sums.get(name) ?? 0n) + amount)
    return this
  }

  get all(): Record<string, bigint> {
    return Object.fromEntries([...this.#sums].filter(([, amount]) => amount !== 0n).sort())
  }
}

/** What a period owes, slowly and obviously: item by item, by whether an item is netted. */
export function owedBy(items: readonly Item[], isNetted: (item: Item) => boolean) {
  const [payees, clearing, lines] = [new Sums(), new Sums(), new Sums()]
  for (const item of items) {
    const { book, payee, province, amount } = item
    const payer = isNetted(item) ? province : book
    payees.add(`${payer} ${payee}`, amount)
    if (amount > 0n) lines.add(`${payer} ${payee}`, amount)
    if (isNetted(item)) clearing.add(book, amount).add(province, -amount)
  }
  return { payees: payees.all, clearing: clearing.all, lines: lines.all }
}

/** The same as the database has it. */
export async function owedIn(sql: Sql, period: string) {
  const [payees, clearing, lines] = [new Sums(), new Sums(), new Sums()]
  const { payable, recoverable, clearing: house } = accountKinds
  const accounts = await sql<{ book: number; kind: number; owner: string; posted: bigint }[]>`
    select book, kind, owner, posted from accounts where kind in (${payable.no}, ${recoverable.no}, ${house.no})`
  for (const { book, kind, owner, posted } of accounts) {
    if (kind === payable.no) payees.add(`${book} ${owner}`, posted)
    if (kind === recoverable.no) payees.add(`${book} ${owner}`, -posted)
    if (kind === house.no && owner === period) clearing.add(String(book), posted)
  }
  const open = await sql<{ book: number; payee: string; amount: bigint; source: string }[]>`
    select l.book, l.payee, l.amount, b.source from payment_lines l join payment_batches b using (book, batch)
    where b.period = ${period}`
  const left = new Sums()
  for (const [book, amount] of Object.entries(clearing.all)) left.add(book, amount)
  for (const { book, payee, amount, source } of open) {
    if (source === 'payable') lines.add(`${book} ${payee}`, amount)
    else left.add(String(book), -amount).add(payee.slice('jurisdiction:'.length), amount)
  }
  return { payees: payees.all, clearing: clearing.all, lines: lines.all, left: left.all }
}
