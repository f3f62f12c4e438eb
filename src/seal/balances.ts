import { type Fen, fenOf } from '../core/money.js'
import { accountKinds, transferTypes } from '../ledger/chart.js'
import { kindOf, type LeafTransfer } from './leaf.js'

interface Balance {
  posted: Fen
  held: Fen
}

/** Fen on the normal side of each account, added up from transfers. */
export class Balances {
  readonly accounts = new Map<string, Balance>()

  /** Adds a transfer. Returns what is wrong with it, or with the accounts after it. */
  add({ type, phase, debit, credit, amount }: LeafTransfer): string | undefined {
    const { debit: from, credit: to } = transferTypes[type]
    if (kindOf(debit) !== from || kindOf(credit) !== to || debit === credit) {
      return `${type} from ${debit} to ${credit} is not in the chart 非合法划转`
    }
    const fen = fenOf(amount)
    if (fen <= 0n) return `${type} of ${amount}`
    const [giver, taker] = [this.#of(debit), this.#of(credit)]
    if (phase === 'hold') giver.held += fen
    if (phase === 'release' || phase === 'capture') giver.held -= fen
    if (phase === 'post' || phase === 'capture') {
      giver.posted += accountKinds[from].normal === 'debit' ? fen : -fen
      taker.posted += accountKinds[to].normal === 'credit' ? fen : -fen
    }
    return undefined
  }

  /** What is overdrawn among the accounts that these transfers moved; asked after a whole entry. */
  overdrawn(moved: readonly LeafTransfer[]): string | undefined {
    for (const { debit, credit } of moved) {
      for (const account of [debit, credit]) {
        const { posted, held } = this.#of(account)
        if (held < 0n) return `${account} has less than nothing held 冻结为负`
        if (accountKinds[kindOf(account)].floor && posted < held) return `${account} is overdrawn 透支`
      }
    }
    return undefined
  }

  /** Takes an account over as it stood. */
  set(account: string, posted: Fen, held: Fen): void {
    this.accounts.set(account, { posted, held })
  }

  #of(account: string): Balance {
    const known = this.accounts.get(account)
    if (known) return known
    const made = { posted: 0n, held: 0n }
    this.accounts.set(account, made)
    return made
  }
}
