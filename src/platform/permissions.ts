/**
 * Roles × operations 权限表: who may ask what. This one table drives the check before every operation, the OpenAPI
 * document and the tests. Whose things one may touch is decided where the things are known.
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
  publishProgram: ['approver'],
  listPrograms: everyone,
  getProgram: everyone,
  appropriate: ['finance'],
  registerEnterprise: ['enterprise'],
  updateEnterprise: ['enterprise'],
  declareQualification: ['enterprise'],
  verifyQualification: ['officer'],
  getEnterprise: ['enterprise', ...bureau],
  registerProvider: ['provider'],
  getProvider: everyone,
  recogniseProvider: ['officer'],
  suspendRecognition: ['officer'],
  listIntegrity: ['officer'],
  correctIntegrity: ['officer'],
  appealIntegrity: ['enterprise', 'provider'],
  decideAppeal: ['officer'],
  acknowledgeIntegrity: ['enterprise', 'provider', 'officer', 'approver', 'finance'],
  listIntegrityEntries: ['enterprise', 'provider', ...bureau],
  getIntegrity: everyone,
  declareRelations: ['enterprise', 'provider'],
  recordRelations: ['officer'],
  getRelations: ['enterprise', 'provider', ...bureau],
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
  clawBack: ['approver'],
  closePeriod: ['finance'],
  confirmPayments: ['finance'],
  listPeriods: [...bureau],
  getPeriod: [...bureau],
  sweep: ['operator'],
  listBooks: [...bureau],
  listAccounts: [...bureau],
  listEntries: [...bureau],
  reportProvinces: [...bureau],
} as const satisfies Record<string, readonly Role[]>

export type Operation = keyof typeof permissions
