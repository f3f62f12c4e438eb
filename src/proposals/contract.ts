import { z } from 'zod'
import { proposalStates } from '../engine/proposal.js'
import { pageQuery } from '../platform/pages.js'
import { jurisdiction } from '../platform/wire.js'

/** What waits for a second person, or did 提请. */
export const proposalView = z
  .object({
    proposal: z.string(),
    kind: z.string().meta({ description: 'Kind of the command asked for 事项', examples: ['appropriate'] }),
    command: z.record(z.string(), z.unknown()).meta({ description: 'What is asked for, as it would be logged' }),
    jurisdiction: z.string(),
    proposedBy: z.string(),
    proposedOn: z.string(),
    approveBy: z.string().meta({ description: 'The last day it can be approved 复核截止日' }),
    note: z.string().nullable(),
    state: z.enum(proposalStates),
    decidedBy: z.string().nullable(),
  })
  .meta({ id: 'Proposal' })

export const proposalFilter = z.strictObject({
  ...pageQuery,
  state: z.enum(proposalStates).optional(),
  jurisdiction: jurisdiction.optional(),
})
