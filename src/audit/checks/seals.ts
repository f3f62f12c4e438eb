import { parseCheckpoint, saysSignedBy, type Verifier, verifyCheckpoint } from '../../core/checkpoint.js'
import { GrowingTree, HASH_BYTES, type Hash, TILE, type Tile } from '../../core/merkle.js'
import type { Book } from '../../ledger/book.js'
import type { Sql } from '../../platform/database.js'
import type { SealKey } from '../../seal/key.js'
import { leafHashes, storedTiles } from '../../seal/queries.js'
import { differ, place, said } from '../finding.js'

/** Leaves that are worked out in one query. */
const AT_ONCE = 16 * TILE

interface Kept {
  readonly size: number
  readonly root: Hash
  readonly note: string
}

/**
 * Every leaf is worked out from the tables again, and held against the tiles and checkpoints that were sealed; with a
 * key signatures are verified, too.
 */
export async function seals(sql: Sql, key?: Pick<SealKey, 'verifier'>): Promise<string | undefined> {
  const books = await sql<{ book: Book; seq: number; tiles: number }[]>`
    select k.book, coalesce(b.seq, 0)::float8 as seq,
           (select count(*) from log_tiles t where t.book = k.book)::int as tiles
    from (select book from log_checkpoints union select book from log_tiles) k left join books b on b.book = k.book
    order by k.book`
  for (const { book, seq, tiles } of books) {
    const kept = await sql<Kept[]>`
      select size::float8 as size, root, note from log_checkpoints where book = ${book} order by size`
    const finding = await contradiction(sql, book, seq, kept, tiles, key?.verifier(book))
    if (finding) return finding
  }
  return undefined
}

async function contradiction(
  sql: Sql,
  book: Book,
  head: number,
  kept: readonly Kept[],
  tiles: number,
  verifier: Verifier | undefined,
): Promise<string | undefined> {
  const size = kept.at(-1)?.size ?? 0
  if (head < size) return differ(place(book), 'the last command 末号指令', head, 'the log was sealed up to', size)
  const forged = kept.find(({ note, size, root }) => {
    const said = parseCheckpoint(note)
    return said?.size !== size || !said.root.equals(root)
  })
  if (forged) return said(place(book), `the note of checkpoint ${forged.size} is another one`, '检查点签名原文不符')
  const unsigned = verifier && notSigned(kept, verifier)
  if (unsigned) {
    return said(place(book), `checkpoint ${unsigned.size} is not signed by ${verifier.name}`, '检查点签名无效')
  }
  const tree = new GrowingTree()
  const waiting = [...kept]
  let known = 0
  let sealed = 0
  for (let after = 0; after < size; after += AT_ONCE) {
    const leaves = (await leafHashes(sql, [{ book, after, until: Math.min(size, after + AT_ONCE) }])).get(book) ?? []
    let off: Kept | undefined
    for (const leaf of leaves) {
      tree.add(leaf)
      if (tree.size !== waiting[0]?.size) continue
      const checkpoint = waiting.shift()!
      if (tree.root.equals(checkpoint.root)) known = checkpoint.size
      else off ??= checkpoint
    }
    const full = tree.takeFull()
    sealed += full.length
    const finding = await otherTile(sql, book, full)
    if (finding) return finding
    if (off) {
      const where = place(book, { seq: `${known + 1}–${off.size}` })
      return said(where, `not what checkpoint ${off.size} covers`, '与已签名检查点不符')
    }
  }
  return tiles === sealed
    ? undefined
    : differ(place(book), 'full tiles 分块数', tiles, 'those of its last checkpoint', sealed)
}

/**
 * The first checkpoint that a key should have signed and has not: each that says so, and each after one that it has
 * signed. Those before were signed under a key or a name that is no longer used.
 */
function notSigned(kept: readonly Kept[], verifier: Verifier): Kept | undefined {
  let isInUse = false
  return kept.find(({ note }) => {
    const isSigned = verifyCheckpoint(note, verifier) !== undefined
    isInUse ||= isSigned
    return !isSigned && (isInUse || saysSignedBy(note, verifier))
  })
}

/** A sentence about the first of these tiles that is not the one that was sealed. */
async function otherTile(sql: Sql, book: Book, tiles: readonly Tile[]): Promise<string | undefined> {
  const stored = await storedTiles(sql, book, tiles)
  for (const { level, tile, hashes } of tiles) {
    const kept = stored.get(`${level}/${tile}`)
    if (!kept) return said(place(book), `tile ${level}/${tile} is missing`, '分块缺失')
    if (kept.equals(hashes)) continue
    if (level > 0) return said(place(book), `tile ${level}/${tile} is not over those below it`, '分块与下层不符')
    let n = 0
    while (kept.subarray(n, n + HASH_BYTES).equals(hashes.subarray(n, n + HASH_BYTES))) n += HASH_BYTES
    const where = place(book, { seq: tile * TILE + n / HASH_BYTES + 1 })
    return said(where, 'is not the one that was sealed', '与封存不符')
  }
  return undefined
}
