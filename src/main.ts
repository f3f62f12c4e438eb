import type { Logger } from 'pino'
import { developersRing } from './bank-accounts/key-file.js'
import { resealAll } from './bank-accounts/numbers.js'
import type { KeyRing } from './bank-accounts/seal.js'
import { type Config, ConfigError, readConfig } from './config.js'
import { systemClock } from './core/time.js'
import { openDatabase } from './database.js'
import { sweep } from './deadlines/sweep.js'
import { demonstrate } from './demonstration.js'
import { removeUnnamed } from './documents/sweep.js'
import { type Auth, builtInIssuer } from './platform/auth.js'
import { connect, DatabaseError, type Sql } from './platform/database.js'
import { EmbeddedPostgresError } from './platform/embedded-postgres.js'
import { type FileStore, openFiles } from './platform/files.js'
import { openLog } from './platform/log.js'
import { markTurnover } from './pulls/queries.js'
import { sealKeyOf } from './seal/key.js'
import { Witness } from './seal/witness.js'
import { createService, type Service } from './service.js'
import { settleAll } from './settlement/settle.js'
import { rollUp } from './settlement-reports/roll-up.js'
import { Sender } from './webhooks/sender.js'

const SWEEP_EVERY = 60_000
const STOP_WITHIN = 10_000

function announce(base: string, isOpen: boolean): void {
  console.log(`
跨区域科技创新券清算服务 · Clearing service for cross-region innovation vouchers

  service    ${base}
  health     ${base}/health
  reference  ${base}/docs            接口文档
  OpenAPI    ${base}/openapi.json`)
  if (!isOpen) return
  console.log(`  overview   ${base}/                (synthetic demonstration data 合成演示数据)

  Anyone on this machine may act as anyone 本机可签发任意角色的令牌: POST ${base}/tokens
  or let scripts/ask.mjs do it 或使用 scripts/ask.mjs:
    enterprise  node scripts/ask.mjs enterprise:9131011555PCD7JMY9 GET /v1/vouchers
    provider    node scripts/ask.mjs provider:12330106MKNKNXRQAM GET /v1/orders
    officer     node scripts/ask.mjs officer:310000 GET /v1/orders?state=submitted
    approver    node scripts/ask.mjs approver:310000 GET /v1/orders?state=verified
    finance     node scripts/ask.mjs finance:000000 GET /v1/periods
    auditor     node scripts/ask.mjs auditor:000000 GET /v1/reports/provinces
    operator    node scripts/ask.mjs operator POST /v1/sweeps

  Stop with Ctrl-C. 按 Ctrl-C 停止。
`)
}

/** Once a minute, in the process in charge: lapses what is overdue, goes on with settlements, removes files nobody needs. */
function sweepRegularly(
  service: Service,
  { sql, files, ring, log }: { sql: Sql; files: FileStore; ring: KeyRing | undefined; log: Logger },
): () => Promise<void> {
  let running: Promise<void> | undefined
  const sweepOnce = async () => {
    const failed = (error: unknown) => log.error({ err: error }, 'sweep failed')
    await sweep(service.engine, sql, systemClock).catch(failed)
    await settleAll(service.engine, sql).catch(failed)
    await removeUnnamed(files, sql, systemClock).catch(failed)
    await rollUp(sql).catch(failed)
    await markTurnover(sql).catch(failed)
    if (ring) {
      const sealing = await resealAll(service.engine, sql, ring).catch(failed)
      const { resealed, unreadable } = sealing ?? { resealed: 0, unreadable: [] }
      if (resealed > 0) log.info({ resealed }, 'bank accounts are sealed with the newest key')
      if (unreadable.length > 0) log.error({ unreadable }, 'bank accounts cannot be read: a key is missing')
    }
    running = undefined
  }
  const timer = setInterval(() => {
    if (service.isInCharge) running ??= sweepOnce()
  }, SWEEP_EVERY)
  return async () => {
    clearInterval(timer)
    await running
  }
}

/** Resolves at the first SIGINT or SIGTERM, whenever it comes. */
function stopAsked(): Promise<'stop'> {
  let isStopping = false
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (isStopping) return // a terminal and npm may both pass the same Ctrl-C on
        isStopping = true
        console.log('Stopping: what was accepted is finished first … 正在停止……')
        setTimeout(() => process.exit(1), STOP_WITHIN).unref()
        resolve('stop')
      })
    }
  })
}

/** The identity platforms that are configured; with none the built-in issuer, which `readConfig` allows nowhere else. */
function authOf({ tokenPublicKey, tokenIssuers, tokenIssuer, tokenAudience }: Config): Auth {
  if (!tokenPublicKey && !tokenIssuers) return builtInIssuer(tokenIssuer, tokenAudience)
  return {
    issuer: tokenIssuer,
    audience: tokenAudience,
    ...(tokenPublicKey ? { publicKey: tokenPublicKey } : {}),
    ...(tokenIssuers ? { issuers: tokenIssuers } : {}),
  }
}

async function main(): Promise<void> {
  const config = readConfig(process.env)
  const logger = openLog(config.logLevel)
  const stop = stopAsked()
  const database = await openDatabase(config, logger)
  try {
    const isEmbedded = config.databaseUrl === undefined
    const auth = authOf(config)
    const isOpen = auth.signingKey !== undefined
    const clock = systemClock
    const { trustProxy, limits, tracing, webhookKey: key, webhookPrivateTargets } = config
    const files = openFiles(config.documentRoot)
    const seal = sealKeyOf(config)
    if (!seal) logger.warn('SEAL_KEY is not set: the logs are not sealed 未设置 SEAL_KEY，不封存日志')
    // A database of one's own is a developer's; any other needs a key that is kept apart from it.
    const ring = config.accountKey ?? (isEmbedded && !config.production ? developersRing(config.dataRoot) : undefined)
    const service = await createService({
      ...database,
      clock,
      auth,
      logger,
      files,
      limits,
      tracing,
      ...(trustProxy ? { trustProxy } : {}),
      ...(seal ? { seal, witness: new Witness(config.witnessFile) } : {}),
      ...(ring ? { accounts: { ring, coolingDays: config.accountCoolingDays } } : {}),
      ...(key ? { webhooks: { key, sender: new Sender(webhookPrivateTargets) } } : {}),
    })
    if (database.databaseUrl === database.migrateUrl) {
      logger.warn('MIGRATE_DATABASE_URL is not set: the service runs with the role that owns its tables')
    }
    // Stopped in the middle, the demonstration goes on at the next start.
    const demonstration = isEmbedded && isOpen ? demonstrate(database, auth) : undefined
    const sql = connect(database.databaseUrl, 1)
    if ((await Promise.race([demonstration, stop])) !== 'stop') {
      const base = await Promise.race([service.open(config), stop])
      if (base !== 'stop') {
        const stopSweeping = sweepRegularly(service, { sql, files, ring, log: logger })
        announce(base, isOpen)
        await stop
        await stopSweeping()
      }
    }
    await service.close()
    await sql.end({ timeout: 2 })
  } finally {
    await database.stop()
  }
}

main().then(
  // What a stopped demonstration still had under way ends here.
  () => process.exit(),
  (error: unknown) => {
    const isKnown =
      error instanceof ConfigError || error instanceof DatabaseError || error instanceof EmbeddedPostgresError
    if (isKnown) console.error(error.message)
    else if ((error as { code?: string }).code === 'EADDRINUSE') {
      console.error('The port is taken: set PORT to a free one. 端口已被占用，请以 PORT 指定其他端口。')
    } else console.error(error)
    process.exit(1)
  },
)
