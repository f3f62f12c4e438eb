import { z } from 'zod'
import { category, code, day, inOrder, name, province } from '../platform/wire.js'

/** What a province's own category means in the common ones over these days (服务目录对照). */
export const mapCategory = z
  .strictObject({
    jurisdiction: province,
    localCode: code.meta({ description: 'Its code in the province 地方类别代码', examples: ['SH-JC-03'] }),
    name,
    category: category.nullable().meta({ description: 'The common category; null: none any more 共同类别' }),
    from: day,
    to: day.nullish().meta({ description: 'Until further notice when there is none 截止日' }),
  })
  .superRefine(inOrder('from', 'to'))

export const categoryMapped = z.object({ jurisdiction: z.string(), localCode: z.string(), mapping: z.number() })

export const mappingView = z
  .object({
    jurisdiction: z.string(),
    localCode: z.string(),
    mapping: z.number().meta({ description: 'Of several that cover a day the highest holds 对照编号' }),
    name: z.string(),
    category: category.nullable(),
    from: z.string(),
    to: z.string().nullable(),
  })
  .meta({ id: 'Mapping' })

export const catalogueFilter = z.strictObject({
  jurisdiction: province.optional(),
  on: day.optional().meta({ description: 'Only what holds on this day 仅列当日有效' }),
})
