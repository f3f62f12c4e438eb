import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import t from 'tap'
import { type Checked, checkNames, verifyLedger } from '../../src/audit/verify.js'
import type { Actor } from '../../src/core/actor.js'
import { isRefusal } from '../../src/core/refusals.js'
import { ManualClock } from '../../src/core/time.js'
import { usccCheckCharacter } from '../../src/core/uscc.js'
import { sweep } from '../../src/deadlines/sweep.js'
import { type CommandType, wire } from '../../src/engine/command.js'
import { EngineFault, type Outcome } from '../../src/engine/ticket.js'
import { registerEnterpriseCommand } from '../../src/enterprises/commands.js'
import { cancelOrderCommand, fileOrderCommand } from '../../src/orders/commands.js'
import { builtInIssuer } from '../../src/platform/auth.js'
import { connect, type Sql } from '../../src/platform/database.js'
import { appropriateCommand, publishProgramCommand } from '../../src/programs/commands.js'
import { recogniseCommand, registerProviderCommand } from '../../src/providers/commands.js'
import { Player } from '../../src/rehearsal/player.js'
import { createService } from '../../src/service.js'
import { closePeriodCommand } from '../../src/settlement/commands.js'
import { closePeriod } from '../../src/settlement/settle.js'
import { issueCommand } from '../../src/vouchers/commands.js'
import { testCluster } from '../support/cluster.js'
import { runScript } from '../support/script.js'
import { china, type TestDatabase, testDatabase, testEngine } from '../support/service.js'

const uscc = (first: string) => first + usccCheckCharacter(first)
const [E1, E2] = [uscc('91310115MA1K00001'), uscc('91320509MA1K00002')]
const [P1, P2] = [uscc('12330106MA1K00003'), uscc('12310115MA1K00004')]

async function verify(sql: Sql): Promise<Checked[]> {
  const done: Checked[] = []
  for await (const checked of verifyLedger(sql)) done.push(checked)
  return done
}

/** Runs all checks over a connection of its own; the names of those that were fine, and what was found. */
async function verifyAt(url: string) {
  const sql = connect(url, 1)
  try {
    const done = await verify(sql)
    const last = done.at(-1)!
    return { passed: done.filter(({ ok }) => ok).map(({ name }) => name), ...last }
  } finally {
    await sql.end({ timeout: 5 })
  }
}

// ── A story with something of everything in it ───────────────────────────────────────────────────────────────────

const rules = {
  ratio: '0.5',
  annualCap: '300000.00',
  orderCap: null,
  crossRegion: true,
  applyFrom: '2026-01-01',
  applyTo: '2026-12-31',
  categories: ['testing', 'design'],
  enterpriseTypes: ['tech_sme'],
}
const filing = { category: 'testing', signedOn: '2026-03-01', relatedParty: false }
const invoice = (n: number) => String(n).padStart(20, '2')

type Step = readonly [at: string, what: string, fields?: object]
const [nine, ten] = ['T09:00:00+08:00', 'T10:00:00+08:00']

/** An order on its way to a verified claim, one step a minute. */
const verified = (day: string, order: string, n: number, amount: string): Step[] => [
  [`${day}T11:01:00+08:00`, 'deliver', { order }],
  [`${day}T11:02:00+08:00`, 'confirm', { order, score: 90 }],
  [`${day}T11:03:00+08:00`, 'submit_claim', { order, invoiceNo: invoice(n), invoiceAmount: amount }],
  [`${day}T11:04:00+08:00`, 'verify_claim', { order, by: 'Zhao' }],
]

const story: readonly Step[] = [
  [
    `2026-03-02${nine}`,
    'publish_program',
    {
      ...rules,
      program: 'SH',
      jurisdiction: '310000',
      payee: 'provider',
      invoice: 'whole',
      useWithinDays: 120,
      claimWithinDays: 60,
    },
  ],
  [
    `2026-03-02${nine}`,
    'publish_program',
    {
      ...rules,
      program: 'WJ',
      jurisdiction: '320509',
      payee: 'enterprise',
      invoice: 'self_paid',
      useWithinDays: 20,
      claimWithinDays: 10,
    },
  ],
  [`2026-03-02${nine}`, 'appropriate', { program: 'SH', amount: '500000.00' }],
  [`2026-03-02${nine}`, 'appropriate', { program: 'WJ', amount: '400000.00' }],
  [`2026-03-02${nine}`, 'appropriate', { program: 'SH', amount: '100000.00' }],
  [`2026-03-02${nine}`, 'register_enterprise', { uscc: E1, name: '甲', division: '310115', types: ['tech_sme'] }],
  [`2026-03-02${nine}`, 'register_enterprise', { uscc: E2, name: '乙', division: '320509', types: ['tech_sme'] }],
  [`2026-03-02${nine}`, 'register_provider', { uscc: P1, name: '丙', division: '330106', categories: ['testing'] }],
  [`2026-03-02${nine}`, 'register_provider', { uscc: P2, name: '丁', division: '310115', categories: ['testing'] }],
  [
    `2026-03-02${nine}`,
    'recognise',
    { provider: P1, jurisdiction: '310000', categories: ['testing'], from: '2026-01-01', to: '2026-12-31' },
  ],
  [
    `2026-03-02${nine}`,
    'recognise',
    { provider: P1, jurisdiction: '320000', categories: ['testing'], from: '2026-01-01', to: '2026-12-31' },
  ],
  [
    `2026-03-02${nine}`,
    'recognise',
    { provider: P2, jurisdiction: '310000', categories: ['testing'], from: '2026-01-01', to: '2026-12-31' },
  ],
  [`2026-03-03${nine}`, 'issue', { voucher: 'V1', enterprise: E1, program: 'SH', amount: '100000.00' }],
  [`2026-03-03${nine}`, 'issue', { voucher: 'V2', enterprise: E2, program: 'WJ', amount: '80000.00' }],
  [`2026-03-03${nine}`, 'issue', { voucher: 'V3', enterprise: E1, program: 'SH', amount: '50000.00' }],
  [
    `2026-03-03${ten}`,
    'file_order',
    {
      ...filing,
      order: 'O1',
      voucher: 'V1',
      provider: P1,
      contractNo: 'C-1',
      contractAmount: '100000.00',
      voucherAmount: '40000.00',
    },
  ],
  [
    `2026-03-03${ten}`,
    'file_order',
    {
      ...filing,
      order: 'O2',
      voucher: 'V2',
      provider: P1,
      contractNo: 'C-2',
      contractAmount: '60000.00',
      voucherAmount: '30000.00',
    },
  ],
  [
    `2026-03-03${ten}`,
    'file_order',
    {
      ...filing,
      order: 'O3',
      voucher: 'V2',
      provider: P1,
      contractNo: 'C-3',
      contractAmount: '20000.00',
      voucherAmount: '10000.00',
    },
  ],
  // A number given back in one book and taken in another at the same instant.
  [`2026-03-03${ten}`, 'cancel_order', { order: 'O3' }],
  [
    `2026-03-03${ten}`,
    'file_order',
    {
      ...filing,
      order: 'O4',
      voucher: 'V3',
      provider: P1,
      contractNo: 'C-3',
      contractAmount: '40000.00',
      voucherAmount: '20000.00',
    },
  ],
  [
    `2026-03-03${ten}`,
    'file_order',
    {
      ...filing,
      order: 'O5',
      voucher: 'V2',
      provider: P1,
      contractNo: 'C-5',
      contractAmount: '20000.00',
      voucherAmount: '5000.00',
    },
  ],
  [
    `2026-03-03${ten}`,
    'file_order',
    {
      ...filing,
      order: 'O6',
      voucher: 'V3',
      provider: P2,
      contractNo: 'C-6',
      contractAmount: '20000.00',
      voucherAmount: '5000.00',
    },
  ],
  [
    `2026-03-03${ten}`,
    'file_order',
    {
      ...filing,
      order: 'O7',
      voucher: 'V1',
      provider: P2,
      contractNo: 'C-7',
      contractAmount: '20000.00',
      voucherAmount: '6000.00',
    },
  ],
  ...verified('2026-03-04', 'O1', 1, '100000.00'),
  [`2026-03-05${nine}`, 'return_claim', { order: 'O1', by: 'Zhao', reason: '补正' }],
  [`2026-03-05${nine}`, 'submit_claim', { order: 'O1', invoiceNo: invoice(11), invoiceAmount: '100000.00' }],
  [`2026-03-05${nine}`, 'verify_claim', { order: 'O1', by: 'Zhao' }],
  [`2026-03-05${ten}`, 'approve_claim', { order: 'O1', by: 'Qian', amount: '30000.00' }],
  ...verified('2026-03-06', 'O2', 2, '30000.00'),
  [`2026-03-07${nine}`, 'approve_claim', { order: 'O2', by: 'Qian' }],
  [`2026-03-07${nine}`, 'claw_back', { order: 'O1', amount: '1000.00', by: 'Qian', reason: '核减' }],
  [`2026-03-08${nine}`, 'close_period', { period: '2026-Q1', through: '2026-03-07' }],
  [`2026-03-09${nine}`, 'confirm_payments', { period: '2026-Q1' }],
  [`2026-03-10${nine}`, 'claw_back', { order: 'O1', amount: '2000.00', by: 'Qian', reason: '追回' }],
  ...verified('2026-03-10', 'O4', 4, '40000.00'),
  [`2026-03-11${nine}`, 'approve_claim', { order: 'O4', by: 'Qian' }],
  ...verified('2026-03-11', 'O7', 7, '20000.00'),
  [`2026-03-12${nine}`, 'suspend_recognition', { provider: P2, jurisdiction: '310000' }],
  [`2026-03-12${nine}`, 'list_integrity', { uscc: P2, from: '2026-03-12', reason: '失信' }],
  // O5 lapses with its claim-by day, V2 with its use-by day.
  [`2026-03-25${nine}`, 'close_period', { period: '2026-Q2', through: '2026-03-20' }],
  [`2026-03-25${nine}`, 'issue', { voucher: 'V4', enterprise: E2, program: 'WJ', amount: '90000.00' }],
]

async function play(database: TestDatabase): Promise<void> {
  const clock = new ManualClock(0)
  const service = await createService({ ...database, clock, auth: builtInIssuer('test', 'test') })
  const player = new Player({ base: await service.open({ host: '127.0.0.1', port: 0 }), clock })
  for (const [index, [at, what, fields]] of story.entries()) {
    await player.play(JSON.stringify({ id: `s${index}`, at, do: what, ...fields }))
  }
  const { refusals } = await player.finish()
  player.close()
  await service.close()
  t.same(refusals, {}, 'the story goes through')
}

const database = await testDatabase()
await play(database)
t.teardown(() => database.drop())

t.test('a played ledger adds up', async (t) => {
  const { passed, ok, finding } = await verifyAt(database.databaseUrl)
  t.equal(finding, undefined)
  t.ok(ok)
  t.same(passed, checkNames, 'all checks, in order')
})

// ── What somebody with the keys to the tables could do, one row a deed ───────────────────────────────────────────

const ofBook = 'where book = 310000'
const first = (table: string, where: string, columns = 'book, entry') =>
  `(${columns}) in (select ${columns} from ${table} where ${where} order by 1, 2 limit 1)`

const tampers: readonly (readonly [deed: string, check: string, sql: string, says?: RegExp])[] = [
  [
    'a kind of account may go below zero',
    'chart',
    'update account_kinds set floor = false where kind = 3',
    /pool credit 0.*pool credit 1/,
  ],
  [
    'the last command is deleted',
    'heads',
    `delete from commands where book = 310000 and seq = (select seq from books ${ofBook})`,
  ],
  ['a head is put back', 'heads', `update books set seq = seq - 1, entries = entries - 1 ${ofBook}`],
  [
    'the last booking is dated later than its head',
    'heads',
    `update commands set booked_at = booked_at + interval '1 day' where book = 310000 and seq = (select seq from books ${ofBook})`,
  ],
  [
    'a command in the middle is deleted',
    'numbers',
    'delete from commands where book = 310000 and seq = 3',
    /command 指令 4: .*is 4, its place is 3/,
  ],
  [
    'two entries swap their numbers',
    'numbers',
    `update commands set entry = 1000 where book = 310000 and entry = 1; update commands set entry = 1 where book = 310000 and entry = 2; update commands set entry = 2 where book = 310000 and entry = 1000`,
  ],
  [
    'booked_at is put back',
    'moments',
    `update commands set booked_at = booked_at - interval '1 day' where book = 310000 and seq = 5`,
    /day .* is 2026-03-03, .* is 2026-03-02/,
  ],
  ['a day is another', 'moments', `update commands set day = day - 1 where book = 310000 and seq = 3`],
  [
    'a line in the middle of an entry is deleted',
    'entries',
    `delete from transfers where line = 1 and ${first('transfers', 'line = 2')}`,
  ],
  ['all of an entry is deleted', 'entries', 'delete from transfers where book = 310000 and entry = 3'],
  [
    'an entry is added',
    'entries',
    'insert into transfers select seq, amount, book, 99, line, debit, credit, type, phase, leg, hold from transfers where book = 310000 and entry = 1',
  ],
  ['a transfer is of another type', 'transfers', 'update transfers set type = 3 where book = 310000 and entry = 1'],
  [
    'a transfer goes to an account that is not there',
    'transfers',
    'update transfers set credit = 999 where book = 310000 and entry = 1',
    /account 999/,
  ],
  [
    'an account is deleted',
    'accounts',
    'delete from accounts where book = 310000 and account = (select max(account) from accounts where book = 310000 and posted = 0 and held = 0 and account not in (select debit from transfers where book = 310000) and account not in (select credit from transfers where book = 310000)); update books set accounts = accounts + 1 where book = 310000',
  ],
  [
    'a balance is another',
    'balances',
    'update accounts set posted = posted + 1 where book = 310000 and kind = 3',
    /account 账户 2 pool:SH: posted .* is 453000.01, .* is 453000.00/,
  ],
  ['a held balance is another', 'balances', 'update accounts set held = held - 1 where book = 310000 and held > 0'],
  [
    'the amount of a transfer is another',
    'balances',
    'update transfers set amount = amount + 1 where book = 310000 and entry = 1',
  ],
  [
    'a transfer goes to another voucher',
    'balances',
    `update transfers set credit = credit + 1 where type = 2 and ${first('transfers', 'type = 2 and book = 310000')}`,
  ],
  [
    'money is spent before it is there',
    'floors',
    `update transfers set entry = 1000 where book = 320509 and entry = 1; update transfers set entry = 1, seq = (select seq from commands where book = 320509 and entry = 1) where book = 320509 and entry = 2; update transfers set entry = 2, seq = (select seq from commands where book = 320509 and entry = 2) where book = 320509 and entry = 1000`,
    /entry 凭证 1, account 账户 \d pool:WJ: .* is -80000.00 with 0.00 of it held/,
  ],
  ['what is open on a hold is another', 'holds', 'update holds set open = open - 1 where open > 0', /hold 冻结/],
  ['a hold is deleted', 'holds', 'delete from holds where open = 0 and book = 310000'],
  [
    'a verified order is called rejected',
    'holds',
    `update orders set state = 'rejected' where state = 'verified'`,
    /open .* is 6000.00, that of an order rejected is 0.00/,
  ],
  ['an order is deleted', 'holds', `delete from orders where state = 'cancelled'`],
  [
    "a voucher's amount is another",
    'vouchers',
    'update vouchers set amount = amount + 1 where book = 310000',
    /is 100000.01, .* is 100000.00/,
  ],
  ['a voucher is called lapsed', 'vouchers', `update vouchers set lapsed_on = '2026-03-20' where book = 310000`],
  [
    'an order approved more than was captured',
    'orders',
    `update orders set approved = approved + 1 where book = 310000 and approved < voucher_amount`,
  ],
  ['a claw-back is forgotten', 'orders', 'update orders set clawed_back = clawed_back - 1000 where clawed_back > 1000'],
  [
    'an order names another payee',
    'orders',
    `update orders set payee_province = 310000 where book = 310000 and payee_province = 330000`,
  ],
  ["a pool is called another program's", 'pools', `update accounts set owner = 'WJ' where book = 310000 and kind = 3`],
  ['a voucher is moved to another program', 'pools', `update vouchers set program = 'SH' where book = 320509`],
  [
    'a grant is lowered',
    'grants',
    'update grants set granted = granted - 1 where book = 310000',
    /granted .* is 149999.99, .* is 150000.00/,
  ],
  ['a ceiling is raised', 'grants', 'update grants set ceiling = ceiling + 1 where book = 310000'],
  ["a program's cap is raised", 'grants', `update programs set annual_cap = annual_cap + 1 where program = 'SH'`],
  [
    'a contract number is freed',
    'keys',
    `delete from keys where key like 'contract%C-1'`,
    /holder .* is none 无, .* is O310000-/,
  ],
  ['an invoice number is held by another', 'keys', `update keys set holder = 'O310000-1' where key like 'invoice%1'`],
  ['a key is kept after a cancellation', 'keys', `insert into keys values ('contract x y', 310000, 'O310000-1')`],
  [
    'a reach is another',
    'periods',
    `update period_reaches set reach = reach - 1 where period = '2026-Q1' and book = 310000`,
  ],
  ["a period's last day is another", 'periods', `update periods set through = through + 1 where period = '2026-Q2'`],
  [
    'a paid period is called unpaid',
    'positions',
    `update periods set paid = false where period = '2026-Q1'`,
    /310000 2026-Q1: .* is 0.00, that of a period not paid is -29000.00/,
  ],
  ['an unpaid period is called paid', 'positions', `update periods set paid = true where period = '2026-Q2'`],
  [
    'a payee is paid less',
    'settlements',
    'update payment_lines set amount = amount - 100, released = released - 100, paid = paid - 100 where paid = 3000000 - 100000',
    /is 28999.00, .* is 29000.00/,
  ],
  ['an approved order is called paid', 'settlements', `update orders set state = 'paid' where state = 'approved'`],
  [
    'a line that is paid is called unpaid',
    'lines',
    `update payment_lines set state = 'released', paid = 0 where released > 0 and ${first('payment_lines', 'paid > 0', 'book, batch')}`,
    /paying:\d+: posted 余额 is 0.00, what the batch's lines have released and not paid is [1-9]/,
  ],
  [
    'a released line is put back without an entry',
    'lines',
    `update payment_lines set state = 'open', release = null, released = 0, paid = 0 where released > 0 and ${first('payment_lines', 'paid > 0', 'book, batch')}`,
    /line 拨付明细 B\d{6}-\d+-1: paid 已付 is 0.00, what bank lines confirm is [1-9]/,
  ],
  [
    'what the bank confirmed is another amount',
    'lines',
    `update bank_matches set amount = amount + 1 where kind = 'pay'`,
    /paid 已付 is (.*), what bank lines confirm is .*1\./,
  ],
  [
    'a reason is another',
    'answers',
    `update commands set body = jsonb_set(body::jsonb, '{reason}', '"其他"') where kind = 'return_claim'`,
  ],
  [
    'an asked amount is another',
    'answers',
    `update commands set body = jsonb_set(body::jsonb, '{amount}', '"1.00"') where kind = 'issue' and book = 310000`,
  ],
  [
    'somebody else is said to have approved',
    'answers',
    `update actors set subject = 'Sun' where actor in (select actor from commands where kind = 'approve_claim')`,
  ],
  [
    'a key has two answers',
    'answers',
    `insert into refusals select key, booked_at, fingerprint, '{}' from commands where key is not null limit 1`,
  ],
  ['who approved is another', 'rows', `update proposals set decided_by = 'Sun' where kind = 'appropriate'`],
  [
    'what an act changed is another',
    'replay',
    `update commands set changes = replace(changes::text, 'open', 'declined')::json where changes is not null`,
  ],
  ['a command is of nobody', 'numbers', 'update commands set actor = 999 where seq = 3 and book = 310000'],
  [
    'a command rests on what is not there yet',
    'rests',
    `update commands set rests = '{"0": 999}' where book = 310000 and seq = 3`,
    /is 999, the head is \d+/,
  ],
  [
    'a command rests on another version',
    'replay',
    `update commands set rests = '{"0": 1}' where book = 320509 and kind = 'file_order'`,
  ],
  [
    'commands rest on each other',
    'replay',
    `update commands set rests = json_build_object('310000', (select seq from books where book = 310000)) where book = 0 and seq = 3`,
    /cannot all be reached/,
  ],
  [
    'a command rests on nothing',
    'replay',
    `update commands set rests = '{}' where book = 310000 and kind = 'approve_claim'`,
    /rests/,
  ],
  [
    'an event is another',
    'replay',
    `update commands set event = jsonb_set(event::jsonb, '{approved}', '"30000.01"') where kind = 'approve_claim' and book = 310000`,
    /30000.01/,
  ],
  [
    'a lapse is of another order',
    'replay',
    `update commands set body = jsonb_set(body::jsonb, '{order}', '"O320509-4"') where kind = 'lapse_order'`,
  ],
  ['a command is of another kind', 'replay', `update commands set kind = 'lapse_voucher' where kind = 'lapse_order'`],
  [
    'a body has another field',
    'replay',
    `update commands set body = body::jsonb || '{"more": 1}' where kind = 'lapse_order'`,
  ],
  [
    'two vouchers swap their entries',
    'replay',
    `update transfers set entry = 1000 where book = 310000 and entry = 1; update transfers set entry = 1, seq = (select seq from commands where book = 310000 and entry = 1) where book = 310000 and entry = 2; update transfers set entry = 2, seq = (select seq from commands where book = 310000 and entry = 2) where book = 310000 and entry = 1000`,
    /line 1 is appropriate post appropriation → pool:SH 100000.00, decided again .* 500000.00/,
  ],
  [
    'more was issued, in every table',
    'replay',
    `update transfers set amount = amount + 1 where type = 2 and book = 320509 and entry = 2; update accounts set posted = posted - 1 where book = 320509 and kind = 3; update accounts set posted = posted + 1 where book = 320509 and owner = (select 'V320509-' || min(voucher) from vouchers where book = 320509); update vouchers set amount = amount + 1 where book = 320509 and voucher = (select min(voucher) from vouchers where book = 320509); update grants set granted = granted + 1 where book = 320509; update vouchers set lapsed_on = null where book = 320509`,
  ],
  [
    "a program's ratio is another",
    'rows',
    `update programs set ratio = '0.6' where program = 'SH'`,
    /ratio is "0.6", .* "0.5"/,
  ],
  ['a filed order is called delivered', 'rows', `update orders set state = 'delivered' where state = 'filed'`],
  ['a recognition is dropped', 'rows', `delete from recognitions where provider = '${P1}' and jurisdiction = 320000`],
  ['a suspension is taken back', 'rows', 'update recognitions set ended = null'],
  ['a listing ends earlier', 'rows', `update integrity_entries set valid_to = '2026-03-13'`],
  [
    'a listing is added',
    'rows',
    `insert into integrity_entries (uscc, listing, valid_from, reason, listed_by, person, version)
     values ('${E1}', 1, '2026-01-01', 'x', 'x', 'x', 1)`,
    /integrity_entries .* there 存在/,
  ],
  ['a voucher may be used longer', 'rows', 'update vouchers set use_by = use_by + 1 where book = 310000'],
  ['an enterprise is of another type', 'rows', `update enterprises set types = '{micro}'`],
  ['an enterprise is deleted that did nothing', 'rows', `delete from enterprises where uscc = '${E1}'`, /missing 缺失/],
]

t.test('every tampering is found by its check', async (t) => {
  const { url } = await testCluster()
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  t.teardown(() => admin.end())
  const template = new URL(database.adminUrl).pathname.slice(1)
  for (const [deed, check, deedSql, says] of tampers) {
    const name = `tampered_${randomBytes(6).toString('hex')}`
    await admin.unsafe(`create database ${name} template ${template} strategy file_copy`)
    try {
      const target = new URL(database.adminUrl)
      target.pathname = `/${name}`
      const culprit = postgres(target.href, { max: 1, onnotice: () => {}, connection: { search_path: 'clearing' } })
      await culprit.unsafe(deedSql)
      await culprit.end()
      const found = await verifyAt(target.href)
      t.equal(found.ok ? 'nothing' : found.name, check, `${deed}: ${found.finding}`)
      t.match(found.finding ?? '', /\p{Script=Han}.*。$/su, 'in both languages')
      if (says) t.match(found.finding, says)
    } finally {
      await admin.unsafe(`drop database ${name} with (force)`)
    }
  }
})

// ── Several engines, one clock that stands ───────────────────────────────────────────────────────────────────────

t.test('a log that several engines wrote can be decided again', async (t) => {
  const shared = await testDatabase()
  const clock = new ManualClock(china('2026-03-02'))
  const engines = await Promise.all([1, 2, 3].map(() => testEngine(shared, clock)))
  t.teardown(async () => {
    await Promise.all(engines.map((engine) => engine.close()))
    await shared.drop()
  })
  const bureau = (jurisdiction: string): Actor => ({
    subject: 'Chen',
    organisation: `bureau ${jurisdiction}`,
    jurisdiction,
    roles: [],
  })
  const firm = (organisation: string): Actor => ({ subject: 'Wang', organisation, roles: [] })
  let turn = 0
  let faults = 0
  /** Another engine every time; one that stumbles over what another has just done is not asked again. */
  const ask = async (type: CommandType, command: object, actor: Actor): Promise<Outcome> => {
    // As a request comes in: read by the schema, so its fields are in the schema's order.
    const asked = type.schema.parse(JSON.parse(wire(command)))
    for (;;) {
      const n = turn++
      try {
        return await engines[n % engines.length]!.engine.run({ type, command: asked, actor, key: `k-${n}` })
      } catch (error) {
        if (!(error instanceof EngineFault)) throw error
        faults++
      }
    }
  }
  const must = async (asked: Promise<Outcome>) => {
    const outcome = await asked
    if (isRefusal(outcome)) throw new Error(outcome.refused)
    return outcome.event as Record<string, string>
  }
  const books = ['310000', '320509', '330000', '340100']
  await must(
    ask(registerProviderCommand, { uscc: P1, name: '丙', division: '330106', categories: ['testing'] }, firm(P1)),
  )
  const vouchers = await Promise.all(
    books.map(async (book, index) => {
      const program = `${book}-2026`
      const enterprise = uscc(`91${book}MA1K0001${index}`)
      const command = { ...rules, program, jurisdiction: book, payee: 'provider', invoice: 'whole' }
      const money = { annualCap: 30_000_000n, useWithinDays: 30, claimWithinDays: 10 }
      await must(ask(publishProgramCommand, { ...command, ...money }, bureau(book)))
      await must(
        ask(
          registerEnterpriseCommand,
          { uscc: enterprise, name: '甲', division: book, types: ['tech_sme'] },
          firm(enterprise),
        ),
      )
      const span = { from: '2026-01-01', to: '2026-12-31' }
      await must(
        ask(recogniseCommand, { provider: P1, jurisdiction: book, categories: ['testing'], ...span }, bureau(book)),
      )
      await must(ask(appropriateCommand, { program, amount: 10_000_000n }, bureau(book)))
      const { voucher } = await must(ask(issueCommand, { enterprise, program, amount: 5_000_000n }, bureau(book)))
      return { voucher: voucher!, enterprise }
    }),
  )
  // The same few contract numbers, taken and given back in all books at one instant; a close in the middle of it.
  let filed = 0
  const caller = async (index: number) => {
    const { voucher, enterprise } = vouchers[index % vouchers.length]!
    for (let round = 0; round < 25; round++) {
      if (index === 0 && round === 12) {
        const { engine, sql } = engines[1]!
        const asked = { command: { period: 'P', through: '2026-03-01' }, actor: bureau('000000'), key: 'close' }
        t.notOk(isRefusal(await closePeriod(engine, sql, asked)))
      }
      const outcome = await ask(
        fileOrderCommand,
        {
          voucher,
          provider: P1,
          category: 'testing',
          contractNo: `C-${(index + round) % 3}`,
          contractAmount: 1000n,
          voucherAmount: 100n,
          signedOn: '2026-03-01',
          relatedParty: false,
        },
        firm(enterprise),
      )
      if (isRefusal(outcome)) continue
      filed++
      const { order } = outcome.event as { order: string }
      if (round < 24) await must(ask(cancelOrderCommand, { order }, firm(enterprise)))
    }
  }
  let isRunning = true
  const watched: (string | undefined)[] = []
  const watch = async () => {
    while (isRunning) watched.push((await verifyAt(shared.databaseUrl)).finding)
  }
  const watching = watch()
  await Promise.all(Array.from({ length: 12 }, (_, index) => caller(index)))
  isRunning = false
  await watching
  t.ok(filed > 50, `${filed} orders filed, ${faults} faults`)
  t.ok(watched.length > 1, `looked at ${watched.length} times while the engines ran`)
  t.same([...new Set(watched)], [undefined])

  clock.set(china('2026-05-02'))
  const sweeper = await testEngine(shared, clock)
  t.match(await sweep(sweeper.engine, sweeper.sql, clock), { orders: Number, vouchers: 4 })
  await sweeper.close()
  const again = await ask(closePeriodCommand, { period: 'P', through: '2026-05-01' }, bureau('000000'))
  t.ok(isRefusal(again))
  const { ok, finding } = await verifyAt(shared.databaseUrl)
  t.equal(finding, undefined)
  t.ok(ok)
})

// ── The script ───────────────────────────────────────────────────────────────────────────────────────────────────

t.test('npm run ledger:verify', async (t) => {
  const fine = await runScript('verify-ledger', [], { DATABASE_URL: database.databaseUrl })
  t.equal(fine.code, 0, fine.err)
  t.same(
    fine.out
      .split('\n')
      .filter((line) => line.startsWith('ok '))
      .map((line) => line.split(/\s+/)[1]),
    checkNames,
  )
  t.match(fine.out, /4 books 账套, \d+ commands 指令, \d+ entries 凭证, \d+ transfers 分录; [\d.]+ s\n$/)

  const admin = postgres(database.adminUrl, { max: 1, connection: { search_path: 'clearing' } })
  await admin`update accounts set posted = posted + 1 where book = 310000 and kind = 3`
  const off = await runScript('verify-ledger', [], { DATABASE_URL: database.databaseUrl })
  await admin`update accounts set posted = posted - 1 where book = 310000 and kind = 3`
  await admin.end()
  t.equal(off.code, 1)
  t.match(off.out, /NOT OK +balances .*\n +book 账套 310000, account 账户 2 pool:SH: posted/)

  const empty = new URL(database.adminUrl)
  empty.pathname = '/postgres'
  const foreign = await runScript('verify-ledger', [], { DATABASE_URL: empty.href })
  t.equal(foreign.code, 1)
  t.match(foreign.err, /does not have this version's tables/)

  const none = await runScript('verify-ledger', [], { DATA_DIR: '/nonexistent/ledger' })
  t.equal(none.code, 1)
  t.match(none.err, /There is no ledger in \/nonexistent\/ledger/)
})
