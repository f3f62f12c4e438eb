import { z } from 'zod'
import seeds from '../../db/seeds/bank-classes.json' with { type: 'json' }
import { pageQuery } from '../platform/pages.js'
import { digest, name, reason, jurisdiction as theirs, uscc, version } from '../platform/wire.js'

/** Whose account it is: a bureau's jurisdiction, or the credit code of a firm or a provider. */
export const owner = z
  .union([theirs, uscc], { error: 'owner_unknown' })
  .meta({ description: "A jurisdiction's code or a credit code 辖区代码或统一社会信用代码" })

const BANK_CODE = /^\d{12}$/

/** Whether the first three digits are a known class of bank. The last digit is not checked: its rule is not published. */
const isKnownClass = (code: string) =>
  seeds.classes.some(({ from, to }) => from <= classOf(code) && classOf(code) <= to)
const classOf = (code: string) => Number(code.slice(0, 3))

const bankCode = z
  .string()
  .regex(BANK_CODE, { error: 'bank_code_format' })
  .refine((code) => !BANK_CODE.test(code) || isKnownClass(code), { error: 'bank_code_unknown' })
  .meta({ description: '12-digit number of the bank 联行号', examples: ['102100099996'] })

const number = z
  .string()
  .regex(/^[0-9A-Za-z]{8,32}$/, { error: 'account_number_format' })
  .meta({
    description: 'Account number 账号; kept sealed, answered as **** and four digits',
    examples: ['6222020012345678'],
  })

const said = {
  holder: name.meta({ description: 'Holder 户名' }),
  bank: name.meta({ description: 'Bank and branch 开户行' }),
  bankCode,
  explanation: reason
    .nullish()
    .meta({ description: 'Why the holder is not the registered name 户名与登记名称不一致的说明' }),
}

/** A new account, or another one (申报、变更账户). */
export const proposeBody = z.strictObject({ ...said, number })

/** The same as the log has it: the number sealed. */
export const proposeAccount = z.strictObject({
  owner,
  version: version.nullish(),
  ...said,
  sealed: z.string().regex(/^[a-z0-9]{1,16}\.[\w-]{40,120}$/),
  print: digest,
  tail: z.string().regex(/^[0-9A-Za-z]{4}$/),
})

/** The second person confirms what was read (复核); the days of cooling off 冷静期, in workdays, are the service's own. */
export const confirmAccount = z.strictObject({ owner, version, coolingDays: z.int().min(0).max(90) })

/** Takes back an account that no payment has used yet (撤回). */
export const revokeAccount = z.strictObject({ owner, version, reason: reason.nullish() })

/** The same number sealed with the newest key (密钥轮换); the service's own step. */
export const resealAccount = z.strictObject({
  owner,
  account: z.int().min(1),
  sealed: proposeAccount.shape.sealed,
  print: digest,
})

export const accountStates = ['proposed', 'confirmed', 'revoked'] as const

export const accountWritten = z.object({
  owner: z.string(),
  account: z.number().meta({ description: 'The account, by the number of the command that proposed it' }),
  version: z.number(),
  state: z.enum(accountStates),
})
export const accountResealed = z.object({ owner: z.string(), account: z.number() })

export const accountView = z
  .object({
    account: z.number(),
    owner: z.string(),
    holder: z.string(),
    registeredName: z
      .string()
      .nullable()
      .meta({ description: 'The registered name when the holder is another one 与户名不一致的登记名称' }),
    explanation: z.string().nullable(),
    number: z.string().meta({ description: 'Masked 掩码', examples: ['**** 5678'] }),
    bank: z.string(),
    bankCode: z.string(),
    state: z.enum(['proposed', 'cooling', 'in_force', 'replaced', 'revoked']),
    proposedBy: z.string(),
    proposedOn: z.string(),
    decidedBy: z.string().nullable(),
    decidedOn: z.string().nullable(),
    from: z.string().nullable().meta({ description: 'First day that payments use it 生效日' }),
    notified: z.string().nullable().meta({
      description:
        'Contact on record before the change, who is to hear of it; told to the owner and to bureaus over where it is registered 变更前联系人',
    }),
  })
  .meta({ id: 'BankAccount' })

export const accountDetail = z.object({
  owner: z.string(),
  version: z.number().nullable(),
  inForce: accountView.nullable(),
  pending: accountView.nullable().meta({ description: 'Proposed, or confirmed and cooling off; it can be revoked' }),
  objectBy: z.string().nullable().meta({
    description:
      'The last day on which whoever objects, the owner or its bureau, may take the confirmed change back: `POST /v1/bank-accounts/{owner}/revocations` 提出异议（撤回变更）的截止日',
  }),
})

export const accountList = z.object({ items: z.array(accountView) })

/** Accounts of an owner, or below a bureau, by the numbers that proposed them. */
export const accountQuery = z.strictObject(pageQuery)

export const sharedView = z.object({
  number: z.string(),
  owners: z.array(z.object({ owner: z.string(), account: z.number(), holder: z.string() })),
})
