import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { pino } from 'pino'
import { type Config, ConfigError, readConfig } from './config.js'
import { addDays, dayOf, ManualClock, systemClock } from './core/time.js'
import { sweep } from './deadlines/sweep.js'
import { type Auth, builtInIssuer } from './platform/auth.js'
import { connect, DatabaseError } from './platform/database.js'
import { type EmbeddedPostgres, EmbeddedPostgresError, startEmbeddedPostgres } from './platform/embedded-postgres.js'
import { prepareRoles } from './platform/roles.js'
import { shiftLine } from './rehearsal/lines.js'
import { Player } from './rehearsal/player.js'
import { createService, type Service } from './service.js'

const DEMONSTRATION = fileURLToPath(new URL('../db/seeds/half-year.ndjson', import.meta.url))
const SWEEP_EVERY = 60_000
const STOP_WITHIN = 10_000

interface Database {
  readonly databaseUrl: string
  readonly migrateUrl: string
  stop(): Promise<void>
}

/** The configured database, or a PostgreSQL of our own with an owner's and a service's role. */
async function openDatabase(config: Config): Promise<Database> {
  if (config.databaseUrl !== undefined) {
    const { databaseUrl, migrateDatabaseUrl: migrateUrl = databaseUrl } = config
    return { databaseUrl, migrateUrl, stop: async () => {} }
  }
  const server: EmbeddedPostgres = await startEmbeddedPostgres({
    root: join(config.dataRoot, 'postgres'),
    purpose: 'service',
  })
  return { ...(await prepareRoles(server)), stop: () => server.stop() }
}

/** Plays the demonstration half-year into an empty database, ending yesterday; afterwards nothing is ever seeded. */
async function demonstrate(database: Database, auth: Auth): Promise<void> {
  const sql = connect(database.databaseUrl, 1)
  const [{ isEmpty = false } = {}] = await sql<{ isEmpty: boolean }[]>`
    select not exists (select from commands) as "isEmpty"`.finally(() => sql.end({ timeout: 5 }))
  if (!isEmpty) return
  console.log('Putting a synthetic half-year of the four provinces into the books … 正在写入合成的半年演示数据……')
  const lines: string[] = []
  for await (const line of createInterface({ input: createReadStream(DEMONSTRATION, 'utf8') })) lines.push(line)
  const lastDay = (JSON.parse(lines[lines.length - 1]!) as { at: string }).at.slice(0, 10)
  const yesterday = addDays(dayOf(systemClock.now()), -1)
  const shift = Math.round((Date.parse(yesterday) - Date.parse(lastDay)) / 86_400_000)

  const clock = new ManualClock(0)
  const service = await createService({ ...database, clock, auth })
  try {
    const player = new Player({ base: await service.app.listen({ host: '127.0.0.1', port: 0 }), clock })
    for (const line of lines) await player.play(shiftLine(line, shift))
    await player.finish()
    player.close()
  } finally {
    await service.close()
  }
}

function announce(base: string, isOpen: boolean): void {
  console.log(`
跨区域科技创新券清算服务 · Clearing service for cross-region innovation vouchers

  service    ${base}
  health     ${base}/health
  reference  ${base}/docs            接口文档
  OpenAPI    ${base}/openapi.json`)
  if (!isOpen) return
  const tokenFor = (body: object) =>
    `curl -s ${base}/tokens -H 'content-type: application/json' -d '${JSON.stringify(body)}'`
  const bureau = { organisation: 'bureau 310000', jurisdiction: '310000' }
  console.log(`  overview   ${base}/                (synthetic demonstration data 合成演示数据)

  A token for each role, on this machine only 各角色令牌（仅限本机）:
    enterprise  ${tokenFor({ sub: 'li', organisation: '91310115J1XG612DDT', roles: ['enterprise'] })}
    provider    ${tokenFor({ sub: 'wang', organisation: '52310118RHCCCC3FLF', roles: ['provider'] })}
    officer     ${tokenFor({ sub: 'zhao', ...bureau, roles: ['officer'] })}
    approver    ${tokenFor({ sub: 'qian', ...bureau, roles: ['approver'] })}
    finance     ${tokenFor({ sub: 'sun', organisation: 'region', jurisdiction: '000000', roles: ['finance'] })}
    auditor     ${tokenFor({ sub: 'zhou', organisation: 'audit office', jurisdiction: '000000', roles: ['auditor'] })}
    operator    ${tokenFor({ sub: 'wu', organisation: 'platform', roles: ['operator'] })}

  Stop with Ctrl-C. 按 Ctrl-C 停止。
`)
}

/** Lapses what is overdue once a minute; commands never wait for it. */
function sweepRegularly(service: Service, sql: ReturnType<typeof connect>, log: pino.Logger): () => Promise<void> {
  let running: Promise<unknown> = Promise.resolve()
  const timer = setInterval(() => {
    running = sweep(service.engine, sql, systemClock).catch((error: unknown) =>
      log.error({ err: error }, 'sweep failed'),
    )
  }, SWEEP_EVERY)
  return async () => {
    clearInterval(timer)
    await running
  }
}

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const logger = pino({ level: config.logLevel, redact: ['req.headers.authorization', '*.password', '*.token'] })
  const database = await openDatabase(config)
  try {
    const isEmbedded = config.databaseUrl === undefined
    const auth: Auth = config.tokenPublicKey
      ? { publicKey: config.tokenPublicKey, issuer: config.tokenIssuer, audience: config.tokenAudience }
      : builtInIssuer(config.tokenIssuer, config.tokenAudience)
    const isOpen = auth.signingKey !== undefined
    const clock = systemClock
    const service = await createService({ ...database, clock, auth, logger })
    if (isEmbedded && isOpen) await demonstrate(database, auth)
    if (database.databaseUrl === database.migrateUrl) {
      logger.warn('MIGRATE_DATABASE_URL is not set: the service runs with the role that owns its tables')
    }
    const base = await service.app.listen({ host: config.host, port: config.port })
    const sql = connect(database.databaseUrl, 1)
    const stopSweeping = sweepRegularly(service, sql, logger)
    announce(base, isOpen)

    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    })
    console.log('Stopping: what was accepted is finished first … 正在停止……')
    setTimeout(() => process.exit(1), STOP_WITHIN).unref()
    await stopSweeping()
    await service.close()
    await sql.end({ timeout: 2 })
  } finally {
    await database.stop()
  }
}

main().catch((error: unknown) => {
  const isKnown =
    error instanceof ConfigError || error instanceof DatabaseError || error instanceof EmbeddedPostgresError
  if (isKnown) console.error(error.message)
  else if ((error as { code?: string }).code === 'EADDRINUSE') {
    console.error('The port is taken: set PORT to a free one. 端口已被占用，请以 PORT 指定其他端口。')
  } else console.error(error)
  process.exitCode = 1
})
