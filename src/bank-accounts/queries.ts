import type { Day } from '../core/time.js'
import type { Sql } from '../platform/database.js'
import type { BankAccount } from './facts.js'

export type OwnedAccount = BankAccount & { readonly owner: string }

/** The columns of an account, as `BankAccount` has them. */
const columns = (sql: Sql) => sql`
  a.owner, a.account::float8 as account, a.after::float8 as after, a.version::float8 as version, a.holder,
  a.registered_name as "registeredName", a.explanation, a.bank, a.bank_code as "bankCode", a.sealed, a.print, a.tail,
  a.state, a.proposed_by as "proposedBy", a.proposed_on as "proposedOn", a.decided_by as "decidedBy",
  a.decided_on as "decidedOn", a.valid_from as "from", a.notified`

/** All accounts of an owner, oldest first. */
export const accountsOf = (sql: Sql, owner: string): Promise<OwnedAccount[]> =>
  sql<OwnedAccount[]>`select ${columns(sql)} from bank_accounts a where a.owner = ${owner} order by a.account`

/** Accounts by the numbers that proposed them. */
export const accountsBy = (sql: Sql, accounts: readonly number[]): Promise<OwnedAccount[]> =>
  sql<OwnedAccount[]>`
    select ${columns(sql)} from bank_accounts a where a.account = any (${accounts as number[]}::bigint[])`

/** Where an owner is registered, as an enterprise and as a provider; of a bureau nowhere. */
export async function divisionsOf(sql: Sql, owner: string): Promise<string[]> {
  const rows = await sql<{ division: string }[]>`
    select division from enterprises where uscc = ${owner} union select division from providers where uscc = ${owner}`
  return rows.map(({ division }) => division)
}

/** Where an owner is: its own code, or where it is registered as an enterprise or as a provider. */
const isBetween = (sql: Sql, low: number, high: number) => sql`(
  case when length(a.owner) = 6 then a.owner::int between ${low} and ${high} end
  or exists (select from enterprises e where e.uscc = a.owner and e.division::int between ${low} and ${high})
  or exists (select from providers p where p.uscc = a.owner and p.division::int between ${low} and ${high}))`

interface Place {
  readonly low: number
  readonly high: number
  /** The last account seen; 0 at first. */
  readonly after: number
  readonly most: number
}

/** What is proposed or cooling off on a day, below a bureau, oldest first. */
export const changesIn = (sql: Sql, day: Day, { low, high, after, most }: Place): Promise<OwnedAccount[]> =>
  sql<OwnedAccount[]>`
    select ${columns(sql)} from bank_accounts a
    where a.account > ${after} and a.state <> 'revoked' and (a.state = 'proposed' or a.valid_from > ${day})
      and ${isBetween(sql, low, high)}
    order by a.account limit ${most}`

/** A number that several owners have given. */
export interface Shared {
  /** The last account that has it. */
  readonly last: number
  readonly tail: string
  readonly owners: readonly { readonly owner: string; readonly account: number; readonly holder: string }[]
}

/** Numbers that more than one owner has given and not revoked, one of them below a bureau; oldest first. */
export const sharedIn = (sql: Sql, { low, high, after, most }: Place): Promise<Shared[]> =>
  sql<Shared[]>`
    select max(a.account)::float8 as last, min(a.tail) as tail,
           jsonb_agg(jsonb_build_object('owner', a.owner, 'account', a.account, 'holder', a.holder) order by a.account)
             as owners
    from bank_accounts a where a.state <> 'revoked'
    group by a.print
    having count(distinct a.owner) > 1 and max(a.account) > ${after} and bool_or(${isBetween(sql, low, high)})
    order by 1 limit ${most}`

/** Accounts that are sealed with another key than this one. */
export const sealedOtherwise = (sql: Sql, id: string, after: number, most: number): Promise<OwnedAccount[]> =>
  sql<OwnedAccount[]>`
    select ${columns(sql)} from bank_accounts a
    where a.account > ${after} and split_part(a.sealed, '.', 1) <> ${id} order by a.account limit ${most}`
