/** The SQL function clearing.record once more, on maps and as plainly as can be: db/functions/record.sql is the law. */
import type { Refusal } from '../../src/core/refusals.js'
import { dayOf } from '../../src/core/time.js'
import { accountKey } from '../../src/ledger/accounts.js'
import { accountKind, accountKinds, transferTypes } from '../../src/ledger/chart.js'
import type { Event } from '../../src/ledger/plan.js'
import { at, check, type Ledger, type LoggedTransfer, SqlError, unique } from './ledger.js'
import { putters } from './nouns.js'
import { type Given, read } from './parameters.js'

const legal = Object.fromEntries(
  Object.values(transferTypes).map(({ no, debit, credit }) => [
    no,
    { debit: accountKinds[debit].no, credit: accountKinds[credit].no },
  ]),
)

const DAY = 86_400_000

/** Records a batch from the parameters of the SQL function; returns the groups that were not recorded, or throws. */
export function record(ledger: Ledger, parameters: readonly string[]): number[] {
  const given = read(parameters)
  return ledger.atomically(() => {
    const { moved, dead } = fence(ledger, given)
    putRefusals(ledger, given, dead)
    if (given.c.book.length > 0) {
      ledger.calls++
      putHeads(ledger, given, moved)
      putCommands(ledger, given, moved)
      putKeys(ledger, given, moved)
      putAccounts(ledger, given, moved)
      putTransfers(ledger, given, moved)
      putHolds(ledger, given, moved)
      putRows(ledger, given, moved)
    }
    return [...dead].sort((a, b) => a - b)
  })
}

type Moved = ReadonlySet<number>

/** Which books have moved since the batch was decided, and which groups are dead of it. */
function fence({ books }: Ledger, { p, g, r }: Given): { moved: Moved; dead: Set<number> } {
  const moved = new Set<number>()
  const dead = new Set<number>()
  p.book.forEach((book, n) => {
    const head = books.get(book)
    if (head && (head.seq !== p.seq[n] || head.batch !== p.batch[n] || head.moment > p.moment[n]!)) moved.add(book)
  })
  for (let size = -1; moved.size > size; ) {
    size = moved.size
    r.book.forEach((book, n) => {
      if (moved.has(book)) dead.add(r.group[n]!)
    })
    for (const group of dead) {
      const book = g.book[group - 1]
      if (typeof book === 'number') moved.add(book)
    }
  }
  return { moved, dead }
}

function putRefusals(ledger: Ledger, { i }: Given, dead: ReadonlySet<number>): void {
  const order = i.key.map((_, n) => n).sort((a, b) => (i.key[a]! < i.key[b]! ? -1 : 1))
  for (const n of order) {
    if (dead.has(i.group[n]!)) continue
    unique(!ledger.refusals.has(i.key[n]!), 'refusals_pkey')
    const kept = { fingerprint: i.fingerprint[n]!, moment: i.moment[n]!, refusal: i.refusal[n] as Refusal }
    ledger.set(ledger.refusals, i.key[n]!, kept)
  }
  if (i.key.some((key) => ledger.commandOfKey.has(key))) throw new SqlError('CV005')
}

function putHeads(ledger: Ledger, { p, h }: Given, moved: Moved): void {
  p.book.forEach((book, n) => {
    const seq = h.seq[n]!
    if (h.seq[n] === null || moved.has(book) || !ledger.books.has(book)) return
    const [entries, accounts] = [h.entries[n]!, h.accounts[n]!]
    if ([entries, accounts, h.moment[n], h.batch[n]].includes(null)) throw new SqlError('23502')
    check(seq >= 0 && entries >= 0 && accounts >= 0 && entries <= seq)
    ledger.set(ledger.books, book, { seq, entries, accounts, moment: h.moment[n]!, batch: h.batch[n]! })
  })
}

function putCommands(ledger: Ledger, { p, h, c }: Given, moved: Moved): void {
  let count = 0
  c.book.forEach((book, n) => {
    if (moved.has(book)) return
    const seq = c.seq[n]!
    const entry = c.entry[n]!
    const key = c.key[n]!
    const fingerprint = c.fingerprint[n]!
    check(seq > 0 && (entry === null || entry > 0) && (key === null) === (fingerprint === null))
    unique(!ledger.commands.has(at(book, seq)), 'commands_pkey')
    unique(key === null || !ledger.commandOfKey.has(key), 'commands_key')
    const command = {
      book,
      seq,
      entry,
      kind: c.kind[n]!,
      // A day of the calendar is the same one at +08:00.
      day: dayOf(c.day[n]! * DAY),
      moment: c.moment[n]!,
      actor: c.actor[n]!,
      key,
      fingerprint,
      body: c.body[n],
      event: c.event[n] as Event,
      rests: c.rests[n] as Record<string, number>,
      changes: c.changes[n]!,
      call: ledger.calls,
    }
    ledger.set(ledger.commands, at(book, seq), command)
    if (key !== null) ledger.set(ledger.commandOfKey, key, command)
    count++
  })
  let numbers = 0
  p.book.forEach((book, n) => {
    if (!moved.has(book) && h.seq[n] !== null) numbers += h.seq[n]! - p.seq[n]!
  })
  if (count !== numbers) throw new SqlError('CV004')
  if (c.key.some((key) => key !== null && ledger.refusals.has(key))) throw new SqlError('CV005')
}

/** Each key once, as it is after the batch; what was first done with it tells what must be found. */
function putKeys(ledger: Ledger, { k }: Given, moved: Moved): void {
  const wanted = new Map<string, { first: number; last: number }>()
  const isOnce = moved.size === 0 && !k.holder.includes(null)
  k.key.forEach((key, n) => {
    if (moved.has(k.book[n]!)) return
    // When none is given back, none can be there twice: then each stands for itself.
    const slot = isOnce ? `${n}` : key
    wanted.set(slot, { first: wanted.get(slot)?.first ?? n, last: n })
  })
  const all = [...wanted.values()]
  const isNew = ({ first }: { first: number }) => k.holder[first] !== null && k.seen[first] === null
  for (const one of all.filter(isNew)) {
    const { last } = one
    unique(!ledger.keys.has(k.key[last]!), 'keys_pkey')
    ledger.set(ledger.keys, k.key[last]!, { book: k.book[last]!, holder: k.holder[last]! })
  }
  for (const one of all) {
    if (isNew(one)) continue
    const { first, last } = one
    const found = ledger.keys.get(k.key[first]!)
    const isTaken = k.holder[first] !== null
    const isAsSeen = isTaken ? found?.holder === null && found.book === k.seen[first] : found && found.holder !== null
    if (!isAsSeen) throw new SqlError('CV006')
    ledger.set(ledger.keys, k.key[first]!, { book: k.book[last]!, holder: k.holder[last]! })
  }
}

function putAccounts(ledger: Ledger, { a, b }: Given, moved: Moved): void {
  const known = b.book.length - a.owner.length
  // An update from a list takes each row once.
  const updated = new Set<number>()
  let isOther = false
  b.book.forEach((book, n) => {
    if (moved.has(book)) return
    const number = b.account[n]!
    const kind = b.kind[n]!
    const posted = b.posted[n]!
    const held = b.held[n]!
    const isFloored = kind !== accountKinds.treasury.no && kind !== accountKinds.position.no
    const isSound = held >= 0n && (held === 0n || kind === accountKinds.voucher.no) && (!isFloored || posted >= held)
    const before = ledger.accounts.get(at(book, number))
    if (n < known) {
      if (!before || accountKinds[before.kind].no !== kind || updated.has(at(book, number))) {
        isOther = true
        return
      }
      check(isSound)
      updated.add(at(book, number))
      ledger.set(ledger.accounts, at(book, number), { ...before, posted, held })
      return
    }
    if (isOther) throw new SqlError('CV003')
    check(number > 0 && isSound)
    unique(!before, 'accounts_pkey')
    const [owner, province] = [a.owner[n - known]!, a.province[n - known]!]
    const account = { book, account: number, kind: accountKind(kind), owner, posted, held }
    const name = accountKey(book, account)
    unique(!ledger.accountOfName.has(name), 'accounts_book_kind_owner_key')
    ledger.set(ledger.accounts, at(book, number), province === null ? account : { ...account, province })
    ledger.set(ledger.accountOfName, name, number)
  })
  if (isOther) throw new SqlError('CV003')
}

function putTransfers(ledger: Ledger, { b, c, t }: Given, moved: Moved): void {
  t.command.forEach((command, n) => {
    const debit = t.debit[n]! - 1
    const credit = t.credit[n]! - 1
    const book = c.book[command - 1]
    const declared = legal[t.type[n]!]
    const isLegal = declared?.debit === b.kind[debit] && declared?.credit === b.kind[credit]
    if (!isLegal || b.book[debit] !== book || b.book[credit] !== book) throw new SqlError('CV003')
  })
  t.command.forEach((command, n) => {
    const book = c.book[command - 1]!
    if (moved.has(book)) return
    const transfer: LoggedTransfer = {
      book,
      entry: c.entry[command - 1]!,
      line: t.line[n]!,
      seq: c.seq[command - 1]!,
      type: t.type[n]!,
      phase: t.phase[n]!,
      debit: b.account[t.debit[n]! - 1]!,
      credit: b.account[t.credit[n]! - 1]!,
      hold: t.hold[n]!,
      leg: t.leg[n]!,
      amount: t.amount[n]!,
    }
    const { entry, line, phase, debit, credit, hold, amount } = transfer
    if (entry === null) throw new SqlError('23502')
    check(amount > 0n && line > 0 && phase >= 0 && phase <= 3 && (phase === 0) === (hold === null) && debit !== credit)
    const lines = ledger.transfers.get(at(book, entry)) ?? []
    unique(!lines.some((other) => other.line === line), 'transfers_pkey')
    ledger.set(ledger.transfers, at(book, entry), [...lines, transfer])
  })
}

function putHolds(ledger: Ledger, { n: made, o }: Given, moved: Moved): void {
  made.book.forEach((book, n) => {
    if (moved.has(book)) return
    const hold = made.hold[n]!
    const leg = made.leg[n]!
    const amount = made.amount[n]!
    const open = made.open[n]!
    check(amount > 0n && open >= 0n && open <= amount)
    const legs = ledger.holds.get(at(book, hold)) ?? []
    unique(!legs.some((other) => other.leg === leg), 'holds_pkey')
    const kept = { leg, type: made.type[n]!, debit: made.debit[n]!, credit: made.credit[n]!, amount, open }
    ledger.set(ledger.holds, at(book, hold), [...legs, kept])
  })
  const updated = new Set<string>()
  let isOther = false
  o.book.forEach((book, n) => {
    if (moved.has(book)) return
    const place = at(book, o.hold[n]!)
    const legs = ledger.holds.get(place) ?? []
    const leg = legs.find((one) => one.leg === o.leg[n])
    if (!leg || updated.has(`${place} ${leg.leg}`)) {
      isOther = true
      return
    }
    updated.add(`${place} ${leg.leg}`)
    const open = o.open[n]!
    check(open >= 0n && open <= leg.amount)
    ledger.set(
      ledger.holds,
      place,
      legs.map((one) => (one === leg ? { ...one, open } : one)),
    )
  })
  if (isOther) throw new SqlError('CV003')
}

function putRows(ledger: Ledger, { rows }: Given, moved: Moved): void {
  for (const [noun, put] of Object.entries(putters)) {
    const given = rows[noun]?.filter(({ book }) => !moved.has(Number(book)))
    if (given) put(ledger, given)
  }
}
