import type { Actor } from '../core/actor.js'
import { type Refusal, Refused, refuse } from '../core/refusals.js'
import { addWorkdays } from '../core/workdays.js'
import { isSamePerson, ofJurisdiction, ofOrganisation, overDivision } from '../engine/access.js'
import { command } from '../engine/command.js'
import { REGION } from '../ledger/book.js'
import type { Find } from '../ledger/fact.js'
import { type Plan, row } from '../ledger/plan.js'
import { noticesAt } from '../workdays/facts.js'
import {
  accountResealed,
  accountWritten,
  confirmAccount,
  proposeAccount,
  resealAccount,
  revokeAccount,
} from './contract.js'
import {
  type BankAccount,
  type BankAccounts,
  bankAccounts,
  inForceOn,
  isBureau,
  pendingOn,
  type Registered,
  registeredOf,
  versionOf,
} from './facts.js'

interface Found {
  readonly book: typeof REGION
  readonly all: BankAccounts
  /** Of a firm or a provider. */
  readonly registered: Registered | undefined
}

/** All accounts of an owner; throws Refused('party_not_found'). */
function accountsFor(find: Find, owner: string): Found {
  const registered = registeredOf(find, owner)
  if (!registered && !isBureau(owner)) throw new Refused('party_not_found', { party: owner })
  return { book: REGION, all: find(bankAccounts, owner) ?? { book: REGION, owner, accounts: [] }, registered }
}

/** Of a firm or a provider: the bureau where it is registered, or one above. */
function overRegistered({ registered }: Pick<Found, 'registered'>, actor: Actor): Refusal | undefined {
  const refusals = registered?.divisions.map((division) => overDivision(actor, division)) ?? []
  return refusals.includes(undefined) ? undefined : refusals[0]
}

/** Writes one account of its owner anew, or as a further one. */
function writing({ all }: Pick<Found, 'all'>, one: BankAccount): Plan {
  const others = all.accounts.filter(({ account }) => account !== one.account)
  const { account, version, state } = one
  return {
    book: REGION,
    rows: [row(bankAccounts, { ...all, accounts: [...others, one].sort((a, b) => a.account - b.account) })],
    event: { owner: all.owner, account, version, state },
  }
}

/** Proposes an account, or another one (申报、变更账户). Refuses version_conflict, state_conflict, holder_differs. */
export const proposeAccountCommand = command({
  kind: 'propose_account',
  schema: proposeAccount,
  event: accountWritten,
  facts: (find, { owner }) => accountsFor(find, owner),
  access: ({ all: { owner } }, actor) =>
    isBureau(owner) ? ofJurisdiction(actor, owner) : ofOrganisation(actor, owner),
  decide({ all, registered }, { version, explanation, holder, bank, bankCode, ...sealed }, { seq, day, actor }) {
    const known = versionOf(all.accounts)
    if ((version ?? 0) !== known) return refuse('version_conflict', { version: known })
    const pending = pendingOn(all.accounts, day)
    if (pending) return refuse('state_conflict', { account: pending.account, state: pending.state })
    const registeredName = registered && !registered.names.includes(holder) ? registered.names[0]! : null
    if (registeredName !== null && !explanation) return refuse('holder_differs', { registeredName })
    const { sealed: number, print, tail } = sealed
    return writing(
      { all },
      {
        account: seq,
        after: known,
        version: seq,
        ...{ holder, registeredName, explanation: explanation ?? null, bank, bankCode },
        ...{ sealed: number, print, tail },
        ...{ state: 'proposed', proposedBy: actor.subject, proposedOn: day, decidedBy: null, decidedOn: null },
        from: null,
        notified: registered?.contact ?? null,
      },
    )
  },
})

/**
 * A second person confirms it (复核). The first account is used at once; another one after its cooling off, counted in
 * workdays. Refuses version_conflict, state_conflict, separation_of_duties.
 */
export const confirmAccountCommand = command({
  kind: 'confirm_account',
  schema: confirmAccount,
  event: accountWritten.extend({ from: accountWritten.shape.owner }),
  facts: (find, { owner }, day) => ({ ...accountsFor(find, owner), notices: noticesAt(find, day) }),
  access(facts, actor) {
    const { owner } = facts.all
    if (isBureau(owner)) return ofJurisdiction(actor, owner)
    return actor.jurisdiction === undefined ? ofOrganisation(actor, owner) : overRegistered(facts, actor)
  },
  decide({ all, notices }, { version, coolingDays }, { seq, day, actor }) {
    const known = versionOf(all.accounts)
    if (version !== known) return refuse('version_conflict', { version: known })
    const one = pendingOn(all.accounts, day)
    if (one?.state !== 'proposed') return refuse('state_conflict', { state: one?.state ?? 'none' })
    if (isSamePerson(actor, one.proposedBy)) return refuse('separation_of_duties', { proposedBy: one.proposedBy })
    const from = inForceOn(all.accounts, day) ? addWorkdays(day, coolingDays, notices).day : day
    const decided = { decidedBy: actor.subject, decidedOn: day, from, version: seq }
    const plan = writing({ all }, { ...one, ...decided, state: 'confirmed' })
    return { ...plan, event: { ...plan.event, from } }
  },
})

/** Takes back what is proposed or cooling off (撤回). Refuses version_conflict, state_conflict. */
export const revokeAccountCommand = command({
  kind: 'revoke_account',
  schema: revokeAccount,
  event: accountWritten,
  facts: (find, { owner }) => accountsFor(find, owner),
  access(facts, actor) {
    const { owner } = facts.all
    if (isBureau(owner)) return ofJurisdiction(actor, owner)
    return actor.jurisdiction === undefined ? ofOrganisation(actor, owner) : overRegistered(facts, actor)
  },
  decide({ all }, { version }, { seq, day, actor }) {
    const known = versionOf(all.accounts)
    if (version !== known) return refuse('version_conflict', { version: known })
    const one = pendingOn(all.accounts, day)
    if (!one) return refuse('state_conflict', { state: 'none' })
    const decided = { decidedBy: actor.subject, decidedOn: day, from: null, version: seq }
    return writing({ all }, { ...one, ...decided, state: 'revoked' })
  },
})

/** The service's own step after a key was put in front of the ring 密钥轮换; nothing else of the account changes. */
export const resealAccountCommand = command({
  kind: 'reseal_account',
  schema: resealAccount,
  event: accountResealed,
  facts(find, { owner, account }) {
    const all = find(bankAccounts, owner)
    const one = all?.accounts.find((each) => each.account === account)
    if (!all || !one) throw new Refused('party_not_found', { party: owner })
    return { book: REGION, all, one }
  },
  decide({ all, one }, { owner, account, sealed, print }) {
    return { ...writing({ all }, { ...one, sealed, print }), event: { owner, account } }
  },
})
