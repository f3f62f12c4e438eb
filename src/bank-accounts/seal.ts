import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'

/** One key of the ring 密钥, with what is derived from it: nobody seals, draws numbers and compares with the same key. */
interface Key {
  readonly id: string
  readonly seal: Buffer
  readonly nonce: Buffer
  readonly print: Buffer
}

/** The keys that account numbers are sealed with, newest first: the first one seals, every one opens. */
export type KeyRing = readonly [Key, ...Key[]]

/** What a number is sealed for: it cannot be opened in any other place. */
export interface Place {
  /** A jurisdiction's six digits, or a credit code. */
  readonly owner: string
  /** The number of the command that the account followed; no two accounts of an owner follow the same one. */
  readonly after: number
  readonly holder: string
  readonly bank: string
  readonly bankCode: string
}

/** A number as it is kept: the sealed one, a keyed fingerprint that only makes numbers comparable, and its end. */
export interface Sealed {
  readonly sealed: string
  readonly print: string
  readonly tail: string
}

const KEY = /^(?:([a-z0-9]{1,16}):)?([A-Za-z0-9+/]{43}=)$/
const NONCE = 12
const TAG = 16

/** The ring that is written `id:key,id:key`, newest first, each key 32 bytes in base64; undefined when it is not that. */
export function keyRing(text: string): KeyRing | undefined {
  const keys = text.split(',').map((one) => {
    const [, id = '1', key] = KEY.exec(one.trim()) ?? []
    if (key === undefined) return undefined
    const derive = (use: string) =>
      Buffer.from(hkdfSync('sha256', Buffer.from(key, 'base64'), 'clearing bank accounts', use, 32))
    return { id, seal: derive('seal'), nonce: derive('nonce'), print: derive('print') }
  })
  const ids = new Set(keys.map((key) => key?.id))
  return keys.includes(undefined) || ids.size < keys.length ? undefined : (keys as unknown as KeyRing)
}

const placeText = ({ owner, after, holder, bank, bankCode }: Place) =>
  JSON.stringify([owner, after, holder, bank, bankCode])

/**
 * Seals a number for its place (AES-256-GCM). The nonce is drawn from number and place by a key of its own: the same
 * request sealed again is the same request, and no nonce serves two texts.
 */
export function seal([key]: KeyRing, place: Place, number: string): Sealed {
  const where = placeText(place)
  const nonce = createHmac('sha256', key.nonce).update(`${where}\n${number}`).digest().subarray(0, NONCE)
  const cipher = createCipheriv('aes-256-gcm', key.seal, nonce).setAAD(Buffer.from(where))
  const hidden = Buffer.concat([cipher.update(number), cipher.final()])
  return {
    sealed: `${key.id}.${Buffer.concat([nonce, cipher.getAuthTag(), hidden]).toString('base64url')}`,
    print: createHmac('sha256', key.print).update(number).digest('hex'),
    tail: number.slice(-4),
  }
}

/** The number; undefined when it was not sealed for this place, or with a key that the ring does not have. */
export function open(ring: KeyRing, place: Place, sealed: string): string | undefined {
  const [id, text = ''] = sealed.split('.')
  const key = ring.find((one) => one.id === id)
  const bytes = Buffer.from(text, 'base64url')
  if (!key || bytes.length <= NONCE + TAG) return undefined
  try {
    const cipher = createDecipheriv('aes-256-gcm', key.seal, bytes.subarray(0, NONCE), { authTagLength: TAG })
      .setAAD(Buffer.from(placeText(place)))
      .setAuthTag(bytes.subarray(NONCE, NONCE + TAG))
    return cipher.update(bytes.subarray(NONCE + TAG), undefined, 'utf8') + cipher.final('utf8')
  } catch {
    return undefined
  }
}

/** Whether it is sealed with the newest key. */
export const isCurrent = ([key]: KeyRing, sealed: string) => sealed.startsWith(`${key.id}.`)
