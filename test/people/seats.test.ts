/** Whose firms an identity platform speaks for: real issuers, the whole service, and two platforms that want one firm. */
import t from 'tap'
import type { Actor } from '../../src/core/actor.js'
import { ManualClock } from '../../src/core/time.js'
import { registerEnterpriseCommand } from '../../src/enterprises/commands.js'
import { permissions, registering } from '../../src/platform/permissions.js'
import { registerProviderCommand } from '../../src/providers/commands.js'
import { newPair, signed, TestIssuer } from '../support/issuer.js'
import { START, withLab } from '../support/lab.js'
import { bureau, firm, uscc } from '../support/scene.js'
import { testService } from '../support/service.js'

const elsewhere = { status: 403, body: { code: 'not_your_platform' } }
const pair = await newPair('k1')

/** A service with identity platforms of these jurisdictions; `of` asks with a token of one. */
async function platforms(jurisdictions: Readonly<Record<string, readonly string[]>>) {
  const issuers = await Promise.all(
    Object.entries(jurisdictions).map(async ([name, tops]) => {
      const issuer = await TestIssuer.open()
      issuer.keys = [pair.jwk]
      t.teardown(() => issuer.close())
      return [name, issuer, issuer.configured({ name, jurisdictions: tops })] as const
    }),
  )
  const clock = new ManualClock(START)
  const service = await testService('2026-03-02', { clock, issuers: issuers.map(([, , configured]) => configured) })
  t.teardown(() => service.close())
  const now = START / 1000
  let keys = 0
  async function ask(token: string, method: string, path: string, body?: object, version?: number) {
    const response = await fetch(service.base + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body ? { 'content-type': 'application/json', 'idempotency-key': `k${++keys}` } : {}),
        ...(version === undefined ? {} : { 'if-match': `"${version}"` }),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    // biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
    return { status: response.status, body: (await response.json()) as any }
  }
  return {
    /** Asks as a firm, by a token of the platform of this name. */
    of: async (name: string, organisation: string, roles: readonly string[] = ['enterprise', 'provider']) => {
      const issuer = issuers.find(([one]) => one === name)![1]
      const times = { iat: now, exp: now + 3600 }
      const token = await signed(pair, { iss: issuer.url, aud: 'clearing', sub: 'Wang', organisation, roles, ...times })
      return (method: string, path: string, body?: object, version?: number) => ask(token, method, path, body, version)
    },
    as: (actor: Actor) => (method: string, path: string) => ask(service.token(actor), method, path),
    places: service.service.app.swagger().paths as Record<string, Record<string, { operationId: string }>>,
  }
}

const enterprise = (n: number, division: string) => ({
  uscc: uscc(n),
  name: `企业 ${n}`,
  division,
  types: ['tech_sme'],
})
const provider = (n: number, division: string) => ({
  uscc: uscc(n),
  name: `机构 ${n}`,
  division,
  categories: ['testing'],
})

t.test('a platform speaks for the firms of its own jurisdictions, and registers no other', async (t) => {
  const { of, as, places } = await platforms({
    jiangsu: ['320000'],
    wujiang: ['320509'],
    zhejiang: ['330000'],
    region: ['000000'],
  })
  const [jiangsu, wujiang, zhejiang, region] = await Promise.all(
    ['jiangsu', 'wujiang', 'zhejiang', 'region'].map((name) => of(name, uscc(1))),
  )
  const me = `/v1/enterprises/${uscc(1)}`

  // Registered nowhere yet: every door is closed but that of registering, and all of them say the same.
  const before = await zhejiang!('GET', me)
  t.match(before, elsewhere)
  for (const [path, methods] of Object.entries(places)) {
    for (const [method, { operationId }] of Object.entries(methods)) {
      if (!Object.hasOwn(permissions, operationId) || (registering as readonly string[]).includes(operationId)) continue
      const answer = await jiangsu!(
        method.toUpperCase(),
        path.replaceAll(/\{\w+\}/g, 'x'),
        method === 'post' ? {} : undefined,
      )
      t.match(answer, elsewhere, operationId)
    }
  }
  t.match(await jiangsu!('POST', '/v1/enterprises', enterprise(1, '330106')), elsewhere, 'not in another province')
  t.match(await wujiang!('POST', '/v1/enterprises', enterprise(1, '320508')), elsewhere, 'not in a sister county')
  t.match(await zhejiang!('POST', '/v1/providers', provider(1, '320509')), elsewhere)
  t.match(await jiangsu!('POST', '/v1/enterprises', enterprise(2, '320509')), {
    body: { code: 'not_your_organisation' },
  })
  t.match(await jiangsu!('POST', '/v1/enterprises', enterprise(1, '320509')), { status: 201 })

  for (const [name, ask] of Object.entries({ jiangsu, wujiang, region })) {
    t.match(await ask!('GET', me), { status: 200, body: { division: '320509' } }, `${name}, at once`)
  }
  const { traceId: _, instance: __, ...told } = (await zhejiang!('GET', me)).body
  const { traceId: ___, instance: ____, ...unknown } = before.body
  t.same(told, unknown, 'a platform cannot tell a firm of another from one that is registered nowhere')
  for (const path of ['/v1/me', '/v1/programs', '/v1/orders', `/v1/providers/${uscc(1)}`]) {
    t.match(await zhejiang!('GET', path), elsewhere, path)
  }
  t.match(await zhejiang!('POST', `${me}/profile`, { division: '330106', reason: '迁移' }, 1), elsewhere)
  t.match(await zhejiang!('POST', '/v1/providers', provider(1, '330106')), elsewhere, 'nor make it its own')
  t.match(await zhejiang!('POST', '/v1/enterprises', enterprise(1, '330106')), elsewhere)
  const auditor = await of('zhejiang', uscc(1), ['enterprise', 'auditor'])
  t.match(await auditor('GET', me), elsewhere, 'nor with another role beside')
  t.match(await as(firm(uscc(1)))('GET', me), { status: 200 }, 'the one key is of all of them')
  t.match(await as(bureau('330000'))('GET', me), { status: 200 }, 'and bureaus read it as before')

  // A move is asked for where the firm is; then its new home speaks for it.
  t.match(await jiangsu!('POST', `${me}/profile`, { division: '330106', reason: '迁移' }, 1), { status: 200 })
  await new Promise((resolve) => setTimeout(resolve, 1050)) // what was read is believed for a second
  t.match(await jiangsu!('GET', me), elsewhere, 'not any more')
  t.match(await zhejiang!('GET', me), { status: 200, body: { division: '330106' } })
})

withLab(t, 'of two platforms that register one code at once, one does', async (t, { engine }) => {
  const { engine: runner } = engine()
  const of = (reach: string): Actor => ({ ...firm(uscc(1)), reach: [reach] })
  const outcomes = await Promise.all([
    runner.run({ type: registerEnterpriseCommand as never, command: enterprise(1, '320509'), actor: of('320000') }),
    runner.run({ type: registerProviderCommand as never, command: provider(1, '330106'), actor: of('330000') }),
  ])
  t.match(outcomes, [{ event: { uscc: uscc(1) } }, { refused: 'not_your_platform' }])
  t.match(
    await runner.run({ type: registerProviderCommand as never, command: provider(1, '320508'), actor: of('320000') }),
    { event: { uscc: uscc(1) } },
    'both of one platform it may be',
  )
})
