import { isBookUnder } from '../core/division.js'
import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { Profile } from './contract.js'

/** One jurisdiction's recognition 互认; `ended` is the number of the command that ended it. */
export interface Recognition {
  readonly recognition: number
  readonly jurisdiction: Book
  readonly categories: readonly string[]
  readonly from: Day
  readonly to: Day
  readonly ended: number | null
}

/** What a jurisdiction has suspended, for itself or, at home, for everybody; until it is lifted. */
export interface Suspension {
  readonly suspension: number
  readonly jurisdiction: Book
  readonly everywhere: boolean
  /** The number of the command that lifted it. */
  readonly lifted: number | null
}

export interface Provider extends Fact {
  readonly uscc: string
  readonly name: string
  readonly division: string
  readonly categories: readonly string[]
  readonly recognitions: readonly Recognition[]
  readonly suspensions: readonly Suspension[]
}

export const providers: FactKind<Provider> = {
  name: 'providers',
  key: (provider) => provider.uscc,
  bookOf: () => REGION,
  load: (sql, keys) => sql<Provider[]>`
    select 0 as book, p.uscc, p.name, p.division, p.categories, coalesce((
      select jsonb_agg(jsonb_build_object('recognition', r.recognition, 'jurisdiction', r.jurisdiction,
                         'categories', r.categories, 'from', r.valid_from, 'to', r.valid_to, 'ended', r.ended)
                       order by r.recognition)
      from recognitions r where r.provider = p.uscc), '[]') as recognitions, coalesce((
      select jsonb_agg(jsonb_build_object('suspension', s.suspension, 'jurisdiction', s.jurisdiction,
                         'everywhere', s.everywhere, 'lifted', s.lifted) order by s.suspension)
      from provider_suspensions s where s.provider = p.uscc), '[]') as suspensions
    from providers p where p.uscc = any (${keys as string[]})`,
}

/** What a provider says of itself 机构信息; apart from the provider, because no order rests on it. */
export interface KeptProfile extends Fact, Profile {
  readonly uscc: string
  /** The number of the region's command that last wrote it. */
  readonly version: number
}

export const profiles: FactKind<KeptProfile> = {
  name: 'provider_profiles',
  key: (profile) => profile.uscc,
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<KeptProfile, 'version'> & { version: bigint })[]>`
      select 0 as book, uscc, version, qualifications, services, instruments, contact
      from provider_profiles where uscc = any (${keys as string[]})`
    return rows.map((row) => ({ ...row, version: Number(row.version) }))
  },
}

/** The provider of this code; throws Refused('provider_not_found'). */
export function providerOf(find: Find, uscc: string): Provider {
  const provider = find(providers, uscc)
  if (!provider) throw new Refused('provider_not_found', { provider: uscc })
  return provider
}

/** True when a running recognition by this jurisdiction, or one above it, covers the category on this day. */
export function isRecognised(provider: Provider, category: string, jurisdiction: Book, day: Day): boolean {
  return provider.recognitions.some(
    (recognition) =>
      recognition.ended === null &&
      recognition.from <= day &&
      day <= recognition.to &&
      recognition.categories.includes(category) &&
      isBookUnder(jurisdiction, recognition.jurisdiction),
  )
}
