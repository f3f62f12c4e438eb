import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { migrationFiles } from '../platform/database.js'

/** Something about a backup, or the place it goes to, that a person must put right; the message says what to do. */
export class BackupError extends Error {}

export const MANIFEST = 'manifest.json'
/** Written so that `sha256sum -c SHA256SUMS` checks a backup on any machine. */
export const SUMS = 'SHA256SUMS'
export const FORMAT = 1
export const fileOf = (table: string) => `${table}.copy.gz`

const count = z.number().int().min(0)
const name = z.string().regex(/^[a-z_][a-z0-9_]*$/)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** What is in a backup. Tables come in an order in which they can be filled: those that others refer to first. */
const manifest = z.strictObject({
  format: z.literal(FORMAT),
  service: z.string(),
  postgres: z.string(),
  taken: z.iso.datetime(),
  migrations: z.array(z.strictObject({ name: z.string(), checksum: sha256 })).min(1),
  commands: count,
  entries: count,
  digest: sha256,
  heads: z.array(z.strictObject({ book: count, seq: count, entries: count })),
  tables: z.array(z.strictObject({ name, columns: z.array(name).min(1), rows: count, bytes: count })),
})
export type Manifest = z.infer<typeof manifest>

/** Checks that a backup is whole and of this version or an older one; returns what is in it. Throws BackupError. */
export async function readBackup(directory: string): Promise<Manifest> {
  const sums = await readSums(directory)
  for (const [file, sum] of sums) {
    if ((await sumOf(directory, file)) !== sum) {
      throw new BackupError(
        `${join(directory, file)} is not what was backed up (its checksum differs): take another copy of this backup, or an earlier one. 备份文件与原备份不符（校验和不一致），请换用该备份的其他副本或更早的备份。`,
      )
    }
  }
  const text = sums.has(MANIFEST) ? await readFile(join(directory, MANIFEST), 'utf8') : '{}'
  const found = JSON.parse(text) as { format?: unknown }
  if (typeof found.format === 'number' && found.format > FORMAT) {
    throw new BackupError(
      `The backup has format ${found.format}, this version of the service reads ${FORMAT}: restore it with the version that made it, or a newer one. 备份格式较新，请使用制作该备份的版本或更新版本恢复。`,
    )
  }
  const parsed = manifest.safeParse(found)
  if (!parsed.success || parsed.data.tables.some((table) => !sums.has(fileOf(table.name)))) {
    throw new BackupError(
      `${join(directory, MANIFEST)} does not say what a backup says: take another copy of this backup. 备份清单内容有误，请换用该备份的其他副本。`,
    )
  }
  checkMigrations(parsed.data)
  return parsed.data
}

/** The backup's migrations must be the first ones of this version: the others are made after it is filled. */
function checkMigrations({ migrations, service }: Manifest): void {
  const known = migrationFiles()
  const odd = migrations.find(({ name, checksum }, n) => known[n]?.name !== name || known[n].checksum !== checksum)
  if (!odd) return
  throw new BackupError(
    `The backup was made by version ${service} and has migration ${odd.name}, which this version does not have like that: restore it with that version or a newer one. 备份由 ${service} 版本制作，其迁移 ${odd.name} 与本版本不符，请使用该版本或更新版本恢复。`,
  )
}

async function readSums(directory: string): Promise<ReadonlyMap<string, string>> {
  const lines = await readFile(join(directory, SUMS), 'utf8').catch(() => '')
  const sums = new Map(
    [...lines.matchAll(/^([0-9a-f]{64}) {2}([a-z0-9_.]+)\n/gm)].map(([, sum, file]) => [file!, sum!]),
  )
  if (sums.size > 0) return sums
  const found = await readdir(directory).catch(() => undefined)
  throw new BackupError(
    `${directory} is not a backup (${found ? `it has no list ${SUMS}` : 'there is no such directory'}): name the directory that npm run backup has printed. 该目录不是备份，请指定 npm run backup 输出的目录。`,
  )
}

async function sumOf(directory: string, file: string): Promise<string | undefined> {
  const hash = createHash('sha256')
  try {
    for await (const block of createReadStream(join(directory, file))) hash.update(block)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  return hash.digest('hex')
}
