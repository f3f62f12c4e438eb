import { type Hash, joined, nodesOf, type Range, rootOfTile, tileOfNode } from '../core/merkle.js'
import type { Book } from '../ledger/book.js'
import type { Sql } from '../platform/database.js'
import { tileHashes } from './queries.js'

/** The hash over each of these ranges of a log's leaves, worked out from its tiles. Throws beyond what was sealed. */
export async function hashesOver(sql: Sql, book: Book, ranges: readonly Range[]): Promise<Hash[]> {
  const hashes: Hash[] = []
  for (const range of ranges) {
    const parts: Hash[] = []
    for (const node of nodesOf(range)) {
      const { level, tile, from, count } = tileOfNode(node)
      const found = await tileHashes(sql, book, { level, tile, width: from + count })
      if (found === undefined) throw new Error(`book ${book} has no tile ${level}/${tile} of ${from + count}`)
      parts.push(rootOfTile(found, from, count))
    }
    hashes.push(joined(parts))
  }
  return hashes
}
