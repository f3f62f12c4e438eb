import { z } from 'zod'

export const divisionView = z
  .object({
    code: z.string(),
    name: z.string(),
    level: z.enum(['province', 'city', 'county']).meta({ description: 'By its code 层级' }),
    parent: z.string().nullable().meta({ description: 'The unit it lies in; null of a province 上级' }),
    keepsBook: z.boolean().meta({ description: 'In force, so that it may issue vouchers 可发券并设账套' }),
    abolishedOn: z.string().optional().meta({ description: 'No longer in force from this day 撤销日期' }),
    now: z.string().optional().meta({ description: 'The unit that took it over whole 并入单位' }),
    validFrom: z.string().optional().meta({ description: 'Known to be in force from this day 设立日期' }),
  })
  .meta({ id: 'DivisionUnit' })

export const zoneView = z
  .object({
    zone: z.string(),
    name: z.string(),
    en: z.string(),
    from: z.string(),
    source: z.string(),
    members: z.array(z.object({ code: z.string(), name: z.string() })),
  })
  .meta({ id: 'Zone' })
