import { z } from 'zod'
import { type RefusalCode, refusals } from '../core/refusals.js'
import { fileOrder } from '../orders/contract.js'
import { yuanText } from '../platform/wire.js'
import { voucherText } from '../vouchers/contract.js'

/**
 * Asks which of the firm's vouchers can carry how much of a contract today (试算): the same fields as filing it. What is
 * not known yet may be left out: a contract number then counts as new, the parties as unrelated.
 */
export const quoteContract = fileOrder.pick({ provider: true, category: true, contractAmount: true }).extend({
  voucher: voucherText.nullish().meta({ description: 'Of this voucher only 仅某一张券' }),
  contractNo: fileOrder.shape.contractNo.nullish(),
  relatedParty: fileOrder.shape.relatedParty.nullish(),
  localCategory: fileOrder.shape.localCategory,
  replaces: fileOrder.shape.replaces,
})
export type QuoteContract = z.infer<typeof quoteContract>

/** How many vouchers are looked at: those that can be used soonest. */
export const MOST_VOUCHERS = 50

const said = z.object({ en: z.string(), zh: z.string() })

export const quote = z
  .object({
    day: z.string(),
    best: z
      .string()
      .nullable()
      .meta({ description: 'The voucher that carries most, of equals the one that ends first 推荐' }),
    items: z.array(
      z.object({
        voucher: z.string(),
        program: z.string(),
        useBy: z.string(),
        carries: yuanText.meta({ description: 'What can be held for this contract today 可抵扣金额' }),
        decidedBy: z
          .object({
            code: z.enum(Object.keys(refusals) as [RefusalCode, ...RefusalCode[]]),
            title: said,
            details: z.record(z.string(), z.unknown()).optional(),
            change: said.nullable().meta({ description: 'What would have to be different 如何调整' }),
          })
          .nullable()
          .meta({ description: 'The rule that allows no fen more; null when the whole contract is carried 决定规则' }),
        most: z.object({ carries: yuanText, contractAmount: yuanText }).nullable().meta({
          description:
            'What the voucher would carry at most, and the smallest contract for it, when the share of this contract is what decides 最多可抵扣及所需合同额',
        }),
      }),
    ),
  })
  .meta({ id: 'Quote' })
export type Quote = z.infer<typeof quote>
