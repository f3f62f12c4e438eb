import { z } from 'zod'
import { parseProposalId, proposalId } from '../core/ids.js'
import { isRefusal, type Refusal, Refused, refuse } from '../core/refusals.js'
import { addDays, type Day } from '../core/time.js'
import type { Book } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import { type Context, type Plan, row } from '../ledger/plan.js'
import type { TwoPersonKind } from '../platform/permissions.js'
import { reason, text } from '../platform/wire.js'
import { isSamePerson, ofJurisdiction } from './access.js'
import { type CommandType, command, wire } from './command.js'

/**
 * Two persons 双人办理. Whatever creates money, moves it or changes a right is asked for by one person (`propose`) and
 * done by another: the second one's approval is the command itself, in the log under its own kind, naming the proposal.
 * It is decided twice, so the first person hears at once what would be refused, and nothing is done on what was true
 * only when it was proposed.
 */
export interface Proposal extends Fact {
  /** The number of the command that made it. */
  readonly proposal: number
  readonly kind: string
  /** The command as it is logged: JSON, money as yuan strings. */
  readonly command: string
  /** Whose bureau asked for it, as a code; 0 is the region. */
  readonly jurisdiction: number
  readonly proposedBy: string
  readonly proposedOn: Day
  /** Why, in the words of who proposed it. */
  readonly note: string | null
  readonly state: (typeof proposalStates)[number]
  readonly decidedBy: string | null
}

export const proposalStates = ['open', 'approved', 'declined', 'withdrawn'] as const

/** After so many calendar days a proposal can no longer be approved. */
export const PROPOSAL_DAYS = 30

export const proposals: FactKind<Proposal> = {
  name: 'proposals',
  key: ({ book, proposal }) => proposalId(book, proposal),
  bookOf: (key) => parseProposalId(key)?.book,
  async load(sql, keys) {
    const ids = keys.map((key) => parseProposalId(key)!)
    const rows = await sql<(Omit<Proposal, 'proposal'> & { proposal: bigint })[]>`
      select p.book, p.proposal, p.kind, p.command, p.jurisdiction, p.proposed_by as "proposedBy",
             p.proposed_on as "proposedOn", p.note, p.state, p.decided_by as "decidedBy"
      from unnest(${ids.map((id) => id.book)}::int[], ${ids.map((id) => id.number)}::bigint[]) as k (book, proposal)
      join proposals p on p.book = k.book and p.proposal = k.proposal`
    return rows.map((row) => ({ ...row, proposal: Number(row.proposal) }))
  },
}

export const proposalText = text(40).meta({
  id: 'ProposalId',
  description: 'P, book, dash, number 提请编号',
  examples: ['P320509-61'],
})

/** The proposal of this id; throws Refused('proposal_not_found'). */
export function proposalOf(find: Find, id: string): Proposal {
  const proposal = find(proposals, id)
  if (!proposal) throw new Refused('proposal_not_found', { proposal: id })
  return proposal
}

/** What the second person's command says besides; without `proposedBy` in logs of versions before 0.5. */
type ByTwo = { readonly proposal?: string | undefined; readonly proposedBy?: string | undefined }
type Proposed = { readonly proposal?: Proposal | undefined }

/** A command that takes two persons. */
export interface TwoPersons<C, F extends { readonly book: Book }> extends CommandType<C & ByTwo, F & Proposed> {
  /** What the first person says. */
  readonly alone: z.ZodObject
}

/** By kind: the command alone, as the first person asks it, and as the second one does it. */
const kinds = new Map<string, { readonly alone: CommandType & { readonly schema: z.ZodObject }; done: CommandType }>()

function kindOf(kind: string) {
  const found = kinds.get(kind)
  if (!found) throw new Error(`${kind} does not take two persons`)
  return found
}

/** How a proposal of this kind is done, and how its text is read. */
export function twoPersonType(kind: string): { readonly type: CommandType; parse(text: string): object } {
  const { alone, done } = kindOf(kind)
  return { type: done, parse: (text) => alone.schema.parse(JSON.parse(text)) }
}

/** A command in the order of its fields, whoever has written it. */
const canonical = (kind: string, said: unknown) => wire(twoPersonType(kind).parse(wire(said)))

/**
 * Makes a command one that a second person does: with `proposal` it is refused unless that is open and says the very
 * same, and when it is asked by who proposed it, by a deputy of theirs (`separation_of_duties`) or by another bureau. Without, it is the
 * command alone, which no route runs.
 */
export function byTwo<S extends z.ZodObject, F extends { readonly book: Book }>(
  alone: Omit<CommandType<z.output<S>, F>, 'schema'> & { readonly kind: TwoPersonKind; readonly schema: S },
): TwoPersons<z.output<S>, F> {
  type C = z.output<S>
  const own = ({ proposal: _, proposedBy: __, ...said }: C & ByTwo) => said as C
  const type: TwoPersons<C, F> = {
    ...alone,
    alone: alone.schema,
    schema: alone.schema.safeExtend({
      proposal: proposalText.optional(),
      proposedBy: z.string().optional(),
    }) as unknown as z.ZodType<C & ByTwo>,
    facts(find, said, day) {
      const proposal = said.proposal === undefined ? undefined : proposalOf(find, said.proposal)
      return { ...alone.facts(find, own(said), day), proposal }
    },
    access(facts, actor, said) {
      const forbidden = facts.proposal && ofJurisdiction(actor, facts.proposal.jurisdiction)
      return forbidden ?? alone.access?.(facts, actor, own(said))
    },
    decide(facts, said, context) {
      const { proposedBy } = said
      const decide = () =>
        alone.decide(facts, own(said), proposedBy === undefined ? context : { ...context, proposedBy })
      return facts.proposal
        ? second(facts.proposal, { kind: alone.kind, said: own(said), proposedBy }, context, decide)
        : decide()
    },
  }
  kinds.set(alone.kind, { alone: alone as never, done: type as unknown as CommandType })
  return type
}

/** The second person's part: checks the proposal, then does what it asks for. */
function second(
  proposal: Proposal,
  { kind, said, proposedBy }: { readonly kind: string; readonly said: unknown } & Pick<ByTwo, 'proposedBy'>,
  { actor, day }: Context,
  decide: () => Plan | Refusal,
): Plan | Refusal {
  if (proposal.state !== 'open') return refuse('proposal_not_open', { state: proposal.state })
  const isByAnother = proposedBy !== undefined && proposedBy !== proposal.proposedBy
  if (proposal.kind !== kind || isByAnother || proposal.command !== canonical(kind, said)) {
    throw new Error(`${proposals.key(proposal)} asks for something else`)
  }
  if (isSamePerson(actor, proposal.proposedBy)) {
    return refuse('separation_of_duties', { proposedBy: proposal.proposedBy })
  }
  const lastDay = addDays(proposal.proposedOn, PROPOSAL_DAYS)
  if (day > lastDay) return refuse('proposal_expired', { lastDay })
  const decision = decide()
  if (isRefusal(decision)) return decision
  const approved: Proposal = { ...proposal, state: 'approved', decidedBy: actor.subject }
  return { ...decision, rows: [...(decision.rows ?? []), row(proposals, approved)] }
}

const jurisdiction = z.string().regex(/^\d{6}$/)

/** Asks for a command that takes two persons (提请): nothing is done yet, but what would be refused is refused now. */
export const proposeCommand = command({
  kind: 'propose',
  schema: z
    .strictObject({
      kind: z.string(),
      command: z.record(z.string(), z.unknown()),
      jurisdiction,
      note: reason.nullish(),
    })
    .transform(({ kind, command: said, ...rest }, context) => {
      const parsed = kinds.get(kind)?.alone.schema.safeParse(said)
      if (!parsed?.success) {
        context.addIssue({ code: 'custom', message: `not a command of a known kind: ${kind}` })
        return z.NEVER
      }
      return { kind, command: parsed.data as object, ...rest }
    }),
  event: z.object({ proposal: z.string(), command: z.string() }),
  facts(find, { kind, command: said }, day) {
    const own = kindOf(kind).alone.facts(find, said, day)
    return { book: own.book, own, kind }
  },
  access: ({ own }, actor, asked) =>
    ofJurisdiction(actor, asked.jurisdiction) ?? kindOf(asked.kind).alone.access?.(own, actor, asked.command),
  overdue: ({ own, kind }, day) => kindOf(kind).alone.overdue?.(own, day) ?? [],
  decide({ book, own }, { kind, command: said, jurisdiction, note }, context) {
    const decision = kindOf(kind).alone.decide(own, said, context)
    if (isRefusal(decision)) return decision
    const { seq, day, actor } = context
    const proposal: Proposal = {
      book,
      proposal: seq,
      kind,
      command: canonical(kind, said),
      jurisdiction: Number(jurisdiction),
      proposedBy: actor.subject,
      proposedOn: day,
      note: note ?? null,
      state: 'open',
      decidedBy: null,
    }
    return { book, rows: [row(proposals, proposal)], event: { proposal: proposalId(book, seq), command: kind } }
  },
  async owed(sources, { own, kind }, refusal, day) {
    return kindOf(kind).alone.owed?.(sources, own, refusal, day)
  },
})

export const declineProposal = z.strictObject({ proposal: proposalText, reason })

/** Ends an open proposal without doing it: whoever made it withdraws it, anybody else of the bureau declines it. */
export const declineProposalCommand = command({
  kind: 'decline_proposal',
  schema: declineProposal,
  event: z.object({ proposal: z.string(), state: z.enum(proposalStates) }),
  facts(find, { proposal: id }) {
    const proposal = proposalOf(find, id)
    return { book: proposal.book, proposal }
  },
  access: ({ proposal }, actor) => ofJurisdiction(actor, proposal.jurisdiction),
  decide({ book, proposal }, { proposal: id }, { actor }) {
    if (proposal.state !== 'open') return refuse('proposal_not_open', { state: proposal.state })
    const state = actor.subject === proposal.proposedBy ? 'withdrawn' : 'declined'
    const ended: Proposal = { ...proposal, state, decidedBy: actor.subject }
    return { book, rows: [row(proposals, ended)], event: { proposal: id, state } }
  },
})
