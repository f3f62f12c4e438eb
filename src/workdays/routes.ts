import { eq } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { workdays } from '../../db/schema.js'
import { addDays } from '../core/time.js'
import { isWorkday, noticeOf } from '../core/workdays.js'
import { proposeRoute, readRoute, type Services } from '../engine/route.js'
import { publishWorkdaysCommand } from './commands.js'
import { workdaysBody, workdaysView, yearParams } from './contract.js'

const tag = 'deadlines 期限'

export function workdayRoutes(app: FastifyInstance, services: Services): void {
  proposeRoute(app, services, {
    operation: 'publishWorkdays',
    url: '/v1/workdays',
    tag,
    ifMatch: 'if there',
    body: workdaysBody,
    summary: { en: "Publish the notice of a year's holidays", zh: '公布年度节假日安排' },
    type: publishWorkdaysCommand,
  })
  readRoute<{ year: number }>(app, {
    operation: 'getWorkdays',
    url: '/v1/workdays/:year',
    tag,
    params: yearParams,
    summary: { en: 'The workdays of a year', zh: '年度工作日' },
    answer: workdaysView,
    async read({ params: { year } }) {
      const [published = null] = await services.reader.select().from(workdays).where(eq(workdays.year, year))
      const notices = (of: number) => (of === year ? published : null)
      const days: string[] = []
      for (let day = `${year}-01-01`; day <= `${year}-12-31`; day = addDays(day, 1)) {
        if (isWorkday(day, notices)) days.push(day)
      }
      const notice = noticeOf(year, notices)
      return {
        year,
        isProvisional: notice === null,
        document: notice?.document ?? null,
        workdays: days,
        version: published?.version ?? null,
      }
    },
  })
}
