import { z } from 'zod'
import { code, day, inOrder, money, province, text, version } from '../platform/wire.js'

/** Who pays the payees of the other province: each issuing jurisdiction itself, or their own province, and the net moves. */
export const clearingModes = ['direct', 'netted'] as const

/** What of a province an agreement covers: its own book, or those of all jurisdictions below it, too. */
export const clearingCovers = ['province', 'tree'] as const

/** The group of what no agreement puts into another. */
export const WHOLE_REGION = 'region'

const by = province.meta({ description: 'Which of the two provinces says so 签署方' })

const terms = {
  mode: z.enum(clearingModes).meta({ description: 'direct 直接支付, or netted 轧差清算' }),
  group: code.meta({ description: 'Whose periods it is cleared in 清算组', examples: [WHOLE_REGION] }),
  covers: z.enum(clearingCovers).meta({ description: 'The provinces’ own programs, or all below them, too 适用范围' }),
  threshold: money.nullish().meta({ description: 'A smaller net of a period is paid directly 起算金额' }),
  cap: money.nullish().meta({ description: 'A larger net of a period is paid directly 净借记上限' }),
  from: day,
  to: day,
  document: text(100).nullish().meta({ description: 'Document number 文号' }),
}

const differ = ({ one, other }: { one?: unknown; other?: unknown }, context: z.RefinementCtx) => {
  if (one === other) context.addIssue({ code: 'custom', message: 'repeated', path: ['other'] })
}

/** Offers how two provinces clear what they owe each other's payees (提出清算协议): signed by who offers it. */
export const offerClearing = z
  .strictObject({ one: province, other: province, by, ...terms })
  .superRefine(inOrder('from', 'to'))
  .superRefine(differ)

export const clearingText = text(40)
  .regex(/^3[1-4]0000-3[1-4]0000-[1-9]\d{0,14}$/, { error: 'text_format' })
  .meta({ id: 'ClearingId', description: 'The two provinces, number 清算协议编号', examples: ['310000-330000-41'] })

/** Signs the very version that was read (签署). */
export const signClearing = z.strictObject({ agreement: clearingText, version, by })

/** Ends it after this day, or takes an offer back, by either side (终止). */
export const endClearing = z.strictObject({ agreement: clearingText, version })

export const clearingWritten = z.object({ agreement: z.string(), version: z.number(), signed: z.array(z.string()) })

export const clearingView = z
  .object({
    agreement: z.string(),
    version: z.number(),
    one: z.string(),
    other: z.string(),
    mode: z.enum(clearingModes),
    group: z.string(),
    covers: z.enum(clearingCovers),
    threshold: z.string().nullable(),
    cap: z.string().nullable(),
    from: z.string(),
    to: z.string().meta({ description: 'Its last day; of one that was ended, the day it was ended on' }),
    document: z.string().nullable(),
    signed: z.array(z.string()),
    state: z.enum(['offered', 'signed', 'ended']),
  })
  .meta({ id: 'ClearingAgreement' })
