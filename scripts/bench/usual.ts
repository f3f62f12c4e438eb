import { randomInt, randomUUID } from 'node:crypto'
import postgres from 'postgres'
import type { Bench } from './bench.js'
import { settle, withAdmin } from './cluster.js'
import { median } from './figures.js'
import { inTurn, sustain } from './load.js'

const CONNECTIONS = [8, 16, 32, 64] as const

/**
 * The usual way: one transaction a request on plain tables. Key, entry, transfer and two balances, the two accounts
 * locked in the order of their ids; all of it in one function, so that a request is one round trip.
 */
const SCHEMA = `
  create schema usual;
  create table usual.account (
    id      integer primary key,
    balance bigint not null check (balance >= 0)
  ) with (fillfactor = 80);
  create table usual.entry (
    id        bigint generated always as identity primary key,
    key       uuid not null unique,
    booked_at timestamptz not null default now(),
    subject   integer not null,
    body      json not null
  );
  create table usual.transfer (
    entry  bigint not null,
    line   integer not null,
    debit  integer not null,
    credit integer not null,
    amount bigint not null check (amount > 0),
    primary key (entry, line)
  );
  create function usual.move(p_key uuid, p_subject integer, p_body json, p_debit integer, p_credit integer, p_amount bigint)
  returns bigint language plpgsql as $$
  declare made bigint;
  begin
    perform from usual.account where id in (p_debit, p_credit) order by id for no key update;
    insert into usual.entry (key, subject, body) values (p_key, p_subject, p_body) returning id into made;
    insert into usual.transfer values (made, 1, p_debit, p_credit, p_amount);
    update usual.account set balance = balance - p_amount where id = p_debit;
    update usual.account set balance = balance + p_amount where id = p_credit;
    return made;
  end $$;`

/** Requests a second in the usual way, with the number of connections that suits it best. */
export async function usual({ cluster, figures, sizes, say }: Bench): Promise<void> {
  const { accounts, runs, seconds } = sizes
  const database = await cluster.fresh('usual')
  await withAdmin(database.adminUrl, async (admin) => {
    await admin.unsafe(SCHEMA)
    await admin`insert into usual.account select n, 1000000000000 from generate_series(1, ${accounts}) n`
  })
  await settle(database)

  const measures = CONNECTIONS.map((connections) => async () => {
    say(`  ${connections} connections`)
    const sql = postgres(database.adminUrl, { max: connections, onnotice: () => {} })
    // Twice as many callers as connections: the next request is there when a connection is free again.
    const callers = 2 * connections
    try {
      await Promise.all(Array.from({ length: callers }, () => move(sql, accounts)))
      return await sustain(callers, seconds, () => move(sql, accounts))
    } finally {
      await sql.end({ timeout: 5 })
    }
  })
  const found = await inTurn(runs, say, ...measures)
  figures.heading(`The usual way 常规做法: a transaction a request, ${accounts} accounts in plain tables`)
  const medians = found.map(median)
  const best = medians.indexOf(Math.max(...medians))
  figures.record(
    'usual_per_s',
    `best of ${CONNECTIONS.join(', ')} connections: ${CONNECTIONS[best]}`,
    '/s',
    found[best]!,
  )
  figures.record('usual_connections', '  connections at the best', 'x', [CONNECTIONS[best]!])
  await cluster.drop(database)
}

async function move(sql: postgres.Sql, accounts: number): Promise<void> {
  const debit = randomInt(1, accounts + 1)
  const credit = debit === accounts ? 1 : debit + 1 + randomInt(accounts - debit)
  const body = `{"program":"P-${debit}","amount":"1.00"}`
  await sql`select usual.move(${randomUUID()}, 1, ${body}::text::json, ${debit}, ${credit}, 100)`
}
