import { Refused } from '../core/refusals.js'
import { type CommandType, SYSTEM } from '../engine/command.js'
import type { Runner } from '../engine/runner.js'
import type { Sql } from '../platform/database.js'
import { resealAccountCommand } from './commands.js'
import { accountsBy, type OwnedAccount, sealedOtherwise } from './queries.js'
import { type KeyRing, open, seal } from './seal.js'

/** What the service needs to take account numbers, and to write them into payment files. */
export interface AccountSettings {
  readonly ring: KeyRing
  /** In workdays 冷静期. */
  readonly coolingDays: number
}

/** An account with its number, for a payment file and nothing else: never logged, never answered. */
export type OpenedAccount = Pick<OwnedAccount, 'owner' | 'account' | 'holder' | 'bank' | 'bankCode'> & {
  readonly number: string
}

/** The number of an account; throws Refused('account_unreadable') when its seal does not fit or its key is missing. */
export function numberOf(ring: KeyRing, account: OwnedAccount): string {
  const number = open(ring, account, account.sealed)
  if (number === undefined) throw new Refused('account_unreadable', { owner: account.owner, account: account.account })
  return number
}

/** Opens accounts by their numbers, which name them for ever; throws Refused('account_unreadable'). */
export async function ofVersions(
  sql: Sql,
  ring: KeyRing,
  wanted: readonly number[],
): Promise<ReadonlyMap<number, OpenedAccount>> {
  const found = await accountsBy(sql, wanted)
  return new Map(
    found.map((one) => {
      const { owner, account, holder, bank, bankCode } = one
      return [account, { owner, account, holder, bank, bankCode, number: numberOf(ring, one) }]
    }),
  )
}

const AT_ONCE = 500

/** Seals with the newest key what is sealed with an older one; says how many it was, and which could not be opened. */
export async function resealAll(
  engine: Pick<Runner, 'run'>,
  sql: Sql,
  ring: KeyRing,
): Promise<{ readonly resealed: number; readonly unreadable: readonly number[] }> {
  const unreadable: number[] = []
  let resealed = 0
  let after = 0
  for (;;) {
    const some = await sealedOtherwise(sql, ring[0].id, after, AT_ONCE)
    for (const one of some) {
      const number = open(ring, one, one.sealed)
      if (number === undefined) unreadable.push(one.account)
      else {
        const { sealed, print } = seal(ring, one, number)
        const command = { owner: one.owner, account: one.account, sealed, print }
        await engine.run({ type: resealAccountCommand as unknown as CommandType, command, actor: SYSTEM })
        resealed++
      }
    }
    if (some.length < AT_ONCE) return { resealed, unreadable }
    after = some.at(-1)!.account
  }
}
