import t from 'tap'
import { ConfigError, readConfig } from '../src/config.js'
import { builtInIssuer } from '../src/platform/auth.js'

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
    NODE_ENV: 'production',
    LOG_LEVEL: 'warn',
  })
  t.same(config, {
    host: '0.0.0.0',
    port: 8080,
    databaseUrl: DATABASE_URL,
    migrateDatabaseUrl: 'postgresql://owner@db.example/clearing',
    dataRoot: '/data',
    tokenPublicKey: key,
    tokenIssuer: 'https://id.example',
    tokenAudience: 'vouchers',
    production: true,
    logLevel: 'warn',
  })
})

t.test('every variable that is wrong is named, all at once', async (t) => {
  const message = faultOf({
    PORT: 'http',
    DATABASE_URL: 'mysql://x',
    MIGRATE_DATABASE_URL: 'here',
    TOKEN_PUBLIC_KEY: 'secret',
    LOG_LEVEL: 'loud',
  })
  for (const name of ['PORT', 'DATABASE_URL', 'MIGRATE_DATABASE_URL', 'TOKEN_PUBLIC_KEY', 'LOG_LEVEL']) {
    t.match(message, new RegExp(`^ {2}${name}: \\S`, 'm'), name)
  }
  t.match(message, /环境变量有误/)
  for (const PORT of ['-1', '65536', '80.5', 'NaN', '0x50', '1e3', ' ']) {
    t.match(faultOf({ PORT }), /PORT: /, `PORT ${JSON.stringify(PORT)}`)
  }
  t.equal(readConfig({ PORT: '0' }).port, 0)
})

t.test('the built-in issuer runs on nobody else’s database and never in production', async (t) => {
  for (const env of [{ DATABASE_URL }, { NODE_ENV: 'production' }, { NODE_ENV: 'production', DATABASE_URL }]) {
    t.match(faultOf(env), /TOKEN_PUBLIC_KEY is needed.*需设置 TOKEN_PUBLIC_KEY/, JSON.stringify(env))
    t.equal(readConfig({ ...env, TOKEN_PUBLIC_KEY: key }).tokenPublicKey, key)
  }
  t.equal(faultOf({ NODE_ENV: 'development' }), 'accepted')
  t.notMatch(faultOf({ DATABASE_URL }), /secret/, 'no password in a message')
})
