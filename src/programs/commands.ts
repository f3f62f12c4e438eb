import { yuan } from '../core/money.js'
import { refuse } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { command } from '../engine/command.js'
import { available } from '../ledger/accounts.js'
import { REGION } from '../ledger/book.js'
import { post } from '../ledger/entry.js'
import { row } from '../ledger/plan.js'
import { appropriate, appropriated, programPublished, publishProgram } from './contract.js'
import { APPROPRIATION, poolOf, programOf, programs } from './facts.js'

/** Publishes a program's rules for good (发布券种). Refuses program_exists. */
export const publishProgramCommand = command({
  kind: 'publish_program',
  schema: publishProgram,
  event: programPublished,
  facts: (find, { program }) => ({ book: REGION, existing: find(programs, program) }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ existing }, rules) {
    if (existing) return refuse('program_exists', { program: rules.program })
    const { jurisdiction, verifiedTypes } = rules
    const program = {
      ...rules,
      book: REGION,
      jurisdiction: Number(jurisdiction),
      verifiedTypes: verifiedTypes ?? false,
    }
    return {
      book: REGION,
      rows: [row(programs, program)],
      event: { program: rules.program, jurisdiction: rules.jurisdiction },
    }
  },
})

/** Adds budget to a program's pool (拨入). Amount in fen. */
export const appropriateCommand = command({
  kind: 'appropriate',
  schema: appropriate,
  event: appropriated,
  facts(find, { program }) {
    const { jurisdiction } = programOf(find, program)
    return { book: jurisdiction, pool: available(find, jurisdiction, poolOf(program)) }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide: ({ book, pool }, { program, amount }) => ({
    book,
    entry: [post('appropriate', APPROPRIATION, poolOf(program), amount)],
    event: { program, amount: yuan(amount), pool: yuan(pool + amount) },
  }),
})
