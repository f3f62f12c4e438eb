import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { ConfigError, readSealConfig } from '../src/config.js'
import { parseCheckpoint } from '../src/core/checkpoint.js'
import { connect } from '../src/platform/database.js'
import { BundleError, writeBundle } from '../src/seal/bundle.js'
import { sealKeyOf } from '../src/seal/key.js'
import { exitWith, stopwatch, withLedger } from './ledger.js'

/**
 * npm run audit:bundle -- --book 310000 [--from 1] [--to N] [--out FOLDER] [--open] [--against NOTE …]: writes a folder that
 * proves these commands of a book, and can be verified without the database; with --open also who asked, what, and what
 * came of it; with --against also what leads to checkpoints that were kept elsewhere.
 */
await exitWith(async () => {
  const { book, from, to, out, open, against } = parseArgs({
    options: {
      book: { type: 'string' },
      from: { type: 'string', default: '1' },
      to: { type: 'string' },
      out: { type: 'string' },
      open: { type: 'boolean', default: false },
      against: { type: 'string', multiple: true, default: [] },
    },
  }).values
  if (!/^\d{6}$/.test(book ?? '') || ![from, to ?? '1'].every((number) => /^[1-9]\d{0,14}$/.test(number))) {
    throw new ConfigError('--book has six digits, --from and --to are numbers of commands. 参数有误。')
  }
  const folder = out ?? `bundle-${book}-${from}-${to ?? 'now'}`
  if (existsSync(folder)) throw new ConfigError(`${folder} is there already: name another with --out. 目录已存在。`)
  const sizes = against.map((path) => {
    const size = existsSync(path) ? parseCheckpoint(readFileSync(path, 'utf8'))?.size : undefined
    if (size === undefined) throw new ConfigError(`--against ${path} is no checkpoint. 不是检查点文件。`)
    return size
  })
  const config = readSealConfig(process.env)
  const tell = stopwatch()
  return withLedger(config, async ({ databaseUrl }) => {
    const sql = connect(databaseUrl, 1)
    try {
      const range = { from: Number(from), to: to === undefined ? to : Number(to) }
      const wanted = { book: Number(book), ...range, isOpened: open, against: sizes }
      const made = await writeBundle(sql, folder, wanted, sealKeyOf(config)).catch((error: unknown) => {
        throw error instanceof BundleError ? new ConfigError(error.message) : error
      })
      tell(`${folder}: commands 指令 ${made.from}–${made.to} of ${made.size}`)
      return 0
    } finally {
      await sql.end({ timeout: 5 })
    }
  })
})
