import { z } from 'zod'
import { orderText } from '../orders/contract.js'
import { code, day, signedMoney, yuanText } from '../platform/wire.js'

/** Closes a clearing period (关账): takes every item dated up to `through` that no earlier close took. */
export const closePeriod = z.strictObject({ period: code, through: day })
export const periodClosed = z.object({
  period: z.string(),
  through: z.string(),
  reaches: z.record(z.string(), z.number()).meta({ description: 'The number up to which it reaches in each book' }),
})

/** Gives every province its position for a closed period (轧差); the service itself asks this after closing. */
export const netPeriod = z.strictObject({
  period: code,
  gross: z.array(z.strictObject({ from: z.string(), to: z.string(), amount: signedMoney })),
})
export const periodNetted = z.object({ period: z.string(), net: z.record(z.string(), yuanText) })

/** Says that all of a closed period is paid (确认拨付). */
export const confirmPayments = z.strictObject({ period: code })
export const paymentsConfirmed = z.object({
  period: z.string(),
  instructions: z.array(z.object({ from: z.string(), to: z.string(), amount: yuanText })),
})

/** One book's part of a period's payments; the service itself asks this together with confirm_payments. */
export const pay = z.strictObject({
  period: code,
  book: z.number(),
  payees: z.array(z.strictObject({ payee: z.string(), province: z.number(), amount: signedMoney })),
  orders: z.array(orderText),
})
export const paid = z.object({ period: z.string(), paid: yuanText, payees: z.number(), orders: z.number() })

const provinceAmounts = z.record(z.string(), yuanText)

/** A closed period: gross positions, the net of each province and the instructions that clear them. */
export const settlementView = z
  .object({
    period: z.string(),
    through: z.string(),
    closedOn: z.string(),
    gross: z.record(z.string(), provinceAmounts).meta({ description: 'gross[P][Q]: P issued, Q’s payees earned 总额' }),
    net: provinceAmounts.meta({ description: 'What the others owe less what is owed to them 净额' }),
    instructions: z.array(z.object({ from: z.string(), to: z.string(), amount: yuanText })),
    paid: z.boolean(),
  })
  .meta({ id: 'Settlement' })
