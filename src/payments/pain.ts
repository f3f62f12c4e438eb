import type { OpenedAccount } from '../bank-accounts/numbers.js'
import { type Fen, yuan } from '../core/money.js'
import { chinaTime, dayOf, type Instant } from '../core/time.js'

/** One payment of a file. */
export interface Transfer {
  readonly reference: string
  readonly amount: Fen
  readonly to: OpenedAccount
  /** 用途. */
  readonly purpose: string
}

/** Payments from one account, told to the bank together. */
export interface Instruction {
  readonly message: string
  /** When they were released: the same release is the same message. */
  readonly at: Instant
  readonly from: OpenedAccount
  readonly transfers: readonly Transfer[]
}

type Node = readonly [string, string | readonly Node[], string?]

/** Characters that XML 1.0 has no place for are left out. */
const escaped = (text: string) =>
  text
    .toWellFormed()
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')

function written([name, content, currency]: Node): string {
  const attribute = currency === undefined ? '' : ` Ccy="${escaped(currency)}"`
  const inside = typeof content === 'string' ? escaped(content) : content.map(written).join('')
  return `<${name}${attribute}>${inside}</${name}>`
}

/** At most so many characters, none of them cut in two. */
const most = (text: string, length: number) => [...text].slice(0, length).join('')

const account = ({ number }: OpenedAccount): Node[] => [['Id', [['Othr', [['Id', number]]]]]]

/** A bank by its number in the national payment system 联行号. */
const agent = ({ bank, bankCode }: OpenedAccount): Node[] => [
  [
    'FinInstnId',
    [
      [
        'ClrSysMmbId',
        [
          ['ClrSysId', [['Cd', 'CNAPS']]],
          ['MmbId', bankCode],
        ],
      ],
      ['Nm', most(bank, 140)],
    ],
  ],
]

const party = ({ holder }: OpenedAccount): Node[] => [['Nm', most(holder, 140)]]

const transfer = ({ reference, amount, to, purpose }: Transfer): Node => [
  'CdtTrfTxInf',
  [
    ['PmtId', [['EndToEndId', reference]]],
    ['Amt', [['InstdAmt', yuan(amount), 'CNY']]],
    ['CdtrAgt', agent(to)],
    ['Cdtr', party(to)],
    ['CdtrAcct', account(to)],
    ['RmtInf', [['Ustrd', most(purpose, 140)]]],
  ],
]

/** A customer credit transfer initiation (ISO 20022, pain.001.001.09). */
export function painOf({ message, at, from, transfers }: Instruction): string {
  const sums: Node[] = [
    ['NbOfTxs', String(transfers.length)],
    ['CtrlSum', yuan(transfers.reduce((sum, { amount }) => sum + amount, 0n))],
  ]
  const document: Node = [
    'CstmrCdtTrfInitn',
    [
      ['GrpHdr', [['MsgId', message], ['CreDtTm', chinaTime(at)], ...sums, ['InitgPty', party(from)]]],
      [
        'PmtInf',
        [
          ['PmtInfId', message],
          ['PmtMtd', 'TRF'],
          ...sums,
          ['ReqdExctnDt', [['Dt', dayOf(at)]]],
          ['Dbtr', party(from)],
          ['DbtrAcct', account(from)],
          ['DbtrAgt', agent(from)],
          ...transfers.map(transfer),
        ],
      ],
    ],
  ]
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.09">${written(document)}</Document>\n`
}
