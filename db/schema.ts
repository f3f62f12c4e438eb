import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
  customType,
  date,
  index,
  integer,
  json,
  jsonb,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
  unique,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'

/** The typed picture of the database, for what reads it; a test proves it equal to what the migrations made. */
const clearing = pgSchema('clearing')
const money = (name: string) => bigint(name, { mode: 'bigint' })
const number = (name: string) => bigint(name, { mode: 'number' })
const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' })
const moment = (name: string) => timestamp(name, { precision: 3, withTimezone: true, mode: 'date' })

export const migrations = clearing.table('migrations', {
  name: text().primaryKey(),
  checksum: text().notNull(),
  appliedAt: timestamp('applied_at', { withTimezone: true }).notNull(),
})

export const books = clearing.table('books', {
  book: integer().primaryKey(),
  name: text().notNull(),
  seq: number('seq').notNull(),
  entries: number('entries').notNull(),
  accounts: integer().notNull(),
  bookedAt: moment('booked_at').notNull(),
  batch: number('batch').notNull(),
})

export const accountKinds = clearing.table('account_kinds', {
  kind: smallint().primaryKey(),
  name: text().notNull().unique(),
  normal: text().notNull(),
  floor: boolean().notNull(),
})

export const legalTransfers = clearing.table('legal_transfers', {
  type: smallint().primaryKey(),
  name: text().notNull().unique(),
  debit: smallint().notNull(),
  credit: smallint().notNull(),
})

export const accounts = clearing.table(
  'accounts',
  {
    book: integer().notNull(),
    account: integer().notNull(),
    kind: smallint().notNull(),
    owner: text().notNull(),
    province: integer(),
    posted: money('posted').notNull(),
    held: money('held').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.account] }),
    unique().on(t.book, t.kind, t.owner),
    index('accounts_recoverable').on(t.book, t.account).where(sql`kind = 6`),
  ],
)

export const actors = clearing.table(
  'actors',
  {
    actor: integer().primaryKey().generatedByDefaultAsIdentity(),
    organisation: text().notNull(),
    subject: text().notNull(),
    origin: text().notNull(),
  },
  (t) => [unique().on(t.organisation, t.subject, t.origin)],
)

export const commandKind = clearing.enum('command_kind', [
  'publish_program',
  'supersede_program',
  'draft_program',
  'discard_draft',
  'appropriate',
  'register_enterprise',
  'register_provider',
  'recognise',
  'suspend_recognition',
  'list_integrity',
  'issue',
  'file_order',
  'deliver',
  'confirm',
  'cancel_order',
  'submit_claim',
  'return_claim',
  'verify_claim',
  'approve_claim',
  'reject_claim',
  'claw_back',
  'lapse_order',
  'lapse_voucher',
  'close_period',
  'net_period',
  'confirm_payments',
  'pay',
  'propose',
  'decline_proposal',
  'appoint',
  'deputise',
  'bar_person',
  'end_standing',
  'offer_agreement',
  'amend_agreement',
  'sign_agreement',
  'end_agreement',
  'withdraw_provider',
  'lift_suspension',
  'update_enterprise',
  'declare_qualification',
  'verify_qualification',
  'declare_relations',
  'record_relations',
  'correct_integrity',
  'appeal_integrity',
  'decide_appeal',
  'acknowledge_integrity',
  'update_provider',
  'review_provider',
  'object_to_provider',
  'decide_provider_objection',
  'apply_recognition',
  'refuse_recognition',
  'map_category',
  'create_webhook',
  'pause_webhook',
  'resume_webhook',
  'rotate_webhook',
  'end_webhook',
  'disable_webhook',
  'replay_webhook',
  'extend_voucher',
  'cancel_voucher',
  'recall_voucher',
  'suspend_voucher',
  'resume_voucher',
  'apply_voucher',
  'complete_application',
  'withdraw_application',
  'review_application',
  'accept_order',
  'decline_order',
  'supplement_order',
  'file_objection',
  'resolve_objection',
  'appeal_claim',
  'decide_claim_appeal',
  'publish_workdays',
  'offer_clearing',
  'sign_clearing',
  'end_clearing',
  'settle_period',
  'finish_settlement',
  'mark_paid',
  'release_payments',
  'stop_payment',
  'take_statement',
  'assign_exception',
  'resolve_exception',
  'write_off',
  'receive_refund',
  'red_flush_invoice',
  'return_budget',
  'carry_over',
  'reconcile_budget',
  'set_subsidy',
  'subsidise',
  'open_year',
  'propose_account',
  'confirm_account',
  'revoke_account',
  'reseal_account',
  'plan_periods',
  'preview_period',
])

export const commands = clearing.table(
  'commands',
  {
    book: integer().notNull(),
    seq: number('seq').notNull(),
    entry: integer(),
    bookedAt: moment('booked_at').notNull(),
    fingerprint: bigint({ mode: 'bigint' }),
    key: uuid(),
    actor: integer().notNull(),
    day: date().notNull(),
    kind: commandKind().notNull(),
    body: json().notNull(),
    event: json().notNull(),
    rests: json().notNull(),
    changes: json(),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.seq] }),
    uniqueIndex('commands_key').on(t.key).where(sql`key is not null`),
    index('commands_order')
      .using('brin', t.book, sql`(body ->> 'order')`)
      .where(sql`kind not in ('issue', 'file_order', 'pay')`),
    index('commands_items').on(t.book, t.seq).where(sql`kind in ('approve_claim', 'claw_back')`),
    index('commands_item_days').on(t.book, t.day).where(sql`kind in ('approve_claim', 'claw_back')`),
    index('commands_of_order').on(t.book, sql`(body ->> 'order')`).where(sql`kind in ('deliver', 'return_claim')`),
  ],
)

export const transfers = clearing.table(
  'transfers',
  {
    book: integer().notNull(),
    entry: integer().notNull(),
    seq: number('seq').notNull(),
    line: integer().notNull(),
    type: smallint().notNull(),
    phase: smallint().notNull(),
    debit: integer().notNull(),
    credit: integer().notNull(),
    leg: smallint(),
    hold: number('hold'),
    amount: money('amount').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.entry, t.line] }),
    index('transfers_owing').on(t.book, t.debit).where(sql`type in (6, 8, 14, 18)`),
    index('transfers_owed_back').on(t.book, t.credit).where(sql`type in (9, 15, 25, 26)`),
  ],
)

export const holds = clearing.table(
  'holds',
  {
    book: integer().notNull(),
    hold: number('hold').notNull(),
    leg: smallint().notNull(),
    type: smallint().notNull(),
    debit: integer().notNull(),
    credit: integer().notNull(),
    amount: money('amount').notNull(),
    open: money('open').notNull(),
  },
  (t) => [primaryKey({ columns: [t.book, t.hold, t.leg] })],
)

export const keys = clearing.table('keys', {
  key: text().primaryKey(),
  book: integer().notNull(),
  holder: text(),
})

export const refusals = clearing.table('refusals', {
  key: uuid().primaryKey(),
  recordedAt: moment('recorded_at').notNull(),
  fingerprint: bigint({ mode: 'bigint' }).notNull(),
  refusal: json().notNull(),
})

export const proposals = clearing.table(
  'proposals',
  {
    book: integer().notNull(),
    proposal: number('proposal').notNull(),
    kind: text().notNull(),
    command: text().notNull(),
    jurisdiction: integer().notNull(),
    proposedBy: text('proposed_by').notNull(),
    proposedOn: date('proposed_on').notNull(),
    note: text(),
    state: text({ enum: ['open', 'approved', 'declined', 'withdrawn'] }).notNull(),
    decidedBy: text('decided_by'),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.proposal] }),
    index('proposals_open').on(t.jurisdiction, t.book, t.proposal).where(sql`state = 'open'`),
  ],
)

export const standings = clearing.table(
  'standings',
  {
    person: text().notNull(),
    number: number('number').notNull(),
    kind: text({ enum: ['appointment', 'deputyship', 'bar'] }).notNull(),
    jurisdiction: integer().notNull(),
    principal: text(),
    roles: text().array().notNull(),
    validFrom: date('valid_from').notNull(),
    validTo: date('valid_to'),
    reason: text().notNull(),
    document: text(),
    ended: number('ended'),
    rolesFrom: text('roles_from', { enum: ['register', 'token'] }),
  },
  (t) => [primaryKey({ columns: [t.person, t.number] }), index('standings_jurisdiction').on(t.jurisdiction, t.number)],
)

export const agreements = clearing.table(
  'agreements',
  {
    accepting: integer().notNull(),
    home: integer().notNull(),
    agreement: number('agreement').notNull(),
    version: number('version').notNull(),
    categories: text().array().notNull(),
    validFrom: date('valid_from').notNull(),
    validTo: date('valid_to').notNull(),
    running: text({ enum: ['complete', 'stop'] }).notNull(),
    document: text(),
    signed: integer().array().notNull(),
    ended: number('ended'),
  },
  (t) => [primaryKey({ columns: [t.accepting, t.home, t.agreement] })],
)

export const clearingAgreements = clearing.table(
  'clearing_agreements',
  {
    one: integer().notNull(),
    other: integer().notNull(),
    agreement: number('agreement').notNull(),
    version: number('version').notNull(),
    mode: text({ enum: ['direct', 'netted'] }).notNull(),
    groupName: text('group_name').notNull(),
    covers: text({ enum: ['province', 'tree'] }).notNull(),
    threshold: money('threshold'),
    cap: money('cap'),
    validFrom: date('valid_from').notNull(),
    validTo: date('valid_to').notNull(),
    document: text(),
    signed: integer().array().notNull(),
    ended: date(),
  },
  (t) => [primaryKey({ columns: [t.one, t.other, t.agreement] })],
)

export const providerSuspensions = clearing.table(
  'provider_suspensions',
  {
    provider: text().notNull(),
    suspension: number('suspension').notNull(),
    jurisdiction: integer().notNull(),
    everywhere: boolean().notNull(),
    lifted: number('lifted'),
  },
  (t) => [primaryKey({ columns: [t.provider, t.suspension] })],
)

export const programs = clearing.table(
  'programs',
  {
    program: text().notNull(),
    version: integer().notNull().default(1),
    effectiveFrom: date('effective_from'),
    jurisdiction: integer().notNull(),
    ratio: text().notNull(),
    annualCap: money('annual_cap').notNull(),
    orderCap: money('order_cap'),
    payee: text({ enum: ['provider', 'enterprise'] }).notNull(),
    invoice: text({ enum: ['whole', 'self_paid'] }).notNull(),
    crossRegion: boolean('cross_region').notNull(),
    applyFrom: date('apply_from').notNull(),
    applyTo: date('apply_to').notNull(),
    useWithinDays: integer('use_within_days').notNull(),
    claimWithinDays: integer('claim_within_days').notNull(),
    categories: text().array().notNull(),
    enterpriseTypes: text('enterprise_types').array().notNull(),
    title: text(),
    document: text(),
    reach: text(),
    ratios: jsonb().notNull().default([]),
    useBy: date('use_by'),
    recallUnusedAfterDays: integer('recall_unused_after_days'),
    firstGrantLimit: money('first_grant_limit'),
    noticeDays: integer('notice_days'),
    evidence: text().array().notNull().default([]),
    verifiedTypes: boolean('verified_types').notNull(),
    extendDays: integer('extend_days'),
    acceptanceDays: integer('acceptance_days'),
    appealDays: integer('appeal_days'),
  },
  (t) => [primaryKey({ columns: [t.program, t.version] })],
)

export const programDrafts = clearing.table(
  'program_drafts',
  {
    jurisdiction: integer().notNull(),
    program: text().notNull(),
    version: number('version').notNull(),
    rules: text(),
  },
  (t) => [primaryKey({ columns: [t.jurisdiction, t.program] })],
)

export const enterprises = clearing.table('enterprises', {
  uscc: text().primaryKey(),
  name: text().notNull(),
  division: text().notNull(),
  types: text().array().notNull(),
  contact: text(),
  version: number('version').notNull(),
  moves: jsonb().notNull(),
  qualifications: jsonb().notNull(),
})

export const relations = clearing.table('relations', {
  uscc: text().primaryKey(),
  version: number('version').notNull(),
  declared: jsonb(),
  recorded: jsonb().notNull(),
})

export const providers = clearing.table('providers', {
  uscc: text().primaryKey(),
  name: text().notNull(),
  division: text().notNull(),
  categories: text().array().notNull(),
})

export const providerProfiles = clearing.table('provider_profiles', {
  uscc: text().primaryKey(),
  version: number('version').notNull(),
  qualifications: jsonb().notNull(),
  services: jsonb().notNull(),
  instruments: jsonb().notNull(),
  contact: jsonb().notNull(),
})

export const homeReviews = clearing.table('home_reviews', {
  uscc: text().primaryKey(),
  review: number('review').notNull(),
  reviewedBy: text('reviewed_by').notNull(),
  verdict: text({ enum: ['accepted', 'refused', 'returned'] }).notNull(),
  reason: text(),
  noticeEnds: date('notice_ends'),
  noticeLeft: integer('notice_left'),
  objections: jsonb().notNull(),
})

export const recognitionApplications = clearing.table(
  'recognition_applications',
  {
    provider: text().notNull(),
    jurisdiction: integer().notNull(),
    application: number('application').notNull(),
    categories: text().array().notNull(),
    validFrom: date('valid_from').notNull(),
    validTo: date('valid_to').notNull(),
    state: text({ enum: ['open', 'granted', 'refused'] }).notNull(),
    reason: text(),
  },
  (t) => [primaryKey({ columns: [t.provider, t.jurisdiction] })],
)

export const catalogue = clearing.table(
  'catalogue',
  {
    jurisdiction: integer().notNull(),
    code: text().notNull(),
    mapping: number('mapping').notNull(),
    name: text().notNull(),
    category: text(),
    validFrom: date('valid_from').notNull(),
    validTo: date('valid_to'),
  },
  (t) => [primaryKey({ columns: [t.jurisdiction, t.code, t.mapping] })],
)

export const recognitions = clearing.table(
  'recognitions',
  {
    provider: text().notNull(),
    recognition: number('recognition').notNull(),
    jurisdiction: integer().notNull(),
    categories: text().array().notNull(),
    validFrom: date('valid_from').notNull(),
    validTo: date('valid_to').notNull(),
    ended: number('ended'),
  },
  (t) => [primaryKey({ columns: [t.provider, t.recognition] })],
)

export const integrityEntries = clearing.table(
  'integrity_entries',
  {
    uscc: text().notNull(),
    listing: number('listing').notNull(),
    validFrom: date('valid_from').notNull(),
    validTo: date('valid_to'),
    reason: text().notNull(),
    listedBy: text('listed_by').notNull(),
    jurisdiction: integer(),
    person: text().notNull(),
    source: text(),
    decision: text(),
    reach: text().array(),
    consequences: text().array(),
    version: number('version').notNull(),
    removed: number('removed'),
    corrections: jsonb().notNull(),
    appeals: jsonb().notNull(),
    acknowledged: jsonb().notNull(),
    proposedBy: text('proposed_by'),
  },
  (t) => [primaryKey({ columns: [t.uscc, t.listing] }), uniqueIndex('integrity_entries_listing').on(t.listing)],
)

export const vouchers = clearing.table(
  'vouchers',
  {
    book: integer().notNull(),
    voucher: number('voucher').notNull(),
    program: text().notNull(),
    enterprise: text().notNull(),
    amount: money('amount').notNull(),
    issuedOn: date('issued_on').notNull(),
    useBy: date('use_by').notNull(),
    lapsedOn: date('lapsed_on'),
    version: integer().notNull().default(1),
    recallOn: date('recall_on'),
    extendedOn: date('extended_on'),
    suspendedOn: date('suspended_on'),
    ended: text({ enum: ['cancelled', 'recalled'] }),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.voucher] }),
    index('vouchers_ends').on(sql`least(use_by, recall_on)`, t.book, t.program).where(sql`lapsed_on is null`),
    index('vouchers_enterprise').on(t.enterprise),
  ],
)

export const applications = clearing.table(
  'applications',
  {
    book: integer().notNull(),
    application: number('application').notNull(),
    version: number('version').notNull(),
    state: text({ enum: ['submitted', 'returned', 'reviewed', 'granted', 'refused', 'withdrawn'] }).notNull(),
    program: text().notNull(),
    enterprise: text().notNull(),
    amount: money('amount').notNull(),
    appliedOn: date('applied_on').notNull(),
    note: text(),
    documents: jsonb().notNull(),
    reviewedBy: text('reviewed_by'),
    missing: text().array().notNull(),
    reason: text(),
    voucher: number('voucher'),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.application] }),
    index('applications_state').on(t.book, t.state, t.application),
    index('applications_enterprise').on(t.enterprise),
  ],
)

export const grants = clearing.table(
  'grants',
  {
    book: integer().notNull(),
    program: text().notNull(),
    enterprise: text().notNull(),
    year: integer().notNull(),
    granted: money('granted').notNull(),
    ceiling: money('ceiling').notNull(),
  },
  (t) => [primaryKey({ columns: [t.book, t.program, t.enterprise, t.year] })],
)

export const orders = clearing.table(
  'orders',
  {
    book: integer().notNull(),
    order: number('order').notNull(),
    state: text().notNull(),
    voucher: number('voucher').notNull(),
    program: text().notNull(),
    enterprise: text().notNull(),
    provider: text().notNull(),
    category: text().notNull(),
    contractNo: text('contract_no').notNull(),
    contractAmount: money('contract_amount').notNull(),
    voucherAmount: money('voucher_amount').notNull(),
    signedOn: date('signed_on').notNull(),
    filedOn: date('filed_on').notNull(),
    claimBy: date('claim_by').notNull(),
    deadline: date(),
    payee: text({ enum: ['provider', 'enterprise'] }).notNull(),
    payeeProvince: integer('payee_province').notNull(),
    score: integer(),
    invoiceNo: text('invoice_no'),
    invoiceAmount: money('invoice_amount'),
    verifiedBy: text('verified_by'),
    approved: money('approved'),
    approvedSeq: number('approved_seq'),
    clawedBack: money('clawed_back').notNull(),
    version: integer().notNull().default(1),
    noticeDays: integer('notice_days'),
    noticeEnds: date('notice_ends'),
    evidence: jsonb(),
    agreement: number('agreement'),
    localCategory: text('local_category'),
    redInvoices: text('red_invoices').array(),
    dossier: jsonb(),
    stage: smallint().notNull().generatedAlwaysAs(sql`case state … end`), // in full in 0016_lists.sql
  },
  (t) => [
    primaryKey({ columns: [t.book, t.order] }),
    index('orders_deadline').on(t.deadline, t.book, t.program).where(sql`deadline is not null`),
    index('orders_enterprise').on(t.enterprise),
    index('orders_provider').on(t.provider, t.book, t.order),
    index('orders_stage').on(t.stage, t.book, t.order),
    index('orders_voucher').on(t.book, t.voucher),
    index('orders_notice').on(t.noticeEnds, t.book, t.order).where(sql`notice_ends is not null`),
    index('orders_approved').on(t.book, t.approvedSeq).where(sql`approved_seq is not null`),
    index('orders_evidence').using('gin', t.evidence.op('jsonb_path_ops')).where(sql`evidence is not null`),
    index('orders_results').using('gin', sql`(dossier -> 'results') jsonb_path_ops`).where(sql`dossier ? 'results'`),
  ],
)

export const documents = clearing.table(
  'documents',
  {
    sha256: text().notNull(),
    organisation: text().notNull(),
    type: text().notNull(),
    bytes: number('bytes').notNull(),
    person: text().notNull(),
    uploadedAt: moment('uploaded_at').notNull(),
    named: boolean().notNull().default(false),
  },
  (t) => [
    primaryKey({ columns: [t.sha256, t.organisation] }),
    index('documents_unnamed').on(t.uploadedAt).where(sql`not named`),
  ],
)

export const documentDays = clearing.table(
  'document_days',
  { organisation: text().notNull(), day: date().notNull(), bytes: number('bytes').notNull() },
  (t) => [primaryKey({ columns: [t.organisation, t.day] })],
)
export const workdays = clearing.table('workdays', {
  year: integer().primaryKey(),
  document: text().notNull(),
  off: text().array().notNull(),
  work: text().array().notNull(),
  version: number('version').notNull(),
})

export const periods = clearing.table('periods', {
  period: text().primaryKey(),
  closing: number('closing').notNull().unique(),
  through: date().notNull(),
  closedOn: date('closed_on').notNull(),
  netted: boolean().notNull(),
  paid: boolean().notNull(),
  groupName: text('group_name'),
  settled: boolean().notNull().default(false),
})

export const periodPairs = clearing.table(
  'period_pairs',
  {
    period: text().notNull(),
    one: integer().notNull(),
    other: integer().notNull(),
    agreement: number('agreement').notNull(),
    net: money('net').notNull(),
    netted: boolean().notNull(),
    why: text({ enum: ['agreed', 'below_threshold', 'above_cap'] }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.period, t.one, t.other, t.agreement] })],
)

export const settlementParts = clearing.table(
  'settlement_parts',
  {
    book: integer().notNull(),
    period: text().notNull(),
    part: text({ enum: ['issuer', 'payee', 'between'] }).notNull(),
    piece: integer().notNull(),
    seq: number('seq').notNull(),
  },
  (t) => [primaryKey({ columns: [t.book, t.period, t.part, t.piece] }), index('settlement_parts_period').on(t.period)],
)

export const periodReaches = clearing.table(
  'period_reaches',
  {
    period: text().notNull(),
    book: integer().notNull(),
    reach: number('reach').notNull(),
  },
  (t) => [primaryKey({ columns: [t.period, t.book] }), index('period_reaches_book').on(t.book)],
)

export const lease = clearing.table('lease', {
  one: boolean().primaryKey().default(true),
  holder: uuid(),
  address: text(),
  until: timestamp('until', { withTimezone: true }).notNull(),
})

export const webhooks = clearing.table(
  'webhooks',
  {
    number: number('number').primaryKey(),
    owner: text().notNull(),
    version: number('version').notNull(),
    url: text().notNull(),
    kinds: text().array(),
    state: text({ enum: ['active', 'paused', 'disabled', 'ended'] }).notNull(),
    reason: text(),
    secret: number('secret').notNull(),
    former: number('former'),
    formerUntil: date('former_until'),
    replays: jsonb().notNull(),
    madeBy: text('made_by').notNull(),
  },
  (t) => [index('webhooks_owner').on(t.owner, t.number)],
)

export const webhookLanes = clearing.table(
  'webhook_lanes',
  {
    webhook: number('webhook').notNull(),
    book: integer().notNull(),
    lane: number('lane').notNull(),
    position: number('position').notNull(),
    until: number('until'),
    attempts: integer().notNull(),
    due: moment('due'),
    failingSince: moment('failing_since'),
    error: text(),
  },
  (t) => [primaryKey({ columns: [t.webhook, t.book, t.lane] })],
)

export const webhookLetters = clearing.table(
  'webhook_letters',
  {
    webhook: number('webhook').notNull(),
    book: integer().notNull(),
    seq: number('seq').notNull(),
    kind: text().notNull(),
    error: text().notNull(),
    givenUp: moment('given_up').notNull(),
  },
  (t) => [primaryKey({ columns: [t.webhook, t.book, t.seq] })],
)

export const paymentBatches = clearing.table(
  'payment_batches',
  {
    book: integer().notNull(),
    batch: number('batch').notNull(),
    period: text().notNull(),
    source: text({ enum: ['payable', 'clearing'] }).notNull(),
  },
  (t) => [primaryKey({ columns: [t.book, t.batch] }), index('payment_batches_period').on(t.period, t.book, t.batch)],
)

export const paymentLines = clearing.table(
  'payment_lines',
  {
    book: integer().notNull(),
    batch: number('batch').notNull(),
    line: integer().notNull(),
    payee: text().notNull(),
    province: integer(),
    amount: money('amount').notNull(),
    clawedBack: money('clawed_back').notNull(),
    setOff: money('set_off').notNull(),
    state: text({ enum: ['open', 'released', 'paid', 'set_off'] }).notNull(),
    released: money('released').notNull(),
    paid: money('paid').notNull(),
    release: number('release'),
    account: number('account'),
    bounces: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.batch, t.line] }),
    index('payment_lines_payee').on(t.payee, t.book, t.batch),
  ],
)

export const bankStatements = clearing.table(
  'bank_statements',
  {
    book: integer().notNull(),
    statement: text().notNull(),
    account: text().notNull(),
    number: text().notNull(),
    digest: text().notNull(),
    from: date('from_day').notNull(),
    to: date('to_day').notNull(),
    opening: money('opening').notNull(),
    closing: money('closing').notNull(),
    lines: integer().notNull(),
    taken: integer().notNull(),
    repeated: integer().notNull(),
    first: number('first').notNull(),
  },
  (t) => [primaryKey({ columns: [t.book, t.statement] }), index('bank_statements_first').on(t.book, t.first)],
)

export const bankLines = clearing.table(
  'bank_lines',
  {
    book: integer().notNull(),
    account: text().notNull(),
    serial: text().notNull(),
    statement: text().notNull(),
    line: integer().notNull(),
    day: date().notNull(),
    side: text({ enum: ['debit', 'credit'] }).notNull(),
    amount: money('amount').notNull(),
    name: text(),
    reference: text(),
    booked: number('booked').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.account, t.serial] }),
    index('bank_lines_statement').on(t.book, t.statement, t.line),
  ],
)

export const bankMatches = clearing.table(
  'bank_matches',
  {
    book: integer().notNull(),
    account: text().notNull(),
    serial: text().notNull(),
    match: integer().notNull(),
    kind: text({ enum: ['pay', 'bounce', 'receive', 'refund'] }).notNull(),
    payer: integer().notNull(),
    batch: number('batch'),
    line: integer(),
    payee: text(),
    amount: money('amount').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.account, t.serial, t.match] }),
    index('bank_matches_line').on(t.payer, t.batch, t.line),
  ],
)

export const bankExceptions = clearing.table(
  'bank_exceptions',
  {
    book: integer().notNull(),
    exception: number('exception').notNull(),
    line: integer().notNull(),
    account: text().notNull(),
    serial: text().notNull(),
    reason: text().notNull(),
    openedOn: date('opened_on').notNull(),
    owner: text(),
    state: text({ enum: ['open', 'resolved'] }).notNull(),
    resolution: jsonb(),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.exception, t.line] }),
    index('bank_exceptions_open').on(t.book, t.exception, t.line).where(sql`state = 'open'`),
  ],
)

export const instructionReceipts = clearing.table(
  'instruction_receipts',
  {
    book: integer().notNull(),
    payer: integer().notNull(),
    batch: number('batch').notNull(),
    line: integer().notNull(),
    received: money('received').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.payer, t.batch, t.line] }),
    index('instruction_receipts_line').on(t.payer, t.batch, t.line),
  ],
)

export const reportHeads = clearing.table('report_heads', {
  book: integer().primaryKey(),
  seq: number('seq').notNull(),
})

export const reportLates = clearing.table('report_lates', { passed: number('passed').primaryKey() })

const dated = { book: integer().notNull(), day: date().notNull(), passed: number('passed').notNull() }

export const reportDays = clearing.table(
  'report_days',
  {
    ...dated,
    program: text().notNull(),
    category: text().notNull(),
    payeeProvince: integer('payee_province').notNull(),
    issues: integer().notNull(),
    issued: money('issued').notNull(),
    lapses: integer().notNull(),
    lapsed: money('lapsed').notNull(),
    filed: integer().notNull(),
    held: money('held').notNull(),
    released: money('released').notNull(),
    ordersLapsed: integer('orders_lapsed').notNull(),
    delivered: integer().notNull(),
    deliveredAmount: money('delivered_amount').notNull(),
    confirmed: integer().notNull(),
    confirmedAmount: money('confirmed_amount').notNull(),
    claimed: integer().notNull(),
    claimedAmount: money('claimed_amount').notNull(),
    approved: integer().notNull(),
    approvedAmount: money('approved_amount').notNull(),
    clawedBack: money('clawed_back').notNull(),
    paid: integer().notNull(),
    paidAmount: money('paid_amount').notNull(),
  },
  (t) => [primaryKey({ columns: [t.passed, t.day, t.book, t.program, t.category, t.payeeProvince] })],
)

export const reportProviders = clearing.table(
  'report_providers',
  {
    ...dated,
    provider: text().notNull(),
    filed: integer().notNull(),
    held: money('held').notNull(),
    released: money('released').notNull(),
  },
  (t) => [primaryKey({ columns: [t.passed, t.day, t.book, t.provider] })],
)

export const reportFirms = clearing.table(
  'report_firms',
  { ...dated, enterprise: text().notNull(), issued: boolean().notNull(), filed: boolean().notNull() },
  (t) => [primaryKey({ columns: [t.passed, t.day, t.book, t.enterprise] })],
)

export const reportPayables = clearing.table(
  'report_payables',
  {
    ...dated,
    approvedOn: date('approved_on').notNull(),
    orders: integer().notNull(),
    amount: money('amount').notNull(),
  },
  (t) => [primaryKey({ columns: [t.passed, t.day, t.book, t.approvedOn] })],
)

export const reportWaits = clearing.table(
  'report_waits',
  { ...dated, orders: integer().notNull(), claimedOn: date('claimed_on').notNull() },
  (t) => [primaryKey({ columns: [t.passed, t.day, t.book, t.claimedOn] })],
)

export const reportClaims = clearing.table(
  'report_claims',
  {
    book: integer().notNull(),
    order: number('order').notNull(),
    seq: number('seq').notNull(),
    claimedOn: date('claimed_on').notNull(),
  },
  (t) => [primaryKey({ columns: [t.book, t.order] })],
)

const ofOrder = {
  book: integer().notNull(),
  order: number('order').notNull(),
  seq: number('seq').notNull(),
  amount: money('amount').notNull(),
}

export const reportSupplements = clearing.table('report_supplements', ofOrder, (t) => [
  primaryKey({ columns: [t.book, t.order, t.seq] }),
])

export const reportClawbacks = clearing.table('report_clawbacks', ofOrder, (t) => [
  primaryKey({ columns: [t.book, t.order, t.seq] }),
])

export const reportPeriods = clearing.table('report_periods', { period: text().primaryKey() })

export const reportItems = clearing.table(
  'report_items',
  {
    period: text().notNull(),
    book: integer().notNull(),
    program: text().notNull(),
    category: text().notNull(),
    provider: text().notNull(),
    payeeProvince: integer('payee_province').notNull(),
    approved: integer().notNull(),
    amount: money('amount').notNull(),
    clawBacks: integer('claw_backs').notNull(),
    clawedBack: money('clawed_back').notNull(),
  },
  (t) => [primaryKey({ columns: [t.period, t.book, t.program, t.category, t.provider, t.payeeProvince] })],
)

export const logSalts = clearing.table('log_salts', {
  book: integer().primaryKey(),
  salt: bytes().notNull(),
})

export const logTiles = clearing.table(
  'log_tiles',
  {
    book: integer().notNull(),
    level: smallint().notNull(),
    tile: number('tile').notNull(),
    hashes: bytes().notNull(),
  },
  (t) => [primaryKey({ columns: [t.book, t.level, t.tile] })],
)

export const logCheckpoints = clearing.table(
  'log_checkpoints',
  {
    book: integer().notNull(),
    size: number('size').notNull(),
    root: bytes().notNull(),
    day: date().notNull(),
    signedAt: moment('signed_at').notNull(),
    note: text().notNull(),
    replaced: boolean().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.book, t.size] }),
    index('log_checkpoints_replaced').on(t.book, t.signedAt).where(sql`replaced`),
  ],
)

export const pulls = clearing.table(
  'pulls',
  {
    pull: number('pull').primaryKey().generatedByDefaultAsIdentity(),
    askedAt: moment('asked_at').notNull(),
    actor: integer().notNull(),
    jurisdiction: integer(),
    book: integer().notNull(),
    operation: text().notNull(),
    asked: json().notNull(),
    first: integer(),
    last: integer(),
    refused: text(),
    rows: number('rows'),
    whole: boolean(),
  },
  (t) => [index('pulls_book').on(t.book, t.pull), index('pulls_jurisdiction').on(t.jurisdiction, t.pull)],
)

export const turnoverMarks = clearing.table(
  'turnover_marks',
  {
    book: integer().notNull(),
    entry: integer().notNull(),
    type: smallint().notNull(),
    phase: smallint().notNull(),
    amount: money('amount').notNull(),
  },
  (t) => [primaryKey({ columns: [t.book, t.entry, t.type, t.phase] })],
)

export const turnoverHeads = clearing.table('turnover_heads', {
  book: integer().primaryKey(),
  entry: integer().notNull(),
})

export const subsidies = clearing.table(
  'subsidies',
  {
    book: integer().notNull(),
    program: text().notNull(),
    versions: jsonb().notNull(),
    runs: jsonb().notNull(),
  },
  (t) => [primaryKey({ columns: [t.book, t.program] })],
)

export const treasuryFigures = clearing.table(
  'treasury_figures',
  {
    book: integer().notNull(),
    program: text().notNull(),
    amount: money('amount').notNull(),
    asOf: date('as_of').notNull(),
    document: text().notNull(),
    recordedOn: date('recorded_on').notNull(),
  },
  (t) => [primaryKey({ columns: [t.book, t.program] })],
)

export const bankAccounts = clearing.table(
  'bank_accounts',
  {
    account: number('account').primaryKey(),
    owner: text().notNull(),
    after: number('after').notNull(),
    version: number('version').notNull(),
    holder: text().notNull(),
    registeredName: text('registered_name'),
    explanation: text(),
    bank: text().notNull(),
    bankCode: text('bank_code').notNull(),
    sealed: text().notNull(),
    print: text().notNull(),
    tail: text().notNull(),
    state: text({ enum: ['proposed', 'confirmed', 'revoked'] }).notNull(),
    proposedBy: text('proposed_by').notNull(),
    proposedOn: date('proposed_on').notNull(),
    decidedBy: text('decided_by'),
    decidedOn: date('decided_on'),
    validFrom: date('valid_from'),
    notified: text(),
  },
  (t) => [
    unique().on(t.owner, t.after),
    index('bank_accounts_owner').on(t.owner, t.account),
    index('bank_accounts_print').on(t.print),
    index('bank_accounts_changes').on(t.account).where(sql`state <> 'revoked'`),
  ],
)

export const periodCalendars = clearing.table(
  'period_calendars',
  {
    groupName: text('group_name').notNull(),
    year: integer().notNull(),
    version: number('version').notNull(),
    periods: jsonb().notNull(),
  },
  (t) => [primaryKey({ columns: [t.groupName, t.year] })],
)

export const periodPreviews = clearing.table('period_previews', {
  period: text().primaryKey(),
  preview: number('preview').notNull(),
  madeOn: date('made_on').notNull(),
  through: date().notNull(),
  groupName: text('group_name').notNull(),
  gross: jsonb().notNull(),
})
