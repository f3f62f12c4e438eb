import { createHmac, createPublicKey, generateKeyPairSync, KeyObject, sign } from 'node:crypto'
import Fastify, { type FastifyInstance } from 'fastify'
import { exportJWK, type JWK } from 'jose'
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { ManualClock } from '../../src/core/time.js'
import { type Auth, authorise, builtInIssuer, type Directory, registerAuth } from '../../src/platform/auth.js'
import type { Operation } from '../../src/platform/permissions.js'
import { errorHandler } from '../../src/platform/problems.js'
import { newPair, type Pair, signed, TestIssuer } from '../support/issuer.js'
import { uscc } from '../support/scene.js'
import { china, testService } from '../support/service.js'

/** Tokens of identity platforms: what is accepted, as whom, and what is not, against a real issuer on loopback. */

const START = china('2026-03-02')
const MINUTE = 60_000
const now = START / 1000

const [good, second, rsa, ed, stranger] = await Promise.all([
  newPair('k1'),
  newPair('k2'),
  newPair('r1', 'RS256'),
  newPair('e1', 'EdDSA'),
  newPair('k1'),
])

const officer = {
  sub: 'Li',
  organisation: 'Bureau',
  jurisdiction: '320000',
  roles: ['officer'],
  aud: 'clearing',
  iat: now,
  exp: now + 3600,
}

interface Door {
  readonly clock: ManualClock
  readonly app: FastifyInstance
  /** Who an operation takes the bearer for, or the code it is refused with. */
  as(token: string, operation?: Operation): Promise<Actor | string>
}

/** The check before every operation, over HTTP, with whom it lets through for an answer. */
async function door(auth: Partial<Auth>, directory?: Directory, trustProxy?: string[]): Promise<Door> {
  const clock = new ManualClock(START)
  const app = Fastify({ ...(trustProxy ? { trustProxy } : {}) })
  app.setErrorHandler<Error>(errorHandler)
  await registerAuth(app, { issuer: 'test', audience: 'test', clock, ...auth }, directory)
  app.get<{ Params: { operation: Operation } }>('/:operation', {
    onRequest: (request) => authorise(request, (request.params as { operation: Operation }).operation),
    handler: (request) => request.actor,
  })
  return {
    clock,
    app,
    async as(token, operation = 'getProgram') {
      const answer = await app.inject({ url: `/${operation}`, headers: { authorization: `Bearer ${token}` } })
      return answer.statusCode === 200 ? answer.json<Actor>() : answer.json<{ code: string }>().code
    },
  }
}

async function openIssuer(...pairs: Pair[]): Promise<TestIssuer> {
  const issuer = await TestIssuer.open()
  t.teardown(() => issuer.close())
  issuer.keys = pairs.map(({ jwk }) => jwk)
  return issuer
}

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const no = 'unauthenticated'

t.test('a good token names a person of its issuer', async (t) => {
  const issuer = await openIssuer(good, rsa, ed)
  const { as, app } = await door({ issuers: [issuer.configured()] })
  for (const pair of [good, rsa, ed]) {
    t.match(await as(await signed(pair, { ...officer, iss: issuer.url })), {
      subject: 'jiangsu:Li',
      organisation: 'jiangsu:Bureau',
      jurisdiction: '320000',
      roles: ['officer'],
      origin: '127.0.0.1',
    })
  }
  t.equal(issuer.fetched, 1)
  const token = await signed(good, { ...officer, iss: issuer.url, aud: ['other', 'clearing'] }, { typ: 'at+jwt' })
  t.match(await as(token), { subject: 'jiangsu:Li' }, 'one of several audiences, as an access token')
  t.equal(await as(await signed(good, { ...officer, iss: issuer.url }), 'approveClaim'), 'role_not_permitted')
  await app.close()
})

t.test('a name with blanks at its ends is nobody, but for the built-in issuer', async (t) => {
  const { signingKey, ...known } = builtInIssuer('test', 'test')
  const rehearsing = await door({ ...known, signingKey })
  const real = await door(known)
  const issuer = await openIssuer(good)
  const theirs = await door({ issuers: [issuer.configured()] })
  for (const sub of ['Li', ' Li', 'Li ', 'Li\u3000']) {
    const { app } = rehearsing
    const token = app.jwt.sign({ organisation: 'Bureau', roles: ['officer'], jurisdiction: '320000' } as object, {
      sub,
    })
    t.match(await rehearsing.as(token), { subject: sub })
    t.match(await real.as(token), sub === 'Li' ? { subject: 'Li' } : no, JSON.stringify(sub))
    const signedBy = await signed(good, { ...officer, sub, iss: issuer.url })
    t.match(await theirs.as(signedBy), sub === 'Li' ? { subject: 'jiangsu:Li' } : no, JSON.stringify(sub))
  }
  for (const { app } of [rehearsing, real, theirs]) await app.close()
})

t.test('tokens that are not good', async (t) => {
  const issuer = await openIssuer(good, rsa, second)
  const elsewhere = await openIssuer(stranger)
  const pinned = issuer.configured({ algorithms: ['ES256', 'RS256'] })
  const { as, app } = await door({ ...builtInIssuer('test', 'test'), issuers: [pinned] })
  const claims = { ...officer, iss: issuer.url }
  const { iat: _iat, exp: _exp, aud: _aud, ...bare } = claims
  const token = await signed(good, claims)
  const [head, body, signature] = token.split('.') as [string, string, string]
  t.match(await as(token), { subject: 'jiangsu:Li' }, 'the one they are made from')

  const hs256 = (secret: string | Buffer) => {
    const input = `${base64url({ alg: 'HS256', typ: 'JWT', kid: 'k1' })}.${body}`
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }
  const key = createPublicKey({ key: good.jwk as never, format: 'jwk' })
  /** Signed by the RSA key, under a header that says something else. */
  const byRsa = (header: object) => {
    const input = `${base64url(header)}.${body}`
    return `${input}.${sign('sha256', Buffer.from(input), KeyObject.from(rsa.privateKey)).toString('base64url')}`
  }

  const bad: Record<string, string> = {
    'alg none': `${base64url({ alg: 'none', typ: 'JWT' })}.${body}.${signature}`,
    'alg none with a key': `${base64url({ alg: 'none', kid: 'k1' })}.${body}.${signature}`,
    'HS256 with the PEM': hs256(key.export({ type: 'spki', format: 'pem' })),
    'HS256 with the DER': hs256(key.export({ type: 'spki', format: 'der' })),
    'HS256 with the JWK': hs256(JSON.stringify(good.jwk)),
    'the RSA key as ES256': byRsa({ alg: 'ES256', kid: 'r1', typ: 'JWT' }),
    'the RSA signature under the EC key': byRsa({ alg: 'ES256', kid: 'k1', typ: 'JWT' }),
    'RS256 under the EC key': byRsa({ alg: 'RS256', kid: 'k1', typ: 'JWT' }),
    'an algorithm that is not pinned': byRsa({ alg: 'RS512', kid: 'r1', typ: 'JWT' }),
    'another issuer’s key of the same number': await signed(stranger, claims),
    'another key of this issuer': await signed({ ...second, kid: 'k1' }, claims),
    'an issuer that is not configured': await signed(stranger, { ...claims, iss: elsewhere.url }),
    'no issuer': await signed(good, { ...claims, iss: undefined }),
    'the issuer with a slash': await signed(good, { ...claims, iss: `${issuer.url}/` }),
    'the key’s issuer by name': await signed(good, { ...claims, iss: 'test' }),
    'another audience': await signed(good, { ...claims, aud: 'portal' }),
    'several other audiences': await signed(good, { ...claims, aud: ['portal', 'clearing.example'] }),
    'no audience': await signed(good, { ...bare, exp: now + 60 }),
    'no end': await signed(good, { ...bare, aud: 'clearing' }),
    'an end in words': await signed(good, { ...claims, exp: '2030' as never }),
    'no number of a key': await signed(good, claims, { kid: undefined as never }),
    'a crit header': await signed(good, claims, { crit: ['b64'], b64: true }),
    'another type': await signed(good, claims, { typ: 'logout+jwt' }),
    'another body': `${head}.${base64url({ ...claims, roles: ['approver'] })}.${signature}`,
    'no signature': `${head}.${body}.`,
    'too long': await signed(good, { ...claims, padding: 'x'.repeat(8192) }),
    'no subject': await signed(good, { ...claims, sub: undefined }),
    'a subject of two lines': await signed(good, { ...claims, sub: 'Li\nWu' }),
    'no organisation': await signed(good, { ...claims, organisation: undefined }),
    'roles that are none': await signed(good, { ...claims, roles: { officer: true } }),
  }
  for (const [name, token] of Object.entries(bad)) t.equal(await as(token), no, name)
  t.equal(issuer.fetched, 1, 'and none of them made it fetch again')
  t.equal(elsewhere.fetched, 0)

  const misled = {
    jku: `${elsewhere.url}/keys`,
    x5u: `${elsewhere.url}/keys`,
    jwk: stranger.jwk as never,
  }
  t.equal(await as(await signed(stranger, claims, misled)), no, 'a key or an address of keys in the token')
  t.equal(elsewhere.fetched, 0)
  t.match(await as(await signed(good, claims, misled)), { subject: 'jiangsu:Li' }, 'is not looked at')
  await app.close()
})

t.test('clocks differ by so much and no more', async (t) => {
  const issuer = await openIssuer(good)
  const { as, app } = await door({ issuers: [issuer.configured({ clockSkewSeconds: 60 })] })
  const at = async (over: object) => as(await signed(good, { ...officer, iss: issuer.url, ...over }))
  for (const [name, within, over] of [
    ['expired', { exp: now - 59 }, { exp: now - 60 }],
    ['not yet', { nbf: now + 60 }, { nbf: now + 61 }],
    ['from the future', { iat: now + 60 }, { iat: now + 61 }],
  ] as const) {
    t.match(await at(within), { subject: 'jiangsu:Li' }, `${name}, within the skew`)
    t.equal(await at(over), no, `${name}, beyond it`)
  }
  await app.close()
})

t.test('a token that was seen ends when it says', async (t) => {
  const issuer = await openIssuer(good)
  const { as, clock, app } = await door({ issuers: [issuer.configured()] })
  const token = await signed(good, { ...officer, iss: issuer.url, exp: now + 120 })
  t.match(await as(token), { subject: 'jiangsu:Li' })
  clock.set(START + 149_000)
  t.match(await as(token), { subject: 'jiangsu:Li' }, 'within the skew')
  clock.set(START + 150_000)
  t.equal(await as(token), no)
  await app.close()
})

t.test('keys are rotated and taken back', async (t) => {
  const issuer = await openIssuer(good)
  const { as, clock, app } = await door({ issuers: [issuer.configured()] })
  const [old, young] = await Promise.all(
    [good, second].map((pair) => signed(pair, { ...officer, iss: issuer.url, exp: now + 7200 })),
  )
  t.match(await as(old!), { subject: 'jiangsu:Li' })
  issuer.keys = [good.jwk, second.jwk]
  clock.set(START + MINUTE)
  t.match(await as(young!), { subject: 'jiangsu:Li' }, 'a new key is accepted')
  t.equal(issuer.fetched, 2, 'after one fetch')

  issuer.keys = [second.jwk]
  clock.set(START + 11 * MINUTE - 1)
  t.match(await as(old!), { subject: 'jiangsu:Li' }, 'one that was taken back is believed for ten minutes')
  clock.set(START + 11 * MINUTE)
  t.equal(await as(old!), no, 'and no longer, although the token was seen')
  t.match(await as(young!), { subject: 'jiangsu:Li' })
  t.equal(issuer.fetched, 3)

  issuer.keys = []
  clock.set(START + 12 * MINUTE)
  t.equal(await as(await signed({ ...second, kid: 'k3' }, { ...officer, iss: issuer.url })), no)
  t.equal(await as(young!), no, 'as soon as the keys are fetched for another reason, too')
  await app.close()
})

t.test('one fetch for many, and one in thirty seconds', async (t) => {
  const issuer = await openIssuer(good)
  const { as, clock, app } = await door({ issuers: [issuer.configured()] })
  const claims = { ...officer, iss: issuer.url }
  const unknown = await Promise.all(Array.from({ length: 50 }, (_, n) => signed({ ...good, kid: `x${n}` }, claims)))
  const all = async () => (await Promise.all(unknown.map((token) => as(token)))).every((answer) => answer === no)
  t.ok(await all())
  t.equal(issuer.fetched, 1, 'fifty at once share the first')
  clock.set(START + 29_999)
  t.ok(await all())
  t.equal(issuer.fetched, 1, 'no other within thirty seconds')
  clock.set(START + 30_000)
  t.ok(await all())
  t.equal(issuer.fetched, 2)
  t.match(await as(await signed(good, claims)), { subject: 'jiangsu:Li' }, 'others come in meanwhile')
  t.equal(issuer.fetched, 2)
  await app.close()
})

t.test('an issuer that is away', async (t) => {
  const issuer = await openIssuer(good)
  const { as, clock, app } = await door({ issuers: [issuer.configured()] })
  const claims = { ...officer, iss: issuer.url, exp: now + 7200 }
  const token = await signed(good, claims)
  issuer.instead = (_, response) => response.writeHead(503).end()
  t.equal(await as(token), no, 'without any keys nobody is known')
  clock.set(START + 30_000)
  issuer.instead = undefined
  t.match(await as(token), { subject: 'jiangsu:Li' }, 'thirty seconds later it is asked again')

  issuer.instead = (request) => request.socket.destroy()
  clock.set(START + 30_000 + 59 * MINUTE)
  const before = issuer.asked
  t.match(await as(token), { subject: 'jiangsu:Li' }, 'its last keys are used for an hour')
  t.match(await as(await signed(good, { ...claims, sub: 'Wu' })), { subject: 'jiangsu:Wu' }, 'for new tokens, too')
  t.equal(issuer.asked, before + 1, 'and it is asked once, not for each of them')
  clock.set(START + 30_000 + 60 * MINUTE)
  t.equal(await as(token), no, 'and no longer')
  issuer.instead = undefined
  clock.set(START + 31_000 + 60 * MINUTE)
  t.equal(await as(token), no)
  clock.set(START + 60_000 + 60 * MINUTE)
  t.match(await as(token), { subject: 'jiangsu:Li' }, 'until it is back')
  await app.close()
})

t.test('an issuer that is not what it should be', async (t) => {
  const other = await openIssuer(good)
  const keysOf = ({ url }: TestIssuer) => `${url}/keys`
  const cases: Record<string, (issuer: TestIssuer) => void> = {
    'it speaks for another issuer': (issuer) => {
      issuer.document = { issuer: other.url }
    },
    'its name has a slash more': (issuer) => {
      issuer.document = { issuer: `${issuer.url}/` }
    },
    'its keys are on plain http elsewhere': (issuer) => {
      issuer.document = { jwks_uri: keysOf(other).replace('127.0.0.1', '0.0.0.0') }
    },
    'its keys are in a file': (issuer) => {
      issuer.document = { jwks_uri: 'file:///keys' }
    },
    'its document is sent on': (issuer) => {
      issuer.instead = (request, response) =>
        response.writeHead(302, { location: other.url + request.url!.slice('/realm'.length) }).end()
    },
    'its keys are sent on to another host': (issuer) => {
      issuer.instead = (request, response) =>
        request.url === '/realm/keys'
          ? response.writeHead(302, { location: keysOf(other) }).end()
          : response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: keysOf(issuer) }))
    },
    'its keys are huge': (issuer) => {
      issuer.keys = [{ ...good.jwk, padding: 'x'.repeat(300_000) } as never]
    },
    'its keys never end': (issuer) => {
      issuer.instead = (request, response) => {
        if (request.url !== '/realm/keys') {
          response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: keysOf(issuer) }))
          return
        }
        const more = () => {
          while (!response.destroyed && response.write(' '.repeat(65_536)));
        }
        response.on('drain', more)
        more()
      }
    },
    'it never answers': (issuer) => {
      issuer.instead = () => {}
    },
    'its keys are too many': (issuer) => {
      issuer.keys = Array.from({ length: 101 }, () => good.jwk)
    },
    'its keys are not JSON': (issuer) => {
      issuer.instead = (_, response) => response.end('<html>')
    },
    'its key is for encryption': (issuer) => {
      issuer.keys = [{ ...good.jwk, use: 'enc' }]
    },
    'its key is not for checking': (issuer) => {
      issuer.keys = [{ ...good.jwk, use: undefined, key_ops: ['deriveKey'] } as never]
    },
    'its key is for another algorithm': (issuer) => {
      issuer.keys = [{ ...good.jwk, alg: 'ES384' }]
    },
    'its key is a secret': (issuer) => {
      issuer.keys = [{ kty: 'oct', k: 'AAAA', kid: 'k1' }]
    },
  }
  for (const [name, spoil] of Object.entries(cases)) {
    const issuer = await openIssuer(good)
    spoil(issuer)
    const { as, app } = await door({ issuers: [issuer.configured()] })
    t.equal(await as(await signed(good, { ...officer, iss: issuer.url })), no, name)
    await app.close()
  }
  t.equal(other.fetched, 0, 'nobody was sent to another')
})

t.test('a key that is weak, or whose private half was published, is not used', async (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const input = (issuer: TestIssuer) =>
    `${base64url({ alg: 'RS256', kid: 'w1' })}.${base64url({ ...officer, iss: issuer.url })}`
  const issuer = await openIssuer()
  issuer.keys = [
    { ...(await exportJWK(good.privateKey)), kid: 'k1' },
    { ...(weak.publicKey.export({ format: 'jwk' }) as JWK), kid: 'w1' },
    second.jwk,
  ]
  const { as, app } = await door({ issuers: [issuer.configured()] })
  t.equal(await as(await signed(good, { ...officer, iss: issuer.url })), no)
  const signature = sign('sha256', Buffer.from(input(issuer)), weak.privateKey).toString('base64url')
  t.equal(await as(`${input(issuer)}.${signature}`), no)
  t.match(await as(await signed(second, { ...officer, iss: issuer.url })), { subject: 'jiangsu:Li' }, 'others are')
  await app.close()
})

t.test('our words, where they stand in its tokens', async (t) => {
  const issuer = await openIssuer(good)
  const enterprise = uscc(1)
  const { as, app } = await door({
    issuers: [
      issuer.configured({
        roleNames: { KJT_JBR: 'officer', KJT_FH: 'approver', FIRM: 'enterprise', ROOT: 'operator' },
        claims: {
          subject: 'user.id',
          organisation: 'https://portal.example/org.code',
          jurisdiction: 'user.office.area',
          roles: 'resource_access.clearing.roles',
        },
      }),
    ],
  })
  const claims = (roles: unknown, organisation = '科技厅') => ({
    iss: issuer.url,
    aud: 'clearing',
    exp: now + 60,
    sub: 'somebody else',
    roles: ['finance'],
    user: { id: '2023-118', office: { area: '320500' } },
    'https://portal.example/org.code': organisation,
    resource_access: { clearing: { roles } },
  })
  const asRoles = async (roles: unknown, organisation?: string) => as(await signed(good, claims(roles, organisation)))
  t.match(await asRoles(['KJT_FH', 'KJT_JBR', 'KJT_FH', 'unknown', 'auditor', 'constructor']), {
    subject: 'jiangsu:2023-118',
    organisation: 'jiangsu:科技厅',
    jurisdiction: '320500',
    roles: ['officer', 'approver'],
  })
  t.match(await asRoles('openid KJT_JBR'), { roles: ['officer'] }, 'as words with spaces between')
  t.equal(await asRoles(['auditor', 'unknown']), 'role_not_permitted', 'names that are not mapped give nothing')
  t.equal(await asRoles(undefined), 'role_not_permitted')
  t.equal(await asRoles(['ROOT']), 'role_not_permitted', 'operator is not given unless the issuer may')
  const firm = (await asRoles(['FIRM'], enterprise)) as Actor
  t.match(firm, { subject: 'jiangsu:2023-118', organisation: enterprise, roles: ['enterprise'] })
  t.equal(firm.jurisdiction, undefined, 'a firm has no jurisdiction')
  t.equal(await asRoles(['FIRM']), no, 'a firm goes by its credit code')
  t.match(
    await asRoles(['KJT_JBR'], enterprise),
    { organisation: `jiangsu:${enterprise}` },
    'and nobody becomes a firm by its code alone',
  )
  await app.close()

  const fixed = issuer.configured({
    name: 'suzhou',
    roles: ['operator', 'officer'],
    claims: { organisation: { value: '苏州市科技局' }, jurisdiction: { value: '320500' } },
  })
  const town = await door({ issuers: [fixed] })
  t.match(
    await town.as(await signed(good, { ...officer, iss: issuer.url, roles: ['operator', 'finance', 'officer'] })),
    {
      organisation: 'suzhou:苏州市科技局',
      jurisdiction: '320500',
      roles: ['operator', 'officer'],
    },
  )
  await town.app.close()
})

t.test('an issuer speaks for its own tree', async (t) => {
  const issuer = await openIssuer(good)
  const trees: readonly (readonly [string[], Record<string, boolean>])[] = [
    [['320000'], { 320000: true, 320500: true, 320509: true, 330000: false, 310000: false, '000000': false }],
    [['320500'], { 320000: false, 320500: true, 320509: true, 320100: false, '000000': false }],
    [['320509'], { 320000: false, 320500: false, 320509: true, 320508: false, '000000': false }],
    [['320509', '330000'], { 320509: true, 330100: true, 320000: false }],
    [['000000'], { '000000': true, 310000: true, 340100: true }],
  ]
  for (const [jurisdictions, said] of trees) {
    const { as, app } = await door({ issuers: [issuer.configured({ jurisdictions })] })
    for (const [jurisdiction, isAccepted] of Object.entries(said)) {
      const answer = await as(await signed(good, { ...officer, iss: issuer.url, jurisdiction }))
      const name = `${jurisdictions} says ${jurisdiction}`
      if (isAccepted) t.match(answer, { jurisdiction }, name)
      else t.equal(answer, no, name)
    }
    for (const jurisdiction of ['32', '', 320000, null]) {
      t.equal(await as(await signed(good, { ...officer, iss: issuer.url, jurisdiction })), no, `${jurisdiction}`)
    }
    await app.close()
  }
})

t.test('two issuers and the one key: three persons', async (t) => {
  const [su, zhe] = [await openIssuer(good), await openIssuer(second)]
  const key = builtInIssuer('test', 'test')
  const issuers = [su.configured(), zhe.configured({ name: 'zhejiang', jurisdictions: ['330000'] })]
  const { as, app } = await door({ ...key, issuers })
  const plain = (sub: string, organisation = 'Bureau') =>
    app.jwt.sign({ organisation, jurisdiction: '320000', roles: ['officer'] } as object, { sub })
  const persons = [
    await as(await signed(good, { ...officer, iss: su.url })),
    await as(await signed(second, { ...officer, iss: zhe.url, jurisdiction: '330000' })),
    await as(plain('Li')),
  ] as Actor[]
  t.same(
    persons.map(({ subject, organisation }) => `${subject} ${organisation}`),
    ['jiangsu:Li jiangsu:Bureau', 'zhejiang:Li zhejiang:Bureau', 'Li Bureau'],
  )
  t.equal(await as(await signed(second, { ...officer, iss: su.url })), no, 'one with the other’s key')
  t.equal(await as(plain('jiangsu:Li')), no, 'the one key names nobody of an issuer')
  t.equal(await as(plain('Li', 'zhejiang:Bureau')), no, 'and no bureau of one')
  t.match(await as(plain('anhui:Li')), { subject: 'anhui:Li' }, 'other names are its own')
  await app.close()
})

t.test('the register of people is asked', async (t) => {
  const issuer = await openIssuer(good)
  const asked: object[] = []
  const directory: Directory = {
    seatOf: async () => '320509',
    async standingOf(who) {
      asked.push(who)
      return {
        roles: who.subject === 'jiangsu:Li' ? ['approver', 'officer'] : [],
        principals: who.subject === 'jiangsu:Li' ? ['jiangsu:Wu'] : [],
        isBarred: who.subject === 'jiangsu:Zhao',
      }
    },
  }
  const { as, app } = await door({ issuers: [issuer.configured()] }, directory)
  const of = async (over: object) => as(await signed(good, { ...officer, iss: issuer.url, ...over }), 'getProgram')
  t.match(await of({}), { roles: ['officer', 'approver'], principals: ['jiangsu:Wu'] })
  t.same(asked, [{ subject: 'jiangsu:Li', organisation: 'jiangsu:Bureau', jurisdiction: '320000', reach: ['320000'] }])
  t.match(await of({ roles: [] }), { roles: ['approver', 'officer'] }, 'roles may come from it alone')
  t.equal(await of({ roles: [], sub: 'Wu' }), 'role_not_permitted')
  t.equal(await of({ sub: 'Zhao' }), 'person_barred')
  asked.length = 0
  t.match(await of({ sub: 'Zhao', roles: ['enterprise', 'provider'], organisation: uscc(1) }), {
    subject: 'jiangsu:Zhao',
  })
  t.same(asked, [], 'but not of firms and providers')
  await of({ roles: ['enterprise', 'auditor'], organisation: uscc(1) })
  t.equal(asked.length, 1, 'unless they are something else as well')
  t.equal(await as('a.b.c'), no)
  t.equal(asked.length, 1, 'and not for a token that is not good')
  await app.close()
})

t.test('where a request came from', async (t) => {
  const issuer = await openIssuer(good)
  const headers = {
    authorization: `Bearer ${await signed(good, { ...officer, iss: issuer.url })}`,
    'x-forwarded-for': '203.0.113.9, 10.1.2.3',
  }
  for (const [proxies, origin] of [
    [undefined, '127.0.0.1'],
    [['10.0.0.0/8'], '127.0.0.1'],
    [['127.0.0.1'], '10.1.2.3'],
    [['127.0.0.1', '10.0.0.0/8'], '203.0.113.9'],
  ] as const) {
    const { app } = await door({ issuers: [issuer.configured()] }, undefined, proxies && [...proxies])
    t.equal((await app.inject({ url: '/getProgram', headers })).json<Actor>().origin, origin, `${proxies}`)
    await app.close()
  }
})

t.test('over the whole service', async (t) => {
  const [su, zhe] = [await openIssuer(good), await openIssuer(second)]
  const clock = new ManualClock(START)
  const issuers = [su.configured(), zhe.configured({ name: 'zhejiang', jurisdictions: ['330000'] })]
  const { base, close } = await testService('2026-03-02', { issuers, clock })
  const ask = async (token: string, path: string, key?: string) => {
    const response = await fetch(base + path, {
      method: key ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${token}`, ...(key ? { 'idempotency-key': key } : {}) },
    })
    return { status: response.status, body: (await response.json()) as { code?: string } }
  }
  const jiangsu = (over: object = {}) => signed(good, { ...officer, iss: su.url, ...over })
  const zhejiang = (over: object = {}) => signed(second, { ...officer, iss: zhe.url, jurisdiction: '330000', ...over })

  const reads = async (token: string, book: string) => (await ask(token, `/v1/books/${book}/accounts`)).status
  t.equal(await reads(await jiangsu(), '320000'), 200)
  t.equal(await reads(await jiangsu(), '320509'), 200, 'a province’s officer reads its tree')
  t.equal(await reads(await jiangsu(), '330000'), 403)
  const county = await jiangsu({ jurisdiction: '320509' })
  t.equal(await reads(county, '320509'), 200)
  for (const book of ['320500', '320000', '320508'])
    t.equal(await reads(county, book), 403, 'a county’s reach ends there')
  t.match(await ask(await jiangsu({ jurisdiction: '330000' }), '/v1/books'), { status: 401, body: { code: no } })
  t.match(await ask(await zhejiang({ iss: su.url }), '/v1/books'), { status: 401, body: { code: no } })

  // A refusal is kept with its key, like any answer.
  const verify = (token: string) => ask(token, '/v1/orders/O320509-1/verification', 'K-1')
  t.match(await verify(await jiangsu()), { status: 404, body: { code: 'order_not_found' } })
  t.match(await verify(await jiangsu()), { status: 404, body: { code: 'order_not_found' } }, 'the same person again')
  t.match(await verify(await jiangsu({ sub: 'Wu' })), { status: 422, body: { code: 'idempotency_key_reused' } })
  t.match(await verify(await zhejiang()), { status: 404 }, 'not reached from another issuer’s bureau of the same name')
  await close()
})
