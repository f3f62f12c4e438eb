/** Electronic invoices 数电票 as XML: what is read, what is refused, and that one pays one order in four provinces. */
import t from 'tap'
import { verifyLedger } from '../../src/audit/verify.js'
import { returnClaimCommand, submitClaimCommand } from '../../src/claims/commands.js'
import { returnClaim, submitClaim } from '../../src/claims/contract.js'
import type { Actor } from '../../src/core/actor.js'
import { isRefusal } from '../../src/core/refusals.js'
import { wire } from '../../src/engine/command.js'
import type { Invoice } from '../../src/invoices/contract.js'
import { misfit, readInvoice } from '../../src/invoices/rules.js'
import type { Order } from '../../src/orders/facts.js'
import { connect } from '../../src/platform/database.js'
import { askOf } from '../support/ask.js'
import { invoiceXml, upload } from '../support/documents.js'
import { proveLedger } from '../support/replay.js'
import { bureau, uscc } from '../support/scene.js'
import { testService } from '../support/service.js'
import { Stage } from '../support/stage.js'
import { table } from '../support/table.js'

const [SELLER, BUYER] = [uscc(11), uscc(12)]
const NUMBER = '26312000000000000017'
const parts = { number: NUMBER, seller: SELLER, buyer: BUYER, total: '1000.00' }
const xml = invoiceXml(parts)
const read = (text: string | Uint8Array) => readInvoice(Buffer.from(text))

t.test('what is read', async (t) => {
  const invoice = { invoiceNo: NUMBER, issuedOn: '2026-03-01', seller: SELLER, buyer: BUYER, total: 1_000_00n }
  t.same(read(xml), { ...invoice, isRed: false })
  t.same(read(`\ufeff${xml}`), { ...invoice, isRed: false }, 'with a byte order mark')
  t.same(read(invoiceXml({ ...parts, seller: SELLER.toLowerCase() })), { ...invoice, isRed: false })
  for (const [total, fen] of [
    ['1000', 1_000_00n],
    ['1000.5', 1_000_50n],
    ['0.01', 1n],
  ] as const) {
    t.equal(read(invoiceXml({ ...parts, total }))?.total, fen, total)
  }
  t.match(read(invoiceXml({ ...parts, total: '-1000.00', blue: 'N' })), { isRed: true, total: -1_000_00n })
  t.match(read(invoiceXml({ ...parts, total: '-1000.00' })), { isRed: true }, 'by its amount alone')
  t.match(read(invoiceXml({ ...parts, blue: 'N' })), { isRed: true }, 'by its mark alone')
  const plain = xml.replace(/<Header>[\s\S]*<\/Header>/, '')
  t.match(read(plain), { isRed: false }, 'without a header')
})

t.test('what is no invoice, or wants to be more than one', async (t) => {
  const at = (name: string, inside: string) => xml.replace(new RegExp(`<${name}>[^<]*</${name}>`), inside)
  const laughs = Array.from({ length: 10 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('')
  const doctype = (inside: string) => xml.replace('<EInvoice>', `<!DOCTYPE EInvoice [${inside}]><EInvoice>`)
  const wrong: Record<string, string | Uint8Array> = {
    nothing: '',
    'not XML': 'hello',
    'cut off': xml.slice(0, -20),
    'another root': xml.replaceAll('EInvoice>', 'Invoice>'),
    'two of them': `${xml}${xml.slice(xml.indexOf('<EInvoice>'))}`,
    'two numbers': at('InvoiceNumber', `<InvoiceNumber>${NUMBER}</InvoiceNumber><InvoiceNumber>1</InvoiceNumber>`),
    'two buyers': at('BuyerIdNum', `<BuyerIdNum>${BUYER}</BuyerIdNum><BuyerIdNum>${SELLER}</BuyerIdNum>`),
    'no buyer': at('BuyerIdNum', ''),
    'a number of 19 digits': at('InvoiceNumber', `<InvoiceNumber>${NUMBER.slice(1)}</InvoiceNumber>`),
    "another year's number": at('InvoiceNumber', `<InvoiceNumber>25${NUMBER.slice(2)}</InvoiceNumber>`),
    'no day': at('IssueTime', '<IssueTime>2026-02-30</IssueTime>'),
    'an amount in words': at('TotalTax-includedAmount', '<TotalTax-includedAmount>壹仟圆整</TotalTax-includedAmount>'),
    'an amount with an exponent': at(
      'TotalTax-includedAmount',
      '<TotalTax-includedAmount>1e3</TotalTax-includedAmount>',
    ),
    'a third decimal': at('TotalTax-includedAmount', '<TotalTax-includedAmount>1.005</TotalTax-includedAmount>'),
    'a document type': doctype(''),
    'a document type in small letters': xml.replace('<EInvoice>', '<!doctype EInvoice><EInvoice>'),
    'an entity': doctype('<!ENTITY b "x">').replace(BUYER, '&b;'),
    'an external entity': doctype('<!ENTITY b SYSTEM "file:///etc/passwd">').replace(BUYER, '&b;'),
    'an external document type': xml.replace(
      '<EInvoice>',
      '<!DOCTYPE EInvoice SYSTEM "http://127.0.0.1/x.dtd"><EInvoice>',
    ),
    'a billion laughs': doctype(`<!ENTITY l0 "ha">${laughs}`).replace(BUYER, '&l10;'),
    'a parameter entity': doctype('<!ENTITY % p SYSTEM "http://127.0.0.1/p"> %p;'),
    'UTF-16': Buffer.from(`\ufeff${xml}`, 'utf16le'),
    'another encoding by its word': xml.replace('UTF-8', 'GBK'),
    'UTF-7': xml.replace('UTF-8', 'UTF-7'),
    'bytes that are not UTF-8': Buffer.concat([Buffer.from(xml), Buffer.from([0xff, 0xfe])]),
    'a hundred thousand deep': `${'<a>'.repeat(100_000)}${'</a>'.repeat(100_000)}`,
    'a name that is none': xml.replaceAll('Header>', '__proto__>'),
  }
  for (const [name, text] of Object.entries(wrong)) t.equal(read(text), undefined, name)
  t.equal(read(xml.replace('合成检测机构', '&notdeclared;'))?.buyer, BUYER, 'an entity that nobody declares is text')
})

const ORDER = { provider: SELLER, enterprise: BUYER }
const invoice: Invoice = { document: 'a'.repeat(64), ...read(xml)! }

t.test('it fits the claim, or which part of it does not', async (t) => {
  const claim = { ...ORDER, invoiceNo: NUMBER, invoiceAmount: 1_000_00n, day: '2026-03-01' }
  for (const { changed, to, wrong } of table(
    'changed to wrong',
    `
    -          -                     -
    invoiceNo  26312000000000000018  invoiceNo
    seller     ${BUYER}              seller
    buyer      ${SELLER}             buyer
    issuedOn   2026-03-02            issuedOn
    `,
  )) {
    const given = changed === '-' ? invoice : { ...invoice, [changed]: to }
    t.equal(misfit(given, claim) ?? '-', wrong, changed)
  }
  t.equal(misfit({ ...invoice, total: 999_99n }, claim), 'invoiceAmount')
  t.equal(misfit({ ...invoice, total: 1_000_01n }, claim), 'invoiceAmount')
})

const order = {
  book: 320509,
  order: 30,
  state: 'confirmed',
  contractAmount: 1_000_00n,
  voucherAmount: 100_00n,
  claimBy: '2026-04-30',
  evidence: null,
  invoiceNo: null,
  redInvoices: null,
  ...ORDER,
} as Order
const context = { at: 0, day: '2026-03-02', actor: bureau('320509'), seq: 40 }
type Submitted = ReturnType<typeof submitClaimCommand.facts>
const facts = (of: Order) =>
  ({
    book: of.book,
    order: of,
    program: { invoice: 'whole', evidence: [] },
    holder: null,
    isStopped: false,
  }) as never as Submitted
const submit = (of: Order, said: object) =>
  submitClaimCommand.decide(
    facts(of),
    { order: 'O320509-30', invoiceNo: NUMBER, invoiceAmount: 1_000_00n, ...said },
    context,
  )
const changedOrder = (plan: ReturnType<typeof submit>) => {
  if (isRefusal(plan)) throw new Error(plan.refused)
  return plan.rows![0]!.value as Order
}

t.test('decided: with the XML as without, unless it says something else', async (t) => {
  t.same(submit(order, { invoice }), submit(order, {}), 'one that fits changes nothing')
  t.match(submit(order, { invoice: { ...invoice, isRed: true } }), { refused: 'invoice_red_flushed' })
  const another = { refused: 'invoice_mismatch', details: { field: 'buyer' } }
  t.match(submit(order, { invoice: { ...invoice, buyer: uscc(13) } }), another)
  const short = submit({ ...order, contractAmount: 2_000_00n }, { invoice: { ...invoice, buyer: uscc(13) } })
  t.match(short, { refused: 'invoice_amount_short' }, 'older checks come first')
})

t.test('a red flush found before approval: sent back, and the invoice is used up for all', async (t) => {
  const submitted = { ...changedOrder(submit(order, {})), state: 'submitted' as const }
  const back = (said: object) =>
    returnClaimCommand.decide(
      { book: order.book, order: submitted },
      { order: 'O320509-30', reason: 'r', ...said },
      context,
    )
  t.equal(changedOrder(back({})).redInvoices, null, 'a return alone says nothing of the invoice')
  const returned = changedOrder(back({ redFlushed: true }))
  t.match(returned, { state: 'returned', invoiceNo: NUMBER, redInvoices: [NUMBER] })
  t.match(submit(returned, {}), { refused: 'invoice_red_flushed', details: { invoiceNo: NUMBER } })

  const next = submit(returned, { invoiceNo: '26312000000000000018' })
  t.match(next, { frees: [], claims: [{ key: 'invoice 26312000000000000018' }] }, 'the red one is not given back')
  const plain = submit({ ...returned, redInvoices: null }, { invoiceNo: '26312000000000000018' })
  t.match(plain, { frees: [`invoice ${NUMBER}`] }, 'another one is')
  t.match(submit({ ...changedOrder(next), state: 'returned' }, {}), { refused: 'invoice_red_flushed' }, 'ever')
})

t.test('what was logged without these fields is read as it was', async (t) => {
  const claim = { order: 'O320509-30', invoiceNo: NUMBER, invoiceAmount: '1000.00' }
  t.equal(wire(submitClaim.parse(claim)), JSON.stringify(claim))
  const given = { order: 'O320509-30', reason: 'r' }
  t.equal(wire(returnClaim.parse(given)), JSON.stringify(given))
  const logged = JSON.parse(wire(submitClaim.parse({ ...claim, invoice: JSON.parse(wire(invoice)) }))) as object
  t.same(submitClaim.parse(logged).invoice, invoice, 'and with them it is read again')
})

// --- over HTTP

const service = await testService('2026-03-02')
t.teardown(() => service.close())
const ask = askOf(service)
const stage = new Stage(service.service.engine)
const lab = (code: string): Actor => ({ subject: `lab ${code}`, organisation: code, roles: ['provider'] })
const officer: Actor = { subject: 'chen', organisation: 'bureau', roles: ['officer'], jurisdiction: '320509' }
let programs = 0
const placed = (over = {}, given = {}) =>
  stage.place({ jurisdiction: '320509', program: `I-${++programs}`, ...over }, given)
const numbered = (n: number) => `2632000000${String(n).padStart(10, '0')}`

t.test('a claim with its invoice as XML', async (t) => {
  const place = await placed()
  const order = await stage.order(place, 'confirmed')
  const said = { number: numbered(1), seller: place.provider, buyer: place.enterprise, total: '1000.00' }
  const claimWith = async (text: string, over: object = {}) => {
    const { status, body } = await upload(service, lab(place.provider), 'application/xml', text)
    t.equal(status, 201, body.code)
    const evidence = [{ kind: 'invoice', sha256: body.document }]
    const claim = { invoiceNo: numbered(1), invoiceAmount: '1000.00', evidence, ...over }
    return ask(lab(place.provider), 'POST', `/v1/orders/${order}/claim`, claim)
  }
  const refusal = (field: string) => ({ status: 409, body: { code: 'invoice_mismatch', details: { field } } })
  t.match(await claimWith(invoiceXml({ ...said, buyer: uscc(99) })), refusal('buyer'))
  t.match(await claimWith(invoiceXml({ ...said, seller: uscc(99) })), refusal('seller'))
  t.match(await claimWith(invoiceXml({ ...said, number: numbered(2) })), refusal('invoiceNo'))
  t.match(await claimWith(invoiceXml({ ...said, total: '999.99' })), refusal('invoiceAmount'))
  t.match(await claimWith(invoiceXml({ ...said, issuedOn: '2026-03-03' })), refusal('issuedOn'))
  const red = await claimWith(invoiceXml({ ...said, total: '-1000.00', blue: 'N' }))
  t.match(red, { status: 409, body: { code: 'invoice_red_flushed' } })
  const entity = `<!DOCTYPE EInvoice [<!ENTITY b "${place.enterprise}">]>`
  const laughing = invoiceXml({ ...said, buyer: '&b;' }).replace('<EInvoice>', `${entity}<EInvoice>`)
  t.match(await upload(service, lab(place.provider), 'text/xml', laughing), {
    status: 422,
    body: { code: 'document_refused', details: { reason: 'not_an_invoice' } },
  })
  const self = await claimWith(invoiceXml(said), { invoice: { isRed: false } })
  t.match(self, { status: 400, body: { errors: [{ pointer: '/body/invoice', code: 'unknown_field' }] } })
  const again = await upload(service, lab(place.provider), 'application/xml', `${invoiceXml(said)}\n`)
  const two = { invoiceNo: numbered(1), invoiceAmount: '1000.00', evidence: [] as object[] }
  for (const { body } of [again, await upload(service, lab(place.provider), 'application/xml', invoiceXml(said))]) {
    two.evidence.push({ kind: 'invoice', sha256: body.document })
  }
  t.match(await ask(lab(place.provider), 'POST', `/v1/orders/${order}/claim`, two), {
    status: 400,
    body: { errors: [{ pointer: '/body/evidence', code: 'repeated' }] },
  })
  t.match(await claimWith(invoiceXml(said)), { status: 200, body: { result: { state: 'submitted' } } })
})

t.test('a red flush found by the bureau: nobody claims with that invoice again', async (t) => {
  const place = await placed()
  const [one, two] = [await stage.order(place, 'confirmed'), await stage.order(place, 'confirmed')]
  const claim = (order: string, n: number) =>
    ask(lab(place.provider), 'POST', `/v1/orders/${order}/claim`, { invoiceNo: numbered(n), invoiceAmount: '1000.00' })
  t.equal((await claim(one, 10)).status, 200)
  const said = { reason: '发票已红冲', redFlushed: true }
  t.equal((await ask(officer, 'POST', `/v1/orders/${one}/return`, said)).status, 200)
  t.match((await ask(officer, 'GET', `/v1/orders/${one}`)).body, { state: 'returned', redInvoices: [numbered(10)] })
  t.match(await claim(one, 10), { body: { code: 'invoice_red_flushed' } })
  t.match(await claim(two, 10), { body: { code: 'invoice_duplicate' } })
  t.equal((await claim(one, 11)).status, 200, 'with the one that was issued instead')
  t.match(await claim(two, 10), { body: { code: 'invoice_duplicate' } }, 'still nobody')
  const rejected = await ask({ ...officer, subject: 'li' }, 'POST', `/v1/orders/${one}/rejection`, { reason: '驳回' })
  t.equal(rejected.status, 200)
  t.match(await claim(two, 10), { body: { code: 'invoice_duplicate' } }, 'also when the order has ended')
  t.equal((await claim(two, 11)).status, 200, 'the other one is free again')
})

t.test('one invoice in two provinces at the same instant: exactly one of them gets it', async (t) => {
  for (let n = 0; n < 8; n++) {
    const wujiang = await placed({ reach: 'YRD-DEMO' })
    const { enterprise, provider } = wujiang
    const qingpu = await placed({ jurisdiction: '310118', reach: 'YRD-DEMO' }, { enterprise, provider })
    const orders = [await stage.order(wujiang, 'confirmed'), await stage.order(qingpu, 'confirmed')]
    const text = invoiceXml({ number: numbered(100 + n), seller: provider, buyer: enterprise, total: '1000.00' })
    const { body } = await upload(service, lab(provider), 'application/xml', text)
    const evidence = [{ kind: 'invoice', sha256: body.document }]
    const claim = { invoiceNo: numbered(100 + n), invoiceAmount: '1000.00', evidence }
    const answers = await Promise.all(
      orders.map((order) => ask(lab(provider), 'POST', `/v1/orders/${order}/claim`, claim)),
    )
    t.same(answers.map(({ status, body }) => body.code ?? status).sort(), [200, 'invoice_duplicate'])
  }
})

t.test('what has come of it is what the log says, decided again', async (t) => {
  const sql = connect(service.database.databaseUrl, 2)
  t.teardown(() => sql.end())
  await proveLedger(sql)
  for await (const { name, ok, finding } of verifyLedger(sql)) t.ok(ok, `${name} ${finding ?? ''}`)
  const [red] = await sql`select from keys where key = ${`invoice ${numbered(10)}`} and holder is not null`
  t.ok(red, 'a red-flushed invoice is held')
})
