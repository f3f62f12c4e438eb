import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type KeyRing, keyRing } from './seal.js'

/** The key of a developer's machine: made in the data directory at the first start, for its owner alone to read. */
export function developersRing(dataRoot: string): KeyRing {
  const path = join(dataRoot, 'account-key')
  mkdirSync(dataRoot, { recursive: true })
  try {
    // Whoever comes second reads what the first has written.
    writeFileSync(path, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  }
  const ring = keyRing(readFileSync(path, 'utf8').trim())
  if (!ring) throw new Error(`${path} holds no key: restore it, or accounts that were sealed with it stay unreadable`)
  return ring
}
