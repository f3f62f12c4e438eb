import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { ManualClock } from '../core/time.js'
import { builtInIssuer } from '../platform/auth.js'
import { startEmbeddedPostgres } from '../platform/embedded-postgres.js'
import { createService } from '../service.js'
import { Player } from './player.js'

/**
 * Sets up a service on a fresh database of its own and hands over a player; everything is gone afterwards. The
 * database is made on the given server, or on a PostgreSQL of its own in a temporary folder.
 */
export async function withRehearsal<T>(
  serverUrl: string | undefined,
  play: (player: Player) => Promise<T>,
): Promise<T> {
  if (serverUrl !== undefined) return withDatabase(serverUrl, (url) => perform(url, play))
  const root = mkdtempSync(join(tmpdir(), 'rehearsal-'))
  const server = await startEmbeddedPostgres({ root, purpose: 'service' })
  // Interrupted in the middle, it leaves neither a server nor a folder behind.
  let isStopping = false
  const interrupted = async () => {
    if (isStopping) return // a terminal and npm may both pass the same Ctrl-C on
    isStopping = true
    await server.stop()
    rmSync(root, { recursive: true, force: true })
    process.exit(130)
  }
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
  try {
    return await withDatabase(server.url, (url) => perform(url, play))
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
    await server.stop()
    rmSync(root, { recursive: true, force: true })
  }
}

async function withDatabase<T>(serverUrl: string, use: (url: string) => Promise<T>): Promise<T> {
  const name = `rehearsal_${randomBytes(6).toString('hex')}`
  const admin = postgres(serverUrl, { max: 1, onnotice: () => {} })
  try {
    await admin.unsafe(`create database ${name}`)
    const url = new URL(serverUrl)
    url.pathname = `/${name}`
    try {
      return await use(url.href)
    } finally {
      await admin.unsafe(`drop database ${name} with (force)`)
    }
  } finally {
    await admin.end({ timeout: 5 })
  }
}

async function perform<T>(url: string, play: (player: Player) => Promise<T>): Promise<T> {
  const clock = new ManualClock(0)
  const service = await createService({
    databaseUrl: url,
    migrateUrl: url,
    clock,
    auth: builtInIssuer('rehearsal', 'rehearsal'),
  })
  try {
    const base = await service.open({ host: '127.0.0.1', port: 0 })
    const player = new Player({ base, clock })
    try {
      return await play(player)
    } finally {
      player.close()
    }
  } finally {
    await service.close()
  }
}
