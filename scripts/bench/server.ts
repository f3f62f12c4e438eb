import { systemClock } from '../../src/core/time.js'
import { builtInIssuer } from '../../src/platform/auth.js'
import { createService } from '../../src/service.js'
import { testSeal } from '../../test/support/service.js'
import type { Command, Usage } from './child.js'

/** The real service in a process of its own, for the bench: started, asked for its usage and stopped by its parent. */

const answer = (what: object) => process.send!(what)

// The terminal's Ctrl-C reaches this process, too; the bench ends it when it has ended itself.
process.on('SIGINT', () => {})
// Without the bench nobody would ever stop it.
process.on('disconnect', () => process.exit(1))

const { databaseUrl, migrateUrl, queue, isSealed } = JSON.parse(process.env.BENCH_SERVICE!) as {
  databaseUrl: string
  migrateUrl: string
  queue?: number
  isSealed?: boolean
}
const service = await createService({
  databaseUrl,
  migrateUrl,
  clock: systemClock,
  auth: builtInIssuer('bench', 'bench'),
  ...(queue === undefined ? {} : { queue }),
  ...(isSealed ? { seal: testSeal() } : {}),
})
const base = new URL(await service.open({ host: '127.0.0.1', port: 0 }))

process.on('message', async (command: Command) => {
  if (command === 'stop') {
    await service.close()
    process.exit(0)
  }
  const { user, system } = process.cpuUsage()
  answer({ cpu: user + system, peak: process.resourceUsage().maxRSS * 1024 } satisfies Usage)
})
answer({ port: Number(base.port) })
