import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import jwt from '@fastify/jwt'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { Refused } from '../core/refusals.js'
import { bureau, type Operation, permissions, type Role, roles } from './permissions.js'
import { text } from './wire.js'

/** How tokens are checked; `issuer` is there only where the service may sign its own. */
export interface Auth {
  readonly publicKey: string
  readonly issuer: string
  readonly audience: string
  /** Private key of the built-in issuer; never set in production or on somebody's database. */
  readonly signingKey?: string
}

/** A key pair for the built-in issuer: made at start, gone at stop. */
export function builtInIssuer(issuer: string, audience: string): Auth {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519', {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { publicKey, issuer, audience, signingKey: privateKey }
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
  interface FastifyRequest {
    actor: Actor
  }
}

const algorithms = { ed25519: 'EdDSA', ec: 'ES256', rsa: 'RS256' } as const

/** Registers token checking; the algorithm is pinned by the kind of key, never taken from the token. */
export async function registerAuth(app: FastifyInstance, auth: Auth): Promise<void> {
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
  app.decorateRequest('actor')
}

/** What a good token says; undefined of any other. */
function tokenOf(request: FastifyRequest): unknown {
  const bearer = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(request.headers.authorization ?? '')
  if (!bearer) return undefined
  const { stackTraceLimit } = Error
  // Why a token is bad is told to nobody, so its stack is not worth taking.
  Error.stackTraceLimit = 0
  try {
    return request.server.jwt.verify(bearer[1]!)
  } catch {
    return undefined
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Checks the token and the roles for an operation; throws Refused('unauthenticated' | 'role_not_permitted'). */
export async function authorise(request: FastifyRequest, operation: Operation): Promise<void> {
  const parsed = claims.safeParse(tokenOf(request))
  if (!parsed.success) throw new Refused('unauthenticated')
  const { sub, organisation, jurisdiction, roles: held } = parsed.data
  const allowed: readonly Role[] = permissions[operation]
  const acting = held.filter((role) => allowed.includes(role))
  if (acting.length === 0) throw new Refused('role_not_permitted', { needed: allowed.join(' ') })
  // A jurisdiction opens its books to a bureau's people only, whatever else a token says.
  const isBureau = acting.some((role) => (bureau as readonly Role[]).includes(role))
  request.actor = {
    subject: sub,
    organisation,
    roles: held,
    ...(jurisdiction && isBureau ? { jurisdiction } : {}),
  }
}
