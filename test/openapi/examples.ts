/**
 * The examples of the OpenAPI document: one story, asked of a real service at fixed days, in which every operation is
 * done at least once and some are refused. All parties, persons and documents in it are made up.
 */

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Actor } from '../../src/core/actor.js'
import type { RefusalCode } from '../../src/core/refusals.js'
import type { Example, Examples } from '../../src/platform/openapi.js'
import { type Operation, type Role, seconds } from '../../src/platform/permissions.js'
import { Client } from '../../src/rehearsal/client.js'
import { Offices } from '../../src/rehearsal/offices.js'
import { invoiceXml } from '../support/documents.js'
import { uscc } from '../support/scene.js'
import { china, type TestService, testService } from '../support/service.js'

/** Plays the story from its beginning: the first that each operation did, and each refusal. */
export async function playExamples(): Promise<Examples> {
  const service = await testService('2026-03-02')
  try {
    return await story(service)
  } finally {
    await service.close()
  }
}

interface Asked {
  readonly params?: Readonly<Record<string, string | number>>
  readonly query?: Readonly<Record<string, string | number>>
  readonly ifMatch?: number
  readonly body?: object | string
  /** Of a body that is a file. */
  readonly type?: string
}
// biome-ignore lint/suspicious/noExplicitAny: whatever the service answers
type Answer = any

async function story(service: TestService): Promise<Examples> {
  const { base, clock, token } = service
  const places = Object.fromEntries(
    Object.entries(service.service.app.swagger().paths!).flatMap(([path, methods]) =>
      Object.entries(methods as object).map(([method, { operationId }]) => [operationId, { method, path }]),
    ),
  ) as Record<Operation, { readonly method: string; readonly path: string }>
  const examples: Partial<Record<Operation, Record<string, Example>>> = {}
  let keys = 0

  /** Asks what must be done, or must be refused with a code; answers with what was answered. */
  async function ask(operation: Operation, actor: Actor, asked: Asked = {}, code?: RefusalCode): Promise<Answer> {
    const { params = {}, query = {}, ifMatch, body, type = 'application/json' } = asked
    const { method, path } = places[operation]
    const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name]!))
    const hasBody = method === 'post'
    const response = await fetch(`${base}${address}?${new URLSearchParams(query as Record<string, string>)}`, {
      method: method.toUpperCase(),
      headers: {
        authorization: `Bearer ${token(actor)}`,
        // A refusal tells the trace it belongs to.
        traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        ...(hasBody ? { 'content-type': type, 'idempotency-key': `${operation}-${++keys}` } : {}),
        ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
      },
      ...(hasBody ? { body: typeof body === 'string' ? body : JSON.stringify(body ?? {}) } : {}),
    })
    const text = await response.text()
    const answered = response.headers.get('content-type')!.replace(/;.*/, '')
    const answer = /\bjson$/.test(answered) ? JSON.parse(text) : text
    if (response.ok ? code : answer.code !== code) throw new Error(`${operation}: ${response.status} ${text}`)
    examples[operation] ??= {}
    examples[operation][code ?? 'done'] ??= {
      request: {
        ...(asked.params ? { params } : {}),
        ...(asked.query ? { query } : {}),
        ...(ifMatch === undefined ? {} : { ifMatch }),
        ...(body === undefined ? {} : { type, body }),
      },
      status: response.status,
      type: answered,
      answer: beginning(answer),
    }
    return answer
  }

  /** Asks for what takes two persons, and approves it as a colleague. */
  async function byTwo(
    operation: keyof typeof seconds,
    actor: Actor,
    asked: Asked,
    colleague = 'li.na',
  ): Promise<Answer> {
    const { proposal } = (await ask(operation, actor, asked)).result
    const second: Actor = { ...actor, subject: colleague, roles: [...seconds[operation].roles] }
    return (await ask('approveProposal', second, { params: { proposal } })).result
  }

  // Whoever there is: an enterprise of 吴江, a laboratory in 浦东 and another, and the people of the bureaus.
  const [enterprise, lab, otherLab] = [uscc(1), uscc(51), uscc(52)]
  const person = (role: Role, organisation: string, subject: string, jurisdiction?: string): Actor => ({
    subject,
    organisation,
    roles: [role],
    ...(jurisdiction ? { jurisdiction } : {}),
  })
  const firm = person('enterprise', enterprise, 'wang.fang')
  const laboratory = person('provider', lab, 'zhou.min')
  const otherLaboratory = person('provider', otherLab, 'wu.jie')
  const of = (jurisdiction: string) => (role: Role, subject: string) =>
    person(role, `bureau ${jurisdiction}`, subject, jurisdiction)
  const [wujiang, jiangsu, shanghai, pudong, region] = ['320509', '320000', '310000', '310115', '000000'].map(of) as [
    ReturnType<typeof of>,
    ReturnType<typeof of>,
    ReturnType<typeof of>,
    ReturnType<typeof of>,
    ReturnType<typeof of>,
  ]
  const officer = wujiang('officer', 'chen.jing')
  const approver = wujiang('approver', 'li.na')
  const finance = wujiang('finance', 'sun.yan')
  const auditor = wujiang('auditor', 'he.ping')
  const home = pudong('officer', 'xu.lei')
  const clearing = region('finance', 'gao.feng')
  const program = 'WJ-2026'
  const year = { from: '2026-01-01', to: '2026-12-31' }

  // --- rules and money
  const rules = {
    ratio: '0.5',
    annualCap: '300000.00',
    orderCap: '100000.00',
    payee: 'provider',
    invoice: 'whole',
    crossRegion: true,
    applyFrom: '2026-01-01',
    applyTo: '2026-12-31',
    useWithinDays: 180,
    claimWithinDays: 90,
    categories: ['testing', 'rnd'],
    enterpriseTypes: ['tech_sme', 'high_tech'],
    title: '吴江区科技创新券',
    noticeDays: 7,
    extendDays: 90,
    acceptanceDays: 5,
    appealDays: 15,
  }
  await ask('listDivisions', firm)
  await ask('listZones', firm)
  await ask('draftProgram', officer, { params: { program }, body: { jurisdiction: '320509', rules } })
  const { version: draft } = await ask('getDraft', officer, { params: { program } })
  await ask('listDrafts', officer)
  await byTwo('publishProgram', officer, { body: { program, jurisdiction: '320509', ...rules } })
  await ask('discardDraft', officer, { params: { program }, ifMatch: draft, body: { jurisdiction: '320509' } })
  await byTwo('appropriate', finance, { body: { program, amount: '500000.00', note: '2026 年第一批资金' } })
  const { version: published } = await ask('getProgram', officer, { params: { program } })
  await byTwo('supersedeProgram', officer, {
    params: { program },
    ifMatch: published,
    body: { ...rules, ratio: '0.6', effectiveFrom: '2026-07-01' },
  })
  await ask('getProgramVersion', firm, { params: { program, version: 1 } })
  await ask('listPrograms', firm)
  await byTwo('publishWorkdays', region('officer', 'gao.feng'), {
    body: { year: 2027, document: '国办发明电〔2026〕1号', off: ['2027-01-01'], work: [] },
  })
  await ask('getWorkdays', firm, { params: { year: 2027 } })

  // --- parties
  await ask('registerEnterprise', firm, {
    body: { uscc: enterprise, name: '合成新材料（苏州）有限公司', division: '320509', types: ['tech_sme'] },
  })
  const { version: enrolled } = await ask('getEnterprise', firm, { params: { uscc: enterprise } })
  const contact = { params: { uscc: enterprise }, ifMatch: enrolled, body: { contact: '科技办 0512-00000000' } }
  await ask('updateEnterprise', firm, contact)
  await ask('updateEnterprise', firm, contact, 'version_conflict')
  const { qualification } = (
    await ask('declareQualification', firm, {
      params: { uscc: enterprise },
      body: { type: 'tech_sme', certificate: '202632050900000001', ...year },
    })
  ).result
  await byTwo('verifyQualification', officer, {
    params: { uscc: enterprise, qualification },
    body: { verdict: 'verified', evidence: ['科技型中小企业信息服务平台'] },
  })
  await ask('registerProvider', laboratory, {
    body: { uscc: lab, name: '合成检测技术（上海）有限公司', division: '310115', categories: ['testing', 'rnd'] },
  })
  await ask('registerProvider', otherLaboratory, {
    body: { uscc: otherLab, name: '合成分析测试中心', division: '310115', categories: ['testing'] },
  })
  const profile = {
    qualifications: [{ kind: 'CMA', number: '260000000001', validTo: '2030-12-31' }],
    services: [{ category: 'testing', name: '材料力学性能检测', price: '1200.00', unit: '次' }],
    instruments: [{ category: 'testing', name: '扫描电子显微镜', model: 'SEM-1', price: '300.00', unit: '小时' }],
    contact: { name: '业务部', phone: '021-00000000' },
  }
  await ask('updateProvider', laboratory, { params: { provider: lab }, body: profile })
  const { version: described } = await ask('getProvider', home, { params: { uscc: lab } })
  await byTwo('reviewProvider', home, {
    params: { provider: lab },
    ifMatch: described,
    body: { verdict: 'accepted', noticeDays: 5 },
  })
  const { objection: doubt } = (
    await ask('objectToProvider', otherLaboratory, {
      params: { provider: lab },
      body: { reason: '资质证书编号似有误' },
    })
  ).result
  await byTwo('decideProviderObjection', home, {
    params: { provider: lab, objection: doubt },
    body: { verdict: 'dismissed', reason: '经核对，证书编号无误' },
  })
  clock.set(china('2026-03-10'))
  const wanted = { jurisdiction: '320509', categories: ['testing'], ...year }
  await ask('applyRecognition', laboratory, { body: { provider: lab, ...wanted } })
  await ask('applyRecognition', otherLaboratory, { body: { provider: otherLab, ...wanted } })
  await ask('listRecognitionApplications', officer, { query: { state: 'open' } })
  await byTwo('recogniseProvider', officer, { body: { provider: lab, ...wanted } })
  await byTwo('refuseRecognition', officer, {
    body: { provider: otherLab, jurisdiction: '320509', reason: '尚未通过属地审核' },
  })
  await ask('listProviders', firm, { query: { category: 'testing', recognisedBy: '320509' } })
  await byTwo('mapCategory', shanghai('officer', 'xu.lei'), {
    body: { jurisdiction: '310000', localCode: 'SH-JC-03', name: '检验检测', category: 'testing', from: '2026-01-01' },
  })
  await ask('getCatalogue', firm, { query: { jurisdiction: '310000' } })
  await ask('declareRelations', firm, {
    params: { uscc: enterprise },
    body: {
      legalPerson: { name: '王芳', idDigest: digestOf('legal person') },
      shareholders: [{ name: '合成控股有限公司', uscc: uscc(9) }],
    },
  })
  await byTwo('recordRelations', officer, {
    params: { uscc: lab },
    body: { jurisdiction: '320509', shareholders: [], source: '国家企业信用信息公示系统' },
  })
  await ask('getRelations', officer, { params: { uscc: enterprise } })

  // --- agreements between provinces
  const terms = { categories: ['testing', 'rnd'], ...year, running: 'complete' }
  const { agreement } = await byTwo('offerAgreement', jiangsu('officer', 'qian.yu'), {
    body: { accepting: '320000', home: '310000', by: '320000', ...terms },
  })
  const jiangsuOfficer = jiangsu('officer', 'qian.yu')
  const seen = async () => (await ask('getAgreement', jiangsuOfficer, { params: { agreement } })).version as number
  await byTwo('amendAgreement', shanghai('officer', 'xu.lei'), {
    params: { agreement },
    ifMatch: await seen(),
    body: { by: '310000', ...terms, to: '2027-12-31' },
  })
  await byTwo('signAgreement', jiangsuOfficer, { params: { agreement }, ifMatch: await seen(), body: { by: '320000' } })
  await ask('listAgreements', jiangsuOfficer)

  // --- how they clear what they owe each other's payees
  const jiangsuFinance = jiangsu('finance', 'wu.qing')
  const clearingTerms = { mode: 'netted', group: 'region', covers: 'tree', threshold: '100.00', cap: '50000000.00' }
  const days = { from: '2026-06-01', to: '2028-12-31', document: '苏沪清算〔2026〕1号' }
  const { agreement: cleared, version } = await byTwo('offerClearing', jiangsuFinance, {
    body: { one: '310000', other: '320000', by: '320000', ...clearingTerms, ...days },
  })
  const { version: signedVersion } = await byTwo('signClearing', shanghai('finance', 'he.yi'), {
    params: { agreement: cleared },
    ifMatch: version as number,
    body: { by: '310000' },
  })
  await ask('listClearings', jiangsuFinance)
  await ask('listExposures', jiangsuFinance)
  await byTwo('endClearing', jiangsuFinance, { params: { agreement: cleared }, ifMatch: signedVersion as number })

  // --- people
  const appointment = { jurisdiction: '320509', roles: ['officer'], reason: '新任经办' }
  const { standing } = await byTwo('appoint', officer, {
    body: { person: 'zhao.lin', from: '2026-03-10', ...appointment },
  })
  await byTwo('deputise', officer, {
    body: {
      person: 'ma.chao',
      principal: 'zhao.lin',
      jurisdiction: '320509',
      roles: ['officer'],
      from: '2026-03-16',
      to: '2026-03-20',
      reason: '休假',
    },
  })
  await byTwo('barPerson', officer, {
    body: { person: 'feng.tao', jurisdiction: '320509', from: '2026-03-10', reason: '调离' },
  })
  await ask('listPeople', officer, { query: { jurisdiction: '320509', limit: 2 } })
  await byTwo('endStanding', officer, { body: { person: 'zhao.lin', standing, to: '2026-12-31', reason: '期满' } })
  await ask('getMe', officer)

  // --- applications and vouchers
  const applying = { enterprise, program }
  const apply = async (amount: string) =>
    (await ask('applyVoucher', firm, { body: { ...applying, amount, note: '新产品检测' } })).result
      .application as string
  const application = await apply('50000.00')
  const versionOf = async () => (await ask('getApplication', officer, { params: { application } })).version as number
  await ask('reviewApplication', officer, {
    params: { application },
    ifMatch: await versionOf(),
    body: { verdict: 'returned', reason: '材料不全', missing: ['研发项目说明'] },
  })
  await ask('completeApplication', firm, {
    params: { application },
    ifMatch: await versionOf(),
    body: { amount: '50000.00', documents: [{ name: '研发项目说明.pdf', sha256: digestOf('project') }] },
  })
  await ask('listApplications', officer, { query: { program } })
  await ask('reviewApplications', officer, {
    body: { items: [{ application, version: await versionOf(), verdict: 'passed' }] },
  })
  await ask('grantApplication', approver, { params: { application } })
  await ask('withdrawApplication', firm, { params: { application: await apply('20000.00') } })
  const issued = await ask('issueVoucher', officer, { body: { enterprise, program, amount: '100000.00' } })
  const { voucher } = issued.result
  const bulk = await ask('bulkIssueVouchers', officer, {
    body: {
      items: [
        { enterprise, program, amount: '10000.00' },
        { enterprise: uscc(7), program, amount: '10000.00' },
      ],
    },
  })
  const spare = bulk.items[0].result.voucher as string
  await byTwo('suspendVoucher', officer, { params: { voucher: spare }, body: { reason: '核查' } })
  await byTwo('resumeVoucher', officer, { params: { voucher: spare }, body: { reason: '核查完毕' } })
  await byTwo('extendVoucher', officer, { params: { voucher: spare }, body: { reason: '项目延期' } })
  await byTwo('recallVoucher', officer, { params: { voucher: spare }, body: { reason: '企业不再符合条件' } })
  await ask('getVoucherTemplate', officer, { query: { format: 'csv' } })
  const { file } = await ask('uploadVoucherFile', officer, {
    type: 'text/csv',
    body: `enterprise,program,amount\n${enterprise},${program},5000.00\n${enterprise},NO-SUCH,5000.00\n`,
  })
  await untilFinished(file)
  const { items: vouchers } = await ask('listVouchers', firm, { query: { program, limit: 2 } })
  await ask('exportVouchers', officer, { query: { program, format: 'csv' } })
  const [last] = (await ask('listVouchers', firm, { query: { program } })).items.filter(
    (one: { amount: string }) => one.amount === '5000.00',
  )
  await ask('cancelVoucher', firm, { params: { voucher: last.voucher } })
  await ask('getVoucher', firm, { params: { voucher: vouchers[0].voucher } })

  /** A file is worked through after its answer; the example is of one that is finished. */
  async function untilFinished(file: string): Promise<void> {
    const asked = { params: { file } }
    while ((await ask('getVoucherFile', officer, asked)).state !== 'finished') delete examples.getVoucherFile
    await ask('getVoucherFileVerdicts', officer, asked)
  }

  // --- orders and claims
  const contract = {
    provider: lab,
    category: 'testing',
    contractAmount: '40000.00',
    signedOn: '2026-03-09',
    relatedParty: false,
  }
  const { signedOn: _, ...asked } = contract
  await ask('quoteContract', firm, { body: { voucher, ...asked } })
  const fileOrder = async (contractNo: string) =>
    (await ask('fileOrder', firm, { body: { voucher, ...contract, contractNo, voucherAmount: '20000.00' } })).result
      .order as string
  const order = await fileOrder('HT-2026-001')
  await ask('supplementOrder', firm, {
    params: { order },
    body: {
      contractAmount: '50000.00',
      voucherAmount: '24000.00',
      signedOn: '2026-03-10',
      reason: '增加三组样品的检测',
    },
  })
  const wrong = { voucher, ...contract, contractNo: 'HT-2026-002' }
  await ask('fileOrder', firm, { body: { ...wrong, voucherAmount: '20000.01' } }, 'ratio_exceeded')
  await ask(
    'fileOrder',
    firm,
    { body: { ...wrong, voucherAmount: '20000', signedOn: '9/3/2026' } },
    'validation_failed',
  )
  await ask('acceptOrder', laboratory, { params: { order } })
  await ask('declineOrder', laboratory, {
    params: { order: await fileOrder('HT-2026-002') },
    body: { reason: '设备检修，无法按期完成' },
  })
  await ask('cancelOrder', firm, { params: { order: await fileOrder('HT-2026-003') } })
  await ask('listOrders', firm, { query: { program, limit: 2 } })
  await ask('getTimeline', firm, { params: { order } })
  await ask('listReminders', laboratory, { query: { within: 90 } })
  await ask('deliverOrder', laboratory, { params: { order } })
  await ask('confirmOrder', firm, { params: { order }, body: { score: 95 } })
  const invoiceNo = '26312000000000000017'
  const xml = invoiceXml({
    number: invoiceNo,
    issuedOn: '2026-03-10',
    seller: lab,
    buyer: enterprise,
    total: '50000.00',
  })
  const { document } = await ask('uploadDocument', laboratory, { type: 'application/xml', body: xml })
  await ask('getDocument', laboratory, { params: { document } })
  const claim = { invoiceNo, invoiceAmount: '50000.00', evidence: [{ kind: 'invoice', sha256: document }] }
  await ask('submitClaim', laboratory, { params: { order }, body: claim })
  await ask('returnClaim', officer, {
    params: { order },
    body: { reason: '缺少检测报告', items: [{ item: 'report', what: '检测报告盖章页' }] },
  })
  await ask('submitClaim', laboratory, {
    params: { order },
    body: { ...claim, answers: [{ item: 'report', answer: '已补充盖章页' }] },
  })
  await ask('verifyClaim', officer, { params: { order } })
  await ask('listNotices', firm)
  const { objection } = (
    await ask('fileObjection', otherLaboratory, { params: { order }, body: { reason: '服务内容与类别不符' } })
  ).result
  await ask('resolveObjection', approver, {
    params: { order, objection },
    body: { verdict: 'dismissed', reason: '经核查，服务内容与类别相符' },
  })
  clock.set(china('2026-03-20'))
  const sameHand = wujiang('approver', 'chen.jing')
  await ask('approveClaim', sameHand, { params: { order }, body: { amount: '23000.00' } }, 'separation_of_duties')
  await ask('approveClaim', approver, { params: { order }, body: { amount: '23000.00' } })
  await byTwo('clawBack', officer, { params: { order }, body: { amount: '1000.00', reason: '绩效核减' } })
  await ask('getOrder', firm, { params: { order } })
  await ask('getOrder', firm, { params: { order: 'O320509-999' } }, 'order_not_found')
  const refused = await fileOrder('HT-2026-004')
  await ask('acceptOrder', laboratory, { params: { order: refused } })
  await ask('deliverOrder', laboratory, { params: { order: refused } })
  await ask('confirmOrder', firm, { params: { order: refused }, body: { score: 60 } })
  const second = { invoiceNo: '26312000000000000025', invoiceAmount: '40000.00' }
  const used = { ...second, invoiceNo }
  await ask('submitClaim', laboratory, { params: { order: refused }, body: used }, 'invoice_duplicate')
  await ask('submitClaim', laboratory, { params: { order: refused }, body: second })
  await ask('rejectClaim', officer, { params: { order: refused }, body: { reason: '服务内容不在支持范围' } })
  await ask('appealClaim', laboratory, {
    params: { order: refused },
    body: { reason: '服务内容属于目录内检测项目' },
  })
  await ask('decideClaimAppeal', approver, {
    params: { order: refused },
    body: { verdict: 'dismissed', reason: '复核维持原决定' },
  })
  await ask('exportOrders', officer, { query: { program, format: 'csv' } })
  await ask('getEvaluation', firm, { params: { uscc: lab } })
  await ask('listYearlyReview', home, { query: { jurisdiction: '310115', year: 2026 } })

  // --- clearing
  clock.set(china('2026-04-01'))
  await ask('sweep', person('operator', 'platform', 'ops'))
  const period = '2026-03'
  const planned = ['2026-03-31', '2026-06-30', '2026-09-30', '2026-12-31'].map((through) => ({
    period: through.slice(0, 7),
    through,
  }))
  await byTwo('planPeriods', clearing, { body: { group: 'region', year: 2026, periods: planned } })
  await ask('previewPeriod', clearing, { body: { period, through: '2026-03-31', group: 'region' } })
  await ask('listCalendars', clearing)
  await byTwo('closePeriod', clearing, { body: { period, through: '2026-03-31' } })
  await ask('listGross', clearing, { params: { period }, query: { from: '320000' } })
  await ask('exportGross', clearing, { params: { period }, query: { from: '320000', format: 'csv' } })
  await ask('listPeriodItems', finance, { params: { period, book: '320509' } })
  await ask('exportPeriodItems', finance, { params: { period, book: '320509' }, query: { format: 'csv' } })
  await ask('listRefunds', finance, { params: { period } })
  const { items: batches } = await ask('listBatches', finance, { query: { period } })
  const { batch } = batches[0]
  const { control } = await ask('getBatch', finance, { params: { batch } })
  await byTwo('releasePayments', finance, { params: { batch }, body: control })
  await byTwo('stopPayment', finance, { params: { batch }, body: { line: 1, reason: '收款账户待核实' } })
  const { release } = await byTwo('releasePayments', finance, { params: { batch }, body: control })
  const toBank = { params: { batch, release }, query: { format: 'pain.001' } }
  await ask('getPaymentFile', finance, toBank, 'account_missing')
  await ask('listOwnPayments', laboratory)
  const offices = new Offices(new Client(service.base), (actor) => service.token(actor))
  await offices.release(period)
  await offices.pay(period, '2026-04', '2026-04-01')
  await byTwo('confirmPayments', clearing, { params: { period } })
  await ask('getPeriod', clearing, { params: { period } })
  await ask('listPeriods', clearing)
  const bankRows = ['2026-04-01,借,12.00,某银行,账户管理费,A26040100001', '2026-04-01,贷,3.00,某银行,利息,A26040100002']
  await ask('getStatementTemplate', finance)
  const { statement } = await ask('uploadStatement', finance, {
    params: { book: '320509' },
    type: 'text/csv',
    body: `账号,32250198863600001234\n对账单编号,2026-04-01\n期初余额,100.00\n期末余额,91.00\n交易日期,借贷方向,金额,对方户名,附言,流水号\n${bankRows.join('\n')}\n`,
  })
  await ask('getStatement', finance, { params: { statement } })
  await ask('listStatements', auditor, { query: { book: '320509' } })
  await ask('listStatementLines', auditor, { params: { statement } })
  const { items: found } = await ask('listExceptions', finance, { query: { state: 'open' } })
  const { exception } = found[0]
  await ask('exportExceptions', finance, { query: { format: 'csv' } })
  await ask('assignException', finance, { params: { exception }, body: { owner: '钱静' } })
  await ask('getException', finance, { params: { exception } })
  await byTwo('resolveException', finance, {
    params: { exception },
    body: { document: '银行收费通知 2026-04', reason: '账户管理费，不入账' },
  })
  await ask('getReconciliation', finance, { query: { book: '320509', period } })

  // --- after payment, and the end of the year
  await byTwo('clawBack', officer, { params: { order }, body: { amount: '2000.00', reason: '审计核减' } })
  const payee = `provider:${lab}`
  await byTwo('writeOff', finance, {
    body: { book: '320509', payee, amount: '100.00', document: '吴财〔2026〕7号', reason: '追缴未果，经批准核销' },
  })
  const tooMuch = { book: '320509', payee, amount: '2000.00', receivedOn: '2026-04-01', document: '缴款书 12' }
  await ask('receiveRefund', finance, { body: tooMuch }, 'amount_exceeds_recoverable')
  await byTwo('receiveRefund', finance, { body: { ...tooMuch, amount: '900.00' } })
  const redInvoiceNo = '26312000000000000033'
  await byTwo('redFlushInvoice', officer, { params: { order }, body: { redInvoiceNo, amount: '11000.00' } })
  await ask('listRecoverables', laboratory)
  await ask('exportRecoverables', finance, { query: { format: 'csv' } })
  await ask('openYear', officer, { body: { jurisdiction: '320509', programs: [program], year: 2027 } })
  const { rules: nextRules } = await ask('getDraft', officer, { params: { program: 'WJ-2027' } })
  await byTwo('publishProgram', officer, { body: { program: 'WJ-2027', jurisdiction: '320509', ...nextRules } })
  await byTwo('returnBudget', finance, { body: { program, amount: '1000.00', document: '吴财〔2026〕31号' } })
  await byTwo('carryOver', finance, {
    body: { from: program, to: 'WJ-2027', amount: '5000.00', document: '吴财〔2026〕32号' },
  })
  await ask('reconcileBudget', finance, {
    body: { program, amount: '499000.00', asOf: '2026-04-01', document: '国库对账单 2026-03' },
  })
  await ask('getYearEnd', finance, { query: { year: 2026, jurisdiction: '320509' } })
  const provincial = jiangsu('finance', 'he.yun')
  const shared = { program: 'JS-2026', from: '2026-04-01', to: '2026-04-30' }
  await byTwo('publishProgram', jiangsu('officer', 'qian.yu'), {
    body: { ...rules, program: shared.program, jurisdiction: '320000' },
  })
  await byTwo('appropriate', provincial, { body: { program: shared.program, amount: '100000.00' } })
  await byTwo('setSubsidy', provincial, {
    body: {
      ...shared,
      jurisdictions: ['320509'],
      basis: 'issued',
      share: '0.3',
      to: '2026-12-31',
      document: '苏财〔2026〕5号',
    },
  })
  await ask('subsidise', provincial, { body: shared }, 'period_not_over')
  await ask('issueVoucher', officer, { body: { enterprise, program, amount: '10000.00' } })
  clock.set(china('2026-05-01'))
  await ask('subsidise', provincial, { body: shared })
  await ask('listSubsidies', provincial)
  const { proposal } = (await ask('appropriate', finance, { body: { program, amount: '1.00' } })).result
  const alone = { ...finance, roles: ['approver'] }
  await ask('approveProposal', alone, { params: { proposal } }, 'separation_of_duties')
  await ask('getProposal', approver, { params: { proposal } })
  await ask('listProposals', approver, { query: { state: 'open' } })
  await ask('declineProposal', approver, { params: { proposal }, body: { reason: '金额有误' } })

  // --- the books, and who wants to hear of them
  const book = '320509'
  await ask('listBooks', auditor)
  await ask('listBooks', firm, {}, 'role_not_permitted')
  await ask('listAccounts', auditor, { params: { book }, query: { entry: 3 } })
  await ask('listEntries', auditor, { params: { book }, query: { limit: 2 } })
  await ask('exportEntries', auditor, { params: { book }, query: { format: 'csv' } })
  await ask('listAudit', auditor, { params: { book }, query: { limit: 2 } })
  // --- what auditors take away
  await ask('pullLedger', auditor, { params: { book }, query: { fromEntry: 1, toEntry: 3 } })
  await ask('pullLedger', { ...auditor, jurisdiction: '330000' }, { params: { book } }, 'not_your_jurisdiction')
  await ask('pullBook', auditor, { params: { book, form: 'balances' }, query: { toEntry: 3, format: 'csv' } })
  await ask('pullXml', auditor, { params: { book }, query: { toEntry: 1 } })
  await ask('getTrialBalance', auditor, { params: { book }, query: { fromEntry: 2, toEntry: 5 } })
  await ask('drawSample', auditor, { params: { book }, query: { method: 'random', size: 1, seed: '2026' } })
  await ask('getGovernmentChart', auditor, { query: { book } })
  await ask('listPulls', auditor, { query: { limit: 2 } })
  // Sealing follows within a second or so.
  const head = (await ask('listBooks', auditor)).items.find((one: { book: string }) => one.book === book).seq
  const sealed = async () =>
    (await ask('listCheckpoints', auditor, { params: { book }, query: { after: head - 1 } })).items
  await ask('getTile', auditor, { params: { book, level: '0', tile: '999' } }, 'log_unsealed')
  while ((await sealed()).length === 0) {
    delete examples.listCheckpoints
    await sleep(100)
  }
  await ask('getCheckpoint', auditor, { params: { book } })
  await ask('getTile', auditor, { params: { book, level: 'entries', tile: '000.p/1' } })
  await ask('getProof', auditor, { params: { book, seq: 5 }, query: { since: 3 } })
  await ask('reportProvinces', auditor)
  await ask('reportSettlement', clearing, { query: { period } })
  await ask('exportSettlementReport', clearing, { query: { period, format: 'csv' } })
  await ask('printSettlementReport', clearing, { query: { period } })
  await ask('getStatistics', clearing, { query: { year: 2026 } })
  await ask('exportStatistics', clearing, { query: { year: 2026, format: 'csv' } })
  await ask('getStatistics', clearing, { query: { year: 2999 } }, 'moment_in_future')
  await ask('simulateProgram', officer, {
    body: {
      jurisdiction: '320509',
      from: '2026-01-01',
      to: '2026-03-31',
      budget: '500000.00',
      rules: { ...rules, ratio: '0.4' },
    },
  })
  // --- bank accounts
  const { name: holder } = await ask('getEnterprise', firm, { params: { uscc: enterprise } })
  const owned = { params: { owner: enterprise } }
  const account = { holder, number: '6222020012345678', bank: '中国工商银行苏州吴江支行', bankCode: '102305400012' }
  const { version: proposed } = (await ask('proposeBankAccount', firm, { ...owned, body: account })).result
  await ask('listBankAccountChanges', officer)
  await ask('confirmBankAccount', firm, { ...owned, ifMatch: proposed }, 'separation_of_duties')
  const { version: confirmedAt } = (await ask('confirmBankAccount', officer, { ...owned, ifMatch: proposed })).result
  await ask('getBankAccount', finance, owned)
  const collected = { ...account, holder: '代收户' }
  await ask('proposeBankAccount', firm, { ...owned, ifMatch: confirmedAt, body: collected }, 'holder_differs')
  await ask('proposeBankAccount', laboratory, {
    params: { owner: lab },
    body: { ...collected, explanation: '集团集中收款' },
  })
  await ask('listSharedBankAccounts', officer)
  const labs = await ask('getBankAccount', laboratory, { params: { owner: lab } })
  await ask('revokeBankAccount', laboratory, {
    params: { owner: lab },
    ifMatch: labs.version,
    body: { reason: '账户有误' },
  })
  await ask('listBankAccountVersions', firm, owned)
  // A subsidy, from one bureau's account to another's, as a file for the bank.
  for (const [jurisdiction, who, second, name] of [
    ['320000', provincial, jiangsuOfficer, '江苏省科技厅'],
    ['320509', finance, officer, '苏州市吴江区科技局'],
  ] as const) {
    const body = {
      holder: name,
      number: `32000000${jurisdiction}`,
      bank: '中国农业银行江苏省分行',
      bankCode: '103301000018',
    }
    const { version } = (await ask('proposeBankAccount', who, { params: { owner: jurisdiction }, body })).result
    await ask('confirmBankAccount', second, { params: { owner: jurisdiction }, ifMatch: version })
  }
  const { items: subsidies } = await ask('listBatches', provincial, { query: { book: '320000' } })
  const subsidy = subsidies.find((one: { period: string }) => one.period.startsWith('subsidy')).batch
  const { control: totals } = await ask('getBatch', provincial, { params: { batch: subsidy } })
  const paying = await byTwo('releasePayments', provincial, { params: { batch: subsidy }, body: totals })
  await ask('getPaymentFile', provincial, {
    params: { batch: subsidy, release: paying.release as number },
    query: { format: 'pain.001' },
  })

  const { webhook } = (
    await ask('createWebhook', officer, {
      body: { owner: book, url: 'https://hooks.example.com/clearing', kinds: ['close_period'] },
    })
  ).result
  const { version: hooked } = await ask('getWebhook', officer, { params: { webhook } })
  await ask('listWebhooks', officer)
  await ask('listDeadLetters', officer, { params: { webhook } })
  await ask('rotateWebhook', officer, { params: { webhook }, ifMatch: hooked })
  await ask('replayWebhook', officer, { params: { webhook }, body: { book, from: 1, to: 3 } })
  await ask('pauseWebhook', officer, { params: { webhook } })
  await ask('resumeWebhook', officer, { params: { webhook } })
  await ask('endWebhook', officer, { params: { webhook }, body: { reason: '系统下线' } })
  await withReceiver(async (url) => {
    const made = await ask('createWebhook', officer, { body: { owner: book, url, kinds: ['close_period'] } })
    await ask('pingWebhook', officer, { params: { webhook: made.result.webhook } })
  })

  // --- what ends badly
  const { listing } = await byTwo('listIntegrity', officer, {
    body: {
      uscc: enterprise,
      from: '2026-04-01',
      to: '2027-03-31',
      reason: '提供虚假材料',
      jurisdiction: '320509',
      decision: '苏科监〔2026〕1号',
    },
  })
  const entry = { uscc: enterprise, listing }
  await ask('getIntegrity', firm, { params: { uscc: enterprise } })
  await ask('listIntegrityEntries', officer, { query: { jurisdiction: '320509' } })
  await ask('listIntegrityNotices', firm)
  await ask('acknowledgeIntegrity', firm, { params: entry })
  const { appeal } = (await ask('appealIntegrity', firm, { params: entry, body: { reason: '材料系真实出具' } })).result
  const decision = {
    params: { ...entry, appeal },
    body: { verdict: 'corrected', terms: { from: '2026-04-01', to: '2026-09-30' }, reason: '情节较轻，缩短期限' },
  }
  // Neither of those who listed it.
  const { version: listed } = await byTwo('decideAppeal', wujiang('officer', 'ding.rui'), decision, 'shen.yi')
  await byTwo('correctIntegrity', officer, {
    params: entry,
    ifMatch: listed,
    body: { verdict: 'removed', reason: '已整改' },
  })
  await byTwo('suspendRecognition', officer, { body: { provider: lab, jurisdiction: '320509' } })
  await byTwo('liftSuspension', officer, { body: { provider: lab, jurisdiction: '320509', reason: '整改合格' } })
  await byTwo('withdrawProvider', home, { body: { provider: otherLab, jurisdiction: '310115', reason: '机构注销' } })
  await byTwo('endAgreement', jiangsuOfficer, { params: { agreement }, ifMatch: await seen() })
  return examples as Examples
}

/** Of a long list the first three, so that an example stays readable. */
const beginning = (answer: Answer) =>
  answer.items?.length > 10 ? { ...answer, items: answer.items.slice(0, 3) } : answer

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex')

/** Somebody on this machine who hears whatever is sent. */
async function withReceiver(use: (url: string) => Promise<void>): Promise<void> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(204).end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}
