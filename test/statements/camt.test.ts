/**
 * camt.053.001.08 read, and the messages of these tests held against the published definition: no schema file may be
 * carried along, so what the definition says of the elements used here (order, how often, length, pattern) is written
 * down again and checked strictly.
 */
import { XMLParser } from 'fast-xml-parser'
import t from 'tap'
import { Refused } from '../../src/core/refusals.js'
import { Faults } from '../../src/platform/problems.js'
import { readCamt } from '../../src/statements/camt.js'

interface Element {
  readonly name: string
  /** How often at least and at most. */
  readonly least: number
  readonly most: number
  readonly of: readonly Element[] | RegExp
  /** One of its elements, and not all in a row. */
  readonly isChoice?: boolean
}
const el = (name: string, times: '1' | '?' | '*' | '+', of: Element['of'], isChoice = false): Element => ({
  name,
  least: times === '1' || times === '+' ? 1 : 0,
  most: times === '1' || times === '?' ? 1 : Number.POSITIVE_INFINITY,
  of,
  isChoice,
})
const text = (most: number) => new RegExp(`^[\\s\\S]{1,${most}}$`)
const [ISO_DATE, ISO_TIME] = [
  /^\d{4}-\d{2}-\d{2}$/,
  /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?$/,
]
const DECIMAL = /^(?=.{1,19}$)\d{1,18}(?:\.\d{1,5})?$/
const SIDE = /^(?:CRDT|DBIT)$/
const when = [el('Dt', '?', ISO_DATE), el('DtTm', '?', ISO_TIME)]
const amount = (times: '1' | '?') => el('Amt', times, DECIMAL)
const person = [el('Pty', '?', [el('Nm', '?', text(140))]), el('Agt', '?', [])]
const transaction = el('TxDtls', '*', [
  el('Refs', '?', [
    el('MsgId', '?', text(35)),
    el('AcctSvcrRef', '?', text(35)),
    el('PmtInfId', '?', text(35)),
    el('InstrId', '?', text(35)),
    el('EndToEndId', '?', text(35)),
  ]),
  amount('?'),
  el('CdtDbtInd', '?', SIDE),
  el('RltdPties', '?', [el('Dbtr', '?', person, true), el('Cdtr', '?', person, true)]),
  el('RmtInf', '?', [el('Ustrd', '*', text(140))]),
  el('AddtlTxInf', '?', text(500)),
])
const definition = el('Document', '1', [
  el('BkToCstmrStmt', '1', [
    el('GrpHdr', '1', [el('MsgId', '1', text(35)), el('CreDtTm', '1', ISO_TIME)]),
    el('Stmt', '+', [
      el('Id', '1', text(35)),
      el('ElctrncSeqNb', '?', /^\d{1,18}$/),
      el('CreDtTm', '?', ISO_TIME),
      el('Acct', '1', [
        el(
          'Id',
          '1',
          [el('IBAN', '?', /^[A-Z]{2}\d{2}[A-Za-z0-9]{1,30}$/), el('Othr', '?', [el('Id', '1', text(34))])],
          true,
        ),
        el('Ccy', '?', /^[A-Z]{3}$/),
      ]),
      el('Bal', '+', [
        el('Tp', '1', [el('CdOrPrtry', '1', [el('Cd', '?', text(4)), el('Prtry', '?', text(35))], true)]),
        amount('1'),
        el('CdtDbtInd', '1', SIDE),
        el('Dt', '1', when, true),
      ]),
      el('Ntry', '*', [
        el('NtryRef', '?', text(35)),
        amount('1'),
        el('CdtDbtInd', '1', SIDE),
        el('RvslInd', '?', /^(?:true|false)$/),
        el('Sts', '1', [el('Cd', '?', text(4)), el('Prtry', '?', text(35))], true),
        el('BookgDt', '?', when, true),
        el('ValDt', '?', when, true),
        el('AcctSvcrRef', '?', text(35)),
        el('BkTxCd', '1', [el('Prtry', '?', [el('Cd', '1', text(35))])]),
        el('NtryDtls', '*', [el('Btch', '?', []), transaction]),
        el('AddtlNtryInf', '?', text(500)),
      ]),
    ]),
  ]),
])

type Node = Record<string, unknown>
const ordered = new XMLParser({
  preserveOrder: true,
  parseTagValue: false,
  ignoreAttributes: true,
  ignoreDeclaration: true,
})
const nameOf = (node: Node) => Object.keys(node).find((key) => key !== ':@')!

/** Where nodes differ from what the definition says; nothing when they are as they must be. */
function against(nodes: readonly Node[], elements: readonly Element[], at: string, isChoice: boolean): string[] {
  const wrong: string[] = []
  let place = 0
  const seen = new Map<string, number>()
  for (const node of nodes) {
    const name = nameOf(node)
    const next = elements.findIndex((one, n) => n >= place && one.name === name)
    if (next < 0) {
      wrong.push(`${at}/${name} is not here`)
      continue
    }
    place = next
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    const one = elements[next]!
    if (count > one.most) wrong.push(`${at}/${name} too often`)
    wrong.push(...inside(node[name] as Node[], one, `${at}/${name}`))
  }
  for (const { name, least } of elements) if ((seen.get(name) ?? 0) < least) wrong.push(`${at}/${name} is missing`)
  if (isChoice && seen.size !== 1) wrong.push(`${at} is one of its elements`)
  return wrong
}

function inside(children: readonly Node[], { of, isChoice = false }: Element, at: string): string[] {
  if (!(of instanceof RegExp)) return against(children, of, at, isChoice)
  const said = String(children[0]?.['#text'] ?? '')
  return of.test(said) ? [] : [`${at}: ${said}`]
}

interface Said {
  readonly id?: string
  readonly side?: 'CRDT' | 'DBIT'
  readonly amount?: string
  readonly ccy?: string
  readonly status?: string
  readonly serial?: string | null
  readonly details?: string
}
let serials = 0
const entry = ({
  side = 'DBIT',
  amount = '10',
  ccy = 'CNY',
  status = 'BOOK',
  serial = `N${++serials}`,
  details = '',
}: Said) => `
  <Ntry><Amt Ccy="${ccy}">${amount}</Amt><CdtDbtInd>${side}</CdtDbtInd><Sts><Cd>${status}</Cd></Sts>
    <BookgDt><Dt>2026-04-01</Dt></BookgDt>${serial === null ? '' : `<AcctSvcrRef>${serial}</AcctSvcrRef>`}
    <BkTxCd><Prtry><Cd>TRF</Cd></Prtry></BkTxCd>${details && `<NtryDtls>${details}</NtryDtls>`}</Ntry>`
const details = (
  reference: string,
  name: string,
  over = '',
) => `<TxDtls><Refs><EndToEndId>${reference}</EndToEndId></Refs>${over}
    <RltdPties><Cdtr><Pty><Nm>${name}</Nm></Pty></Cdtr></RltdPties><RmtInf><Ustrd>兑付款</Ustrd></RmtInf></TxDtls>`
const balance = (kind: string, amount: string) =>
  `<Bal><Tp><CdOrPrtry><Cd>${kind}</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">${amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-04-01</Dt></Dt></Bal>`
const document = (
  entries: readonly string[],
  closing: string,
  namespace = 'urn:iso:std:iso:20022:tech:xsd:camt.053.001.08',
) => `<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="${namespace}"><BkToCstmrStmt><GrpHdr><MsgId>M-1</MsgId><CreDtTm>2026-04-01T20:00:00+08:00</CreDtTm></GrpHdr>
<Stmt><Id>S-1</Id><Acct><Id><Othr><Id>32250198863600001234</Id></Othr></Id><Ccy>CNY</Ccy></Acct>${balance('OPBD', '1000.00')}${balance('CLBD', closing)}${entries.join('')}</Stmt></BkToCstmrStmt></Document>`

const whole = document(
  [
    entry({ amount: '100.5', serial: 'A-1', details: details('B320509-12-1', '某&amp;某检测&#26377;限公司') }),
    entry({
      amount: '30.00',
      serial: 'A-2',
      details:
        details('B320509-12-2', '甲', '<Amt Ccy="CNY">10.00</Amt>') +
        details('B320509-12-3', '乙', '<Amt Ccy="CNY">20.00</Amt>'),
    }),
    entry({ side: 'CRDT', amount: '5', serial: 'A-3' }),
    entry({ amount: '999.00', status: 'PDNG', serial: 'A-4' }),
  ],
  '874.50',
)

t.test('the message is as it is published', async (t) => {
  const nodes = (xml: string) => ordered.parse(xml) as Node[]
  t.same(against(nodes(whole), [definition], '', false), [])
  const turned = whole.replace(/(<Id>S-1<\/Id>)(<Acct>[\s\S]*?<\/Acct>)/, '$2$1')
  t.not(against(nodes(turned), [definition], '', false).length, 0, 'and another order is noticed')
  t.not(against(nodes(whole.replace(/<Sts>.*?<\/Sts>/, '')), [definition], '', false).length, 0)
})

t.test('it is read: whole entries, batch bookings part by part, and nothing that is not booked', async (t) => {
  const { head, lines } = readCamt(Buffer.from(whole))
  t.match(head, { account: '1234', number: 'S-1', opening: 1000_00n, closing: 874_50n, lines: 4, from: '2026-04-01' })
  t.match(
    lines.toSorted((a, b) => a.line - b.line),
    [
      { serial: 'A-1', side: 'debit', amount: 100_50n, name: '某&某检测有限公司', reference: 'B320509-12-1 兑付款' },
      { serial: 'A-2/1', amount: 10_00n, name: '甲', reference: 'B320509-12-2 兑付款' },
      { serial: 'A-2/2', amount: 20_00n, name: '乙' },
      { serial: 'A-3', side: 'credit', amount: 5_00n, name: null, reference: null },
    ],
  )
  const prefixed = whole
    .replaceAll(/<(\/?)(\w)/g, '<$1n:$2')
    .replace('xmlns=', 'xmlns:n=')
    .replace('<n:?xml', '<?xml')
  t.same(readCamt(Buffer.from(prefixed)), { head, lines }, 'with a prefix as well')
})

t.test('what is wrong is said, and never half taken', async (t) => {
  const faultsOf = (xml: string) => {
    try {
      readCamt(Buffer.from(xml))
    } catch (error) {
      if (error instanceof Faults) return error.faults.map(({ pointer, code }) => `${pointer} ${code}`)
      if (error instanceof Refused) return [error.refusal.refused]
      throw error
    }
    return []
  }
  t.same(faultsOf('no xml'), ['/body file_format'])
  t.same(faultsOf(whole.replace('<Document', '<!DOCTYPE Document [<!ENTITY x "y">]><Document')), ['/body file_format'])
  t.match(faultsOf(document([entry({})], '990.00', 'urn:iso:std:iso:20022:tech:xsd:camt.052.001.08')), [/file_format/])
  t.match(faultsOf(whole.replace('<CdtDbtInd>DBIT</CdtDbtInd><Sts>', '<CdtDbtInd>X</CdtDbtInd><Sts>')), [
    /Ntry.*file_format/,
  ])
  t.same(
    faultsOf(
      document(
        [entry({ ccy: 'USD' }), entry({ serial: null }), entry({ serial: 'D' }), entry({ serial: 'D', amount: '-1' })],
        '980.00',
      ),
    ),
    [
      '/body/Ntry/1/amount not_one_of',
      '/body/Ntry/2/serial text_format',
      '/body/Ntry/4/amount amount_format',
      '/body/Ntry/4/serial repeated',
    ],
  )
  const parts =
    details('B320509-12-2', '甲', '<Amt Ccy="CNY">1.00</Amt>') + details('x', '乙', '<Amt Ccy="CNY">2.00</Amt>')
  t.same(faultsOf(document([entry({ amount: '4.00', details: parts })], '996.00')), ['/body/Ntry/1/amount sum_differs'])
  t.same(faultsOf(document([entry({})], '991.00')), ['statement_unbalanced'])
})

t.test('a file of megabytes is read in one pass, whatever is in it', async (t) => {
  // A reader that looks at every character from every other one would need days for so many, so the test would be ended.
  const many = 2_000_000
  const isRefused = (xml: string, what: string) =>
    t.throws(() => readCamt(Buffer.from(xml)), { message: 'validation_failed' }, what)
  const eleven = `${'1 '.repeat(11)}x `
  isRefused(
    document([entry({ details: details('x', eleven.repeat(many / eleven.length)) })], '990.00'),
    'digits that are no account',
  )
  isRefused(`<?xml ${'encoding '.repeat(many / 8)}`, 'a declaration without an end')
  isRefused(`<?xml encoding${' '.repeat(many)}?><Document/>`, 'blanks')
  isRefused(`<!${' '.repeat(many)}`, 'blanks in another declaration')
  isRefused(`<${'Document.'.repeat(many / 9)}`, 'a tag without an end')
  isRefused(`<${'a'.repeat(many)}/>`, 'a long name')
  isRefused(`<a ${'b '.repeat(many / 2)}/>`, 'attributes without a value')
  isRefused('<a>'.repeat(many / 3), 'tags that are not closed')
  isRefused(`<a>${'&#x'.repeat(many / 3)}</a>`, 'references without an end')
})
