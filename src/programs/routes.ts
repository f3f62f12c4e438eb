import { eq, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { accounts, programs } from '../../db/schema.js'
import { yuan } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { accountKinds } from '../ledger/chart.js'
import { code } from '../platform/wire.js'
import { appropriateCommand, publishProgramCommand } from './commands.js'
import { programView } from './contract.js'

const tag = 'programs 券种'

export function programRoutes(app: FastifyInstance, services: Services): void {
  proposeRoute(app, services, {
    operation: 'publishProgram',
    url: '/v1/programs',
    tag,
    summary: { en: 'Publish a program', zh: '发布券种' },
    type: publishProgramCommand,
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
    read: async () => ({ items: (await select(services)).map(view) }),
  })
  readRoute<{ program: string }>(app, {
    operation: 'getProgram',
    url: '/v1/programs/:program',
    tag,
    params: z.strictObject({ program: code }),
    summary: { en: 'One program', zh: '券种详情' },
    answer: programView,
    async read({ params }) {
      const [found] = await select(services).where(eq(programs.program, params.program))
      if (!found) throw new Refused('program_not_found', { program: params.program })
      return view(found)
    },
  })
}

function select({ reader }: Services) {
  return reader
    .select({ program: programs, pool: accounts.posted })
    .from(programs)
    .leftJoin(accounts, poolAccount)
    .orderBy(programs.program)
    .$dynamic()
}

const poolAccount = sql`${accounts.book} = ${programs.jurisdiction} and ${accounts.kind} = ${sql.raw(String(accountKinds.pool.no))} and ${accounts.owner} = ${programs.program}`

function view({ program, pool }: { program: typeof programs.$inferSelect; pool: bigint | null }) {
  return {
    ...program,
    jurisdiction: String(program.jurisdiction),
    annualCap: yuan(program.annualCap),
    orderCap: program.orderCap === null ? null : yuan(program.orderCap),
    categories: program.categories as never[],
    enterpriseTypes: program.enterpriseTypes as never[],
    pool: yuan(pool ?? 0n),
  }
}
