import fc from 'fast-check'
import t from 'tap'
import { contractFor, parseYuan, share } from '../../src/core/money.js'
import { isRefusal, type RefusalCode } from '../../src/core/refusals.js'
import { addDays, dayOf } from '../../src/core/time.js'
import { quoteFor } from '../../src/quotes/queries.js'
import { changes } from '../../src/quotes/rules.js'
import { refusalsOf } from '../../src/refusals.js'
import { withLab } from '../support/lab.js'
import { ask, firm, uscc } from '../support/scene.js'
import { china, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

t.test('the smallest contract whose share is enough', async () => {
  const ratios = fc
    .integer({ min: 1, max: 10 ** 10 })
    .map((n) => (n === 10 ** 10 ? '1' : `0.${String(n).padStart(10, '0')}`))
  fc.assert(
    fc.property(ratios, fc.bigInt(1n, 10n ** 15n), (ratio, amount) => {
      const contract = contractFor(ratio, amount)
      return share(ratio, contract) >= amount && share(ratio, contract - 1n) < amount
    }),
  )
})

t.test('every rule that can stop an order says what would have to change', async (t) => {
  const never: RefusalCode[] = [
    // Of the service, not of the contract; and what a quote cannot ask, as only the firm itself does.
    ...refusalsOf.quoteContract,
    ...['idempotency_key_missing', 'idempotency_key_reused', 'idempotency_key_expired', 'overloaded', 'clock_behind'],
    ...['not_your_organisation'],
  ] as RefusalCode[]
  t.same(
    refusalsOf.fileOrder.filter((code) => !never.includes(code) && !changes[code]),
    [],
  )
})

withLab(t, 'a quote says what filing then does, and not a fen more or less', async (t, { clock, engine }) => {
  const { engine: running, sql } = engine()
  const stage = new Stage(running)
  const enterprise = uscc(1)
  const recognised = uscc(2)
  const stranger = uscc(3)
  await stage.must(ask.enterprise(enterprise, '320509'))
  for (const one of [recognised, stranger]) await stage.must(ask.provider(one, '310104'))
  const given = { enterprise, provider: recognised }
  const ratios = [{ category: null, locality: 'other_province' as const, ratio: '0.1', orderCap: 77_77n }]
  const places = [
    await stage.place(
      { ratio: '0.5', orderCap: null, annualCap: 10_000_00n, categories: ['testing'] },
      given,
      10_000_00n,
    ),
    await stage.place({ ratio: '0.333333', orderCap: 150_00n, annualCap: 10_000_00n }, given, 10_000_00n),
    await stage.place({ ratio: '1', orderCap: null, claimWithinDays: 3, annualCap: 10_000_00n }, given, 10_000_00n),
    await stage.place({ ratio: '0.3', ratios, annualCap: 10_000_00n }, given, 10_000_00n),
    await stage.place({ ratio: '0.3', crossRegion: false, annualCap: 10_000_00n }, given, 10_000_00n),
  ]
  for (const place of places) for (const amount of [300_01n, 99_99n]) await stage.voucher(place, amount)

  const seen = new Map<string, number>()
  let day = dayOf(clock.now())
  let number = 0
  const contracts = fc.record({
    pass: fc.constantFrom(0, 0, 0, 1, 2),
    provider: fc.constantFrom(recognised, recognised, recognised, recognised, stranger),
    category: fc.constantFrom('testing', 'testing', 'testing', 'testing', 'design'),
    contractAmount: fc.oneof(fc.bigInt(1n, 40n), fc.bigInt(1n, 2_000_00n)),
    contractNo: fc.constantFrom(undefined, undefined, undefined, 'C-1', 'C-2'),
    relatedParty: fc.constantFrom(false, false, false, false, true),
    keep: fc.constantFrom(true, false, false),
  })
  await fc.assert(
    fc.asyncProperty(contracts, async ({ pass, keep, ...asked }) => {
      day = addDays(day, pass)
      clock.set(china(day))
      const quote = await quoteFor(sql, clock, { ...asked, category: asked.category as 'testing' }, firm(enterprise))
      const order = { ...asked, category: asked.category as 'testing' }
      const file = async (voucher: string, voucherAmount: bigint, contractAmount = asked.contractAmount) => {
        const contractNo = asked.contractNo ?? `N-${++number}`
        const over = { ...order, contractNo, contractAmount, voucherAmount }
        return running.run(ask.file(voucher, enterprise, asked.provider, over))
      }
      for (const { voucher, carries, decidedBy, most } of quote.items) {
        const amount = parseYuan(carries)
        const code = decidedBy?.code ?? 'none'
        seen.set(code, (seen.get(code) ?? 0) + 1)
        const more = await file(voucher, amount + 1n)
        if (!decidedBy) {
          // The whole contract is carried; a fen more would be more than it costs.
          if (amount !== asked.contractAmount) throw new Error(`${carries} of ${asked.contractAmount} and no rule`)
        } else if (!isRefusal(more) || more.refused !== code) {
          throw new Error(`${voucher} ${carries} ${code}, but a fen more: ${JSON.stringify(more)}`)
        }
        if (most) {
          const [ever, contract] = [parseYuan(most.carries), parseYuan(most.contractAmount)]
          const less = await file(voucher, ever, contract - 1n)
          if (!isRefusal(less) || less.refused !== 'ratio_exceeded') throw new Error('a smaller contract would do')
          const beyond = await file(voucher, ever + 1n, contract * 4n + 4n)
          if (!isRefusal(beyond)) throw new Error(`${voucher} carries more than ${most.carries}`)
        }
        if (amount === 0n) continue
        const filed = await file(voucher, amount)
        if (isRefusal(filed)) throw new Error(`${voucher} ${carries}, but filing: ${JSON.stringify(filed)}`)
        if (most) {
          await stage.must(ask.cancel(filed.event.order as string, enterprise))
          const whole = await file(voucher, parseYuan(most.carries), parseYuan(most.contractAmount))
          if (isRefusal(whole)) throw new Error(`not carried whole: ${JSON.stringify(whole)}`)
          await stage.must(ask.cancel(whole.event.order as string, enterprise))
        } else if (!keep) await stage.must(ask.cancel(filed.event.order as string, enterprise))
        // The same contract is filed once.
        if (asked.contractNo && keep) return
      }
    }),
    { numRuns: 60, seed: 11 },
  )
  const wanted = ['ratio_exceeded', 'order_cap_exceeded', 'insufficient_balance', 'provider_not_recognised', 'none']
  for (const code of [...wanted, 'category_not_covered', 'related_party', 'contract_duplicate']) {
    t.ok(seen.get(code), `${code} was met: ${JSON.stringify([...seen])}`)
  }
})

withLab(t, 'what is overdue counts as given back, and a quote leaves no trace', async (t, { clock, engine }) => {
  const { engine: running, sql } = engine()
  const stage = new Stage(running)
  const place = await stage.place({ ratio: '0.5', claimWithinDays: 3 })
  const voucher = await stage.voucher(place, 100_00n)
  await stage.order(place, 'filed', { voucher, contractNo: 'C-1', contractAmount: 200_00n, voucherAmount: 100_00n })
  const asked = { provider: place.provider, category: 'testing' as const, contractAmount: 200_00n, contractNo: 'C-1' }
  const quote = () => quoteFor(sql, clock, asked, firm(place.enterprise))
  t.match(await quote(), {
    items: [{ voucher, carries: '0.00', decidedBy: { code: 'contract_duplicate' } }],
    best: null,
  })
  clock.set(china('2026-03-06'))
  const rows = () =>
    sql`select (select count(*) from commands)::int as commands, (select count(*) from actors)::int as actors`
  const before = [...(await rows())]
  t.match(await quote(), { day: '2026-03-06', best: voucher, items: [{ carries: '100.00' }] })
  t.same([...(await rows())], before)
})

withLab(t, 'of a change of provider a quote counts what the order before gives back', async (t, { clock, engine }) => {
  const { engine: running, sql } = engine()
  const stage = new Stage(running)
  const place = await stage.place({ ratio: '1' })
  const voucher = await stage.voucher(place, 100_00n)
  const before = await stage.order(place, 'filed', { voucher, contractNo: 'C-1', voucherAmount: 70_00n })
  const asked = { provider: place.provider, category: 'testing' as const, contractAmount: 1_000_00n }
  const quote = async (replaces?: string) =>
    (await quoteFor(sql, clock, { ...asked, replaces }, firm(place.enterprise))).items[0]!
  const file = (replaces: string | undefined, contractNo: string, voucherAmount: bigint) => {
    const filing = ask.file(voucher, place.enterprise, place.provider, { contractNo, voucherAmount })
    return running.run({ ...filing, command: { ...(filing.command as object), replaces } } as typeof filing)
  }
  t.match(await quote(), { carries: '30.00', decidedBy: { code: 'insufficient_balance' } })
  t.match(await quote(before), { carries: '100.00', decidedBy: { code: 'insufficient_balance' } })
  t.match(await file(before, 'C-2', 100_01n), { refused: 'insufficient_balance' })
  t.match(await file(before, 'C-2', 100_00n), { event: { held: '100.00' } })
  t.match(await quote(before), { carries: '0.00', decidedBy: { code: 'insufficient_balance' } })
  const elsewhere = await stage.order(place, 'filed')
  t.match(await quote(elsewhere), { carries: '0.00', decidedBy: { code: 'order_not_found', change: { zh: /./ } } })
})

t.test('over HTTP: a firm asks of its own vouchers', async (t) => {
  const { service, base, token, close } = await testService()
  t.teardown(close)
  const stage = new Stage(service.engine)
  const place = await stage.place({ ratio: '0.5', orderCap: 60_00n })
  const other = await stage.place()
  const voucher = await stage.voucher(place)
  const theirs = await stage.voucher(other)
  const quote = async (body: object) => {
    const response = await fetch(`${base}/v1/quotes`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token(firm(place.enterprise))}`, 'content-type': 'application/json' },
      body: JSON.stringify({ provider: place.provider, category: 'testing', contractAmount: '100.00', ...body }),
    })
    return { status: response.status, body: (await response.json()) as object }
  }
  t.match(await quote({}), {
    status: 200,
    body: {
      best: voucher,
      items: [
        {
          voucher,
          carries: '50.00',
          decidedBy: { code: 'ratio_exceeded', title: { zh: /./ }, change: { zh: /./ } },
          most: { carries: '60.00', contractAmount: '120.00' },
        },
      ],
    },
  })
  t.match(await quote({ contractAmount: '130.00' }), {
    body: { items: [{ carries: '60.00', decidedBy: { code: 'order_cap_exceeded' }, most: null }] },
  })
  t.match(await quote({ voucher: theirs }), { status: 404, body: { code: 'voucher_not_found' } })
  t.match(await quote({ contractAmount: '1', hurry: true }), { status: 400, body: { code: 'validation_failed' } })
})
