import { isDeepStrictEqual } from 'node:util'
import { agreements } from '../agreements/facts.js'
import { applications } from '../applications/facts.js'
import { bankAccounts } from '../bank-accounts/facts.js'
import { calendars } from '../calendars/facts.js'
import { catalogue } from '../catalogue/facts.js'
import { clearingAgreements } from '../clearing/facts.js'
import { wire } from '../engine/command.js'
import { proposals } from '../engine/proposal.js'
import { enterprises } from '../enterprises/facts.js'
import { integrity } from '../integrity/facts.js'
import { accounts, type Hold, holds } from '../ledger/accounts.js'
import { accountKind } from '../ledger/chart.js'
import type { Fact, FactKind } from '../ledger/fact.js'
import { orders } from '../orders/facts.js'
import { previews } from '../outlook/facts.js'
import { paymentBatches } from '../payments/facts.js'
import { people } from '../people/facts.js'
import type { Sql } from '../platform/database.js'
import { drafts, type ProgramVersions, programs } from '../programs/facts.js'
import { profiles, providers } from '../providers/facts.js'
import { recognitionApplications } from '../recognition-applications/facts.js'
import { relations } from '../relations/facts.js'
import { homeReviews } from '../reviews/facts.js'
import { type Period, type PeriodPair, parts, periods } from '../settlement/facts.js'
import { bankLines, exceptions, receipts, statements } from '../statements/facts.js'
import { grants, vouchers } from '../vouchers/facts.js'
import { webhooks } from '../webhooks/facts.js'
import { workdays } from '../workdays/facts.js'
import { subsidies, treasuryFigures } from '../year-end/facts.js'
import { said } from './finding.js'
import type { Replayed } from './replay.js'

/** Where the facts of a kind are kept, and the columns that name one. */
interface Table {
  readonly kind: FactKind<Fact>
  readonly table: string
  readonly columns: readonly string[]
}

const tables: readonly Table[] = [
  { kind: accounts, table: 'accounts', columns: ['book', 'kind', 'owner'] },
  { kind: holds, table: 'holds', columns: ['book', 'hold'] },
  { kind: proposals, table: 'proposals', columns: ['book', 'proposal'] },
  { kind: programs, table: 'programs', columns: ['program'] },
  { kind: agreements, table: 'agreements', columns: ['accepting', 'home'] },
  { kind: clearingAgreements, table: 'clearing_agreements', columns: ['one', 'other'] },
  { kind: people, table: 'standings', columns: ['person'] },
  { kind: workdays, table: 'workdays', columns: ['year'] },
  { kind: drafts, table: 'program_drafts', columns: ['jurisdiction', 'program'] },
  { kind: enterprises, table: 'enterprises', columns: ['uscc'] },
  { kind: providers, table: 'providers', columns: ['uscc'] },
  { kind: profiles, table: 'provider_profiles', columns: ['uscc'] },
  { kind: homeReviews, table: 'home_reviews', columns: ['uscc'] },
  { kind: recognitionApplications, table: 'recognition_applications', columns: ['provider', 'jurisdiction'] },
  { kind: catalogue, table: 'catalogue', columns: ['jurisdiction', 'code'] },
  { kind: relations, table: 'relations', columns: ['uscc'] },
  { kind: integrity, table: 'integrity_entries', columns: ['uscc'] },
  { kind: vouchers, table: 'vouchers', columns: ['book', 'voucher'] },
  { kind: applications, table: 'applications', columns: ['book', 'application'] },
  { kind: grants, table: 'grants', columns: ['book', 'program', 'enterprise', 'year'] },
  { kind: orders, table: 'orders', columns: ['book', 'order'] },
  { kind: periods, table: 'periods', columns: ['period'] },
  { kind: parts, table: 'settlement_parts', columns: ['book', 'period', 'part', 'piece'] },
  { kind: paymentBatches, table: 'payment_batches', columns: ['book', 'batch'] },
  { kind: statements, table: 'bank_statements', columns: ['book', 'statement'] },
  { kind: bankLines, table: 'bank_lines', columns: ['book', 'account', 'serial'] },
  { kind: exceptions, table: 'bank_exceptions', columns: ['book', 'exception', 'line'] },
  { kind: receipts, table: 'instruction_receipts', columns: ['book', 'payer', 'batch', 'line'] },
  { kind: subsidies, table: 'subsidies', columns: ['book', 'program'] },
  { kind: treasuryFigures, table: 'treasury_figures', columns: ['book', 'program'] },
  { kind: bankAccounts, table: 'bank_accounts', columns: ['owner'] },
  { kind: calendars, table: 'period_calendars', columns: ['year', 'group_name'] },
  { kind: previews, table: 'period_previews', columns: ['period'] },
  { kind: webhooks, table: 'webhooks', columns: ['owner'] },
]

const AT_ONCE = 5000

/** Compares every table with what the log comes to; a sentence about the first row that differs. */
export async function compareRows(sql: Sql, replayed: Replayed): Promise<string | undefined> {
  for (const table of tables) {
    const facts = replayed.facts.get(table.kind) ?? new Map<string, Fact>()
    const finding = (await compareTable(sql, table, facts)) ?? (await findStray(sql, table, facts))
    if (finding) return finding
  }
  return (
    (await compareReaches(sql, replayed)) ?? (await comparePairs(sql, replayed)) ?? (await compareKeys(sql, replayed))
  )
}

async function compareTable(
  sql: Sql,
  { kind, table }: Table,
  facts: ReadonlyMap<string, Fact>,
): Promise<string | undefined> {
  const keys = [...facts.keys()]
  for (let from = 0; from < keys.length; from += AT_ONCE) {
    const some = keys.slice(from, from + AT_ONCE)
    const found = new Map((await kind.load(sql, some)).map((value) => [kind.key(value), value]))
    for (const key of some) {
      const again = plain(kind, facts.get(key)!)
      const value = found.get(key)
      if (!value) return differs(table, key, 'the row', 'missing 缺失', wire(again))
      const kept = plain(kind, value)
      if (isDeepStrictEqual(kept, again)) continue
      const field = [...new Set([...Object.keys(kept), ...Object.keys(again)])].find(
        (name) => !isDeepStrictEqual(kept[name], again[name]),
      )!
      return differs(table, key, field, wire(kept[field]), wire(again[field]))
    }
  }
  return undefined
}

/** A row that no command of the log makes; only when there are more rows than there should be. */
async function findStray(sql: Sql, { kind, table, columns }: Table, facts: ReadonlyMap<string, Fact>) {
  const names = sql(columns as string[])
  const [{ count = 0n } = {}] = await sql<{ count: bigint }[]>`
    select count(*) as count from (select distinct ${names} from ${sql(table)}) as t`
  if (Number(count) === facts.size) return undefined
  const rows = await sql<Record<string, unknown>[]>`select distinct ${names} from ${sql(table)}`
  for (const row of rows) {
    const key = kind.key((kind.name === 'accounts' ? { ...row, kind: accountKind(row.kind as number) } : row) as never)
    if (!facts.has(key)) return differs(table, key, 'the row', 'there 存在', 'none 无')
  }
  return undefined
}

/** A fact without what is kept only in memory or only in the database. */
function plain(kind: FactKind<Fact>, value: Fact): Record<string, unknown> {
  if (kind.name === periods.name) return { ...(value as Period), reaches: null, pairs: null }
  if (kind.name === programs.name) return byVersion(value as ProgramVersions)
  if (kind.name !== holds.name) return { ...value }
  const { legs, ...hold } = value as Hold
  return {
    ...hold,
    legs: legs.map(({ leg, type, debit, credit, amount, open }) => ({
      leg,
      type,
      debit: `${debit.kind}:${debit.owner}`,
      credit: `${credit.kind}:${credit.owner}`,
      amount,
      open,
    })),
  }
}

/** A program's rules field by field, so that a finding names the one that is off and its version. */
function byVersion({ versions }: ProgramVersions): Record<string, unknown> {
  return Object.fromEntries(
    versions.flatMap(({ version, ...rules }) =>
      Object.entries(rules).map(([name, value]) => [version === 1 ? name : `version ${version}, ${name}`, value]),
    ),
  )
}

async function compareReaches(sql: Sql, { facts }: Replayed): Promise<string | undefined> {
  const rows = await sql<{ period: string; reaches: Record<string, number> }[]>`
    select period, jsonb_object_agg(book::text, reach) as reaches from period_reaches group by period`
  const kept = new Map(rows.map(({ period, reaches }) => [period, reaches]))
  for (const value of facts.get(periods)?.values() ?? []) {
    const { period, reaches } = value as Period
    const found = kept.get(period) ?? {}
    if (!isDeepStrictEqual(found, { ...reaches })) {
      return differs('period_reaches', period, 'reach', wire(found), wire(reaches))
    }
  }
  return undefined
}

async function comparePairs(sql: Sql, { facts }: Replayed): Promise<string | undefined> {
  const rows = await sql<(Omit<PeriodPair, 'agreement'> & { period: string; agreement: bigint })[]>`
    select period, one, other, agreement, net, netted, why from period_pairs order by period, one, other, agreement`
  for (const value of facts.get(periods)?.values() ?? []) {
    const { period, pairs } = value as Period
    const kept = rows
      .filter((row) => row.period === period)
      .map(({ period: _, agreement, ...pair }) => ({ ...pair, agreement: Number(agreement) }))
    const again = [...pairs].sort((a, b) => a.one - b.one || a.other - b.other || a.agreement - b.agreement)
    if (
      !isDeepStrictEqual(
        kept,
        again.map((pair) => ({ ...pair })),
      )
    ) {
      return differs('period_pairs', period, 'pairs', wire(kept), wire(again))
    }
  }
  return undefined
}

async function compareKeys(sql: Sql, { keys }: Replayed): Promise<string | undefined> {
  const missing = new Set(keys.keys())
  for (let after = ''; ; ) {
    const rows = await sql<{ key: string; book: number; holder: string | null }[]>`
      select key, book, holder from keys where key > ${after} order by key limit ${AT_ONCE}`
    for (const { key, book, holder } of rows) {
      const again = keys.get(key)
      // A key given back before version 0.2 was deleted.
      if (holder === null ? again?.holder != null : again?.book !== book || again.holder !== holder) {
        return differs('keys', key, 'holder', holder ?? 'none 无', again?.holder ?? 'none 无')
      }
      missing.delete(key)
    }
    if (rows.length < AT_ONCE) break
    after = rows.at(-1)!.key
  }
  for (const key of missing) {
    const { holder } = keys.get(key)!
    if (holder !== null) return differs('keys', key, 'holder', 'none 无', holder)
  }
  return undefined
}

function differs(table: string, key: string, field: string, found: unknown, again: unknown): string {
  return said(
    `${table} ${key.replaceAll('\u001f', ' ')}`,
    `${field} is ${found}, the log decided again makes it ${again}`,
    `${field} 为 ${found}，按日志重演应为 ${again}`,
  )
}
