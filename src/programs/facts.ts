import type { Locality } from '../core/division.js'
import type { Fen } from '../core/money.js'
import { Refused } from '../core/refusals.js'
import type { Day } from '../core/time.js'
import { type Book, REGION } from '../ledger/book.js'
import type { Fact, FactKind, Find } from '../ledger/fact.js'
import type { AccountName } from '../ledger/plan.js'

/** Another ratio and cap for what fits; null fits everything, and without a cap the program's own counts. */
export interface RatioRow {
  readonly category: string | null
  /** Where the provider is, seen from the enterprise. */
  readonly locality: Locality | null
  readonly ratio: string
  readonly orderCap: Fen | null
}

/** A program under one version of its rules 券种规则, as decisions use it; money is fen, days are calendar days. */
export interface Program extends Fact {
  readonly program: string
  /** The jurisdiction's book: where its pool and vouchers are kept. */
  readonly jurisdiction: Book
  /** 1 as first published; a voucher lives under the version it was issued under. */
  readonly version: number
  /** In force from this day until a later version is; null: from the beginning. */
  readonly effectiveFrom: Day | null
  readonly ratio: string
  readonly annualCap: Fen
  readonly orderCap: Fen | null
  readonly payee: 'provider' | 'enterprise'
  readonly invoice: 'whole' | 'self_paid'
  readonly crossRegion: boolean
  readonly applyFrom: Day
  readonly applyTo: Day
  readonly useWithinDays: number
  readonly claimWithinDays: number
  readonly categories: readonly string[]
  readonly enterpriseTypes: readonly string[]
  readonly title: string | null
  /** 文号 */
  readonly document: string | null
  /** Who may apply, instead of the jurisdiction's own. */
  readonly reach: string | null
  readonly ratios: readonly RatioRow[]
  readonly useBy: Day | null
  readonly recallUnusedAfterDays: number | null
  readonly firstGrantLimit: Fen | null
  readonly noticeDays: number | null
  readonly evidence: readonly string[]
  /** Whether only verified types count; off unless the program says so. */
  readonly verifiedTypes: boolean
  /** By how many calendar days a voucher may be extended, once; null: not at all. */
  readonly extendDays: number | null
  /** In workdays: the provider accepts an order before it delivers. */
  readonly acceptanceDays: number | null
  /** In workdays: a rejected claim can be appealed. */
  readonly appealDays: number | null
}

/** A program with all its versions, oldest first. */
export interface ProgramVersions extends Fact {
  readonly program: string
  readonly jurisdiction: Book
  readonly versions: readonly Program[]
}

export const programs: FactKind<ProgramVersions> = {
  name: 'programs',
  key: ({ program }) => program,
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<Program, 'ratios'> & { ratios: readonly KeptRow[] })[]>`
      select 0 as book, program, jurisdiction, version, effective_from as "effectiveFrom", ratio,
             annual_cap as "annualCap", order_cap as "orderCap", payee, invoice, cross_region as "crossRegion",
             apply_from as "applyFrom", apply_to as "applyTo", use_within_days as "useWithinDays",
             claim_within_days as "claimWithinDays", categories, enterprise_types as "enterpriseTypes", title, document,
             reach, ratios, use_by as "useBy", recall_unused_after_days as "recallUnusedAfterDays",
             first_grant_limit as "firstGrantLimit", notice_days as "noticeDays", evidence,
             verified_types as "verifiedTypes", extend_days as "extendDays",
             acceptance_days as "acceptanceDays", appeal_days as "appealDays"
      from programs where program = any (${keys as string[]}) order by program, version`
    const found = new Map<string, Program[]>()
    for (const row of rows) {
      const versions = found.get(row.program) ?? []
      found.set(row.program, versions)
      versions.push({ ...row, ratios: row.ratios.map(ratioRow) })
    }
    return [...found.values()].map((versions) => together(versions))
  },
}

/** JSON has no bigint: a row's cap is kept as digits. */
type KeptRow = Omit<RatioRow, 'orderCap'> & { readonly orderCap: string | null }
const ratioRow = (row: KeptRow): RatioRow => ({ ...row, orderCap: row.orderCap === null ? null : BigInt(row.orderCap) })

/** Versions of one program, oldest first, as one fact. */
export function together(versions: readonly Program[]): ProgramVersions {
  const { book, program, jurisdiction } = versions[0]!
  return { book, program, jurisdiction, versions }
}

/** The program of this code with all its versions; throws Refused('program_not_found'). */
export function publishedOf(find: Find, code: string): ProgramVersions {
  const published = find(programs, code)
  if (!published) throw new Refused('program_not_found', { program: code })
  return published
}

/** The program of this code under the version in force on this day; throws Refused('program_not_found'). */
export function programOn(find: Find, code: string, day: Day): Program {
  return inForce(publishedOf(find, code), day)
}

/** The newest version that is in force on this day; there is always the first. */
export function inForce({ versions }: ProgramVersions, day: Day): Program {
  return versions.findLast(({ effectiveFrom }) => effectiveFrom === null || effectiveFrom <= day)!
}

/** The program of this code under this version; throws Refused('program_not_found'). */
export function programOf(find: Find, code: string, version: number): Program {
  return publishedOf(find, code).versions[version - 1]!
}

/** A jurisdiction's draft 草稿 of a program's rules. */
export interface Draft extends Fact {
  readonly jurisdiction: Book
  readonly program: string
  /** The number of the region's command that last wrote it. */
  readonly version: number
  /** As they would be published, JSON; null once discarded. */
  readonly rules: string | null
}

const draftKey = (jurisdiction: Book | string, program: string) => `${jurisdiction} ${program}`

export const drafts: FactKind<Draft> = {
  name: 'program_drafts',
  key: ({ jurisdiction, program }) => draftKey(jurisdiction, program),
  bookOf: () => REGION,
  async load(sql, keys) {
    const rows = await sql<(Omit<Draft, 'version'> & { version: bigint })[]>`
      select 0 as book, jurisdiction, program, version, rules from program_drafts
      where jurisdiction || ' ' || program = any (${keys as string[]})`
    return rows.map((row) => ({ ...row, version: Number(row.version) }))
  },
}

/** The draft of this jurisdiction for this program; null when there is none or it was discarded. */
export function draftIn(find: Find, jurisdiction: string, program: string): Draft | null {
  const draft = find(drafts, draftKey(jurisdiction, program))
  return draft?.rules == null ? null : draft
}

/** The same; throws Refused('draft_not_found') when there is none. */
export function draftOf(find: Find, jurisdiction: string, program: string): Draft {
  const draft = draftIn(find, jurisdiction, program)
  if (!draft) throw new Refused('draft_not_found', { program })
  return draft
}

export const poolOf = (program: string): AccountName => ({ kind: 'pool', owner: program })
export const APPROPRIATION: AccountName = { kind: 'appropriation', owner: '' }
