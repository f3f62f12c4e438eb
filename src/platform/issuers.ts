import { z } from 'zod'
import { isJurisdiction, isUnder } from '../core/division.js'
import { isUscc } from '../core/uscc.js'
import { type Role, roles } from './permissions.js'
import { subject, text } from './wire.js'

/**
 * The identity platforms 身份平台 whose tokens are accepted, as configuration: what each is called, what it may speak
 * for, and where our words stand in its tokens. What its tokens say is read here, after they were found good.
 */

/** Asymmetric signatures only: no public key can be taken for a shared secret, and `none` is not a word. */
const algorithms = ['EdDSA', 'ES256', 'ES384', 'ES512', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const

const allRoles = Object.keys(roles) as [Role, ...Role[]]

/** Whether keys may be fetched from an address: https, or http that does not leave this machine. */
export function isSafeUrl(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, username, password } = new URL(address)
  return username === '' && password === '' && (protocol === 'https:' || isLoopback(address))
}

/** Whether an address is plain http to this very machine. */
export function isLoopback(address: string): boolean {
  const { protocol, hostname } = new URL(address)
  return protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}

/** The region itself, as a jurisdiction: its tree is everything. */
const REGION_CODE = '000000'

const path = z.string().min(1).max(200)

/** Where a word stands in a token, or the one it has for all tokens of the issuer. */
const place = z.union([path, z.strictObject({ value: text(200) })], {
  error: 'a dotted path into the token, or {"value": "what it is for all of them"}',
})

const issuer = z.strictObject({
  name: z.string().regex(/^[a-z0-9-]{1,32}$/, 'a short name of a-z, 0-9 and -'),
  issuer: z
    .string()
    .refine((url) => isSafeUrl(url) && !/[?#]/.test(url), 'an https address without query (http only on this machine)'),
  audience: z.string().min(1).max(200),
  algorithms: z.array(z.enum(algorithms)).min(1).default(['RS256', 'ES256', 'EdDSA']),
  clockSkewSeconds: z.int().min(0).max(300).default(30),
  jurisdictions: z
    .array(
      z
        .string()
        .refine((code) => code === REGION_CODE || isJurisdiction(code), 'a jurisdiction in force, or 000000 for all'),
    )
    .min(1),
  roles: z.array(z.enum(allRoles)).default(allRoles.filter((role) => role !== 'operator')),
  roleNames: z
    .record(z.string(), z.enum(allRoles))
    .default(Object.fromEntries(allRoles.map((role) => [role, role])) as Record<string, Role>),
  claims: z.strictObject({
    subject: path.default('sub'),
    organisation: place,
    jurisdiction: place.optional(),
    roles: path.default('roles'),
  }),
})

/** An identity platform whose tokens are accepted. */
export type Issuer = z.output<typeof issuer>

/** All of them; no two have one name or one address. */
export const issuerList = z
  .array(issuer)
  .min(1)
  .superRefine((list, context) => {
    for (const field of ['name', 'issuer'] as const) {
      list.forEach((one, n) => {
        if (list.findIndex((other) => other[field] === one[field]) === n) return
        context.addIssue({ code: 'custom', message: 'another issuer has it already', path: [n, field] })
      })
    }
  })

/** Who bears a good token, in our words. */
export interface Bearer {
  readonly subject: string
  readonly organisation: string
  readonly jurisdiction?: string
  readonly roles: readonly Role[]
  /** The jurisdictions whose trees the token's issuer may speak for; absent when it may speak for all. */
  readonly reach?: readonly string[]
}

const said = z.object({
  subject,
  organisation: text(200),
  jurisdiction: z
    .string()
    .regex(/^\d{6}$/)
    .optional(),
  roles: z.array(z.string()),
})

/**
 * Who bears a good token of this issuer; undefined when it says too little, or what its issuer may not say. Persons and
 * bureaus carry the issuer's name, so that no issuer can name another's; firms and providers, who are known by their
 * credit code everywhere, do not.
 */
export function bearerOf({ name, claims, ...issuer }: Issuer, payload: object): Bearer | undefined {
  const parsed = said.safeParse({
    subject: valueAt(payload, claims.subject),
    organisation: valueAt(payload, claims.organisation),
    jurisdiction: claims.jurisdiction === undefined ? undefined : valueAt(payload, claims.jurisdiction),
    roles: listOf(valueAt(payload, claims.roles)),
  })
  if (!parsed.success) return undefined
  const { subject, organisation, jurisdiction } = parsed.data
  const reach = issuer.jurisdictions.includes(REGION_CODE) ? undefined : issuer.jurisdictions
  if (jurisdiction !== undefined && !speaksFor(reach, jurisdiction)) return undefined
  const named = parsed.data.roles.map((role) => Object.hasOwn(issuer.roleNames, role) && issuer.roleNames[role])
  const held = issuer.roles.filter((role) => named.includes(role))
  const isFirm = held.includes('enterprise') || held.includes('provider')
  if (isFirm && !isUscc(organisation)) return undefined
  return {
    subject: `${name}:${subject}`,
    organisation: isFirm ? organisation : `${name}:${organisation}`,
    ...(jurisdiction === undefined ? {} : { jurisdiction }),
    roles: held,
    ...(reach ? { reach } : {}),
  }
}

/** Whether who has this reach may speak for a place, given as six digits. */
export function speaksFor(reach: readonly string[] | undefined, code: string): boolean {
  return reach === undefined || reach.some((top) => isUnder(code, top))
}

/** A claim by its own name, which may have dots in it, or else by the names on the way to it. */
function valueAt(payload: object, where: z.output<typeof place>): unknown {
  if (typeof where !== 'string') return where.value
  if (Object.hasOwn(payload, where)) return payload[where as keyof typeof payload]
  return where.split('.').reduce<unknown>((value, key) => {
    return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
      ? value[key as keyof typeof value]
      : undefined
  }, payload)
}

/** Roles are a list, or words with spaces between them, as OAuth writes scopes. */
function listOf(value: unknown): unknown {
  if (value === undefined) return []
  return typeof value === 'string' ? value.split(' ') : value
}
