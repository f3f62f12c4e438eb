import type { RefusalCode } from './core/refusals.js'
import type { Operation } from './platform/permissions.js'
import { issueRefusals } from './vouchers/contract.js'

/**
 * Operations × refusals 接口拒绝码表: every "no" an operation can answer. The OpenAPI document is derived from this
 * table; tests hold it against what the commands can refuse and against what is seen under random requests.
 */
const everywhere = ['unauthenticated', 'role_not_permitted', 'validation_failed', 'internal_fault'] as const
const bodies = ['malformed_json', 'body_too_large', 'unsupported_media_type'] as const
const bookings = ['overloaded', 'unavailable', 'clock_behind'] as const

const reading = (...own: readonly RefusalCode[]): readonly RefusalCode[] => [...everywhere, 'unavailable', ...own]

const commanding = (...own: readonly RefusalCode[]): readonly RefusalCode[] => [
  ...everywhere,
  ...bodies,
  'idempotency_key_missing',
  'idempotency_key_reused',
  'idempotency_key_expired',
  ...bookings,
  ...own,
]

export const refusalsOf: Readonly<Record<Operation, readonly RefusalCode[]>> = {
  publishProgram: commanding('not_your_jurisdiction', 'program_exists'),
  listPrograms: reading(),
  getProgram: reading('program_not_found'),
  appropriate: commanding('program_not_found', 'not_your_jurisdiction'),
  registerEnterprise: commanding('not_your_organisation', 'enterprise_exists'),
  updateEnterprise: commanding('enterprise_not_found', 'not_your_organisation', 'version_conflict'),
  declareQualification: commanding('enterprise_not_found', 'not_your_organisation'),
  verifyQualification: commanding(
    'enterprise_not_found',
    'qualification_not_found',
    'not_your_jurisdiction',
    'state_conflict',
  ),
  getEnterprise: reading('enterprise_not_found'),
  registerProvider: commanding('not_your_organisation', 'provider_exists'),
  getProvider: reading('provider_not_found'),
  recogniseProvider: commanding('provider_not_found', 'not_your_jurisdiction'),
  suspendRecognition: commanding('provider_not_found', 'not_your_jurisdiction'),
  listIntegrity: commanding('not_your_jurisdiction'),
  correctIntegrity: commanding('listing_not_found', 'not_your_jurisdiction', 'version_conflict', 'state_conflict'),
  appealIntegrity: commanding('listing_not_found', 'not_your_organisation', 'state_conflict'),
  decideAppeal: commanding(
    'listing_not_found',
    'appeal_not_found',
    'not_your_jurisdiction',
    'separation_of_duties',
    'state_conflict',
  ),
  acknowledgeIntegrity: commanding('listing_not_found', 'not_your_organisation', 'state_conflict'),
  listIntegrityEntries: reading(),
  declareRelations: commanding('party_not_found', 'not_your_organisation', 'version_conflict'),
  recordRelations: commanding('party_not_found', 'not_your_jurisdiction', 'version_conflict'),
  getRelations: reading('party_not_found'),
  getIntegrity: reading(),
  issueVoucher: commanding(...issueRefusals),
  // What its rows are refused with stands in the answer: the request itself was done.
  bulkIssueVouchers: [...everywhere, ...bodies, 'idempotency_key_missing', 'overloaded'],
  listVouchers: reading(),
  getVoucher: reading('voucher_not_found'),
  fileOrder: commanding(
    'voucher_not_found',
    'provider_not_found',
    'not_your_organisation',
    'voucher_expired',
    'integrity_listed',
    'category_not_covered',
    'provider_not_recognised',
    'cross_region_not_allowed',
    'related_party',
    'contract_duplicate',
    'ratio_exceeded',
    'order_cap_exceeded',
    'insufficient_balance',
  ),
  listOrders: reading(),
  getOrder: reading('order_not_found'),
  deliverOrder: commanding('order_not_found', 'not_your_organisation', 'state_conflict'),
  confirmOrder: commanding('order_not_found', 'not_your_organisation', 'state_conflict'),
  cancelOrder: commanding('order_not_found', 'not_your_organisation', 'state_conflict'),
  submitClaim: commanding(
    'order_not_found',
    'not_your_organisation',
    'state_conflict',
    'invoice_duplicate',
    'invoice_amount_short',
  ),
  returnClaim: commanding('order_not_found', 'not_your_jurisdiction', 'state_conflict'),
  verifyClaim: commanding('order_not_found', 'not_your_jurisdiction', 'state_conflict'),
  approveClaim: commanding(
    'order_not_found',
    'not_your_jurisdiction',
    'state_conflict',
    'separation_of_duties',
    'integrity_listed',
    'amount_exceeds_hold',
  ),
  rejectClaim: commanding('order_not_found', 'not_your_jurisdiction', 'state_conflict'),
  clawBack: commanding('order_not_found', 'not_your_jurisdiction', 'state_conflict', 'amount_exceeds_approved'),
  closePeriod: commanding('not_your_jurisdiction', 'period_closed', 'period_not_over'),
  confirmPayments: commanding('not_your_jurisdiction', 'state_conflict'),
  listPeriods: reading(),
  getPeriod: reading('period_not_found'),
  sweep: [...everywhere, ...bodies, ...bookings],
  listBooks: reading(),
  listAccounts: reading('not_your_jurisdiction', 'book_not_found', 'entry_not_found', 'moment_in_future'),
  listEntries: reading('not_your_jurisdiction', 'book_not_found'),
  reportProvinces: reading(),
}
