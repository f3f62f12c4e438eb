import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { takeBackup } from '../src/backup/backup.js'
import { readDatabaseConfig } from '../src/config.js'
import { exitWith, stopwatch, withLedger } from './ledger.js'

/**
 * npm run backup [-- --to DIR]: writes everything in the ledger, as it is at one moment, to a new directory below DIR or
 * the data's own `backups`, also while the service runs; of the database of DATABASE_URL or the embedded default.
 * Its last line is that directory.
 */
await exitWith(async () => {
  const { values } = parseArgs({ options: { to: { type: 'string' } } })
  const config = readDatabaseConfig(process.env)
  const folder = resolve(values.to ?? join(config.dataRoot, 'backups'))
  console.log(await withLedger(config, ({ databaseUrl }) => takeBackup(databaseUrl, folder, stopwatch())))
  return 0
})
