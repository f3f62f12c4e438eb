import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Actor } from '../core/actor.js'
import { Refused } from '../core/refusals.js'
import { addDays, type Day, dayOf } from '../core/time.js'
import { overDivision, readableBooks } from '../engine/access.js'
import { commandRoute, readRoute, type Services } from '../engine/route.js'
import { REGION } from '../ledger/book.js'
import { cut, page, readCursor, writeCursor } from '../platform/pages.js'
import { confirmAccountCommand, proposeAccountCommand, revokeAccountCommand } from './commands.js'
import {
  accountDetail,
  accountList,
  accountQuery,
  accountView,
  owner,
  proposeBody,
  revokeAccount,
  sharedView,
} from './contract.js'
import { inForceOn, pendingOn, versionOf } from './facts.js'
import { type AccountSettings, numberOf } from './numbers.js'
import { accountsOf, changesIn, divisionsOf, type OwnedAccount, sharedIn } from './queries.js'
import { seal } from './seal.js'

const tag = 'bank accounts 收付款账户'
const params = z.strictObject({ owner })
type Owned = { readonly owner: string }

export function bankAccountRoutes(
  app: FastifyInstance,
  services: Services,
  settings: AccountSettings | undefined,
): void {
  const { sql, clock } = services
  /** Throws Refused('accounts_off'). */
  const on = (): AccountSettings => {
    if (!settings) throw new Refused('accounts_off')
    return settings
  }
  commandRoute(app, services, {
    operation: 'proposeBankAccount',
    url: '/v1/bank-accounts/:owner',
    tag,
    params,
    ifMatch: 'if there',
    body: proposeBody,
    status: 201,
    summary: { en: 'Propose your account, or another one', zh: '申报或变更账户' },
    type: proposeAccountCommand,
    // The engine and the log only ever see the number sealed.
    async prepare(said) {
      const { number, ...rest } = said as typeof said & { number: string }
      const { owner, version, holder, bank, bankCode } = rest
      return { ...rest, ...seal(on().ring, { owner, after: version ?? 0, holder, bank, bankCode }, number) }
    },
  })
  commandRoute(app, services, {
    operation: 'confirmBankAccount',
    url: '/v1/bank-accounts/:owner/confirmations',
    tag,
    params,
    ifMatch: 'needed',
    body: z.strictObject({}),
    summary: { en: 'Confirm, as a second person, the account that is proposed', zh: '复核账户' },
    type: confirmAccountCommand,
    prepare: async (command) => ({ ...command, coolingDays: on().coolingDays }),
  })
  commandRoute(app, services, {
    operation: 'revokeBankAccount',
    url: '/v1/bank-accounts/:owner/revocations',
    tag,
    params,
    ifMatch: 'needed',
    body: revokeAccount.omit({ owner: true, version: true }),
    summary: { en: 'Take back an account that is proposed or cooling off', zh: '撤回账户变更' },
    type: revokeAccountCommand,
  })
  readRoute<Owned>(app, {
    operation: 'getBankAccount',
    url: '/v1/bank-accounts/:owner',
    tag,
    params,
    summary: { en: 'The account that payments use, and the one that is to follow', zh: '账户查询' },
    answer: accountDetail,
    async read({ params: { owner }, actor }) {
      const [all, today] = [await readable(owner, actor), dayOf(clock.now())]
      const [current, next] = [inForceOn(all, today), pendingOn(all, today)]
      // Whoever looks hears of a broken seal, before a payment file does.
      if (settings && current) numberOf(settings.ring, current)
      return {
        owner,
        version: versionOf(all) || null,
        inForce: current ? view(current, all, today) : null,
        pending: next ? view(next, all, today) : null,
        objectBy: next?.from ? addDays(next.from, -1) : null,
      }
    },
  })
  readRoute<Owned>(app, {
    operation: 'listBankAccountVersions',
    url: '/v1/bank-accounts/:owner/versions',
    tag,
    params,
    summary: { en: 'All accounts there have been, oldest first', zh: '账户变更历史' },
    answer: accountList,
    async read({ params: { owner }, actor }) {
      const [all, today] = [await readable(owner, actor), dayOf(clock.now())]
      return { items: all.map((one) => view(one, all, today)) }
    },
  })
  readRoute<object, z.output<typeof accountQuery>>(app, {
    operation: 'listBankAccountChanges',
    url: '/v1/bank-account-changes',
    tag,
    query: accountQuery as never,
    summary: { en: 'Accounts below you that are proposed or cooling off', zh: '待复核与冷静期内的账户变更' },
    answer: page(accountView),
    async read({ query, actor }) {
      const today = dayOf(clock.now())
      const rows = await changesIn(sql, today, placeOf(actor, query))
      const { items, next } = cut(rows, query.limit, ({ account }) => writeCursor(REGION, account))
      return { items: items.map((one) => view(one, [one], today)), next }
    },
  })
  readRoute<object, z.output<typeof accountQuery>>(app, {
    operation: 'listSharedBankAccounts',
    url: '/v1/shared-bank-accounts',
    tag,
    query: accountQuery as never,
    summary: { en: 'Numbers that more than one owner has given', zh: '多个主体使用同一账号的提示' },
    answer: page(sharedView),
    async read({ query, actor }) {
      const rows = await sharedIn(sql, placeOf(actor, query))
      const { items, next } = cut(rows, query.limit, ({ last }) => writeCursor(REGION, last))
      return { items: items.map(({ tail, owners }) => ({ number: masked(tail), owners: [...owners] })), next }
    },
  })

  /**
   * All accounts of an owner, when they are the actor's own or it is of a bureau; who was told of them only to the owner and
   * to bureaus over where it is registered. Throws Refused('party_not_found').
   */
  async function readable(owner: string, actor: Actor): Promise<OwnedAccount[]> {
    const isOwn = actor.organisation === owner
    if (!isOwn && actor.jurisdiction === undefined) throw new Refused('party_not_found', { party: owner })
    const [all, divisions] = [await accountsOf(sql, owner), await divisionsOf(sql, owner)]
    const isTold = isOwn || divisions.some((division) => !overDivision(actor, division))
    return isTold ? all : all.map((one) => ({ ...one, notified: null }))
  }
}

/** Where a page of a bureau's list begins and how far it reaches. */
function placeOf(actor: Actor, { limit, cursor }: z.output<typeof accountQuery>) {
  const range = readableBooks(actor)
  if (!range) throw new Refused('not_your_jurisdiction')
  return { ...range, after: readCursor(cursor)?.number ?? 0, most: limit + 1 }
}

const masked = (tail: string) => `**** ${tail}`

/** An account as it is answered: never its number, seal or fingerprint. */
function view(one: OwnedAccount, all: readonly OwnedAccount[], today: Day): z.output<typeof accountView> {
  const { after, version, sealed, print, tail, ...rest } = one
  return { ...rest, number: masked(tail), state: stateOf(one, all, today) }
}

function stateOf(one: OwnedAccount, all: readonly OwnedAccount[], today: Day) {
  if (one.state !== 'confirmed') return one.state
  if (one.from !== null && one.from > today) return 'cooling'
  return inForceOn(all, today)?.account === one.account ? 'in_force' : 'replaced'
}
