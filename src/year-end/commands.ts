import { isUnder } from '../core/division.js'
import { bookText } from '../core/ids.js'
import { type Fen, parseYuan, yuan } from '../core/money.js'
import { type Refusal, Refused, refuse } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { owedToPool } from '../deadlines/owed.js'
import { ofJurisdiction } from '../engine/access.js'
import { command, type OwedSources, wire } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { accountsOf, available } from '../ledger/accounts.js'
import { type Book, REGION } from '../ledger/book.js'
import { post } from '../ledger/entry.js'
import type { Find } from '../ledger/fact.js'
import { row } from '../ledger/plan.js'
import { paymentBatches } from '../payments/facts.js'
import { APPROPRIATION, draftIn, drafts, poolOf, programs, publishedOf } from '../programs/facts.js'
import {
  budgetReconciled,
  budgetReturned,
  carriedOver,
  carryOver,
  openYear,
  reconcileBudget,
  returnBudget,
  setSubsidy,
  subsidise,
  subsidised,
  subsidySet,
  yearOpened,
} from './contract.js'
import { inBook, type Subsidy, type SubsidyRun, subsidies, subsidyTo, treasuryFigures } from './facts.js'
import { codeIn, inForceOver, overlapping, rulesIn, sharesOf } from './rules.js'

/** A pool that money is taken out of. */
interface Pool {
  readonly book: Book
  readonly program: string
  /** In fen. */
  readonly pool: Fen
}

function pooled(find: Find, program: string): Pool {
  const { jurisdiction: book } = publishedOf(find, program)
  find.ahead(...accountsOf(book, APPROPRIATION, poolOf(program)))
  return { book, program, pool: available(find, book, poolOf(program)) }
}

/** After a refusal for lack of money: what is overdue lapses into the pool first. */
async function owedTo(sources: OwedSources, { book, program }: Pool, { refused }: Refusal, day: Day) {
  return refused === 'pool_insufficient' ? owedToPool(sources, book, program, day) : undefined
}

/** Gives unused budget back to Finance (交回财政). Refuses pool_insufficient, also when there is nothing to give. */
export const returnBudgetCommand = byTwo({
  kind: 'return_budget',
  schema: returnBudget,
  event: budgetReturned,
  facts: (find, { program }) => pooled(find, program),
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, pool }, { program, amount: asked }) {
    const amount = asked ?? pool
    if (amount > pool || amount === 0n) return refuse('pool_insufficient', { pool: yuan(pool) })
    return {
      book,
      entry: [post('return_budget', poolOf(program), APPROPRIATION, amount)],
      event: { program, amount: yuan(amount), pool: yuan(pool - amount) },
    }
  },
  owed: (sources, facts, refusal, day) => owedTo(sources, facts, refusal, day),
})

/** Carries unused budget over to a later program (结转). Refuses carry_over_not_allowed, pool_insufficient. */
export const carryOverCommand = byTwo({
  kind: 'carry_over',
  schema: carryOver,
  event: carriedOver,
  facts(find, { from, to }) {
    find.ahead([programs, from], [programs, to])
    const [earlier, later] = [publishedOf(find, from), publishedOf(find, to)]
    find.ahead(...accountsOf(later.jurisdiction, poolOf(to)))
    return { ...pooled(find, from), earlier, later }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, pool, earlier, later }, { from, to, amount: asked }) {
    const ends = (program: typeof later) => program.versions.at(-1)!.applyTo
    if (later.jurisdiction !== book || ends(later) <= ends(earlier)) {
      return refuse('carry_over_not_allowed', { to, jurisdiction: bookText(later.jurisdiction), applyTo: ends(later) })
    }
    const amount = asked ?? pool
    if (amount > pool || amount === 0n) return refuse('pool_insufficient', { pool: yuan(pool) })
    return {
      book,
      entry: [post('carry_over', poolOf(from), poolOf(to), amount)],
      event: { from, to, amount: yuan(amount), pool: yuan(pool - amount) },
    }
  },
  owed: (sources, facts, refusal, day) => owedTo(sources, facts, refusal, day),
})

/** Writes down what the treasury says it has given for a program (与国库对账); what differs is shown and moves nothing. */
export const reconcileBudgetCommand = command({
  kind: 'reconcile_budget',
  schema: reconcileBudget,
  event: budgetReconciled,
  facts: (find, { program }) => ({ book: publishedOf(find, program).jurisdiction }),
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book }, { program, amount, asOf, document }, { day }) {
    if (asOf > day) return refuse('day_in_future', { asOf })
    return {
      book,
      rows: [row(treasuryFigures, { book, program, amount, asOf, document, recordedOn: day })],
      event: { program, treasury: yuan(amount), asOf },
    }
  },
})

const subsidyIn = (find: Find, book: Book, program: string): Subsidy =>
  find(subsidies, inBook(book, program)) ?? { book, program, versions: [], runs: [] }

/** Rules from a day on what those below are paid (补助规则). Refuses outside_jurisdiction, effective_in_past. */
export const setSubsidyCommand = byTwo({
  kind: 'set_subsidy',
  schema: setSubsidy,
  event: subsidySet,
  facts(find, { program }) {
    const { jurisdiction: book } = publishedOf(find, program)
    return { book, subsidy: subsidyIn(find, book, program) }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, subsidy }, { program, from, to, ...rule }, { day }) {
    const own = bookText(book)
    const stranger = rule.jurisdictions.find((code) => code === own || !isUnder(code, own))
    if (stranger !== undefined) return refuse('outside_jurisdiction', { jurisdiction: stranger })
    if (from < day) return refuse('effective_in_past', { effectiveFrom: from })
    const version = subsidy.versions.length + 1
    return {
      book,
      rows: [row(subsidies, { ...subsidy, versions: [...subsidy.versions, { version, from, to, ...rule }] })],
      event: { program, version, from, to },
    }
  },
})

const runEvent = (program: string, { version, from, to, items }: Omit<SubsidyRun, 'run'>, total: Fen) => ({
  program,
  version,
  from,
  to,
  total: yuan(total),
  items,
})

/**
 * Books the shares of days that are over (计提补助): the pool owes them to the jurisdictions below, and a payment batch of
 * their own lets them be released. The same days asked again are answered the same and booked no more. Refuses
 * subsidy_not_in_force, subsidy_overlaps, period_not_over, pool_insufficient.
 */
export const subsidiseCommand = command({
  kind: 'subsidise',
  schema: subsidise,
  event: subsidised,
  facts(find, { program, bases = [] }) {
    const { jurisdiction } = publishedOf(find, program)
    find.ahead(
      [subsidies, inBook(jurisdiction, program)],
      ...accountsOf(jurisdiction, ...bases.map((base) => subsidyTo(base.jurisdiction))),
    )
    return { ...pooled(find, program), subsidy: subsidyIn(find, jurisdiction, program) }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, pool, subsidy }, { program, from, to, bases = [] }, { day, seq }) {
    const before = overlapping(subsidy, from, to)
    if (before && (before.from !== from || before.to !== to)) {
      return refuse('subsidy_overlaps', { from: before.from, to: before.to })
    }
    if (before) {
      const total = before.items.reduce((sum, { amount }) => sum + parseYuan(amount), 0n)
      return { book, event: runEvent(program, before, total) }
    }
    if (to >= day) return refuse('period_not_over', { through: to })
    const version = inForceOver(subsidy, from, to)
    if (!version) return refuse('subsidy_not_in_force', { from, to })
    const asked = bases.map(({ jurisdiction }) => jurisdiction)
    // They were added up under the rule as it stood just before.
    if (String(asked) !== String(version.jurisdictions)) return refuse('state_conflict', { version: version.version })
    const shares = sharesOf(version.share, bases)
    const due = shares.filter(({ amount }) => amount > 0n)
    const total = due.reduce((sum, { amount }) => sum + amount, 0n)
    if (total > pool) return refuse('pool_insufficient', { pool: yuan(pool) })
    const items = shares.map(({ jurisdiction, base, amount }) => ({
      jurisdiction,
      base: yuan(base),
      amount: yuan(amount),
    }))
    const run: SubsidyRun = { run: seq, version: version.version, from, to, items }
    const lines = due.map(({ jurisdiction, amount }, index) => ({
      line: index + 1,
      payee: subsidyTo(jurisdiction).owner,
      province: null,
      amount,
      clawedBack: 0n,
      setOff: 0n,
      state: 'open' as const,
      released: 0n,
      paid: 0n,
      release: null,
      account: null,
      bounces: 0,
    }))
    const batch = { book, batch: seq, period: `subsidy ${program} ${from} ${to}`, source: 'payable' as const, lines }
    return {
      book,
      entry: due.map(({ jurisdiction, amount }) => post('subsidise', poolOf(program), subsidyTo(jurisdiction), amount)),
      rows: [
        row(subsidies, { ...subsidy, runs: [...subsidy.runs, run] }),
        ...(lines.length > 0 ? [row(paymentBatches, batch)] : []),
      ],
      event: runEvent(program, run, total),
    }
  },
  owed: (sources, facts, refusal, day) => owedTo(sources, facts, refusal, day),
})

/**
 * Drafts a jurisdiction's programs again for another year (开立新年度): drafts only, which are published by two persons as
 * ever. What is drafted already stays as it is. Refuses program_not_found, program_exists.
 */
export const openYearCommand = command({
  kind: 'open_year',
  schema: openYear,
  event: yearOpened,
  facts(find, { jurisdiction, programs: codes, year }) {
    find.ahead(...codes.map((code) => [programs, code] as const))
    const copies = codes.map((code) => {
      const { jurisdiction: owner, versions } = publishedOf(find, code)
      if (owner !== Number(jurisdiction)) throw new Refused('not_your_jurisdiction')
      const last = versions.at(-1)!
      const next = codeIn(last, year)
      return { last, next, taken: find(programs, next) !== null, draft: draftIn(find, jurisdiction, next) }
    })
    return { book: REGION, copies }
  },
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ copies }, { jurisdiction, year }, { seq }) {
    const taken = copies.find((copy) => copy.taken)
    if (taken) return refuse('program_exists', { program: taken.next })
    const rows = copies
      .filter(({ draft }) => draft === null)
      .map(({ last, next }) =>
        row(drafts, {
          book: REGION,
          jurisdiction: Number(jurisdiction),
          program: next,
          version: seq,
          rules: wire(rulesIn(last, year)),
        }),
      )
    return {
      book: REGION,
      rows,
      event: { jurisdiction, year, drafts: copies.map(({ last, next }) => ({ from: last.program, program: next })) },
    }
  },
})
