import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readBackup } from '../src/backup/manifest.js'
import { restoreBackup } from '../src/backup/restore.js'
import { readDatabaseConfig } from '../src/config.js'
import { openDatabase } from '../src/database.js'
import { exitWith, stopwatch } from './ledger.js'

/**
 * npm run restore -- --from DIR: fills an empty ledger from a backup and proves it: the one of DATABASE_URL (with
 * MIGRATE_DATABASE_URL for the role that owns its tables) or the embedded default. Exit 0: everything that was backed up
 * is there and adds up; 1: the last line says what is off.
 */
await exitWith(async () => {
  const { from } = parseArgs({ options: { from: { type: 'string' } } }).values
  if (from === undefined) {
    console.error('npm run restore -- --from DIR')
    return 2
  }
  const say = stopwatch()
  const directory = resolve(from)
  const manifest = await readBackup(directory)
  say(`backup of ${manifest.taken} is whole 备份完整: version ${manifest.service}, ${manifest.entries} entries 凭证`)
  const database = await openDatabase(readDatabaseConfig(process.env))
  try {
    await restoreBackup(database, directory, manifest, say)
  } finally {
    await database.stop()
  }
  return 0
})
