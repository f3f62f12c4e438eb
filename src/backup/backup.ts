import { createHash } from 'node:crypto'
import { createWriteStream, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createGzip } from 'node:zlib'
import { connect, type Sql } from '../platform/database.js'
import { openSnapshot } from '../platform/snapshot.js'
import { copyOut, tableText } from './copy.js'
import { digestOf, headsOf } from './digest.js'
import { FORMAT, fileOf, MANIFEST, type Manifest, SUMS } from './manifest.js'
import { ledgerTables, type Table } from './tables.js'

const PACKAGE = fileURLToPath(new URL('../../package.json', import.meta.url))

/** Says what was just done, in both languages. */
export type Say = (done: string) => void

/** In a form that no setting of the server changes, and without taking more than one processor from the service. */
const SETTINGS = {
  datestyle: 'ISO',
  max_parallel_workers_per_gather: '0',
  // In the order in which they were written: `ledger:verify` replays by it what version 0.1 has logged.
  synchronize_seqscans: 'off',
}

/**
 * Writes a backup of the ledger below `folder`, all of one moment; the service may run meanwhile. It gets its name when
 * it is whole and on disk, so a half-made one is never taken for a backup. Returns its directory.
 */
export async function takeBackup(databaseUrl: string, folder: string, say: Say): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const draft = await mkdtemp(join(folder, 'draft-'))
  const sql = connect(databaseUrl, 1)
  try {
    const taken = await writeBackup(sql, draft, say)
    const directory = join(folder, `clearing-${taken.replace(/[-:]|\.\d+/g, '')}`)
    await flush(draft)
    await rename(draft, directory)
    await flush(folder)
    return directory
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** Everything that makes up a backup; returns when it was taken. */
async function writeBackup(sql: Sql, draft: string, say: Say): Promise<string> {
  const snapshot = await openSnapshot(sql, SETTINGS)
  try {
    const sums: string[] = []
    const manifest = await readAll(snapshot.sql, draft, sums, say)
    await snapshot.check()
    const text = `${JSON.stringify(manifest, null, 1)}\n`
    sums.push(`${createHash('sha256').update(text).digest('hex')}  ${MANIFEST}\n`)
    await writeFile(join(draft, MANIFEST), text, { mode: 0o600, flush: true })
    await writeFile(join(draft, SUMS), sums.join(''), { mode: 0o600, flush: true })
    return manifest.taken
  } finally {
    await snapshot.close()
  }
}

async function readAll(sql: Sql, draft: string, sums: string[], say: Say): Promise<Manifest> {
  const [moment] = await sql<{ taken: string; postgres: string }[]>`
    select to_char(now(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as taken, current_setting('server_version') as postgres`
  const migrations = await sql<Manifest['migrations']>`select name, checksum from migrations order by name`
  const heads = await headsOf(sql)
  const tables: Manifest['tables'] = []
  for (const table of await ledgerTables(sql)) {
    const { sum, ...size } = await writeTable(sql, table, join(draft, fileOf(table.name)))
    sums.push(`${sum}  ${fileOf(table.name)}\n`)
    tables.push({ name: table.name, columns: [...table.columns], ...size })
    say(`${table.name}: ${size.rows} rows 行`)
  }
  const digest = await digestOf(sql, heads, copyPaced)
  const total = (of: (head: (typeof heads)[number]) => number) => heads.reduce((sum, head) => sum + of(head), 0)
  const [commands, entries] = [total(({ seq }) => seq), total((head) => head.entries)]
  say(`${entries} entries, digest 凭证摘要 ${digest}`)
  const { version: service } = JSON.parse(readFileSync(PACKAGE, 'utf8')) as { version: string }
  return {
    format: FORMAT,
    service,
    ...moment!,
    migrations: [...migrations],
    commands,
    entries,
    digest,
    heads,
    tables,
  }
}

/** Milliseconds of work after which the backup rests, and for how many times as long. */
const WORK = 5
const REST = 1

/**
 * Reads with rests, so that the service finds the processors free: PostgreSQL copies no further than what was taken,
 * and nothing is compressed meanwhile. A busy machine makes the work longer, and with it the rests.
 */
async function* copyPaced(sql: Sql, what: string): AsyncGenerator<Buffer> {
  let since = performance.now()
  for await (const block of copyOut(sql, what)) {
    yield block
    const worked = performance.now() - since
    if (worked < WORK) continue
    await sleep(worked * REST)
    since = performance.now()
  }
}

const NEWLINE = 10

/** Writes a table's rows to a compressed file of their own. */
async function writeTable(sql: Sql, table: Table, file: string): Promise<{ rows: number; bytes: number; sum: string }> {
  let [rows, bytes] = [0, 0]
  const hash = createHash('sha256')
  await pipeline(
    copyPaced(sql, tableText(table)),
    async function* (blocks: AsyncIterable<Buffer>) {
      for await (const block of blocks) {
        bytes += block.length
        // Every row ends with a line feed, and within a row it is written as `\n`.
        for (let at = block.indexOf(NEWLINE); at >= 0; at = block.indexOf(NEWLINE, at + 1)) rows++
        yield block
      }
    },
    createGzip({ level: 1 }),
    async function* (blocks: AsyncIterable<Buffer>) {
      for await (const block of blocks) {
        hash.update(block)
        yield block
      }
    },
    createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true } as object),
  )
  return { rows, bytes, sum: hash.digest('hex') }
}

/** Brings a directory's names to disk. */
async function flush(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  await handle.sync()
  await handle.close()
}
