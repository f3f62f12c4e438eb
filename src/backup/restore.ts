import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { verifyLedger } from '../audit/verify.js'
import { connect, migrate, type Sql, userOf } from '../platform/database.js'
import { lasting, openSnapshot } from '../platform/snapshot.js'
import type { Say } from './backup.js'
import { copyIn, tableText } from './copy.js'
import { digestOf, type Head, headsOf } from './digest.js'
import { BackupError, fileOf, type Manifest } from './manifest.js'
import { excluded, ledgerTables, seeded } from './tables.js'

interface Place {
  /** The service's own role: what is restored must be readable by it. */
  readonly databaseUrl: string
  /** The role that owns the tables. */
  readonly migrateUrl: string
}

/**
 * Fills an empty ledger from a backup that `readBackup` has checked, and proves it. Throws BackupError, having changed
 * nothing, when there is any business in that ledger; and when what was restored is not what was backed up.
 */
export async function restoreBackup(place: Place, directory: string, manifest: Manifest, say: Say): Promise<void> {
  const service = userOf(place.databaseUrl)
  const owner = lasting(connect(place.migrateUrl, 1))
  try {
    await makeRoom(owner)
    await migrate(place.migrateUrl, service, manifest.migrations.at(-1)!.name)
    await fill(owner, directory, manifest)
    say(`${manifest.tables.length} tables filled 已写入`)
    const { applied } = await migrate(place.migrateUrl, service)
    for (const { name } of await ledgerTables(owner)) await owner.unsafe(`analyze clearing."${name}"`)
    say(`brought to this version, newer migrations: ${applied.length} 已升级至本版本`)
  } finally {
    await owner.end({ timeout: 5 })
  }
  const sql = connect(place.databaseUrl, 1)
  try {
    await proveEntries(sql, manifest)
    say(`${manifest.entries} entries are those of the backup, digest 凭证摘要一致 ${manifest.digest}`)
    for await (const { name, asks, ok, finding } of verifyLedger(sql)) {
      if (!ok) throw new BackupError(`ledger:verify, ${name}: ${asks}\n${finding}`)
    }
    say('everything re-added and decided again 账目核验通过')
  } finally {
    await sql.end({ timeout: 5 })
  }
}

const texts = (names: readonly string[]) => names.map((name) => `'${name}'`).join()

/** Drops the empty tables that are there, all or none: whoever uses one of them is waited for, and then looked at. */
const MAKE_ROOM = `
begin;
do $$ declare name text; is_used boolean; begin
  if to_regnamespace('clearing') is not null and to_regclass('clearing.migrations') is null then
    raise exception 'schema clearing' using errcode = 'CV007';
  end if;
  for name in
    select c.oid::regclass::text from pg_class c
    where c.relnamespace = to_regnamespace('clearing') and c.relkind in ('r', 'p')
      and c.relname not in (${texts([...Object.keys(excluded), ...seeded])})
  loop
    execute 'lock table ' || name;
    execute 'select exists (select from ' || name || ')' into is_used;
    if is_used then raise exception '%', name using errcode = 'CV007'; end if;
  end loop;
end $$;
drop schema if exists clearing cascade;
commit`

async function makeRoom(owner: Sql): Promise<void> {
  await owner
    .unsafe(MAKE_ROOM)
    .simple()
    .catch(async (error: Error & { code?: string }) => {
      await owner.unsafe('rollback').simple()
      if (error.code !== 'CV007') throw error
      throw new BackupError(
        `There is business in this ledger already (${error.message}), and nothing was changed: restore into an empty database or another DATA_DIR. 目标账套中已有业务数据，未作任何改动：请恢复到空数据库或另一个 DATA_DIR。`,
      )
    })
}

/** Continues the numbers of columns that number themselves. */
const CONTINUE_NUMBERS = `
do $$ declare c record; begin
  for c in
    select a.attrelid::regclass as "table", a.attname as name, pg_get_serial_sequence(a.attrelid::regclass::text, a.attname) as sequence
    from pg_attribute a join pg_class r on r.oid = a.attrelid
    where r.relnamespace = 'clearing'::regnamespace and r.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped
  loop
    if c.sequence is not null then
      execute format('select setval(%L, coalesce(max(%I), 1), max(%2$I) is not null) from %s', c.sequence, c.name, c."table");
    end if;
  end loop;
end $$`

/** All rows in one transaction. */
async function fill(owner: Sql, directory: string, { tables, service }: Manifest): Promise<void> {
  const names = (list: readonly { name: string; columns: readonly string[] }[]) =>
    list.map(({ name, columns }) => `${name} (${[...columns].sort()})`).sort()
  const [wanted, held] = [names(await ledgerTables(owner)), names(tables)]
  const odd = wanted.find((table) => !held.includes(table)) ?? held.find((table) => !wanted.includes(table))
  if (odd)
    throw new BackupError(`The tables of version ${service} are not those of the backup: ${odd} 备份中的表与其版本不符`)
  await owner.unsafe(`begin; truncate ${tables.map(({ name }) => `clearing."${name}"`).join(', ')}`).simple()
  for (const table of tables) {
    const rows = pipeline(createReadStream(join(directory, fileOf(table.name))), createGunzip(), () => {})
    await copyIn(owner, tableText(table), rows)
  }
  await owner.unsafe(`${CONTINUE_NUMBERS}; commit`).simple()
}

/** Throws BackupError when the ledger does not contain, unchanged, everything that was backed up. */
export async function proveEntries(sql: Sql, { heads, digest }: Pick<Manifest, 'heads' | 'digest'>): Promise<void> {
  const snapshot = await openSnapshot(sql, { datestyle: 'ISO' })
  try {
    const now = new Map((await headsOf(snapshot.sql)).map((head) => [head.book, head]))
    const behind = heads.find(({ book, seq, entries }) => !reaches(now.get(book), { seq, entries }))
    if (behind) {
      throw new BackupError(
        `Book ${behind.book} ends at command ${now.get(behind.book)?.seq ?? 0}, the backup's at ${behind.seq}: entries are missing. 账套 ${behind.book} 的指令少于备份。`,
      )
    }
    const found = await digestOf(snapshot.sql, heads)
    await snapshot.check()
    if (found === digest) return
    throw new BackupError(
      `The entries are not those of the backup: their digest is ${found}, the backup's ${digest}. 凭证摘要与备份不符。`,
    )
  } finally {
    await snapshot.close()
  }
}

const reaches = (head: Head | undefined, { seq, entries }: Omit<Head, 'book'>) =>
  head !== undefined && head.seq >= seq && head.entries >= entries
