import t from 'tap'
import type { Actor } from '../src/core/actor.js'
import { isRefusal } from '../src/core/refusals.js'
import { ManualClock } from '../src/core/time.js'
import { Engine } from '../src/engine/engine.js'
import { connect, connectEngine, type Sql } from '../src/platform/database.js'
import { appropriateCommand, publishProgramCommand } from '../src/programs/commands.js'
import { closePeriod, confirmPayments } from '../src/settlement/settle.js'
import { openStorage } from '../src/storage.js'
import { china, testDatabase } from './support/service.js'

const bureau: Actor = { subject: 'wang', organisation: 'bureau 310000', jurisdiction: '310000', roles: [] }
const region: Actor = { subject: 'sun', organisation: 'region', jurisdiction: '000000', roles: [] }

const rules = {
  program: 'SH',
  jurisdiction: '310000',
  ratio: '0.5',
  annualCap: 100n,
  orderCap: null,
  payee: 'provider',
  invoice: 'whole',
  crossRegion: true,
  applyFrom: '2026-01-01',
  applyTo: '2026-12-31',
  useWithinDays: 1,
  claimWithinDays: 1,
  categories: ['testing'],
  enterpriseTypes: ['micro'],
}

t.test('an engine that may keep no facts at all loses no money under load', async (t) => {
  const database = await testDatabase()
  const reads = connectEngine(database.databaseUrl)
  const storage = openStorage(() => connectEngine(database.databaseUrl))
  const engine = new Engine({ storage, clock: new ManualClock(china('2026-03-02')), batch: 7, facts: 0 })
  await engine.run({ type: publishProgramCommand, command: rules, actor: bureau })
  const asked = Array.from({ length: 600 }, () =>
    engine.run({ type: appropriateCommand, command: { program: 'SH', amount: 3n }, actor: bureau }),
  )
  t.notOk((await Promise.all(asked)).some(isRefusal))
  const [pool] = await reads<{ posted: bigint }[]>`select posted from accounts where book = 310000 and owner = 'SH'`
  t.equal(pool!.posted, 1800n, 'every appropriation is in the pool')
  const off = await reads`
    select from accounts a join books b using (book), balances_as_of(a.book, b.entries) s
    where s.account = a.account and (s.posted, s.held) is distinct from (a.posted, a.held)`
  t.equal(off.length, 0, 'balances are what the entries add up to')
  await engine.close()
  await Promise.all([storage.close(), reads.end()])
  await database.drop()
})

t.test('a period closed while its payments are being asked for is not paid unseen', async (t) => {
  const database = await testDatabase()
  const storage = openStorage(() => connectEngine(database.databaseUrl))
  const sql = connect(database.databaseUrl, 2)
  const engine = new Engine({ storage, clock: new ManualClock(china('2026-04-02')) })
  const close = () =>
    closePeriod(engine, sql, { command: { period: 'Q1', through: '2026-03-31' }, actor: region, key: 'close' })
  // Closes the period right after its absence was seen for the last time.
  let closed: Promise<unknown> | undefined
  let looks = 0
  const watched = new Proxy(sql, {
    apply(target, self, [strings, ...values]: [TemplateStringsArray, ...unknown[]]) {
      const answer = Reflect.apply(target, self, [strings, ...values])
      if (closed || !strings.join('').includes('settled, paid from periods') || ++looks < 3) return answer
      const closing = answer.then(close)
      closed = closing
      return closing.then(() => answer)
    },
  }) as Sql
  const outcome = await confirmPayments(engine, watched, { command: { period: 'Q1' }, actor: region, key: 'pay' })
  t.ok(closed, 'the close came in between')
  t.match(outcome, { refused: 'state_conflict' })
  const [period] = await sql<{ netted: boolean; paid: boolean }[]>`select netted, paid from periods`
  t.same(period, { netted: true, paid: false })
  const again = await confirmPayments(engine, sql, { command: { period: 'Q1' }, actor: region, key: 'pay again' })
  t.notOk(isRefusal(again), 'asked again, it is paid')
  await engine.close()
  await Promise.all([storage.close(), sql.end()])
  await database.drop()
})
