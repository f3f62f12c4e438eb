import { z } from 'zod'
import { clearingText } from '../clearing/contract.js'
import { code, day, signedMoney, yuanText } from '../platform/wire.js'

/** Asks what a close would come to now (关账预览): nothing is closed. */
export const askPreview = z.strictObject({
  period: code,
  through: day,
  group: code.meta({ description: 'Clearing group 清算组', examples: ['region'] }),
})

/** The same with what the books hold: the service itself adds it up. */
export const previewPeriod = askPreview.extend({
  reaches: z.record(z.string(), z.number()),
  gross: z.array(
    z.strictObject({
      from: z.string(),
      to: z.string(),
      agreement: z.number().nullable(),
      amount: signedMoney,
      items: z.number(),
    }),
  ),
})

export const exposureLevels = ['within', 'warning', 'exceeded'] as const

const level = z.enum(exposureLevels).meta({
  description: 'warning from 80 % of the cap, exceeded above it: then the pair is paid directly 预警、超限',
})
const share = z.number().nullable().meta({ description: 'Percent of the cap; null without one 占上限百分比' })
const cap = yuanText.nullable().meta({ description: 'Net debit cap 净借记上限' })
const grossLine = z.object({
  from: z.string(),
  to: z.string(),
  agreement: z.number().nullable(),
  amount: yuanText,
  items: z.number(),
})
const provinceAmounts = z.record(z.string(), yuanText)

/** What a close would come to, and what has changed since the last time it was asked. */
export const previewed = z.object({
  period: z.string(),
  through: z.string(),
  group: z.string(),
  reaches: z.record(z.string(), z.number()).meta({ description: 'The number that was looked at in each book' }),
  gross: z.array(grossLine),
  pairs: z.array(
    z.object({
      agreement: clearingText,
      net: yuanText,
      netted: z.boolean(),
      why: z.enum(['agreed', 'below_threshold', 'above_cap']),
      cap,
      share,
      level,
    }),
  ),
  net: provinceAmounts,
  instructions: z.array(z.object({ from: z.string(), to: z.string(), amount: yuanText })),
  before: z
    .object({ preview: z.number(), madeOn: z.string() })
    .nullable()
    .meta({ description: 'The preview it is compared with; null for the first 上次预览' }),
  differences: z.array(grossLine).meta({ description: 'This one less the last; what is the same is left out 差异' }),
})

export const exposureView = z
  .object({
    agreement: clearingText,
    one: z.string(),
    other: z.string(),
    group: z.string(),
    net: yuanText.meta({ description: 'What `one` owes `other` less what it is owed, of what is not closed' }),
    items: z.number(),
    cap,
    share,
    level,
  })
  .meta({ id: 'Exposure' })
