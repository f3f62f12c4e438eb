import { refuse } from '../core/refusals.js'
import { overdueOrder } from '../deadlines/commands.js'
import { isSamePerson, mayRead, ofJurisdiction } from '../engine/access.js'
import { command } from '../engine/command.js'
import { row } from '../ledger/plan.js'
import { idOf, noted, type Objection, orders } from '../orders/facts.js'
import { byItself, next, openObjections } from '../orders/rules.js'
import { fileObjection, objectionFiled, objectionResolved, resolveObjection } from './contract.js'

/** Objects to a claim while its notice runs; each organisation has one open objection to a claim at most. */
export const fileObjectionCommand = command({
  kind: 'file_objection',
  schema: fileObjection,
  event: objectionFiled,
  facts: (find, { order }) => byItself(find, order),
  // What is not, and was not, under notice is nobody's business but the parties' and the bureaus'.
  access: ({ order }, actor) =>
    (order.state === 'verified' && order.noticeEnds !== null) ||
    [order.enterprise, order.provider].includes(actor.organisation) ||
    mayRead(actor, order.book)
      ? undefined
      : refuse('order_not_found', { order: idOf(order) }),
  overdue: ({ order }, day) => overdueOrder(order, day),
  decide({ book, order }, { reason }, { seq, day, actor: { organisation } }) {
    const state = next(order.state, 'file_objection')
    const isRepeated = openObjections(order).some((one) => one.organisation === organisation)
    if (!state || isRepeated) return refuse('state_conflict', { state: order.state })
    if (order.noticeEnds === null || day > order.noticeEnds) {
      return refuse('notice_over', { noticeEnds: order.noticeEnds })
    }
    const filed: Objection = { objection: seq, on: day, organisation, reason, decision: null }
    const objections = [...(order.dossier?.objections ?? []), filed]
    return {
      book,
      rows: [row(orders, noted({ ...order, state }, { objections }))],
      event: { order: idOf(order), objection: seq },
    }
  },
})

/** Decides an open objection, never by who verified the claim; sustained, the claim's notice is over without effect. */
export const resolveObjectionCommand = command({
  kind: 'resolve_objection',
  schema: resolveObjection,
  event: objectionResolved,
  facts: (find, { order }) => byItself(find, order),
  access: ({ book }, actor) => ofJurisdiction(actor, book),
  overdue: ({ order }, day) => overdueOrder(order, day),
  decide({ book, order }, { objection, verdict, reason }, { day: on, actor }) {
    const state = next(order.state, verdict === 'sustained' ? 'sustain_objection' : 'dismiss_objection')
    const open = openObjections(order).find((one) => one.objection === objection)
    if (!state || !open) return refuse('state_conflict', { state: order.state })
    if (order.verifiedBy !== null && isSamePerson(actor, order.verifiedBy)) {
      return refuse('separation_of_duties', { verifiedBy: order.verifiedBy })
    }
    const decision = { on, person: actor.subject, verdict, reason }
    const objections = order.dossier!.objections!.map((one) => (one === open ? { ...one, decision } : one))
    const noticeEnds = state === 'verified' ? order.noticeEnds : null
    return {
      book,
      rows: [row(orders, noted({ ...order, state, noticeEnds }, { objections }))],
      event: { order: idOf(order), objection, verdict, state },
    }
  },
})
