import { sql } from 'drizzle-orm'
import {
  bigint,
  boolean,
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
  (t) => [primaryKey({ columns: [t.book, t.account] }), unique().on(t.book, t.kind, t.owner)],
)

export const actors = clearing.table(
  'actors',
  {
    actor: integer().primaryKey().generatedByDefaultAsIdentity(),
    organisation: text().notNull(),
    subject: text().notNull(),
  },
  (t) => [unique().on(t.organisation, t.subject)],
)

export const commandKind = clearing.enum('command_kind', [
  'publish_program',
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
  'update_enterprise',
  'declare_qualification',
  'verify_qualification',
  'declare_relations',
  'record_relations',
  'correct_integrity',
  'appeal_integrity',
  'decide_appeal',
  'acknowledge_integrity',
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
  },
  (t) => [
    primaryKey({ columns: [t.book, t.seq] }),
    uniqueIndex('commands_key').on(t.key).where(sql`key is not null`),
    index('commands_items').on(t.book, t.seq).where(sql`kind in ('approve_claim', 'claw_back')`),
    index('commands_item_days').on(t.book, t.day).where(sql`kind in ('approve_claim', 'claw_back')`),
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
  (t) => [primaryKey({ columns: [t.book, t.entry, t.line] })],
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

export const programs = clearing.table('programs', {
  program: text().primaryKey(),
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
  verifiedTypes: boolean('verified_types').notNull(),
})

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
  },
  (t) => [
    primaryKey({ columns: [t.book, t.voucher] }),
    index('vouchers_use_by').on(t.useBy, t.book, t.program).where(sql`lapsed_on is null`),
    index('vouchers_enterprise').on(t.enterprise),
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
  },
  (t) => [
    primaryKey({ columns: [t.book, t.order] }),
    index('orders_deadline').on(t.deadline, t.book, t.program).where(sql`deadline is not null`),
    index('orders_enterprise').on(t.enterprise),
    index('orders_provider').on(t.provider),
    index('orders_voucher').on(t.book, t.voucher),
    index('orders_approved').on(t.book, t.approvedSeq).where(sql`approved_seq is not null`),
  ],
)

export const periods = clearing.table('periods', {
  period: text().primaryKey(),
  closing: number('closing').notNull().unique(),
  through: date().notNull(),
  closedOn: date('closed_on').notNull(),
  netted: boolean().notNull(),
  paid: boolean().notNull(),
})

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
