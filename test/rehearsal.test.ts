import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { businessRefusals } from '../src/core/refusals.js'
import { usccCheckCharacter } from '../src/core/uscc.js'
import { LineError } from '../src/rehearsal/lines.js'
import { Player } from '../src/rehearsal/player.js'
import { testCluster } from './support/cluster.js'
import { makeRehearsal } from './support/make-rehearsal.js'
import { type Deed, type Line, Model, modelReport } from './support/rehearsal-model.js'
import { testService } from './support/service.js'

const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Line)

const SEEDS = [125, 292, 35]
const STEPS = 600

t.test('nasty files', async (t) => {
  const files = SEEDS.map((seed) => ({ seed, lines: makeRehearsal({ seed, steps: STEPS }) }))

  t.test('reach every kind of step and every refusal of the rules', async (t) => {
    const deeds = new Set<string>()
    const codes = new Set<string>()
    for (const { lines } of files) {
      const model = new Model()
      for (const line of parsed(lines)) {
        const code = model.play(line)
        if (code === undefined) deeds.add(line.do)
        else codes.add(code)
      }
    }
    t.equal(deeds.size, 20)
    // Rules that are off unless a program sets them, which the files do not.
    const off = new Set(['first_grant_limit_exceeded', 'evidence_missing', 'notice_running'])
    t.same(
      [...codes].sort(),
      Object.keys(businessRefusals)
        .filter((code) => !off.has(code))
        .sort(),
    )
  })

  t.test(
    'are the same for the same seed, and the same to the model whether it looks at time seldom or often',
    async (t) => {
      for (const { seed, lines } of files) {
        t.same(makeRehearsal({ seed, steps: STEPS }), lines)
        t.strictSame(modelReport(parsed(lines), { quick: true }), modelReport(parsed(lines)))
      }
    },
  )

  for (const { seed, lines } of files) {
    for (const sweepsDaily of [true, false]) {
      const when = sweepsDaily ? 'swept every day' : 'deadlines left to the commands'
      t.test(`the service reports what the model reports: seed ${seed}, ${when}`, async (t) => {
        const { base, clock, close } = await testService()
        t.teardown(close)
        const player = new Player({ base, clock, sweepsDaily })
        t.teardown(() => player.close())
        for (const line of lines) await player.play(line)
        t.strictSame(await player.report(), modelReport(parsed(lines)))
      })
    }
  }
})

// ——— a small story, and what cannot follow it

const MORNING = '2026-03-02T09:00:00+08:00'
const code = (first17: string) => first17 + usccCheckCharacter(first17)
const FIRM = code('91310115DEM0F1RM0')
const LAB = code('12320509DEM0LAB00')
const NOBODY = code('91340100N0B0DY000')

const program = {
  do: 'publish_program',
  program: 'SH-2026',
  jurisdiction: '310000',
  ratio: '0.333333',
  annualCap: '300000.00',
  orderCap: null,
  payee: 'provider',
  invoice: 'whole',
  crossRegion: true,
  applyFrom: '2026-01-01',
  applyTo: '2026-12-31',
  useWithinDays: 120,
  claimWithinDays: 60,
  categories: ['testing', 'rnd'],
  enterpriseTypes: ['tech_sme'],
} as const
const issue = { do: 'issue', voucher: 'v1', enterprise: FIRM, program: 'SH-2026', amount: '10000.00' } as const
const file = {
  do: 'file_order',
  order: 'o1',
  voucher: 'v1',
  provider: LAB,
  category: 'testing',
  contractNo: 'HT-1',
  contractAmount: '9000.00',
  voucherAmount: '2000.00',
  signedOn: '2026-03-01',
  relatedParty: false,
} as const
const firm = {
  do: 'register_enterprise',
  uscc: FIRM,
  name: '演示企业',
  division: '310115',
  types: ['tech_sme'],
} as const
const lab = {
  do: 'register_provider',
  uscc: LAB,
  name: '演示机构',
  division: '320509',
  categories: ['testing'],
} as const
const recognise = {
  do: 'recognise',
  provider: LAB,
  jurisdiction: '310000',
  categories: ['testing'],
  from: '2026-01-01',
  to: '2026-12-31',
} as const

const story = [
  program,
  { do: 'appropriate', program: 'SH-2026', amount: '500000.00' },
  firm,
  lab,
  recognise,
  issue,
  { ...issue, voucher: 'refused', amount: '900000.00' },
  file,
  { ...file, order: 'refused' },
  { do: 'list_integrity', uscc: LAB, from: '2027-01-01', to: null, reason: '演示' },
].map((deed, place) => ({ id: `s${place + 1}`, at: MORNING, ...(deed as unknown as Deed) }))

const order = 'o9'
const by = 'officer-1'
const without = (deed: object, field: string) =>
  Object.fromEntries(Object.entries(deed).filter(([name]) => name !== field))
const appropriate = { do: 'appropriate', program: 'SH-2026', amount: '1.00' }

/** What the line says, the field that is named, and the line itself (an object gets its `id` and `at`). */
const invalid: [what: string, field: string, line: object | string][] = [
  ['JSON cut short', '(line)', '{"id": "x", '],
  ['no line', '(line)', ''],
  ['a list', '(line)', '[]'],
  ['null', '(line)', 'null'],
  ['a text', '(line)', '"appropriate"'],
  ['two objects', '(line)', '{} {}'],
  ['an unknown do', 'do', { ...appropriate, do: 'print_money' }],
  ['a do that every object has', 'do', { ...appropriate, do: 'constructor' }],
  ['a do that is no text', 'do', { ...appropriate, do: 1 }],
  ['no do', 'do', without(appropriate, 'do')],
  ['no id', 'id', { ...appropriate, id: undefined }],
  ['an id that is a number', 'id', { ...appropriate, id: 7 }],
  ['no time', 'at', { ...appropriate, at: undefined }],
  ['no amount', 'amount', without(appropriate, 'amount')],
  ['no order cap, not even null', 'orderCap', without({ ...program, program: 'X' }, 'orderCap')],
  ['null where it is not optional', 'amount', { ...appropriate, amount: null }],
  ['a field that is not in the table', 'note', { ...appropriate, note: '' }],
  ['a field of another step', 'amount', { do: 'cancel_order', order: 'o1', amount: '1.00' }],
  ['an amount that is a number', 'amount', { ...appropriate, amount: 100 }],
  ['an amount with three decimals', 'amount', { ...appropriate, amount: '1.000' }],
  ['an amount with one decimal', 'amount', { ...appropriate, amount: '1.5' }],
  ['an amount without decimals', 'amount', { ...appropriate, amount: '100' }],
  ['an amount with an exponent', 'amount', { ...appropriate, amount: '1e3' }],
  ['an amount below zero', 'amount', { ...appropriate, amount: '-1.00' }],
  ['an amount of zero', 'amount', { ...appropriate, amount: '0.00' }],
  ['an amount with separators', 'amount', { ...appropriate, amount: '1,000.00' }],
  ['an amount with a blank', 'amount', { ...appropriate, amount: '1.00 ' }],
  ['an optional amount of zero', 'amount', { do: 'approve_claim', order: 'o1', by, amount: '0.00' }],
  ['a score that is a text', 'score', { do: 'confirm', order: 'o1', score: '90' }],
  ['a boolean as a text', 'relatedParty', { ...file, order, relatedParty: 'false' }],
  ['days with a fraction', 'useWithinDays', { ...program, program: 'X', useWithinDays: 1.5 }],
  ['days below zero', 'claimWithinDays', { ...program, program: 'X', claimWithinDays: -1 }],
  ['a ratio that is a number', 'ratio', { ...program, program: 'X', ratio: 0.5 }],
  ['a ratio of zero', 'ratio', { ...program, program: 'X', ratio: '0' }],
  ['an unknown payee', 'payee', { ...program, program: 'X', payee: 'bank' }],
  ['an unknown invoice rule', 'invoice', { ...program, program: 'X', invoice: 'half' }],
  ['an unknown enterprise type', 'types/0', { ...firm, uscc: NOBODY, types: ['giant'] }],
  ['an unknown category in a list', 'categories/1', { ...recognise, categories: ['testing', 'cooking'] }],
  ['an unknown category', 'category', { ...file, order, category: 'cooking' }],
  ['categories that are no list', 'categories', { ...recognise, categories: 'testing' }],
  [
    'an invoice number of 19 digits',
    'invoiceNo',
    { do: 'submit_claim', order: 'o1', invoiceNo: '1'.repeat(19), invoiceAmount: '1.00' },
  ],
  [
    'an invoice number with a letter',
    'invoiceNo',
    { do: 'submit_claim', order: 'o1', invoiceNo: `${'1'.repeat(19)}O`, invoiceAmount: '1.00' },
  ],
  ['time running backwards', 'at', { ...appropriate, at: '2026-03-02T08:59:59+08:00' }],
  ['a day before', 'at', { ...appropriate, at: '2026-03-01T23:00:00+08:00' }],
  ['a time in UTC', 'at', { ...appropriate, at: '2026-03-02T09:00:00Z' }],
  ['a time of another zone', 'at', { ...appropriate, at: '2026-03-02T10:00:00+09:00' }],
  ['a time without zone', 'at', { ...appropriate, at: '2026-03-02T10:00:00' }],
  ['a time that is only a day', 'at', { ...appropriate, at: '2026-03-02' }],
  ['a time that is a number', 'at', { ...appropriate, at: 1_772_413_200_000 }],
  ['a time of an impossible day', 'at', { ...appropriate, at: '2027-02-29T09:00:00+08:00' }],
  ['a time of an impossible hour', 'at', { ...appropriate, at: '2026-03-02T24:00:00+08:00' }],
  ['an impossible day', 'to', { ...recognise, to: '2026-02-29' }],
  ['a day written otherwise', 'through', { do: 'close_period', period: 'Q', through: '2026/02/28' }],
  ['a step id used before', 'id', { ...appropriate, id: 's2' }],
  ['the step id of a refused step', 'id', { ...appropriate, id: 's7' }],
  ['an unknown program to appropriate to', 'program', { ...appropriate, program: 'sh-2026' }],
  ['an unknown program to issue from', 'program', { ...issue, voucher: 'v9', program: 'SH-2027' }],
  ['an unknown enterprise', 'enterprise', { ...issue, voucher: 'v9', enterprise: NOBODY }],
  ['a provider where an enterprise is meant', 'enterprise', { ...issue, voucher: 'v9', enterprise: LAB }],
  ['an unknown provider', 'provider', { ...file, order, provider: NOBODY }],
  ['an enterprise where a provider is meant', 'provider', { ...file, order, provider: FIRM }],
  ['an unknown provider to recognise', 'provider', { ...recognise, provider: NOBODY }],
  [
    'an unknown provider to suspend',
    'provider',
    { do: 'suspend_recognition', provider: NOBODY, jurisdiction: '310000' },
  ],
  ['an unknown party to list', 'uscc', { do: 'list_integrity', uscc: NOBODY, from: '2026-01-01', reason: '演示' }],
  ['an unknown voucher', 'voucher', { ...file, order, voucher: 'v9' }],
  ['the voucher of a refused step', 'voucher', { ...file, order, voucher: 'refused' }],
  ['the order of a refused step', 'order', { do: 'deliver', order: 'refused' }],
  ['a voucher where an order is meant', 'order', { do: 'deliver', order: 'v1' }],
  ...[
    { do: 'deliver' },
    { do: 'confirm', score: 90 },
    { do: 'cancel_order' },
    { do: 'submit_claim', invoiceNo: '1'.repeat(20), invoiceAmount: '9000.00' },
    { do: 'return_claim', by, reason: '演示' },
    { do: 'verify_claim', by },
    { do: 'approve_claim', by },
    { do: 'reject_claim', by, reason: '演示' },
    { do: 'claw_back', amount: '1.00', by, reason: '演示' },
  ].map((deed): [string, string, object] => [`an unknown order to ${deed.do}`, 'order', { ...deed, order }]),
  ['a program that exists', 'program', program],
  ['an enterprise that is registered', 'uscc', firm],
  ['a provider that is registered', 'uscc', lab],
  ['a voucher that exists', 'voucher', issue],
  ['an order that exists', 'order', { ...file, contractNo: 'HT-2' }],
  [
    'a code whose check character is wrong',
    'uscc',
    { ...firm, uscc: NOBODY.slice(0, 17) + (NOBODY.endsWith('0') ? '1' : '0') },
  ],
  ['a code in small letters', 'uscc', { ...firm, uscc: NOBODY.toLowerCase() }],
  ['an unknown division', 'division', { ...firm, uscc: NOBODY, division: '319999' }],
  ['an unknown jurisdiction', 'jurisdiction', { ...recognise, jurisdiction: '319999' }],
]

t.test('a line that is not valid stops with its number, the field and what was expected', async (t) => {
  const { base, clock, close } = await testService()
  t.teardown(close)
  const player = new Player({ base, clock })
  t.teardown(() => player.close())
  for (const line of story) await player.play(JSON.stringify(line))
  t.equal(player.steps, story.length)
  let number = story.length
  for (const [what, field, line] of invalid) {
    number++
    const text = typeof line === 'string' ? line : JSON.stringify({ id: `line ${number}`, at: MORNING, ...line })
    const error = await player.play(text).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!t.ok(error instanceof LineError, what, { found: error })) continue
    const { message } = error as LineError
    t.ok(message.startsWith(`line ${number}: ${field}: `), `${what}: ${message}`)
    t.ok(message.length > `line ${number}: ${field}: `.length + 8, `${what}: says what was expected`)
  }
  const model = modelReport(story as Line[])
  t.same(model.refusals, { s7: 'annual_cap_exceeded', s9: 'contract_duplicate' })
  t.strictSame(await player.report(), model, 'and none of them left a trace')
})

t.test('npm run rehearse', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rehearse-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const fileOf = (name: string, lines: readonly object[]) => {
    const path = join(folder, name)
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    return path
  }
  const { url } = await testCluster()
  const rehearse = (database: string, ...args: string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const env = { ...process.env, DATABASE_URL: database }
      const command = ['--import', 'tsx', 'scripts/rehearse.ts', ...args]
      execFile(process.execPath, command, { env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      })
    })
  const good = fileOf('good.ndjson', story)
  const report = modelReport(story as Line[])

  t.test('without a server and a database of ours prints the report and exits 0, refusals or not', async (t) => {
    const { code, stdout } = await rehearse('', good)
    t.equal(code, 0)
    t.strictSame(JSON.parse(stdout), report)
  })

  t.test('on a given server writes the report where --out says', async (t) => {
    const out = join(folder, 'report.json')
    const { code, stdout } = await rehearse(url, good, '--out', out)
    t.equal(code, 0)
    t.equal(stdout, '')
    t.strictSame(JSON.parse(readFileSync(out, 'utf8')), report)
  })

  t.test('exits 2 at a line that is not valid, names it on stderr and prints no report', async (t) => {
    const bad = { ...story[1], id: 'bad', amount: '1.000' }
    const { code, stdout, stderr } = await rehearse(url, fileOf('bad.ndjson', [...story, bad, ...story]))
    t.equal(code, 2)
    t.equal(stdout, '')
    t.match(stderr, /line 11: amount: .*two decimals/)
  })
})

t.test('the demonstration in db/seeds', async (t) => {
  const text = readFileSync(new URL('../db/seeds/half-year.ndjson', import.meta.url), 'utf8')
  const lines = parsed(text.trimEnd().split('\n'))
  const { refusals, provinces, settlements } = modelReport(lines)

  t.test('mostly succeeds, and shows money on all borders', async (t) => {
    t.ok(Object.keys(refusals).length < lines.length / 20)
    const gross = new Set<string>()
    for (const settlement of Object.values(settlements)) {
      for (const [from, row] of Object.entries(settlement.gross))
        for (const to of Object.keys(row)) gross.add(from + to)
    }
    t.equal(gross.size, 16)
    for (const figures of Object.values(provinces)) t.notOk(Object.values(figures).includes('0.00'))
  })

  t.test('has one period paid and one closed and unpaid', async (t) => {
    t.same(
      Object.values(settlements).map(({ paid }) => paid),
      [true, false],
    )
  })
})
