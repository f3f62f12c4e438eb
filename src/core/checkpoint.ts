import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { promisify } from 'node:util'
import { HASH_BYTES, type Hash } from './merkle.js'

const signAside = promisify(sign)

/** The head of a log: whose it is, how many leaves it has, and the root over them (C2SP tlog-checkpoint). */
export interface Checkpoint {
  readonly origin: string
  readonly size: number
  readonly root: Hash
}

/** Who vouches for a log: the name and the key that notes are checked with (C2SP signed-note). */
export interface Verifier {
  readonly name: string
  /** Ed25519, 32 bytes. */
  readonly key: Buffer
}

/** Ed25519 in C2SP signed-note. */
const ED25519 = 1
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const SIGNATURE = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/

const typed = (key: Buffer) => Buffer.concat([Buffer.of(ED25519), key])

/** The first four bytes of SHA-256(name ‖ "\n" ‖ 0x01 ‖ key): they tell keys of one name apart. */
function keyId({ name, key }: Verifier): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), typed(key)]), 'buffer').subarray(0, 4)
}

/** A verifier as text: `name+id+key`. */
export const verifierText = (one: Verifier): string =>
  `${one.name}+${keyId(one).toString('hex')}+${typed(one.key).toString('base64')}`

/** Reads a verifier's text; undefined when it is none, or none of Ed25519. */
export function parseVerifier(text: string): Verifier | undefined {
  const [, name, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim()) ?? []
  if (name === undefined) return undefined
  const bytes = Buffer.from(encoded!, 'base64')
  if (bytes.length !== 33 || bytes[0] !== ED25519) return undefined
  const found = { name, key: bytes.subarray(1) }
  return keyId(found).toString('hex') === id ? found : undefined
}

/** Exporting a key takes longer than signing with it, and every log is signed once a second. */
const publicOf = new WeakMap<KeyObject, Buffer>()

/** The public key of a private one, 32 bytes. */
export function publicBytes(key: KeyObject): Buffer {
  const known = publicOf.get(key)
  if (known) return known
  const bytes = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(SPKI.length)
  publicOf.set(key, bytes)
  return bytes
}

/** Reads the PEM of a private Ed25519 key; undefined when it is none. */
export function parseSigningKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem)
    return key.asymmetricKeyType === 'ed25519' ? key : undefined
  } catch {
    return undefined
  }
}

/** The lines that are signed. */
const body = ({ origin, size, root }: Checkpoint) => `${origin}\n${size}\n${root.toString('base64')}\n`

/** A checkpoint as a note signed under its own origin, beside the thread that asks: hundreds are signed every second. */
export async function signCheckpoint(checkpoint: Checkpoint, key: KeyObject): Promise<string> {
  const text = body(checkpoint)
  const id = keyId({ name: checkpoint.origin, key: publicBytes(key) })
  const signature = Buffer.concat([id, await signAside(null, Buffer.from(text), key)])
  return `${text}\n— ${checkpoint.origin} ${signature.toString('base64')}\n`
}

/** Reads a note without believing it; undefined when it is no checkpoint. Lines after the root are passed over. */
export function parseCheckpoint(note: string): Checkpoint | undefined {
  const end = note.indexOf('\n\n')
  const [origin, size, root] = note.slice(0, end).split('\n')
  if (end < 0 || !origin || !/^(0|[1-9]\d{0,15})$/.test(size ?? '')) return undefined
  const bytes = Buffer.from(root ?? '', 'base64')
  if (bytes.length !== HASH_BYTES || bytes.toString('base64') !== root) return undefined
  return { origin, size: Number(size), root: bytes }
}

/** The checkpoint of a note that this verifier has signed under its own name; undefined when it has not. */
export function verifyCheckpoint(note: string, verifier: Verifier): Checkpoint | undefined {
  const checkpoint = parseCheckpoint(note)
  return checkpoint?.origin === verifier.name && isSignedBy(note, verifier) ? checkpoint : undefined
}

/** Whether a verifier has signed a note (C2SP signed-note): signatures of others, or of unknown kinds, are passed over. */
export function isSignedBy(note: string, verifier: Verifier): boolean {
  const key = createPublicKey({ key: Buffer.concat([SPKI, verifier.key]), format: 'der', type: 'spki' })
  const text = Buffer.from(note.slice(0, note.lastIndexOf('\n\n') + 1))
  return signaturesOf(note, verifier).some((signature) => verify(null, text, key, signature))
}

/** Whether a note says that a verifier has signed it, truly or not. */
export const saysSignedBy = (note: string, verifier: Verifier): boolean => signaturesOf(note, verifier).length > 0

/** The signatures that bear a verifier's name and id; none when the note is not written as one. */
function signaturesOf(note: string, verifier: Verifier): Buffer[] {
  const end = note.lastIndexOf('\n\n')
  if (end < 0 || !note.endsWith('\n')) return []
  const id = keyId(verifier)
  const lines = note
    .slice(end + 2, -1)
    .split('\n')
    .map((line) => SIGNATURE.exec(line))
  if (lines.some((line) => line === null)) return []
  return lines.flatMap((line) => {
    const bytes = Buffer.from(line![2]!, 'base64')
    return line![1] === verifier.name && bytes.subarray(0, 4).equals(id) ? [bytes.subarray(4)] : []
  })
}
