/** The connections of the engine and its lease, when the database falls silent. */
import postgres from 'postgres'
import t from 'tap'
import { connect, type Sql } from '../src/platform/database.js'
import { openLeaseStore } from '../src/storage.js'
import { testDatabase } from './support/service.js'

t.test('a connection that falls silent is given up, and the next question goes over a new one', async (t) => {
  const database = await testDatabase()
  const connections: Sql[] = []
  const leases = openLeaseStore(() => {
    connections.push(connect(database.databaseUrl, 1))
    return connections.at(-1)!
  })
  const me = { id: '11111111-1111-4111-8111-111111111111', address: 'http://127.0.0.1:1' }
  t.same(await leases.hold(me, 3000), me)
  const [{ pid } = { pid: 0 }] = await connections[0]!<{ pid: number }[]>`select pg_backend_pid() as pid`
  // What a way that swallows everything looks like from here: nothing comes, and nothing ends.
  process.kill(pid, 'SIGSTOP')
  await t.rejects(leases.hold(me, 3000), { code: 'ETIMEDOUT' })
  t.same(await leases.hold(me, 3000), me)
  t.equal(connections.length, 2)
  process.kill(pid, 'SIGCONT')
  await leases.close()
  const admin = postgres(database.adminUrl, { max: 1 })
  // It ends when it wakes up and finds that nobody is there any more; otherwise the test's time does.
  const left = () => admin`select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
  while ((await left()).length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  await admin.end()
  await database.drop()
})
