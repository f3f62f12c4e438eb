import { parseCheckpoint, type Verifier, verifyCheckpoint } from '../core/checkpoint.js'
import type { ProvenTree } from './tree.js'

/** What two checkpoints of one log say about whoever signed them. */
export type Verdict =
  /** Both are signed, and no log can have both: whoever shows them proves that the past was changed. */
  | 'forked'
  /** One is the beginning of the other. */
  | 'consistent'
  /** One of them is not signed by this key under this name: it convicts nobody. */
  | 'not signed'
  /** Their sizes differ, and there are no tiles of the larger one that reach to the smaller. */
  | 'unknown'

/**
 * Holds two notes of one log against each other. `tree` is that of the larger one: its tiles lead to the root that was
 * signed, so what they come to at the smaller size was signed as well.
 */
export function convict(one: string, other: string, verifier: Verifier, tree?: ProvenTree): Verdict {
  const [a, b] = [verifyCheckpoint(one, verifier), verifyCheckpoint(other, verifier)]
  if (!a || !b) return 'not signed'
  if (a.size === b.size) return a.root.equals(b.root) ? 'consistent' : 'forked'
  const [older, newer] = a.size < b.size ? [a, b] : [b, a]
  if (tree?.size !== newer.size || !tree.root.equals(newer.root)) return 'unknown'
  return tree.rootAt(older.size).equals(older.root) ? 'consistent' : 'forked'
}

/** The size of a note, for a file's name. */
export const sizeOf = (note: string): number => parseCheckpoint(note)?.size ?? 0
