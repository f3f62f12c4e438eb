import { z } from 'zod'
import {
  code,
  count,
  day,
  inOrder,
  jurisdiction,
  money,
  ratio,
  setOf,
  signedMoney,
  text,
  yuanText,
} from '../platform/wire.js'

const document = text(100).meta({ description: 'Number of the decision 文号' })
const some = money.nullish().meta({ description: 'Left out: all that is in the pool 金额；不填为池内全部' })

/** Gives what a pool has not issued back to Finance (交回财政). */
export const returnBudget = z.strictObject({ program: code, amount: some, document })
export const budgetReturned = z.object({
  program: z.string(),
  amount: yuanText,
  pool: yuanText.meta({ description: 'What is left in the pool 资金池余额' }),
})

/** Carries what a pool has not issued over to a later program of the same jurisdiction (结转). */
export const carryOver = z
  .strictObject({ from: code, to: code, amount: some, document })
  .superRefine((said, context) => {
    if (said.from === said.to) context.addIssue({ code: 'custom', message: 'repeated', path: ['to'] })
  })
export const carriedOver = z.object({
  from: z.string(),
  to: z.string(),
  amount: yuanText,
  pool: yuanText.meta({ description: 'What is left in the pool it came from 转出后余额' }),
})

/** What the treasury's own books say it has given for a program up to a day (与国库对账). */
export const reconcileBudget = z.strictObject({ program: code, amount: money, asOf: day, document })
export const budgetReconciled = z.object({ program: z.string(), treasury: yuanText, asOf: z.string() })

export const subsidyBases = ['issued', 'paid'] as const

/**
 * What share of their vouchers a jurisdiction pays those below it, out of which program's pool, on which days (补助规则):
 * a further version, which replaces the ones before from its first day on.
 */
export const setSubsidy = z
  .strictObject({
    program: code,
    jurisdictions: setOf(jurisdiction),
    basis: z.enum(subsidyBases, { error: 'not_one_of' }).meta({
      description: 'Of what they issued, or of what their treasuries paid out on balance 按发放额或按净拨付额',
    }),
    share: ratio,
    from: day,
    to: day,
    document,
  })
  .superRefine(inOrder('from', 'to'))
export const subsidySet = z.object({ program: z.string(), version: z.number(), from: z.string(), to: z.string() })

const ofRun = { program: code, from: day, to: day }
/** Books the shares of days that are over (计提补助): once for all; the service adds up what they are shares of. */
export const subsidise = z
  .strictObject({
    ...ofRun,
    bases: z.array(z.strictObject({ jurisdiction: z.string(), amount: signedMoney })).optional(),
  })
  .superRefine(inOrder('from', 'to'))
export const subsidiseBody = z.strictObject(ofRun).superRefine(inOrder('from', 'to'))
export const subsidised = z.object({
  program: z.string(),
  version: z.number(),
  from: z.string(),
  to: z.string(),
  total: yuanText,
  items: z.array(z.object({ jurisdiction: z.string(), base: yuanText, amount: yuanText })),
})

/** Drafts a jurisdiction's programs again for another year: codes and days move by whole years (开立新年度). */
export const openYear = z.strictObject({
  jurisdiction,
  programs: setOf(code),
  year: z.int({ error: 'wrong_type' }).min(2001, { error: 'out_of_range' }).max(2999, { error: 'out_of_range' }),
})
export const yearOpened = z.object({
  jurisdiction: z.string(),
  year: z.number(),
  drafts: z.array(z.object({ from: z.string(), program: z.string() })),
})

export const yearQuery = z.strictObject({ year: count(2001, 2999), jurisdiction: jurisdiction.optional() })

const flows = {
  opening: yuanText.meta({ description: 'In the pool when the year began 年初余额' }),
  appropriated: yuanText,
  issued: yuanText,
  lapsed: yuanText.meta({ description: 'Back from vouchers 失效收回' }),
  clawedBack: yuanText,
  returned: yuanText.meta({ description: 'Given back to Finance 交回财政' }),
  carriedIn: yuanText,
  carriedOut: yuanText,
  subsidised: yuanText.meta({ description: 'Shares booked for those below 已计提补助' }),
  left: yuanText.meta({ description: 'In the pool when the year ended, or now 年末（现）余额' }),
}

/** What became of a program's pool in a year: opening and everything that moved it come to what is left. */
export const poolYearView = z
  .object({
    program: z.string(),
    jurisdiction: z.string(),
    ...flows,
    treasury: z
      .object({
        amount: yuanText,
        asOf: z.string(),
        document: z.string(),
        ledger: yuanText.meta({ description: 'Appropriated less returned up to that day 账面拨入净额' }),
        difference: yuanText.meta({ description: "The treasury's less the ledger's 差额" }),
      })
      .nullable()
      .meta({ description: "The treasury's figure that was recorded last, beside the ledger's of that day 国库对账" }),
  })
  .meta({ id: 'PoolYear' })

export const yearEndView = z.object({
  year: z.number(),
  through: z.string().meta({ description: 'The last day that is in it 截至日' }),
  items: z.array(poolYearView),
  total: z.object(flows),
})

export const subsidyView = z
  .object({
    program: z.string(),
    jurisdiction: z.string(),
    versions: z.array(
      z.object({
        version: z.number(),
        jurisdictions: z.array(z.string()),
        basis: z.enum(subsidyBases),
        share: z.string(),
        from: z.string(),
        to: z.string(),
        document: z.string(),
      }),
    ),
    runs: z.array(
      z.object({
        version: z.number(),
        from: z.string(),
        to: z.string(),
        entry: z.number().nullable(),
        total: yuanText,
        items: z.array(z.object({ jurisdiction: z.string(), base: yuanText, amount: yuanText })),
      }),
    ),
  })
  .meta({ id: 'Subsidy' })
