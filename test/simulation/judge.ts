/** What must be true when everything has come to rest. */
import { isRefusal } from '../../src/core/refusals.js'
import { wire } from '../../src/engine/command.js'
import type { Receipt } from '../../src/engine/idempotency.js'
import type { Book } from '../../src/ledger/book.js'
import { accountKinds, phases, transferTypes } from '../../src/ledger/chart.js'
import { whatIsOff } from '../support/books.js'
import type { Memory } from '../support/memory.js'
import { isSame, proveTables, type Row, replayRows } from '../support/replay.js'
import { factsOf } from './answers.js'
import { type Caller, nameOf, textOf } from './clients.js'
import { at, type Ledger } from './ledger.js'

/** A broken promise: which one, and what is to be seen of it. */
export class Broken extends Error {
  constructor(
    readonly promise: string,
    readonly seen: string,
  ) {
    super(`${promise}: ${seen}`)
  }
}

const must = (isKept: boolean, promise: string, seen: () => string) => {
  if (!isKept) throw new Broken(promise, seen())
}

/** Throws what is broken. */
export async function judge(ledger: Ledger, callers: readonly Caller[]): Promise<void> {
  keysAnswerAlike(callers)
  answersAreKept(ledger, callers)
  numbersHaveNoGaps(ledger)
  balancesAddUp(ledger)
  orderIsThatOfTime(ledger, callers)
  await logComesToTheSame(ledger)
}

/** Every answer is what the ledger has: an acceptance once in the log, a refusal under its key. */
function answersAreKept(ledger: Ledger, callers: readonly Caller[]): void {
  const logged = new Map<string, number>()
  for (const { key } of ledger.commands.values()) if (key) logged.set(key, (logged.get(key) ?? 0) + 1)
  for (const [key, times] of logged)
    must(times === 1, 'a key is used once', () => `${key} is ${times} times in the log`)
  for (const caller of callers) {
    const { outcomes, calls, keyId } = caller
    if (!outcomes) continue
    const refusal = outcomes.find(isRefusal)
    if (refusal) {
      if (keyId === undefined || aboutKeys.includes(refusal.refused)) continue
      const kept = ledger.refusals.get(keyId)
      must(
        isSame(kept?.refusal, refusal),
        'an answered refusal is stored under its key',
        () => `${nameOf(caller)} heard ${wire(refusal)} to ${textOf(caller)}, stored is ${wire(kept?.refusal)}`,
      )
      continue
    }
    calls.forEach((call, n) => {
      // Asked again, all of a row is answered by what its first command came to.
      const { book, seq, entry, day, bookedAt, event } = outcomes[n] as Receipt
      const found = ledger.commands.get(at(book, seq))
      const isFirst = n === 0 || outcomes[n] === outcomes[0]
      const isThere =
        found !== undefined &&
        found.entry === entry &&
        found.day === day &&
        found.moment === bookedAt &&
        (!isFirst || found.key === (keyId ?? null)) &&
        isSame(found.event, event) &&
        (outcomes[n] === outcomes[0] && n > 0 ? true : found.kind === call.type.kind)
      must(
        isThere,
        'an answered acceptance is in the log as it was answered',
        () => `${nameOf(caller)} heard ${wire(outcomes[n])} to ${textOf(caller)}, the log has ${wire(found)}`,
      )
    })
  }
}

const aboutKeys = ['idempotency_key_reused', 'idempotency_key_expired']

/** The same key gives the same answer to the same command, and none to another one. */
function keysAnswerAlike(callers: readonly Caller[]): void {
  const byKey = new Map<string, Caller>()
  for (const caller of callers) {
    const { keyId, outcomes, calls } = caller
    if (keyId === undefined || !outcomes) continue
    const [first] = outcomes
    if (isRefusal(first!) && aboutKeys.includes(first.refused)) continue
    const before = byKey.get(keyId)
    if (before) {
      const isAlike =
        wire(before.calls[0]!.command) === wire(calls[0]!.command) && wire(before.outcomes![0]) === wire(first)
      must(
        isAlike,
        'the same key gives the same answer',
        () =>
          `${nameOf(before)} heard ${wire(before.outcomes)} and ${nameOf(caller)} heard ${wire(outcomes)} to ${caller.key}`,
      )
    } else byKey.set(keyId, caller)
  }
}

function numbersHaveNoGaps({ books, commands, transfers }: Ledger): void {
  const heads = new Map<Book, { seq: number; entries: number; moment: number }>()
  for (const { book, seq, entry, moment } of commands.values()) {
    const head = heads.get(book) ?? { seq: 0, entries: 0, moment: 0 }
    const entries = head.entries + (entry === null ? 0 : 1)
    must(
      seq === head.seq + 1 && (entry === null || entry === entries),
      'numbers have no gaps',
      () => `command ${book}-${seq} with entry ${entry} comes after ${head.seq} and ${head.entries}`,
    )
    must(moment >= head.moment, 'time does not run backwards in a book', () => `command ${book}-${seq}`)
    must(entry === null || transfers.has(at(book, entry)), 'every entry has its lines', () => `entry ${book}-${entry}`)
    heads.set(book, { seq, entries, moment })
  }
  for (const [book, { seq, entries }] of books) {
    const head = heads.get(book) ?? { seq: 0, entries: 0 }
    must(head.seq === seq && head.entries === entries, 'a head is the last number', () => `book ${book}`)
  }
}

const isDebit = Object.fromEntries(Object.entries(accountKinds).map(([kind, { normal }]) => [kind, normal === 'debit']))

/** Balances and holds are what the transfers add up to. */
function balancesAddUp({ accounts, transfers, holds }: Ledger): void {
  const posted = new Map<number, bigint>()
  const held = new Map<number, bigint>()
  const open = new Map<string, bigint>()
  const add = <K>(sums: Map<K, bigint>, key: K, amount: bigint) => sums.set(key, (sums.get(key) ?? 0n) + amount)
  for (const lines of transfers.values()) {
    for (const { book, phase, debit, credit, amount, hold, leg } of lines) {
      const [from, to] = [at(book, debit), at(book, credit)]
      if (phase === phases.post || phase === phases.capture) {
        add(posted, from, isDebit[accounts.get(from)!.kind] ? amount : -amount)
        add(posted, to, isDebit[accounts.get(to)!.kind] ? -amount : amount)
      }
      if (phase === phases.post) continue
      const change = phase === phases.hold ? amount : -amount
      add(held, from, change)
      add(open, `${at(book, hold!)} ${leg}`, change)
    }
  }
  for (const [key, account] of accounts) {
    must(
      (posted.get(key) ?? 0n) === account.posted && (held.get(key) ?? 0n) === account.held,
      'a balance is what its entries add up to',
      () => `${wire(account)}, its entries come to ${wire([posted.get(key), held.get(key)])}`,
    )
  }
  for (const [key, legs] of holds) {
    for (const leg of legs) {
      must(open.get(`${key} ${leg.leg}`) === leg.open, 'a hold is what its entries leave open', () => wire(leg))
    }
  }
}

/** What was answered before another was asked comes before it: in its book, and for whatever rests on its book. */
function orderIsThatOfTime({ commands }: Ledger, callers: readonly Caller[]): void {
  const known = new Map<number, { sent: number; answered: number }>()
  for (const { outcomes, sent, answered } of callers) {
    if (!outcomes) continue
    for (const outcome of outcomes) {
      if (isRefusal(outcome)) continue
      const key = at(outcome.book, outcome.seq)
      const before = known.get(key)
      // The same key again: it was asked when it was first asked, and known when it was first answered.
      if (before) known.set(key, { sent: Math.min(before.sent, sent), answered: Math.min(before.answered, answered) })
      else known.set(key, { sent, answered })
    }
  }
  const byBook = new Map<Book, { seq: number; sent: number; answered: number }[]>()
  for (const [key, { book, seq }] of commands) {
    const times = known.get(key)
    if (!times) continue
    const ofBook = byBook.get(book) ?? []
    ofBook.push({ seq, ...times })
    byBook.set(book, ofBook)
  }
  const answeredBefore = new Map<Book, (happening: number) => number>()
  for (const [book, ofBook] of byBook) {
    let earliest = Number.POSITIVE_INFINITY
    for (const { seq, sent, answered } of ofBook.toReversed()) {
      must(sent <= earliest, 'what was answered before another was asked has a lower number', () => `${book}-${seq}`)
      earliest = Math.min(earliest, answered)
    }
    answeredBefore.set(book, lastAnswered(ofBook))
  }
  for (const [key, { book, seq, rests }] of commands) {
    const times = known.get(key)
    if (!times) continue
    for (const [other, version] of Object.entries(rests)) {
      const least = answeredBefore.get(Number(other))?.(times.sent) ?? 0
      must(
        version >= least,
        'what was answered before a command was asked is not overlooked by it',
        () => `${book}-${seq} rests on ${other}-${version}, but ${other}-${least} had been answered`,
      )
    }
  }
}

/** The highest number of a book that was answered before a happening. */
function lastAnswered(ofBook: readonly { seq: number; answered: number }[]): (happening: number) => number {
  const sorted = [...ofBook].sort((a, b) => a.answered - b.answered)
  let highest = 0
  const highs = sorted.map(({ seq }) => (highest = Math.max(highest, seq)))
  return (happening) => {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sorted[middle]!.answered < happening) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : highs[low - 1]!
  }
}

/** The log decided again comes to the same entries, events and rows. */
async function logComesToTheSame(ledger: Ledger): Promise<void> {
  const people = new Map(
    [...ledger.actors].map(([name, actor]) => [actor, name.split('\n') as [string, string, string]]),
  )
  const rows = [...ledger.commands.values()].map((command): Row => {
    const { book, seq, entry, kind, day, moment, body, event, rests } = command
    const [organisation, subject] = people.get(command.actor)!
    return { book, seq, entry, kind, day, moment, subject, organisation, body, event, rests }
  })
  const promise = 'the log decided again comes to the same'
  let memory: Memory
  try {
    memory = await replayRows(rows)
    entriesAreTheSame(ledger, memory)
    await proveTables(tablesOf(ledger), memory)
  } catch (error) {
    if (error instanceof Broken) throw error
    throw new Broken(promise, (error as Error).message)
  }
  const off = whatIsOff(memory)
  must(off === undefined, promise, () => off!)
}

function entriesAreTheSame({ transfers, accounts }: Ledger, memory: Memory): void {
  for (const { booking } of memory.log) {
    const { book, entry, lines, seq } = booking
    const found = entry === null ? [] : transfers.get(at(book, entry))!
    const isAlike =
      found.length === lines.length &&
      lines.every(({ type, phase, debit, credit, amount, hold }, n) => {
        const line = found[n]!
        const [from, to] = [accounts.get(at(book, line.debit))!, accounts.get(at(book, line.credit))!]
        return (
          line.type === transferTypes[type].no &&
          line.phase === phases[phase] &&
          line.amount === amount &&
          line.line === n + 1 &&
          line.seq === seq &&
          line.hold === (hold?.hold ?? null) &&
          line.leg === (hold?.leg ?? null) &&
          from.kind === debit.kind &&
          from.owner === debit.owner &&
          to.kind === credit.kind &&
          to.owner === credit.owner
        )
      })
    must(isAlike, 'the log decided again comes to the same', () => `the lines of ${book}-${seq} are others`)
  }
}

const tablesOf = (ledger: Ledger) => ({
  facts: async (kind: Parameters<typeof factsOf>[1], keys: readonly string[]) => factsOf(ledger, kind, keys),
  async count({ name }: { readonly name: string }) {
    if (name === 'accounts') return ledger.accounts.size
    if (name === 'holds') return [...ledger.holds.values()].flat().length
    return ledger.nouns[name]!.size
  },
  async keysInUse() {
    return [...ledger.keys].flatMap(([key, { book, holder }]) => (holder === null ? [] : [{ key, book, holder }]))
  },
})
