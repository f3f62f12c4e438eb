import { createHash, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { is } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import postgres from 'postgres'
import t from 'tap'
import * as schema from '../db/schema.js'
import { buildApp, openApiText } from '../src/app.js'
import { commandTypes } from '../src/commands.js'
import { fieldFaults } from '../src/core/faults.js'
import { type RefusalCode, refusals } from '../src/core/refusals.js'
import { fingerprint, keyId } from '../src/engine/idempotency.js'
import { accountKinds, transferTypes } from '../src/ledger/chart.js'
import { builtInIssuer } from '../src/platform/auth.js'
import { migrate } from '../src/platform/database.js'
import { type Operation, permissions } from '../src/platform/permissions.js'
import { refusalsOf } from '../src/refusals.js'
import { grantRefusals } from '../src/vouchers/contract.js'
import { testDatabase } from './support/service.js'

/** The rules of the house, as tests: what a reviewer would otherwise have to remember. */
const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => normalize(`src/${name}`))
  .sort()

/** Source without comments and the insides of plain strings, for rules about code. */
const codeOf = (path: string) => read(path).replaceAll(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm, '')

// Everything that is waited for comes first: tap takes a pause between tests for the end.
const { signingKey: _, ...checking } = builtInIssuer('house', 'house')
const app = await buildApp({} as never, {} as never, { auth: checking })
t.teardown(() => app.close())

const document = JSON.parse(await openApiText()) as {
  openapi: string
  paths: Record<string, Record<string, Described>>
  components: { schemas: Record<string, object>; responses: Record<string, object> }
}
const database = await testDatabase()
const admin = postgres(database.adminUrl, { max: 1, onnotice: () => {}, connection: { search_path: 'clearing' } })
t.teardown(async () => {
  await admin.end()
  await database.drop()
})

// --- imports

/** Lower may not import higher. A folder, or a file of src itself; every folder not named here is a noun. */
const layers: Readonly<Record<string, number>> = {
  core: 0,
  platform: 1,
  ledger: 2,
  engine: 3,
  'commands.ts': 5,
  'refusals.ts': 5,
  'config.ts': 5,
  simulation: 5,
  quotes: 5,
  'voucher-files': 5,
  statements: 5,
  statistics: 5,
  audit: 6,
  backup: 6,
  pulls: 6,
  overview: 7,
  'app.ts': 8,
  'storage.ts': 8,
  'service.ts': 9,
  rehearsal: 10,
}
const NOUN = 4
/** Any other file of src itself: what a process is put together of. */
const START = 11
/** What one noun may import of another. */
const shared = ['facts', 'rules', 'contract']
/** Deadlines are part of every command: a command first lapses what it touches. */
const sharedBesides = [
  'src/deadlines/commands.ts',
  'src/deadlines/owed.ts',
  // Payment files have whole account numbers, and nothing else has.
  'src/bank-accounts/numbers.ts',
  'src/bank-accounts/seal.ts',
]

const placeOf = (path: string) => relative('src', path).split('/')[0]!
const layerOf = (path: string) => layers[placeOf(path)] ?? (placeOf(path).endsWith('.ts') ? START : NOUN)
function importsOf(path: string): string[] {
  return [...read(path).matchAll(/^(?:import|export)\b[^'"]*?(?:from\s+)?'(\.[^']+)'/gm)].map(([, target]) =>
    normalize(join(dirname(path), target!)).replace(/\.js$/, '.ts'),
  )
}

t.test('imports point one way', async (t) => {
  const wrong: string[] = []
  for (const path of sources) {
    for (const target of importsOf(path)) {
      const edge = `${path} imports ${target}`
      const role = target.replace(/^.*\/|\.ts$/g, '')
      if (!target.startsWith('src/')) {
        if (!/^(db|openapi)\//.test(target)) wrong.push(edge)
        continue
      }
      if (role === 'routes' && path !== 'src/app.ts') wrong.push(`${edge}: only app.ts composes routes`)
      if (placeOf(path) === placeOf(target)) continue
      const [from, to] = [layerOf(path), layerOf(target)]
      if (to > from) wrong.push(`${edge}: against the direction core ← platform ← ledger ← engine ← nouns ← app`)
      else if (from === NOUN && to === NOUN && !shared.includes(role) && !sharedBesides.includes(target)) {
        wrong.push(`${edge}: of another noun only ${shared.join(', ')}`)
      }
    }
  }
  t.same(wrong, [])
})

t.test('no file imports itself round a corner', async (t) => {
  const done = new Set<string>()
  const rings: string[] = []
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) {
      rings.push([...trail.slice(trail.indexOf(path)), path].join(' → '))
      return
    }
    if (done.has(path)) return
    const valueImports = [...read(path).matchAll(/^import\s+(?!type\b)[^'"]*?'(\.[^']+)'/gm)]
      .map(([, target]) => normalize(join(dirname(path), target!)).replace(/\.js$/, '.ts'))
      .filter((target) => sources.includes(target))
    for (const target of valueImports) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of sources) visit(path, [])
  t.same(rings, [])
})

// --- bans

interface Ban {
  readonly what: RegExp
  /** Where it is banned; everywhere in src when absent. */
  readonly where?: RegExp
  readonly except?: RegExp
  readonly instead: string
}
const decisions = /^src\/(?:[^/]+\/(?:commands|rules|facts)|ledger\/[^/]+)\.ts$/
const bans: readonly Ban[] = [
  {
    what: /\b\w*(?:sql|client|reader|db|admin|postgres)\.(?:begin|savepoint)\(|\.transaction\(/i,
    instead: 'one statement (a data-modifying CTE or a function): the driver loses transactions with their connection',
  },
  {
    what: /\bDate\.now\(|\bnew Date\(|\bMath\.random\b|\bperformance\.now\(|\brandomUUID\b|\brandomBytes\b/,
    where: decisions,
    instead: 'what the context of decide carries: at, day, seq',
  },
  { what: /\bnew Date\(/, except: /^src\/core\/time\.ts$/, instead: 'core/time: chinaTime, dayOf, addDays' },
  { what: /\bas any\b|:\s*any\b|<any>/, except: /rehearsal\/client\.ts$/, instead: 'unknown, and a zod contract' },
  { what: /@ts-(?:ignore|expect-error|nocheck)/, instead: 'a type that says what is meant' },
  {
    what: /\bparseFloat\(|\bparseInt\(|\bNumber\.parse/,
    instead: 'parseYuan for money, the count of wire.ts for numbers in a query',
  },
  {
    what: /(?:\bNumber\(|[\s(]\+)(?:\w+[.!?]*)*(?:amount|posted|held|available|payable|owed|fen|yuan|money)\w*\b/i,
    except: /^src\/core\/money\.ts$/,
    instead: 'bigint fen inside, yuan() at the border',
  },
  { what: /\.toFixed\(/, except: /^src\/core\/money\.ts$/, instead: 'yuan()' },
  {
    what: /process\.env\b/,
    except: /^src\/(?:main|config|platform\/embedded-postgres)\.ts$/,
    instead: 'readConfig, once, in main.ts',
  },
  { what: /\bconsole\./, except: /^src\/(?:main|demonstration)\.ts$/, instead: 'the logger' },
  {
    what: /from 'drizzle-orm/,
    except: /^src\/(?:platform\/database|[^/]+\/(?:routes|queries))\.ts$/,
    instead: 'drizzle for what is ordinary and read; the money path is SQL by hand',
  },
  { what: /\bTODO\b|\bFIXME\b|\bXXX\b/, instead: 'an issue' },
]

t.test('what is not done here, and what is done instead', async (t) => {
  const found: string[] = []
  for (const path of sources) {
    const code = codeOf(path)
    for (const { what, where, except, instead } of bans) {
      if ((where && !where.test(path)) || except?.test(path)) continue
      const hit = what.exec(code)
      if (hit) found.push(`${path}: ${hit[0].trim()} — instead: ${instead}`)
    }
  }
  t.same(found, [])
})

// --- refusals, permissions, document

interface Described {
  readonly operationId: string
  readonly security?: object[]
  readonly parameters?: { name: string; in: string; required?: boolean }[]
  readonly responses: Record<string, object>
}
/** A POST that is no command: it changes nothing that is not due, and needs no key. */
const asksOnly = new Set(['sweep', 'simulateProgram', 'quoteContract', 'uploadDocument', 'pingWebhook'])
const described = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
)

t.test('every refusal is said in both languages and documented', async (t) => {
  const page = (await app.inject('/docs/refusals')).body
  /** Answered outside of any operation, or by none of them. */
  const nowhere: string[] = ['route_not_found']
  const listed = new Set<string>(Object.values(refusalsOf).flat())
  for (const [code, { status, zh, en }] of Object.entries(refusals)) {
    t.match(code, /^[a-z]+(?:_[a-z]+)*$/)
    t.match(zh, /\p{Script=Han}/u, `${code} in Chinese`)
    t.match(en, /^[A-Z][^\p{Script=Han}]+$/u, `${code} in English`)
    t.ok(status >= 400 && status < 600, `${code} ${status}`)
    t.ok(page.includes(`<tr id="${code}">`), `${code} is on the page of refusals`)
    t.equal(listed.has(code), !nowhere.includes(code), `${code} is listed by an operation`)
  }
  const all = sources.map(codeOf).join('\n')
  for (const [code, { zh, en }] of Object.entries(fieldFaults)) {
    t.match(zh, /\p{Script=Han}/u, `${code} in Chinese`)
    t.match(en, /^[A-Z][^\p{Script=Han}]+$/u, `${code} in English`)
    t.ok(all.split(`'${code}'`).length > 1, `${code} is used`)
  }
})

t.test('every permission has a route, every route a permission', async (t) => {
  t.same(described.map(({ operationId }) => operationId).sort(), Object.keys(permissions).sort())
  t.same(Object.keys(refusalsOf).sort(), Object.keys(permissions).sort(), 'and a list of refusals')
  const written = sources.filter((p) => p.endsWith('routes.ts')).map(codeOf)
  const declared = written.flatMap((code) => [...code.matchAll(/operation: '(\w+)'/g)].map(([, name]) => name))
  t.same(declared.sort(), Object.keys(permissions).sort(), 'declared in routes.ts')
})

t.test('a command refuses what its operation lists, and nothing else', async (t) => {
  const commandOf = new Map<string, string>()
  for (const path of sources.filter((p) => p.endsWith('routes.ts'))) {
    for (const [block] of codeOf(path).matchAll(/(?:commandRoute|proposeRoute)\([\s\S]*?\n {2}\}\)/g)) {
      commandOf.set(/type: (\w+)/.exec(block)![1]!, /operation: '(\w+)'/.exec(block)![1]!)
    }
  }
  const bulk = new Map<string, string>()
  for (const path of sources.filter((p) => p.endsWith('routes.ts'))) {
    for (const [block] of codeOf(path).matchAll(/bulkRoute\([\s\S]*?\n {2}\}\)/g)) {
      bulk.set(/operation: '(\w+)'/.exec(block)![1]!, commandOf.get(/type: (\w+)/.exec(block)![1]!)!)
    }
  }
  t.equal(
    commandOf.size + bulk.size,
    described.filter(
      ({ method, operationId }) =>
        method === 'post' &&
        !asksOnly.has(operationId) &&
        !['approveProposal', 'grantApplication', 'uploadVoucherFile', 'uploadStatement'].includes(operationId),
    ).length,
  )
  for (const [operation, single] of bulk) {
    const { responses } = described.find(({ operationId }) => operationId === operation)!
    const row = JSON.stringify(responses['200'])
    const ofRow = Object.keys(refusals).filter((code) => row.includes(`"${code}"`))
    t.same(
      [...new Set([...ofRow, ...refusalsOf[operation as Operation]])].sort(),
      // A row says its version itself, where a single request has a header for it.
      refusalsOf[single as Operation].filter((code) => code !== 'version_missing').sort(),
      `${operation}: what ${single} is refused with, the whole or a row is`,
    )
  }
  /** Helpers that refuse, and what. */
  const helpers: Readonly<Record<string, RefusalCode>> = {
    'publishedOf(': 'program_not_found',
    'pooled(': 'program_not_found',
    'programOn(': 'program_not_found',
    'programOf(': 'program_not_found',
    'draftOf(': 'draft_not_found',
    'enterpriseOf(': 'enterprise_not_found',
    'providerOf(': 'provider_not_found',
    'qualificationOf(': 'qualification_not_found',
    'partyOf(': 'party_not_found',
    'accountsFor(': 'party_not_found',
    'listingOf(': 'listing_not_found',
    'appealOf(': 'appeal_not_found',
    'objectionOf(': 'objection_not_found',
    'recognitionApplicationOf(': 'recognition_application_not_found',
    'voucherOf(': 'voucher_not_found',
    'voucherBy(': 'voucher_not_found',
    'unusedOf(': 'voucher_not_found',
    'applicationOf(': 'application_not_found',
    'orderOf(': 'order_not_found',
    'byItself(': 'order_not_found',
    'heldBy(': 'order_not_found',
    'exceptionOf(': 'exception_not_found',
    'proposalOf(': 'proposal_not_found',
    'batchOf(': 'batch_not_found',
    'ofJurisdiction(': 'not_your_jurisdiction',
    'overDivision(': 'not_your_jurisdiction',
    'ofOwner(': 'not_your_jurisdiction',
    'ofOrganisation(': 'not_your_organisation',
  }
  const grantNames = ['program_not_found', 'enterprise_not_found']
  /** What a voucher or an order names is there: it was looked at when it was issued or filed. */
  const implied: Readonly<Record<string, readonly RefusalCode[]>> = {
    fileOrder: ['program_not_found', 'enterprise_not_found'],
    supplementOrder: ['program_not_found', 'enterprise_not_found', 'provider_not_found'],
    submitClaim: ['program_not_found'],
    extendVoucher: ['program_not_found'],
    redFlushInvoice: ['program_not_found', 'enterprise_not_found', 'provider_not_found'],
    completeApplication: ['program_not_found', 'enterprise_not_found'],
  }
  /** What is refused before the command is asked. */
  const prepared: Readonly<Record<string, readonly RefusalCode[]>> = { confirmPayments: ['payments_open'] }
  const own = new Set<RefusalCode>([
    ...Object.values(helpers),
    ...(Object.keys(refusals).filter((code) => {
      const { status } = refusals[code as RefusalCode]
      return status === 409 || status === 412
    }) as RefusalCode[]),
  ])
  for (const path of sources.filter((p) => /\/(?:commands|proposal)\.ts$/.test(p))) {
    for (const [, name, maker, body] of codeOf(path).matchAll(
      /export const (\w+) = (command|byTwo)\(\{([\s\S]*?)\n\}\)/g,
    )) {
      const operation = commandOf.get(name!)
      if (!operation) continue
      const codes = new Set<string>([...body!.matchAll(/refuse\('(\w+)'/g)].map(([, code]) => code!))
      for (const [helper, code] of Object.entries(helpers)) if (body!.includes(helper)) codes.add(code)
      if (body!.includes('refusalToGrant(')) for (const code of grantRefusals) codes.add(code)
      if (body!.includes('grantableOf(')) for (const code of grantNames) codes.add(code)
      for (const code of prepared[operation] ?? []) codes.add(code)
      // Who proposes, proposes for a bureau.
      if (maker === 'byTwo') codes.add('not_your_jurisdiction')
      for (const code of implied[operation] ?? []) codes.delete(code)
      const listed = refusalsOf[operation as Operation].filter((code) => own.has(code))
      t.same([...codes].sort(), [...listed].sort(), operation)
      commandOf.delete(name!)
    }
  }
  t.same([...commandOf.keys()], [], 'every command was found')
})

interface ValidatorModule {
  readonly Validator?: new () => { validate(document: object): Promise<{ valid: boolean; errors?: unknown }> }
}
/** A development dependency that may be left out. */
async function validator(): Promise<ValidatorModule> {
  const name = '@seriousme/openapi-schema-validator'
  return import(name).catch(() => ({}))
}

t.test('the OpenAPI document', async (t) => {
  t.equal(await openApiText(), read('openapi/openapi.json'), 'is the committed one: else run npm run openapi')
  t.equal(document.openapi, '3.1.0')
  const { Validator } = await validator()
  if (Validator) t.match(await new Validator().validate(structuredClone(document)), { valid: true, errors: undefined })
  else t.comment('the validator is not installed')
  const text = JSON.stringify(document)
  for (const [, section, name] of text.matchAll(/"#\/components\/(\w+)\/([\w.-]+)"/g)) {
    const known = (document.components as Record<string, Record<string, object>>)[section!]?.[name!]
    if (!known) t.fail(`nothing is called ${section}/${name}`)
  }
  for (const name of Object.keys(document.components.schemas)) {
    t.ok(text.includes(`"#/components/schemas/${name}"`), `${name} is used`)
    t.notOk(name.endsWith('Input'), `${name} is not there twice`)
  }
  t.notOk('/tokens' in document.paths, 'without the issuer of a developer’s machine')
  t.equal(new Set(described.map(({ operationId }) => operationId)).size, described.length)
  for (const { operationId, method, security, parameters = [], responses } of described) {
    t.same(security, [{ token: [] }], operationId)
    const key = parameters.find(({ name }) => name === 'Idempotency-Key')
    if (method === 'post' && !asksOnly.has(operationId)) t.match(key, { in: 'header', required: true }, operationId)
    t.match(responses.default, { content: { 'application/problem+json': {} } }, operationId)
    const said = JSON.stringify(
      Object.values(responses).map((response) => {
        const { $ref } = response as { $ref?: string }
        return $ref ? document.components.responses[$ref.replace(/^.*\//, '')] : response
      }),
    )
    for (const code of refusalsOf[operationId as Operation])
      t.ok(said.includes(`\`${code}\``), `${operationId} ${code}`)
  }
})

// --- database

t.test('the typed schema is the database', async (t) => {
  const tables = Object.values(schema).filter((value) => is(value, PgTable))
  const typed = tables.map((table) => {
    const { name, columns, primaryKeys, indexes, uniqueConstraints } = getTableConfig(table)
    const key = primaryKeys.flatMap((k) => k.columns.map((c) => c.name))
    const alone = columns.filter((c) => c.primary).map((c) => c.name)
    const uniques = [
      ...uniqueConstraints.map((u) => u.columns.map((c) => c.name)),
      ...columns.filter((c) => c.isUnique).map((c) => [c.name]),
    ]
    return {
      name,
      columns: columns
        .map((c) => `${c.name} ${c.getSQLType().replace(' (', '(')} ${c.notNull ? 'not null' : 'null'}`)
        .sort(),
      key: key.length > 0 ? key : alone,
      uniques: uniques.map(String).sort(),
      indexes: indexes
        .map(({ config }) => {
          // An expression has no name.
          const on = config.columns.flatMap((c) => (c as { name?: string }).name ?? [])
          return `${config.unique ? 'unique ' : ''}${config.name} (${on})${config.where ? ' partial' : ''}`
        })
        .sort(),
    }
  })
  const columns = await admin`
    select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relnamespace = 'clearing'::regnamespace and c.relkind in ('r', 'p') order by c.relname, a.attname`
  const indexes = await admin`
    select c.relname as table, i.relname as name, x.indisprimary as primary, x.indisunique as unique,
           x.indpred is not null as partial, k.oid is not null as declared,
           (select coalesce(array_agg(a.attname::text order by n), '{}') from unnest(x.indkey::int[]) with ordinality as u (attnum, n)
            join pg_attribute a on a.attrelid = c.oid and a.attnum = u.attnum) as columns
    from pg_index x join pg_class c on c.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
    left join pg_constraint k on k.conindid = i.oid and k.contype in ('u', 'p')
    where c.relnamespace = 'clearing'::regnamespace`
  const real = [...new Set(columns.map((c) => c.table as string))].map((table) => {
    const of = indexes.filter((i) => i.table === table)
    return {
      name: table,
      columns: columns
        .filter((c) => c.table === table)
        .map((c) => `${c.name} ${c.type} ${c.required ? 'not null' : 'null'}`)
        .sort(),
      key: of.find((i) => i.primary)?.columns ?? [],
      uniques: of
        .filter((i) => i.declared && !i.primary)
        .map((i) => String(i.columns))
        .sort(),
      indexes: of
        .filter((i) => !i.declared)
        .map((i) => `${i.unique ? 'unique ' : ''}${i.name} (${i.columns})${i.partial ? ' partial' : ''}`)
        .sort(),
    }
  })
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1)
  t.same(typed.sort(byName), real.sort(byName))
})

t.test('the chart is the database’s', async (t) => {
  const kinds = await admin`select kind as no, name, normal, floor from account_kinds order by kind`
  t.same(
    [...kinds],
    Object.entries(accountKinds).map(([name, { no, normal, floor }]) => ({ no, name, normal, floor })),
  )
  const transfers = await admin`
    select l.type as no, l.name, d.name as debit, c.name as credit from legal_transfers l
    join account_kinds d on d.kind = l.debit join account_kinds c on c.kind = l.credit order by l.type`
  t.same(
    [...transfers],
    Object.entries(transferTypes).map(([name, { no, debit, credit }]) => ({ no, name, debit, credit })),
  )
})

t.test('the kinds of command are the database’s', async (t) => {
  const labels = await admin<{ kind: string }[]>`select unnest(enum_range(null::command_kind))::text as kind`
  t.same(labels.map(({ kind }) => kind).sort(), [...commandTypes.keys()].sort())
  t.same([...schema.commandKind.enumValues].sort(), [...commandTypes.keys()].sort())
})

t.test('functions have their search path pinned, and the service can only call its own', async (t) => {
  const functions = await admin`
    select proname as name, prosecdef as definer, coalesce(proconfig::text, '') as config,
           has_function_privilege('clearing_service', oid, 'execute') as callable
    from pg_proc where pronamespace = 'clearing'::regnamespace order by proname`
  t.ok(functions.length >= 10)
  for (const { name, config } of functions) t.match(config, /search_path=clearing, pg_temp/, name)
  const callable = functions.filter((f) => f.callable).map((f) => f.name)
  t.same(callable, [
    'account_turnover',
    'actor_numbers',
    'balances_as_of',
    'close_pull',
    'fix_moment',
    'forget_documents',
    'hold_lease',
    'keep_document',
    'keep_webhook_lanes',
    'log_leaves',
    'mark_turnover',
    'name_documents',
    'open_items',
    'open_logs',
    'open_pull',
    'period_items',
    'record',
    'roll_up',
    'roll_up_items',
    'seal_logs',
    'turnover_as_of',
  ])
  t.same(
    functions.filter((f) => f.definer).map((f) => f.name),
    [
      'actor_numbers',
      'close_pull',
      'fix_moment',
      'forget_documents',
      'hold_lease',
      'keep_document',
      'keep_webhook_lanes',
      'mark_turnover',
      'name_documents',
      'open_logs',
      'open_pull',
      'record',
      'roll_up',
      'roll_up_items',
      'seal_logs',
    ],
    'only what writes runs as the owner',
  )
  const writable = await admin`
    select relname from pg_class where relnamespace = 'clearing'::regnamespace and relkind in ('r', 'p')
      and has_table_privilege('clearing_service', oid, 'insert, update, delete, truncate, references, trigger')`
  t.same([...writable], [], 'the service writes no table')
  const [made] = await admin`select has_schema_privilege('clearing_service', 'clearing', 'create') as may`
  t.equal(made?.may, false)
  const files = readdirSync(join(root, 'db/functions')).map((name) => name.replace(/\.sql$/, ''))
  t.same(
    functions.map((f) => f.name),
    files.sort(),
    'one body per file',
  )
})

t.test('migrations', async (t) => {
  const made: string[] = []
  t.teardown(async () => {
    for (const name of made) await admin.unsafe(`drop database if exists ${name} with (force)`)
  })
  const fresh = async () => {
    const name = `test_${randomBytes(6).toString('hex')}`
    await admin.unsafe(`create database ${name} owner clearing_owner`)
    made.push(name)
    const url = new URL(database.migrateUrl)
    url.pathname = `/${name}`
    return url.href
  }
  const files = readdirSync(join(root, 'db/migrations')).sort()
  t.ok(
    files.every((name, n) => name.startsWith(String(n + 1).padStart(4, '0'))),
    'numbered without gaps',
  )
  const change = async (url: string, text: string) => {
    const sql = postgres(url, { max: 1, onnotice: () => {} })
    await sql.unsafe(text).simple()
    await sql.end()
  }

  const url = await fresh()
  t.same(await migrate(url, 'clearing_service'), { applied: files })
  t.same(await migrate(url, 'clearing_service'), { applied: [] }, 'again: nothing to do')

  await change(url, `update clearing.migrations set checksum = 'x' where name = '${files[0]}'`)
  await t.rejects(migrate(url, 'clearing_service'), {
    name: 'Error',
    message: new RegExp(`${files[0]} was changed after it was applied: restore the file.*请恢复原文件`),
  })
  const other = await fresh()
  await migrate(other, 'clearing_service')
  await change(other, `insert into clearing.migrations (name, checksum) values ('9999_later.sql', 'x')`)
  await t.rejects(migrate(other, 'clearing_service'), {
    message: /9999_later\.sql.*start the newer version, or restore a backup.*请使用新版本启动/,
  })

  const contested = await fresh()
  const all = await Promise.all([1, 2, 3].map(() => migrate(contested, 'clearing_service')))
  t.same(all.flatMap(({ applied }) => applied).sort(), files, 'several at once: each file is applied by one of them')

  // A ledger of version 0.1, as its two migrations and its engine left it.
  const old = await fresh()
  const sha = (text: string) => createHash('sha256').update(text).digest('hex')
  const body = '{"program":"SH","amount":"1.00"}'
  const first = files.slice(0, 2).map((name) => ({ name, text: read(`db/migrations/${name}`) }))
  await change(
    old,
    `create schema clearing; set search_path = clearing;
     create table migrations (name text primary key, checksum text not null, applied_at timestamptz not null default now());
     ${first.map(({ name, text }) => `${text}; insert into migrations values ('${name}', '${sha(text)}');`).join('\n')}
     insert into books values (310000, '上海', 2, 1, 2, '2026-03-02');
     insert into accounts (book, account, kind, owner, posted) values (310000, 1, 1, '', 100), (310000, 2, 3, 'SH', 100);
     insert into commands values
       (310000, 1, null, 'deliver', '2026-03-02', '2026-03-02', 'Wu', 'firm', '{}', '{}', '{}'),
       (310000, 2, 1, 'appropriate', '2026-03-02', '2026-03-02', 'Li', 'bureau', '${body}', '{}', '{"0":1}');
     insert into transfers values (310000, 1, 1, 1, 0, 1, 2, null, null, 100);
     insert into idempotency values
       ('bureau', 'given', '\\x${sha(`Li appropriate\n${body}`)}', '2026-03-02', 310000, 2, null),
       ('bureau', 'refused', '\\x${sha(`Li deliver\n{}`)}', '2026-03-02', null, null, '{"refused":"order_not_found"}');`,
  )
  t.same(await migrate(old, 'clearing_service'), { applied: files.slice(2) })
  const upgraded = postgres(old, { max: 1, connection: { search_path: 'clearing' } })
  t.same(
    [
      ...(await upgraded`
      select c.seq::int, c.entry, replace(c.key::text, '-', '') as key, c.fingerprint::text, a.organisation, a.subject,
             c.kind, c.body, t.seq::int as of, t.entry as line_of, t.amount::int
      from commands c join actors a using (actor) left join transfers t on t.book = c.book and t.seq = c.seq
      order by c.seq`),
    ],
    [
      {
        seq: 1,
        entry: null,
        key: null,
        fingerprint: null,
        organisation: 'firm',
        subject: 'Wu',
        kind: 'deliver',
        body: {},
        of: null,
        line_of: null,
        amount: null,
      },
      {
        seq: 2,
        entry: 1,
        key: keyId('bureau', 'given'),
        fingerprint: fingerprint('Li', 'appropriate', body),
        organisation: 'bureau',
        subject: 'Li',
        kind: 'appropriate',
        body: JSON.parse(body),
        of: 2,
        line_of: 1,
        amount: 100,
      },
    ],
    'every command keeps its person, its key and its transfers',
  )
  t.same(
    [...(await upgraded`select replace(key::text, '-', '') as key, fingerprint::text, refusal from refusals`)],
    [
      {
        key: keyId('bureau', 'refused'),
        fingerprint: fingerprint('Li', 'deliver', '{}'),
        refusal: { refused: 'order_not_found' },
      },
    ],
    'and every refusal its key',
  )
  await upgraded.end()

  const half = await fresh()
  await change(half, 'create schema clearing; create table clearing.vouchers (x int)')
  await t.rejects(migrate(half, 'clearing_service'), { code: '42P07' }, 'a foreign schema is not touched')
  const sql = postgres(half, { max: 1 })
  const [left] = await sql`select to_regclass('clearing.books') as books, to_regclass('clearing.migrations') as log`
  await sql.end()
  t.same(left, { books: null, log: null }, 'all or nothing')
})
