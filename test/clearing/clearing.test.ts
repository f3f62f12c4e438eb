/** Clearing agreements: what they refuse. */
import t from 'tap'
import { endClearingCommand, offerClearingCommand, signClearingCommand } from '../../src/clearing/commands.js'
import { ManualClock } from '../../src/core/time.js'
import type { Call } from '../../src/engine/command.js'
import type { Asked } from '../../src/engine/runner.js'
import { bureau, firm, uscc } from '../support/scene.js'
import { china, testDatabase, testEngine } from '../support/service.js'
import { Stage } from '../support/stage.js'

const [SH, JS, ZJ] = ['310000', '320000', '330000'] as const

/** Two provinces agree to net from a day on. */
async function agree(stage: Stage, one: string, other: string, from: string) {
  const terms = { mode: 'netted', group: 'region', covers: 'tree', from, to: '2027-12-31' }
  const offered = await stage.must({
    type: offerClearingCommand as never,
    command: { one, other, by: one, ...terms },
    actor: bureau(one),
  })
  const { agreement, version } = offered.event as { agreement: string; version: number }
  const signed = await stage.must({
    type: signClearingCommand as never,
    command: { agreement, version, by: other },
    actor: bureau(other),
  })
  return { agreement, version: signed.event.version as number }
}

t.test('agreements: what they refuse', async (t) => {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  const clock = new ManualClock(china('2026-03-02'))
  const { engine, close: end } = await testEngine(database, clock)
  t.teardown(end)
  const stage = new Stage(engine)
  const refused = async (asked: Call & Pick<Asked, 'actor'>, code: string) =>
    t.match(await engine.run(asked as Asked), { refused: code })
  const terms = { mode: 'netted', group: 'region', covers: 'tree', to: '2027-12-31' }
  const offer = (from: string, actor = bureau(SH)) => ({
    type: offerClearingCommand as never,
    command: { one: SH, other: JS, by: SH, ...terms, from },
    actor,
  })
  await refused(offer('2026-03-02'), 'starts_too_early')
  await refused(offer('2026-03-03', bureau(ZJ)), 'not_your_jurisdiction')
  await refused(offer('2026-03-03', firm(uscc(1))), 'not_your_jurisdiction')
  const { agreement, version } = (await stage.must(offer('2026-03-03'))).event as { agreement: string; version: number }
  const sign = (by: string, over: object = {}) => ({
    type: signClearingCommand as never,
    command: { agreement, version, by, ...over },
    actor: bureau(by),
  })
  await refused(sign(SH), 'state_conflict')
  await refused(sign(JS, { version: version + 1 }), 'version_conflict')
  clock.set(china('2026-03-03'))
  await refused(sign(JS), 'starts_too_early')
  const later = await agree(stage, SH, JS, '2026-05-01')
  await t.rejects(agree(stage, JS, SH, '2026-06-01'), { message: /agreements_overlap/ })
  await stage.must({ type: endClearingCommand as never, command: later, actor: bureau(JS) })
  await refused({ type: endClearingCommand as never, command: later, actor: bureau(JS) }, 'version_conflict')
})
