import { z } from 'zod'
import type { FieldFault } from '../core/faults.js'
import { count, day, setOf, text, version } from '../platform/wire.js'

const year = z.int({ error: 'wrong_type' }).min(2024, { error: 'out_of_range' }).max(2900, { error: 'out_of_range' })
const workedDays = z
  .array(day)
  .max(100, { error: 'out_of_range' })
  .refine((list) => new Set(list).size === list.length, { error: 'repeated' })

const notice = {
  document: text(100).meta({ description: 'Number of the notice 文号', examples: ['国办发明电〔2025〕7号'] }),
  off: setOf(day).meta({ description: 'Days off, weekends among them 放假日' }),
  work: workedDays.meta({ description: 'Weekend days that are worked 调休上班日' }),
}

/** Every day of the year, and none both off and worked. */
function ofYear(
  { year, off, work }: { year: number; off: readonly string[]; work: readonly string[] },
  context: z.RefinementCtx,
) {
  const fault = (message: FieldFault, path: (string | number)[]) => context.addIssue({ code: 'custom', message, path })
  for (const [name, days] of Object.entries({ off, work })) {
    days.forEach((one, index) => {
      if (one.slice(0, 4) !== String(year)) fault('out_of_range', [name, index])
    })
  }
  work.forEach((one, index) => {
    if (off.includes(one)) fault('repeated', ['work', index])
  })
}

/** Publishes the State Council's notice of a year's holidays to the service, or corrects it (公布节假日安排). */
export const publishWorkdays = z.strictObject({ year, version: version.nullish(), ...notice }).superRefine(ofYear)
/** The same where If-Match says the version. */
export const workdaysBody = z.strictObject({ year, ...notice }).superRefine(ofYear)

export const workdaysPublished = z.object({ year: z.number(), version: z.number() })

export const yearParams = z.strictObject({ year: count(2024, 2900) })

export const workdaysView = z
  .object({
    year: z.number(),
    isProvisional: z.boolean().meta({
      description: 'No notice yet: weekends and legal holidays only 尚未公布安排，仅按周末与法定节假日计算',
    }),
    document: z.string().nullable(),
    workdays: z.array(z.string()).meta({ description: 'Every workday of the year 全年工作日' }),
    version: z.number().nullable().meta({ description: 'Null while nobody has published the year here' }),
  })
  .meta({ id: 'Workdays' })
