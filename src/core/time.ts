/** A calendar day in Asia/Shanghai, YYYY-MM-DD, years 1900 to 2999. Days compare as texts. */
export type Day = string

/** A moment: whole milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number

/** Where the service reads the time: once for each command (design §3). */
export interface Clock {
  /** The present moment. */
  now(): Instant
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** How a process waits: by a steady time of its own that nobody sets, in milliseconds. */
export interface Timer {
  now(): number
  sleep(milliseconds: number): Promise<void>
  /** Resolves when everything that has arrived by now has been taken in. */
  turn(): Promise<void>
}

/** A moment as JavaScript's own Date, for libraries that ask for one. */
export const dateOf = (instant: Instant): Date => new Date(instant)

/** The process's own timer. */
export const systemTimer: Timer = {
  now: () => performance.now(),
  sleep: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}

/** A clock that stands still until it is set, forwards or backwards: for rehearsals and tests. */
export class ManualClock implements Clock {
  #instant: Instant

  /** Starts at the given moment. Throws RangeError when it is not whole milliseconds. */
  constructor(instant: Instant) {
    this.#instant = whole(instant)
  }

  /** The moment it was last set to. */
  now(): Instant {
    return this.#instant
  }

  /** Moves to the given moment. Throws RangeError when it is not whole milliseconds. */
  set(instant: Instant): void {
    this.#instant = whole(instant)
  }
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
// China has one time, eight hours ahead of UTC. Summer time (1986–1991) and local mean time (before 1901) are left out
// on purpose: a day of this service is always 24 hours and never depends on the machine's zone or its zone tables.
const OFFSET = 8 * HOUR

const dayText = /^(19|2\d)\d{2}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/
const instantText = /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?\+08:00$/

/** Whether a text is a day: a real calendar day, YYYY-MM-DD, of the years 1900 to 2999. */
export function isDay(text: string): boolean {
  if (typeof text !== 'string' || !dayText.test(text)) return false
  return new Date(utc(text)).toISOString().startsWith(text)
}

/** The day of a moment at +08:00. Throws RangeError outside the years 1900 to 2999 or when not whole milliseconds. */
export function dayOf(instant: Instant): Day {
  // Asked for every command, and mostly of the same day.
  if (instant >= lately.from && instant < lately.from + DAY && Number.isSafeInteger(instant)) return lately.day
  const day = local(instant).slice(0, 10)
  lately = { from: utc(day) - OFFSET, day }
  return day
}

let lately: { readonly from: Instant; readonly day: Day } = { from: Number.NaN, day: '' }

/** The year of a day, as a number. Throws RangeError when the text is not a day. */
export function yearOf(day: Day): number {
  return Number(real(day).slice(0, 4))
}

const epochDays = new Map<Day, number>()

/** A day as the number of days since 1970-01-01, for the database. Throws RangeError when the text is not a day. */
export function daysSinceEpoch(day: Day): number {
  let days = epochDays.get(day)
  if (days === undefined) {
    days = utc(real(day)) / DAY
    // The business of a service falls on few days; a test may go through many.
    if (epochDays.size > 1000) epochDays.clear()
    epochDays.set(day, days)
  }
  return days
}

/**
 * The day `n` days later (earlier when negative). Throws RangeError when `day` is not a day, `n` is not a whole number,
 * or the result leaves the years 1900 to 2999.
 */
export function addDays(day: Day, n: number): Day {
  if (!Number.isSafeInteger(n)) throw new RangeError(`Not a whole number of days: ${n}`)
  return dayOf(utc(real(day)) + n * DAY - OFFSET)
}

/**
 * Reads an RFC 3339 moment written in China's time: `2026-01-05T09:00:00+08:00`, upper-case T, offset +08:00 and no
 * other, a real day of 1900 to 2999, hours 00–23, seconds 00–59, one to nine decimals if any, of which those beyond
 * milliseconds are cut off. Returns undefined for any other text.
 */
export function parseChinaTime(text: string): Instant | undefined {
  const parts = typeof text === 'string' ? instantText.exec(text) : null
  if (parts === null) return undefined
  const [, day = '', hour, minute, second, fraction = ''] = parts
  if (!isDay(day)) return undefined
  const ofDay = Number(hour) * HOUR + Number(minute) * 60_000 + Number(second) * 1000
  return utc(day) + ofDay + Number(fraction.padEnd(3, '0').slice(0, 3)) - OFFSET
}

/**
 * Writes a moment as RFC 3339 at +08:00, with milliseconds only when they are not zero. parseChinaTime reads it back.
 * Throws RangeError outside the years 1900 to 2999 or when not whole milliseconds.
 */
export function chinaTime(instant: Instant): string {
  return `${local(instant)
    .slice(0, -1)
    .replace(/\.000$/, '')}+08:00`
}

/** Midnight UTC of a text shaped like a day. */
function utc(day: Day): Instant {
  return Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)) - 1, Number(day.slice(8, 10)))
}

const EARLIEST = utc('1900-01-01') - OFFSET
const END = utc('3000-01-01') - OFFSET

/** ISO text of the wall clock in China, with a Z that is not meant. */
function local(instant: Instant): string {
  if (whole(instant) < EARLIEST || instant >= END) throw new RangeError(`Outside the years 1900 to 2999: ${instant}`)
  return new Date(instant + OFFSET).toISOString()
}

function real(day: Day): Day {
  if (!isDay(day)) throw new RangeError(`Not a day: ${JSON.stringify(day)}`)
  return day
}

function whole(instant: Instant): Instant {
  if (!Number.isSafeInteger(instant)) throw new RangeError(`Not whole milliseconds: ${instant}`)
  return instant
}
