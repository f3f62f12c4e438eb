import { hash } from 'node:crypto'
import { decodeJwt, type JWTHeaderParameters, jwtVerify } from 'jose'
import { type Clock, dateOf, type Instant } from '../core/time.js'
import { type Found, IssuerKeys, type KeySet } from './issuer-keys.js'
import { type Bearer, bearerOf, type Issuer } from './issuers.js'

/** So many good tokens are kept, by their SHA-256. */
const MOST_SEEN = 5_000
/** What kind a token may say it is (RFC 7519, RFC 9068); others, such as logout tokens, are for something else. */
const types = ['jwt', 'at+jwt', 'application/at+jwt']

interface Known {
  readonly issuer: Issuer
  readonly keys: IssuerKeys
}

/** A token that was found good, with the keys it was checked with. */
interface Seen {
  readonly bearer: Bearer
  readonly keys: IssuerKeys
  readonly set: KeySet
  readonly until: Instant
}

/** Checks the tokens of the configured issuers. */
export class IssuerTokens {
  readonly #clock: Clock
  readonly #known: ReadonlyMap<string, Known>
  readonly #names: ReadonlySet<string>
  readonly #seen = new Map<string, Seen>()

  /** `failed` is told which issuer's keys could not be fetched, and why. */
  constructor(issuers: readonly Issuer[], clock: Clock, failed: (issuer: string, error: unknown) => void) {
    this.#clock = clock
    this.#names = new Set(issuers.map(({ name }) => name))
    this.#known = new Map(
      issuers.map((issuer) => {
        const keys = new IssuerKeys(issuer, clock, (error) => failed(issuer.name, error))
        return [issuer.issuer, { issuer, keys }]
      }),
    )
  }

  /** Whether a name of a person or an organisation could only come from one of these issuers. */
  isTheirs(name: string): boolean {
    return this.#names.has(name.slice(0, Math.max(0, name.indexOf(':'))))
  }

  /** Who bears a token of one of these issuers, or `undefined` if it is not good; 'other' if it is nobody's here. */
  async bearerOf(token: string): Promise<Bearer | undefined | 'other'> {
    const id = hash('sha256', token, 'base64')
    const seen = this.#seen.get(id)
    if (seen) {
      if (seen.keys.current === seen.set && this.#clock.now() < seen.until) return seen.bearer
      this.#seen.delete(id)
    }
    const known = this.#known.get(issuerOf(token) ?? '')
    if (!known) return 'other'
    const checked = await this.#check(known, token)
    if (checked) this.#keep(id, checked)
    return checked?.bearer
  }

  async #check({ issuer, keys }: Known, token: string): Promise<Seen | undefined> {
    const now = this.#clock.now()
    const { clockSkewSeconds: skew } = issuer
    let found: Found | undefined
    const keyFor = async (header: JWTHeaderParameters) => {
      found = await keyOf(header, keys)
      if (!found) throw new Error('no such key')
      return found.key
    }
    try {
      const { payload } = await jwtVerify(token, keyFor, {
        algorithms: issuer.algorithms,
        issuer: issuer.issuer,
        audience: issuer.audience,
        requiredClaims: ['exp'],
        clockTolerance: skew,
        currentDate: dateOf(now),
      })
      if ((payload.iat ?? 0) > now / 1000 + skew) return undefined
      const bearer = bearerOf(issuer, payload)
      if (!bearer || !found) return undefined
      return { bearer, keys, set: found.set, until: Math.min(payload.exp! * 1000, found.until) }
    } catch {
      // Why a token is bad is told to nobody.
      return undefined
    }
  }

  #keep(id: string, seen: Seen): void {
    if (this.#seen.size >= MOST_SEEN) this.#seen.delete(this.#seen.keys().next().value!)
    this.#seen.set(id, seen)
  }
}

/** The issuer a token says it is of, before anything of it is believed. */
function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss
  } catch {
    return undefined
  }
}

/** The issuer's own key that a token names; keys and addresses of keys in the token itself are not looked at. */
async function keyOf({ alg, kid, typ, crit }: JWTHeaderParameters, keys: IssuerKeys): Promise<Found | undefined> {
  if (crit !== undefined || (typ !== undefined && !types.includes(typ.toLowerCase()))) return undefined
  return typeof kid === 'string' ? keys.find(alg, kid) : undefined
}
