import { existsSync } from 'node:fs'
import { verifyLedger } from '../src/audit/verify.js'
import { ConfigError, readDatabaseConfig } from '../src/config.js'
import { embeddedRoot, openDatabase } from '../src/database.js'
import { connect, DatabaseError } from '../src/platform/database.js'
import { EmbeddedPostgresError } from '../src/platform/embedded-postgres.js'

/**
 * npm run ledger:verify: re-adds everything from the entries, on the database of DATABASE_URL or the embedded default,
 * also while the service runs. Exit 0: all of it adds up; 1: the last line names the first thing that is off.
 */
async function main(): Promise<number> {
  const config = readDatabaseConfig(process.env)
  if (config.databaseUrl === undefined && !existsSync(embeddedRoot(config))) {
    throw new DatabaseError(
      `There is no ledger in ${config.dataRoot}: set DATABASE_URL or DATA_DIR, or start the service first. ${config.dataRoot} 中没有账套：请设置 DATABASE_URL 或 DATA_DIR，或先启动服务。`,
    )
  }
  const database = await openDatabase(config)
  const sql = connect(database.databaseUrl, 1)
  try {
    return await report(sql)
  } catch (error) {
    if (!['42P01', '3F000', '42883', '42703'].includes((error as { code?: string }).code ?? '')) throw error
    throw new DatabaseError(
      `This database does not have this version's tables: start the service once, it brings them. 该数据库没有本版本的表结构：请先启动服务。(${(error as Error).message})`,
    )
  } finally {
    await sql.end({ timeout: 5 })
    await database.stop()
  }
}

async function report(sql: ReturnType<typeof connect>): Promise<number> {
  const started = performance.now()
  const run = verifyLedger(sql)
  let isOk = true
  for (;;) {
    const step = await run.next()
    if (step.done) {
      const { books, commands, entries, transfers } = step.value
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      console.log(
        `${books} books 账套, ${commands} commands 指令, ${entries} entries 凭证, ${transfers} transfers 分录; ${seconds} s`,
      )
      return isOk ? 0 : 1
    }
    const { name, asks, ok, finding } = step.value
    isOk = ok
    if (ok) console.log(`ok      ${name.padEnd(10)} ${asks}`)
    else console.log(`NOT OK  ${name.padEnd(10)} ${asks}\n        ${finding}`)
  }
}

process.exitCode = await main().catch((error: unknown) => {
  const isKnown =
    error instanceof ConfigError || error instanceof DatabaseError || error instanceof EmbeddedPostgresError
  console.error(isKnown ? error.message : error)
  return 1
})
