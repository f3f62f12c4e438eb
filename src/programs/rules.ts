import { localityOf } from '../core/division.js'
import type { Fen } from '../core/money.js'
import { addDays, type Day } from '../core/time.js'
import { REGION } from '../ledger/book.js'
import type { ProgramRules } from './contract.js'
import type { Program } from './facts.js'

/** Rules as they were asked for, as a version of a program; what they leave out is off. */
export function versionOf(
  asked: ProgramRules,
  of: Pick<Program, 'program' | 'jurisdiction' | 'version' | 'effectiveFrom'>,
): Program {
  const { ratio, annualCap, orderCap, payee, invoice, crossRegion, applyFrom, applyTo } = asked
  const { useWithinDays, claimWithinDays, categories, enterpriseTypes } = asked
  return {
    book: REGION,
    program: of.program,
    jurisdiction: of.jurisdiction,
    version: of.version,
    effectiveFrom: of.effectiveFrom,
    ratio,
    annualCap,
    orderCap,
    payee,
    invoice,
    crossRegion,
    applyFrom,
    applyTo,
    useWithinDays,
    claimWithinDays,
    categories,
    enterpriseTypes,
    title: asked.title ?? null,
    document: asked.document ?? null,
    reach: asked.reach ?? null,
    ratios: (asked.ratios ?? []).map((row) => ({
      category: row.category ?? null,
      locality: row.locality ?? null,
      ratio: row.ratio,
      orderCap: row.orderCap ?? null,
    })),
    useBy: asked.useBy ?? null,
    recallUnusedAfterDays: asked.recallUnusedAfterDays ?? null,
    firstGrantLimit: asked.firstGrantLimit ?? null,
    noticeDays: asked.noticeDays ?? null,
    evidence: asked.evidence ?? [],
    verifiedTypes: asked.verifiedTypes ?? false,
    extendDays: asked.extendDays ?? null,
    acceptanceDays: asked.acceptanceDays ?? null,
    appealDays: asked.appealDays ?? null,
  }
}

/** The last day on which a voucher issued on this day can be used. */
export function useByOf({ useWithinDays, useBy }: Program, day: Day): Day {
  const within = addDays(day, useWithinDays)
  return useBy !== null && useBy < within ? useBy : within
}

/** The last day on which a voucher issued on this day may stay unused; null when it is never recalled. */
export function recallOnOf({ recallUnusedAfterDays: days }: Program, day: Day): Day | null {
  return days === null ? null : addDays(day, days)
}

/**
 * The ratio and the cap per order for a category, an enterprise's and a provider's division: of the first row that fits,
 * else the program's own.
 */
export function termsOf(
  program: Program,
  category: string,
  enterprise: string,
  provider: string,
): { readonly ratio: string; readonly orderCap: Fen | null } {
  if (program.ratios.length === 0) return program
  const locality = localityOf(provider, enterprise)
  const row = program.ratios.find(
    (one) =>
      (one.category === null || one.category === category) && (one.locality === null || one.locality === locality),
  )
  return row ? { ratio: row.ratio, orderCap: row.orderCap ?? program.orderCap } : program
}
