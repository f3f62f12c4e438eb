import { once } from 'node:events'
import { connect, type Sql } from '../../src/platform/database.js'
import { trialBalance } from '../../src/pulls/books.js'
import { markTurnover } from '../../src/pulls/queries.js'
import type { Bench } from './bench.js'
import { ServiceProcess } from './child.js'
import { type Database, settle, withAdmin } from './cluster.js'

const BOOK = 310000
/** Lines of one pull at most; the first that shows how much memory the service takes before the long one. */
const MOST_LINES = 1_000_000
const FIRST_LINES = 50_000

/**
 * A pull over HTTP beside PostgreSQL's own COPY of the same rows to a client that throws them away, and trial balances
 * as of random entries. The entries are made by SQL alone: nobody issues them.
 */
export async function pulls(bench: Bench): Promise<void> {
  const { cluster, figures, sizes, say } = bench
  const database = await cluster.fresh('pulls')
  say(`  filling in ${sizes.entries} entries`)
  await fill(database, sizes.entries)
  await settle(database)
  const lines = Math.min(MOST_LINES, sizes.entries)
  figures.heading(`Pulls 调取: ${lines} entries of one book that has ${sizes.entries}`)
  const sql = connect(database.databaseUrl, 2)
  const process = await ServiceProcess.start(cluster, database)
  const token = await process.token({
    sub: 'Sun',
    organisation: 'auditors',
    roles: ['auditor'],
    jurisdiction: '310000',
  })
  const pull = async (format: string, most: number) => {
    const address = `${process.base}/v1/books/${BOOK}/pulls/ledger?format=${format}&toEntry=${most}`
    const started = performance.now()
    const answer = await fetch(address, { headers: { authorization: `Bearer ${token}` } })
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`)
    let ends = 0
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) ends++
    }
    if (ends !== most + (format === 'csv' ? 1 : 0)) throw new Error(`${ends} lines instead of ${most}`)
    return (most * 1000) / (performance.now() - started)
  }
  await pull('jsonl', Math.min(FIRST_LINES, lines))
  const before = (await process.usage()).peak
  const speeds: Record<'copy' | 'jsonl' | 'csv', number[]> = { copy: [], jsonl: [], csv: [] }
  for (let run = 0; run < sizes.runs; run++) {
    speeds.copy.push(await copied(sql, lines))
    for (const format of ['jsonl', 'csv'] as const) speeds[format].push(await pull(format, lines))
    say(`  ${Object.values(speeds).map((list) => Math.round(list.at(-1)!))} a second`)
  }
  figures.record('pull_copy_per_s', 'the same rows by COPY', '/s', speeds.copy)
  figures.record('pull_jsonl_per_s', 'lines pulled as JSON lines', '/s', speeds.jsonl, 'pull_copy_per_s')
  figures.record('pull_csv_per_s', 'lines pulled as CSV', '/s', speeds.csv, 'pull_copy_per_s')
  const grown = ((await process.usage()).peak - before) / 1_048_576
  figures.record('pull_memory_mb', `memory on top of a pull of ${FIRST_LINES}`, 'MB', [grown])
  await process.stop()

  const entries = Array.from({ length: 5 }, (_, n) => Math.round((sizes.entries * (2 * n + 1)) / 10) + 123)
  const balances = async () => {
    const took: number[] = []
    for (const last of entries) {
      const started = performance.now()
      await trialBalance(sql, { book: BOOK, first: 1, last })
      took.push((performance.now() - started) / 1000)
    }
    return took
  }
  figures.record('balance_unmarked_s', 'trial balance as of an entry, without marks', 's', await balances())
  const started = performance.now()
  await markTurnover(sql)
  figures.record('marks_s', 'making all marks', 's', [(performance.now() - started) / 1000])
  figures.record('balance_s', 'trial balance as of an entry', 's', await balances())
  await sql.end()
  await cluster.drop(database)
}

/** Lines a second that PostgreSQL copies out as text, with what stands beside them. */
async function copied(sql: Sql, lines: number): Promise<number> {
  const started = performance.now()
  const stream = await sql
    .unsafe(
      `copy (select t.entry, t.line, t.seq, c.day, c.booked_at, c.kind, p.subject, p.organisation, t.type, t.phase,
                    d.kind, d.owner, k.kind, k.owner, t.amount
             from transfers t join commands c on c.book = t.book and c.seq = t.seq join actors p on p.actor = c.actor
             join accounts d on d.book = t.book and d.account = t.debit
             join accounts k on k.book = t.book and k.account = t.credit
             where t.book = ${BOOK} and t.entry <= ${lines} order by t.entry, t.line) to stdout (format csv)`,
    )
    .readable()
  stream.resume()
  await once(stream, 'end')
  return (lines * 1000) / (performance.now() - started)
}

/** So many vouchers issued in one book, an entry each, to ten thousand accounts. */
async function fill({ adminUrl }: Database, entries: number): Promise<void> {
  await withAdmin(adminUrl, async (admin) => {
    await admin.unsafe(`
      set search_path = clearing, pg_temp;
      insert into actors (organisation, subject, origin) select 'bureau 310000', 'Li ' || n, '' from generate_series(1, 50) n;
      insert into accounts (book, account, kind, owner, posted)
        values (${BOOK}, 1, 1, '', ${entries}::bigint * 100), (${BOOK}, 2, 3, 'SH-2026', 0);
      insert into accounts (book, account, kind, owner)
        select ${BOOK}, n, 4, 'V310000-' || n from generate_series(3, 10002) n;
      insert into commands (seq, booked_at, book, entry, actor, day, kind, body, event, rests)
        select n, timestamp '2026-01-01' + n * interval '1 second', ${BOOK}, n, 1 + n % 50,
          (timestamp '2026-01-01' + n * interval '1 second' + interval '8 hours')::date, 'issue',
          '{"program":"SH-2026"}', '{}', '{}' from generate_series(1, ${entries}) n;
      insert into transfers (seq, amount, book, entry, line, debit, credit, type, phase)
        select n, 100 + n % 1000, ${BOOK}, n, 1, 2, 3 + n % 10000, 2, 0 from generate_series(1, ${entries}) n;
      update books set seq = ${entries}, entries = ${entries}, accounts = 10002,
        booked_at = timestamp '2026-01-01' + ${entries} * interval '1 second' where book = ${BOOK};`)
  })
}
