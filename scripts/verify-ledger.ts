import { parseArgs } from 'node:util'
import { verifyLedger } from '../src/audit/verify.js'
import { readBackup } from '../src/backup/manifest.js'
import { proveEntries } from '../src/backup/restore.js'
import { readSealConfig } from '../src/config.js'
import { connect, type Sql } from '../src/platform/database.js'
import { type SealKey, sealKeyOf } from '../src/seal/key.js'
import { exitWith, withLedger } from './ledger.js'

/**
 * npm run ledger:verify [-- --backup DIR]: re-adds everything from the entries, on the database of DATABASE_URL or the
 * embedded default, also while the service runs; with SEAL_KEY also the signatures of checkpoints; with a backup, says whether all that was in it is still there,
 * unchanged. Exit 0: all of it adds up; 1: the last line names the first thing that is off.
 */
await exitWith(async () => {
  const { backup } = parseArgs({ options: { backup: { type: 'string' } } }).values
  const manifest = backup === undefined ? undefined : await readBackup(backup)
  const config = readSealConfig(process.env)
  return withLedger(config, async ({ databaseUrl }) => {
    const sql = connect(databaseUrl, 1)
    try {
      const code = await report(sql, sealKeyOf(config))
      if (code !== 0 || manifest === undefined) return code
      await proveEntries(sql, manifest)
      console.log(`ok      backup     everything backed up on ${manifest.taken} is there, unchanged 备份中的凭证均未变`)
      return 0
    } finally {
      await sql.end({ timeout: 5 })
    }
  })
})

async function report(sql: Sql, key: SealKey | undefined): Promise<number> {
  const started = performance.now()
  const run = verifyLedger(sql, key)
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
