import { existsSync } from 'node:fs'
import { BackupError } from '../src/backup/manifest.js'
import { ConfigError, type DatabaseConfig } from '../src/config.js'
import { type Database, embeddedRoot, openDatabase } from '../src/database.js'
import { DatabaseError } from '../src/platform/database.js'
import { EmbeddedPostgresError } from '../src/platform/embedded-postgres.js'

/** Opens a ledger that is there already, also while the service runs. */
export async function withLedger<T>(config: DatabaseConfig, use: (database: Database) => Promise<T>): Promise<T> {
  if (config.databaseUrl === undefined && !existsSync(embeddedRoot(config))) {
    throw new DatabaseError(
      `There is no ledger in ${config.dataRoot}: set DATABASE_URL or DATA_DIR, or start the service first. ${config.dataRoot} 中没有账套：请设置 DATABASE_URL 或 DATA_DIR，或先启动服务。`,
    )
  }
  const database = await openDatabase(config)
  try {
    return await use(database)
  } catch (error) {
    if (!['42P01', '3F000', '42883', '42703'].includes((error as { code?: string }).code ?? '')) throw error
    throw new DatabaseError(
      `This database does not have this version's tables: start the service once, it brings them. 该数据库没有本版本的表结构：请先启动服务。(${(error as Error).message})`,
    )
  } finally {
    await database.stop()
  }
}

/** Runs a script to its exit code; what a person can put right is said without a stack, and then the code is 1. */
export async function exitWith(main: () => Promise<number>): Promise<void> {
  process.exitCode = await main().catch((error: unknown) => {
    const isKnown = [BackupError, ConfigError, DatabaseError, EmbeddedPostgresError].some(
      (kind) => error instanceof kind,
    )
    if ((error as { code?: string }).code === 'ENOSPC') {
      console.error(`The disk is full: free some space and run it again. 磁盘空间已满，请清理后重试。\n${error}`)
    } else console.error(isKnown ? (error as Error).message : error)
    return 1
  })
}

/** Prints lines with the seconds since the one before. */
export function stopwatch(): (done: string) => void {
  let last = performance.now()
  return (done) => {
    const now = performance.now()
    console.log(`${((now - last) / 1000).toFixed(1).padStart(7)} s  ${done}`)
    last = now
  }
}
