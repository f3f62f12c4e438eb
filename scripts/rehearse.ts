import { createReadStream, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { LineError } from '../src/rehearsal/lines.js'
import { withRehearsal } from '../src/rehearsal/stage.js'

/**
 * npm run rehearse -- FILE [--out REPORT.json]: plays a rehearsal on a fresh database and prints the report.
 * Exit 0: every step was done or refused for a named reason; 2: a line is not valid; 1: a fault.
 */
const USAGE = 'npm run rehearse -- FILE [--out REPORT.json]'

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { out: { type: 'string' } } })
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) {
    console.error(USAGE)
    return 2
  }
  const report = await withRehearsal(process.env.DATABASE_URL || undefined, async (player) => {
    const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })
    const shows = process.stderr.isTTY
    const started = Date.now()
    let shown = 0
    for await (const line of lines) {
      await player.play(line)
      if (shows && Date.now() - shown > 200) {
        shown = Date.now()
        const rate = Math.round((player.steps * 1000) / Math.max(1, shown - started))
        process.stderr.write(`\r${player.steps} steps, ${rate} a second `)
      }
    }
    if (shows) process.stderr.write('\r\x1b[K')
    return player.report()
  })
  const text = `${JSON.stringify(report, null, 1)}\n`
  if (values.out === undefined) process.stdout.write(text)
  else writeFileSync(values.out, text)
  return 0
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof LineError ? error.message : error)
  return error instanceof LineError ? 2 : 1
})
