import t, { type Test } from 'tap'
import { bookText } from '../../src/core/ids.js'
import { yuan } from '../../src/core/money.js'
import { isRefusal } from '../../src/core/refusals.js'
import { lineReference, refundReference } from '../../src/payments/facts.js'
import type { Sql } from '../../src/platform/database.js'
import { accountsOfPayee } from '../../src/recoveries/rules.js'
import { takeStatementCommand } from '../../src/statements/commands.js'
import type { Line } from '../../src/statements/contract.js'
import { Matching, referencesIn } from '../../src/statements/rules.js'
import { withLab } from '../support/lab.js'
import { makeBatch, type TestLine } from '../support/payments.js'
import { bureau, uscc } from '../support/scene.js'
import { Stage } from '../support/stage.js'

/** A county's book, its province's, and a county of another province. */
const [BOOK, ABOVE, OTHER] = [320509, 320000, 310104]
const payee = (n: number, amount: bigint, over: Partial<TestLine> = {}): TestLine => ({
  payee: `provider:${uscc(n)}`,
  province: 310000,
  amount,
  ...over,
})

let serials = 0
type Said = Partial<Line> & Pick<Line, 'amount'>
const out = (reference: string | null, amount: bigint, over: Partial<Line> = {}): Said => ({
  reference,
  amount,
  ...over,
})
const came = (reference: string | null, amount: bigint): Said => ({ reference, amount, side: 'credit' })

/** Takes lines as a statement of their own. */
async function take(stage: Stage, book: number, lines: readonly Said[], number = `S-${++serials}`) {
  const head = {
    account: '1234',
    number,
    digest: 'd'.repeat(64),
    from: '2026-03-01',
    to: '2026-03-01',
    opening: 0n,
    closing: 0n,
    lines: lines.length,
  }
  const statement = Buffer.from(`${book} ${number}`).toString('hex').padEnd(32, '0').slice(0, 32)
  const full = lines.map((line, n) => ({
    line: n + 1,
    day: '2026-03-01',
    side: 'debit' as const,
    serial: `N-${++serials}`,
    name: null,
    reference: null,
    ...line,
  }))
  const command = { book, statement, head, at: 0, lines: full }
  return stage.engine.run({
    type: takeStatementCommand as never,
    command,
    actor: bureau(bookText(book)),
    key: `take ${++serials}`,
  })
}

const linesOf = async (sql: Sql, book: number, batch: number) =>
  (
    await sql<{ state: string; released: bigint; paid: bigint; bounces: number }[]>`
      select state, released, paid, bounces from payment_lines where book = ${book} and batch = ${batch} order by line`
  ).map(
    ({ state, released, paid, bounces }) =>
      `${state} ${yuan(paid)}/${yuan(released)}${bounces > 0 ? ` ×${bounces}` : ''}`,
  )

async function balances(sql: Sql, book: number) {
  const rows = await sql<{ name: string; posted: bigint }[]>`
    select k.name || case when a.kind in (2, 8) then '' when a.kind = 9 then '' else ' ' || right(a.owner, 18) end as name,
           sum(a.posted)::bigint as posted
    from accounts a join account_kinds k using (kind) where a.book = ${book} group by 1 order by 1`
  return Object.fromEntries(rows.map(({ name, posted }) => [name, yuan(posted)]))
}

const reasonsOf = async (sql: Sql, book: number) =>
  (
    await sql<{ reason: string }[]>`
      select reason from bank_exceptions where book = ${book} order by exception, line`
  ).map(({ reason }) => reason)

t.test('references are found wherever a bank puts them', async (t) => {
  const said = (text: string) =>
    referencesIn(text).payments.map(({ book, batch, line }) => lineReference(book, batch, line))
  t.same(said('B320509-12-3'), ['B320509-12-3'])
  t.same(
    said('摘要：ｂ３２０５０９－１２－３；b310104-7-1000/B320509-12-3'),
    ['B320509-12-3', 'B310104-7-1000'],
    'each once',
  )
  for (const none of [
    '',
    'B32050-1-1',
    'B320509-0-1',
    'B320509-1-0',
    'B320509-1-10000',
    'AB320509-1-1',
    'B320509-1-1X',
  ]) {
    t.same(said(none), [], `none in ${none}`)
  }
  t.same(referencesIn(`退款 R320509-${uscc(1)}`).refunds, [{ book: 320509, uscc: uscc(1) }])
  t.same(referencesIn(null), { payments: [], refunds: [] })
})

const lab = (title: string, test: (t: Test, stage: Stage, sql: Sql) => Promise<void>) =>
  withLab(t, title, (t, { engine }) => {
    const { engine: runner, sql } = engine()
    return test(t, new Stage(runner), sql)
  })

lab('whole, part, split and back', async (t, stage, sql) => {
  const { event } = await stage.must(
    makeBatch({
      book: BOOK,
      period: 'Q1',
      source: 'payable',
      lines: [
        payee(1, 100_00n),
        payee(2, 200_00n),
        payee(3, 300_00n),
        payee(4, 400_00n),
        payee(5, 500_00n, { isReleased: false }),
      ],
    }),
  )
  const batch = event.batch as number
  const ref = (line: number) => lineReference(BOOK, batch, line)
  const first = await take(stage, BOOK, [
    out(ref(1), 100_00n),
    out(ref(2), 50_00n),
    out(`${ref(3)};${ref(4)}`, 700_00n),
  ])
  t.match(first, { event: { lines: 3, matched: 3, exceptions: 0, repeated: 0 } })
  t.same(await linesOf(sql, BOOK, batch), [
    'paid 100.00/100.00',
    'released 50.00/200.00',
    'paid 300.00/300.00',
    'paid 400.00/400.00',
    'open 0.00/0.00',
  ])
  t.match(await balances(sql, BOOK), { paying: '150.00' })
  const second = await take(stage, BOOK, [
    out(ref(2), 150_00n),
    came(ref(1), 100_00n),
    came(`${ref(3)} ${ref(4)}`, 700_00n),
  ])
  t.match(second, { event: { matched: 3 } })
  t.same(await linesOf(sql, BOOK, batch), [
    'open 0.00/0.00 ×1',
    'paid 200.00/200.00',
    'open 0.00/0.00 ×1',
    'open 0.00/0.00 ×1',
    'open 0.00/0.00',
  ])
  t.match(await balances(sql, BOOK), {
    paying: '0.00',
    [`payable ${uscc(1)}`]: '100.00',
    [`payable ${uscc(2)}`]: '0.00',
  })
})

lab('what does not fit becomes an exception, and nothing else does', async (t, stage, sql) => {
  const { event } = await stage.must(
    makeBatch({
      book: BOOK,
      period: 'Q1',
      source: 'payable',
      lines: [payee(1, 100_00n), payee(2, 200_00n), payee(3, 300_00n, { isReleased: false })],
    }),
  )
  const foreign = await stage.must(
    makeBatch({ book: OTHER, period: 'Q1', source: 'payable', lines: [payee(4, 100_00n)] }),
  )
  const batch = event.batch as number
  const ref = (line: number) => lineReference(BOOK, batch, line)
  const other = lineReference(OTHER, foreign.event.batch as number, 1)
  const lines: [Said, string | null][] = [
    [out(null, 100_00n), 'no_reference'],
    [out('thank you', 100_00n), 'no_reference'],
    [out(ref(9), 100_00n), 'unknown_reference'],
    [out(lineReference(BOOK, 999, 1), 100_00n), 'unknown_reference'],
    [out('B999999-1-1', 100_00n), 'unknown_reference'],
    [out(other, 100_00n), 'foreign_reference'],
    [came(other, 100_00n), 'foreign_reference'],
    [out(ref(3), 300_00n), 'not_released'],
    [out(ref(1), 100_01n), 'amount_differs'],
    [came(ref(1), 100_00n), 'not_paid'],
    [out(`${ref(1)},${ref(2)}`, 299_99n), 'amount_differs'],
    [out(`${ref(1)},${ref(9)}`, 100_00n), 'unknown_reference'],
    [out(ref(1), 100_00n), null],
    [out(ref(1), 100_00n), 'already_settled'],
    [came(ref(1), 99_99n), 'amount_differs'],
    [out(`R${BOOK}-${uscc(1)}`, 1_00n), 'unclear_reference'],
    [came(`R${BOOK}-${uscc(1)} ${ref(1)}`, 1_00n), 'unclear_reference'],
    [came(`R${OTHER}-${uscc(1)}`, 1_00n), 'foreign_reference'],
    [came(`R${BOOK}-${uscc(77)}`, 1_00n), 'unknown_payee'],
  ]
  await take(
    stage,
    BOOK,
    lines.map(([line]) => line),
  )
  t.same(
    await reasonsOf(sql, BOOK),
    lines.flatMap(([, reason]) => reason ?? []),
  )
  t.same(await linesOf(sql, BOOK, batch), ['paid 100.00/100.00', 'released 0.00/200.00', 'open 0.00/0.00'])
})

lab('an instruction: paid in one book, received in another, in parts, never beyond it', async (t, stage, sql) => {
  const { event } = await stage.must(
    makeBatch({
      book: ABOVE,
      period: 'Q1',
      source: 'clearing',
      lines: [{ payee: `jurisdiction:${BOOK}`, province: null, amount: 100_00n }],
    }),
  )
  const ref = lineReference(ABOVE, event.batch as number, 1)
  await take(stage, ABOVE, [out(ref, 100_00n)])
  t.match(await balances(sql, ABOVE), { clearing: '0.00', paying: '0.00', treasury: '0.00' })
  await take(stage, BOOK, [came(ref, 60_00n), came(ref, 40_01n), came(ref, 40_00n), came(ref, 1n)])
  t.same(await reasonsOf(sql, BOOK), ['amount_differs', 'already_settled'])
  t.match(await balances(sql, BOOK), { clearing: '100.00', treasury: '-100.00' })
  await take(stage, OTHER, [came(ref, 100_00n)])
  t.same(await reasonsOf(sql, OTHER), ['foreign_reference'], 'it is addressed to one book only')
  await take(stage, ABOVE, [came(ref, 100_00n)])
  t.match(
    await balances(sql, ABOVE),
    { clearing: '100.00', treasury: '-100.00' },
    'an instruction may come back as well',
  )
})

lab('the same lines again are never booked twice', async (t, stage, sql) => {
  const { event } = await stage.must(
    makeBatch({ book: BOOK, period: 'Q1', source: 'payable', lines: [payee(1, 100_00n)] }),
  )
  const ref = lineReference(BOOK, event.batch as number, 1)
  const day = out(ref, 40_00n, { serial: 'A' })
  await take(stage, BOOK, [day], 'day 1')
  t.match(await take(stage, BOOK, [day], 'day 1'), { refused: 'state_conflict', details: { taken: 1 } })
  t.match(await take(stage, BOOK, [day, out(ref, 60_00n, { serial: 'B' })], 'month'), {
    event: { matched: 1, repeated: 1, exceptions: 0 },
  })
  t.same(await linesOf(sql, BOOK, event.batch as number), ['paid 100.00/100.00'])
  const other = await take(stage, BOOK, [{ ...day, amount: 41_00n }], 'day 2')
  t.match(other, { refused: 'bank_line_differs', details: { serial: 'A', line: 1 } })
  t.ok(isRefusal(other))
})

t.test('a refund settles what a code owes in all its roles before anything is owed again', async (t) => {
  const roles = [`provider:${uscc(1)}`, `enterprise:${uscc(1)}`]
  const refund = (amount: bigint) => {
    const payees = roles.map((owner, n) => ({ owner, ...accountsOfPayee(owner), owing: [30n, 70n][n]! }))
    const grounds = { book: BOOK, batches: new Map(), received: new Map(), payees: new Map([[uscc(1), payees]]) }
    const matching = new Matching(grounds)
    const taken = matching.take({ side: 'credit', amount, reference: refundReference(BOOK, uscc(1)) })
    if (typeof taken === 'string') throw new Error(taken)
    const matched = taken.map(({ payee, amount }) => [payee, amount])
    return { matched, entry: matching.entry.map(({ type, amount }) => [type, amount]) }
  }
  t.same(refund(20n), { matched: [[roles[0], 20n]], entry: [['recover', 20n]] })
  t.same(refund(100n), {
    matched: [
      [roles[0], 30n],
      [roles[1], 70n],
    ],
    entry: [
      ['recover', 30n],
      ['recover', 70n],
    ],
  })
  t.same(refund(101n).entry, [
    ['recover', 30n],
    ['recover', 70n],
    ['overrecover', 1n],
  ])
})
