/**
 * The chart 科目表: which kinds of account there are and which transfers between them are legal.
 * This one table drives entry building, the database's `legal_transfers`, the documents and the tests;
 * a transfer that is not declared here is a fault.
 */
interface AccountKindEntry {
  /** The number stored in the database. */
  readonly no: number
  /** The side that increases `posted`; the other side decreases it. */
  readonly normal: 'debit' | 'credit'
  /** True when posted less held may not fall below zero. */
  readonly floor: boolean
  readonly zh: string
  readonly en: string
}

export const accountKinds = {
  appropriation: { no: 1, normal: 'debit', floor: true, zh: '拨入', en: 'money given by Finance' },
  treasury: { no: 2, normal: 'credit', floor: false, zh: '国库', en: 'money paid out and come back' },
  pool: { no: 3, normal: 'credit', floor: true, zh: '资金池', en: 'what a program can still issue' },
  voucher: { no: 4, normal: 'credit', floor: true, zh: '创新券', en: 'what is left on a voucher' },
  payable: { no: 5, normal: 'credit', floor: true, zh: '应付款', en: 'what a payee is owed' },
  recoverable: { no: 6, normal: 'debit', floor: true, zh: '应收追回款', en: 'what a payee must give back' },
  position: { no: 7, normal: 'credit', floor: false, zh: '省际头寸', en: 'what the other provinces owe a province' },
} as const satisfies Record<string, AccountKindEntry>

export type AccountKind = keyof typeof accountKinds

interface TransferEntry {
  /** The number stored in the database. */
  readonly no: number
  readonly debit: AccountKind
  readonly credit: AccountKind
  readonly zh: string
  readonly en: string
}

export const transferTypes = {
  appropriate: { no: 1, debit: 'appropriation', credit: 'pool', zh: '拨入资金池', en: 'budget given to a pool' },
  issue: { no: 2, debit: 'pool', credit: 'voucher', zh: '发放', en: 'a voucher issued' },
  lapse: { no: 3, debit: 'voucher', credit: 'pool', zh: '失效收回', en: 'unused voucher money back to the pool' },
  redeem: {
    no: 4,
    debit: 'voucher',
    credit: 'payable',
    zh: '兑付',
    en: 'held by an order, captured by an approved claim',
  },
  claw_back_payable: {
    no: 5,
    debit: 'payable',
    credit: 'pool',
    zh: '追回（冲减应付）',
    en: 'clawed back from what is still owed',
  },
  claw_back_recoverable: {
    no: 6,
    debit: 'recoverable',
    credit: 'pool',
    zh: '追回（形成应收）',
    en: 'clawed back beyond what is still owed',
  },
  pay: { no: 7, debit: 'payable', credit: 'treasury', zh: '拨付', en: 'what was owed is paid' },
  advance: {
    no: 8,
    debit: 'recoverable',
    credit: 'treasury',
    zh: '超付',
    en: 'paid beyond what is owed since a later claw-back',
  },
  recover: { no: 9, debit: 'treasury', credit: 'recoverable', zh: '收回', en: 'what was recoverable comes back' },
  overrecover: {
    no: 10,
    debit: 'treasury',
    credit: 'payable',
    zh: '多收转应付',
    en: 'come back beyond what is recoverable',
  },
  owe: { no: 11, debit: 'position', credit: 'position', zh: '省际轧差', en: 'one province owes another for a period' },
  instruct: {
    no: 12,
    debit: 'position',
    credit: 'position',
    zh: '划拨',
    en: 'an instruction between provinces discharged',
  },
} as const satisfies Record<string, TransferEntry>

export type TransferType = keyof typeof transferTypes

/** How a transfer stands to the two phases of a hold 额度冻结: most are simply posted. */
export const phases = { post: 0, hold: 1, capture: 2, release: 3 } as const
export type Phase = keyof typeof phases

const kindNames = new Map<number, AccountKind>(
  Object.entries(accountKinds).map(([name, { no }]) => [no, name as AccountKind]),
)
const typeNames = new Map<number, TransferType>(
  Object.entries(transferTypes).map(([name, { no }]) => [no, name as TransferType]),
)

/** The kind stored as this number; throws on a number the chart does not know. */
export function accountKind(no: number): AccountKind {
  const kind = kindNames.get(no)
  if (!kind) throw new Error(`no account kind ${no}`)
  return kind
}

/** The transfer type stored as this number; throws on a number the chart does not know. */
export function transferType(no: number): TransferType {
  const type = typeNames.get(no)
  if (!type) throw new Error(`no transfer type ${no}`)
  return type
}
