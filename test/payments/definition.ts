/**
 * The message definition pain.001.001.09 (ISO 20022), as far as its parts are used here, in our own words: of every type
 * its elements in their order, how often each may stand, and what its text may be. What is not listed is a fault.
 */
import { XMLParser } from 'fast-xml-parser'

interface Part {
  readonly name: string
  readonly least: 0 | 1
  readonly most: number
  readonly type: string
}

/** `Name:Type`, with `?` when it may be missing, `*` when it may also be repeated, `+` when it must stand once at least. */
function parts(text: string): readonly Part[] {
  return text.split(' ').map((part) => {
    const [, name, often, type] = /^(\w+)([?*+]?):(\w+)$/.exec(part)!
    return {
      name: name!,
      least: often === '?' || often === '*' ? 0 : 1,
      most: often === '*' || often === '+' ? Infinity : 1,
      type: type!,
    }
  })
}

/** Elements in their order. */
const sequences: Readonly<Record<string, readonly Part[]>> = {
  Document: parts('CstmrCdtTrfInitn:Initiation'),
  Initiation: parts('GrpHdr:GroupHeader PmtInf+:PaymentInstruction SplmtryData*:Unused'),
  GroupHeader: parts(
    'MsgId:Max35 CreDtTm:DateTime Authstn*:Unused NbOfTxs:Numeric15 CtrlSum?:Decimal InitgPty:Party FwdgAgt?:Agent InitnSrc?:Unused',
  ),
  PaymentInstruction: parts(
    'PmtInfId:Max35 PmtMtd:Method BtchBookg?:Unused NbOfTxs?:Numeric15 CtrlSum?:Decimal PmtTpInf?:Unused ReqdExctnDt:DateChoice PoolgAdjstmntDt?:Unused Dbtr:Party DbtrAcct:Account DbtrAgt:Agent DbtrAgtAcct?:Account InstrForDbtrAgt?:Unused UltmtDbtr?:Party ChrgBr?:Unused ChrgsAcct?:Account ChrgsAcctAgt?:Agent CdtTrfTxInf+:Transaction',
  ),
  Transaction: parts(
    'PmtId:PaymentId PmtTpInf?:Unused Amt:AmountChoice XchgRateInf?:Unused ChrgBr?:Unused MndtRltdInf?:Unused ChqInstr?:Unused UltmtDbtr?:Party IntrmyAgt1?:Agent IntrmyAgt1Acct?:Account IntrmyAgt2?:Agent IntrmyAgt2Acct?:Account IntrmyAgt3?:Agent IntrmyAgt3Acct?:Account CdtrAgt?:Agent CdtrAgtAcct?:Account Cdtr?:Party CdtrAcct?:Account UltmtCdtr?:Party InstrForCdtrAgt*:Unused InstrForDbtrAgt?:Unused Purp?:Unused RgltryRptg*:Unused Tax?:Unused RltdRmtInf*:Unused RmtInf?:Remittance SplmtryData*:Unused',
  ),
  PaymentId: parts('InstrId?:Max35 EndToEndId:Max35 UETR?:Unused'),
  Party: parts('Nm?:Max140 PstlAdr?:Unused Id?:Unused CtryOfRes?:Unused CtctDtls?:Unused'),
  Account: parts('Id:AccountIdChoice Tp?:Unused Ccy?:Unused Nm?:Unused Prxy?:Unused'),
  AccountOther: parts('Id:Max34 SchmeNm?:Unused Issr?:Max35'),
  Agent: parts('FinInstnId:Institution BrnchId?:Unused'),
  Institution: parts('BICFI?:Unused ClrSysMmbId?:Member LEI?:Unused Nm?:Max140 PstlAdr?:Unused Othr?:Unused'),
  Member: parts('ClrSysId?:SystemChoice MmbId:Max35'),
  Remittance: parts('Ustrd*:Max140 Strd*:Unused'),
}

/** Exactly one of these elements. */
const choices: Readonly<Record<string, readonly Part[]>> = {
  DateChoice: parts('Dt:Date DtTm:DateTime'),
  AmountChoice: parts('InstdAmt:Amount EqvtAmt:Unused'),
  AccountIdChoice: parts('IBAN:Unused Othr:AccountOther'),
  SystemChoice: parts('Cd:Code5 Prtry:Max35'),
}

/** What a text may be. */
const texts: Readonly<Record<string, RegExp>> = {
  Max34: /^[\s\S]{1,34}$/u,
  Max35: /^[\s\S]{1,35}$/u,
  Max140: /^[\s\S]{1,140}$/u,
  Code5: /^[\s\S]{1,5}$/u,
  Numeric15: /^[0-9]{1,15}$/,
  Decimal: /^(?=(?:\D*\d){1,18}\D*$)\d+(?:\.\d{1,17})?$/,
  Amount: /^(?=(?:\D*\d){1,18}\D*$)\d+(?:\.\d{1,5})?$/,
  Method: /^(?:CHK|TRF|TRA)$/,
  Date: /^\d{4}-\d{2}-\d{2}$/,
  DateTime: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?$/,
}

type Read = Readonly<Record<string, unknown>>
interface Element {
  readonly name: string
  readonly content: readonly Read[]
  readonly attributes: Readonly<Record<string, string>>
}

const elementOf = (node: Read): Element => {
  const name = Object.keys(node).find((key) => key !== ':@')!
  return {
    name,
    content: node[name] as readonly Read[],
    attributes: (node[':@'] ?? {}) as Readonly<Record<string, string>>,
  }
}

/** Everything in which a document departs from the definition, each with its path; nothing when it is right. */
export function departures(xml: string): string[] {
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseTagValue: false,
    trimValues: false,
  })
  const [root, ...more] = (parser.parse(xml) as Read[]).map(elementOf).filter(({ name }) => !/^[?#]/.test(name))
  const found: string[] = []
  if (root?.name !== 'Document' || more.some(({ name }) => name !== '#text')) return ['not one Document']
  if (root.attributes.xmlns !== 'urn:iso:std:iso:20022:tech:xsd:pain.001.001.09') found.push('another namespace')
  check({ ...root, attributes: {} }, 'Document', '', found)
  return found
}

function check({ name, content, attributes }: Element, type: string, above: string, found: string[]): void {
  const path = `${above}/${name}`
  const allowed = type === 'Amount' ? ['Ccy'] : []
  if (String(Object.keys(attributes)) !== String(allowed)) found.push(`${path}: attributes ${Object.keys(attributes)}`)
  if (type === 'Amount' && !/^[A-Z]{3}$/.test(attributes.Ccy ?? '')) found.push(`${path}: currency ${attributes.Ccy}`)
  const pattern = texts[type]
  if (pattern) {
    const text = content.map((node) => node['#text']).join('')
    if (content.some((node) => !('#text' in node)) || !pattern.test(text)) found.push(`${path}: ${text} is no ${type}`)
    return
  }
  const inside = content.filter((node) => !('#text' in node && String(node['#text']).trim() === '')).map(elementOf)
  const choice = choices[type]
  if (choice && inside.length !== 1) found.push(`${path}: ${inside.length} of a choice`)
  const wanted = choice ?? sequences[type]
  if (!wanted) {
    found.push(`${path}: ${type} is not used here`)
    return
  }
  let at = 0
  for (const part of wanted) {
    let count = 0
    for (; inside[at]?.name === part.name; at++, count++) check(inside[at]!, part.type, path, found)
    if (count > part.most || (!choice && count < part.least)) found.push(`${path}/${part.name}: ${count} times`)
  }
  if (at < inside.length) found.push(`${path}/${inside[at]!.name}: not here`)
}
