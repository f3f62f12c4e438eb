import type { RefusalCode } from './core/refusals.js'
import type { Operation } from './platform/permissions.js'
import { issueRefusals } from './vouchers/contract.js'

/**
 * Operations × refusals 接口拒绝码表: every "no" an operation can answer. The OpenAPI document is derived from this
 * table; tests hold it against what the commands can refuse and against what is seen under random requests.
 */
const everywhere = [
  'unauthenticated',
  'person_barred',
  'role_not_permitted',
  'rate_limited',
  'validation_failed',
  'internal_fault',
] as const
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

/** Asked by one person, done by another: the second meets what the first would. */
const byTwo = {
  verifyQualification: ['enterprise_not_found', 'qualification_not_found', 'not_your_jurisdiction', 'state_conflict'],
  correctIntegrity: [
    'listing_not_found',
    'not_your_jurisdiction',
    'version_missing',
    'version_conflict',
    'state_conflict',
  ],
  decideAppeal: [
    'listing_not_found',
    'appeal_not_found',
    'not_your_jurisdiction',
    'separation_of_duties',
    'state_conflict',
  ],
  recordRelations: ['party_not_found', 'not_your_jurisdiction', 'version_conflict'],
  offerAgreement: ['not_your_jurisdiction'],
  amendAgreement: [
    'agreement_not_found',
    'not_your_jurisdiction',
    'version_missing',
    'version_conflict',
    'state_conflict',
  ],
  signAgreement: [
    'agreement_not_found',
    'not_your_jurisdiction',
    'version_missing',
    'version_conflict',
    'state_conflict',
  ],
  endAgreement: [
    'agreement_not_found',
    'not_your_jurisdiction',
    'version_missing',
    'version_conflict',
    'state_conflict',
  ],
  withdrawProvider: ['provider_not_found', 'not_your_jurisdiction', 'outside_jurisdiction'],
  liftSuspension: ['provider_not_found', 'not_your_jurisdiction'],
  appoint: ['not_your_jurisdiction', 'separation_of_duties'],
  deputise: ['not_your_jurisdiction', 'deputy_of_self', 'separation_of_duties', 'term_too_long'],
  barPerson: ['not_your_jurisdiction'],
  endStanding: ['not_your_jurisdiction', 'standing_not_found', 'state_conflict'],
  publishProgram: ['not_your_jurisdiction', 'program_exists'],
  supersedeProgram: [
    'program_not_found',
    'not_your_jurisdiction',
    'version_missing',
    'version_conflict',
    'effective_in_past',
  ],
  appropriate: ['program_not_found', 'not_your_jurisdiction'],
  recogniseProvider: ['provider_not_found', 'not_your_jurisdiction'],
  suspendRecognition: ['provider_not_found', 'not_your_jurisdiction'],
  listIntegrity: ['not_your_jurisdiction'],
  closePeriod: ['not_your_jurisdiction', 'period_closed', 'period_not_over'],
  confirmPayments: ['not_your_jurisdiction', 'state_conflict'],
  clawBack: ['order_not_found', 'not_your_jurisdiction', 'state_conflict', 'amount_exceeds_approved'],
} as const satisfies Partial<Record<Operation, readonly RefusalCode[]>>

const proposing = Object.fromEntries(
  Object.entries(byTwo).map(([operation, own]) => [operation, commanding(...own)]),
) as unknown as Record<keyof typeof byTwo, readonly RefusalCode[]>

export const refusalsOf: Readonly<Record<Operation, readonly RefusalCode[]>> = {
  ...proposing,
  listAgreements: reading(),
  getAgreement: reading('agreement_not_found'),
  listPeople: reading(),
  getMe: reading(),
  draftProgram: commanding('not_your_jurisdiction', 'version_conflict'),
  discardDraft: commanding('not_your_jurisdiction', 'draft_not_found', 'version_missing', 'version_conflict'),
  listDrafts: reading(),
  simulateProgram: [...everywhere, ...bodies, 'unavailable', 'not_your_jurisdiction', 'simulation_too_large'],
  listDivisions: reading(),
  listZones: reading(),
  listPrograms: reading(),
  getProgram: reading('program_not_found'),
  getProgramVersion: reading('program_not_found'),
  registerEnterprise: commanding('not_your_organisation', 'enterprise_exists'),
  updateEnterprise: commanding('enterprise_not_found', 'not_your_organisation', 'version_missing', 'version_conflict'),
  declareQualification: commanding('enterprise_not_found', 'not_your_organisation'),
  getEnterprise: reading('enterprise_not_found'),
  registerProvider: commanding('not_your_organisation', 'provider_exists'),
  getProvider: reading('provider_not_found'),
  appealIntegrity: commanding('listing_not_found', 'not_your_organisation', 'state_conflict'),
  acknowledgeIntegrity: commanding('listing_not_found', 'not_your_organisation', 'state_conflict'),
  listIntegrityEntries: reading(),
  declareRelations: commanding('party_not_found', 'not_your_organisation', 'version_conflict'),
  getRelations: reading('party_not_found'),
  getIntegrity: reading(),
  issueVoucher: commanding(...issueRefusals),
  // What its rows are refused with stands in the answer: the request itself was done.
  bulkIssueVouchers: [...everywhere, ...bodies, 'idempotency_key_missing', 'overloaded'],
  listVouchers: reading(),
  exportVouchers: reading('overloaded', 'export_too_large'),
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
  exportOrders: reading('overloaded', 'export_too_large'),
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
    'evidence_missing',
    'recognition_ended',
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
    'notice_running',
    'recognition_ended',
  ),
  rejectClaim: commanding('order_not_found', 'not_your_jurisdiction', 'state_conflict'),
  listPeriods: reading(),
  getPeriod: reading('period_not_found'),
  listProposals: reading(),
  getProposal: reading('proposal_not_found'),
  approveProposal: [
    ...new Set(
      commanding(
        'proposal_not_found',
        'not_your_jurisdiction',
        'proposal_not_open',
        'separation_of_duties',
        'proposal_expired',
        ...Object.values(byTwo).flat(),
      ),
    ),
  ],
  declineProposal: commanding('proposal_not_found', 'not_your_jurisdiction', 'proposal_not_open'),
  listAudit: reading('not_your_jurisdiction'),
  sweep: [...everywhere, ...bodies, ...bookings],
  listBooks: reading(),
  listAccounts: reading('not_your_jurisdiction', 'book_not_found', 'entry_not_found', 'moment_in_future'),
  listEntries: reading('not_your_jurisdiction', 'book_not_found'),
  exportEntries: reading('overloaded', 'export_too_large', 'not_your_jurisdiction', 'book_not_found'),
  reportProvinces: reading(),
}
