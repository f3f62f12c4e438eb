/** Where the parts of the daily work meet: each case goes through two or more of them, on books that are proved at the end. */
import t from 'tap'
import { returnClaimCommand } from '../../src/claims/commands.js'
import { yuan } from '../../src/core/money.js'
import { isRefusal } from '../../src/core/refusals.js'
import { remindersFor } from '../../src/deadlines/queries.js'
import type { CommandType } from '../../src/engine/command.js'
import type { Asked, Runner } from '../../src/engine/runner.js'
import { fileObjectionCommand, resolveObjectionCommand } from '../../src/objections/commands.js'
import { fileOrderCommand } from '../../src/orders/commands.js'
import { simulate } from '../../src/simulation/simulate.js'
import {
  cancelVoucherCommand,
  extendVoucherCommand,
  recallVoucherCommand,
  resumeVoucherCommand,
  suspendVoucherCommand,
} from '../../src/vouchers/commands.js'
import { placeKey, readPages } from '../../src/webhooks/queries.js'
import { isFor, payloadOf } from '../../src/webhooks/rules.js'
import { type Lab, withLab } from '../support/lab.js'
import { ask, bureau, firm, rules, uscc } from '../support/scene.js'
import { china } from '../support/service.js'
import { type Place, Stage } from '../support/stage.js'

const WJ = '320509'
const ofVoucher = (type: unknown, voucher: string): Asked => ({
  type: type as CommandType,
  command: { voucher, reason: '核查' },
  actor: bureau(WJ),
})
const giveUp = (voucher: string, { enterprise }: Place): Asked => ({
  type: cancelVoucherCommand as never,
  command: { voucher },
  actor: firm(enterprise),
})
const returnRed = (order: string): Asked => ({
  type: returnClaimCommand as never,
  command: { order, reason: '发票已红冲', redFlushed: true },
  actor: bureau(WJ),
})
const file = (
  voucher: string,
  { enterprise, provider }: Place,
  more: object = {},
  actor = firm(enterprise),
): Asked => ({
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
  actor,
})

const codeOf = async (engine: Runner, asked: Asked) => {
  const outcome = await engine.run(asked)
  return isRefusal(outcome) ? outcome.refused : 'done'
}

async function market({ engine }: Lab, more: object = {}) {
  const { engine: runner, sql, errors } = engine()
  const stage = new Stage(runner)
  const place = await stage.place({ jurisdiction: WJ, ...more }, {}, 100_000_00n)
  const voucher = await stage.voucher(place)
  const balance = async () => {
    const [row] = await sql<{ free: bigint; held: bigint }[]>`
      select posted - held as free, held from accounts where owner = ${voucher}`
    return { free: yuan(row!.free), held: yuan(row!.held) }
  }
  const code = (asked: Asked) => codeOf(runner, asked)
  return { runner, sql, errors, stage, place, voucher, balance, code }
}

withLab(
  t,
  'a suspended voucher takes no more money, also not through a supplement; what runs goes on',
  async (t, lab) => {
    const { stage, place, voucher, balance, code } = await market(lab, { appealDays: 5 })
    const order = (await stage.must(file(voucher, place))).event.order as string
    await stage.must(ofVoucher(suspendVoucherCommand, voucher))
    t.equal(await code(file(voucher, place, { contractNo: 'D' })), 'voucher_suspended')
    t.equal(await code(file(voucher, place, { contractNo: 'D', replaces: order })), 'voucher_suspended')
    const change = (amount: bigint) => ask.supplement(order, place.enterprise, 1_000_00n, amount)
    t.equal(await code(change(100_01n)), 'voucher_suspended', 'more would be new money')
    await stage.must(change(100_00n))
    await stage.must(change(80_00n))
    t.same(await balance(), { free: '420.00', held: '80.00' })
    await stage.must(ask.deliver(order, place.provider))
    await stage.must(ask.confirm(order, place.enterprise))
    await stage.must(ask.submit(order, place.provider, 1))
    await stage.must(ask.reject(order))
    await stage.must(ask.appeal(order, place.provider))
    t.match((await stage.must(ask.sustain(order))).event, { held: '80.00' }, 'an appeal is of what ran before')
    await stage.must(ofVoucher(resumeVoucherCommand, voucher))
    await stage.must(ask.verify(order))
    t.match((await stage.must(ask.approve(order))).event, { approved: '80.00' })
  },
)

withLab(t, 'who may not be party to a new order is party to no larger one either', async (t, lab) => {
  const { stage, place, voucher, code } = await market(lab)
  const order = (await stage.must(file(voucher, place))).event.order as string
  const change = (amount: bigint) => ask.supplement(order, place.enterprise, 1_000_00n, amount)
  await stage.must(ask.list(place.provider, '2026-03-01'))
  t.equal(await code(file(voucher, place, { contractNo: 'D' })), 'integrity_listed')
  t.equal(await code(change(100_01n)), 'integrity_listed')
  await stage.must(change(60_00n))
  const other = await stage.place({ jurisdiction: WJ })
  const running = await stage.order(other, 'filed')
  await stage.must(ask.suspend(WJ, other.provider))
  const ofOther = (amount: bigint) => ask.supplement(running, other.enterprise, 1_000_00n, amount)
  t.equal(await code(ofOther(100_01n)), 'provider_not_recognised')
  await stage.must(ofOther(99_00n))
})

withLab(t, 'rejected while it waits for another invoice, a sustained claim still needs that', async (t, lab) => {
  const { stage, place, voucher, balance, code } = await market(lab, { appealDays: 5 })
  const order = await stage.order(place, 'submitted', { voucher, invoice: 11, contractNo: 'C-11' })
  await stage.must(returnRed(order))
  await stage.must(ask.reject(order))
  await stage.must(ask.appeal(order, place.provider))
  t.match((await stage.must(ask.sustain(order))).event, { state: 'submitted', held: '100.00' })
  t.same(await balance(), { free: '400.00', held: '100.00' })
  t.equal(await code(ask.verify(order)), 'invoice_red_flushed', 'nothing is paid on a red-flushed invoice')
  await stage.must(ask.giveBack(order))
  t.equal(await code(ask.submit(order, place.provider, 11)), 'invoice_red_flushed')
  await stage.must(ask.submit(order, place.provider, 12))
  await stage.must(ask.verify(order))
  await stage.must(ask.approve(order))
})

withLab(t, 'an invoice that another claim has burnt meanwhile does not come back by an appeal', async (t, lab) => {
  const { stage, place, code } = await market(lab, { appealDays: 5 })
  const first = await stage.order(place, 'submitted', { invoice: 21 })
  await stage.must(ask.reject(first))
  await stage.must(ask.appeal(first, place.provider))
  const second = await stage.order(place, 'submitted', { invoice: 21 })
  await stage.must(returnRed(second))
  await stage.must(ask.cancel(second, place.enterprise))
  t.equal(await code(ask.sustain(first)), 'invoice_duplicate')
})

withLab(t, 'an appeal and a claim want one invoice at the same instant, by two engines', async (t, lab) => {
  const { stage, place } = await market(lab, { appealDays: 5 })
  const elsewhere = await stage.place({ jurisdiction: '330110' }, { provider: place.provider }, 100_000_00n)
  const other = lab.engine().engine
  const won = new Set<string>()
  for (const invoice of [31, 32, 33, 34, 35, 36]) {
    const first = await stage.order(place, 'submitted', { invoice })
    await stage.must(ask.reject(first))
    await stage.must(ask.appeal(first, place.provider))
    const second = await stage.order(elsewhere, 'confirmed')
    const codes = await Promise.all([
      codeOf(stage.engine, ask.sustain(first)),
      codeOf(other, ask.submit(second, place.provider, invoice)),
    ])
    t.same([...codes].sort(), ['done', 'invoice_duplicate'])
    won.add(codes[0]!)
  }
  t.ok(won.size > 0)
})

withLab(t, 'who lost everything on a voucher that was taken back meanwhile gets nothing held', async (t, lab) => {
  for (const end of ['recall', 'give up', 'lapse'] as const) {
    const { stage, place, voucher, code } = await market(lab, {
      appealDays: 5,
      useWithinDays: 10,
      claimWithinDays: 60,
    })
    const order = await stage.order(place, 'submitted', { voucher })
    const asks = {
      recall: ofVoucher(recallVoucherCommand, voucher),
      'give up': giveUp(voucher, place),
      lapse: ask.lapseVoucher(voucher),
    }
    t.equal(await code(asks[end]), end === 'lapse' ? 'state_conflict' : 'voucher_in_use', 'not while it is held')
    await stage.must(ask.reject(order))
    await stage.must(ask.appeal(order, place.provider))
    if (end === 'lapse') lab.clock.set(china('2026-03-13'))
    await stage.must(asks[end])
    t.equal(await code(ask.sustain(order)), 'voucher_expired', end)
    t.equal(await code(ask.supplement(order, place.enterprise, 1_000_00n, 1n)), 'state_conflict')
    lab.clock.set(china('2026-03-02'))
  }
})

withLab(t, 'an extension in time keeps a claim alive that its appeal brings back', async (t, lab) => {
  const { stage, place, voucher, balance } = await market(lab, {
    appealDays: 5,
    useWithinDays: 3,
    claimWithinDays: 60,
    extendDays: 30,
  })
  const order = await stage.order(place, 'submitted', { voucher })
  await stage.must(ask.reject(order))
  await stage.must(ask.appeal(order, place.provider))
  await stage.must(ofVoucher(extendVoucherCommand, voucher))
  lab.clock.set(china('2026-03-10'))
  await stage.must(ask.sustain(order))
  t.same(await balance(), { free: '400.00', held: '100.00' })
})

withLab(t, 'a voucher once filed on is not recalled by age, whatever became of the order', async (t, lab) => {
  const { stage, place, voucher, sql, code } = await market(lab, { recallUnusedAfterDays: 3 })
  const order = (await stage.must(file(voucher, place))).event.order as string
  await stage.must(ask.decline(order, place.provider))
  lab.clock.set(china('2026-03-20'))
  const [row] = await sql`select recall_on from vouchers where voucher = ${voucher.split('-')[1]!}`
  t.equal(row!.recall_on, null)
  await stage.must(file(voucher, place))
  t.equal(await code(ofVoucher(recallVoucherCommand, voucher)), 'voucher_in_use')
})

withLab(t, 'a change of provider takes the place of one’s own order on the same voucher, once', async (t, lab) => {
  const { runner, stage, place, voucher, balance, code, sql } = await market(lab)
  const other = await stage.place({ jurisdiction: WJ })
  const changed = { ...place, provider: other.provider }
  const first = (await stage.must(file(voucher, place, { voucherAmount: 400_00n }))).event.order as string
  const theirs = await stage.order(other, 'filed')
  t.equal(await code(file(voucher, changed, { contractNo: 'X', replaces: theirs })), 'order_not_found', 'another firm')
  t.equal(await code(file(voucher, changed, { contractNo: 'X', replaces: 'O330110-1' })), 'order_not_found')
  const stranger = file(voucher, changed, { contractNo: 'X', replaces: first }, firm(other.enterprise))
  t.equal(await code(stranger), 'not_your_organisation')
  t.equal(await code(file(voucher, place, { replaces: first })), 'contract_duplicate', 'the very same contract')
  const engines = [runner, lab.engine().engine]
  const codes = await Promise.all(
    engines.map((engine, n) =>
      codeOf(engine, file(voucher, changed, { contractNo: `N-${n}`, voucherAmount: 400_00n, replaces: first })),
    ),
  )
  t.equal(codes.filter((one) => one === 'done').length, 1, `twice at once: ${codes}`)
  t.same(await balance(), { free: '100.00', held: '400.00' })
  t.equal(await code(file(voucher, changed, { contractNo: 'N-9', replaces: first })), 'state_conflict')
  const [row] = await sql<{ count: number }[]>`
    select count(*)::int as count from orders where dossier ->> 'replaces' = ${first}`
  t.equal(row!.count, 1)
})

withLab(
  t,
  'the money of a lapsed voucher is not filed again, should the clock step back over midnight',
  async (t, lab) => {
    const { stage, place, voucher, code, errors } = await market(lab, { useWithinDays: 10, claimWithinDays: 60 })
    const order = (await stage.must(file(voucher, place))).event.order as string
    lab.clock.set(china('2026-03-13T00:10:00+08:00'))
    await stage.must(ask.lapseVoucher(voucher))
    lab.clock.set(china('2026-03-12T23:50:00+08:00'))
    t.equal(await code(file(voucher, place, { contractNo: 'D' })), 'insufficient_balance')
    t.equal(await code(file(voucher, place, { contractNo: 'D', replaces: order })), 'insufficient_balance')
    t.same(errors, [])
  },
)

withLab(
  t,
  'what is overdue lapses before it is replaced, also when it has the same contract number',
  async (t, lab) => {
    const { stage, place, voucher, balance, code } = await market(lab, { claimWithinDays: 3 })
    const order = (await stage.must(file(voucher, place))).event.order as string
    lab.clock.set(china('2026-03-06'))
    t.equal(await code(file(voucher, place, { replaces: order })), 'state_conflict', 'there is nothing to replace')
    t.same(await balance(), { free: '500.00', held: '0.00' })
    await stage.must(file(voucher, place))
  },
)

withLab(
  t,
  'an objection that is open when the notice ends and the period closes is paid in neither',
  async (t, lab) => {
    const { runner, stage, place, code, sql } = await market(lab, { noticeDays: 3 })
    const order = await stage.order(place, 'verified')
    await stage.must({
      type: fileObjectionCommand as never,
      command: { order, reason: '未实际服务' },
      actor: firm(uscc(777)),
    })
    lab.clock.set(china('2026-04-01'))
    t.equal(await code(ask.approve(order)), 'objection_open')
    await stage.must(ask.close('2026-03', '2026-03-31'))
    const items = await sql`select * from period_items('2026-03')`
    t.same([...items], [])
    t.match(await runner.run(ask.reject(order)), { event: { state: 'rejected' } }, 'it can still be rejected')
  },
)

withLab(t, 'what a supplement made of an order is what can be clawed back, and not a fen more', async (t, lab) => {
  const { stage, place, voucher, code, sql } = await market(lab)
  const order = await stage.order(place, 'delivered', { voucher })
  await stage.must(ask.supplement(order, place.enterprise, 1_200_00n, 250_00n))
  await stage.must(ask.confirm(order, place.enterprise))
  t.equal(await code(ask.submit(order, place.provider, 41, 1_000_00n)), 'invoice_amount_short', 'of the new contract')
  await stage.must(ask.submit(order, place.provider, 41, 1_200_00n))
  await stage.must(ask.verify(order))
  await stage.must(ask.approve(order, 200_00n))
  t.equal(await code(ask.clawBack(order, 200_01n)), 'amount_exceeds_approved')
  await stage.must(ask.clawBack(order, 150_00n))
  t.equal(await code(ask.clawBack(order, 50_01n)), 'amount_exceeds_approved')
  await stage.must(ask.clawBack(order, 50_00n))
  const [row] = await sql<{ pool: bigint }[]>`select posted as pool from accounts where owner = ${place.program}`
  t.equal(yuan(row!.pool), '99700.00', 'all but the voucher’s rest is the pool’s again')
  t.equal(await code(ofVoucher(recallVoucherCommand, voucher)), 'voucher_in_use', 'and the voucher was used')
})

withLab(t, 'acceptance is counted over 春节 as the State Council’s notice has it', async (t, lab) => {
  lab.clock.set(china('2026-02-13'))
  const { stage, place, voucher, code } = await market(lab, { acceptanceDays: 3 })
  const { event } = await stage.must(file(voucher, place))
  t.match(event, { acceptBy: '2026-02-25' }, 'Saturday the 14th is worked, 15 to 23 are off: the 14th, 24th, 25th')
  lab.clock.set(china('2026-02-25T23:59:00+08:00'))
  await stage.must(ask.accept(event.order as string, place.provider))
  const late = (await stage.must(file(voucher, place, { contractNo: 'D' }))).event.order as string
  lab.clock.set(china('2026-03-01'))
  t.equal(await code(ask.accept(late, place.provider)), 'state_conflict', 'Saturday the 28th, its last day, is worked')
})

withLab(t, 'reminders are of one’s own things alone', async (t, lab) => {
  const { stage, place, voucher, sql } = await market(lab, { appealDays: 5, acceptanceDays: 3 })
  const waiting = (await stage.must(file(voucher, place))).event.order as string
  const elsewhere = await stage.place({ jurisdiction: '330110', appealDays: 5 })
  const rejected = await stage.order(elsewhere, 'submitted')
  await stage.must(ask.reject(rejected))
  const of = async (actor: Parameters<typeof remindersFor>[1]) =>
    (await remindersFor(sql, actor, '2026-03-02', 30)).map(({ what, thing }) => `${what} ${thing}`)
  t.same(await of(firm(place.provider)), [`acceptance ${waiting}`])
  t.same(await of(firm(elsewhere.provider)), [`appeal ${rejected}`])
  t.same(await of(firm(uscc(999))), [])
  t.same(await of(bureau(WJ)), [`acceptance ${waiting}`])
  t.same(await of(bureau('330110')), [], 'of a rejection only the parties lose something')
})

withLab(t, 'who is replaced hears of it, and strangers do not', async (t, lab) => {
  const { stage, place, voucher, sql } = await market(lab)
  const other = await stage.place({ jurisdiction: WJ })
  const first = (await stage.must(file(voucher, place))).event.order as string
  const changed = file(voucher, { ...place, provider: other.provider }, { contractNo: 'D', replaces: first })
  const { seq, event } = await stage.must(changed)
  const from = { book: Number(WJ), after: seq - 1 }
  const [logged] = (await readPages(sql, [from], true)).get(placeKey(from))!
  const hears = (owner: string) => isFor({ owner, kinds: null }, logged!)
  t.same([place.enterprise, place.provider, other.provider, WJ].filter(hears).length, 4)
  t.same([other.enterprise, uscc(999), '330110'].filter(hears), [])
  const { data } = JSON.parse(payloadOf(place.provider, logged!)) as { data: object }
  t.match(data, { order: event.order, replaced: first })
})

withLab(t, 'a simulation plays what became of vouchers, and objections cost no order its claim', async (t, lab) => {
  const of = { useWithinDays: 5, claimWithinDays: 60, extendDays: 30, noticeDays: 3, annualCap: 1_000_00n }
  const { stage, place, sql } = await market(lab, of)
  const unused = await stage.voucher(place, 400_00n)
  await stage.must(giveUp(unused, place))
  const recalled = await stage.voucher(place, 400_00n)
  await stage.must(ofVoucher(recallVoucherCommand, recalled))
  const long = await stage.voucher(place, 400_00n)
  await stage.must(ofVoucher(suspendVoucherCommand, long))
  await stage.must(ofVoucher(resumeVoucherCommand, long))
  await stage.must(ofVoucher(extendVoucherCommand, long))
  lab.clock.set(china('2026-03-12'))
  const order = await stage.order(place, 'verified', { voucher: long })
  const objection = (
    await stage.must({
      type: fileObjectionCommand as never,
      command: { order, reason: '未实际服务' },
      actor: firm(uscc(777)),
    })
  ).event.objection as number
  await stage.must({
    type: resolveObjectionCommand as never,
    command: { order, objection, verdict: 'dismissed', reason: '经核查' },
    actor: bureau(WJ, 'Sun'),
  })
  lab.clock.set(china('2026-03-16'))
  await stage.must(ask.approve(order))
  const big = (await stage.must(file(long, place, { contractNo: 'B', voucherAmount: 200_00n }))).event.order as string
  await stage.must(file(long, place, { contractNo: 'S', voucherAmount: 90_00n, replaces: big }))

  const { program: _, jurisdiction, ...published } = rules({ program: 'x', ...of })
  const under = (over: object) =>
    simulate(sql, {
      jurisdiction,
      program: null,
      from: '2026-01-01',
      to: '2026-03-31',
      budget: 900_00n,
      rules: { ...published, ...over },
    })
  const same = await under({})
  t.same([same.refused, same.would], [[], same.was], 'under the same rules it is what was')
  t.match(await under({ noticeDays: null }), { refused: [], would: { approvals: { count: 1, amount: '100.00' } } })
  t.match(await under({ orderCap: 100_00n }), {
    refused: [{ step: 'file_order', code: 'order_cap_exceeded', count: 1, amount: '200.00' }],
    would: { orders: { count: 2, amount: '190.00' } },
  })
})

withLab(t, 'what is overdue gives way to a sustained appeal: its money and its contract number', async (t, lab) => {
  const { stage, place, voucher, balance } = await market(lab, { appealDays: 5, claimWithinDays: 3 })
  const order = await stage.order(place, 'submitted', { voucher, contractNo: 'C' })
  await stage.must(ask.reject(order))
  await stage.must(ask.appeal(order, place.provider))
  await stage.must(file(voucher, place, { contractAmount: 1_000_00n, voucherAmount: 250_00n }))
  await stage.must(file(voucher, place, { contractNo: 'D', voucherAmount: 250_00n }))
  t.same(await balance(), { free: '0.00', held: '500.00' })
  lab.clock.set(china('2026-03-06'))
  t.match((await stage.must(ask.sustain(order))).event, { held: '100.00' })
  await stage.must(file(voucher, place, { contractNo: 'D', voucherAmount: 400_00n }))
  t.same(await balance(), { free: '0.00', held: '500.00' })
})
