import { yuan } from '../core/money.js'
import { refuse } from '../core/refusals.js'
import { ofJurisdiction } from '../engine/access.js'
import { command, wire } from '../engine/command.js'
import { byTwo } from '../engine/proposal.js'
import { available } from '../ledger/accounts.js'
import { REGION } from '../ledger/book.js'
import { post } from '../ledger/entry.js'
import { row } from '../ledger/plan.js'
import {
  appropriate,
  appropriated,
  discardDraft,
  draftDiscarded,
  draftProgram,
  programDrafted,
  programPublished,
  programSuperseded,
  publishProgram,
  supersedeProgram,
} from './contract.js'
import { APPROPRIATION, draftIn, draftOf, drafts, poolOf, programs, publishedOf, together } from './facts.js'
import { versionOf } from './rules.js'

/** Publishes a program's rules for good (发布券种). Refuses program_exists. */
export const publishProgramCommand = byTwo({
  kind: 'publish_program',
  schema: publishProgram,
  event: programPublished,
  facts: (find, { program }) => ({ book: REGION, existing: find(programs, program) }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ existing }, rules) {
    const { program, jurisdiction } = rules
    if (existing) return refuse('program_exists', { program })
    const first = versionOf(rules, {
      program,
      jurisdiction: Number(jurisdiction),
      version: 1,
      effectiveFrom: null,
    })
    return { book: REGION, rows: [row(programs, together([first]))], event: { program, jurisdiction } }
  },
})

/**
 * Supersedes a program's rules from a day on (修订券种): code, jurisdiction and pool stay, and so do the rules of what
 * was issued before. Refuses version_conflict, effective_in_past.
 */
export const supersedeProgramCommand = byTwo({
  kind: 'supersede_program',
  schema: supersedeProgram,
  event: programSuperseded,
  facts: (find, { program }) => ({ book: REGION, published: publishedOf(find, program) }),
  access: ({ published }, actor) => ofJurisdiction(actor, published.jurisdiction),
  decide({ published }, rules, { day }) {
    const { program, effectiveFrom } = rules
    const { jurisdiction, versions } = published
    if (rules.version !== versions.length) return refuse('version_conflict', { version: versions.length })
    if (effectiveFrom < day) return refuse('effective_in_past', { effectiveFrom })
    const version = versions.length + 1
    const next = versionOf(rules, { program, jurisdiction, version, effectiveFrom })
    return {
      book: REGION,
      rows: [row(programs, together([...versions, next]))],
      event: { program, version, effectiveFrom },
    }
  },
})

/** Writes a draft, or writes it anew (起草券种). Refuses version_conflict. */
export const draftProgramCommand = command({
  kind: 'draft_program',
  schema: draftProgram,
  event: programDrafted,
  facts: (find, { jurisdiction, program }) => ({ book: REGION, draft: draftIn(find, jurisdiction, program) }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ draft }, { jurisdiction, program, version, rules }, { seq }) {
    const known = draft?.version ?? null
    if ((version ?? null) !== known) return refuse('version_conflict', { version: known })
    const written = { book: REGION, jurisdiction: Number(jurisdiction), program, version: seq, rules: wire(rules) }
    return { book: REGION, rows: [row(drafts, written)], event: { program, jurisdiction, version: seq } }
  },
})

/** Gives a draft up (撤销草稿). Refuses draft_not_found, version_conflict. */
export const discardDraftCommand = command({
  kind: 'discard_draft',
  schema: discardDraft,
  event: draftDiscarded,
  facts: (find, { jurisdiction, program }) => ({ book: REGION, draft: draftOf(find, jurisdiction, program) }),
  access: (_, actor, { jurisdiction }) => ofJurisdiction(actor, jurisdiction),
  decide({ draft }, { jurisdiction, program, version }, { seq }) {
    if (version !== draft.version) return refuse('version_conflict', { version: draft.version })
    return {
      book: REGION,
      rows: [row(drafts, { ...draft, version: seq, rules: null })],
      event: { program, jurisdiction },
    }
  },
})

/** Adds budget to a program's pool (拨入). Amount in fen. */
export const appropriateCommand = byTwo({
  kind: 'appropriate',
  schema: appropriate,
  event: appropriated,
  facts(find, { program }) {
    const { jurisdiction } = publishedOf(find, program)
    return { book: jurisdiction, pool: available(find, jurisdiction, poolOf(program)) }
  },
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  decide: ({ book, pool }, { program, amount }) => ({
    book,
    entry: [post('appropriate', APPROPRIATION, poolOf(program), amount)],
    event: { program, amount: yuan(amount), pool: yuan(pool + amount) },
  }),
})
