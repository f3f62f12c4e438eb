import type { Day } from '../core/time.js'
import { enterprises } from '../enterprises/facts.js'
import { REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import { profiles, providers } from '../providers/facts.js'
import type { accountStates } from './contract.js'

/** One account as it was proposed, and what became of it 账户版本. */
export interface BankAccount {
  /** The number of the region's command that proposed it. */
  readonly account: number
  /** The number of the region's command that last wrote anything of its owner before; 0 for the first one. */
  readonly after: number
  /** The number of the region's command that last wrote it. */
  readonly version: number
  readonly holder: string
  /** The registered name, when the holder is another one. */
  readonly registeredName: string | null
  readonly explanation: string | null
  readonly bank: string
  readonly bankCode: string
  readonly sealed: string
  readonly print: string
  readonly tail: string
  readonly state: (typeof accountStates)[number]
  readonly proposedBy: string
  readonly proposedOn: Day
  readonly decidedBy: string | null
  readonly decidedOn: Day | null
  /** The first day that payments use it, once it is confirmed. */
  readonly from: Day | null
  /** Who was the owner's contact when it was proposed. */
  readonly notified: string | null
}

/** All accounts of an owner, oldest first. */
export interface BankAccounts extends Fact {
  /** A jurisdiction's six digits, or a credit code. */
  readonly owner: string
  readonly accounts: readonly BankAccount[]
}

export const bankAccounts: FactKind<BankAccounts> = {
  name: 'bank_accounts',
  key: ({ owner }) => owner,
  bookOf: () => REGION,
  load: (sql, keys) => sql<BankAccounts[]>`
    select 0 as book, owner,
           jsonb_agg(jsonb_build_object('account', account, 'after', after, 'version', version, 'holder', holder,
             'registeredName', registered_name, 'explanation', explanation, 'bank', bank, 'bankCode', bank_code,
             'sealed', sealed, 'print', print, 'tail', tail, 'state', state, 'proposedBy', proposed_by,
             'proposedOn', proposed_on, 'decidedBy', decided_by, 'decidedOn', decided_on, 'from', valid_from,
             'notified', notified) order by account) as accounts
    from bank_accounts where owner = any (${keys as string[]}) group by owner`,
}

export const isBureau = (owner: string) => owner.length === 6

/** The number of the command that last wrote anything of these accounts; 0 when there are none. */
export const versionOf = (accounts: readonly Pick<BankAccount, 'version'>[]) =>
  accounts.reduce((last, { version }) => Math.max(last, version), 0)

type Dated = Pick<BankAccount, 'state' | 'from'>

/** The account that payments use on a day: the last one whose cooling off is over; undefined when there is none. */
export const inForceOn = <T extends Dated>(accounts: readonly T[], day: Day): T | undefined =>
  accounts.findLast(({ state, from }) => state === 'confirmed' && from !== null && from <= day)

/** The account that is proposed, or confirmed and cooling off, on a day; there is one at most. */
export const pendingOn = <T extends Dated>(accounts: readonly T[], day: Day): T | undefined =>
  accounts.find(({ state, from }) => state === 'proposed' || (state === 'confirmed' && from !== null && from > day))

/** Whose account a payee is paid to: `provider:USCC`, `enterprise:USCC` or `jurisdiction:CODE`. */
export const ownerOf = (payee: string) => payee.slice(payee.indexOf(':') + 1)

/** The account that a payee is paid to on a day; null when none is known. */
export function accountInForce(find: Find, payee: string, day: Day): BankAccount | null {
  return inForceOn(find(bankAccounts, ownerOf(payee))?.accounts ?? [], day) ?? null
}

/** What the registers know of an owner: names and places, as enterprise and as provider, and a contact. */
export interface Registered {
  readonly names: readonly string[]
  readonly divisions: readonly string[]
  readonly contact: string | null
}

/** The same; undefined of a bureau, and when nobody is registered by this code. */
export function registeredOf(find: Find, owner: string): Registered | undefined {
  if (isBureau(owner)) return undefined
  find.ahead([enterprises, owner], [providers, owner], [profiles, owner])
  const [enterprise, provider, profile] = [find(enterprises, owner), find(providers, owner), find(profiles, owner)]
  const parties = [enterprise, provider].filter((party) => party !== null)
  if (parties.length === 0) return undefined
  return {
    names: parties.map(({ name }) => name),
    divisions: parties.map(({ division }) => division),
    contact: enterprise?.contact ?? (profile ? `${profile.contact.name} ${profile.contact.phone}` : null),
  }
}
