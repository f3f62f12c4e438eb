import { z } from 'zod'
import { pageQuery } from '../platform/pages.js'
import { type Role, roles } from '../platform/permissions.js'
import { day, inOrder, reason, setOf, subject, text, jurisdiction as theirs } from '../platform/wire.js'

/** A person, by the name that tokens give: of a configured issuer `name:subject`. */
export const person = subject.meta({
  id: 'PersonId',
  description: 'A person, by the name that tokens give 人员标识',
  examples: ['js:zhang.san'],
})
/** The same in the log, which has names of versions before 0.5 with blanks at their ends. */
const logged = text(200)

/** Roles that a bureau gives to its people; a firm's come with its token, the operator's never from here. */
export const givenRoles = ['officer', 'approver', 'finance', 'auditor'] as const satisfies Role[]
const someRoles = setOf(z.enum(givenRoles))

/** A jurisdiction, or 000000 for the region's own office. */
const office = z.union([z.literal('000000'), theirs])

/** Gives a person roles in a jurisdiction, from a day on (任用); without `to`, until it is ended. */
export const appoint = z
  .strictObject({
    person: logged,
    jurisdiction: office,
    roles: someRoles,
    from: day,
    to: day.nullish(),
    reason,
    document: text(100).nullish().meta({ description: 'Document number 文号' }),
  })
  .superRefine(inOrder('from', 'to'))
/** The same as it is asked for. */
export const appointBody = appoint.safeExtend({ person })
export const appointed = z.object({ person: z.string(), standing: z.number() })

/** A deputyship is for leave, not for good: so many calendar days at most. */
export const DEPUTY_DAYS = 92

const rolesFrom = z.enum(['register', 'token']).meta({
  description:
    "Where the principal has the roles from: an appointment here, which is checked, or their platform's token 被代理人角色来源：本系统任用（须核对）或身份平台令牌",
})

/** Lets somebody act with a colleague's roles while that one is away (代理); both days inclusive. */
export const deputise = z
  .strictObject({
    person: logged,
    principal: logged,
    jurisdiction: office,
    roles: someRoles,
    from: day,
    to: day,
    reason,
    rolesFrom: rolesFrom.optional(),
  })
  .superRefine(inOrder('from', 'to'))
/** The same as it is asked for. */
export const deputiseBody = deputise.safeExtend({ person, principal: person, rolesFrom: rolesFrom.default('register') })
export const deputised = z.object({ person: z.string(), principal: z.string(), standing: z.number() })

/** Ends a person's access to a jurisdiction and those below it, whatever their tokens say (停用). */
export const barPerson = z.strictObject({ person: logged, jurisdiction: office, from: day, reason })
/** The same as it is asked for. */
export const barBody = barPerson.safeExtend({ person })
export const personBarred = z.object({ person: z.string(), standing: z.number() })

/** Ends an appointment, a deputyship or a bar: at once, or with a last day (终止). */
export const endStanding = z.strictObject({
  person: logged,
  standing: z.int({ error: 'wrong_type' }).min(1, { error: 'out_of_range' }),
  to: day.optional().meta({ description: 'Its last day; without, it ends at once 末日，缺省为立即终止' }),
  reason,
})
/** The same as it is asked for. */
export const endBody = endStanding.safeExtend({ person })
export const standingEnded = z.object({ person: z.string(), standing: z.number(), to: z.string().optional() })

/** What stands of a person: an appointment 任用, a deputyship 代理 or a bar 停用. */
export const standingView = z
  .object({
    person: z.string(),
    standing: z.number().meta({ description: "Number of the region's command that made it" }),
    kind: z.enum(['appointment', 'deputyship', 'bar']),
    jurisdiction: z.string(),
    principal: z.string().nullable(),
    roles: z.array(z.enum(givenRoles)),
    rolesFrom: rolesFrom.nullable(),
    from: z.string(),
    to: z.string().nullable(),
    reason: z.string(),
    document: z.string().nullable(),
    ended: z.number().nullable().meta({ description: "Number of the region's command that ended it" }),
  })
  .meta({ id: 'Standing' })

export const peopleFilter = z.strictObject({
  ...pageQuery,
  person: person.optional(),
  jurisdiction: theirs.optional().meta({ description: 'This jurisdiction and those below it 辖区及其下级' }),
})

/** Who the service takes somebody for. */
export const meView = z
  .object({
    subject: z.string(),
    organisation: z.string(),
    jurisdiction: z.string().nullable(),
    roles: z.array(z.enum(Object.keys(roles) as [Role, ...Role[]])),
    principals: z.array(z.string()).meta({ description: 'Whose deputy, today 代理谁' }),
    day: z.string(),
  })
  .meta({ id: 'Me' })
