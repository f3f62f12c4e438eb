import t from 'tap'
import { decideClaimAppealCommand } from '../../src/appeals/commands.js'
import { returnClaimCommand } from '../../src/claims/commands.js'
import { yuan } from '../../src/core/money.js'
import { isRefusal } from '../../src/core/refusals.js'
import type { Asked, Runner } from '../../src/engine/runner.js'
import { fileObjectionCommand, resolveObjectionCommand } from '../../src/objections/commands.js'
import { publishWorkdaysCommand } from '../../src/workdays/commands.js'
import { type Lab, withLab } from '../support/lab.js'
import { ask, bureau, firm, uscc } from '../support/scene.js'
import { china } from '../support/service.js'
import { Stage } from '../support/stage.js'

const WJ = '320509'
const returnFor = (order: string, items?: object[]): Asked => ({
  type: returnClaimCommand as never,
  command: { order, reason: '材料不全', ...(items ? { items } : {}) },
  actor: bureau(WJ),
})
const submitWith = (order: string, payee: string, invoice: number, answers?: object[]): Asked => {
  const asked = ask.submit(order, payee, invoice)
  return { ...asked, command: { ...(asked.command as object), ...(answers ? { answers } : {}) } } as Asked
}
const object = (order: string, organisation: string): Asked => ({
  type: fileObjectionCommand as never,
  command: { order, reason: '服务未实际发生' },
  actor: firm(organisation),
})
const resolve = (order: string, objection: number, verdict: string, subject: string): Asked => ({
  type: resolveObjectionCommand as never,
  command: { order, objection, verdict, reason: '经核查' },
  actor: bureau(WJ, subject),
})
const { appeal } = ask
const decideAppeal = (order: string, verdict: string, subject = 'Sun'): Asked => ({
  type: decideClaimAppealCommand as never,
  command: { order, verdict, reason: '经复核' },
  actor: bureau(WJ, subject),
})

const codeOf = async (engine: Runner, asked: Asked) => {
  const outcome = await engine.run(asked)
  return isRefusal(outcome) ? outcome.refused : 'done'
}

async function market({ engine }: Lab, more: object = {}) {
  const { engine: runner, sql } = engine()
  const stage = new Stage(runner)
  const place = await stage.place({ jurisdiction: WJ, ...more })
  const voucher = await stage.voucher(place)
  const available = async () => {
    const [row] = await sql<{ free: bigint }[]>`select posted - held as free from accounts where owner = ${voucher}`
    return yuan(row!.free)
  }
  return { runner, sql, stage, place, voucher, available }
}

withLab(t, 'a resubmission answers every item that the return has asked for', async (t, lab) => {
  const { runner, stage, place } = await market(lab)
  const order = await stage.order(place, 'submitted', { invoice: 11 })
  const items = [
    { item: 'A', what: '合同缺骑缝章' },
    { item: 'B', what: '缺付款凭证' },
  ]
  await stage.must(returnFor(order, items))
  const submit = (answers?: object[]) => submitWith(order, place.provider, 11, answers)
  t.match(await runner.run(submit()), { refused: 'items_unanswered', details: { items: 'A, B' } })
  t.match(await runner.run(submit([{ item: 'A', answer: '已补盖' }])), {
    refused: 'items_unanswered',
    details: { items: 'B' },
  })
  const both = items.map(({ item }) => ({ item, answer: '已补' }))
  await stage.must(submit(both))
  await stage.must(returnFor(order))
  await stage.must(submit())
  t.pass('a return without items asks for none, not for those of before')
})

withLab(t, 'an objection keeps a claim from approval until another person has decided it', async (t, lab) => {
  const { runner, stage, place } = await market(lab, { noticeDays: 7 })
  const order = await stage.order(place, 'verified')
  const filed = (await stage.must(object(order, uscc(777)))).event as { objection: number }
  t.equal(await codeOf(runner, object(order, uscc(777))), 'state_conflict', 'one open objection of each')
  const second = (await stage.must(object(order, uscc(778)))).event as { objection: number }
  lab.clock.set(china('2026-03-10'))
  t.equal(await codeOf(runner, object(order, uscc(779))), 'notice_over', 'not after the notice')
  t.match(await runner.run(ask.approve(order)), { refused: 'objection_open', details: { open: 2 } })
  const { objection } = filed
  t.equal(await codeOf(runner, resolve(order, objection, 'dismissed', 'Chen')), 'separation_of_duties', 'who verified')
  t.equal(await codeOf(runner, resolve(order, 9999, 'dismissed', 'Sun')), 'state_conflict')
  await stage.must(resolve(order, objection, 'dismissed', 'Sun'))
  t.equal(await codeOf(runner, resolve(order, objection, 'sustained', 'Sun')), 'state_conflict', 'decided once')
  t.equal(await codeOf(runner, ask.approve(order)), 'objection_open', 'the other one still stands')
  t.match((await stage.must(resolve(order, second.objection, 'sustained', 'Sun'))).event, { state: 'submitted' })
  t.equal(await codeOf(runner, ask.approve(order)), 'state_conflict', 'it has to be verified again')
  await stage.must(ask.verify(order))
  t.match(await runner.run(ask.approve(order)), { refused: 'notice_running', details: { noticeEnds: '2026-03-17' } })
  lab.clock.set(china('2026-03-18'))
  await stage.must(ask.approve(order))
})

withLab(t, 'what is not under notice is not there for strangers', async (t, lab) => {
  const { runner, stage, place } = await market(lab)
  const order = await stage.order(place, 'verified')
  t.equal(await codeOf(runner, object(order, uscc(777))), 'order_not_found')
  t.equal(await codeOf(runner, object(order, place.enterprise)), 'notice_over', 'for a party it is')
})

withLab(t, 'a sustained appeal puts the claim back, with its money and its numbers', async (t, lab) => {
  const { runner, stage, place, voucher, available } = await market(lab, { appealDays: 5 })
  const order = await stage.order(place, 'verified', { voucher, invoice: 21, contractNo: 'C-21' })
  const rejected = (await stage.must(ask.reject(order))).event
  t.match(rejected, { state: 'rejected', released: '100.00', appealBy: '2026-03-09', isProvisional: false })
  t.equal(await available(), '500.00', 'a rejection gives the hold back at once')
  t.equal(await codeOf(runner, decideAppeal(order, 'sustained')), 'state_conflict', 'nobody has appealed')
  t.equal(await codeOf(runner, appeal(order, place.enterprise)), 'not_your_organisation', 'only the payee')
  lab.clock.set(china('2026-03-09'))
  await stage.must(appeal(order, place.provider))
  t.equal(await codeOf(runner, appeal(order, place.provider)), 'state_conflict', 'once')
  t.equal(await codeOf(runner, decideAppeal(order, 'sustained', 'Chen')), 'separation_of_duties')
  const { event } = await stage.must(decideAppeal(order, 'sustained'))
  t.match(event, { state: 'submitted', held: '100.00' })
  t.equal(await available(), '400.00')
  const again = ask.file(voucher, place.enterprise, place.provider, { contractNo: 'C-21' })
  t.equal(await codeOf(runner, again), 'contract_duplicate', 'its contract number is its own again')
  const other = await stage.order(place, 'confirmed', { voucher })
  t.equal(await codeOf(runner, ask.submit(other, place.provider, 21)), 'invoice_duplicate', 'and its invoice')
  await stage.must(ask.verify(order))
  t.match((await stage.must(ask.approve(order))).event, { approved: '100.00' })
})

withLab(t, 'who rejected a claim does not decide its appeal, and each rejection can be appealed', async (t, lab) => {
  const { runner, stage, place } = await market(lab, { appealDays: 5 })
  const order = await stage.order(place, 'submitted')
  const reject = (subject: string): Asked => ({ ...ask.reject(order), actor: bureau(WJ, subject) })
  await stage.must(reject('Qian'))
  await stage.must(appeal(order, place.provider))
  t.equal(await codeOf(runner, decideAppeal(order, 'sustained', 'Qian')), 'separation_of_duties')
  await stage.must(decideAppeal(order, 'sustained', 'Sun'))
  await stage.must(reject('Zhou'))
  await stage.must(appeal(order, place.provider))
  await stage.must(decideAppeal(order, 'dismissed', 'Sun'))
  t.equal(await codeOf(runner, appeal(order, place.provider)), 'state_conflict', 'dismissed, it is over')
})

const appealed = async (lab: Lab, more: object = {}) => {
  const scene = await market(lab, { appealDays: 5, ...more })
  const { stage, place, voucher } = scene
  const order = await stage.order(place, 'submitted', { voucher, invoice: 31, contractNo: 'C-31' })
  await stage.must(ask.reject(order))
  await stage.must(appeal(order, place.provider))
  return { ...scene, order }
}

withLab(t, 'what others have taken meanwhile is not taken from them', async (t, lab) => {
  const { runner, stage, place, voucher, order } = await appealed(lab)
  const contract = { contractNo: 'C-31', voucherAmount: 1_00n }
  const taken = (await stage.must(ask.file(voucher, place.enterprise, place.provider, contract))).event.order as string
  t.equal(await codeOf(runner, decideAppeal(order, 'sustained')), 'contract_duplicate')
  await stage.must(ask.cancel(taken, place.enterprise))
  const other = await stage.order(place, 'submitted', { invoice: 31 })
  t.equal(await codeOf(runner, decideAppeal(order, 'sustained')), 'invoice_duplicate')
  await stage.must(ask.reject(other))
  const spent = { voucher, contractNo: 'C-32', contractAmount: 2_000_00n, voucherAmount: 450_00n }
  const big = await stage.order(place, 'filed', spent)
  t.equal(await codeOf(runner, decideAppeal(order, 'sustained')), 'insufficient_balance')
  await stage.must(ask.cancel(big, place.enterprise))
  await stage.must(decideAppeal(order, 'sustained'))
})

withLab(t, 'a voucher that has ended carries no claim again', async (t, lab) => {
  const { runner, order } = await appealed(lab, { useWithinDays: 3, claimWithinDays: 60 })
  lab.clock.set(china('2026-03-06'))
  t.equal(await codeOf(runner, decideAppeal(order, 'sustained')), 'voucher_expired')
  t.equal(await codeOf(runner, decideAppeal(order, 'dismissed')), 'done')
})

withLab(t, 'without appeal days a rejection is for good, and after the last day it is too', async (t, lab) => {
  const { runner, stage, place } = await market(lab)
  const order = await stage.order(place, 'submitted')
  const { event } = await stage.must(ask.reject(order))
  t.same(Object.keys(event), ['order', 'state', 'released'])
  t.equal(await codeOf(runner, appeal(order, place.provider)), 'appeal_closed')
  const other = await stage.place({ jurisdiction: WJ, appealDays: 5 })
  const late = await stage.order(other, 'submitted')
  await stage.must(ask.reject(late))
  lab.clock.set(china('2026-03-10'))
  t.equal(await codeOf(runner, appeal(late, other.provider)), 'appeal_closed')
})

withLab(t, 'a deadline that was told stays, whatever notice of holidays is published later', async (t, lab) => {
  const { runner, stage, place } = await market(lab, { appealDays: 5, applyTo: '2026-12-31', claimWithinDays: 400 })
  lab.clock.set(china('2026-12-30'))
  const fresh = await stage.place({ jurisdiction: WJ, appealDays: 5, claimWithinDays: 400 })
  const [first, second] = [await stage.order(fresh, 'submitted'), await stage.order(fresh, 'submitted')]
  const before = (await stage.must(ask.reject(first))).event
  t.match(before, { appealBy: '2027-01-07', isProvisional: true }, '元旦 is off by law, what is made up for is unknown')
  const off = ['2027-01-01', '2027-01-02', '2027-01-03', '2027-01-04']
  const notice: Asked = {
    type: publishWorkdaysCommand as never,
    command: { year: 2027, document: '合成', off, work: [] },
    actor: bureau('000000'),
  }
  await stage.must(notice)
  t.equal(await codeOf(runner, notice), 'version_conflict', 'a correction says what it has read')
  const after = (await stage.must(ask.reject(second))).event
  t.match(after, { appealBy: '2027-01-08', isProvisional: false })
  lab.clock.set(china('2027-01-08'))
  t.equal(await codeOf(runner, appeal(first, fresh.provider)), 'appeal_closed', 'as it was told')
  t.equal(await codeOf(runner, appeal(second, fresh.provider)), 'done')
  t.ok(place, 'and the log, decided again, comes to the same: every lab proves it')
})

withLab(t, 'an order without any of this rests on nothing more, and has no dossier', async (t, lab) => {
  const { sql, stage, place } = await market(lab)
  const order = await stage.order(place, 'submitted')
  await stage.must(ask.reject(order))
  const rows = await sql<{ kind: string; rests: Record<string, number> }[]>`
    select kind::text, rests from commands where book = ${WJ} and kind in ('deliver', 'confirm', 'reject_claim')`
  t.equal(rows.length, 3)
  for (const { kind, rests } of rows) t.notOk('0' in rests, `${kind} does not rest on the region`)
  const [row] = await sql`select dossier from orders where "order" = ${order.split('-')[1]!}`
  t.equal(row!.dossier, null)
})
