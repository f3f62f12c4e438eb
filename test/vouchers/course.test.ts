/** A voucher after it was issued: extended, suspended, given up, recalled; on real books, which are proved at the end. */
import t from 'tap'
import { isRefusal } from '../../src/core/refusals.js'
import type { CommandType } from '../../src/engine/command.js'
import type { Asked } from '../../src/engine/runner.js'
import { REGION } from '../../src/ledger/book.js'
import type { Program } from '../../src/programs/facts.js'
import { versionOf } from '../../src/programs/rules.js'
import {
  cancelVoucherCommand,
  extendVoucherCommand,
  recallVoucherCommand,
  resumeVoucherCommand,
  suspendVoucherCommand,
} from '../../src/vouchers/commands.js'
import { voucherStates } from '../../src/vouchers/contract.js'
import { transitions } from '../../src/vouchers/rules.js'
import { voucherFact } from '../support/facts.js'
import { withLab } from '../support/lab.js'
import { ask, bureau, firm, rules, uscc } from '../support/scene.js'
import { china } from '../support/service.js'
import { type Place, Stage } from '../support/stage.js'
import { table } from '../support/table.js'

const BOOK = 320509
const context = { at: 0, day: '2026-03-02', actor: bureau('320509'), seq: 100 }
const voucher = voucherFact()
const inState = {
  running: voucher,
  suspended: { ...voucher, suspendedOn: '2026-02-01' },
  lapsed: { ...voucher, lapsedOn: '2026-02-01' },
  cancelled: { ...voucher, lapsedOn: '2026-02-01', ended: 'cancelled' },
  recalled: { ...voucher, lapsedOn: '2026-02-01', ended: 'recalled' },
} as const
const grant = { book: BOOK, program: 'WJ', enterprise: uscc(1), year: 2026, granted: 700_00n, ceiling: 1_000_00n }
const program = (extendDays: number | null): Program =>
  versionOf(rules({ program: 'WJ', extendDays }), {
    program: 'WJ',
    jurisdiction: BOOK,
    version: 1,
    effectiveFrom: null,
  })
const commands = {
  extend_voucher: extendVoucherCommand,
  suspend_voucher: suspendVoucherCommand,
  resume_voucher: resumeVoucherCommand,
  cancel_voucher: cancelVoucherCommand,
  recall_voucher: recallVoucherCommand,
} as const
const said = { voucher: 'V320509-9', reason: '…' }

t.test('states × commands: every cell of the table, and state_conflict elsewhere', async (t) => {
  for (const state of voucherStates) {
    for (const [kind, type] of Object.entries(commands)) {
      const facts = { book: BOOK, voucher: inState[state], rest: 500_00n, grant, program: program(30) }
      const decision = (type as unknown as CommandType).decide(facts, said, context)
      const to = (transitions[state] as Record<string, string>)[kind]
      if (to === undefined)
        t.match(decision, { refused: 'state_conflict', details: { state } }, `${kind} when ${state}`)
      else if (isRefusal(decision)) t.fail(`${kind} when ${state}: ${decision.refused}`)
      else if (kind !== 'extend_voucher') t.equal(decision.event.state, to, `${kind} when ${state}`)
    }
  }
})

t.test('an extension is granted once, by the days of the program, if it says any', async (t) => {
  const cases = table(
    'extendDays  extendedOn  outcome',
    `
     -           -           extension_not_allowed
     -           2026-02-01  extension_not_allowed
     30          -           2026-07-30
     1           -           2026-07-01
     30          2026-02-01  already_extended
    `,
  )
  for (const { extendDays, extendedOn, outcome } of cases) {
    const decision = extendVoucherCommand.decide(
      {
        book: BOOK,
        voucher: { ...voucher, extendedOn: extendedOn === '-' ? null : extendedOn },
        program: program(extendDays === '-' ? null : Number(extendDays)),
      },
      said,
      context,
    )
    t.equal(isRefusal(decision) ? decision.refused : decision.event.useBy, outcome, `${extendDays} ${extendedOn}`)
  }
})

const asked = (type: unknown, command: object, actor: Asked['actor']): Asked => ({
  type: type as CommandType,
  command,
  actor,
})
const officer = (type: unknown, voucher: string) => asked(type, { voucher, reason: '核查' }, bureau('320509'))
const giveUp = (voucher: string, { enterprise }: Place) => asked(cancelVoucherCommand, { voucher }, firm(enterprise))

withLab(t, 'an extended voucher is used on its new last day and lapses the day after', async (t, lab) => {
  const stage = new Stage(lab.engine().engine)
  const place = await stage.place({ useWithinDays: 10, extendDays: 5 })
  const voucher = await stage.voucher(place)
  const { event } = await stage.must(officer(extendVoucherCommand, voucher))
  t.same(event, { voucher, useBy: '2026-03-17' })
  const again = await stage.engine.run(officer(extendVoucherCommand, voucher))
  t.match(again, { refused: 'already_extended', details: { extendedOn: '2026-03-02' } })
  lab.clock.set(china('2026-03-17'))
  const file = (contractNo: string) => ask.file(voucher, place.enterprise, place.provider, { contractNo })
  await stage.must(file('C-1'))
  lab.clock.set(china('2026-03-18'))
  t.match(await stage.engine.run(file('C-2')), { refused: 'voucher_expired', details: { useBy: '2026-03-17' } })
  await stage.must(ask.lapseVoucher(voucher))
})

withLab(t, 'an overdue voucher is not extended: it lapses first', async (t, lab) => {
  const stage = new Stage(lab.engine().engine)
  const place = await stage.place({ useWithinDays: 10, extendDays: 5 })
  const voucher = await stage.voucher(place)
  lab.clock.set(china('2026-03-13'))
  const late = await stage.engine.run(officer(extendVoucherCommand, voucher))
  t.match(late, { refused: 'state_conflict', details: { state: 'lapsed' } })
})

withLab(t, 'suspended: no new order, those that run are paid, and when resumed it is used again', async (t, lab) => {
  const { engine, sql } = lab.engine()
  const stage = new Stage(engine)
  const place = await stage.place()
  const voucher = await stage.voucher(place)
  const order = await stage.order(place, 'submitted', { voucher })
  await stage.must(officer(suspendVoucherCommand, voucher))
  const file = ask.file(voucher, place.enterprise, place.provider, { contractNo: 'C-new' })
  t.match(await engine.run(file), { refused: 'voucher_suspended', details: { suspendedOn: '2026-03-02' } })
  await stage.must(ask.verify(order))
  await stage.must(ask.approve(order))
  const [changes] = await sql<{ changes: unknown }[]>`select changes from commands where kind = 'suspend_voucher'`
  t.match(JSON.stringify(changes), /suspendedOn/, 'the audit trail says what changed')
  await stage.must(officer(resumeVoucherCommand, voucher))
  await stage.must(file)
})

withLab(t, 'given up or recalled unused: the money is in the pool again, and the quota is free', async (t, lab) => {
  const { engine, sql } = lab.engine()
  const stage = new Stage(engine)
  const place = await stage.place({ annualCap: 500_00n }, {}, 500_00n)
  const poolNow = async () => {
    const rows = await sql<{ posted: bigint }[]>`select posted from accounts where owner = ${place.program}`
    return rows[0]!.posted
  }
  for (const end of [
    (voucher: string) => giveUp(voucher, place),
    (voucher: string) => officer(recallVoucherCommand, voucher),
  ]) {
    const voucher = await stage.voucher(place)
    t.equal(await poolNow(), 0n)
    const { event } = await stage.must(end(voucher))
    t.match(event, { voucher, amount: '500.00' })
    t.equal(await poolNow(), 500_00n)
    t.match(await engine.run(end(voucher)), { refused: 'state_conflict' }, 'once')
    const late = ask.file(voucher, place.enterprise, place.provider, { contractNo: `C-${voucher}` })
    t.match(await engine.run(late), { refused: 'insufficient_balance' }, 'nothing is left to file on')
  }
  const voucher = await stage.voucher(place)
  t.ok(voucher, 'the year’s quota is there for another one')
})

withLab(t, 'what is held or spent keeps a voucher from being given up or recalled', async (t, lab) => {
  const { engine } = lab.engine()
  const stage = new Stage(engine)
  const place = await stage.place({ claimWithinDays: 3 })
  const voucher = await stage.voucher(place)
  const order = await stage.order(place, 'filed', { voucher })
  const inUse = { refused: 'voucher_in_use', details: { available: '400.00' } }
  t.match(await engine.run(giveUp(voucher, place)), inUse)
  t.match(await engine.run(officer(recallVoucherCommand, voucher)), inUse)
  await stage.must(ask.cancel(order, place.enterprise))
  const later = await stage.order(place, 'filed', { voucher })
  lab.clock.set(china('2026-03-06'))
  t.ok(later, 'this one runs out by itself')
  await stage.must(giveUp(voucher, place))
  const spent = await stage.voucher(place)
  await stage.order(place, 'approved', { voucher: spent })
  t.match(await engine.run(officer(recallVoucherCommand, spent)), inUse)
})

t.test('none of it rests on another book than it must', async (t) => {
  for (const type of [suspendVoucherCommand, resumeVoucherCommand]) {
    const facts = type.facts((() => inState.running) as never, said, '2026-03-02')
    t.equal(facts.book, BOOK)
    t.not(facts.book, REGION)
  }
})
