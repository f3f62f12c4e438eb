import { orderStates } from '../../src/orders/contract.js'
import { uscc } from '../../test/support/scene.js'
import type { Bench } from './bench.js'
import { ServiceProcess } from './child.js'
import { bytesOf, type Database, settle, withAdmin } from './cluster.js'

/** Of each view: pages read at the front, in the middle and at the end of the list. */
const PAGES = 3
const LIMIT = 100
/** A provider with one order in twenty, and an enterprise with one in a thousand. */
const LARGE_PROVIDER = uscc(1)
const LARGE_ENTERPRISE = uscc(200_000)

type Page = { items: { order?: string }[]; next: string | null }

/**
 * Pages of 100 of a database with a million orders: as every role, with every filter, at every depth. The orders are
 * made by SQL alone, as nobody files them: a big city has two fifths of them, and a program's orders stand together.
 */
export async function lists(bench: Bench): Promise<void> {
  const { cluster, figures, sizes, say } = bench
  const database = await cluster.fresh('lists')
  say(`  filling in ${sizes.orders} orders`)
  await fill(database, sizes.orders)
  await settle(database)
  const bytes = (await bytesOf(database, ['orders'])) / sizes.orders
  const process = await ServiceProcess.start(cluster, database)
  figures.heading(`Lists 列表: pages of ${LIMIT}, ${sizes.orders} orders`)
  const everything: number[] = []
  for (const [who, claims] of Object.entries(readers)) {
    const token = await process.token(claims)
    const slowest = { took: 0, filter: '' }
    const all: number[] = []
    for (const path of views(who)) {
      const took = await walk(process.base, token, path)
      if (Math.max(...took) > slowest.took) Object.assign(slowest, { took: Math.max(...took), filter: path })
      all.push(...took)
    }
    everything.push(...all)
    say(`  ${who}: slowest ${slowest.took.toFixed(0)} ms ${slowest.filter}`)
    figures.record(`list_${who}_p50_ms`, `a page as ${who}`, 'ms', all)
    figures.record(`list_${who}_most_ms`, '  the slowest of all', 'ms', [slowest.took])
  }
  figures.record('list_p50_ms', 'a page, whoever asks for whatever', 'ms', everything)
  figures.record('order_row_bytes', 'bytes on disk of the row of an order with its indexes', 'B', [bytes])
  await process.stop()
  await cluster.drop(database)
}

const bureau = (jurisdiction: string) => ({
  sub: 'Chen',
  organisation: `bureau ${jurisdiction}`,
  roles: ['officer'],
  jurisdiction,
})
const readers: Readonly<Record<string, Parameters<ServiceProcess['token']>[0]>> = {
  enterprise: { sub: 'Wang', organisation: LARGE_ENTERPRISE, roles: ['enterprise'] },
  provider: { sub: 'Wang', organisation: LARGE_PROVIDER, roles: ['provider'] },
  county: bureau('320509'),
  city: bureau('310000'),
  province: bureau('320000'),
  region: bureau('000000'),
}

/** The lists a reader asks for: all, of every state, of a program, of a program's every state. */
function views(who: string): string[] {
  const program = who === 'county' || who === 'province' ? 'P-320509-2026' : 'P-310000-2026'
  const filters = [
    '',
    `&program=${program}`,
    ...orderStates.flatMap((state) => [`&state=${state}`, `&state=${state}&program=${program}`]),
  ]
  return [
    ...filters.map((filter) => `/v1/orders?limit=${LIMIT}${filter}`),
    ...(who === 'provider' ? [] : [`/v1/vouchers?limit=${LIMIT}`]),
  ]
}

/** Reads pages at the front, in the middle and at the end; returns what each took, in milliseconds. */
async function walk(base: string, token: string, path: string): Promise<number[]> {
  const took: number[] = []
  const get = async (cursor: string | null): Promise<Page> => {
    const started = performance.now()
    const answer = await fetch(`${base}${path}${cursor ? `&cursor=${cursor}` : ''}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const page = (await answer.json()) as Page
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${JSON.stringify(page)}`)
    took.push(performance.now() - started)
    return page
  }
  for (const start of [null, ...deep]) {
    for (let pages = 0, cursor: string | null = start; pages < PAGES; pages++) {
      const { next } = await get(cursor)
      if (next === null) break
      cursor = next
    }
  }
  return took
}

/** Cursors into the depth of the list: in the middle of the big city's orders, of a province's, and far behind. */
const deep = ['310000-200000', '320509-1000', '330106-1000', '340000-1'].map((text) =>
  Buffer.from(text).toString('base64url'),
)

/** So many orders with their vouchers, accounts and holds, in the books of all jurisdictions. */
async function fill({ adminUrl }: Database, orders: number): Promise<void> {
  const states = `(array['paid', 'paid', 'paid', 'paid', 'paid', 'paid', 'paid', 'approved', 'cancelled', 'lapsed',
    'rejected', 'filed', 'delivered', 'confirmed', 'submitted', 'verified'])`
  await withAdmin(adminUrl, async (admin) => {
    await admin.unsafe(`
      set search_path = clearing, pg_temp;
      create temp table numbers as
        select n, case when n % 5 < 2 then 310000 else b.codes[1 + n % cardinality(b.codes)] end as book
        from generate_series(1, ${orders}) n, (select array_agg(book order by book) as codes from books where book > 0) b;
      create temp table made as
        select n, book, row_number() over (partition by book order by n) * 2 as number,
          (ntile(3) over (partition by book order by n) + 2023)::text as year
        from numbers;
      insert into programs (program, jurisdiction, ratio, annual_cap, payee, invoice, cross_region, apply_from, apply_to,
          use_within_days, claim_within_days, categories, enterprise_types)
        select distinct 'P-' || book || '-' || year, book, '0.5', 100000, 'provider', 'whole', true, date '2026-01-01',
          date '2026-12-31', 365, 365, '{testing}'::text[], '{tech_sme}'::text[] from made;
      insert into vouchers (book, voucher, program, enterprise, amount, issued_on, use_by)
        select book, number - 1, 'P-' || book || '-' || year,
          case when n % 1000 = 0 then '${LARGE_ENTERPRISE}' else '91310000MA' || lpad((n % 100000)::text, 7, '0') || '0' end,
          100000, '2026-01-01', '2026-12-31' from made;
      insert into accounts (book, account, kind, owner, posted, held)
        select book, number, (select kind from account_kinds where name = 'voucher'), 'V' || book || '-' || (number - 1),
          100000, 100 from made;
      insert into holds (book, hold, leg, type, debit, credit, amount, open)
        select book, number, 1, (select min(type) from legal_transfers), 1, 2, 100, 100 from made;
      insert into orders (book, "order", state, voucher, program, enterprise, provider, category, contract_no,
          contract_amount, voucher_amount, signed_on, filed_on, claim_by, deadline, payee, payee_province,
          approved, approved_seq)
        select m.book, m.number, s.state, m.number - 1, v.program, v.enterprise,
          case when n % 20 = 7 then '${LARGE_PROVIDER}' else '9133010655' || lpad((n % 2000)::text, 8, '0') end,
          'testing', 'HT-' || n, 100000, 50000, '2026-01-01', '2026-01-01', '2026-12-31',
          case when s.state in ('filed', 'delivered', 'confirmed', 'returned') then date '2026-12-31' end,
          'provider', 330000, case when s.state in ('approved', 'paid') then 50000 end,
          case when s.state in ('approved', 'paid') then m.number + 1 end
        from made m
        join vouchers v on v.book = m.book and v.voucher = m.number - 1
        cross join lateral (select case when n % 20011 = 0 then 'returned'
          when n % 3 > 0 then 'paid' else ${states}[1 + (n / 3) % 16] end as state) s;`)
  })
}
