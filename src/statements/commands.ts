import { refuse } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { command } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { accountKey, accounts, accountsOf } from '../ledger/accounts.js'
import type { Book } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import { type Row, row } from '../ledger/plan.js'
import { batchKey, parseLineReference, payingOf, paymentBatches, sourceOf } from '../payments/facts.js'
import { TREASURY } from '../settlement/facts.js'
import {
  assignException,
  exceptionAssigned,
  exceptionResolved,
  type Line,
  type ResolveException,
  resolveException,
  statementTaken,
  takeStatement,
} from './contract.js'
import {
  type BankException,
  type BankLine,
  bankLineKey,
  bankLines,
  exceptionOf,
  exceptions,
  type Resolution,
  receipts,
  receiptsKey,
  type Statement,
  statementKey,
  statements,
} from './facts.js'
import { type Grounds, isOfBook, Matching, type Payee, type Ref, referencesIn } from './rules.js'

/** Reads what bank lines with these references rest on. */
function groundsOf(find: Find, book: Book, payments: readonly Ref[], codes: readonly string[]): Grounds {
  const refs = payments.filter(isOfBook)
  const foreign = refs.filter((ref) => ref.book !== book)
  const owners = codes.flatMap((uscc) => [`provider:${uscc}`, `enterprise:${uscc}`])
  const batchKeys = [...new Set(refs.map((ref) => batchKey(ref.book, ref.batch)))]
  const batchKinds: readonly (readonly [FactKind<Fact>, string])[] = batchKeys.map((key) => [paymentBatches, key])
  find.ahead(
    ...batchKinds,
    ...foreign.map((ref) => [receipts, receiptsKey(book, { ...ref, payer: ref.book })] as const),
    ...owners.flatMap((owner) => accountsOf(book, { kind: 'payable', owner }, { kind: 'recoverable', owner })),
  )
  const batches = new Map(
    batchKeys.flatMap((key) => {
      const batch = find(paymentBatches, key)
      return batch ? [[key, batch] as const] : []
    }),
  )
  for (const ref of refs) {
    const batch = batches.get(batchKey(ref.book, ref.batch))
    const line = batch?.lines[ref.line - 1]
    if (batch && line) find.ahead(...accountsOf(book, TREASURY, payingOf(batch), sourceOf(batch, line)))
  }
  const received = new Map(
    foreign.map((ref) => [
      `${ref.book}/${ref.batch}/${ref.line}`,
      find(receipts, receiptsKey(book, { ...ref, payer: ref.book }))?.received ?? 0n,
    ]),
  )
  return { book, batches, received, payees: new Map(codes.map((uscc) => [uscc, payeesOf(find, book, uscc)])) }
}

/** As what this code was ever owed anything by the book: provider, enterprise, both or neither. */
function payeesOf(find: Find, book: Book, uscc: string): Payee[] {
  return [`provider:${uscc}`, `enterprise:${uscc}`].flatMap((owner): Payee[] => {
    const payable = find(accounts, accountKey(book, { kind: 'payable', owner }))
    const recoverable = find(accounts, accountKey(book, { kind: 'recoverable', owner }))
    const province = payable?.province ?? recoverable?.province
    if (province === undefined) return []
    return [
      {
        owner,
        payable: { kind: 'payable', owner, province },
        recoverable: { kind: 'recoverable', owner, province },
        owing: recoverable ? recoverable.posted - recoverable.held : 0n,
      },
    ]
  })
}

/** What a matching has changed, as rows. */
function rowsOf(matching: Matching): Row[] {
  const { book, batches, received } = matching
  return [
    ...[...batches.values()].map((batch) => row(paymentBatches, batch)),
    ...[...received.values()].map(({ book: payer, batch, line, amount }) =>
      row(receipts, { book, payer, batch, line, received: amount }),
    ),
  ]
}

const isSame = (kept: BankLine, { day, side, amount, reference }: Line) =>
  kept.day === day && kept.side === side && kept.amount === amount && kept.reference === reference

/**
 * Takes lines of a bank statement for what they confirm 银行对账: payments, whole or in part, payments that came back,
 * instructions that came in, refunds; every other line becomes an exception. A line that was taken before is left alone.
 */
export const takeStatementCommand = command({
  kind: 'take_statement',
  schema: takeStatement,
  event: statementTaken,
  facts(find, { book, statement, head, lines }) {
    const named = lines.map(({ reference }) => referencesIn(reference))
    find.ahead(
      [statements, statementKey(book, statement)],
      ...lines.map(({ serial }) => [bankLines, bankLineKey(book, head.account, serial)] as const),
      ...accountsOf(book, TREASURY),
    )
    const known = lines.map(({ serial }) => find(bankLines, bankLineKey(book, head.account, serial)))
    const codes = named.flatMap(({ refunds }) => refunds.map(({ uscc }) => uscc))
    return {
      book,
      existing: find(statements, statementKey(book, statement)),
      known,
      grounds: groundsOf(
        find,
        book,
        named.flatMap(({ payments }) => payments),
        [...new Set(codes)],
      ),
    }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, existing, known, grounds }, { statement, head, at, lines }, { day, seq }) {
    const { account, number } = head
    if (existing && existing.digest !== head.digest) return refuse('statement_differs', { number })
    if (at !== (existing?.taken ?? 0)) return refuse('state_conflict', { taken: existing?.taken ?? 0 })
    const differs = lines.find((line, n) => known[n] && !isSame(known[n], line))
    if (differs) return refuse('bank_line_differs', { line: differs.line, serial: differs.serial })
    const matching = new Matching(grounds)
    const fresh = lines.filter((_, n) => !known[n])
    const kept: BankLine[] = []
    const open: BankException[] = []
    for (const line of fresh) {
      const taken = matching.take(line)
      const isMatched = typeof taken !== 'string'
      kept.push({ book, account, statement, ...line, booked: seq, matches: isMatched ? taken : [] })
      if (isMatched) continue
      const { serial } = line
      const rest = { owner: null, state: 'open', resolution: null } as const
      open.push({ book, exception: seq, line: line.line, account, serial, reason: taken, openedOn: day, ...rest })
    }
    const repeated = lines.length - fresh.length
    const before: Statement = existing ?? { book, statement, ...head, taken: 0, repeated: 0, first: seq }
    return {
      book,
      entry: matching.entry,
      rows: [
        row(statements, {
          ...before,
          taken: before.taken + lines.length,
          repeated: before.repeated + repeated,
        }),
        ...kept.map((line) => row(bankLines, line)),
        ...open.map((exception) => row(exceptions, exception)),
        ...rowsOf(matching),
      ],
      event: {
        statement,
        lines: lines.length,
        matched: fresh.length - open.length,
        exceptions: open.length,
        repeated,
      },
    }
  },
})

/** Says who looks after an exception 差错分派. */
export const assignExceptionCommand = command({
  kind: 'assign_exception',
  schema: assignException,
  event: exceptionAssigned,
  facts(find, { exception: id }) {
    const exception = exceptionOf(find, id)
    return { book: exception.book, exception }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, exception }, { exception: id, owner }) {
    if (exception.state !== 'open') return refuse('state_conflict', { state: exception.state })
    return { book, rows: [row(exceptions, { ...exception, owner })], event: { exception: id, owner } }
  },
})

const asOf = ({ payments, refund }: ResolveException): Resolution['as'] =>
  payments ? 'payment' : refund ? 'refund' : 'ignored'

/** Ends an exception by hand 差错处理: it is for these payment lines, or a refund, or nothing that is booked here. */
export const resolveExceptionCommand = byTwo({
  kind: 'resolve_exception',
  schema: resolveException,
  event: exceptionResolved,
  facts(find, { exception: id, payments, refund }) {
    const exception = exceptionOf(find, id)
    const { book, account, serial } = exception
    const refs = payments?.map(({ reference }) => parseLineReference(reference)!) ?? []
    const grounds = groundsOf(find, book, refs, refund ? [refund] : [])
    return { book, exception, bankLine: find(bankLines, bankLineKey(book, account, serial))!, grounds }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide({ book, exception, bankLine, grounds }, said, { day, seq, actor, proposedBy }) {
    const { exception: id, payments, refund, document, reason } = said
    if (exception.state !== 'open') return refuse('state_conflict', { state: exception.state })
    const as = asOf(said)
    if ((payments && refund) || (as === 'ignored' && !document)) return refuse('resolution_unclear')
    const { side, amount } = bankLine
    const matching = new Matching(grounds)
    const parts = payments?.map((one) => ({ ...parseLineReference(one.reference)!, amount: one.amount })) ?? []
    if (payments && parts.reduce((sum, part) => sum + part.amount, 0n) !== amount) {
      return refuse('match_not_possible', { reason: 'amount_differs' })
    }
    if (refund && side === 'debit') return refuse('match_not_possible', { reason: 'unclear_reference' })
    const taken = payments ? matching.takeFor(side, parts) : refund ? matching.refund(refund, amount) : []
    if (typeof taken === 'string') return refuse('match_not_possible', { reason: taken })
    const resolution = {
      as,
      reason,
      document: document ?? null,
      by: actor.subject,
      proposedBy: proposedBy ?? null,
      on: day,
      seq,
    }
    return {
      book,
      entry: matching.entry,
      rows: [
        row(exceptions, { ...exception, state: 'resolved', resolution }),
        ...(taken.length > 0 ? [row(bankLines, { ...bankLine, matches: taken })] : []),
        ...rowsOf(matching),
      ],
      event: { exception: id, as },
    }
  },
})
