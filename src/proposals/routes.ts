import { and, asc, between, eq, type SQL, sql } from 'drizzle-orm'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { proposals } from '../../db/schema.js'
import type { Actor } from '../core/actor.js'
import { bookText, parseProposalId, proposalId } from '../core/ids.js'
import { Refused } from '../core/refusals.js'
import { addDays } from '../core/time.js'
import { ofJurisdiction, readableBooks } from '../engine/access.js'
import {
  declineProposal,
  declineProposalCommand,
  PROPOSAL_DAYS,
  proposalText,
  twoPersonType,
} from '../engine/proposal.js'
import { approvalRoute, commandRoute, type Enact, readRoute, type Services } from '../engine/route.js'
import { cut, page, readCursor, writeCursor } from '../platform/pages.js'
import { secondsOf } from '../platform/permissions.js'
import { proposalFilter, proposalView } from './contract.js'

const tag = 'proposals 提请'
const params = z.strictObject({ proposal: proposalText })

/** `enact`: the kinds of command that are more than the command alone, and what runs them. */
export function proposalRoutes(app: FastifyInstance, services: Services, enact: Readonly<Record<string, Enact>>): void {
  const { reader } = services
  const select = (where: SQL | undefined) => reader.select().from(proposals).where(where).$dynamic()

  const one = async (id: string, actor: Actor) => {
    const at = parseProposalId(id)
    const [found] = at
      ? await select(and(visible(actor), eq(proposals.book, at.book), eq(proposals.proposal, at.number)))
      : []
    if (!found) throw new Refused('proposal_not_found', { proposal: id })
    return found
  }

  readRoute<object, z.output<typeof proposalFilter>>(app, {
    operation: 'listProposals',
    url: '/v1/proposals',
    tag,
    query: proposalFilter as never,
    summary: { en: 'What waits for a second person, and what did', zh: '待复核及已办的提请' },
    answer: page(proposalView),
    async read({ query, actor }) {
      const after = readCursor(query.cursor)
      const rows = await select(
        and(
          visible(actor),
          query.state && eq(proposals.state, query.state),
          query.jurisdiction ? eq(proposals.jurisdiction, Number(query.jurisdiction)) : undefined,
          after && sql`(${proposals.book}, ${proposals.proposal}) > (${after.book}, ${after.number})`,
        ),
      )
        .orderBy(asc(proposals.book), asc(proposals.proposal))
        .limit(query.limit + 1)
      const { items, next } = cut(rows, query.limit, (row) => writeCursor(row.book, row.proposal))
      return { items: items.map(view), next }
    },
  })
  readRoute<{ proposal: string }>(app, {
    operation: 'getProposal',
    url: '/v1/proposals/:proposal',
    tag,
    params,
    summary: { en: 'One proposal', zh: '提请详情' },
    answer: proposalView,
    read: async ({ params, actor }) => view(await one(params.proposal, actor)),
  })
  approvalRoute(app, services, {
    operation: 'approveProposal',
    url: '/v1/proposals/:proposal/approval',
    tag,
    params,
    summary: { en: 'Approve as the second person: it is done now', zh: '复核通过并执行' },
    async read(params, actor) {
      const { proposal: id } = params as { proposal: string }
      const found = await one(id, actor)
      const forbidden = ofJurisdiction(actor, found.jurisdiction)
      if (forbidden) throw new Refused(forbidden.refused)
      const needed = secondsOf(found.kind)
      if (!needed.some((role) => actor.roles.includes(role))) {
        throw new Refused('role_not_permitted', { needed: needed.join(' ') })
      }
      const { type, parse } = twoPersonType(found.kind)
      return {
        type,
        command: { ...parse(found.command), proposal: id, proposedBy: found.proposedBy },
        run: enact[found.kind],
      }
    },
  })
  commandRoute(app, services, {
    operation: 'declineProposal',
    url: '/v1/proposals/:proposal/rejection',
    tag,
    params,
    body: declineProposal.omit({ proposal: true }),
    summary: { en: 'Decline a proposal, or withdraw your own', zh: '退回提请（本人为撤回）' },
    type: declineProposalCommand,
  })
}

/** A bureau sees what it and those below it have proposed. */
function visible(actor: Actor): SQL {
  const { low, high } = readableBooks(actor) ?? { low: -1, high: -1 }
  return between(proposals.jurisdiction, low, high)
}

function view({ book, proposal, command, jurisdiction, ...rest }: typeof proposals.$inferSelect) {
  return {
    ...rest,
    proposal: proposalId(book, proposal),
    command: JSON.parse(command) as Record<string, unknown>,
    jurisdiction: bookText(jurisdiction),
    approveBy: addDays(rest.proposedOn, PROPOSAL_DAYS),
  }
}
