/**
 * Every operation, asked as every role, of things that are its own, of a sister jurisdiction, of one below or above, of
 * another province, of the region: what happens is what the table of permissions says, and nothing is left undecided.
 */
import t from 'tap'
import type { Actor } from '../src/core/actor.js'
import { isUnder } from '../src/core/division.js'
import { connect } from '../src/platform/database.js'
import { type Operation, permissions, type Role, reachOf, roles, seconds } from '../src/platform/permissions.js'
import { png } from './support/documents.js'
import { payAll } from './support/payment.js'
import { uscc } from './support/scene.js'
import { china, testService } from './support/service.js'

const service = await testService('2026-03-01')
t.teardown(() => service.close())

const REGION = '000000'
/** Whose things are asked for, and who asks, by how the one stands to the other. */
const OWN = '320509'
const bureaus = {
  own: OWN,
  sister: '320508',
  above: '320500',
  province: '320000',
  'another province': '330000',
  region: REGION,
  none: undefined,
} as const
const firms = { own: 1, sister: 2, 'another province': 3 } as const

const person = (
  role: Role,
  organisation: string,
  jurisdiction?: string,
  subject = `${role} of ${organisation}`,
): Actor => ({
  subject,
  organisation,
  roles: [role],
  ...(jurisdiction === undefined ? {} : { jurisdiction }),
})
const bureau = (role: Role, jurisdiction: string, subject?: string) =>
  person(role, `bureau ${jurisdiction}`, jurisdiction, subject)
const isFirm = (role: Role) => role === 'enterprise' || role === 'provider'
/** An enterprise and a provider have codes of their own. */
const codeOf = (role: Role, n: number) => uscc(role === 'provider' ? 50 + n : n)

// --- asking

const places = Object.fromEntries(
  Object.entries(service.service.app.swagger().paths!).flatMap(([path, methods]) =>
    Object.entries(methods as object).map(([method, { operationId }]) => [
      operationId,
      { method: method.toUpperCase(), path },
    ]),
  ),
) as Record<Operation, { readonly method: string; readonly path: string }>

interface Request {
  readonly params?: Readonly<Record<string, string>>
  readonly query?: string
  readonly body?: object
  /** A file instead of a body in JSON: rows, or a picture. */
  readonly csv?: string
  readonly file?: Buffer
  readonly ifMatch?: number
}
interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
  readonly body: any
}

const typeOf = ({ csv, file }: Request) => (csv ? 'text/csv' : file ? 'image/png' : 'application/json')

let keys = 0
async function send(operation: Operation, actor: Actor, request: Request): Promise<Answer> {
  const { method, path } = places[operation]
  const { params = {}, query = '', body, csv, file, ifMatch } = request
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name]!))
  const response = await fetch(`${service.base}${address}${query}`, {
    method,
    headers: {
      authorization: `Bearer ${service.token(actor)}`,
      ...(method === 'GET' ? {} : { 'content-type': typeOf(request), 'idempotency-key': `k-${++keys}` }),
      ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
    },
    ...(method === 'GET' ? {} : { body: file ?? csv ?? JSON.stringify(body ?? {}) }),
  })
  const isJson = /\bjson/.test(response.headers.get('content-type') ?? '')
  const text = Buffer.from(await response.arrayBuffer()).toString()
  const answer = { status: response.status, body: isJson ? JSON.parse(text) : { cells: text.split(/[,\r\n]+/) } }
  // Whose rows are whose shows in their verdicts.
  if (operation === 'uploadVoucherFile' && answer.status === 202) return finished(actor, (answer as Answer).body.file)
  return answer
}

/** What the rows of a file came to, once all of them are judged. */
async function finished(actor: Actor, file: string): Promise<Answer> {
  for (;;) {
    const { status, body } = await send('getVoucherFile', actor, { params: { file } })
    if (body.state === 'finished') return { status, body: { ...body, items: body.refusals } }
  }
}

/** The first proposal: on the first page of whoever may see it. */
let earliest: string | undefined

async function done(operation: Operation, actor: Actor, request: Request): Promise<Answer['body']> {
  const { status, body } = await send(operation, actor, request)
  if (status >= 300) throw new Error(`${operation}: ${status} ${JSON.stringify(body)}`)
  if (status !== 202) return body
  earliest ??= body.result.proposal as string
  const second = { ...actor, subject: 'second', roles: ['approver'] }
  return done('approveProposal', second, { params: { proposal: body.result.proposal } })
}

// --- the things that are asked for: of the bureau of 吴江, of enterprise 1 and of provider 1

const program = (code: string, payee: 'provider' | 'enterprise', jurisdiction: string = OWN) => ({
  program: code,
  jurisdiction,
  ratio: '0.5',
  annualCap: '100000.00',
  orderCap: null,
  payee,
  invoice: 'whole',
  crossRegion: true,
  applyFrom: '2026-01-01',
  applyTo: '2026-12-31',
  useWithinDays: 365,
  claimWithinDays: 365,
  categories: ['testing'],
  enterpriseTypes: ['tech_sme'],
})
const enterprise = (n: number, division = OWN) => ({ uscc: uscc(n), name: `企业 ${n}`, division, types: ['tech_sme'] })
const provider = (n: number, division = OWN) => ({
  uscc: uscc(50 + n),
  name: `机构 ${n}`,
  division,
  categories: ['testing'],
})
const officer = bureau('officer', OWN)
service.clock.set(china('2026-02-28'))
const days = { from: '2026-01-01', to: '2026-12-31' }
const recognition = { provider: uscc(51), jurisdiction: OWN, categories: ['testing'], ...days }

let contracts = 0
const contract = (voucher: string) => ({
  voucher,
  provider: uscc(51),
  category: 'testing',
  contractNo: `HT-${++contracts}`,
  contractAmount: '10.00',
  voucherAmount: '1.00',
  signedOn: '2026-02-01',
  relatedParty: false,
})

for (const [role, n, division] of [
  ['enterprise', 1, OWN],
  ['enterprise', 2, OWN],
  ['enterprise', 3, '330106'],
  ['provider', 1, OWN],
  ['provider', 2, OWN],
  ['provider', 3, '330106'],
] as const) {
  const code = codeOf(role, n)
  if (role === 'enterprise') await done('registerEnterprise', person(role, code), { body: enterprise(n, division) })
  else await done('registerProvider', person(role, code), { body: provider(n, division) })
}
await done('recogniseProvider', officer, { body: recognition })
const made = async (payee: 'provider' | 'enterprise', code = `WJ-${payee}`, more: object = {}) => {
  await done('publishProgram', officer, { body: { ...program(code, payee), ...more } })
  await done('appropriate', bureau('finance', OWN), { body: { program: code, amount: '10000.00' } })
  const { result } = await done('issueVoucher', officer, {
    body: { enterprise: uscc(1), program: code, amount: '1000.00' },
  })
  const filed = await done('fileOrder', person('enterprise', uscc(1)), { body: contract(result.voucher) })
  return { program: code, voucher: result.voucher as string, order: filed.result.order as string }
}
/** Paid and then clawed back: a firm and a provider that must give something back. */
const owing: { order: string }[] = []
for (const payee of ['provider', 'enterprise'] as const) {
  const { order } = await made(payee, `WJ-owing-${payee}`)
  const params = { order }
  owing.push(params)
  const invoice = { invoiceNo: (payee === 'provider' ? '5' : '6').repeat(20), invoiceAmount: '10.00' }
  await done('deliverOrder', person('provider', uscc(51)), { params })
  await done('confirmOrder', person('enterprise', uscc(1)), { params, body: { score: 80 } })
  await done('submitClaim', person(payee, codeOf(payee, 1)), { params, body: invoice })
  await done('verifyClaim', officer, { params })
  await done('approveClaim', bureau('approver', OWN), { params })
}
service.clock.set(china('2026-03-01'))
const sql = connect(service.database.databaseUrl, 1)
await payAll({ engine: service.service.engine, sql }, 'owing', '2026-02-28')
await sql.end()
for (const payee of ['provider', 'enterprise'] as const) {
  const { order } = await made(payee, `WJ-paid-${payee}`)
  const by = person(payee, codeOf(payee, 1))
  await done('deliverOrder', person('provider', uscc(51)), { params: { order } })
  await done('confirmOrder', person('enterprise', uscc(1)), { params: { order }, body: { score: 80 } })
  const claim = { invoiceNo: String(++contracts).padStart(20, '7'), invoiceAmount: '10.00' }
  await done('submitClaim', by, { params: { order }, body: claim })
  await done('verifyClaim', officer, { params: { order } })
  await done('approveClaim', bureau('approver', OWN, 'second'), { params: { order }, body: { amount: null } })
}
service.clock.set(china('2026-03-02'))
await done('closePeriod', bureau('finance', REGION), { body: { period: '2026-03-A', through: '2026-03-01' } })
const { batch } = (await done('listBatches', bureau('finance', OWN), {})).items[0] as { batch: string }
const { release } = (
  await done('releasePayments', bureau('finance', OWN), {
    params: { batch },
    body: { count: 2, total: '2.00' },
  })
).result as { release: number }
for (const params of owing) await done('clawBack', officer, { params, body: { amount: '1.00', reason: '核减' } })
const subsidising = 'WJ-subsidies'
const city = bureau('officer', '320500')
await done('publishProgram', city, { body: program(subsidising, 'provider', '320500') })
await done('setSubsidy', bureau('finance', '320500'), {
  body: {
    program: subsidising,
    jurisdictions: [OWN],
    basis: 'issued',
    share: '0.3',
    from: '2026-03-02',
    to: '2026-12-31',
    document: '文 7',
  },
})
const paidTo = { provider: await made('provider'), enterprise: await made('enterprise') }
const things = paidTo.provider
const evidenced = {
  order: (await done('fileOrder', person('enterprise', uscc(1)), { body: contract(things.voucher) })).result
    .order as string,
}
await done('deliverOrder', person('provider', uscc(51)), { params: evidenced })
await done('confirmOrder', person('enterprise', uscc(1)), { params: evidenced, body: { score: 80 } })
const { document } = (await done('uploadDocument', person('provider', uscc(51)), { file: png() })) as {
  document: string
}
const claimed = {
  invoiceNo: '26312000000000000017',
  invoiceAmount: '10.00',
  evidence: [{ kind: 'contract', sha256: document }],
}
await done('submitClaim', person('provider', uscc(51)), { params: evidenced, body: claimed })
const { order: declined } = await made('provider', 'WJ-declined')
/** A claim under public notice. */
const { order: noticed } = await made('provider', 'WJ-notice', { noticeDays: 7 })
await done('deliverOrder', person('provider', uscc(51)), { params: { order: noticed } })
await done('confirmOrder', person('enterprise', uscc(1)), { params: { order: noticed }, body: { score: 80 } })
const invoice = { invoiceNo: '9'.repeat(20), invoiceAmount: '10.00' }
await done('submitClaim', person('provider', uscc(51)), { params: { order: noticed }, body: invoice })
await done('verifyClaim', officer, { params: { order: noticed } })
await done('closePeriod', bureau('finance', REGION), { body: { period: '2026-02', through: '2026-02-28' } })
const { program: _, jurisdiction: __, ...drafted } = program('', 'provider')
await done('draftProgram', officer, { params: { program: 'D-1' }, body: { jurisdiction: OWN, rules: drafted } })
const terms = { categories: ['testing'], from: '2026-01-01', to: '2026-12-31', running: 'complete' }
const offer = { accepting: '320000', home: '310000', by: '320000', ...terms }
const { agreement } = (await done('offerAgreement', bureau('officer', '320000'), { body: offer })).result as {
  agreement: string
}
const clearingTerms = { mode: 'netted', group: 'region', covers: 'tree', from: '2027-01-01', to: '2027-12-31' }
const clearingOffer = { one: '320000', other: '310000', by: '320000', ...clearingTerms }
const { agreement: clearing } = (await done('offerClearing', bureau('officer', '320000'), { body: clearingOffer }))
  .result as { agreement: string }
const qualification = { type: 'tech_sme', certificate: '202632050900000001', from: '2026-01-01', to: '2026-12-31' }
const { qualification: declared } = (
  await done('declareQualification', person('enterprise', uscc(1)), { params: { uscc: uscc(1) }, body: qualification })
).result as { qualification: number }
const listing = { uscc: uscc(1), from: '2027-01-01', reason: '合成', jurisdiction: OWN }
const listed = (await done('listIntegrity', officer, { body: listing })).result as { listing: number }
const entry = { uscc: uscc(1), listing: String(listed.listing) }
const other = (await done('listIntegrity', officer, { body: { ...listing, uscc: uscc(51) } })).result as typeof listed
const entryOf = (role: Role) => (role === 'provider' ? { uscc: uscc(51), listing: String(other.listing) } : entry)
const { appeal } = (
  await done('appealIntegrity', person('enterprise', uscc(1)), { params: entry, body: { reason: '申诉' } })
).result as { appeal: number }
const profile = { qualifications: [], services: [], instruments: [], contact: { name: '办公室', phone: '1' } }
const review = { params: { provider: uscc(51) }, body: { verdict: 'accepted', noticeDays: 7 } }
await done('reviewProvider', officer, review)
const { objection } = (
  await done('objectToProvider', person('enterprise', uscc(3)), {
    params: { provider: uscc(51) },
    body: { reason: '异议' },
  })
).result as { objection: number }
const wished = { ...recognition, categories: ['rnd'] }
await done('applyRecognition', person('provider', uscc(51)), { body: wished })
const mapping = { jurisdiction: '320000', localCode: 'JS-1', name: '检测', category: 'testing', from: '2026-01-01' }
const leave = { from: '2026-03-02', to: '2026-03-31' }
const appointment = { person: 'sun', jurisdiction: OWN, roles: ['officer'], from: '2026-03-02', reason: '新任' }
const { standing: appointed } = (await done('appoint', officer, { body: appointment })).result as { standing: number }
const applied = await done('applyVoucher', person('enterprise', uscc(1)), {
  body: { enterprise: uscc(1), program: things.program, amount: '1.00' },
})
const { application } = applied.result as { application: string }
const passed = { verdict: 'passed' }
const csv = `enterprise,program,amount\n${uscc(1)},${things.program},1.00\n`
const { file } = (await send('uploadVoucherFile', officer, { csv })).body as { file: string }
// Whoever tried in vain sees that in the list, and not what others pulled.
await done('getTrialBalance', bureau('auditor', OWN, 'the first auditor'), { params: { book: OWN } })
/** A bank statement of one line that belongs to nothing. */
const bankStatement = (serial: string) =>
  `账号,32001234\n期初余额,0\n期末余额,1\nday,side,amount,reference,serial\n2026-03-02,贷,1,利息,${serial}\n`
const bank = bureau('finance', OWN)
const { statement } = (await send('uploadStatement', bank, { params: { book: OWN }, csv: bankStatement('first') })).body
const { exception } = (await done('listExceptions', bank, {})).items[0]
const proposing = { program: things.program, amount: '1.00' }
const { result: proposed } = (await send('appropriate', bureau('finance', OWN), { body: proposing })).body
const { proposal } = proposed as { proposal: string }

const bankAccount = {
  holder: '代收户',
  explanation: '委托代收',
  number: '6222020000000001',
  bank: '工商银行吴江支行',
  bankCode: '102305400012',
}
const accountOf = (role: Role) => ({ owner: isFirm(role) ? codeOf(role, 1) : uscc(1) })
for (const role of ['enterprise', 'provider'] as const) {
  await done('proposeBankAccount', person(role, codeOf(role, 1)), { params: accountOf(role), body: bankAccount })
}

/** Nobody listens there, on this machine. */
const nowhere = 'http://127.0.0.1:1024/'
const hook = async (actor: Actor, owner: string) =>
  (await done('createWebhook', actor, { body: { owner, url: nowhere, kinds: ['close_period'] } })).result as {
    webhook: string
  }
const hooks = {
  bureau: await hook(officer, OWN),
  enterprise: await hook(person('enterprise', uscc(1)), uscc(1)),
  provider: await hook(person('provider', uscc(51)), uscc(51)),
}
const webhookOf = (role: Role) => ({ ...(role === 'enterprise' || role === 'provider' ? hooks[role] : hooks.bureau) })

/** What is asked of these things by each operation; of what is the region's where that is said. */
const requests: Readonly<Record<Operation, (role: Role) => Request & { readonly of?: string }>> = {
  publishProgram: () => ({ body: program(`P-${++keys}`, 'provider') }),
  updateEnterprise: () => ({ params: { uscc: uscc(1) }, ifMatch: 1, body: { contact: '办公室' } }),
  declareQualification: () => ({ params: { uscc: uscc(1) }, body: qualification }),
  verifyQualification: () => ({
    params: { uscc: uscc(1), qualification: String(declared) },
    body: { verdict: 'refused', reason: '不符', evidence: ['证书'] },
  }),
  correctIntegrity: () => ({ params: entry, ifMatch: 1, body: { verdict: 'removed', reason: '更正' } }),
  appealIntegrity: (role) => ({ params: entryOf(role), body: { reason: '申诉' } }),
  decideAppeal: () => ({ params: { ...entry, appeal: String(appeal) }, body: { verdict: 'upheld', reason: '维持' } }),
  acknowledgeIntegrity: (role) => ({ params: entryOf(role) }),
  listIntegrityEntries: () => ({ query: '?limit=100' }),
  listIntegrityNotices: () => ({ query: '?limit=100' }),
  declareRelations: (role) => ({ params: { uscc: codeOf(role, 1) }, body: { shareholders: [] } }),
  recordRelations: () => ({
    params: { uscc: uscc(1) },
    body: { jurisdiction: OWN, shareholders: [], source: '公示系统' },
  }),
  getRelations: (role) => ({ params: { uscc: codeOf(role, 1) } }),
  offerAgreement: () => ({ of: '320000', body: offer }),
  amendAgreement: () => ({ of: '320000', params: { agreement }, ifMatch: 1, body: { by: '320000', ...terms } }),
  signAgreement: () => ({ of: '320000', params: { agreement }, ifMatch: 1, body: { by: '320000' } }),
  endAgreement: () => ({ of: '320000', params: { agreement }, ifMatch: 1 }),
  listAgreements: () => ({}),
  getAgreement: () => ({ params: { agreement } }),
  withdrawProvider: () => ({ body: { provider: uscc(51), jurisdiction: OWN, reason: '注销' } }),
  liftSuspension: () => ({ body: { provider: uscc(51), jurisdiction: OWN, reason: '复核' } }),
  appoint: () => ({
    body: { person: 'li', jurisdiction: OWN, roles: ['officer'], from: '2026-03-02', reason: '新任' },
  }),
  deputise: () => ({
    body: { person: 'li', principal: 'chen', jurisdiction: OWN, roles: ['officer'], ...leave, reason: '休假' },
  }),
  barPerson: () => ({ body: { person: 'nobody', jurisdiction: OWN, from: '2026-03-02', reason: '离职' } }),
  endStanding: () => ({ body: { person: 'sun', standing: appointed, reason: '调任' } }),
  listPeople: () => ({}),
  getMe: () => ({}),
  supersedeProgram: () => {
    const { program: _, jurisdiction: __, ...rules } = program('', 'provider')
    return { params: things, body: { ...rules, effectiveFrom: '2026-03-02' }, ifMatch: 1 }
  },
  draftProgram: () => {
    const { program: _, jurisdiction: __, ...rules } = program('', 'provider')
    return { params: { program: `D-${++keys}` }, body: { jurisdiction: OWN, rules } }
  },
  discardDraft: () => ({ params: { program: 'D-1' }, body: { jurisdiction: OWN }, ifMatch: 1 }),
  listDrafts: () => ({}),
  getDraft: () => ({ params: { program: 'D-1' } }),
  simulateProgram: () => {
    const { program: _, jurisdiction: __, ...rules } = program('', 'provider')
    return { body: { jurisdiction: OWN, from: '2026-01-01', to: '2026-03-01', budget: '100.00', rules } }
  },
  getProgramVersion: () => ({ params: { ...things, version: '1' } }),
  listDivisions: () => ({}),
  listZones: () => ({}),
  listPrograms: () => ({}),
  getProgram: () => ({ params: things }),
  appropriate: () => ({ body: proposing }),
  registerEnterprise: () => ({ body: enterprise(1) }),
  getEnterprise: () => ({ params: { uscc: uscc(1) } }),
  registerProvider: () => ({ body: provider(1) }),
  getProvider: () => ({ params: { uscc: uscc(51) } }),
  listProviders: () => ({}),
  updateProvider: () => ({ params: { provider: uscc(51) }, body: profile }),
  reviewProvider: () => review,
  objectToProvider: () => ({ params: { provider: uscc(52) }, body: { reason: '异议' } }),
  decideProviderObjection: () => ({
    params: { provider: uscc(51), objection: String(objection) },
    body: { verdict: 'dismissed', reason: '不成立' },
  }),
  applyRecognition: () => ({ body: wished }),
  refuseRecognition: () => ({ body: { provider: uscc(51), jurisdiction: OWN, reason: '材料不全' } }),
  listRecognitionApplications: () => ({}),
  mapCategory: () => ({ of: '320000', body: mapping }),
  getCatalogue: () => ({}),
  getEvaluation: () => ({ params: { uscc: uscc(51) } }),
  listYearlyReview: () => ({ query: `?jurisdiction=${OWN}&year=2026` }),
  recogniseProvider: () => ({ body: recognition }),
  suspendRecognition: () => ({ body: { provider: uscc(51), jurisdiction: OWN } }),
  listIntegrity: () => ({ body: { uscc: uscc(99), from: '2026-01-01', reason: '合成' } }),
  getIntegrity: () => ({ params: { uscc: uscc(1) } }),
  applyVoucher: () => ({ body: { enterprise: uscc(1), program: things.program, amount: '1.00' } }),
  completeApplication: () => ({ params: { application }, ifMatch: 1, body: { amount: '1.00' } }),
  withdrawApplication: () => ({ params: { application } }),
  reviewApplication: () => ({ params: { application }, ifMatch: 1, body: passed }),
  reviewApplications: () => ({ body: { items: [{ application, version: 1, ...passed }] } }),
  grantApplication: () => ({ params: { application } }),
  listApplications: () => ({}),
  getApplication: () => ({ params: { application } }),
  extendVoucher: () => ({ params: things, body: { reason: '延期' } }),
  cancelVoucher: () => ({ params: things }),
  recallVoucher: () => ({ params: things, body: { reason: '收回' } }),
  suspendVoucher: () => ({ params: things, body: { reason: '核查' } }),
  resumeVoucher: () => ({ params: things, body: { reason: '核查完毕' } }),
  issueVoucher: () => ({ body: { enterprise: uscc(1), program: things.program, amount: '1.00' } }),
  bulkIssueVouchers: () => ({ body: { items: [{ enterprise: uscc(1), program: things.program, amount: '1.00' }] } }),
  getVoucherTemplate: () => ({}),
  uploadVoucherFile: () => ({ csv }),
  getVoucherFile: () => ({ params: { file } }),
  getVoucherFileVerdicts: () => ({ params: { file } }),
  listVouchers: () => ({}),
  exportVouchers: () => ({}),
  getVoucher: () => ({ params: things }),
  quoteContract: () => ({
    body: { voucher: things.voucher, provider: uscc(50), category: 'testing', contractAmount: '10.00' },
  }),
  fileOrder: () => ({ body: contract(things.voucher) }),
  listOrders: () => ({}),
  exportOrders: () => ({}),
  getOrder: () => ({ params: things }),
  getTimeline: () => ({ params: things }),
  listReminders: () => ({ query: '?within=366' }),
  acceptOrder: () => ({ params: things }),
  declineOrder: () => ({ params: { order: declined }, body: { reason: '拒单' } }),
  supplementOrder: () => ({
    params: things,
    body: { contractAmount: '12.00', voucherAmount: '1.00', signedOn: '2026-03-01', reason: '增项' },
  }),
  deliverOrder: () => ({ params: things }),
  confirmOrder: () => ({ params: things, body: { score: 80 } }),
  cancelOrder: () => ({ params: paidTo.enterprise }),
  submitClaim: (role) => ({
    params: role === 'enterprise' ? paidTo.enterprise : things,
    body: { invoiceNo: String(++keys).padStart(20, '2'), invoiceAmount: '10.00' },
  }),
  uploadDocument: () => ({ file: png(1) }),
  getDocument: () => ({ params: { document } }),
  returnClaim: () => ({ params: things, body: { reason: '退回' } }),
  verifyClaim: () => ({ params: things }),
  approveClaim: () => ({ params: things, body: { amount: null } }),
  rejectClaim: () => ({ params: things, body: { reason: '驳回' } }),
  clawBack: () => ({ params: things, body: { amount: '0.01', reason: '追回' } }),
  listNotices: () => ({}),
  fileObjection: () => ({ params: { order: noticed }, body: { reason: '异议' } }),
  resolveObjection: () => ({
    params: { ...things, objection: '1' },
    body: { verdict: 'dismissed', reason: '不成立' },
  }),
  appealClaim: (role) => ({
    params: role === 'enterprise' ? paidTo.enterprise : things,
    body: { reason: '申诉' },
  }),
  decideClaimAppeal: () => ({ params: things, body: { verdict: 'dismissed', reason: '维持驳回' } }),
  publishWorkdays: () => ({
    of: REGION,
    body: { year: 2027, document: '国办发明电〔2026〕1号', off: ['2027-01-01'], work: [] },
  }),
  getWorkdays: () => ({ params: { year: '2027' } }),
  offerClearing: () => ({ of: '320000', body: clearingOffer }),
  signClearing: () => ({ of: '320000', params: { agreement: clearing }, ifMatch: 1, body: { by: '320000' } }),
  endClearing: () => ({ of: '320000', params: { agreement: clearing }, ifMatch: 1 }),
  listClearings: () => ({}),
  planPeriods: () => ({
    of: REGION,
    body: { group: 'delta', year: 2027, periods: [{ period: '2027-D1', through: '2027-06-30' }] },
  }),
  listCalendars: () => ({}),
  previewPeriod: () => ({ of: REGION, body: { period: `Q-${++keys}`, through: '2026-03-31', group: 'region' } }),
  listExposures: () => ({}),
  releasePayments: () => ({ params: { batch }, body: { count: 2, total: '2.00' } }),
  stopPayment: () => ({ params: { batch }, body: { line: 1, reason: '退回' } }),
  listGross: () => ({ params: { period: '2026-02' } }),
  exportGross: () => ({ params: { period: '2026-02' } }),
  listPeriodItems: () => ({ params: { period: '2026-02', book: OWN } }),
  exportPeriodItems: () => ({ params: { period: '2026-02', book: OWN } }),
  listRefunds: () => ({ params: { period: '2026-02' } }),
  listBatches: () => ({}),
  getBatch: () => ({ params: { batch } }),
  getPaymentFile: () => ({ params: { batch, release: String(release) }, query: '?format=csv' }),
  listOwnPayments: () => ({}),
  closePeriod: () => ({ of: REGION, body: { period: `Q-${++keys}`, through: '2026-03-31' } }),
  confirmPayments: () => ({ of: REGION, params: { period: 'never closed' } }),
  writeOff: () => ({
    body: { book: OWN, payee: `provider:${uscc(51)}`, amount: '0.01', document: '文 1', reason: '注销' },
  }),
  receiveRefund: () => ({
    body: { book: OWN, payee: `provider:${uscc(51)}`, amount: '0.01', receivedOn: '2026-03-02', document: '文 2' },
  }),
  redFlushInvoice: () => ({ params: things, body: { redInvoiceNo: '7'.repeat(20), amount: '0.01' } }),
  listRecoverables: () => ({}),
  exportRecoverables: () => ({}),
  returnBudget: () => ({ body: { program: things.program, amount: '0.01', document: '文 3' } }),
  carryOver: () => ({
    body: { from: things.program, to: paidTo.enterprise.program, amount: '0.01', document: '文 4' },
  }),
  reconcileBudget: () => ({
    body: { program: things.program, amount: '0.01', asOf: '2026-03-02', document: '文 5' },
  }),
  setSubsidy: () => ({
    of: '320500',
    body: {
      program: subsidising,
      jurisdictions: [OWN],
      basis: 'issued',
      share: '0.3',
      from: '2026-12-01',
      to: '2026-12-31',
      document: '文 6',
    },
  }),
  subsidise: () => ({ of: '320500', body: { program: subsidising, from: '2026-03-01', to: '2026-03-01' } }),
  listSubsidies: () => ({ of: '320500' }),
  openYear: () => ({ body: { jurisdiction: OWN, programs: [things.program], year: 2027 } }),
  getYearEnd: () => ({ query: `?year=2026&jurisdiction=${OWN}` }),
  listPeriods: () => ({}),
  getPeriod: () => ({ params: { period: '2026-02' } }),
  getStatementTemplate: () => ({}),
  uploadStatement: () => ({ params: { book: OWN }, csv: bankStatement(`N-${++keys}`) }),
  listStatements: () => ({}),
  getStatement: () => ({ params: { statement } }),
  listStatementLines: () => ({ params: { statement } }),
  listExceptions: () => ({}),
  exportExceptions: () => ({}),
  getException: () => ({ params: { exception } }),
  assignException: () => ({ params: { exception }, body: { owner: '钱某' } }),
  resolveException: () => ({ params: { exception }, body: { document: '银行收费通知', reason: '手续费' } }),
  getReconciliation: () => ({ query: `?book=${OWN}&period=2026-02` }),
  listProposals: () => ({}),
  getProposal: () => ({ params: { proposal } }),
  approveProposal: () => ({ params: { proposal: 'P320509-1' } }),
  declineProposal: () => ({ params: { proposal: 'P320509-1' }, body: { reason: '不予' } }),
  sweep: () => ({}),
  listAudit: () => ({ params: { book: OWN } }),
  listBooks: () => ({}),
  listAccounts: () => ({ params: { book: OWN } }),
  listEntries: () => ({ params: { book: OWN } }),
  exportEntries: () => ({ params: { book: OWN } }),
  pullLedger: () => ({ params: { book: OWN } }),
  pullBook: () => ({ params: { book: OWN, form: 'balances' } }),
  pullXml: () => ({ params: { book: OWN } }),
  getTrialBalance: () => ({ params: { book: OWN } }),
  drawSample: () => ({ params: { book: OWN }, query: '?method=random' }),
  getGovernmentChart: () => ({ query: `?book=${OWN}` }),
  listPulls: () => ({ query: '?limit=100' }),
  getCheckpoint: () => ({ params: { book: OWN } }),
  listCheckpoints: () => ({ params: { book: OWN } }),
  getTile: () => ({ params: { book: OWN, level: '0', tile: '000.p/1' } }),
  getProof: () => ({ params: { book: OWN, seq: '1' } }),
  reportProvinces: () => ({}),
  reportSettlement: () => ({ query: `?period=2026-02&jurisdiction=${OWN}` }),
  exportSettlementReport: () => ({ query: `?period=2026-02&jurisdiction=${OWN}` }),
  printSettlementReport: () => ({ query: `?period=2026-02&jurisdiction=${OWN}` }),
  getStatistics: () => ({ query: '?year=2026' }),
  exportStatistics: () => ({ query: '?year=2026' }),
  proposeBankAccount: (role) => ({
    params: { owner: isFirm(role) ? codeOf(role, 1) : OWN },
    body: bankAccount,
  }),
  confirmBankAccount: (role) => ({ params: accountOf(role), ifMatch: 1 }),
  revokeBankAccount: (role) => ({ params: accountOf(role), ifMatch: 1 }),
  getBankAccount: (role) => ({ params: accountOf(role) }),
  listBankAccountVersions: (role) => ({ params: accountOf(role) }),
  listBankAccountChanges: () => ({}),
  listSharedBankAccounts: () => ({}),
  createWebhook: (role) => ({ body: { owner: isFirm(role) ? codeOf(role, 1) : OWN, url: nowhere } }),
  listWebhooks: () => ({}),
  getWebhook: (role) => ({ params: webhookOf(role) }),
  pauseWebhook: (role) => ({ params: webhookOf(role) }),
  resumeWebhook: (role) => ({ params: webhookOf(role) }),
  rotateWebhook: (role) => ({ params: webhookOf(role), ifMatch: 1 }),
  endWebhook: (role) => ({ params: webhookOf(role), body: { reason: '停用' } }),
  replayWebhook: (role) => ({ params: webhookOf(role), body: { book: OWN, from: 1 } }),
  pingWebhook: (role) => ({ params: webhookOf(role) }),
  listDeadLetters: (role) => ({ params: webhookOf(role) }),
}

/** What a list must show to those who may see it, and to nobody else. */
const shown: Partial<Record<Operation, string>> = {
  listDrafts: 'D-1',
  listPeople: 'sun',
  listIntegrityEntries: '2027-01-01',
  listIntegrityNotices: '2027-01-01',
  listRecognitionApplications: uscc(51),
  listVouchers: things.voucher,
  listApplications: application,
  listOrders: things.order,
  listReminders: things.order,
  exportVouchers: things.voucher,
  exportOrders: things.order,
  listBatches: batch,
  listOwnPayments: '2026-03-A',
  listStatements: statement,
  listExceptions: exception,
  exportExceptions: exception,
  listRecoverables: OWN,
  exportRecoverables: OWN,
  listSubsidies: subsidising,
  listProposals: earliest!,
  listBooks: OWN,
  listPulls: 'the first auditor',
  listBankAccountChanges: uscc(1),
  listSharedBankAccounts: uscc(1),
  listWebhooks: nowhere,
}

type Outcome = 'may' | 'not the role' | 'not theirs'

function outcomeOf(operation: Operation, { status, body }: Answer): Outcome | string {
  const code: string | undefined = body.items?.[0]?.code ?? body.code
  if (code === 'role_not_permitted') return 'not the role'
  if (code?.startsWith('not_your_') || code?.endsWith('_not_found')) return 'not theirs'
  // A refusal by a rule comes after the question whose it is.
  if (status >= 300 && ![409, 412].includes(status)) return `${status} ${code}`
  const thing = shown[operation]
  return thing === undefined || JSON.stringify(body).includes(`"${thing}"`) ? 'may' : 'not theirs'
}

/** What the table of permissions says; `at` is whose the things are. */
function expected(operation: Operation, { roles: [role], jurisdiction, organisation }: Actor, at: string): Outcome {
  const asking = role as Role
  if (!(permissions[operation] as readonly Role[]).includes(asking)) return 'not the role'
  const reach = reachOf[operation]
  // Who proposes, proposes for a bureau.
  if (operation in seconds && jurisdiction === undefined) return 'not theirs'
  if (reach === 'all' || asking === 'operator') return 'may'
  if (isFirm(asking)) return organisation === codeOf(asking, firms.own) ? 'may' : 'not theirs'
  if (reach === 'bureaus') return jurisdiction === undefined ? 'not theirs' : 'may'
  if (jurisdiction === undefined) return 'not theirs'
  if (reach === 'own') return jurisdiction === at ? 'may' : 'not theirs'
  return jurisdiction === REGION || (at !== REGION && isUnder(at, jurisdiction)) ? 'may' : 'not theirs'
}

/** Everybody who may ask: each role from everywhere. */
function* everybody(): Generator<{ readonly from: string; readonly actor: Actor }> {
  for (const role of Object.keys(roles) as Role[]) {
    if (role === 'operator') yield { from: 'the platform', actor: person(role, 'platform') }
    else if (isFirm(role)) {
      for (const [from, n] of Object.entries(firms)) yield { from, actor: person(role, codeOf(role, n)) }
      // A firm that says it is of a jurisdiction is still only a firm.
      const claiming = person(role, codeOf(role, firms.sister), OWN)
      yield { from: 'a sister that claims the jurisdiction', actor: claiming }
    } else {
      for (const [from, jurisdiction] of Object.entries(bureaus)) {
        yield { from, actor: person(role, `bureau ${jurisdiction}`, jurisdiction) }
      }
    }
  }
}

t.test('every operation as everyone, of everybody’s things, comes to what the table of permissions says', async (t) => {
  let asked = 0
  for (const operation of Object.keys(permissions) as Operation[]) {
    const wrong: string[] = []
    const seen = new Set<string>()
    for (const { from, actor } of everybody()) {
      const { of = OWN, ...request } = requests[operation](actor.roles[0] as Role)
      const outcome = outcomeOf(operation, await send(operation, actor, request))
      const should = expected(operation, actor, of)
      asked++
      seen.add(outcome)
      if (outcome !== should) wrong.push(`${actor.roles} from ${from}: ${outcome}, not ${should}`)
    }
    t.same(wrong, [], operation)
    t.ok(seen.has('may'), `${operation}: somebody may`)
  }
  t.ok(asked > 1000, `${asked} requests`)
})

t.test('nobody without a token', async (t) => {
  for (const operation of Object.keys(permissions) as Operation[]) {
    const { method, path } = places[operation]
    const response = await fetch(`${service.base}${path.replaceAll(/\{\w+\}/g, 'x')}`, { method })
    t.equal(response.status, 401, operation)
  }
})
