/** What must be true of any ledger, said on what it has booked and on what it says it has. */

import { type Application, applications, openKey } from '../../src/applications/facts.js'
import { openStates } from '../../src/applications/rules.js'
import type { Book } from '../../src/ledger/book.js'
import { accountKinds } from '../../src/ledger/chart.js'
import type { Transfer } from '../../src/ledger/plan.js'
import { idOf, invoiceKey, invoiceKeys, keysOf, type Order, orders } from '../../src/orders/facts.js'
import { programs } from '../../src/programs/facts.js'
import { vouchers } from '../../src/vouchers/facts.js'
import type { Memory } from './memory.js'

type Lines = readonly { readonly book: Book; readonly line: Transfer }[]

/** Adds lines up, by hand: what every account has posted on its normal side, and what of it is held. */
export function addUp(lines: Lines): Map<string, { posted: bigint; held: bigint }> {
  const sums = new Map<string, { posted: bigint; held: bigint }>()
  const add = (book: Book, { kind, owner }: Transfer['debit'], posted: bigint, held: bigint) => {
    const key = `${book} ${kind} ${owner}`
    const sum = sums.get(key) ?? { posted: 0n, held: 0n }
    sums.set(key, { posted: sum.posted + posted, held: sum.held + held })
  }
  for (const { book, line } of lines) {
    const { phase, debit, credit, amount } = line
    const isMoving = phase === 'post' || phase === 'capture'
    const held = { post: 0n, hold: amount, capture: -amount, release: -amount }[phase]
    const onDebit = accountKinds[debit.kind].normal === 'debit' ? amount : -amount
    const onCredit = accountKinds[credit.kind].normal === 'credit' ? amount : -amount
    add(book, debit, isMoving ? onDebit : 0n, held)
    add(book, credit, isMoving ? onCredit : 0n, 0n)
  }
  return sums
}

const total = <T>(list: readonly T[], of: (one: T) => bigint) => list.reduce((sum, one) => sum + of(one), 0n)

/** The first thing that is off in these books; undefined when everything adds up. */
export function whatIsOff(memory: Memory): string | undefined {
  const lines: Lines = memory.log.flatMap(({ booking: { book, lines } }) => lines.map((line) => ({ book, line })))
  return (
    balancesOff(memory, lines) ??
    programsOff(memory, lines) ??
    holdsOff(memory) ??
    keysOff(memory) ??
    numbersOff(memory)
  )
}

function balancesOff(memory: Memory, lines: Lines): string | undefined {
  const sums = addUp(lines)
  const accounts = memory.accounts()
  if (accounts.length !== sums.size) return `${accounts.length} accounts, ${sums.size} moved`
  for (const { book, kind, owner, posted, held } of accounts) {
    const sum = sums.get(`${book} ${kind} ${owner}`)
    const name = `${kind} ${owner} of ${book}`
    if (sum?.posted !== posted || sum.held !== held) return `${name}: ${posted}/${held}, its entries say otherwise`
    if (held < 0n || (accountKinds[kind].floor && posted < held)) return `${name} is below zero`
  }
  for (const book of new Set(accounts.map((account) => account.book))) {
    const ours = accounts.filter((account) => account.book === book)
    const side = (normal: string) =>
      total(
        ours.filter(({ kind }) => accountKinds[kind].normal === normal),
        ({ posted }) => posted,
      )
    if (side('debit') !== side('credit')) return `book ${book} does not balance`
  }
  return undefined
}

/** What leaves a pool besides what is issued of it. */
const given = ['return_budget', 'carry_over', 'subsidise']

/** appropriated and carried in, less what left the pool otherwise = pool + available + held + approved − clawed back. */
function programsOff(memory: Memory, lines: Lines): string | undefined {
  for (const { program, jurisdiction: book } of memory.rows(programs)) {
    const owned = memory.rows(vouchers).filter((voucher) => voucher.program === program)
    const ordered = memory.rows(orders).filter((order) => order.program === program)
    const appropriated = total(
      lines.filter(({ line }) => line.type === 'appropriate' && line.credit.owner === program),
      ({ line }) => line.amount,
    )
    const left = total(
      lines.filter(({ line: { type, debit } }) => given.includes(type) && debit.owner === program),
      ({ line }) => line.amount,
    )
    const carriedIn = total(
      lines.filter(({ line }) => line.type === 'carry_over' && line.credit.owner === program),
      ({ line }) => line.amount,
    )
    const pool = memory.balance(book, { kind: 'pool', owner: program }).posted
    // What is posted on a voucher is what is available and what is held.
    const ids = new Set(owned.map(vouchers.key))
    const onVouchers = total(
      memory.accounts().filter(({ kind, owner }) => kind === 'voucher' && ids.has(owner)),
      ({ posted }) => posted,
    )
    const approved = total(ordered, (order) => order.approved ?? 0n)
    const clawedBack = total(ordered, (order) => order.clawedBack)
    const placed = pool + onVouchers + approved - clawedBack
    if (appropriated + carriedIn - left !== placed) return `program ${program} has lost or made money`
  }
  return undefined
}

const HOLDING = ['filed', 'accepted', 'delivered', 'confirmed', 'submitted', 'returned', 'verified']

/** Every hold: captured + released + open = held at first; open while its order is, and equal to what it asked for. */
function holdsOff(memory: Memory): string | undefined {
  const byHold = new Map<string, bigint>()
  for (const { booking } of memory.log) {
    for (const { phase, hold, amount } of booking.lines) {
      if (!hold) continue
      const key = `${booking.book}/${hold.hold}`
      byHold.set(key, (byHold.get(key) ?? 0n) + (phase === 'hold' ? amount : -amount))
    }
  }
  const all = new Map(memory.holds().map((hold) => [`${hold.book}/${hold.hold}`, hold]))
  for (const order of memory.rows(orders)) {
    const key = `${order.book}/${order.order}`
    const open = total(all.get(key)?.legs ?? [], (leg) => leg.open)
    if (open !== byHold.get(key)) return `hold ${key} is not what its entries leave open`
    if (open !== (HOLDING.includes(order.state) ? order.voucherAmount : 0n)) return `${order.state} order holds ${open}`
  }
  return undefined
}

/**
 * The region-wide keys that must be in use: a contract number by every order that is not cancelled, declined, lapsed or rejected,
 * an invoice likewise. Throws when two orders would hold the same.
 */
export function keysInUse(all: readonly Order[], asked: readonly Application[]): Map<string, string> {
  const holders = new Map<string, string>()
  for (const application of asked) {
    if (!(openStates as readonly string[]).includes(application.state)) continue
    if (holders.has(openKey(application))) throw new Error(`${openKey(application)} is held twice`)
    holders.set(openKey(application), applications.key(application))
  }
  for (const order of all) {
    const isOver = ['cancelled', 'declined', 'lapsed', 'rejected'].includes(order.state)
    const flushes = order.dossier?.redFlushes ?? []
    const red = [...(order.redInvoices ?? []), ...flushes.map(({ redInvoiceNo }) => redInvoiceNo)].map(invoiceKey)
    for (const key of [...red, ...(isOver ? [] : [...keysOf(order), ...invoiceKeys(order)])]) {
      if (holders.has(key)) throw new Error(`${key} is held twice`)
      holders.set(key, idOf(order))
    }
  }
  return holders
}

function keysOff(memory: Memory): string | undefined {
  // A replay does not ask for keys.
  if (memory.isReplayed) return undefined
  const expected = keysInUse(memory.rows(orders), memory.rows(applications))
  const last = new Map(memory.world.changes.keys.map(({ key, holder }) => [key, { holder }]))
  const claims = new Map([...last].filter(([, { holder }]) => holder !== null))
  for (const [key, holder] of expected) if (claims.get(key)?.holder !== holder) return `${key} is not held by ${holder}`
  return claims.size === expected.size ? undefined : 'a key is held by nobody'
}

/** Commands and entries are numbered without gaps in each book, and time does not run backwards in it. */
function numbersOff(memory: Memory): string | undefined {
  const heads = new Map<Book, { seq: number; entry: number; moment: number }>()
  for (const { booking } of memory.log) {
    const head = heads.get(booking.book) ?? { seq: 0, entry: 0, moment: 0 }
    const entry = booking.lines.length > 0 ? head.entry + 1 : null
    if (booking.seq !== head.seq + 1 || booking.entry !== entry) return `book ${booking.book} has a gap`
    if (booking.moment < head.moment) return `time runs backwards in book ${booking.book}`
    heads.set(booking.book, { seq: booking.seq, entry: entry ?? head.entry, moment: booking.moment })
  }
  return undefined
}
