import { type CryptoKey, importJWK, type JWK } from 'jose'
import { z } from 'zod'
import type { Clock, Instant } from '../core/time.js'
import { type Issuer, isLoopback, isSafeUrl } from './issuers.js'

/** After so long keys are fetched again, so that one that its issuer has taken back stops working. Milliseconds. */
export const KEYS_AGE = 10 * 60_000
/** Through an outage of the issuer its last keys are used for so long, counted from when they were fetched. */
export const KEYS_OUTAGE = 60 * 60_000
/** Between two fetches, however many tokens name a key that nobody knows, and however often fetching fails. */
export const KEYS_PAUSE = 30_000
/** For both documents of an issuer together, in milliseconds. */
const FETCH_WITHIN = 5_000
const MOST_BYTES = 256 * 1024
const MOST_KEYS = 100

const discovery = z.object({ issuer: z.string(), jwks_uri: z.string() })
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(MOST_KEYS) })

/** Keys as they were fetched once: what was checked with them is not believed when they are replaced. */
export interface KeySet {
  readonly fetchedAt: Instant
  /** By algorithm and number of the key. */
  readonly keys: ReadonlyMap<string, CryptoKey>
}

/** A key, and until when what is checked with it may be believed while its set is the current one. */
export interface Found {
  readonly key: CryptoKey
  readonly set: KeySet
  readonly until: Instant
}

const named = (algorithm: string, kid: string) => `${algorithm} ${kid}`

/** The public keys of one issuer, found by OpenID Connect Discovery 1.0 and kept. */
export class IssuerKeys {
  readonly #issuer: Issuer
  readonly #clock: Clock
  readonly #failed: (error: unknown) => void
  #current: KeySet = { fetchedAt: Number.NEGATIVE_INFINITY, keys: new Map() }
  #triedAt: Instant = Number.NEGATIVE_INFINITY
  #fetching: Promise<void> | undefined

  /** `failed` is told whenever the keys could not be fetched. */
  constructor(issuer: Issuer, clock: Clock, failed: (error: unknown) => void) {
    this.#issuer = issuer
    this.#clock = clock
    this.#failed = failed
  }

  get current(): KeySet {
    return this.#current
  }

  /** The key of this number for this algorithm, fetched if need be; undefined when the issuer has none. */
  async find(algorithm: string, kid: string): Promise<Found | undefined> {
    const id = named(algorithm, kid)
    const isKnown = this.#current.keys.has(id) && this.#clock.now() < this.#goodUntil
    if (!isKnown && (this.#fetching || this.#clock.now() - this.#triedAt >= KEYS_PAUSE)) {
      this.#fetching ??= this.#fetch().finally(() => {
        this.#fetching = undefined
      })
      await this.#fetching
    }
    const [set, until] = [this.#current, this.#goodUntil]
    const key = this.#clock.now() < until ? set.keys.get(id) : undefined
    return key && { key, set, until }
  }

  /** Until when the current keys are used without asking the issuer. */
  get #goodUntil(): Instant {
    const { fetchedAt } = this.#current
    return Math.min(fetchedAt + KEYS_OUTAGE, Math.max(fetchedAt + KEYS_AGE, this.#triedAt + KEYS_PAUSE))
  }

  async #fetch(): Promise<void> {
    const now = this.#clock.now()
    this.#triedAt = now
    try {
      this.#current = { fetchedAt: now, keys: await fetchKeys(this.#issuer) }
    } catch (error) {
      this.#failed(error)
    }
  }
}

async function fetchKeys({ issuer, algorithms }: Issuer): Promise<Map<string, CryptoKey>> {
  const signal = AbortSignal.timeout(FETCH_WITHIN)
  const place = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const found = discovery.parse(await fetchJson(place, signal))
  if (found.issuer !== issuer) throw new Error(`${place} speaks for ${found.issuer}`)
  // Only an issuer on this machine may send the service to something on this machine.
  if (!isSafeUrl(found.jwks_uri) || (isLoopback(found.jwks_uri) && !isLoopback(issuer))) {
    throw new Error(`${place} names keys at ${found.jwks_uri}`)
  }
  const { keys } = keySet.parse(await fetchJson(found.jwks_uri, signal))
  const usable = new Map<string, CryptoKey>()
  for (const jwk of keys as JWK[]) {
    for (const algorithm of algorithms) {
      const key = await keyFor(jwk, algorithm)
      if (key) usable.set(named(algorithm, jwk.kid!), key)
    }
  }
  return usable
}

/**
 * A key for an algorithm; undefined when it has no number or is of another kind or for another use. The library knows
 * which kinds fit, imports no other, and checks nothing with a private or a weak one.
 */
async function keyFor(jwk: JWK, algorithm: string): Promise<CryptoKey | undefined> {
  if (typeof jwk.kid !== 'string' || (jwk.alg ?? algorithm) !== algorithm || (jwk.use ?? 'sig') !== 'sig') return
  const key = await importJWK(jwk, algorithm).catch(() => undefined)
  return key instanceof Uint8Array ? undefined : key
}

/** Throws for anything but a small JSON document from that very address. */
async function fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal, redirect: 'error', headers: { accept: 'application/json' } })
  if (response.status !== 200 || !response.body) throw new Error(`${url} answered ${response.status}`)
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MOST_BYTES) throw new Error(`${url} is larger than ${MOST_BYTES} bytes`)
  }
  return JSON.parse(Buffer.concat(chunks).toString())
}
