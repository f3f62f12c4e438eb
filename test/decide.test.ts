import t, { type Test } from 'tap'
import { appealClaimCommand, decideClaimAppealCommand } from '../src/appeals/commands.js'
import * as claims from '../src/claims/commands.js'
import { approveClaimCommand, clawBackCommand, submitClaimCommand, verifyClaimCommand } from '../src/claims/commands.js'
import { parseYuan, yuan } from '../src/core/money.js'
import { isRefusal, type Refusal } from '../src/core/refusals.js'
import { lapseOrderCommand, lapseVoucherCommand } from '../src/deadlines/commands.js'
import type { Hold } from '../src/ledger/accounts.js'
import { release } from '../src/ledger/entry.js'
import type { Context, Plan, Transfer } from '../src/ledger/plan.js'
import { fileObjectionCommand, resolveObjectionCommand } from '../src/objections/commands.js'
import * as ordersCommands from '../src/orders/commands.js'
import { fileOrderCommand } from '../src/orders/commands.js'
import { type OrderState, orderStates } from '../src/orders/contract.js'
import { type Dossier, type Order, payableOf } from '../src/orders/facts.js'
import { type OrderCommand, transitions } from '../src/orders/rules.js'
import { publishProgramCommand } from '../src/programs/commands.js'
import { type Program, together } from '../src/programs/facts.js'
import { versionOf } from '../src/programs/rules.js'
import { registerProviderCommand } from '../src/providers/commands.js'
import type { Provider } from '../src/providers/facts.js'
import {
  closePeriodCommand,
  confirmPaymentsCommand,
  markPaidCommand,
  netPeriodCommand,
  payCommand,
} from '../src/settlement/commands.js'
import type { Period } from '../src/settlement/facts.js'
import { issueCommand } from '../src/vouchers/commands.js'
import { passOn, type Voucher, voucherAccount } from '../src/vouchers/facts.js'
import { enterpriseFact, voucherFact } from './support/facts.js'
import { bureau, rules, uscc } from './support/scene.js'
import { table } from './support/table.js'

const BOOK = 320509
const DAY = '2026-03-02'
const SEQ = 100
const context = (over: Partial<Context> = {}): Context => ({
  at: 0,
  day: DAY,
  actor: bureau('320509', 'Li'),
  seq: SEQ,
  ...over,
})

const first = { program: 'WJ', jurisdiction: BOOK, version: 1, effectiveFrom: null }
const program = versionOf(rules({ program: 'WJ' }), first)
const enterprise = enterpriseFact()
const recognition = {
  recognition: 1,
  jurisdiction: BOOK,
  categories: ['testing'],
  from: '2026-01-01',
  to: '2026-12-31',
  ended: null,
}
const provider: Provider = {
  book: 0,
  uscc: uscc(11),
  name: 'P',
  division: '310104',
  categories: ['testing'],
  recognitions: [recognition],
  suspensions: [],
}
const voucher = voucherFact()
const running: readonly OrderState[] = ['filed', 'accepted', 'delivered', 'confirmed', 'returned']
const order = (over: Partial<Order> = {}): Order => {
  const state = over.state ?? 'filed'
  const isPaidFor = state === 'approved' || state === 'paid'
  return {
    book: BOOK,
    order: 10,
    state,
    voucher: 9,
    program: 'WJ',
    enterprise: uscc(1),
    provider: uscc(11),
    category: 'testing',
    contractNo: 'C-1',
    contractAmount: 1_000_00n,
    voucherAmount: 100_00n,
    signedOn: '2026-01-05',
    filedOn: '2026-01-12',
    claimBy: '2026-04-30',
    deadline: running.includes(state) ? '2026-04-30' : null,
    payee: 'provider',
    payeeProvince: 310000,
    score: null,
    invoiceNo: null,
    invoiceAmount: null,
    verifiedBy: null,
    approved: isPaidFor ? 100_00n : null,
    approvedSeq: isPaidFor ? 50 : null,
    clawedBack: 0n,
    version: 1,
    noticeDays: null,
    noticeEnds: null,
    evidence: null,
    agreement: null,
    redInvoices: null,
    localCategory: null,
    dossier: null,
    ...over,
  }
}
/** What `heldBy` gathers for an order. */
const held = (of: Order, open = of.voucherAmount, on: Voucher = voucher) => {
  const hold: Hold = {
    book: BOOK,
    hold: of.order,
    legs: [
      { leg: 1, type: 'redeem', debit: voucherAccount(on), credit: payableOf(of), amount: of.voucherAmount, open },
    ],
  }
  const giveBack = (day: string) => [...release(hold), ...passOn(on, open, day)]
  return { book: BOOK, order: of, voucher: on, hold, open, giveBack }
}

const codeOf = (decision: Plan | Refusal) => (isRefusal(decision) ? decision.refused : 'accepted')
/** A line of an entry as an accountant writes it: what, from, to, how much. */
const written = ({ type, phase, debit, credit, amount }: Transfer) =>
  `${phase === 'post' ? type : `${phase} ${type}`} ${debit.kind}>${credit.kind} ${yuan(amount)}`
const entryOf = (decision: Plan | Refusal) =>
  isRefusal(decision) ? `refused ${decision.refused}` : (decision.entry ?? []).map(written).join('; ') || 'no entry'
const changed = <T>(decision: Plan | Refusal, name: string): T | undefined =>
  isRefusal(decision) ? undefined : (decision.rows?.find((row) => row.kind.name === name)?.value as T | undefined)

/**
 * Every refusal in its order: with check n and all later ones violated, the answer is n; with none, it is accepted.
 * And each check violated by itself is refused with its own code.
 */
function inOrder<S>(
  t: Test,
  fresh: () => S,
  decide: (state: S) => Plan | Refusal,
  checks: readonly (readonly [code: string, violate: (state: S) => void])[],
) {
  t.equal(codeOf(decide(fresh())), 'accepted', 'with nothing violated')
  checks.forEach(([code, violate], n) => {
    const alone = fresh()
    violate(alone)
    t.equal(codeOf(decide(alone)), code, `${code} by itself`)
    const all = fresh()
    for (const [, also] of checks.slice(n)) also(all)
    t.equal(codeOf(decide(all)), code, `${code} before ${checks.length - n - 1} others`)
  })
}
type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type FactsOf<C> = C extends { decide(facts: infer F, ...rest: never[]): unknown } ? F : never

t.test('issue', async (t) => {
  const state = () => ({
    facts: {
      book: BOOK,
      program: { ...program, annualCap: 1_000_00n } as Mutable<Program>,
      enterprise: { ...enterprise },
      isListed: false,
      granted: 0n,
      pool: 500_00n,
    } satisfies FactsOf<typeof issueCommand>,
    day: DAY,
  })
  const decide = ({ facts, day }: ReturnType<typeof state>, amount = 500_00n) =>
    issueCommand.decide(facts, { enterprise: uscc(1), program: 'WJ', amount }, context({ day }))

  t.test('is refused for the first thing that stands against it, in the order of the rules', async (t) => {
    inOrder(t, state, decide, [
      ['program_not_open', (s) => Object.assign(s, { day: '2025-12-31' })],
      ['integrity_listed', (s) => Object.assign(s.facts, { isListed: true })],
      ['outside_jurisdiction', (s) => Object.assign(s.facts.enterprise, { division: '320583' })],
      ['enterprise_not_eligible', (s) => Object.assign(s.facts.program, { enterpriseTypes: ['micro'] })],
      ['annual_cap_exceeded', (s) => Object.assign(s.facts, { granted: 500_01n })],
      ['pool_insufficient', (s) => Object.assign(s.facts, { pool: 499_99n })],
    ])
  })

  const cases = table(
    'day         jurisdiction  division  granted  pool     amount   outcome',
    `
     2025-12-31  320509        320509    0.00     500.00   1.00     program_not_open
     2026-01-01  320509        320509    0.00     500.00   1.00     accepted
     2026-12-31  320509        320509    0.00     500.00   1.00     accepted
     2027-01-01  320509        320509    0.00     500.00   1.00     program_not_open
     # a county's program for its own, a city's for its counties, a province's for all of it
     2026-03-02  320509        320583    0.00     500.00   1.00     outside_jurisdiction
     2026-03-02  320500        320583    0.00     500.00   1.00     accepted
     2026-03-02  320500        320100    0.00     500.00   1.00     outside_jurisdiction
     2026-03-02  320000        320583    0.00     500.00   1.00     accepted
     2026-03-02  310000        320583    0.00     500.00   1.00     outside_jurisdiction
     # the cap counts what was issued before and this, to the fen
     2026-03-02  320509        320509    0.00     5000.00  1000.00  accepted
     2026-03-02  320509        320509    0.00     5000.00  1000.01  annual_cap_exceeded
     2026-03-02  320509        320509    999.99   5000.00  0.01     accepted
     2026-03-02  320509        320509    999.99   5000.00  0.02     annual_cap_exceeded
     # the pool may be emptied, not overdrawn
     2026-03-02  320509        320509    0.00     500.00   500.00   accepted
     2026-03-02  320509        320509    0.00     500.00   500.01   pool_insufficient
     2026-03-02  320509        320509    0.00     0.00     0.01     pool_insufficient
    `,
  )
  t.test('to the fen and to the day', async (t) => {
    for (const { day, jurisdiction, division, granted, pool, amount, outcome } of cases) {
      const { facts } = state()
      facts.program.jurisdiction = Number(jurisdiction)
      facts.enterprise.division = division
      const given = { facts: { ...facts, granted: parseYuan(granted), pool: parseYuan(pool) }, day }
      const title = `${day} ${jurisdiction} for ${division}, ${amount} of ${pool} after ${granted}`
      t.equal(codeOf(decide(given as ReturnType<typeof state>, parseYuan(amount))), outcome, title)
    }
  })

  t.test('moves the money from the pool to the voucher, counts it, and says until when it can be used', async (t) => {
    const decision = decide({ ...state(), facts: { ...state().facts, granted: 10_00n } as never }, 200_00n)
    t.equal(entryOf(decision), 'issue pool>voucher 200.00')
    t.match(changed(decision, 'grants'), { granted: 210_00n, ceiling: 1_000_00n, year: 2026 })
    t.match(changed(decision, 'vouchers'), { voucher: SEQ, amount: 200_00n, useBy: '2026-08-29', lapsedOn: null })
    t.match(decision, { event: { voucher: 'V320509-100', amount: '200.00', useBy: '2026-08-29' } })
  })
})

t.test('file_order', async (t) => {
  const state = () => ({
    facts: {
      book: BOOK,
      voucher: { ...voucher },
      program: { ...program } as Mutable<Program>,
      provider: { ...provider } as Mutable<Provider>,
      pair: null,
      review: null,
      meanings: [] as string[],
      enterprise: { ...enterprise },
      payee: provider as { division: string; uscc: string },
      listed: undefined as string | undefined,
      duplicate: undefined as Order | undefined,
      available: 500_00n,
    },
    command: {
      voucher: 'V320509-9',
      provider: uscc(11),
      category: 'testing' as const,
      contractNo: 'C-1',
      contractAmount: 1_000_00n,
      voucherAmount: 100_00n,
      signedOn: '2026-01-05',
      relatedParty: false,
    },
    day: DAY,
  })
  type State = ReturnType<typeof state>
  const decide = ({ facts, command, day }: State) => fileOrderCommand.decide(facts as never, command, context({ day }))

  t.test('is refused for the first thing that stands against it, in the order of the rules', async (t) => {
    inOrder<State>(t, state, decide, [
      ['voucher_expired', (s) => Object.assign(s, { day: '2026-07-01' })],
      ['integrity_listed', (s) => Object.assign(s.facts, { listed: uscc(1) })],
      ['category_not_covered', (s) => Object.assign(s.facts.program, { categories: ['design'] })],
      ['provider_not_recognised', (s) => Object.assign(s.facts.provider, { recognitions: [] })],
      ['cross_region_not_allowed', (s) => Object.assign(s.facts.program, { crossRegion: false })],
      ['related_party', (s) => Object.assign(s.command, { relatedParty: true })],
      ['contract_duplicate', (s) => Object.assign(s.facts, { duplicate: order() })],
      ['ratio_exceeded', (s) => Object.assign(s.command, { contractAmount: 199_99n })],
      ['order_cap_exceeded', (s) => Object.assign(s.facts.program, { orderCap: 99_99n })],
      ['insufficient_balance', (s) => Object.assign(s.facts, { available: 99_99n })],
      ['voucher_suspended', (s) => Object.assign(s.facts.voucher, { suspendedOn: DAY })],
      ['category_not_mapped', (s) => Object.assign(s.command, { localCategory: 'JS-1' })],
    ])
  })

  t.test('the ratio is cut down to whole fen, caps and balances may be used up', async (t) => {
    const cases = table(
      'ratio     contract  orderCap  available  voucherAmount  outcome',
      `
       0.333333  100.00    -         500.00     33.33          accepted
       0.333333  100.00    -         500.00     33.34          ratio_exceeded
       0.333333  0.03      -         500.00     0.01           ratio_exceeded
       1         0.01      -         500.00     0.01           accepted
       0.5       0.03      -         500.00     0.01           accepted
       0.5       0.03      -         500.00     0.02           ratio_exceeded
       0.5       1000.00   100.00    500.00     100.00         accepted
       0.5       1000.00   100.00    500.00     100.01         order_cap_exceeded
       0.5       1000.00   -         500.00     500.00         accepted
       0.5       2000.00   -         500.00     500.01         insufficient_balance
       0.5       2000.00   -         0.00       0.01           insufficient_balance
      `,
    )
    for (const { ratio, contract, orderCap, available, voucherAmount, outcome } of cases) {
      const s = state()
      Object.assign(s.facts.program, { ratio, orderCap: orderCap === '-' ? null : parseYuan(orderCap) })
      Object.assign(s.facts, { available: parseYuan(available) })
      Object.assign(s.command, { contractAmount: parseYuan(contract), voucherAmount: parseYuan(voucherAmount) })
      t.equal(codeOf(decide(s)), outcome, `${voucherAmount} of ${contract} at ${ratio}`)
    }
  })

  t.test(
    'a provider counts as recognised here, or by whoever is above, for this category, while it runs',
    async (t) => {
      const cases = table(
        'by      categories      from        to          ended  day         outcome',
        `
       320509  testing         2026-03-02  2026-03-02  -      2026-03-02  accepted
       320509  testing         2026-03-03  2026-12-31  -      2026-03-02  provider_not_recognised
       320509  testing         2026-01-01  2026-03-01  -      2026-03-02  provider_not_recognised
       320509  testing         2026-01-01  2026-12-31  7      2026-03-02  provider_not_recognised
       320509  design,rnd      2026-01-01  2026-12-31  -      2026-03-02  provider_not_recognised
       320509  design,testing  2026-01-01  2026-12-31  -      2026-03-02  accepted
       320500  testing         2026-01-01  2026-12-31  -      2026-03-02  accepted
       320000  testing         2026-01-01  2026-12-31  -      2026-03-02  accepted
       310000  testing         2026-01-01  2026-12-31  -      2026-03-02  provider_not_recognised
       320583  testing         2026-01-01  2026-12-31  -      2026-03-02  provider_not_recognised
      `,
      )
      for (const { by, categories, from, to, ended, day, outcome } of cases) {
        const s = { ...state(), day }
        const made = {
          ...recognition,
          jurisdiction: Number(by),
          categories: categories.split(','),
          from,
          to,
          ended: ended === '-' ? null : Number(ended),
        }
        const other = { ...recognition, recognition: 2, jurisdiction: 330000 }
        Object.assign(s.facts.provider, { recognitions: [other, made] })
        t.equal(codeOf(decide(s)), outcome, `by ${by} for ${categories} ${from}–${to}`)
      }
    },
  )

  t.test('without cross-region only providers of the same province, wherever in it', async (t) => {
    for (const [division, outcome] of [
      ['320100', 'accepted'],
      ['320509', 'accepted'],
      ['310104', 'cross_region_not_allowed'],
    ] as const) {
      const s = state()
      Object.assign(s.facts.program, { crossRegion: false })
      Object.assign(s.facts.provider, { division })
      t.equal(codeOf(decide(s)), outcome, division)
    }
  })

  t.test('the last day is the use-by day', async (t) => {
    t.equal(codeOf(decide({ ...state(), day: voucher.useBy })), 'accepted')
    t.equal(codeOf(decide({ ...state(), day: '2026-07-01' })), 'voucher_expired')
  })

  t.test('holds the amount for the payee, takes the contract number, and sets the claim-by day', async (t) => {
    const decision = decide(state())
    t.equal(entryOf(decision), 'hold redeem voucher>payable 100.00')
    t.match(changed(decision, 'orders'), {
      order: SEQ,
      state: 'filed',
      claimBy: '2026-05-31',
      deadline: '2026-05-31',
      payeeProvince: 310000,
      voucherAmount: 100_00n,
    })
    t.match(decision, { claims: [{ key: `contract ${uscc(11)} C-1`, holder: 'O320509-100' }] })
  })
})

t.test('submit_claim', async (t) => {
  t.test('is refused for the first thing that stands against it', async (t) => {
    const state = () => ({
      order: order({ state: 'confirmed' }),
      other: undefined as Order | undefined,
      amount: 1_000_00n,
    })
    const decide = ({ order, other, amount }: ReturnType<typeof state>) =>
      submitClaimCommand.decide(
        { book: BOOK, order, program, holder: null, other, isStopped: false },
        { order: 'O320509-10', invoiceNo: '1'.padStart(20, '0'), invoiceAmount: amount },
        context(),
      )
    inOrder(t, state, decide, [
      ['state_conflict', (s) => Object.assign(s, { order: order({ state: 'delivered' }) })],
      ['invoice_duplicate', (s) => Object.assign(s, { other: order({ order: 11 }) })],
      ['invoice_amount_short', (s) => Object.assign(s, { amount: 999_99n })],
    ])
  })

  t.test('the invoice covers the contract, or what the enterprise pays itself', async (t) => {
    const cases = table(
      'rule       contract  held    invoice  outcome',
      `
       whole      1000.00   100.00  1000.00  accepted
       whole      1000.00   100.00  999.99   invoice_amount_short
       self_paid  1000.00   100.00  900.00   accepted
       self_paid  1000.00   100.00  899.99   invoice_amount_short
       self_paid  100.00    100.00  0.01     accepted
      `,
    )
    for (const { rule, contract, held, invoice, outcome } of cases) {
      const claimed = order({
        state: 'confirmed',
        contractAmount: parseYuan(contract),
        voucherAmount: parseYuan(held),
      })
      const decision = submitClaimCommand.decide(
        {
          book: BOOK,
          order: claimed,
          program: { ...program, invoice: rule as 'whole' },
          holder: null,
          other: undefined,
          isStopped: false,
        },
        { order: 'O320509-10', invoiceNo: '1'.padStart(20, '0'), invoiceAmount: parseYuan(invoice) },
        context(),
      )
      t.equal(codeOf(decision), outcome, `${rule} ${invoice} of ${contract}`)
    }
  })

  t.test('a resubmission replaces the invoice and frees the old one; the same one stays taken', async (t) => {
    const [old, other] = ['1'.padStart(20, '0'), '2'.padStart(20, '0')]
    const returned = order({ state: 'returned', invoiceNo: old, invoiceAmount: 1_000_00n })
    const ask = (invoiceNo: string) =>
      submitClaimCommand.decide(
        {
          book: BOOK,
          order: returned,
          program,
          holder: invoiceNo === old ? { book: BOOK, holder: 'O320509-10' } : null,
          other: undefined,
          isStopped: false,
        },
        { order: 'O320509-10', invoiceNo, invoiceAmount: 1_000_00n },
        context(),
      )
    t.match(ask(other), { frees: [`invoice ${old}`], claims: [{ key: `invoice ${other}`, holder: 'O320509-10' }] })
    const same = ask(old)
    t.match(same, { frees: [], claims: [] })
    t.match(changed(same, 'orders'), { state: 'submitted', invoiceNo: old, deadline: null })
  })
})

t.test('approve_claim', async (t) => {
  const verified = order({ state: 'verified', verifiedBy: 'Chen' })

  t.test('is refused for the first thing that stands against it', async (t) => {
    const state = () => ({ order: { ...verified }, isPayeeListed: false, amount: 100_00n, subject: 'Li' })
    const decide = ({ order, isPayeeListed, amount, subject }: ReturnType<typeof state>) =>
      approveClaimCommand.decide(
        { ...held(order), isPayeeListed, isStopped: false },
        { order: 'O320509-10', amount },
        context({ actor: bureau('320509', subject) }),
      )
    inOrder(t, state, decide, [
      ['state_conflict', (s) => Object.assign(s, { order: order({ state: 'submitted', verifiedBy: 'Chen' }) })],
      ['separation_of_duties', (s) => Object.assign(s, { subject: 'Chen' })],
      ['integrity_listed', (s) => Object.assign(s, { isPayeeListed: true })],
      ['amount_exceeds_hold', (s) => Object.assign(s, { amount: 100_01n })],
    ])
  })

  t.test('captures all or part; the rest goes back to the voucher, past its use-by day on to the pool', async (t) => {
    const cases = table(
      'day         amount  entry',
      `
       2026-03-02  -       capture redeem voucher>payable 100.00
       2026-03-02  100.00  capture redeem voucher>payable 100.00
       2026-03-02  0.01    capture redeem voucher>payable 0.01; release redeem voucher>payable 99.99
       2026-06-30  40.00   capture redeem voucher>payable 40.00; release redeem voucher>payable 60.00
       2026-07-01  40.00   capture redeem voucher>payable 40.00; release redeem voucher>payable 60.00; lapse voucher>pool 60.00
       2026-07-01  -       capture redeem voucher>payable 100.00
       2026-07-01  100.01  refused amount_exceeds_hold
      `,
    )
    for (const { day, amount, entry } of cases) {
      const asked = { order: 'O320509-10', amount: amount === '-' ? null : parseYuan(amount) }
      const facts = { ...held(verified), isPayeeListed: false, isStopped: false }
      const decision = approveClaimCommand.decide(facts, asked, context({ day }))
      t.equal(entryOf(decision), entry, `${amount} on ${day}`)
      if (isRefusal(decision)) continue
      t.match(changed(decision, 'orders'), {
        state: 'approved',
        approved: asked.amount ?? 100_00n,
        approvedSeq: SEQ,
        deadline: null,
      })
    }
  })

  t.test('who verified it last cannot approve it; who verified it before may', async (t) => {
    const asked = { order: 'O320509-10' }
    const again = verifyClaimCommand.decide(
      { book: BOOK, order: { ...verified, state: 'submitted' } },
      asked,
      context(),
    )
    t.equal(changed<Order>(again, 'orders')?.verifiedBy, 'Li')
    const facts = { ...held(changed<Order>(again, 'orders')!), isPayeeListed: false, isStopped: false }
    t.equal(codeOf(approveClaimCommand.decide(facts, asked, context())), 'separation_of_duties')
    const chen = context({ actor: bureau('320509', 'Chen') })
    t.equal(codeOf(approveClaimCommand.decide(facts, asked, chen)), 'accepted')
  })
})

t.test('what gives a hold back gives all of it back, and past the use-by day on to the pool', async (t) => {
  const back = 'release redeem voucher>payable 100.00'
  const cases = table(
    'command       state      day         entry',
    `
     cancel_order  filed      2026-03-02  ${back}
     cancel_order  filed      2026-04-30  ${back}
     cancel_order  returned   2026-07-01  ${back}; lapse voucher>pool 100.00
     reject_claim  submitted  2026-06-30  ${back}
     reject_claim  verified   2026-07-01  ${back}; lapse voucher>pool 100.00
     lapse_order   filed      2026-04-30  refused state_conflict
     lapse_order   filed      2026-05-01  ${back}
     lapse_order   confirmed  2026-07-01  ${back}; lapse voucher>pool 100.00
    `,
  )
  const invoiceNo = '7'.padStart(20, '0')
  for (const { command, state, day, entry } of cases) {
    const of = order({ state: state as OrderState, invoiceNo, invoiceAmount: 1_000_00n })
    const type = {
      cancel_order: ordersCommands.cancelOrderCommand,
      reject_claim: claims.rejectClaimCommand,
      lapse_order: lapseOrderCommand,
    }[command]!
    const decision = type.decide({ ...held(of), appeal: null }, { order: 'O320509-10', reason: 'x' }, context({ day }))
    t.equal(entryOf(decision), entry, `${command} ${state} ${day}`)
    if (isRefusal(decision)) continue
    t.same(decision.frees, [`contract ${uscc(11)} C-1`, `invoice ${invoiceNo}`], 'contract and invoice are free again')
    t.equal(changed<Order>(decision, 'orders')?.deadline, null)
  }
})

t.test('a returned claim waits 30 days, or until its claim-by day if that is later', async (t) => {
  const cases = table(
    'returnedOn  claimBy     deadline',
    `
     2026-03-02  2026-04-30  2026-04-30
     2026-03-31  2026-04-30  2026-04-30
     2026-04-01  2026-04-30  2026-05-01
     2026-06-01  2026-04-30  2026-07-01
    `,
  )
  for (const { returnedOn, claimBy, deadline } of cases) {
    const submitted = order({ state: 'submitted', claimBy })
    const decision = claims.returnClaimCommand.decide(
      { book: BOOK, order: submitted },
      { order: 'O320509-10', reason: 'x' },
      context({ day: returnedOn }),
    )
    t.match(changed(decision, 'orders'), { state: 'returned', deadline }, `returned on ${returnedOn}`)
    t.equal(entryOf(decision), 'no entry', 'hold and invoice stay')
  }
})

t.test(
  'claw_back takes from what is still payable, beyond that it is recoverable; up to what was approved',
  async (t) => {
    const cases = table(
      'approved  clawedBack  payable  amount  entry',
      `
     100.00    0.00        100.00   100.00  claw_back_payable payable>pool 100.00
     100.00    0.00        60.00    100.00  claw_back_payable payable>pool 60.00; claw_back_recoverable recoverable>pool 40.00
     100.00    0.00        0.00     0.01    claw_back_recoverable recoverable>pool 0.01
     100.00    0.00        999.00   30.00   claw_back_payable payable>pool 30.00
     100.00    0.00        100.00   100.01  refused amount_exceeds_approved
     100.00    99.99       100.00   0.01    claw_back_payable payable>pool 0.01
     100.00    99.99       100.00   0.02    refused amount_exceeds_approved
     100.00    100.00      100.00   0.01    refused amount_exceeds_approved
    `,
    )
    for (const { approved, clawedBack, payable, amount, entry } of cases) {
      for (const state of ['approved', 'paid'] as const) {
        const of = order({ state, approved: parseYuan(approved), clawedBack: parseYuan(clawedBack) })
        const decision = clawBackCommand.decide(
          { book: BOOK, order: of, payable: parseYuan(payable) },
          { order: 'O320509-10', amount: parseYuan(amount), reason: 'x' },
          context(),
        )
        t.equal(entryOf(decision), entry, `${amount} of ${approved} less ${clawedBack}`)
        if (isRefusal(decision)) continue
        t.match(changed(decision, 'orders'), { state, clawedBack: of.clawedBack + parseYuan(amount) })
      }
    }
  },
)

t.test('lapse_voucher gives back what is available from the day after use-by, once', async (t) => {
  const cases = table(
    'day         lapsedOn    rest    entry',
    `
     2026-06-30  -           500.00  refused state_conflict
     2026-07-01  -           500.00  lapse voucher>pool 500.00
     2026-07-01  -           0.00    no entry
     2026-07-02  2026-07-01  500.00  refused state_conflict
    `,
  )
  for (const { day, lapsedOn, rest, entry } of cases) {
    const on = { ...voucher, lapsedOn: lapsedOn === '-' ? null : lapsedOn }
    const facts = { book: BOOK, voucher: on, rest: parseYuan(rest) }
    const decision = lapseVoucherCommand.decide(facts, { voucher: 'V320509-9' }, context({ day }))
    t.equal(entryOf(decision), entry, `${rest} on ${day}`)
    if (!isRefusal(decision)) t.equal(changed<Voucher>(decision, 'vouchers')?.lapsedOn, day)
  }
})

t.test('settlement', async (t) => {
  const closed = (over: Partial<Period> = {}): Period => ({
    book: 0,
    period: '2026-02',
    closing: 5,
    through: '2026-02-28',
    closedOn: DAY,
    group: null,
    netted: true,
    settled: false,
    paid: false,
    reaches: {},
    pairs: [],
    ...over,
  })

  t.test('close_period reaches every book up to its head, the region left out', async (t) => {
    const heads = new Map([
      [0, 40],
      [310000, 7],
      [320509, 12],
    ])
    const cases = table(
      'name     through     outcome',
      `
       new      2026-03-01  accepted
       new      2026-03-02  period_not_over
       new      2026-03-03  period_not_over
       used     2026-03-01  period_closed
       used     2026-03-02  period_closed
       planned  2026-03-01  accepted
       planned  2026-02-28  period_not_planned
       other    2026-03-01  period_not_planned
      `,
    )
    for (const { name, through, outcome } of cases) {
      const planned = [{ period: name === 'other' ? '2026-03' : '2026-02', through: '2026-03-01' }]
      const year = { book: 0, group: 'region', year: 2026, version: 1, periods: planned }
      const calendar = ['planned', 'other'].includes(name!) ? year : null
      const facts = { book: 0, existing: name === 'used' ? closed() : null, calendar, heads }
      const decision = closePeriodCommand.decide(facts, { period: '2026-02', through }, context())
      t.equal(codeOf(decision), outcome, `${name} through ${through}`)
      if (isRefusal(decision)) continue
      t.match(changed(decision, 'periods'), { reaches: { 310000: 7, 320509: 12 }, closing: SEQ, netted: false })
      t.notOk(Object.hasOwn(changed<Period>(decision, 'periods')!.reaches, '0'))
    }
  })

  t.test('net_period books what each province owes the others, once, local money left out', async (t) => {
    const gross = [
      { from: '310000', to: '320000', amount: 70_00n },
      { from: '310000', to: '310000', amount: 99_00n },
      { from: '320000', to: '310000', amount: -20_00n },
      { from: '330000', to: '340000', amount: 0n },
    ]
    const ask = (period: Period | null) =>
      netPeriodCommand.decide({ book: 0, closed: period, agreements: [] }, { period: '2026-02', gross }, context())
    const decision = ask(closed({ netted: false }))
    t.equal(entryOf(decision), 'owe position>position 70.00; owe position>position 20.00')
    t.same(isRefusal(decision) || decision.entry!.map(({ debit, credit }) => [debit.owner, credit.owner]), [
      ['310000 2026-02', '320000 2026-02'],
      ['310000 2026-02', '320000 2026-02'],
    ])
    t.match(decision, { event: { net: { 310000: '-90.00', 320000: '90.00', 330000: '0.00', 340000: '0.00' } } })
    t.equal(codeOf(ask(closed({ netted: true }))), 'state_conflict')
    t.equal(codeOf(ask(null)), 'state_conflict')
  })

  t.test('confirm_payments needs a closed, netted, unpaid period and discharges every position', async (t) => {
    const nets = new Map([
      ['310000', -90_00n],
      ['320000', 90_00n],
      ['330000', 0n],
      ['340000', 0n],
    ] as const)
    const ask = (period: Period | null) =>
      confirmPaymentsCommand.decide({ book: 0, closed: period, nets }, { period: '2026-02' }, context())
    const decision = ask(closed())
    t.equal(entryOf(decision), 'instruct position>position 90.00')
    t.match(decision, { event: { instructions: [{ from: '310000', to: '320000', amount: '90.00' }] } })
    t.equal(changed<Period>(decision, 'periods')?.paid, true)
    t.equal(codeOf(ask(null)), 'state_conflict', 'never closed')
    t.equal(codeOf(ask(closed({ paid: true }))), 'state_conflict', 'paid already')
    t.equal(codeOf(ask(closed({ netted: false }))), 'state_conflict', 'without positions')
  })

  t.test('pay settles the net of a payee: first what is owed either way, then beyond', async (t) => {
    const cases = table(
      'amount   owed    owing   entry',
      `
       100.00   100.00  0.00    pay payable>treasury 100.00
       100.00   60.00   0.00    pay payable>treasury 60.00; advance recoverable>treasury 40.00
       100.00   250.00  0.00    pay payable>treasury 100.00
       -40.00   0.00    40.00   recover treasury>recoverable 40.00
       -40.00   0.00    10.00   recover treasury>recoverable 10.00; overrecover treasury>payable 30.00
       -40.00   70.00   90.00   recover treasury>recoverable 40.00
       0.00     0.00    0.00    no entry
      `,
    )
    for (const { amount, owed, owing, entry } of cases) {
      const fen = BigInt(amount.replace('.', ''))
      const owner = `provider:${uscc(11)}`
      const payee = {
        payable: { kind: 'payable', owner, province: 310000 },
        recoverable: { kind: 'recoverable', owner, province: 310000 },
        amount: fen,
        owed: parseYuan(owed),
        owing: parseYuan(owing),
      } as const
      const decision = payCommand.decide(
        { book: BOOK, payees: [payee], orders: [order({ state: 'approved' })] },
        { period: '2026-02', book: BOOK, payees: [], orders: [] },
        context(),
      )
      t.equal(entryOf(decision), entry, `${amount} of ${owed} and ${owing}`)
      t.equal(changed<Order>(decision, 'orders')?.state, 'paid')
    }
  })
})

t.test('registered once: programs and parties', async (t) => {
  const published = rules({ program: 'WJ' })
  t.equal(codeOf(publishProgramCommand.decide({ book: 0, existing: null }, published, context())), 'accepted')
  t.equal(
    codeOf(publishProgramCommand.decide({ book: 0, existing: together([program]) }, published, context())),
    'program_exists',
  )
  const asked = { uscc: uscc(11), name: 'P', division: '310104', categories: ['testing' as const] }
  t.equal(
    codeOf(registerProviderCommand.decide({ book: 0, existing: provider, seat: undefined }, asked, context())),
    'provider_exists',
  )
})

t.test('states × commands: every cell of the table, and state_conflict before any other check elsewhere', async (t) => {
  // Everything else about these is wrong as well: the state is what is said first.
  const wrong = (of: Order) => ({
    ...held({ ...of, verifiedBy: 'Li' }),
    program,
    holder: null,
    other: order({ order: 99 }),
    isPayeeListed: true,
    payable: 0n,
    appeal: null,
    acceptance: null,
    enterprise,
    provider,
    available: 0n,
    sameContract: order({ order: 99 }),
    sameInvoice: order({ order: 99 }),
  })
  const right = (of: Order) => ({
    ...held(of, of.state === 'rejected' ? 0n : of.voucherAmount),
    program,
    holder: null,
    other: undefined,
    isPayeeListed: false,
    payable: 0n,
    appeal: null,
    acceptance: null,
    enterprise,
    provider,
    available: 500_00n,
    sameContract: null,
    sameInvoice: null,
  })
  type Any = { decide(facts: never, command: never, context: Context): Plan | Refusal }
  const types: Record<Exclude<OrderCommand, 'confirm_payments' | 'payment_bounced' | 'replace_order'>, Any> = {
    accept_order: ordersCommands.acceptOrderCommand,
    decline_order: ordersCommands.declineOrderCommand,
    supplement_order: ordersCommands.supplementOrderCommand,
    file_objection: fileObjectionCommand,
    sustain_objection: resolveObjectionCommand,
    dismiss_objection: resolveObjectionCommand,
    appeal_claim: appealClaimCommand,
    sustain_appeal: decideClaimAppealCommand,
    dismiss_appeal: decideClaimAppealCommand,
    deliver: ordersCommands.deliverCommand,
    confirm: ordersCommands.confirmCommand,
    cancel_order: ordersCommands.cancelOrderCommand,
    submit_claim: submitClaimCommand,
    return_claim: claims.returnClaimCommand,
    verify_claim: verifyClaimCommand,
    approve_claim: approveClaimCommand,
    reject_claim: claims.rejectClaimCommand,
    claw_back: clawBackCommand,
    lapse_order: lapseOrderCommand,
  }
  const asked = { order: 'O320509-10', score: 90, invoiceNo: '1'.padStart(20, '0'), reason: 'x', objection: 40 }
  const verdict = (name: string) => (name.startsWith('sustain') ? 'sustained' : 'dismissed')
  const amounts = { contractAmount: 1_000_00n, voucherAmount: 90_00n }
  const open = { on: DAY, reason: 'x', decision: null }
  /** What an order must have gathered for these to be asked. */
  const dossiers: Partial<Record<OrderCommand, Dossier>> = {
    sustain_objection: { objections: [{ objection: 40, organisation: 'o', ...open }] },
    dismiss_objection: { objections: [{ objection: 40, organisation: 'o', ...open }] },
    appeal_claim: { appealBy: '2026-05-01' },
    sustain_appeal: { appeal: { appeal: 40, ...open } },
    dismiss_appeal: { appeal: { appeal: 40, ...open } },
  }
  const day = '2026-05-01'
  for (const state of orderStates) {
    const allowed = transitions[state] as Partial<Record<OrderCommand, OrderState>>
    for (const [name, type] of Object.entries(types) as [keyof typeof types, Any][]) {
      const to = allowed[name]
      if (to) {
        const said = { ...asked, ...amounts, invoiceAmount: 1_000_00n, amount: 50_00n, verdict: verdict(name) }
        const command = said as never
        const noticeEnds = name.endsWith('objection') ? day : null
        const of = order({ state, noticeEnds, dossier: dossiers[name] ?? null })
        const decision = type.decide(right(of) as never, command, context({ day }))
        t.equal(changed<Order>(decision, 'orders')?.state, to, `${state} → ${name} → ${to}`)
      } else {
        const said = { ...asked, ...amounts, invoiceAmount: 1n, amount: 999_00n, verdict: verdict(name) }
        const command = said as never
        const decision = type.decide(wrong(order({ state })) as never, command, context({ day }))
        t.match(decision, { refused: 'state_conflict', details: { state } }, `${state} refuses ${name}`)
      }
    }
    const pay = () =>
      payCommand.decide(
        { book: BOOK, payees: [], orders: [order({ state })] },
        { period: 'P', book: BOOK, payees: [], orders: [] },
        context(),
      )
    if (allowed.confirm_payments) t.equal(changed<Order>(pay(), 'orders')?.state, allowed.confirm_payments)
    else t.throws(pay, `${state} cannot be paid`)
    for (const [paid, step] of [
      [true, 'confirm_payments'],
      [false, 'payment_bounced'],
    ] as const) {
      const facts = { book: BOOK, orders: [order({ state })] }
      const decision = markPaidCommand.decide(facts, { period: 'P', book: BOOK, orders: [], paid }, context())
      if (allowed[step]) t.equal(changed<Order>(decision, 'orders')?.state, allowed[step])
      else t.match(decision, { refused: 'state_conflict' })
    }
  }
  t.same(Object.keys(transitions).sort(), [...orderStates].sort(), 'every state has its line')
})

t.test('the table is the rehearsal text: who may follow whom', async (t) => {
  // Read off the text by hand, not derived from the code; below the line what a rehearsal cannot ask.
  const text = table(
    'command           from                                       to',
    `
     deliver           filed accepted                             delivered
     confirm           delivered                                  confirmed
     cancel_order      filed accepted delivered confirmed returned  cancelled
     submit_claim      confirmed returned                         submitted
     return_claim      submitted verified                         returned
     verify_claim      submitted                                  verified
     approve_claim     verified                                   approved
     reject_claim      submitted verified returned                rejected
     lapse_order       filed accepted delivered confirmed returned  lapsed
     claw_back         approved                                   approved
     claw_back         paid                                       paid
     confirm_payments  approved                                   paid
     # ----
     payment_bounced   paid                                       approved
     accept_order      filed                                      accepted
     decline_order     filed                                      declined
     supplement_order  filed accepted                             filed
     supplement_order  delivered                                  delivered
     replace_order     filed accepted                             cancelled
     file_objection    verified                                   verified
     sustain_objection  verified                                  submitted
     dismiss_objection  verified                                  verified
     appeal_claim      rejected                                   rejected
     sustain_appeal    rejected                                   submitted
     dismiss_appeal    rejected                                   rejected
    `,
  )
  const said = text.flatMap(({ command, from, to }) => from.split(' ').map((state) => `${state} ${command} ${to}`))
  const coded = Object.entries(transitions).flatMap(([state, row]) =>
    Object.entries(row).map(([command, to]) => `${state} ${command} ${to}`),
  )
  t.same(coded.sort(), said.sort())
})
