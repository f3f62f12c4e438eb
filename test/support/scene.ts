/** People, programs and words of the tests: one line asks one command, as the right kind of person. */

import { appealClaimCommand, decideClaimAppealCommand } from '../../src/appeals/commands.js'
import {
  approveClaimCommand,
  clawBackCommand,
  rejectClaimCommand,
  returnClaimCommand,
  submitClaimCommand,
  verifyClaimCommand,
} from '../../src/claims/commands.js'
import type { Actor } from '../../src/core/actor.js'
import { usccCheckCharacter } from '../../src/core/uscc.js'
import { lapseOrderCommand, lapseVoucherCommand } from '../../src/deadlines/commands.js'
import { SYSTEM, wire } from '../../src/engine/command.js'
import type { Asked } from '../../src/engine/runner.js'
import { registerEnterpriseCommand } from '../../src/enterprises/commands.js'
import { listIntegrityCommand } from '../../src/integrity/commands.js'
import {
  acceptOrderCommand,
  cancelOrderCommand,
  confirmCommand,
  declineOrderCommand,
  deliverCommand,
  fileOrderCommand,
  supplementOrderCommand,
} from '../../src/orders/commands.js'
import { categories, enterpriseTypes } from '../../src/platform/wire.js'
import { appropriateCommand, publishProgramCommand } from '../../src/programs/commands.js'
import type { PublishProgram } from '../../src/programs/contract.js'
import { recogniseCommand, registerProviderCommand, suspendRecognitionCommand } from '../../src/providers/commands.js'
import { closePeriodCommand } from '../../src/settlement/commands.js'
import { issueCommand } from '../../src/vouchers/commands.js'

/** The n-th unified social credit code of the tests. */
export function uscc(n: number): string {
  const first = `91310000MA${String(n).padStart(7, '0')}`
  return first + usccCheckCharacter(first)
}

/** Somebody of a bureau; '000000' is the region's own office. */
export const bureau = (jurisdiction: string, subject = 'Chen'): Actor => ({
  subject,
  organisation: `bureau ${jurisdiction}`,
  jurisdiction,
  roles: ['officer', 'approver', 'finance'],
})

/** Somebody of a firm or a provider. */
export const firm = (code: string, subject = 'Wang'): Actor => ({
  subject,
  organisation: code,
  roles: ['enterprise', 'provider'],
})

/** A program's rules with room for everything; say only what matters. Money in fen. */
export function rules(over: Partial<PublishProgram> & { program: string }): PublishProgram {
  return {
    jurisdiction: '320509',
    ratio: '0.5',
    annualCap: 1_000_000_00n,
    orderCap: null,
    payee: 'provider',
    invoice: 'whole',
    crossRegion: true,
    applyFrom: '2026-01-01',
    applyTo: '2026-12-31',
    useWithinDays: 180,
    claimWithinDays: 90,
    categories: [...categories],
    enterpriseTypes: [...enterpriseTypes],
    ...over,
  }
}

/** The same as the body of a request. */
export const rulesBody = (over: Parameters<typeof rules>[0]) => JSON.parse(wire(rules(over))) as object

/** What an order's contract says; 100.00 of 1000.00 if nothing else is said. */
export interface Contract {
  readonly contractNo: string
  readonly contractAmount?: bigint
  readonly voucherAmount?: bigint
  readonly category?: string
  readonly relatedParty?: boolean
}

const REGION = '000000'
const jurisdictionOf = (id: string) => id.slice(1, 7)

/** One command each, asked by whoever may ask it. Orders and vouchers lead to their bureau by their ids. */
export const ask = {
  publish: (command: PublishProgram): Asked => ({
    type: publishProgramCommand,
    command,
    actor: bureau(command.jurisdiction),
  }),
  appropriate: (jurisdiction: string, program: string, amount: bigint): Asked => ({
    type: appropriateCommand,
    command: { program, amount },
    actor: bureau(jurisdiction),
  }),
  enterprise: (code: string, division: string, types: readonly string[] = ['tech_sme']): Asked => ({
    type: registerEnterpriseCommand,
    command: { uscc: code, name: `enterprise ${code}`, division, types },
    actor: firm(code),
  }),
  provider: (code: string, division: string): Asked => ({
    type: registerProviderCommand,
    command: { uscc: code, name: `provider ${code}`, division, categories: [...categories] },
    actor: firm(code),
  }),
  recognise: (jurisdiction: string, provider: string, from = '2026-01-01', to = '2027-12-31'): Asked => ({
    type: recogniseCommand,
    command: { provider, jurisdiction, categories: [...categories], from, to },
    actor: bureau(jurisdiction),
  }),
  suspend: (jurisdiction: string, provider: string): Asked => ({
    type: suspendRecognitionCommand,
    command: { provider, jurisdiction },
    actor: bureau(jurisdiction),
  }),
  list: (code: string, from: string, to: string | null = null): Asked => ({
    type: listIntegrityCommand,
    command: { uscc: code, from, to, reason: 'false documents' },
    actor: bureau('310000'),
  }),
  issue: (jurisdiction: string, program: string, enterprise: string, amount: bigint): Asked => ({
    type: issueCommand,
    command: { enterprise, program, amount },
    actor: bureau(jurisdiction),
  }),
  file: (voucher: string, enterprise: string, provider: string, contract: Contract): Asked => ({
    type: fileOrderCommand,
    command: {
      voucher,
      provider,
      category: 'testing',
      contractAmount: 1_000_00n,
      voucherAmount: 100_00n,
      signedOn: '2026-01-05',
      relatedParty: false,
      ...contract,
    },
    actor: firm(enterprise),
  }),
  deliver: (order: string, provider: string): Asked => ({
    type: deliverCommand,
    command: { order },
    actor: firm(provider),
  }),
  accept: (order: string, provider: string): Asked => ({
    type: acceptOrderCommand,
    command: { order },
    actor: firm(provider),
  }),
  decline: (order: string, provider: string): Asked => ({
    type: declineOrderCommand,
    command: { order, reason: 'no such contract' },
    actor: firm(provider),
  }),
  supplement: (order: string, enterprise: string, contractAmount: bigint, voucherAmount: bigint): Asked => ({
    type: supplementOrderCommand,
    command: { order, contractAmount, voucherAmount, signedOn: '2026-03-02', reason: 'more samples' },
    actor: firm(enterprise),
  }),
  confirm: (order: string, enterprise: string): Asked => ({
    type: confirmCommand,
    command: { order, score: 90 },
    actor: firm(enterprise),
  }),
  cancel: (order: string, enterprise: string): Asked => ({
    type: cancelOrderCommand,
    command: { order },
    actor: firm(enterprise),
  }),
  submit: (order: string, payee: string, invoice: number | string, invoiceAmount = 1_000_00n): Asked => ({
    type: submitClaimCommand,
    command: { order, invoiceNo: String(invoice).padStart(20, '0'), invoiceAmount },
    actor: firm(payee),
  }),
  giveBack: (order: string): Asked => ({
    type: returnClaimCommand,
    command: { order, reason: 'a page is missing' },
    actor: bureau(jurisdictionOf(order)),
  }),
  verify: (order: string, subject = 'Chen'): Asked => ({
    type: verifyClaimCommand,
    command: { order },
    actor: bureau(jurisdictionOf(order), subject),
  }),
  approve: (order: string, amount: bigint | null = null, subject = 'Li'): Asked => ({
    type: approveClaimCommand,
    command: { order, amount },
    actor: bureau(jurisdictionOf(order), subject),
  }),
  reject: (order: string): Asked => ({
    type: rejectClaimCommand,
    command: { order, reason: 'not a service' },
    actor: bureau(jurisdictionOf(order)),
  }),
  appeal: (order: string, payee: string): Asked => ({
    type: appealClaimCommand,
    command: { order, reason: 'it was a service' },
    actor: firm(payee),
  }),
  /** Sustains the appeal. */
  sustain: (order: string, subject = 'Sun'): Asked => ({
    type: decideClaimAppealCommand,
    command: { order, verdict: 'sustained', reason: 'it was' },
    actor: bureau(jurisdictionOf(order), subject),
  }),
  clawBack: (order: string, amount: bigint): Asked => ({
    type: clawBackCommand,
    command: { order, amount, reason: 'audit' },
    actor: bureau(jurisdictionOf(order)),
  }),
  close: (period: string, through: string): Asked => ({
    type: closePeriodCommand,
    command: { period, through },
    actor: bureau(REGION),
  }),
  lapseOrder: (order: string): Asked => ({ type: lapseOrderCommand, command: { order }, actor: SYSTEM }),
  lapseVoucher: (voucher: string): Asked => ({ type: lapseVoucherCommand, command: { voucher }, actor: SYSTEM }),
} as const
