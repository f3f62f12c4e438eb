import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { verifyLedger } from '../../src/audit/verify.js'
import { clawBackCommand } from '../../src/claims/commands.js'
import { share } from '../../src/core/money.js'
import { isRefusal } from '../../src/core/refusals.js'
import type { CommandType } from '../../src/engine/command.js'
import { updateEnterpriseCommand } from '../../src/enterprises/commands.js'
import { orders } from '../../src/orders/facts.js'
import { stepsOf } from '../../src/orders/queries.js'
import { receiveRefundCommand, writeOffCommand } from '../../src/recoveries/commands.js'
import { recoverables } from '../../src/recoveries/queries.js'
import { redFlush } from '../../src/recoveries/red-flush.js'
import { accountsOfPayee, refund, supportedBy, unsupported } from '../../src/recoveries/rules.js'
import { basesOf } from '../../src/year-end/queries.js'
import { type Lab, withLab } from '../support/lab.js'
import { payAll } from '../support/payment.js'
import { ask, bureau, firm, uscc } from '../support/scene.js'
import { china } from '../support/service.js'
import { type Place, Stage } from '../support/stage.js'

const WJ = '320509'
type Running = ReturnType<Lab['engine']>

async function verified(t: Test, { sql }: Running): Promise<void> {
  for await (const { name, ok, finding } of verifyLedger(sql)) t.ok(ok, `${name} ${finding ?? ''}`)
}

/** Three orders of 100.00 each that are paid, of which so much was clawed back afterwards. */
async function owing(lab: Lab, running: Running, back: readonly bigint[]): Promise<{ place: Place; orders: string[] }> {
  const stage = new Stage(running.engine)
  const place = await stage.place()
  const voucher = await stage.voucher(place)
  const orders: string[] = []
  for (const _ of back) orders.push(await stage.order(place, 'approved', { voucher }))
  lab.clock.set(china('2026-03-04'))
  await payAll(running, 'Q1', '2026-03-03')
  for (const [n, amount] of back.entries()) {
    if (amount > 0n) await stage.must(ask.clawBack(orders[n]!, amount))
  }
  return { place, orders }
}

const payeeOf = ({ provider }: Place) => `provider:${provider}`
const byFinance = (type: CommandType<never>, command: object, jurisdiction = WJ) => ({
  type: type as unknown as CommandType,
  command,
  actor: bureau(jurisdiction),
})
const writeOff = (payee: string, amount: bigint) =>
  byFinance(writeOffCommand as never, { book: WJ, payee, amount, document: '吴财〔2026〕7号', reason: '注销' })
const receive = (payee: string, amount: bigint, receivedOn = '2026-03-04') =>
  byFinance(receiveRefundCommand as never, { book: WJ, payee, amount, receivedOn, document: '缴款书 12' })

t.test('a refund settles what is recoverable first, and never more', async (t) => {
  const accounts = accountsOfPayee('provider:X', 310000)
  const amount = fc.bigInt({ min: 1n, max: 10n ** 13n })
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 13n }), amount, (owing, come) => {
      const entry = refund(accounts, owing, come)
      const of = (type: string) => entry.reduce((sum, line) => (line.type === type ? sum + line.amount : sum), 0n)
      return (
        of('recover') + of('overrecover') === come &&
        of('recover') <= owing &&
        (of('overrecover') === 0n || of('recover') === owing)
      )
    }),
  )
  t.pass()
})

t.test('what a lowered invoice supports', async (t) => {
  const whole = { invoice: 'whole', ratio: '0.333333', orderCap: null } as const
  const own = { invoice: 'self_paid', ratio: '0.5', orderCap: null } as const
  const rows: [object, bigint, bigint, bigint][] = [
    [whole, 100_00n, 50_00n, 33_33n],
    [whole, 0n, 50_00n, 0n],
    [whole, -1n, 50_00n, 0n],
    [whole, 1_000_00n, 50_00n, 50_00n],
    [{ ...whole, orderCap: 20_00n }, 100_00n, 50_00n, 20_00n],
    [own, 30_00n, 50_00n, 30_00n],
    [own, 30_01n, 50_00n, 30_01n],
    [{ ...own, ratio: '0.3' }, 70_00n, 50_00n, 30_00n],
    [{ ...own, ratio: '0.3' }, 69_99n, 50_00n, 29_99n],
    [{ ...own, ratio: '1' }, 1n, 50_00n, 50_00n],
  ]
  for (const [terms, left, approved, wanted] of rows) {
    t.equal(supportedBy(terms as never, left, approved), wanted, JSON.stringify([terms, left, approved], show))
  }
  t.equal(unsupported(100n, 30n, 80n), 0n, 'what came back already counts')
  t.equal(unsupported(100n, 0n, 80n), 20n)

  const money = fc.bigInt({ min: 1n, max: 10n ** 12n })
  const ratio = fc.integer({ min: 1, max: 999_999 }).map((n) => `0.${String(n).padStart(6, '0')}`)
  fc.assert(
    fc.property(ratio, money, money, fc.constantFrom('whole', 'self_paid'), (of, left, approved, invoice) => {
      const supports = supportedBy({ invoice, ratio: of, orderCap: null } as never, left, approved)
      const base = invoice === 'whole' ? left : left + supports
      const isMost =
        supports === approved || supports + 1n > share(of, invoice === 'whole' ? left : left + supports + 1n)
      return supports <= share(of, base) && supports <= approved && isMost
    }),
  )
  fc.assert(
    fc.property(ratio, money, money, (of, contract, part) => {
      // What an order was approved with is supported by the very invoice that it needed.
      const most = share(of, contract)
      const voucher = part < most ? part : most
      if (voucher === 0n) return true
      return (
        supportedBy({ invoice: 'whole', ratio: of, orderCap: null }, contract, voucher) === voucher &&
        supportedBy({ invoice: 'self_paid', ratio: of, orderCap: null }, contract - voucher, voucher) === voucher
      )
    }),
  )
})
const show = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value)

withLab(t, 'written off, refunded, told of', async (t, lab) => {
  const running = lab.engine()
  const stage = new Stage(running.engine)
  const { place, orders } = await owing(lab, running, [30_00n, 0n, 20_00n])
  const payee = payeeOf(place)
  lab.clock.set(china('2026-03-10'))

  const refused = async (asked: Parameters<Stage['must']>[0]) => {
    const outcome = await running.engine.run(asked)
    return isRefusal(outcome) ? [outcome.refused, outcome.details] : outcome.event
  }
  t.same(await refused(writeOff(payee, 50_01n)), ['amount_exceeds_recoverable', { atMost: '50.00' }])
  t.same(await refused(receive(payee, 50_01n)), ['amount_exceeds_recoverable', { atMost: '50.00' }])
  t.match(await refused(receive(payee, 1n, '2026-03-11')), ['day_in_future'])
  t.same(await refused(writeOff('provider:91310000MA0000000X', 1n)), ['amount_exceeds_recoverable', { atMost: '0.00' }])
  t.match(await refused(byFinance(writeOffCommand as never, writeOff(payee, 1n).command as object, '320000')), [
    'not_your_jurisdiction',
  ])

  t.match(await refused(writeOff(payee, 10_00n)), { recoverable: '40.00' })
  lab.clock.set(china('2026-03-11'))
  t.match(await refused(receive(payee, 25_00n)), { recoverable: '15.00' })

  const see = (actor = bureau(WJ), filter: object = {}) =>
    recoverables(running.sql, actor, filter, { day: '2026-03-12', after: undefined, most: 10 })
  const [one] = await see()
  t.match(one!.view, {
    book: WJ,
    payee,
    recoverable: '15.00',
    payable: '0.00',
    clawedBack: '50.00',
    recovered: '25.00',
    setOff: '0.00',
    writtenOff: '10.00',
    since: '2026-03-04',
    days: 8,
    orders: [
      { order: orders[0], clawedBack: '30.00' },
      { order: orders[2], clawedBack: '20.00' },
    ],
    moves: [
      { move: 'claw_back_recoverable', amount: '30.00', document: null },
      { move: 'claw_back_recoverable', amount: '20.00', document: null },
      { move: 'write_off', day: '2026-03-10', amount: '10.00', document: '吴财〔2026〕7号' },
      { move: 'recover', day: '2026-03-11', amount: '25.00', document: '缴款书 12' },
    ],
  })
  t.match(await see(firm(place.provider)), [{ view: { recoverable: '15.00' } }], 'the payee sees its own')
  t.same(await see(firm(place.enterprise)), [], 'nobody else does')
  t.same(await see(bureau('310000')), [])
  t.match(await see(bureau('320000')), [{ view: { payee } }], 'the province sees its county’s')
  t.same(await see(bureau('000000'), { book: '330000' }), [])

  await stage.must(receive(payee, 15_00n))
  t.same(await see(), [], 'what is settled is not listed')
  const paid = (from: string, to: string) =>
    basesOf(running.sql, { jurisdictions: [WJ, '320506'], basis: 'paid' }, from, to)
  t.same(
    await paid('2026-03-01', '2026-12-31'),
    [
      { jurisdiction: WJ, amount: 260_00n },
      { jurisdiction: '320506', amount: 0n },
    ],
    'what a share of payments is a share of: 300 out, 40 back',
  )
  t.match(await paid('2026-03-11', '2026-03-11'), [{ amount: -40_00n }])
  t.match(await see(bureau(WJ), { all: 'true' }), [{ view: { recoverable: '0.00', since: null, days: null } }])
  await verified(t, running)
})

withLab(t, 'a red invoice after payment claws back what the rest does not support, in one', async (t, lab) => {
  const running = lab.engine()
  const { engine, sql } = running
  // 100.00 of 1000.00 at a ratio of 0.1: every yuan less takes ten fen with it.
  const stage = new Stage(engine)
  const place = await stage.place({ ratio: '0.1' })
  const order = await stage.order(place, 'approved')
  lab.clock.set(china('2026-03-04'))
  await payAll(running, 'Q1', '2026-03-03')
  const services = { engine, sql, clawBack: clawBackCommand as unknown as CommandType }
  const flush = (redInvoiceNo: string, amount: bigint, key: string = randomUUID()) =>
    redFlush(services, {
      command: { order, redInvoiceNo: redInvoiceNo.padStart(20, '0'), amount },
      actor: bureau(WJ),
      key,
    })
  const state = async () => {
    const [row] = await sql<{ clawedBack: bigint; dossier: unknown; redInvoices: string[] | null }[]>`
      select clawed_back as "clawedBack", dossier, red_invoices as "redInvoices" from orders where clawed_back >= 0`
    return row!
  }
  t.match(await flush('7001', 1_000_01n), { refused: 'amount_exceeds_invoice', details: { atMost: '1000.00' } })
  const key = randomUUID()
  const first = await flush('7001', 300_05n, key)
  t.match(first, { event: { invoice: '699.95', supports: '69.99', clawedBack: '30.01' } })
  t.match(await flush('7001', 300_05n, key), { event: { clawedBack: '30.01' } }, 'asked again: the same answer')
  t.equal((await state()).clawedBack, 30_01n, 'and clawed back once')
  t.match(await flush('7001', 1_00n), { refused: 'invoice_duplicate' })
  t.match(
    await engine.run({
      type: clawBackCommand as unknown as CommandType,
      command: { order, amount: 30_01n, reason: 'again', redInvoiceNo: '7001'.padStart(20, '0') },
      actor: bureau(WJ),
    }),
    { refused: 'state_conflict' },
    'nobody claws it back twice',
  )
  await stage.must(ask.clawBack(order, 20_00n))
  t.match(await flush('7002', 99_95n), { event: { invoice: '600.00', supports: '60.00', clawedBack: '0.00' } })
  t.match(await flush('7003', 600_00n), { event: { invoice: '0.00', supports: '0.00', clawedBack: '49.99' } })
  const { clawedBack, redInvoices } = await state()
  t.equal(clawedBack, 100_00n)
  t.equal(redInvoices?.length, 1, 'nothing is left of the invoice')
  const entries = await sql`
    select count(*)::int as n from commands where kind = 'claw_back' and entry is not null`
  t.same([...entries], [{ n: 3 }], 'one entry for each claw-back')
  const filed = await stage.order(place, 'submitted')
  const early = redFlush(services, {
    command: { order: filed, redInvoiceNo: '8'.repeat(20), amount: 1n },
    actor: bureau(WJ),
    key: randomUUID(),
  })
  t.match(await early, { refused: 'state_conflict' }, 'before it is approved a claim is returned')
  await verified(t, running)
})

withLab(t, 'a firm that moves away keeps the terms that its order was filed under', async (t, lab) => {
  const running = lab.engine()
  const { engine, sql } = running
  const stage = new Stage(engine)
  const provider = uscc(20_000)
  await stage.must(ask.provider(provider, '320505'))
  const ratios = [{ locality: 'same_city' as const, ratio: '0.5' }]
  const place = await stage.place({ ratio: '0.3', ratios }, { provider })
  const order = await stage.order(place, 'approved', { voucherAmount: 500_00n })
  const filed = await stage.order(place, 'filed', { voucherAmount: 100_00n })
  lab.clock.set(china('2026-03-04'))
  await stage.must({
    type: updateEnterpriseCommand as never,
    command: { uscc: place.enterprise, version: 3, division: '320106', reason: '迁移' },
    actor: firm(place.enterprise),
  })
  const services = { engine, sql, clawBack: clawBackCommand as unknown as CommandType }
  const flush = (redInvoiceNo: string, amount: bigint) =>
    redFlush(services, { command: { order, redInvoiceNo, amount }, actor: bureau(WJ), key: randomUUID() })
  t.match(await flush('1'.repeat(20), 1n), { event: { supports: '499.99', clawedBack: '0.01' } })
  t.match(await flush('2'.repeat(20), 99_99n), { event: { supports: '450.00', clawedBack: '49.99' } })
  await stage.must(ask.supplement(filed, place.enterprise, 1_000_00n, 400_00n))
  await verified(t, running)
})

withLab(t, 'a claw-back says whether it came before the close, after it or after payment', async (t, lab) => {
  const running = lab.engine()
  const { engine, sql } = running
  const stage = new Stage(engine)
  const order = await stage.order(await stage.place(), 'approved')
  const back = () => stage.must(ask.clawBack(order, 1_00n))
  await back()
  lab.clock.set(china('2026-03-04'))
  // A close of days before it was approved takes nothing of it.
  await stage.must(ask.close('earlier', '2026-03-01'))
  await back()
  await payAll(running, 'later', '2026-03-03')
  await back()
  const [row] = await orders.load(sql, [order])
  const steps = await stepsOf(sql, row as never, bureau(WJ))
  t.same(
    steps.filter(({ step }) => step === 'claw_back').map(({ clawBack }) => clawBack),
    ['before_close', 'before_close', 'after_payment'],
  )
  const other = await stage.order(await stage.place(), 'approved')
  lab.clock.set(china('2026-03-06'))
  await stage.must(ask.close('closed', '2026-03-05'))
  await stage.must(ask.clawBack(other, 1_00n))
  const [closed] = await orders.load(sql, [other])
  t.same((await stepsOf(sql, closed as never, bureau(WJ))).at(-1)!.clawBack, 'after_close')
  t.same((await stepsOf(sql, closed as never, bureau(WJ)))[0]!.clawBack, null)
})
