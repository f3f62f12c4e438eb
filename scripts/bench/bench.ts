import { verifyLedger } from '../../src/audit/verify.js'
import { connect } from '../../src/platform/database.js'
import type { Cluster, Database } from './cluster.js'
import type { Figures } from './figures.js'

/** How much is set up and for how long it is measured. */
export interface Sizes {
  /** Runs of every figure; the median counts. */
  readonly runs: number
  /** Length of a run. */
  readonly seconds: number
  /** Programs published in each jurisdiction; each has its pool account. */
  readonly programs: number
  /** Books that pay, and payees in each of them. */
  readonly payingBooks: number
  readonly payees: number
  /** Plain accounts of the usual way. */
  readonly accounts: number
  /** Enterprises in each jurisdiction, and providers in all. */
  readonly firms: number
  readonly providers: number
  /** Verified claims made ready for each run. */
  readonly claims: number
  /** Vouchers of one bulk issue. */
  readonly bulk: number
  /** Approved items of the period that is closed. */
  readonly items: number
  /** Orders whose lists are read. */
  readonly orders: number
  /** Entries present in the last stage of growth. */
  readonly entries: number
}

/** What every section works with. */
export interface Bench {
  readonly cluster: Cluster
  readonly figures: Figures
  readonly sizes: Sizes
  /** Progress, on stderr. */
  say(text: string): void
  /** Re-adds and replays what a section has left behind; the bench fails when anything is off. */
  verify(database: Database): Promise<void>
}

/** Runs every check of `ledger:verify`; returns what is off. */
export async function findingIn({ databaseUrl }: Database, say: (text: string) => void): Promise<string | undefined> {
  const sql = connect(databaseUrl, 1)
  try {
    const started = performance.now()
    const run = verifyLedger(sql)
    for (;;) {
      const step = await run.next()
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      if (step.done) {
        const { commands, transfers } = step.value
        say(`  verified ${commands} commands, ${transfers} transfers in ${seconds} s`)
        return undefined
      }
      const { name, asks, ok, finding } = step.value
      if (!ok) return `${name}: ${asks}\n${finding}`
      if (performance.now() - started > 10_000) say(`  ${name} holds, ${seconds} s`)
    }
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** A number of things in a name: 1m, 100k, 250. */
export function short(count: number): string {
  if (count > 0 && count % 1_000_000 === 0) return `${count / 1_000_000}m`
  return count > 0 && count % 1000 === 0 ? `${count / 1000}k` : `${count}`
}
