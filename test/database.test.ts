/** The service's own PostgreSQL, as `npm start` keeps it. */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { embeddedRoot, openDatabase } from '../src/database.js'
import { connect } from '../src/platform/database.js'

t.test('a PostgreSQL of our own that is killed comes back by itself, at the same address', async (t) => {
  const dataRoot = mkdtempSync(join(tmpdir(), 'own-'))
  chmodSync(dataRoot, 0o711) // the server's account must pass through
  t.teardown(() => rmSync(dataRoot, { recursive: true, force: true }))
  const config = { databaseUrl: undefined, migrateDatabaseUrl: undefined, dataRoot }
  const database = await openDatabase(config)
  const sql = connect(database.migrateUrl, 1)
  await sql`create table public.kept as select 1 as one`
  const file = join(embeddedRoot(config), 'cluster', 'data', 'postmaster.pid')
  const pidOf = () => Number(readFileSync(file, 'utf8').split('\n')[0])
  const pid = pidOf()
  process.kill(pid, 'SIGKILL')
  // A backend may outlive it by a moment and still answer.
  for (let rows: unknown[] = []; rows.length === 0 || pidOf() === pid; ) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    rows = await sql`select one from public.kept`.catch(() => [])
  }
  await sql.end()
  await database.stop()
  t.throws(() => process.kill(pidOf(), 0), 'and when it is stopped, it stays stopped')
})
