import { and, arrayOverlaps, asc, eq, gt, gte, isNull, lte, or, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { commands, integrityEntries } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { reachesOver } from '../core/division.js'
import { bookText } from '../core/ids.js'
import { commandRoute, proposeRoute, readRoute, type Services } from '../engine/route.js'
import { REGION } from '../ledger/book.js'
import { cut, page, pageQuery, readCursor, writeCursor } from '../platform/pages.js'
import { count, uscc } from '../platform/wire.js'
import {
  acknowledgeIntegrityCommand,
  appealIntegrityCommand,
  correctIntegrityCommand,
  decideAppealCommand,
  listIntegrityCommand,
} from './commands.js'
import {
  appealIntegrity,
  correctBody,
  decideBody,
  integrityFilter,
  integrityView,
  noticeFilter,
  noticeView,
} from './contract.js'
import type { Entry } from './facts.js'

const tag = 'integrity 科研诚信'
const number = count(1, 1e15 - 1)
const params = z.strictObject({ uscc, listing: number })

export function integrityRoutes(app: FastifyInstance, services: Services): void {
  proposeRoute(app, services, {
    operation: 'listIntegrity',
    url: '/v1/integrity-entries',
    tag,
    summary: { en: 'Put a party on the shared integrity list', zh: '列入科研诚信名单' },
    type: listIntegrityCommand,
  })
  proposeRoute(app, services, {
    operation: 'correctIntegrity',
    url: '/v1/integrity-entries/:uscc/:listing/correction',
    tag,
    params,
    ifMatch: 'needed',
    body: correctBody,
    summary: { en: 'Correct an entry or remove it', zh: '更正或移出名单' },
    type: correctIntegrityCommand,
  })
  commandRoute(app, services, {
    operation: 'appealIntegrity',
    url: '/v1/integrity-entries/:uscc/:listing/appeals',
    tag,
    params,
    body: appealIntegrity.omit({ uscc: true, listing: true }),
    status: 201,
    summary: { en: 'Appeal against an entry', zh: '提出申诉' },
    type: appealIntegrityCommand,
  })
  proposeRoute(app, services, {
    operation: 'decideAppeal',
    url: '/v1/integrity-entries/:uscc/:listing/appeals/:appeal/decision',
    tag,
    params: params.extend({ appeal: number }),
    body: decideBody,
    summary: { en: 'Decide an appeal', zh: '申诉处理决定' },
    type: decideAppealCommand,
  })
  commandRoute(app, services, {
    operation: 'acknowledgeIntegrity',
    url: '/v1/integrity-entries/:uscc/:listing/acknowledgement',
    tag,
    params,
    body: z.strictObject({}),
    summary: { en: 'Say that you have read an entry', zh: '告知签收' },
    type: acknowledgeIntegrityCommand,
  })
  readRoute<object, z.infer<typeof integrityFilter> & { limit: number; cursor?: string }>(app, {
    operation: 'listIntegrityEntries',
    url: '/v1/integrity-entries',
    tag,
    query: integrityFilter.extend(pageQuery) as never,
    summary: { en: 'The list: all of it for bureaus, its own for a party', zh: '名单列表' },
    answer: page(integrityView),
    async read({ query, actor }) {
      const { on, jurisdiction, limit } = query
      const after = readCursor(query.cursor)
      const rows = await select(
        services,
        and(
          actor.jurisdiction === undefined ? eq(integrityEntries.uscc, actor.organisation) : undefined,
          jurisdiction ? eq(integrityEntries.jurisdiction, Number(jurisdiction)) : undefined,
          on ? countsOn(on) : undefined,
          after ? gt(integrityEntries.listing, after.number) : undefined,
        ),
      ).limit(limit + 1)
      const { items, next } = cut(rows, limit, ({ listing }) => writeCursor(REGION, listing))
      return { items: items.map((row) => view(row, actor)), next }
    },
  })
  readRoute<object, z.output<typeof noticeFilter>>(app, {
    operation: 'listIntegrityNotices',
    url: '/v1/integrity-notices',
    tag,
    query: noticeFilter as never,
    summary: { en: 'What of the list concerns you, and whether you have said that you read it', zh: '名单告知' },
    answer: page(noticeView),
    async read({ query: { acknowledged, limit, cursor }, actor }) {
      const after = readCursor(cursor)
      const rows = await services.reader
        .select({ entry: integrityEntries, since: commands.day })
        .from(integrityEntries)
        .innerJoin(commands, and(eq(commands.book, REGION), eq(commands.seq, integrityEntries.version)))
        .where(
          and(
            concerns(actor),
            acknowledged && eq(hasAcknowledged(actor), acknowledged === 'true'),
            after && gt(integrityEntries.listing, after.number),
          ),
        )
        .orderBy(asc(integrityEntries.listing))
        .limit(limit + 1)
      const { items, next } = cut(rows, limit, ({ entry }) => writeCursor(REGION, entry.listing))
      return { items: items.map(({ entry, since }) => notice(entry, since, actor)), next }
    },
  })
  readRoute<{ uscc: string }>(app, {
    operation: 'getIntegrity',
    url: '/v1/integrity-entries/:uscc',
    tag,
    params: z.strictObject({ uscc }),
    summary: { en: 'What the list says of a party', zh: '名单查询' },
    answer: z.object({ items: z.array(integrityView) }),
    async read({ params, actor }) {
      const rows = await select(services, eq(integrityEntries.uscc, params.uscc))
      return { items: rows.map((row) => view(row, actor)) }
    },
  })
}

const countsOn = (day: string) =>
  and(
    isNull(integrityEntries.removed),
    lte(integrityEntries.validFrom, day),
    or(isNull(integrityEntries.validTo), gte(integrityEntries.validTo, day)),
  )

/** A party is concerned by its own entries; a bureau by what counts for its programs, and by what it has listed. */
function concerns({ jurisdiction, organisation }: Actor): SQL | undefined {
  if (jurisdiction === undefined) return eq(integrityEntries.uscc, organisation)
  if (Number(jurisdiction) === REGION) return undefined
  return or(
    isNull(integrityEntries.reach),
    arrayOverlaps(integrityEntries.reach, [...reachesOver(jurisdiction)]),
    eq(integrityEntries.jurisdiction, Number(jurisdiction)),
  )
}

const hasAcknowledged = ({ organisation }: Actor) =>
  sql<boolean>`${integrityEntries.acknowledged} @> jsonb_build_array(jsonb_build_object(
    'organisation', ${organisation}::text, 'version', ${integrityEntries.version}))`

function notice(row: typeof integrityEntries.$inferSelect, since: string, actor: Actor) {
  const { acknowledged, version } = row as unknown as Entry
  const own = acknowledged.find((one) => one.organisation === actor.organisation && one.version === version)
  return { since, acknowledgedOn: own?.on ?? null, entry: view(row, actor) }
}

function select({ reader }: Services, where: SQL | undefined) {
  return reader.select().from(integrityEntries).where(where).orderBy(asc(integrityEntries.listing)).$dynamic()
}

/** Whoever is concerned sees the appeals and who was told; everybody what the list says. */
function view(row: typeof integrityEntries.$inferSelect, actor: Actor) {
  const { validFrom, validTo, jurisdiction, removed, ...said } = row
  const { corrections, appeals, acknowledged, consequences } = row as unknown as Entry
  const isConcerned = actor.jurisdiction !== undefined || actor.organisation === row.uscc
  return {
    ...said,
    from: validFrom,
    to: validTo,
    jurisdiction: jurisdiction === null ? null : bookText(jurisdiction),
    removed: removed !== null,
    consequences: consequences as never,
    corrections: corrections as never,
    appeals: (isConcerned ? appeals : null) as never,
    acknowledged: (isConcerned ? acknowledged : null) as never,
  }
}
