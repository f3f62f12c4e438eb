import { refuse } from '../core/refusals.js'
import { ofOrganisation } from '../engine/access.js'
import { command } from '../engine/command.js'
import { REGION } from '../ledger/book.js'
import { row } from '../ledger/plan.js'
import { enterpriseRegistered, registerEnterprise } from './contract.js'
import { enterprises } from './facts.js'

/** Registers an enterprise once for the whole region. Refuses enterprise_exists. */
export const registerEnterpriseCommand = command({
  kind: 'register_enterprise',
  schema: registerEnterprise,
  event: enterpriseRegistered,
  facts: (find, { uscc }) => ({ book: REGION, existing: find(enterprises, uscc) }),
  access: (_, actor, { uscc }) => ofOrganisation(actor, uscc),
  decide({ existing }, enterprise) {
    if (existing) return refuse('enterprise_exists', { enterprise: enterprise.uscc })
    return {
      book: REGION,
      rows: [row(enterprises, { ...enterprise, book: REGION })],
      event: { uscc: enterprise.uscc },
    }
  },
})
