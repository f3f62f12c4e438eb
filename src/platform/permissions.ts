/**
 * Roles × operations 权限表: who may ask what, of whose things, and what takes a second person. These tables drive the
 * check before every operation, the OpenAPI document, the page /docs/permissions, and the test that asks every
 * operation as everyone.
 */
export const roles = {
  enterprise: { en: 'enterprise', zh: '企业' },
  provider: { en: 'service provider', zh: '服务机构' },
  officer: { en: 'bureau officer', zh: '经办' },
  approver: { en: 'bureau approver', zh: '复核' },
  finance: { en: 'finance officer', zh: '财务' },
  auditor: { en: 'auditor', zh: '审计' },
  operator: { en: 'platform operator, without power over money', zh: '平台运维（无资金权限）' },
} as const
export type Role = keyof typeof roles

/** The roles of a jurisdiction's own people; only for them does a token's jurisdiction count. */
export const bureau = ['officer', 'approver', 'finance', 'auditor'] as const satisfies Role[]
const everyone = Object.keys(roles) as Role[]

export const permissions = {
  appoint: ['officer', 'approver'],
  deputise: ['officer', 'approver'],
  barPerson: ['officer', 'approver'],
  endStanding: ['officer', 'approver'],
  listPeople: [...bureau],
  getMe: everyone,
  publishProgram: ['officer', 'approver'],
  supersedeProgram: ['officer', 'approver'],
  draftProgram: ['officer', 'approver'],
  discardDraft: ['officer', 'approver'],
  listDrafts: [...bureau],
  simulateProgram: [...bureau],
  listPrograms: everyone,
  getProgram: everyone,
  getProgramVersion: everyone,
  listDivisions: everyone,
  listZones: everyone,
  appropriate: ['finance'],
  registerEnterprise: ['enterprise'],
  getEnterprise: ['enterprise', ...bureau],
  registerProvider: ['provider'],
  getProvider: everyone,
  recogniseProvider: ['officer'],
  suspendRecognition: ['officer'],
  listIntegrity: ['officer'],
  getIntegrity: everyone,
  issueVoucher: ['officer'],
  bulkIssueVouchers: ['officer'],
  listVouchers: ['enterprise', ...bureau],
  getVoucher: ['enterprise', ...bureau],
  fileOrder: ['enterprise'],
  listOrders: ['enterprise', 'provider', ...bureau],
  getOrder: ['enterprise', 'provider', ...bureau],
  deliverOrder: ['provider'],
  confirmOrder: ['enterprise'],
  cancelOrder: ['enterprise'],
  submitClaim: ['enterprise', 'provider'],
  returnClaim: ['officer', 'approver'],
  verifyClaim: ['officer'],
  approveClaim: ['approver'],
  rejectClaim: ['officer', 'approver'],
  clawBack: ['officer', 'approver'],
  closePeriod: ['finance'],
  confirmPayments: ['finance'],
  listPeriods: [...bureau],
  getPeriod: [...bureau],
  listProposals: [...bureau],
  getProposal: [...bureau],
  approveProposal: ['approver', 'finance'],
  declineProposal: ['officer', 'approver', 'finance'],
  sweep: ['operator'],
  listAudit: ['auditor'],
  listBooks: [...bureau],
  listAccounts: [...bureau],
  listEntries: [...bureau],
  reportProvinces: [...bureau],
} as const satisfies Record<string, readonly Role[]>

export type Operation = keyof typeof permissions

/**
 * What takes two persons 双人办理: the kind of command that an operation proposes, and who may be the second one. Nobody
 * is both.
 */
export const seconds = {
  appoint: { kind: 'appoint', roles: ['approver'] },
  deputise: { kind: 'deputise', roles: ['approver'] },
  barPerson: { kind: 'bar_person', roles: ['approver'] },
  endStanding: { kind: 'end_standing', roles: ['approver'] },
  publishProgram: { kind: 'publish_program', roles: ['approver'] },
  supersedeProgram: { kind: 'supersede_program', roles: ['approver'] },
  appropriate: { kind: 'appropriate', roles: ['finance', 'approver'] },
  recogniseProvider: { kind: 'recognise', roles: ['approver'] },
  suspendRecognition: { kind: 'suspend_recognition', roles: ['approver'] },
  listIntegrity: { kind: 'list_integrity', roles: ['approver'] },
  clawBack: { kind: 'claw_back', roles: ['approver'] },
  closePeriod: { kind: 'close_period', roles: ['finance', 'approver'] },
  confirmPayments: { kind: 'confirm_payments', roles: ['finance', 'approver'] },
} as const satisfies Partial<Record<Operation, { readonly kind: string; readonly roles: readonly Role[] }>>
export type TwoPersonKind = (typeof seconds)[keyof typeof seconds]['kind']

/** Who may approve a command of this kind. */
export function secondsOf(kind: string): readonly Role[] {
  return Object.values(seconds).find((second) => second.kind === kind)?.roles ?? []
}

/** Whose things an operation reaches 范围. */
export const reaches = {
  own: { en: 'only their own: of a bureau, of its very jurisdiction', zh: '仅本单位（本辖区）' },
  tree: { en: "their own; a bureau's also those of the jurisdictions below it", zh: '本单位；主管部门含下级辖区' },
  bureaus: { en: "a firm's only its own; a bureau's everybody's", zh: '企业、机构仅本单位；主管部门为全部' },
  all: { en: "everybody's", zh: '全部' },
} as const
export type Reach = keyof typeof reaches

export const reachOf = {
  appoint: 'tree',
  deputise: 'tree',
  barPerson: 'tree',
  endStanding: 'tree',
  listPeople: 'tree',
  getMe: 'all',
  publishProgram: 'own',
  supersedeProgram: 'own',
  draftProgram: 'own',
  discardDraft: 'own',
  listDrafts: 'own',
  simulateProgram: 'own',
  getProgramVersion: 'all',
  listDivisions: 'all',
  listZones: 'all',
  listPrograms: 'all',
  getProgram: 'all',
  appropriate: 'own',
  registerEnterprise: 'own',
  getEnterprise: 'bureaus',
  registerProvider: 'own',
  getProvider: 'all',
  recogniseProvider: 'own',
  suspendRecognition: 'own',
  listIntegrity: 'all',
  getIntegrity: 'all',
  issueVoucher: 'own',
  bulkIssueVouchers: 'own',
  listVouchers: 'tree',
  getVoucher: 'tree',
  fileOrder: 'own',
  listOrders: 'tree',
  getOrder: 'tree',
  deliverOrder: 'own',
  confirmOrder: 'own',
  cancelOrder: 'own',
  submitClaim: 'own',
  returnClaim: 'own',
  verifyClaim: 'own',
  approveClaim: 'own',
  rejectClaim: 'own',
  clawBack: 'own',
  closePeriod: 'own',
  confirmPayments: 'own',
  listPeriods: 'all',
  getPeriod: 'all',
  listProposals: 'tree',
  getProposal: 'tree',
  approveProposal: 'own',
  declineProposal: 'own',
  sweep: 'all',
  listAudit: 'tree',
  listBooks: 'tree',
  listAccounts: 'tree',
  listEntries: 'tree',
  reportProvinces: 'all',
} as const satisfies Record<Operation, Reach>
