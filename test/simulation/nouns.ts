/** The put_<noun> functions of db/functions, with the checks of their tables. */
import { agreements, type Pair } from '../../src/agreements/facts.js'
import { type Application, applications } from '../../src/applications/facts.js'
import type { BankAccounts } from '../../src/bank-accounts/facts.js'
import { type Calendar, calendars } from '../../src/calendars/facts.js'
import { catalogue, type LocalCategory } from '../../src/catalogue/facts.js'
import { type ClearingAgreement, type ClearingPair, clearingAgreements } from '../../src/clearing/facts.js'
import { type Proposal, proposals } from '../../src/engine/proposal.js'
import type { Enterprise } from '../../src/enterprises/facts.js'
import type { Entry, Integrity } from '../../src/integrity/facts.js'
import { type Order, orders } from '../../src/orders/facts.js'
import { type Preview, previews } from '../../src/outlook/facts.js'
import { type PaymentBatch, type PaymentLine, paymentBatches } from '../../src/payments/facts.js'
import type { Person } from '../../src/people/facts.js'
import { type Draft, drafts, type Program, type ProgramVersions } from '../../src/programs/facts.js'
import type { KeptProfile, Provider } from '../../src/providers/facts.js'
import { type RecognitionApplication, recognitionApplications } from '../../src/recognition-applications/facts.js'
import type { Relations } from '../../src/relations/facts.js'
import type { HomeReview } from '../../src/reviews/facts.js'
import { type Period, parts, type SettlementPart } from '../../src/settlement/facts.js'
import {
  type BankException,
  type BankLine,
  bankLines,
  exceptions,
  type Match,
  type Receipts,
  receipts,
  type Statement,
  statements,
} from '../../src/statements/facts.js'
import { type Grant, grantKey, type Voucher, vouchers } from '../../src/vouchers/facts.js'
import type { Webhooks } from '../../src/webhooks/facts.js'
import { type PublishedNotice, workdays } from '../../src/workdays/facts.js'
import { type Subsidy, subsidies, type TreasuryFigure, treasuryFigures } from '../../src/year-end/facts.js'
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
      check(['open', 'approved', 'declined', 'withdrawn'].includes(state))
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
  clearing_agreements: (ledger, rows) => {
    for (const row of rows as unknown as ClearingPair[]) {
      const agreements = (row.agreements as unknown as readonly Wire<ClearingAgreement>[]).map((one) => ({
        ...one,
        threshold: fen(one.threshold),
        cap: fen(one.cap),
      }))
      check(row.one < row.other && agreements.every((one) => one.to >= one.from))
      ledger.set(ledger.nouns.clearing_agreements, clearingAgreements.key(row), { ...row, agreements })
    }
    refer(
      (rows as unknown as ClearingPair[]).every(({ one, other }) => ledger.books.has(one) && ledger.books.has(other)),
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
        const { ended = one.ended, to = one.to } = standings.get(one.number) ?? {}
        standings.set(one.number, { ...one, ended, to })
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
  provider_profiles: (ledger, rows) => {
    for (const row of rows as unknown as KeptProfile[]) ledger.set(ledger.nouns.provider_profiles, row.uscc, row)
    refer((rows as unknown as KeptProfile[]).every(({ uscc }) => ledger.nouns.providers.has(uscc)))
  },
  home_reviews: (ledger, rows) => {
    for (const row of rows as unknown as HomeReview[]) {
      check(row.noticeLeft === null || (row.noticeLeft >= 0 && row.noticeEnds === null))
      check(row.verdict === 'accepted' || (row.noticeEnds === null && row.noticeLeft === null))
      ledger.set(ledger.nouns.home_reviews, row.uscc, row)
    }
    refer((rows as unknown as HomeReview[]).every(({ uscc }) => ledger.nouns.providers.has(uscc)))
  },
  recognition_applications: (ledger, rows) => {
    for (const row of rows as unknown as RecognitionApplication[]) {
      check(row.to >= row.from)
      ledger.set(ledger.nouns.recognition_applications, recognitionApplications.key(row), row)
    }
    const { providers } = ledger.nouns
    refer(
      (rows as unknown as RecognitionApplication[]).every(
        (a) => providers.has(a.provider) && ledger.books.has(a.jurisdiction),
      ),
    )
  },
  catalogue: (ledger, rows) => {
    for (const row of rows as unknown as LocalCategory[]) {
      check(row.mappings.every(({ from, to }) => to === null || to >= from))
      const known = ledger.nouns.catalogue.get(catalogue.key(row))?.mappings ?? []
      const mappings = [...known, ...row.mappings.slice(known.length)]
      ledger.set(ledger.nouns.catalogue, catalogue.key(row), { ...row, mappings })
    }
    refer((rows as unknown as LocalCategory[]).every(({ jurisdiction }) => ledger.books.has(jurisdiction)))
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
      check(voucher.amount > 0n && (voucher.ended === null || voucher.lapsedOn !== null))
      const before = ledger.nouns.vouchers.get(vouchers.key(voucher)) ?? voucher
      ledger.set(ledger.nouns.vouchers, vouchers.key(voucher), {
        ...before,
        useBy: voucher.useBy,
        lapsedOn: voucher.lapsedOn,
        recallOn: voucher.recallOn,
        extendedOn: voucher.extendedOn,
        suspendedOn: voucher.suspendedOn,
        ended: voucher.ended,
      })
    }
    const { programs, enterprises } = ledger.nouns
    refer((rows as unknown as Voucher[]).every((v) => programs.has(v.program) && enterprises.has(v.enterprise)))
  },
  applications: (ledger, rows) => {
    for (const row of rows as unknown as Wire<Application>[]) {
      const application: Application = { ...row, amount: BigInt(row.amount) }
      const { state, voucher, missing } = application
      check(application.amount > 0n && (state === 'granted') === (voucher !== null))
      check((state === 'returned') === missing.length > 0)
      ledger.set(ledger.nouns.applications, applications.key(application), application)
    }
    const { enterprises } = ledger.nouns
    refer((rows as unknown as Application[]).every((one) => enterprises.has(one.enterprise)))
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
      const { netted, settled, paid } = row
      const reaches = { ...row.reaches, ...before?.reaches }
      ledger.set(ledger.nouns.periods, row.period, { ...(before ?? row), netted, settled, paid, reaches, pairs: [] })
    }
    for (const { reaches } of rows as unknown as Period[]) {
      check(Object.values(reaches).every((reach) => reach > 0))
      refer(Object.keys(reaches).every((book) => ledger.books.has(Number(book))))
    }
  },
  settlement_parts: (ledger, rows) => {
    for (const row of rows as unknown as SettlementPart[]) {
      unique(!ledger.nouns.settlement_parts.has(parts.key(row)), 'settlement_parts_pkey')
      ledger.set(ledger.nouns.settlement_parts, parts.key(row), row)
    }
  },
  payment_batches: (ledger, rows) => {
    for (const row of rows as unknown as PaymentBatch[]) {
      const lines = (row.lines as unknown as readonly Wire<PaymentLine>[]).map((line) => {
        const { amount, clawedBack, setOff, released, paid } = line
        const read: PaymentLine = {
          ...line,
          amount: BigInt(amount),
          clawedBack: BigInt(clawedBack),
          setOff: BigInt(setOff),
          released: BigInt(released),
          paid: BigInt(paid),
        }
        checkLine(read)
        return read
      })
      ledger.set(ledger.nouns.payment_batches, paymentBatches.key(row), { ...row, lines })
    }
  },
  bank_statements: (ledger, rows) => {
    for (const row of rows as unknown as Wire<Statement>[]) {
      const read: Statement = { ...row, opening: BigInt(row.opening), closing: BigInt(row.closing) }
      const { lines, taken, repeated } = read
      check(lines >= 0 && taken >= 0 && taken <= lines && repeated >= 0 && repeated <= taken)
      const before = ledger.nouns.bank_statements.get(statements.key(read)) ?? read
      ledger.set(ledger.nouns.bank_statements, statements.key(read), { ...before, taken, repeated })
    }
  },
  bank_lines: (ledger, rows) => {
    for (const row of rows as unknown as Wire<BankLine>[]) {
      const wired = row.matches as unknown as readonly Wire<Match>[]
      const matches = wired.map((match) => ({ ...match, amount: BigInt(match.amount) }))
      check(BigInt(row.amount) > 0n && row.line > 0 && matches.every(({ amount }) => amount > 0n))
      const read: BankLine = { ...row, amount: BigInt(row.amount), matches }
      const before = ledger.nouns.bank_lines.get(bankLines.key(read))
      const all = [...(before?.matches ?? []), ...matches.slice(before?.matches.length ?? 0)]
      ledger.set(ledger.nouns.bank_lines, bankLines.key(read), { ...(before ?? read), matches: all })
    }
  },
  bank_exceptions: (ledger, rows) => {
    for (const row of rows as unknown as BankException[]) {
      const { owner, state, resolution } = row
      check((state === 'resolved') === (resolution !== null))
      const before = ledger.nouns.bank_exceptions.get(exceptions.key(row)) ?? row
      ledger.set(ledger.nouns.bank_exceptions, exceptions.key(row), { ...before, owner, state, resolution })
    }
  },
  instruction_receipts: (ledger, rows) => {
    for (const row of rows as unknown as Wire<Receipts>[]) {
      const read: Receipts = { ...row, received: BigInt(row.received) }
      check(read.received >= 0n)
      ledger.set(ledger.nouns.instruction_receipts, receipts.key(read), read)
    }
  },
  subsidies: (ledger, rows) => {
    for (const row of rows as unknown as Subsidy[]) ledger.set(ledger.nouns.subsidies, subsidies.key(row), row)
  },
  treasury_figures: (ledger, rows) => {
    for (const row of rows as unknown as Wire<TreasuryFigure>[]) {
      const figure: TreasuryFigure = { ...row, amount: BigInt(row.amount) }
      check(figure.amount > 0n)
      ledger.set(ledger.nouns.treasury_figures, treasuryFigures.key(figure), figure)
    }
  },
  bank_accounts: (ledger, rows) => {
    for (const row of rows as unknown as BankAccounts[]) {
      for (const { state, from, decidedBy, decidedOn, tail } of row.accounts) {
        check((state === 'confirmed') === (from !== null) && (state === 'proposed') === (decidedBy === null))
        check((decidedBy === null) === (decidedOn === null) && tail.length === 4)
      }
      unique(
        new Set(row.accounts.map(({ after }) => after)).size === row.accounts.length,
        'bank_accounts_owner_after_key',
      )
      ledger.set(ledger.nouns.bank_accounts, row.owner, row)
    }
  },
  period_calendars: (ledger, rows) => {
    for (const row of rows as unknown as Calendar[]) {
      ledger.set(ledger.nouns.period_calendars, calendars.key(row), row)
    }
  },
  period_previews: (ledger, rows) => {
    for (const row of rows as unknown as Preview[]) ledger.set(ledger.nouns.period_previews, previews.key(row), row)
  },
  webhooks: (ledger, rows) => {
    for (const row of rows as unknown as Webhooks[]) {
      check(row.webhooks.every((one) => (one.former === null) === (one.formerUntil === null)))
      ledger.set(ledger.nouns.webhooks, row.owner, row)
    }
  },
}

const USCC = /^[0-9A-HJ-NPQRTUWXY]{18}$/

function fen(digits: string | null): bigint | null {
  return digits === null ? null : BigInt(digits)
}

/** What of an entry on the integrity list never changes. */
function saidOf({ listing, reason, by, person, proposedBy, jurisdiction, source, decision }: Entry) {
  return { listing, reason, by, person, ...(proposedBy ? { proposedBy } : {}), jurisdiction, source, decision }
}

function programOf(row: Wire<Program>): Program {
  const program: Program = {
    ...row,
    annualCap: BigInt(row.annualCap),
    orderCap: fen(row.orderCap),
    firstGrantLimit: fen(row.firstGrantLimit),
    ratios: row.ratios.map((one) => ({ ...one, orderCap: fen(one.orderCap as unknown as string | null) })),
  }
  const { annualCap, orderCap, firstGrantLimit, useBy, noticeDays, extendDays } = program
  check(annualCap > 0n && (orderCap === null || orderCap > 0n) && (firstGrantLimit === null || firstGrantLimit > 0n))
  check(/^[0-9]+(\.[0-9]+)?$/.test(program.ratio) && program.applyTo >= program.applyFrom)
  check(program.useWithinDays >= 0 && program.claimWithinDays >= 0 && (program.recallUnusedAfterDays ?? 0) >= 0)
  check((useBy === null || useBy >= program.applyTo) && (noticeDays === null || noticeDays > 0))
  check(extendDays === null || extendDays > 0)
  check((program.acceptanceDays ?? 1) > 0 && (program.appealDays ?? 1) > 0)
  check(program.version > 0 && (program.version === 1) === (program.effectiveFrom === null))
  return program
}

/** What of an order changes after it was filed. */
function courseOf(order: Order) {
  const { state, deadline, score, invoiceNo, invoiceAmount, verifiedBy, approved, approvedSeq, clawedBack } = order
  const { noticeEnds, evidence, redInvoices, dossier, contractAmount, voucherAmount } = order
  const course = { state, deadline, score, invoiceNo, invoiceAmount, verifiedBy, approved, approvedSeq, clawedBack }
  return { ...course, noticeEnds, evidence, redInvoices, dossier, contractAmount, voucherAmount }
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

function checkLine({ amount, setOff, state, released, paid }: PaymentLine): void {
  check(amount > 0n && setOff >= 0n && released >= 0n && paid >= 0n && setOff + released <= amount && paid <= released)
  check((state === 'released' || state === 'paid') === released > 0n)
  check((state === 'paid') === (released > 0n && paid === released))
}
