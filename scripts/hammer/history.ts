import { parseChinaTime } from '../../src/core/time.js'
import { isReceipt, type Note, nameOf } from './notes.js'

/** A command as the log has it, with the note of the client who asked for it; without one the service itself did. */
export interface Line {
  readonly book: number
  readonly seq: number
  readonly entry: number | null
  readonly kind: string
  readonly day: string
  /** When it was booked, in milliseconds. */
  readonly moment: number
  /** Of its key, when it has one. */
  readonly id: string | null
  readonly subject: string | null
  readonly organisation: string | null
  // biome-ignore-start lint/suspicious/noExplicitAny: every kind of command has its own
  readonly body: any
  readonly event: any
  // biome-ignore-end lint/suspicious/noExplicitAny: see above
  /** The versions of other books that it was decided on. */
  readonly rests: Readonly<Record<string, number>>
  readonly note: Note | undefined
}

export const at = ({ book, seq, kind }: Line) => `book ${book} number ${seq} (${kind})`

/** One book in the order of its numbers: when each of its commands can have been decided, as its clients saw it. */
class Book {
  readonly lines: Line[] = []
  /** The earliest answer among the commands of this place and all later ones. */
  #answered: { at: number; line: Line | undefined }[] = []
  /** The latest sending among the commands up to this place. */
  #sent: { at: number; line: Line | undefined }[] = []

  finish(): void {
    const { lines } = this
    let latest: { at: number; line: Line | undefined } = { at: Number.NEGATIVE_INFINITY, line: undefined }
    this.#sent = lines.map((line) => {
      const sent = line.note?.sent ?? Number.NEGATIVE_INFINITY
      if (sent > latest.at) latest = { at: sent, line }
      return latest
    })
    let earliest: { at: number; line: Line | undefined } = { at: Number.POSITIVE_INFINITY, line: undefined }
    this.#answered = lines.toReversed().map((line) => {
      const answered = line.note?.answered ?? Number.POSITIVE_INFINITY
      if (answered < earliest.at) earliest = { at: answered, line }
      return earliest
    })
    this.#answered.reverse()
  }

  /** A command with a number above `seq` that was answered before this instant. */
  answeredBefore(instant: number, seq: number): Line | undefined {
    const first = this.#answered[seq]
    return first && first.at < instant ? first.line : undefined
  }

  /** A command with a number up to `seq` that was sent after this instant. */
  sentAfter(instant: number, seq: number): Line | undefined {
    const last = this.#sent[seq - 1]
    return last && last.at > instant ? last.line : undefined
  }
}

/**
 * Whether one order of all commands explains what every client saw: what was answered before another was sent comes
 * before it, in its own book and in those the other rests on; time does not run backwards. Says what contradicts it.
 */
export function* contradictionsIn(lines: readonly Line[], notes: readonly Note[]): Generator<string> {
  const books = new Map<number, Book>()
  for (const line of lines) {
    const book = books.get(line.book) ?? new Book()
    books.set(line.book, book)
    const last = book.lines.at(-1)
    if (last && line.moment < last.moment) yield `${at(line)} was booked before number ${last.seq}`
    book.lines.push(line)
  }
  for (const book of books.values()) book.finish()

  for (const line of lines) {
    if (!line.note) continue
    const { sent, answered } = line.note
    const later = books.get(line.book)!.answeredBefore(sent, line.seq)
    if (later) yield `${at(line)} was sent after ${at(later)} had been answered`
    for (const [other, version] of Object.entries(line.rests)) {
      const book = books.get(Number(other))
      const overlooked = book?.answeredBefore(sent, version)
      if (overlooked) yield `${at(line)} overlooks ${at(overlooked)}, which had been answered before it was sent`
      const foreseen = answered !== undefined && book?.sentAfter(answered, version)
      if (foreseen) yield `${at(line)} rests on ${at(foreseen)}, which was sent after it had been answered`
    }
  }
  yield* staleRefusals(lines, notes)
}

/** An order was in this state at most from when its command was sent to when the next one was answered. */
interface Spell {
  readonly state: string
  readonly from: number
  until: number
}

/** Refusals that rest on what was no longer so when they were asked for. */
function* staleRefusals(lines: readonly Line[], notes: readonly Note[]): Generator<string> {
  const spells = new Map<string, Spell[]>()
  const known = new Map<string, number>()
  for (const { kind, body, event, note } of lines) {
    const { sent = Number.NEGATIVE_INFINITY, answered = Number.POSITIVE_INFINITY } = note ?? {}
    const state = kind === 'lapse_order' ? 'lapsed' : event.state
    const orders: string[] = kind === 'mark_paid' ? event.orders : event.order ? [event.order] : []
    for (const order of orders) {
      const before = spells.get(order) ?? []
      const last = before.at(-1)
      if (last) last.until = Math.min(last.until, answered)
      before.push({ state, from: Math.max(sent, last?.from ?? sent), until: Number.POSITIVE_INFINITY })
      spells.set(order, before)
    }
    const made = kind === 'issue' ? event.voucher : kind === 'file_order' ? event.order : body.uscc
    if (['issue', 'file_order', 'register_enterprise', 'register_provider'].includes(kind)) known.set(made, answered)
  }
  for (const note of notes) {
    const { outcome, sent, answered, command } = note
    if (!outcome || isReceipt(outcome)) continue
    const { code, details = {} } = outcome
    const what = Object.values(details)[0]
    if (code.endsWith('_not_found') && known.get(String(what))! < sent) {
      yield `${nameOf(note)} was refused with ${code}, though it had been answered before that it is there`
    }
    const states = spells.get((command as { order?: string }).order ?? '')
    if (code !== 'state_conflict' || details.state === undefined || !states) continue
    const isPossible = states.some(
      ({ state, from, until }) => state === details.state && from <= answered! && sent <= until,
    )
    if (!isPossible) yield `${nameOf(note)} was refused as ${details.state}, which the order was not at that time`
  }
}

/** The entry a book had reached at a moment, by the log alone. */
export function entryAt(lines: readonly Line[], book: number, moment: string): number {
  const instant = parseChinaTime(moment)!
  let entry = 0
  for (const line of lines) {
    if (line.book === book && line.entry !== null && line.moment <= instant) entry = Math.max(entry, line.entry)
  }
  return entry
}
