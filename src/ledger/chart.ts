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
  clearing: { no: 8, normal: 'credit', floor: false, zh: '清算往来', en: 'what is owed to the clearing house' },
  paying: {
    no: 9,
    normal: 'credit',
    floor: true,
    zh: '在途拨付',
    en: 'released for payment, not yet confirmed by the bank',
  },
  written_off: { no: 10, normal: 'debit', floor: true, zh: '核销', en: 'recoverable money that was given up' },
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
  novate: {
    no: 13,
    debit: 'payable',
    credit: 'clearing',
    zh: '应付转清算',
    en: 'the clearing house takes over a debt',
  },
  novate_recoverable: {
    no: 14,
    debit: 'recoverable',
    credit: 'clearing',
    zh: '应付转清算（形成应收）',
    en: 'taken over beyond what is owed since a later claw-back',
  },
  take_over_recoverable: {
    no: 15,
    debit: 'clearing',
    credit: 'recoverable',
    zh: '清算冲减应收',
    en: 'the clearing house takes over what a payee must give back',
  },
  take_over: {
    no: 16,
    debit: 'clearing',
    credit: 'payable',
    zh: '清算转应付',
    en: "owed to a payee of this province for the clearing house's account",
  },
  release: { no: 17, debit: 'payable', credit: 'paying', zh: '拨付放行', en: 'released for payment' },
  release_recoverable: {
    no: 18,
    debit: 'recoverable',
    credit: 'paying',
    zh: '拨付放行（超付）',
    en: 'released beyond what is owed since a later claw-back',
  },
  release_clearing: {
    no: 19,
    debit: 'clearing',
    credit: 'paying',
    zh: '划拨放行',
    en: 'an instruction released for payment',
  },
  remit: { no: 20, debit: 'paying', credit: 'treasury', zh: '银行付讫', en: 'a bank line says that it was paid' },
  stop: { no: 21, debit: 'paying', credit: 'payable', zh: '撤销放行', en: 'stopped before the bank paid it' },
  stop_clearing: {
    no: 22,
    debit: 'paying',
    credit: 'clearing',
    zh: '撤销划拨',
    en: 'an instruction stopped before the bank paid it',
  },
  bounce: { no: 23, debit: 'treasury', credit: 'payable', zh: '退汇', en: 'a payment that came back' },
  receive: {
    no: 24,
    debit: 'treasury',
    credit: 'clearing',
    zh: '划拨到账',
    en: 'an instruction received, or one that came back',
  },
  set_off: {
    no: 25,
    debit: 'payable',
    credit: 'recoverable',
    zh: '抵扣',
    en: 'what is owed set off against what must be given back',
  },
  write_off: { no: 26, debit: 'written_off', credit: 'recoverable', zh: '核销', en: 'given up by decision' },
  return_budget: {
    no: 27,
    debit: 'pool',
    credit: 'appropriation',
    zh: '交回财政',
    en: 'unused budget back to Finance',
  },
  carry_over: { no: 28, debit: 'pool', credit: 'pool', zh: '结转', en: 'unused budget carried to another program' },
  subsidise: {
    no: 29,
    debit: 'pool',
    credit: 'payable',
    zh: '省级补助',
    en: "a province's share of its cities' vouchers",
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

/** The names in a table of the chart, in its order. */
export const names = <T extends object>(table: T) => Object.keys(table) as [keyof T & string, ...(keyof T & string)[]]
