import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseCheckpoint, verifierText, verifyCheckpoint } from '../core/checkpoint.js'
import { bookText } from '../core/ids.js'
import { edgeOf, TILE } from '../core/merkle.js'
import { type Fen, yuan } from '../core/money.js'
import { bundleOf, tilePath } from '../core/tlog.js'
import type { Book } from '../ledger/book.js'
import { accountKind } from '../ledger/chart.js'
import type { Sql } from '../platform/database.js'
import type { SealKey } from './key.js'
import { type Balances, type BundleManifest, files } from './manifest.js'
import { checkpointOf, checkpointsOf, leavesOf, type TilePlace, tileHashes } from './queries.js'
import { bundleReadme } from './readme.js'
import { widthOf } from './tree.js'

/** What an auditor asks for. */
export interface Wanted {
  readonly book: Book
  readonly from: number
  /** Up to the last sealed command when left out. */
  readonly to?: number | undefined
  /** Also what leaves only commit to: who asked, what, and what came of it. */
  readonly isOpened: boolean
  /** Sizes of checkpoints that the bundle will be held against, beside those that it has. */
  readonly against?: readonly number[]
}

/** Something about a bundle that a person must put right. */
export class BundleError extends Error {}

/** Tiles of entries that are read in one query. */
const AT_ONCE = 8
const MOST_CHECKPOINTS = 1_000_000

/** Writes an auditor's bundle into a new folder; returns what it is. Throws BundleError when the log does not reach so far. */
export async function writeBundle(
  sql: Sql,
  folder: string,
  { book, from, to, isOpened, against = [] }: Wanted,
  key: SealKey | undefined,
): Promise<BundleManifest> {
  const head = await checkpointOf(sql, book)
  if (!head) throw new BundleError(`Book ${bookText(book)} has no signed checkpoint yet. 该账套尚无签名检查点。`)
  const { size, note } = head
  const { origin } = parseCheckpoint(note)!
  // Of older keys and names there may be checkpoints, too: whoever has only this key cannot verify them.
  const isOwn = (one: string) =>
    key ? verifyCheckpoint(one, key.verifier(book)) !== undefined : parseCheckpoint(one)?.origin === origin
  if (!isOwn(note)) {
    throw new BundleError(
      `The last checkpoint is not signed with this key as ${key!.verifier(book).name}: it is, a second after a start with it. 最新检查点非由该密钥签名，请先以该密钥启动服务。`,
    )
  }
  const last = to ?? size
  if (from < 1 || from > last || last > size) {
    throw new BundleError(`Commands 1 to ${size} are sealed, not ${from} to ${last}. 已封存 1 至 ${size}。`)
  }
  const tiles = { first: Math.floor((from - 1) / TILE), last: Math.floor((last - 1) / TILE) }
  const first = tiles.first * TILE + 1
  const write = async (path: string, content: string | Buffer) => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), content, { flag: 'wx' })
  }
  await write(files.checkpoint, note)
  if (key) await write(files.verifier, `${verifierText(key.verifier(book))}\n`)
  const older = (await checkpointsOf(sql, book, 0, MOST_CHECKPOINTS)).filter(
    (one) => one.size < size && isOwn(one.note),
  )
  for (const one of older) await write(`${files.checkpoints}/${one.size}`, one.note)
  const edges = [...older.map((one) => one.size), ...against.filter((one) => one < size)]
  for (const place of tilesFor(size, tiles, edges)) {
    const hashes = await tileHashes(sql, book, place)
    if (!hashes)
      throw new BundleError(`Tile ${tilePath(place)} is missing: run ledger:verify. 分块缺失，请运行 ledger:verify。`)
    await write(tilePath(place), hashes)
  }
  for (let tile = tiles.first; tile <= tiles.last; tile += AT_ONCE) {
    const end = Math.min(last, (tile + AT_ONCE) * TILE)
    const leaves = await leavesOf(sql, { book, after: tile * TILE, until: end })
    for (let at = 0; at < leaves.length; at += TILE) {
      const part = leaves.slice(at, at + TILE).map(({ leaf }) => Buffer.from(leaf))
      await write(tilePath({ level: 'entries', tile: tile + at / TILE, width: part.length }), bundleOf(part))
    }
    for (const { seq, long } of leaves) if (long !== null) await write(`${files.long}/${seq}.json`, long)
    if (isOpened) {
      const lines = leaves.map(({ seq, salt, content }) =>
        JSON.stringify({ seq, salt: salt.toString('base64'), content }),
      )
      await writeFile(join(folder, files.openings), `${lines.join('\n')}\n`, { flag: 'a' })
    }
  }
  const manifest: BundleManifest = {
    format: 1,
    book: bookText(book),
    log: origin,
    from: first,
    to: last,
    size,
    opening: await balancesAt(sql, book, first - 1),
    closing: await balancesAt(sql, book, last),
  }
  await write(files.manifest, `${JSON.stringify(manifest, null, 2)}\n`)
  await write(files.readme, bundleReadme(manifest))
  return manifest
}

/** All tiles that lead from these of level 0, and from the edges of older checkpoints, to the root. */
function tilesFor(
  size: number,
  { first, last }: { first: number; last: number },
  older: readonly number[],
): (TilePlace & { width: number })[] {
  const found = new Map<string, TilePlace & { width: number }>()
  const add = (level: number, tile: number) => {
    for (let [l, t] = [level, tile]; widthOf(size, l, t) > 0; l++, t = Math.floor(t / TILE)) {
      const place = { level: l, tile: t, width: widthOf(size, l, t) }
      if (found.has(tilePath(place))) return
      found.set(tilePath(place), place)
    }
  }
  for (let tile = first; tile <= last; tile++) add(0, tile)
  for (const one of [size, ...older]) {
    for (const { level, tile, width } of edgeOf(one)) if (width > 0) add(level, tile)
  }
  return [...found.values()]
}

/** Every account of a book after a command. */
async function balancesAt(sql: Sql, book: Book, seq: number): Promise<Balances> {
  const [row] = await sql<{ entry: number }[]>`
    select coalesce((select entry from commands where book = ${book} and seq <= ${seq} and entry is not null
                     order by seq desc limit 1), 0) as entry`
  const { entry } = row!
  const rows = await sql<{ kind: number; owner: string; posted: Fen; held: Fen }[]>`
    select a.kind, a.owner, b.posted, b.held
    from balances_as_of(${book}, ${entry}) b join accounts a on a.book = ${book} and a.account = b.account
    order by a.kind, a.owner`
  const accounts = rows.map(({ kind, owner, posted, held }) => [
    owner === '' ? accountKind(kind) : `${accountKind(kind)}:${owner}`,
    { posted: yuan(posted), held: yuan(held) },
  ])
  return { entry, accounts: Object.fromEntries(accounts) }
}
