import fc from 'fast-check'
import t from 'tap'
import seeds from '../../db/seeds/government-chart.json' with { type: 'json' }
import { accountKinds } from '../../src/ledger/chart.js'
import { chartOf, readCharts } from '../../src/pulls/government-chart.js'
import { quotasOf } from '../../src/pulls/rules.js'

t.test('the government chart maps every kind of account once, and nothing else', async (t) => {
  const [region] = seeds.charts
  const { subjects } = region!
  t.same(
    chartOf(320509)
      .subjects.map(({ kind }) => kind)
      .sort(),
    Object.keys(accountKinds).sort(),
  )
  const changed = (list: typeof subjects) => ({
    charts: [{ ...region!, subjects: list }],
  })
  t.throws(() => readCharts(changed(subjects.slice(1))), /appropriation is mapped 0 times/)
  t.throws(
    () => readCharts(changed([...subjects, { kind: 'cash', code: '1001', name: '库存现金' }])),
    /no account kind cash/,
  )
  t.throws(() => readCharts(changed([...subjects, { ...subjects[0]!, code: '1002' }])), /mapped 2 times/)
  t.throws(() => readCharts(changed([{ ...subjects[0]!, code: '10x' }, ...subjects.slice(1)])), /10x is no code/)
  t.throws(() => readCharts(changed([{ ...subjects[0]!, code: subjects[1]!.code }, ...subjects.slice(1)])), /twice/)
})

t.test('a book has the chart of its own jurisdiction, else of the nearest above', async (t) => {
  const [region] = seeds.charts
  const all = readCharts({
    charts: ['000000', '320000', '320500'].map((jurisdiction) => ({ ...region!, jurisdiction })),
  })
  const of = (book: number) => chartOf(book, all).jurisdiction
  t.same([320509, 320500, 320100, 310000, 0].map(of), ['320500', '320500', '320000', '000000', '000000'])
})

t.test(
  'quotas of strata: as many as wanted, none more than there are, one of each while there are enough',
  async (t) => {
    const sizes = fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 800 }), (given, wanted) => {
        const quotas = quotasOf(given, wanted)
        const sum = (list: readonly number[]) => list.reduce((a, b) => a + b, 0)
        t.equal(sum(quotas), Math.min(wanted, sum(given)))
        return quotas.every((q, n) => q >= 0 && q <= given[n]! && (wanted < given.length || q >= 1))
      }),
      { numRuns: 200 },
    )
    t.same(quotasOf([90, 10], 10), [9, 1])
    t.same(quotasOf([99, 1], 10), [9, 1], 'the small one is not forgotten')
  },
)
