import type { Day } from '../../src/core/time.js'
import type { Overdue } from '../../src/engine/command.js'
import type { Stored } from '../../src/engine/idempotency.js'
import type { Storage } from '../../src/engine/storage.js'
import type { Account, Hold, Leg } from '../../src/ledger/accounts.js'
import type { Book } from '../../src/ledger/book.js'
import { transferType } from '../../src/ledger/chart.js'
import type { Fact, FactKind } from '../../src/ledger/fact.js'
import type { Holder } from '../../src/ledger/world.js'
import { endsOn } from '../../src/vouchers/facts.js'
import { at, type Ledger } from './ledger.js'
import { record } from './record.js'

/** What the storage answers, without the way there and back: each question is answered by the ledger as it is. */
export type Answers = {
  readonly [Name in keyof Storage]: (...asked: Parameters<Storage[Name]>) => Awaited<ReturnType<Storage[Name]>>
}

export function answersOf(ledger: Ledger): Answers {
  const { books, nouns } = ledger
  return {
    heads: (wanted) => found(books, wanted),
    allHeads: () => new Map(books),
    holders: (wanted) => found<string, Holder>(ledger.keys, wanted),
    facts: (kind, keys) => factsOf(ledger, kind, keys),
    stored: (keys) => new Map(keys.flatMap((key) => storedUnder(ledger, key) ?? [])),
    numbersOf: (people) =>
      [...people]
        .sort((a, b) => (`${a.organisation}\n${a.subject}` < `${b.organisation}\n${b.subject}` ? -1 : 1))
        .map((person) => ({ ...person, actor: ledger.actor(person) })),
    record: (parameters) => record(ledger, parameters),
    overdueOfPool: (book, program, day, most) =>
      overdue(ledger, day, (thing) => thing.book === book && thing.program === program).slice(0, most),
    overdueOfVoucher: (book, voucher, day, most) =>
      [...nouns.orders.values()]
        .filter((order) => order.book === book && order.voucher === voucher && isLate(order.deadline, day))
        .sort((a, b) => a.order - b.order)
        .slice(0, most)
        .map((order): Overdue => ({ book, number: order.order, what: 'order' })),
  }
}

/** What is overdue: orders, then vouchers, by number. */
export function overdue(
  { nouns }: Ledger,
  day: Day,
  isAsked: (thing: { readonly book: Book; readonly program: string }) => boolean,
): Overdue[] {
  const found: Overdue[] = []
  for (const order of nouns.orders.values()) {
    if (isLate(order.deadline, day) && isAsked(order))
      found.push({ book: order.book, number: order.order, what: 'order' })
  }
  for (const voucher of nouns.vouchers.values()) {
    if (voucher.lapsedOn === null && isLate(endsOn(voucher), day) && isAsked(voucher)) {
      found.push({ book: voucher.book, number: voucher.voucher, what: 'voucher' })
    }
  }
  return found.sort((a, b) => (a.what === b.what ? a.number - b.number : a.what === 'order' ? -1 : 1))
}

const isLate = (until: Day | null, day: Day) => until !== null && until < day

function found<K, V>(table: ReadonlyMap<K, V>, keys: readonly K[]): Map<K, V> {
  const rows = new Map<K, V>()
  for (const key of keys) {
    const row = table.get(key)
    if (row !== undefined) rows.set(key, row)
  }
  return rows
}

/** The facts that FactKind.load would read. */
export function factsOf(ledger: Ledger, kind: FactKind<Fact>, keys: readonly string[]): Fact[] {
  if (kind.name === 'accounts') return keys.flatMap((key) => accountOf(ledger, key) ?? [])
  if (kind.name === 'holds') return keys.flatMap((key) => holdOf(ledger, key) ?? [])
  const rows = [...found(ledger.nouns[kind.name]!, keys).values()]
  // Only its closing writes what a period reaches, and nobody reads it again.
  return kind.name === 'periods' ? rows.map((row) => ({ ...row, reaches: {}, pairs: [] })) : rows
}

function accountOf(ledger: Ledger, key: string): Account | undefined {
  const number = ledger.accountOfName.get(key)
  return number === undefined ? undefined : ledger.accounts.get(at(Number.parseInt(key, 10), number))
}

function holdOf({ holds, accounts }: Ledger, key: string): Hold | undefined {
  const [book, hold] = key.split('/').map(Number) as [number, number]
  const legs = holds.get(at(book, hold))
  if (!legs) return undefined
  const nameOf = (account: number) => {
    const { kind, owner, province } = accounts.get(at(book, account))!
    return { kind, owner, ...(province === undefined ? {} : { province }) }
  }
  return {
    book,
    hold,
    legs: legs.map(
      ({ type, debit, credit, ...leg }): Leg => ({
        ...leg,
        type: transferType(type),
        debit: nameOf(debit),
        credit: nameOf(credit),
      }),
    ),
  }
}

function storedUnder({ commandOfKey, refusals }: Ledger, key: string): [[string, Stored]] | undefined {
  const command = commandOfKey.get(key)
  if (command) {
    const { book, seq, entry, day, moment, event, fingerprint } = command
    const answer = { book, seq, entry, day, bookedAt: moment, event }
    return [[key, { fingerprint: fingerprint!, recorded: moment, answer }]]
  }
  const kept = refusals.get(key)
  return kept && [[key, { fingerprint: kept.fingerprint, recorded: kept.moment, answer: kept.refusal }]]
}
