import type { Actor } from '../core/actor.js'
import { bookText } from '../core/ids.js'
import { Refused } from '../core/refusals.js'
import { mayRead } from '../engine/access.js'
import { isOutage } from '../engine/outage.js'
import type { Services } from '../engine/route.js'
import type { Book } from '../ledger/book.js'
import { closePull, openPull, type Range } from './queries.js'

/** What a pull is of, before it is known whether it may be. */
interface Pull {
  readonly what: 'exportEntries' | 'pullLedger' | 'pullBook' | 'pullXml' | 'getTrialBalance' | 'drawSample'
  readonly actor: Actor
  readonly book: Book
  readonly asked: object
}

/** Puts pulls on record: every one before its first row is read, and every refused one, too. */
export function pullRecord({ sql, clock }: Pick<Services, 'sql' | 'clock'>) {
  /**
   * Finds what is asked for and puts it on record, as it was asked for or, with `asked`, as it was found to be; throws
   * Refused when it is refused, which is on record as well.
   */
  async function open<T extends { readonly range: Range; readonly asked?: object }>(
    pull: Pull,
    find: () => Promise<T>,
  ) {
    const record = (more: object) => openPull(sql, { ...pull, at: clock.now(), ...more })
    try {
      if (!mayRead(pull.actor, pull.book)) throw new Refused('not_your_jurisdiction', { book: bookText(pull.book) })
      const found = await find()
      const { range, asked = pull.asked } = found
      return { ...found, pull: await record({ range, asked }) }
    } catch (error) {
      if (error instanceof Refused) await record({ refused: error.refusal.refused })
      throw error
    }
  }

  /** Passes pages on, and says at the end how many rows were read and whether those were all. */
  async function* counted<T>(pull: number, pages: AsyncIterable<T>, rowsOf: (page: T) => number) {
    let rows = 0
    let isWhole = false
    try {
      for await (const page of pages) {
        rows += rowsOf(page)
        yield page
      }
      isWhole = true
    } finally {
      // A reader who is gone hears nothing; the record then says that the pull never ended.
      await closePull(sql, pull, rows, isWhole).catch((error: unknown) => {
        if (isWhole || !isOutage(error as object)) throw error
      })
    }
  }

  return { open, counted }
}

/** Tells a reader the number of the pull. */
export const numbered = (pull: number) => ({ 'clearing-pull': String(pull) })
