import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { addDays, dayOf, ManualClock, systemClock, systemTimer } from './core/time.js'
import { keyId, readStored } from './engine/idempotency.js'
import type { Auth } from './platform/auth.js'
import { connect, migrate, userOf } from './platform/database.js'
import { shiftLine } from './rehearsal/lines.js'
import { Player } from './rehearsal/player.js'
import { createService } from './service.js'

/** So many tenths of a second until another process can take charge. */
const TAKE_OVER = 50
const FILE = fileURLToPath(new URL('../db/seeds/half-year.ndjson', import.meta.url))

const daysBetween = (from: string, to: string) => Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000)
const dayOfLine = (line: string) => (JSON.parse(line) as { at: string }).at.slice(0, 10)

/**
 * Plays the synthetic half-year into an empty database, moved so that it ends yesterday. When an earlier start was
 * stopped in the middle it goes on from there: the player's keys are those of the lines, so nothing happens twice.
 * A database with anything else in it is left alone.
 */
export async function demonstrate(
  database: { readonly databaseUrl: string; readonly migrateUrl: string },
  auth: Auth,
): Promise<void> {
  const lines = readFileSync(FILE, 'utf8').trimEnd().split('\n')
  await migrate(database.migrateUrl, userOf(database.databaseUrl))
  const begun = await stateOf(database.databaseUrl, lines.length)
  if (begun === 'done' || begun === 'other') return
  console.log('Putting a synthetic half-year of the four provinces into the books … 正在写入合成的半年演示数据……')
  const firstDay = dayOfLine(lines[0]!)
  const yesterday = addDays(dayOf(systemClock.now()), -1)
  const shift =
    begun === 'empty' ? daysBetween(dayOfLine(lines[lines.length - 1]!), yesterday) : daysBetween(firstDay, begun.since)

  const clock = new ManualClock(0)
  const service = await createService({ ...database, clock, auth })
  try {
    const base = await service.open({ host: '127.0.0.1', port: 0 })
    // One that died lately is still in the lease for a moment; one that lives is putting this in itself.
    for (let tries = 0; !service.isInCharge; tries++) {
      if (tries === TAKE_OVER) return
      await systemTimer.sleep(100)
    }
    const player = new Player({ base, clock })
    for (const line of lines) await player.play(shiftLine(line, shift))
    await player.finish()
    player.close()
  } finally {
    await service.close()
  }
}

/** Whether the demonstration is to be played, was played, or was begun on a day; or there is other business in there. */
async function stateOf(url: string, lines: number): Promise<'empty' | 'done' | 'other' | { since: string }> {
  const sql = connect(url, 1)
  try {
    const [used] = await sql`select from commands limit 1`
    if (!used) return 'empty'
    const organisations = await sql<{ organisation: string }[]>`select distinct organisation from actors`
    // Whoever it was that asked: a key is kept with its organisation.
    const idsOf = (key: string) => organisations.map(({ organisation }) => keyId(organisation, key))
    const [first] = await sql<{ since: string }[]>`
      select (day + 1)::text as since from commands where key = any (${idsOf(Player.firstKey)}::text[]::uuid[]) limit 1`
    if (!first) return 'other'
    const last = await readStored(sql, idsOf(Player.keysOf(lines).last))
    return last.size > 0 ? 'done' : first
  } finally {
    await sql.end({ timeout: 5 })
  }
}
