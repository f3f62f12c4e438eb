import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'

/** A provider's last application to a jurisdiction for recognition 互认申请. */
export interface RecognitionApplication extends Fact {
  readonly provider: string
  readonly jurisdiction: Book
  /** The number of the region's command that made it. */
  readonly application: number
  readonly categories: readonly string[]
  readonly from: Day
  readonly to: Day
  readonly state: 'open' | 'granted' | 'refused'
  /** Of a refusal. */
  readonly reason: string | null
}

export const recognitionApplicationKey = (provider: string, jurisdiction: Book | string) =>
  `${provider} ${jurisdiction}`

export const recognitionApplications: FactKind<RecognitionApplication> = {
  name: 'recognition_applications',
  key: ({ provider, jurisdiction }) => recognitionApplicationKey(provider, jurisdiction),
  bookOf: () => REGION,
  async load(sql, keys) {
    const pairs = keys.map((key) => key.split(' ') as [string, string])
    const rows = await sql<(Omit<RecognitionApplication, 'application'> & { application: bigint })[]>`
      select 0 as book, a.provider, a.jurisdiction, a.application, a.categories, a.valid_from as "from",
             a.valid_to as "to", a.state, a.reason
      from unnest(${pairs.map(([provider]) => provider)}::text[], ${pairs.map(([, book]) => Number(book))}::int[])
             as k (provider, jurisdiction)
      join recognition_applications a on a.provider = k.provider and a.jurisdiction = k.jurisdiction`
    return rows.map((row) => ({ ...row, application: Number(row.application) }))
  },
}

/** The open application of a provider to a jurisdiction; throws Refused('recognition_application_not_found'). */
export function recognitionApplicationOf(find: Find, provider: string, jurisdiction: string): RecognitionApplication {
  const application = find(recognitionApplications, recognitionApplicationKey(provider, jurisdiction))
  if (application?.state !== 'open') throw new Refused('recognition_application_not_found', { provider, jurisdiction })
  return application
}
