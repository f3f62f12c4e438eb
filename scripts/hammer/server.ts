import { pino } from 'pino'
import type { Auth } from '../../src/platform/auth.js'
import { createService } from '../../src/service.js'

/** The real service in a process of its own, for the hammer: its clock is stepped, and it is killed, by its parent. */

export interface Settings {
  readonly databaseUrl: string
  readonly migrateUrl: string
  readonly port: number
  /** Where the other services reach it. */
  readonly peerUrl: string
  readonly auth: Auth
  /** How far its clock is from the machine's, in milliseconds. */
  readonly ahead: number
}

/** What the parent says: how far the clock is now, or that it is over. */
export type Order = { readonly ahead: number } | 'stop'

// The terminal's Ctrl-C reaches this process, too; the hammer ends it when it ends itself.
process.on('SIGINT', () => {})
// Without the hammer nobody would ever stop it.
process.on('disconnect', () => process.exit(1))

const { databaseUrl, migrateUrl, port, peerUrl, auth, ...given } = JSON.parse(process.env.HAMMER_SERVICE!) as Settings
let { ahead } = given
const service = await createService({
  databaseUrl,
  migrateUrl,
  clock: { now: () => Date.now() + ahead },
  auth,
  logger: pino({ level: 'warn' }),
})
await service.open({ host: '127.0.0.1', port, peerUrl })

process.on('message', async (order: Order) => {
  if (order === 'stop') {
    await service.close()
    process.exit(0)
  }
  ahead = order.ahead
})
process.send!('up')
