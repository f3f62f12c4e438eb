/** Which close takes a row of the roll-ups, and the figures that are worked out of others. */
import fc from 'fast-check'
import t from 'tap'
import { type Closed, change, quantile, windowsOf, yearBefore } from '../../src/settlement-reports/rules.js'

t.test('every row belongs to the first close that is for its day and was not passed', async () => {
  const day = fc.integer({ min: 1, max: 9 }).map((n) => `2026-01-0${n}`)
  const closes = fc
    .array(fc.record({ through: day, group: fc.constantFrom('region', 'G') }), { minLength: 1, maxLength: 6 })
    .map((all) => all.map((one, n): Closed => ({ ...one, period: `P${n}`, closing: 10 * (n + 1) })))
  fc.assert(
    fc.property(closes, day, fc.nat(6), (all, dated, at) => {
      // The last close that was for its day and did not reach it.
      const passed = all.filter(({ closing, through }) => closing <= 10 * at && through >= dated).at(-1)?.closing ?? 0
      for (const group of ['region', 'G']) {
        const wanted = all.find((one) => one.group === group && one.closing > passed && one.through >= dated)?.period
        const found = all.filter(
          (one) =>
            one.group === group &&
            windowsOf(
              one,
              all,
              [...new Set([passed])].filter((n) => n > 0),
            ).some((w) => w.passed === passed && dated > w.after && dated <= w.through),
        )
        if (found.map(({ period }) => period).join() !== (wanted ?? '')) return false
      }
      return true
    }),
    { numRuns: 2000 },
  )
})

t.test('change, quantiles, the day a year before', async (t) => {
  t.equal(change(150n, 100n), '50.00')
  t.equal(change(1n, 3n), '-66.67')
  t.equal(change(0n, 3n), '-100.00')
  t.equal(change(3n, 0n), null)
  t.equal(change(20_001n, 20_000n), '0.01', 'half up')
  t.equal(quantile([], 50), null)
  t.equal(quantile([{ days: 3, orders: 1 }], 90), 3)
  const days = [
    { days: 1, orders: 5 },
    { days: 4, orders: 4 },
    { days: 9, orders: 1 },
  ]
  t.same(
    [50, 51, 90, 91].map((percent) => quantile(days, percent)),
    [1, 4, 4, 9],
  )
  t.equal(yearBefore('2028-02-29'), '2027-02-28')
  t.equal(yearBefore('2026-03-31'), '2025-03-31')
})
