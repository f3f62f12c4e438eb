import t from 'tap'
import {
  allDivisions,
  isDivision,
  isReach,
  isUnder,
  isWithin,
  jurisdictions,
  localityOf,
  reachesOver,
  zones,
} from '../../src/core/division.js'
import { table } from '../support/table.js'

t.test('zones name units that are in force', async (t) => {
  const units = new Map(allDivisions.map((unit) => [unit.code, unit]))
  for (const { zone, members, from } of zones) {
    t.ok(members.length > 1 && new Set(members).size === members.length, zone)
    t.match(from, /^\d{4}-\d{2}-\d{2}$/)
    t.ok(new Set(members.map((code) => code.slice(0, 2))).size > 1, `${zone} lies in several provinces`)
    for (const code of members) t.ok(units.has(code) && !units.get(code)!.abolishedOn, `${zone} ${code}`)
  }
})

t.test('abolished units: a successor is in force, and a day of making is that of an unmaking', async (t) => {
  const units = new Map(allDivisions.map((unit) => [unit.code, unit]))
  for (const { code, now, abolishedOn, validFrom } of allDivisions) {
    if (now) t.ok(abolishedOn && units.has(now) && !units.get(now)!.abolishedOn, `${code} → ${now}`)
    if (!validFrom) continue
    const before = allDivisions.filter((unit) => unit.now === code)
    t.ok(before.length > 0 && before.every((unit) => unit.abolishedOn === validFrom), `${code} from ${validFrom}`)
  }
  t.ok(isDivision('320584'), 'who is registered under one stays registered')
  t.ok(isUnder('320584', '320500') && isUnder('320584', '320000'), 'its digits say its city and its province')
  t.notOk(isUnder('320584', '320509'), 'and only its digits count for a jurisdiction')
})

t.test('within a reach', async (t) => {
  for (const { division, reach, within } of table(
    'division reach within',
    `
    320509  YRD-DEMO  yes
    320584  YRD-DEMO  yes
    320500  YRD-DEMO  no
    310118  YRD-DEMO  yes
    310118  G60       no
    310117  G60       yes
    341802  G60       yes
    341400  G60       no
    341402  G60       yes
    340823  G60       no
    320584  320500    yes
    320584  320509    no
  `,
  )) {
    t.equal(isWithin(division, reach), within === 'yes', `${division} ${reach}`)
  }
  t.ok(isReach('G60') && isReach('320509'))
  t.notOk(isReach('320584') || isReach('g60') || isReach(''))
  t.throws(() => isWithin('320509', 'nowhere'), RangeError)
})

t.test('locality, seen from another place', async (t) => {
  for (const { place, from, locality } of table(
    'place from locality',
    `
    320509  320509  same_city
    320506  320509  same_city
    320584  320509  same_city
    320102  320509  same_province
    320000  320509  same_province
    310104  320509  other_province
    310230  310104  same_city
    310000  310104  same_city
  `,
  )) {
    t.equal(localityOf(place, from), locality, `${place} from ${from}`)
  }
})

t.test('a jurisdiction lies within itself, what is above it, and its zones', async (t) => {
  t.same(reachesOver('320509'), ['320000', '320500', '320509', 'YRD-DEMO', 'G60'])
  t.same(reachesOver('320508'), ['320000', '320500', '320508', 'G60'])
  t.same(reachesOver('320500'), ['320000', '320500', 'G60'])
  t.same(reachesOver('340000'), ['340000'])
  for (const { code } of jurisdictions)
    t.ok(
      reachesOver(code).every((reach) => isWithin(code, reach)),
      code,
    )
})
