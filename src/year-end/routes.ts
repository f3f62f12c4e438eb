import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Fen } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import { dayOf } from '../core/time.js'
import { booksUnder, mayRead, readableBooks } from '../engine/access.js'
import { commandRoute, proposeRoute, readRoute, type Services } from '../engine/route.js'
import { programs } from '../programs/facts.js'
import {
  carryOverCommand,
  openYearCommand,
  reconcileBudgetCommand,
  returnBudgetCommand,
  setSubsidyCommand,
  subsidiseCommand,
} from './commands.js'
import { subsidiseBody, subsidyView, yearEndView, yearQuery } from './contract.js'
import { inBook, subsidies } from './facts.js'
import { basesOf, poolYear, subsidiesIn } from './queries.js'
import { inForceOver, overlapping } from './rules.js'

const tag = 'year end 年终'

export function yearEndRoutes(app: FastifyInstance, services: Services): void {
  const { sql, clock } = services
  proposeRoute(app, services, {
    operation: 'returnBudget',
    url: '/v1/budget-returns',
    tag,
    summary: { en: 'Give unused budget back to Finance', zh: '结余交回财政' },
    type: returnBudgetCommand,
  })
  proposeRoute(app, services, {
    operation: 'carryOver',
    url: '/v1/carry-overs',
    tag,
    summary: { en: 'Carry unused budget over to a later program', zh: '结余结转' },
    type: carryOverCommand,
  })
  commandRoute(app, services, {
    operation: 'reconcileBudget',
    url: '/v1/treasury-figures',
    tag,
    status: 201,
    summary: { en: 'Write down what the treasury says it has given', zh: '登记国库拨款数（对账）' },
    type: reconcileBudgetCommand,
  })
  proposeRoute(app, services, {
    operation: 'setSubsidy',
    url: '/v1/subsidies',
    tag,
    summary: { en: 'Rule what share those below are paid', zh: '设定对下级的补助规则' },
    type: setSubsidyCommand,
  })
  commandRoute(app, services, {
    operation: 'subsidise',
    url: '/v1/subsidies/runs',
    tag,
    status: 201,
    body: subsidiseBody,
    summary: { en: 'Book the shares of days that are over, once', zh: '计提补助（同期只计一次）' },
    type: subsidiseCommand,
    prepare: async (command) => ({ ...command, ...(await basesFor(services, command)) }),
  })
  readRoute(app, {
    operation: 'listSubsidies',
    url: '/v1/subsidies',
    tag,
    summary: { en: 'The rules on subsidies, and what was booked by them', zh: '补助规则与计提记录' },
    answer: z.object({ items: z.array(subsidyView) }),
    async read({ actor }) {
      const books = readableBooks(actor)
      return { items: books ? await subsidiesIn(sql, books) : [] }
    },
  })
  commandRoute(app, services, {
    operation: 'openYear',
    url: '/v1/years',
    tag,
    status: 201,
    summary: { en: "Draft a year's programs again for another year", zh: '开立新年度券种（草稿）' },
    type: openYearCommand,
  })
  readRoute<object, { year: number; jurisdiction?: string }>(app, {
    operation: 'getYearEnd',
    url: '/v1/year-end',
    tag,
    query: yearQuery as never,
    summary: { en: "What became of a year's budget, pool by pool", zh: '年度资金池决算' },
    answer: yearEndView,
    async read({ query: { year, jurisdiction }, actor }) {
      const code = jurisdiction ?? actor.jurisdiction
      if (code === undefined || !mayRead(actor, Number(code))) {
        throw new Refused('not_your_jurisdiction', code === undefined ? {} : { jurisdiction: code })
      }
      return poolYear(sql, booksUnder(code), year, dayOf(clock.now()))
    },
  })
}

/** What the shares will be shares of; nothing when they cannot be booked now, or were booked before. */
async function basesFor(
  { sql, clock }: Services,
  { program, from, to }: { readonly program: string; readonly from: string; readonly to: string },
): Promise<{ bases?: { jurisdiction: string; amount: Fen }[] }> {
  const [published] = await programs.load(sql, [program])
  const [subsidy] = published ? await subsidies.load(sql, [inBook(published.jurisdiction, program)]) : []
  if (!subsidy || to >= dayOf(clock.now())) return {}
  // A run keeps what it was worked out of, so the same request is the same command for ever.
  const version = inForceOver(subsidy, from, to)
  const run = overlapping(subsidy, from, to)
  const of = run ? subsidy.versions[run.version - 1] : version
  return of ? { bases: await basesOf(sql, of, from, to) } : {}
}
