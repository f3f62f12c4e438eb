import fc from 'fast-check'
import t from 'tap'
import {
  allDivisions,
  divisionName,
  isDivision,
  isJurisdiction,
  isProvince,
  isUnder,
  jurisdictions,
  level,
  parentOf,
  provinceNames,
  provinceOf,
  provinces,
} from '../../src/core/division.js'
import { isRatio, MAX_FEN, parseYuan, share, yuan } from '../../src/core/money.js'
import {
  addDays,
  chinaTime,
  dayOf,
  isDay,
  ManualClock,
  parseChinaTime,
  systemClock,
  yearOf,
} from '../../src/core/time.js'
import { isUscc, usccCheckCharacter } from '../../src/core/uscc.js'

const anyText = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[\d.,+eE -]{0,18}$/))

t.test('money', async (t) => {
  t.test('reads yuan with exactly two decimals and nothing else', async (t) => {
    const good: [string, bigint][] = [
      ['0.00', 0n],
      ['0.05', 5n],
      ['0.50', 50n],
      ['1200.00', 120_000n],
      ['10000000000000.00', MAX_FEN],
      ['99999999999999.99', 9_999_999_999_999_999n],
    ]
    for (const [text, fen] of good) t.equal(parseYuan(text), fen, text)
    const bad =
      '|0|1|1.0|1.000|.50|1.|01.00|00.00|-1.00|+1.00|1,000.00|1e3|1.00 | 1.00|1.00\n|１.00|100000000000000.00|NaN'
    for (const text of bad.split('|')) t.throws(() => parseYuan(text), RangeError, JSON.stringify(text))
    for (const value of [1, 1.5, null, undefined, ['1.00']]) {
      t.throws(() => parseYuan(value as unknown as string), RangeError, String(value))
    }
  })

  t.test('writes fen, also negative ones', async (t) => {
    const table: [bigint, string][] = [
      [0n, '0.00'],
      [5n, '0.05'],
      [-5n, '-0.05'],
      [-100n, '-1.00'],
      [-12_345n, '-123.45'],
      [120_000n, '1200.00'],
      [10n ** 30n + 1n, `${10n ** 28n}.01`],
    ]
    for (const [fen, text] of table) t.equal(yuan(fen), text)
  })

  t.test('reading undoes writing, and what is read is written the same', async () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 9_999_999_999_999_999n), (fen) => parseYuan(yuan(fen)) === fen),
      { numRuns: 500 },
    )
    fc.assert(
      fc.property(anyText, (text) => {
        let fen: bigint
        try {
          fen = parseYuan(text)
        } catch (error) {
          return error instanceof RangeError
        }
        return yuan(fen) === text
      }),
      { numRuns: 1000 },
    )
  })

  t.test('a ratio is above 0 and at most 1, with at most ten decimals', async (t) => {
    for (const text of ['0.333333', '0.5', '0.50', '1', '1.0', '1.0000000000', '0.0000000001'])
      t.ok(isRatio(text), text)
    const bad =
      '|0|0.0|0.0000000000|1.01|1.0000000001|2|00.5|.5|0.|-0.5|+0.5|5e-1|1/2|50%| 0.5|0.5\n|0.00000000001|Infinity'
    for (const text of bad.split('|')) t.notOk(isRatio(text), JSON.stringify(text))
    t.notOk(isRatio(0.5 as unknown as string))
  })

  t.test('a share is the exact product cut down to whole fen', async (t) => {
    t.equal(share('0.333333', 30_000n), 9_999n)
    t.equal(share('0.333333', 300_000_000n), 99_999_900n)
    t.equal(share('0.30', 333n), 99n)
    t.equal(share('0.5', 1n), 0n)
    t.equal(share('1', MAX_FEN), MAX_FEN)
    t.equal(share('0.9999999999', 10n ** 39n + 9n), 9_999_999_999n * 10n ** 29n + 8n, 'not rounded at 40 digits')
    t.throws(() => share('0.5', -1n), RangeError)
    t.throws(() => share('0.5', 10n ** 40n), RangeError)
    t.throws(() => share('1.5', 1n), RangeError)

    const ratio = fc.tuple(fc.bigInt(1n, 10n ** 10n), fc.integer({ min: 1, max: 10 })).map(([parts, places]) => {
      const unit = 10n ** BigInt(places)
      const part = ((parts - 1n) % unit) + 1n
      return part === unit ? '1' : `0.${part.toString().padStart(places, '0')}`
    })
    const amount = fc.oneof(fc.bigInt(0n, 10_000n), fc.bigInt(0n, MAX_FEN), fc.bigInt(0n, 10n ** 40n - 1n))
    fc.assert(
      fc.property(ratio, amount, (ratio, amount) => {
        const decimals = ratio.split('.')[1] ?? ''
        const unit = 10n ** BigInt(decimals.length)
        const exact = BigInt(ratio.replace('.', '')) * amount // in 1/unit fen
        const cut = share(ratio, amount)
        return cut * unit <= exact && exact < (cut + 1n) * unit && cut <= amount
      }),
      { numRuns: 2000 },
    )
  })
})

t.test('unified social credit codes', async (t) => {
  t.test('the codes of the policy facts', async (t) => {
    for (const code of ['91350100M000100Y43', '91110000101623741K', '91320114580471246H', '91320192MA1P4L7A79']) {
      t.ok(isUscc(code), code)
      t.equal(usccCheckCharacter(code.slice(0, 17)), code.slice(17))
    }
    t.notOk(isUscc('91310115MA1H8R7C6D'), 'wrong check character')
  })

  t.test('shape', async (t) => {
    const bad = [
      '',
      '91350100M000100Y4',
      '91350100M000100Y433',
      '91350100m000100y43',
      ' 91350100M000100Y43',
      '91350100M000100Y43\n',
      '91350100M000100O43', // O, I, S, V, Z are not of the alphabet
      '9135010ZM000100Y43',
      '９1350100M000100Y43',
    ]
    for (const text of bad) t.notOk(isUscc(text), JSON.stringify(text))
    t.notOk(isUscc(null as unknown as string))
    t.notOk(isUscc(`9135A100M000100Y4${usccCheckCharacter('9135A100M000100Y4')}`), 'a registering office is digits')
    for (const text of ['', '91350100M000100Y', '91350100M000100Y43', '91350100M000100O4']) {
      t.throws(() => usccCheckCharacter(text), RangeError, text)
    }
  })

  t.test('one wrong character, or two neighbours swapped, is always noticed', async () => {
    const alphabet = [...'0123456789ABCDEFGHJKLMNPQRTUWXY']
    const letter = fc.constantFrom(...alphabet)
    const code = fc
      .tuple(
        fc.string({ unit: letter, minLength: 2, maxLength: 2 }),
        fc.constantFrom(...jurisdictions.map(({ code }) => code)),
        fc.string({ unit: letter, minLength: 9, maxLength: 9 }),
      )
      .map((parts) => parts.join(''))
      .map((first) => first + usccCheckCharacter(first))
    fc.assert(fc.property(code, isUscc))
    fc.assert(
      fc.property(code, fc.nat(17), letter, (code, place, wrong) => {
        fc.pre(code[place] !== wrong)
        return !isUscc(code.slice(0, place) + wrong + code.slice(place + 1))
      }),
    )
    fc.assert(
      fc.property(code, fc.nat(15), (code, place) => {
        fc.pre(code[place] !== code[place + 1])
        return !isUscc(code.slice(0, place) + code[place + 1] + code[place] + code.slice(place + 2))
      }),
    )
  })
})

t.test('divisions', async (t) => {
  t.test('the list of books: four provinces, their cities, their counties', async (t) => {
    const of = (province: string) => jurisdictions.filter(({ code }) => provinceOf(code) === province)
    const count = (province: string) => {
      const levels = of(province).map(({ code }) => level(code))
      return ['province', 'city', 'county'].map((one) => levels.filter((level) => level === one).length)
    }
    t.same(count('310000'), [1, 0, 16])
    t.same(count('320000'), [1, 13, 95])
    t.same(count('330000'), [1, 11, 90])
    t.same(count('340000'), [1, 16, 104])
    t.equal(jurisdictions.length, 349)
    t.same(
      jurisdictions.map(({ code }) => code),
      [...new Set(jurisdictions.map(({ code }) => code))].sort(),
      'in order, none twice',
    )
    for (const { code, name } of jurisdictions) {
      const city = `${code.slice(0, 4)}00`
      const parent = level(code) === 'county' && provinceOf(code) !== '310000' ? city : provinceOf(code)
      if (!isJurisdiction(code) || !isJurisdiction(parent) || !name || name === '市辖区') t.fail(`${code} ${name}`)
    }
  })

  t.test('known, in force, named', async (t) => {
    const table: [code: string, name: string | undefined, inForce: boolean][] = [
      ['310000', '上海市', true],
      ['320509', '吴江区', true],
      ['331083', '玉环市', true],
      ['340503', '花山区', true],
      ['330383', '龙港市', true],
      ['310108', '闸北区', false],
      ['341400', '巢湖市', false],
      ['320584', '吴江市', false],
      ['330104', '江干区', false],
      ['310100', undefined, false], // pseudo city
      ['320576', undefined, false], // development zones
      ['340176', undefined, false],
      ['110000', undefined, false], // not of the region
      ['32050', undefined, false],
      ['', undefined, false],
    ]
    for (const [code, name, inForce] of table) {
      t.equal(divisionName(code), name, code)
      t.equal(isDivision(code), name !== undefined, code)
      t.equal(isJurisdiction(code), inForce, code)
    }
    for (const province of provinces) {
      t.ok(isProvince(province))
      t.equal(divisionName(province), provinceNames[province].zh)
    }
    t.notOk(isProvince('320500'))
    t.notOk(isProvince('110000'))
  })

  t.test('under: the leading digits of the jurisdiction’s level', async (t) => {
    const table: [division: string, jurisdiction: string, under: boolean][] = [
      ['320509', '320000', true],
      ['320509', '320500', true],
      ['320509', '320509', true],
      ['320509', '320505', false],
      ['320509', '320100', false],
      ['320509', '330000', false],
      ['320500', '320509', false],
      ['320000', '320500', false],
      ['310115', '310000', true],
      ['310108', '310000', true],
      ['110101', '310000', false],
    ]
    for (const [division, jurisdiction, under] of table) {
      t.equal(isUnder(division, jurisdiction), under, `${division} under ${jurisdiction}`)
    }
    for (const text of ['', '32', '3205090', '32050A', '320509\n']) {
      t.throws(() => isUnder(text, '320000'), RangeError)
      t.throws(() => isUnder('320000', text), RangeError)
      t.throws(() => provinceOf(text), RangeError)
      t.throws(() => level(text), RangeError)
    }

    const unit = fc.constantFrom(...jurisdictions.map(({ code }) => code))
    fc.assert(fc.property(unit, (code) => isUnder(code, code) && isUnder(code, provinceOf(code))))
    fc.assert(
      fc.property(unit, unit, unit, (a, b, c) => {
        const both = isUnder(a, b) && isUnder(b, a)
        return (!both || a === b) && (!(isUnder(a, b) && isUnder(b, c)) || isUnder(a, c))
      }),
    )
  })
})

t.test('time', async (t) => {
  const EARLIEST = Date.parse('1900-01-01T00:00:00+08:00')
  const LATEST = Date.parse('2999-12-31T23:59:59.999+08:00')
  const instant = fc.integer({ min: EARLIEST, max: LATEST })
  const day = instant.map(dayOf)

  t.test('the day changes at 16:00Z', async (t) => {
    t.equal(dayOf(Date.parse('2026-06-30T15:59:59.999Z')), '2026-06-30')
    t.equal(dayOf(Date.parse('2026-06-30T16:00:00.000Z')), '2026-07-01')
    t.equal(dayOf(Date.parse('2026-12-31T15:59:59.999Z')), '2026-12-31')
    t.equal(dayOf(Date.parse('2026-12-31T16:00:00.000Z')), '2027-01-01')
    t.equal(dayOf(Date.parse('1988-07-01T15:30:00Z')), '1988-07-01', 'no summer time in 1988')
    t.equal(dayOf(EARLIEST), '1900-01-01')
    t.equal(dayOf(LATEST), '2999-12-31')
    for (const wrong of [EARLIEST - 1, LATEST + 1, Number.NaN, 0.5, Number.POSITIVE_INFINITY]) {
      t.throws(() => dayOf(wrong), RangeError, String(wrong))
      t.throws(() => chinaTime(wrong), RangeError, String(wrong))
    }
  })

  t.test('the machine’s zone has no say', async (t) => {
    const words = () => [
      dayOf(Date.parse('2026-03-08T15:59:59.999Z')),
      dayOf(Date.parse('2026-03-08T16:00:00.000Z')),
      addDays('2026-03-07', 1), // New York's clocks go forward on the 8th
      addDays('2026-11-01', 1), // and back on 1 November
      isDay('2026-03-08'),
      parseChinaTime('2026-03-08T02:30:00+08:00'),
      chinaTime(0),
    ]
    const here = words()
    const zone = process.env.TZ
    process.env.TZ = 'America/New_York'
    try {
      t.equal(new Date(2026, 0, 1).getTimezoneOffset(), 300, 'the zone did change')
      t.same(words(), here)
    } finally {
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
    t.same(here.slice(0, 4), ['2026-03-08', '2026-03-09', '2026-03-08', '2026-11-02'])
  })

  t.test('days are real ones of 1900 to 2999', async (t) => {
    for (const text of ['1900-01-01', '2024-02-29', '2000-02-29', '2026-12-31', '2999-12-31']) t.ok(isDay(text), text)
    const bad =
      '|2026-02-29|1900-02-29|2100-02-29|2026-04-31|2026-00-10|2026-13-01|2026-01-00|2026-01-32|1899-12-31|3000-01-01|2026-1-5|20260105|2026-01-05T00:00:00Z|2026-01-05\n|+002026-01-05'
    for (const text of bad.split('|')) {
      t.notOk(isDay(text), text)
      t.throws(() => addDays(text, 1), RangeError, text)
      t.throws(() => yearOf(text), RangeError, text)
    }
    t.notOk(isDay(20260105 as unknown as string))
  })

  t.test('adding days', async (t) => {
    t.equal(addDays('2024-02-28', 1), '2024-02-29')
    t.equal(addDays('2026-01-01', 365), '2027-01-01')
    t.equal(addDays('2026-01-01', -1), '2025-12-31')
    t.equal(addDays('1900-01-01', 0), '1900-01-01')
    t.equal(yearOf('2026-12-31'), 2026)
    t.throws(() => addDays('2999-12-31', 1), RangeError)
    t.throws(() => addDays('1900-01-01', -1), RangeError)
    t.throws(() => addDays('2026-01-01', 0.5), RangeError)
    fc.assert(
      fc.property(instant, fc.integer({ min: -100_000, max: 100_000 }), (from, n) => {
        const to = from + n * 86_400_000
        fc.pre(to >= EARLIEST && to <= LATEST)
        const moved = addDays(dayOf(from), n)
        return moved === dayOf(to) && addDays(moved, -n) === dayOf(from) && Math.sign(n) === order(moved, dayOf(from))
      }),
    )
    fc.assert(fc.property(day, (day) => isDay(day) && yearOf(day) === Number(day.slice(0, 4))))
  })

  t.test('reads RFC 3339 at +08:00 only', async (t) => {
    const good: [string, string][] = [
      ['2026-01-05T09:00:00+08:00', '2026-01-05T01:00:00.000Z'],
      ['2026-01-01T00:00:00+08:00', '2025-12-31T16:00:00.000Z'],
      ['2026-01-05T23:59:59.9+08:00', '2026-01-05T15:59:59.900Z'],
      ['2026-01-05T23:59:59.999999999+08:00', '2026-01-05T15:59:59.999Z'],
      ['2024-02-29T12:00:00.0004+08:00', '2024-02-29T04:00:00.000Z'],
    ]
    for (const [text, utc] of good) t.equal(parseChinaTime(text), Date.parse(utc), text)
    const bad =
      '|2026-01-05|2026-01-05T09:00:00Z|2026-01-05T09:00:00+00:00|2026-01-05T09:00:00+0800|2026-01-05T09:00:00+08|2026-01-05T09:00:00+09:00|2026-01-05T09:00:00|2026-01-05 09:00:00+08:00|2026-01-05t09:00:00+08:00|2026-01-05T24:00:00+08:00|2026-01-05T23:60:00+08:00|2026-01-05T23:59:60+08:00|2026-02-29T09:00:00+08:00|2026-1-5T09:00:00+08:00|2026-01-05T09:00+08:00|2026-01-05T09:00:00.+08:00|2026-01-05T09:00:00.1234567890+08:00|1899-12-31T09:00:00+08:00|2026-01-05T09:00:00+08:00\n'
    for (const text of bad.split('|')) t.equal(parseChinaTime(text), undefined, text)
    t.equal(parseChinaTime(0 as unknown as string), undefined)
  })

  t.test('writes what it reads', async (t) => {
    t.equal(chinaTime(Date.parse('2026-01-05T01:00:00Z')), '2026-01-05T09:00:00+08:00')
    t.equal(chinaTime(Date.parse('2026-01-05T01:00:00.050Z')), '2026-01-05T09:00:00.050+08:00')
    fc.assert(
      fc.property(instant, (instant) => {
        const text = chinaTime(instant)
        return parseChinaTime(text) === instant && Date.parse(text) === instant && text.startsWith(`${dayOf(instant)}T`)
      }),
    )
  })

  t.test('clocks', async (t) => {
    const clock = new ManualClock(5)
    t.equal(clock.now(), 5)
    clock.set(3)
    t.equal(clock.now(), 3, 'it may be set back')
    t.throws(() => clock.set(0.5), RangeError)
    t.throws(() => new ManualClock(Number.NaN), RangeError)
    t.equal(clock.now(), 3)
    const before = Date.now()
    const now = systemClock.now()
    t.ok(before <= now && now <= Date.now())
  })
})

function order(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

t.test('the tree of divisions: everything lies in a unit that is there, up to its province', async (t) => {
  for (const { code } of allDivisions) {
    let top = code
    for (let upper = parentOf(code); upper !== null; upper = parentOf(upper)) {
      if (!isDivision(upper) || !isUnder(code, upper) || upper === top) t.fail(`${code} in ${upper}`)
      top = upper
    }
    if (!isProvince(top)) t.fail(`${code} ends at ${top}`)
  }
  t.equal(parentOf('320509'), '320500', '吴江区 in 苏州市')
  t.equal(parentOf('320500'), '320000', '苏州市 in 江苏省')
  t.equal(parentOf('310104'), '310000', '徐汇区 in 上海市, which is one city')
  t.equal(parentOf('340000'), null)
})
