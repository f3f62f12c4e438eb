import { and, asc, eq, isNotNull, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { accounts, programDrafts, programs } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { bookText } from '../core/ids.js'
import { yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { dayOf } from '../core/time.js'
import { commandRoute, proposeRoute, readRoute, type Services } from '../engine/route.js'
import { accountKinds } from '../ledger/chart.js'
import { code, count } from '../platform/wire.js'
import {
  appropriateCommand,
  discardDraftCommand,
  draftProgramCommand,
  publishProgramCommand,
  supersedeProgramCommand,
} from './commands.js'
import {
  discardDraft,
  draftProgram,
  draftView,
  programView,
  supersedeBody,
  versionView,
  wholeProgramView,
} from './contract.js'
import type { RatioRow } from './facts.js'

const tag = 'programs 券种'
const params = z.strictObject({ program: code })
/** What the address and If-Match say. */
const edited = { program: true, version: true } as const

export function programRoutes(app: FastifyInstance, services: Services): void {
  proposeRoute(app, services, {
    operation: 'publishProgram',
    url: '/v1/programs',
    tag,
    summary: { en: 'Publish a program', zh: '发布券种' },
    type: publishProgramCommand,
  })
  proposeRoute(app, services, {
    operation: 'supersedeProgram',
    url: '/v1/programs/:program/versions',
    tag,
    params,
    ifMatch: 'needed',
    body: supersedeBody,
    summary: { en: "Supersede a program's rules from a day on", zh: '修订券种规则' },
    type: supersedeProgramCommand,
  })
  commandRoute(app, services, {
    operation: 'draftProgram',
    url: '/v1/program-drafts/:program',
    tag,
    status: 201,
    params,
    ifMatch: 'if there',
    body: draftProgram.omit(edited),
    summary: { en: 'Write a draft, or write it anew', zh: '起草券种' },
    type: draftProgramCommand,
  })
  commandRoute(app, services, {
    operation: 'discardDraft',
    url: '/v1/program-drafts/:program/discard',
    tag,
    params,
    ifMatch: 'needed',
    body: discardDraft.omit(edited),
    summary: { en: 'Give a draft up', zh: '撤销草稿' },
    type: discardDraftCommand,
  })
  readRoute(app, {
    operation: 'listDrafts',
    url: '/v1/program-drafts',
    tag,
    summary: { en: "Your own jurisdiction's drafts", zh: '本辖区草稿列表' },
    answer: z.object({ items: z.array(draftView) }),
    read: async ({ actor }) => ({ items: await draftsOf(services, actor) }),
  })
  readRoute<{ program: string }>(app, {
    operation: 'getDraft',
    url: '/v1/program-drafts/:program',
    tag,
    params,
    summary: { en: "One of your own jurisdiction's drafts", zh: '本辖区草稿详情' },
    answer: draftView,
    async read({ params: { program }, actor }) {
      const [found] = await draftsOf(services, actor, eq(programDrafts.program, program))
      if (!found) throw new Refused('draft_not_found', { program })
      return found
    },
  })
  proposeRoute(app, services, {
    operation: 'appropriate',
    url: '/v1/appropriations',
    tag,
    summary: { en: "Add budget to a program's pool", zh: '拨入资金池' },
    type: appropriateCommand,
  })
  readRoute(app, {
    operation: 'listPrograms',
    url: '/v1/programs',
    tag,
    summary: { en: 'All published programs', zh: '券种列表' },
    answer: z.object({ items: z.array(programView) }),
    read: async () => ({ items: (await read(services)).map(view) }),
  })
  readRoute<{ program: string }>(app, {
    operation: 'getProgram',
    url: '/v1/programs/:program',
    tag,
    params,
    summary: { en: 'One program with all its versions', zh: '券种详情（含历次版本）' },
    answer: wholeProgramView,
    async read({ params: { program } }) {
      const [found] = await read(services, eq(programs.program, program))
      if (!found) throw new Refused('program_not_found', { program })
      return { ...view(found), versions: found.versions.map(viewVersion) }
    },
  })
  readRoute<{ program: string; version: number }>(app, {
    operation: 'getProgramVersion',
    url: '/v1/programs/:program/versions/:version',
    tag,
    params: z.strictObject({ program: code, version: count(1, 1_000_000) }),
    summary: { en: "One version of a program's rules", zh: '券种规则版本' },
    answer: versionView,
    async read({ params: { program, version } }) {
      const [found] = await read(services, eq(programs.program, program))
      const one = found?.versions[version - 1]
      if (!one) throw new Refused('program_not_found', { program, version })
      return viewVersion(one)
    },
  })
}

/** What a bureau is drafting, without what it has given up. */
async function draftsOf({ reader }: Services, actor: Actor, where?: SQL): Promise<z.infer<typeof draftView>[]> {
  const own = eq(programDrafts.jurisdiction, Number(actor.jurisdiction ?? -1))
  const rows = await reader
    .select()
    .from(programDrafts)
    .where(and(own, isNotNull(programDrafts.rules), where))
    .orderBy(programDrafts.program)
  return rows.map(({ jurisdiction, rules, ...draft }) => ({
    ...draft,
    jurisdiction: bookText(jurisdiction),
    rules: JSON.parse(rules!) as Record<string, unknown>,
  }))
}

type Row = typeof programs.$inferSelect
/** A program's versions, oldest first, which of them is in force, and what its pool has. */
interface Found {
  readonly versions: readonly Row[]
  readonly inForce: Row
  readonly pool: bigint
}

async function read({ reader, clock }: Services, where?: SQL): Promise<Found[]> {
  const rows = await reader
    .select({ program: programs, pool: accounts.posted })
    .from(programs)
    .leftJoin(accounts, poolAccount)
    .where(where)
    .orderBy(asc(programs.program), asc(programs.version))
  const found = new Map<string, { versions: Row[]; inForce: Row; pool: bigint }>()
  const day = dayOf(clock.now())
  for (const { program: row, pool } of rows) {
    const one = found.get(row.program) ?? { versions: [], inForce: row, pool: pool ?? 0n }
    found.set(row.program, one)
    one.versions.push(row)
    if (row.effectiveFrom === null || row.effectiveFrom <= day) one.inForce = row
  }
  return [...found.values()]
}

const poolAccount = sql`${accounts.book} = ${programs.jurisdiction} and ${accounts.kind} = ${sql.raw(String(accountKinds.pool.no))} and ${accounts.owner} = ${programs.program}`

const view = ({ versions, inForce, pool }: Found) => ({
  ...viewVersion(inForce),
  program: inForce.program,
  jurisdiction: String(inForce.jurisdiction),
  pool: yuan(pool),
  inForce: inForce.version,
  version: versions.length,
})

const yuanOrNull = (fen: bigint | null) => (fen === null ? null : yuan(fen))

function viewVersion(row: Row) {
  return {
    ...row,
    annualCap: yuan(row.annualCap),
    orderCap: yuanOrNull(row.orderCap),
    firstGrantLimit: yuanOrNull(row.firstGrantLimit),
    categories: row.categories as never[],
    enterpriseTypes: row.enterpriseTypes as never[],
    // JSON has no bigint: a cap in it is kept as digits.
    ratios: (row.ratios as (Omit<RatioRow, 'orderCap'> & { orderCap: string | null })[]).map(
      ({ orderCap, ...one }) => ({
        ...one,
        category: one.category as never,
        orderCap: orderCap === null ? null : yuan(BigInt(orderCap)),
      }),
    ),
    evidence: row.evidence as never[],
  }
}
