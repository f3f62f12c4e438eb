import { z } from 'zod'
import seeds from '../../db/seeds/indicators.json' with { type: 'json' }
import { count } from '../platform/wire.js'

/** What is counted, and how: data, so that a report's definitions are the ones it was made by. */
export interface Indicator {
  readonly code: string
  readonly zh: string
  readonly en: string
  readonly unit: 'count' | 'yuan'
  readonly definition: string
  /** The count of those that an amount is of: an amount of few is as telling as their number. */
  readonly guard?: string
}
export const indicators = seeds.indicators as readonly Indicator[]
export const { threshold, sums } = seeds

export const statisticsQuery = z.strictObject({ year: count(2000, 2999).meta({ description: 'Calendar year 年度' }) })
export const statisticsFileQuery = statisticsQuery.extend({
  format: z.enum(['csv', 'xlsx']).default('csv').meta({ description: 'File format 文件格式' }),
})

const figure = z.union([z.number(), z.string()]).nullable()
export const statisticsView = z
  .object({
    year: z.number(),
    provisional: z.boolean().meta({ description: 'The year is not over 年度未结束' }),
    threshold: z
      .number()
      .meta({ description: 'Counts other than zero that are nearer to it are not published 小数值阈值' }),
    places: z.array(z.object({ jurisdiction: z.string(), name: z.string() })),
    items: z.array(
      z.object({
        code: z.string(),
        zh: z.string(),
        en: z.string(),
        unit: z.enum(['count', 'yuan']),
        definition: z.string(),
        values: z
          .record(z.string(), figure)
          .meta({ description: 'By jurisdiction, 000000 the region; null: not published 各辖区数值，null 为不公布' }),
      }),
    ),
  })
  .meta({ id: 'Statistics' })
export type StatisticsView = z.output<typeof statisticsView>
