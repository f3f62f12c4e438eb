import { z } from 'zod'
import { registerEnterprise } from '../enterprises/contract.js'
import {
  category,
  code,
  day,
  inOrder,
  invoiceNo,
  jurisdiction,
  money,
  reason,
  setOf,
  text,
  uscc,
} from '../platform/wire.js'
import { publishProgram } from '../programs/contract.js'
import { registerProvider } from '../providers/contract.js'

/** The lines of a rehearsal file 演练文件, one JSON object a line; the words are the service's own. */
const id = text(200)
const by = text(200)
const score = z.int({ error: 'wrong_type' }).min(0, { error: 'out_of_range' }).max(100, { error: 'out_of_range' })

const step = <D extends string, S extends z.ZodRawShape>(name: D, shape: S) =>
  z.strictObject({ id, at: z.string(), do: z.literal(name), ...shape })

// What a file's format does not know is no field of a file.
const { verifiedTypes: _, acceptanceDays: __, appealDays: ___, ...rules } = publishProgram.shape

export const steps = {
  publish_program: step('publish_program', rules).superRefine(inOrder('applyFrom', 'applyTo')),
  appropriate: step('appropriate', { program: code, amount: money }),
  register_enterprise: step('register_enterprise', registerEnterprise.shape),
  register_provider: step('register_provider', registerProvider.shape),
  recognise: step('recognise', {
    provider: uscc,
    jurisdiction,
    categories: setOf(category),
    from: day,
    to: day,
  }).superRefine(inOrder('from', 'to')),
  suspend_recognition: step('suspend_recognition', { provider: uscc, jurisdiction }),
  list_integrity: step('list_integrity', { uscc, from: day, to: day.nullish(), reason }).superRefine(
    inOrder('from', 'to'),
  ),
  issue: step('issue', { voucher: id, enterprise: uscc, program: code, amount: money }),
  file_order: step('file_order', {
    order: id,
    voucher: id,
    provider: uscc,
    category,
    contractNo: text(200),
    contractAmount: money,
    voucherAmount: money,
    signedOn: day,
    relatedParty: z.boolean(),
  }),
  deliver: step('deliver', { order: id }),
  confirm: step('confirm', { order: id, score }),
  cancel_order: step('cancel_order', { order: id }),
  submit_claim: step('submit_claim', { order: id, invoiceNo, invoiceAmount: money }),
  return_claim: step('return_claim', { order: id, by, reason }),
  verify_claim: step('verify_claim', { order: id, by }),
  approve_claim: step('approve_claim', { order: id, by, amount: money.nullish() }),
  reject_claim: step('reject_claim', { order: id, by, reason }),
  claw_back: step('claw_back', { order: id, amount: money, by, reason }),
  close_period: step('close_period', { period: code, through: day }),
  confirm_payments: step('confirm_payments', { period: code }),
} as const

export type StepName = keyof typeof steps
/** A line as it stands in the file: checked, money still as yuan strings. */
export type Step = { [K in StepName]: z.input<(typeof steps)[K]> }[StepName]
export type StepOf<K extends StepName> = z.input<(typeof steps)[K]>
