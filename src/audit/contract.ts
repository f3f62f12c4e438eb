import { z } from 'zod'
import { accountKinds, names, phases, transferTypes } from '../ledger/chart.js'
import { yuanText } from '../platform/wire.js'

export const bookView = z
  .object({
    book: z.string(),
    name: z.string(),
    seq: z.number().meta({ description: 'Head: number of the last command' }),
    entries: z.number().meta({ description: 'Number of the last journal entry 凭证号' }),
    bookedAt: z.string().nullable(),
  })
  .meta({ id: 'Book' })

export const accountView = z
  .object({
    kind: z.enum(names(accountKinds)),
    owner: z.string(),
    posted: yuanText.meta({ description: 'On its normal side 余额' }),
    held: yuanText,
    available: yuanText,
  })
  .meta({ id: 'Account' })

/** Balances of a book and the number they stand at: the same number later gives the same answer. */
export const balancesView = z
  .object({ book: z.string(), entry: z.number(), items: z.array(accountView) })
  .meta({ id: 'Balances' })

export const entryView = z
  .object({
    entry: z.number(),
    seq: z.number(),
    command: z.string(),
    day: z.string(),
    bookedAt: z.string(),
    subject: z.string(),
    transfers: z.array(
      z.object({
        type: z.enum(names(transferTypes)),
        phase: z.enum(names(phases)),
        debit: z.string(),
        credit: z.string(),
        amount: yuanText,
      }),
    ),
  })
  .meta({ id: 'Entry' })

/** One act of the audit trail 操作留痕: who, from where, when, what, what was before and after, and why. */
export const actView = z
  .object({
    book: z.string(),
    seq: z.number(),
    bookedAt: z.string(),
    day: z.string(),
    subject: z.string(),
    organisation: z.string(),
    origin: z.string().meta({ description: 'The address it came from, as far as known 来源地址' }),
    command: z.string(),
    body: z.record(z.string(), z.unknown()).meta({ description: 'What was asked, with its reasons' }),
    event: z.record(z.string(), z.unknown()).meta({ description: 'What it came to' }),
    changes: z
      .record(z.string(), z.record(z.string(), z.tuple([z.unknown(), z.unknown()])))
      .nullable()
      .meta({ description: 'Before and after of what was there already; of lists what went and what came 变更前后' }),
    entry: z.number().nullable(),
  })
  .meta({ id: 'Act' })

/** One province as issuer; every figure is read from the ledger. */
export const provinceReport = z
  .object({
    appropriated: yuanText,
    pool: yuanText,
    issued: yuanText,
    lapsed: yuanText,
    available: yuanText,
    held: yuanText,
    approved: yuanText,
    clawedBack: yuanText,
    subsidised: yuanText
      .optional()
      .meta({ description: 'Its shares of what those below issued or paid; absent when none 对下级补助' }),
    outbound: yuanText,
    inbound: yuanText,
    paid: yuanText,
    payable: yuanText,
  })
  .meta({ id: 'ProvinceReport' })
