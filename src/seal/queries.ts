import { HASH_BYTES, type Hash, hashesOf, rootOfTile, TILE, type Tile } from '../core/merkle.js'
import type { Instant } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { Sql } from '../platform/database.js'

/** Commands `after + 1` to `until` of a book's log. */
export interface Stretch {
  readonly book: Book
  readonly after: number
  readonly until: number
}

/** What the log of a book was last sealed at. */
export interface Sealed {
  readonly book: Book
  readonly size: number
  readonly root: Hash
}

const columns = (stretches: readonly Stretch[]) =>
  [stretches.map(({ book }) => book), stretches.map(({ after }) => after), stretches.map(({ until }) => until)] as const

/** The hashes of leaves, as the log has them now, one after the other; a book without any is left out. */
export async function leafHashes(sql: Sql, stretches: readonly Stretch[]): Promise<ReadonlyMap<Book, Hash[]>> {
  const [books, after, until] = columns(stretches)
  const rows = await sql<{ book: Book; hashes: Buffer }[]>`
    select book, string_agg(sha256('\\x00'::bytea || convert_to(leaf, 'UTF8')), ''::bytea order by seq) as hashes
    from log_leaves(${books}::int[], ${after}::bigint[], ${until}::bigint[], false) group by book`
  return new Map(rows.map(({ book, hashes }) => [book, hashesOf(hashes)]))
}

/** A leaf with what stands beside it. */
export interface Leaf {
  readonly seq: number
  readonly leaf: string
  /** The entry, when it is too long to stand in the leaf. */
  readonly long: string | null
  /** What opens the leaf's commitment: SHA-256(salt ‖ content) is its `content`. */
  readonly salt: Buffer
  readonly content: string
}

/** The leaves of a stretch, in order. */
export function leavesOf(sql: Sql, { book, after, until }: Stretch): Promise<readonly Leaf[]> {
  return sql<Leaf[]>`
    select seq::float8 as seq, leaf, long, salt, content
    from log_leaves(${[book]}::int[], ${[after]}::bigint[], ${[until]}::bigint[], true) order by seq`
}

/** What is to be sealed of a log, with the root and the note of its last checkpoint; null when it has none. */
export interface Head extends Stretch {
  readonly root: Hash | null
  readonly note: string | null
}

/** The heads of books that have taken commands, with what they were last sealed at. */
export async function headsAndSeals(sql: Sql): Promise<Head[]> {
  const rows = await sql<{ book: Book; seq: bigint; size: bigint | null; root: Buffer | null; note: string | null }[]>`
    select b.book, b.seq, c.size, c.root, c.note
    from books b
    left join lateral (
      select size, root, note from log_checkpoints where book = b.book order by size desc limit 1
    ) c on true
    where b.seq > 0 or c.size > 0`
  return rows.map(({ book, seq, size, ...last }) => ({ book, after: Number(size ?? 0), until: Number(seq), ...last }))
}

/** A place among the tiles of a log. */
export interface TilePlace {
  readonly level: number
  readonly tile: number
}

const tileKey = ({ level, tile }: TilePlace) => `${level}/${tile}`

/** Full tiles of a log as they were sealed, by `level/tile`. */
export async function storedTiles(
  sql: Sql,
  book: Book,
  places: readonly TilePlace[],
): Promise<ReadonlyMap<string, Buffer>> {
  if (places.length === 0) return new Map()
  const rows = await sql<{ level: number; tile: bigint; hashes: Buffer }[]>`
    select t.level, t.tile, t.hashes
    from unnest(${places.map(({ level }) => level)}::int[], ${places.map(({ tile }) => tile)}::bigint[]) as k (level, tile)
    join log_tiles t on t.book = ${book} and t.level = k.level and t.tile = k.tile`
  return new Map(rows.map(({ level, tile, hashes }) => [tileKey({ level, tile: Number(tile) }), hashes]))
}

/** How many tiles are read at once to work out the hashes above them. */
const AT_ONCE = 64

/**
 * The first hashes of a tile: from the tile when it is full and kept, else from what is below it: the log itself at
 * level 0, full tiles above. Undefined when the log or the tiles do not reach so far.
 */
export async function tileHashes(
  sql: Sql,
  book: Book,
  { level, tile, width }: TilePlace & { readonly width: number },
): Promise<Buffer | undefined> {
  const kept = (await storedTiles(sql, book, [{ level, tile }])).get(tileKey({ level, tile }))
  if (kept) return kept.subarray(0, width * HASH_BYTES)
  const first = tile * TILE
  if (level === 0) {
    const found = (await leafHashes(sql, [{ book, after: first, until: first + width }])).get(book) ?? []
    return found.length === width ? Buffer.concat(found) : undefined
  }
  const roots: Hash[] = []
  for (let at = first; at < first + width; at += AT_ONCE) {
    const places = Array.from({ length: Math.min(AT_ONCE, first + width - at) }, (_, n) => ({
      level: level - 1,
      tile: at + n,
    }))
    const tiles = await storedTiles(sql, book, places)
    if (tiles.size < places.length) return undefined
    for (const place of places) roots.push(rootOfTile(tiles.get(tileKey(place))!))
  }
  return Buffer.concat(roots)
}

/** A checkpoint that was just signed, with what became full on the way to it. */
export interface NewSeal extends Sealed {
  readonly after: number
  readonly note: string
  readonly tiles: readonly Tile[]
}

/** Keeps checkpoints; fails with CV008 when somebody else has sealed one of these logs meanwhile. */
export async function keepSeals(sql: Sql, seals: readonly NewSeal[], day: string, moment: Instant): Promise<void> {
  const checkpoints = seals.map(({ book, after, size, root, note }) => ({
    book,
    after,
    size,
    root: root.toString('hex'),
    note,
  }))
  const tiles = seals.flatMap(({ book, tiles }) =>
    tiles.map(({ level, tile, hashes }) => ({ book, level, tile, hashes: hashes.toString('hex') })),
  )
  await sql`
    select seal_logs(${JSON.stringify(checkpoints)}::text::jsonb, ${JSON.stringify(tiles)}::text::jsonb, ${day}::date,
                     ${moment}::bigint)`
}

/** Gives these logs the salts that hide what their leaves commit to, where they have none. */
export async function openLogs(sql: Sql, salts: ReadonlyMap<Book, Buffer>): Promise<void> {
  await sql`select open_logs(${[...salts.keys()]}::int[], ${[...salts.values()].map((salt) => salt.toString('hex'))}::text[])`
}

/** The last checkpoint of a log, or its last one of at most this size. */
export async function checkpointOf(sql: Sql, book: Book, most?: number) {
  const [found] = await sql<{ size: bigint; root: Buffer; note: string }[]>`
    select size, root, note from log_checkpoints
    where book = ${book} and size <= ${most ?? Number.MAX_SAFE_INTEGER} order by size desc limit 1`
  return found && { ...found, size: Number(found.size) }
}

/** Checkpoints of a log after a size, in order. */
export async function checkpointsOf(sql: Sql, book: Book, after: number, limit: number) {
  return sql<{ size: number; root: Buffer; day: string; signedAt: Instant; note: string }[]>`
    select size::float8 as size, root, day, (extract(epoch from signed_at) * 1000)::float8 as "signedAt", note
    from log_checkpoints where book = ${book} and size > ${after} order by size limit ${limit}`
}
