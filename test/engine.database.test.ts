/** What the database itself holds against: the service's role, direct writes that break a rule, the past. */
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { dayOf, ManualClock } from '../src/core/time.js'
import { accountKey } from '../src/ledger/accounts.js'
import { accountKinds, phases, transferTypes } from '../src/ledger/chart.js'
import { encode, type Recorder, recordIn, send } from '../src/ledger/record.js'
import { databaseSource, MISSING, World } from '../src/ledger/world.js'
import { connect } from '../src/platform/database.js'
import { addUp } from './support/books.js'
import { connectAdmin, runEngine } from './support/engines.js'
import { Cast, histories, opening } from './support/history.js'
import { proveLedger } from './support/replay.js'
import { ask, uscc } from './support/scene.js'
import { china, testDatabase } from './support/service.js'
import { Stage } from './support/stage.js'

const database = await testDatabase()
const clock = new ManualClock(china('2026-03-02'))
const running = runEngine(database, clock)
const { engine, sql } = running
/** The service's role on one connection, so that what is begun there is taken back there. */
const service = connect(database.databaseUrl, 1)
const recorder: Recorder = { record: (parameters) => recordIn(sql, parameters) }
const admin = connectAdmin(database)
const owner = connect(database.migrateUrl.replace(/\/[^/]*$/, new URL(database.databaseUrl).pathname), 1)

t.teardown(async () => {
  await Promise.all([admin.end(), owner.end(), service.end()])
  await running.close()
  await database.drop()
})

// Something in every table, so that nothing passes for lack of rows.
const stage = new Stage(engine)
const place = await stage.place()
await stage.order(place, 'filed', { contractNo: 'open' })
const approved = await stage.order(place, 'approved')
await stage.must(ask.clawBack(approved, 1_00n))
await stage.must(ask.list(uscc(999), '2026-01-01'))
await stage.must(ask.close('P', '2026-03-01'))
await engine.run({ ...ask.deliver('O320509-999999', uscc(1)), key: 'kept' })
await engine.run({ ...ask.appropriate(place.jurisdiction, place.program, 1n), key: 'given' })

const codeOf = (error: unknown) => (error as { code?: string }).code ?? String(error)
/** The SQLSTATE a statement is refused with; undefined when it is not. What it did is taken back. */
async function refusedWith(connection: typeof admin, statement: string): Promise<string | undefined> {
  try {
    await connection.unsafe(`begin; ${statement}; rollback`).simple()
    return undefined
  } catch (error) {
    await connection.unsafe('rollback').simple()
    return codeOf(error)
  }
}

t.test('the service’s role', async (t) => {
  const tables = await admin<{ name: string; column: string; rows: boolean }[]>`
    select c.relname as name, a.attname as column, c.reltuples is not null as rows
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum = 1
    where c.relnamespace = 'clearing'::regnamespace and c.relkind in ('r', 'p') order by 1`
  t.ok(tables.length >= 18, `${tables.length} tables`)

  await t.test('may read every table and write none', async (t) => {
    for (const { name, column } of tables) {
      t.equal(await refusedWith(service, `select * from clearing.${name} limit 1`), undefined, `select ${name}`)
      for (const write of [
        `insert into clearing.${name} default values`,
        `update clearing.${name} set ${column} = ${column}`,
        `delete from clearing.${name}`,
        `truncate clearing.${name} cascade`,
        `drop table clearing.${name} cascade`,
        `alter table clearing.${name} disable trigger all`,
        `select * from clearing.${name} for update`,
      ]) {
        t.equal(await refusedWith(service, write), '42501', write)
      }
    }
  })

  await t.test('may call what the service calls, and none of what that calls', async (t) => {
    const functions = await admin<{ name: string; args: string; mine: boolean }[]>`
      select p.proname as name, pg_get_function_identity_arguments(p.oid) as args,
             has_function_privilege('clearing_service', p.oid, 'execute') as mine
      from pg_proc p where p.pronamespace = 'clearing'::regnamespace order by 1`
    const callable = functions.filter(({ mine }) => mine).map(({ name }) => name)
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
    for (const { name, mine } of functions) {
      if (!mine) t.equal(await refusedWith(service, `select clearing.${name}('[]'::jsonb)`), '42501', name)
    }
    const loose = await admin`
      select proname from pg_proc where pronamespace = 'clearing'::regnamespace
        and not coalesce(array_to_string(proconfig, ','), '') like '%search_path=clearing, pg_temp%'`
    t.same([...loose], [], 'every function pins its search path')
  })

  await t.test('may make nothing of its own where the functions look', async (t) => {
    for (const make of [
      'create table clearing.mine (x int)',
      'create function clearing.mine() returns int language sql as $f$ select 1 $f$',
      'create schema mine',
      'create table public.mine (x int)',
      'set role clearing_owner',
      'alter function clearing.fix_moment(integer, bigint) reset all',
      'grant update on clearing.accounts to clearing_service',
    ]) {
      // A grant of what one does not have is only a warning: it must have given nothing.
      const code = await refusedWith(service, make)
      if (make.startsWith('grant')) t.ok(code === '42501' || code === undefined, make)
      else t.equal(code, '42501', make)
    }
    t.equal(await refusedWith(service, 'update clearing.accounts set posted = posted'), '42501')
  })

  await t.test('a temporary table does not stand in for a table of the ledger', async (t) => {
    const mine = connect(database.databaseUrl, 1)
    await mine.unsafe('create temporary table pg_temp.books (book int, seq bigint, booked_at timestamptz)')
    await mine.unsafe("insert into pg_temp.books values (320509, 0, 'epoch')")
    const [row] = await mine<{ seq: bigint }[]>`select clearing.fix_moment(320509, 1) as seq`
    t.equal(Number(row!.seq), 0)
    const [head] = await admin<{ seq: bigint }[]>`select seq from clearing.books where book = 320509`
    t.ok(head!.seq > 0n, 'the real head is untouched')
    await mine.end()
  })
})

t.test('direct writes that break a rule are refused by the database, whoever writes', async (t) => {
  const account = (kind: keyof typeof accountKinds) =>
    `(book, account) in (select book, account from clearing.accounts where kind = ${accountKinds[kind].no} and posted > 0 limit 1)`
  const CHECK = '23514'
  const UNIQUE = '23505'
  const FOREIGN = '23503'
  const rules: [rule: string, statement: string, code: string][] = [
    ['a pool is not overdrawn', `update accounts set posted = -1 where ${account('pool')}`, CHECK],
    ['a voucher is not overdrawn', `update accounts set posted = -1 where ${account('voucher')}`, CHECK],
    ['a payable is not below zero', `update accounts set posted = -1 where ${account('payable')}`, CHECK],
    [
      'nothing is held beyond what is posted',
      `update accounts set held = posted + 1 where ${account('voucher')}`,
      CHECK,
    ],
    ['nothing less than nothing is held', `update accounts set held = -1 where ${account('voucher')}`, CHECK],
    ['only vouchers are held on', `update accounts set held = 1 where ${account('pool')}`, CHECK],
    ['an account has one number', 'update accounts set account = 1 where book = 320509', UNIQUE],
    [
      'a thing has one account',
      `insert into accounts select book, 9999, kind, owner from accounts where book > 0`,
      UNIQUE,
    ],
    ['a cap is a ceiling', 'update grants set granted = ceiling + 1', CHECK],
    ['nothing less than nothing was granted', 'update grants set granted = -1', CHECK],
    ['a hold is not captured beyond itself', 'update holds set open = -1', CHECK],
    ['a hold does not grow', 'update holds set open = amount + 1', CHECK],
    ['a hold is of something', 'update holds set amount = 0, open = 0', CHECK],
    ['a transfer moves something', 'update transfers set amount = 0', CHECK],
    ['a transfer has two ends', 'update transfers set credit = debit', CHECK],
    ['a posted transfer has no hold', 'update transfers set hold = 1, leg = 1 where phase = 0', CHECK],
    ['a captured one has', 'update transfers set hold = null, leg = null where phase = 2', CHECK],
    ['a line stands once', 'insert into transfers select * from transfers', UNIQUE],
    ['an entry is numbered once', 'update transfers set entry = 1 where book = 320509 and line = 1', UNIQUE],
    ['a command is numbered once', 'insert into commands select * from commands', UNIQUE],
    ['there are not more entries than commands', 'update books set entries = seq + 1 where book = 320509', CHECK],
    ['a voucher is worth something', 'update vouchers set amount = 0', CHECK],
    ['an approved order has an amount', `update orders set approved = null where state = 'approved'`, CHECK],
    ['an order that is not approved has none', `update orders set approved = 1 where state = 'filed'`, CHECK],
    [
      'not more is approved than was held',
      `update orders set approved = voucher_amount + 1 where state = 'approved'`,
      CHECK,
    ],
    ['not more is clawed back than was approved', 'update orders set clawed_back = coalesce(approved, 0) + 1', CHECK],
    ['no deadline without a reason', `update orders set deadline = '2026-01-01' where state = 'approved'`, CHECK],
    ['an open order has its deadline', `update orders set deadline = null where state = 'filed'`, CHECK],
    ['a state is one of the states', `update orders set state = 'lost'`, CHECK],
    ['an invoice number has twenty digits', `update orders set invoice_no = '1'`, CHECK],
    ['a key is held once', 'insert into keys select * from keys', UNIQUE],
    [
      'an idempotency key is used once',
      `update commands set key = (select key from refusals limit 1), fingerprint = 1`,
      UNIQUE,
    ],
    ['a refusal is kept once', 'insert into refusals select * from refusals', UNIQUE],
    ['a key has its fingerprint', 'update commands set fingerprint = null where key is not null', CHECK],
    ['a period is closed once', 'insert into periods select * from periods', UNIQUE],
    [
      'a close has one number',
      `insert into periods select 'other', closing, through, closed_on, netted, paid from periods`,
      UNIQUE,
    ],
    ['a recognition ends after it begins', `update recognitions set valid_to = valid_from - 1`, CHECK],
    ['a listing ends after it begins', `update integrity_entries set valid_to = valid_from - 1`, CHECK],
    ['a program opens before it closes', 'update programs set apply_to = apply_from - 1', CHECK],
    ['a book that has programs stays', 'delete from books where book = 320509', FOREIGN],
  ]
  rules.push(
    [
      'a voucher is of a program',
      `select put_vouchers('[{"book": 320509, "voucher": 900, "program": "none", "enterprise": "${place.enterprise}", "amount": 1, "issuedOn": "2026-01-01", "useBy": "2026-01-01", "version": 1}]')`,
      FOREIGN,
    ],
    [
      'a voucher is of an enterprise',
      `select put_vouchers('[{"book": 320509, "voucher": 900, "program": "${place.program}", "enterprise": "none", "amount": 1, "issuedOn": "2026-01-01", "useBy": "2026-01-01", "version": 1}]')`,
      FOREIGN,
    ],
    [
      'an order is on a voucher',
      `select put_orders('[{"book": 320509, "order": 900, "state": "filed", "voucher": 900, "program": "${place.program}", "enterprise": "${place.enterprise}", "provider": "${place.provider}", "category": "testing", "contractNo": "x", "contractAmount": 2, "voucherAmount": 1, "signedOn": "2026-01-01", "filedOn": "2026-01-01", "claimBy": "2026-01-01", "deadline": "2026-01-01", "payee": "provider", "payeeProvince": 320000, "clawedBack": 0, "version": 1}]')`,
      FOREIGN,
    ],
  )
  for (const [rule, statement, code] of rules) {
    const path = 'set local search_path = clearing'
    t.equal(await refusedWith(admin, `${path}; ${statement}`), code, `superuser: ${rule}`)
    t.equal(await refusedWith(owner, `${path}; ${statement}`), code, `owner: ${rule}`)
  }
})

t.test('the chart in the database is the chart in the code', async (t) => {
  const kinds = await admin`select kind, name, normal, floor from clearing.account_kinds order by kind`
  const declared = Object.entries(accountKinds).map(([name, k]) => ({
    kind: k.no,
    name,
    normal: k.normal,
    floor: k.floor,
  }))
  t.same([...kinds], declared)
  const legal = await admin`select type, name, debit, credit from clearing.legal_transfers order by type`
  t.same(
    [...legal],
    Object.entries(transferTypes).map(([name, { no, debit, credit }]) => ({
      type: no,
      name,
      debit: accountKinds[debit].no,
      credit: accountKinds[credit].no,
    })),
  )
})

t.test('record refuses a transfer that the chart does not declare, whatever balances come with it', async (t) => {
  const names = Object.keys(accountKinds) as (keyof typeof accountKinds)[]
  const source = databaseSource(sql)
  const load = async <T>(world: World, run: () => T): Promise<T> => {
    for (;;) {
      try {
        return run()
      } catch (error) {
        if (error !== MISSING) throw error
        await world.load(source)
      }
    }
  }
  let illegal = 0
  let legal = 0
  for (const debit of names) {
    for (const credit of names) {
      for (const [type, declared] of Object.entries(transferTypes) as [keyof typeof transferTypes, never][]) {
        const { debit: from, credit: to } = declared as { debit: string; credit: string }
        const isLegal = from === debit && to === credit
        // Every legal one, and of the others those that miss by one side only.
        if (!isLegal && from !== debit && to !== credit) continue
        const world = new World()
        const line = {
          type,
          phase: 'post' as const,
          debit: { kind: debit, owner: `chart ${debit}` },
          credit: { kind: credit, owner: `chart ${credit} too` },
          amount: 1n,
        }
        const at = clock.now()
        const event = {}
        // Accounts that may not go below zero get their fen first, on paper: the chart is what is asked here.
        const booking = await load(world, () => {
          const head = world.head(340000)
          void head
          return world.apply({ book: 340000, event }, at)
        })
        const opened = [line.debit, line.credit].map((name, n) => ({
          ...name,
          book: 340000,
          account: 9000 + n,
          posted: 5n,
          held: 0n,
        }))
        const [debitKey = '', creditKey = ''] = opened.map((account) => {
          const key = accountKey(account.book, account)
          world.changes.opened.set(key, account)
          world.changes.balances.set(key, account)
          return key
        })
        const job = {
          rests: new Set([340000]),
          at,
          accepted: {
            booking: { ...booking, entry: 1, lines: [{ ...line, debitKey, creditKey }] },
            kind: 'pay',
            day: dayOf(at),
            actor: 1,
            body: '{}',
            event,
            rests: '{}',
          },
        }
        // It must not stay, legal or not: an unknown program in the same call takes the legal ones back.
        const stray = { kind: { name: 'vouchers' }, value: { book: 340000, voucher: 1, program: 'none' } }
        world.changes.rows.set('stray', stray as never)
        const code = await send(recorder, encode(world, [job])).then(() => 'recorded', codeOf)
        if (isLegal) legal++
        else illegal++
        if ((code === 'CV003') === isLegal) t.fail(`${type} from ${debit} to ${credit}: ${code}`)
      }
    }
  }
  t.equal(legal, Object.keys(transferTypes).length)
  t.ok(illegal > 100, `${illegal} illegal ones`)
  const [head] = await admin<{ seq: bigint }[]>`select seq from clearing.books where book = 340000`
  t.equal(Number(head!.seq), 0, 'nothing of it stayed')
})

t.test('balances as of any entry are what the entries up to it add up to', async (t) => {
  const fresh = await testDatabase()
  const other = runEngine(fresh, clock)
  try {
    for (const asked of opening) await other.engine.run(asked)
    const cast = new Cast()
    for (const move of fc.sample(histories(400), { seed: 21, numRuns: 1 })[0]!) {
      if (move.do === 'pass') clock.set(clock.now() + move.days * 86_400_000)
      const asked = move.do === 'pass' ? undefined : cast.command(move, dayOf(clock.now()))
      if (asked) cast.learn(asked, await other.engine.run(asked))
    }
    const memory = await proveLedger(other.sql)
    let compared = 0
    for (const book of [310000, 320509, 330000]) {
      const entries = memory.log.filter((l) => l.booking.book === book && l.booking.entry !== null)
      for (const entry of [0, 1, ...fc.sample(fc.nat(entries.length), { seed: book, numRuns: 8 }), entries.length]) {
        const rows = await other.sql<{ kind: number; owner: string; posted: bigint; held: bigint }[]>`
          select k.name as kind, a.owner, b.posted, b.held from balances_as_of(${book}, ${entry}) b
          join accounts a on a.book = ${book} and a.account = b.account join account_kinds k on k.kind = a.kind`
        const found = new Map(
          rows.map(({ kind, owner, posted, held }) => [`${book} ${kind} ${owner}`, { posted, held }]),
        )
        const upTo = entries.filter((l) => l.booking.entry! <= entry)
        const sums = addUp(upTo.flatMap((l) => l.booking.lines.map((line) => ({ book, line }))))
        // An account that was only opened by a hold has nothing yet.
        for (const [key, sum] of sums) if (!found.has(key) && sum.posted === 0n && sum.held === 0n) sums.delete(key)
        if (!isDeepStrictEqual(found, sums)) t.fail(`book ${book} as of entry ${entry}`)
        compared++
      }
    }
    t.equal(compared, 33)
  } finally {
    await other.close()
    await fresh.drop()
  }
})

t.test('the phases in the database are the phases in the code', async (t) => {
  t.same(phases, { post: 0, hold: 1, capture: 2, release: 3 })
  t.equal(await refusedWith(admin, 'update clearing.transfers set phase = 4'), '23514')
})
