import type { Sql } from '../platform/database.js'
import type { Book } from './book.js'

/** Something a decision rests on: plain values, with the book whose head covers it. */
export interface Fact {
  readonly book: Book
}

/** A kind of fact: how it is named, where it lives, and how many of them are read in one set query. */
export interface FactKind<T extends Fact> {
  /** Also the name of its rows in `record`, where `put_<name>` writes them. */
  readonly name: string
  /** Only counts what the log says anyway: the audit trail leaves it out. */
  readonly isCounter?: true
  key(value: T): string
  /** The book of a key; undefined when the key cannot name anything. */
  bookOf(key: string): Book | undefined
  load(sql: Sql, keys: readonly string[]): Promise<T[]>
}

/**
 * Reads a fact by key; null when there is none. What is not known yet is asked for and the reading starts over,
 * so a `facts` function reads top to bottom and touches nothing but `find`.
 */
export interface Find {
  <T extends Fact>(kind: FactKind<T>, key: string): T | null
  /** Names facts that will be wanted, so that they are read together. */
  ahead(...wanted: readonly (readonly [FactKind<Fact>, string])[]): void
  /** Who holds a region-wide key. */
  holder(key: string): { readonly book: Book; readonly holder: string } | null
  /** The head of every book that has taken a command. */
  heads(): ReadonlyMap<Book, number>
}
