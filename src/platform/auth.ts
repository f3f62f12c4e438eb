import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import jwt from '@fastify/jwt'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { Refused } from '../core/refusals.js'
import { type Clock, systemClock } from '../core/time.js'
import { IssuerTokens } from './issuer-tokens.js'
import { type Bearer, type Issuer, speaksFor } from './issuers.js'
import { bureau, firms, type Operation, permissions, type Role, registering, roles } from './permissions.js'
import { text } from './wire.js'

/** How tokens are checked; a service needs a public key, issuers, or both. */
export interface Auth {
  /** Of the built-in issuer, or of the one identity platform that is known by its key. */
  readonly publicKey?: string
  readonly issuer: string
  readonly audience: string
  /** Private key of the built-in issuer; never set in production or on somebody's database. */
  readonly signingKey?: string
  /** Identity platforms that are known by their address. */
  readonly issuers?: readonly Issuer[]
  /** What the times in their tokens and the age of their keys are held against, by default the machine's clock. */
  readonly clock?: Clock
}

/** The register of people 人员: what it says of who bears a token. */
export interface Directory {
  /** Roles this person has besides those of the token, whose deputy they are, and whether their access was ended. */
  standingOf(who: Omit<Bearer, 'roles'>): Promise<{
    readonly roles: readonly Role[]
    readonly principals: readonly string[]
    readonly isBarred: boolean
  }>
  /** Where a firm or a provider is registered, as a division; undefined when it is not. */
  seatOf(uscc: string): Promise<string | undefined>
}

/** A key pair for the built-in issuer: made at start, gone at stop. */
export function builtInIssuer(issuer: string, audience: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { publicKey, issuer, audience, signingKey: privateKey } satisfies Auth
}

/** What a token must say: who, in which organisation, of which jurisdiction (000000 is the region), with which roles. */
export const claims = z.object({
  sub: text(200),
  organisation: text(200),
  jurisdiction: z
    .string()
    .regex(/^\d{6}$/)
    .optional(),
  roles: z.array(z.enum(Object.keys(roles) as [Role, ...Role[]])).min(1),
})
export type Claims = z.infer<typeof claims>

declare module 'fastify' {
  interface FastifyInstance {
    identity: { readonly tokens?: IssuerTokens; readonly directory?: Directory; readonly isBuiltIn: boolean }
  }
  interface FastifyRequest {
    actor: Actor
  }
}

const algorithms = { ed25519: 'EdDSA', ec: 'ES256', rsa: 'RS256' } as const
/** A longer token is not looked at. */
const MOST_BYTES = 8192

/** Registers token checking, and the register of people if there is one. */
export async function registerAuth(app: FastifyInstance, auth: Auth, directory?: Directory): Promise<void> {
  if (auth.publicKey) await registerKey(app, { ...auth, publicKey: auth.publicKey })
  const failed = (issuer: string, err: unknown) =>
    app.log.warn({ issuer, err }, 'the keys of an issuer could not be fetched 无法获取签发方公钥')
  app.decorate('identity', {
    ...(auth.issuers ? { tokens: new IssuerTokens(auth.issuers, auth.clock ?? systemClock, failed) } : {}),
    ...(directory ? { directory } : {}),
    isBuiltIn: auth.signingKey !== undefined,
  })
  app.decorateRequest('actor')
}

/** The algorithm is pinned by the kind of key, never taken from the token. */
async function registerKey(app: FastifyInstance, auth: Auth & { readonly publicKey: string }): Promise<void> {
  const kind = createPublicKey(auth.publicKey).asymmetricKeyType as keyof typeof algorithms
  const algorithm = algorithms[kind]
  if (!algorithm) throw new Error(`tokens cannot be checked with a key of kind ${kind}`)
  await app.register(jwt, {
    secret: { public: auth.publicKey, private: auth.signingKey ?? '' },
    sign: { algorithm, iss: auth.issuer, aud: auth.audience, expiresIn: '12h' },
    verify: {
      algorithms: [algorithm],
      allowedIss: auth.issuer,
      allowedAud: auth.audience,
      requiredClaims: ['exp', 'sub', 'iss', 'aud'],
      cache: 5000,
    },
  })
}

/** Who bears the request's token; undefined when there is none or it is not good. */
async function bearerOf({ headers, server }: FastifyRequest): Promise<Bearer | undefined> {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(headers.authorization ?? '')?.[1]
  if (token === undefined || token.length > MOST_BYTES) return undefined
  const { tokens, isBuiltIn } = server.identity
  const theirs = tokens ? await tokens.bearerOf(token) : 'other'
  if (theirs !== 'other') return theirs
  const parsed = claims.safeParse(saidUnderKey(server, token))
  if (!parsed.success) return undefined
  const { sub, organisation, jurisdiction, roles } = parsed.data
  // With blanks at its ends a name would pass for another; only a rehearsal may have people of such names.
  if (!isBuiltIn && sub !== sub.trim()) return undefined
  // Whoever holds the one key names nobody of an issuer that has keys of its own.
  if (tokens?.isTheirs(sub) || tokens?.isTheirs(organisation)) return undefined
  return { subject: sub, organisation, roles, ...(jurisdiction ? { jurisdiction } : {}) }
}

/** What a token says that is good under the one public key; undefined of any other. */
function saidUnderKey(server: FastifyInstance, token: string): unknown {
  const { stackTraceLimit } = Error
  // Why a token is bad is told to nobody, so its stack is not worth taking.
  Error.stackTraceLimit = 0
  try {
    return server.jwt?.verify(token)
  } catch {
    return undefined
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

const isOfFirm = (role: Role) => (firms as readonly Role[]).includes(role)

/**
 * An identity platform speaks for the firms and providers of its own jurisdictions; for one that is registered nowhere,
 * only to register it. Which of the two it is, is not told.
 */
async function checkSeat({ identity: { directory } }: FastifyInstance, bearer: Bearer, operation: Operation) {
  const { organisation, roles, reach } = bearer
  if (!directory || reach === undefined || !roles.some(isOfFirm)) return
  const seat = await directory.seatOf(organisation)
  if (seat === undefined ? registering.includes(operation) : speaksFor(reach, seat)) return
  throw new Refused('not_your_platform')
}

/** What the register says of a bearer; nothing of those who only act for a firm or a provider. */
async function standingOf({ identity: { directory } }: FastifyInstance, { roles, ...who }: Bearer) {
  if (!directory || (roles.length > 0 && roles.every(isOfFirm))) return
  const standing = await directory.standingOf(who)
  if (standing.isBarred) throw new Refused('person_barred')
  return standing
}

/**
 * Checks the token and the roles for an operation, the token's and the register's; throws
 * Refused('unauthenticated' | 'not_your_platform' | 'person_barred' | 'role_not_permitted').
 */
export async function authorise(request: FastifyRequest, operation: Operation): Promise<void> {
  const bearer = await bearerOf(request)
  if (!bearer) throw new Refused('unauthenticated')
  const { subject, organisation, jurisdiction, reach } = bearer
  await checkSeat(request.server, bearer, operation)
  const { roles: appointed = [], principals = [] } = (await standingOf(request.server, bearer)) ?? {}
  const held = [...new Set([...bearer.roles, ...appointed])]
  const allowed: readonly Role[] = permissions[operation]
  const acting = held.filter((role) => allowed.includes(role))
  if (acting.length === 0) throw new Refused('role_not_permitted', { needed: allowed.join(' ') })
  // A jurisdiction opens its books to a bureau's people only, whatever else a token says.
  const isBureau = acting.some((role) => (bureau as readonly Role[]).includes(role))
  request.actor = {
    subject,
    organisation,
    roles: held,
    origin: request.ip,
    ...(reach && bearer.roles.some(isOfFirm) ? { reach } : {}),
    ...(jurisdiction && isBureau ? { jurisdiction } : {}),
    ...(principals.length > 0 ? { principals } : {}),
  }
}
