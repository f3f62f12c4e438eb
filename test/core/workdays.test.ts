import elsewhere from 'chinese-days'
import fc from 'fast-check'
import t from 'tap'
import { addDays, type Day, yearOf } from '../../src/core/time.js'
import { addWorkdays, type HolidayNotice, isWorkday } from '../../src/core/workdays.js'
import { table } from '../support/table.js'

const nothing = () => null

t.test('the notices of 2024 to 2026 are those that others have, day by day', async (t) => {
  const wrong: Day[] = []
  for (let day = '2024-01-01'; day <= '2026-12-31'; day = addDays(day, 1)) {
    if (isWorkday(day, nothing) !== elsewhere.isWorkday(day)) wrong.push(day)
  }
  t.same(wrong, [])
})

t.test('over holidays, days made up for, and a year without a notice', async (t) => {
  for (const { from, n, to, provisional, why } of table(
    'from        n   to          provisional  why',
    `
     2026-03-02  1   2026-03-03  no   the day itself does not count
     2026-03-06  1   2026-03-09  no   over a weekend
     2026-02-13  1   2026-02-14  no   a Saturday that is worked before 春节
     2026-02-14  1   2026-02-24  no   over 春节
     2026-02-13  5   2026-02-27  no   made-up Saturday, 春节, four days after it
     2026-02-27  1   2026-02-28  no   a Saturday that is worked after it
     2026-09-30  1   2026-10-08  no   over 国庆
     2026-12-31  1   2027-01-04  yes  元旦 2027 is a Friday; whether a weekend is worked nobody knows yet
     2027-02-04  1   2027-02-09  yes  春节 2027 by the law alone: 除夕 to 初三
     2027-04-30  1   2027-05-03  yes  劳动节 by the law alone falls on a weekend
     2027-06-08  1   2027-06-10  yes  端午
     2027-09-30  1   2027-10-04  yes  国庆 by the law alone
    `,
  )) {
    t.same(addWorkdays(from, Number(n), nothing), { day: to, isProvisional: provisional === 'yes' }, `${from} ${why}`)
  }
})

t.test('a notice that is published replaces what the release knows or does not know', async (t) => {
  const notice: HolidayNotice = {
    year: 2027,
    document: '合成',
    off: ['2027-01-01', '2027-01-04'],
    work: ['2027-01-03'],
  }
  const published = (year: number) => (year === 2027 ? notice : null)
  t.same(addWorkdays('2026-12-31', 1, published), { day: '2027-01-03', isProvisional: false })
  t.same(addWorkdays('2027-01-03', 1, published), { day: '2027-01-05', isProvisional: false })
})

const anyDay = fc.integer({ min: 0, max: 3000 }).map((n) => addDays('2024-01-02', n))

t.test('between a day and its n-th workday lie n workdays, and it is one', async () => {
  fc.assert(
    fc.property(anyDay, fc.integer({ min: 1, max: 60 }), (from, n) => {
      const { day: to, isProvisional } = addWorkdays(from, n, nothing)
      let count = 0
      for (let day = addDays(from, 1); day <= to; day = addDays(day, 1)) if (isWorkday(day, nothing)) count++
      return (
        count === n && isWorkday(to, nothing) && isProvisional === yearOf(to) > 2026 && yearOf(to) - yearOf(from) < 2
      )
    }),
  )
})
