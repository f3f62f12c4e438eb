import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { connect as connectSocket } from 'node:net'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import type { Actor } from '../src/core/actor.js'
import { fieldFaults } from '../src/core/faults.js'
import { type RefusalCode, refusals } from '../src/core/refusals.js'
import { ManualClock } from '../src/core/time.js'
import { usccCheckCharacter } from '../src/core/uscc.js'
import { builtInIssuer } from '../src/platform/auth.js'
import { type Operation, permissions, type Role, roles } from '../src/platform/permissions.js'
import { refusalsOf } from '../src/refusals.js'
import { Client } from '../src/rehearsal/client.js'
import { Offices } from '../src/rehearsal/offices.js'
import { createService } from '../src/service.js'
import { china, testDatabase, testRing, testWebhooks } from './support/service.js'

// One service on one database; the tests below run in order, each on what the ones before have left.
const database = await testDatabase()
const clock = new ManualClock(china('2026-03-02'))
const auth = builtInIssuer('test', 'test')
const accounts = { ring: testRing, coolingDays: 3 }
const service = await createService({ ...database, clock, auth, accounts, webhooks: testWebhooks() })
const base = await service.open({ host: '127.0.0.1', port: 0 })
const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {} })
t.teardown(async () => {
  await admin.end()
  await service.close()
  await database.drop()
})

const uscc = (first17: string) => first17 + usccCheckCharacter(first17)
const parties = {
  wujiang: uscc('91320509MA1ABCDE1'),
  pudong: uscc('91310115MA1ABCDE2'),
  lab: uscc('52310115MA1ABCDE3'),
  hangzhou: uscc('91330106MA1ABCDE4'),
}
const firm = (role: Role, code: string): Actor => ({ subject: `${role} ${code}`, organisation: code, roles: [role] })
const bureau = (role: Role, jurisdiction: string, subject = `${role} of ${jurisdiction}`): Actor => ({
  subject,
  organisation: `bureau ${jurisdiction}`,
  roles: [role],
  jurisdiction,
})
const operator: Actor = { subject: 'wu', organisation: 'platform', roles: ['operator'] }

// --- tokens

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const claimsOf = ({ subject, ...rest }: Actor) => {
  const now = Math.floor(Date.now() / 1000)
  return { sub: subject, ...rest, iss: 'test', aud: 'test', iat: now, exp: now + 3600 }
}
function signed(payload: unknown, key = auth.signingKey!, header: object = { alg: 'EdDSA', typ: 'JWT' }): string {
  const input = `${base64(header)}.${base64(payload)}`
  return `${input}.${sign(null, Buffer.from(input), key).toString('base64url')}`
}
const tokens = new Map<string, string>()
function tokenOf(actor: Actor): string {
  const name = JSON.stringify(actor)
  const token = tokens.get(name) ?? signed(claimsOf(actor))
  tokens.set(name, token)
  return token
}

// --- requests

interface Place {
  readonly method: string
  readonly path: string
}
const places = Object.fromEntries(
  Object.entries(service.app.swagger().paths!).flatMap(([path, methods]) =>
    Object.entries(methods as object).map(([method, { operationId }]) => [
      operationId,
      { method: method.toUpperCase(), path },
    ]),
  ),
) as Record<Operation, Place>
/** What takes or gives files; these have tests of their own. */
const notJson: readonly Operation[] = [
  'getVoucherTemplate',
  'uploadVoucherFile',
  'getVoucherFileVerdicts',
  'getStatementTemplate',
  'uploadStatement',
]
const operations = (Object.keys(permissions) as Operation[]).filter((o) => !notJson.includes(o))
const noCommands: Operation[] = ['sweep', 'simulateProgram', 'quoteContract', 'uploadDocument', 'pingWebhook']
const commands = operations.filter((o) => places[o].method === 'POST' && !noCommands.includes(o))

interface Asked {
  readonly actor?: Actor
  readonly token?: string
  readonly params?: Record<string, string>
  /** Params already percent-encoded, as they stand in the address. */
  readonly rawParams?: Record<string, string>
  readonly query?: string
  readonly body?: unknown
  readonly raw?: string | Buffer
  readonly key?: string | null
  readonly headers?: Record<string, string>
}
interface Answer {
  readonly status: number
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
  readonly body: any
  readonly headers: Headers
}

let keys = 0
const faults: string[] = []
const codesSeen = new Set<string>()

async function ask(operation: Operation, asked: Asked = {}): Promise<Answer> {
  const { method, path } = places[operation]
  const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    return asked.rawParams?.[name] ?? encodeURIComponent(asked.params?.[name] ?? 'missing')
  })
  const token = asked.token ?? (asked.actor ? tokenOf(asked.actor) : undefined)
  const payload = asked.raw ?? (asked.body === undefined ? undefined : JSON.stringify(asked.body))
  const response = await fetch(`${base}${url}${asked.query ?? ''}`, {
    method,
    headers: {
      ...(token ? { authorization: `Bearer ${token}` } : {}),
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
      ...(asked.key === null || method === 'GET' ? {} : { 'idempotency-key': asked.key ?? `key-${++keys}` }),
      ...asked.headers,
    },
    ...(payload === undefined || method === 'GET' ? {} : { body: payload }),
  })
  const text = await response.text()
  const isFile = response.headers.has('content-disposition')
  const answer = { status: response.status, text, body: isFile ? {} : JSON.parse(text), headers: response.headers }
  const isAddress = Object.values(asked.rawParams ?? {}).every(isDecodable)
  const wrong = isAddress || response.ok ? wrongWith(operation, answer) : wrongProblem(answer)
  if (wrong) faults.push(`${operation} ${url} ${String(payload).slice(0, 200)} → ${wrong}: ${text.slice(0, 300)}`)
  return answer
}

function isDecodable(text: string): boolean {
  try {
    return decodeURIComponent(text) !== undefined
  } catch {
    return false
  }
}

/** What is answered as a stream, when no other format is asked for. */
const streamed: Partial<Record<Operation, string>> = {
  pullLedger: 'application/x-ndjson',
  pullBook: 'text/csv',
  pullXml: 'application/xml',
}

/** What is not as promised about an answer, whatever was asked; undefined when all is well. */
function wrongWith(operation: Operation, { status, text, body, headers }: Answer): string | undefined {
  if (status >= 500) return 'a fault'
  const promised = streamed[operation] ?? (operation.startsWith('export') ? 'text/csv' : 'application/json')
  if (status < 300) return headers.get('content-type')?.startsWith(promised) ? undefined : `not ${promised}`
  codesSeen.add(body.code)
  if (!refusalsOf[operation].includes(body.code)) return 'a code that the operation does not list'
  return wrongProblem({ status, text, body, headers })
}
function wrongProblem({ status, text, body, headers }: Answer): string | undefined {
  if (!headers.get('content-type')?.startsWith('application/problem+json')) return 'not application/problem+json'
  const entry = refusals[body.code as RefusalCode]
  if (entry?.status !== status || body.status !== status) return 'another status than its code has'
  if (![entry.zh, entry.en].includes(body.title) || !body.detail.startsWith(body.title)) return 'title or detail'
  if (!/^[0-9a-f]{32}$/.test(body.traceId) || typeof body.type !== 'string') return 'no trace or type'
  if (/node_modules|\.ts:| {4}at |postgres|select /.test(text)) return 'it tells its insides'
  for (const { pointer, code, message } of body.errors ?? []) {
    if (!pointer.startsWith('/') || !(code in fieldFaults) || !message) return 'an error without its parts'
  }
  return undefined
}

/** The faults of a refusal as `pointer code`, sorted. */
const pointed = ({ body }: Answer) =>
  (body.errors ?? []).map((e: { pointer: string; code: string }) => `${e.pointer} ${e.code}`).sort()

async function heads(): Promise<unknown> {
  return admin`select book, seq, entries, accounts from clearing.books where seq > 0 order by book`
}
async function unchanged(t: Test, run: () => Promise<void>): Promise<void> {
  const before = await heads()
  await run()
  t.same(await heads(), before, 'nothing changed')
}
function noFaults(t: Test): void {
  t.same(faults.splice(0), [], 'no answer was out of the ordinary')
}

/** Asks and expects it done; returns the receipt's result. */
async function done(t: Test, operation: Operation, asked: Asked, status = 200) {
  const answer = await ask(operation, asked)
  t.equal(answer.status, status, `${operation} ${answer.text.slice(0, 300)}`)
  return answer.body
}

/** What takes two persons, asked by the first and approved by another of the same bureau; returns the receipt. */
async function doneByTwo(t: Test, operation: Operation, asked: Asked & { readonly actor: Actor }) {
  const { result } = await done(t, operation, asked, 202)
  const actor = { ...asked.actor, subject: 'Second', roles: ['approver'] }
  return done(t, 'approveProposal', { actor, params: { proposal: result.proposal } })
}

const sh = '310000'
const wj = '320509'
const region = '000000'
const programOf = (program: string, jurisdiction: string, more: object = {}) => ({
  program,
  jurisdiction,
  ratio: '0.5',
  annualCap: '300000.00',
  orderCap: '100000.00',
  payee: 'provider',
  invoice: 'whole',
  crossRegion: true,
  applyFrom: '2026-01-01',
  applyTo: '2026-12-31',
  useWithinDays: 90,
  claimWithinDays: 60,
  categories: ['testing', 'rnd'],
  enterpriseTypes: ['tech_sme'],
  ...more,
})
const contract = (voucher: string, contractNo: string, more: object = {}) => ({
  voucher,
  provider: parties.lab,
  category: 'testing',
  contractNo,
  contractAmount: '40000.00',
  voucherAmount: '20000.00',
  signedOn: '2026-03-01',
  relatedParty: false,
  ...more,
})

let voucher = ''
let order = ''
const application = 'A320509-1'
let period = 'never closed'
/** One that stays open until the requests that are good are run. */
let proposal = ''

t.test('the whole story across a border, each step by the right person', async (t) => {
  clock.set(china('2026-03-01'))
  const offices = new Offices(new Client(base), tokenOf)
  await offices.agree('2026-03-02', '2026-12-31')
  clock.set(china('2026-03-02'))
  for (const program of [programOf('WJ-2026', wj), programOf('沪券 2026/甲', sh, { payee: 'enterprise' })]) {
    const actor = bureau('approver', program.jurisdiction)
    const { result } = await doneByTwo(t, 'publishProgram', { actor, body: program })
    t.same(result, { program: program.program, jurisdiction: program.jurisdiction })
    const read = await done(t, 'getProgram', { actor: operator, params: { program: program.program } })
    t.match(read, { ...program, pool: '0.00' }, 'what was written is read')
  }
  const finance = bureau('finance', wj)
  const given = await doneByTwo(t, 'appropriate', {
    actor: finance,
    body: { program: 'WJ-2026', amount: '500000.00' },
  })
  t.match(given, { command: 'appropriate', book: wj, seq: 2, entry: 1, day: '2026-03-02' })
  t.same(given.result, { program: 'WJ-2026', amount: '500000.00', pool: '500000.00' })

  for (const [role, code, division] of [
    ['enterprise', parties.wujiang, '320509'],
    ['enterprise', parties.pudong, '310115'],
    ['provider', parties.lab, '310115'],
    ['provider', parties.hangzhou, '330106'],
  ] as const) {
    const isFirm = role === 'enterprise'
    const body = {
      uscc: code,
      name: `合成 ${code}`,
      division,
      ...(isFirm ? { types: ['tech_sme'] } : { categories: ['testing'] }),
    }
    await done(t, isFirm ? 'registerEnterprise' : 'registerProvider', { actor: firm(role, code), body }, 201)
    const read = await done(t, isFirm ? 'getEnterprise' : 'getProvider', {
      actor: firm(role, code),
      params: { uscc: code },
    })
    t.match(read, body)
  }
  const recognition = {
    provider: parties.lab,
    jurisdiction: '320000',
    categories: ['testing'],
    from: '2026-01-01',
    to: '2026-12-31',
  }
  await doneByTwo(t, 'recogniseProvider', { actor: bureau('officer', '320000'), body: recognition })
  const { recognitions } = await done(t, 'getProvider', { actor: operator, params: { uscc: parties.lab } })
  const { provider: _, ...recognised } = recognition
  t.match(recognitions, [{ ...recognised, ended: false }])

  const issue = { enterprise: parties.wujiang, program: 'WJ-2026', amount: '100000.00' }
  const issued = await done(t, 'issueVoucher', { actor: bureau('officer', wj), body: issue }, 201)
  voucher = issued.result.voucher
  t.same(issued.result, { voucher, amount: '100000.00', useBy: '2026-05-31' })
  const enterprise = firm('enterprise', parties.wujiang)
  const provider = firm('provider', parties.lab)
  const filed = await done(t, 'fileOrder', { actor: enterprise, body: contract(voucher, 'HT-1') }, 201)
  order = filed.result.order
  t.match(await done(t, 'getVoucher', { actor: enterprise, params: { voucher } }), {
    ...issue,
    available: '80000.00',
    held: '20000.00',
    issuedOn: '2026-03-02',
    useBy: '2026-05-31',
    lapsedOn: null,
  })

  const params = { order }
  const invoice = { invoiceNo: '26312000000000000017', invoiceAmount: '40000.00' }
  await done(t, 'deliverOrder', { actor: provider, params })
  await done(t, 'confirmOrder', { actor: enterprise, params, body: { score: 95 } })
  await done(t, 'submitClaim', { actor: provider, params, body: invoice })
  await done(t, 'returnClaim', { actor: bureau('officer', wj), params, body: { reason: '补充合同附件' } })
  await done(t, 'submitClaim', { actor: provider, params, body: invoice })
  await done(t, 'verifyClaim', { actor: bureau('officer', wj, 'zhao'), params })
  const self = await ask('approveClaim', { actor: bureau('approver', wj, 'zhao'), params })
  t.equal(self.body.code, 'separation_of_duties')
  const approved = await done(t, 'approveClaim', {
    actor: bureau('approver', wj, 'qian'),
    params,
    body: { amount: '18000.00' },
  })
  t.same(approved.result, { order, state: 'approved', approved: '18000.00', released: '2000.00', payee: parties.lab })
  clock.set(china('2026-03-03'))
  const clawBack = { actor: bureau('approver', wj), params, body: { amount: '3000.00', reason: '核减' } }
  await doneByTwo(t, 'clawBack', clawBack)
  t.match(await done(t, 'getOrder', { actor: provider, params }), {
    ...contract(voucher, 'HT-1', { relatedParty: undefined }),
    ...invoice,
    order,
    state: 'approved',
    held: '0.00',
    approved: '18000.00',
    clawedBack: '3000.00',
    filedOn: '2026-03-02',
    claimBy: '2026-05-01',
    deadline: null,
  })

  clock.set(china('2026-04-02'))
  const clearing = bureau('finance', region)
  period = '2026年3月/第1批'
  const closed = await doneByTwo(t, 'closePeriod', { actor: clearing, body: { period, through: '2026-03-31' } })
  t.equal(closed.result.reaches[wj], 13)
  const expected = {
    period,
    through: '2026-03-31',
    closedOn: '2026-04-02',
    gross: { 310000: {}, 320000: { 310000: '15000.00' }, 330000: {}, 340000: {} },
    net: { 310000: '15000.00', 320000: '-15000.00', 330000: '0.00', 340000: '0.00' },
    instructions: [{ from: '320000', to: '310000', amount: '15000.00' }],
  }
  const reader = bureau('auditor', sh)
  t.match(await done(t, 'getPeriod', { actor: reader, params: { period } }), {
    ...expected,
    paid: false,
    state: 'settled',
  })
  const early = { actor: clearing, params: { period }, key: 'confirmed-too-early' }
  const open = await ask('confirmPayments', early)
  t.match(open, { status: 409, body: { code: 'payments_open' } }, 'nothing is released')
  await offices.release(period)
  const released = await ask('confirmPayments', { actor: clearing, params: { period } })
  t.match(released, { status: 409, body: { code: 'payments_open' } }, 'the bank has not said so')
  await offices.pay(period, 'bank', '2026-04-02')
  t.equal((await done(t, 'getOrder', { actor: enterprise, params })).state, 'paid', 'as soon as the bank says so')
  t.same((await ask('confirmPayments', early)).body.details, open.body.details, 'the same key, the same answer')
  const paid = await doneByTwo(t, 'confirmPayments', { actor: clearing, params: { period } })
  t.same(paid.result, { period, instructions: expected.instructions })
  t.match(await done(t, 'getPeriod', { actor: reader, params: { period } }), { ...expected, paid: true, state: 'paid' })
  t.match((await done(t, 'listPeriods', { actor: reader })).items, [{ period, through: '2026-03-31', paid: true }])
  t.equal((await done(t, 'getOrder', { actor: enterprise, params })).state, 'paid')
  const { provinces } = await done(t, 'reportProvinces', { actor: reader })
  t.match(provinces[310000], { inbound: '15000.00', outbound: '0.00', appropriated: '0.00' })
  t.same(provinces[320000], {
    appropriated: '500000.00',
    pool: '403000.00',
    issued: '100000.00',
    lapsed: '0.00',
    available: '82000.00',
    held: '0.00',
    approved: '18000.00',
    clawedBack: '3000.00',
    outbound: '15000.00',
    inbound: '0.00',
    paid: '15000.00',
    payable: '0.00',
  })
  const asked = await done(t, 'appropriate', { actor: finance, body: { program: 'WJ-2026', amount: '7.00' } }, 202)
  proposal = asked.result.proposal
  noFaults(t)
})

const first = { 'if-match': '"1"' }

/** A good request for every command: what would be done if it were asked as it stands. */
const terms = { by: '320000', categories: ['testing'], from: '2026-01-01', to: '2026-12-31', running: 'complete' }
const agreement = { agreement: '320000-310000-1' }

const listing = { uscc: parties.wujiang, listing: '1' }
const hook = { webhook: `W${wj}-1` }

interface Good {
  readonly actor: Actor
  readonly params?: Record<string, string>
  readonly body: Record<string, unknown>
  /** With the version that is edited. */
  readonly headers?: Record<string, string>
}
const good: Record<string, () => Good> = {
  publishProgram: () => ({ actor: bureau('approver', wj), body: programOf(`P-${++keys}`, wj) }),
  updateEnterprise: () => ({
    actor: firm('enterprise', parties.wujiang),
    params: { uscc: parties.wujiang },
    headers: first,
    body: { contact: '办公室' },
  }),
  declareQualification: () => ({
    actor: firm('enterprise', parties.wujiang),
    params: { uscc: parties.wujiang },
    body: { type: 'tech_sme', certificate: '202632050900000001', from: '2026-01-01', to: '2026-12-31' },
  }),
  verifyQualification: () => ({
    actor: bureau('officer', wj),
    params: { uscc: parties.wujiang, qualification: '1' },
    body: { verdict: 'refused', reason: '不符', evidence: ['证书'] },
  }),
  correctIntegrity: () => ({
    actor: bureau('officer', wj),
    params: listing,
    headers: first,
    body: { verdict: 'removed', reason: '更正' },
  }),
  appealIntegrity: () => ({
    actor: firm('enterprise', parties.wujiang),
    params: listing,
    body: { reason: '申诉' },
  }),
  decideAppeal: () => ({
    actor: bureau('officer', wj),
    params: { ...listing, appeal: '1' },
    body: { verdict: 'upheld', reason: '维持' },
  }),
  acknowledgeIntegrity: () => ({ actor: bureau('officer', wj), params: listing, body: {} }),
  declareRelations: () => ({
    actor: firm('enterprise', parties.wujiang),
    params: { uscc: parties.wujiang },
    body: { shareholders: [] },
  }),
  recordRelations: () => ({
    actor: bureau('officer', wj),
    params: { uscc: parties.wujiang },
    body: { jurisdiction: wj, shareholders: [], source: '公示系统' },
  }),
  offerAgreement: () => ({
    actor: bureau('officer', '320000'),
    body: { accepting: '320000', home: '310000', ...terms },
  }),
  amendAgreement: () => ({ actor: bureau('officer', '320000'), params: agreement, headers: first, body: terms }),
  signAgreement: () => ({
    actor: bureau('officer', '320000'),
    params: agreement,
    headers: first,
    body: { by: '320000' },
  }),
  endAgreement: () => ({ actor: bureau('officer', '320000'), params: agreement, headers: first, body: {} }),
  withdrawProvider: () => ({
    actor: bureau('officer', '330000'),
    body: { provider: parties.hangzhou, jurisdiction: '330000', reason: '注销' },
  }),
  liftSuspension: () => ({
    actor: bureau('officer', '330000'),
    body: { provider: parties.hangzhou, jurisdiction: '330000', reason: '复核' },
  }),
  appoint: () => ({
    actor: bureau('officer', wj),
    body: { person: 'li', jurisdiction: wj, roles: ['officer'], from: '2026-03-02', reason: '新任' },
  }),
  deputise: () => ({
    actor: bureau('officer', wj),
    body: {
      person: 'li',
      principal: 'chen',
      jurisdiction: wj,
      roles: ['officer'],
      from: '2026-03-02',
      to: '2026-03-31',
      reason: '休假',
      rolesFrom: 'token',
    },
  }),
  barPerson: () => ({
    actor: bureau('officer', wj),
    body: { person: 'nobody', jurisdiction: wj, from: '2026-03-02', reason: '离职' },
  }),
  endStanding: () => ({ actor: bureau('officer', wj), body: { person: 'li', standing: 1, reason: '调任' } }),
  supersedeProgram: () => {
    const { program: _, jurisdiction: __, ...rules } = programOf('', wj)
    const params = { program: 'WJ-2026' }
    return { actor: bureau('approver', wj), params, headers: first, body: { effectiveFrom: '2999-01-01', ...rules } }
  },
  draftProgram: () => {
    const { program: _, jurisdiction, ...rules } = programOf('', wj)
    return { actor: bureau('officer', wj), params: { program: `WJ-${++keys}` }, body: { jurisdiction, rules } }
  },
  discardDraft: () => ({
    actor: bureau('officer', wj),
    params: { program: 'WJ-2027' },
    headers: first,
    body: { jurisdiction: wj },
  }),
  appropriate: () => ({ actor: bureau('finance', wj), body: { program: 'WJ-2026', amount: '10.00' } }),
  registerEnterprise: () => {
    const code = uscc(`91320509MA2${String(++keys).padStart(6, '0')}`)
    return { actor: firm('enterprise', code), body: { uscc: code, name: '甲', division: '320509', types: ['micro'] } }
  },
  registerProvider: () => {
    const code = uscc(`91320509MA3${String(++keys).padStart(6, '0')}`)
    return { actor: firm('provider', code), body: { uscc: code, name: '乙', division: '320509', categories: ['rnd'] } }
  },
  updateProvider: () => ({
    actor: firm('provider', parties.hangzhou),
    params: { provider: parties.hangzhou },
    body: {
      qualifications: [{ kind: 'CMA', number: '1', validTo: '2027-01-01' }],
      services: [{ category: 'testing', name: '检测', price: '1.00', unit: '次' }],
      instruments: [],
      contact: { name: '办公室', phone: '1', email: null },
    },
  }),
  reviewProvider: () => ({
    actor: bureau('officer', '330106'),
    params: { provider: parties.hangzhou },
    body: { verdict: 'accepted', noticeDays: 7 },
  }),
  objectToProvider: () => ({
    actor: firm('enterprise', parties.wujiang),
    params: { provider: parties.hangzhou },
    body: { reason: '异议' },
  }),
  decideProviderObjection: () => ({
    actor: bureau('officer', '330106'),
    params: { provider: parties.hangzhou, objection: '1' },
    body: { verdict: 'dismissed', reason: '不成立' },
  }),
  applyRecognition: () => ({
    actor: firm('provider', parties.hangzhou),
    body: { provider: parties.hangzhou, jurisdiction: wj, categories: ['rnd'], from: '2026-01-01', to: '2026-12-31' },
  }),
  refuseRecognition: () => ({
    actor: bureau('officer', wj),
    body: { provider: parties.hangzhou, jurisdiction: wj, reason: '不符' },
  }),
  mapCategory: () => ({
    actor: bureau('officer', '320000'),
    body: { jurisdiction: '320000', localCode: 'JS-1', name: '检测', category: 'testing', from: '2026-01-01' },
  }),
  recogniseProvider: () => ({
    actor: bureau('officer', wj),
    body: { provider: parties.hangzhou, jurisdiction: wj, categories: ['rnd'], from: '2026-01-01', to: '2026-12-31' },
  }),
  suspendRecognition: () => ({
    actor: bureau('officer', '330000'),
    body: { provider: parties.hangzhou, jurisdiction: '330000' },
  }),
  listIntegrity: () => ({
    actor: bureau('officer', region),
    body: { uscc: uscc('91340000MA1ABCDE5'), from: '2026-01-01', to: null, reason: '合成' },
  }),
  issueVoucher: () => ({
    actor: bureau('officer', wj),
    body: { enterprise: parties.wujiang, program: 'WJ-2026', amount: '1.00' },
  }),
  applyVoucher: () => ({
    actor: firm('enterprise', parties.wujiang),
    body: { enterprise: parties.wujiang, program: 'WJ-2026', amount: '1.00' },
  }),
  completeApplication: () => ({
    actor: firm('enterprise', parties.wujiang),
    params: { application },
    headers: first,
    body: { amount: '1.00' },
  }),
  withdrawApplication: () => ({ actor: firm('enterprise', parties.wujiang), params: { application }, body: {} }),
  reviewApplication: () => ({
    actor: bureau('officer', wj),
    params: { application },
    headers: first,
    body: { verdict: 'passed' },
  }),
  reviewApplications: () => ({
    actor: bureau('officer', wj),
    body: { items: [{ application, version: 1, verdict: 'passed' }] },
  }),
  grantApplication: () => ({ actor: bureau('approver', wj), params: { application }, body: {} }),
  extendVoucher: () => ({ actor: bureau('officer', wj), params: { voucher }, body: { reason: '延期' } }),
  cancelVoucher: () => ({ actor: firm('enterprise', parties.wujiang), params: { voucher }, body: {} }),
  recallVoucher: () => ({ actor: bureau('officer', wj), params: { voucher }, body: { reason: '收回' } }),
  suspendVoucher: () => ({ actor: bureau('officer', wj), params: { voucher }, body: { reason: '核查' } }),
  resumeVoucher: () => ({ actor: bureau('officer', wj), params: { voucher }, body: { reason: '核查完毕' } }),
  bulkIssueVouchers: () => ({
    actor: bureau('officer', wj),
    body: { items: [{ enterprise: parties.wujiang, program: 'WJ-2026', amount: '1.00' }] },
  }),
  fileOrder: () => ({
    actor: firm('enterprise', parties.wujiang),
    body: contract(voucher, `HT-${++keys}`, { contractAmount: '2.00', voucherAmount: '1.00' }),
  }),
  deliverOrder: () => ({ actor: firm('provider', parties.lab), params: { order }, body: {} }),
  confirmOrder: () => ({ actor: firm('enterprise', parties.wujiang), params: { order }, body: { score: 80 } }),
  acceptOrder: () => ({ actor: firm('provider', parties.lab), params: { order }, body: {} }),
  declineOrder: () => ({ actor: firm('provider', parties.lab), params: { order }, body: { reason: '拒单' } }),
  supplementOrder: () => ({
    actor: firm('enterprise', parties.wujiang),
    params: { order },
    body: { contractAmount: '50000.00', voucherAmount: '20000.00', signedOn: '2026-03-02', reason: '增项' },
  }),
  cancelOrder: () => ({ actor: firm('enterprise', parties.wujiang), params: { order }, body: {} }),
  submitClaim: () => ({
    actor: firm('provider', parties.lab),
    params: { order },
    body: { invoiceNo: String(++keys).padStart(20, '2'), invoiceAmount: '40000.00' },
  }),
  returnClaim: () => ({ actor: bureau('officer', wj), params: { order }, body: { reason: '退回' } }),
  verifyClaim: () => ({ actor: bureau('officer', wj), params: { order }, body: {} }),
  approveClaim: () => ({ actor: bureau('approver', wj), params: { order }, body: { amount: null } }),
  rejectClaim: () => ({ actor: bureau('approver', wj), params: { order }, body: { reason: '驳回' } }),
  fileObjection: () => ({ actor: firm('provider', parties.hangzhou), params: { order }, body: { reason: '异议' } }),
  resolveObjection: () => ({
    actor: bureau('officer', wj),
    params: { order, objection: '1' },
    body: { verdict: 'dismissed', reason: '不成立' },
  }),
  appealClaim: () => ({ actor: firm('provider', parties.lab), params: { order }, body: { reason: '申诉' } }),
  decideClaimAppeal: () => ({
    actor: bureau('officer', wj),
    params: { order },
    body: { verdict: 'dismissed', reason: '维持驳回' },
  }),
  publishWorkdays: () => ({
    actor: bureau('officer', region),
    body: { year: 2027, document: '国办发明电〔2026〕1号', off: ['2027-01-01'], work: [] },
  }),
  writeOff: () => ({
    actor: bureau('finance', wj),
    body: { book: wj, payee: `provider:${parties.lab}`, amount: '0.01', document: '文 1', reason: '注销' },
  }),
  receiveRefund: () => ({
    actor: bureau('finance', wj),
    body: { book: wj, payee: `provider:${parties.lab}`, amount: '0.01', receivedOn: '2026-03-02', document: '文 2' },
  }),
  redFlushInvoice: () => ({
    actor: bureau('officer', wj),
    params: { order },
    body: { redInvoiceNo: '7'.repeat(20), amount: '0.01' },
  }),
  returnBudget: () => ({
    actor: bureau('finance', wj),
    body: { program: 'WJ-2026', amount: '0.01', document: '文 3' },
  }),
  carryOver: () => ({
    actor: bureau('finance', wj),
    body: { from: 'WJ-2026', to: 'WJ-2027', amount: '0.01', document: '文 4' },
  }),
  reconcileBudget: () => ({
    actor: bureau('finance', wj),
    body: { program: 'WJ-2026', amount: '0.01', asOf: '2026-03-02', document: '文 5' },
  }),
  setSubsidy: () => ({
    actor: bureau('finance', '320000'),
    body: {
      program: 'JS-2026',
      jurisdictions: [wj],
      basis: 'issued',
      share: '0.3',
      from: '2026-12-01',
      to: '2026-12-31',
      document: '文 6',
    },
  }),
  subsidise: () => ({
    actor: bureau('finance', '320000'),
    body: { program: 'JS-2026', from: '2026-03-01', to: '2026-03-01' },
  }),
  openYear: () => ({
    actor: bureau('officer', wj),
    body: { jurisdiction: wj, programs: ['WJ-2026'], year: 2027 },
  }),
  clawBack: () => ({ actor: bureau('approver', wj), params: { order }, body: { amount: '0.01', reason: '追回' } }),
  offerClearing: () => ({
    actor: bureau('finance', '320000'),
    body: {
      one: '320000',
      other: '310000',
      by: '320000',
      mode: 'netted',
      group: 'region',
      covers: 'tree',
      threshold: '100.00',
      from: '2027-01-01',
      to: '2027-12-31',
    },
  }),
  signClearing: () => ({
    actor: bureau('finance', '320000'),
    params: { agreement: '310000-320000-1' },
    headers: first,
    body: { by: '320000' },
  }),
  endClearing: () => ({
    actor: bureau('finance', '320000'),
    params: { agreement: '310000-320000-1' },
    headers: first,
    body: {},
  }),
  planPeriods: () => ({
    actor: bureau('finance', region),
    body: { group: 'delta', year: 2027, periods: [{ period: '2027-D1', through: '2027-06-30' }] },
  }),
  previewPeriod: () => ({
    actor: bureau('finance', region),
    body: { period: `Q-${++keys}`, through: '2026-03-31', group: 'region' },
  }),
  closePeriod: () => ({ actor: bureau('finance', region), body: { period: `Q-${++keys}`, through: '2026-03-31' } }),
  confirmPayments: () => ({ actor: bureau('finance', region), params: { period }, body: {} }),
  releasePayments: () => ({
    actor: bureau('finance', wj),
    params: { batch: 'B320509-1' },
    body: { count: 1, total: '1.00' },
  }),
  stopPayment: () => ({
    actor: bureau('finance', wj),
    params: { batch: 'B320509-1' },
    body: { line: 1, reason: '账户有误' },
  }),
  assignException: () => ({
    actor: bureau('finance', wj),
    params: { exception: 'X320509-1-1' },
    body: { owner: '钱某' },
  }),
  resolveException: () => ({
    actor: bureau('finance', wj),
    params: { exception: 'X320509-1-1' },
    body: { document: '银行收费通知', reason: '手续费' },
  }),
  approveProposal: () => ({ actor: bureau('approver', wj), params: { proposal }, body: {} }),
  declineProposal: () => ({ actor: bureau('approver', wj), params: { proposal }, body: { reason: '不予' } }),
  proposeBankAccount: () => ({
    actor: firm('enterprise', parties.wujiang),
    params: { owner: parties.wujiang },
    body: {
      holder: '代收户',
      explanation: '委托代收',
      number: '6222020000000001',
      bank: '工商银行吴江支行',
      bankCode: '102305400012',
    },
  }),
  confirmBankAccount: () => ({
    actor: bureau('officer', wj),
    params: { owner: parties.wujiang },
    headers: first,
    body: {},
  }),
  revokeBankAccount: () => ({
    actor: bureau('officer', wj),
    params: { owner: parties.wujiang },
    headers: first,
    body: { reason: '有误' },
  }),
  createWebhook: () => ({
    actor: firm('enterprise', parties.wujiang),
    body: { owner: parties.wujiang, url: 'http://127.0.0.1:1024/', kinds: ['pay'] },
  }),
  pauseWebhook: () => ({ actor: bureau('officer', wj), params: hook, body: {} }),
  resumeWebhook: () => ({ actor: bureau('officer', wj), params: hook, body: {} }),
  rotateWebhook: () => ({ actor: bureau('officer', wj), params: hook, headers: first, body: {} }),
  endWebhook: () => ({ actor: bureau('officer', wj), params: hook, body: { reason: '停用' } }),
  replayWebhook: () => ({ actor: bureau('officer', wj), params: hook, body: { book: wj, from: 1 } }),
}

t.test('every command has a good request here', async (t) => {
  period = 'never closed'
  t.same(Object.keys(good).sort(), [...commands].sort())
})

t.test('bodies that are not what they should be', async (t) => {
  await unchanged(t, async () => {
    for (const operation of commands) {
      const { actor, params, headers, body } = good[operation]!()
      const send = async (more: Asked, status: number, code: RefusalCode) => {
        const asked = { actor, ...(params ? { params } : {}), ...more, headers: { ...headers, ...more.headers } }
        const answer = await ask(operation, asked)
        t.match(answer, { status, body: { code } }, `${operation} ${JSON.stringify(more).slice(0, 100)}`)
        return answer
      }
      for (const raw of ['{', '{"a":}', '', '\ufeff{}x', "{'a':1}", '{"a":1', 'undefined', '{"__proto__":{"a":1}}']) {
        await send({ raw }, 400, 'malformed_json')
      }
      await send({ raw: `{"constructor":{"prototype":{"a":1}}}` }, 400, 'malformed_json')
      for (const raw of ['null', '[]', '"text"', '1', 'true', `[${JSON.stringify(body)}]`]) {
        const answer = await send({ raw }, 400, 'validation_failed')
        t.same(pointed(answer), ['/body wrong_type'], `${operation} ${raw}`)
      }
      const json = JSON.stringify(body)
      for (const type of [
        'text/plain',
        'application/xml',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
      ]) {
        await send({ raw: json, headers: { 'content-type': type } }, 415, 'unsupported_media_type')
      }
      const extra = await send({ body: { ...body, 'a/b~c': 1, extra: null } }, 400, 'validation_failed')
      t.same(pointed(extra), ['/body/a~1b~0c unknown_field', '/body/extra unknown_field'])
      const deep = await send({ raw: `{"x":${'['.repeat(5000)}${']'.repeat(5000)}}` }, 400, 'validation_failed')
      t.ok(pointed(deep).includes('/body/x unknown_field'))
      await send({ raw: `{"x":"${'a'.repeat(5_000_000)}"}` }, 413, 'body_too_large')
      const many = await send(
        { raw: JSON.stringify(Object.fromEntries([...Array(20_000).keys()].map((n) => [`f${n}`, n]))) },
        400,
        'validation_failed',
      )
      t.equal(many.body.errors.length, 100, 'an answer stays small')

      for (const key of [null, '', ' ', 'a b', 'x'.repeat(129), 'ключ'.replaceAll(/./g, 'é')]) {
        await send({ body, key }, 400, 'idempotency_key_missing')
      }
    }
  })
  noFaults(t)
})

t.test('fields: each fault is named by its pointer, all of them at once', async (t) => {
  await unchanged(t, async () => {
    const refusedFields = async (
      operation: Operation,
      change: Record<string, unknown>,
      expected: string[],
      raw?: string,
    ) => {
      const { actor, params, body } = good[operation]!()
      const sent = { ...body, ...change }
      const answer = await ask(operation, {
        actor,
        ...(params ? { params } : {}),
        ...(raw === undefined ? { body: sent } : { raw }),
      })
      t.equal(answer.status, 400, `${operation} ${JSON.stringify(change)}`)
      t.same(pointed(answer), expected, `${operation} ${JSON.stringify(change)}`)
    }
    const amounts: [unknown, string][] = [
      ...[
        '1.000',
        '1.0',
        '1',
        '1.',
        '.50',
        '1e3',
        '1E3',
        '1.00e0',
        '01.00',
        '00.10',
        '+1.00',
        '-1.00',
        '0.00',
        '-0.00',
        ' 1.00',
        '1.00 ',
        '1,000.00',
        '１.00',
        '1.00\n',
        '0x10',
        'NaN',
        'Infinity',
        '',
        '1.00\u0000',
        `${'9'.repeat(15)}.00`,
        `${'9'.repeat(400)}.00`,
      ].map((text): [unknown, string] => [text, 'amount_format']),
      ['10000000000000.01', 'amount_too_large'],
      ['99999999999999.99', 'amount_too_large'],
      [100, 'wrong_type'],
      [1.5, 'wrong_type'],
      [true, 'wrong_type'],
      [['1.00'], 'wrong_type'],
      [{ value: '1.00' }, 'wrong_type'],
    ]
    const fields: [Operation, string][] = [
      ['appropriate', 'amount'],
      ['issueVoucher', 'amount'],
      ['fileOrder', 'contractAmount'],
      ['fileOrder', 'voucherAmount'],
      ['submitClaim', 'invoiceAmount'],
      ['approveClaim', 'amount'],
      ['clawBack', 'amount'],
      ['publishProgram', 'annualCap'],
      ['publishProgram', 'orderCap'],
    ]
    for (const [operation, field] of fields) {
      for (const [value, code] of amounts)
        await refusedFields(operation, { [field]: value }, [`/body/${field} ${code}`])
    }

    const wrongCheck = `${parties.wujiang.slice(0, 17)}${parties.wujiang.endsWith('0') ? '1' : '0'}`
    for (const bad of [
      wrongCheck,
      parties.wujiang.toLowerCase(),
      '',
      '1'.repeat(18),
      `${parties.wujiang} `,
      "'; drop table books; --",
    ]) {
      await refusedFields('issueVoucher', { enterprise: bad }, ['/body/enterprise uscc_invalid'])
      await refusedFields('registerProvider', { uscc: bad }, ['/body/uscc uscc_invalid'])
    }
    for (const bad of ['320576', '110101', '999999', '32050', '', '３２０５０９', '320509\u0000']) {
      await refusedFields('registerEnterprise', { division: bad }, ['/body/division division_unknown'])
      await refusedFields('recogniseProvider', { jurisdiction: bad }, ['/body/jurisdiction jurisdiction_unknown'])
    }
    await refusedFields('recogniseProvider', { jurisdiction: '310108' }, ['/body/jurisdiction jurisdiction_unknown'])
    for (const bad of ['', ' ', '\u3000', 'a\u0000b', 'a\nb', '\u0085x', '\ud800', 'x\udc00y', '\u007f']) {
      await refusedFields('registerEnterprise', { name: bad }, ['/body/name text_format'])
      await refusedFields('fileOrder', { contractNo: bad }, ['/body/contractNo text_format'])
      await refusedFields('fileOrder', { voucher: bad }, ['/body/voucher text_format'])
      await refusedFields('closePeriod', { period: bad }, ['/body/period text_format'])
      await refusedFields('appropriate', { program: bad }, ['/body/program text_format'])
    }
    await refusedFields('registerEnterprise', { name: '长'.repeat(201) }, ['/body/name out_of_range'])
    for (const bad of ['2026-02-29', '2026-13-01', '20260301', '2026-3-1', '', '2026-03-01T00:00:00Z']) {
      await refusedFields('fileOrder', { signedOn: bad }, ['/body/signedOn day_format'])
    }
    await refusedFields('closePeriod', { through: 20260331 }, ['/body/through wrong_type'])
    for (const bad of ['0', '0.0', '1.1', '-0.5', '50%', '1e-1', '.5']) {
      await refusedFields('publishProgram', { ratio: bad }, ['/body/ratio ratio_format'])
    }
    for (const bad of [-1, 3661, 1e300]) {
      await refusedFields('publishProgram', { useWithinDays: bad }, [
        `/body/useWithinDays ${bad === 1e300 ? 'wrong_type' : 'out_of_range'}`,
      ])
    }
    await refusedFields('publishProgram', { applyFrom: '2026-12-31', applyTo: '2026-01-01' }, [
      '/body/applyTo days_out_of_order',
    ])
    await refusedFields('publishProgram', { categories: [] }, ['/body/categories out_of_range'])
    await refusedFields('publishProgram', { categories: ['rnd', 'rnd'] }, ['/body/categories repeated'])
    await refusedFields('publishProgram', { categories: ['rnd', 'magic', 7] }, [
      '/body/categories/1 not_one_of',
      '/body/categories/2 not_one_of',
    ])
    for (const bad of [101, -1, 99.5, '95', null]) {
      await refusedFields('confirmOrder', { score: bad }, [
        `/body/score ${typeof bad === 'number' && Number.isInteger(bad) ? 'out_of_range' : 'wrong_type'}`,
      ])
    }
    for (const bad of [
      '2631200000000000001',
      '263120000000000000170',
      '2631200000000000001x',
      '２６312000000000000017',
    ]) {
      await refusedFields('submitClaim', { invoiceNo: bad }, ['/body/invoiceNo invoice_number_format'])
    }
    await refusedFields(
      'fileOrder',
      {
        provider: wrongCheck,
        category: 'magic',
        contractNo: '',
        contractAmount: 1,
        voucherAmount: '1',
        signedOn: 'x',
        relatedParty: 'no',
        more: 1,
      },
      [
        '/body/category not_one_of',
        '/body/contractAmount wrong_type',
        '/body/contractNo text_format',
        '/body/more unknown_field',
        '/body/provider uscc_invalid',
        '/body/relatedParty wrong_type',
        '/body/signedOn day_format',
        '/body/voucherAmount amount_format',
      ],
    )
    await refusedFields(
      'fileOrder',
      {},
      [
        'category',
        'contractAmount',
        'contractNo',
        'provider',
        'relatedParty',
        'signedOn',
        'voucher',
        'voucherAmount',
      ].map((f) => `/body/${f} required`),
      '{}',
    )
    for (const field of Object.keys(programOf('X', wj))) {
      await refusedFields('publishProgram', { [field]: undefined }, [`/body/${field} required`])
    }
  })
  noFaults(t)
})

t.test('names of other things, and what is no name at all', async (t) => {
  const strange = [
    'x',
    'O999999-1',
    'O320509-0',
    'O320509-999999999999999',
    'O320509-1e3',
    'O320509-99999999999999999999',
    'O310000-1',
    voucher,
    "' or 1=1 --",
    '中文',
    '𠮷',
    '../..',
    '%',
    'a'.repeat(40),
    wj,
  ]
  const actors: Record<string, Actor> = {}
  for (const operation of commands) actors[operation] = good[operation]!().actor
  await unchanged(t, async () => {
    for (const operation of commands.filter((o) => good[o]!().params?.order)) {
      const { actor, params, body } = good[operation]!()
      for (const id of strange) {
        const answer = await ask(operation, { actor, params: { ...params, order: id }, body })
        t.match(answer, { status: 404, body: { code: 'order_not_found' } }, `${operation} ${id}`)
      }
      for (const id of ['%00', 'a%0Ab', 'a'.repeat(41), '%20']) {
        const answer = await ask(operation, { actor, params: params!, rawParams: { order: id }, body })
        t.match(answer, { status: 400, body: { code: 'validation_failed' } }, `${operation} ${id}`)
        t.match(pointed(answer)[0], /^\/params\/order (text_format|out_of_range)$/)
      }
    }
    for (const id of [...strange.filter((id) => id !== voucher), order]) {
      const { actor, body } = good.fileOrder!()
      const answer = await ask('fileOrder', { actor, body: { ...body, voucher: id } })
      t.match(answer, { status: 404, body: { code: 'voucher_not_found' } }, id)
      const read = await ask('getVoucher', { actor: bureau('auditor', region), params: { voucher: id } })
      t.match(read, { status: 404, body: { code: 'voucher_not_found' } }, id)
    }
    for (const id of strange) {
      const read = await ask('getOrder', { actor: bureau('auditor', region), params: { order: id } })
      t.match(read, { status: 404, body: { code: 'order_not_found' } }, id)
      const program = await ask('getProgram', { actor: operator, params: { program: id } })
      t.match(program, { status: 404, body: { code: 'program_not_found' } }, id)
      const period = await ask('getPeriod', { actor: bureau('auditor', region), params: { period: id } })
      t.match(period, { status: 404, body: { code: 'period_not_found' } }, id)
      const { actor, body } = good.issueVoucher!()
      t.match(await ask('issueVoucher', { actor, body: { ...body, program: id } }), { status: 404 })
      const book = await ask('listAccounts', { actor: bureau('auditor', region), params: { book: id } })
      t.equal(book.status, id === wj ? 200 : 400, id)
    }
    const nobody = uscc('91340000MA1ABCDE9')
    const { actor, body } = good.issueVoucher!()
    t.match(await ask('issueVoucher', { actor, body: { ...body, enterprise: nobody } }), {
      body: { code: 'enterprise_not_found' },
    })
    t.match(
      await ask('issueVoucher', { actor, body: { ...body, enterprise: parties.lab } }),
      { body: { code: 'enterprise_not_found' } },
      'a provider is no enterprise',
    )
    t.match(await ask('getProvider', { actor: operator, params: { uscc: parties.wujiang } }), {
      body: { code: 'provider_not_found' },
    })
    t.match(await ask('getProvider', { actor: operator, params: { uscc: 'x' } }), {
      body: { code: 'validation_failed' },
    })
  })
  noFaults(t)

  for (const path of [
    '/nowhere',
    '/v1',
    '/v1/orders/x/y',
    '/v1/programs/%zz',
    '/v1/programs/%E0%A4',
    '/v1/programs/',
    `/v1/programs/${'a'.repeat(5000)}`,
    '/v1//orders',
    '/__proto__',
    '/v1/vouchers/../../etc/passwd',
  ]) {
    const response = await fetch(base + path, { headers: { authorization: `Bearer ${tokenOf(operator)}` } })
    const text = await response.text()
    const answer = { status: response.status, text, body: JSON.parse(text), headers: response.headers }
    t.equal(wrongProblem(answer), undefined, `${path} ${text}`)
    t.ok([400, 404].includes(response.status), path)
  }
  const long = '券'.repeat(64)
  t.match(
    await ask('getProgram', { actor: operator, params: { program: long } }),
    { body: { code: 'program_not_found' } },
    'the longest name can be asked for',
  )
  const method = await fetch(`${base}/v1/orders`, { method: 'DELETE' })
  t.match(await method.json(), { code: 'route_not_found' })
})

t.test('queries', async (t) => {
  const actor = bureau('auditor', region)
  const params = { book: wj }
  const wrong: [Operation, string, string[]][] = [
    ['listVouchers', '?limit=0', ['/query/limit out_of_range']],
    ['listVouchers', '?limit=101', ['/query/limit out_of_range']],
    ['listVouchers', '?limit=1e1', ['/query/limit number_format']],
    ['listVouchers', '?limit=', ['/query/limit number_format']],
    ['listVouchers', '?limit=1&limit=2', ['/query/limit wrong_type']],
    ['listVouchers', '?limit=x&offset=1', ['/query/limit number_format', '/query/offset unknown_field']],
    ['listVouchers', '?cursor=x', ['/query/cursor cursor_invalid']],
    ['listVouchers', `?cursor=${'x'.repeat(101)}`, ['/query/cursor out_of_range']],
    ['listVouchers', '?cursor=%00', ['/query/cursor cursor_invalid']],
    ['listOrders', '?state=done', ['/query/state not_one_of']],
    ['listOrders', '?program=%00', ['/query/program text_format']],
    ['listOrders', '?__proto__=1', ['/query/__proto__ unknown_field']],
    ['listPrograms', '?x=1', ['/query/x unknown_field']],
    ['listAccounts', '?entry=-1', ['/query/entry number_format']],
    ['listAccounts', '?entry=1.5', ['/query/entry number_format']],
    ['listAccounts', '?entry=0x1', ['/query/entry number_format']],
    ['listAccounts', '?entry=99999999999999999999', ['/query/entry number_format']],
    ['listAccounts', '?at=2026-03-02', ['/query/at instant_format']],
    ['listAccounts', '?at=2026-03-02T09:00:00Z', ['/query/at instant_format']],
    ['listEntries', '?after=-1&limit=1001', ['/query/after number_format', '/query/limit out_of_range']],
  ]
  for (const [operation, query, expected] of wrong) {
    const answer = await ask(operation, { actor, params, query })
    t.equal(answer.status, 400, `${operation}${query}`)
    t.same(pointed(answer), expected, `${operation}${query}`)
  }
  t.match(await ask('listAccounts', { actor, params, query: '?entry=999' }), { body: { code: 'entry_not_found' } })
  t.match(await ask('listAccounts', { actor, params, query: '?at=2026-04-03T00:00:00%2B08:00' }), {
    body: { code: 'moment_in_future' },
  })
  for (const operation of ['listAccounts', 'listEntries'] as const) {
    t.match(await ask(operation, { actor, params: { book: '999999' } }), { body: { code: 'book_not_found' } })
  }
  noFaults(t)
})

t.test('languages', async (t) => {
  const wanted: [string, 'zh' | 'en'][] = [
    ['', 'zh'],
    ['*', 'zh'],
    ['en', 'en'],
    ['en-GB,zh;q=0.9', 'en'],
    ['zh;q=0.5, en;q=0.8', 'en'],
    ['en;q=0.5,zh-CN', 'zh'],
    ['fr,de;q=0.9', 'zh'],
    ['fr, en;q=0.1', 'en'],
    ['en;q=0', 'zh'],
    ['english', 'zh'],
    [';;;q=,,', 'zh'],
    ['en;q=1.2.3', 'zh'],
    [`${'en;q=0.1,'.repeat(500)}zh`, 'zh'],
  ]
  for (const [accept, language] of wanted) {
    const answer = await ask('appropriate', {
      actor: bureau('finance', wj),
      body: { program: 'WJ-2026', amount: 1 },
      headers: { 'accept-language': accept },
    })
    t.equal(answer.body.title, refusals.validation_failed[language], accept.slice(0, 30))
    t.equal(answer.body.errors[0].message, fieldFaults.wrong_type[language])
    t.equal(answer.headers.get('content-language'), language)
    t.equal(answer.headers.get('vary'), 'Accept-Language')
  }
  noFaults(t)
})

t.test('tokens that are not good', async (t) => {
  const actor = bureau('finance', wj)
  const claims = claimsOf(actor)
  const other = generateKeyPairSync('ed25519')
  const otherKey = other.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const [head, body, signature] = tokenOf(actor).split('.') as [string, string, string]
  const without = (claim: string) => Object.fromEntries(Object.entries(claims).filter(([name]) => name !== claim))
  const hs256 = (secret: string | Buffer) => {
    const input = `${base64({ alg: 'HS256', typ: 'JWT' })}.${base64(claims)}`
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }
  const der = createPublicKey(auth.publicKey).export({ type: 'spki', format: 'der' })
  const now = Math.floor(Date.now() / 1000)
  const bad: Record<string, string | undefined> = {
    none: undefined,
    garbage: 'garbage',
    'two parts': `${head}.${body}`,
    dots: '..',
    'alg none': `${base64({ alg: 'none', typ: 'JWT' })}.${base64(claims)}.`,
    'alg None with a signature': `${base64({ alg: 'None' })}.${base64(claims)}.${signature}`,
    'HS256 with the public key': hs256(auth.publicKey),
    'HS256 with the trimmed public key': hs256(auth.publicKey.trim()),
    'HS256 with the DER': hs256(der),
    'another algorithm named': signed(claims, auth.signingKey, { alg: 'ES256', typ: 'JWT' }),
    'another key': signed(claims, otherKey),
    'its own key inside': signed(claims, otherKey, { alg: 'EdDSA', jwk: other.publicKey.export({ format: 'jwk' }) }),
    'another issuer': signed({ ...claims, iss: 'else' }),
    'no issuer': signed(without('iss')),
    'another audience': signed({ ...claims, aud: 'else' }),
    'no audience': signed(without('aud')),
    expired: signed({ ...claims, exp: now - 1 }),
    'no expiry': signed(without('exp')),
    'an expiry in words': signed({ ...claims, exp: 'never' }),
    'not yet': signed({ ...claims, nbf: now + 600 }),
    'no roles': signed({ ...claims, roles: [] }),
    'roles missing': signed(without('roles')),
    'roles as text': signed({ ...claims, roles: 'finance' }),
    'an unknown role': signed({ ...claims, roles: ['finance', 'emperor'] }),
    'no sub': signed(without('sub')),
    'an empty sub': signed({ ...claims, sub: '' }),
    'NUL in sub': signed({ ...claims, sub: 'a\u0000b' }),
    'no organisation': signed(without('organisation')),
    'a lone surrogate in organisation': signed({ ...claims, organisation: '\ud800' }),
    'a jurisdiction in words': signed({ ...claims, jurisdiction: 'Wujiang' }),
    'tampered payload': `${head}.${base64({ ...claims, roles: ['approver'] })}.${signature}`,
    'tampered signature': `${head}.${body}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    'payload is no object': signed([1]),
  }
  await unchanged(t, async () => {
    for (const [name, token] of Object.entries(bad)) {
      const send = () =>
        ask('appropriate', { ...(token ? { token } : {}), body: { program: 'WJ-2026', amount: '1.00' } })
      for (const answer of [await send(), await send()]) {
        t.match(answer, { status: 401, body: { code: 'unauthenticated' } }, name)
        t.equal(answer.headers.get('www-authenticate'), 'Bearer', name)
      }
    }
    for (const authorization of ['Basic YTpi', `bearer`, `Bearer  `, `Token ${tokenOf(actor)}`, tokenOf(actor)]) {
      const answer = await ask('appropriate', { body: {}, headers: { authorization } })
      t.equal(answer.status, 401, authorization.slice(0, 20))
    }
  })
  t.equal((await ask('listPrograms', { token: signed(claims) })).status, 200, 'the same claims well signed')
  noFaults(t)
})

t.test('idempotency', async (t) => {
  const actor = bureau('finance', wj)
  const body = { program: 'WJ-2026', amount: '12.34' }
  const plain = ({ text }: Answer) => text.replace(/"traceId":"[^"]*"/, '')
  const first = await ask('appropriate', { actor, body, key: 'same' })
  t.equal(first.status, 202)
  await unchanged(t, async () => {
    const again = await ask('appropriate', { actor, body, key: 'same' })
    t.same([again.status, again.text], [202, first.text], 'byte for byte')
    const spaced = await ask('appropriate', { actor, raw: '{ "amount" : "12.34", "program":"WJ-2026" }', key: 'same' })
    t.equal(spaced.text, first.text, 'the same body written otherwise')
    const reused = { status: 422, body: { code: 'idempotency_key_reused' } }
    t.match(await ask('appropriate', { actor, body: { ...body, amount: '12.35' }, key: 'same' }), reused)
    const publish = good.publishProgram!()
    const publisher = { ...publish.actor, organisation: actor.organisation }
    t.match(
      await ask('publishProgram', { actor: publisher, body: publish.body, key: 'same' }),
      reused,
      'another command',
    )
  })

  const stranger = bureau('finance', sh)
  const shanghai = { program: '沪券 2026/甲', amount: '12.34' }
  t.match(
    await ask('appropriate', { actor: stranger, body: shanghai, key: 'same' }),
    { status: 202, body: { book: sh } },
    "another organisation's key is another key",
  )
  await doneByTwo(t, 'appropriate', { actor: stranger, body: shanghai })

  // Every command's answer, done or refused, is given again as it was.
  for (const operation of commands) {
    const asked = { ...good[operation]!(), key: `again ${operation}`.replace(' ', '-') }
    const before = await ask(operation, asked)
    clock.set(clock.now() + 1000)
    await unchanged(t, async () => {
      const after = await ask(operation, asked)
      t.same([after.status, plain(after)], [before.status, plain(before)], operation)
    })
  }
  const early = {
    actor: bureau('approver', wj),
    body: programOf('EARLY', wj, { applyFrom: '2027-01-01', applyTo: '2027-12-31' }),
  }
  await doneByTwo(t, 'publishProgram', early)
  const refused = { ...good.issueVoucher!(), key: 'refused' }
  const asked = { ...refused, body: { ...refused.body, program: 'EARLY' } }
  const before = await ask('issueVoucher', asked)
  t.equal(before.body.code, 'program_not_open')
  t.equal(plain(await ask('issueVoucher', asked)), plain(before), 'a refusal with several details')
  const english = await ask('issueVoucher', { ...asked, headers: { 'accept-language': 'en' } })
  t.equal(english.body.title, refusals.program_not_open.en, 'in the language of who asks again')

  const [{ seq: start }] = (await admin`select seq from clearing.books where book = 320509`) as unknown as [
    { seq: string },
  ]
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => ask('appropriate', { actor, body, key: 'twenty' })),
  )
  t.equal(new Set(answers.map(({ text }) => text)).size, 1, 'twenty at once get one answer')
  t.equal(answers[0]!.status, 202)
  t.equal(answers[0]!.body.seq, Number(start) + 1)
  const [{ seq: end }] = (await admin`select seq from clearing.books where book = 320509`) as unknown as [
    { seq: string },
  ]
  t.equal(Number(end), Number(start) + 1, 'one command')

  clock.set(clock.now() + 91 * 86_400_000)
  t.match(await ask('appropriate', { actor, body, key: 'same' }), {
    status: 422,
    body: { code: 'idempotency_key_expired' },
  })
  noFaults(t)
})

t.test('roles: every operation as everyone', async (t) => {
  t.match(
    await done(t, 'sweep', { actor: operator }),
    { day: '2026-07-02', vouchers: 3 },
    'what was overdue has lapsed',
  )
  await unchanged(t, async () => {
    for (const operation of operations) {
      for (const role of Object.keys(roles) as Role[]) {
        const actor = { ...bureau(role, '341000'), organisation: 'somebody else' }
        const { status, body } = await ask(operation, { actor, body: {}, params: { book: '341000' } })
        const isAllowed = (permissions[operation] as readonly Role[]).includes(role)
        if (isAllowed) t.not(body.code, 'role_not_permitted', `${operation} as ${role}`)
        else t.match([status, body], [403, { code: 'role_not_permitted' }], `${operation} as ${role}`)
      }
      t.equal((await ask(operation, { body: {} })).status, 401, `${operation} as nobody`)
    }
  })
  noFaults(t)
})

t.test("another's things: never done, never shown", async (t) => {
  const stranger: Record<Role, Actor> = Object.fromEntries(
    (Object.keys(roles) as Role[]).map((role) => [
      role,
      role === 'enterprise' || role === 'provider' ? firm(role, parties.pudong) : bureau(role, '341000'),
    ]),
  ) as Record<Role, Actor>
  // Any bureau's officer may put a party on the list that all share, and anybody object to a provider.
  const shared: Operation[] = ['listIntegrity', 'objectToProvider']
  await unchanged(t, async () => {
    for (const operation of commands.filter((o) => !shared.includes(o))) {
      for (const role of permissions[operation]) {
        const { actor: _, ...asked } = good[operation]!()
        const { body } = await ask(operation, { ...asked, actor: stranger[role] })
        // A bulk request answers for each row.
        const code: RefusalCode = body.items?.[0].code ?? body.code
        t.ok([403, 404].includes(refusals[code]?.status), `${operation} as another ${role}: ${code}`)
        // A firm that says it is of a jurisdiction is still only a firm.
        if (role !== 'enterprise' && role !== 'provider') continue
        const claiming = await ask(operation, { ...asked, actor: { ...stranger[role], jurisdiction: wj } })
        t.ok([403, 404].includes(claiming.status), `${operation} as another ${role} with a jurisdiction`)
      }
    }
    const params = { order, voucher, uscc: parties.wujiang, book: wj }
    const hidden: [Operation, Actor][] = [
      ['getVoucher', stranger.enterprise],
      ['getVoucher', { ...stranger.enterprise, jurisdiction: wj }],
      ['getVoucher', stranger.auditor],
      ['getOrder', stranger.enterprise],
      ['getOrder', { ...stranger.enterprise, jurisdiction: region }],
      ['getOrder', firm('provider', parties.hangzhou)],
      ['getOrder', stranger.officer],
      ['getTimeline', stranger.enterprise],
      ['getTimeline', stranger.officer],
      ['getEnterprise', stranger.enterprise],
      ['getEnterprise', { ...stranger.enterprise, jurisdiction: wj }],
      ['listAccounts', stranger.auditor],
      ['listEntries', stranger.finance],
      ['listAccounts', { ...stranger.auditor, jurisdiction: '999999' }],
    ]
    for (const [operation, actor] of hidden) {
      const { status, body } = await ask(operation, { actor, params })
      t.ok([403, 404].includes(status), `${operation} as ${actor.roles} ${actor.jurisdiction}: ${status} ${body.code}`)
    }
    const county = bureau('auditor', wj)
    for (const book of ['320000', '320500', region]) {
      t.match(await ask('listAccounts', { actor: county, params: { book } }), { status: 403 }, `a county in ${book}`)
    }
    for (const jurisdiction of [wj, '320500', '320000', region]) {
      const above = { actor: bureau('auditor', jurisdiction), params }
      for (const operation of ['getVoucher', 'getOrder', 'getTimeline', 'listAccounts', 'listEntries'] as const) {
        t.equal((await ask(operation, above)).status, 200, `${operation} from ${jurisdiction}`)
      }
    }
  })

  // Shanghai has a voucher of its own now; everyone's lists show their own and nothing else.
  const body = { enterprise: parties.pudong, program: '沪券 2026/甲', amount: '5.00' }
  const issued = await done(t, 'issueVoucher', { actor: bureau('officer', sh), body }, 201)
  const own = issued.result.voucher
  const vouchersOf = async (actor: Actor) => (await done(t, 'listVouchers', { actor })).items
  t.same(
    (await vouchersOf(firm('enterprise', parties.pudong))).map((v: { voucher: string }) => v.voucher),
    [own],
  )
  t.same(
    (await vouchersOf(bureau('officer', sh))).map((v: { voucher: string }) => v.voucher),
    [own],
  )
  t.ok(
    (await vouchersOf(firm('enterprise', parties.wujiang))).every(
      (v: { enterprise: string }) => v.enterprise === parties.wujiang,
    ),
  )
  t.ok((await vouchersOf(bureau('officer', '320500'))).every((v: { voucher: string }) => v.voucher.startsWith('V3205')))
  t.same(await vouchersOf(bureau('officer', '341000')), [])
  t.same((await done(t, 'listOrders', { actor: firm('enterprise', parties.pudong) })).items, [])
  t.same((await done(t, 'listOrders', { actor: firm('provider', parties.hangzhou) })).items, [])
  t.same(
    (await done(t, 'listBooks', { actor: bureau('auditor', sh) })).items.map((b: { book: string }) => b.book),
    [sh],
  )
  t.same((await done(t, 'listBooks', { actor: bureau('auditor', '341000') })).items, [])
  noFaults(t)
})

t.test('lists by cursor, entries, balances as they stood', async (t) => {
  clock.set(china('2026-07-06'))
  const officer = bureau('officer', wj)
  const { body } = good.issueVoucher!()
  for (let n = 0; n < 12; n++)
    await done(t, 'issueVoucher', { actor: officer, body: { ...body, amount: `${n + 1}.00` } }, 201)
  const [{ count }] = (await admin`select count(*)::int from clearing.vouchers`) as unknown as [{ count: number }]
  const actor = bureau('auditor', region)
  for (const limit of [1, 5, 100]) {
    const seen: string[] = []
    for (let query = `?limit=${limit}`; query; ) {
      const { items, next } = await done(t, 'listVouchers', { actor, query })
      t.ok(items.length <= limit)
      seen.push(...items.map((v: { voucher: string }) => v.voucher))
      query = next ? `?limit=${limit}&cursor=${next}` : ''
    }
    t.same([seen.length, new Set(seen).size], [count, count], `pages of ${limit}`)
  }
  const paid = await done(t, 'listOrders', { actor, query: '?state=paid&program=WJ-2026' })
  t.same(
    paid.items.map((o: { order: string }) => o.order),
    [order],
  )

  const entries = (await done(t, 'listEntries', { actor, params: { book: wj } })).items
  t.same(
    entries.map((e: { entry: number }) => e.entry),
    entries.map((_: unknown, n: number) => n + 1),
    'without gaps',
  )
  t.match(entries[0], {
    seq: 2,
    command: 'appropriate',
    transfers: [
      { type: 'appropriate', phase: 'post', debit: 'appropriation', credit: 'pool:WJ-2026', amount: '500000.00' },
    ],
  })
  const rest = await done(t, 'listEntries', { actor, params: { book: wj }, query: '?after=2&limit=2' })
  t.same(rest.items, entries.slice(2, 4))

  const pool = (balances: { items: { kind: string; owner: string; posted: string }[] }) =>
    balances.items.find(({ kind, owner }) => kind === 'pool' && owner === 'WJ-2026')?.posted
  const params = { book: wj }
  const asOf = (query: string) => done(t, 'listAccounts', { actor, params, query })
  t.equal(pool(await asOf('?entry=1')), '500000.00')
  t.equal(pool(await asOf('?entry=2')), '400000.00')
  t.match(await asOf('?entry=3'), { entry: 3 })
  const moment = '?at=2026-03-31T23:59:59%2B08:00'
  const then = await asOf(moment)
  t.equal(pool(then), '403000.00', 'the evening of 31 March')
  t.match(await asOf('?at=2026-03-01T00:00:00%2B08:00'), { entry: 0 })
  const now = await asOf(`?at=2026-07-06T09:00:00%2B08:00`)
  await doneByTwo(t, 'appropriate', { actor: bureau('finance', wj), body: { program: 'WJ-2026', amount: '1.00' } })
  t.same(await asOf(moment), then)
  t.same(
    await asOf(`?at=2026-07-06T09:00:00%2B08:00`),
    now,
    'the same moment, the same answer, though the clock stood still',
  )
  t.same((await asOf('')).entry, now.entry + 1)
  noFaults(t)
})

t.test('the service without an issuer of its own', async (t) => {
  const { signingKey: _, ...checking } = auth
  const closed = await createService({ ...database, clock, auth: checking })
  t.teardown(() => closed.close())
  const there = await closed.open({ host: '127.0.0.1', port: 0 })
  const get = (path: string, init: RequestInit = {}) => fetch(there + path, init)
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
  t.equal((await get('/tokens', post)).status, 404)
  t.equal((await get('/')).status, 404, 'no figures without a token')
  t.equal((await get('/health')).status, 200)
  t.equal((await get('/v1/programs')).status, 401)
  t.equal((await get('/v1/programs', { headers: { authorization: `Bearer ${tokenOf(operator)}` } })).status, 200)
})

t.test('pages, documents, health, and the issuer on a developer’s machine', async (t) => {
  t.same(await (await fetch(`${base}/health`)).json(), { status: 'ok', database: 'ok', engine: 'here', faults: 0 })
  for (const path of ['/', '/docs', '/docs/refusals']) {
    const response = await fetch(base + path)
    t.equal(response.status, 200, path)
    t.match(response.headers.get('content-type'), /text\/html/)
    t.notMatch(await response.text(), /undefined|NaN|\[object/, path)
  }
  const document = (await (await fetch(`${base}/openapi.json`)).json()) as { openapi: string }
  t.equal(document.openapi, '3.1.0')
  const body = JSON.stringify({ sub: 'li', organisation: parties.wujiang, roles: ['enterprise'] })
  const issue = (body: string) =>
    fetch(`${base}/tokens`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { token } = (await (await issue(body)).json()) as { token: string }
  t.equal((await ask('listVouchers', { token })).status, 200)
  for (const bad of [
    '{}',
    '{"sub":"a","organisation":"b","roles":["emperor"]}',
    body.replace('{', '{"x":1,'),
    body.replace('li', 'a\\u0000'),
  ]) {
    t.equal((await issue(bad)).status, 400, bad)
  }
  noFaults(t)
})

t.test('what is not even HTTP gets a short word', async (t) => {
  const { port } = new URL(base)
  for (const text of [
    'nonsense\r\n\r\n',
    `GET /health HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`,
    'POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n',
  ]) {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connectSocket(Number(port), '127.0.0.1', () => socket.write(text))
      let heard = ''
      socket.on('data', (chunk) => {
        heard += chunk
      })
      socket.on('close', () => resolve(heard))
      socket.on('error', reject)
    })
    t.match(answer, /^HTTP\/1\.1 4\d\d /, text.slice(0, 20))
    t.notMatch(answer, /node_modules|\.ts:/)
  }
})

t.test('random requests: always an answer of the catalogue, never a fault', { timeout: 60_000 }, async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e9)
  let state = seed
  const random = (most: number) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0
    return ((state ^ (state >>> 13)) >>> 0) % most
  }
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!
  const values: unknown[] = [
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    '',
    ' ',
    '0',
    '1.00',
    '0.01',
    '9999999999999.99',
    '10000000000000.00',
    '-1.00',
    '1e3',
    'a',
    '\u0000',
    '\ud800',
    '\udfff\ud800',
    '\u202e',
    '𠮷',
    'é'.repeat(100),
    'x'.repeat(10_000),
    "'; drop table books; --",
    '{}',
    [],
    [[]],
    {},
    { a: 1 },
    ['testing'],
    ['testing', 'testing'],
    '2026-03-01',
    '2999-12-31',
    '1900-01-01',
    '2026-02-30',
    voucher,
    order,
    'V320509-1',
    'O000000-1',
    'V999999-1',
    wj,
    region,
    '310000',
    parties.lab,
    parties.wujiang,
    'WJ-2026',
    'testing',
    '26312000000000000017',
    'NaN',
    'constructor',
    '__proto__',
    'toString',
  ]
  const paths = [
    '%00',
    '%ED%A0%80',
    '%F0%9F%98%80',
    'x'.repeat(299),
    '%2F',
    "'",
    '%22',
    'O320509-2',
    'V320509-2',
    order,
    voucher,
    '%25',
    'constructor',
    '__proto__',
    '-1',
    '1e9',
    wj,
  ]
  const actors = commands.map((operation) => good[operation]!().actor)
  const mutate = (operation: Operation): Asked => {
    const asked: { -readonly [K in keyof Asked]: Asked[K] } = { ...good[operation]!() }
    const body: Record<string, unknown> = { ...(asked.body as object) }
    for (let times = random(3) + (random(10) > 0 ? 1 : 0); times > 0; times--) {
      const names = Object.keys(body)
      switch (random(9)) {
        case 0:
        case 1:
        case 2:
        case 3:
          if (names.length > 0) body[pick(names)] = pick(values)
          break
        case 4:
          if (names.length > 0) delete body[pick(names)]
          break
        case 5:
          body[pick(['extra', '__proto', 'constructor', '', '券', 'a/b', ...names])] = pick(values)
          break
        case 6:
          if (asked.params)
            asked.rawParams = Object.fromEntries(Object.keys(asked.params).map((name) => [name, pick(paths)]))
          break
        case 7:
          asked.actor = pick(actors)
          break
        case 8:
          asked.headers = pick([
            { 'accept-language': 'en' },
            { 'idempotency-key': pick(['same', '', 'é', 'x'.repeat(128)]) },
            { 'content-type': 'application/json; charset=utf-16' },
            { accept: 'text/html' },
          ])
      }
    }
    asked.body = body
    const json = JSON.stringify(body)
    const shape = random(20)
    if (shape === 0) asked.raw = json.slice(0, random(json.length))
    if (shape === 1)
      asked.raw = json.replace('{', `{"${pick(Object.keys(body)) ?? 'a'}":${JSON.stringify(pick(values))},`)
    if (shape === 2) asked.raw = Buffer.from(Buffer.from(json).map((byte) => (random(30) === 0 ? random(256) : byte)))
    if (shape === 3) asked.raw = pick(['null', '[]', '0', '""', `[${json}]`, json + json])
    return asked
  }
  // Something to work on: a fresh voucher, and every order and period that comes of it.
  const issue = { enterprise: parties.wujiang, program: 'WJ-2026', amount: '100000.00' }
  voucher = (await done(t, 'issueVoucher', { actor: bureau('officer', wj), body: issue }, 201)).result.voucher
  const orders = [order]
  const periods = ['never closed']
  const proposals = [proposal]
  const requests = 3000
  const started = Date.now()
  let next = 0
  let accepted = 0
  const lane = async () => {
    while (next++ < requests && Date.now() - started < 8_000) {
      const operation = pick(commands)
      order = pick(orders.slice(-20))
      period = pick(periods)
      proposal = pick(proposals.slice(-20))
      const { status, body } = await ask(operation, random(3) > 0 ? mutate(operation) : good[operation]!())
      if (status < 300) accepted++
      if (status === 201 && operation === 'fileOrder') orders.push(body.result.order)
      if (status === 202) proposals.push(body.result.proposal)
      if (status === 200 && body.command === 'close_period') periods.push(body.result.period)
      if (next % 10 === 0) {
        const read = pick(operations.filter((o) => places[o].method === 'GET'))
        const params = Object.fromEntries(
          ['order', 'voucher', 'uscc', 'program', 'period', 'book', 'provider'].map((name) => [name, pick(paths)]),
        )
        await ask(read, { actor: pick([...actors, bureau('auditor', region)]), rawParams: params })
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, lane))
  t.comment(`${next} requests, ${accepted} done, seed ${seed}, ${Date.now() - started} ms`)
  t.ok(accepted > next / 20, 'some of them are done')
  noFaults(t)

  const { provinces } = await done(t, 'reportProvinces', { actor: bureau('auditor', region) })
  for (const [province, figures] of Object.entries(provinces as Record<string, Record<string, string>>)) {
    const fen = (name: string) => BigInt(figures[name]!.replace('.', ''))
    const sum = fen('pool') + fen('available') + fen('held') + fen('approved') - fen('clawedBack')
    t.equal(fen('appropriated'), sum, `${province} adds up`)
  }
  t.ok(codesSeen.size > 20, [...codesSeen].join(' '))
})
