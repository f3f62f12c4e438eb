import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { Refused } from '../core/refusals.js'

/** Where files are kept, whole or not at all, each under the SHA-256 of its content. */
export interface FileStore {
  /**
   * Takes a file in, at most so many bytes; it cannot be found until it is kept. Throws Refused: `body_too_large`,
   * `upload_incomplete`, `storage_unavailable`. Whoever receives it keeps it or drops it.
   */
  receive(bytes: Readable, most: number): Promise<Received>
  /** Undefined when there is no such file; like `has` it throws Refused('storage_unavailable'). */
  get(sha256: string): Promise<Readable | undefined>
  has(sha256: string): Promise<boolean>
  remove(sha256: string): Promise<void>
}

/** A file that has arrived: on disk, but not in the store yet. */
export interface Received {
  readonly sha256: string
  /** In bytes. */
  readonly size: number
  /** Where it is for the moment. */
  readonly path: string
  keep(): Promise<void>
  drop(): Promise<void>
}

/** An upload that takes longer is given up, in milliseconds: a slow one holds a connection and a file. */
const MOST_TIME = 600_000

/** A half-received file that is older than this was left by a process that died. */
const LEFT_BEHIND = 24 * 3600_000

/** The store on disk, below a directory that only the service can read. */
export function openFiles(directory: string): FileStore {
  const incoming = join(directory, 'incoming')
  const pathOf = (sha256: string) => join(directory, sha256.slice(0, 2), sha256)
  let cleared: Promise<void> | undefined
  return {
    async receive(bytes, most) {
      const path = join(incoming, randomUUID())
      // What cannot be removed now is cleared away later.
      const drop = () => rm(path, { force: true }).catch(() => {})
      try {
        await mkdir(incoming, { recursive: true, mode: 0o700 })
        cleared ??= clear(incoming)
        await cleared.catch((error: unknown) => {
          cleared = undefined
          throw error
        })
        const file = await open(path, 'wx', 0o600)
        const { sha256, size } = await writeAll(file, bytes, most).finally(() => file.close())
        const kept = pathOf(sha256)
        const keep = () => place(path, kept).catch((error: unknown) => giveUp(error))
        return { sha256, size, path, keep, drop }
      } catch (error) {
        await drop()
        throw giveUp(error)
      }
    },
    get: (sha256) => open(pathOf(sha256), 'r').then((file) => file.createReadStream(), missing),
    has: async (sha256) => (await stat(pathOf(sha256)).catch(missing)) !== undefined,
    remove: (sha256) => rm(pathOf(sha256), { force: true }),
  }
}

/** Of a process that takes no files. */
export const noFiles: FileStore = {
  receive: async () => {
    throw new Refused('storage_unavailable')
  },
  get: async () => undefined,
  has: async () => false,
  remove: async () => {},
}

/** Writes piece by piece, so that a large file takes no more memory than a small one, and brings it to disk. */
async function writeAll(file: FileHandle, bytes: Readable, most: number): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256')
  let size = 0
  addAbortSignal(AbortSignal.timeout(MOST_TIME), bytes)
  const pieces = bytes.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  for await (const piece of whole(pieces)) {
    size += piece.length
    if (size > most) throw new Refused('body_too_large', { mostBytes: most })
    hash.update(piece)
    await file.writeFile(piece)
  }
  await file.sync()
  return { sha256: hash.digest('hex'), size }
}

/** What goes wrong while reading is the sender's. */
async function* whole(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* pieces
  } catch {
    throw new Refused('upload_incomplete')
  }
}

async function place(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  await rename(from, to)
  const directory = await open(dirname(to), 'r')
  await directory.sync().finally(() => directory.close())
}

function missing(error: unknown): undefined {
  if ((error as { code?: string }).code !== 'ENOENT') giveUp(error)
}

async function clear(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name)
    const found = await stat(path).catch(() => undefined)
    if (found && Date.now() - found.mtimeMs > LEFT_BEHIND) await rm(path, { force: true })
  }
}

/** The disk is full, over its quota, read-only, broken or not there: nothing a caller can mend. */
function giveUp(error: unknown): never {
  const { code = '' } = error as { code?: string }
  if (/^(ENOSPC|EDQUOT|EROFS|EIO|ENOENT|ENOTDIR|EACCES|EPERM)$/.test(code)) throw new Refused('storage_unavailable')
  throw error
}
