import {
  amendAgreementCommand,
  endAgreementCommand,
  offerAgreementCommand,
  signAgreementCommand,
} from './agreements/commands.js'
import { appealClaimCommand, decideClaimAppealCommand } from './appeals/commands.js'
import {
  applyVoucherCommand,
  completeApplicationCommand,
  reviewApplicationCommand,
  withdrawApplicationCommand,
} from './applications/commands.js'
import {
  confirmAccountCommand,
  proposeAccountCommand,
  resealAccountCommand,
  revokeAccountCommand,
} from './bank-accounts/commands.js'
import { planPeriodsCommand } from './calendars/commands.js'
import { mapCategoryCommand } from './catalogue/commands.js'
import {
  approveClaimCommand,
  clawBackCommand,
  rejectClaimCommand,
  returnClaimCommand,
  submitClaimCommand,
  verifyClaimCommand,
} from './claims/commands.js'
import { endClearingCommand, offerClearingCommand, signClearingCommand } from './clearing/commands.js'
import { lapseOrderCommand, lapseVoucherCommand } from './deadlines/commands.js'
import type { CommandType } from './engine/command.js'
import { declineProposalCommand, proposeCommand } from './engine/proposal.js'
import {
  declareQualificationCommand,
  registerEnterpriseCommand,
  updateEnterpriseCommand,
  verifyQualificationCommand,
} from './enterprises/commands.js'
import {
  acknowledgeIntegrityCommand,
  appealIntegrityCommand,
  correctIntegrityCommand,
  decideAppealCommand,
  listIntegrityCommand,
} from './integrity/commands.js'
import { fileObjectionCommand, resolveObjectionCommand } from './objections/commands.js'
import {
  acceptOrderCommand,
  cancelOrderCommand,
  confirmCommand,
  declineOrderCommand,
  deliverCommand,
  fileOrderCommand,
  supplementOrderCommand,
} from './orders/commands.js'
import { previewPeriodCommand } from './outlook/commands.js'
import { releasePaymentsCommand, stopPaymentCommand } from './payments/commands.js'
import { appointCommand, barPersonCommand, deputiseCommand, endStandingCommand } from './people/commands.js'
import {
  appropriateCommand,
  discardDraftCommand,
  draftProgramCommand,
  publishProgramCommand,
  supersedeProgramCommand,
} from './programs/commands.js'
import {
  liftSuspensionCommand,
  recogniseCommand,
  registerProviderCommand,
  suspendRecognitionCommand,
  updateProviderCommand,
  withdrawProviderCommand,
} from './providers/commands.js'
import { applyRecognitionCommand, refuseRecognitionCommand } from './recognition-applications/commands.js'
import { receiveRefundCommand, redFlushInvoiceCommand, writeOffCommand } from './recoveries/commands.js'
import { declareRelationsCommand, recordRelationsCommand } from './relations/commands.js'
import { decideProviderObjectionCommand, objectToProviderCommand, reviewProviderCommand } from './reviews/commands.js'
import {
  closePeriodCommand,
  confirmPaymentsCommand,
  finishSettlementCommand,
  markPaidCommand,
  netPeriodCommand,
  payCommand,
  settlePeriodCommand,
} from './settlement/commands.js'
import { assignExceptionCommand, resolveExceptionCommand, takeStatementCommand } from './statements/commands.js'
import {
  cancelVoucherCommand,
  extendVoucherCommand,
  issueCommand,
  recallVoucherCommand,
  resumeVoucherCommand,
  suspendVoucherCommand,
} from './vouchers/commands.js'
import {
  createWebhookCommand,
  disableWebhookCommand,
  endWebhookCommand,
  pauseWebhookCommand,
  replayWebhookCommand,
  resumeWebhookCommand,
  rotateWebhookCommand,
} from './webhooks/commands.js'
import { publishWorkdaysCommand } from './workdays/commands.js'
import {
  carryOverCommand,
  openYearCommand,
  reconcileBudgetCommand,
  returnBudgetCommand,
  setSubsidyCommand,
  subsidiseCommand,
} from './year-end/commands.js'

const all: readonly CommandType[] = [
  publishProgramCommand,
  supersedeProgramCommand,
  draftProgramCommand,
  discardDraftCommand,
  appropriateCommand,
  registerEnterpriseCommand,
  registerProviderCommand,
  recogniseCommand,
  suspendRecognitionCommand,
  listIntegrityCommand,
  issueCommand,
  fileOrderCommand,
  deliverCommand,
  confirmCommand,
  cancelOrderCommand,
  submitClaimCommand,
  returnClaimCommand,
  verifyClaimCommand,
  approveClaimCommand,
  rejectClaimCommand,
  clawBackCommand,
  lapseOrderCommand,
  lapseVoucherCommand,
  closePeriodCommand,
  netPeriodCommand,
  confirmPaymentsCommand,
  payCommand,
  proposeCommand,
  declineProposalCommand,
  offerAgreementCommand,
  amendAgreementCommand,
  signAgreementCommand,
  endAgreementCommand,
  withdrawProviderCommand,
  liftSuspensionCommand,
  appointCommand,
  deputiseCommand,
  barPersonCommand,
  endStandingCommand,
  updateEnterpriseCommand,
  declareQualificationCommand,
  verifyQualificationCommand,
  declareRelationsCommand,
  recordRelationsCommand,
  correctIntegrityCommand,
  appealIntegrityCommand,
  decideAppealCommand,
  acknowledgeIntegrityCommand,
  extendVoucherCommand,
  cancelVoucherCommand,
  recallVoucherCommand,
  suspendVoucherCommand,
  resumeVoucherCommand,
  applyVoucherCommand,
  completeApplicationCommand,
  withdrawApplicationCommand,
  reviewApplicationCommand,
  updateProviderCommand,
  reviewProviderCommand,
  objectToProviderCommand,
  decideProviderObjectionCommand,
  applyRecognitionCommand,
  refuseRecognitionCommand,
  mapCategoryCommand,
  createWebhookCommand,
  pauseWebhookCommand,
  resumeWebhookCommand,
  rotateWebhookCommand,
  endWebhookCommand,
  disableWebhookCommand,
  replayWebhookCommand,
  acceptOrderCommand,
  declineOrderCommand,
  supplementOrderCommand,
  fileObjectionCommand,
  resolveObjectionCommand,
  appealClaimCommand,
  decideClaimAppealCommand,
  publishWorkdaysCommand,
  offerClearingCommand,
  signClearingCommand,
  endClearingCommand,
  settlePeriodCommand,
  finishSettlementCommand,
  markPaidCommand,
  releasePaymentsCommand,
  stopPaymentCommand,
  takeStatementCommand,
  assignExceptionCommand,
  resolveExceptionCommand,
  writeOffCommand,
  receiveRefundCommand,
  redFlushInvoiceCommand,
  returnBudgetCommand,
  carryOverCommand,
  reconcileBudgetCommand,
  setSubsidyCommand,
  subsidiseCommand,
  openYearCommand,
  proposeAccountCommand,
  confirmAccountCommand,
  revokeAccountCommand,
  resealAccountCommand,
  planPeriodsCommand,
  previewPeriodCommand,
]

/** Every kind of command the log may hold, by its name there: what was logged can be decided again. */
export const commandTypes: ReadonlyMap<string, CommandType> = new Map(all.map((type) => [type.kind, type]))
