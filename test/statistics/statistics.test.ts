/** Annual statistics: counted as the log has it, and published so that no small figure follows from the others. */
import fc from 'fast-check'
import t from 'tap'
import { parseYuan } from '../../src/core/money.js'
import { connect } from '../../src/platform/database.js'
import type { StatisticsView } from '../../src/statistics/contract.js'
import { relations } from '../../src/statistics/queries.js'
import { type Cell, derivable, type Sum, suppressed } from '../../src/statistics/rules.js'
import { ask, bureau } from '../support/scene.js'
import { china, testService } from '../support/service.js'
import { Stage } from '../support/stage.js'

const world = await testService('2026-03-02')
const admin = connect(world.database.adminUrl, 1)
t.teardown(async () => {
  await admin.end()
  await world.close()
})
const stage = new Stage(world.service.engine)

const officer = bureau('330000')
async function get(
  path: string,
  headers: Record<string, string> = { authorization: `Bearer ${world.token(officer)}` },
) {
  const response = await fetch(`${world.base}${path}`, { headers })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
const view = async (path: string, headers?: Record<string, string>) => {
  const { status, text } = await get(path, headers)
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`)
  return JSON.parse(text) as StatisticsView
}

// Six firms in Jiangsu, one of which also in another of its books; two in Shanghai. Providers are in Shanghai.
for (let n = 0; n < 6; n++) await stage.order(await stage.place({ jurisdiction: '320509' }), 'approved')
const again = await stage.place({ jurisdiction: '320509' })
await stage.order(again, 'approved')
await stage.order(again, 'filed')
for (let n = 0; n < 2; n++) {
  const order = await stage.order(await stage.place({ jurisdiction: '310000' }), 'approved')
  if (n === 0) await stage.must(ask.clawBack(order, 30_00n))
}
world.clock.set(china('2027-01-02'))

const value = ({ items }: StatisticsView, code: string, place: string) =>
  items.find((i) => i.code === code)!.values[place]

t.test('bureaus have everything', async (t) => {
  const all = await view('/v1/statistics?year=2026')
  const row = (code: string) => ['320000', '310000', '330000', '000000'].map((place) => value(all, code, place))
  t.same(row('vouchers'), [8, 2, 0, 10])
  t.same(row('firmsIssued'), [7, 2, 0, 9], 'a firm counts once')
  t.same(row('orders'), [8, 2, 0, 10])
  t.same(row('claimsOutbound'), [7, 0, 0, 7])
  t.same(row('claimsLocal'), [0, 2, 0, 2])
  t.same(row('approved'), ['700.00', '200.00', '0.00', '900.00'])
  t.same(row('clawedBack'), ['0.00', '30.00', '0.00', '30.00'])
  t.same(row('clawBacks'), [0, 1, 0, 1])
  t.same(row('redeemed'), ['700.00', '170.00', '0.00', '870.00'])
  t.equal(all.provisional, false)
  t.equal((await view('/v1/statistics?year=2027')).provisional, true)
  t.ok(all.items.every(({ definition }) => definition.length > 5))
  t.match((await get('/v1/statistics/file?year=2026')).text, /approved,核准额,Amount approved,元,200.00,700.00/)
  t.match(JSON.parse((await get('/v1/statistics?year=2028')).text), { code: 'moment_in_future' })
})

t.test('everybody has what is published: no small figure, nor what it follows from; it may be kept', async (t) => {
  const open = await view('/open/statistics/2026.json', {})
  t.equal(value(open, 'firmsIssued', '310000'), null, 'two firms')
  t.equal(value(open, 'issued', '310000'), null, 'an amount of two firms')
  t.equal(value(open, 'clawedBack', '310000'), null)
  t.equal(value(open, 'vouchers', '320000'), null, 'ten in all, so it would tell what Shanghai has')
  t.equal(value(open, 'vouchers', '000000'), 10)
  t.equal(value(open, 'lapsed', '000000'), '0.00')
  const hidden = new Set(
    open.items.flatMap(({ code, values }) =>
      Object.entries(values).flatMap(([place, v]) => (v === null ? [`${code} ${place}`] : [])),
    ),
  )
  t.equal(derivable(hidden, relations), undefined)
  t.ok(relations.length > open.items.length)
  const all = await view('/v1/statistics?year=2026')
  for (const { code, values } of open.items) {
    for (const [place, v] of Object.entries(values))
      if (v !== null) t.same(v, value(all, code, place), `${code} ${place}`)
  }
  const { headers } = await get('/open/statistics/2026.json', {})
  t.match(headers.get('cache-control'), /^public, max-age=\d+$/)
  t.equal((await get('/open/statistics/2026.json', { 'if-none-match': headers.get('etag')! })).status, 304)
  t.match((await get('/open/statistics/2026.csv', {})).text, /^指标代码[\s\S]*issued,发放额,Amount issued,元,—,/)
  t.match(JSON.parse((await get('/open/statistics/2027.json', {})).text), { code: 'moment_in_future' }, 'not over')
  t.equal((await get('/open/statistics/2026.xml', {})).status, 404)
})

t.test('what came back is as telling as what went out', async (t) => {
  // One order paid the year before came back; five were paid and five came back; six were paid; one was, and another came back.
  const years = [
    ['330000', -1, -3000_00],
    ['320509', -5, -700_00],
    ['310000', 6, 900_00],
    ['340000', 0, 12_00],
  ] as const
  for (const [book, paid, amount] of years) {
    await admin`
      insert into report_days (
        book, day, passed, program, category, payee_province, issues, issued, lapses, lapsed, filed, held, released,
        orders_lapsed, delivered, delivered_amount, confirmed, confirmed_amount, claimed, claimed_amount, approved,
        approved_amount, clawed_back, paid, paid_amount)
      values (${Number(book)}, '2025-05-05', 0, 'P', 'testing', 310000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
              ${paid}, ${amount})`
  }
  const open = await view('/open/statistics/2025.json', {})
  const row = (code: string) =>
    ['330000', '340000', '320000', '310000', '000000'].map((place) => value(open, code, place))
  t.same(
    row('ordersPaid'),
    [null, null, -5, 6, 0].map((v, n) => (n < 4 ? v : null)),
    'the sum of all is none as well',
  )
  t.same(row('paid').slice(0, 4), [null, null, '-700.00', '900.00'])
  t.same(row('vouchers'), [0, 0, 0, 0, 0], 'where there was nothing, nothing is said')
})

t.test('what is published is counted once, and nothing can be booked in its year any more', async (t) => {
  const [{ first }] = (await admin`select min(booked_at) as first from books where book > 0`) as unknown as [
    { first: Date },
  ]
  t.ok(first.getTime() > china('2027-01-01T00:00:00+08:00'), 'by a clock that is behind, either')
  const before = await get('/open/statistics/2026.json', {})
  await admin`alter table report_days rename to away`
  t.same((await get('/open/statistics/2026.json', {})).text, before.text, 'without its tables')
  t.equal((await get('/open/statistics/2024.json', {})).status, 500)
  await admin`alter table away rename to report_days`
  t.equal((await get('/open/statistics/2024.json', {})).status, 200, 'a failure is not kept')
  world.clock.set(china('2028-01-01T00:59:59+08:00'))
  t.match(JSON.parse((await get('/open/statistics/2027.json', {})).text), { code: 'moment_in_future' })
  world.clock.set(china('2028-01-01T01:00:00+08:00'))
  t.equal((await get('/open/statistics/2027.json', {})).status, 200)
})

t.test('the sums that protect figures hold', async (t) => {
  const all = await view('/v1/statistics?year=2026')
  const of = (key: string) => {
    const [code, place] = key.split(' ')
    const v = value(all, code!, place!)!
    return typeof v === 'string' ? parseYuan(v) : BigInt(v)
  }
  for (const { whole, parts } of relations) {
    if (/^(firms|firmsIssued|providers) /.test(whole)) continue // counted once in the region
    t.equal(
      of(whole),
      parts.reduce((sum, part) => sum + of(part), 0n),
      whole,
    )
  }
})

/** A table with margins, and a second one whose cells are parts of the first one's. */
const tables = fc
  .record({ rows: fc.integer({ min: 2, max: 4 }), columns: fc.integer({ min: 2, max: 4 }) })
  .chain(({ rows, columns }) =>
    fc
      .array(fc.array(fc.integer({ min: 0, max: 20 }), { minLength: columns, maxLength: columns }), {
        minLength: rows,
        maxLength: rows,
      })
      .map((inner) => {
        const grid = inner.map((row) => [...row, row.reduce((a, b) => a + b, 0)])
        grid.push(grid[0]!.map((_, c) => grid.reduce((sum, row) => sum + row[c]!, 0)))
        const cells: Cell[] = grid.flatMap((row, r) =>
          row.map((v, c) => ({ key: `${r}.${c}`, value: BigInt(v), isSmall: v > 0 && v < 5 })),
        )
        const range = (n: number) => Array.from({ length: n }, (_, i) => i)
        const sums: Sum[] = [
          ...range(rows + 1).map((r) => ({ whole: `${r}.${columns}`, parts: range(columns).map((c) => `${r}.${c}`) })),
          ...range(columns + 1).map((c) => ({ whole: `${rows}.${c}`, parts: range(rows).map((r) => `${r}.${c}`) })),
        ]
        return { cells, sums }
      }),
  )

/** Another way to find out: whether the hidden cells can all be moved without breaking a sum, by floating elimination. */
function canMove(key: string, hidden: readonly string[], sums: readonly Sum[]): boolean {
  const matrix = sums.map(({ whole, parts }) => hidden.map((h) => (h === whole ? 1 : 0) - (parts.includes(h) ? 1 : 0)))
  const rank = (rows: number[][]) => {
    const m = rows.map((row) => [...row])
    let found = 0
    for (let c = 0; c < hidden.length; c++) {
      const pivot = m.findIndex((row, n) => n >= found && Math.abs(row[c]!) > 1e-9)
      if (pivot < 0) continue
      ;[m[found], m[pivot]] = [m[pivot]!, m[found]!]
      for (let n = found + 1; n < m.length; n++) {
        const times = m[n]![c]! / m[found]![c]!
        m[n] = m[n]!.map((v, i) => v - times * m[found]![i]!)
      }
      found++
    }
    return found
  }
  // It is fixed exactly when saying what it is adds nothing to the sums.
  return rank([...matrix, hidden.map((h) => (h === key ? 1 : 0))]) > rank(matrix)
}

t.test('no suppressed cell follows from what is published, whatever the table', async (t) => {
  let hiddenInAll = 0
  fc.assert(
    fc.property(tables, ({ cells, sums }) => {
      const hidden = suppressed(cells, sums)
      hiddenInAll += hidden.size
      if (!cells.every(({ key, isSmall }) => !isSmall || hidden.has(key))) return false
      return [...hidden].every((key) => canMove(key, [...hidden], sums))
    }),
    { numRuns: 300 },
  )
  t.ok(hiddenInAll > 500, `${hiddenInAll} cells were hidden`)
  const alone: Cell[] = [
    { key: 'a', value: 3n, isSmall: true },
    { key: 'b', value: 9n, isSmall: false },
    { key: 'c', value: 0n, isSmall: false },
    { key: 'sum', value: 12n, isSmall: false },
  ]
  t.same(
    [...suppressed(alone, [{ whole: 'sum', parts: ['a', 'b', 'c'] }])],
    ['a', 'b'],
    'rather than a zero or the sum',
  )
})
