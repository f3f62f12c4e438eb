import { type Fen, share } from '../core/money.js'
import { type Day, isDay, yearOf } from '../core/time.js'
import type { ProgramRules } from '../programs/contract.js'
import type { Program } from '../programs/facts.js'
import type { Subsidy, SubsidyVersion } from './facts.js'

/** The version that is in force on all of these days; undefined when there is none, or it changes between them. */
export function inForceOver({ versions }: Pick<Subsidy, 'versions'>, from: Day, to: Day): SubsidyVersion | undefined {
  const newest = versions.findLast((one) => one.from <= to && from <= one.to)
  return newest && newest.from <= from && to <= newest.to ? newest : undefined
}

/** The run that has some of these days; undefined when none has. */
export const overlapping = ({ runs }: Pick<Subsidy, 'runs'>, from: Day, to: Day) =>
  runs.find((run) => run.from <= to && from <= run.to)

/** What each jurisdiction gets of its base, cut down to fen; nothing where more came back than went out. */
export const sharesOf = (ratio: string, bases: readonly { readonly jurisdiction: string; readonly amount: Fen }[]) =>
  bases.map(({ jurisdiction, amount: base }) => ({
    jurisdiction,
    base,
    amount: base > 0n ? share(ratio, base) : 0n,
  }))

/** The same day so many years later; of a leap day without one, the day before. */
export function yearsLater(day: Day, years: number): Day {
  const moved = `${String(yearOf(day) + years).padStart(4, '0')}${day.slice(4)}`
  return isDay(moved) ? moved : moved.replace(/-29$/, '-28')
}

/** A text that names a year, naming another; undefined when it does not name it. */
const renamed = (text: string, from: number, to: number) =>
  text.includes(String(from)) ? text.replaceAll(String(from), String(to)) : undefined

/** A program's code in another year: with that year instead of its own, or at its end. */
export const codeIn = ({ program, applyFrom }: Pick<Program, 'program' | 'applyFrom'>, year: number) =>
  renamed(program, yearOf(applyFrom), year) ?? `${program}-${year}`

/** A program's rules, moved by whole years so that applications begin in this one. The document behind them is another. */
export function rulesIn(program: Program, year: number): ProgramRules {
  const { book: _, program: __, jurisdiction: ___, version: ____, effectiveFrom: _____, ...rules } = program
  const years = year - yearOf(rules.applyFrom)
  return {
    ...rules,
    categories: rules.categories as ProgramRules['categories'],
    enterpriseTypes: rules.enterpriseTypes as ProgramRules['enterpriseTypes'],
    ratios: rules.ratios as ProgramRules['ratios'],
    evidence: rules.evidence.length > 0 ? (rules.evidence as ProgramRules['evidence']) : null,
    applyFrom: yearsLater(rules.applyFrom, years),
    applyTo: yearsLater(rules.applyTo, years),
    useBy: rules.useBy && yearsLater(rules.useBy, years),
    title: rules.title && (renamed(rules.title, yearOf(rules.applyFrom), year) ?? rules.title),
    document: null,
  }
}
