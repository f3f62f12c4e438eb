import { z } from 'zod'
import { Faults } from './problems.js'
import { count, uscc } from './wire.js'

const MOST = 100

/** The query of a list: how many at most, and where the last page ended. */
export const pageQuery = {
  limit: count(1, MOST).default(50),
  cursor: z.string().max(100, { error: 'out_of_range' }).optional(),
}

/** The query of a list that goes by organisations' codes: the cursor is the last one seen. */
export const byCode = { limit: pageQuery.limit, cursor: uscc.optional() }

/** A cursor names the last row seen by book and number; throws Faults when it is not one of ours. */
export function readCursor(cursor: string | undefined): { book: number; number: number } | undefined {
  if (cursor === undefined) return undefined
  const match = /^(\d{1,6})-(\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (!match) throw new Faults([{ pointer: '/query/cursor', code: 'cursor_invalid' }])
  return { book: Number(match[1]), number: Number(match[2]) }
}

export function writeCursor(book: number, number: number): string {
  return Buffer.from(`${book}-${number}`).toString('base64url')
}

/** One page of a list and the cursor of the next, when there is one. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable().meta({ description: 'Cursor of the next page' }) })

/** The address of the next page, as its Link header names it (RFC 8288). */
export function withCursor(url: string, cursor: string): string {
  const [path, query] = url.split('?')
  const asked = new URLSearchParams(query)
  asked.set('cursor', cursor)
  return `${path}?${asked}`
}

/** Cuts a page out of one row more than was asked for. */
export function cut<T>(rows: readonly T[], limit: number, cursorOf: (row: T) => string) {
  const items = rows.slice(0, limit)
  return { items, next: rows.length > limit ? cursorOf(items[items.length - 1]!) : null }
}
