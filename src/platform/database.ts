import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { drizzle } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import * as schema from '../../db/schema.js'
import { jurisdictions } from '../core/division.js'
import { type Encryption, socketOpener } from './socket.js'

/** A connection whose bigint is a JavaScript bigint and whose date is a YYYY-MM-DD string. */
export type Sql = postgres.Sql<{ bigint: bigint }>

/** Something about the database that a person must put right; the message says what to do. */
export class DatabaseError extends Error {}

const OLDEST = 150000
const database = fileURLToPath(new URL('../../db/', import.meta.url))

const types = {
  bigint: postgres.BigInt,
  // A date stays the text it is: a Date would bring a time zone into it.
  date: { to: 1082, from: [1082], serialize: (day: string) => day, parse: (day: string) => day },
  texts: array(
    1009,
    (text) => `"${text.replace(/["\\]/g, '\\$&')}"`,
    (text) => text,
  ),
  integers: array(1007, (text) => text, Number),
  bigints: array(1016, (text) => text, BigInt),
}

/**
 * An array type by its number. The driver would ask the server for them whenever it connects, and a connection that is
 * lost just then rejects a promise that nobody holds: the process would end (fetch_types off, see below).
 */
function array<T>(oid: number, write: (text: string) => string, read: (text: string) => T) {
  return {
    to: oid,
    from: [oid],
    /** What is a literal already stays one. */
    serialize: (items: string | readonly unknown[]) =>
      typeof items === 'string'
        ? items
        : `{${items.map((item) => (item === null ? 'NULL' : write(String(item)))).join()}}`,
    parse: (text: string) => parseArray(text).map(read),
  }
}

function parseArray(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|([^{},"]+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain! : quoted.replace(/\\(.)/g, '$1'),
  )
}

/**
 * Sent when a connection is opened, to fill a kilobyte: the driver writes that much at once, and anything less behind
 * what it still had to write when it lost the last connection.
 */
const FILL = { 'clearing.fill': '.'.repeat(1024) }

/** How every connection is made: of several hosts to the one that is the primary, and soon again after an outage. */
function openDriver(url: string, options: postgres.Options<Record<string, postgres.PostgresType>>) {
  const { address, encryption } = encryptionOf(url)
  return postgres(address, {
    fetch_types: false,
    onnotice: () => {},
    connect_timeout: 10,
    backoff: (tries) => Math.min(0.05 * 2 ** tries, 0.5),
    ...(firstHost(url) === url ? {} : { target_session_attrs: 'primary' }),
    ...{ socket: socketOpener(encryption), ssl: false }, // an option that the driver's types do not know
    ...options,
    connection: { ...options.connection, ...FILL },
  })
}

/** How a connection string wants to be encrypted, and the string without that: our sockets see to it. */
function encryptionOf(url: string): { address: string; encryption: Encryption } {
  const wanted = /[?&]ssl(?:mode)?=([^&]*)/.exec(url)?.[1] ?? 'disable'
  const address = url.replace(/([?&])ssl(?:mode)?=[^&]*(&|$)/, (_, before, after) => (after === '&' ? before : ''))
  const known: Record<string, Encryption> = {
    disable: 'disable',
    false: 'disable',
    allow: 'prefer',
    prefer: 'prefer',
    require: 'require',
    'no-verify': 'require',
  }
  return { address, encryption: known[wanted] ?? 'verify-full' }
}

/** A connection string of several hosts as one of its first host: what a URL parser understands. */
export function firstHost(url: string): string {
  return url.replace(/^([a-z]+:\/\/(?:[^@/?]*@)?[^,/?]*),[^/?]*/, '$1')
}

/** Connects with bigint as bigint and date as text; `most` connections at most. */
export function connect(url: string, most: number): Sql {
  return openDriver(url, {
    max: most,
    types,
    connection: { search_path: 'clearing, pg_temp', application_name: 'clearing', TimeZone: 'UTC' },
  }) as unknown as Sql
}

/** The engine's one connection: what it sends stays in order, and no plan made on an empty table outlives that. */
export function connectEngine(url: string): Sql {
  return openDriver(url, {
    max: 1,
    types,
    connection: {
      search_path: 'clearing, pg_temp',
      application_name: 'clearing-engine',
      TimeZone: 'UTC',
      enable_seqscan: 'off',
      // Nobody waits for ever: both count as an outage, and the batch is asked again.
      lock_timeout: 5_000,
      statement_timeout: 10_000,
    },
  }) as unknown as Sql
}

/** A typed reader for what is ordinary; it has connections of its own, because drizzle changes a client's parsers. */
export function openReader(url: string, most: number) {
  // A list is planned anew for whom and what it is asked: a plan for anybody reads a million rows for somebody.
  const connection = { application_name: 'clearing-reader', plan_cache_mode: 'force_custom_plan' }
  const client = openDriver(url, { max: most, connection })
  return { db: drizzle({ client, schema }), close: () => client.end({ timeout: 5 }) }
}
export type Reader = ReturnType<typeof openReader>['db']

interface SqlFile {
  readonly name: string
  readonly text: string
  readonly checksum: string
}

function sqlFiles(folder: string): SqlFile[] {
  return readdirSync(join(database, folder))
    .filter((name) => name.endsWith('.sql'))
    .sort()
    .map((name) => {
      const text = readFileSync(join(database, folder, name), 'utf8')
      return { name, text, checksum: createHash('sha256').update(text).digest('hex') }
    })
}

/** The migrations this version knows, in order. */
export const migrationFiles = (): readonly SqlFile[] => sqlFiles('migrations')

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`

/**
 * Brings the database to this code's schema: numbered migrations that never change, then the current bodies of the
 * functions, then the books of the jurisdictions, all in one transaction under a lock. `service` is the role the
 * service itself uses; it may read, and call the functions that write, and nothing more. With `upTo`, the name of a
 * migration, the tables are made as they were after it, without functions: what a restore fills before it goes on.
 * Throws DatabaseError when the database is older than PostgreSQL 15, newer than this code, or was changed by hand.
 */
export async function migrate(ownerUrl: string, service: string, upTo?: string): Promise<{ applied: string[] }> {
  const sql = openDriver(ownerUrl, { max: 1 })
  try {
    const [{ version = 0 } = {}] = await sql<{ version: number }[]>`
      select current_setting('server_version_num')::int as version`
    if (version < OLDEST) {
      throw new DatabaseError(
        `PostgreSQL 15 or newer is needed; this is ${Math.floor(version / 10000)}. 需要 PostgreSQL 15 或更新版本。`,
      )
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await bring(sql, service, upTo)
      } catch (error) {
        // Two services started at once: the other one was faster, and its work is found done the next time.
        if (attempt > 3 || !['42P07', '23505'].includes((error as { code?: string }).code ?? '')) throw error
        // The script's own transaction is still open, and broken.
        await sql.unsafe('rollback').simple()
      }
    }
  } finally {
    await sql.end({ timeout: 5 })
  }
}

async function bring(sql: postgres.Sql, service: string, upTo?: string): Promise<{ applied: string[] }> {
  const [{ exists = false } = {}] = await sql<{ exists: boolean }[]>`
    select to_regclass('clearing.migrations') is not null as exists`
  const done = exists
    ? await sql<{ name: string; checksum: string }[]>`select name, checksum from clearing.migrations`
    : []
  const known = new Map(done.map(({ name, checksum }) => [name, checksum]))
  const files = migrationFiles().filter(({ name }) => upTo === undefined || name <= upTo)
  checkHistory(known, files)
  const open = files.filter(({ name }) => !known.has(name))
  const functions = upTo === undefined ? sqlFiles('functions') : []
  if (open.length === 0 && (await isCurrent(sql, functions, service))) return { applied: [] }
  // One simple-protocol script is one transaction, and does not depend on the driver keeping a transaction together.
  await sql.unsafe(script(open, functions, service)).simple()
  return { applied: open.map(({ name }) => name) }
}

const mark = (functions: readonly SqlFile[]) =>
  `functions ${createHash('sha256')
    .update(functions.map(({ checksum }) => checksum).join())
    .digest('hex')}`

async function isCurrent(sql: postgres.Sql, functions: readonly SqlFile[], service: string): Promise<boolean> {
  const [found] = await sql<{ comment: string | null; granted: boolean }[]>`
    select obj_description(oid, 'pg_namespace') as comment, has_schema_privilege(${service}, oid, 'usage') as granted
    from pg_namespace where nspname = 'clearing'`
  return found?.comment === mark(functions) && found.granted
}

function checkHistory(known: ReadonlyMap<string, string>, files: readonly SqlFile[]): void {
  const names = new Set(files.map(({ name }) => name))
  const newer = [...known.keys()].find((name) => !names.has(name))
  if (newer) {
    throw new DatabaseError(
      `The database has migration ${newer}, which this version of the service does not know: start the newer version, or restore a backup from before it. 数据库由更新版本的服务建立，请使用新版本启动，或恢复升级前的备份。`,
    )
  }
  for (const { name, checksum } of files) {
    if (known.has(name) && known.get(name) !== checksum) {
      throw new DatabaseError(
        `Migration ${name} was changed after it was applied: restore the file, and put the change into a new migration. 迁移文件 ${name} 在执行后被改动，请恢复原文件并新增迁移。`,
      )
    }
  }
}

function script(open: readonly SqlFile[], functions: readonly SqlFile[], service: string): string {
  const books = jurisdictions.map(({ code, name }) => `(${Number(code)}, ${literal(name)})`)
  return [
    'begin;',
    // Whoever comes second waits here, and then finds everything done.
    'select pg_advisory_xact_lock(20221122);',
    'create schema if not exists clearing;',
    'set local search_path = clearing;',
    'create table if not exists migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now());',
    ...open.map(
      ({ name, text, checksum }) =>
        `${text}\ninsert into migrations (name, checksum) values (${literal(name)}, ${literal(checksum)});`,
    ),
    `insert into books (book, name) values (0, '长三角'), ${books.join(', ')} on conflict (book) do nothing;`,
    ...(functions.length === 0 ? [] : functionScript(functions, service)),
    'commit;',
  ].join('\n')
}

function functionScript(functions: readonly SqlFile[], service: string): string[] {
  const role = `"${service.replaceAll('"', '""')}"`
  return [
    `do $$ declare f regprocedure; begin
       for f in select p.oid from pg_proc p where p.pronamespace = 'clearing'::regnamespace
       loop execute 'drop function ' || f; end loop; end $$;`,
    ...functions.map(({ text }) => text),
    `comment on schema clearing is ${literal(mark(functions))};`,
    'revoke all on all functions in schema clearing from public;',
    `do $$ begin if current_user <> ${literal(service)} then
       grant usage on schema clearing to ${role};
       grant select on all tables in schema clearing to ${role};
       grant execute on function record, actor_numbers, fix_moment, period_items, open_items, balances_as_of,
         account_turnover, turnover_as_of, mark_turnover, open_pull, close_pull,
         hold_lease, keep_document, name_documents, forget_documents, keep_webhook_lanes, roll_up, roll_up_items, log_leaves, open_logs,
         seal_logs to ${role};
     end if; end $$;`,
  ]
}

/** The user name inside a connection string. */
export function userOf(url: string): string {
  return decodeURIComponent(new URL(firstHost(url)).username)
}
