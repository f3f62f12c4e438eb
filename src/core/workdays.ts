import seeds from '../../db/seeds/workdays.json' with { type: 'json' }
import { addDays, type Day, daysSinceEpoch, yearOf } from './time.js'

/** What the State Council's yearly notice 国务院办公厅关于部分节假日安排的通知 says of one year. */
export interface HolidayNotice {
  readonly year: number
  /** 文号 */
  readonly document: string
  /** Days off 放假, weekends among them. */
  readonly off: readonly Day[]
  /** Weekend days that are worked 调休上班. */
  readonly work: readonly Day[]
}

/** The notice that has been published to the service for a year; null when there is none. */
export type Notices = (year: number) => HolidayNotice | null

/** Notices of this release: 国办发明电〔2023〕7号, 〔2024〕12号, 〔2025〕7号. Never extended: later ones are published by command. */
const known = new Map<number, HolidayNotice>(seeds.notices.map((notice) => [notice.year, notice]))

/** The legal holidays of 《全国年节及纪念日放假办法》 (国务院令第795号) by year, 除夕 and 农历 days as they fall. */
const legal: Readonly<Record<string, readonly Day[]>> = seeds.legal

/** The notice of a year: as it was published to the service, else as this release knows it. */
export function noticeOf(year: number, published: Notices): HolidayNotice | null {
  return published(year) ?? known.get(year) ?? null
}

/**
 * Whether a day is a workday 工作日. In a year without a notice weekends and the legal holidays are off, and nothing is
 * made up for.
 */
export function isWorkday(day: Day, published: Notices): boolean {
  const notice = noticeOf(yearOf(day), published)
  if (notice) return notice.work.includes(day) || !(notice.off.includes(day) || isWeekend(day))
  return !isWeekend(day) && !legal[yearOf(day)]?.includes(day)
}

/** A day that was counted in workdays. */
export interface Counted {
  readonly day: Day
  /** Whether a day of a year without a notice was counted: the notice, once published, may move such days. */
  readonly isProvisional: boolean
}

/** The n-th workday after a day, which itself is not counted (《民法典》第二百零一条). */
export function addWorkdays(day: Day, n: number, published: Notices): Counted {
  let [at, left] = [day, n]
  while (left > 0) {
    at = addDays(at, 1)
    if (isWorkday(at, published)) left--
  }
  return { day: at, isProvisional: [day, at].some((one) => noticeOf(yearOf(one), published) === null) }
}

/** 1970-01-01 was a Thursday. */
const isWeekend = (day: Day) => [2, 3].includes(((daysSinceEpoch(day) % 7) + 7) % 7)
