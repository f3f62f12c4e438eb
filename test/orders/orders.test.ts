import fc from 'fast-check'
import t from 'tap'
import { yuan } from '../../src/core/money.js'
import { isRefusal } from '../../src/core/refusals.js'
import { sweep } from '../../src/deadlines/sweep.js'
import type { Asked, Runner } from '../../src/engine/runner.js'
import { deliverCommand, fileOrderCommand } from '../../src/orders/commands.js'
import type { Order } from '../../src/orders/facts.js'
import { waitingFor } from '../../src/orders/rules.js'
import { type Lab, withLab } from '../support/lab.js'
import { ask, firm } from '../support/scene.js'
import { china } from '../support/service.js'
import { type Place, Stage } from '../support/stage.js'

const { accept, decline, supplement } = ask
const file = (voucher: string, { enterprise, provider }: Place, more: object = {}): Asked => ({
  type: fileOrderCommand as never,
  command: {
    voucher,
    provider,
    category: 'testing',
    contractNo: 'C',
    contractAmount: 1_000_00n,
    voucherAmount: 100_00n,
    signedOn: '2026-03-01',
    relatedParty: false,
    ...more,
  },
  actor: firm(enterprise),
})

const codeOf = async (engine: Runner, asked: Asked) => {
  const outcome = await engine.run(asked)
  return isRefusal(outcome) ? outcome.refused : 'done'
}

async function market({ engine }: Lab, more: object = {}) {
  const { engine: runner, sql } = engine()
  const stage = new Stage(runner)
  const place = await stage.place(more)
  const voucher = await stage.voucher(place)
  const balance = async () => {
    const [row] = await sql<{ posted: bigint; held: bigint }[]>`
      select posted, held from accounts where owner = ${voucher}`
    return { available: yuan(row!.posted - row!.held), held: yuan(row!.held) }
  }
  return { runner, sql, stage, place, voucher, balance }
}

withLab(t, 'where a program wants acceptance, nothing is delivered before it', async (t, lab) => {
  const { runner, stage, place, voucher } = await market(lab, { acceptanceDays: 3 })
  const { event } = await stage.must(file(voucher, place))
  t.match(event, { state: 'filed', acceptBy: '2026-03-05' }, 'three workdays from Monday')
  const order = event.order as string
  t.equal(await codeOf(runner, ask.deliver(order, place.provider)), 'acceptance_missing')
  t.equal(await codeOf(runner, accept(order, place.enterprise)), 'not_your_organisation')
  lab.clock.set(china('2026-03-05'))
  t.same((await stage.must(accept(order, place.provider))).event, { order, state: 'accepted' })
  t.equal(await codeOf(runner, decline(order, place.provider)), 'state_conflict', 'what was accepted is not declined')
  lab.clock.set(china('2026-03-06'))
  await stage.must(ask.deliver(order, place.provider))
})

withLab(t, 'an order that is not answered in time lapses, and gives everything back', async (t, lab) => {
  const { runner, sql, stage, place, voucher, balance } = await market(lab, { acceptanceDays: 3 })
  const order = (await stage.must(file(voucher, place))).event.order as string
  t.same(await balance(), { available: '400.00', held: '100.00' })
  lab.clock.set(china('2026-03-06'))
  t.equal(await codeOf(runner, accept(order, place.provider)), 'state_conflict', 'too late: it has lapsed first')
  t.same(await balance(), { available: '500.00', held: '0.00' })
  await stage.must(file(voucher, place))
  lab.clock.set(china('2026-03-12'))
  t.match(await sweep(runner, sql, lab.clock), { orders: 1 }, 'and by itself')
})

withLab(t, 'a declined order frees the amount and the contract number', async (t, lab) => {
  const { stage, place, voucher, balance } = await market(lab)
  const order = (await stage.must(file(voucher, place))).event.order as string
  const { event } = await stage.must(decline(order, place.provider))
  t.same(event, { order, state: 'declined', released: '100.00' })
  t.same(await balance(), { available: '500.00', held: '0.00' })
  const again = await stage.must(file(voucher, place))
  t.same(Object.keys(again.event), ['order', 'state', 'held', 'claimBy'], 'nothing more is said where nothing is asked')
  await stage.must(accept(again.event.order as string, place.provider))
})

withLab(
  t,
  'a supplement holds what its new amount says, within the rules the order was filed under',
  async (t, lab) => {
    const { runner, stage, place, voucher, balance } = await market(lab, {
      acceptanceDays: 5,
      ratio: '0.5',
      orderCap: 300_00n,
    })
    const order = (await stage.must(file(voucher, place))).event.order as string
    const change = (contract: bigint, amount: bigint) => supplement(order, place.enterprise, contract, amount)
    await stage.must(accept(order, place.provider))
    t.equal(await codeOf(runner, change(200_00n, 100_01n)), 'ratio_exceeded')
    t.equal(await codeOf(runner, change(1_000_00n, 300_01n)), 'order_cap_exceeded')
    t.equal(await codeOf(runner, supplement(order, place.provider, 1_000_00n, 1_00n)), 'not_your_organisation')
    const { event } = await stage.must(change(1_200_00n, 250_00n))
    t.match(
      event,
      { state: 'filed', voucherAmount: '250.00', acceptBy: '2026-03-09' },
      'and the provider accepts again',
    )
    t.same(await balance(), { available: '250.00', held: '250.00' })
    t.equal(await codeOf(runner, ask.deliver(order, place.provider)), 'acceptance_missing')
    await stage.must(accept(order, place.provider))
    await stage.must(ask.deliver(order, place.provider))
    t.match((await stage.must(change(800_00n, 120_00n))).event, { state: 'delivered' })
    t.same(await balance(), { available: '380.00', held: '120.00' })
    await stage.must(ask.confirm(order, place.enterprise))
    t.equal(await codeOf(runner, change(800_00n, 100_00n)), 'state_conflict', 'not once it is confirmed')
    await stage.must(ask.submit(order, place.provider, 1, 800_00n))
    await stage.must(ask.verify(order))
    const approved = (await stage.must(ask.approve(order))).event
    t.match(approved, { approved: '120.00', released: '0.00' }, 'and what is approved is the amount as it was changed')
  },
)

withLab(t, 'a supplement takes no more than the voucher has, and nothing once that has ended', async (t, lab) => {
  const { runner, stage, place, voucher, balance } = await market(lab, { useWithinDays: 10, claimWithinDays: 60 })
  const order = (await stage.must(file(voucher, place))).event.order as string
  const change = (amount: bigint) => supplement(order, place.enterprise, 2_000_00n, amount)
  t.equal(await codeOf(runner, change(500_01n)), 'insufficient_balance')
  await stage.must(change(500_00n))
  lab.clock.set(china('2026-03-13'))
  t.equal(await codeOf(runner, change(500_01n)), 'voucher_expired')
  await stage.must(change(300_00n))
  t.same(await balance(), { available: '0.00', held: '300.00' }, 'what is given back late goes on to the pool')
})

withLab(t, 'whatever supplements say one after another, what is held is what was said last', async (t, lab) => {
  const { runner, stage, place, voucher, balance } = await market(lab)
  const order = (await stage.must(file(voucher, place))).event.order as string
  for (const amount of fc.sample(fc.bigInt(1n, 600_00n), { numRuns: 30, seed: 7 })) {
    const { held } = await balance()
    const code = await codeOf(runner, supplement(order, place.enterprise, 5_000_00n, amount))
    t.equal(code, amount > 500_00n ? 'insufficient_balance' : 'done')
    t.equal((await balance()).held, code === 'done' ? yuan(amount) : held)
  }
})

withLab(t, 'a change of provider ends one order and files another in one entry', async (t, lab) => {
  const { runner, sql, stage, place, voucher, balance } = await market(lab)
  const other = await stage.place({}, { jurisdiction: place.jurisdiction, enterprise: place.enterprise })
  await stage.must(ask.recognise(place.jurisdiction, other.provider))
  const first = (await stage.must(file(voucher, place, { voucherAmount: 400_00n }))).event.order as string
  const changed = { ...place, provider: other.provider }
  const wanted = { voucherAmount: 500_00n, replaces: first }
  t.equal(await codeOf(runner, file(voucher, changed, { ...wanted, replaces: undefined })), 'insufficient_balance')
  t.equal(await codeOf(runner, file(voucher, changed, { ...wanted, voucherAmount: 500_01n })), 'ratio_exceeded')
  const elsewhere = await stage.order(place, 'filed')
  t.equal(await codeOf(runner, file(voucher, changed, { ...wanted, replaces: elsewhere })), 'order_not_found')
  const { event, entry } = await stage.must(file(voucher, changed, wanted))
  t.match(event, { held: '500.00', replaced: first, released: '400.00' })
  t.same(await balance(), { available: '0.00', held: '500.00' })
  const lines =
    await sql`select phase, amount from transfers where book = ${place.jurisdiction} and entry = ${entry} order by line`
  t.same(
    [...lines],
    [
      { phase: 3, amount: 400_00n },
      { phase: 1, amount: 500_00n },
    ],
  )
  const [{ state, dossier } = {}] = await sql`select state, dossier from orders where "order" = ${first.split('-')[1]!}`
  t.match({ state, dossier }, { state: 'cancelled', dossier: { replacedBy: event.order } })

  await stage.must(ask.deliver(event.order as string, other.provider))
  const late = file(voucher, place, { contractNo: 'D', voucherAmount: 1_00n, replaces: event.order })
  t.equal(await codeOf(runner, late), 'state_conflict', 'not after delivery')
})

withLab(t, 'results and a comment stay with the order', async (t, lab) => {
  const { sql, stage, place, voucher } = await market(lab)
  const order = (await stage.must(file(voucher, place))).event.order as string
  const results = ['a'.repeat(64), 'b'.repeat(64)]
  const command = { order, summary: '检测报告两份', results }
  await stage.must({ type: deliverCommand as never, command, actor: firm(place.provider) })
  const confirm = ask.confirm(order, place.enterprise)
  await stage.must({ ...confirm, command: { ...(confirm.command as object), comment: '按期' } } as Asked)
  const [row] = await sql`select dossier from orders where "order" = ${order.split('-')[1]!}`
  t.same(row!.dossier, { summary: '检测报告两份', results, comment: '按期' })
})

t.test('whose turn it is, with which step, until when', async (t) => {
  const open = { on: '2026-03-02', reason: 'x', decision: null }
  const decided = { ...open, decision: { on: '2026-03-03', person: 'p', verdict: 'dismissed', reason: 'x' } as const }
  const cases: [Partial<Order>, string | null][] = [
    [{ state: 'filed', deadline: '2026-05-01' }, 'provider deliver 2026-05-01 days'],
    [
      { state: 'filed', deadline: '2026-03-05', dossier: { acceptBy: '2026-03-05' } },
      'provider accept_order 2026-03-05 workdays',
    ],
    [
      { state: 'filed', deadline: '2026-03-04', dossier: { acceptBy: '2026-03-05' } },
      'provider accept_order 2026-03-04 days',
    ],
    [{ state: 'accepted', deadline: '2026-05-01' }, 'provider deliver 2026-05-01 days'],
    [{ state: 'delivered', deadline: '2026-05-01' }, 'enterprise confirm 2026-05-01 days'],
    [{ state: 'confirmed', deadline: '2026-05-01' }, 'provider submit_claim 2026-05-01 days'],
    [{ state: 'returned', deadline: '2026-05-01', payee: 'enterprise' }, 'enterprise submit_claim 2026-05-01 days'],
    [{ state: 'submitted' }, 'bureau verify_claim null null'],
    [{ state: 'verified' }, 'bureau approve_claim null null'],
    [
      { state: 'verified', dossier: { objections: [{ objection: 1, organisation: 'o', ...open }] } },
      'bureau resolve_objection null null',
    ],
    [{ state: 'approved' }, 'clearing confirm_payments null null'],
    [{ state: 'rejected' }, null],
    [{ state: 'rejected', dossier: { appealBy: '2026-03-01' } }, null],
    [{ state: 'rejected', dossier: { appealBy: '2026-03-02' } }, 'provider appeal_claim 2026-03-02 workdays'],
    [
      { state: 'rejected', dossier: { appealBy: '2026-03-02', appeal: { appeal: 9, ...open } } },
      'bureau decide_claim_appeal null null',
    ],
    [{ state: 'rejected', dossier: { appealBy: '2026-03-02', appeal: { appeal: 9, ...decided } } }, null],
    [{ state: 'paid' }, null],
    [{ state: 'declined' }, null],
    [{ state: 'cancelled' }, null],
    [{ state: 'lapsed' }, null],
  ]
  for (const [over, wanted] of cases) {
    const course = { state: 'filed', deadline: null, payee: 'provider', dossier: null, ...over } as const
    const said = waitingFor(course, '2026-03-02')
    t.equal(said && `${said.turn} ${said.step} ${said.by} ${said.countedIn}`, wanted, JSON.stringify(over))
  }
})
