import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Test } from 'tap'
import t from 'tap'
import { takeBackup } from '../src/backup/backup.js'
import { fileOf, MANIFEST, type Manifest, readBackup, SUMS } from '../src/backup/manifest.js'
import { proveEntries, restoreBackup } from '../src/backup/restore.js'
import { excluded, ledgerTables, seeded } from '../src/backup/tables.js'
import { isRefusal } from '../src/core/refusals.js'
import { ManualClock } from '../src/core/time.js'
import { embeddedRoot, openDatabase } from '../src/database.js'
import { connect, migrate, userOf } from '../src/platform/database.js'
import { startEmbeddedPostgres } from '../src/platform/embedded-postgres.js'
import { openSnapshot } from '../src/platform/snapshot.js'
import { connectAdmin, runEngine } from './support/engines.js'
import { START } from './support/lab.js'
import { ask, bureau } from './support/scene.js'
import { runScript } from './support/script.js'
import { type TestDatabase, testDatabase } from './support/service.js'
import { Stage } from './support/stage.js'

const folder = mkdtempSync(join(tmpdir(), 'backup-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const quiet = () => {}
const backup = (database: { databaseUrl: string }) => takeBackup(database.databaseUrl, folder, quiet)
const restore = async (database: TestDatabase, directory: string) =>
  restoreBackup(database, directory, await readBackup(directory), quiet)

/** A database of the test's own. */
async function fresh(t: Test): Promise<TestDatabase> {
  const database = await testDatabase()
  t.teardown(() => database.drop())
  return database
}

/** The backup as it would have been after this migration: only with the tables and columns of that time. */
async function asOf(t: Test, migration: string): Promise<string> {
  const old = await fresh(t)
  const admin = connectAdmin(old)
  await admin.unsafe('drop schema clearing cascade')
  await migrate(old.migrateUrl, userOf(old.databaseUrl), migration)
  const tables = await ledgerTables(admin)
  let directory = whole
  const manifest = await readBackup(whole)
  const kept = tables.map(({ name, columns }) => ({
    ...manifest.tables.find((table) => table.name === name)!,
    columns,
  }))
  // What migrations put into tables themselves, later ones had not put there.
  for (const table of kept.filter(({ name }) => seeded.includes(name))) {
    const rows = await admin.unsafe(`select ${table.columns[0]}::text as key from clearing."${table.name}"`)
    if (rows.length === table.rows) continue
    const keys = new Set(rows.map(({ key }) => key))
    const isThere = (line: string) => line === '' || keys.has(line.slice(0, line.indexOf('\t')))
    directory = await forge(directory, fileOf(table.name), (text) => text.split('\n').filter(isThere).join('\n'))
    table.rows = rows.length
  }
  await admin.end()
  for (const { name, columns } of tables) {
    const { columns: now, rows } = manifest.tables.find((table) => table.name === name)!
    const places = columns.map((column) => now.indexOf(column))
    if (columns.length === now.length || rows === 0) continue
    directory = await forge(directory, fileOf(name), (text) =>
      text.replaceAll(/^.*$/gm, (line) => {
        const fields = line.split('\t')
        return line === '' ? line : places.map((place) => fields[place]).join('\t')
      }),
    )
  }
  const last = manifest.migrations.findIndex(({ name }) => name === migration)
  return forge(directory, MANIFEST, (text) =>
    JSON.stringify({ ...JSON.parse(text), migrations: manifest.migrations.slice(0, last + 1), tables: kept }),
  )
}

/** Everything in every table, whatever the order of its rows. */
async function contents(database: TestDatabase): Promise<Record<string, string>> {
  const admin = connectAdmin(database)
  try {
    const found: Record<string, string> = {}
    for (const { name } of await ledgerTables(admin)) {
      const [row] = await admin.unsafe(
        `select count(*) || ' ' || md5(coalesce(string_agg(t::text, ',' order by t::text), '')) as text from clearing."${name}" t`,
      )
      found[name] = row!.text
    }
    return found
  } finally {
    await admin.end()
  }
}

/** Changes the text of one file of a copy of a backup, and its checksum with it, as only a person would. */
async function forge(directory: string, file: string, change: (text: string) => string): Promise<string> {
  const copy = mkdtempSync(join(folder, 'forged-'))
  for (const name of readdirSync(directory)) writeFileSync(join(copy, name), readFileSync(join(directory, name)))
  const before = readFileSync(join(copy, file))
  const isZipped = file.endsWith('.gz')
  const text = (isZipped ? gunzipSync(before) : before).toString()
  const changed = change(text)
  if (changed === text) throw new Error(`nothing was changed in ${file}`)
  const after = isZipped ? gzipSync(changed) : Buffer.from(changed)
  writeFileSync(join(copy, file), after)
  const sum = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
  const sums = readFileSync(join(copy, SUMS), 'utf8')
  writeFileSync(join(copy, SUMS), sums.replace(sum(before), sum(after)))
  return copy
}

// Everything that is waited for comes first: tap takes a pause between tests for the end.
// A ledger with orders in all their states, texts that need escaping, a refusal under a key and a key given back.
const source = await testDatabase()
t.teardown(() => source.drop())
const clock = new ManualClock(START)
const running = runEngine(source, clock)
t.teardown(() => running.close())
const stage = new Stage(running.engine)
const place = await stage.place({}, {}, 10_000_00n)
for (const state of ['filed', 'submitted', 'approved'] as const) await stage.order(place, state)
const odd = await stage.order(place, 'filed', { contractNo: 'HT"1"\\N 合同' })
await stage.must(ask.cancel(odd, place.enterprise))
const refused = await running.engine.run({ ...ask.cancel(odd, place.enterprise), key: 'twice' })
const whole = await backup(source)

t.test('a restored ledger is the one that was backed up, and goes on', async (t) => {
  const target = await fresh(t)
  const said: string[] = []
  await restoreBackup(target, whole, await readBackup(whole), (done) => said.push(done))
  t.match(said.at(-1), /everything re-added/)
  const before = await contents(source)
  t.same(await contents(target), before)
  t.match(before.refusals, /^1 /, 'also what was refused under a key')

  const { engine, close } = runEngine(target, clock)
  t.same(
    await engine.run({ ...ask.cancel(odd, place.enterprise), key: 'twice' }),
    refused,
    'a key has its answer still',
  )
  const next = await engine.run({
    ...ask.appropriate(place.jurisdiction, place.program, 1n),
    actor: bureau(place.jurisdiction, 'Newcomer'),
  })
  t.notOk(isRefusal(next), 'and the next person has a number of his own')
  const again = await backup(target)
  await close()
  const other = await fresh(t)
  await restore(other, again)
  t.same(await contents(other), await contents(target), 'a backup of a restored ledger is as good')
})

t.test('a later ledger contains a backup as long as nothing in it was changed', async (t) => {
  const target = await fresh(t)
  await restore(target, whole)
  const manifest = await readBackup(whole)
  const { engine, sql, close } = runEngine(target, clock)
  t.teardown(close)
  await engine.run(ask.appropriate(place.jurisdiction, place.program, 1n))
  await proveEntries(sql, manifest)
  const admin = connectAdmin(target)
  await admin`update commands set body = (body::jsonb || '{"amount":"1.00"}')::json where kind = 'issue' and seq = (select min(seq) from commands where kind = 'issue')`
  await admin.end()
  await t.rejects(proveEntries(sql, manifest), { message: /entries are not those of the backup.*凭证摘要与备份不符/s })
  await t.rejects(proveEntries(running.sql, { ...manifest, heads: [{ book: 310115, seq: 7, entries: 7 }] }), {
    message: /Book 310115 ends at command 0, the backup's at 7/,
  })
})

t.test('a backup is of one moment while commands go on', async (t) => {
  const target = await fresh(t)
  let isOver = false
  const voucher = await stage.voucher(place)
  const busy = async () => {
    while (!isOver) await stage.order(place, 'submitted', { voucher, voucherAmount: 1n })
  }
  const callers = Promise.all([busy(), busy(), busy()])
  const directory = await backup(source).finally(() => {
    isOver = true
  })
  await callers
  await restore(target, directory)
  t.ok((await readBackup(directory)).commands > (await readBackup(whole)).commands)
})

t.test('a restore into a ledger that has business in it is refused and changes nothing', async (t) => {
  const target = await fresh(t)
  const { engine, close } = runEngine(target, clock)
  await engine.run(ask.enterprise(place.enterprise, place.jurisdiction))
  await close()
  const before = await contents(target)
  await t.rejects(restore(target, whole), { message: /business in this ledger already.*目标账套中已有业务数据/s })
  t.same(await contents(target), before)

  const admin = connectAdmin(target)
  await admin.unsafe('drop table clearing.migrations')
  await t.rejects(restore(target, whole), { message: /schema clearing/ }, 'nor a schema that is not ours')
  t.ok((await admin`select to_regclass('clearing.commands') as there`)[0]!.there)
  await admin.end()
})

t.test('a damaged backup is refused before anything is touched', async (t) => {
  const damaged = mkdtempSync(join(folder, 'damaged-'))
  const files = readdirSync(whole)
  for (const file of files) {
    const bytes = readFileSync(join(whole, file))
    for (const name of files) writeFileSync(join(damaged, name), readFileSync(join(whole, name)))
    for (const at of [0, 5, bytes.length >> 1, bytes.length - 1]) {
      const changed = Buffer.from(bytes)
      changed[at] = changed[at]! ^ 1
      writeFileSync(join(damaged, file), changed)
      await t.rejects(readBackup(damaged), { message: /备份/ }, `${file}, one bit of byte ${at}`)
    }
    writeFileSync(join(damaged, file), bytes.subarray(0, -1))
    await t.rejects(readBackup(damaged), { message: /备份/ }, `${file} cut short`)
    rmSync(join(damaged, file))
    await t.rejects(readBackup(damaged), { message: /备份/ }, `${file} missing`)
  }
  await t.rejects(readBackup(join(folder, 'nowhere')), { message: /no such directory.*不是备份/s })
})

t.test('what a version cannot restore it refuses by name', async (t) => {
  const manifest = (change: (manifest: Manifest) => object) =>
    forge(whole, MANIFEST, (text) => JSON.stringify(change(JSON.parse(text))))
  const says = async (change: (manifest: Manifest) => object, message: RegExp) =>
    t.rejects(readBackup(await manifest(change)), { message })
  await says((m) => ({ ...m, format: 2 }), /has format 2, this version of the service reads 1/)
  await says(({ digest: _, ...m }) => m, /does not say what a backup says/)
  const later = { name: '9999_later.sql', checksum: '0'.repeat(64) }
  await says((m) => ({ ...m, migrations: [...m.migrations, later] }), /has migration 9999_later\.sql, which/)
  await says(
    (m) => ({ ...m, migrations: [{ ...m.migrations[0], checksum: later.checksum }] }),
    /0001_ledger\.sql, which/,
  )

  const target = await fresh(t)
  const less = await manifest((m) => ({ ...m, tables: m.tables.filter(({ name }) => name !== 'holds') }))
  await t.rejects(restore(target, less), { message: /not those of the backup: holds/ })
})

t.test('a backup of an earlier version is brought to this one', async (t) => {
  const target = await fresh(t)
  const earlier = await asOf(t, '0004_lease.sql')
  await restore(target, earlier)
  const { applied } = await migrate(target.migrateUrl, userOf(target.databaseUrl))
  t.same(applied, [], 'nothing is left to be done at the next start')
})

t.test('a restore that is not the same ledger says so', async (t) => {
  const forged = async (table: string, change: (text: string) => string, message: RegExp) => {
    const target = await fresh(t)
    await t.rejects(restore(target, await forge(whole, fileOf(table), change)), { message }, table)
  }
  const swapped = (text: string) => text.replace(/^(\d+\t)10000\t/m, '$110001\t')
  await forged('transfers', swapped, /entries are not those of the backup/)
  await forged('actors', (text) => text.replace('Chen', 'Sun'), /entries are not those of the backup/)
  await forged('programs', (text) => text.replace('\t0.5\t', '\t0.6\t'), /ledger:verify, rows: .*ratio/s)
  await forged(
    'vouchers',
    (text) => text + text.slice(text.lastIndexOf('\n', text.length - 2) + 1),
    /refused rows of|duplicate/,
  )
})

t.test('a backup whose connection is lost fails and leaves nothing', async (t) => {
  const before = readdirSync(folder)
  const [admin, other] = [connectAdmin(source), connectAdmin(source)]
  t.teardown(() => Promise.all([admin.end(), other.end()]))
  // In the middle of the tables it waits for one that somebody else has locked.
  await other.unsafe('begin; lock table clearing.orders').simple()
  const failed = t.rejects(backup(source))
  const kill = () => admin<{ pid: number }[]>`
    select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and query like 'copy %orders%'`
  while ((await kill()).length === 0) await sleep(10)
  await failed
  await other.unsafe('rollback').simple()
  t.same(readdirSync(folder), before)
})

t.test('a snapshot that was lost while nothing was asked is noticed', async (t) => {
  const [admin, sql] = [connectAdmin(source), connect(source.databaseUrl, 1)]
  t.teardown(() => Promise.all([admin.end(), sql.end()]))
  const snapshot = await openSnapshot(sql)
  await snapshot.check()
  const [row] = await snapshot.sql<{ pid: number }[]>`select pg_backend_pid() as pid`
  await admin`select pg_terminate_backend(${row!.pid})`
  await sleep(100)
  await t.rejects(snapshot.check())
  await snapshot.close()
})

t.test('no table is forgotten', async (t) => {
  const database = await fresh(t)
  const admin = connectAdmin(database)
  await admin.unsafe(`create table clearing.novelties (a int, b int generated always as (a + 1) stored); insert into clearing.novelties values (1);
    grant select on clearing.novelties to clearing_service`)
  const { tables } = await readBackup(await backup(database))
  t.match(
    tables.find(({ name }) => name === 'novelties'),
    { columns: ['a'], rows: 1 },
  )
  const all = await admin<{ name: string }[]>`
    select relname as name from pg_class where relnamespace = 'clearing'::regnamespace and relkind in ('r', 'p')`
  const named = [...tables.map(({ name }) => name), ...Object.keys(excluded)].sort()
  t.same(all.map(({ name }) => name).sort(), named, 'what is not backed up is named as that')
  await admin.end()
})

// ── The scripts, on PostgreSQLs of their own ─────────────────────────────────────────────────────────────────────

const run = (script: string, args: string[], dataDir: string) => runScript(script, args, { DATA_DIR: dataDir })

t.test('npm run backup and npm run restore', async (t) => {
  const [here, there] = [mkdtempSync(join(tmpdir(), 'here-')), mkdtempSync(join(tmpdir(), 'there-'))]
  t.teardown(() => {
    for (const directory of [here, there]) rmSync(directory, { recursive: true, force: true })
  })
  for (const directory of [here, there]) chmodSync(directory, 0o755) // the server's own account must pass through
  const database = await openDatabase({ databaseUrl: undefined, migrateDatabaseUrl: undefined, dataRoot: here })
  await restoreBackup(database, whole, await readBackup(whole), quiet)

  const taken = await run('backup', [], here)
  t.equal(taken.code, 0, taken.err)
  const directory = taken.out.trimEnd().split('\n').at(-1)!
  t.equal(directory, join(here, 'backups', readdirSync(join(here, 'backups'))[0]!))
  const sql = connect(database.databaseUrl, 1)
  t.same(await sql`select 1 as runs`, [{ runs: 1 }], 'the PostgreSQL that was in use runs on')
  await sql.end()
  await database.stop()

  const done = await run('restore', ['--from', directory], there)
  t.equal(done.code, 0, done.err)
  t.match(done.out, /is whole 备份完整(.*\n)+.*digest 凭证摘要一致(.*\n)+.*账目核验通过\n$/)
  const again = await run('restore', ['--from', directory], there)
  t.match(again, { code: 1, err: /business in this ledger already/ })
  const verified = await run('verify-ledger', ['--backup', directory], there)
  t.match(verified, { code: 0, out: /ok +backup .*备份中的凭证均未变\n$/ })
  t.match(await run('restore', [], there), { code: 2, err: /npm run restore -- --from DIR/ })
  t.match(await run('backup', [], join(there, 'nothing')), { code: 1, err: /There is no ledger in/ })
  // Nobody else uses it: this was the last one.
  const server = await startEmbeddedPostgres({ root: embeddedRoot({ dataRoot: there } as never), purpose: 'service' })
  t.notOk(server.adopted)
  await server.stop()
})
