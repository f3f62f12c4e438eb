import { and, eq, isNull } from 'drizzle-orm'
import type { z } from 'zod'
import { homeReviews, providerProfiles, providerSuspensions, providers, recognitions } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { prefixOf, provinceOf } from '../core/division.js'
import { Refused } from '../core/refusals.js'
import type { Reader, Sql } from '../platform/database.js'
import type { Objection } from '../reviews/facts.js'
import type { Profile, providerFilter, providerLine, providerView } from './contract.js'

/** Which providers on which day, by their codes, one more than the limit. */
export interface ProviderQuery extends Omit<z.infer<typeof providerFilter>, 'on'> {
  readonly on: string
  readonly limit: number
  readonly cursor?: string
}

/** Providers by their codes; recognised by a jurisdiction on a day as `isRecognised`, `agreedOn` and `standingAt` decide it. */
export function findProviders(
  sql: Sql,
  { category = null, division, recognisedBy, home = null, on, limit, cursor = '' }: Nullable<ProviderQuery>,
): Promise<z.infer<typeof providerLine>[]> {
  const under = division ? prefixOf(division) : ''
  const accepting = recognisedBy ? Number(provinceOf(recognisedBy)) : null
  const by = recognisedBy ? upwards(recognisedBy) : []
  return sql<z.infer<typeof providerLine>[]>`
    select p.uscc, p.name, p.division, p.categories, w.is_withdrawn as "isWithdrawn", w.home
    from providers p
    left join home_reviews h on h.uscc = p.uscc
    cross join lateral (
      select exists (
               select from provider_suspensions s where s.provider = p.uscc and s.everywhere and s.lifted is null
             ) as is_withdrawn,
             case when h.verdict is null then 'unreviewed' when h.verdict <> 'accepted' then h.verdict
                  when h.notice_left is not null or ${on}::date <= h.notice_ends then 'on_notice'
                  else 'listed' end as home
    ) w
    where p.uscc > ${cursor} and starts_with(p.division, ${under})
      and (${home}::text is null or w.home = ${home})
      and case when ${accepting}::integer is null
        then ${category}::text is null or ${category} = any (p.categories)
        else not w.is_withdrawn and (
          exists (
            select from recognitions r
            where r.provider = p.uscc and r.ended is null and ${on}::date between r.valid_from and r.valid_to
              and (${category}::text is null or ${category} = any (r.categories))
              and r.jurisdiction = any (${by}::integer[])
          ) or exists (
            select from recognitions r
            join agreements a on a.accepting = ${accepting}::integer and a.home = left(p.division, 2)::integer * 10000
              and cardinality(a.signed) = 2 and a.ended is null and ${on}::date between a.valid_from and a.valid_to
              and case when ${category}::text is null then a.categories && r.categories
                       else ${category} = any (a.categories) and ${category} = any (r.categories) end
            where r.provider = p.uscc and r.ended is null and ${on}::date between r.valid_from and r.valid_to
              and r.jurisdiction in (
                p.division::integer, left(p.division, 4)::integer * 100, left(p.division, 2)::integer * 10000
              )
          ) and w.home in ('unreviewed', 'listed') and not exists (
            select from provider_suspensions s
            where s.provider = p.uscc and s.lifted is null and s.jurisdiction = any (${by}::integer[])
          )
        )
      end
    order by p.uscc limit ${limit + 1}`
}
type Nullable<T> = { [F in keyof T]: undefined extends T[F] ? T[F] | null : T[F] }

/** The jurisdictions whose recognition counts in this one: its province, its city and itself. */
const upwards = (code: string) => [provinceOf(code), `${code.slice(0, 4)}00`, code].map(Number)

/** One provider with everything that is known of it; what was said against it only for whom it concerns. */
export async function readProvider(reader: Reader, uscc: string, actor: Actor): Promise<z.infer<typeof providerView>> {
  const [[found], recognised, suspended] = await Promise.all([
    reader
      .select({ provider: providers, profile: providerProfiles, review: homeReviews })
      .from(providers)
      .leftJoin(providerProfiles, eq(providerProfiles.uscc, providers.uscc))
      .leftJoin(homeReviews, eq(homeReviews.uscc, providers.uscc))
      .where(eq(providers.uscc, uscc)),
    reader.select().from(recognitions).where(eq(recognitions.provider, uscc)).orderBy(recognitions.recognition),
    reader
      .select()
      .from(providerSuspensions)
      .where(and(eq(providerSuspensions.provider, uscc), isNull(providerSuspensions.lifted)))
      .orderBy(providerSuspensions.suspension),
  ])
  if (!found) throw new Refused('provider_not_found', { provider: uscc })
  const { provider, profile, review } = found
  const isConcerned = actor.jurisdiction !== undefined || actor.organisation === uscc
  return {
    ...provider,
    categories: provider.categories as never[],
    recognitions: recognised.map((r) => ({
      recognition: r.recognition,
      jurisdiction: String(r.jurisdiction),
      categories: r.categories as never[],
      from: r.validFrom,
      to: r.validTo,
      ended: r.ended !== null,
    })),
    suspensions: suspended.map(({ suspension, jurisdiction, everywhere }) => ({
      suspension,
      jurisdiction: String(jurisdiction),
      everywhere,
    })),
    version: profile?.version ?? null,
    profile: profile as Profile | null,
    homeReview: review && {
      ...review,
      by: review.reviewedBy,
      objections: isConcerned ? (review.objections as Objection[]) : null,
    },
  }
}
