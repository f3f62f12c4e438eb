import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { type KeyRing, keyRing } from './bank-accounts/seal.js'
import { parseSigningKey } from './core/checkpoint.js'
import { firstHost } from './platform/database.js'
import { type Issuer, issuerList } from './platform/issuers.js'
import type { Limits } from './platform/limits.js'
import { type Networks, networkOf } from './webhooks/target.js'

/** What the service is started with, read once from the environment. */
export interface Config {
  readonly host: string
  readonly port: number
  /** Where other processes of the service reach this one, when that is not where it listens. */
  readonly peerUrl: string | undefined
  /** Any PostgreSQL from 15 on; without it the service runs its own. */
  readonly databaseUrl: string | undefined
  /** The owner's role, for migrations only; by default the service's own. */
  readonly migrateDatabaseUrl: string | undefined
  /** Where the service's own PostgreSQL keeps its data. */
  readonly dataRoot: string
  /** Where uploaded files are kept. */
  readonly documentRoot: string
  /** Public key (PEM) that tokens are checked with; without it and issuers only a developer's machine's own issuer. */
  readonly tokenPublicKey: string | undefined
  readonly tokenIssuer: string
  readonly tokenAudience: string
  /** Identity platforms whose tokens are accepted. */
  readonly tokenIssuers: readonly Issuer[] | undefined
  /** Addresses and networks of proxies in front of the service. */
  readonly trustProxy: readonly string[] | undefined
  /** Without it webhooks are off. */
  readonly webhookKey: string | undefined
  /** Without it no account numbers are taken, but on a developer's machine. */
  readonly accountKey: KeyRing | undefined
  /** In workdays: another account waits so long before payments use it 冷静期. */
  readonly accountCoolingDays: number
  /** Networks of the operator's own that webhooks may be sent to. */
  readonly webhookPrivateTargets: Networks
  /** Private key (PEM, Ed25519) that the logs' checkpoints are signed with. */
  readonly sealKey: string | undefined
  /** The name the logs are published under, such as clearing.example.cn. */
  readonly sealOrigin: string
  /** Where it is remembered what was signed, beside the database. */
  readonly witnessFile: string
  /** How many requests a minute are answered, of one address and of one organisation. */
  readonly limits: Limits
  /** Whether requests and batches are made known to OpenTelemetry. */
  readonly tracing: boolean
  readonly production: boolean
  readonly logLevel: string
}

function isPublicKey(pem: string): boolean {
  try {
    return createPublicKey(pem).type === 'public' && pem.includes('PUBLIC KEY')
  } catch {
    return false
  }
}

/** Several hosts stand with commas between them: `postgres://user@one:5432,two:5432/clearing`. */
const databaseUrl = z
  .string()
  .refine((url) => z.url({ protocol: /^postgres(ql)?$/ }).safeParse(firstHost(url)).success, {
    error: 'not a postgres:// address',
  })

/** The issuers themselves as JSON, or the path of a file with them. */
const tokenIssuers = z
  .string()
  .transform((given, context): unknown => {
    try {
      return JSON.parse(/^\s*\[/.test(given) ? given : readFileSync(given, 'utf8'))
    } catch (error) {
      const { code } = error as { code?: string }
      context.addIssue({ code: 'custom', message: code ? `cannot be read (${code}): ${given}` : 'not valid JSON' })
      return z.NEVER
    }
  })
  .pipe(issuerList)

function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)]!
  return more.length === 0 && most > 0 && (bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most))
}

const perMinute = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'a limit is a number of requests a minute, 1 or more')
  .transform(Number)

const environment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PEER_URL: z.url({ protocol: /^https?$/ }).optional(),
  PORT: z
    .string()
    .regex(/^\d{1,5}$/, 'a port is a number from 0 to 65535')
    .transform(Number)
    .pipe(z.number().max(65535))
    .default(3000),
  DATABASE_URL: databaseUrl.optional(),
  MIGRATE_DATABASE_URL: databaseUrl.optional(),
  DATA_DIR: z.string().min(1).optional(),
  DOCUMENT_DIR: z.string().min(1).optional(),
  TOKEN_PUBLIC_KEY: z.string().refine(isPublicKey, { error: 'not the PEM of a public key' }).optional(),
  TOKEN_ISSUER: z.string().min(1).default('clearing'),
  TOKEN_AUDIENCE: z.string().min(1).default('clearing'),
  TOKEN_ISSUERS: tokenIssuers.optional(),
  TRUST_PROXY: z
    .string()
    .transform((list) => list.split(',').map((one) => one.trim()))
    .refine((list) => list.every(isNetwork), 'not a list of addresses or networks, such as 10.0.0.0/8,127.0.0.1')
    .optional(),
  WEBHOOK_KEY: z.string().min(32, 'at least 32 characters, drawn by chance').optional(),
  ACCOUNT_KEY: z
    .string()
    .transform((text, context) => {
      const ring = keyRing(text)
      if (ring) return ring
      // The text itself is secret: nothing of it is said.
      context.addIssue({
        code: 'custom',
        message: 'not 32 bytes in base64, or several as name:key with commas between',
      })
      return z.NEVER
    })
    .optional(),
  ACCOUNT_COOLING_DAYS: z
    .string()
    .regex(/^\d{1,2}$/, 'a number of workdays from 0 to 90')
    .transform(Number)
    .refine((days) => days <= 90, 'a number of workdays from 0 to 90')
    .default(3),
  WEBHOOK_PRIVATE_TARGETS: z
    .string()
    .transform((list) => list.split(',').map((one) => networkOf(one.trim())))
    .refine((list) => !list.includes(undefined), 'not a list of addresses or networks, such as 10.20.0.0/16')
    .transform((list) => list as unknown as Networks)
    .default([]),
  SEAL_KEY: z
    .string()
    .refine((pem) => parseSigningKey(pem) !== undefined, { error: 'not the PEM of a private Ed25519 key' })
    .optional(),
  SEAL_ORIGIN: z
    .string()
    .regex(/^[^\s+/]+(\/[^\s+/]+)*$/, 'a name such as clearing.example.cn, without blanks, + or a slash at its end')
    .max(200)
    .optional(),
  SEAL_WITNESS: z.string().min(1).optional(),
  RATE_LIMIT_ADDRESS: perMinute.default(60_000),
  RATE_LIMIT_ORGANISATION: perMinute.default(12_000),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  NODE_ENV: z.string().optional(),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
})

export class ConfigError extends Error {}

/** Where the database is: all that a tool needs which only reads it. */
export type DatabaseConfig = Pick<Config, 'databaseUrl' | 'migrateDatabaseUrl' | 'dataRoot'>

/** Reads from the environment where the database is; throws ConfigError as `readConfig` does. */
export function readDatabaseConfig(env: NodeJS.ProcessEnv): DatabaseConfig {
  const e = parse(env)
  return {
    databaseUrl: e.DATABASE_URL,
    migrateDatabaseUrl: e.MIGRATE_DATABASE_URL,
    dataRoot: e.DATA_DIR ?? defaultDataRoot(),
  }
}

/** Reads from the environment what logs are signed with, and where the database is. */
export function readSealConfig(env: NodeJS.ProcessEnv): DatabaseConfig & Pick<Config, 'sealKey' | 'sealOrigin'> {
  const e = parse(env)
  if (e.SEAL_KEY && !e.SEAL_ORIGIN) {
    throw new ConfigError(
      'SEAL_ORIGIN is needed with SEAL_KEY: the name your logs are published under, such as clearing.example.cn. 设置 SEAL_KEY 时须同时设置 SEAL_ORIGIN。',
    )
  }
  return { ...readDatabaseConfig(env), sealKey: e.SEAL_KEY, sealOrigin: e.SEAL_ORIGIN ?? 'clearing.localhost' }
}

/** Reads the environment; throws ConfigError naming every variable that is wrong. Empty variables count as absent. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const e = parse(env)
  const production = e.NODE_ENV === 'production'
  if (!e.TOKEN_PUBLIC_KEY && !e.TOKEN_ISSUERS && (production || e.DATABASE_URL)) {
    throw new ConfigError(
      'TOKEN_PUBLIC_KEY is needed (the PEM of your identity provider), or TOKEN_ISSUERS: the built-in token issuer only runs on the embedded default. 需设置 TOKEN_PUBLIC_KEY 或 TOKEN_ISSUERS：内置令牌签发仅用于本机默认模式。',
    )
  }
  if (e.TOKEN_PUBLIC_KEY && e.TOKEN_ISSUERS?.some(({ issuer }) => issuer === e.TOKEN_ISSUER)) {
    throw new ConfigError(
      'TOKEN_ISSUER is one of TOKEN_ISSUERS: tokens of one issuer are checked in one way. TOKEN_ISSUER 与 TOKEN_ISSUERS 重复。',
    )
  }
  const { sealKey, sealOrigin, ...database } = readSealConfig(env)
  return Object.freeze({
    host: e.HOST,
    port: e.PORT,
    peerUrl: e.PEER_URL,
    ...database,
    documentRoot: e.DOCUMENT_DIR ?? join(database.dataRoot, 'documents'),
    tokenPublicKey: e.TOKEN_PUBLIC_KEY,
    tokenIssuer: e.TOKEN_ISSUER,
    tokenAudience: e.TOKEN_AUDIENCE,
    tokenIssuers: e.TOKEN_ISSUERS,
    trustProxy: e.TRUST_PROXY,
    webhookKey: e.WEBHOOK_KEY,
    accountKey: e.ACCOUNT_KEY,
    accountCoolingDays: e.ACCOUNT_COOLING_DAYS,
    webhookPrivateTargets: e.WEBHOOK_PRIVATE_TARGETS,
    sealKey,
    sealOrigin,
    witnessFile: e.SEAL_WITNESS ?? join(database.dataRoot, 'sealed.json'),
    limits: { address: e.RATE_LIMIT_ADDRESS, organisation: e.RATE_LIMIT_ORGANISATION },
    tracing: e.OTEL_EXPORTER_OTLP_ENDPOINT !== undefined,
    production,
    logLevel: e.LOG_LEVEL,
  })
}

function parse(env: NodeJS.ProcessEnv): z.output<typeof environment> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = environment.safeParse(given)
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  throw new ConfigError(`The environment has faults 环境变量有误:\n  ${faults.join('\n  ')}`)
}

/** As root below /var/lib, where the unprivileged account can reach it; else beside the project. */
function defaultDataRoot(): string {
  if (process.getuid?.() === 0) return '/var/lib/innovation-voucher-clearing'
  return join(process.cwd() === '/' ? homedir() : process.cwd(), '.data')
}
