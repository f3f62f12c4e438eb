import { z } from 'zod'
import {
  code,
  day,
  digest,
  jurisdiction,
  money,
  reason,
  signedMoney,
  subject,
  text,
  uscc,
  yuanText,
} from '../platform/wire.js'

/** Bank statements: what the bank booked, taken line by line for what it confirms; what it confirms not is looked into. */

/** Lines of one command at most. */
export const MOST_LINES = 1000

/** `debit` 借: it was paid; `credit` 贷: it came in. */
export const sides = ['debit', 'credit'] as const

/** Why nothing was found for a bank line 差错原因. */
export const exceptionReasons = {
  no_reference: { en: 'No reference in it', zh: '附言中没有拨付编号' },
  unclear_reference: { en: 'References that do not go together', zh: '附言中的编号相互矛盾' },
  unknown_reference: { en: 'There is no such payment line', zh: '没有该拨付明细' },
  foreign_reference: {
    en: "Another book's payment, not addressed to this one",
    zh: '属其他账套的拨付，收款方不是本单位',
  },
  not_released: { en: 'The payment line is not released', zh: '该拨付明细尚未放行' },
  already_settled: { en: 'The payment line is settled already', zh: '该拨付明细已结清' },
  not_paid: { en: 'Nothing was paid of the payment line that could come back', zh: '该拨付明细并未付款，无可退回' },
  amount_differs: { en: 'The amount is not what is open', zh: '金额与未结金额不符' },
  unknown_payee: { en: 'Nobody of this code was ever paid from this book', zh: '本账套没有该往来单位' },
} as const
export type Exception = keyof typeof exceptionReasons
export const exceptionReason = z.enum(Object.keys(exceptionReasons) as [Exception, ...Exception[]])

export const statementText = text(32)
  .regex(/^[0-9a-f]{32}$/, { error: 'text_format' })
  .meta({ id: 'StatementId', description: 'Of book, account and number 对账单编号' })

export const bankLine = z.strictObject({
  line: z.int().min(1),
  day,
  side: z.enum(sides),
  amount: money,
  serial: code.meta({ description: "The bank's own number of the line 流水号" }),
  name: text(200).nullable(),
  reference: text(500).nullable(),
})
export type Line = z.output<typeof bankLine>

/** What a statement says of itself; the service itself asks this for whoever has uploaded it. */
export const takeStatement = z.strictObject({
  book: z.number(),
  statement: statementText,
  head: z.strictObject({
    account: text(4),
    number: text(64),
    digest,
    from: day,
    to: day,
    opening: signedMoney,
    closing: signedMoney,
    lines: z.int().min(0),
  }),
  /** How many of its lines were taken before. */
  at: z.int().min(0),
  lines: z.array(bankLine).max(MOST_LINES),
})
export type TakeStatement = z.output<typeof takeStatement>
export const statementTaken = z.object({
  statement: z.string(),
  lines: z.number(),
  matched: z.number(),
  exceptions: z.number(),
  repeated: z.number().meta({ description: 'Lines that another statement had before 重复流水' }),
})

const EXCEPTION = /^X\d{6}-[1-9]\d{0,14}-[1-9]\d{0,9}$/
export const exceptionText = text(40)
  .regex(EXCEPTION, { error: 'text_format' })
  .meta({ id: 'ExceptionId', description: 'X, book, command, line 差错编号', examples: ['X320509-1234-17'] })

export const assignException = z.strictObject({ exception: exceptionText, owner: subject })
export const exceptionAssigned = z.object({ exception: z.string(), owner: z.string() })

export const reference = text(30)
  .regex(/^B\d{6}-[1-9]\d{0,14}-[1-9]\d{0,3}$/, { error: 'text_format' })
  .meta({ id: 'PaymentReference', description: 'Of a payment line 拨付编号', examples: ['B320509-1234-17'] })

/** Ends an exception by hand 差错处理: for payment lines, for a refund, or for neither, which needs a document. */
export const resolveException = z.strictObject({
  exception: exceptionText,
  payments: z
    .array(z.strictObject({ reference, amount: money }))
    .min(1, { error: 'out_of_range' })
    .max(100, { error: 'out_of_range' })
    .nullish()
    .meta({ description: 'The payment lines it is for, adding up to it 对应的拨付明细' }),
  refund: uscc.nullish().meta({ description: 'Who gives money back by it 退款单位' }),
  document: code
    .nullish()
    .meta({ description: 'The document it rests on; needed when nothing is booked for it 依据文号' }),
  reason,
})
export type ResolveException = z.output<typeof resolveException>
export const exceptionResolved = z.object({ exception: z.string(), as: z.enum(['payment', 'refund', 'ignored']) })

export const statementView = z
  .object({
    statement: z.string(),
    book: z.string(),
    account: z.string().meta({ description: "The account's number, all but its end masked 账号（已掩码）" }),
    number: z.string(),
    from: z.string(),
    to: z.string(),
    opening: yuanText,
    closing: yuanText,
    lines: z.number(),
    taken: z.number().meta({ description: 'How many lines are booked so far 已处理' }),
    repeated: z.number().meta({ description: 'Lines that another statement had before 重复流水' }),
    exceptions: z.number().meta({ description: 'Open exceptions of its lines 未处理差错' }),
    state: z.enum(['running', 'finished']),
  })
  .meta({ id: 'Statement' })

/** The upload's answer: what it will come to is on the statement's own page. */
export const statementUploaded = z.object({ statement: z.string(), lines: z.number() })

export const matchView = z.object({
  kind: z.enum(['pay', 'bounce', 'receive', 'refund']),
  reference: z.string().nullable(),
  payee: z.string().nullable(),
  amount: yuanText,
})

export const bankLineView = z
  .object({
    line: z.number(),
    day: z.string(),
    side: z.enum(sides),
    amount: yuanText,
    serial: z.string(),
    name: z.string().nullable(),
    reference: z.string().nullable(),
    matches: z.array(matchView).meta({ description: 'What it was taken for 核销结果' }),
    exception: z.string().nullable(),
  })
  .meta({ id: 'BankLine' })

export const exceptionView = z
  .object({
    exception: z.string(),
    book: z.string(),
    state: z.enum(['open', 'resolved']),
    reason: exceptionReason.meta({
      description: Object.entries(exceptionReasons)
        .map(([name, { en, zh }]) => `\`${name}\` ${en} ${zh}`)
        .join('\n\n'),
    }),
    day: z.string(),
    side: z.enum(sides),
    amount: yuanText,
    name: z.string().nullable(),
    reference: z.string().nullable(),
    account: z.string(),
    serial: z.string(),
    statement: z.string(),
    owner: z.string().nullable(),
    openedOn: z.string(),
    age: z.number().meta({ description: 'Workdays it was, or has been, open 账龄（工作日）' }),
    as: z.enum(['payment', 'refund', 'ignored']).nullable(),
    resolvedOn: z.string().nullable(),
    resolution: z.string().nullable(),
    document: z.string().nullable(),
    resolvedBy: z.string().nullable(),
    proposedBy: z.string().nullable(),
  })
  .meta({ id: 'BankException' })

/** A payment line of the same amount, and whether it is of the same name: only a person may take it for that. */
export const exceptionDetail = exceptionView
  .extend({
    suggestions: z
      .array(z.object({ reference: z.string(), payee: z.string(), amount: yuanText, isSameName: z.boolean() }))
      .meta({ description: 'Payment lines it may be for: same amount, same name first 可能对应的拨付明细' }),
  })
  .meta({ id: 'BankExceptionDetail' })

export const exceptionFilter = z.strictObject({
  book: jurisdiction.optional(),
  state: z.enum(['open', 'resolved']).optional(),
  reason: exceptionReason.optional(),
  owner: subject.optional(),
  statement: statementText.optional(),
})

export const reconciliationQuery = z.strictObject({ book: jurisdiction, period: code })

/** What can differ between ledger, instructions and bank. */
export const differences = {
  line_open: { en: 'Not released yet', zh: '尚未放行' },
  line_in_transit: { en: 'Released, and the bank has not said that it was paid', zh: '已放行，银行尚未付讫' },
  line_paid: { en: 'The line is paid otherwise than the bank says', zh: '明细已付金额与银行流水不符' },
  batch_in_transit: { en: 'The account of the batch is not what its lines are', zh: '批次在途余额与明细不符' },
  batch_remitted: { en: 'The ledger has paid otherwise than the bank says', zh: '账面付讫与银行流水不符' },
  payable_short: { en: 'Less is owed now than the line says', zh: '应付余额少于明细金额（追回所致）' },
  clearing: { en: 'The clearing account is not what its instructions leave', zh: '清算往来余额与划拨指令不符' },
  instruction_open: { en: 'Addressed here and not come in', zh: '应到账划拨尚未到账' },
  treasury: { en: 'The treasury account has moved otherwise than the bank lines', zh: '国库账户发生额与银行流水不符' },
  exception_open: { en: 'A bank line that is in no book', zh: '银行流水尚未入账（差错）' },
} as const
export type Difference = keyof typeof differences

const threeColumns = z.object({
  ledger: yuanText.nullable(),
  instructions: yuanText.nullable(),
  bank: yuanText.nullable(),
})

export const reconciliationView = z
  .object({
    book: z.string(),
    period: z.string(),
    ok: z.boolean().meta({ description: 'Ledger, instructions and bank are equal, and nothing is open 三方相符' }),
    entry: z.number().meta({ description: "The book's last entry it was computed at 截至凭证号" }),
    remitted: threeColumns.meta({ description: 'Paid by the bank, what came back not taken off 银行付讫发生额' }),
    paid: threeColumns.meta({ description: 'Paid and not come back 实付' }),
    inTransit: threeColumns.meta({ description: 'Released and not confirmed 在途' }),
    received: threeColumns.meta({ description: 'Instructions addressed here 应到账划拨' }),
    clearing: threeColumns.meta({ description: 'What is left of the clearing account 清算往来余额' }),
    treasury: threeColumns.meta({ description: 'All that the bank lines have moved 国库发生额' }),
    counts: z.record(z.string(), z.number()).meta({ description: 'How many differences there are of each kind' }),
    differences: z
      .array(
        threeColumns.extend({
          kind: z.enum(Object.keys(differences) as [Difference, ...Difference[]]).meta({
            description: Object.entries(differences)
              .map(([name, { en, zh }]) => `\`${name}\` ${en} ${zh}`)
              .join('\n\n'),
          }),
          reference: z.string().nullable(),
          payee: z.string().nullable(),
        }),
      )
      .meta({ description: 'The first thousand 前一千条' }),
  })
  .meta({ id: 'Reconciliation' })
