import t from 'tap'
import {
  approveClaimCommand,
  returnClaimCommand,
  submitClaimCommand,
  verifyClaimCommand,
} from '../../src/claims/commands.js'
import { isRefusal, type Refusal } from '../../src/core/refusals.js'
import { addDays } from '../../src/core/time.js'
import { isVoucherOverdue, lapseVoucherCommand } from '../../src/deadlines/commands.js'
import type { Plan } from '../../src/ledger/plan.js'
import { fileOrderCommand } from '../../src/orders/commands.js'
import { type Order, payableOf } from '../../src/orders/facts.js'
import { draftProgramCommand, publishProgramCommand, supersedeProgramCommand } from '../../src/programs/commands.js'
import { programRules, publishProgram } from '../../src/programs/contract.js'
import { inForce, type Program, type together } from '../../src/programs/facts.js'
import { recallOnOf, termsOf, useByOf, versionOf } from '../../src/programs/rules.js'
import { issueCommand } from '../../src/vouchers/commands.js'
import { endsOn, type Voucher, voucherAccount } from '../../src/vouchers/facts.js'
import { enterpriseFact } from '../support/facts.js'
import { bureau, rules, uscc } from '../support/scene.js'
import { table } from '../support/table.js'

const BOOK = 320509
const DAY = '2026-03-02'
const context = (day = DAY, subject = 'Li') => ({ at: 0, day, actor: bureau('320509', subject), seq: 100 })
const of = { program: 'WJ', jurisdiction: BOOK, version: 1, effectiveFrom: null }
const program = (over: Parameters<typeof rules>[0] | object = {}): Program =>
  versionOf({ ...rules({ program: 'WJ' }), ...over }, of)
const enterprise = enterpriseFact()
const provider = {
  book: 0,
  uscc: uscc(11),
  name: 'P',
  division: '320509',
  categories: ['testing'],
  recognitions: [
    {
      recognition: 1,
      jurisdiction: BOOK,
      categories: ['testing', 'rnd'],
      suspensions: [],
      from: '2026-01-01',
      to: '2026-12-31',
      ended: null,
    },
  ],
  suspensions: [],
}
const codeOf = (decision: Plan | Refusal) => (isRefusal(decision) ? decision.refused : 'accepted')
const changed = <T>(decision: Plan | Refusal, name: string) =>
  isRefusal(decision) ? undefined : (decision.rows?.find((row) => row.kind.name === name)?.value as T | undefined)

const issueUnder = (of: Program, over: object = {}, amount = 100_00n, day = DAY) =>
  issueCommand.decide(
    { book: BOOK, program: of, enterprise, isListed: false, granted: 0n, pool: 1_000_00n, ...over },
    { enterprise: enterprise.uscc, program: 'WJ', amount },
    context(day),
  )
const issued = (of: Program, day = DAY): Voucher => changed<Voucher>(issueUnder(of, {}, 100_00n, day), 'vouchers')!

const fileUnder = (
  of: Program,
  voucher: Voucher,
  { day = DAY, amount = 10_00n, from = '320509', category = 'testing' } = {},
) =>
  fileOrderCommand.decide(
    {
      book: BOOK,
      voucher,
      program: of,
      provider: { ...provider, division: from },
      pair: null,
      review: null,
      meanings: [],
      enterprise,
      payee: provider,
      listed: undefined,
      duplicate: undefined,
      tie: undefined,
      available: voucher.amount,
      acceptance: null,
      replaced: null,
    },
    {
      voucher: 'V320509-100',
      provider: provider.uscc,
      category: category as 'testing',
      contractNo: 'C',
      contractAmount: 100_00n,
      voucherAmount: amount,
      signedOn: DAY,
      relatedParty: false,
    },
    context(day),
  )

t.test('what is not said is off', async (t) => {
  const plain = program()
  t.match(plain, { reach: null, ratios: [], useBy: null, recallUnusedAfterDays: null, firstGrantLimit: null })
  t.match(plain, { noticeDays: null, evidence: [], title: null, document: null })
  const { program: _, jurisdiction: __, ...asked } = { ...rules({ program: 'WJ' }) }
  const text = { ...asked, annualCap: '1.00', orderCap: null }
  t.notOk('reach' in programRules.parse(text), 'nor is it in the log')
  t.match(issued(plain), { version: 1, recallOn: null, useBy: addDays(DAY, 180) })
})

t.test('who may apply: a zone instead of the jurisdiction', async (t) => {
  for (const { reach, division, outcome } of table(
    'reach division outcome',
    `
    -          320509  accepted
    -          310118  outside_jurisdiction
    YRD-DEMO   320509  accepted
    YRD-DEMO   320584  accepted
    YRD-DEMO   310118  accepted
    YRD-DEMO   330421  accepted
    YRD-DEMO   330400  outside_jurisdiction
    YRD-DEMO   320508  outside_jurisdiction
    G60        320503  accepted
    G60        330103  accepted
    G60        310118  outside_jurisdiction
    320500     320508  accepted
  `,
  )) {
    const asked = program({ reach: reach === '-' ? null : reach })
    t.equal(codeOf(issueUnder(asked, { enterprise: { ...enterprise, division } })), outcome, `${division} in ${reach}`)
  }
})

t.test('the first grant of a year has a limit of its own, the next ones have not', async (t) => {
  const limited = program({ firstGrantLimit: 50_00n })
  t.equal(codeOf(issueUnder(limited, {}, 50_00n)), 'accepted')
  t.equal(codeOf(issueUnder(limited, {}, 50_01n)), 'first_grant_limit_exceeded')
  t.equal(codeOf(issueUnder(limited, { granted: 1n }, 50_01n)), 'accepted')
  t.equal(codeOf(issueUnder(limited, { pool: 0n }, 50_01n)), 'pool_insufficient', 'after the checks that were there')
})

t.test('use by days or by date, the earlier of the two', async (t) => {
  for (const { days, date, useBy } of table(
    'days date useBy',
    `
    10   -           2026-03-12
    10   2026-12-31  2026-03-12
    400  2026-12-31  2026-12-31
  `,
  )) {
    const asked = program({ useWithinDays: Number(days), useBy: date === '-' ? null : date })
    t.equal(useByOf(asked, DAY), useBy)
  }
  const asked = { ...rules({ program: 'P' }), annualCap: '1.00', applyTo: '2026-12-31', useBy: '2026-12-30' }
  t.match(publishProgram.safeParse(asked), { success: false }, 'not before applications end')
})

t.test('ratio and cap by category and by where both are', async (t) => {
  // The shape of 北京昌平 2017: the buyer's place × the provider's place.
  const matrix = program({
    ratio: '0.2',
    orderCap: 40_00n,
    ratios: [
      { category: 'rnd', locality: 'same_city', ratio: '0.6', orderCap: 90_00n },
      { category: 'rnd', ratio: '0.55' },
      { locality: 'same_city', ratio: '0.5', orderCap: 45_00n },
      { locality: 'same_province', ratio: '0.4' },
    ],
  })
  for (const { category, buyer, seller, ratio, cap } of table(
    'category buyer seller ratio cap',
    `
    testing  320509  320506  0.5   4500
    testing  320509  320584  0.5   4500
    testing  320509  320102  0.4   4000
    testing  320509  310104  0.2   4000
    testing  310118  310230  0.5   4500
    testing  310118  320509  0.2   4000
    rnd      320509  320506  0.6   9000
    rnd      320509  310104  0.55  4000
  `,
  )) {
    const terms = termsOf(matrix, category, buyer, seller)
    t.same([terms.ratio, String(terms.orderCap)], [ratio, cap], `${category} ${buyer} → ${seller}`)
  }
  const voucher = issued(matrix)
  t.equal(codeOf(fileUnder(matrix, voucher, { amount: 45_00n })), 'accepted')
  t.equal(codeOf(fileUnder(matrix, voucher, { amount: 45_01n })), 'order_cap_exceeded')
  t.equal(codeOf(fileUnder(matrix, voucher, { amount: 50_01n })), 'ratio_exceeded')
  t.equal(codeOf(fileUnder(matrix, voucher, { amount: 20_01n, from: '310104' })), 'ratio_exceeded')
  t.equal(codeOf(fileUnder(matrix, voucher, { amount: 90_00n, category: 'rnd' })), 'ratio_exceeded')
  t.equal(codeOf(fileUnder(matrix, voucher, { amount: 60_00n, category: 'rnd' })), 'accepted')
})

t.test('an unused voucher is recalled, a used one is not', async (t) => {
  const recalling = program({ recallUnusedAfterDays: 30 })
  t.equal(recallOnOf(recalling, DAY), '2026-04-01')
  const voucher = issued(recalling)
  t.match(voucher, { recallOn: '2026-04-01', useBy: '2026-08-29' })
  t.equal(endsOn(voucher), '2026-04-01')
  t.equal(codeOf(fileUnder(recalling, voucher, { day: '2026-04-01' })), 'accepted')
  t.equal(codeOf(fileUnder(recalling, voucher, { day: '2026-04-02' })), 'voucher_expired', 'swept or not')
  const used = changed<Voucher>(fileUnder(recalling, voucher, { day: '2026-04-01' }), 'vouchers')!
  t.equal(used.recallOn, null)
  t.equal(codeOf(fileUnder(recalling, used, { day: '2026-04-02' })), 'accepted')
  t.equal(changed(fileUnder(recalling, used), 'vouchers'), undefined, 'written once')
  const lapse = (v: Voucher, day: string) =>
    codeOf(
      lapseVoucherCommand.decide({ book: BOOK, voucher: v, rest: 100_00n }, { voucher: 'V320509-100' }, context(day)),
    )
  for (const [day, unused, once] of [
    ['2026-04-01', 'state_conflict', 'state_conflict'],
    ['2026-04-02', 'accepted', 'state_conflict'],
    ['2026-08-29', 'accepted', 'state_conflict'],
    ['2026-08-30', 'accepted', 'accepted'],
  ] as const) {
    t.equal(lapse(voucher, day), unused, `unused on ${day}`)
    t.equal(lapse(used, day), once, `used, on ${day}`)
    t.equal(isVoucherOverdue(voucher, day), unused === 'accepted')
  }
  const short = issued(program({ recallUnusedAfterDays: 30, useWithinDays: 10 }))
  t.equal(endsOn(short), '2026-03-12', 'the use-by day comes first')
})

const filed = changed<Order>(fileUnder(program({ noticeDays: 7 }), issued(program())), 'orders')!
const at = (order: Order, state: Order['state'], over: Partial<Order> = {}): Order => ({ ...order, state, ...over })

t.test('public notice: approved from the day after its last', async (t) => {
  const verify = (order: Order) =>
    verifyClaimCommand.decide({ book: BOOK, order }, { order: 'O' }, context('2026-03-10', 'Chen'))
  const verified = changed<Order>(verify(at(filed, 'submitted')), 'orders')!
  t.match(verified, { state: 'verified', noticeEnds: '2026-03-17' })
  const approve = (order: Order, day: string) =>
    approveClaimCommand.decide(
      {
        book: BOOK,
        order,
        voucher: issued(program()),
        hold: {
          book: BOOK,
          hold: 100,
          legs: [
            {
              leg: 1,
              type: 'redeem',
              debit: voucherAccount(issued(program())),
              credit: payableOf(order),
              amount: 10_00n,
              open: 10_00n,
            },
          ],
        },
        open: 10_00n,
        giveBack: () => [],
        isPayeeListed: false,
        isStopped: false,
      },
      { order: 'O', amount: 10_00n },
      context(day),
    )
  const last = approve(verified, '2026-03-17')
  t.match(last, { refused: 'notice_running', details: { noticeEnds: '2026-03-17' } })
  t.equal(codeOf(approve(verified, '2026-03-18')), 'accepted')
  t.equal(codeOf(approve({ ...verified, noticeEnds: null }, '2026-03-10')), 'accepted', 'no notice')
  const returned = returnClaimCommand.decide({ book: BOOK, order: verified }, { order: 'O', reason: 'x' }, context())
  t.equal(changed<Order>(returned, 'orders')!.noticeEnds, null, 'a return ends it')
  t.equal(changed<Order>(verify(at(filed, 'submitted', { noticeDays: null })), 'orders')!.noticeEnds, null)
})

t.test('evidence: what is missing is named, what was given stays', async (t) => {
  const sha256 = 'a'.repeat(64)
  const wanting = program({ evidence: ['contract', 'invoice', 'payment_proof'] })
  const submit = (order: Order, kinds?: string[], under = wanting) =>
    submitClaimCommand.decide(
      { book: BOOK, order, program: under, holder: null, other: undefined, isStopped: false },
      {
        order: 'O',
        invoiceNo: '1'.repeat(20),
        invoiceAmount: 100_00n,
        ...(kinds ? { evidence: kinds.map((kind) => ({ kind: kind as 'invoice', sha256 })) } : {}),
      },
      context(),
    )
  const confirmed = at(filed, 'confirmed')
  t.match(submit(confirmed), { refused: 'evidence_missing', details: { missing: 'contract, invoice, payment_proof' } })
  t.match(submit(confirmed, ['invoice', 'result']), { details: { missing: 'contract, payment_proof' } })
  const given = submit(confirmed, ['invoice', 'contract', 'payment_proof'])
  t.equal(codeOf(given), 'accepted')
  const returned = at(changed<Order>(given, 'orders')!, 'returned')
  t.equal(codeOf(submit(returned)), 'accepted', 'again without: it is there')
  t.equal(codeOf(submit(returned, [])), 'evidence_missing', 'replaced by nothing')
  t.equal(codeOf(submit(confirmed, undefined, program())), 'accepted', 'none wanted')
})

t.test('versions: the newest in force on the day', async (t) => {
  const asked = rules({ program: 'WJ' })
  const first = changed<ReturnType<typeof together>>(
    publishProgramCommand.decide({ book: 0, existing: null }, asked, context()),
    'programs',
  )!
  const supersede = (published: typeof first, version: number, effectiveFrom: string, ratio = '0.3') =>
    supersedeProgramCommand.decide({ book: 0, published }, { ...asked, version, effectiveFrom, ratio }, context())
  t.equal(codeOf(supersede(first, 2, '2026-04-01')), 'version_conflict', 'of a version that is not there')
  t.equal(codeOf(supersede(first, 1, '2026-03-01')), 'effective_in_past')
  t.equal(codeOf(supersede(first, 1, DAY)), 'accepted', 'from today on')
  const second = changed<typeof first>(supersede(first, 1, '2026-04-01'), 'programs')!
  t.match(supersede(second, 1, '2026-05-01'), { refused: 'version_conflict', details: { version: 2 } }, 'two at once')
  t.same(second.versions[0], first.versions[0], 'what was published stays as it is')
  for (const [day, version] of [
    ['2026-01-01', 1],
    ['2026-03-31', 1],
    ['2026-04-01', 2],
    ['2027-01-01', 2],
  ] as const) {
    t.equal(inForce(second, day).version, version, day)
  }
  const third = changed<typeof first>(supersede(second, 2, '2026-03-20', '0.2'), 'programs')!
  t.equal(inForce(third, '2026-03-19').version, 1)
  t.equal(inForce(third, '2026-06-01').version, 3, 'a newer one counts before an older one with a later day')
})

t.test('a draft is written over only by who has read it', async (t) => {
  const asked = { program: 'WJ-2027', jurisdiction: '320509', rules: rules({ program: 'x' }) }
  const draft = { book: 0, jurisdiction: BOOK, program: 'WJ-2027', version: 7, rules: '{}' }
  const decide = (known: typeof draft | null, version: number | null) =>
    codeOf(draftProgramCommand.decide({ book: 0, draft: known }, { ...asked, version }, context()))
  t.equal(decide(null, null), 'accepted')
  t.equal(decide(null, 7), 'version_conflict')
  t.equal(decide(draft, null), 'version_conflict')
  t.equal(decide(draft, 6), 'version_conflict')
  t.equal(decide(draft, 7), 'accepted')
})
