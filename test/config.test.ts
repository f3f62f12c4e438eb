import { generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import t from 'tap'
import { keyRing } from '../src/bank-accounts/seal.js'
import { ConfigError, readConfig } from '../src/config.js'
import { builtInIssuer } from '../src/platform/auth.js'
import { networkOf } from '../src/webhooks/target.js'

const key = builtInIssuer('x', 'x').publicKey
const DATABASE_URL = 'postgres://service:secret@db.example:5432/clearing'

function faultOf(env: NodeJS.ProcessEnv): string {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'accepted'
}

t.test('nothing set: the embedded default on loopback', async (t) => {
  const config = readConfig({})
  t.match(config, { host: '127.0.0.1', port: 3000, production: false, tokenIssuer: 'clearing', logLevel: 'info' })
  t.equal(config.databaseUrl, undefined)
  t.equal(config.tokenPublicKey, undefined)
  t.ok(config.dataRoot)
  t.ok(Object.isFrozen(config))
  t.same(readConfig({ PORT: '', DATABASE_URL: '', HOST: '' }), config, 'an empty variable is absent')
})

const sealKey = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

t.test('a key to sign logs with needs the name they are published under', async (t) => {
  t.match(faultOf({ SEAL_KEY: sealKey }), /SEAL_ORIGIN is needed/)
  t.equal(readConfig({}).sealOrigin, 'clearing.localhost')
})
const accountKey = `new:${Buffer.alloc(32, 1).toString('base64')},old:${Buffer.alloc(32, 2).toString('base64')}`

t.test('everything set', async (t) => {
  const config = readConfig({
    HOST: '0.0.0.0',
    PORT: '8080',
    DATABASE_URL,
    MIGRATE_DATABASE_URL: 'postgresql://owner@db.example/clearing',
    DATA_DIR: '/data',
    TOKEN_PUBLIC_KEY: key,
    TOKEN_ISSUER: 'https://id.example',
    TOKEN_AUDIENCE: 'vouchers',
    TRUST_PROXY: '10.0.0.0/8, ::1',
    WEBHOOK_KEY: 'k'.repeat(32),
    ACCOUNT_KEY: accountKey,
    ACCOUNT_COOLING_DAYS: '5',
    WEBHOOK_PRIVATE_TARGETS: '10.20.0.0/16, ::1',
    SEAL_KEY: sealKey,
    SEAL_ORIGIN: 'clearing.example/log',
    RATE_LIMIT_ADDRESS: '600',
    RATE_LIMIT_ORGANISATION: '60',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
  })
  t.same(config, {
    host: '0.0.0.0',
    port: 8080,
    databaseUrl: DATABASE_URL,
    migrateDatabaseUrl: 'postgresql://owner@db.example/clearing',
    dataRoot: '/data',
    documentRoot: '/data/documents',
    tokenPublicKey: key,
    tokenIssuer: 'https://id.example',
    tokenAudience: 'vouchers',
    tokenIssuers: undefined,
    trustProxy: ['10.0.0.0/8', '::1'],
    webhookKey: 'k'.repeat(32),
    accountKey: keyRing(accountKey),
    accountCoolingDays: 5,
    webhookPrivateTargets: [networkOf('10.20.0.0/16'), networkOf('::1')],
    sealKey,
    sealOrigin: 'clearing.example/log',
    witnessFile: '/data/sealed.json',
    limits: { address: 600, organisation: 60 },
    tracing: true,
    production: true,
    logLevel: 'warn',
  })
})

t.test('documents beside the data, or where it is said', async (t) => {
  t.equal(readConfig({ DATA_DIR: '/data', DOCUMENT_DIR: '/files' }).documentRoot, '/files')
})

t.test('every variable that is wrong is named, all at once', async (t) => {
  const message = faultOf({
    PORT: 'http',
    DATABASE_URL: 'mysql://x',
    MIGRATE_DATABASE_URL: 'here',
    TOKEN_PUBLIC_KEY: 'secret',
    TOKEN_ISSUERS: 'none.json',
    TRUST_PROXY: 'proxy.example',
    WEBHOOK_KEY: 'short',
    ACCOUNT_KEY: 'old:short',
    ACCOUNT_COOLING_DAYS: '91',
    WEBHOOK_PRIVATE_TARGETS: '10.0.0.0/33',
    SEAL_KEY: key,
    SEAL_ORIGIN: 'a b',
    RATE_LIMIT_ADDRESS: '0',
    RATE_LIMIT_ORGANISATION: 'many',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'collector',
    LOG_LEVEL: 'loud',
  })
  for (const name of [
    'PORT',
    'DATABASE_URL',
    'MIGRATE_DATABASE_URL',
    'TOKEN_PUBLIC_KEY',
    'TOKEN_ISSUERS',
    'TRUST_PROXY',
    'WEBHOOK_KEY',
    'ACCOUNT_KEY',
    'ACCOUNT_COOLING_DAYS',
    'WEBHOOK_PRIVATE_TARGETS',
    'SEAL_KEY',
    'SEAL_ORIGIN',
    'RATE_LIMIT_ADDRESS',
    'RATE_LIMIT_ORGANISATION',
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'LOG_LEVEL',
  ]) {
    t.match(message, new RegExp(`^ {2}${name}: \\S`, 'm'), name)
  }
  t.notMatch(message, /old:short/, 'a key that is wrong is secret all the same')
  t.match(message, /环境变量有误/)
  for (const PORT of ['-1', '65536', '80.5', 'NaN', '0x50', '1e3', ' ']) {
    t.match(faultOf({ PORT }), /PORT: /, `PORT ${JSON.stringify(PORT)}`)
  }
  t.equal(readConfig({ PORT: '0' }).port, 0)
  for (const TRUST_PROXY of ['true', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.1/8/8', '127.0.0.1,', 'loopback']) {
    t.match(faultOf({ TRUST_PROXY }), /TRUST_PROXY: /, TRUST_PROXY)
  }
})

t.test('the built-in issuer runs on nobody else’s database and never in production', async (t) => {
  for (const env of [{ DATABASE_URL }, { NODE_ENV: 'production' }, { NODE_ENV: 'production', DATABASE_URL }]) {
    t.match(faultOf(env), /TOKEN_PUBLIC_KEY is needed.*需设置 TOKEN_PUBLIC_KEY/, JSON.stringify(env))
    t.equal(readConfig({ ...env, TOKEN_PUBLIC_KEY: key }).tokenPublicKey, key)
  }
  t.equal(faultOf({ NODE_ENV: 'development' }), 'accepted')
  t.notMatch(faultOf({ DATABASE_URL }), /secret/, 'no password in a message')
})

const issuer = {
  name: 'jiangsu',
  issuer: 'https://id.jiangsu.example/realm',
  audience: 'clearing',
  jurisdictions: ['320000'],
  claims: { organisation: 'org', jurisdiction: { value: '320000' } },
}

t.test('issuers of tokens, as JSON or in a file, with what may be left out', async (t) => {
  const { tokenIssuers } = readConfig({ DATABASE_URL, TOKEN_ISSUERS: JSON.stringify([issuer]) })
  t.same(tokenIssuers, [
    {
      ...issuer,
      algorithms: ['RS256', 'ES256', 'EdDSA'],
      clockSkewSeconds: 30,
      roles: ['enterprise', 'provider', 'officer', 'approver', 'finance', 'auditor'],
      roleNames: {
        enterprise: 'enterprise',
        provider: 'provider',
        officer: 'officer',
        approver: 'approver',
        finance: 'finance',
        auditor: 'auditor',
        operator: 'operator',
      },
      claims: { ...issuer.claims, subject: 'sub', roles: 'roles' },
    },
  ])
  const file = join(t.testdir({ 'issuers.json': JSON.stringify([issuer]) }), 'issuers.json')
  t.same(readConfig({ DATABASE_URL, TOKEN_ISSUERS: file }).tokenIssuers, tokenIssuers)
  t.equal(
    readConfig({ NODE_ENV: 'production', TOKEN_ISSUERS: file, TOKEN_PUBLIC_KEY: key }).tokenPublicKey,
    key,
    'both',
  )
})

t.test('what is wrong with an issuer is named by its field', async (t) => {
  const { jurisdictions: _, ...nowhere } = issuer
  const wrong: readonly (readonly [string, unknown])[] = [
    ['TOKEN_ISSUERS', []],
    ['TOKEN_ISSUERS.0.jurisdictions', [nowhere]],
    ['TOKEN_ISSUERS.0.jurisdictions', [{ ...issuer, jurisdictions: [] }]],
    ['TOKEN_ISSUERS.0.jurisdictions.0', [{ ...issuer, jurisdictions: ['110000'] }]],
    ['TOKEN_ISSUERS.0.name', [{ ...issuer, name: 'Jiang:su' }]],
    ['TOKEN_ISSUERS.0.issuer', [{ ...issuer, issuer: 'http://id.jiangsu.example' }]],
    ['TOKEN_ISSUERS.0.issuer', [{ ...issuer, issuer: 'http://127.0.0.1.example' }]],
    ['TOKEN_ISSUERS.0.issuer', [{ ...issuer, issuer: 'https://id.jiangsu.example?x' }]],
    ['TOKEN_ISSUERS.0.issuer', [{ ...issuer, issuer: 'https://a:b@id.jiangsu.example' }]],
    ['TOKEN_ISSUERS.0.audience', [{ ...issuer, audience: '' }]],
    ['TOKEN_ISSUERS.0.algorithms.0', [{ ...issuer, algorithms: ['HS256'] }]],
    ['TOKEN_ISSUERS.0.algorithms.1', [{ ...issuer, algorithms: ['ES256', 'none'] }]],
    ['TOKEN_ISSUERS.0.clockSkewSeconds', [{ ...issuer, clockSkewSeconds: 301 }]],
    ['TOKEN_ISSUERS.0.roles.0', [{ ...issuer, roles: ['root'] }]],
    ['TOKEN_ISSUERS.0.roleNames.KJT', [{ ...issuer, roleNames: { KJT: 'root' } }]],
    ['TOKEN_ISSUERS.0.claims.organisation', [{ ...issuer, claims: {} }]],
    ['TOKEN_ISSUERS.0.claims.jurisdiction', [{ ...issuer, claims: { organisation: 'o', jurisdiction: { is: '1' } } }]],
    ['TOKEN_ISSUERS.1.name', [issuer, { ...issuer, issuer: 'https://id.example' }]],
    ['TOKEN_ISSUERS.1.issuer', [issuer, { ...issuer, name: 'other' }]],
    ['TOKEN_ISSUERS.0', [{ ...issuer, secret: 'x' }]],
  ]
  for (const [field, list] of wrong) {
    const message = faultOf({ DATABASE_URL, TOKEN_ISSUERS: JSON.stringify(list) })
    t.match(message, new RegExp(`^ {2}${field.replaceAll('.', '\\.')}: \\S`, 'm'), field)
  }
  t.match(faultOf({ TOKEN_ISSUERS: '[{' }), /TOKEN_ISSUERS: not valid JSON/)
  t.match(faultOf({ TOKEN_ISSUERS: '/nowhere/issuers.json' }), /TOKEN_ISSUERS: cannot be read \(ENOENT\)/)
  const same = { TOKEN_ISSUERS: JSON.stringify([issuer]), TOKEN_PUBLIC_KEY: key, TOKEN_ISSUER: issuer.issuer }
  t.match(faultOf(same), /TOKEN_ISSUER is one of TOKEN_ISSUERS/)
})
