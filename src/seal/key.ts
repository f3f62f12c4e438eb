import { createPrivateKey, generateKeyPairSync, hkdfSync, type KeyObject } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseSigningKey, publicBytes, signCheckpoint, type Verifier } from '../core/checkpoint.js'
import { bookText } from '../core/ids.js'
import type { Book } from '../ledger/book.js'
import type { Sealed } from './queries.js'

/** The name of a book's log under an origin. */
export const logName = (origin: string, book: Book) => `${origin}/books/${bookText(book)}`

/** What checkpoints are signed with, under an origin. */
export class SealKey {
  readonly #key: KeyObject
  constructor(
    readonly origin: string,
    key: KeyObject,
  ) {
    this.#key = key
  }

  /** What checkpoints of a book are verified with. */
  verifier(book: Book): Verifier {
    return { name: logName(this.origin, book), key: publicBytes(this.#key) }
  }

  /** What hides the commitments of a book's leaves. Kept in the database with the first leaf, whatever key comes later. */
  salt(book: Book): Buffer {
    const secret = this.#key.export({ type: 'pkcs8', format: 'der' })
    return Buffer.from(hkdfSync('sha256', secret, 'clearing log salts', logName(this.origin, book), 32))
  }

  /** The signed note of a log's head. */
  sign({ book, size, root }: Sealed): Promise<string> {
    return signCheckpoint({ origin: logName(this.origin, book), size, root }, this.#key)
  }
}

/** Where the key is, as the environment says it. */
export interface SealSettings {
  readonly sealKey: string | undefined
  readonly sealOrigin: string
  readonly databaseUrl: string | undefined
  readonly dataRoot: string
}

/** The configured key; on a developer's own machine one made there; on somebody's database none. */
export function sealKeyOf({ sealKey, sealOrigin, databaseUrl, dataRoot }: SealSettings): SealKey | undefined {
  if (sealKey) return new SealKey(sealOrigin, createPrivateKey(sealKey))
  return databaseUrl === undefined ? new SealKey(sealOrigin, developmentKey(join(dataRoot, 'seal-key.pem'))) : undefined
}

/** The key of a developer's machine, made when it is first asked for; nobody else can read its file. */
function developmentKey(path: string): KeyObject {
  const known = readKey(path)
  if (known) return known
  const { privateKey } = generateKeyPairSync('ed25519')
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600, flag: 'wx' })
  return privateKey
}

function readKey(path: string): KeyObject | undefined {
  try {
    return parseSigningKey(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}
