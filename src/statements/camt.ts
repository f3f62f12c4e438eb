import { XMLParser, XMLValidator } from 'fast-xml-parser'
import { z } from 'zod'
import { Faults } from '../platform/problems.js'
import { type Given, inFen, type StatementFile, statementOf, type Wrong } from './file.js'

/**
 * Reads camt.053.001.08 (ISO 20022 BankToCustomerStatement): one statement of one account in yuan, of booked entries. Of
 * the many elements those are read that say what was paid to whom; the names and their nesting are those of the published
 * message definition.
 */
const NAMESPACE = 'urn:iso:std:iso:20022:tech:xsd:camt.053.001.08'

const said = z.string().optional()
const amount = z.object({ '#text': z.string(), '@Ccy': z.string() })
const date = z.object({ Dt: said, DtTm: said }).optional()
const party = z.object({ Pty: z.object({ Nm: said }).optional(), Agt: z.unknown().optional() }).optional()
const account = z.object({ Id: z.object({ IBAN: said, Othr: z.object({ Id: z.string() }).optional() }) })

const transaction = z.object({
  Refs: z.object({ AcctSvcrRef: said, EndToEndId: said }).optional(),
  Amt: amount.optional(),
  AmtDtls: z.object({ TxAmt: z.object({ Amt: amount }).optional() }).optional(),
  RltdPties: z.object({ Dbtr: party, Cdtr: party }).optional(),
  RmtInf: z.object({ Ustrd: z.array(z.string()).optional() }).optional(),
  AddtlTxInf: said,
})
type Transaction = z.output<typeof transaction>

const entry = z.object({
  NtryRef: said,
  Amt: amount,
  CdtDbtInd: z.enum(['CRDT', 'DBIT']),
  Sts: z.object({ Cd: said, Prtry: said }),
  BookgDt: date,
  AcctSvcrRef: said,
  NtryDtls: z.array(z.object({ TxDtls: z.array(transaction).optional() }).or(z.literal(''))).optional(),
  AddtlNtryInf: said,
})
type Entry = z.output<typeof entry>

const balance = z.object({
  Tp: z.object({ CdOrPrtry: z.object({ Cd: said, Prtry: said }) }),
  Amt: amount,
  CdtDbtInd: z.enum(['CRDT', 'DBIT']),
})
type Balance = z.output<typeof balance>

const message = z.object({
  Document: z.object({
    BkToCstmrStmt: z.object({
      GrpHdr: z.object({ MsgId: z.string(), CreDtTm: z.string() }),
      Stmt: z
        .array(
          z.object({
            Id: z.string(),
            Acct: account,
            Bal: z.array(balance),
            Ntry: z.array(entry).optional(),
          }),
        )
        .length(1),
    }),
  }),
})

const many = new Set(['Stmt', 'Bal', 'Ntry', 'NtryDtls', 'TxDtls', 'Ustrd'])

/** Texts only; XML's own five entities and characters by number are resolved afterwards, and there are no others. */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  parseTagValue: false,
  parseAttributeValue: false,
  processEntities: false,
  removeNSPrefix: true,
  alwaysCreateTextNode: false,
  maxNestedTags: 100,
  isArray: (name) => many.has(name),
})

/** A statement in camt.053; throws Faults with all that is wrong with it, or Refused('statement_unbalanced'). */
export function readCamt(bytes: Uint8Array): StatementFile {
  const read = message.safeParse(parsed(textOf(bytes)))
  if (!read.success) {
    // What does not have the shape of the message is no message: the first places where it differs are told.
    const places = read.error.issues.slice(0, 20).map(({ path }) => ['/body', ...path.map(String)].join('/'))
    throw new Faults([...new Set(places)].map((pointer): Wrong => ({ pointer, code: 'file_format' })))
  }
  const [{ Id, Acct, Bal, Ntry = [] }] = read.data.Document.BkToCstmrStmt.Stmt as [Stmt]
  const booked = Ntry.map((one, n) => ({ one, at: `/body/Ntry/${n + 1}` })).filter(({ one }) => one.Sts.Cd === 'BOOK')
  const faults: Wrong[] = []
  const rows = booked.flatMap(({ one, at }) => linesOf(one, at, Id, faults)).map((row, n) => ({ ...row, line: n + 1 }))
  const head = {
    account: plain(Acct.Id.IBAN ?? Acct.Id.Othr?.Id),
    number: plain(Id),
    opening: balanceOf(Bal, ['OPBD', 'PRCD', 'ITBD'], 0),
    closing: balanceOf(Bal, ['CLBD', 'ITBD'], -1),
  }
  return statementOf(head, rows, faults)
}

type Stmt = z.output<typeof message>['Document']['BkToCstmrStmt']['Stmt'][number]

function textOf(bytes: Uint8Array): string | undefined {
  try {
    const xml = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const declared = /^\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']/i.exec(xml)?.[1]
    return declared === undefined || /^utf-?8$/i.test(declared) ? xml : undefined
  } catch {
    return undefined
  }
}

/** What an XML text holds; undefined when it is none, or declares anything. */
function parsed(xml: string | undefined): unknown {
  if (xml === undefined || /<!\s*(?:DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)/i.test(xml)) return undefined
  if (XMLValidator.validate(xml) !== true) return undefined
  // The parser leaves declarations of namespaces away.
  const root = /<(?:[\w.-]+:)?Document\b([^<>]*)>/.exec(xml)?.[1]
  if (!root?.includes(`"${NAMESPACE}"`) && !root?.includes(`'${NAMESPACE}'`)) return undefined
  try {
    return parser.parse(xml)
  } catch {
    return undefined
  }
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

function plain(text: string | undefined): string {
  return (text ?? '')
    .replaceAll(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w+));/gi, (all, decimal, hexadecimal, name) => {
      if (name) return entities[name] ?? all
      const point = Number(decimal ?? `0x${hexadecimal}`)
      return point <= 0x10ffff && !(point >= 0xd800 && point <= 0xdfff) ? String.fromCodePoint(point) : all
    })
    .trim()
}

/** The balance of the first of these kinds that there is; in the file's order the first or the last one. */
function balanceOf(balances: readonly Balance[], kinds: readonly string[], which: 0 | -1): string {
  for (const kind of kinds) {
    const found = balances.filter(({ Tp }) => Tp.CdOrPrtry.Cd === kind).at(which)
    if (!found) continue
    const text = inFen(plain(found.Amt['#text']))
    return found.CdtDbtInd === 'DBIT' && text !== '0.00' ? `-${text}` : text
  }
  return ''
}

/** The lines of an entry: one, or one for each transaction of a batch booking. */
function linesOf(one: Entry, at: string, statement: string, faults: Wrong[]): Omit<Given, 'line'>[] {
  const details = (one.NtryDtls ?? []).flatMap((details) => (details === '' ? [] : (details.TxDtls ?? [])))
  const [first, ...rest] = details
  const serial = serialOf(one, first, statement)
  if (one.Amt['@Ccy'] !== 'CNY') faults.push({ pointer: `${at}/amount`, code: 'not_one_of' })
  const common = {
    day: plain(one.BookgDt?.Dt ?? one.BookgDt?.DtTm?.slice(0, 10)),
    side: one.CdtDbtInd === 'DBIT' ? 'debit' : 'credit',
  }
  if (rest.length === 0) {
    return [{ at, ...common, amount: inFen(plain(one.Amt['#text'])), serial, ...partyOf(one, first) }]
  }
  const parts = details.map((detail, n) => ({
    at: `${at}/TxDtls/${n + 1}`,
    ...common,
    amount: inFen(plain((detail.Amt ?? detail.AmtDtls?.TxAmt?.Amt)?.['#text'])),
    serial: `${serial}/${n + 1}`,
    ...partyOf(one, detail),
  }))
  const sum = parts.reduce(
    (all, { amount }) => all + (/^\d+\.\d{2}$/.test(amount) ? BigInt(amount.replace('.', '')) : 0n),
    0n,
  )
  const whole = inFen(plain(one.Amt['#text']))
  if (String(sum) !== whole.replace('.', '').replace(/^0+(?=\d)/, '')) {
    faults.push({ pointer: `${at}/amount`, code: 'sum_differs' })
  }
  return parts
}

/** The bank's own number; the entry's reference alone is unique only within its statement. */
function serialOf(one: Entry, detail: Transaction | undefined, statement: string): string {
  const own = one.AcctSvcrRef ?? detail?.Refs?.AcctSvcrRef
  if (own !== undefined) return plain(own)
  return one.NtryRef === undefined ? '' : `${plain(statement)}/${plain(one.NtryRef)}`
}

function partyOf(one: Entry, detail: Transaction | undefined) {
  const { Cdtr, Dbtr } = detail?.RltdPties ?? {}
  const other = one.CdtDbtInd === 'DBIT' ? Cdtr : Dbtr
  const words = [detail?.Refs?.EndToEndId, ...(detail?.RmtInf?.Ustrd ?? []), detail?.AddtlTxInf, one.AddtlNtryInf]
  const reference = words.map(plain).filter((word) => word !== '' && word !== 'NOTPROVIDED')
  return { name: plain(other?.Pty?.Nm), reference: [...new Set(reference)].join(' ').slice(0, 500) }
}
