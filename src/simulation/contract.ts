import { z } from 'zod'
import { type RefusalCode, refusals } from '../core/refusals.js'
import { code, day, inOrder, jurisdiction, money, yuanText } from '../platform/wire.js'
import { programRules } from '../programs/contract.js'

/**
 * Asks what a draft would have done to what a jurisdiction really issued, filed and claimed over these days (模拟): to one
 * program's, or to all of them together. The budget is in the pool from the first day.
 */
export const simulateProgram = z
  .strictObject({
    jurisdiction,
    program: code.nullish().meta({ description: 'Of one program only; else of all 仅某一券种' }),
    from: day,
    to: day,
    budget: money,
    rules: programRules.meta({
      description:
        'Its dates are moved by whole years into the year of `from`; evidence is taken as complete; an approval waits for the end of the notice. 日期按整年移至起始年；佐证材料视为齐备；核准顺延至公示期满。',
    }),
  })
  .superRefine(inOrder('from', 'to'))
export type SimulateProgram = z.infer<typeof simulateProgram>

const sum = z.object({ count: z.number(), amount: yuanText })
const course = z.object({
  vouchers: sum.meta({ description: 'Vouchers issued 发放' }),
  orders: sum.meta({ description: 'Orders filed 备案' }),
  approvals: sum.meta({ description: 'Claims approved 核准' }),
})
const refusalCode = z.enum(Object.keys(refusals) as [RefusalCode, ...RefusalCode[]])

/** How many of the enterprises that are hit are named: those with the most money first. */
export const MOST_NAMED = 100

export const simulation = z
  .object({
    was: course.meta({ description: 'What really happened 实际' }),
    would: course.meta({ description: 'What would have happened 模拟' }),
    refused: z
      .array(z.object({ step: z.string(), code: refusalCode, ...sum.shape }))
      .meta({ description: 'What would have been refused, each order for its first reason 拒绝原因' }),
    months: z.array(
      z.object({
        month: z.string(),
        issued: yuanText,
        approved: yuanText,
        wasIssued: yuanText,
        wasApproved: yuanText,
      }),
    ),
    lapsed: z.object({ orders: z.number(), vouchers: z.number() }),
    exhaustedOn: z.string().nullable().meta({ description: 'First day on which the pool could not pay 资金池用尽日' }),
    pool: yuanText.meta({ description: 'Left in the pool at the end 期末资金池余额' }),
    outside: z.number().meta({ description: 'Orders on vouchers that are not part of this: not played 未纳入' }),
    enterprises: z.object({
      hit: z.number().meta({ description: 'Enterprises that would have been refused something 受影响企业数' }),
      items: z.array(z.object({ enterprise: z.string(), ...sum.shape })),
    }),
  })
  .meta({ id: 'Simulation' })
export type Simulation = z.infer<typeof simulation>
