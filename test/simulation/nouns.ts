/** The put_<noun> functions of db/functions, with the checks of their tables. */
import type { Enterprise } from '../../src/enterprises/facts.js'
import type { Entry, Integrity } from '../../src/integrity/facts.js'
import { type Order, orders } from '../../src/orders/facts.js'
import type { Program } from '../../src/programs/facts.js'
import type { Provider } from '../../src/providers/facts.js'
import type { Relations } from '../../src/relations/facts.js'
import type { Period } from '../../src/settlement/facts.js'
import { type Grant, grantKey, type Voucher, vouchers } from '../../src/vouchers/facts.js'
import { check, type Ledger, refer, unique } from './ledger.js'

/** A row as `record` is given it: money is a text of digits. */
type Wire<T> = { [F in keyof T]: T[F] extends bigint ? string : T[F] extends bigint | null ? string | null : T[F] }
type Rows = readonly Record<string, unknown>[]

/** In the order of the SQL function. */
export const putters: Readonly<Record<string, (ledger: Ledger, rows: Rows) => void>> = {
  programs: (ledger, rows) => {
    for (const row of rows as unknown as Wire<Program>[]) {
      const program: Program = { ...row, annualCap: BigInt(row.annualCap), orderCap: fen(row.orderCap) }
      check(program.annualCap > 0n && (program.orderCap === null || program.orderCap > 0n))
      check(/^[0-9]+(\.[0-9]+)?$/.test(program.ratio) && program.applyTo >= program.applyFrom)
      check(program.useWithinDays >= 0 && program.claimWithinDays >= 0)
      unique(!ledger.nouns.programs.has(program.program), 'programs_pkey')
      ledger.set(ledger.nouns.programs, program.program, program)
    }
    refer((rows as unknown as Program[]).every(({ jurisdiction }) => ledger.books.has(jurisdiction)))
  },
  enterprises: (ledger, rows) => {
    for (const row of rows as unknown as Enterprise[]) {
      check(USCC.test(row.uscc))
      const { types } = ledger.nouns.enterprises.get(row.uscc) ?? row
      ledger.set(ledger.nouns.enterprises, row.uscc, { ...row, types })
    }
  },
  providers: (ledger, rows) => {
    for (const row of rows as unknown as Provider[]) {
      check(USCC.test(row.uscc))
      const before = ledger.nouns.providers.get(row.uscc) ?? { ...row, recognitions: [] }
      const recognitions = new Map(before.recognitions.map((one) => [one.recognition, one]))
      for (const one of row.recognitions) {
        check(one.to >= one.from)
        const known = recognitions.get(one.recognition)
        recognitions.set(one.recognition, known ? { ...known, ended: one.ended } : one)
      }
      const all = [...recognitions.values()].sort((a, b) => a.recognition - b.recognition)
      ledger.set(ledger.nouns.providers, row.uscc, { ...before, recognitions: all })
    }
    refer(
      (rows as unknown as Provider[]).every((row) =>
        row.recognitions.every((one) => ledger.books.has(one.jurisdiction)),
      ),
    )
  },
  relations: (ledger, rows) => {
    for (const row of rows as unknown as Relations[]) {
      check(USCC.test(row.uscc))
      ledger.set(ledger.nouns.relations, row.uscc, row)
    }
  },
  integrity: (ledger, rows) => {
    for (const row of rows as unknown as Integrity[]) {
      const entries = new Map((ledger.nouns.integrity.get(row.uscc)?.entries ?? []).map((one) => [one.listing, one]))
      for (const entry of row.entries) {
        check(entry.to === null || entry.to >= entry.from)
        refer(entry.jurisdiction === null || ledger.books.has(entry.jurisdiction))
        const before = entries.get(entry.listing)
        entries.set(entry.listing, before ? { ...entry, ...saidOf(before) } : entry)
      }
      const all = [...entries.values()].sort((a, b) => a.listing - b.listing)
      if (all.length > 0) ledger.set(ledger.nouns.integrity, row.uscc, { ...row, entries: all })
    }
  },
  vouchers: (ledger, rows) => {
    for (const row of rows as unknown as Wire<Voucher>[]) {
      const voucher: Voucher = { ...row, amount: BigInt(row.amount) }
      check(voucher.amount > 0n)
      const before = ledger.nouns.vouchers.get(vouchers.key(voucher)) ?? voucher
      ledger.set(ledger.nouns.vouchers, vouchers.key(voucher), { ...before, lapsedOn: voucher.lapsedOn })
    }
    const { programs, enterprises } = ledger.nouns
    refer((rows as unknown as Voucher[]).every((v) => programs.has(v.program) && enterprises.has(v.enterprise)))
  },
  grants: (ledger, rows) => {
    for (const row of rows as unknown as Wire<Grant>[]) {
      const grant: Grant = { ...row, granted: BigInt(row.granted), ceiling: BigInt(row.ceiling) }
      check(grant.granted >= 0n && grant.granted <= grant.ceiling)
      const before = ledger.nouns.grants.get(grantKey(grant)) ?? grant
      check(grant.granted <= before.ceiling)
      ledger.set(ledger.nouns.grants, grantKey(grant), { ...before, granted: grant.granted })
    }
  },
  orders: (ledger, rows) => {
    for (const row of rows as unknown as Wire<Order>[]) {
      const order: Order = {
        ...row,
        contractAmount: BigInt(row.contractAmount),
        voucherAmount: BigInt(row.voucherAmount),
        invoiceAmount: fen(row.invoiceAmount),
        approved: fen(row.approved),
        clawedBack: BigInt(row.clawedBack),
      }
      checkOrder(order)
      const before = ledger.nouns.orders.get(orders.key(order))
      const after = before ? { ...before, ...courseOf(order) } : order
      checkOrder(after)
      ledger.set(ledger.nouns.orders, orders.key(order), after)
    }
    refer((rows as unknown as Order[]).every((o) => ledger.nouns.vouchers.has(`V${o.book}-${o.voucher}`)))
  },
  periods: (ledger, rows) => {
    for (const row of rows as unknown as Period[]) {
      const before = ledger.nouns.periods.get(row.period)
      const others = before ? [] : [...ledger.nouns.periods.values()]
      unique(!others.some(({ closing }) => closing === row.closing), 'periods_closing_key')
      const { netted, paid } = row
      const reaches = { ...row.reaches, ...before?.reaches }
      ledger.set(ledger.nouns.periods, row.period, { ...(before ?? row), netted, paid, reaches })
    }
    for (const { reaches } of rows as unknown as Period[]) {
      check(Object.values(reaches).every((reach) => reach > 0))
      refer(Object.keys(reaches).every((book) => ledger.books.has(Number(book))))
    }
  },
}

const USCC = /^[0-9A-HJ-NPQRTUWXY]{18}$/

function fen(digits: string | null): bigint | null {
  return digits === null ? null : BigInt(digits)
}

/** What of an entry on the integrity list never changes. */
function saidOf({ listing, reason, by, person, jurisdiction, source, decision }: Entry) {
  return { listing, reason, by, person, jurisdiction, source, decision }
}

/** What of an order changes after it was filed. */
function courseOf(order: Order) {
  const { state, deadline, score, invoiceNo, invoiceAmount, verifiedBy, approved, approvedSeq, clawedBack } = order
  return { state, deadline, score, invoiceNo, invoiceAmount, verifiedBy, approved, approvedSeq, clawedBack }
}

function checkOrder(order: Order): void {
  const { state, contractAmount, voucherAmount, invoiceNo, invoiceAmount, approved, clawedBack, deadline } = order
  check(contractAmount > 0n && voucherAmount > 0n && (invoiceAmount === null || invoiceAmount > 0n))
  check(invoiceNo === null || /^[0-9]{20}$/.test(invoiceNo))
  check(approved === null || (approved > 0n && approved <= voucherAmount))
  check(clawedBack >= 0n && clawedBack <= (approved ?? 0n))
  check((state === 'approved' || state === 'paid') === (approved !== null))
  check((deadline !== null) === ['filed', 'delivered', 'confirmed', 'returned'].includes(state))
}
