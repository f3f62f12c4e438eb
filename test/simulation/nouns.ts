/** The put_<noun> functions of db/functions, with the checks of their tables. */
import { agreements, type Pair } from '../../src/agreements/facts.js'
import { type Proposal, proposals } from '../../src/engine/proposal.js'
import type { Enterprise } from '../../src/enterprises/facts.js'
import type { Entry, Integrity } from '../../src/integrity/facts.js'
import { type Order, orders } from '../../src/orders/facts.js'
import type { Person } from '../../src/people/facts.js'
import { type Draft, drafts, type Program, type ProgramVersions } from '../../src/programs/facts.js'
import type { Provider } from '../../src/providers/facts.js'
import type { Relations } from '../../src/relations/facts.js'
import type { Period } from '../../src/settlement/facts.js'
import { type Grant, grantKey, type Voucher, vouchers } from '../../src/vouchers/facts.js'
import { type PublishedNotice, workdays } from '../../src/workdays/facts.js'
import { check, type Ledger, refer, unique } from './ledger.js'

/** A row as `record` is given it: money is a text of digits. */
type Wire<T> = { [F in keyof T]: T[F] extends bigint ? string : T[F] extends bigint | null ? string | null : T[F] }
type Rows = readonly Record<string, unknown>[]

/** In the order of the SQL function. */
export const putters: Readonly<Record<string, (ledger: Ledger, rows: Rows) => void>> = {
  proposals: (ledger, rows) => {
    for (const row of rows as unknown as Proposal[]) {
      const before = ledger.nouns.proposals.get(proposals.key(row)) ?? row
      const { state, decidedBy } = row
      check((state === 'open') === (decidedBy === null))
      check(state !== 'approved' || decidedBy !== before.proposedBy)
      ledger.set(ledger.nouns.proposals, proposals.key(row), { ...before, state, decidedBy })
    }
  },
  agreements: (ledger, rows) => {
    for (const row of rows as unknown as Pair[]) {
      check(row.accepting !== row.home && row.agreements.every((one) => one.to >= one.from))
      ledger.set(ledger.nouns.agreements, agreements.key(row), row)
    }
    refer(
      (rows as unknown as Pair[]).every(({ accepting, home }) => ledger.books.has(accepting) && ledger.books.has(home)),
    )
  },
  people: (ledger, rows) => {
    for (const row of rows as unknown as Person[]) {
      const standings = new Map(row.standings.map((one) => [one.number, one]))
      for (const one of row.standings) {
        check((one.to === null || one.to >= one.from) && one.principal !== row.person)
        check(
          (one.kind === 'deputyship') === (one.principal !== null) && (one.kind === 'bar') === (one.roles.length === 0),
        )
        check(one.kind !== 'deputyship' || one.to !== null)
      }
      for (const one of ledger.nouns.people.get(row.person)?.standings ?? []) {
        standings.set(one.number, { ...one, ended: standings.get(one.number)?.ended ?? one.ended })
      }
      const all = [...standings.values()].sort((a, b) => a.number - b.number)
      if (all.length > 0) ledger.set(ledger.nouns.people, row.person, { ...row, standings: all })
      refer(row.standings.every((one) => ledger.books.has(one.jurisdiction)))
    }
  },
  workdays: (ledger, rows) => {
    for (const row of rows as unknown as PublishedNotice[]) ledger.set(ledger.nouns.workdays, workdays.key(row), row)
  },
  programs: (ledger, rows) => {
    for (const row of rows as unknown as ProgramVersions[]) {
      const versions = (row.versions as unknown as readonly Wire<Program>[]).map(programOf)
      const known = ledger.nouns.programs.get(row.program)?.versions ?? []
      const all = [...known, ...versions.slice(known.length)]
      ledger.set(ledger.nouns.programs, row.program, { ...row, versions: all })
    }
    refer((rows as unknown as ProgramVersions[]).every(({ jurisdiction }) => ledger.books.has(jurisdiction)))
  },
  program_drafts: (ledger, rows) => {
    for (const row of rows as unknown as Draft[]) ledger.set(ledger.nouns.program_drafts, drafts.key(row), row)
    refer((rows as unknown as Draft[]).every(({ jurisdiction }) => ledger.books.has(jurisdiction)))
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
      const before = ledger.nouns.providers.get(row.uscc) ?? { ...row, recognitions: [], suspensions: [] }
      const recognitions = new Map(before.recognitions.map((one) => [one.recognition, one]))
      for (const one of row.recognitions) {
        check(one.to >= one.from)
        const known = recognitions.get(one.recognition)
        recognitions.set(one.recognition, known ? { ...known, ended: one.ended } : one)
      }
      const all = [...recognitions.values()].sort((a, b) => a.recognition - b.recognition)
      const suspensions = new Map(before.suspensions.map((one) => [one.suspension, one]))
      for (const one of row.suspensions) {
        const known = suspensions.get(one.suspension)
        suspensions.set(one.suspension, known ? { ...known, lifted: one.lifted } : one)
      }
      const suspended = [...suspensions.values()].sort((a, b) => a.suspension - b.suspension)
      ledger.set(ledger.nouns.providers, row.uscc, { ...before, recognitions: all, suspensions: suspended })
    }
    refer(
      (rows as unknown as Provider[]).every((row) =>
        [...row.recognitions, ...row.suspensions].every((one) => ledger.books.has(one.jurisdiction)),
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
      ledger.set(ledger.nouns.vouchers, vouchers.key(voucher), {
        ...before,
        lapsedOn: voucher.lapsedOn,
        recallOn: voucher.recallOn,
      })
    }
    const { programs, enterprises } = ledger.nouns
    refer((rows as unknown as Voucher[]).every((v) => programs.has(v.program) && enterprises.has(v.enterprise)))
  },
  grants: (ledger, rows) => {
    for (const row of rows as unknown as Wire<Grant>[]) {
      const grant: Grant = { ...row, granted: BigInt(row.granted), ceiling: BigInt(row.ceiling) }
      check(grant.granted >= 0n && grant.granted <= grant.ceiling)
      ledger.set(ledger.nouns.grants, grantKey(grant), grant)
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

function programOf(row: Wire<Program>): Program {
  const program: Program = {
    ...row,
    annualCap: BigInt(row.annualCap),
    orderCap: fen(row.orderCap),
    firstGrantLimit: fen(row.firstGrantLimit),
    ratios: row.ratios.map((one) => ({ ...one, orderCap: fen(one.orderCap as unknown as string | null) })),
  }
  const { annualCap, orderCap, firstGrantLimit, useBy, noticeDays } = program
  check(annualCap > 0n && (orderCap === null || orderCap > 0n) && (firstGrantLimit === null || firstGrantLimit > 0n))
  check(/^[0-9]+(\.[0-9]+)?$/.test(program.ratio) && program.applyTo >= program.applyFrom)
  check(program.useWithinDays >= 0 && program.claimWithinDays >= 0 && (program.recallUnusedAfterDays ?? 0) >= 0)
  check((useBy === null || useBy >= program.applyTo) && (noticeDays === null || noticeDays > 0))
  check((program.acceptanceDays ?? 1) > 0 && (program.appealDays ?? 1) > 0)
  check(program.version > 0 && (program.version === 1) === (program.effectiveFrom === null))
  return program
}

/** What of an order changes after it was filed. */
function courseOf(order: Order) {
  const { state, deadline, score, invoiceNo, invoiceAmount, verifiedBy, approved, approvedSeq, clawedBack } = order
  const { noticeEnds, evidence, dossier, contractAmount, voucherAmount } = order
  const course = { state, deadline, score, invoiceNo, invoiceAmount, verifiedBy, approved, approvedSeq, clawedBack }
  return { ...course, noticeEnds, evidence, dossier, contractAmount, voucherAmount }
}

function checkOrder(order: Order): void {
  const { state, contractAmount, voucherAmount, invoiceNo, invoiceAmount, approved, clawedBack, deadline } = order
  check(contractAmount > 0n && voucherAmount > 0n && (invoiceAmount === null || invoiceAmount > 0n))
  check(invoiceNo === null || /^[0-9]{20}$/.test(invoiceNo))
  check(approved === null || (approved > 0n && approved <= voucherAmount))
  check(clawedBack >= 0n && clawedBack <= (approved ?? 0n))
  check((state === 'approved' || state === 'paid') === (approved !== null))
  check((deadline !== null) === ['filed', 'accepted', 'delivered', 'confirmed', 'returned'].includes(state))
}
