import { and, asc, between, eq, gt } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import type { z } from 'zod'
import { standings } from '../../db/schema.js'
import { bookText } from '../core/ids.js'
import { dayOf } from '../core/time.js'
import { booksUnder, readableBooks } from '../engine/access.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { REGION } from '../ledger/book.js'
import { cut, page, readCursor, writeCursor } from '../platform/pages.js'
import type { Role } from '../platform/permissions.js'
import { appointCommand, barPersonCommand, deputiseCommand, endStandingCommand } from './commands.js'
import { appointBody, barBody, deputiseBody, endBody, meView, peopleFilter, standingView } from './contract.js'

const tag = 'people 人员'

export function peopleRoutes(app: FastifyInstance, services: Services): void {
  proposeRoute(app, services, {
    operation: 'appoint',
    url: '/v1/appointments',
    tag,
    summary: { en: 'Give a person roles in your jurisdiction or one below it', zh: '任用' },
    type: appointCommand,
    body: appointBody,
  })
  proposeRoute(app, services, {
    operation: 'deputise',
    url: '/v1/deputyships',
    tag,
    summary: { en: 'Let somebody act for a colleague who is away', zh: '代理' },
    type: deputiseCommand,
    body: deputiseBody,
  })
  proposeRoute(app, services, {
    operation: 'barPerson',
    url: '/v1/bars',
    tag,
    summary: { en: "End a person's access, whatever their tokens say", zh: '停用' },
    type: barPersonCommand,
    body: barBody,
  })
  proposeRoute(app, services, {
    operation: 'endStanding',
    url: '/v1/standing-ends',
    tag,
    summary: { en: 'End an appointment, a deputyship or a bar', zh: '终止任用、代理或停用' },
    type: endStandingCommand,
    body: endBody,
  })
  readRoute<object, z.output<typeof peopleFilter>>(app, {
    operation: 'listPeople',
    url: '/v1/people',
    tag,
    query: peopleFilter as never,
    summary: { en: 'Appointments, deputyships and bars, oldest first', zh: '任用、代理与停用' },
    answer: page(standingView),
    async read({ query, actor }) {
      const { low, high } = readableBooks(actor) ?? { low: -1, high: -1 }
      const of = query.jurisdiction === undefined ? undefined : booksUnder(query.jurisdiction)
      const after = readCursor(query.cursor)
      const rows = await services.reader
        .select()
        .from(standings)
        .where(
          and(
            between(standings.jurisdiction, low, high),
            of && between(standings.jurisdiction, of.low, of.high),
            query.person === undefined ? undefined : eq(standings.person, query.person),
            after && gt(standings.number, after.number),
          ),
        )
        .orderBy(asc(standings.number))
        .limit(query.limit + 1)
      const { items, next } = cut(rows, query.limit, ({ number }) => writeCursor(REGION, number))
      return {
        items: items.map(({ number, jurisdiction, roles, validFrom, validTo, ...rest }) => ({
          ...rest,
          standing: number,
          jurisdiction: bookText(jurisdiction),
          roles: roles as never[],
          from: validFrom,
          to: validTo,
        })),
        next,
      }
    },
  })
  readRoute(app, {
    operation: 'getMe',
    url: '/v1/me',
    tag,
    summary: { en: 'Who the service takes me for', zh: '当前身份' },
    answer: meView,
    read: async ({ actor: { subject, organisation, jurisdiction, roles, principals } }) => ({
      subject,
      organisation,
      jurisdiction: jurisdiction ?? null,
      roles: roles as Role[],
      principals: [...(principals ?? [])],
      day: dayOf(services.clock.now()),
    }),
  })
}
